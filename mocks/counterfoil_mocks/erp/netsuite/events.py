"""What a script of the account tells others: NetSuite itself pushes nothing, but a user event may call out after a record was submitted.

Its payload is of the script's own design; it is sent once, without a signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import orjson

from counterfoil_mocks.erp.netsuite.kept_objects import BILLABLE, PENDING, SALES_ORDER, state_of
from counterfoil_mocks.erp.netsuite.record_types import is_of
from counterfoil_mocks.kernel import webhooks
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.protocols.fieldmap import ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.system import System
    from counterfoil_mocks.kernel.tx import Tx

KINDS = ("create", "edit", "delete")
APPROVED = f"{SALES_ORDER.name}.approve"
"""What a script is told when an order that was pending may be billed."""


def subscribe(
    system: System, records: Mapping[str, ObjectMap], url: str, types: list[str], secret: str | None, vendor: str
) -> Record:
    """Have a script call an address; types as `invoice.create`. Types of our own events take the native way."""
    known = {APPROVED, *(f"{name}.{kind}" for name in records for kind in KINDS)}
    if not known.intersection(types):
        return webhooks.subscribe(system, url, types, secret)
    unknown = [each for each in types if each not in known]
    if unknown:
        raise invalid(
            "types", f"{unknown[0]!r} is no event of a record", "Write `recordType.create`, `.edit` or `.delete`."
        )
    return webhooks.subscribe(system, url, types, secret, face=vendor)


def wrote(
    tx: Tx, records: Mapping[str, ObjectMap], touched: Sequence[tuple[Entity, Record | None, Record]], vendor: str
) -> None:
    """Tell those who asked of what a deed has written."""
    if not any(each["face"] == vendor for each in tx.system.subscribers()):
        return
    for entity, before, after in touched:
        for name, each in records.items():
            if each.entity == entity.name and is_of(each, after):
                kind = "create" if before is None else "delete" if after["deleted_at"] else "edit"
                if before is not None and name == SALES_ORDER.name and approved(before, after):
                    kind = "approve"
                said = {
                    "recordType": name,
                    "id": after["id"],
                    "externalId": after["external_id"],
                    "eventType": kind,
                    "timestamp": tx.now[:19] + "Z",
                }
                tx.tell(entity, after, f"{name}.{kind}", said)


def approved(before: Record, after: Record) -> bool:
    """Whether an order has been approved."""
    return state_of(before["custom"]) == PENDING and state_of(after["custom"]) in BILLABLE


def body(event: Record) -> bytes:
    """What is posted."""
    extra = event["extra"]
    return orjson.dumps(extra if isinstance(extra, dict) else orjson.loads(extra))
