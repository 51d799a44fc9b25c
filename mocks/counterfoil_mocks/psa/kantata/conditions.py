"""What filters ask of rows, and which records an association leads to: functions that the table of kinds is made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.fieldmap import ObjectMap
from counterfoil_mocks.psa.kantata import references
from counterfoil_mocks.psa.kantata.kind import KEEP, VENDOR, Default, Link, kept
from counterfoil_mocks.psa.kantata.objects import LEVELS, NO_GROUP, NO_STORY, approver_ids, role_id


def to(entity: str, column: str) -> Callable[[Any, Record], list[Record]]:
    """The record that a column names."""
    return lambda view, record: view.some(entity, [record[column]])


def own(entity: str, name: str) -> Callable[[Any, Record], list[Record]]:
    """The record that a field names which only Kantata knows."""
    return lambda view, record: view.some(entity, [kept(record).get(name)])


def seats(view: Any, record: Record) -> list[Record]:
    """The assignments of a project that have not been taken back."""
    return [each for each in view.all("assignment", project=record["id"]) if each["status"] != "CANCELLED"]


def of_project(work: Callable[[Any, Record], list[Record]]) -> Callable[[Any, Record], list[Record]]:
    """What belongs to the project of a record."""
    return lambda view, record: work(view, {"id": record["project"]})


def participants(view: Any, record: Record) -> list[Record]:
    found: list[Record] = view.some(
        "employee", [record["manager"], *(each["employee"] for each in seats(view, record))]
    )
    return found


def nobody(view: Any, record: Record) -> list[Record]:
    """What the business has none of: people of the customer's, status reports."""
    return []


def approvers(view: Any, record: Record) -> list[Record]:
    """Who approves a project's time and expenses, as far as it says so."""
    found: list[Record] = view.some("employee", approver_ids(record))
    return found


def own_seat(view: Any, record: Record) -> list[Record]:
    """The seat of the token's user."""
    return [each for each in seats(view, record) if each["employee"] == view.user_id][-1:]


def next_milestone(view: Any, record: Record) -> list[Record]:
    """The milestone that is due next among those that are not completed."""
    ahead = [
        each for each in view.all("milestone", project=record["id"]) if each["status"] in ("PLANNED", "IN_PROGRESS")
    ]
    return sorted(ahead, key=lambda each: each["planned"] or "9999")[:1]


def groups(view: Any, record: Record) -> list[Record]:
    """The groups that a project is in: its customer, and those that only Kantata knows."""
    found = view.some("customer", [record["customer"], *(kept(record).get("further_group_ids") or ())])
    found.sort(key=lambda each: each["id"] != record["customer"])
    return [each for each in found if each["customer_no"] != NO_GROUP]


def primary_group(view: Any, record: Record) -> list[Record]:
    """The group that is a project's customer."""
    return [each for each in view.some("customer", [record["customer"]]) if each["customer_no"] != NO_GROUP]


