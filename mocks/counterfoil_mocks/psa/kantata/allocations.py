"""Who does which story, and which days a seat is booked for. Only Kantata knows both; bookings add up to the assignment's planned minutes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import removed
from counterfoil_mocks.protocols.conversion import BOOLEAN, DATE, INTEGER
from counterfoil_mocks.protocols.fieldmap import FieldMap
from counterfoil_mocks.psa.kantata import references
from counterfoil_mocks.psa.kantata.conditions import among, between, own, references_of
from counterfoil_mocks.psa.kantata.desk import Desk
from counterfoil_mocks.psa.kantata.errors import absent, invalid
from counterfoil_mocks.psa.kantata.kind import REF, VENDOR, Default, Kind, Link, computed, equals, kept, mapped
from counterfoil_mocks.psa.kantata.view import Given, View

DAY_MINUTES, MOST_DAYS = 480, 3660


def _workdays(start: date, end: date) -> int:
    """Days from one to another that are no Saturdays and Sundays."""
    return sum((start + timedelta(days=number)).weekday() < 5 for number in range((end - start).days + 1))


def _percentage(record: Record, view: Any) -> int:
    said = kept(record)
    days = _workdays(date.fromisoformat(said["start_date"]), date.fromisoformat(said["end_date"]))
    return int(said["minutes"]) * 100 // (days * DAY_MINUTES) if days else 0


ASSIGNMENT = mapped(
    "assignments",
    "vendor_object",
    FieldMap("story_id", conversion=REF, updatable=False),
    FieldMap("assignee_id", conversion=REF, updatable=False),
    FieldMap("resource_id", conversion=REF, updatable=False),
    FieldMap("estimated_minutes", conversion=INTEGER, default=0),
    FieldMap("current", conversion=BOOLEAN, default=True),
    computed(
        "allocated_minutes", lambda record, view: sum(int(kept(each)["minutes"]) for each in days_of(view, record))
    ),
)
DAY = mapped(
    "story_allocation_days",
    "vendor_object",
    FieldMap("assignment_id", conversion=REF, updatable=False),
    computed("story_id", lambda record, view: _of_assignment(view, record, "story_id")),
    FieldMap("date", conversion=DATE, updatable=False),
    FieldMap("minutes", conversion=INTEGER),
    computed("current", lambda record, view: _of_assignment(view, record, "current")),
)
ALLOCATION = mapped(
    "workspace_allocations",
    "vendor_object",
    FieldMap("resource_id", conversion=REF, updatable=False),
    computed("workspace_resource_id", lambda record, view: kept(record)["resource_id"]),
    FieldMap("workspace_id", conversion=REF, creatable=False, updatable=False),
    FieldMap("start_date", conversion=DATE),
    FieldMap("end_date", conversion=DATE),
    FieldMap("minutes", conversion=INTEGER),
    FieldMap("hard", conversion=BOOLEAN, default=True),
    computed("percentage", _percentage),
    notes="",
)


def resource(view: View, id: str | None) -> list[Record]:
    """A seat by its id, as a list of one or none."""
    found = view.find(view.face.kinds["workspace_resources"], id)
    return [] if found is None else [found]


def days_of(view: View, record: Record) -> list[Record]:
    """The planned days of a story assignment."""
    return view.all("vendor_object", vendor=VENDOR, kind="story_allocation_days", owner=record["id"])


def _plannable(view: View, record: Record) -> list[Record]:
    """Planned days come along only with `plannable=true`."""
    return days_of(view, record) if view.flag("plannable") else []


def _of_assignment(view: View, record: Record, name: str) -> Any:
    found = view.record("vendor_object", kept(record)["assignment_id"])
    return None if found is None else kept(found).get(name, True)


def _unarchived(view: View, map: Any, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    task, project = (view.system.table(name).sql.alias() for name in ("task", "project"))
    archived = (
        sa.select(task.c.id)
        .join(project, sa.and_(project.c.system == task.c.system, project.c.id == task.c.project))
        .where(task.c.system == view.system.name, references.flagged(project, "archived"))
    )
    return table.c.owner.not_in(archived)


def _unless_false(view: View, map: Any, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    return None if value.lower() == "false" else _unarchived(view, map, table, value)


def _archived(view: View, record: Record) -> bool:
    """Whether a story assignment is of an archived project."""
    story = view.record("task", kept(record)["story_id"])
    project = None if story is None else view.record("project", story["project"])
    return project is not None and bool(kept(project).get("archived"))


def _of_live_stories(view: View, map: Any, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    if value.lower() == "false":
        return None
    task = view.system.table("task").sql.alias()
    archived = sa.select(task.c.id).where(task.c.system == view.system.name, references.flagged(task, "archived"))
    return table.c.owner.not_in(archived)


def _of_archived_story(view: View, record: Record) -> bool:
    story = view.record("task", kept(record)["story_id"])
    return story is not None and bool(kept(story).get("archived"))


def _named(view: View, map: Any, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    """Assignments of people; `include_unnamed=true` also shows those of seats that are nobody's."""
    return None if value.lower() == "true" else references.member(table, "assignee_id").is_not(None)


