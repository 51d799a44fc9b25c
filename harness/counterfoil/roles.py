"""The roles of a firm's systems."""

ROLES = ("crm", "psa", "erp", "billing")
"""In the order of their ports."""
