"""What an hour of time is billed at: the business's rate, else what the entry or the person's membership says, which goes on the seat."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa import rates
from counterfoil_mocks.psa.kantata.kind import kept
from counterfoil_mocks.psa.kantata.objects import cents, price_of

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.desk import Desk
    from counterfoil_mocks.psa.kantata.view import View


def seat_of(view: View, entry: Record) -> Record | None:
    """The seat of an entry's person on its day; the newest where there are several."""
    on = entry["work_date"]
    seats = view.all("assignment", project=entry["project"], employee=entry["employee"], status=["CONFIRMED", "ENDED"])
    return next((each for each in seats[::-1] if (each["from_date"] or on) <= on <= (each["to_date"] or on)), None)


def versions_of(view: View, project: Record) -> list[Record]:
    """The versions of the card that a project is priced by."""
    card = view.record("rate_card", project["rate_card"])
    if card is None:
        return []
    same = {"code": card["code"], "region": card["region"], "ccy": project["ccy"]}
    return view.all("rate_card", **same, status=["PUBLISHED", "RETIRED"])


def usual(view: View, entry: Record, project: Record) -> int | None:
    """What the version in force says of roles without a rate of their own, in subunits."""
    begun = [each for each in versions_of(view, project) if each["effective_from"] <= entry["work_date"]]
    if not begun:
        return None
    said = kept(max(begun, key=lambda each: str(each["effective_from"]))).get("default_rate")
    return int(Decimal(str(said)).scaleb(money.exponent(project["ccy"]))) or None if said else None


def found(view: View, entry: Record, project: Record, person: Record) -> rates.BillRate:
    """The rate that the business would freeze, were the entry approved now."""
    seat = seat_of(view, entry) or {"level": None, "bill_rate_override": None}
    versions = versions_of(view, project)
    return rates.bill_rate(seat["level"] or person["level"], entry["work_date"], seat["bill_rate_override"], versions)


def now(view: View, entry: Record) -> int | None:
    """What an hour of an entry that is not approved would be billed at, in subunits."""
    project, person = view.record("project", entry["project"]), view.record("employee", entry["employee"])
    if project is None or person is None:
        return None
    rate = found(view, entry, project, person)
    if rate.source != "NONE":
        return cents(rate.price, project["ccy"])
    own = usual(view, entry, project) or kept(person).get("bill_rate_in_cents")
    return cents(rate.price, project["ccy"]) if own is None else int(own)


def settle(desk: Desk, entry: Record) -> None:
    """Where the business has no rate for an entry, give its seat what the entry says, else what the person's membership says."""
    project, person = desk.record("project", entry["project"]), desk.record("employee", entry["employee"])
    seat = seat_of(desk, entry)
    if project is None or person is None or seat is None or found(desk, entry, project, person).source != "NONE":
        return
    said = kept(entry).get("rate_in_cents")
    said = usual(desk, entry, project) if said is None else said
    said = kept(person).get("bill_rate_in_cents") if said is None else said
    if said is not None:
        price = price_of(int(said), project["ccy"])
        desk.alter(desk.face.kinds["participations"], seat, {"bill_rate_override": price})