KINDS: tuple[Kind, ...] = (
    Kind(
        "assignments",
        "assignment",
        "Assignment",
        "story_assignment",
        (ASSIGNMENT,),
        links={
            "assignee": Link("assignee_id", "users", own("employee", "assignee_id"), column=True),
            "external_references": references_of("Assignment"),
            "story": Link("story_id", "stories", own("task", "story_id"), column=True),
            "resource": Link(
                "resource_id",
                "workspace_resources",
                lambda view, record: resource(view, kept(record)["resource_id"]),
                column=True,
            ),
            "story_allocation_days": Link("story_allocation_day_ids", "story_allocation_days", _plannable),
        },
        required={"story_id": "Story can't be blank"},
        filters={name: equals(name) for name in ("story_id", "assignee_id", "current")}
        | {
            "in_unarchived_workspaces": _unless_false,
            "in_unarchived_stories": _of_live_stories,
            "include_unnamed": _named,
        },
        defaults={
            ("in_unarchived_workspaces",): Default(_unarchived, lambda view, record: not _archived(view, record)),
            ("in_unarchived_stories",): Default(
                _of_live_stories, lambda view, record: not _of_archived_story(view, record)
            ),
            ("include_unnamed",): Default(_named, lambda view, record: kept(record)["assignee_id"] is not None),
        },
        verbs="create list get update delete",
    ),
    Kind(
        "story_allocation_days",
        "story_allocation_day",
        "StoryAllocationDay",
        "story_allocation_day",
        (DAY,),
        links={
            "assignment": Link("assignment_id", "assignments", own("vendor_object", "assignment_id"), column=True),
            "external_references": references_of("StoryAllocationDay"),
            "story": Link(
                "story_id",
                "stories",
                lambda view, record: view.some("task", [_of_assignment(view, record, "story_id")]),
                column=True,
            ),
        },
        required={
            "assignment_id": "Assignment can't be blank",
            "date": "Date can't be blank",
            "minutes": "Minutes is not a number",
        },
        filters={
            "assignment_id": among("owner"),
            "story_id": lambda view, map, table, value: table.c.owner.in_(
                [each["id"] for story in value.split(",") for each in assignments_of(view, story)]
            ),
            "date_between": between("date", own=True),
        },
        orders=("created_at", "updated_at", "date"),
        order=("date", "asc"),
        verbs="create list get update delete",
    ),
    Kind(
        "workspace_allocations",
        "workspace_allocation",
        "WorkspaceAllocation",
        "workspace_allocation",
        (ALLOCATION,),
        links={
            "workspace": Link("workspace_id", "workspaces", own("project", "workspace_id"), column=True),
            "external_references": references_of("WorkspaceAllocation"),
            "workspace_resource": Link(
                "workspace_resource_id",
                "workspace_resources",
                lambda view, record: resource(view, kept(record)["resource_id"]),
                column=True,
            ),
        },
        required={
            "resource_id": "Resource can't be blank",
            "start_date": "Start date can't be blank",
            "end_date": "End date can't be blank",
            "minutes": "Minutes is not a number",
        },
        filters={name: equals(name) for name in ("workspace_id", "resource_id")},
        verbs="create list get update delete",
    ),
)


