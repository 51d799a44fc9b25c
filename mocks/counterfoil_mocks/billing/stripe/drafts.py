"""Drafts of invoices: made, changed, their lines, and the sums that follow from them."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil_mocks.billing import documents as business
from counterfoil_mocks.billing.model import INVOICE as DOCUMENT
from counterfoil_mocks.billing.stripe import catalogue, discounts, items, meanings, states, totals
from counterfoil_mocks.billing.stripe.billing_objects import INVOICE
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import altered, merged
from counterfoil_mocks.billing.stripe.errors import invalid, missing, needed
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.objects import INVOICE_ITEM
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import perform

DAY = 86400
HOUR = 3600
NO_TERMS = "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'."
FREE = (
    "metadata",
    "auto_advance",
    "description",
    "footer",
    "custom_fields",
    "default_payment_method",
    "default_source",
    "expand",
)
"""What may change of an invoice that is final."""


@INVOICE.on_create
def create(desk: Desk, given: Record) -> Record:
    """A draft; the customer's pending items go onto it where that is asked for."""
    if given.get("from_invoice"):
        return _revision(desk, given)
    if not given.get("customer"):
        raise needed("customer")
    customer = desk.named("customer", given["customer"], "customer")
    desk.at(customer["test_clock"])
    catalogue.check_rates(desk, given.get("default_tax_rates"), "default_tax_rates")
    if given.get("currency"):
        items.check_currency(customer, catalogue.currency(given["currency"]))
    subscription = (
        desk.named("subscription", given["subscription"], "subscription") if given.get("subscription") else None
    )
    said = {name: value for name, value in given.items() if name in INVOICE.map.by_name and value is not None}
    if subscription is not None:
        said |= of_subscription(subscription)
        said.setdefault("collection_method", subscription["collection_method"])
    made = draft(desk, customer, {**said, "days_until_due": given.get("days_until_due")}, given.get("discounts"))
    behavior = given.get("pending_invoice_items_behavior", "exclude")
    if behavior != "exclude":
        found = pending(desk, customer["id"], made["currency"], given.get("subscription"))
        if behavior == "include_and_require" and not found:
            raise invalid("Nothing to invoice for customer", None, "invoice_no_customer_line_items")
        take_items(desk, made["id"], found)
    return desk.get("invoice", made["id"])


def of_subscription(subscription: Record) -> Record:
    """What says that an invoice is of a subscription."""
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    return {
        "parent": {"type": "subscription_details", "quote_details": None, "subscription_details": details},
        "subscription": subscription["id"],
    }


def draft(desk: Desk, customer: Record, said: Record, coupons: list[Record] | None = None) -> Record:
    """Write a draft for a customer. said: fields of the invoice and `days_until_due`; coupons: the discounts asked for."""
    said = dict(said)
    method = said.setdefault("collection_method", "charge_automatically")
    days = said.pop("days_until_due", None)
    now = desk.now
    if method == "send_invoice":
        if days is None and said.get("due_date") is None:
            raise invalid(NO_TERMS, "days_until_due")
        if days is not None and said.get("due_date") is not None:
            raise invalid("You may only specify one of these parameters: due_date, days_until_due.", "due_date")
        if said.get("due_date") is None:
            said["due_date"] = now + days * DAY
    elif days is not None or said.get("due_date") is not None:
        name = "days_until_due" if days is not None else "due_date"
        raise invalid(f"You can only set `{name}` if the invoice's collection method is `send_invoice`.", name)
    for number, rate in enumerate(said.get("default_tax_rates") or ()):
        desk.named("tax_rate", rate, f"default_tax_rates[{number}]")
    if said.get("default_payment_method"):
        desk.named("payment_method", said["default_payment_method"], "default_payment_method")
    said["customer"] = customer["id"]
    said["currency"] = catalogue.currency(said.get("currency") or customer["currency"] or "usd")
    if said.get("number") is not None:
        check_number(desk, said["number"], None)
    said["metadata"] = merged({}, said.get("metadata") or {})
    fresh = discounts.redeemed(desk, coupons, "discounts", customer["id"], said["currency"]) if coupons else []
    said["discounts"] = fresh or said.get("discounts") or []
    said |= {"created": now, "period_start": said.get("period_start", now), "period_end": said.get("period_end", now)}
    if customer["invoice_settings"]["custom_fields"] and not said.get("custom_fields"):
        said["custom_fields"] = customer["invoice_settings"]["custom_fields"]
    if customer["invoice_settings"]["footer"] and not said.get("footer"):
        said["footer"] = customer["invoice_settings"]["footer"]
    said |= {"starting_balance": customer["balance"], "lines": [], "wanted_number": said.pop("number", None)}
    said |= dict.fromkeys(("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"), 0)
    metadata = said["metadata"]
    columns = {
        "legal_entity": metadata.get("legal_entity") or desk.legal_entity(said["currency"].upper()),
        "contract_no": metadata.get("contract_no"),
        "project_no": metadata.get("project_no"),
        "po_no": metadata.get("po_no"),
        "rounding_policy": business.GIVEN,
        "terms": "NET30",
        "lines": [],
    }
    if said.get("shipping_cost"):
        said["shipping_cost"] = _shipped(desk, said["shipping_cost"], said["currency"])
    made = desk.insert("invoice", {**said, **_advancing(said, now)}, columns)
    discounts.bind(desk, fresh, invoice=made["id"])
    made = desk.change("invoice", made["id"], {"status": "draft", "seen": "DRAFT"})
    return recalculated(desk, made["id"]) if said.get("shipping_cost") else made


