"""Quotes: drafted, opened, accepted (which makes an invoice, a subscription or a schedule) or cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.billing.stripe import (
    catalogue,
    discounts,
    drafts,
    invoices,
    items,
    schedules,
    subscriptions,
    totals,
)
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import altered, merged
from counterfoil_mocks.billing.stripe.errors import invalid, missing, needed
from counterfoil_mocks.billing.stripe.kind import folded
from counterfoil_mocks.billing.stripe.params import LISTED, TIME, moment_of
from counterfoil_mocks.billing.stripe.subscription_objects import QUOTE
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

PDF = b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%%% Quote %s\ntrailer<</Root 1 0 R>>\n%%%%EOF\n"
"""A document of no pages: what it says stands in the quote."""
DAYS = 30
DAY = 86400


@QUOTE.on_create
def create(desk: Desk, given: Record) -> Record:
    """A draft of a quote."""
    customer = desk.named("customer", given["customer"], "customer") if given.get("customer") else None
    desk.at(customer["test_clock"] if customer else given.get("test_clock"))
    said = {name: value for name, value in given.items() if name in QUOTE.map.by_name and value is not None}
    said["metadata"] = merged({}, given.get("metadata") or {})
    for name in ("invoice_settings", "subscription_data"):
        if name in said:
            said[name] = folded(QUOTE.map.by_name[name].default, said[name])
    said.setdefault("expires_at", desk.now + DAYS * DAY)
    said["discounts"] = _discounts(desk, given.get("discounts"), given.get("customer"))
    made = desk.insert("quote", {**said, "line_items": []})
    return _worked_out(desk, made["id"], given.get("line_items") or [])


@QUOTE.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """A draft changed."""
    if before["status"] != "draft":
        raise invalid("You can only update a quote that is in the `draft` status.")
    said = altered(before, {name: value for name, value in given.items() if name not in ("line_items", "discounts")})
    if "discounts" in given:
        said["discounts"] = _discounts(desk, given["discounts"], before["customer"])
    if said:
        desk.change("quote", before["id"], said)
    if "line_items" in given:
        return _worked_out(desk, before["id"], given["line_items"] or [])
    if said.keys() & {"discounts", "default_tax_rates"}:
        return _worked_out(
            desk, before["id"], [_asked(line) for line in desk.kept("quote", before["id"])["line_items"]]
        )
    return desk.get("quote", before["id"])


def _discounts(desk: Desk, given: list[Record] | None, customer: str | None) -> list[str]:
    return discounts.redeemed(desk, given, "discounts", customer)


def _asked(line: Record) -> Record:
    """A line as callers ask for it."""
    return {"price": line["price"]["id"], "quantity": line["quantity"], "tax_rates": line["_rates"]}


def _worked_out(desk: Desk, id: str, given: list[Record]) -> Record:
    quote = desk.get("quote", id)
    lines, ccy = [], quote["currency"]
    for number, each in enumerate(given):
        path = f"line_items[{number}]"
        if each.get("price"):
            price = desk.named("price", each["price"], f"{path}[price]")
        elif each.get("price_data"):
            price = catalogue.create_price(desk, {**each["price_data"], "active": False}, f"{path}[price_data]")
        else:
            raise needed(f"{path}[price]")
        ccy = ccy or price["currency"]
        quantity = each["quantity"] if each.get("quantity") is not None else 1
        if price["currency"] != ccy:
            raise invalid("All prices on a quote must have the same currency.", f"{path}[price]")
        off = discounts.redeemed(desk, each.get("discounts"), f"{path}[discounts]", quote["customer"], ccy)
        amount = items.of_price(desk, price, quantity)
        product = desk.find("product", price["product"])
        lines.append(
            {
                "id": desk.new_id("line_item"),
                "object": "item",
                "amount": amount,
                "amount_discount": 0,
                "amount_subtotal": amount,
                "amount_tax": 0,
                "amount_total": amount,
                "currency": price["currency"],
                "description": (product or {}).get("name"),
                "price": price,
                "quantity": quantity,
                "discountable": True,
                "discounts": off,
                "_rates": each.get("tax_rates") or [],
            }
        )
    wanted = {rate for line in lines for rate in line["_rates"]} | set(quote["default_tax_rates"])
    rates = {rate: desk.named("tax_rate", rate, "line_items[0][tax_rates]") for rate in wanted}
    owner = desk.find("customer", quote["customer"]) if quote["customer"] else None
    named = {id for line in lines for id in line["discounts"]} | set(quote["discounts"])
    figures = totals.worked_out(
        lines,
        default_rates=quote["default_tax_rates"],
        rates=rates,
        coupons=discounts.coupons_of(desk, named),
        discounts=quote["discounts"],
        exempt=(owner or {}).get("tax_exempt", "none"),
    )
    kept = []
    for line, worked in zip(lines, figures["lines"], strict=True):
        exclusive = sum(each["amount"] for each in worked["taxes"] if each["tax_behavior"] == "exclusive")
        tax = sum(each["amount"] for each in worked["taxes"])
        less = sum(each["amount"] for each in worked["discount_amounts"])
        total = line["amount"] - less + exclusive
        kept.append({**line, "amount_discount": less, "amount_tax": tax, "amount_total": total})
    recurring = [line for line in kept if line["price"]["recurring"]]
    upfront = {name: each for name, each in _sums(kept).items() if not name.startswith("interval")}
    said = {
        "amount_subtotal": figures["subtotal"],
        "amount_total": figures["total"],
        "computed": {"recurring": _sums(recurring) if recurring else None, "upfront": upfront},
        "currency": ccy or "usd",
        "line_items": kept,
        "total_details": _details(kept),
    }
    return desk.change("quote", id, said)


def _sums(lines: list[Record]) -> Record:
    recurring = lines[0]["price"]["recurring"] if lines and all(line["price"]["recurring"] for line in lines) else None
    made = {
        "amount_subtotal": sum(line["amount_subtotal"] for line in lines),
        "amount_total": sum(line["amount_total"] for line in lines),
        "total_details": _details(lines),
    }
    return {**made, **{name: recurring[name] for name in ("interval", "interval_count")}} if recurring else made


def _details(lines: list[Record]) -> Record:
    sums = {name: sum(line[name] for line in lines) for name in ("amount_discount", "amount_tax")}
    return {**sums, "amount_shipping": 0}


def due(quote: Record) -> tuple[int, Callable[[Desk, str], Any]] | None:
    """An open quote runs out."""
    return (quote["expires_at"], expire) if quote["status"] in ("draft", "open") and quote["expires_at"] else None


def expire(desk: Desk, id: str) -> None:
    """Too late to accept."""
    _canceled(desk, id)


def _canceled(desk: Desk, id: str) -> Record:
    found = desk.get("quote", id)
    moments = {**found["status_transitions"], "canceled_at": desk.now}
    return desk.change("quote", id, {"status": "canceled", "status_transitions": moments})


def finalize(desk: Desk, id: str, given: Record) -> Record:
    """A draft becomes an offer with a number."""
    found = desk.get("quote", id)
    desk.at(found["test_clock"])
    if found["status"] != "draft":
        raise invalid(
            f"You can only finalize a quote that is in the `draft` status. This quote is `{found['status']}`."
        )
    if not found["customer"]:
        raise needed("customer")
    if not desk.kept("quote", id)["line_items"]:
        raise invalid("You cannot finalize a quote without line items.", "line_items")
    customer = desk.get("customer", found["customer"])
    number = desk.system.next_number(f"quote:{customer['id']}")
    moments = {**found["status_transitions"], "finalized_at": desk.now}
    said = {
        "status": "open",
        "number": f"QT-{customer['invoice_prefix']}-{number:04d}-1",
        "status_transitions": moments,
    }
    if given.get("expires_at"):
        said["expires_at"] = given["expires_at"]
    return desk.change("quote", id, said)


def accept(desk: Desk, id: str, given: Record) -> Record:
    """An offer is taken: a draft invoice of what is paid once, a subscription of what recurs."""
    found = desk.get("quote", id)
    desk.at(found["test_clock"])
    if found["status"] != "open":
        raise invalid(f"You can only accept a quote that is in the `open` status. This quote is `{found['status']}`.")
    customer = desk.get("customer", found["customer"])
    lines = desk.kept("quote", id)["line_items"]
    once = [line for line in lines if not line["price"]["recurring"]]
    recurring = [line for line in lines if line["price"]["recurring"]]
    method, days = found["collection_method"], found["invoice_settings"]["days_until_due"]
    terms = {
        "collection_method": method,
        "days_until_due": (days if days is not None else 30) if method == "send_invoice" else None,
    }
    said: Record = {
        "status": "accepted",
        "status_transitions": {**found["status_transitions"], "accepted_at": desk.now},
    }
    made = [_waiting(desk, customer, line) for line in once]
    later = found["subscription_data"]
    if recurring and later["effective_date"] not in (None, "current_period_end"):
        start = moment_of(later["effective_date"], "subscription_data[effective_date]")
        if start > desk.now:
            schedule = _scheduled(desk, found, recurring, terms, start)
            return desk.change("quote", id, {**said, "subscription_schedule": schedule["id"]})
    if recurring:
        items.fix_currency(desk, customer, recurring[0]["currency"])
        prices = [line["price"] for line in recurring]
        asked = {
            "items": [
                {**_asked(line), "discounts": [{"discount": each} for each in line["discounts"]]} for line in recurring
            ],
            "metadata": later.get("metadata") or found["metadata"],
            "discounts": [{"discount": each} for each in found["discounts"]],
            "default_tax_rates": found["default_tax_rates"],
        }
        trial = desk.now + later["trial_period_days"] * DAY if later["trial_period_days"] else None
        begun = subscriptions.begun(
            desk, customer, asked, {**terms, "description": later["description"]}, prices, trial
        )
        invoice = subscriptions.billed(desk, begun, subscriptions.first_lines(desk, begun), "subscription_create")
        said |= {"subscription": begun["id"], "invoice": invoice["id"]}
    else:
        parent = {"type": "quote_details", "quote_details": {"quote": id}, "subscription_details": None}
        invoice = drafts.draft(
            desk,
            customer,
            {**terms, "currency": found["currency"], "parent": parent, "metadata": found["metadata"],
             "default_tax_rates": found["default_tax_rates"], "discounts": found["discounts"], "billing_reason": "manual"},
        )  # fmt: skip
        drafts.take_items(desk, invoice["id"], made)
        said["invoice"] = invoice["id"]
    return desk.change("quote", id, said)


def _scheduled(desk: Desk, quote: Record, lines: list[Record], terms: Record, start: int) -> Record:
    """What recurs, from a later day on."""
    later = quote["subscription_data"]
    phase = {
        "items": [_asked(line) for line in lines],
        "default_tax_rates": quote["default_tax_rates"],
        "discounts": [{"discount": each} for each in quote["discounts"]],
        "description": later["description"],
        "metadata": later.get("metadata") or quote["metadata"],
    }
    if later["trial_period_days"]:
        phase["trial_end"] = start + later["trial_period_days"] * DAY
    settings = {
        "collection_method": terms["collection_method"],
        "invoice_settings": {"days_until_due": terms["days_until_due"]},
    }
    said = {"customer": quote["customer"], "start_date": str(start), "phases": [phase], "default_settings": settings}
    return schedules.create(desk, said)


def _waiting(desk: Desk, customer: Record, line: Record) -> Record:
    given = {**_asked(line), "discounts": [{"discount": each} for each in line["discounts"]]}
    worth = items.priced(desk, given, line["currency"], own=True)
    items.fix_currency(desk, desk.get("customer", customer["id"]), line["currency"])
    return desk.insert("invoiceitem", {**items.item_of(desk, given, worth), "customer": customer["id"]})


def operations(face: StripeFace) -> Iterable[Operation]:
    """The life of a quote, and its lines."""
    one = "/v1/quotes/{id}"

    def cancel(desk: Desk, id: str, given: Record) -> Record:
        found = desk.get("quote", id)
        desk.at(found["test_clock"])
        if found["status"] not in ("draft", "open"):
            raise invalid(f"You cannot cancel a quote that is in the `{found['status']}` status.")
        return _canceled(desk, id)

    def lines(desk: Desk, id: str, given: Record) -> Record:
        if desk.find("quote", id) is None:
            raise missing("quote", id)
        found = desk.kept("quote", id)["line_items"]
        return invoices.paged([_shown(line) for line in found], given, f"/v1/quotes/{id}/line_items")

    def upfront(desk: Desk, id: str, given: Record) -> Record:
        return {**lines(desk, id, given), "url": f"/v1/quotes/{id}/computed_upfront_line_items"}

    def pdf(desk: Desk, id: str, given: Record) -> bytes:
        found = desk.get("quote", id)
        if found["status"] not in ("open", "accepted"):
            raise invalid("You can only download the PDF of an open or accepted quote.")
        return PDF % str(found["number"]).encode()

    yield face.post("finalize_quote", f"{one}/finalize", {"expires_at": TIME}, finalize)
    yield face.post("accept_quote", f"{one}/accept", {}, accept)
    yield face.post("cancel_quote", f"{one}/cancel", {}, cancel)
    yield face.read("list_quote_line", f"{one}/line_items", LISTED, lines)
    yield face.read("list_quote_upfront_line", f"{one}/computed_upfront_line_items", LISTED, upfront)
    yield face.read("get_quote_pdf", f"{one}/pdf", {}, pdf)


def _shown(line: Record) -> Record:
    return {
        name: value
        for name, value in line.items()
        if not name.startswith("_") and name not in ("amount", "discountable", "discounts")
    }
