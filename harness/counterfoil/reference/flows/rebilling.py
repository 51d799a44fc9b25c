"""Invoices that bill work whose approval was withdrawn before delivery had it locked: credited as a whole, and billed again without it."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import Missing, Unfit
from counterfoil.reference.flows import Flow, together
from counterfoil.reference.work import Work

CREDITABLE = ("POSTED", "PARTIALLY_PAID", "PAID", "DISPUTED")


class Rebilling(Flow):
    """Credits and bills again. The memo names in its source key what was withdrawn, and its event brings about the new invoice, when the
    books have the memo and delivery has back what it releases."""

    async def credit(self, work: Work, item: Record, approver: str | None) -> None:
        """Credit the whole invoice that bills an item, so that all it billed may be billed again; waits until the books have it.

        Raises Unfit where a person must decide: it is credited in part or written off, or its contract is not billed any more.
        """
        number, contract_no = str(item["invoice_no"]), item["contract_no"]
        invoice = await work.need("billing", "invoice", number)
        if invoice["status"] == "ISSUED":
            raise Missing(f"erp ar document {number}")
        plan, memos = await together(
            work.need("billing", "plan", contract_no), work.list("billing", "credit_memo", contract_no=contract_no)
        )
        partly = ", credited in part" if any(each["corrects"] == number for each in memos) else ""
        if partly or invoice["status"] not in CREDITABLE or plan["status"] == "CLOSED":
            raise Unfit(
                "ITEM_ON_INVOICE",
                f"{item['source_id']} is billed on {number}, which is {invoice['status']}{partly}, and the billing plan is"
                f" {plan['status']}; credit it by hand.",
            )
        await work.act(
            "billing",
            "credit_invoice",
            id=invoice["id"],
            effect=number,
            source_key=item["source_id"],
            reason="SCOPE",
            release_items=True,
            approved_by=approver,
        )

    def is_ours(self, memo: Record) -> bool:
        """Whether a credit memo was made because work of the invoice is not approved any more."""
        return any(memo["source_key"] in line["items"] for line in memo["lines"])

    async def bill_again(self, work: Work, memo: Record) -> None:
        """Bill what a credited invoice billed and is to be billed still, on an invoice that is made from the memo, once."""
        contract_no, invoicing = memo["contract_no"], self.desk.invoicing
        made = await invoicing.made_from(work, contract_no, {memo["key"]})
        if made:
            await invoicing.issue_all(work, made)
            return
        credited = await work.need("billing", "invoice", memo["corrects"])
        sources = {source for line in credited["lines"] for source in line["items"]}
        unbilled = await work.list("billing", "billable_item", contract_no=contract_no, billing="UNBILLED")
        items = await invoicing.standing(work, contract_no, [each for each in unbilled if each["source_id"] in sources])
        lines = [await work.need("billing", "plan_line", key) for key in invoicing.planned(credited)]
        due = [each for each in lines if each["status"] == "READY"]
        keys = await invoicing.with_work(work, due, items)
        if not keys and not items:
            return
        if (await work.need("billing", "plan", contract_no))["status"] == "HELD":
            raise Missing(f"billing plan {contract_no} that is not held")
        await invoicing.invoice(work, memo, keys, [each["source_id"] for each in items])
