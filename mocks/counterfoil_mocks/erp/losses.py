"""Loss-making contracts: what a contract line will still lose is provided for now, in companies that report so (IAS 37; domain §3.16)."""

from __future__ import annotations

from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.erp import ledger, posting, progress, schedules
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx

PROVIDED = """
SELECT coalesce(sum(l.cr - l.dr), 0) AS amount FROM erp.journal_line l JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.system = :system AND l.contract_no = :contract_no AND l.contract_line = :line_no AND l.account = '2400' AND e.posting_date <= :upto
"""


def provides(entity: Record) -> bool:
    """Whether a company provides for losses: under IFRS always, elsewhere where its policy says so."""
    return entity["gaap"] == "IFRS" or bool(entity["loss_provision"])


def provide(tx: Tx, schedule: Record, period: str, day: str) -> Record | None:
    """Bring the provision of a contract line to what it will still lose; the entry, None where nothing moves.

    Raises Problem 409 PERIOD_CLOSED, FX_RATE_MISSING.
    """
    price, at_completion = schedule["tp"], schedule["eac_cost"]
    if price is None or at_completion is None or not provides(entity_of(tx, schedule["legal_entity"])):
        return None
    spent = schedules.spent(tx, schedule, period=period).cost
    needed = progress.loss_to_come(price, at_completion, spent, schedule["recognised"] or 0)
    place = {"contract_no": schedule["contract_no"], "line_no": schedule["line_no"], "upto": day}
    return ledger.post(
        tx,
        schedule["legal_entity"],
        posting.legs(
            "LOSS", {"loss": needed - tx.rows(PROVIDED, **place)[0]["amount"]}, contract_line=place["line_no"]
        ),
        rule="LOSS",
        day=day,
        source=f"loss provision {schedule['contract_no']}/{schedule['line_no']}/{period}",
        ccy=schedule["ccy"],
        contract_no=schedule["contract_no"],
        project_no=schedule["project_no"],
    )
