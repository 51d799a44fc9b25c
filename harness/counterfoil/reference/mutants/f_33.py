"""F-33: every worker refreshes for itself."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.mutants import Mutant


class RefreshesAlone(NativeConnector):
    """Nobody waits for the other's refresh, and the refresh token is kept after its use."""

    async def _renew(self) -> bool:
        granted = await self._grant()
        self._token = granted["access_token"]
        self._refresh = self._refresh or granted.get("refresh_token")
        return True

    async def _grant(self) -> Record:
        kept = self._refresh
        try:
            return await super()._grant()
        finally:
            self._refresh = kept


MUTANT = Mutant(
    id="F-33",
    title="Each worker refreshes the token for itself and keeps the old refresh token, which the others have used up.",
    invariants=("INV-44", "INV-47", "INV-17"),
    scenarios=("S-35",),
    parts={"connector": RefreshesAlone},
)
