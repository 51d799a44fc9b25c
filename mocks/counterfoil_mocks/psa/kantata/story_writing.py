"""How stories and what is billed with them are made, changed and taken away: tasks and milestones of the PSA."""

from __future__ import annotations

from typing import NamedTuple

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa.kantata import allocations, booking, objects
from counterfoil_mocks.psa.kantata.desk import Desk, items, plain_delete, said_of
from counterfoil_mocks.psa.kantata.errors import Refused, failure, invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, Kind, kept
from counterfoil_mocks.psa.kantata.view import Given

STATES = ("not started", "started", "needs info", "completed")
ISSUE_STATES = (
    "new",
    "reopened",
    "in progress",
    "blocked",
    "fixed",
    "duplicate",
    "can't repro",
    "resolved",
    "won't fix",
    *STATES,
)
"""What issues may be besides; only `completed` closes one."""
PRIORITIES = ("low", "normal", "high", "critical")


def create_story(desk: Desk, kind: Kind, given: Given) -> Record:
    """A task, or a milestone."""
    desk.check(kind, given)
    said = str(given["story_type"])
    if said not in ("task", "milestone", "deliverable", "issue"):
        raise invalid("Story type is not included in the list", "story_type")
    title = titled(kind, given)
    project = desk.named("project", given["workspace_id"], "workspace_id", "Workspace")
    _refuse_parent(desk, given, project, "")
    map = objects.MILESTONE if said == "milestone" else objects.TASK
    values = desk.stored(kind, map, given, None)
    own = {**values.get("custom", {}).get(KEEP, {}), **_figures(given, said)}
    own |= {"creator_id": desk.user_id, "story_type": said, **title.own}
    own.setdefault("fixed_fee", bool(kept(project).get("stories_are_fixed_fee_by_default")))
    values |= {"name": title.name, "custom": {KEEP: own}}
    values |= desk.face.values.columns(desk, kind, map.entity, given.get("custom_fields"))
    count = desk.system.next_number("kantata:story")
    if map is objects.MILESTONE:
        values.setdefault("ms_code", f"K-{count}")
    else:
        values = {"task_code": f"K-{count}", "line_no": 1, **values}
        values.setdefault("billable", not kept(project).get("tasks_default_non_billable", False))
    record = desk.make(kind, map, values)
    record = _state(desk, kind, record, given)
    for each in items(given, "sub_stories"):
        if isinstance(each, dict):
            below = {"story_type": "task", **each, "workspace_id": project["id"], "parent_id": record["id"]}
            create_story(desk, kind, below)
    return _assigned(desk, desk.besides(kind, record, _fitting(desk, kind, record, given)), given)


