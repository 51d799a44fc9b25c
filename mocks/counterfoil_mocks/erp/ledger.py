"""The general ledger: periods, rates, and the one way by which journal entries are written. Lines are never edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from counterfoil_mocks.erp import posting
from counterfoil_mocks.erp.model import FX_RATE, JOURNAL_ENTRY, LEGAL_ENTITY, PERIOD
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx

STALE_DAYS = 5
"""A missing FX rate is the last published one, if it is not older."""

RATE = """
SELECT rate FROM erp.fx_rate WHERE system = :system AND from_ccy = :from_ccy AND to_ccy = :to_ccy AND type = :type
    AND rate_date BETWEEN :since AND :day AND deleted_at IS NULL ORDER BY rate_date DESC LIMIT 1
"""
BALANCE = """
SELECT coalesce(sum(l.dr - l.cr), 0) AS amount, coalesce(sum(l.func_dr - l.func_cr), 0) AS func FROM erp.journal_line l
JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.system = :system AND l.contract_no = :contract_no AND l.account = :account AND e.legal_entity = :legal_entity
    AND e.posting_date <= :upto
"""


class Place(NamedTuple):
    """Where in the books something belongs. late: not in its own period, which is over."""

    period: Record
    date: str
    late: bool = False


class Balance(NamedTuple):
    """Debits less credits, in minor units of the contract's currency and of the books'."""

    amount: int
    func: int


def entity_of(tx: Tx, code: str) -> Record:
    """The legal entity of a code; raises Problem 422 where there is none."""
    found = tx.look_up(LEGAL_ENTITY, code)
    if found is None:
        raise invalid(
            "legal_entity", f"there is no legal entity {code!r}", "Give the code of one of the firm's companies."
        )
    return found


def accepts(tx: Tx, period: Record | None) -> bool:
    """Whether postings may be made in a period: an open one takes all, a soft-closed one only what people of finance post."""
    if period is None:
        return False
    return period["status"] == "OPEN" or (period["status"] == "SOFT_CLOSED" and tx.origin.kind != "integration")


def open_on(tx: Tx, legal_entity: str, day: str) -> Record:
    """The period of a date; raises Problem 409 PERIOD_CLOSED where it takes no postings."""
    key = f"{legal_entity}/{clock.period_of(day)}"
    period = tx.look_up(PERIOD, key)
    if period is None or not accepts(tx, period):
        state = "does not exist" if period is None else f"is {period['status']}"
        raise conflict(
            "PERIOD_CLOSED",
            f"Period {key} {state}; nothing dated {day} can be posted.",
            field="posting_date",
            remedy="Date the document in an open period, or have the period reopened.",
        )
    return period


def place_for(tx: Tx, legal_entity: str, day: str) -> Place:
    """Where work of a date belongs: its own period while that is open, else the first open one after it (late).

    Raises Problem 409 PERIOD_CLOSED where no period is open.
    """
    own = tx.look_up(PERIOD, f"{legal_entity}/{clock.period_of(day)}")
    if own is not None and own["status"] == "OPEN":
        return Place(own, day)
    found = sorted(tx.find(PERIOD, legal_entity=legal_entity, status="OPEN"), key=lambda each: str(each["period"]))
    later = [each for each in found if each["period"] > clock.period_of(day)]
    if not later:
        raise conflict(
            "PERIOD_CLOSED",
            f"{legal_entity} has no open period for {day}.",
            field="work_date",
            remedy="Have a period opened.",
        )
    today = tx.today(entity_of(tx, legal_entity)["tz"])
    return Place(later[0], min(max(today, later[0]["from_date"]), later[0]["to_date"]), late=True)


def rate_on(tx: Tx, from_ccy: str, to_ccy: str, day: str, kind: str = "SPOT") -> int:
    """Units of `to_ccy` for one of `from_ccy` on a date, scaled by 10⁶; the last published one within 5 days.

    Raises Problem 409 FX_RATE_MISSING: hold the document until the rate is published.
    """
    if from_ccy == to_ccy:
        return money.RATE_SCALE
    since = clock.add_days(day, -STALE_DAYS)
    found = tx.rows(RATE, from_ccy=from_ccy, to_ccy=to_ccy, type=kind, day=day, since=since)
    if not found:
        raise conflict(
            "FX_RATE_MISSING",
            f"There is no {kind} rate from {from_ccy} to {to_ccy} for {day}.",
            field="fx_rate",
            remedy=f"Publish the rate ({FX_RATE.plural}), then repeat.",
        )
    return int(found[0]["rate"])


def post(
    tx: Tx,
    legal_entity: str,
    lines: Sequence[posting.Line],
    *,
    rule: str,
    day: str,
    source: str,
    ccy: str,
    rate: int | None = None,
    contract_no: str | None = None,
    project_no: str | None = None,
    customer_no: str | None = None,
    reverses: str | None = None,
) -> Record | None:
    """Write a balanced entry; None where there is nothing to book.

    rate: of the books' currency, scaled by 10⁶; the spot rate of the day when None. source: kind and key of what it books.
    Raises Problem 409 PERIOD_CLOSED, FX_RATE_MISSING.
    """
    if not lines:
        return None
    period = open_on(tx, legal_entity, day)
    func_ccy = entity_of(tx, legal_entity)["functional_ccy"]
    used = rate_on(tx, ccy, func_ccy, day) if rate is None else rate
    if not posting.balanced(lines):
        raise ValueError(f"{rule} for {source} is out of balance: {lines}")
    rows = [
        {
            "line_no": number,
            "account": each.line.account,
            "ccy": ccy,
            "dr": each.line.dr,
            "cr": each.line.cr,
            "func_ccy": func_ccy,
            "func_dr": each.func_dr,
            "func_cr": each.func_cr,
            "contract_no": contract_no,
            "project_no": project_no,
            "customer_no": customer_no,
            "contract_line": each.line.contract_line,
        }
        for number, each in enumerate(posting.in_books(lines, used, ccy, func_ccy), 1)
    ]
    head = {
        "legal_entity": legal_entity,
        "posting_date": day,
        "period": period["period"],
        "source_doc": source,
        "ccy": ccy,
    }
    return _write(tx, head | {"rule": rule, "contract_no": contract_no, "lines": rows, "reverses": reverses})


def mirror(tx: Tx, entry: Record, day: str) -> Record:
    """Reverse an entry by its mirror image on a date; the entry becomes REVERSED. Raises Problem 409 PERIOD_CLOSED."""
    period = open_on(tx, entry["legal_entity"], day)
    copied = {name: entry[name] for name in ("legal_entity", "source_doc", "ccy", "rule", "contract_no")}
    made = _write(
        tx,
        copied
        | {
            "posting_date": day,
            "period": period["period"],
            "reverses": entry["je_no"],
            "lines": posting.mirrored(entry["lines"]),
        },
    )
    tx.update(JOURNAL_ENTRY, entry, {"status": "REVERSED"})
    return made


def _write(tx: Tx, entry: Record) -> Record:
    return tx.insert(JOURNAL_ENTRY, {**entry, "status": "POSTED", "posted_at": tx.stamp, "posted_by": tx.origin.actor})


def balance(tx: Tx, legal_entity: str, contract_no: str, account: str, upto: str) -> Balance:
    """A contract's balance on an account at the end of a date."""
    row = tx.rows(BALANCE, legal_entity=legal_entity, contract_no=contract_no, account=account, upto=upto)[0]
    return Balance(row["amount"], row["func"])
