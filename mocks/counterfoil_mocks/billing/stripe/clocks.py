"""Test clocks, and the agenda: what invoices, subscriptions, schedules and quotes do by themselves at a time.

An object without a test clock goes by the business clock, by one timer of its own; the objects of a test clock go by it when it is
advanced. Both come through the same table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.model import ROLE
from counterfoil_mocks.billing.stripe import invoices, quotes, schedules, spans, subscriptions
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import gone
from counterfoil_mocks.billing.stripe.errors import Refused, error_of, invalid, needed
from counterfoil_mocks.billing.stripe.kind import kept
from counterfoil_mocks.billing.stripe.kinds import KINDS, kind_of
from counterfoil_mocks.billing.stripe.params import TEXT, TIME
from counterfoil_mocks.billing.stripe.payments import Declined
from counterfoil_mocks.billing.stripe.subscription_objects import CLOCK
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.protocols.conversion import of_epoch

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

TIMER = "stripe_due"
DAY = 86400
LONGEST = 2 * 366 * DAY
MOST_STEPS = 5000

Deed = Callable[[Desk, str], Any]
Due = tuple[int, Deed]


# what is due


def _invoice_due(shown: Record) -> Due | None:
    if shown["status"] == "draft" and shown["automatically_finalizes_at"]:
        return shown["automatically_finalizes_at"], _finalize
    if shown["status"] == "open" and shown["next_payment_attempt"]:
        return shown["next_payment_attempt"], _collect
    if shown["status"] == "open" and shown["due_date"] and not shown.get("overdue"):
        return shown["due_date"], _overdue
    return None


def _overdue(desk: Desk, id: str) -> None:
    """The due date has passed and something is left to pay: said once."""
    desk.change("invoice", id, {"overdue": True})
    desk.tell("invoice", id, "invoice.overdue")


def _finalize(desk: Desk, id: str) -> None:
    """A draft that goes on by itself: final, and charged or sent."""
    try:
        made = invoices.finalize(desk, id)
    except Problem as problem:  # its draft stays, and says why
        _, error = error_of(problem)
        desk.change("invoice", id, {"automatically_finalizes_at": None, "last_finalization_error": error})
        desk.tell("invoice", id, "invoice.finalization_failed")
        return
    if made["status"] != "open":
        return
    if made["collection_method"] == "charge_automatically":
        _collect(desk, id)
    else:
        desk.tell("invoice", id, "invoice.sent")


def _collect(desk: Desk, id: str) -> None:
    try:
        invoices.attempt(desk, id)
    except Declined:
        subscriptions.after_failure(desk, id)
    except Problem:
        mine = desk.get("invoice", id)
        count = {"attempted": True, "attempt_count": mine["attempt_count"] + 1, "next_payment_attempt": None}
        invoices.mark(desk, id, "open", count)
        desk.tell("invoice", id, "invoice.payment_failed")
        subscriptions.after_failure(desk, id)


AGENDA: dict[str, Callable[[Record], Due | None]] = {
    "subscription_schedule": schedules.due,
    "subscription": subscriptions.due,
    "invoice": _invoice_due,
    "quote": quotes.due,
}
"""By kind of object: when it next does something by itself, and what. At one moment they go in this order."""


def arm(face: StripeFace, tx: Tx, touched: Iterable[tuple[Entity, Record | None, Record]]) -> None:
    """Set the timer of every object that goes by the business clock and has something to do."""
    for entity, _, after in touched:
        kind = kind_of(entity, after)
        if kind is None or kind.name not in AGENDA:
            continue
        shown = {**kept(after), **kind.map.shown(after, face)}
        found = None if kind.gone(after) or shown.get("test_clock") else AGENDA[kind.name](shown)
        if found is None:
            tx.cancel_timer(TIMER, after["id"])
        else:
            tx.set_timer(TIMER, after["id"], of_epoch(found[0]), {"kind": kind.name, "id": after["id"]})


@ROLE.on_timer(TIMER)
def fire(tx: Tx, payload: Record) -> None:
    """An object's time has come."""
    face: Any = tx.system.face
    if face is None or face.vendor != "stripe":
        return
    desk = Desk(face, tx)
    record = desk.record(KINDS[payload["kind"]], payload["id"])
    found = None if record is None else AGENDA[payload["kind"]](_whole(desk, payload["kind"], record))
    if found is not None and found[0] <= desk.now:
        found[1](desk, payload["id"])


def _whole(desk: Desk, name: str, record: Record) -> Record:
    """An object with what it does not show."""
    return {**kept(record), **desk.shown(KINDS[name], record)}


