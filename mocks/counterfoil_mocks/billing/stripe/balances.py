"""What a customer has to his credit (negative) or owes (positive), and the transactions that made it so; and his tax ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe import catalogue, items, lists
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import alter, gone, merged
from counterfoil_mocks.billing.stripe.errors import invalid, missing
from counterfoil_mocks.billing.stripe.kind import Kind
from counterfoil_mocks.billing.stripe.kinds import KINDS
from counterfoil_mocks.billing.stripe.objects import BALANCE_TRANSACTION_OF_CUSTOMER, TAX_ID, TAX_ID_DATA
from counterfoil_mocks.billing.stripe.params import INT, LISTED, META, TEXT
from counterfoil_mocks.billing.stripe.payments import LEAST
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

LONGEST_TAX_ID = 30
EU_VAT = re.compile(
    r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI) ?[\w+*. -]{2,20}"
)


def move(desk: Desk, customer: str, amount: int, type: str, ccy: str, **said: object) -> Record:
    """Change a customer's balance by an amount; the transaction."""
    before = desk.get("customer", customer)
    after = before["balance"] + amount
    desk.change("customer", customer, {"balance": after})
    return desk.insert(
        "customer_balance_transaction",
        {"amount": amount, "currency": ccy, "customer": customer, "ending_balance": after, "type": type, **said},
    )


def applied(desk: Desk, customer: Record, total: int, invoice: str) -> tuple[int, int]:
    """Use a customer's balance for an invoice that becomes final: (what is left to pay, the balance afterwards).

    Less than can be charged is not left to pay: the customer owes it with his next invoice.
    """
    ccy = desk.get("invoice", invoice)["currency"]
    left, balance = _netted(desk, customer, total, invoice, ccy)
    if 0 < left < LEAST and money.KNOWN.get(ccy.upper()) == 2:
        made = move(desk, customer["id"], left, "invoice_too_small", ccy, invoice=invoice)
        return 0, int(made["ending_balance"])
    return left, balance


def _netted(desk: Desk, customer: Record, total: int, invoice: str, ccy: str) -> tuple[int, int]:
    balance = int(customer["balance"])
    if total < 0:
        made = move(desk, customer["id"], total, "applied_to_invoice", ccy, invoice=invoice)
        return 0, int(made["ending_balance"])
    change = min(-balance, total) if balance < 0 else -balance
    if not change:
        return total, balance
    made = move(desk, customer["id"], change, "applied_to_invoice", ccy, invoice=invoice)
    return total - change, int(made["ending_balance"])


def unapplied(desk: Desk, invoice: Record) -> None:
    """Give back what an invoice that is void used of its customer's balance, or collected of it."""
    used = [
        each["amount"]
        for each in desk.all("customer_balance_transaction", customer=invoice["customer"], invoice=invoice["id"])
        if each["type"] in ("applied_to_invoice", "unapplied_from_invoice")
    ]
    if sum(used):
        move(
            desk,
            invoice["customer"],
            -sum(used),
            "unapplied_from_invoice",
            invoice["currency"],
            invoice=invoice["id"],
        )


def add_tax_id(desk: Desk, customer: str, given: Record) -> Record:
    """A tax id of a customer."""
    kind, value = given["type"], given["value"]
    if kind == "eu_vat" and not EU_VAT.fullmatch(value):
        raise invalid("Invalid value for eu_vat.", "value", "tax_id_invalid")
    country = value[:2].upper() if kind == "eu_vat" else kind[:2].upper()
    made = desk.insert(
        "tax_id",
        {
            "country": country,
            "customer": customer,
            "owner": {"type": "customer", "customer": customer},
            "type": kind,
            "value": value,
            "verification": {"status": "pending", "verified_address": None, "verified_name": None},
        },
    )
    _register(desk, customer, made["id"], column_of(kind), value[:LONGEST_TAX_ID])
    return made


def column_of(kind: str) -> str:
    """Which of the business's two tax numbers a type of tax id is."""
    return "vat_id" if kind.endswith(("_vat", "_gst", "_gst_hst", "_abn", "_trn", "_arn")) else "tax_no"


