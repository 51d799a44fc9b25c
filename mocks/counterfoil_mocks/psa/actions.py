"""Business deeds in the PSA: every write goes through here."""

from __future__ import annotations

from counterfoil_mocks.psa.model import ROLE

__all__ = ["ROLE"]
