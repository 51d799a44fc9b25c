"""F-09: pages are counted by offset while rows move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

from counterfoil.reference.connectors import Records
from counterfoil.reference.connectors.native import Call, NativeConnector, plural
from counterfoil.reference.mutants import Mutant


class CountsOn(NativeConnector):
    """Goes on at `offset + 100`, whatever has changed since the page before."""

    async def pages(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        style = "offset" if self.name == "psa" else "cursor"
        asked, following = {name: str(value) for name, value in where.items()}, ""
        while following is not None:
            query = {**asked, style: following} if following else asked
            answer = await self.send(Call("GET", f"/{plural(entity)}" + (f"?{urlencode(query)}" if query else "")))
            following = answer["next"]
            yield answer["items"]


MUTANT = Mutant(
    id="F-09",
    title="A list is read by offset over `order by updated_at`: rows that move while it is read push others past the offset.",
    invariants=("INV-44", "INV-17"),
    scenarios=("S-41",),
    parts={"connector": CountsOn},
)
