"""Stripe's documents: invoices and credit notes, which are the business's own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.billing.documents import GIVEN
from counterfoil_mocks.billing.stripe import meanings
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.kind import KEEP, Kind, kept, mapped
from counterfoil_mocks.billing.stripe.objects import (
    ADDRESS,
    AUTOMATIC_TAX,
    BILLED_BY,
    CUSTOM_FIELDS,
    DISCOUNTS,
    ISSUER,
    ITEM_FIELDS,
    SHIPPING,
    TAX_DISPLAY,
    json_at,
)
from counterfoil_mocks.billing.stripe.params import (
    ANY,
    BOOL,
    DEC,
    INT,
    META,
    NAT,
    TEXT,
    TIME,
    Short,
    Spec,
    plain,
    words,
)
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols import conversion
from counterfoil_mocks.protocols.conversion import epoch, of_epoch
from counterfoil_mocks.protocols.fieldmap import FieldMap

EMBEDDED = 10
"""How many lines an invoice shows by itself."""
Fallback = Callable[[Record, Any], Any]


def own(name: str, otherwise: Fallback) -> FieldMap:
    """What Stripe's own engine keeps of a document; else what the business says of it."""

    def computed(record: Record, face: Any) -> Any:
        mine = kept(record)
        return mine[name] if name in mine else otherwise(record, face)

    return FieldMap(name, computed=computed)


# invoices

STATUS = {
    "DRAFT": "draft",
    "PENDING_APPROVAL": "draft",
    "APPROVED": "draft",
    "ISSUED": "open",
    "POST_FAILED": "open",
    "POSTED": "open",
    "PARTIALLY_PAID": "open",
    "DISPUTED": "open",
    "PAID": "paid",
    "CREDITED": "paid",
    "WRITTEN_OFF": "uncollectible",
    "VOID": "void",
    "DISCARDED": "draft",
}
"""What an invoice of the business is in Stripe's words. Stripe's own are finer: a state that it left is kept beside (`seen`)."""


def status_of(record: Record, face: Any = None) -> str:
    """The status of an invoice."""
    mine = kept(record)
    return mine["status"] if mine.get("seen") == record["status"] else STATUS[record["status"]]


def _status_sql(table: sa.FromClause) -> sa.ColumnElement[Any]:
    mine = sa.func.json_extract(table.c.custom, f"$.{KEEP}.status")
    seen = sa.func.json_extract(table.c.custom, f"$.{KEEP}.seen")
    return sa.case((seen == table.c.status, mine), else_=sa.case(STATUS, value=table.c.status))


def lines_of(record: Record, face: Any) -> list[Record]:
    """The lines of an invoice, with what is not for callers in members that begin with `_`."""
    mine: list[Record] | None = kept(record).get("lines")
    return mine if mine is not None else [_line(record, line, face) for line in record["lines"]]


def shown_line(line: Record) -> Record:
    """A line as callers see it."""
    return {name: value for name, value in line.items() if not name.startswith("_")}


def _line(record: Record, line: Record, face: Any) -> Record:
    start = epoch(record["created_at"])
    quantity, rest = divmod(line["qty"], money.QTY_SCALE)
    rate = face.tax_rate_of(line["tax_code"])
    return {
        "id": f"il_{chars(24, record['id'], line['line_no'])}",
        "object": "line_item",
        "amount": line["net"],
        "currency": record["ccy"].lower(),
        "description": line["description"],
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": record["id"],
        "livemode": False,
        "metadata": meanings.of_line(line),
        "parent": None,
        "period": {"start": start, "end": start},
        "pretax_credit_amounts": [],
        "pricing": {"type": "price_details", "price_details": None, "unit_amount_decimal": _unit(line, record["ccy"])},
        "quantity": quantity if not rest else None,
        "quantity_decimal": money.unscaled(line["qty"], money.QTY_SCALE).rstrip("0").rstrip("."),
        "subscription": None,
        "subtotal": line["net"],
        "taxes": [taxed(rate, line["tax"], line["net"])] if rate is not None and line["tax"] is not None else [],
        "_line_no": line["line_no"],
        "_rates": [rate] if rate else [],
    }


def _unit(line: Record, ccy: str) -> str:
    """The price of one hour or piece in minor units."""
    return plain(Decimal(line["unit_price"]) * 10 ** money.exponent(ccy) / money.PRICE_SCALE)


