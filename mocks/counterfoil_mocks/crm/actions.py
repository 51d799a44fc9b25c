"""Business deeds in the CRM: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks import common_actions, history
from counterfoil_mocks.crm import contracts, deals, endings
from counterfoil_mocks.crm.model import CUSTOMER, RATE_CARD, ROLE, SITE

common_actions.register(ROLE, CUSTOMER, SITE, RATE_CARD)
history.register(ROLE)

__all__ = ["ROLE", "contracts", "deals", "endings"]
