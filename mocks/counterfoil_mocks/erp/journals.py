"""Entries that people book by hand, beside those that the posting rules make."""

from __future__ import annotations

from counterfoil_mocks.common_fields import currency
from counterfoil_mocks.deeds import minor
from counterfoil_mocks.erp import ledger, posting
from counterfoil_mocks.erp.accounts import ACCOUNTS
from counterfoil_mocks.erp.model import JOURNAL_ENTRY, ROLE
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Entity, Record, amount, day, lines, text
from counterfoil_mocks.kernel.tx import Tx

RULE = "MANUAL"
ENTRY_LINE = Entity(
    "entry_line",
    "entry_lines",
    "",
    (
        text("account", limit=10, required=True),
        text("ccy", limit=3, computed=True),
        amount("dr", default=0),
        amount("cr", default=0),
    ),
)


@ROLE.action(
    "post_journal",
    text("legal_entity", limit=20, required=True),
    day("posting_date", required=True),
    currency(required=True),
    text("memo", "What it is for.", limit=120),
    text("contract_no", limit=20),
    lines("lines", ENTRY_LINE, "Each with a debit or a credit; both sides come to the same."),
    returns=JOURNAL_ENTRY,
)
def post_journal(tx: Tx, subject: Record, values: Record) -> Record:
    """Book an entry by hand, whatever it does to the accounts that follow documents.

    Raises Problem 422 for an account that there is not, a line with both sides or none, and debits that are not the credits; 409
    PERIOD_CLOSED, FX_RATE_MISSING.
    """
    ccy, booked = values["ccy"], []
    for at, each in enumerate(values.get("lines") or []):
        if each["account"] not in ACCOUNTS:
            raise invalid(f"lines[{at}].account", f"there is no account {each['account']!r}", "Take one of the chart.")
        dr, cr = minor(each, "dr", ccy), minor(each, "cr", ccy)
        if (dr == 0) == (cr == 0) or min(dr, cr) < 0:
            raise invalid(f"lines[{at}].dr", "a line has a debit or a credit above zero", "Give one of them.")
        booked.append(posting.Line(each["account"], dr, cr, side="dr" if dr else "cr"))
    if not booked or not posting.balanced(booked):
        raise invalid("lines", "debits are not the credits", "Give lines that balance.")
    entry = ledger.post(
        tx,
        values["legal_entity"],
        booked,
        rule=RULE,
        day=values["posting_date"],
        source=values.get("memo") or "manual",
        ccy=ccy,
        contract_no=values.get("contract_no"),
    )
    assert entry is not None  # there are lines
    return entry
