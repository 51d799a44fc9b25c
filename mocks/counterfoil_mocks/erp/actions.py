"""Business deeds in the ERP: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks.erp.model import ROLE

__all__ = ["ROLE"]