def _shipped(desk: Desk, given: Record, ccy: str) -> Record:
    """What shipping costs, by a rate that is described: kept rates are nobody's here."""
    rate = given.get("shipping_rate_data")
    if rate is None:
        raise missing(
            "shipping rate", given.get("shipping_rate") or "", param="shipping_cost[shipping_rate]", status=400
        )
    at, fixed = "shipping_cost[shipping_rate_data]", rate.get("fixed_amount") or {}
    if not rate.get("display_name"):
        raise needed(f"{at}[display_name]")
    if fixed.get("amount") is None:
        raise needed(f"{at}[fixed_amount][amount]")
    if catalogue.currency(fixed.get("currency") or ccy, f"{at}[fixed_amount][currency]") != ccy:
        raise invalid(
            f"The shipping rate must be in the invoice's currency (`{ccy}`).", f"{at}[fixed_amount][currency]"
        )
    amount = fixed["amount"]
    id = f"shr_{chars(24, desk.system.world.seed, 'shipping_rate', desk.system.next_number('shipping_rate'))}"
    return {"amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "shipping_rate": id, "taxes": [],
            "_name": rate["display_name"]}  # fmt: skip


def _advancing(said: Record, now: int) -> Record:
    """When a draft will go on by itself."""
    if not said.get("auto_advance"):
        return {"automatically_finalizes_at": said.get("automatically_finalizes_at"), "next_payment_attempt": None}
    automatic = said["collection_method"] == "charge_automatically"
    return {
        "automatically_finalizes_at": said.get("automatically_finalizes_at") or now + HOUR,
        "next_payment_attempt": now + HOUR if automatic else None,
    }


def check_number(desk: Desk, number: str, mine: str | None) -> None:
    others = [each for each in desk.all("invoice", number=number) if each["id"] != mine]
    if others:
        raise invalid(f"The invoice number {number} is already used by another invoice.", "number")


def _revision(desk: Desk, given: Record) -> Record:
    """A draft that will take the place of a final invoice."""
    old = desk.named("invoice", given["from_invoice"].get("invoice", ""), "from_invoice[invoice]")
    if given["from_invoice"].get("action") != "revision":
        raise invalid("Invalid from_invoice[action]: must be revision", "from_invoice[action]")
    if old["status"] not in ("open", "uncollectible"):
        raise invalid("You can only create a revision of a finalized invoice.", "from_invoice[invoice]")
    customer = desk.get("customer", old["customer"])
    desk.at(customer["test_clock"])
    copied = ("auto_advance", "collection_method", "currency", "custom_fields", "default_tax_rates", "description", "discounts",
              "footer", "metadata", "due_date", "parent")  # fmt: skip
    said = {name: old[name] for name in copied if old[name] is not None}
    said |= {name: value for name, value in given.items() if name in INVOICE.map.by_name and value is not None}
    said["from_invoice"] = {"action": "revision", "invoice": old["id"]}
    made = draft(desk, customer, said)
    return recalculated(desk, made["id"], [_again(desk, line, made["id"]) for line in own_lines(desk, old["id"])])


