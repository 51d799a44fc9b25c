"""Time and expenses: how entries are recorded, changed and taken away, and what freezes them."""

from __future__ import annotations

from typing import Any

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import removed
from counterfoil_mocks.psa.kantata import objects, people, rating, submissions
from counterfoil_mocks.psa.kantata.desk import Desk, truth, whole
from counterfoil_mocks.psa.kantata.errors import forbidden, invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, Kind, kept
from counterfoil_mocks.psa.kantata.view import Given

WORDS = {
    "Travel": "FLIGHT",
    "Mileage": "RAIL_TAXI",
    "Lodging": "HOTEL",
    "Food": "MEALS",
}


def approver(desk: Desk) -> str:
    """Whom an approval by the token's user is by, in the business's words."""
    person = desk.record("employee", desk.user_id)
    return "kantata" if person is None else str(person["employee_no"])


# time


def create_time(desk: Desk, kind: Kind, given: Given) -> Record:
    """A time entry. Who may not book for others books for himself, whatever `user_id` says."""
    desk.check(kind, given)
    project = desk.named("project", given["workspace_id"], "workspace_id", "Workspace")
    user = str(given.get("user_id") or desk.user_id) if desk.administrator else desk.user_id
    said = {name: each for name, each in given.items() if name not in ("user_id", "workspace_id")}
    values = desk.stored(kind, kind.maps[0], said, None)
    values["employee"] = desk.named("employee", user, "user_id", "User")["id"]
    refuse_locked(desk, values["work_date"])
    _refuse_without_notes(project, values.get("note"))
    own = _rated(values, given)
    task = _story(desk, project, given)
    own["without_story"] = task is None
    task = task or _general(desk, project)
    record = desk.make(kind, kind.maps[0], {**values, "task": task["id"], "custom": {KEEP: own}})
    if not desk.requires_approval(project["id"]):
        record = _approved(desk, record)
    return desk.besides(kind, record, given)


def _approved(desk: Desk, record: Record) -> Record:
    """Time of a project that asks for no approval: the business bills none without."""
    record = desk.do("submit_time", record["id"])
    rating.settle(desk, record)
    return desk.do("approve_time", record["id"], approver=approver(desk))


def _taken_back(desk: Desk, record: Record) -> Record:
    """Time that only the business has approved, as it is changed freely in Kantata until it is invoiced or locked."""
    if record["approval"] != "APPROVED" or desk.requires_approval(record["project"]):
        return record
    if record["billing"] in ("BILLED", "CREDITED") or kept(record).get("active_submission_id"):
        return record
    refuse_locked(desk, record["work_date"])
    record = desk.do("unapprove_time", record["id"], reason="changed")
    return desk.do("reject_time", record["id"], reason="changed")


def _story(desk: Desk, project: Record, given: Given) -> Record | None:
    """The story that a body names, None where it names none; raises Refused 422."""
    if given.get("story_id") in (None, ""):
        return None
    task = desk.named("task", given["story_id"], "story_id", "Story")
    if task["project"] != project["id"]:
        raise invalid("Story does not belong to this project", "story_id")
    return task


def _refuse_without_notes(project: Record | None, note: Any) -> None:
    """Refuse time without a word on it where the project wants one."""
    if project is not None and kept(project).get("require_notes_on_time_entries") and not str(note or "").strip():
        raise invalid("Notes can't be blank", "notes")


def _rated(values: Record, given: Given) -> Record:
    own: Record = values.pop("custom", {}).get(KEEP, {})
    if given.get("role_id") not in (None, ""):
        people.level_of(given["role_id"], "role_id")
    if given.get("rate_in_cents") not in (None, ""):
        own["rate_in_cents"] = whole(given, "rate_in_cents")
    return own


def _general(desk: Desk, project: Record) -> Record:
    same = desk.all("task", project=project["id"], task_code=objects.NO_STORY)
    if same:
        return same[0]
    lines = project["lines"]
    said = {"project": project["id"], "task_code": objects.NO_STORY, "name": "Time without a story"}
    return desk.make(desk.face.kinds["stories"], objects.TASK, {**said, "line_no": lines[0]["line_no"] if lines else 1})


