"""Kantata's objects as the reference reads and writes them: rows of fields, filters, and what Kantata has nothing for. All of it is data.

Whatever has no row here is a custom field named like our field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from counterfoil.reference.connectors import Record
from counterfoil.reference.connectors.fields import MAJOR, MINOR, WHOLE, Fields, Kind, Row
from counterfoil.reference.matching import NAME_LIMIT, shortened

NATIVE = {
    "rate_card.create": "versions carry the CRM's numbers, which Kantata has no place for, and a card needs a call for each rate: a half-made one would rate time",
    "rate_card.get": "found by code and version, and Kantata numbers no versions",
    "fx_rate": "Kantata has no exchange rates",
    "assignment": "the reference assigns nobody; people are",
    "change_order": "Kantata's budget change orders cannot be made through its API",
    "apply_change_order": "Kantata's budget change orders cannot be made through its API",
    "update_etc": "the reference estimates nothing; project managers do",
    "merge_customer": "Kantata's groups cannot be merged through its API",
    "reopen_task": "only a mutant does it",
    "release_billed": "for entries that no invoice of Kantata's bills: they were billed before it was connected",
}
BILLING = ("mark_billed", "release_billed")
"""Deeds that are made by invoices."""
DEEDS = {
    "activate_project": 300,
    "resume_project": 300,
    "hold_project": 410,
    "complete_project": 600,
    "cancel_project": 610,
    "close_project": 620,
}
"""Deeds that are a new `status_key` of the workspace."""
STATUSES = {
    100: "PLANNED",
    130: "PLANNED",
    300: "ACTIVE",
    305: "ACTIVE",
    400: "ACTIVE",
    410: "ON_HOLD",
    500: "ACTIVE",
    600: "COMPLETED",
    610: "CANCELLED",
    620: "CLOSED",
}
FLAGS = ("po_required", "distinct_approved", "receipt")
"""Custom fields that say `true` or `false`."""
LISTS = ("lines",)
"""Custom fields that hold a list, as JSON."""
WRITTEN = {"price_in_cents": "price"}
"""What is read under one name and written under another."""

TEXT = Kind(lambda value, ccy: value or None, lambda value, ccy: value)
"""A text or date; unset is empty."""
PRICE = Kind(MINOR.read, MAJOR.say)
"""Money that is read in subunits and written in main units."""
STATUS = Kind(lambda value, ccy: STATUSES.get(value), lambda value, ccy: value)
TASK_STATE = Kind(lambda value, ccy: "CLOSED" if value == "completed" else "OPEN", lambda value, ccy: value)
MILESTONE_STATES = {"started": "IN_PROGRESS", "completed": "COMPLETED"}
MILESTONE_STATE = Kind(lambda value, ccy: MILESTONE_STATES.get(value, "PLANNED"), lambda value, ccy: value)


@dataclass(frozen=True)
class Thing:
    """One kind of object.

    path: its collection, and its map in the envelope. root: of bodies. subject: what its custom fields call it. key: the fields that
    make its business key. refers: fields that name a record, which business keys name as well, by its entity. filters: ours → Kantata's;
    all others ask custom fields. always: filters that make them these objects. given: what each new one says. order: of lists.
    bulk: most of a bulk create. elsewhere: the field that another object says.
    """

    path: str
    root: str
    subject: str
    fields: Fields
    key: tuple[str, ...]
    refers: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    always: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    include: str = "custom_field_values"
    order: str = "updated_at:asc"
    bulk: int = 0
    elsewhere: str = ""

    def named(self, key: str) -> Record:
        """The fields that a business key says."""
        return dict(zip(self.key, key.rsplit("/", len(self.key) - 1), strict=False))


PROJECT = Row("project", "workspace_id")
THINGS: Mapping[str, Thing] = {
    "project": Thing(
        "workspaces",
        "workspace",
        "workspace",
        Fields(
            (
                Row("name", "title"),
                Row("ccy", "currency", writes="c"),
                Row("start", "start_date", TEXT),
                Row("end", "due_date", TEXT),
                Row("budget_fee", "price_in_cents", PRICE),
                Row("manager", "primary_maven_id"),
                Row("customer", "primary_workspace_group_id"),
                Row("rate_card", "rate_card_id", Kind(lambda value, ccy: str(value), lambda value, ccy: value)),
                Row("status", "status.key", STATUS, ""),
            ),
            "currency",
        ),
        ("project_no",),
        refers={"rate_card": "rate_card", "customer": "customer", "manager": "employee"},
        include="custom_field_values,primary_workspace_group",
    ),
    "customer": Thing(
        "workspace_groups",
        "workspace_group",
        "workspace_group",
        Fields((Row("name", "name"),)),
        ("customer_no",),
        refers={"parent": "customer"},
        given={"company": "true"},
    ),
    "employee": Thing("users", "user", "user", Fields((Row("name", "full_name", writes=""),)), ("employee_no",)),
    "task": Thing(
        "stories",
        "story",
        "story",
        Fields(
            (
                PROJECT,
                Row("name", "title"),
                Row("open_from", "start_date", TEXT),
                Row("open_to", "due_date", TEXT),
                Row("billable", "billable"),
                Row("status", "state", TASK_STATE, ""),
            )
        ),
        ("project_no", "task_code"),
        refers={"project": "project"},
        filters={"project": "workspace_id"},
        always={"story_type": "task,deliverable,issue"},
        given={"story_type": "task"},
        bulk=300,
    ),
    "milestone": Thing(
        "stories",
        "story",
        "story",
        Fields(
            (
                PROJECT,
                Row("name", "title"),
                Row("planned", "due_date", TEXT),
                Row("status", "state", MILESTONE_STATE, ""),
            )
        ),
        ("contract_no", "ms_code"),
        refers={"project": "project"},
        filters={"project": "workspace_id"},
        always={"story_type": "milestone"},
        given={"story_type": "milestone"},
        bulk=100,
        elsewhere="amount",
    ),
    "time_entry": Thing(
        "time_entries",
        "time_entry",
        "time_entry",
        Fields(
            (
                PROJECT,
                Row("task", "story_id"),
                Row("employee", "user_id"),
                Row("work_date", "date_performed"),
                Row("minutes", "time_in_minutes", WHOLE),
                Row("billable", "billable"),
                Row("note", "notes", TEXT),
                Row("ccy", "currency", writes=""),
            )
        ),
        ("entry_id",),
        filters={"project": "workspace_id", "employee": "with_user_ids", "task": "story_id", "billable": "billable"},
    ),
    "expense": Thing(
        "expenses",
        "expense",
        "expense",
        Fields(
            (
                PROJECT,
                Row("employee", "user_id"),
                Row("spend_date", "date"),
                Row("gross", "amount_in_cents", MINOR),
                Row("spend_ccy", "currency"),
            ),
            "currency",
        ),
        ("expense_id",),
        filters={"project": "workspace_id", "employee": "with_user_ids"},
        order="created_at:asc",
    ),
}
"""Our entities as Kantata's objects."""
MADE = ("project", "customer", "task", "milestone")
"""What the reference makes and changes."""


def moment(said: str) -> str:
    """An instant with an offset as ours: in UTC, with milliseconds."""
    found = datetime.fromisoformat(said).astimezone(UTC)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def titled(values: Record) -> Record:
    """Values whose name is whole: Kantata's titles are longer than ours."""
    full = values.get("name_full") or values.get("name")
    return {
        **{name: value for name, value in values.items() if name != "name_full"},
        **({"name": full} if full else {}),
    }


def completed(entity: str, record: Record) -> Record:
    """A record with what Kantata's fields say together: a name cut where ours is shorter, a milestone accepted or only completed."""
    if entity in ("project", "customer"):
        name = str(record["name"])
        cut = shortened(name, NAME_LIMIT["psa"])
        record |= {"name": cut, "name_full": name if cut != name else None}
    if entity == "milestone" and record["status"] == "COMPLETED" and record["accepted_at"]:
        record["status"] = "ACCEPTED"
    return record