def _again(desk: Desk, line: Record, invoice: str) -> Record:
    """A line once more on another draft, with an item of its own behind it: it may be changed there."""
    copy = {**line, "id": desk.new_id("line_item"), "invoice": invoice}
    item = desk.find("invoiceitem", line["_item"]) if line.get("_item") else None
    if item is None:
        return copy
    known = INVOICE_ITEM.map.by_name
    said = {name: value for name, value in item.items() if known[name].computed is None and name != "id"}
    own = desk.insert("invoiceitem", {**said, "date": item["date"], "metadata": item["metadata"], "invoice": invoice})
    details = {**copy["parent"]["invoice_item_details"], "invoice_item": own["id"]}
    return {**copy, "_item": own["id"], "parent": {**copy["parent"], "invoice_item_details": details}}


# changing


@INVOICE.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """An invoice changed: a draft as one likes, a final one in what is not its content."""
    desk.at(before["test_clock"])
    given = states.of_invoice(desk, before, given)
    before = desk.get("invoice", before["id"])
    if before["status"] != "draft":
        for name in given:
            if name not in FREE:
                raise invalid("Finalized invoices can't be updated in this way", name)
        said = altered(before, given)
        return desk.change("invoice", before["id"], said) if said else before
    if meanings.drawn_up(desk.tx.get(DOCUMENT, before["id"])):
        return _redrawn(desk, before, given)
    said = altered(
        before, {name: value for name, value in given.items() if name not in ("discounts", "days_until_due", "number")}
    )
    method = said.get("collection_method", before["collection_method"])
    created = before["created"]
    if given.get("days_until_due") is not None:
        if method != "send_invoice":
            raise invalid(
                "You can only set `days_until_due` if the invoice's collection method is `send_invoice`.",
                "days_until_due",
            )
        said["due_date"] = created + given["days_until_due"] * DAY
    if method == "send_invoice" and said.get("due_date", before["due_date"]) is None:
        raise invalid(NO_TERMS, "days_until_due")
    catalogue.check_rates(desk, given.get("default_tax_rates"), "default_tax_rates")
    if said.get("default_payment_method"):
        desk.named("payment_method", said["default_payment_method"], "default_payment_method")
    if "discounts" in given:
        said["discounts"] = discounts.redeemed(
            desk, given["discounts"], "discounts", before["customer"], before["currency"], invoice=before["id"]
        )
    if said.get("shipping_cost"):
        said["shipping_cost"] = _shipped(desk, given["shipping_cost"], before["currency"])
    elif "shipping_cost" in given:
        said["amount_shipping"] = 0
    if "number" in given:
        if given["number"] is not None:
            check_number(desk, given["number"], before["id"])
        said["wanted_number"] = given["number"]
    if "auto_advance" in given or "automatically_finalizes_at" in given:
        said |= _advancing(
            {**before, **said, "automatically_finalizes_at": said.get("automatically_finalizes_at")}, desk.now
        )
    return recalculated(desk, before["id"], None, said) if said else before


def _redrawn(desk: Desk, before: Record, given: Record) -> Record:
    """A draft that the business drew up, changed in what is not its content; with automatic tax its tax is determined anew."""
    frozen = next((name for name in given if name not in (*FREE, "automatic_tax")), None)
    if frozen is not None:
        raise invalid("The billing engine drew this invoice up; its content can't be updated in this way", frozen)
    if (given.get("automatic_tax") or {}).get("enabled"):
        perform(desk.tx, "recalculate_invoice", before["id"], {})
    said = altered(before, {name: value for name, value in given.items() if name != "automatic_tax"})
    return desk.change("invoice", before["id"], said) if said else desk.get("invoice", before["id"])


