"""Merging look-alikes: the losers go to the bin and say who took their place, their children move over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil_mocks.crm.salesforce.desk import Desk
from counterfoil_mocks.crm.salesforce.errors import Refused

MERGEABLE = ("Account", "Contact")
MOST = 2


def merge(desk: Desk, winner_id: str, losers: list[str], given: Mapping[str, Any]) -> list[str]:
    """Merge records of one kind into another; returns the ids of the children that moved. Raises Refused."""
    each = desk.face.object_of(winner_id)
    if each is None or each.name not in MERGEABLE:
        raise Refused(400, "INVALID_ID_FIELD", "Only accounts and contacts can be merged", [])
    if not 1 <= len(losers) <= MOST:
        raise Refused(400, "INVALID_ARRAY_SIZE", f"1 to {MOST} records are merged into the master record", [])
    moved: list[str] = []
    with desk.deed() as tx:
        winner = desk.record(each, winner_id)
        for loser_id in losers:
            loser = desk.record(each, loser_id)
            if loser["id"] == winner["id"] or desk.face.object_of(loser_id) is not each:
                raise Refused(400, "INVALID_ID_FIELD", "A record cannot be merged into itself or another kind", [])
            moved += _move(desk, each.name, loser["id"], winner["id"])
            entity = desk.entity(each)
            status = {"status": "MERGED"} if "status" in entity.by_name else {}
            tx.update(
                entity,
                loser,
                {**status, "merged_into": winner["id"], "deleted_at": tx.stamp},
                event=entity.events.get("deleted", ""),
            )
        if given:
            desk.update(each, winner["id"], given)
    return moved


def _move(desk: Desk, name: str, loser: str, winner: str) -> list[str]:
    """Hang everything that refers to one record on another."""
    moved = []
    for child in desk.face.objects.values():
        for one in child.fields:
            if name not in one.refers or not child.entity or "ro" in one.marks:
                continue
            entity = desk.entity(child)
            where = {"kind": child.name} if child.entity == "vendor_object" else {}
            if one.column:
                found = desk.tx.find(child.entity, **where, **{one.column: loser})
                for record in found:
                    desk.tx.update(entity, record, {one.column: winner})
            else:
                found = [
                    each
                    for each in desk.tx.find(child.entity, **where)
                    if (each["custom"] or {}).get(one.name) == loser
                ]
                for record in found:
                    desk.tx.update(entity, record, {"custom": {**record["custom"], one.name: winner}})
            moved += [record["id"] for record in found]
    return moved
