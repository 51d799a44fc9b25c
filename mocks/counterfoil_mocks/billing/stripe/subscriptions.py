"""Subscriptions: begun, renewed, changed with proration, paused by a missing payment, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.stripe import catalogue, discounts, drafts, invoices, items, payments, usage
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import merged
from counterfoil_mocks.billing.stripe.errors import Refused, invalid, needed
from counterfoil_mocks.billing.stripe.params import moment_of
from counterfoil_mocks.billing.stripe.payments import Declined
from counterfoil_mocks.billing.stripe.spans import after, configured, period_after
from counterfoil_mocks.billing.stripe.subscription_objects import SUBSCRIPTION
from counterfoil_mocks.kernel.fields import Record

if TYPE_CHECKING:
    from collections.abc import Callable


MOST_ITEMS = 20
HOUR, DAY = 3600, 86400
ENDED = ("canceled", "incomplete_expired")
WARNED = 3 * DAY
"""How long before its end a trial is announced to end."""


# beginning


@SUBSCRIPTION.on_create
def create(desk: Desk, given: Record) -> Any:
    """A subscription with its first invoice."""
    customer = desk.named("customer", given["customer"], "customer")
    desk.at(customer["test_clock"])
    if given.get("billing_cycle_anchor_config"):
        if given.get("billing_cycle_anchor") is not None:
            raise invalid(
                "You may only specify one of these parameters: billing_cycle_anchor, billing_cycle_anchor_config.",
                "billing_cycle_anchor",
            )
        given = {**given, "billing_cycle_anchor": configured(given["billing_cycle_anchor_config"], desk.now)}
    said = {name: value for name, value in given.items() if name in SUBSCRIPTION.map.by_name and value is not None}
    method = said.setdefault("collection_method", "charge_automatically")
    if method == "send_invoice" and given.get("days_until_due") is None:
        raise invalid(drafts.NO_TERMS, "days_until_due")
    if method != "send_invoice" and given.get("days_until_due") is not None:
        raise invalid(
            "You can only set `days_until_due` if the invoice's collection method is `send_invoice`.", "days_until_due"
        )
    prices = [price_in(desk, each, f"items[{number}]") for number, each in enumerate(given["items"])]
    check(prices)
    catalogue.check_rates(desk, given.get("default_tax_rates"), "default_tax_rates")
    for number, each in enumerate(given["items"]):
        catalogue.check_rates(desk, each.get("tax_rates"), f"items[{number}][tax_rates]")
    _check_asked(given["items"], prices)
    wanted = given.get("default_payment_method")
    if wanted:
        desk.named("payment_method", wanted, "default_payment_method")
    now = desk.now
    trial_end = _trial_end(given, now)
    behavior = given.get("payment_behavior", "allow_incomplete")
    if method == "charge_automatically" and trial_end is None and behavior != "default_incomplete":
        total = sum(
            items.of_price(desk, price, each.get("quantity") or 1)
            for price, each in zip(prices, given["items"], strict=True)
        )
        if total and payments.method_for(desk, wanted, customer) is None:
            raise invalid(invoices.NO_WAY_TO_PAY, None, "resource_missing")
    items.fix_currency(desk, customer, prices[0]["currency"])
    made = begun(desk, customer, given, said, prices, trial_end)
    try:
        return _first_invoice(desk, made, customer, given, behavior)
    except Declined as declined:
        if behavior == "error_if_incomplete":
            raise Refused(402, declined.error["message"], code=declined.error["code"], type="card_error",
                          decline_code=declined.error.get("decline_code")) from None  # fmt: skip
        return desk.change("subscription", made["id"], {"status": "incomplete"})


def check(prices: Sequence[Record], path: str = "items") -> None:
    """Refuse prices that cannot stand on one subscription: too many, one twice, of several currencies or intervals."""
    if not prices:
        raise needed(path)
    if len(prices) > MOST_ITEMS:
        raise invalid(f"You can have at most {MOST_ITEMS} items on a subscription.", path)
    for number, price in enumerate(prices):
        if price["id"] in [each["id"] for each in prices[:number]]:
            raise invalid(
                f"Cannot add multiple subscription items with the same price: {price['id']}", f"{path}[{number}][price]"
            )
        if price["currency"] != prices[0]["currency"]:
            raise invalid("All prices on a subscription must have the same currency.", f"{path}[{number}][price]")
        mine, first = price["recurring"], prices[0]["recurring"]
        if (mine["interval"], mine["interval_count"]) != (first["interval"], first["interval_count"]):
            raise invalid(
                "All prices on a subscription must have the same recurring interval.", f"{path}[{number}][price]"
            )


def _check_asked(given: Sequence[Record], prices: Sequence[Record]) -> None:
    """Refuse what a caller may not ask for, though prices of this engine's own may be so: an inactive price, a quantity of usage."""
    for number, (each, price) in enumerate(zip(given, prices, strict=True)):
        if each.get("price") and not price["active"]:
            raise invalid(
                "The price specified is inactive. This field only accepts active prices.", f"items[{number}][price]"
            )
        if each.get("quantity") is not None and price["recurring"]["usage_type"] == "metered":
            raise invalid(
                f"Quantity should not be specified where usage_type is `metered`. Remove quantity from `items[{number}]`.",
                f"items[{number}][quantity]",
            )


