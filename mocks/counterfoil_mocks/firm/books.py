"""What a firm's history comes to in its ledger: every posting of the won deals, in memory, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from counterfoil_mocks.erp import progress
from counterfoil_mocks.erp.ledger import REVERSES_AT
from counterfoil_mocks.erp.posting import INVOICE_RULES
from counterfoil_mocks.firm.base import add_months
from counterfoil_mocks.firm.calendar import iso, moment
from counterfoil_mocks.firm.deals import Deal, Line
from counterfoil_mocks.firm.invoicing import Billing, Invoice
from counterfoil_mocks.firm.ledger import Entry, Ledger, Leg, balances
from counterfoil_mocks.firm.to_psa import CHANGED
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel import clock

REVENUE = {"FIXED_FEE": "4000", "RETAINER": "4020"}
MEASURED = tuple(REVENUE)


@dataclass(slots=True)
class Recognised:
    """Revenue of a contract line in a period. version: of the schedule. upto: cumulative, in minor units. at: when it was booked."""

    deal: Deal
    line: Line
    version: int
    period: str
    amount: int
    upto: int
    kind: str = "NORMAL"
    entry: Entry | None = None
    at: str = ""


class Books:
    """Posts a firm's history. documents, receipts, applications: entries by invoice number. places: period and kind by key of the
    work. followed: revenue that followed approval, by contract line; measured: by line and version of its schedule. shown: presentations to take back, with the instant."""

    def __init__(self, now: str, eve: int) -> None:
        self.now, self.eve = now, eve
        self.ledger = Ledger(now)
        self.documents: dict[str, Entry] = {}
        self.receipts: dict[str, Entry] = {}
        self.applications: dict[str, Entry] = {}
        self.places: dict[str, tuple[str, str]] = {}
        self.followed: dict[tuple[int, int], int] = {}
        self.measured: dict[tuple[int, int, int], int] = {}
        self.shown: list[tuple[str, Entry]] = []
        self.revenue: list[Recognised] = []

    def draw(self, deals: Sequence[Deal], work: Sequence[Work], billed: Billing) -> None:
        """Post everything, in memory."""
        for invoice in billed.invoices:
            self._invoice(invoice)
        approved = [each for each in work if each.approved]
        for each in approved:
            self.places[each.key] = self._place(each)
        costs = self._work(approved)
        for deal in deals:
            for line in deal.lines:
                if line.type in MEASURED:
                    self._revenue(deal, line, costs.get((deal.number, line.line_no), {}))
        self._present(deals)

    def _invoice(self, invoice: Invoice) -> None:
        deal, company = invoice.deal, invoice.deal.company
        legs: list[Leg] = [("1200", invoice.total, None)]
        for each in invoice.lines:
            rule = INVOICE_RULES[each.plan.line.type]
            legs.append(("2300" if rule == "P1" else "1220", -each.net, each.plan.line.line_no))
        if invoice.tax:
            legs.append(("2200", -invoice.tax, None))
        rules = "+".join(sorted({INVOICE_RULES[each.plan.line.type] for each in invoice.lines}))
        at = clock.later(invoice.at, minutes=2)
        key, owner = invoice.number, deal.party.customer_no
        self.documents[key] = self.ledger.post(
            Entry(company, invoice.day, at, rules, f"invoice {key}", legs, deal, owner)
        )
        paid = invoice.payment
        if paid is None:
            return
        received: list[Leg] = [("1000", paid.amount, None), ("2350", -paid.amount, None)]
        at, source = moment(paid.day, company, 120), f"payment {paid.bank_ref}"
        self.receipts[key] = self.ledger.post(Entry(company, paid.day, at, "P7", source, received, None, owner))
        if paid.applied is not None:
            applied: list[Leg] = [("2350", paid.amount, None), ("1200", -paid.amount, None)]
            at, source = moment(paid.applied, company, 180), f"application {paid.bank_ref}/{key}"
            self.applications[key] = self.ledger.post(
                Entry(company, paid.applied, at, "P7", source, applied, deal, owner)
            )

    def _place(self, each: Work) -> tuple[str, str]:
        """Period and kind: the month of the work if it was open at approval, else the next one (late)."""
        company = each.deal.company
        period = iso(each.day)[:7]
        if moment(each.approved, company, 35) < self.ledger.closing(company, period):
            return period, "NORMAL"
        return add_months(period, 1), "LATE"

    def _work(self, work: Sequence[Work]) -> dict[tuple[int, int], dict[str, int]]:
        """Monthly balances of approved work (P4, P6), and of what was approved between a month's end and its closing; returns
        cost by contract line and month of approval."""
        months: dict[tuple[int, str, bool], tuple[Deal, dict[tuple[str, int], int]]] = {}
        costs: dict[tuple[int, int], dict[str, int]] = {}
        for each in work:
            deal, period = each.deal, self.places[each.key][0]
            number = each.line.line_no
            approved = iso(each.approved)[:7]
            _, sums = months.setdefault((deal.number, period, approved > period), (deal, {}))
            spent = each.expense is not None
            pairs = [("5010", "2510", each.cost) if spent else ("5000", "2500", each.cost)]
            if each.amount is not None:
                pairs.append(("1220", "4030" if spent else "4010", each.amount))
                self.followed[deal.number, number] = self.followed.get((deal.number, number), 0) + each.amount
            for debit, credit, amount in pairs:
                sums[debit, number] = sums.get((debit, number), 0) + amount
                sums[credit, number] = sums.get((credit, number), 0) - amount
            if not spent:
                by_period = costs.setdefault((deal.number, number), {})
                by_period[approved] = by_period.get(approved, 0) + each.cost
        for (_, period, after), (deal, sums) in months.items():
            day, at = self.ledger.month_end(deal.company, period, "closing" if after else "evening")
            legs: list[Leg] = [(account, amount, number) for (account, number), amount in sums.items() if amount]
            source = f"work {deal.contract_no} {period}"
            self.ledger.post(Entry(deal.company, day, at, "P4+P6", source, legs, deal, deal.party.customer_no))
        return costs

    def _revenue(self, deal: Deal, line: Line, costs: Mapping[str, int]) -> None:
        """Monthly revenue of a fixed fee or a retainer (P2), and what change orders catch up."""
        fixed = line.type == "FIXED_FEE"
        changes = {iso(each.day)[:7]: each for each in deal.applied} if fixed else {}
        price = (line.amount or 0) - sum(each.amount for each in changes.values())
        whole = (line.budget_cost or 0) - sum(each.cost for each in changes.values())
        period, last, spent, before, version = iso(deal.start)[:7], iso(self.eve)[:7], 0, 0, 1
        while period <= last:
            change = changes.get(period)
            if change is not None:
                price, whole, version = price + change.amount, whole + change.cost, version + 1
                at = moment(change.day, deal.company, CHANGED + 1)
                upto = progress.by_effort(price, spent, whole)
                self._recognise(
                    Recognised(deal, line, version, period, upto - before, upto, "CATCH_UP"), change.day, at
                )
                before = upto
            spent += costs.get(period, 0)
            if fixed:
                upto = progress.by_effort(price, spent, whole)
            else:
                upto = progress.by_day(price, iso(deal.start), iso(deal.end), clock.period_end(period))
            if upto != before:
                day, at = self.ledger.month_end(deal.company, period, "run")
                self._recognise(Recognised(deal, line, version, period, upto - before, upto), day, at)
            before, period = upto, add_months(period, 1)

    def _recognise(self, made: Recognised, day: int, at: str) -> None:
        deal, number = made.deal, made.line.line_no
        legs: list[Leg] = [("2300", made.amount, number), (REVENUE[made.line.type], -made.amount, number)]
        source = f"revenue {deal.contract_no}/{number}/{made.period}"
        if made.amount:
            entry = Entry(deal.company, day, at, "P2", source, legs, deal, deal.party.customer_no)
            made.entry = self.ledger.post(entry)
        made.at = at
        self.revenue.append(made)
        self.measured[deal.number, number, made.version] = made.upto

    def _present(self, deals: Sequence[Deal]) -> None:
        """Contracts that are owed more than was billed show an asset at the eve, taken back on the next day (P3)."""
        liability = balances(self.ledger.entries, "2300", self.eve)
        for deal in deals:
            position = liability.get(deal.number, 0)
            if position <= 0:
                continue
            company, owner = deal.company, deal.party.customer_no
            day, at = self.ledger.month_end(company, iso(self.eve)[:7], "run")
            source = f"presentation {deal.contract_no}/{iso(self.eve)[:7]}"
            legs: list[Leg] = [("1230", position, None), ("2300", -position, None)]
            shown = self.ledger.post(Entry(company, day, at, "P3", source, legs, deal, owner))
            back = clock.instant_of(iso(day + 1), company.tz, *REVERSES_AT)
            if back > self.now:
                self.shown.append((back, shown))
                continue
            mirror: list[Leg] = [(account, -amount, number) for account, amount, number in legs]
            shown.mirrored = True
            self.ledger.post(Entry(company, day + 1, back, "P3", source, mirror, deal, owner, mirrors=shown))

    def recognised(self, deal: Deal, line: Line, version: int) -> int:
        """Cumulative revenue of a version of a line's schedule."""
        key = (deal.number, line.line_no)
        return self.followed.get(key, 0) if line.type not in MEASURED else self.measured.get((*key, version), 0)
