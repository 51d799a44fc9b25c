"""The seeded general ledger: each document has an entry of its own, approved work and revenue are booked as monthly balances of a
contract line. Entries are numbered in the order in which they were posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil_mocks.firm.base import closing_of
from counterfoil_mocks.firm.calendar import iso, ordinal
from counterfoil_mocks.firm.companies import Company
from counterfoil_mocks.firm.deals import Deal
from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record

Leg = tuple[str, int, int | None]
"""Account; minor units, debits positive; contract line (None: of no line)."""


@dataclass(slots=True)
class Entry:
    """A journal entry to be. day: ordinal of its posting date; at: when it was posted. id: given when it is written."""

    company: Company
    day: int
    at: str
    rule: str
    source: str
    legs: list[Leg]
    deal: Deal | None = None
    customer_no: str | None = None
    mirrors: Entry | None = None
    mirrored: bool = False
    id: str = ""
    number: str = ""


@dataclass(slots=True)
class Ledger:
    """Entries in the making."""

    now: str
    entries: list[Entry] = field(default_factory=list)
    closings: dict[tuple[str, str], str] = field(default_factory=dict)

    def post(self, entry: Entry) -> Entry:
        """Keep an entry; raises ValueError where debits and credits differ."""
        if sum(amount for _, amount, _ in entry.legs):
            raise ValueError(f"{entry.rule} for {entry.source} is out of balance: {entry.legs}")
        self.entries.append(entry)
        return entry

    def closing(self, company: Company, period: str) -> str:
        """When a period was closed."""
        key = (company.code, period)
        if key not in self.closings:
            self.closings[key] = closing_of(company, period, self.now)
        return self.closings[key]

    def month_end(self, company: Company, period: str, when: str) -> tuple[int, str]:
        """Posting date of a month's balance and when it was posted: on the last `evening`, by the `run` at its end, or shortly before
        the `closing`."""
        last, closing = clock.period_end(period), self.closing(company, period)
        if when == "closing":
            return ordinal(last), clock.later(closing, hours=-3)
        at = clock.instant_of(last, company.tz, *((23, 30) if when == "run" else (20, 0)))
        return ordinal(last), min(at, clock.later(closing, minutes=-1))

    def write(self, erp: Rows) -> None:
        """Make the entries in the ERP."""
        line = line_maker(erp["journal_entry"].entity, "lines")
        self.entries.sort(key=lambda each: (each.at, each.day))
        for each in self.entries:
            each.number = f"JE-{erp.next_number('number:journal_entry'):06d}"
            each.id = erp["journal_entry"].new_id()
        for each in self.entries:
            contract_no = each.deal and each.deal.contract_no
            project_no = each.deal and each.deal.project_no
            day, ccy = iso(each.day), each.company.ccy
            lines: list[Record] = [
                line(
                    line_no=number,
                    account=account,
                    ccy=ccy,
                    dr=max(amount, 0),
                    cr=max(-amount, 0),
                    func_ccy=ccy,
                    func_dr=max(amount, 0),
                    func_cr=max(-amount, 0),
                    contract_no=contract_no,
                    project_no=project_no,
                    customer_no=each.customer_no,
                    contract_line=contract_line,
                )
                for number, (account, amount, contract_line) in enumerate(each.legs, 1)
            ]
            erp["journal_entry"].make(
                each.at,
                {
                    "id": each.id,
                    "je_no": each.number,
                    "legal_entity": each.company.code,
                    "posting_date": day,
                    "period": day[:7],
                    "source_doc": each.source,
                    "rule": each.rule,
                    "ccy": ccy,
                    "contract_no": contract_no,
                    "status": "REVERSED" if each.mirrored else "POSTED",
                    "posted_at": each.at,
                    "posted_by": "ledger@counterfoil.test",
                    "reverses": each.mirrors and each.mirrors.number,
                    "lines": lines,
                },
            )


def balances(entries: Sequence[Entry], account: str, upto: int) -> dict[int, int]:
    """Debits less credits on an account by deal number, at the end of a day."""
    found: dict[int, int] = {}
    for each in entries:
        if each.deal is not None and each.day <= upto:
            amount = sum(amount for name, amount, _ in each.legs if name == account)
            found[each.deal.number] = found.get(each.deal.number, 0) + amount
    return found
