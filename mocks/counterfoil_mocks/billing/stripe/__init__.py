"""Stripe's API (v1) in front of the billing engine."""