def price_in(desk: Desk, given: Record, path: str) -> Record:
    """The price that an item names or describes; raises Refused where it does not recur."""
    if given.get("price"):
        price = desk.named("price", given["price"], f"{path}[price]")
    elif given.get("price_data"):
        price = catalogue.create_price(desk, {**given["price_data"], "active": False}, f"{path}[price_data]")
    else:
        raise needed(f"{path}[price]")
    if not price["recurring"]:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            f"{path}[price]",
        )
    return price


def _trial_end(given: Record, now: int) -> int | None:
    if given.get("trial_period_days"):
        return now + int(given["trial_period_days"]) * DAY
    end = given.get("trial_end")
    if end in (None, "now"):
        return None
    moment = moment_of(end, "trial_end")
    if moment <= now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end")
    return moment


def begun(
    desk: Desk, customer: Record, given: Record, said: Record, prices: Sequence[Record], trial_end: int | None
) -> Record:
    """Write a subscription whose first period has begun."""
    now = desk.now
    start = given.get("backdate_start_date") or now
    recurring = prices[0]["recurring"]
    anchor = given.get("billing_cycle_anchor") or trial_end or start
    end = trial_end or period_after(anchor, now, recurring["interval"], recurring["interval_count"])
    id = desk.new_id("subscription")
    said |= {
        "id": id,
        "items": [
            item_of(desk, id, price, each, (trial_end and now) or start, end, customer["id"])
            for price, each in zip(prices, given["items"], strict=True)
        ],
        "billing_cycle_anchor": anchor,
        "currency": prices[0]["currency"],
        "customer": customer["id"],
        "default_tax_rates": [
            desk.named("tax_rate", rate, f"default_tax_rates[{n}]")
            for n, rate in enumerate(given.get("default_tax_rates") or ())
        ],
        "discounts": discounts.redeemed(
            desk, given.get("discounts"), "discounts", customer["id"], prices[0]["currency"], subscription=id
        ),
        "metadata": merged({}, given.get("metadata") or {}),
        "start_date": start,
        "status": "trialing" if trial_end else "active",
        "trial_start": now if trial_end else None,
        "trial_end": trial_end,
        "created": now,
    }
    if given.get("cancel_at_period_end"):
        said |= {"cancel_at": end, "canceled_at": now}
    return desk.insert("subscription", said)


def item_of(desk: Desk, subscription: str, price: Record, given: Record, start: int, end: int, customer: str) -> Record:
    """An item of a subscription, with the period that it is in."""
    id = desk.new_id("subscription_item")
    metered = price["recurring"]["usage_type"] == "metered"
    rates = [desk.named("tax_rate", rate, "tax_rates") for rate in given.get("tax_rates") or ()]
    made = {
        "id": id,
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": desk.now,
        "current_period_end": end,
        "current_period_start": start,
        "discounts": redeemed_for(desk, given.get("discounts"), price, subscription, id, customer),
        "metadata": merged({}, given.get("metadata") or {}),
        "plan": plan_of(price),
        "price": price,
        "quantity": given["quantity"] if given.get("quantity") is not None else 1,
        "subscription": subscription,
        "tax_rates": rates,
    }
    if metered:
        del made["quantity"]
    return made


