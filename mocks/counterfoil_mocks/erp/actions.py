"""Business deeds in the ERP: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks import common_actions, history
from counterfoil_mocks.erp import (
    cash,
    changes,
    debtors,
    debts,
    endings,
    intercompany,
    journals,
    losses,
    moving,
    periods,
    receivables,
    refunds,
    revaluation,
    revenue,
    schedules,
    work,
)
from counterfoil_mocks.erp.model import CUSTOMER, ROLE, SITE

common_actions.register(ROLE, CUSTOMER, SITE)
history.register(ROLE)

__all__ = [
    "ROLE",
    "cash",
    "changes",
    "debtors",
    "debts",
    "endings",
    "intercompany",
    "journals",
    "losses",
    "moving",
    "periods",
    "receivables",
    "refunds",
    "revaluation",
    "revenue",
    "schedules",
    "work",
]
