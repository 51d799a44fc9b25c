"""Custom fields and their values. Those that are named like a field of the business are that field; the others live with their subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import COMMON, Field, Record
from counterfoil_mocks.kernel.wire import patch_shape
from counterfoil_mocks.protocols import conversion
from counterfoil_mocks.psa.kantata.errors import invalid
from counterfoil_mocks.psa.kantata.kind import VENDOR, Kind, kept, snake
from counterfoil_mocks.psa.model import ROLE

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.view import View

COPIED = "external_id source_key version"
BUSINESS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "workspaces": (
        ("project",),
        "contract_no project_no opp_no legal_entity practice budget_hours budget_cost etc_hours etc_cost co_seq rate_card_code"
        f" rate_card_version lines {COPIED}",
    ),
    "workspace_groups": (
        ("customer",),
        "customer_no country vat_id legal_name parent status tax_no tax_status exemption_cert exemption_expires vat_validated_at"
        f" terms invoice_ccy credit_limit po_required language owner segment distinct_approved {COPIED}",
    ),
    "stories": (
        ("task", "milestone"),
        f"task_code ms_code line_no contract_no project_no amount rev_weight completed_at accepted_at accepted_by {COPIED}",
    ),
    "users": (
        ("employee",),
        "employee_no legal_entity region level cost_rate cost_ccy capacity_minutes_per_day calendar tz status version",
    ),
    "time_entries": (
        ("time_entry",),
        "entry_id contract_no project_no legal_entity line_no employee_no employee_entity approval billing bill_rate rate_source"
        f" amount cost cost_ccy approved_by approved_at invoice_line rejected_reason original_entry {COPIED}",
    ),
    "expenses": (
        ("expense",),
        "expense_id contract_no project_no legal_entity line_no employee_no approval billing category ccy vat_recoverable fx_rate"
        f" cost markup bill_amount receipt approved_by approved_at invoice_line {COPIED}",
    ),
}
"""By collection: whose fields they are in the business, and those that Kantata has no place for."""
SUBJECTS = {
    "workspace": "workspaces",
    "workspace_group": "workspace_groups",
    "story": "stories",
    "user": "users",
    "time_entry": "time_entries",
    "expense": "expenses",
}
TYPES = ("string", "date", "number", "currency", "single", "multi")
TYPE_OF = {"integer": "number", "date": "date", "money": "currency"}
"""The type of a custom field by the kind of the business's field; all others are texts."""
FIRST = 101
SHARED = {each.name: each for each in COMMON}


@dataclass(frozen=True, eq=False)
class CustomField:
    """A custom field. places: the business's field that it is, by entity; empty for one that is only kept. choices: labels by id.
    length: most characters."""

    id: str
    name: str
    type: str
    key: str
    places: Mapping[str, Field] = field(default_factory=dict)
    choices: Mapping[int, str] = field(default_factory=dict)
    length: int | None = None

    @property
    def column(self) -> str:
        """The column of the business, empty for one that is only kept."""
        return self.name if self.places else ""


def built_in() -> list[CustomField]:
    """The custom fields that each account has: the business's own."""
    found: list[CustomField] = []
    for key, (entities, names) in BUSINESS.items():
        for name in names.split():
            places = {
                entity: SHARED.get(name) or ROLE.by_name[entity].by_name[name]
                for entity in entities
                if name in SHARED or name in ROLE.by_name[entity].by_name
            }
            kind = TYPE_OF.get(next(iter(places.values())).kind, "string")
            found.append(CustomField(str(FIRST + len(found)), name, kind, key, places))
    return found