def redeemed_for(
    desk: Desk, given: list[Record] | None, price: Record, subscription: str, item: str, customer: str
) -> list[str]:
    """Discounts of one item."""
    owner = {"subscription": subscription, "subscription_item": item}
    return discounts.redeemed(desk, given, "items[discounts]", customer, price["currency"], **owner)


def plan_of(price: Record) -> Record:
    """A recurring price in the words of old."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": recurring["usage_type"],
    }


def _first_invoice(desk: Desk, made: Record, customer: Record, given: Record, behavior: str) -> Record:
    """The invoice of the first period: final and paid in the call, or a draft for who is sent invoices. Raises Declined."""
    lines = first_lines(desk, made)
    if made["status"] != "trialing" and given.get("billing_cycle_anchor") is not None:
        lines = _stub(made, lines, given.get("proration_behavior"))
    for number, each in enumerate(given.get("add_invoice_items") or ()):
        worth = items.priced(desk, each, made["currency"], f"add_invoice_items[{number}]")
        item = {**items.item_of(desk, each, worth), "customer": customer["id"]}
        desk.insert("invoiceitem", item)
    invoice = billed(desk, made, lines, "subscription_create")
    if made["collection_method"] == "send_invoice":
        return desk.get("subscription", made["id"])
    final = invoices.finalize(desk, invoice["id"])
    if final["status"] == "open":
        if behavior == "default_incomplete":
            invoices.intended(desk, final)
            return desk.change("subscription", made["id"], {"status": "incomplete"})
        invoices.attempt(desk, invoice["id"])
    return desk.get("subscription", made["id"])


def first_lines(desk: Desk, made: Record) -> list[Record]:
    """The lines of a subscription's first invoice: of a trial, what would be billed without it."""
    if made["status"] == "trialing":
        return [_trial_line(desk, made, item) for item in made["items"]["data"]]
    return period_lines(desk, made)


def _stub(made: Record, lines: list[Record], behavior: str | None) -> list[Record]:
    """The lines of a first period that ends early, at the anchor that the caller chose: their share of a whole one, or nothing."""
    first = made["items"]["data"][0]
    start, end, recurring = first["current_period_start"], first["current_period_end"], first["price"]["recurring"]
    whole = end - after(end, recurring["interval"], -recurring["interval_count"])
    if end - start >= whole:
        return lines
    if behavior == "none":
        return []
    for line in lines:
        amount = line["amount"] * (end - start) // whole
        line |= {"amount": amount, "subtotal": amount}
        line["parent"]["subscription_item_details"]["proration"] = True
    return lines


def _trial_line(desk: Desk, subscription: Record, item: Record) -> Record:
    line = _line(desk, subscription, item, "0", 0)
    product = desk.find("product", item["price"]["product"])
    return {
        **line,
        "description": f"Free trial for {item.get('quantity', 1)} × {(product or {}).get('name') or item['price']['id']}",
    }


# billing


def period_lines(desk: Desk, subscription: Record, arrears: tuple[int, int] | None = None) -> list[Record]:
    """The lines of a period that begins: licensed items in advance, metered ones for the period that has ended (`arrears`)."""
    lines = []
    for item in subscription["items"]["data"]:
        price = item["price"]
        if price["recurring"]["usage_type"] == "metered":
            if arrears is None:
                continue
            used = usage.used(desk, price["recurring"]["meter"], subscription["customer"], *arrears)
            line = _line(desk, subscription, item, used, items.of_price(desk, price, used))
            lines.append({**line, "period": {"start": arrears[0], "end": arrears[1]}})
        else:
            quantity = str(item.get("quantity", 1))
            lines.append(_line(desk, subscription, item, quantity, items.of_price(desk, price, quantity)))
    return lines