def assignments_of(view: View, story: str) -> list[Record]:
    """Who does a story now."""
    found = view.all("vendor_object", vendor=VENDOR, kind="assignments", owner=story)
    return [each for each in found if kept(each).get("current", True)]


def mine(view: View, map: Any, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    """The stories that the token's user does."""
    if value.lower() == "false":
        return None
    found = view.all("vendor_object", vendor=VENDOR, kind="assignments")
    mine = [each for each in found if kept(each).get("current", True) and kept(each)["assignee_id"] == view.user_id]
    return table.c.id.in_([each["owner"] for each in mine])


def resources(view: View, record: Record) -> list[Record]:
    """The seats of the people of a story."""
    return view.some("assignment", [kept(each)["resource_id"] for each in assignments_of(view, record["id"])])


def resources_with_unnamed(view: View, record: Record) -> list[Record]:
    """The seats of a story, also those that have a role and nobody on them."""
    ids = [kept(each)["resource_id"] for each in assignments_of(view, record["id"])]
    return [*view.some("assignment", ids), *view.some("vendor_object", ids)]


def assignees(view: View, record: Record) -> list[Record]:
    """The people of a story."""
    return view.some("employee", [kept(each)["assignee_id"] for each in assignments_of(view, record["id"])])


def create_assignment(desk: Desk, kind: Kind, given: Given) -> Record:
    """A person on a story, who must be on its project."""
    desk.check(kind, given)
    story = desk.named("task", given["story_id"], "story_id", "Story")
    person, seat = _on(desk, given)
    live = ("PROPOSED", "CONFIRMED")
    if person is not None:
        seats = [
            each for each in desk.all("assignment", project=story["project"], employee=person) if each["status"] in live
        ]
        if not seats:
            raise invalid("Assignee is not a participant of this project", "assignee_id")
        seat = seats[-1]["id"]
    same = [kept(each) for each in assignments_of(desk, story["id"])]
    if any(each["resource_id"] == seat or (person and each["assignee_id"] == person) for each in same):
        raise invalid("Assignee is assigned already", "assignee_id" if person else "resource_id")
    values = desk.own_values(kind, given)
    values |= {"story_id": story["id"], "assignee_id": person, "resource_id": seat}
    return desk.keep(kind.key, values, columns={"owner": story["id"]})


def _on(desk: Desk, given: Given) -> tuple[str | None, str | None]:
    """The person whom a body puts on a story, else the seat that nobody has yet; raises Refused 422."""
    if given.get("resource_id"):
        seat = desk.find(desk.face.kinds["workspace_resources"], str(given["resource_id"]))
        if seat is None:
            raise invalid("Resource can't be found", "resource_id")
        if "vendor" not in seat:
            return str(seat["employee"]), None
        if kept(seat)["workspace_id"] != desk.named("task", given["story_id"], "story_id", "Story")["project"]:
            raise invalid("Resource is not on this project", "resource_id")
        return None, str(seat["id"])
    if given.get("assignee_id"):
        return str(desk.named("employee", given["assignee_id"], "assignee_id", "Assignee")["id"]), None
    raise invalid("Assignee can't be blank", "assignee_id")


def seated(desk: Desk, seat: str, person: str) -> None:
    """A person takes over what a seat that was nobody's is assigned to."""
    for each in desk.all("vendor_object", vendor=VENDOR, kind="assignments"):
        if kept(each)["resource_id"] == seat and kept(each)["assignee_id"] is None:
            desk.keep("assignments", {"assignee_id": person}, each)


def assign(desk: Desk, story: Record, people: list[Any]) -> None:
    """Have just these people do a story."""
    kind = desk.face.kinds["assignments"]
    wanted = [str(each) for each in people]
    for each in assignments_of(desk, story["id"]):
        if kept(each)["assignee_id"] in wanted:
            wanted.remove(kept(each)["assignee_id"])
        elif kept(each)["assignee_id"] is not None:
            removed(desk.tx, desk.entity("vendor_object"), each["id"])
    for person in dict.fromkeys(wanted):
        create_assignment(desk, kind, {"story_id": story["id"], "assignee_id": person})


def create_day(desk: Desk, kind: Kind, given: Given) -> Record:
    """What a person is to do of a story on a day, which is planned once."""
    desk.check(kind, given)
    assignment = desk.find(desk.face.kinds["assignments"], str(given["assignment_id"]))
    if assignment is None:
        raise invalid("Assignment can't be found", "assignment_id")
    values = desk.own_values(kind, given)
    if any(kept(each)["date"] == values["date"] for each in days_of(desk, assignment)):
        raise invalid("Date has already been planned", "date")
    _minutes(values, 24 * 60)
    return desk.keep(kind.key, values, columns={"owner": assignment["id"]})


def create_allocation(desk: Desk, kind: Kind, given: Given) -> Record:
    """A seat booked for some days."""
    desk.check(kind, given)
    seat = desk.find(desk.face.kinds["workspace_resources"], str(given["resource_id"]))
    if seat is None:
        raise invalid("Resource can't be found", "resource_id")
    values = desk.own_values(kind, given)
    values |= {"resource_id": seat["id"], "workspace_id": seat.get("project") or seat["owner"]}
    _sound(values)
    record = desk.keep(kind.key, values, columns={"owner": seat["id"]})
    _planned(desk, seat["id"])
    return record


def update(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes changed."""
    values = desk.own_values(kind, given, record)
    if kind.key == "workspace_allocations":
        _sound({**kept(record), **values})
    elif kind.key == "story_allocation_days":
        _minutes({**kept(record), **values}, 24 * 60)
    record = desk.keep(kind.key, values, record) if values else record
    if kind.key == "workspace_allocations":
        _planned(desk, kept(record)["resource_id"])
    return record


def delete(desk: Desk, kind: Kind, record: Record) -> None:
    """Taken away; an assignment takes its planned days along."""
    for each in days_of(desk, record) if kind.key == "assignments" else ():
        removed(desk.tx, desk.entity("vendor_object"), each["id"])
    removed(desk.tx, desk.entity("vendor_object"), record["id"])
    if kind.key == "workspace_allocations":
        _planned(desk, kept(record)["resource_id"])


def split(desk: Desk, kind: Kind) -> list[Record]:
    """One booking cut in two: the second begins on the day of the cut; minutes go by working days."""
    record = desk.find(kind, desk.text("workspace_allocation_id"))
    if record is None:
        raise absent()
    said = kept(record)
    start, end = date.fromisoformat(said["start_date"]), date.fromisoformat(said["end_date"])
    try:
        cut = date.fromisoformat(desk.text("split_date"))
    except ValueError:
        raise invalid("Split date is not a date", "split_date") from None
    if not start < cut <= end:
        raise invalid("Split date must be within the allocation", "split_date")
    eve = cut - timedelta(days=1)
    worked, whole = _workdays(start, eve), _workdays(start, end)
    part, all_days = (worked, whole) if whole else ((cut - start).days, (end - start).days + 1)
    before = said["minutes"] * part // all_days
    first = desk.keep(kind.key, {"end_date": eve.isoformat(), "minutes": before}, record)
    rest = {**said, "start_date": cut.isoformat(), "minutes": said["minutes"] - before}
    return [first, desk.keep(kind.key, rest, columns={"owner": said["resource_id"]})]


def _minutes(values: Record, most: int) -> None:
    minutes = values.get("minutes")
    if not isinstance(minutes, int) or not 0 <= minutes <= most:
        raise invalid(f"Minutes must be between 0 and {most}", "minutes")


def _sound(values: Record) -> None:
    _minutes(values, 10**6)
    start, end = values.get("start_date"), values.get("end_date")
    if not start or not end or start > end:
        raise invalid("End date must be on or after start date", "end_date")
    if (date.fromisoformat(end) - date.fromisoformat(start)).days > MOST_DAYS:
        raise invalid(f"An allocation spans at most {MOST_DAYS} days", "end_date")


def _planned(desk: Desk, seat_id: str) -> None:
    """Write the bookings of a seat on its assignment."""
    seat = desk.record("assignment", seat_id)
    if seat is not None:
        total = desk.booked(seat_id)
        limit = desk.entity("assignment").by_name["planned_minutes"].high or total
        desk.alter(desk.face.kinds["workspace_resources"], seat, {"planned_minutes": min(total, limit)})
