"""The general ledger: periods, balances, and the one way by which journal entries are written. Lines are never edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from counterfoil_mocks import fx
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.erp import posting
from counterfoil_mocks.erp.model import JOURNAL_ENTRY, PERIOD, ROLE
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Record, text
from counterfoil_mocks.kernel.tx import Tx

REVERSES_AT = (0, 5)
"""Local hour and minute of the next day at which presentation and revaluation are taken back."""

OF_PERIOD = (
    text("legal_entity", limit=20, required=True),
    text("period", limit=7, required=True, pattern=r"^\d{4}-\d{2}$"),
)
"""What a run over a period of a company is told."""

BALANCE = """
SELECT coalesce(sum(l.dr - l.cr), 0) AS amount, coalesce(sum(l.func_dr - l.func_cr), 0) AS func FROM erp.journal_line l
JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.system = :system AND l.contract_no = :contract_no AND l.account = :account AND e.legal_entity = :legal_entity
    AND e.posting_date <= :upto AND e.rule <> 'P10'
"""


class Place(NamedTuple):
    """Where in the books something belongs. late: not in its own period, which is over."""

    period: Record
    date: str
    late: bool = False


class Pair(NamedTuple):
    """What intercompany lines carry. partner: the other company. ref: names both sides."""

    partner: str
    ref: str


class Balance(NamedTuple):
    """Debits less credits, in minor units of the contract's currency and of the books'."""

    amount: int
    func: int


def keeps(entity: Record) -> None:
    """Refuse what concerns a company whose books are kept elsewhere: 409 BOOKS_MOVED."""
    if entity["moved_to"] is not None:
        raise conflict(
            "BOOKS_MOVED",
            f"The books of {entity['code']} are kept in {entity['moved_to']}.",
            field="legal_entity",
            remedy=f"Post to {entity['moved_to']}.",
        )


def accepts(tx: Tx, period: Record | None) -> bool:
    """Whether postings may be made in a period: an open one takes all, a soft-closed one only what people of finance post."""
    if period is None:
        return False
    return period["status"] == "OPEN" or (period["status"] == "SOFT_CLOSED" and tx.origin.kind != "integration")


def period_to_run(tx: Tx, values: Record) -> Record:
    """The period that a run is for (`OF_PERIOD`); raises Problem 404, or 409 PERIOD_CLOSED where it takes no postings."""
    period = tx.get(PERIOD, f"{values['legal_entity']}/{values['period']}")
    if not accepts(tx, period):
        raise conflict(
            "PERIOD_CLOSED",
            f"Period {period['key']} is {period['status']}.",
            field="period",
            remedy="Have the period reopened.",
        )
    return period


def open_on(tx: Tx, legal_entity: str, day: str, *, override: bool = False) -> Record:
    """The period of a date; raises Problem 409 PERIOD_CLOSED where it takes no postings. override: one that exists takes them
    whatever its state."""
    keeps(entity_of(tx, legal_entity))
    key = f"{legal_entity}/{clock.period_of(day)}"
    period = tx.look_up(PERIOD, key)
    if period is None or not (override or accepts(tx, period)):
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
    keeps(entity_of(tx, legal_entity))
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
    pair: Pair | None = None,
    override: bool = False,
    as_given: bool = False,
) -> Record | None:
    """Write a balanced entry; None where there is nothing to book.

    rate: of the books' currency, scaled by 10⁶; the spot rate of the day when None. source: kind and key of what it books. pair:
    for its intercompany lines. override: also into a closed period. as_given: see `posting.in_books`. Raises Problem 409
    PERIOD_CLOSED, FX_RATE_MISSING.
    """
    if not lines:
        return None
    period = open_on(tx, legal_entity, day, override=override)
    func_ccy = entity_of(tx, legal_entity)["functional_ccy"]
    used = fx.rate_on(tx, ccy, func_ccy, day) if rate is None else rate
    if used <= 0:
        raise invalid(
            "fx_rate", "a rate of exchange is positive", "Give the books' currency for one unit of the document's."
        )
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
            "ic_partner": pair and pair.partner if each.line.account in posting.INTERCOMPANY else None,
            "ic_ref": pair and pair.ref if each.line.account in posting.INTERCOMPANY else None,
        }
        for number, each in enumerate(posting.in_books(lines, used, ccy, func_ccy, as_given=as_given), 1)
    ]
    head = {
        "legal_entity": legal_entity,
        "posting_date": day,
        "period": period["period"],
        "source_doc": source,
        "ccy": ccy,
    }
    return _write(tx, head | {"rule": rule, "contract_no": contract_no, "lines": rows, "reverses": reverses})


def take_back_next_day(tx: Tx, entry: Record) -> None:
    """Have an entry of a period's end reversed on the day after it: now where that day has come, else early on it."""
    tz = entity_of(tx, entry["legal_entity"])["tz"]
    following = clock.add_days(entry["posting_date"], 1)
    if following <= tx.today(tz):
        next_day(tx, {"id": entry["id"]})
    else:
        tx.set_timer("next_day", entry["je_no"], clock.instant_of(following, tz, *REVERSES_AT), {"id": entry["id"]})


@ROLE.on_timer("next_day")
def next_day(tx: Tx, payload: Record) -> None:
    """Reverse an entry of a period's end, so that the new period starts from the ledger's own balances."""
    entry = tx.get(JOURNAL_ENTRY, payload["id"])
    if entry["status"] == "POSTED":
        following = clock.add_days(entry["posting_date"], 1)
        mirror(tx, entry, place_for(tx, entry["legal_entity"], following).date)


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


HELD = """
SELECT coalesce(sum(l.func_dr - l.func_cr), 0) AS func FROM erp.journal_line l
JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.system = :system AND l.account = :account AND e.legal_entity = :legal_entity AND e.posting_date <= :upto
"""


def held(tx: Tx, legal_entity: str, account: str, upto: str) -> int:
    """A company's balance on an account at the end of a date: debits less credits, minor units of the books' currency."""
    return int(tx.rows(HELD, legal_entity=legal_entity, account=account, upto=upto)[0]["func"])


def balance(tx: Tx, legal_entity: str, contract_no: str, account: str, upto: str) -> Balance:
    """A contract's balance on an account at the end of a date, as it was booked: without revaluation."""
    row = tx.rows(BALANCE, legal_entity=legal_entity, contract_no=contract_no, account=account, upto=upto)[0]
    return Balance(row["amount"], row["func"])