def _line(desk: Desk, subscription: Record, item: Record, quantity: str, amount: int) -> Record:
    price = item["price"]
    product = desk.find("product", price["product"])
    recurring = price["recurring"]
    each = payments.in_words(price["unit_amount"] or 0, price["currency"])
    every = (
        recurring["interval"]
        if recurring["interval_count"] == 1
        else f"{recurring['interval_count']} {recurring['interval']}s"
    )
    details = {
        "invoice_item": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": subscription["id"],
        "subscription_item": item["id"],
    }
    return {
        "id": desk.new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": f"{quantity} × {(product or {}).get('name') or price['id']} (at {each} / {every})",
        "discount_amounts": [],
        "discountable": True,
        "discounts": item["discounts"],
        "invoice": None,
        "livemode": False,
        "metadata": {**subscription["metadata"], **item["metadata"]},
        "parent": {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": details,
        },
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "pretax_credit_amounts": [],
        "pricing": items.pricing_of(price),
        "quantity": int(quantity) if quantity.isdecimal() else None,
        "quantity_decimal": quantity,
        "subscription": subscription["id"],
        "subtotal": amount,
        "taxes": [],
        "_rates": [rate["id"] for rate in item["tax_rates"]],
    }


def billed(desk: Desk, subscription: Record, lines: Sequence[Record], reason: str, *, advance: bool = True) -> Record:
    """A draft of a subscription's lines; the customer's pending items ride along."""
    customer = desk.get("customer", subscription["customer"])
    lasting = discounts.lasting(desk, subscription["discounts"])
    starts = [item["current_period_start"] for item in subscription["items"]["data"]]
    said = {
        **drafts.of_subscription(subscription),
        "auto_advance": advance,
        "billing_reason": reason,
        "collection_method": subscription["collection_method"],
        "currency": subscription["currency"],
        "days_until_due": subscription["days_until_due"]
        if subscription["collection_method"] == "send_invoice"
        else None,
        "default_payment_method": subscription["default_payment_method"],
        "default_tax_rates": [rate["id"] for rate in subscription["default_tax_rates"]],
        "description": subscription["description"],
        "discounts": lasting,
        "metadata": {
            name: value for name, value in subscription["metadata"].items() if name in ("contract_no", "legal_entity")
        },
        "period_start": min(starts, default=desk.now),
        "period_end": desk.now,
    }
    invoice = drafts.draft(desk, customer, said)
    waiting = drafts.pending(desk, customer["id"], subscription["currency"], subscription["id"])
    drafts.take_items(desk, invoice["id"], waiting, [{**line, "invoice": invoice["id"]} for line in lines])
    made = desk.get("invoice", invoice["id"])
    left = discounts.lasting(desk, lasting, used=made["subtotal"] > 0)
    discounts.dropped(desk, [each for each in subscription["discounts"] if each not in left])
    said = {"latest_invoice": invoice["id"], "discounts": left}
    own = desk.kept("subscription", subscription["id"])["items"]
    if any(item["discounts"] for item in own):
        billed_now = {each for line in lines if line["amount"] for each in line["discounts"]}
        said["items"] = [
            {**item, "discounts": [
                id for id in item["discounts"] if discounts.lasting(desk, [id], used=id in billed_now)]}
            for item in own
        ]  # fmt: skip
    desk.change("subscription", subscription["id"], said)
    return made


def due(subscription: Record) -> tuple[int, Callable[[Desk, str], Any]] | None:
    """When a subscription next does something by itself, and what."""
    status = subscription["status"]
    if status in ENDED:
        return None
    if status == "incomplete":
        return subscription["created"] + 23 * HOUR, expire
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    end = min(ends, default=None)
    if status == "trialing" and subscription["trial_end"] and not subscription.get("warned"):
        return max(subscription["created"], subscription["trial_end"] - WARNED), warn
    if subscription["cancel_at"] is not None and (end is None or subscription["cancel_at"] <= end):
        return subscription["cancel_at"], ended
    return None if end is None or status == "paused" else (end, renew)


def warn(desk: Desk, id: str) -> None:
    """A trial is about to end: said once."""
    desk.change("subscription", id, {"warned": True})
    desk.tell("subscription", id, "customer.subscription.trial_will_end")


def end(desk: Desk, id: str, said: Record) -> Record:
    """A subscription ends, and with it the schedule that it has; said: what it becomes."""
    found = desk.change("subscription", id, {"ended_at": desk.now, **said})
    schedule = desk.find("subscription_schedule", found["schedule"]) if found["schedule"] else None
    if schedule is not None and schedule["status"] in ("not_started", "active"):
        over = {"status": "canceled", "canceled_at": desk.now, "current_phase": None}
        desk.change("subscription_schedule", schedule["id"], over)
    return found


