"""INV-36: revenue follows delivery. The formulas are written from domain §3.2, 3.3, 3.5 and 3.7, not from what the books compute."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterfoil.invariant import MINUTES, Invariant, Params, Row
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.store import Store

TOLERANCE = 1
"""Minor units for each line."""
LAST_RUN_HOUR = (23, 30)
"""Local time at which the last day of a period has its revenue run."""
RUN_MINUTES = 30
PERIODS_BACK = 14
"""Most past periods that are judged."""

ON_INVOICING = """
SELECT 'recognised on invoicing' AS what, d.contract_no, l.contract_line AS line_no, e.period, d.invoice_no AS key, d.ccy,
    sum(l.dr + l.cr) AS amount, 0 AS expected, sum(l.cr - l.dr) AS erp_value
FROM erp.ar_document d JOIN erp.journal_entry e ON e.system = d.system AND e.id = d.je
JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
WHERE d.deleted_at IS NULL AND d.doc_type = 'INVOICE' AND l.account IN ('4000', '4010', '4020', '4030')
GROUP BY d.system, d.id, l.contract_line
"""
AS_INVOICED = """
SELECT 'approved value not recognised as it is' AS what, w.contract_no, w.line_no, w.period, w.source_id AS key, w.ccy,
    abs(i.amount - coalesce(i.over_cap, 0) - coalesce(r.revenue, w.value, 0)) AS amount, i.amount - coalesce(i.over_cap, 0) AS expected,
    coalesce(r.revenue, w.value, 0) AS erp_value
FROM erp.work_entry w
JOIN billing.billable_item i ON i.source_id = w.source_id AND i.source_type = w.source_type AND i.deleted_at IS NULL
LEFT JOIN (
    SELECT l.system, l.parent, sum(l.cr - l.dr) AS revenue FROM erp.journal_line l WHERE l.account IN ('4010', '4030') GROUP BY l.system, l.parent
) r ON r.system = w.system AND r.parent = w.je
WHERE w.deleted_at IS NULL AND max(w.created_at, i.created_at) <= :dl_r AND i.billing NOT IN ('WRITTEN_OFF', 'CREDITED')
    AND i.amount - coalesce(i.over_cap, 0) <> coalesce(r.revenue, w.value, 0)
    AND EXISTS (SELECT 1 FROM erp.revenue_schedule s WHERE s.contract_no = w.contract_no AND s.line_no = w.line_no
        AND s.method <> 'AS_INVOICED' AND s.status <> 'SUPERSEDED') = 0
    AND NOT (i.amount - coalesce(i.over_cap, 0) > coalesce(r.revenue, w.value, 0) AND EXISTS (
        SELECT 1 FROM agreed_change c WHERE c.contract_no = w.contract_no AND c.line_no = w.line_no AND c.cap > 0 AND c.approved_at > w.created_at))
"""
LINES = """
SELECT k.contract_no, k.legal_entity, k.ccy, l.line_no, l.rev_method, l.amount, l.budget_cost, l.budget_hours, coalesce(l.start, k.start) AS start,
    coalesce(l."end", k."end") AS "end", k.status, e.tz
FROM crm.contract k JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id
JOIN erp.legal_entity e ON e.code = k.legal_entity AND e.deleted_at IS NULL
WHERE k.deleted_at IS NULL AND k.status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED') AND l.amount IS NOT NULL
    AND l.rev_method IN ('COST_TO_COST', 'HOURS', 'STRAIGHT_LINE')
    AND EXISTS (SELECT 1 FROM erp.revenue_schedule s WHERE s.contract_no = k.contract_no AND s.line_no = l.line_no AND s.deleted_at IS NULL)
ORDER BY k.contract_no, l.line_no
"""
LEDGER = """
SELECT l.account, l.dr - l.cr AS debit, l.ccy, e.posted_at, e.period
FROM erp.journal_line l JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.contract_no = ? AND l.contract_line = ? AND e.deleted_at IS NULL AND e.status <> 'DRAFT'
    AND l.account IN ('4000', '4010', '4020', '4030', '5000', '5010')
