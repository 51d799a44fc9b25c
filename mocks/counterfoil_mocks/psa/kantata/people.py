"""People beyond users: memberships of the account, invitations, skills and cost rates. Memberships are the business's employees; the
others only Kantata knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import removed
from counterfoil_mocks.protocols.conversion import BOOLEAN, DATE, INTEGER, TEXT
from counterfoil_mocks.protocols.fieldmap import FieldMap
from counterfoil_mocks.psa.kantata import objects
from counterfoil_mocks.psa.kantata.conditions import level, own, references_of, role_link
from counterfoil_mocks.psa.kantata.desk import Desk, whole
from counterfoil_mocks.psa.kantata.errors import Refused, failure, forbidden, invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, REF, VENDOR, Kind, Link, computed, equals, kept, mapped
from counterfoil_mocks.psa.kantata.view import Given, View

PERMISSIONS = (
    "punch_clock",
    "collaborator",
    "project_creator",
    "project_lead",
    "reports_viewer",
    "reports_viewer_with_cost",
    "administrator",
)
"""Permission levels of an account, weakest first."""
MOST_LEVEL = 10


def _permission(record: Record, view: Any) -> str:
    first = record["id"] == view.face.account.user_id(view.face.account.admin)
    return str(kept(record).get("permission") or ("administrator" if first else "collaborator"))


MEMBERSHIP = mapped(
    "account_memberships",
    "employee",
    computed("account_id", lambda record, view: view.account_id),
    computed("user_id", lambda record, view: record["id"]),
    computed("full_name", lambda record, view: record["name"]),
    computed("permission", _permission),
    FieldMap("bill_rate_in_cents", conversion=INTEGER),
    computed("cost_rate_in_cents", lambda record, view: objects.cents(record["cost_rate"], record["cost_ccy"])),
    computed("currency", lambda record, view: record["cost_ccy"]),
    computed("default_role_id", lambda record, view: objects.role_id(record["level"])),
    computed(
        "disabled_at", lambda record, view: view.local(record["updated_at"]) if record["status"] == "LEFT" else None
    ),
    FieldMap("billability_target", conversion=INTEGER),
    FieldMap("manager_id", conversion=REF),
    FieldMap("can_log_in", conversion=BOOLEAN, default=True),
)
INVITATION = mapped(
    "account_invitations",
    "vendor_object",
    *(
        FieldMap(name, conversion=TEXT, updatable=False)
        for name in ("full_name", "email_address", "permission", "message")
    ),
    FieldMap("invited_user_id", conversion=REF, creatable=False),
    FieldMap("workspace_id", conversion=REF, creatable=False),
    FieldMap("invitee_role", creatable=False),
    FieldMap("sent", conversion=INTEGER, creatable=False),
    computed("accepted_at", lambda record, view: view.local(record["created_at"])),
)
SKILL = mapped(
    "skills",
    "vendor_object",
    FieldMap("name", conversion=TEXT),
    FieldMap("description", conversion=TEXT, default=""),
    FieldMap("skill_category_id", conversion=REF),
    FieldMap("max_level", conversion=INTEGER, default=5),
)
SKILL_MEMBERSHIP = mapped(
    "skill_memberships",
    "vendor_object",
    FieldMap("skill_id", conversion=REF, updatable=False),
    FieldMap("user_id", conversion=REF, updatable=False),
    FieldMap("level", conversion=INTEGER, default=1),
    computed("max_level", lambda record, view: _max_level(view, kept(record)["skill_id"])),
)
COST_RATE = mapped(
    "cost_rates",
    "vendor_object",
    FieldMap("account_membership_id", conversion=REF, updatable=False),
    FieldMap("amount_in_subunits", conversion=INTEGER),
    FieldMap("currency", conversion=TEXT),
    FieldMap("effective_date", conversion=DATE),
    FieldMap("end_date", conversion=DATE),
)


def _max_level(view: View, skill: str) -> int:
    found = view.find(view.face.kinds["skills"], skill)
    return 5 if found is None else int(kept(found).get("max_level") or 5)


def of_owner(kind: str) -> Any:
    """The objects of a kind that belong to a record by their owner."""
    return lambda view, record: view.all("vendor_object", vendor=VENDOR, kind=kind, owner=record["id"])


KINDS: tuple[Kind, ...] = (
    Kind(
        "account_memberships",
        "account_membership",
        "AccountMembership",
        "account_membership",
        (MEMBERSHIP,),
        links={
            "user": Link("user_id", "users", lambda view, record: [record], column=True),
            "manager": Link("manager_id", "users", own("employee", "manager_id"), column=True),
            "cost_rates": Link("cost_rate_ids", "cost_rates", of_owner("cost_rates")),
            "default_role": role_link("default_role_id", level),
            "external_references": references_of("AccountMembership"),
            "managees": Link(
                "managee_ids",
                "users",
                lambda view, record: [
                    each for each in view.all("employee") if kept(each).get("manager_id") == record["id"]
                ],
            ),
            "skill_memberships": Link(
                "skill_membership_ids",
                "skill_memberships",
                lambda view, record: [
                    each
                    for each in view.all("vendor_object", vendor=VENDOR, kind="skill_memberships")
                    if kept(each)["user_id"] == record["id"]
                ],
            ),
        },
        filters={
            "user_id": lambda view, map, table, value: table.c.id.in_(value.split(",")),
            "disabled": lambda view, map, table, value: (
                table.c.status != "LEFT" if value.lower() == "false" else table.c.status == "LEFT"
            ),
        },
        order=("created_at", "asc"),
        searched=("name",),
        verbs="list get update",
    ),
    Kind(
        "account_invitations",
        "account_invitation",
        "AccountInvitation",
        "account_invitation",
        (INVITATION,),
        links={
            "invited_user": Link("invited_user_id", "users", own("employee", "invited_user_id"), column=True),
            "external_references": references_of("AccountInvitation"),
        },
        required={"full_name": "Full name can't be blank", "email_address": "Email address can't be blank"},
        verbs="create list get",
    ),
    Kind(
        "skills",
        "skill",
        "Skill",
        "skill",
        (SKILL,),
        links={
            "skill_memberships": Link("skill_membership_ids", "skill_memberships", of_owner("skill_memberships")),
            "external_references": references_of("Skill"),
        },
        required={"name": "Name can't be blank"},
        filters={"skill_category_id": equals("skill_category_id"), "name": equals("name")},
        orders=("created_at", "updated_at", "name"),
        searched=("name",),
        verbs="create list get update delete",
    ),
    Kind(
        "skill_memberships",
        "skill_membership",
        "SkillMembership",
        "skill_membership",
        (SKILL_MEMBERSHIP,),
        links={
            "skill": Link("skill_id", "skills", own("vendor_object", "skill_id"), column=True),
            "user": Link("user_id", "users", own("employee", "user_id"), column=True),
        },
        required={"skill_id": "Skill can't be blank", "user_id": "User can't be blank"},
        filters={name: equals(name) for name in ("skill_id", "user_id", "level")},
        verbs="create list get update delete",
    ),
    Kind(
        "cost_rates",
        "cost_rate",
        "CostRate",
        "cost_rate",
        (COST_RATE,),
        links={
            "account_membership": Link(
                "account_membership_id", "account_memberships", own("employee", "account_membership_id"), column=True
            )
        },
        required={
            "account_membership_id": "Account membership can't be blank",
            "amount_in_subunits": "Amount is not a number",
        },
        filters={"account_membership_id": equals("account_membership_id"), "currency": equals("currency")},
        verbs="create list get update delete",
    ),
)


# memberships and invitations


def update_membership(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """What a person costs, in which role he works and what he may do."""
    values = desk.stored(kind, kind.maps[0], given, record)
    own_values: Record = {}
    if given.get("permission"):
        if given["permission"] not in PERMISSIONS:
            raise invalid("Permission is not included in the list", "permission")
        own_values["permission"] = given["permission"]
    if given.get("cost_rate_in_cents") not in (None, ""):
        values["cost_rate"] = objects.price_of(whole(given, "cost_rate_in_cents"), record["cost_ccy"])
    if given.get("default_role_id") not in (None, ""):
        values["level"] = level_of(given["default_role_id"], "default_role_id")
    manager = values.get("custom", {}).get(KEEP, {}).get("manager_id")
    if manager:
        desk.named("employee", manager, "manager_id", "Manager")
    return desk.alter(kind, record, values, own_values)


def level_of(role: Any, field: str) -> str:
    """The level that a role is; raises Refused 422."""
    if str(role) not in map(str, range(1, len(objects.LEVELS) + 1)):
        raise invalid("Role can't be found", field)
    return objects.LEVELS[int(str(role)) - 1]


def switch(desk: Desk, kind: Kind, id: str, status: str) -> Record:
    """A person leaves the account, or comes back; raises Refused."""
    return desk.alter(kind, desk.seen(kind, id), {"status": status})


def invite(desk: Desk, kind: Kind, given: Given) -> Record:
    """A person asked onto the account; in the fake everybody comes at once."""
    permitted = [("permission", given.get("permission") or PERMISSIONS[0], PERMISSIONS)]
    _refuse_invitation(kind, given, permitted)
    values = desk.own_values(kind, given)
    person = person_of(desk, values["full_name"], values["email_address"])
    values |= {"invited_user_id": person["id"], "sent": 1}
    return desk.keep(kind.key, values, columns={"owner": person["id"], "name": values["email_address"]})


def update_user(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """What a person is called, does and is written to at; a collaborator changes himself alone."""
    if not desk.administrator and record["id"] != desk.user_id:
        raise forbidden()
    said = {"full_name": record["name"], "email_address": objects.email(record, desk), **given}
    _refuse_invitation(desk.face.kinds["account_invitations"], said, [])
    columns = {"name": str(said["full_name"]).strip()} if "full_name" in given else {}
    own_values = {name: str(given[name] or "") for name in ("email_address", "headline") if name in given}
    return desk.edit(kind, record, given, columns, own_values)


def _refuse_invitation(kind: Kind, given: Given, chosen: Sequence[tuple[str, Any, Sequence[str]]]) -> None:
    """Refuse an invitation with all that is wrong with it. chosen: attributes, their values, and what they may be."""
    wrong = [failure(words, name) for name, words in kind.required.items() if given.get(name) in (None, "")]
    name, email = given.get("full_name"), str(given.get("email_address") or "")
    if email and ("@" not in email or len(email) > 200 or "\0" in email):
        wrong.append(failure("Email address is invalid", "email_address"))
    if name and (not isinstance(name, str) or not name.strip() or len(name) > 120 or "\0" in name):
        wrong.append(failure("Full name is invalid", "full_name"))
    for attribute, value, choices in chosen:
        if value not in choices:
            words = attribute.replace("_", " ").capitalize()
            wrong.append(failure(f"{words} is not included in the list", attribute))
    if wrong:
        raise Refused(422, wrong)


def resend(desk: Desk, kind: Kind, id: str) -> Record:
    """An invitation sent again."""
    record = desk.seen(kind, id)
    return desk.keep(kind.key, {"sent": int(kept(record).get("sent") or 1) + 1}, record)


def person_of(desk: Desk, name: Any, email: Any) -> Record:
    """The person with an address, made where there is none."""
    said = str(email)
    asked = desk.all("vendor_object", vendor=VENDOR, kind="account_invitations", name=said)
    same = desk.some("employee", [kept(each)["invited_user_id"] for each in asked])
    local, _, domain = said.partition("@")
    if not same and domain == "counterfoil.test":
        same = desk.all("employee", employee_no=local.upper())
    if same:
        return same[0]
    first = desk.record("employee", desk.user_id)
    values = {
        "name": name.strip(),
        "legal_entity": first["legal_entity"] if first else desk.face.legal_entity(desk, "USD"),
        "level": objects.LEVELS[1],
        "cost_rate": 0,
        "custom": {KEEP: {"email_address": said}},
    }
    return desk.make(desk.face.kinds["users"], objects.USER, values)


def invite_to_workspace(desk: Desk, id: str) -> Record:
    """A person asked onto a project: one of ours gets a seat, one of the customer's is only asked; raises Refused."""
    spaces, kind = desk.face.kinds["workspaces"], desk.face.kinds["account_invitations"]
    project = desk.seen(spaces, id)
    said = desk.given.get("invitation")
    given: Record = said if isinstance(said, dict) else {}
    role = given.get("invitee_role") or "maven"
    _refuse_invitation(kind, given, [("invitee_role", role, ("maven", "buyer"))])
    values = {
        "full_name": str(given["full_name"]),
        "email_address": str(given["email_address"]),
        "invitee_role": role,
        "workspace_id": project["id"],
        "sent": 1,
    }
    if role == "maven":
        person = person_of(desk, given["full_name"], given["email_address"])
        values["invited_user_id"] = person["id"]
        if not desk.all("assignment", project=project["id"], employee=person["id"], status="CONFIRMED"):
            seat = {"project": project["id"], "employee": person["id"]}
            desk.make(desk.face.kinds["participations"], objects.PARTICIPATION, seat)
    desk.keep(kind.key, values, columns={"owner": project["id"], "name": values["email_address"][:500]})
    return desk.one(spaces, desk.seen(spaces, id))


