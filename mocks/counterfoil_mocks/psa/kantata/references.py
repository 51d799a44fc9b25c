"""External references: how integrations find their own records again. They hang on any object; nothing is unique across objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa.kantata.errors import Refused, failure, invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, TRUTH, VENDOR, WORDS, Kind, kept

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.desk import Desk
    from counterfoil_mocks.psa.kantata.view import View

KIND = "external_references"
NEEDED = ("service_name", "service_model", "service_model_ref")
FIELDS = (*NEEDED, "status", "external_link", "external_message", "external_status", "locked", "last_synced_at")
STATES = {"pending": "pending", "successful": "successful", "failed": "failed", "fail": "failed"}
ASKED = {
    "external_reference_service_name": "service_name",
    "external_reference_service_model": "service_model",
    "external_reference_service_model_ref": "service_model_ref",
    "external_reference_service_model_refs": "service_model_ref",
    "external_reference_status": "status",
    "external_reference_external_status": "external_status",
    "external_reference_external_message": "external_message",
}
NOWHERE = "\0"


def conditions(view: View, kind: Kind, table: sa.FromClause) -> list[sa.ColumnElement[bool] | None]:
    """What the filters on references ask of the rows that own them."""
    found: list[sa.ColumnElement[bool] | None] = []
    row = view.system.table("vendor_object").sql.alias()
    mine = [
        row.c.system == view.system.name,
        row.c.vendor == VENDOR,
        row.c.kind == KIND,
        row.c.deleted_at.is_(None),
        member(row, "subject_type") == kind.subject,
    ]
    asked = []
    for name, of in ASKED.items():
        said = view.text(name)
        if said:
            values = [each.strip() for each in said.split(",")] if name.endswith("_refs") else [said]
            if name.endswith("_ref") and view.face.integer_refs and not said.isdecimal():
                values = [NOWHERE]  # the filter takes whole numbers; anything else matches nothing
            asked.append(
                sa.cast(member(row, of), sa.Text).in_([STATES.get(v, v) if of == "status" else v for v in values])
            )
    if asked:
        found.append(table.c.id.in_(sa.select(row.c.owner).where(*mine, *asked)))
    flag = view.flag("has_external_references")
    if flag is not None:
        owners = sa.select(row.c.owner).where(*mine)
        found.append(table.c.id.in_(owners) if flag else table.c.id.not_in(owners))
    without = view.text("without_external_reference_service_name")
    if without:
        owners = sa.select(row.c.owner).where(*mine, member(row, "service_name") == without)
        found.append(table.c.id.not_in(owners))
    return found


def member(row: Any, name: str) -> sa.ColumnElement[Any]:
    """A field of a vendor object in a query."""
    return sa.func.json_extract(row.c.custom, f'$."{KEEP}"."{name}"')


def flagged(row: Any, name: str, *, default: bool = False) -> sa.ColumnElement[bool]:
    """Whether a field of a vendor object is true."""
    return sa.func.coalesce(sa.cast(member(row, name), sa.BigInteger), int(default)) == 1


def of(view: View, subject: str, id: str) -> list[Record]:
    """The references of an object."""
    found = view.all("vendor_object", vendor=VENDOR, kind=KIND, owner=id)
    return [each for each in found if kept(each).get("subject_type") == subject]


def lacking(said: Mapping[str, Any]) -> list[Record]:
    """The failures of a reference that lacks what it needs."""
    return [failure(f"External reference {name} can't be blank", name) for name in NEEDED if not said.get(name)]


def _read(name: str, value: Any) -> Any:
    if value is None or (name == "locked" and value == ""):
        return None
    try:
        return (TRUTH if name == "locked" else WORDS).read(value, {})
    except ValueError:
        raise invalid(f"External reference {name.replace('_', ' ')} is not valid", name) from None


def put(desk: Desk, kind: Kind, id: str, given: Any) -> Record:
    """Give an object a reference; one with the same service name is replaced."""
    said: Mapping[str, Any] = given if isinstance(given, dict) else {}
    missing = lacking(said)
    if missing:
        raise Refused(422, missing)
    values: Record = {name: _read(name, said[name]) for name in FIELDS if name in said}
    if values.setdefault("status", "successful") not in ("pending", "successful", "failed"):
        raise invalid("External reference status is not included in the list", "status")
    try:
        synced = str(said.get("last_synced_at") or desk.tx.stamp)
        values["last_synced_at"] = clock.render(clock.parse(synced))
    except (ValueError, OverflowError):
        raise invalid("External reference last synced at is not an instant", "last_synced_at") from None
    values |= {"subject_type": kind.subject, "subject_id": id, "subject_key": kind.key}
    same = [each for each in of(desk, kind.subject, id) if kept(each)["service_name"] == values["service_name"]]
    columns = {"owner": id, "name": values["service_model_ref"][:500]}
    if same:
        return desk.keep(KIND, values, same[0], columns)
    return desk.keep(KIND, values, None, columns)
