"""Business deeds in the billing engine: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks import common_actions, history
from counterfoil_mocks.billing import credits, invoices, items, plans
from counterfoil_mocks.billing.model import CUSTOMER, RATE_CARD, ROLE, SITE

common_actions.register(ROLE, CUSTOMER, SITE, RATE_CARD)
history.register(ROLE)

__all__ = ["ROLE", "credits", "invoices", "items", "plans"]
