"""Business deeds in the PSA: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks import common_actions, history
from counterfoil_mocks.psa import billed, cards, expenses, milestones, projects, timesheets
from counterfoil_mocks.psa.model import CUSTOMER, RATE_CARD, ROLE

common_actions.register(ROLE, CUSTOMER, rate_card=RATE_CARD)
history.register(ROLE)

__all__ = ["ROLE", "billed", "cards", "expenses", "milestones", "projects", "timesheets"]
