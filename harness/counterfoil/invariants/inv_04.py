"""INV-04: an invoice is addressed as its customer was when it was issued."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from counterfoil.invariant import Invariant, Params, Row, instant
from counterfoil.vocabulary import same_text
from counterfoil.world import moment
from counterfoil_mocks.kernel.store import Store

ISSUED = """
SELECT i.system, i.invoice_no, i.contract_no, i.ccy, i.total AS amount, i.issued_at, i.bill_to_lines, i.bill_to_name, i.bill_to_vat_id, i.po_no,
    k.system AS crm, k.bill_to AS site, k.po_no AS contract_po, s.lines AS site_lines
FROM live_invoice i JOIN crm.contract k ON k.contract_no = i.contract_no AND k.deleted_at IS NULL
JOIN crm.site s ON s.system = k.system AND s.id = k.bill_to
WHERE i.issued_at IS NOT NULL AND i.bill_to_lines <> '[]' AND i.bill_to_lines <> s.lines
"""
VERSIONS = "SELECT system, id, at, doc, before FROM crm.history WHERE entity = 'site' ORDER BY seq"


def find(store: Store, params: Params) -> list[Row]:
    """Invoices whose address no version of the site had, at issue or within the time that a copy may take before it."""
    issued, wrong = store.rows(ISSUED), []
    versions: dict[tuple[str, str], list[Row]] = {(row["crm"], row["site"]): [] for row in issued}
    for each in store.rows(VERSIONS) if issued else ():  # once for all of them: the history has no index by record
        if (each["system"], each["id"]) in versions:
            versions[each["system"], each["id"]].append(each)
    for row in issued:
        since = instant(moment(row["issued_at"]) - timedelta(minutes=params["dl_m_minutes"]))
        shown = json.loads(row["bill_to_lines"])
        if not any(same_lines(shown, lines) for lines in in_force(row, versions[row["crm"], row["site"]], since)):
            wrong.append(
                {
                    "what": "address",
                    "invoice_no": row["invoice_no"],
                    "contract_no": row["contract_no"],
                    "ccy": row["ccy"],
                    "amount": row["amount"],
                    "issued_at": row["issued_at"],
                    "crm_value": row["site_lines"],
                    "billing_value": row["bill_to_lines"],
                }
            )
    return wrong


def in_force(row: Row, versions: Sequence[Row], since: str) -> list[Any]:
    """The address lines that a site had at some instant from `since` to the issue of the invoice. versions: its history."""
    found: list[Any] = []
    current: Any = json.loads(row["site_lines"])
    if versions:
        before = json.loads(versions[0]["before"] or "{}")
        current = before.get("lines", json.loads(versions[0]["doc"])["lines"])
    for each in versions:
        if each["at"] > row["issued_at"]:
            break
        if each["at"] > since:
            found.append(current)
        current = json.loads(each["doc"])["lines"]
    return [*found, current]


def same_lines(one: list[str], other: list[str]) -> bool:
    """Whether two addresses read the same."""
    return len(one) == len(other) and all(same_text(left, right) for left, right in zip(one, other, strict=True))


INVARIANT = Invariant(
    id="INV-04",
    rule="An issued invoice carries the address that the customer's site had in the CRM when it was issued, or at most as long before as a copy may"
    " take.",
    kind="A",
    keys=("what", "invoice_no"),
    find=find,
    deadlines=("DL-M",),
)
