"""How each kind of object is made, changed and taken away: Kantata's attributes in, deeds of the PSA out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from counterfoil_mocks.deeds import refuse_beyond
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import removed
from counterfoil_mocks.protocols.conversion import exact
from counterfoil_mocks.psa.kantata import allocations, booking, card_writing, objects, people
from counterfoil_mocks.psa.kantata.conditions import groups
from counterfoil_mocks.psa.kantata.desk import Desk, items, whole
from counterfoil_mocks.psa.kantata.errors import Refused, failure, invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, Kind, kept
from counterfoil_mocks.psa.kantata.view import Given

MOVES: Mapping[tuple[str, str], str] = {
    ("PLANNED", "ACTIVE"): "activate_project",
    ("PLANNED", "CANCELLED"): "cancel_project",
    ("ACTIVE", "ON_HOLD"): "hold_project",
    ("ON_HOLD", "ACTIVE"): "resume_project",
    ("ACTIVE", "COMPLETED"): "complete_project",
    ("COMPLETED", "ACTIVE"): "reopen_project",
    ("COMPLETED", "CLOSED"): "close_project",
}


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
ABSENT = {"project_tracker_template_id": "Project template", "estimate_scenario_id": "Estimate scenario"}
"""What a workspace is made of that the account has none of."""
CREATORS = ("maven", "consultant", "buyer", "client")
"""What the creator of a workspace may be in it; the first two are the provider's."""


def said_of(text: Any, words: str, field: str) -> str:
    """A name as it was sent; raises Refused 422 where it is blank or no text."""
    if isinstance(text, (list, dict)) or not str(text).strip():
        raise invalid(words, field)
    return str(text)


def named(text: Any, limit: int, field: str, words: str) -> Record:
    """A name as the PSA keeps it: cut at a word where it is too long, and whole beside. words: of the refusal of a blank one."""
    said = said_of(text, words, field)
    if len(said) > 255:
        raise invalid(f"{field.capitalize()} is too long (maximum is 255 characters)", field)
    if len(said) <= limit:
        return {"name": said, "name_full": None}
    return {"name": said[: limit + 1].rsplit(" ", 1)[0][:limit], "name_full": said}


def subunits(value: Any, ccy: str, field: str) -> int:
    """An amount in main units as the currency's subunits; raises Refused 422."""
    try:
        scaled: Decimal = exact(value) * 10 ** money.exponent(ccy)
    except ValueError:
        raise invalid(f"{field.capitalize()} is not a number", field) from None
    return refuse_beyond(field, int(scaled.to_integral_value()))


# workspaces


def create_workspace(desk: Desk, kind: Kind, given: Given) -> Record:
    """A planned project with its budget, customer and people."""
    desk.check(kind, given)
    if given.get("creator_role") not in (None, "", *CREATORS):
        raise invalid("Creator role is not included in the list", "creator_role")
    _refuse_absent(given)
    map = kind.maps[0]
    card = (
        desk.named("rate_card", given["rate_card_id"], "rate_card_id", "Rate card")
        if given.get("rate_card_id")
        else None
    )
    ccy = card["ccy"] if card else str(given.get("currency") or "USD")
    desk.bounded(map, "currency", "ccy", ccy)
    values = desk.stored(kind, map, {**given, "currency": ccy}, None)
    values |= named(given["title"], 80, "title", kind.required["title"])
    own = {**values.pop("custom", {}).get(KEEP, {}), **_approvers(desk, given), "creator_id": desk.user_id}
    own.setdefault("change_orders_enabled", own.get("budgeted", True))
    values |= {"ccy": ccy, "budget_fee": subunits(given.get("price") or 0, ccy, "price")}
    values.setdefault("manager", desk.user_id or None)
    values |= desk.face.values.columns(desk, kind, "project", given.get("custom_fields"))
    values["customer"], further = _groups(desk, None, given)
    own |= {"further_group_ids": further} if further else {}
    values["custom"] = {KEEP: own}
    values["legal_entity"] = values.get("legal_entity") or desk.face.legal_entity(desk, ccy)
    values["contract_no"] = values.get("contract_no") or f"KT-{desk.system.next_number('kantata:contract'):06d}"
    record = desk.make(kind, map, values)
    record = _status(desk, kind, record, given)
    people_on = [each for each in items(given, "participations") if isinstance(each, dict)]
    if desk.user_id and desk.user_id not in [str(each.get("user_id")) for each in people_on]:
        people_on.insert(0, {"user_id": desk.user_id, "access": "admin"})
    for each in people_on:
        access = {"access_level": each["access"]} if each.get("access") else {}
        seat = {"workspace_id": record["id"], "role": "maven", **access, **each}
        create_seat(desk, desk.face.kinds["participations"], seat)
    return desk.besides(kind, record, given)