"""
HOURS = (
    "SELECT minutes, created_at AS at FROM erp.work_entry WHERE contract_no = ? AND line_no = ? AND deleted_at IS NULL"
)
CHANGES = (
    "SELECT status, approved_at AS at, amount, cost, hours FROM agreed_change WHERE contract_no = ? AND line_no = ?"
)
ESTIMATES = "SELECT id, etc_cost, etc_hours FROM psa.project WHERE contract_no = ? AND deleted_at IS NULL AND status <> 'CANCELLED'"
VERSIONS = "SELECT at, doc, before FROM psa.history WHERE entity = 'project' AND id = ? ORDER BY seq"
PERIODS = "SELECT period FROM erp.period WHERE legal_entity = ? AND status <> 'FUTURE' AND deleted_at IS NULL ORDER BY period DESC"
LIVE_FROM = (
    "SELECT min(at) AS at FROM (SELECT min(at) AS at FROM crm.history UNION ALL SELECT min(at) FROM psa.history"
    " UNION ALL SELECT min(at) FROM billing.history UNION ALL SELECT min(at) FROM erp.history)"
)


@dataclass(frozen=True)
class Basis:
    """What progress of a line is measured on at an instant: price, effort to date and at completion."""

    price: int
    spent: int
    whole: int | None


def find(store: Store, params: Params) -> list[Row]:
    """Lines whose cumulative revenue is not what their method gives, at each revenue run."""
    wrong = store.rows(ON_INVOICING) + store.rows(AS_INVOICED, dict(params))
    live_from = store.rows(LIVE_FROM)[0]["at"] or ""
    for line in store.rows(LINES):
        for run, period in runs(store, line, params["dl_r"]):
            if run >= live_from:
                wrong += judged(store, line, run, period)
    return wrong


def runs(store: Store, line: Row, until: str) -> Iterator[tuple[str, str]]:
    """The instants and periods of the revenue runs that are past, latest first."""
    past = 0
    for row in store.rows(PERIODS, (line["legal_entity"],)):
        at = clock.instant_of(clock.period_end(row["period"]), line["tz"], *LAST_RUN_HOUR)
        if at <= until and past < PERIODS_BACK:
            past += 1
            yield at, row["period"]


def judged(store: Store, line: Row, run: str, period: str) -> list[Row]:
    """The line at one run: a row where revenue and formula differ, nothing where they agree or where the basis was in flux."""
    ledger = store.rows(LEDGER, (line["contract_no"], line["line_no"]))
    latest = clock.later(run, minutes=RUN_MINUTES)
    posted = [
        row["posted_at"] for row in ledger if row["account"] < "5000" and run <= (row["posted_at"] or "") <= latest
    ]
    at = min(posted, default=run)
    recognised = -sum(row["debit"] for row in ledger if row["account"] < "5000" and (row["posted_at"] or "") <= at)
    if line["rev_method"] == "STRAIGHT_LINE":
        expected = straight_line(store, line, period)
    else:
        basis = basis_at(store, line, ledger, at)
        expected = None if basis is None else by_effort(basis)
    if expected is None or abs(expected - recognised) <= TOLERANCE:
        return []
    return [
        {
            "what": f"cumulative revenue by {line['rev_method']}",
            "contract_no": line["contract_no"],
            "line_no": line["line_no"],
            "period": period,
            "key": f"{line['contract_no']}/{line['line_no']}",
            "ccy": line["ccy"],
            "amount": abs(expected - recognised),
            "expected": expected,
            "erp_value": recognised,
        }
    ]


def by_effort(basis: Basis) -> int | None:
    """`round(price × min(1, spent ÷ whole))`, rounded once on the cumulative figure (domain §3.2)."""
    if not basis.whole or basis.whole <= 0:
        return None
    return money.half_up(basis.price * min(basis.spent, basis.whole), basis.whole)


def straight_line(store: Store, line: Row, period: str) -> int | None:
    """Price by day, both ends included (domain §3.7); None for a line that was modified or has no term."""
    if store.rows(CHANGES, (line["contract_no"], line["line_no"])) or not line["start"] or not line["end"]:
        return None
    first, last = date.fromisoformat(line["start"]), date.fromisoformat(line["end"])
    days = (last - first).days + 1
    gone = (date.fromisoformat(clock.period_end(period)) - first).days + 1
    return money.half_up(line["amount"] * min(max(gone, 0), days), days)


def basis_at(store: Store, line: Row, ledger: list[Row], at: str) -> Basis | None:
    """What the line was measured on at an instant; None where a change or an estimate was still on its way to the books, or a cost
    is in another currency."""
    changes = store.rows(CHANGES, (line["contract_no"], line["line_no"]))
    to_go = estimate_at(store, line, at)
    unsure = clock.later(at, minutes=-MINUTES["DL-R"])
    if (
        to_go is None
        or any(unsure < (each["at"] or "") <= at for each in changes)
        or unsure < to_go["changed_at"] <= at
    ):
        return None

    def agreed(field: str, base: int | None) -> int | None:
        written = sum(each[field] for each in changes if each["status"] == "APPLIED")
        then = sum(each[field] for each in changes if (each["at"] or "") <= at)
        return None if base is None and not then else (base or 0) - written + then

    price = agreed("amount", line["amount"]) or 0
    if line["rev_method"] == "HOURS":
        entries = store.rows(HOURS, (line["contract_no"], line["line_no"]))
        spent = sum(row["minutes"] or 0 for row in entries if row["at"] <= at)
        budget, left = agreed("hours", line["budget_hours"]), to_go["etc_hours"]
        whole = spent + left * 60 if left is not None else None if budget is None else budget * 60
        return Basis(price, spent, whole)
    costs = [row for row in ledger if row["account"] >= "5000" and (row["posted_at"] or "") <= at]
    if any(row["ccy"] != line["ccy"] for row in costs):
        return None
    spent, left = sum(row["debit"] for row in costs), to_go["etc_cost"]
    return Basis(price, spent, spent + left if left is not None else agreed("cost", line["budget_cost"]))


def estimate_at(store: Store, line: Row, at: str) -> dict[str, Any] | None:
    """The manager's estimate to go as it was at an instant, with the instant of its last change (empty when seeded); none of it where
    nothing was said. None for a contract with more than one project."""
    projects = store.rows(ESTIMATES, (line["contract_no"],))
    if len(projects) != 1:
        return None
    said: dict[str, Any] = {**projects[0], "changed_at": ""}
    for number, version in enumerate(store.rows(VERSIONS, (projects[0]["id"],))):
        doc, before = json.loads(version["doc"]), json.loads(version["before"] or "{}")
        if number == 0:
            said |= {name: before.get(name, doc.get(name)) for name in ("etc_cost", "etc_hours")}
            if version["before"] is None:
                said |= {"etc_cost": doc.get("etc_cost"), "etc_hours": doc.get("etc_hours")}
        if version["at"] <= at and ("etc_cost" in before or "etc_hours" in before):
            said |= {name: doc.get(name) for name in ("etc_cost", "etc_hours")} | {"changed_at": version["at"]}
    return said


INVARIANT = Invariant(
    id="INV-36",
    rule="Cumulative revenue of a contract line is what its method gives on today's price and progress; billing recognises nothing.",
    kind="E",
    deadlines=("DL-R",),
    keys=("what", "contract_no", "line_no", "key", "period"),
    find=find,
)