def taxed(rate: str, amount: int, taxable: int, behavior: str = "exclusive", reason: str = "not_available") -> Record:
    """One tax of a line or of a document."""
    return {
        "amount": amount,
        "tax_behavior": behavior,
        "tax_rate_details": {"tax_rate": rate},
        "taxability_reason": reason,
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def line_list(record: Record, face: Any) -> Record:
    """The first lines of an invoice as a list."""
    lines = lines_of(record, face)
    return {
        "object": "list",
        "data": [shown_line(line) for line in lines[:EMBEDDED]],
        "has_more": len(lines) > EMBEDDED,
        "total_count": len(lines),
        "url": f"/v1/invoices/{record['id']}/lines",
    }


def total_taxes(lines: list[Record]) -> list[Record]:
    """The taxes of lines, added up by rate."""
    summed: dict[tuple[str, str], Record] = {}
    for line in lines:
        for each in line["taxes"]:
            place = (each["tax_rate_details"]["tax_rate"], each["tax_behavior"])
            if place in summed:
                summed[place]["amount"] += each["amount"]
                summed[place]["taxable_amount"] += each["taxable_amount"]
            else:
                summed[place] = dict(each)
    return list(summed.values())


def due_of(record: Record) -> int:
    """What is to be paid of an invoice, before what was paid."""
    mine = kept(record)
    return int(mine.get("due", max(0, record["total"] or 0))) - pre_credited(record)


def pre_credited(record: Record) -> int:
    """What credit notes took off an invoice before it was paid."""
    mine = kept(record)
    if "pre_payment_credit_notes_amount" in mine:
        return int(mine["pre_payment_credit_notes_amount"])
    return int(record["total"] or 0) - int(record["paid"] or 0) if record["status"] == "CREDITED" else 0


def _transitions(record: Record, face: Any) -> Record:
    mine: Record = {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None}
    mine |= kept(record).get("transitions") or {}
    status, changed = status_of(record), epoch(record["updated_at"])
    for name, then in (("paid_at", "paid"), ("voided_at", "void"), ("marked_uncollectible_at", "uncollectible")):
        if status == then and mine[name] is None:
            mine[name] = changed
    if mine["finalized_at"] is None and record["issued_at"]:
        mine["finalized_at"] = epoch(record["issued_at"])
    return mine


def _of_customer(name: str) -> FieldMap:
    return own(f"customer_{name}", lambda record, face: face.of_customer(record["customer"], name))


def _url(record: Record, face: Any) -> str | None:
    return face.page_of(record["id"]) if record["invoice_no"] else None


SHIPPING_COST: Spec = {
    "shipping_rate": TEXT,
    "shipping_rate_data": {
        "display_name": TEXT,
        "type": words("fixed_amount"),
        "fixed_amount": {"amount": NAT, "currency": TEXT},
        "tax_behavior": words("inclusive exclusive unspecified"),
        "tax_code": TEXT,
        "metadata": META,
    },
}
INVOICE_FIELDS: Spec = {
    **dict.fromkeys(
        ("description", "default_payment_method", "default_source", "statement_descriptor", "on_behalf_of"), TEXT
    ),
    "footer": Short(5000),
    "account_tax_ids": [TEXT],
    "auto_advance": BOOL,
    "automatic_tax": AUTOMATIC_TAX,
    "automatically_finalizes_at": TIME,
    "collection_method": BILLED_BY,
    "custom_fields": CUSTOM_FIELDS,
    "days_until_due": NAT,
    "default_tax_rates": [TEXT],
    "discounts": DISCOUNTS,
    "due_date": TIME,
    "effective_at": TIME,
    "issuer": ISSUER,
    "metadata": META,
    "number": Short(26),
    "payment_settings": {"default_mandate": TEXT, "payment_method_options": ANY, "payment_method_types": [TEXT]},
    "rendering": {
        "amount_tax_display": TAX_DISPLAY,
        "pdf": {"page_size": words("a4 auto letter")},
        "template": TEXT,
        "template_version": INT,
    },
    "shipping_cost": SHIPPING_COST,
    "shipping_details": SHIPPING,
    "application_fee_amount": INT,
    "transfer_data": {"amount": INT, "destination": TEXT},
}
INVOICE = Kind(
    "invoice",
    mapped(
        "invoice",
        "invoice",
        FieldMap("customer", "customer", conversion.ID),
        FieldMap("currency", "ccy", conversion.LOWER),
        FieldMap(
            "number",
            computed=lambda record, face: record["invoice_no"] or kept(record).get("wanted_number"),
            sql=lambda table: table.c.invoice_no,
        ),
        FieldMap("status", computed=status_of, sql=_status_sql),
        FieldMap("amount_due", computed=lambda record, face: due_of(record)),
        FieldMap("amount_paid", computed=lambda record, face: record["paid"] or 0),
        FieldMap("amount_remaining", computed=lambda record, face: max(0, due_of(record) - (record["paid"] or 0))),
        FieldMap("pre_payment_credit_notes_amount", computed=lambda record, face: pre_credited(record)),
        FieldMap("status_transitions", computed=_transitions),
        FieldMap("lines", computed=line_list),
        FieldMap("total_taxes", computed=lambda record, face: total_taxes(lines_of(record, face))),
        FieldMap("account_country", computed=lambda record, face: "US"),
        FieldMap("account_name", computed=lambda record, face: face.account_name),
        FieldMap("hosted_invoice_url", computed=_url),
        FieldMap(
            "invoice_pdf",
            computed=lambda record, face: (
                (url := _url(record, face)) and url.replace("invoice.", "pay.", 1).replace("/i/", "/invoice/") + "/pdf"
            ),
        ),
        _of_customer("address"),
        _of_customer("email"),
        _of_customer("name"),
        _of_customer("phone"),
        _of_customer("shipping"),
        _of_customer("tax_exempt"),
        _of_customer("tax_ids"),
        own("collection_method", lambda record, face: "send_invoice"),
        own(
            "custom_fields",
            lambda record, face: [{"name": "PO", "value": record["po_no"]}] if record["po_no"] else None,
        ),
        own(
            "due_date",
            lambda record, face: epoch(record["due"]) if record["due"] and meanings.drawn_up(record) else None,
        ),
        own("effective_at", lambda record, face: epoch(record["issued_at"]) if record["issued_at"] else None),
        own("period_start", lambda record, face: epoch(record["created_at"])),
        own("period_end", lambda record, face: epoch(record["created_at"])),
        own("subtotal", lambda record, face: record["net"] or 0),
        own("subtotal_excluding_tax", lambda record, face: record["net"] or 0),
        own("total", lambda record, face: record["total"] or 0),
        own("total_excluding_tax", lambda record, face: record["net"] or 0),
        account_tax_ids=None,
        amount_overpaid=0,
        amount_shipping=0,
        application=None,
        attempt_count=0,
        attempted=False,
        auto_advance=False,
        automatic_tax={"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None},
        automatically_finalizes_at=None,
        billing_reason="manual",
        customer_account=None,
        default_payment_method=None,
        default_source=None,
        default_tax_rates=[],
        description=None,
        discounts=[],
        ending_balance=None,
        footer=None,
        from_invoice=None,
        issuer={"type": "self"},
        last_finalization_error=None,
        latest_revision=None,
        next_payment_attempt=None,
        on_behalf_of=None,
        parent=None,
        payment_settings={"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        post_payment_credit_notes_amount=0,
        receipt_number=None,
        rendering=None,
        shipping_cost=None,
        shipping_details=None,
        starting_balance=0,
        statement_descriptor=None,
        test_clock=None,
        total_discount_amounts=[],
        total_pretax_credit_amounts=[],
        webhooks_delivered_at=None,
    ),
    "invoice",
    "/v1/invoices",
    create={
        **INVOICE_FIELDS,
        "customer": TEXT,
        "currency": TEXT,
        "subscription": TEXT,
        "from_invoice": {"action": TEXT, "invoice": TEXT},
        "pending_invoice_items_behavior": words("exclude include include_and_require"),
    },
    update=INVOICE_FIELDS,
    filters={
        "customer": TEXT,
        "status": words("draft open paid uncollectible void"),
        "subscription": TEXT,
        "collection_method": BILLED_BY,
        "due_date": (TIME, dict.fromkeys(("gt", "gte", "lt", "lte"), TIME)),
    },
    asked={
        "subscription": json_at("subscription"),
        "collection_method": lambda table, value: (
            sa.func.coalesce(sa.func.json_extract(table.c.custom, f"$.{KEEP}.collection_method"), "send_invoice")
            == value
        ),
        "due_date": lambda table, value: _due(table, value),  # noqa: PLW0108 (it stands below)
    },
    deletable=True,
    blanks={
        "rendering": dict.fromkeys(("amount_tax_display", "pdf", "template", "template_version")),
        "shipping_details": {"name": None, "phone": None, "address": dict.fromkeys(ADDRESS)},
    },
    absent=("status", "DISCARDED"),
    param="invoice",
    searched=("created", "currency", "customer", "number", "status", "subscription", "total"),
)


def _due(table: sa.FromClause, value: Any) -> sa.ColumnElement[bool]:
    """Conditions on the moment an invoice is due: Stripe's own, else the start of the business's day."""
    own = sa.cast(sa.func.json_extract(table.c.custom, f"$.{KEEP}.due_date"), sa.BigInteger)
    drawn_up = table.c.rounding_policy != GIVEN
    bounds = value if isinstance(value, dict) else {"gte": value, "lte": value}
    signs = {"gt": own.__gt__, "gte": own.__ge__, "lt": own.__lt__, "lte": own.__le__}
    return sa.and_(
        *(
            sa.or_(signs[name](bound), sa.and_(own.is_(None), drawn_up, _day(table.c.due, name, bound)))
            for name, bound in bounds.items()
            if bound is not None
        )
    )


def _day(due: Any, sign: str, bound: int) -> sa.ColumnElement[bool]:
    """The same of a day: what lies within it comes after its start."""
    day, start = of_epoch(bound)[:10], bound % 86400 == 0
    if sign == "gte":
        return sa.and_(due >= day if start else due > day)
    if sign == "lt":
        return sa.and_(due < day if start else due <= day)
    return sa.and_(due > day if sign == "gt" else due <= day)


LINE_FIELDS: Spec = {
    **{name: each for name, each in ITEM_FIELDS.items() if name != "currency"},
    "invoice_item": TEXT,
}
LINE_UPDATE: Spec = {**LINE_FIELDS, "id": TEXT}

# credit notes


def _memo_status(record: Record, face: Any) -> str:
    return "issued" if record["deleted_at"] is None else "void"


CREDITED_LINE: Spec = {
    "type": words("invoice_line_item custom_line_item"),
    "invoice_line_item": TEXT,
    "quantity": INT,
    "amount": INT,
    "description": TEXT,
    "unit_amount": INT,
    "unit_amount_decimal": DEC,
    "tax_rates": [TEXT],
    "metadata": META,
}
CREDITED: Spec = {
    "invoice": TEXT,
    "lines": [CREDITED_LINE],
    "amount": INT,
    "reason": words("duplicate fraudulent order_change product_unsatisfactory"),
    "memo": TEXT,
    "refund_amount": INT,
    "credit_amount": INT,
    "out_of_band_amount": INT,
    "refunds": [{"refund": TEXT, "amount_refunded": INT, "type": TEXT, "payment_record_refund": ANY}],
    "refund": TEXT,
    "effective_at": TIME,
    "email_type": words("credit_note none"),
    "shipping_cost": {"shipping_rate": TEXT},
    "metadata": META,
}


def _memo_lines(record: Record, face: Any) -> Record:
    lines = kept(record).get("lines")
    if lines is None:
        lines = [_memo_line(record, line, face) for line in record["lines"]]
    return {
        "object": "list",
        "data": lines[:EMBEDDED],
        "has_more": len(lines) > EMBEDDED,
        "url": f"/v1/credit_notes/{record['id']}/lines",
    }


def _memo_line(record: Record, line: Record, face: Any) -> Record:
    rate = face.tax_rate_of(line["tax_code"])
    return {
        "id": f"cnli_{chars(24, record['id'], line['line_no'])}",
        "object": "credit_note_line_item",
        "amount": -line["net"],
        "description": line["description"],
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": None,
        "livemode": False,
        "metadata": meanings.of_line(line),
        "pretax_credit_amounts": [],
        "quantity": None,
        "tax_rates": [],
        "taxes": [taxed(rate, -line["tax"], -line["net"])] if rate else [],
        "type": "invoice_line_item",
        "unit_amount": None,
        "unit_amount_decimal": None,
    }


def _negated(name: str) -> Fallback:
    return lambda record, face: -(record[name] or 0)


CREDIT_NOTE = Kind(
    "credit_note",
    mapped(
        "credit_note",
        "credit_memo",
        FieldMap("currency", "ccy", conversion.LOWER),
        FieldMap("customer", "customer", conversion.ID),
        FieldMap("number", "cm_no"),
        FieldMap("status", computed=_memo_status),
        FieldMap("lines", computed=_memo_lines),
        FieldMap(
            "pdf",
            computed=lambda record, face: (
                f"https://pay.stripe.com/credit_notes/{face.keys.account_id}/test_{record['id'][3:]}/pdf"
            ),
        ),
        own("invoice", lambda record, face: face.invoice_id_of(record["corrects"])),
        own("amount", _negated("total")),
        own("subtotal", _negated("net")),
        own("subtotal_excluding_tax", _negated("net")),
        own("total", _negated("total")),
        own("total_excluding_tax", _negated("net")),
        own("total_taxes", lambda record, face: total_taxes(_memo_lines(record, face)["data"])),
        own("pre_payment_amount", _negated("total")),
        own("reason", lambda record, face: "duplicate" if record["reason"] == "DUPLICATE" else "order_change"),
        own("effective_at", lambda record, face: epoch(record["issued_at"])),
        amount_shipping=0,
        customer_account=None,
        customer_balance_transaction=None,
        discount_amount=0,
        discount_amounts=[],
        memo=None,
        out_of_band_amount=None,
        post_payment_amount=0,
        pretax_credit_amounts=[],
        refunds=[],
        shipping_cost=None,
        type="pre_payment",
        voided_at=None,
    ),
    "credit note",
    "/v1/credit_notes",
    create=CREDITED,
    update={"memo": TEXT, "metadata": META},
    required=("invoice",),
    filters={"customer": TEXT, "invoice": TEXT},
    asked={"invoice": json_at("invoice")},
    operation="credit_memo",
    lasting=True,
)
