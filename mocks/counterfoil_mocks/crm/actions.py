"""Business deeds in the CRM: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks.crm.model import ROLE

__all__ = ["ROLE"]
