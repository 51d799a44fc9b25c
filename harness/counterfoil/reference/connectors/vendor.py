"""What the connectors of vendors have in common: objects by rows of fields, and the native face for what a vendor has no object for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import aiohttp

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Trail
from counterfoil.reference.connectors.native import Call, NativeConnector
from counterfoil.reference.errors import Refused


class VendorConnector(NativeConnector):
    """A system that speaks a vendor's protocol; its methods go by that protocol where they can, else by the native ones of this class.

    NATIVE: what the vendor has no object or operation for, each with the reason: `entity` or `entity.verb` (verbs: get, list, create,
    patch, remove) or the name of a deed; the row of an entity covers the deeds that are called by it.
    """

    NATIVE: ClassVar[dict[str, str]] = {}

    @classmethod
    def natively(cls, entity: str, verb: str) -> bool:
        """Whether the vendor has nothing for it."""
        return entity in cls.NATIVE or f"{entity}.{verb}" in cls.NATIVE

    def refuses_second(self, entity: str) -> bool:
        return False

    async def known(self, entity: str, key: str) -> Record:
        """A record that must be there, by native id or business key; raises Refused 404 where there is none, or none any more."""
        found = await self.get(entity, key)
        if found is None:
            raise Refused(404, {"code": "NOT_FOUND", "detail": f"there is no {entity} {key}"}, f"GET {entity}")
        return found


class VendorWire(NativeConnector):
    """Calls to a vendor's own API beside the native face, tried again as the native connector does it.

    owner: the connector that speaks by it, whose way of writing, waiting and trying again it is.
    """

    def __init__(
        self, owner: NativeConnector, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10
    ) -> None:
        super().__init__(settings, session, patience)
        self.owner = owner
        self.keyed = False

    def _write(self, method: str, path: str, body: Any, trail: Trail) -> Call:
        return replace(self.owner._write(method, path, body, trail), key=trail.key if self.keyed else None)

    async def before_repeat(self, call: Call, look_up: LookUp | None) -> tuple[Call, Record | None]:
        return await self.owner.before_repeat(call, look_up)

    async def _opened(self) -> None:
        await self.owner._opened()

    def _wait_told(self, status: int, headers: Mapping[str, str]) -> float:
        return self.owner._wait_told(status, headers)

    async def _renew(self) -> bool:
        return False  # keys live until they are revoked