def update_story(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes of a task or milestone; `state` opens, closes and completes it."""
    values = desk.stored(kind, kind.map_of(record), given, record)
    _refuse_parent(desk, given, {"id": record["project"]}, record["id"])
    own = _figures(given, str(kept(record).get("story_type") or ""))
    if "title" in given:
        title = titled(kind, given)
        values["name"] = title.name
        own |= title.own
    said = _fitting(desk, kind, record, given)
    record = _state(desk, kind, desk.edit(kind, record, said, values, own), given)
    return _assigned(desk, record, given)


class Title(NamedTuple):
    """A title as the business keeps it, and what only Kantata knows of it: the whole."""

    name: str
    own: Record


def titled(kind: Kind, given: Given) -> Title:
    """The title of a story or billing milestone; raises Refused 422."""
    title = said_of("" if given["title"] is None else given["title"], kind.required["title"], "title")
    if len(title) > 200:
        raise invalid("Title is too long (maximum is 200 characters)", "title")
    return Title(title[:120], {"title": title if len(title) > 120 else None})


def _figures(given: Given, type: str) -> Record:
    """What a body says of the progress and weight of a story of a type; raises Refused 422 with all that is wrong."""
    own: Record = {}
    wrong: list[Record] = []
    for name, most in (("percentage_complete", 100), ("weight", 10**6)):
        if given.get(name) not in (None, ""):
            said = str(given[name])
            if said.isdecimal() and len(said) < 10 and int(said) <= most:
                own[name] = int(said)
            else:
                wrong.append(failure(f"{name.replace('_', ' ').capitalize()} must be between 0 and {most}", name))
    for name, choices in (("state", ISSUE_STATES if type == "issue" else STATES), ("priority", PRIORITIES)):
        if given.get(name) not in (None, "", *choices):
            wrong.append(failure(f"{name.capitalize()} is not included in the list", name))
    if wrong:
        raise Refused(422, wrong)
    return own


def _refuse_parent(desk: Desk, given: Given, project: Record, id: str) -> None:
    """Refuse a story to lie below one of another project, below itself or below nothing."""
    said = given.get("parent_id")
    if said in (None, ""):
        return
    parent = desk.find(desk.face.kinds["stories"], str(said))
    if parent is None or parent["project"] != project["id"]:
        raise invalid("Parent can't be found in this project", "parent_id")
    if id in [parent["id"], *(each["id"] for each in desk.stories.ancestors(parent))]:
        raise invalid("Parent can't be the story itself, or one below it", "parent_id")


def _assigned(desk: Desk, record: Record, given: Given) -> Record:
    if "assignee_ids" in given and "task_code" in record:
        allocations.assign(desk, record, items(given, "assignee_ids"))
    return record


def _fitting(desk: Desk, kind: Kind, record: Record, given: Given) -> Given:
    """A body with those custom fields that this kind of story has in the business, and those that nobody knows there."""
    fields = [
        each
        for each in items(given, "custom_fields")
        if not isinstance(each, dict)
        or (desk.face.values.field(desk, kind.key, each.get("custom_field_id")).column or "id") in record
    ]
    return {**given, "custom_fields": fields or None}


def _state(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    state = given.get("state")
    if not state:
        return record
    done, status = state == "completed", record["status"]
    if "ms_code" in record:
        if done and status in ("PLANNED", "IN_PROGRESS"):
            return desk.do("complete_milestone", record["id"])
        if not done and status in ("COMPLETED", "ACCEPTED"):
            return desk.do("uncomplete_milestone", record["id"], reason="reopened", approver=booking.approver(desk))
        if state == "started" and status == "PLANNED":
            return desk.do("start_milestone", record["id"])
        return record
    if done != (status == "CLOSED"):
        record = desk.do("close_task" if done else "reopen_task", record["id"])
    return desk.alter(kind, record, {}, {"state": state})


# billing milestones


def create_milestone(desk: Desk, kind: Kind, given: Given) -> Record:
    """What is billed on a day or on completion: a milestone of the business, the story's own where it names one."""
    desk.check(kind, given)
    if given.get("billing_type") not in (None, "", "fixed_date", "upon_completion"):
        raise invalid("Billing type is not included in the list", "billing_type")
    values = desk.stored(kind, kind.maps[0], given, None)
    if given.get("story_id"):
        story = desk.named("milestone", given["story_id"], "story_id", "Story")
        values.pop("project", None)
        return desk.edit(kind, story, given, values)
    if given.get("billing_type") == "upon_completion":
        raise invalid("Story can't be blank", "story_id")
    code = f"K-{desk.system.next_number('kantata:story')}"
    title = titled(kind, given)
    values |= {"ms_code": code, "name": title.name}
    values["custom"] = {KEEP: {**values.get("custom", {}).get(KEEP, {}), "billing_type": "fixed_date", **title.own}}
    return desk.besides(kind, desk.make(kind, kind.maps[0], values), given)


def update_milestone(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes of what is billed; its amount stays while it is on an invoice."""
    values = desk.stored(kind, kind.map_of(record), given, record)
    if values.get("amount", record["amount"]) != record["amount"]:
        _refuse_invoiced(record)
    if "title" not in given:
        return desk.edit(kind, record, given, values)
    title = titled(kind, given)
    return desk.edit(kind, record, given, {**values, "name": title.name}, title.own)


def delete_milestone(desk: Desk, kind: Kind, record: Record) -> None:
    """What is billed taken away, while it is on no invoice."""
    _refuse_invoiced(record)
    plain_delete(desk, kind, record)


def _refuse_invoiced(milestone: Record) -> None:
    if kept(milestone).get("invoice_id"):
        raise invalid("Billing milestone is invoiced and cannot be changed")