def expire(desk: Desk, id: str) -> None:
    """The first payment did not come in time."""
    found = end(desk, id, {"status": "incomplete_expired"})
    invoice = desk.find("invoice", found["latest_invoice"] or "")
    if invoice is not None and invoice["status"] == "open":
        invoices.void(desk, invoice["id"], {})


def ended(desk: Desk, id: str) -> None:
    """A subscription that was to end has ended."""
    end(desk, id, {"status": "canceled"})


def renew(desk: Desk, id: str, reason: str = "subscription_cycle") -> None:
    """A period is over: the next one begins, and its invoice is a draft for about an hour."""
    found = desk.get("subscription", id)
    now = desk.now
    if found["status"] == "trialing" and _stops(desk, found):
        return
    old = min(item["current_period_start"] for item in found["items"]["data"])
    own = desk.kept("subscription", id)["items"]
    recurring = own[0]["price"]["recurring"]
    following = period_after(found["billing_cycle_anchor"], now, recurring["interval"], recurring["interval_count"])
    moved = [{**item, "current_period_start": now, "current_period_end": following} for item in own]
    trial = found["status"] == "trialing"
    changed = desk.change("subscription", id, {"items": moved, **({"status": "active"} if trial else {})})
    paused = _pause(desk, found)
    lines = period_lines(desk, changed, None if trial else (old, now))
    invoice = billed(desk, changed, lines, reason, advance=paused != "keep_as_draft")
    if paused in ("mark_uncollectible", "void"):
        final = invoices.finalize(desk, invoice["id"], False)
        if final["status"] == "open":
            close = invoices.void if paused == "void" else invoices.give_up
            close(desk, invoice["id"], {})


def _stops(desk: Desk, found: Record) -> bool:
    """A trial is over and nobody has said what to charge: the subscription is cancelled or paused where it was to be."""
    wanted = found["trial_settings"]["end_behavior"]["missing_payment_method"]
    customer = desk.get("customer", found["customer"])
    if (
        wanted == "create_invoice"
        or found["collection_method"] != "charge_automatically"
        or payments.method_for(desk, found["default_payment_method"], customer) is not None
    ):
        return False
    if wanted == "cancel":
        end(desk, found["id"], {"status": "canceled", "canceled_at": desk.now})
    else:
        desk.change("subscription", found["id"], {"status": "paused"})
    return True


def _pause(desk: Desk, found: Record) -> str | None:
    """What becomes of an invoice while collection is paused; a pause that has run out is over."""
    pause = found["pause_collection"] or {}
    if pause.get("resumes_at") and pause["resumes_at"] <= desk.now:
        desk.change("subscription", found["id"], {"pause_collection": None})
        return None
    return pause.get("behavior")


def after_failure(desk: Desk, invoice_id: str) -> None:
    """A renewal was not paid: the subscription is past due; after the last attempt it is cancelled."""
    invoice = desk.get("invoice", invoice_id)
    found = _of_invoice(desk, invoice)
    if found is None or found["status"] in ENDED or invoice["billing_reason"] == "subscription_create":
        return
    if invoice["next_payment_attempt"] is not None or found["status"] == "active":
        desk.change("subscription", found["id"], {"status": "past_due"})
    if invoice["next_payment_attempt"] is None and invoice["attempt_count"] > len(invoices.RETRIES):
        details = {"comment": None, "feedback": None, "reason": "payment_failed"}
        end(desk, found["id"], {"status": "canceled", "canceled_at": desk.now, "cancellation_details": details})


def after_payment(desk: Desk, invoice_id: str) -> None:
    """An invoice is paid: a subscription that waited for it is active."""
    found = _of_invoice(desk, desk.get("invoice", invoice_id))
    if (
        found is not None
        and found["status"] in ("past_due", "unpaid", "incomplete")
        and found["latest_invoice"] == invoice_id
    ):
        desk.change("subscription", found["id"], {"status": "active"})


def _of_invoice(desk: Desk, invoice: Record) -> Record | None:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return desk.find("subscription", details["subscription"]) if details.get("subscription") else None
