"""Custom fields and their values. Those that are named like a field of the business are that field; the others live with their subject."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa.kantata.errors import invalid
from counterfoil_mocks.psa.kantata.kind import VENDOR, Kind, kept

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.desk import Desk
    from counterfoil_mocks.psa.kantata.view import View

BUSINESS: Mapping[str, tuple[str, ...]] = {
    "workspaces": ("contract_no", "project_no", "opp_no", "legal_entity", "practice"),
    "workspace_groups": ("customer_no", "country", "vat_id", "legal_name"),
    "stories": ("task_code", "ms_code", "line_no"),
}
"""Fields of the business that Kantata has no place for, by collection."""
NUMBERS = ("line_no",)
SUBJECTS = {"workspace": "workspaces", "workspace_group": "workspace_groups", "story": "stories", "user": "users"}
TYPES = ("string", "date", "number", "currency", "single", "multi")
FIRST = 101


class CustomField(NamedTuple):
    """A custom field. column: of the business, empty for one that is only kept."""

    id: str
    name: str
    type: str
    key: str
    column: str = ""


class Values:
    """The custom fields of an account and what they are set to."""

    def __init__(self) -> None:
        places = [(key, name) for key, names in BUSINESS.items() for name in names]
        self.built_in = [
            CustomField(str(FIRST + number), name, "number" if name in NUMBERS else "string", key, name)
            for number, (key, name) in enumerate(places)
        ]

    def fields(self, view: View, key: str | None = None) -> list[CustomField]:
        """All custom fields, or those of a collection."""
        made = [
            CustomField(each["id"], kept(each)["name"], kept(each)["value_type"], kept(each)["key"])
            for each in view.all("vendor_object", vendor=VENDOR, kind="custom_fields")
        ]
        return [each for each in (*self.built_in, *made) if key is None or each.key == key]

    def field(self, view: View, key: str, id: Any) -> CustomField:
        """A custom field of a collection; raises Refused 422."""
        for each in self.fields(view, key):
            if each.id == str(id):
                return each
        raise invalid("Custom field is not valid for this subject", "custom_field_id")

    def shown_field(self, view: View, each: CustomField) -> Record:
        """A custom field as an object."""
        subject = next(name for name, key in SUBJECTS.items() if key == each.key)
        return {
            "name": each.name,
            "value_type": each.type,
            "subject_type": subject,
            "account_id": view.account_id,
            "default_value": None,
            "id": each.id,
        }

    def of(self, view: View, record: Record) -> list[Record]:
        """The values that a subject has."""
        key = key_of(record)
        found = []
        for each in self.fields(view, key):
            value = record.get(each.column) if each.column else (kept(record).get("values") or {}).get(each.id)
            if value is not None:
                found.append(self._shown(view, record, each, value))
        return found

    def _shown(self, view: View, record: Record, each: CustomField, value: Any) -> Record:
        subject = next(name for name, key in SUBJECTS.items() if key == each.key)
        return {
            "subject_type": subject,
            "subject_id": int(record["id"]),
            "custom_field_id": each.id,
            "custom_field_name": each.name,
            "type": each.type,
            "value": value,
            "display_value": ", ".join(map(str, value)) if isinstance(value, list) else str(value),
            "can_edit": True,
            "setter_id": view.user_id,
            "account_id": view.account_id,
            "created_at": view.local(record["created_at"]),
            "updated_at": view.local(record["updated_at"]),
            "id": f"{record['id']}{each.id}",
        }

    def all(self, view: View) -> list[Record]:
        """The values of all subjects of the type asked for; raises Refused 422 where none is."""
        kind = view.face.kinds[self.key(view.text("subject_type"))]
        ids = view.names("subject_id")
        found: list[Record] = []
        for map in kind.maps:
            records = view.some(map.entity, ids) if ids else view.all(map.entity)
            for record in records:
                found += self.of(view, record)
        return found

    @staticmethod
    def key(subject: str) -> str:
        """The collection of a subject type; raises Refused 422."""
        words = "".join(f"_{each.lower()}" if each.isupper() else each for each in subject).lstrip("_")
        if words not in SUBJECTS:
            raise invalid("Subject type can't be blank", "subject_type")
        return SUBJECTS[words]

    def columns(self, view: View, kind: Kind, given: Any) -> Record:
        """What `custom_fields` of a body says of the business's own fields."""
        found: Record = {}
        for each, value in self.read(view, kind, given):
            if each.column:
                found[each.column] = self.bounded(view, kind, each, value)
        return found

    @staticmethod
    def bounded(view: View, kind: Kind, field: CustomField, value: Any) -> Any:
        """A value of the business's own field, if the business can hold it; raises Refused 422."""
        for map in kind.maps:
            found = view.system.role.by_name[map.entity].by_name.get(field.column)
            if found is None or value is None:
                continue
            long = found.kind == "text" and len(str(value)) > found.limit
            beyond = found.kind == "integer" and not (found.low or 0) <= value <= (found.high or value)
            if long or beyond or (found.pattern and not re.fullmatch(found.pattern, str(value))):
                raise invalid(f"{field.name} is not valid", "custom_fields")
        return value

    def read(self, view: View, kind: Kind, given: Any) -> Iterable[tuple[CustomField, Any]]:
        """The fields and values of `custom_fields` of a body; raises Refused 422."""
        if given is None:
            return
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise invalid("Custom fields must be a list of custom_field_id and value", "custom_fields")
        for each in given:
            field = self.field(view, kind.key, each.get("custom_field_id"))
            yield field, checked(field, each.get("value"))

    def put(self, desk: Desk, kind: Kind, record: Record, field: CustomField, value: Any) -> Record:
        """Set a value on a subject."""
        if field.column:
            return desk.alter(kind, record, {field.column: self.bounded(desk, kind, field, value)})
        values = {**(kept(record).get("values") or {}), field.id: value}
        return desk.alter(kind, record, {}, {"values": values})


def checked(field: CustomField, value: Any) -> Any:
    """A value as its field wants it; raises Refused 422."""
    if value is None or value == "":
        return None
    if field.type == "number":
        if not str(value).lstrip("-").isdecimal():
            raise invalid(f"{field.name} is not a number", "value")
        return int(value)
    if field.type in ("string", "date") and not isinstance(value, (str, int)):
        raise invalid(f"{field.name} must be text", "value")
    return str(value) if field.type in ("string", "date") else value


def key_of(record: Record) -> str:
    """The collection that a subject belongs to."""
    if "task_code" in record or "ms_code" in record:
        return "stories"
    if "project_no" in record:
        return "workspaces"
    return "workspace_groups" if "customer_no" in record else "users"