class Values:
    """The custom fields of an account and what they are set to. built_in: those that it has from its first day."""

    def __init__(self, built_in: Sequence[CustomField]) -> None:
        self.built_in = built_in

    def fields(self, view: View, key: str | None = None) -> list[CustomField]:
        """All custom fields, or those of a collection; a call looks them up once."""
        if key not in view.custom_fields:
            made = [
                CustomField(
                    each["id"],
                    kept(each)["name"],
                    kept(each)["value_type"],
                    kept(each)["key"],
                    choices={int(id): label for id, label in (kept(each).get("choices") or {}).items()},
                )
                for each in view.all("vendor_object", vendor=VENDOR, kind="custom_fields")
            ]
            view.custom_fields[key] = [each for each in (*self.built_in, *made) if key is None or each.key == key]
        return view.custom_fields[key]

    def field(self, view: View, key: str, id: Any) -> CustomField:
        """A custom field of a collection; raises Refused 422."""
        for each in self.fields(view, key):
            if each.id == str(id):
                return each
        raise invalid("Custom field is not valid for this subject", "custom_field_id")

    def shown_field(self, view: View, each: CustomField) -> Record:
        """A custom field as an object."""
        return {
            "name": each.name,
            "value_type": each.type,
            "subject_type": SUBJECT_OF[each.key],
            "custom_field_set_id": set_id(each.key),
            "account_id": view.account_id,
            "default_value": None,
            "choices": [{"id": id, "label": label} for id, label in each.choices.items()],
            "id": each.id,
        }

    def of(self, view: View, record: Record) -> list[Record]:
        """The values that a subject has."""
        key = key_of(record)
        own = kept(record).get("values") or {}
        common = {
            "subject_type": SUBJECT_OF[key],
            "subject_id": int(record["id"]),
            "can_edit": True,
            "setter_id": view.user_id,
            "account_id": view.account_id,
            "created_at": view.local(record["created_at"]),
            "updated_at": view.local(record["updated_at"]),
        }
        found = []
        for each in self.fields(view, key):
            if not each.places:
                value = own.get(each.id)
            elif (stored := record.get(each.name)) is None:
                continue
            else:
                value = shown(next(iter(each.places.values())), stored, record)
            if value is not None:
                found.append(
                    {
                        **common,
                        "custom_field_id": each.id,
                        "custom_field_name": each.name,
                        "type": each.type,
                        "value": value,
                        "display_value": displayed(view, each, value),
                        "id": f"{record['id']}{each.id}",
                    }
                )
        return found

    def all(self, view: View) -> list[Record]:
        """The values of all subjects of the type asked for; raises Refused 422 where none is."""
        kind = view.face.kinds[self.key(view.text("subject_type"))]
        ids = view.names("subject_id") or view.names("with_subject_id")
        found: list[Record] = []
        for map in kind.maps:
            records = view.some(map.entity, ids) if ids else view.all(map.entity)
            for record in records:
                found += self.of(view, record)
        return found

    @staticmethod
    def key(subject: str) -> str:
        """The collection of a subject type; raises Refused 422."""
        words = snake(subject)
        if words not in SUBJECTS:
            raise invalid("Subject type can't be blank", "subject_type")
        return SUBJECTS[words]

    def columns(self, view: View, kind: Kind, entity: str, given: Any) -> Record:
        """What `custom_fields` of a body says of the business's own fields, as stored values of a new record."""
        said = [(each, value) for each, value in self.read(view, kind, given) if entity in each.places]
        return {each.name: stored(each, entity, value) for each, value in said if value is not None}

    def read(self, view: View, kind: Kind, given: Any) -> Iterable[tuple[CustomField, Any]]:
        """The fields and values of `custom_fields` of a body; raises Refused 422."""
        if given is None:
            return
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise invalid("Custom fields must be a list of custom_field_id and value", "custom_fields")
        for said in given:
            each = self.field(view, kind.key, said.get("custom_field_id"))
            yield each, checked(each, said.get("value"))

    def changes(self, view: View, kind: Kind, record: Record, given: Any) -> tuple[Record, Record]:
        """What `custom_fields` of a body changes of a subject: columns of the business, and what is only kept. Raises Refused 422."""
        entity, fields = kind.map_of(record).entity, dict(self.read(view, kind, given))
        columns = {each.name: stored(each, entity, value) for each, value in fields.items() if each.places}
        own = {each.id: value for each, value in fields.items() if not each.places}
        return columns, {"values": {**(kept(record).get("values") or {}), **own}} if own else {}


def displayed(view: View, custom: CustomField, value: Any) -> str:
    """A value as people read it: choices by their labels, amounts with their sign."""
    if custom.type == "currency" and isinstance(value, list) and len(value) == 2 and str(value[1]) in money.KNOWN:
        return view.formatted(value[0], value[1]) if isinstance(value[0], int) else ", ".join(map(str, value))
    if not isinstance(value, list):
        return str(value)
    return ", ".join(custom.choices.get(each, str(each)) if isinstance(each, int) else str(each) for each in value)


