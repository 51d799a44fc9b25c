"""What delivery is told of documents: it locks the work that an invoice bills, and has it back from one that is void or credited."""

from __future__ import annotations

from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.errors import Missing, Refused
from counterfoil.reference.flows import Flow
from counterfoil.reference.flows.setup import project_no
from counterfoil.reference.work import Work, minor

ENTRIES = {"TIME": "time_entry", "EXPENSE": "expense"}
ENTRY_TYPE = {"TM": "TIME", "TM_CAPPED": "TIME", "EXPENSE": "EXPENSE"}


class Locks(Flow):
    """Keeps what delivery has locked as billed equal to what is billed."""

    async def lock(self, work: Work, invoice: Record) -> None:
        """Have delivery lock what an invoice bills."""
        number = invoice["invoice_no"]
        items = entries_on(invoice, number)
        if not items or await self.released(work, invoice):
            return
        try:
            await self._mark(work, invoice, number, items)
        except Refused as refused:
            if refused.code != "ALREADY_BILLED":
                raise
            left = [each for each in items if not await self._is_locked(work, each, refused)]
            if left:
                await self._mark(work, invoice, f"{number} in part", left)

    async def _mark(self, work: Work, invoice: Record, effect: str, items: Records) -> None:
        """Lock entries. Where an approval was withdrawn since the invoice was issued, this waits for the credit that follows from that."""
        try:
            await work.act("psa", "mark_billed", key=project_of(invoice), effect=effect, items=items)
        except Refused as refused:
            if refused.code != "NOT_APPROVED":
                raise
            raise Missing(f"credit of {invoice['invoice_no']}, which bills what is not approved any more") from refused

    async def _is_locked(self, work: Work, item: Record, refused: Refused) -> bool:
        """Whether an entry is locked on an earlier invoice, which bills the part of it that was below a cap then. Waits where that one was
        credited and delivery is not told yet; what is billed beyond its worth stays refused."""
        key = item["source_id"]
        entry = await work.need("psa", ENTRIES[item["source_type"]], key)
        before = entry["invoice_line"]
        if before in (None, item["invoice_line"]):
            return False
        other = await work.need("billing", "invoice", before.rpartition("/")[0])
        if await self.released(work, other):
            raise Missing(f"release of {key} from {other['invoice_no']}") from refused
        billed = await work.need("billing", "billable_item", key)
        if minor(billed["billed"]) > minor(billed["amount"]) - minor(billed["over_cap"]):
            raise refused
        return True

    async def released(self, work: Work, invoice: Record) -> bool:
        """Whether an invoice is void or was credited with release, so that nothing is billed by it any more."""
        if invoice["status"] != "CREDITED":
            return bool(invoice["status"] == "VOID")
        memos = await work.list("billing", "credit_memo", contract_no=invoice["contract_no"])
        return any(each["corrects"] == invoice["invoice_no"] and each["release_items"] for each in memos)

    async def release(self, work: Work, document: Record, invoice_no: str) -> None:
        """Make what a document billed billable again in the PSA."""
        items = entries_on(document, invoice_no)
        if items:
            await work.act("psa", "release_billed", key=project_of(document), effect=document["key"], items=items)


def project_of(document: Record) -> str:
    """The project that a document bills."""
    return str(document["project_no"] or project_no(document["contract_no"]))


def entries_on(document: Record, invoice_no: str) -> Records:
    """The time and expenses that a document bills (or credits), each with the invoice line it stands on."""
    return [
        {
            "source_type": ENTRY_TYPE[line["line_type"]],
            "source_id": source,
            "invoice_line": f"{invoice_no}/{line['line_no']}",
        }
        for line in document["lines"]
        for source in line["items"]
    ]
