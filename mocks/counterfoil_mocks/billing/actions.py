"""Business deeds in the BILLING: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks.billing.model import ROLE

__all__ = ["ROLE"]
