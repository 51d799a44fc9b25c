"""How each kind of object is made, changed and taken away: Kantata's attributes in, deeds of the PSA out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from counterfoil_mocks.deeds import refuse_beyond
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import exact
from counterfoil_mocks.psa.kantata import (
    allocations,
    booking,
    card_writing,
    objects,
    people,
    seat_writing,
    story_writing,
)
from counterfoil_mocks.psa.kantata.conditions import groups
from counterfoil_mocks.psa.kantata.desk import Desk, items, plain_delete, said_of
from counterfoil_mocks.psa.kantata.errors import Refused, failure, invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, Kind
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


ABSENT = {"project_tracker_template_id": "Project template", "estimate_scenario_id": "Estimate scenario"}
"""What a workspace is made of that the account has none of."""
CREATORS = ("maven", "consultant", "buyer", "client")
"""What the creator of a workspace may be in it; the first two are the provider's."""


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
        seat_writing.create_seat(desk, desk.face.kinds["participations"], seat)
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
    "stories": story_writing.create_story,
    "participations": referred_create(seat_writing.create_seat),
    "workspace_resources": referred_create(seat_writing.create_seat),
    "time_entries": booking.create_time,
    "expenses": booking.create_expense,
    "billing_milestones": story_writing.create_milestone,
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
    "stories": story_writing.update_story,
    "participations": referred_update(seat_writing.update_seat),
    "workspace_resources": referred_update(seat_writing.update_seat),
    "time_entries": booking.update_time,
    "expenses": booking.update_expense,
    "billing_milestones": story_writing.update_milestone,
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
    "participations": seat_writing.delete_seat,
    "workspace_resources": seat_writing.delete_seat,
    "time_entries": booking.delete_time,
    "expenses": booking.delete_expense,
    "billing_milestones": story_writing.delete_milestone,
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