def in_group(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    """Projects in one of some groups."""
    wanted = [part.strip() for part in value.split(",")]
    further = [id for each in wanted for id in view.further.get(each, ())]
    own = table.c.customer.in_(wanted)
    return sa.or_(own, table.c.id.in_(further)) if further else own


def of_group(view: Any, record: Record) -> list[Record]:
    """The projects of a group."""
    further = view.some("project", view.further.get(record["id"], ()))
    return [*view.all("project", customer=record["id"]), *further]


def financial_viewers(view: Any, record: Record) -> list[Record]:
    """Who sees a project's money: who leads it, and who has a seat that lets him."""
    seeing = [each["employee"] for each in seats(view, record) if kept(each).get("access_level") in FINANCIAL]
    found: list[Record] = view.some("employee", [record["manager"], *seeing])
    return found


FINANCIAL = ("view_financials", "edit_financials", "admin")
"""Access to a project that shows its money."""


def references_of(subject: str) -> Link:
    return Link(
        "external_reference_ids",
        references.KIND,
        lambda view, record: references.of(view, subject, record["id"]),
    )


def _values(view: Any, record: Record) -> list[Record]:
    found: list[Record] = view.face.values.of(view, record)
    return found


def level(view: Any, record: Record) -> str | None:
    """The level that a person or a seat says, or that the role of what only Kantata knows is."""
    if "vendor" not in record and "level" in record:
        return str(record["level"]) if record["level"] else None
    said = str(kept(record).get("role_id") or "")
    return LEVELS[int(said) - 1] if said.isdecimal() and 0 < int(said) <= len(LEVELS) else None


def role_link(key: str, level: Callable[[Any, Record], str | None]) -> Link:
    """The role that a level is. key: the member that holds its id."""

    def get(view: Any, record: Record) -> list[Record]:
        wanted = role_id(level(view, record))
        return [each for each in view.face.derived(view.face.kinds["roles"], view) if each["id"] == wanted]

    return Link(key, "roles", get, column=True)


VALUES = Link("custom_field_value_ids", "custom_field_values", _values)
WORKSPACE_LINK = Link("workspace_id", "workspaces", to("project", "project"), column=True)
USER_LINK = Link("user_id", "users", to("employee", "employee"), column=True)


def between(name: str, *, own: bool = False) -> Callable[..., Any]:
    """Days within a span `A:B`, either end of which may be open. own: of a field that only Kantata knows."""

    def condition(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
        start, _, end = value.partition(":")
        on = references.member(table, name) if own else table.c[name]
        clauses = []
        if start:
            clauses.append(on >= start[:10])
        if end:
            clauses.append(on <= end[:10])
        return sa.and_(*clauses) if clauses else None

    return condition


def among(column: str) -> Callable[..., Any]:
    """A comma-separated list of ids in a column."""
    return lambda view, map, table, value: table.c[column].in_([part.strip() for part in value.split(",")])


def of_set(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    """The rate cards of sets, which have the ids of their first cards."""
    wanted = value.split(",")
    made = [each["name"] for each in view.some("vendor_object", wanted) if each["kind"] == "rate_card_sets"]
    return table.c.code.in_([*made, *(each["code"] for each in view.some("rate_card", wanted))])


def archived(view: Any, map: ObjectMap, table: sa.FromClause) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.cast(references.member(table, "archived"), sa.BigInteger), 0)


def unarchived(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    return archived(view, map, table) == 0


def of_unarchived(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    row = view.system.table("project").sql.alias()
    archived = sa.select(row.c.id).where(row.c.system == view.system.name, references.flagged(row, "archived"))
    return table.c.project.not_in(archived)


def from_archived(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    return of_unarchived(view, map, table, value) if value.lower() == "false" else None


def include_archived(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    return unarchived(view, map, table, value) if value.lower() == "false" else None


def archived_form(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    if value == "include":
        return None
    return archived(view, map, table) == (1 if value.lower() in ("only", "true") else 0)


def matching(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    name = sa.func.small_letters(table.c.name)
    words = value.lower()
    return sa.or_(name.startswith(words, autoescape=True), name.contains(f" {words}", autoescape=True))


def participant(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    row = view.system.table("assignment").sql.alias()
    mine = sa.select(row.c.project).where(*_held(view, row), row.c.employee == value)
    return sa.or_(table.c.manager == value, table.c.id.in_(mine))


def field_of(view: Any, record: Record) -> list[Record]:
    """The custom field of a value."""
    return [
        view.face.values.shown_field(view, each)
        for each in view.face.values.fields(view)
        if each.id == record["custom_field_id"]
    ]


def fields_of(view: Any, record: Record) -> list[Record]:
    """The custom fields of a set."""
    found = view.face.derived(view.face.kinds["custom_fields"], view)
    return [each for each in found if each["custom_field_set_id"] == record["id"]]


def set_of_field(view: Any, record: Record) -> list[Record]:
    """The set of a custom field."""
    found = view.face.derived(view.face.kinds["custom_field_sets"], view)
    return [each for each in found if each["id"] == record["custom_field_set_id"]]


def choices_of(view: Any, record: Record) -> list[Record]:
    """The choices of a custom field as objects."""
    return [
        {"label": each["label"], "custom_field_id": record["id"], "id": str(each["id"])} for each in record["choices"]
    ]


def maven(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    """Projects that a person is on at the provider's side."""
    row = view.system.table("assignment").sql.alias()
    role = sa.func.coalesce(sa.cast(references.member(row, "role"), sa.Text), "maven")
    mine = sa.select(row.c.project).where(*_held(view, row), row.c.employee == value, role != "buyer")
    return sa.or_(table.c.manager == value, table.c.id.in_(mine))


def of_side(buyer: bool) -> Callable[..., Any]:
    """People who are on a project, at the buyer's side or the provider's; `false` asks for nothing."""

    def condition(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
        if value.lower() == "false":
            return None
        row = view.system.table("assignment").sql.alias()
        role = sa.func.coalesce(sa.cast(references.member(row, "role"), sa.Text), "maven")
        side = role == "buyer" if buyer else role != "buyer"
        return table.c.id.in_(sa.select(row.c.employee).where(*_held(view, row), side))

    return condition


def of_account(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    """People of an account: of this one all, of another none."""
    return None if value == str(view.account_id) else sa.false()


def dated(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    """Stories that have a start or a due date."""
    if value.lower() == "false":
        return None
    if map.entity == "milestone":
        return sa.or_(table.c.planned.is_not(None), references.member(table, "start_date").is_not(None))
    return sa.or_(table.c.open_from.is_not(None), table.c.open_to.is_not(None))


def not_past(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    """Stories but those that are completed and were due before today."""
    if value.lower() == "false":
        return None
    due = table.c.planned if map.entity == "milestone" else table.c.open_to
    today = clock.business_date(view.system.clock.now, view.face.account.zone)
    done = table.c.status.in_(["CLOSED", "COMPLETED", "ACCEPTED"])
    return sa.not_(sa.and_(done, sa.func.coalesce(due, "9999") < today))


def participant_in(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    spaces = value.split(",")
    row, project = (view.system.table(name).sql.alias() for name in ("assignment", "project"))
    seated = sa.select(row.c.employee).where(*_held(view, row), row.c.project.in_(spaces))
    leading = sa.select(project.c.manager).where(project.c.system == view.system.name, project.c.id.in_(spaces))
    return sa.or_(table.c.id.in_(seated), table.c.id.in_(leading))


def _held(view: Any, row: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """What holds of seats that have not been taken back."""
    return [row.c.system == view.system.name, row.c.status != "CANCELLED", row.c.deleted_at.is_(None)]


def of_caller(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    """What is the token's user's own."""
    return None if value.lower() == "false" else table.c.employee == view.user_id


def by_email(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    name, _, domain = value.lower().partition("@")
    own = sa.func.small_letters(references.member(table, "email_address"))
    numbered = sa.and_(
        sa.literal(domain == "counterfoil.test"), own.is_(None), sa.func.small_letters(table.c.employee_no) == name
    )
    return sa.or_(own == value.lower(), numbered)


PAIR = re.compile(r"\((\w+):([^)]*)\)|^(\w+):(.*)$")
PLAIN = ("text", "choice", "state", "ref", "date", "instant")
"""Kinds of columns that hold what a custom field shows."""


def by_custom_value(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    """Values of custom fields, as `(12:abc):(13:x)`, or `12:abc` for one; all of them must hold, and a field that nobody knows matches
    nothing."""
    fields = {each.id: each for each in view.face.values.fields(view, map.name)}
    clauses = []
    for found in PAIR.findall(value):
        id, wanted = found[:2] if found[0] else found[2:]
        each = fields.get(id)
        place = None if each is None else each.places.get(map.entity)
        if each is None or (each.places and place is None):
            clauses.append(sa.false())
        elif place is None:
            held = sa.func.json_extract(table.c.custom, f'$."{KEEP}"."values"."{id}"')
            clauses.append(sa.cast(held, sa.Text) == wanted)
        elif place.kind in PLAIN:
            clauses.append(table.c[place.name] == wanted)
        else:
            clauses.append(sa.cast(table.c[place.name], sa.Text) == {"true": "1", "false": "0"}.get(wanted, wanted))
    return sa.and_(sa.true(), *clauses)


def by_custom_choice(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    """Chosen choices of custom fields, as `(12:1):(13:2,3)`: one of those named, in each of the fields."""
    known = {each.id for each in view.face.values.fields(view, map.name) if each.choices}
    clauses: list[sa.ColumnElement[bool]] = []
    for found in PAIR.findall(value):
        id, wanted = found[:2] if found[0] else found[2:]
        held: sa.ColumnElement[Any] = sa.cast(references.member(table, f'values"."{id}'), sa.Text)
        for sign, instead in (("[", ","), ("]", ","), (" ", "")):
            held = sa.func.replace(held, sign, instead)
        chosen = [held.contains(f",{each.strip()},", autoescape=True) for each in wanted.split(",")]
        clauses.append(sa.or_(*chosen) if id in known else sa.false())
    return sa.and_(sa.true(), *clauses)


def on_invoice(name: str) -> Callable[..., Any]:
    """The lines of an invoice that is not cancelled."""

    def condition(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
        found = view.find(view.face.kinds["invoices"], value)
        live = found is not None and kept(found)["status"] != "cancelled"
        return table.c.id.in_(kept(found)[name] if live else [])

    return condition


def flag(make: Callable[[sa.FromClause], sa.ColumnElement[bool]]) -> Callable[..., Any]:
    """A flag: whatever its value is, even `false`, it means true."""
    return lambda view, map, table, value: make(table)


def counts_as_approved(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    row = view.system.table("project").sql.alias()
    free = sa.select(row.c.id).where(
        row.c.system == view.system.name, sa.not_(references.flagged(row, "require_time_approvals", default=True))
    )
    return sa.or_(table.c.approval == "APPROVED", table.c.project.in_(free))


def in_submission(name: str) -> Callable[..., Any]:
    return lambda view, map, table, value: sa.cast(references.member(table, name), sa.Text).in_(value.split(","))


def active(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    found = references.member(table, "active_submission_id")
    return found.is_(None) if value.lower() == "false" else found.is_not(None)


def by_status(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    """Stories in one of some states, by the vendor's words."""
    wanted = value.lower().split(",")
    if map.entity == "milestone":
        state = {"PLANNED": "not started", "IN_PROGRESS": "started", "COMPLETED": "completed", "ACCEPTED": "completed"}
        return table.c.status.in_([status for status, words in state.items() if words in wanted])
    issue = sa.cast(references.member(table, "story_type"), sa.Text) == "issue"
    said = sa.func.coalesce(
        sa.func.nullif(sa.cast(references.member(table, "state"), sa.Text), "completed"),
        sa.case((issue, "new"), else_="not started"),
    )
    done = table.c.status == "CLOSED"
    others = sa.and_(sa.not_(done), said.in_(wanted))
    return sa.or_(done, others) if "completed" in wanted else others


def due(side: str) -> Callable[..., Any]:
    """Stories that are due in a span `A:B`, or after or before a day."""

    def condition(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
        span = {"after": f"{value}:", "before": f":{value}"}.get(side, value)
        found: sa.ColumnElement[bool] | None = between("planned" if map.entity == "milestone" else "open_to")(
            view, map, table, span
        )
        return found

    return condition


def active_between(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    """Stories whose time from start to due overlaps a span `A:B`."""
    start, _, end = value.partition(":")
    milestone = map.entity == "milestone"
    starts = sa.cast(references.member(table, "start_date"), sa.Text) if milestone else table.c.open_from
    ends = table.c.planned if milestone else table.c.open_to
    return sa.and_(
        sa.func.coalesce(starts, ends, "9999") <= (end[:10] or "9999-12-31"),
        sa.func.coalesce(ends, starts, "") >= start[:10],
    )


def completed(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    done = table.c.status.in_(["CLOSED", "COMPLETED", "ACCEPTED"])
    return sa.not_(done) if value.lower() == "false" else done


def story_type(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    if map.entity == "milestone":
        return sa.literal("milestone" in value.split(","))
    return sa.func.coalesce(references.member(table, "story_type"), "task").in_(value.split(","))


def parents_only(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    return None if value.lower() == "false" else references.member(table, "parent_id").is_(None)


def priced(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    return table.c.amount.is_not(None)


def open_seat(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    return table.c.status != "CANCELLED" if map.entity == "assignment" else None


def seat_of(column: str) -> Callable[..., Any]:
    """A list of ids in a column of seats; one without a person is of a project and of nobody."""

    def condition(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
        if map.entity == "assignment":
            return table.c[column].in_([part.strip() for part in value.split(",")])
        return table.c.owner.in_([part.strip() for part in value.split(",")]) if column == "project" else sa.false()

    return condition


def unnamed(view: Any, record: Record) -> list[Record]:
    """The seats of a project that have nobody on them."""
    found: list[Record] = view.all("vendor_object", vendor=VENDOR, kind="workspace_resources", owner=record["id"])
    return found


def real_group(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(table.c.customer_no, "") != NO_GROUP


def real_story(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    return None if map.entity == "milestone" else table.c.task_code != NO_STORY


def _archived_project(view: Any, record: Record) -> bool:
    found = view.record("project", record["project"])
    return found is not None and bool(kept(found).get("archived"))


UNARCHIVED = Default(unarchived, lambda view, record: not kept(record).get("archived"))
OF_UNARCHIVED = Default(of_unarchived, lambda view, record: not _archived_project(view, record))
OPEN_SEAT = Default(open_seat, lambda view, record: record.get("status") != "CANCELLED")
PRICED = Default(priced, lambda view, record: record["amount"] is not None)
REAL_GROUP = Default(real_group, lambda view, record: record["customer_no"] != NO_GROUP)
REAL_STORY = Default(real_story, lambda view, record: record.get("task_code") != NO_STORY)
