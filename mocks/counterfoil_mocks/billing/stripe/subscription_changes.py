"""What changes a subscription: other items with proration, a pause, an end; and its items one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.stripe import discounts, invoices, items, payments
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import altered, merged
from counterfoil_mocks.billing.stripe.errors import invalid, missing
from counterfoil_mocks.billing.stripe.objects import PRORATION
from counterfoil_mocks.billing.stripe.params import BOOL, LISTED, TEXT, TIME, Spec, moment_of, words
from counterfoil_mocks.billing.stripe.payments import Declined
from counterfoil_mocks.billing.stripe.spans import shown
from counterfoil_mocks.billing.stripe.subscription_objects import SUB_ITEM, SUBSCRIPTION
from counterfoil_mocks.billing.stripe.subscriptions import (
    ENDED,
    billed,
    check,
    end,
    item_of,
    plan_of,
    price_in,
    redeemed_for,
    renew,
)
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace


@SUBSCRIPTION.on_change
def change(desk: Desk, before: Record, given: Record) -> Any:
    """A subscription changed; another quantity or price is prorated."""
    if before["status"] in ENDED:
        if given and set(given) <= {"cancellation_details", "metadata", "expand"}:
            return desk.change("subscription", before["id"], altered(before, given))
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
            None,
            "invalid_canceled_subscription_fields",
        )
    desk.at(before["test_clock"])
    now = desk.now
    plain = {name: value for name, value in given.items() if name not in (
        "items", "add_invoice_items", "proration_behavior", "proration_date", "trial_end", "billing_cycle_anchor", "payment_behavior",
        "off_session", "discounts", "default_tax_rates", "cancel_at", "cancel_at_period_end")}  # fmt: skip
    said = altered(before, plain)
    period_end = min((item["current_period_end"] for item in before["items"]["data"]), default=now)
    if given.get("cancel_at_period_end") is not None:
        wanted = given["cancel_at_period_end"]
        said |= {
            "cancel_at_period_end": wanted,
            "cancel_at": period_end if wanted else None,
            "canceled_at": now if wanted else None,
        }
        reason = "cancellation_requested" if wanted else None
        said["cancellation_details"] = {
            **before["cancellation_details"],
            **said.get("cancellation_details", {}),
            "reason": reason,
        }
    elif "cancel_at" in given:
        if given["cancel_at"] is not None and given["cancel_at"] <= now:
            raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "cancel_at")
        said |= {
            "cancel_at": given["cancel_at"],
            "canceled_at": now if given["cancel_at"] else None,
            "cancel_at_period_end": False,
        }
    if "default_tax_rates" in given:
        said["default_tax_rates"] = [
            desk.named("tax_rate", rate, "default_tax_rates") for rate in given["default_tax_rates"] or ()
        ]
    if "discounts" in given:
        said["discounts"] = discounts.redeemed(
            desk, given["discounts"], "discounts", before["customer"], before["currency"], subscription=before["id"]
        )
    if given.get("default_payment_method"):
        method = desk.named("payment_method", given["default_payment_method"], "default_payment_method")
        if method["customer"] != before["customer"]:
            raise payments.not_his(method["id"], "default_payment_method")
    anchor = given.get("billing_cycle_anchor")
    if anchor not in (None, "now", "unchanged"):
        raise invalid("When updating an existing subscription, billing_cycle_anchor must be unset, `now` or `unchanged`.",
                      "billing_cycle_anchor")  # fmt: skip
    discounts.dropped(desk, [each for each in before["discounts"] if each not in said.get("discounts", [each])])
    changed = desk.change("subscription", before["id"], said) if said else before
    if given.get("trial_end") == "now" and before["status"] == "trialing":
        renew_from(desk, before["id"], now)
    behavior = given.get("proration_behavior", "create_prorations")
    if given.get("trial_end") not in (None, "now"):
        changed = _tried(desk, changed, moment_of(given["trial_end"], "trial_end"), behavior)
    for number, each in enumerate(given.get("add_invoice_items") or ()):
        worth = items.priced(desk, each, before["currency"], f"add_invoice_items[{number}]")
        desk.insert("invoiceitem", {**items.item_of(desk, each, worth), "customer": before["customer"]})
    if anchor == "now":
        return _anchored(desk, changed, given.get("items"), behavior)
    if given.get("items"):
        wanted_items = _wanted(desk, changed, given["items"])
        return _swapped(desk, changed, wanted_items, behavior, given.get("proration_date") or now)
    return desk.get("subscription", before["id"])


def _tried(desk: Desk, subscription: Record, end: int, behavior: str) -> Record:
    """A trial from now to a moment: what is left of a period that was paid for is credited."""
    now = desk.now
    if end <= now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end")
    own = desk.kept("subscription", subscription["id"])["items"]
    if behavior != "none" and subscription["status"] == "active":
        for item in own:
            _prorated(desk, subscription, item, now, -1)
    start = subscription["trial_start"] if subscription["status"] == "trialing" else now
    moved = [{**item, "current_period_start": start, "current_period_end": end} for item in own]
    said = {"status": "trialing", "trial_start": start, "trial_end": end, "billing_cycle_anchor": end, "warned": False}
    return desk.change("subscription", subscription["id"], {**said, "items": moved})


def _anchored(desk: Desk, subscription: Record, wanted: Sequence[Record] | None, behavior: str) -> Record:
    """Count from now on, with other items where they are given: what is left of the old ones is credited, a new period is invoiced."""
    if behavior != "none" and subscription["status"] == "active":
        for item in desk.kept("subscription", subscription["id"])["items"]:
            _prorated(desk, subscription, item, desk.now, -1)
    if wanted:
        desk.change("subscription", subscription["id"], {"items": _wanted(desk, subscription, wanted)})
    desk.change("subscription", subscription["id"], {"billing_cycle_anchor": desk.now})
    renew(desk, subscription["id"], "subscription_update")
    _collected(desk, desk.get("subscription", subscription["id"]))
    return desk.get("subscription", subscription["id"])


def renew_from(desk: Desk, id: str, now: int) -> None:
    """Let the present period end now and count from here."""
    desk.change("subscription", id, {"trial_end": now, "billing_cycle_anchor": now})
    renew(desk, id)


def _wanted(desk: Desk, subscription: Record, given: Sequence[Record]) -> list[Record]:
    """The items that a subscription is to have."""
    own = {item["id"]: item for item in desk.kept("subscription", subscription["id"])["items"]}
    start = min((item["current_period_start"] for item in own.values()), default=desk.now)
    end = min((item["current_period_end"] for item in own.values()), default=desk.now)
    for number, each in enumerate(given):
        path = f"items[{number}]"
        if each.get("id"):
            item = own.get(each["id"])
            if item is None:
                raise missing("subscription item", each["id"], param=f"{path}[id]", status=400)
            if each.get("deleted"):
                del own[each["id"]]
                continue
            item = dict(item)
            if each.get("price") or each.get("price_data"):
                item["price"] = price_in(desk, each, path)
                item["plan"] = plan_of(item["price"])
            if each.get("quantity") is not None:
                item["quantity"] = each["quantity"]
            if each.get("metadata") is not None:
                item["metadata"] = merged(item["metadata"], each["metadata"])
            if "discounts" in each:
                item["discounts"] = redeemed_for(
                    desk, each["discounts"], item["price"], subscription["id"], item["id"], subscription["customer"]
                )
            if "tax_rates" in each:
                item["tax_rates"] = [
                    desk.named("tax_rate", rate, f"{path}[tax_rates]") for rate in each["tax_rates"] or ()
                ]
            own[each["id"]] = item
        else:
            price = price_in(desk, each, path)
            item = item_of(desk, subscription["id"], price, each, start, end, subscription["customer"])
            own[item["id"]] = item
    found = list(own.values())
    check([item["price"] for item in found])
    return found


def _swapped(desk: Desk, subscription: Record, wanted: Sequence[Record], behavior: str, moment: int) -> Any:
    """Put other items into a subscription: what is left of the old ones is credited, what is left of the new ones is charged."""
    old = {item["id"]: item for item in desk.kept("subscription", subscription["id"])["items"]}
    new = {item["id"]: item for item in wanted}
    pairs = [(old.get(id), new.get(id)) for id in dict.fromkeys((*old, *new)) if old.get(id) != new.get(id)]
    made = []
    first = next(iter(old.values()), None)
    again = first is not None and _interval(first) != _interval(wanted[0])
    if behavior != "none" and subscription["status"] not in ("trialing", "incomplete"):
        for before, after in pairs:
            if _costs(before) == _costs(after) and not again:
                continue
            if before is not None:
                made.append(_prorated(desk, subscription, before, moment, -1))
            if after is not None and not again:
                made.append(_prorated(desk, subscription, after, moment, 1))
    said: Record = {"items": list(wanted)}
    if again:
        said |= {"billing_cycle_anchor": moment}
    desk.change("subscription", subscription["id"], said)
    if again:
        renew(desk, subscription["id"], "subscription_update")
        _collected(desk, desk.get("subscription", subscription["id"]))
        return desk.get("subscription", subscription["id"])
    if behavior == "always_invoice" and made:
        return _invoiced(desk, subscription["id"])
    return desk.get("subscription", subscription["id"])


def _interval(item: Record) -> tuple[str, int]:
    return item["price"]["recurring"]["interval"], item["price"]["recurring"]["interval_count"]


def _costs(item: Record | None) -> tuple[str, int] | None:
    return None if item is None else (item["price"]["id"], item.get("quantity", 0))


def _invoiced(desk: Desk, id: str) -> Any:
    """Invoice prorations in the call."""
    subscription = desk.get("subscription", id)
    invoice = billed(desk, subscription, [], "subscription_update")
    final = invoices.finalize(desk, invoice["id"])
    if final["status"] == "open" and subscription["collection_method"] == "charge_automatically":
        try:
            invoices.attempt(desk, invoice["id"])
        except Declined:
            desk.change("subscription", id, {"status": "past_due"})
    return desk.get("subscription", id)


def _collected(desk: Desk, subscription: Record) -> None:
    """Finish the invoice of a change in the call."""
    final = invoices.finalize(desk, subscription["latest_invoice"])
    if final["status"] == "open" and subscription["collection_method"] == "charge_automatically":
        try:
            invoices.attempt(desk, final["id"])
        except Declined:
            desk.change("subscription", subscription["id"], {"status": "past_due"})


def _prorated(desk: Desk, subscription: Record, item: Record, moment: int, sign: int) -> Record:
    """What is left of an item's period, credited or charged: the exact fraction of seconds, rounded down."""
    start, end = item["current_period_start"], item["current_period_end"]
    whole = items.of_price(desk, item["price"], item.get("quantity", 1))
    part = whole * max(0, end - moment) // max(1, end - start)
    product = desk.find("product", item["price"]["product"])
    name = (product or {}).get("name") or item["price"]["id"]
    quantity = item.get("quantity", 1)
    what = f"{quantity} × {name}" if quantity != 1 else name
    return desk.insert(
        "invoiceitem",
        {
            "amount": sign * part,
            "net_amount": sign * part,
            "currency": subscription["currency"],
            "customer": subscription["customer"],
            "description": f"{'Remaining' if sign > 0 else 'Unused'} time on {what} after {shown(moment)}",
            "discountable": False,
            "date": moment,
            "parent": {
                "type": "subscription_details",
                "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
            },
            "period": {"start": moment, "end": end},
            "pricing": items.pricing_of(item["price"]),
            "proration": True,
            "quantity": quantity,
            "quantity_decimal": str(quantity),
            "tax_rates": item["tax_rates"],
        },
    )


