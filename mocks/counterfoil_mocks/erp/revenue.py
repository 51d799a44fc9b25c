"""The run of a period's end (domain §3.18): revenue of each schedule that has moved (P2) and its losses, revaluation of foreign items
(P10), then the contract positions (P3)."""

from __future__ import annotations

from counterfoil_mocks.erp import ledger, losses, periods, posting, revaluation, schedules
from counterfoil_mocks.erp.model import PERIOD, REVENUE_SCHEDULE, ROLE
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx

LATEST = """
SELECT contract_no, line_no, max(period) AS period FROM erp.revenue_entry
WHERE system = :system AND legal_entity = :legal_entity AND deleted_at IS NULL GROUP BY contract_no, line_no
"""
FOLLOWED = """
SELECT coalesce(sum(l.cr - l.dr), 0) AS revenue FROM erp.journal_line l
WHERE l.system = :system AND l.contract_no = :contract_no AND l.contract_line = :line_no AND l.account IN ('4010', '4030')
"""
POSITIONS = """
SELECT l.contract_no, min(l.ccy) AS ccy, sum(l.dr - l.cr) AS amount, sum(l.func_dr - l.func_cr) AS func,
    sum(CASE l.account WHEN '1230' THEN l.dr - l.cr ELSE 0 END) AS asset,
    sum(CASE l.account WHEN '1230' THEN l.func_dr - l.func_cr ELSE 0 END) AS func_asset
FROM erp.journal_line l JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.system = :system AND l.account IN ('2300', '1230') AND l.contract_no IS NOT NULL
    AND e.legal_entity = :legal_entity AND e.posting_date <= :upto
GROUP BY l.contract_no HAVING sum(l.dr - l.cr) > 0
    OR sum(CASE l.account WHEN '1230' THEN l.dr - l.cr ELSE 0 END) <> 0 ORDER BY l.contract_no
"""


@ROLE.action(
    "run_revenue",
    *ledger.OF_PERIOD,
    returns=PERIOD,
)
def run_revenue(tx: Tx, subject: Record, values: Record) -> Record:
    """Book the revenue of a period for every schedule in force, revalue what is open in foreign currencies, and present contracts
    that are ahead of billing as assets.

    Repeated, it books only what has moved since. Raises Problem 409 PERIOD_CLOSED.
    """
    period = ledger.period_to_run(tx, values)
    latest = {
        (row["contract_no"], row["line_no"]): row["period"]
        for row in tx.rows(LATEST, legal_entity=period["legal_entity"])
    }
    found = tx.find(REVENUE_SCHEDULE, legal_entity=period["legal_entity"], status="ACTIVE")
    for schedule in sorted(found, key=lambda each: (each["contract_no"], each["line_no"])):
        if latest.get((schedule["contract_no"], schedule["line_no"]), "") <= period["period"]:
            _run(tx, schedule, period)
    revaluation.revalue(tx, period)
    present(tx, period)
    return period


def _run(tx: Tx, schedule: Record, period: Record) -> None:
    cum = schedules.measured(tx, schedule, period["period"], period["to_date"])
    if cum is None:
        if schedule["method"] == "AS_INVOICED":
            row = tx.rows(FOLLOWED, contract_no=schedule["contract_no"], line_no=schedule["line_no"])[0]
            tx.update(REVENUE_SCHEDULE, schedule, {"recognised": (schedule["carried"] or 0) + row["revenue"]})
        return
    try:
        if cum != (schedule["recognised"] or 0):
            schedule, _ = schedules.recognise(tx, schedule, cum, period["period"], period["to_date"])
        losses.provide(tx, schedule, period["period"], period["to_date"])
    except Problem as problem:
        if problem.code != "FX_RATE_MISSING":  # without a rate the line waits for the next run
            raise


def present(tx: Tx, period: Record) -> None:
    """P3: one net position for each contract; a net debit is a contract asset, taken back the next day."""
    day = period["to_date"]
    for row in tx.rows(POSITIONS, legal_entity=period["legal_entity"], upto=day):
        wanted, in_books = (row["amount"], max(row["func"], 0)) if row["amount"] > 0 else (0, 0)
        delta, func = wanted - row["asset"], in_books - row["func_asset"]
        if not delta:
            continue
        entry = ledger.post(
            tx,
            period["legal_entity"],
            posting.legs("P3", {"position": delta}, functional={"position": func}),
            rule="P3",
            day=day,
            source=f"presentation {row['contract_no']}/{period['period']}",
            ccy=row["ccy"],
            rate=money.RATE_SCALE,
            contract_no=row["contract_no"],
        )
        if entry is not None:
            ledger.take_back_next_day(tx, entry)


@ROLE.on_timer("period_end")
def period_end(tx: Tx, payload: Record) -> None:
    """The last evening of a period: its revenue run, and the next period opens."""
    period = tx.get(PERIOD, f"{payload['legal_entity']}/{payload['period']}")
    periods.open_next(tx, period)
    if ledger.accepts(tx, period):
        run_revenue(tx, {}, payload)