def recalculated(desk: Desk, id: str, lines: Sequence[Record] | None = None, said: Record | None = None) -> Record:
    """Work a draft out anew, with other lines or other fields where they are given."""
    mine = {**desk.kept("invoice", id), **(said or {})}
    record = desk.record(INVOICE, id)
    assert record is not None
    lines = mine["lines"] if lines is None else lines
    customer = desk.get("customer", record["customer"])
    default_rates = [rate if isinstance(rate, str) else rate["id"] for rate in mine.get("default_tax_rates") or ()]
    wanted = {rate for line in lines for rate in line.get("_rates") or ()} | set(default_rates)
    rates = {rate: desk.get("tax_rate", rate) for rate in wanted}
    document = mine.get("discounts") or []
    named = {each for line in lines for each in line.get("discounts") or ()} | set(document)
    coupons = discounts.coupons_of(desk, named)
    figures = totals.worked_out(
        lines,
        default_rates=default_rates,
        rates=rates,
        coupons=coupons,
        discounts=document,
        exempt=customer["tax_exempt"],
        by_invoice=desk.system.settings.get("tax_rounding") == "invoice",
    )
    codes = {rate: desk.tax_code_of(rate) for rate in wanted}
    kept = totals.canonical_lines(figures["lines"], codes, rates, record["ccy"])
    shipping = mine.get("shipping_cost")
    if shipping:
        figures |= {name: figures[name] + shipping["amount_total"] for name in ("total", "total_excluding_tax")}
        figures["amount_shipping"] = shipping["amount_total"]
        kept.append(totals.shipped(len(kept) + 1, shipping["_name"], shipping["amount_total"], record["ccy"]))
    columns = {
        "lines": [{**line, "ccy": record["ccy"]} for line in kept],
        "net": sum(line["net"] for line in kept),
        "tax": sum(line["tax"] for line in kept),
        "total": sum(line["net"] + line["tax"] for line in kept),
    }
    shown_rates = [rates[rate] for rate in default_rates]
    return desk.change(
        "invoice",
        id,
        {**(said or {}), **figures, "default_tax_rates": shown_rates, "due": max(0, figures["total"])},
        columns,
    )


def discard(desk: Desk, invoice: Record) -> None:
    """Only a draft is deleted; what the business had put on one may be billed again."""
    if invoice["status"] != "draft":
        raise invalid("You can only delete draft invoices.")
    if meanings.drawn_up(desk.tx.get(DOCUMENT, invoice["id"])):
        perform(desk.tx, "discard_invoice", invoice["id"], {})


def own_lines(desk: Desk, id: str) -> list[Record]:
    """The lines of a draft, to change; raises Refused where the business drew it up: its lines are plan lines and approved work."""
    lines: list[Record] | None = desk.kept("invoice", id).get("lines")
    if lines is None:
        raise invalid(items.EDITABLE, None, "invoice_not_editable")
    return lines


INVOICE.on_remove(discard)

# lines


def pending(desk: Desk, customer: str, ccy: str, subscription: str | None = None) -> list[Record]:
    """Items of a customer that wait for an invoice in a currency."""
    found = desk.all("invoiceitem", customer=customer, currency=ccy, invoice=None)
    return [
        each
        for each in found
        if subscription is None
        or (each["parent"] or {}).get("subscription_details", {}).get("subscription") in (None, subscription)
    ]


def line_of(desk: Desk, invoice: str, item: Record, id: str | None = None) -> Record:
    """An item as a line of an invoice."""
    of = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": item["proration_details"] or {"credited_items": None},
        "subscription": of,
    }
    return {
        "id": id or desk.new_id("line_item"),
        "object": "line_item",
        "amount": item["amount"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": item["discountable"],
        "discounts": item["discounts"],
        "invoice": invoice,
        "livemode": False,
        "metadata": item["metadata"],
        "parent": {"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": None},
        "period": item["period"],
        "pretax_credit_amounts": [],
        "pricing": item["pricing"],
        "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"],
        "subscription": of,
        "subtotal": item["amount"],
        "taxes": [],
        "_rates": [rate["id"] for rate in item["tax_rates"]],
        "_item": item["id"],
    }