def cancel(desk: Desk, id: str, given: Record) -> Record:
    """End a subscription at once."""
    found = desk.find("subscription", id)
    if found is None or found["status"] in ENDED:
        raise missing("subscription", id)
    desk.at(found["test_clock"])
    now = desk.now
    if given.get("prorate"):
        for item in desk.kept("subscription", id)["items"]:
            _prorated(desk, found, item, now, -1)
    said = {"reason": "cancellation_requested", **(given.get("cancellation_details") or {})}
    details = {**found["cancellation_details"], **said}
    made = end(desk, id, {"status": "canceled", "canceled_at": now, "cancellation_details": details})
    if given.get("invoice_now"):
        invoice = billed(desk, made, [], "subscription_update", advance=True)
        invoices.finalize(desk, invoice["id"])
    return desk.get("subscription", id)


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes that are more than plain objects: cancelling, resuming, and items one by one."""
    path = "/v1/subscription_items"
    changed: Spec = {
        **SUB_ITEM,
        "proration_behavior": PRORATION,
        "proration_date": TIME,
        "payment_behavior": TEXT,
        "off_session": BOOL,
    }

    def owner_of(desk: Desk, id: str) -> Record:
        for each in desk.all("subscription"):
            if any(item["id"] == id for item in each["items"]["data"]):
                return each
        raise missing("subscription item", id)

    def item_in(subscription: Record, id: str) -> Record:
        return next(dict(item) for item in subscription["items"]["data"] if item["id"] == id)

    def listed(desk: Desk, id: str, given: Record) -> Record:
        found = desk.named("subscription", given["subscription"], "subscription")
        asked = {name: value for name, value in given.items() if name != "subscription"}
        return invoices.paged(found["items"]["data"], asked, f"{path}?subscription={found['id']}")

    def new(desk: Desk, id: str, given: Record) -> Any:
        found = desk.named("subscription", given["subscription"], "subscription")
        known = {item["id"] for item in found["items"]["data"]}
        item = {
            name: given[name]
            for name in ("price", "price_data", "quantity", "tax_rates", "discounts", "metadata")
            if given.get(name) is not None
        }
        after = change(desk, found, {**_how(given), "items": [item]})
        return next(each for each in after["items"]["data"] if each["id"] not in known)

    def update(desk: Desk, id: str, given: Record) -> Any:
        found = owner_of(desk, id)
        item = {
            name: given[name]
            for name in ("price", "price_data", "quantity", "tax_rates", "discounts", "metadata")
            if name in given
        }
        after = change(desk, found, {**_how(given), "items": [{"id": id, **item}]})
        return after if isinstance(after, Answer) else item_in(after, id)

    def drop(desk: Desk, id: str, given: Record) -> Record:
        change(desk, owner_of(desk, id), {**_how(given), "items": [{"id": id, "deleted": True}]})
        return {"id": id, "object": "subscription_item", "deleted": True}

    def resume(desk: Desk, id: str, given: Record) -> Record:
        found = desk.get("subscription", id)
        if found["status"] != "paused":
            raise invalid("You can only resume a subscription that is paused.")
        desk.at(found["test_clock"])
        said: Record = {"status": "active"}
        if given.get("billing_cycle_anchor", "now") == "now":
            said["billing_cycle_anchor"] = desk.now
        desk.change("subscription", id, said)
        desk.tell("subscription", id, "customer.subscription.resumed")
        renew(desk, id, "subscription_update")
        _collected(desk, desk.get("subscription", id))
        return desk.get("subscription", id)

    cancelled: Spec = {
        "invoice_now": BOOL,
        "prorate": BOOL,
        "cancellation_details": {"comment": TEXT, "feedback": TEXT},
    }
    yield face.post("cancel_subscription", "/v1/subscriptions/{id}", cancelled, cancel, method="DELETE")
    yield face.post(
        "resume_subscription",
        "/v1/subscriptions/{id}/resume",
        {"billing_cycle_anchor": words("now unchanged"), "proration_behavior": PRORATION, "proration_date": TIME},
        resume,
    )
    yield face.read("list_subscription_item", path, {**LISTED, "subscription": TEXT}, listed, ("subscription",))
    yield face.post("create_subscription_item", path, {**changed, "subscription": TEXT}, new, ("subscription",))
    yield face.read(
        "get_subscription_item", f"{path}/{{id}}", {}, lambda desk, id, given: item_in(owner_of(desk, id), id)
    )
    yield face.post("update_subscription_item", f"{path}/{{id}}", changed, update)
    yield face.post("delete_subscription_item", f"{path}/{{id}}", changed, drop, method="DELETE")


def _how(given: Record) -> Record:
    return {name: given[name] for name in ("proration_behavior", "proration_date") if given.get(name) is not None}
