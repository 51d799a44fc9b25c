"""Approved work on its way to billing and the books, and the project manager's estimates on theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import Missing
from counterfoil.reference.flows import Flow, on
from counterfoil.reference.work import Work, is_in, minor

TIME_FIELDS = ("contract_no", "project_no", "line_no", "employee_no", "minutes", "ccy")
ON_A_DOCUMENT = ("SELECTED", "BILLED", "CREDITED")
MEASURED = ("COST_TO_COST", "HOURS")
NO_RECEIPT = "Receipt is missing"
APPROVAL = "approval"
"""What the state notes of an entry: when the approval that was taken over had been given."""


@dataclass(frozen=True)
class Kind:
    """How time and expenses differ: names of the entity and of its fields for date, billable amount and text."""

    source: str
    entity: str
    date: str
    amount: str
    text: str


TIME = Kind("TIME", "time_entry", "work_date", "amount", "note")
EXPENSE = Kind("EXPENSE", "expense", "spend_date", "bill_amount", "category")
KINDS = {"psa.time": TIME, "psa.expense": EXPENSE}


class Delivery(Flow):
    """Passes on what was worked and spent."""

    def stands(self, entry: Record) -> bool:
        """Whether the approval of an entry stands."""
        return bool(entry["approval"] == "APPROVED")

    @on("psa.time.approved", "psa.expense.approved", severity="S1")
    async def approved(self, work: Work) -> None:
        """An approved entry becomes a billable item, where it is billable, and an entry of the books with its value and cost."""
        kind = KINDS[work.event.type.rpartition(".")[0]]
        entry = await work.current(kind.entity)
        if self.stands(entry):
            await self._take_over(work, kind, entry)

    async def _take_over(self, work: Work, kind: Kind, entry: Record) -> None:
        """Take an approval over, once; what was taken over of an earlier one of the same entry goes first."""
        before = work.state.noted(APPROVAL, entry["key"])
        if before != entry["approved_at"]:
            if before is not None:
                await self._take_back(work, entry)
            work.state.note(APPROVAL, entry["key"], entry["approved_at"])
        ccy, value = entry["ccy"], 0
        if entry["billing"] != "NOT_BILLABLE" and entry[kind.amount] is not None:
            item = await self._item(work, kind, entry)
            value = minor(item["amount"]) - minor(item["over_cap"])
        if await work.get("erp", "work_entry", entry["key"]) is None:
            values = self._entry(kind, entry, {"minor": value, "ccy": ccy})
            await work.create("erp", "work_entry", values, effect=approval_of(entry), key=entry["key"])
        if supplier_of(entry) is not None:
            await self.charge(work, entry)

    async def charge(self, work: Work, entry: Record) -> None:
        """Have the company that employs the person charge the one that the project belongs to."""
        pair = ic_ref(entry)
        if await work.get("erp", "ic_charge", pair) is None:
            values = {
                "ic_ref": pair,
                "legal_entity": entry["employee_entity"],
                "ic_partner": entry["legal_entity"],
                "source_id": entry["key"],
                "ccy": entry["cost"]["ccy"],
                **{name: entry[name] for name in ("contract_no", "project_no", "work_date", "minutes", "cost")},
            }
            await work.create("erp", "ic_charge", values, effect=approval_of(entry), key=pair)

    async def _item(self, work: Work, kind: Kind, entry: Record) -> Record:
        if await work.get("billing", "plan", entry["contract_no"]) is None:
            raise Missing(f"billing plan {entry['contract_no']}")
        found = await work.get("billing", "billable_item", entry["key"])
        if found is not None:
            await self._free(work, entry, found)
            return found
        values = {name: entry.get(name) for name in TIME_FIELDS} | {
            "source_type": kind.source,
            "source_id": entry["key"],
            "description": entry[kind.text],
            "work_date": entry[kind.date],
            "unit_price": entry.get("bill_rate"),
            "amount": entry[kind.amount],
            "external_id": entry["id"],
        }
        effect = approval_of(entry)
        item = await work.create("billing", "billable_item", values, effect=effect, key=entry["key"])
        if entry["billing"] == "ON_HOLD":
            done = is_in("billing", "ON_HOLD")
            await work.act(
                "billing",
                "hold_item",
                key=entry["key"],
                effect=effect,
                entity="billable_item",
                done=done,
                hold_reason=NO_RECEIPT,
            )
        return item

    def _entry(self, kind: Kind, entry: Record, value: Record) -> Record:
        return {
            "source_type": kind.source,
            "source_id": entry["key"],
            "contract_no": entry["contract_no"],
            "project_no": entry["project_no"],
            "line_no": entry["line_no"],
            "legal_entity": entry["legal_entity"],
            "work_date": entry[kind.date],
            "minutes": entry.get("minutes"),
            "ccy": entry["ccy"],
            "value": value,
            "cost": entry["cost"],
            "ic_partner": supplier_of(entry),
            "ic_ref": ic_ref(entry) if supplier_of(entry) else None,
            "external_id": entry["id"],
        }

    @on("psa.time.unapproved", "psa.expense.unapproved", severity="S1")
    async def unapproved(self, work: Work) -> None:
        """Take an entry back whose approval was withdrawn. Where it has been approved again meanwhile, that approval is taken over."""
        kind = KINDS[work.event.type.rpartition(".")[0]]
        entry = await work.current(kind.entity)
        if self.stands(entry):
            await self._take_over(work, kind, entry)
        else:
            await self._take_back(work, entry)

    async def _take_back(self, work: Work, entry: Record) -> None:
        """Undo what was taken over of an approval that was withdrawn: it leaves drafts, and an invoice that was issued with it before
        delivery had it locked is credited."""
        item = await work.get("billing", "billable_item", entry["key"])
        if item is not None:
            if item["billing"] == "SELECTED":
                await self.desk.invoicing.redraft_without(work, item)
                item = await work.need("billing", "billable_item", entry["key"])
            if item["invoice_no"]:
                await self.desk.rebilling.credit(work, item, approver_of(work, entry))
                item = await work.need("billing", "billable_item", entry["key"])
            await work.remove("billing", "billable_item", item)
        booked = await work.get("erp", "work_entry", entry["key"])
        if booked is not None:
            await work.act("erp", "reverse_work", id=booked["id"], reason="Approval withdrawn")
        charged = await work.get("erp", "ic_charge", ic_ref(entry))
        if charged is not None:
            await work.act("erp", "reverse_ic_charge", id=charged["id"], reason="Approval withdrawn")

    @on("psa.expense.receipt_added", severity="S3")
    async def receipt_added(self, work: Work) -> None:
        """Let an expense be billed whose receipt has come."""
        expense = await work.current("expense")
        item = await work.get("billing", "billable_item", expense["key"])
        if item is not None:
            await self._free(work, expense, item)

    async def _free(self, work: Work, entry: Record, item: Record) -> None:
        if item["billing"] == "ON_HOLD" and item["hold_reason"] == NO_RECEIPT and entry.get("receipt"):
            done = is_in("billing", "UNBILLED", *ON_A_DOCUMENT)
            await work.act("billing", "release_item", key=entry["key"], entity="billable_item", done=done)

    async def revalue(self, work: Work, sources: Sequence[str]) -> None:
        """Bring the books' value of entries in line with what billing may now bill of them."""
        for source in sources:
            item = await work.need("billing", "billable_item", source)
            booked = await work.need("erp", "work_entry", source)
            value = {**item["amount"], "minor": minor(item["amount"]) - minor(item["over_cap"])}
            if booked["value"] != value:
                await work.act("erp", "revalue_work", id=booked["id"], value=value, reason="Cap raised")

    async def output_accepted(self, work: Work, milestone: Record) -> None:
        """Tell the books of an accepted output, where revenue follows outputs."""
        where = {"contract_no": milestone["contract_no"], "method": "MILESTONE_OUTPUT", "status": "ACTIVE"}
        schedules = await work.list("erp", "revenue_schedule", **where)
        for schedule in schedules[:1]:
            weight = milestone["rev_weight"]
            if weight is not None:
                await work.act("erp", "record_output", id=schedule["id"], ms_code=milestone["ms_code"], weight=weight)

    @on("psa.etc.updated", mirror=True, severity="S2")
    async def estimate_updated(self, work: Work) -> None:
        """Measure progress against what the project manager now says is still to go."""
        project = await work.current("project")
        schedules = await work.list("erp", "revenue_schedule", contract_no=project["contract_no"], status="ACTIVE")
        if not schedules:
            raise Missing(f"erp revenue schedule {project['contract_no']}")
        measured = sorted((each for each in schedules if each["method"] in MEASURED), key=lambda each: each["line_no"])
        for schedule in measured[:1]:
            await work.act(
                "erp",
                "update_estimate",
                key=schedule["key"],
                etc_cost=project["etc_cost"],
                etc_hours=project["etc_hours"],
            )


def supplier_of(entry: Record) -> str | None:
    """The company of the firm that a project's company owes for an entry; None where its own people did the work."""
    employer = entry.get("employee_entity")
    return employer if employer and employer != entry["legal_entity"] else None


def ic_ref(entry: Record) -> str:
    """What names both sides of an intercompany charge."""
    return f"IC-{entry['key']}"


def approval_of(entry: Record) -> str:
    """What tells one approval of an entry from another."""
    return f"{entry['key']} of {entry['approved_at']}"


def approver_of(work: Work, entry: Record) -> str | None:
    """Who answers for an entry's approval: who gave the one that stands, else the one that was withdrawn."""
    found = entry["approved_by"] or (work.event.extra.get("before") or {}).get("approved_by")
    return None if found is None else str(found)
