"""P10: what is open in a foreign currency is worth what the closing rate says, until the next day (domain §3.12, IAS 21).

Contract liabilities are not monetary and never revalued (IFRIC 22); a contract that is ahead of its billing holds an asset that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from counterfoil_mocks import fx
from counterfoil_mocks.erp import ledger, posting
from counterfoil_mocks.erp.model import PERIOD, ROLE
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record, listing
from counterfoil_mocks.kernel.tx import Tx

MONETARY = ("1200", "1220", "1230", "2350")
"""Accounts of foreign items. Unapplied receipts (2350) belong to no contract: they come without one, and go to one when applied."""

OPEN = """
SELECT CASE l.account WHEN '2350' THEN '' ELSE coalesce(l.contract_no, '') END AS contract_no, l.ccy, l.func_ccy, CASE l.account WHEN '2300' THEN :liability ELSE l.account END AS account,
    sum(l.dr - l.cr) AS amount, sum(l.func_dr - l.func_cr) AS func
FROM erp.journal_line l JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.system = :system AND e.legal_entity = :legal_entity AND e.posting_date <= :upto AND l.ccy <> l.func_ccy
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4
"""


@ROLE.action(
    "revalue_period",
    *ledger.OF_PERIOD,
    listing("accounts", "Accounts to revalue; the monetary ones by default."),
    returns=PERIOD,
)
def revalue_period(tx: Tx, subject: Record, values: Record) -> Record:
    """Revalue what is open in foreign currencies at a period's closing rates; taken back the next day.

    Repeated, it books only what has moved since; what has no closing rate yet waits for the next run. Raises Problem 409
    PERIOD_CLOSED.
    """
    period = ledger.period_to_run(tx, values)
    revalue(tx, period, values.get("accounts") or MONETARY)
    return period


def revalue(tx: Tx, period: Record, accounts: Sequence[str] = MONETARY) -> None:
    """Book the differences, one entry for each contract and currency."""
    liability = "2300" if "2300" in accounts else "1230"
    found = tx.rows(OPEN, legal_entity=period["legal_entity"], upto=period["to_date"], liability=liability)
    for (contract_no, ccy, func_ccy), rows in groupby(
        found, key=lambda row: (row["contract_no"], row["ccy"], row["func_ccy"])
    ):
        due = [row for row in rows if row["account"] in accounts and _is_monetary(row)]
        if not due:
            continue
        rate = fx.published(tx, ccy, func_ccy, period["to_date"], "CLOSING")
        if rate is None:
            continue
        lines: list[posting.Line] = []
        for row in due:
            gain = money.convert(row["amount"], rate, ccy, func_ccy) - row["func"]
            lines += posting.legs("P10", {}, functional={"difference": gain}, accounts={"1200": row["account"]})
        _post(tx, period, lines, contract_no or None, ccy)


def _is_monetary(row: Record) -> bool:
    """A position of contracts is an asset, and monetary, only where it is a debit."""
    return row["account"] != "1230" or int(row["amount"]) > 0


def _post(tx: Tx, period: Record, lines: list[posting.Line], contract_no: str | None, ccy: str) -> None:
    entry = ledger.post(
        tx,
        period["legal_entity"],
        lines,
        rule="P10",
        day=period["to_date"],
        source=f"revaluation {contract_no or ccy}/{period['period']}",
        ccy=ccy,
        rate=money.RATE_SCALE,
        contract_no=contract_no,
    )
    if entry is not None:
        ledger.take_back_next_day(tx, entry)