def update_time(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes of an entry that is neither approved nor locked."""
    refuse_others(desk, record)
    before, record = record, _taken_back(desk, record)
    refuse_frozen(desk, record, "Time entry", record["work_date"])
    said = {name: each for name, each in given.items() if name != "user_id" or desk.administrator}
    values = desk.stored(kind, kind.maps[0], said, record)
    own = _rated(values, given)
    if "note" in values:
        _refuse_without_notes(desk.record("project", record["project"]), values["note"])
    if values.get("work_date"):
        refuse_locked(desk, values["work_date"])
    project = desk.named("project", given.get("workspace_id") or record["project"], "workspace_id", "Workspace")
    if "story_id" in given or project["id"] != record["project"]:
        task = _story(desk, project, given)
        values["task"], own["without_story"] = (task or _general(desk, project))["id"], task is None
    record = desk.edit(kind, record, given, values, own)
    again = before["approval"] == "APPROVED" and not desk.requires_approval(record["project"])
    return _approved(desk, record) if again else record


def delete_time(desk: Desk, kind: Kind, record: Record) -> None:
    """An entry taken away."""
    refuse_others(desk, record)
    record = _taken_back(desk, record)
    refuse_frozen(desk, record, "Time entry", record["work_date"])
    removed(desk.tx, desk.entity("time_entry"), record["id"])


def refuse_others(desk: Desk, record: Record) -> None:
    """Refuse a collaborator to change what is another's."""
    if not desk.administrator and record["employee"] != desk.user_id:
        raise forbidden()


def refuse_frozen(desk: Desk, record: Record, words: str, day: str) -> None:
    """Refuse to change what is invoiced, approved, submitted or locked."""
    if record["billing"] in ("BILLED", "CREDITED"):
        raise invalid(f"{words} is invoiced and cannot be changed")
    if record["approval"] == "APPROVED":
        raise invalid(f"{words} is approved and cannot be changed")
    if record["approval"] not in ("DRAFT", "REJECTED"):
        raise invalid(f"{words} is submitted and cannot be changed")
    if words == "Time entry":
        refuse_locked(desk, day)


def refuse_locked(desk: Desk, day: str) -> None:
    """Refuse time in a week that is locked."""
    until = submissions.locked_to(desk)
    if until is not None and day <= until:
        raise invalid(f"Date performed is locked: time up to {until} cannot be changed", "date_performed")


# expenses


def create_expense(desk: Desk, kind: Kind, given: Given) -> Record:
    """A draft expense; without a receipt the business may hold it back."""
    given = _categorised(desk, given)
    desk.check(kind, given)
    project = desk.named("project", given["workspace_id"], "workspace_id", "Workspace")
    user = str(given.get("user_id") or desk.user_id) if desk.administrator else desk.user_id
    values = desk.stored(kind, kind.maps[0], {**given, "user_id": user}, None)
    desk.named("employee", user, "user_id", "User")
    own = {**values.get("custom", {}).get(KEEP, {}), "category": str(given["category"])}
    _story(desk, project, given)
    if given.get("billable") not in (None, ""):
        own["billable"] = truth(given, "billable")
    if own.get("billable", True) and not project["lines"]:
        values["line_no"] = 1  # the business passes on what has a line of the contract
    values |= {
        "category": WORDS.get(own["category"], "OTHER"),
        "spend_ccy": str(given.get("currency") or project["ccy"]),
        "receipt": bool(given.get("receipt_id")),
        "custom": {KEEP: own},
    }
    desk.bounded(kind.maps[0], "currency", "spend_ccy", values["spend_ccy"])
    return desk.besides(kind, desk.make(kind, kind.maps[0], values), given)


def _categorised(desk: Desk, given: Given) -> Given:
    """The category by its name, where it is named by its id; raises Refused 422."""
    id = given.get("expense_category_id")
    if id in (None, ""):
        return given
    found = desk.find(desk.face.kinds["expense_categories"], str(id))
    if found is None:
        raise invalid("Expense category can't be found", "expense_category_id")
    return {**given, "category": found["name"]}


def update_expense(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes of an expense that is not approved; a receipt may be handed in at any time."""
    refuse_others(desk, record)
    if given.get("receipt_id") and not record["receipt"]:
        record = desk.mark("expense", desk.do("add_receipt", record["id"]), receipt_id=given["receipt_id"])
        given = {name: each for name, each in given.items() if name != "receipt_id"}
    given = _categorised(desk, given)
    values = desk.stored(kind, kind.maps[0], given, record)
    own: Record = {}
    _story(desk, {"id": record["project"]}, given)
    if given.get("billable") not in (None, ""):
        own["billable"] = truth(given, "billable")
    if given.get("category"):
        own["category"] = str(given["category"])
        values["category"] = WORDS.get(own["category"], "OTHER")
    if values or own:
        refuse_frozen(desk, record, "Expense", "")
    return desk.edit(kind, record, given, values, own)


def delete_expense(desk: Desk, kind: Kind, record: Record) -> None:
    """An expense taken away."""
    refuse_others(desk, record)
    refuse_frozen(desk, record, "Expense", "")
    removed(desk.tx, desk.entity("expense"), record["id"])
