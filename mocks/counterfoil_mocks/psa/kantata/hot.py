"""The lower limits of single addresses: making and listing projects, inviting people, values of custom fields."""

from __future__ import annotations

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.psa.kantata.errors import Refused

HOT = frozenset(
    (
        "create_project",
        "list_project",
        "invite_to_project",
        "create_account_invitation",
        "resend_account_invitation",
        "list_custom_field_value",
        "create_custom_field_value",
    )
)
"""Operations that have a limit of their own."""
SHARE = 5
"""The general limit is so many times as high."""


class Hot:
    """A token bucket on the wall clock, in force while the system's limits have a `rate`; this process counts for itself."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._level = self._filled_at = 0.0

    def enter(self, operation: str) -> None:
        """Count a call; raises Refused 429, without a word on when to come again."""
        rate = (self.system.settings.get("limits") or {}).get("rate")
        if operation not in HOT or not rate:
            return
        own, now = max(float(rate) / SHARE, 1.0), clock.wall()
        self._level = min(own, self._level + (now - self._filled_at) * own)
        self._filled_at = now
        if self._level < 1:
            raise Refused(429, [{"type": "system", "message": "Rate limit exceeded, retry after a small delay"}])
        self._level -= 1
