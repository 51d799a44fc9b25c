"""INV-25: the arithmetic of documents. Written from domain §3.11, not from what the systems compute."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

from counterfoil.invariant import Invariant, Params, Row
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.store import Store

BILLED = """
SELECT '{doc_type}' AS doc_type, d.id, coalesce(d.{number}, d.id) AS number, d.contract_no, d.ccy, d.rounding_policy, d.net, d.tax, d.total,
    l.line_no, l.qty, l.minutes, l.unit_price, l.net AS line_net, l.tax AS line_tax, l.tax_code, l.tax_rate, l.taxable_fraction
FROM billing.{entity} d JOIN billing.{entity}_line l ON l.system = d.system AND l.parent = d.id
WHERE d.deleted_at IS NULL AND d.status <> 'DISCARDED' ORDER BY d.system, d.id, l.position
"""
POSTED = """
SELECT d.doc_type, d.invoice_no AS number, d.contract_no, d.ccy, d.net, d.tax, d.total, sum(l.net) AS lines_net,
    sum(coalesce(l.tax, 0)) AS lines_tax
FROM erp.ar_document d JOIN erp.ar_line l ON l.system = d.system AND l.parent = d.id
WHERE d.deleted_at IS NULL AND d.status <> 'DRAFT' GROUP BY d.system, d.id
"""
ONE = money.RATE_SCALE


def find(store: Store, params: Params) -> list[Row]:
    """Documents whose figures do not add up."""
    wrong: list[Row] = []
    right: dict[tuple[str, str], int] = {}
    for doc_type, entity, number in (("INVOICE", "invoice", "invoice_no"), ("CREDIT_MEMO", "credit_memo", "cm_no")):
        rows = store.rows(BILLED.format(doc_type=doc_type, entity=entity, number=number))
        for _, group in groupby(rows, key=lambda row: row["id"]):
            lines = list(group)
            wrong += billed(lines)
            right[doc_type, lines[0]["number"]] = document_tax(lines)[0]
    for row in store.rows(POSTED):
        wrong += compare(row, "erp", "net", row["net"], row["lines_net"])
        wrong += compare(row, "erp", "total", row["total"], row["net"] + row["tax"])
        wrong += compare(
            row, "erp", "tax of the document", row["tax"], right.get((row["doc_type"], row["number"]), row["tax"])
        )
        if row["lines_tax"]:
            wrong += compare(row, "erp", "tax", row["tax"], row["lines_tax"])
    return wrong


def billed(lines: list[Row]) -> list[Row]:
    """What does not add up in one document of billing."""
    head, wrong = lines[0], []
    for line in lines:
        wrong += compare(head, "billing", f"net of line {line['line_no']}", line["line_net"], line_net(line))
    wrong += compare(head, "billing", "net", head["net"], sum(line["line_net"] for line in lines))
    wrong += compare(head, "billing", "tax", head["tax"], *document_tax(lines))
    wrong += compare(head, "billing", "total", head["total"], head["net"] + head["tax"])
    return wrong


def line_net(line: Row) -> int:
    """Quantity (or hours) × price, rounded once."""
    if line["minutes"]:
        return money.time_amount(line["minutes"], line["unit_price"], line["ccy"])
    qty = money.QTY_SCALE if line["qty"] is None else line["qty"]
    return money.line_amount(qty, line["unit_price"], line["ccy"])


def document_tax(lines: list[Row]) -> tuple[int, ...]:
    """The tax that the entity's rounding policy gives: rounded on each line, or once for each rate (yen: down)."""
    if lines[0]["rounding_policy"] != "INVOICE":
        return (sum(tax_of(each["line_net"], each) for each in lines),)
    bases: dict[tuple[int, int], int] = defaultdict(int)
    for each in lines:
        bases[each["tax_rate"] or 0, ONE if each["taxable_fraction"] is None else each["taxable_fraction"]] += each[
            "line_net"
        ]
    exact = [abs(base) * rate * fraction for (rate, fraction), base in bases.items()]
    sign = -1 if sum(bases.values()) < 0 else 1
    if lines[0]["ccy"] == "JPY":
        return (sign * sum(each // ONE**2 for each in exact),)
    return (sign * sum(money.half_up(each, ONE**2) for each in exact),)


def tax_of(net: int, line: Row) -> int:
    """The tax of one line."""
    fraction = ONE if line["taxable_fraction"] is None else line["taxable_fraction"]
    return money.half_up(net * (line["tax_rate"] or 0) * fraction, ONE**2)


def compare(head: Row, role: str, what: str, found: int | None, expected: int | None) -> list[Row]:
    """One row where two figures differ; credit memos may be written with either sign."""
    if found == expected or (
        head["doc_type"] == "CREDIT_MEMO" and found is not None and abs(found) == abs(expected or 0)
    ):
        return []
    return [
        {
            "role": role,
            "doc_type": head["doc_type"],
            "number": head["number"],
            "what": what,
            "contract_no": head["contract_no"],
            "ccy": head["ccy"],
            "amount": abs((found or 0) - (expected or 0)),
            f"{role}_value": found,
            "expected": expected,
        }
    ]


INVARIANT = Invariant(
    id="INV-25",
    rule="In every document a line is quantity times price, lines add up to the net, tax follows the entity's rounding policy, and net and"
    " tax make the total.",
    kind="A",
    keys=("role", "number", "what"),
    find=find,
)
