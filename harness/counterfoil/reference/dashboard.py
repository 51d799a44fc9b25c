"""The executive view: figures read from the systems that own them, never from a copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from counterfoil.reference.connectors import Connector, Record, Records
from counterfoil.reference.flows import together
from counterfoil.reference.reconcile import NOT_ISSUED
from counterfoil.reference.work import minor

OPEN_ITEM = ("UNBILLED", "ON_HOLD", "SELECTED")
SIGNED_CONTRACT = ("ACTIVE", "ON_HOLD", "COMPLETED")
LIVE_SCHEDULE = ("ACTIVE", "ON_HOLD", "COMPLETED")
SERVICES = ("4000", "4010", "4020")
REIMBURSED = ("4030",)
COST = ("5000", "5010", "5030")
READ: dict[str, tuple[str, Mapping[str, str]]] = {
    "invoices": ("billing.invoice", {}),
    "memos": ("billing.credit_memo", {}),
    "items": ("billing.billable_item", {}),
    "schedules": ("erp.revenue_schedule", {}),
    "documents": ("erp.ar_document", {"doc_type": "INVOICE"}),
    "entries": ("erp.journal_entry", {}),
    "contracts": ("crm.contract", {}),
    "time": ("psa.time_entry", {"approval": "APPROVED"}),
    "people": ("psa.employee", {"status": "ACTIVE"}),
}
"""What the figures are made of, each from the system that owns it."""
LOOKED_AT: dict[str, tuple[str, ...]] = {"time": ("work_date", "minutes", "billable")}
"""All that is looked at of what there is most of."""


class Dashboard:
    """Reads and adds up."""

    def __init__(self, systems: Mapping[str, Connector]) -> None:
        self.systems = systems

    async def figures(self) -> Record:
        """`billed` (net of credits), `wip`, `recognised`, `backlog` (signed and not recognised), `receivable`: money by currency;
        `margin` and `utilization`: fractions as decimal text, null where there is nothing to measure."""
        read = await self.read()
        ledger = [line for entry in read["entries"] if entry["status"] != "DRAFT" for line in entry["lines"]]
        return {
            "billed": summed(
                [each["net"] for each in read["invoices"] if each["status"] not in NOT_ISSUED]
                + [negative(each["net"]) for each in read["memos"] if each["status"] not in NOT_ISSUED]
            ),
            "wip": summed(
                {**each["amount"], "minor": minor(each["amount"]) - minor(each["over_cap"])}
                for each in read["items"]
                if each["billing"] in OPEN_ITEM
            ),
            "recognised": summed(credited(line) for line in ledger if line["account"] in SERVICES),
            "backlog": self.backlog(read),
            "receivable": summed(each["open_amount"] for each in read["documents"]),
            "margin": margin(ledger),
            "utilization": utilization(read["time"], read["people"]),
        }

    async def read(self) -> dict[str, Records]:
        """The records that the figures are made of."""
        found = await together(*(self._list(name, place, where) for name, (place, where) in READ.items()))
        return dict(zip(READ, found, strict=True))

    async def _list(self, name: str, place: str, where: Mapping[str, str]) -> Records:
        system, entity = place.split(".")
        if name in LOOKED_AT:
            return await self.systems[system].list_fields(entity, where, LOOKED_AT[name])
        return await self.systems[system].list(entity, where)

    def backlog(self, read: Mapping[str, Records]) -> Records:
        """What is signed, less what of it is recognised."""
        signed = [
            line["amount"]
            for each in read["contracts"]
            if each["status"] in SIGNED_CONTRACT
            for line in each["lines"]
            if line["amount"]
        ]
        live = [each for each in read["schedules"] if each["status"] in LIVE_SCHEDULE and each["tp"]]
        return summed([*signed, *(negative(each["recognised"]) for each in live)])


def summed(amounts: Iterable[Record | None]) -> Records:
    """One money value for each currency."""
    sums: dict[str, int] = defaultdict(int)
    for each in amounts:
        if each is not None:
            sums[each["ccy"]] += each["minor"]
    return [{"minor": sums[ccy], "ccy": ccy} for ccy in sorted(sums)]


def negative(amount: Record | None) -> Record | None:
    """A money value taken away."""
    return None if amount is None else {**amount, "minor": -abs(amount["minor"])}


def credited(line: Record) -> Record:
    """Credit less debit of a ledger line."""
    return {**line["cr"], "minor": minor(line["cr"]) - minor(line["dr"])}


def margin(ledger: Iterable[Record]) -> str | None:
    """Revenue less cost as a share of revenue; only where all of it is in one currency."""
    revenue = summed(credited(line) for line in ledger if line["account"] in (*SERVICES, *REIMBURSED))
    cost = summed(credited(line) for line in ledger if line["account"] in COST)
    if len({each["ccy"] for each in (*revenue, *cost)}) != 1 or not revenue:
        return None
    return fraction(minor(revenue[0]) + (minor(cost[0]) if cost else 0), minor(revenue[0]))


def utilization(time: Records, people: Records) -> str | None:
    """Billable minutes as a share of the capacity on the weekdays between the first and the last of them."""
    if not time:
        return None
    days = sorted(each["work_date"] for each in time)
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    weekdays = sum((first + timedelta(days=number)).weekday() < 5 for number in range((last - first).days + 1))
    capacity = weekdays * sum(each["capacity_minutes_per_day"] or 0 for each in people)
    return fraction(sum(each["minutes"] for each in time if each["billable"]), capacity)


def fraction(part: int, whole: int) -> str | None:
    """A share as decimal text with four places, rounded half up."""
    if not whole:
        return None
    return str((Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP))
