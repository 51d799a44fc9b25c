"""Subscription schedules: a project's phases, each of which begins or changes a subscription."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.stripe import items, spans, subscription_changes, subscriptions
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import altered, merged
from counterfoil_mocks.billing.stripe.errors import invalid, needed
from counterfoil_mocks.billing.stripe.kind import folded
from counterfoil_mocks.billing.stripe.params import BOOL, moment_of
from counterfoil_mocks.billing.stripe.subscription_objects import SCHEDULE
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

DEFAULTS = SCHEDULE.map.by_name["default_settings"].default


@SCHEDULE.on_create
def create(desk: Desk, given: Record) -> Record:
    """Phases that begin now or later, or those of a subscription that there is."""
    if given.get("from_subscription"):
        return _of_subscription(desk, given)
    if not given.get("customer"):
        raise needed("customer")
    customer = desk.named("customer", given["customer"], "customer")
    desk.at(customer["test_clock"])
    if not given.get("phases"):
        raise needed("phases")
    if given.get("start_date") is None:
        raise needed("start_date")
    start = desk.now if given["start_date"] == "now" else moment_of(given["start_date"], "start_date")
    phases = _phases(desk, given["phases"], start)
    made = desk.insert(
        "subscription_schedule",
        {
            "customer": customer["id"],
            "default_settings": folded(DEFAULTS, given.get("default_settings") or {}),
            "end_behavior": given.get("end_behavior") or "release",
            "metadata": merged({}, given.get("metadata") or {}),
            "phases": phases,
        },
    )
    if start <= desk.now:
        enter(desk, made["id"], 0)
    return desk.get("subscription_schedule", made["id"])


def _of_subscription(desk: Desk, given: Record) -> Record:
    for name in given:
        if name not in ("from_subscription", "expand"):
            raise invalid("You cannot set `" + name + "` if `from_subscription` is set.", name)
    found = desk.named("subscription", given["from_subscription"], "from_subscription")
    desk.at(found["test_clock"])
    if found["schedule"]:
        raise invalid("The subscription is already attached to a schedule.", "from_subscription")
    data = found["items"]["data"]
    start, end = data[0]["current_period_start"], data[0]["current_period_end"]
    phase = _phase(
        {"collection_method": found["collection_method"]},
        [
            {"price": item["price"]["id"], "quantity": item.get("quantity"), "metadata": item["metadata"]}
            for item in data
        ],
        start,
        end,
    )
    made = desk.insert(
        "subscription_schedule",
        {
            "customer": found["customer"],
            "phases": [phase],
            "current_phase": {"start_date": start, "end_date": end},
            "status": "active",
            "subscription": found["id"],
        },
    )
    desk.change("subscription", found["id"], {"schedule": made["id"]})
    return made


def _phases(desk: Desk, given: Sequence[Record], start: int) -> list[Record]:
    """Phases one after the other, each with its dates."""
    made: list[Record] = []
    at = start
    for number, each in enumerate(given):
        path = f"phases[{number}]"
        if not each.get("items"):
            raise needed(f"{path}[items]")
        prices = [subscriptions.price_in(desk, item, f"{path}[items][{n}]") for n, item in enumerate(each["items"])]
        subscriptions.check(prices, f"{path}[items]")
        if each.get("start_date") not in (None, "now"):
            at = moment_of(each["start_date"], f"{path}[start_date]")
        end = _end(desk, each, prices[0], at, path, last=number == len(given) - 1)
        wanted = [
            {
                "price": price["id"],
                "quantity": item.get("quantity") or 1,
                "metadata": merged({}, item.get("metadata") or {}),
                "discounts": _named(desk, item.get("discounts"), f"{path}[items][{n}][discounts]"),
                "tax_rates": _rates(desk, item.get("tax_rates"), f"{path}[items][{n}][tax_rates]"),
            }
            for n, (price, item) in enumerate(zip(prices, each["items"], strict=True))
        ]
        rest = {
            "currency": prices[0]["currency"],
            "default_tax_rates": _rates(desk, each.get("default_tax_rates"), f"{path}[default_tax_rates]"),
            "discounts": _named(desk, each.get("discounts"), f"{path}[discounts]"),
            "trial_end": end if each.get("trial") else each.get("trial_end"),
        }
        made.append(_phase({**each, **rest}, wanted, at, end))
        at = end
    return made


def _named(desk: Desk, given: Sequence[Record] | None, path: str) -> list[Record]:
    """Discounts that a phase is to bring, as they are shown; raises Refused where there is no such coupon."""
    for number, each in enumerate(given or ()):
        for name in ("coupon", "discount", "promotion_code"):
            if each.get(name):
                desk.named(name, each[name], f"{path}[{number}][{name}]")
    return [{"coupon": None, "discount": None, "promotion_code": None, **each} for each in given or ()]


def _rates(desk: Desk, given: Sequence[str] | None, path: str) -> list[Record]:
    return [desk.named("tax_rate", rate, f"{path}[{number}]") for number, rate in enumerate(given or ())]


def _end(desk: Desk, phase: Record, price: Record, start: int, path: str, *, last: bool) -> int:
    if phase.get("end_date"):
        return desk.now if phase["end_date"] == "now" else moment_of(phase["end_date"], f"{path}[end_date]")
    span = phase.get("duration") or price["recurring"]
    count = (span.get("interval_count") or 1) * (phase.get("iterations") or 1)
    if not phase.get("duration") and not phase.get("iterations") and not last:
        raise needed(f"{path}[duration]")
    return spans.after(start, span["interval"], count)


def _phase(given: Record, wanted: Sequence[Record], start: int, end: int) -> Record:
    return {
        "add_invoice_items": [
            {"price": each.get("price"), "quantity": each.get("quantity") or 1, "discounts": [], "tax_rates": each.get("tax_rates") or [],
             "metadata": each.get("metadata") or {}, "period": {"start": {"type": "phase_start"}, "end": {"type": "phase_end"}}}
            for each in given.get("add_invoice_items") or ()
        ],
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": given.get("billing_cycle_anchor"),
        "billing_thresholds": None,
        "collection_method": given.get("collection_method"),
        "currency": given.get("currency") or "usd",
        "default_payment_method": given.get("default_payment_method"),
        "default_tax_rates": given.get("default_tax_rates") or [],
        "description": given.get("description"),
        "discounts": given.get("discounts") or [],
        "end_date": end,
        "invoice_settings": given.get("invoice_settings"),
        "items": [{"billing_thresholds": None, "discounts": [], "tax_rates": [], **each} for each in wanted],
        "metadata": merged({}, given.get("metadata") or {}),
        "on_behalf_of": None,
        "proration_behavior": given.get("proration_behavior") or "create_prorations",
        "start_date": start,
        "transfer_data": None,
        "trial_end": given.get("trial_end"),
    }  # fmt: skip


@SCHEDULE.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """Other phases from the present one on."""
    if before["status"] not in ("not_started", "active"):
        raise invalid(f"You can only update a schedule that is not started or active; this one is {before['status']}.")
    desk.at(before["test_clock"])
    said = altered(
        before,
        {name: value for name, value in given.items() if name in ("end_behavior", "metadata", "default_settings")},
    )
    if given.get("phases"):
        start = before["phases"][0]["start_date"]
        said["phases"] = _phases(desk, given["phases"], start)
    made = desk.change("subscription_schedule", before["id"], said) if said else before
    if made["status"] == "active" and given.get("phases"):
        now = desk.now
        number = next(
            (n for n, phase in enumerate(made["phases"]) if phase["start_date"] <= now < phase["end_date"]), None
        )
        if number is not None:
            enter(desk, made["id"], number)
    return desk.get("subscription_schedule", before["id"])


def due(schedule: Record) -> tuple[int, Callable[[Desk, str], Any]] | None:
    """When a schedule next does something, and what."""
    if schedule["status"] == "not_started":
        return schedule["phases"][0]["start_date"], lambda desk, id: enter(desk, id, 0)
    if schedule["status"] == "active" and schedule["current_phase"]:
        return schedule["current_phase"]["end_date"], follow
    return None


def follow(desk: Desk, id: str) -> None:
    """A phase is over: the next one begins, or the schedule is done."""
    found = desk.get("subscription_schedule", id)
    end = found["current_phase"]["end_date"]
    number = next((n for n, phase in enumerate(found["phases"]) if phase["start_date"] >= end), None)
    if number is not None:
        enter(desk, id, number)
        return
    if found["end_behavior"] == "cancel":
        desk.change(
            "subscription_schedule", id, {"status": "completed", "completed_at": desk.now, "current_phase": None}
        )
        subscription = desk.find("subscription", found["subscription"] or "")
        if subscription is not None and subscription["status"] not in subscriptions.ENDED:
            subscriptions.end(desk, subscription["id"], {"status": "canceled", "canceled_at": desk.now})
        return
    _let_go(desk, found)


def _let_go(desk: Desk, found: Record) -> Record:
    subscription = found["subscription"]
    if subscription:
        desk.change("subscription", subscription, {"schedule": None})
    said = {
        "status": "released",
        "released_at": desk.now,
        "released_subscription": subscription,
        "subscription": None,
        "current_phase": None,
    }
    return desk.change("subscription_schedule", found["id"], said)


def enter(desk: Desk, id: str, number: int) -> None:
    """Begin a phase: its subscription is made, or becomes what the phase says."""
    found = desk.get("subscription_schedule", id)
    phase = found["phases"][number]
    settings = found["default_settings"]
    method = phase["collection_method"] or settings["collection_method"] or "charge_automatically"
    days = ((phase["invoice_settings"] or {}).get("days_until_due")) or (settings["invoice_settings"] or {}).get(
        "days_until_due"
    )
    days = int(days) if days is not None else 30 if method == "send_invoice" else None
    now = {"current_phase": {"start_date": phase["start_date"], "end_date": phase["end_date"]}, "status": "active"}
    if found["subscription"] is None:
        subscription = _begin(desk, found, phase, method, days)
        desk.change("subscription_schedule", id, {**now, "subscription": subscription["id"]})
        return
    subscription = desk.get("subscription", found["subscription"])
    own = {item["price"]["id"]: item for item in subscription["items"]["data"]}
    wanted = [
        {"id": own[each["price"]]["id"], "quantity": each["quantity"]}
        if each["price"] in own
        else {"price": each["price"], "quantity": each["quantity"]}
        for each in phase["items"]
    ]
    for each, asked in zip(phase["items"], wanted, strict=True):
        asked["tax_rates"] = [rate["id"] for rate in each["tax_rates"]]
        if each["discounts"]:
            asked["discounts"] = each["discounts"]
    wanted += [
        {"id": item["id"], "deleted": True}
        for price, item in own.items()
        if price not in [each["price"] for each in phase["items"]]
    ]
    said: Record = {"items": wanted, "proration_behavior": phase["proration_behavior"]}
    if phase["metadata"]:
        said["metadata"] = phase["metadata"]
    if phase["discounts"]:
        said["discounts"] = phase["discounts"]
    if phase["default_tax_rates"]:
        said["default_tax_rates"] = [rate["id"] for rate in phase["default_tax_rates"]]
    at_border = any(item["current_period_end"] <= desk.now for item in subscription["items"]["data"])
    if at_border:
        said["proration_behavior"] = "none"
    subscription_changes.change(desk, subscription, said)
    for each in phase["add_invoice_items"]:
        _added(desk, found["customer"], each, subscription["currency"])
    desk.change("subscription_schedule", id, now)


def _begin(desk: Desk, found: Record, phase: Record, method: str, days: int | None) -> Record:
    customer = desk.get("customer", found["customer"])
    prices = [desk.get("price", each["price"]) for each in phase["items"]]
    items.fix_currency(desk, customer, prices[0]["currency"])
    said: Record = {"collection_method": method, "days_until_due": days, "schedule": found["id"]}
    wanted = [{**each, "tax_rates": [rate["id"] for rate in each["tax_rates"]]} for each in phase["items"]]
    given = {
        "items": wanted,
        "default_tax_rates": [rate["id"] for rate in phase["default_tax_rates"]],
        "discounts": phase["discounts"],
        "metadata": phase["metadata"],
    }
    said["description"] = phase["description"]
    trial = phase["trial_end"] if phase["trial_end"] and phase["trial_end"] > desk.now else None
    subscription = subscriptions.begun(desk, customer, given, said, prices, trial)
    for each in phase["add_invoice_items"]:
        _added(desk, customer["id"], each, subscription["currency"])
    subscriptions.billed(desk, subscription, subscriptions.first_lines(desk, subscription), "subscription_create")
    return desk.get("subscription", subscription["id"])


def _added(desk: Desk, customer: str, each: Record, ccy: str) -> None:
    worth = items.priced(desk, {"price": each["price"], "quantity": each["quantity"]}, ccy, own=True)
    desk.insert("invoiceitem", {**items.item_of(desk, {}, worth), "customer": customer})


def operations(face: StripeFace) -> Iterable[Operation]:
    """Cancelling and releasing."""

    def cancel(desk: Desk, id: str, given: Record) -> Record:
        found = desk.get("subscription_schedule", id)
        desk.at(found["test_clock"])
        if found["status"] not in ("not_started", "active"):
            raise invalid(
                f"You cannot cancel a subscription schedule that is currently in the `{found['status']}` status."
            )
        if found["subscription"]:
            asked = {name: given[name] for name in ("invoice_now", "prorate") if given.get(name) is not None}
            subscription_changes.cancel(desk, found["subscription"], asked)
        return desk.change(
            "subscription_schedule", id, {"status": "canceled", "canceled_at": desk.now, "current_phase": None}
        )

    def release(desk: Desk, id: str, given: Record) -> Record:
        found = desk.get("subscription_schedule", id)
        desk.at(found["test_clock"])
        if found["status"] not in ("not_started", "active"):
            raise invalid(
                f"You cannot release a subscription schedule that is currently in the `{found['status']}` status."
            )
        return _let_go(desk, found)

    one = "/v1/subscription_schedules/{id}"
    yield face.post("cancel_subscription_schedule", f"{one}/cancel", {"invoice_now": BOOL, "prorate": BOOL}, cancel)
    yield face.post("release_subscription_schedule", f"{one}/release", {"preserve_cancel_date": BOOL}, release)
