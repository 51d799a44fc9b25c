"""Approved change orders: every system takes them over once, in their order, and only then does the contract change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.errors import Missing
from counterfoil.reference.flows import Flow, on
from counterfoil.reference.flows.setup import project_no
from counterfoil.reference.work import Work, is_in, minor, total

APPLIED = ("CHANGE_ORDER_APPLIED",)
Step = Callable[[Work, Record, Record], Awaitable[None]]


class Changes(Flow):
    """Takes change orders to all systems."""

    @on("crm.change_order.approved", severity="S2")
    async def approved(self, work: Work) -> None:
        """Apply a change order in the PSA, in billing, in the books, then in the CRM; earlier ones first."""
        order = await work.current("change_order")
        if order["status"] != "APPROVED":
            return
        earlier = await work.list("crm", "change_order", contract_no=order["contract_no"], status="APPROVED")
        first = min(each["co_seq"] for each in earlier)
        if first < order["co_seq"]:
            raise Missing(f"crm change order {order['contract_no']}/CO-{first}")
        contract = await work.need("crm", "contract", order["contract"])
        for step in self.steps():
            await step(work, order, contract)
        work.provide(f"crm change order {order['key']}")

    def steps(self) -> list[Step]:
        """What a change order must bring about, in order."""
        return [self.in_psa, self.in_billing, self.in_books, self.in_crm]

    async def in_psa(self, work: Work, order: Record, contract: Record) -> None:
        """Budget and milestones of the project."""
        deltas, ccy = order["deltas"], order["ccy"]
        await work.need("psa", "project", project_no(order["contract_no"]))
        await work.act(
            "psa",
            "apply_change_order",
            key=project_no(order["contract_no"]),
            already=APPLIED,
            co_seq=order["co_seq"],
            fee=total([each["amount"] for each in deltas], ccy),
            cap=total([each["cap"] for each in deltas], ccy),
            hours=sum(each["hours"] or 0 for each in deltas),
            cost=total([each["cost"] for each in deltas], ccy),
            milestones=[given(each, "op", "ms_code", "name", "amount", "planned") for each in order["milestones"]],
        )

    async def in_billing(self, work: Work, order: Record, contract: Record) -> None:
        """The billing plan: lines added, repriced and taken out, caps moved."""
        deltas, ccy = order["deltas"], order["ccy"]
        await work.need("billing", "plan", order["contract_no"])
        by_op = {op: [each for each in order["milestones"] if each["op"] == op] for op in ("ADD", "CHANGE", "REMOVE")}
        lines = [added_line(each, contract) for each in by_op["ADD"]]
        for each in by_op["CHANGE"]:
            if each["amount"] is not None:
                await self.desk.invoicing.credit_down(work, order, order["contract_no"], each)
        await work.act(
            "billing",
            "apply_change_order",
            key=order["contract_no"],
            already=APPLIED,
            co_seq=order["co_seq"],
            amount=total([each["amount"] for each in deltas], ccy),
            cap=total([each["cap"] for each in deltas], ccy),
            lines=[*lines, *uncovered(order, contract)],
            changes=[given(each, "ms_code", "amount") for each in by_op["CHANGE"] if each["amount"] is not None],
            cap_lines=[given(each, "line_no", "cap") for each in deltas if minor(each["cap"])],
            removes=[each["ms_code"] for each in by_op["REMOVE"]],
        )
        await self.in_flight(work, order, [each["ms_code"] for each in (*by_op["CHANGE"], *by_op["REMOVE"])])

    async def in_flight(self, work: Work, order: Record, ms_codes: list[str]) -> None:
        """What is drafted and not issued yet is drafted again."""
        if ms_codes:
            await self.desk.invoicing.rebuild(work, order["contract_no"], ms_codes)

    async def in_books(self, work: Work, order: Record, contract: Record) -> None:
        """Transaction price and schedules."""
        schedules = await work.list("erp", "revenue_schedule", contract_no=order["contract_no"])
        if not schedules:
            raise Missing(f"erp revenue schedule {order['contract_no']}")
        await work.act(
            "erp",
            "apply_change_order",
            effect=order["key"],
            already=APPLIED,
            contract_no=order["contract_no"],
            co_seq=order["co_seq"],
            treatment=order["treatment"],
            lines=[given(each, "line_no", "amount", "cap", "cost", "hours", "end") for each in order["deltas"]],
        )

    async def in_crm(self, work: Work, order: Record, contract: Record) -> None:
        """The contract itself: APPLIED says that all four systems hold the change."""
        done = is_in("status", "APPLIED")
        await work.act("crm", "apply_change_order", key=order["key"], entity="change_order", done=done)


def given(record: Record, *names: str) -> dict[str, Any]:
    """The named members of a record that say something."""
    return {name: record[name] for name in names if record[name] is not None}


def added_line(milestone: Record, contract: Record) -> Record:
    """The plan line of a milestone that a change order adds."""
    line: Record = next((each for each in contract["lines"] if each["line_no"] == milestone["line_no"]), {})
    values = {
        "kind": "MILESTONE",
        "line_type": line.get("type", "FIXED_FEE"),
        "line_no": milestone["line_no"],
        "ms_code": milestone["ms_code"],
        "amount": milestone["amount"],
        "description": milestone["name"],
        "tax_code": line.get("tax_code"),
        "service_item": line.get("service_item"),
    }
    return {name: value for name, value in values.items() if value is not None}


def uncovered(order: Record, contract: Record) -> Records:
    """Plan lines for what a change order adds to a price that none of its milestones bills: due when the line ends."""
    before = {each["ms_code"]: each for each in contract["milestones"]}
    found: Records = []
    for delta in order["deltas"]:
        rest = minor(delta["amount"])
        for each in order["milestones"]:
            old = before.get(each["ms_code"])
            unpriced = each["op"] == "CHANGE" and each["amount"] is None
            if (old or each)["line_no"] == delta["line_no"] and not unpriced:
                rest -= (minor(each["amount"]) if each["op"] != "REMOVE" else 0) - minor(old and old["amount"])
        line: Record = next((each for each in contract["lines"] if each["line_no"] == delta["line_no"]), {})
        due = delta["end"] or line.get("end") or contract["end"] or order["effective"]
        if rest > 0 and due:
            found.append(
                {
                    "kind": "SCHEDULE",
                    "line_type": line.get("type", "FIXED_FEE"),
                    "line_no": delta["line_no"],
                    "amount": {"minor": rest, "ccy": order["ccy"]},
                    "description": order["title"] or "Change of scope",
                    "due": due,
                }
            )
    return found
