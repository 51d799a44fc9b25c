"""The won deals in the books: receivables, receipts, work entries, revenue schedules, and the ledger that ties them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil_mocks.erp import progress
from counterfoil_mocks.erp.posting import INVOICE_RULES
from counterfoil_mocks.erp.receivables import CHASES_AT
from counterfoil_mocks.erp.revenue import REVERSES_AT
from counterfoil_mocks.firm.base import add_months
from counterfoil_mocks.firm.calendar import iso, moment
from counterfoil_mocks.firm.deals import Deal, Line
from counterfoil_mocks.firm.invoicing import Billing, Invoice
from counterfoil_mocks.firm.ledger import Entry, Ledger, Leg, balances
from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.firm.to_psa import SETUP
from counterfoil_mocks.firm.work import Work
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record

REVENUE = {"FIXED_FEE": "4000", "RETAINER": "4020"}
MEASURED = tuple(REVENUE)


class Books:
    """Posts a firm's history and writes it."""

    def __init__(self, now: str, eve: int) -> None:
        self.now, self.eve = now, eve
        self.ledger = Ledger(now)
        self.documents: dict[str, Entry] = {}
        self.receipts: dict[str, Entry] = {}
        self.applications: dict[str, Entry] = {}
        self.places: dict[str, tuple[str, str]] = {}
        self.followed: dict[tuple[int, int], int] = {}
        self.shown: list[tuple[str, Entry]] = []
        self.revenue: list[tuple[Deal, Line, str, int, int, Entry]] = []

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
        """Monthly revenue of a fixed fee or a retainer (P2)."""
        company, price = deal.company, line.amount or 0
        period, last, spent, before = iso(deal.start)[:7], iso(self.eve)[:7], 0, 0
        whole = line.budget_cost or 0
        while period <= last:
            spent += costs.get(period, 0)
            if line.type == "RETAINER":
                upto = progress.by_day(price, iso(deal.start), iso(deal.end), clock.period_end(period))
            else:
                upto = progress.by_effort(price, spent, whole)
            if upto != before:
                day, at = self.ledger.month_end(company, period, "run")
                number = line.line_no
                legs: list[Leg] = [("2300", upto - before, number), (REVENUE[line.type], before - upto, number)]
                source = f"revenue {deal.contract_no}/{number}/{period}"
                entry = Entry(company, day, at, "P2", source, legs, deal, deal.party.customer_no)
                self.revenue.append((deal, line, period, upto - before, upto, self.ledger.post(entry)))
            before, period = upto, add_months(period, 1)

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

    # writing

    def write(self, deals: Sequence[Deal], work: Sequence[Work], billed: Billing, erp: Rows, *, live: bool) -> None:
        """Make everything in the ERP. live: open invoices are chased when they are due."""
        self.ledger.write(erp)
        for at, entry in self.shown:
            erp.timer("presentation_end", entry.number, at, {"id": entry.id})
        recognised = self.followed | {(deal.number, line.line_no): upto for deal, line, _, _, upto, _ in self.revenue}
        for invoice in billed.invoices:
            self._write_document(invoice, erp, live=live)
        for each in work:
            if each.approved:
                self._write_work(each, erp)
        schedules: dict[tuple[int, int], str] = {}
        for deal in deals:
            for line in deal.lines:
                if line.type != "EXPENSE":
                    key = (deal.number, line.line_no)
                    schedules[key] = self._write_schedule(deal, line, recognised.get(key, 0), erp)
        for deal, line, period, amount, upto, entry in self.revenue:
            self._write_revenue(schedules[deal.number, line.line_no], deal, line, (period, amount, upto), entry, erp)

    def _write_document(self, invoice: Invoice, erp: Rows, *, live: bool) -> None:
        maker = erp["ar_document"]
        line = line_maker(maker.entity, "lines")
        deal, paid = invoice.deal, invoice.payment
        company, entry = deal.company, self.documents[invoice.number]
        left = invoice.total - invoice.paid
        applied = self.applications.get(invoice.number)
        record = maker.make(
            entry.at,
            {
                "invoice_no": invoice.number,
                "external_id": invoice.id,
                "source_key": invoice.number,
                "legal_entity": company.code,
                "customer": deal.party.ids["erp"],
                "customer_no": deal.party.customer_no,
                "contract_no": deal.contract_no,
                "ccy": company.ccy,
                "issue_date": iso(invoice.day),
                "tax_point": iso(invoice.day),
                "due": iso(invoice.due),
                "fx_rate": money.RATE_SCALE,
                "net": invoice.net,
                "tax": invoice.tax,
                "total": invoice.total,
                "paid": invoice.paid,
                "open_amount": left,
                "status": invoice.status,
                "je": entry.id,
                "lines": [
                    line(
                        line_no=number,
                        line_type=each.plan.line.type,
                        contract_line=each.plan.line.line_no,
                        description=each.description,
                        ccy=company.ccy,
                        net=each.net,
                        tax_code=each.plan.line.tax_code,
                        tax=each.tax,
                        service_item=each.plan.line.item,
                    )
                    for number, each in enumerate(invoice.lines, 1)
                ],
            },
            None if applied is None else applied.at,
        )
        at = clock.instant_of(iso(invoice.due + 1), company.tz, CHASES_AT)
        if live and left and at > self.now:
            erp.timer("invoice_overdue", record["id"], at, {"id": record["id"]})
        if paid is not None:
            self._write_payment(invoice, record, erp)

    def _write_payment(self, invoice: Invoice, document: Record, erp: Rows) -> None:
        paid, deal = invoice.payment, invoice.deal
        if paid is None:
            return
        company, received = deal.company, self.receipts[invoice.number]
        applied = self.applications.get(invoice.number)
        payment = erp["payment"].make(
            received.at,
            {
                "receipt_no": f"RC-{erp.next_number('number:payment'):06d}",
                "bank_ref": paid.bank_ref,
                "payer": deal.party.ids["erp"],
                "legal_entity": company.code,
                "ccy": company.ccy,
                "amount": paid.amount,
                "value_date": iso(paid.day),
                "fx_rate": money.RATE_SCALE,
                "method": paid.method,
                "status": "RECEIVED" if applied is None else "APPLIED",
                "applied": 0 if applied is None else paid.amount,
                "unapplied": paid.amount if applied is None else 0,
                "je": received.id,
            },
            None if applied is None else applied.at,
        )
        if applied is not None:
            erp["payment_application"].make(
                applied.at,
                {
                    "payment": payment["id"],
                    "ar_document": document["id"],
                    "invoice_no": invoice.number,
                    "bank_ref": paid.bank_ref,
                    "contract_no": deal.contract_no,
                    "legal_entity": company.code,
                    "ccy": company.ccy,
                    "amount": paid.amount,
                    "applied_on": iso(applied.day),
                    "func_ccy": company.ccy,
                    "fx_gain_loss": 0,
                    "je": applied.id,
                },
            )

    def _write_work(self, each: Work, erp: Rows) -> None:
        deal = each.deal
        period, kind = self.places[each.key]
        erp["work_entry"].make(
            moment(each.approved, deal.company, 35),
            {
                "source_type": "TIME" if each.expense is None else "EXPENSE",
                "source_id": each.key,
                "source_key": each.key,
                "external_id": each.id,
                "contract_no": deal.contract_no,
                "project_no": deal.project_no,
                "line_no": each.line.line_no,
                "legal_entity": deal.company.code,
                "work_date": iso(each.day),
                "minutes": each.minutes,
                "ccy": deal.company.ccy,
                "value": each.amount or 0,
                "cost": each.cost,
                "period": period,
                "kind": kind,
            },
        )

    def _write_schedule(self, deal: Deal, line: Line, recognised: int, erp: Rows) -> str:
        at = moment(deal.won, deal.company, deal.minute + SETUP + 3)
        record = erp["revenue_schedule"].make(
            at,
            {
                "contract_no": deal.contract_no,
                "project_no": deal.project_no,
                "line_no": line.line_no,
                "customer": deal.party.ids["erp"],
                "legal_entity": deal.company.code,
                "ccy": deal.company.ccy,
                "method": line.method,
                "service_item": line.item,
                "tp": line.amount,
                "cap": line.cap,
                "budget_cost": line.budget_cost,
                "budget_hours": line.budget_hours,
                "eac_cost": line.budget_cost,
                "eac_minutes": None if line.budget_hours is None else line.budget_hours * 60,
                "start": iso(deal.start),
                "end": iso(deal.end),
                "recognised": recognised,
                "status": "COMPLETED" if deal.finished else "ACTIVE",
                "source_key": f"{deal.contract_no}/{line.line_no}",
            },
        )
        return str(record["id"])

    def _write_revenue(
        self, schedule: str, deal: Deal, line: Line, figures: tuple[str, int, int], entry: Entry, erp: Rows
    ) -> None:
        period, amount, upto = figures
        erp["revenue_entry"].make(
            entry.at,
            {
                "schedule": schedule,
                "contract_no": deal.contract_no,
                "line_no": line.line_no,
                "legal_entity": deal.company.code,
                "ccy": deal.company.ccy,
                "period": period,
                "amount": amount,
                "cum": upto,
                "status": "POSTED",
                "je": entry.id,
                "source_key": f"{deal.contract_no}/{line.line_no}",
            },
        )
