"""What the connectors of vendors have in common: objects by rows of fields, and the native face for what a vendor has no object for."""

from __future__ import annotations

from typing import ClassVar

from counterfoil.reference.connectors import Record
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.errors import Refused


class VendorConnector(NativeConnector):
    """A system that speaks a vendor's protocol; its methods go by that protocol where they can, else by the native ones of this class.

    NATIVE: what the vendor has no object or operation for, each with the reason: `entity` or `entity.verb` (verbs: get, list, create,
    patch, remove) or the name of a deed.
    """

    NATIVE: ClassVar[dict[str, str]] = {}

    def natively(self, entity: str, verb: str) -> bool:
        """Whether the vendor has nothing for it."""
        return entity in self.NATIVE or f"{entity}.{verb}" in self.NATIVE

    async def known(self, entity: str, id: str) -> Record:
        """A record in our words, after the vendor has done something to it; raises Refused 404 where it is gone."""
        found = await self.get(entity, id)
        if found is None:
            raise Refused(404, {"code": "NOT_FOUND", "detail": f"there is no {entity} {id}"}, f"GET {entity}")
        return found
