"""The executive view: figures read from the systems that own them, never from a copy."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping

from counterfoil.reference.connectors import Connector, Record
from counterfoil.reference.reconcile import NOT_ISSUED
from counterfoil.reference.work import minor

OPEN_ITEM = ("UNBILLED", "ON_HOLD", "SELECTED")
LIVE_CONTRACT = ("ACTIVE", "ON_HOLD")
LIVE_SCHEDULE = ("ACTIVE", "ON_HOLD", "COMPLETED")


def summed(amounts: Iterable[Record | None]) -> list[Record]:
    """One money value for each currency."""
    sums: dict[str, int] = defaultdict(int)
    for each in amounts:
        if each is not None:
            sums[each["ccy"]] += each["minor"]
    return [{"minor": sums[ccy], "ccy": ccy} for ccy in sorted(sums)]


def negative(amount: Record | None) -> Record | None:
    """A money value taken away."""
    return None if amount is None else {**amount, "minor": -abs(amount["minor"])}


async def figures(systems: Mapping[str, Connector]) -> Record:
    """`billed` (net of credits), `wip`, `recognised`, `backlog` (signed and not recognised), `receivable`: money by currency."""
    invoices, memos, items, schedules, documents, contracts = await asyncio.gather(
        systems["billing"].list("invoice", {}),
        systems["billing"].list("credit_memo", {}),
        systems["billing"].list("billable_item", {}),
        systems["erp"].list("revenue_schedule", {}),
        systems["erp"].list("ar_document", {"doc_type": "INVOICE"}),
        systems["crm"].list("contract", {}),
    )
    live = [each for each in schedules if each["status"] in LIVE_SCHEDULE]
    signed = [
        line["amount"]
        for each in contracts
        if each["status"] in LIVE_CONTRACT
        for line in each["lines"]
        if line["amount"]
    ]
    return {
        "billed": summed(
            [each["net"] for each in invoices if each["status"] not in NOT_ISSUED]
            + [negative(each["net"]) for each in memos]
        ),
        "wip": summed(
            {**each["amount"], "minor": minor(each["amount"]) - minor(each["over_cap"])}
            for each in items
            if each["billing"] in OPEN_ITEM
        ),
        "recognised": summed(each["recognised"] for each in live),
        "backlog": summed([*signed, *(negative(each["recognised"]) for each in live if each["tp"])]),
        "receivable": summed(each["open_amount"] for each in documents),
    }