def choices_of(given: Any) -> Mapping[str, str]:
    """The choices of a new custom field, as labels or objects with one, by number; raises Refused 422."""
    if given in (None, ""):
        return {}
    if not isinstance(given, list):
        raise invalid("Choices must be a list", "choices")
    labels = [each.get("label") if isinstance(each, dict) else each for each in given]
    if not all(isinstance(each, str) and each for each in labels) or len(set(map(str, labels))) < len(labels):
        raise invalid("Choices must have labels, each once", "choices")
    return {str(number): str(label) for number, label in enumerate(labels, 1)}


def shown(place: Field, value: Any, record: Record) -> Any:
    """A value of the business as a custom field holds it: money as subunits and code, lists as JSON, decimals as text."""
    if place.kind == "money":
        return [value, record[place.ccy]]
    if place.kind == "decimal":
        return money.unscaled(value, place.scale)
    if place.kind == "boolean":
        return str(value).lower()
    if place.kind == "lines" and place.entity is not None:
        return orjson.dumps([place.entity.line_to_wire(line) for line in value]).decode() if value else None
    return value


def stored(custom: CustomField, entity: str, value: Any) -> Any:
    """A custom field's value as the business keeps it; raises Refused 422."""
    place = custom.places.get(entity)
    if place is None:
        raise invalid("Custom field is not valid for this subject", "custom_field_id")
    if place.computed:
        raise invalid(f"{custom.name} is worked out and cannot be set", "custom_fields")
    try:
        if value is not None:
            if place.kind == "money":
                value = {"minor": value[0], "ccy": value[1]}
            elif place.kind == "boolean":
                value = {"true": True, "false": False}.get(value)
            elif place.kind == "lines":
                value = orjson.loads(value)
        elif place.default is not None:
            return place.default
        return patch_shape(ROLE.by_name[entity]).read({place.name: value})[place.name]
    except (Problem, orjson.JSONDecodeError):
        raise invalid(f"{custom.name} is not valid", "custom_fields") from None


def checked(custom: CustomField, value: Any) -> Any:
    """A value as its field wants it; raises Refused 422."""
    if value is None or value == "":
        return None
    if custom.type == "number":
        if not str(value).lstrip("-").isdecimal():
            raise invalid(f"{custom.name} is not a number", "value")
        return int(value)
    if custom.type == "currency":
        pair = isinstance(value, list) and len(value) == 2
        if not pair or not str(value[0]).lstrip("-").isdecimal() or not isinstance(value[1], str):
            raise invalid(f"{custom.name} must be an amount in subunits and a currency", "value")
        if value[1] not in money.KNOWN:
            raise invalid(f"{custom.name} has an unknown currency", "value")
        return [int(value[0]), value[1]]
    if custom.type in ("single", "multi") and custom.choices:
        chosen = value if isinstance(value, list) else [value]
        ids = [int(each) if str(each).isdecimal() else 0 for each in chosen]
        if not all(each in custom.choices for each in ids) or (custom.type == "single" and len(ids) != 1):
            raise invalid(f"{custom.name} is not included in the list", "value")
        return ids
    if custom.type in ("string", "date") and not isinstance(value, (str, int)):
        raise invalid(f"{custom.name} must be text", "value")
    if custom.type == "date" and not custom.places and not is_day(value):
        raise invalid(f"{custom.name} is not a date", "value")
    if custom.length is not None and len(str(value)) > custom.length:
        raise invalid(f"{custom.name} is too long (maximum is {custom.length} characters)", "value")
    return str(value) if custom.type in ("string", "date") else value


def is_day(value: Any) -> bool:
    """Whether it is a date, `2026-02-25`."""
    try:
        return isinstance(value, str) and conversion.DATE.read(value, {}) == value
    except ValueError:
        return False


MARKS = {
    "task_code": "stories",
    "ms_code": "stories",
    "entry_id": "time_entries",
    "expense_id": "expenses",
    "customer_no": "workspace_groups",
    "opp_no": "workspaces",
}
"""Columns that tell whose a record is."""
SUBJECT_OF = {key: name for name, key in SUBJECTS.items()}


def set_id(key: str) -> str:
    """The set of the custom fields of a collection."""
    return str(list(SUBJECT_OF).index(key) + 1)


def sets() -> list[Record]:
    """The sets of custom fields: one for each type of subject."""
    return [
        {"name": f"{subject.replace('_', ' ').capitalize()} fields", "subject_type": subject, "id": set_id(key)}
        for subject, key in SUBJECTS.items()
    ]


def key_of(record: Record) -> str:
    """The collection that a subject belongs to."""
    return next((key for column, key in MARKS.items() if column in record), "users")
