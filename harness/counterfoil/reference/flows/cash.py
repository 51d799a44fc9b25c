"""What the books say of invoices, told to billing and the CRM; and credit memos on their way into the books."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import Missing
from counterfoil.reference.flows import Flow, on, together
from counterfoil.reference.flows.invoicing import is_new
from counterfoil.reference.work import Work, is_in, minor


class Cash(Flow):
    """Keeps status and paid amounts, and credits."""

    @on("erp.invoice.posted", "erp.invoice.overdue", "erp.invoice.disputed", "erp.invoice.written_off", severity="S4")
    async def document_changed(self, work: Work) -> None:
        """Mirror one document: the event names it, the books say how it stands."""
        number = work.event.record.get("invoice_no") or (await work.current("ar_document"))["invoice_no"]
        await self.reflect(work, str(number))

    @on("erp.payment.applied", "erp.payment.reversed", severity="S4")
    async def payment_changed(self, work: Work) -> None:
        """Mirror every document that a payment touches."""
        payment = await work.current("payment")
        applications = await work.list("erp", "payment_application", bank_ref=payment["bank_ref"])
        for number in dict.fromkeys(each["invoice_no"] for each in applications):
            await self.reflect(work, number)

    async def reflect(self, work: Work, number: str) -> None:
        """Tell billing and the CRM what the books say of a document; one at a time, so that what was read last is written last."""
        async with self.desk.alone(f"document:{number}"):
            document = await self.document(work, await work.need("erp", "ar_document", number))
            await together(self._tell_billing(work, document), self.desk.invoicing.mirror(work, document))

    async def document(self, work: Work, document: Record) -> Record:
        """The document as the books show it: they alone say what is paid."""
        return document

    async def _tell_billing(self, work: Work, document: Record) -> None:
        number, effect = document["invoice_no"], f"{document['invoice_no']}:{document['version']}"
        if document["doc_type"] == "CREDIT_MEMO":
            done = is_in("status", "POSTED", "APPLIED", "REFUNDED")
            await work.act(
                "billing", "record_credit_posted", key=number, entity="credit_memo", done=done, effect=effect
            )
            return
        told = {"effect": effect, "ar_status": document["status"], "paid": document["paid"]}
        if is_new(document):  # billing has heard nothing of it
            await work.act("billing", "record_ar_status", key=number, awaited=f"billing invoice {number}", **told)
            return
        invoice = await work.get("billing", "invoice", number)
        if invoice is None:
            raise Missing(f"billing invoice {number}")
        known = invoice["ar_status"] == document["status"] or invoice["status"] == document["status"] == "CREDITED"
        if known and minor(invoice["paid"]) == minor(document["paid"]):
            return
        await work.act("billing", "record_ar_status", id=invoice["id"], **told)

    @on("billing.credit_memo.issued", severity="S1")
    async def credited(self, work: Work) -> None:
        """Post a credit memo, give delivery back what it releases, and bill again what stands of it where it was ours. The books announce
        what they have posted; the CRM shows it then."""
        memo = await work.current("credit_memo")
        corrected = await work.get("erp", "ar_document", memo["corrects"])
        if corrected is None:
            raise Missing(f"erp ar document {memo['corrects']}")
        if await work.get("erp", "ar_document", memo["cm_no"]) is None:
            await self._post(work, memo, corrected)
        await self.reflect(work, memo["corrects"])  # what was paid on it may be unapplied now
        if memo["release_items"]:
            await self.desk.locks.release(work, memo, memo["corrects"])
            if self.desk.rebilling.is_ours(memo):
                await self.desk.rebilling.bill_again(work, memo)

    async def _post(self, work: Work, memo: Record, corrected: Record) -> Record:
        services = {each["contract_line"]: each["service_item"] for each in corrected["lines"]}
        lines = [self.desk.invoicing.ar_line(positive(line, "net", "tax"), services) for line in memo["lines"]]
        values = {
            "invoice_no": memo["cm_no"],
            "doc_type": "CREDIT_MEMO",
            "legal_entity": memo["legal_entity"],
            "customer": corrected["customer"],
            "corrects": memo["corrects"],
            **{name: memo[name] for name in ("contract_no", "ccy", "issue_date", "tax_point", "due")},
            **{name: positive(memo, name)[name] for name in ("net", "tax", "total")},
            "lines": lines,
            "external_id": memo["id"],
        }
        return await work.create("erp", "ar_document", values, key=memo["cm_no"])


def positive(record: Record, *names: str) -> Record:
    """A record whose negative amounts are given as positive ones."""
    return {**record, **{name: abs_of(record[name]) for name in names if record[name] is not None}}


def abs_of(amount: Record) -> Record:
    """A money value without its sign."""
    return {**amount, "minor": abs(amount["minor"])}