def take_items(desk: Desk, id: str, found: Sequence[Record], more: Sequence[Record] = ()) -> Record:
    """Put items (and lines that are no items) onto a draft, the newest first as Stripe shows them."""
    mine = own_lines(desk, id)
    for item in found:
        desk.change("invoiceitem", item["id"], {"invoice": id})
    fresh = [line_of(desk, id, item) for item in reversed(found)]
    return recalculated(desk, id, [*fresh, *more, *mine])


def refresh_items(desk: Desk, id: str, changed: Sequence[Record]) -> Record:
    """Take changes of items over into their lines."""
    by_id = {item["id"]: item for item in changed}
    lines = [
        line_of(desk, id, by_id[line["_item"]], line["id"]) if line.get("_item") in by_id else line
        for line in own_lines(desk, id)
    ]
    return recalculated(desk, id, lines)


def drop_items(desk: Desk, id: str, gone: Sequence[str]) -> Record:
    """Take the lines of items off a draft."""
    return recalculated(desk, id, [line for line in own_lines(desk, id) if line.get("_item") not in gone])


def editable(desk: Desk, id: str) -> Record:
    """A draft whose lines may change; raises Refused."""
    found = desk.get("invoice", id, param="invoice")
    if found["status"] != "draft":
        raise invalid(items.EDITABLE, None, "invoice_not_editable")
    desk.at(found["test_clock"])
    return found


def add_lines(desk: Desk, id: str, given: Record) -> Record:
    """New lines, or pending items, on a draft."""
    invoice = editable(desk, id)
    made = []
    for number, line in enumerate(given["lines"]):
        path = f"lines[{number}]"
        if line.get("invoice_item"):
            item = desk.named("invoiceitem", line["invoice_item"], f"{path}[invoice_item]")
            if item["invoice"] is not None:
                raise invalid("This invoice item is already attached to an invoice.", f"{path}[invoice_item]")
            made.append(item)
            continue
        worth = items.priced(desk, line, invoice["currency"], path)
        catalogue.check_rates(desk, line.get("tax_rates"), f"{path}[tax_rates]")
        said = {**items.item_of(desk, line, worth, path), "customer": invoice["customer"], "invoice": id}
        items.fix_currency(desk, desk.get("customer", invoice["customer"]), worth["currency"])
        made.append(desk.insert("invoiceitem", said))
    return take_items(desk, id, made)


def update_lines(desk: Desk, id: str, given: Record) -> Record:
    """Changes of lines of a draft."""
    editable(desk, id)
    for number, line in enumerate(given["lines"]):
        update_line(desk, id, line.get("id") or "", line, f"lines[{number}][id]")
    return desk.get("invoice", id)


def update_line(desk: Desk, id: str, line_id: str, given: Record, param: str = "id") -> Record:
    """One line of a draft changed, and the item behind it; the line."""
    editable(desk, id)
    lines = own_lines(desk, id)
    line = next((each for each in lines if each["id"] == line_id), None)
    if line is None:
        raise invalid(f"No such invoice line item: '{line_id}'", param, "resource_missing")
    said = {name: value for name, value in given.items() if name not in ("id", "expand")}
    if line.get("_item"):
        items.change(desk, desk.get("invoiceitem", line["_item"]), said)
    else:
        line |= {name: value for name, value in said.items() if name in ("description", "period")}
        line["metadata"] = merged(line["metadata"], said.get("metadata") or {})
        recalculated(desk, id, lines)
    return next(each for each in own_lines(desk, id) if each["id"] == line_id)


def remove_lines(desk: Desk, id: str, given: Record) -> Record:
    """Lines off a draft: their items are deleted, or wait again."""
    editable(desk, id)
    lines = {line["id"]: line for line in own_lines(desk, id)}
    for number, each in enumerate(given["lines"]):
        line = lines.pop(each.get("id") or "", None)
        if line is None:
            raise invalid(f"No such invoice line item: '{each.get('id')}'", f"lines[{number}][id]", "resource_missing")
        if line.get("_item") and each.get("behavior") == "unassign":
            desk.change("invoiceitem", line["_item"], {"invoice": None})
        elif line.get("_item"):
            desk.remove("invoiceitem", line["_item"])
    return recalculated(desk, id, list(lines.values()))