# skills and cost rates


def create(desk: Desk, kind: Kind, given: Given) -> Record:
    """A skill, who has it, or what a person costs from a day on."""
    desk.check(kind, given)
    values = desk.own_values(kind, given)
    owner = CHECKS[kind.key](desk, kind, values, None)
    name = str(values.get("name") or "")[:500] or None
    return desk.keep(kind.key, values, columns={"owner": owner, "name": name})


def update(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes changed."""
    values = desk.own_values(kind, given, record)
    CHECKS[kind.key](desk, kind, {**kept(record), **values}, record)
    columns = {"name": values["name"][:500]} if "name" in values else None
    return desk.keep(kind.key, values, record, columns) if values else record


def delete(desk: Desk, kind: Kind, record: Record) -> None:
    """Taken away; a skill takes along who has it."""
    if kind.key == "skills":
        for each in desk.all("vendor_object", vendor=VENDOR, kind="skill_memberships", owner=record["id"]):
            removed(desk.tx, desk.entity("vendor_object"), each["id"])
    removed(desk.tx, desk.entity("vendor_object"), record["id"])


def _skill(desk: Desk, kind: Kind, values: Record, record: Record | None) -> str | None:
    name = values.get("name")
    if not name or len(name) > 255:
        raise invalid("Name can't be blank or longer than 255 characters", "name")
    bounded(values, "max_level", 1, MOST_LEVEL)
    same = desk.all("vendor_object", vendor=VENDOR, kind=kind.key, name=name)
    if any(record is None or each["id"] != record["id"] for each in same):
        raise invalid("Name has already been taken", "name")
    return None


def _skill_membership(desk: Desk, kind: Kind, values: Record, record: Record | None) -> str:
    skill = desk.find(desk.face.kinds["skills"], str(values["skill_id"]))
    if skill is None:
        raise invalid("Skill can't be found", "skill_id")
    desk.named("employee", values["user_id"], "user_id", "User")
    bounded(values, "level", 0, _max_level(desk, skill["id"]))
    same = desk.all("vendor_object", vendor=VENDOR, kind=kind.key, owner=skill["id"])
    if record is None and any(kept(each)["user_id"] == str(values["user_id"]) for each in same):
        raise invalid("User has this skill already", "user_id")
    return str(skill["id"])


def _cost_rate(desk: Desk, kind: Kind, values: Record, record: Record | None) -> str:
    person = desk.named("employee", values["account_membership_id"], "account_membership_id", "Account membership")
    bounded(values, "amount_in_subunits", 0, 10**9)
    if values.setdefault("currency", person["cost_ccy"]) not in desk.entity("employee").by_name["cost_ccy"].choices:
        raise invalid("Currency is not included in the list", "currency")
    start, end = values.get("effective_date"), values.get("end_date")
    if start and end and start > end:
        raise invalid("End date must be on or after the effective date", "end_date")
    return str(person["id"])


CHECKS = {"skills": _skill, "skill_memberships": _skill_membership, "cost_rates": _cost_rate}
"""What must hold of each kind, and whose each object is."""


def bounded(values: Record, name: str, low: int, high: int) -> None:
    """Refuse a number that is out of its bounds."""
    value = values.get(name)
    if value is not None and not (isinstance(value, int) and low <= value <= high):
        raise invalid(f"{name.replace('_', ' ').capitalize()} must be between {low} and {high}", name)
