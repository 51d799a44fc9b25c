"""How people come onto projects, what they bill there, and how they leave: participations and workspace resources are one assignment."""

from __future__ import annotations

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import removed
from counterfoil_mocks.psa.kantata import allocations, objects, people
from counterfoil_mocks.psa.kantata.desk import Desk, whole
from counterfoil_mocks.psa.kantata.errors import invalid
from counterfoil_mocks.psa.kantata.kind import Kind, kept
from counterfoil_mocks.psa.kantata.view import Given


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