def update_workspace(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes of a project; a new status is reached by the deeds that lead to it."""
    _refuse_absent(given)
    if given.get("currency") not in (None, "", record["ccy"]):
        raise invalid("Currency cannot be changed", "currency")
    values = desk.stored(kind, kind.maps[0], {name: each for name, each in given.items() if name != "currency"}, record)
    if "title" in given:
        title = "" if given["title"] is None else given["title"]
        values |= named(title, 80, "title", kind.required["title"])
    if given.get("price") not in (None, "", desk.rounded(record["budget_fee"], record["ccy"])):
        values["budget_fee"] = subunits(given["price"], record["ccy"], "price")
    own = _approvers(desk, given)
    if "workspace_group_ids" in given or "primary_workspace_group_id" in given:
        values["customer"], further = _groups(desk, record, given)
        own["further_group_ids"] = further or None
    return _status(desk, kind, desk.edit(kind, record, given, values, own), given)


def _refuse_absent(given: Given) -> None:
    """Refuse a project to be made of what the account has none of."""
    wrong = [
        failure(f"{words} can't be found", name) for name, words in ABSENT.items() if given.get(name) not in (None, "")
    ]
    if wrong:
        raise Refused(422, wrong)


def _approvers(desk: Desk, given: Given) -> Record:
    if "approver_ids" not in given and "approver_id" not in given:
        return {}
    said = items(given, "approver_ids") or [each for each in (given.get("approver_id"),) if each]
    return {"approver_ids": [desk.named("employee", each, "approver_ids", "Approver")["id"] for each in said]}


def _groups(desk: Desk, record: Record | None, given: Given) -> tuple[str, list[str]]:
    """The groups that a body puts a workspace into: the primary one, who is the project's customer, and the others; raises Refused 422."""
    found = [] if record is None else [each["id"] for each in groups(desk, record)]
    if "workspace_group_ids" in given:
        named = items(given, "workspace_group_ids")
        found = [desk.named("customer", each, "workspace_group_ids", "Workspace group")["id"] for each in named]
    first = given.get("primary_workspace_group_id")
    if first not in (None, ""):
        primary = desk.named("customer", first, "primary_workspace_group_id", "Workspace group")["id"]
    elif record is not None and record["customer"] in found:
        primary = record["customer"]
    else:
        primary = found[0] if found else nobody(desk)
    return str(primary), [each for each in dict.fromkeys(found) if each != primary]


def nobody(desk: Desk) -> str:
    """The customer who stands in where a workspace has no group."""
    same = desk.all("customer", customer_no=objects.NO_GROUP)
    if same:
        return str(same[0]["id"])
    said = {"customer_no": objects.NO_GROUP, "name": "No group", "country": "US"}
    return str(desk.make(desk.face.kinds["workspace_groups"], objects.GROUP, said)["id"])


def _status(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    said = given.get("status_key")
    if said in (None, ""):
        return record
    key = int(said) if str(said).isdecimal() else 0
    if key not in objects.STATUSES:
        raise invalid("Status key is not included in the list", "status_key")
    target = objects.STATUSES[key][2]
    for step in _path(record["status"], target):
        more = {"approver": booking.approver(desk)} if step == "reopen_project" else {}
        record = desk.do(step, record["id"], **more)
    return desk.alter(kind, record, {}, {"status_key": key})


def _path(source: str, target: str) -> list[str]:
    """The shortest way of deeds from one status to another; raises Refused 422 where there is none."""
    ways: dict[str, list[str]] = {source: []}
    ahead = [source]
    while ahead and target not in ways:
        here = ahead.pop(0)
        for (start, end), deed in MOVES.items():
            if start == here and end not in ways:
                ways[end] = [*ways[here], deed]
                ahead.append(end)
    if target not in ways:
        raise invalid(f"Status cannot change from {source.lower()} to {target.lower()}", "status_key")
    return ways[target]


# groups


def create_group(desk: Desk, kind: Kind, given: Given) -> Record:
    """A customer."""
    desk.check(kind, given)
    values = desk.stored(kind, kind.maps[0], given, None) | {"country": "US"}
    values |= named(given["name"], 80, "name", kind.required["name"])
    found = desk.face.values.columns(desk, kind, "customer", given.get("custom_fields"))
    record = desk.make(kind, kind.maps[0], values | found)
    return _joined(desk, kind, desk.besides(kind, record, given), given)


def update_group(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes of a customer, and which projects are his."""
    values = desk.stored(kind, kind.maps[0], given, record)
    if "name" in given:
        values |= named("" if given["name"] is None else given["name"], 80, "name", kind.required["name"])
    return _joined(desk, kind, desk.edit(kind, record, given, values), given)


def _joined(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    spaces = desk.face.kinds["workspaces"]
    for name in ("add_workspace_ids", "remove_workspace_ids"):
        for id in items(given, name):
            project = desk.named("project", id, name, "Workspace")
            found = [each["id"] for each in groups(desk, project) if each["id"] != record["id"]]
            if name.startswith("add"):
                found.append(record["id"])
            primary = found[0] if found else nobody(desk)
            desk.alter(spaces, project, {"customer": primary}, {"further_group_ids": found[1:] or None})
    return record


# stories


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


# seats


def create_seat(desk: Desk, kind: Kind, given: Given) -> Record:
    """A person on a project. One who is there already keeps the seat; as a participation that is refused."""
    desk.check(kind, given)
    project = desk.named("project", given["workspace_id"], "workspace_id", "Workspace")
    if kind.key == "workspace_resources" and given.get("user_id") in (None, ""):
        return _unnamed_seat(desk, kind, project, given)
    person = desk.named("employee", given["user_id"], "user_id", "User")
    if kind.key == "participations" and given["role"] not in ("maven", "buyer"):
        raise invalid("Role is not included in the list", "role")
    same = [
        each
        for each in desk.all("assignment", project=project["id"], employee=person["id"])
        if each["status"] == "CONFIRMED"
    ]
    if same and kind.key == "participations":
        raise invalid("User is already a participant of this project", "user_id")
    values = desk.stored(kind, kind.maps[0], given, None) | _seat(project, given)
    if same:
        return desk.alter(
            kind, same[-1], {name: each for name, each in values.items() if name not in ("project", "employee")}
        )
    return desk.make(kind, kind.maps[0], values)


def _unnamed_seat(desk: Desk, kind: Kind, project: Record, given: Given) -> Record:
    """A seat for a role, until somebody is named for it."""
    if given.get("role_id") in (None, ""):
        raise invalid("User can't be blank", "user_id")
    people.level_of(given["role_id"], "role_id")
    values = desk.own_values(kind, given, None, objects.UNNAMED)
    return desk.keep(kind.key, {**values, "workspace_id": project["id"]}, columns={"owner": project["id"]})


def _name_seat(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """A person named for a seat that was a role's: the seat keeps its id and its bookings."""
    said = kept(record)
    person = desk.named("employee", given["user_id"], "user_id", "User")
    project = desk.named("project", said["workspace_id"], "workspace_id", "Workspace")
    values = {
        "id": record["id"],
        "project": project["id"],
        "employee": person["id"],
        "from_date": said.get("start_date"),
        "to_date": said.get("end_date"),
        "planned_minutes": min(desk.booked(record["id"]), 10**7),
        **_seat(project, {"role_id": said.get("role_id"), **given}),
    }
    removed(desk.tx, desk.entity("vendor_object"), record["id"])
    allocations.seated(desk, record["id"], person["id"])
    return desk.make(kind, kind.maps[0], {name: value for name, value in values.items() if value is not None})


def update_seat(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """What a person bills, in which role and when; who sits on a seat that was a role's."""
    if "vendor" in record:
        if given.get("user_id") not in (None, ""):
            return _name_seat(desk, kind, record, given)
        if given.get("role_id") not in (None, ""):
            people.level_of(given["role_id"], "role_id")
        values = desk.own_values(kind, given, record, objects.UNNAMED)
        return desk.keep(kind.key, values, record) if values else record
    project = desk.named("project", record["project"], "workspace_id", "Workspace")
    return desk.alter(kind, record, desk.stored(kind, kind.maps[0], given, record) | _seat(project, given))


def _seat(project: Record, given: Given) -> Record:
    values: Record = {}
    rate = given.get("rate_in_cents", given.get("bill_rate_in_cents"))
    if rate not in (None, ""):
        name = "rate_in_cents" if "rate_in_cents" in given else "bill_rate_in_cents"
        values["bill_rate_override"] = objects.price_of(whole(given, name), project["ccy"])
    role = given.get("workspace_role_id", given.get("role_id"))
    if role not in (None, ""):
        values["level"] = people.level_of(role, "role_id")
    return values


def delete_seat(desk: Desk, kind: Kind, record: Record) -> None:
    """A person taken off a project, or a seat that nobody had."""
    if "vendor" in record:
        removed(desk.tx, desk.entity("vendor_object"), record["id"])
        return
    desk.do("cancel_assignment", record["id"])


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


def plain_delete(desk: Desk, kind: Kind, record: Record) -> None:
    """A record taken away."""
    removed(desk.tx, desk.entity(kind.map_of(record).entity), record["id"])


Create = Callable[[Desk, Kind, Given], Record]
Update = Callable[[Desk, Kind, Record, Given], Record]


def referred_create(create: Create) -> Create:
    """A way of making what takes nothing along but a reference."""
    return lambda desk, kind, given: desk.referred(kind, create(desk, kind, given), given)


def referred_update(update: Update) -> Update:
    """A way of changing what takes nothing along but a reference."""
    return lambda desk, kind, record, given: desk.referred(kind, update(desk, kind, record, given), given)


CREATE: Mapping[str, Create] = {
    "workspaces": create_workspace,
    "workspace_groups": create_group,
    "stories": create_story,
    "participations": referred_create(create_seat),
    "workspace_resources": referred_create(create_seat),
    "time_entries": booking.create_time,
    "expenses": booking.create_expense,
    "billing_milestones": create_milestone,
    "assignments": referred_create(allocations.create_assignment),
    "story_allocation_days": referred_create(allocations.create_day),
    "workspace_allocations": referred_create(allocations.create_allocation),
    "account_invitations": referred_create(people.invite),
    **dict.fromkeys(people.CHECKS, referred_create(people.create)),
    "rate_card_sets": card_writing.create_set,
    "rate_cards": card_writing.create_card,
    "rate_card_set_versions": card_writing.create_set_version,
    "rate_card_roles": card_writing.create_role,
}
"""How each kind is made: (desk, kind, what is given)."""

UPDATE: Mapping[str, Update] = {
    "workspaces": update_workspace,
    "workspace_groups": update_group,
    "stories": update_story,
    "participations": referred_update(update_seat),
    "workspace_resources": referred_update(update_seat),
    "time_entries": booking.update_time,
    "expenses": booking.update_expense,
    "billing_milestones": update_milestone,
    "assignments": referred_update(allocations.update),
    "story_allocation_days": referred_update(allocations.update),
    "workspace_allocations": referred_update(allocations.update),
    "account_memberships": referred_update(people.update_membership),
    **dict.fromkeys(people.CHECKS, referred_update(people.update)),
    "users": people.update_user,
    "rate_card_sets": card_writing.update_set,
    "rate_card_versions": card_writing.update_version,
    "rate_card_roles": card_writing.update_role,
}
"""How each kind is changed: (desk, kind, the record, what is given)."""

DELETE: Mapping[str, Callable[[Desk, Kind, Record], None]] = {
    "workspace_groups": plain_delete,
    "stories": plain_delete,
    "participations": delete_seat,
    "workspace_resources": delete_seat,
    "time_entries": booking.delete_time,
    "expenses": booking.delete_expense,
    "billing_milestones": delete_milestone,
    "external_references": plain_delete,
    "assignments": allocations.delete,
    "story_allocation_days": allocations.delete,
    "workspace_allocations": allocations.delete,
    **dict.fromkeys(people.CHECKS, people.delete),
    "rate_card_sets": card_writing.delete_set,
    "rate_cards": card_writing.delete_card,
    "rate_card_set_versions": card_writing.delete_set_version,
    "rate_card_versions": card_writing.delete_version,
    "rate_card_roles": card_writing.delete_role,
}
"""How each kind is taken away: (desk, kind, the record)."""
