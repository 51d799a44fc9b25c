"""From what triggers a bill to an issued invoice, and from there to the books, the CRM and the PSA."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.errors import Missing, Unfit
from counterfoil.reference.flows import Desk, Flow, on, together
from counterfoil.reference.flows.locks import ENTRIES
from counterfoil.reference.work import Work, is_in

CYCLES = ("TM_CYCLE", "SCHEDULE", "RETAINER")
UNSENT = ("DRAFT", "PENDING_APPROVAL", "APPROVED")
NEVER_ISSUED = (*UNSENT, "DISCARDED")
DOCUMENT_FIELDS = ("contract_no", "ccy", "issue_date", "tax_point", "due")
TRIGGERS = {"psa.milestone.completed": "COMPLETED", "psa.milestone.accepted": "ACCEPTED"}
APPROVED_OR_LATER = ("APPROVED", "ISSUED", "POSTED", "PARTIALLY_PAID", "PAID")


class Invoicing(Flow):
    """Bills what is ready and passes issued documents on."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.forget()

    def forget(self) -> None:
        """Forget the service items of contract lines."""
        self._service_items: dict[str, dict[int, str | None]] = {}

    # what makes a line ready

    @on("billing.plan.created", severity="S1")
    async def plan_created(self, work: Work) -> None:
        """Bill the advance."""
        told = work.event.extra.get("lines")
        if told is not None and all(each["kind"] != "MOBILISATION" for each in told):
            return
        for line in await self._lines(work, work.event.key):
            if line["kind"] == "MOBILISATION" and line["status"] in ("SCHEDULED", "READY"):
                await self.bill_line(work, line)

    @on(*TRIGGERS, severity="S1")
    async def milestone_reached(self, work: Work) -> None:
        """Bill a milestone, on completion or on acceptance as the contract says."""
        milestone = await work.current("milestone")
        contract_no = milestone["contract_no"]
        plan = await work.need("billing", "plan", contract_no)
        if milestone["status"] == "ACCEPTED":
            await self.desk.delivery.output_accepted(work, milestone)
        if plan["billing_trigger"] != TRIGGERS[work.event.type]:
            return
        reached = ("COMPLETED", "ACCEPTED") if plan["billing_trigger"] == "COMPLETED" else ("ACCEPTED",)
        if milestone["status"] not in reached:
            return
        lines = await work.list("billing", "plan_line", contract_no=contract_no, ms_code=milestone["ms_code"])
        if not lines:
            raise Missing(f"billing plan line {milestone['key']}")
        for line in lines:
            await self.bill_line(work, line)

    @on("psa.milestone.uncompleted", severity="S1")
    async def milestone_taken_back(self, work: Work) -> None:
        """Take back the bill of a milestone that is not reached after all: a draft is discarded, what was issued is credited."""
        milestone = await work.current("milestone")
        if milestone["status"] in ("COMPLETED", "ACCEPTED"):
            return
        contract_no = milestone["contract_no"]
        for line in await work.list("billing", "plan_line", contract_no=contract_no, ms_code=milestone["ms_code"]):
            for invoice in await work.list("billing", "invoice", contract_no=contract_no):
                if any(each["plan_line"] == line["key"] for each in invoice["lines"]):
                    await self.take_back(work, invoice, line)
            left = await work.need("billing", "plan_line", line["key"])
            if left["status"] == "READY":
                await work.act(
                    "billing", "hold_plan_line", key=line["key"], entity="plan_line", done=is_in("status", "HELD")
                )

    async def take_back(self, work: Work, invoice: Record, line: Record) -> None:
        """Undo one invoice of a plan line: the whole of it, or the line where it bills others as well."""
        if invoice["status"] in UNSENT:
            done = is_in("status", "DISCARDED")
            await work.act("billing", "discard_invoice", id=invoice["id"], entity="invoice", done=done)
        elif invoice["status"] == "ISSUED":
            raise Missing(f"erp ar document {invoice['invoice_no']}")
        elif invoice["status"] not in ("DISCARDED", "VOID", "CREDITED", "WRITTEN_OFF"):
            others = [each for each in invoice["lines"] if each["plan_line"] != line["key"]]
            mine = [{"line_no": each["line_no"], "net": each["net"]} for each in invoice["lines"] if each not in others]
            approver = work.event.extra.get("approver")
            if approver is None and work.event.polled:
                raise Unfit(
                    "APPROVER_UNKNOWN",
                    f"What {invoice['invoice_no']} bills by {line['key']} was taken back, and no event told by whose approval; credit it by hand.",
                )
            await work.act(
                "billing",
                "credit_invoice",
                id=invoice["id"],
                effect=f"{invoice['key']}:{line['key']}",
                source_key=line["key"],
                reason="SCOPE",
                release_items=True,
                approved_by=approver,
                lines=mine if others else None,
            )

    @on("billing.plan.changed", severity="S1")
    async def plan_changed(self, work: Work) -> None:
        """Bill a scheduled line whose date has come; value in the books what a raised cap has freed."""
        released = work.event.extra.get("released") or []
        if released:
            await self.desk.delivery.revalue(work, [each["source_id"] for each in released])
        if work.event.record.get("kind") not in CYCLES:
            return
        line = await work.current("plan_line")
        if line["status"] != "READY" or (work.event.polled and await self._given_back(work, line)):
            return
        if line["kind"] == "TM_CYCLE":
            await self.bill_cycle(work, line)
        else:
            await self.bill_line(work, line)

    async def _given_back(self, work: Work, line: Record) -> bool:
        """Whether a credit has made a line ready again: who credited it says what is billed anew, and no event tells of it."""
        memos = await work.list("billing", "credit_memo", contract_no=line["contract_no"])
        return any(each["plan_line"] == line["key"] for memo in memos for each in memo["lines"])

    async def _lines(self, work: Work, contract_no: str) -> Records:
        found = await work.list("billing", "plan_line", contract_no=contract_no)
        known = self._service_items.setdefault(contract_no, {})
        known |= {each["line_no"]: each["service_item"] for each in found}
        return sorted(found, key=lambda each: int(each["plan_line"]))

    # billing

    async def bill_line(self, work: Work, line: Record) -> None:
        """Make a line with a fixed amount ready and invoice it, unless an invoice bills it already."""
        started = work.state.step(work.name, f"billing.draft_invoice:{line['key']}") is not None
        if not started and await self.is_billed(work, line):
            return
        if line["status"] == "HELD":
            done = is_in("status", "READY", "INVOICED")
            await work.act("billing", "release_plan_line", key=line["key"], entity="plan_line", done=done)
        if line["status"] == "SCHEDULED":
            await work.act(
                "billing",
                "ready_plan_line",
                id=line["id"],
                entity="plan_line",
                done=is_in("status", "READY", "INVOICED"),
            )
        await self.invoice(work, line, [line["key"]], [])

    async def is_billed(self, work: Work, line: Record) -> bool:
        """Whether a line has been billed, or is on an invoice that is about to be issued, or is not to be billed."""
        if line["status"] == "READY":
            invoices = await work.list("billing", "invoice", contract_no=line["contract_no"])
            if any(
                invoice["status"] in UNSENT and any(each["plan_line"] == line["key"] for each in invoice["lines"])
                for invoice in invoices
            ):
                return True
            line = await work.need("billing", "plan_line", line["key"])  # somebody may have issued it meanwhile
        return line["status"] not in ("READY", "SCHEDULED", "HELD")

    async def bill_cycle(self, work: Work, line: Record) -> None:
        """Invoice what was done before a cycle's date, on all lines of the contract whose cycle ends on it."""
        effect = f"billing.draft_invoice:{line['key']}"
        if work.state.step(work.name, effect) is not None:
            await self.invoice(work, line, [], [])
            return
        lines = await self._lines(work, line["contract_no"])
        siblings = [
            each
            for each in lines
            if each["kind"] == "TM_CYCLE" and each["status"] == "READY" and each["due"] == line["due"]
        ]
        made = await self.made_from(work, line["contract_no"], {each["key"] for each in lines})
        drafts = [each for each in made if each["status"] in UNSENT and line["key"] in self.planned(each)]
        if drafts:
            await self.issue_all(work, drafts)
            return
        items = await self.billable(work, siblings, str(line["due"]))
        keys = await self.with_work(work, siblings, items)
        if items:
            await self.invoice(work, line, keys, [each["source_id"] for each in items])

    async def made_from(self, work: Work, contract_no: str, sources: Collection[str]) -> Records:
        """Invoices of a contract that were made from one of these already: the reference may have been killed before it could note that."""
        found = await work.list("billing", "invoice", contract_no=contract_no)
        return [each for each in found if each["source_key"] in sources and each["status"] != "DISCARDED"]

    async def issue_all(self, work: Work, invoices: Sequence[Record]) -> None:
        """Approve and issue those that are drafts still."""
        for each in invoices:
            if each["status"] in UNSENT:
                await self.issue(work, each)

    async def with_work(self, work: Work, lines: Sequence[Record], items: Sequence[Record]) -> list[str]:
        """Keys of the plan lines that have something to bill: a fixed amount, or one of these items. A cycle without one is cancelled."""
        used = {each["line_no"] for each in items}
        empty = [each["key"] for each in lines if each["kind"] == "TM_CYCLE" and each["line_no"] not in used]
        for key in empty:
            done = is_in("status", "CANCELLED")
            await work.act("billing", "cancel_plan_line", key=key, entity="plan_line", done=done)
        return [each["key"] for each in lines if each["key"] not in empty]

    async def billable(self, work: Work, lines: Sequence[Record], before: str) -> Records:
        """Items of these lines that nobody has billed, of work before a date, whose approval stands."""
        numbers, contract_no = {line["line_no"] for line in lines}, lines[0]["contract_no"]
        items = await work.list("billing", "billable_item", contract_no=contract_no, billing="UNBILLED")
        found = [each for each in items if each["line_no"] in numbers and each["work_date"] < before]
        return await self.standing(work, contract_no, found)

    async def standing(self, work: Work, contract_no: str, items: Sequence[Record]) -> Records:
        """Those of a contract's unbilled items whose approval stands: delivery may have withdrawn one and the event be on its way still."""
        kinds = sorted({ENTRIES[each["source_type"]] for each in items})
        entries = await together(*(work.list("psa", k, contract_no=contract_no, billing="UNBILLED") for k in kinds))
        withdrawn = {each["key"] for several in entries for each in several if not self.desk.delivery.stands(each)}
        return [each for each in items if each["source_id"] not in withdrawn]

    async def invoice(self, work: Work, source: Record, plan_lines: Sequence[str], items: Sequence[str]) -> None:
        """Draft, approve and issue an invoice. source: what it is made from, a plan line or a credit memo."""
        draft = await work.act(
            "billing",
            "draft_invoice",
            effect=source["key"],
            source_key=source["key"],
            contract_no=source["contract_no"],
            plan_lines=list(plan_lines),
            items=list(items),
            **await self.drafted_with(work, source),
        )
        await self.issue(work, draft)

    async def approve(self, work: Work, draft: Record) -> None:
        """Approve a draft whose tax is right."""
        draft = await self.desk.taxes.settle(work, draft)
        done = is_in("status", *APPROVED_OR_LATER)
        await work.act("billing", "approve_invoice", id=draft["id"], entity="invoice", done=done)

    async def issue(self, work: Work, draft: Record) -> None:
        """Approve and issue a draft."""
        await self.approve(work, draft)
        done = is_in("status", *APPROVED_OR_LATER[1:])
        await work.act("billing", "issue_invoice", id=draft["id"], entity="invoice", done=done)

    async def rebuild(self, work: Work, contract_no: str, ms_codes: Sequence[str]) -> None:
        """Draft again what was drafted of plan lines that have changed since: an invoice in flight says what the plan says now."""
        for draft in await work.list("billing", "invoice", contract_no=contract_no):
            if draft["status"] not in UNSENT or not {line["ms_code"] for line in draft["lines"]}.intersection(ms_codes):
                continue
            keys = self.planned(draft)
            items = [key for line in draft["lines"] for key in line["items"]]
            done = is_in("status", "DISCARDED")
            await work.act("billing", "discard_invoice", id=draft["id"], entity="invoice", done=done)
            left = [key for key in keys if (await work.need("billing", "plan_line", key))["status"] != "CANCELLED"]
            if not left and not items:
                continue
            again = await work.act(
                "billing",
                "draft_invoice",
                effect=f"{draft['id']} again",
                source_key=draft["source_key"] or left[0],
                contract_no=contract_no,
                plan_lines=left,
                items=items,
            )
            if draft["status"] == "APPROVED":
                await self.approve(work, again)

    async def credit_down(self, work: Work, order: Record, contract_no: str, change: Record) -> None:
        """Credit what an issued invoice bills of a milestone beyond its new amount; one that is not in the books yet is waited for."""
        wanted = change["amount"]["minor"] if change["op"] == "CHANGE" else 0
        for invoice in await work.list("billing", "invoice", contract_no=contract_no):
            mine = [line for line in invoice["lines"] if line["ms_code"] == change["ms_code"]]
            if (
                not mine
                or invoice["status"] in (*NEVER_ISSUED, "VOID", "CREDITED")
                or mine[0]["net"]["minor"] <= wanted
            ):
                continue
            if invoice["status"] == "ISSUED":
                raise Missing(f"erp ar document {invoice['invoice_no']}")
            over = {**mine[0]["net"], "minor": mine[0]["net"]["minor"] - wanted}
            await work.act(
                "billing",
                "credit_invoice",
                id=invoice["id"],
                effect=f"{invoice['key']}:{change['ms_code']}",
                source_key=order["key"],
                reason="SCOPE",
                approved_by=order["approved_by"],
                lines=[{"line_no": mine[0]["line_no"], "net": over}],
            )

    def planned(self, invoice: Record) -> list[str]:
        """Keys of the plan lines that an invoice bills."""
        return list(dict.fromkeys(line["plan_line"] for line in invoice["lines"] if line["plan_line"]))

    async def drafted_with(self, work: Work, source: Record) -> dict[str, Any]:
        """What else a draft is told; its tax is determined by billing."""
        return {}

    async def redraft_without(self, work: Work, item: Record) -> None:
        """Discard the drafts that hold an item, and draft again what else they held."""
        source = item["source_id"]
        for draft in await work.list("billing", "invoice", contract_no=item["contract_no"]):
            held = [key for line in draft["lines"] for key in line["items"]]
            if draft["status"] not in UNSENT or source not in held:
                continue
            done = is_in("status", "DISCARDED")
            await work.act("billing", "discard_invoice", id=draft["id"], entity="invoice", done=done)
            rest = [key for key in held if key != source]
            lines = self.planned(draft)
            fixed = [line["plan_line"] for line in draft["lines"] if line["plan_line"] and not line["items"]]
            if rest or fixed:
                await work.act(
                    "billing",
                    "draft_invoice",
                    effect=f"{draft['id']} without {source}",
                    source_key=draft["source_key"] or source,
                    contract_no=draft["contract_no"],
                    plan_lines=lines,
                    items=rest,
                )

    # passing on

    @on("billing.invoice.issued", severity="S1")
    async def issued(self, work: Work) -> None:
        """Post an issued invoice to the books, tell delivery what was billed. The books announce what they have posted; the CRM shows it
        then."""
        number = work.event.record.get("invoice_no")  # an invoice keeps the number that it is issued with
        invoice, posted = await together(work.current("invoice"), work.get("erp", "ar_document", number))
        if invoice["status"] in (*NEVER_ISSUED, "VOID"):
            return
        if invoice["invoice_no"] != number:
            posted = await work.get("erp", "ar_document", invoice["invoice_no"])
        deeds = [self.desk.locks.lock(work, invoice)]
        if posted is None:
            deeds.insert(0, self._post(work, invoice))
        await together(*deeds)

    async def _post(self, work: Work, invoice: Record) -> None:
        debtor, services = await together(self.debtor(work, invoice), self._services(work, invoice))
        values = {
            "invoice_no": invoice["invoice_no"],
            "doc_type": "INVOICE",
            "legal_entity": await self.entity_of(work, invoice),
            "customer": debtor,
            **{name: invoice[name] for name in (*DOCUMENT_FIELDS, "net", "tax", "total")},
            "lines": [self.ar_line(line, services) for line in invoice["lines"]],
            "external_id": invoice["id"],
        }
        await self.book(work, values)

    async def book(self, work: Work, receivable: Record, effect: str = "") -> Record:
        """Have a receivable posted; the books convert it, at the rate of its tax point."""
        return await work.create("erp", "ar_document", receivable, effect=effect, key=receivable["invoice_no"])

    async def entity_of(self, work: Work, document: Record) -> str:
        """The company whose books a document belongs to."""
        return str(document["legal_entity"])

    def ar_line(self, line: Record, services: dict[int, str | None]) -> Record:
        """One line of a document as the books take it; they know which account each kind of line goes to."""
        values = {
            "line_no": line["line_no"],
            "line_type": line["line_type"],
            "contract_line": line["contract_line"],
            "description": line["description"],
            "net": line["net"],
            "tax_code": line["tax_code"],
            "tax": line["tax"],
            "service_item": services.get(line["contract_line"]),
        }
        return {name: value for name, value in values.items() if value is not None}

    async def debtor(self, work: Work, invoice: Record) -> str:
        """The debtor of a document, as the books know billing's customer; raises Missing while they do not have it."""
        known = work.state.counterpart("customer", "billing", invoice["customer"], "erp")
        return known or str((await work.need("erp", "customer", invoice["customer_no"]))["id"])

    async def _services(self, work: Work, invoice: Record) -> dict[int, str | None]:
        """Service items by contract line, as the billing plan names them; a contract line keeps its service item."""
        known = self._service_items.setdefault(invoice["contract_no"], {})
        if not {line["contract_line"] for line in invoice["lines"]} <= known.keys():
            await self._lines(work, invoice["contract_no"])
        return known

    async def mirror(self, work: Work, document: Record) -> None:
        """Show in the CRM what the books say of a document."""
        number = document["invoice_no"]
        shown = {
            "contract_no": document["contract_no"],
            "doc_type": document["doc_type"],
            "total": document["total"],
            "paid": document["paid"],
            "issue_date": document["issue_date"],
            "due": document["due"],
            "status": document["status"],
        }
        unseen = is_new(document) and work.systems["crm"].refuses_second("invoice")
        found = None if unseen else await work.get("crm", "invoice", number)
        if found is None:
            values = {**shown, "invoice_no": number, "ccy": document["ccy"], "external_id": document["id"]}
            found = await work.create("crm", "invoice", values, effect=f"{number}:{document['version']}", key=number)
        await work.patch("crm", "invoice", found, {name: value for name, value in shown.items() if value is not None})

    @on("billing.invoice.voided", severity="S1")
    async def voided(self, work: Work) -> None:
        """Give delivery back what a void invoice billed; one that the books hold already is for a person."""
        invoice = await work.current("invoice")
        if await work.get("erp", "ar_document", invoice["invoice_no"]) is not None:
            raise Unfit("POSTED_ALREADY", f"{invoice['invoice_no']} is void in billing and posted in the books.")
        await self.desk.locks.release(work, invoice, invoice["invoice_no"])


def is_new(document: Record) -> bool:
    """Whether nothing has happened to a document of the books since it was posted, so that nobody is likely to have been told of it."""
    return bool(document["version"] == 1 and document["status"] == "POSTED")