def _register(desk: Desk, customer: str, id: str, column: str, value: str | None) -> None:
    """Tell the business of a customer's number: the first tax id of its sort is it, until it is deleted (value None)."""
    record = desk.record(KINDS["customer"], customer)
    assert record is not None
    known = dict(desk.kept("customer", customer).get("registered") or {})
    if value is None and known.get(column) == id:
        desk.change("customer", customer, {"registered": {**known, column: None}}, {column: None})
    elif value is not None and not record[column]:
        desk.change("customer", customer, {"registered": {**known, column: id}}, {column: value})


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes below a customer."""
    one = "/v1/customers/{id}"

    def of(kind: Kind, desk: Desk, id: str, sub: str) -> Record:
        found = desk.find(kind.name, sub)
        if found is None or found["customer"] != id:
            raise missing(kind.noun, sub)
        return found

    def listed(kind: Kind, path: str) -> Callable[[Desk, str, Record], Record]:
        def run(desk: Desk, id: str, given: Record) -> Record:
            desk.get("customer", id)
            owner = sa.literal(id)
            return lists.page(
                desk, kind, given, path=f"/v1/customers/{id}/{path}", where=lambda table: [table.c.owner == owner]
            )

        return run

    def new_tax_id(desk: Desk, id: str, given: Record) -> Record:
        desk.at(desk.get("customer", id)["test_clock"])
        return add_tax_id(desk, id, given)

    def drop_tax_id(desk: Desk, id: str, given: Record) -> Record:
        found = of(TAX_ID, desk, id, desk.params["sub"])
        desk.remove("tax_id", found["id"])
        _register(desk, id, found["id"], column_of(found["type"]), None)
        return gone(TAX_ID, desk.params["sub"])

    def new_transaction(desk: Desk, id: str, given: Record) -> Record:
        customer = desk.get("customer", id)
        desk.at(customer["test_clock"])
        ccy = catalogue.currency(given["currency"])
        items.fix_currency(desk, customer, ccy)
        more = {"description": given.get("description"), "metadata": merged({}, given.get("metadata") or {})}
        return move(desk, id, given["amount"], "adjustment", ccy, **more)

    def change_transaction(desk: Desk, id: str, given: Record) -> Record:
        before = of(BALANCE_TRANSACTION_OF_CUSTOMER, desk, id, desk.params["sub"])
        return alter(desk, BALANCE_TRANSACTION_OF_CUSTOMER, before, given)

    def methods(desk: Desk, id: str, given: Record) -> Record:
        desk.get("customer", id)
        asked = {"customer": id, **given}
        return lists.page(desk, KINDS["payment_method"], asked, path=f"/v1/customers/{id}/payment_methods")

    def method(desk: Desk, id: str, given: Record) -> Record:
        return of(KINDS["payment_method"], desk, id, desk.params["sub"])

    yield face.post("create_tax_id", f"{one}/tax_ids", TAX_ID_DATA, new_tax_id, ("type", "value"), "customer")
    yield face.read("list_tax_id", f"{one}/tax_ids", LISTED, listed(TAX_ID, "tax_ids"), entity="customer")
    yield face.read(
        "get_tax_id",
        f"{one}/tax_ids/{{sub}}",
        {},
        lambda desk, id, given: of(TAX_ID, desk, id, desk.params["sub"]),
        entity="customer",
    )
    yield face.post("delete_tax_id", f"{one}/tax_ids/{{sub}}", {}, drop_tax_id, (), "customer", method="DELETE")
    path = f"{one}/balance_transactions"
    spec = {"amount": INT, "currency": TEXT, "description": TEXT, "metadata": META}
    yield face.post(
        "create_customer_balance_transaction", path, spec, new_transaction, ("amount", "currency"), "customer"
    )
    yield face.read(
        "list_customer_balance_transaction",
        path,
        LISTED,
        listed(BALANCE_TRANSACTION_OF_CUSTOMER, "balance_transactions"),
        entity="customer",
    )
    yield face.read(
        "get_customer_balance_transaction",
        f"{path}/{{sub}}",
        {},
        lambda desk, id, given: of(BALANCE_TRANSACTION_OF_CUSTOMER, desk, id, desk.params["sub"]),
        entity="customer",
    )
    changed = {"description": TEXT, "metadata": META}
    yield face.post(
        "update_customer_balance_transaction", f"{path}/{{sub}}", changed, change_transaction, (), "customer"
    )
    yield face.read(
        "list_customer_payment_method", f"{one}/payment_methods", {**LISTED, "type": TEXT}, methods, entity="customer"
    )
    yield face.read("get_customer_payment_method", f"{one}/payment_methods/{{sub}}", {}, method, entity="customer")
