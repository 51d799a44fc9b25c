"""INV-26: every invoice is taxed as the rules say. What they are asked with is read from its owner, not from billing's copies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from counterfoil.invariant import Invariant, Params, Row, instant
from counterfoil.world import moment
from counterfoil_mocks.billing.treatment import Supply, buyer_of, determine
from counterfoil_mocks.kernel.store import Store

LINES = """
WITH overridden AS (
    SELECT subject, min(decided_at) AS since FROM crm.approval
    WHERE deleted_at IS NULL AND kind = 'TAX_OVERRIDE' AND decision = 'APPROVED' GROUP BY subject
)
SELECT i.system, i.invoice_no, i.contract_no, i.ccy, i.issued_at, coalesce(i.tax_point, i.issue_date) AS tax_point, l.line_no, l.line_type,
    l.net, l.tax, l.tax_code, e.country AS seller, s.country AS ship_to, s.jurisdiction_code, c.id AS customer, c.tax_status,
    c.exemption_cert, c.exemption_expires, c.vat_id, c.vat_validated_at,
    coalesce(p.tax_category, CASE l.line_type WHEN 'EXPENSE' THEN 'EXPENSES' ELSE 'SERVICES' END) AS category
FROM live_invoice i JOIN billing.invoice_line l ON l.system = i.system AND l.parent = i.id
JOIN crm.contract k ON k.contract_no = i.contract_no AND k.deleted_at IS NULL
JOIN crm.site s ON s.system = k.system AND s.id = coalesce(k.ship_to, k.bill_to)
JOIN erp.legal_entity e ON e.code = i.legal_entity AND e.deleted_at IS NULL
JOIN erp.customer c ON c.customer_no = i.customer_no AND c.deleted_at IS NULL AND c.status <> 'MERGED'
LEFT JOIN crm.contract_line o ON o.system = k.system AND o.parent = k.id AND o.line_no = l.contract_line
LEFT JOIN erp.service_item p ON p.code = coalesce(l.service_item, o.service_item) AND p.deleted_at IS NULL
LEFT JOIN overridden a ON a.subject = i.contract_no LEFT JOIN overridden b ON b.subject = i.invoice_no
WHERE i.issued_at IS NOT NULL AND coalesce(a.since, '9999') > i.issued_at AND coalesce(b.since, '9999') > i.issued_at
"""
CODES = "SELECT code, kind, category, jurisdiction, valid_from, valid_to FROM erp.tax_code WHERE deleted_at IS NULL"
VERSIONS = "SELECT at, doc, before FROM erp.history WHERE entity = 'customer' AND id = ? ORDER BY seq"


def find(store: Store, params: Params) -> list[Row]:
    """Lines of issued invoices whose tax code is not what the rules give, and that nobody has approved."""
    codes = store.rows(CODES)
    wrong = []
    for row in store.rows(LINES):
        supply = Supply(row["seller"], row["ship_to"], row["jurisdiction_code"], row["category"], row["tax_point"])
        since = instant(moment(row["issued_at"]) - timedelta(minutes=params["dl_m_minutes"]))
        right = [determine(supply, buyer_of(each), codes).code for each in in_force(store, row, since)]
        if None not in right and row["tax_code"] not in right:
            wrong.append(
                {
                    "what": "tax code",
                    "invoice_no": row["invoice_no"],
                    "line_no": row["line_no"],
                    "contract_no": row["contract_no"],
                    "ccy": row["ccy"],
                    "amount": abs(row["tax"] or 0) or abs(row["net"]),
                    "billing_value": row["tax_code"],
                    "expected_value": right[-1],
                }
            )
    return wrong


def in_force(store: Store, row: Row, since: str) -> Iterator[dict[str, Any]]:
    """What the books said of the customer at some instant from `since` to the issue, the last last."""
    current: dict[str, Any] = dict(row)
    versions = store.rows(VERSIONS, (row["customer"],))
    if versions:
        current = {**json.loads(versions[0]["doc"]), **json.loads(versions[0]["before"] or "{}")}
    for each in versions:
        if each["at"] > row["issued_at"]:
            break
        if each["at"] > since:
            yield current
        current = json.loads(each["doc"])
    yield current


INVARIANT = Invariant(
    id="INV-26",
    rule="Every line of an invoice carries the tax code that seller, place of service, the customer's tax status, the service and the tax point give;"
    " another code only with a tax override that was approved before the invoice was issued.",
    kind="A",
    keys=("what", "invoice_no", "line_no"),
    find=find,
    deadlines=("DL-M",),
)
