"""Contracts that are completed or terminated: work stops, what is owed is billed, what was billed ahead of it is credited."""

from __future__ import annotations

from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.errors import Missing
from counterfoil.reference.flows import Flow, on
from counterfoil.reference.flows.setup import project_no
from counterfoil.reference.money import major_of
from counterfoil.reference.work import Work, is_in, minor

OVER = ("COMPLETED", "CLOSED", "CANCELLED")
FIXED = ("FIXED_FEE", "RETAINER")
LAST = "9999-12-31"


class Endings(Flow):
    """Ends contracts in all systems."""

    @on("crm.contract.completed", severity="S2")
    async def completed(self, work: Work) -> None:
        """Close the work of the project and bill what is approved; what the plan has still to bill stays planned."""
        contract = await work.current("contract")
        if contract["status"] in ("COMPLETED", "CLOSED"):
            await self._stop_work(work, contract, close=False)
            await self._bill_work(work, contract)

    @on("crm.contract.terminated", severity="S2")
    async def terminated(self, work: Work) -> None:
        """Cut the schedules, close the project to time, bill and credit up to the last day, end the plan."""
        contract = await work.current("contract")
        if contract["terminated_on"] is None:
            return
        number = contract["contract_no"]
        await work.act(
            "erp",
            "end_schedules",
            effect=number,
            contract_no=number,
            effective=contract["terminated_on"],
            fee=contract["fee_owed"],
        )
        await self._stop_work(work, contract, close=True)
        await self._bill_work(work, contract)
        await self._square(work, contract)
        await work.act("billing", "end_plan", key=number, entity="plan", done=is_in("status", "CLOSED"))

    async def _stop_work(self, work: Work, contract: Record, *, close: bool) -> None:
        project = await work.need("psa", "project", project_no(contract["contract_no"]))
        key = project["key"]
        if project["status"] == "ON_HOLD":
            await work.act("psa", "resume_project", key=key, entity="project", done=is_in("status", "ACTIVE", *OVER))
        if project["status"] in ("ACTIVE", "ON_HOLD"):
            await work.act("psa", "complete_project", key=key, entity="project", done=is_in("status", *OVER))
        if close and project["status"] not in ("CLOSED", "CANCELLED"):
            await work.act("psa", "close_project", key=key, entity="project", done=is_in("status", "CLOSED"))

    async def _bill_work(self, work: Work, contract: Record) -> None:
        """Invoice approved work that nobody has billed, on its cycle lines as far as they are still to come."""
        number = contract["contract_no"]
        plan = await work.need("billing", "plan", number)
        if plan["status"] == "HELD":
            await work.act("billing", "resume_plan", key=number, entity="plan", done=is_in("status", "ACTIVE"))
        lines = await work.list("billing", "plan_line", contract_no=number, kind="TM_CYCLE")
        if not lines:
            return
        items = await self.desk.invoicing.billable(work, lines, LAST)
        if items or work.state.step(work.name, f"billing.draft_invoice:{lines[0]['key']}") is not None:
            await self.desk.invoicing.invoice(work, lines[0], [], [each["source_id"] for each in items])

    async def _square(self, work: Work, contract: Record) -> None:
        """Credit what fixed prices were billed beyond what is earned; invoice what is earned and was not billed."""
        number = contract["contract_no"]
        schedules = await work.list("erp", "revenue_schedule", contract_no=number, status="COMPLETED")
        invoices = [each for each in await work.list("billing", "invoice", contract_no=number) if each["invoice_no"]]
        memos = await work.list("billing", "credit_memo", contract_no=number)
        for schedule in sorted(schedules, key=lambda each: int(each["line_no"])):
            if schedule["tp"] is None:
                continue
            line_no = int(schedule["line_no"])
            billed = [each for each in invoices if each["status"] not in ("VOID", "CREDITED")]
            net = sum(each["net"]["minor"] for each in lines_of(billed, line_no))
            credited = sum(
                abs(each["net"]["minor"])
                for each in lines_of(
                    [memo for memo in memos if memo["corrects"] in {i["invoice_no"] for i in billed}], line_no
                )
            )
            over = net - credited - minor(schedule["tp"])
            if over > 0:
                await self._credit(work, contract, billed, line_no, over)
            elif over < 0:
                await self._invoice(work, contract, line_no, -over)

    async def _credit(self, work: Work, contract: Record, invoices: Records, line_no: int, over: int) -> None:
        for invoice in sorted(invoices, key=lambda each: str(each["issued_at"]), reverse=True):
            for line in lines_of([invoice], line_no):
                part = min(over, line["net"]["minor"])
                if part <= 0:
                    continue
                if invoice["status"] == "ISSUED":
                    raise Missing(f"erp ar document {invoice['invoice_no']}")
                over -= part
                await work.act(
                    "billing",
                    "credit_invoice",
                    id=invoice["id"],
                    effect=f"{invoice['key']}/{line['line_no']}",
                    source_key=contract["contract_no"],
                    reason="SCOPE",
                    approved_by=contract["terminated_by"],
                    lines=[{"line_no": line["line_no"], "net": {**line["net"], "minor": part}}],
                )

    async def _invoice(self, work: Work, contract: Record, line_no: int, owed: int) -> None:
        """The final invoice of a fixed price."""
        number = contract["contract_no"]
        sold: Record = next(each for each in contract["lines"] if each["line_no"] == line_no)
        plan = await work.need("billing", "plan", number)
        line = {
            "line_type": sold["type"],
            "contract_line": line_no,
            "description": f"Final invoice: {sold['name'] or number}"[:1000],
            "unit_price": major_of(owed, contract["ccy"]),
            "tax_code": sold["tax_code"],
        }
        values = {
            **{
                name: plan[name]
                for name in ("contract_no", "legal_entity", "customer", "ccy", "terms", "po_no", "project_no")
            },
            "source_key": number,
            "lines": [{name: value for name, value in line.items() if value is not None}],
        }
        await self.desk.invoicing.issue(
            work, await work.create("billing", "invoice", values, effect=f"final {line_no}")
        )


def lines_of(documents: Records, line_no: int) -> Records:
    """The lines of documents that bill a contract line's fixed price."""
    return [
        line
        for document in documents
        for line in document["lines"]
        if line["contract_line"] == line_no and line["line_type"] in FIXED
    ]