# test clocks


def create(desk: Desk, id: str, given: Record) -> Record:
    """A clock that stands still until it is told to advance."""
    now = desk.now
    return desk.insert(
        "test_helpers.test_clock",
        {"frozen_time": given["frozen_time"], "name": given.get("name"), "deletes_after": now + 30 * DAY},
    )


def remove(desk: Desk, id: str, given: Record) -> Record:
    """A clock, its customers and all that is theirs are deleted."""
    desk.get("test_helpers.test_clock", id)
    for name in ("subscription", "subscription_schedule", "quote", "invoiceitem"):
        for each in desk.all(name, test_clock=id):
            desk.remove(name, each["id"])
    for each in desk.all("customer", test_clock=id):
        desk.remove("customer", each["id"])
    desk.remove("test_helpers.test_clock", id)
    return gone(CLOCK, id)


def advance(face: StripeFace) -> Callable[[Desk, str, Record], Record]:
    """Have a clock advance: the answer comes at once, the work is done right after it."""

    def run(desk: Desk, id: str, given: Record) -> Record:
        clock = desk.get("test_helpers.test_clock", id)
        target = given["frozen_time"]
        if target is None:
            raise needed("frozen_time")
        if clock["status"] != "ready":
            raise Refused(429, "Test clock advancement underway. Please wait until it is ready.", code="rate_limit")
        if target <= clock["frozen_time"]:
            raise invalid("The frozen_time must be later than the clock's current frozen_time.", "frozen_time")
        if target > clock["frozen_time"] + _furthest(desk, id):
            raise invalid(
                "Test clocks can only be advanced up to two intervals of the shortest subscription at a time.",
                "frozen_time",
            )
        details = {"advancing": {"target_frozen_time": target}}
        said = desk.change("test_helpers.test_clock", id, {"status": "advancing", "status_details": details})
        face.system.world.traffic.begin()
        asyncio.get_running_loop().call_soon(_later, face, id, target)
        return said

    return run


def _furthest(desk: Desk, id: str) -> int:
    lengths = [
        spans.LENGTHS[each["recurring"]["interval"]] * each["recurring"]["interval_count"]
        for found in desk.all("subscription", test_clock=id)
        if found["status"] not in ("canceled", "incomplete_expired")
        for item in found["items"]["data"]
        if (each := item["price"]) and each["recurring"]
    ]
    return 2 * min(lengths) if lengths else LONGEST


def _later(face: StripeFace, id: str, target: int) -> None:
    """Do what is due on the way, in its order, as one deed; then the clock is ready."""
    origin = Origin("schedule", "test clock", deed="advance_test_clock")
    try:
        try:
            with Tx(face.system, origin) as tx:
                walk(Desk(face, tx), id, target)
        except Problem:
            with Tx(face.system, origin) as tx:
                Desk(face, tx).change(
                    "test_helpers.test_clock", id, {"status": "internal_failure", "status_details": {}}
                )
    finally:
        face.system.world.traffic.end()


def walk(desk: Desk, id: str, target: int) -> None:
    """Walk a clock from what is due to what is due next, up to a moment."""
    for _ in range(MOST_STEPS):
        found = _next(desk, id, target)
        if found is None:
            break
        at, deed, named = found
        standing = desk.at(None).get("test_helpers.test_clock", id)["frozen_time"]
        desk.change("test_helpers.test_clock", id, {"frozen_time": max(at, standing)})
        desk.at(id, max(at, standing))
        deed(desk, named)
    desk.at(None)
    desk.change("test_helpers.test_clock", id, {"frozen_time": target, "status": "ready", "status_details": {}})
    desk.tell("test_helpers.test_clock", id, "test_helpers.test_clock.ready")


def _next(desk: Desk, id: str, target: int) -> tuple[int, Deed, str] | None:
    best: tuple[int, Deed, str] | None = None
    for name, due in AGENDA.items():
        for each in desk.all(name, test_clock=id):
            found = due({**desk.kept(name, each["id"]), **each})
            if found is not None and found[0] <= target and (best is None or found[0] < best[0]):
                best = found[0], found[1], each["id"]
    return best


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes of test clocks."""
    path = KINDS["test_helpers.test_clock"].path
    yield face.post("create_test_clock", path, {"frozen_time": TIME, "name": TEXT}, create, ("frozen_time",))
    yield face.post(
        "advance_test_clock", f"{path}/{{id}}/advance", {"frozen_time": TIME}, advance(face), ("frozen_time",)
    )
    yield face.post("delete_test_clock", f"{path}/{{id}}", {}, remove, method="DELETE")
