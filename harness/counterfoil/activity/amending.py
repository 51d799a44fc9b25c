"""Change orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.activity.people import FINANCE, MANAGER, Deal
from counterfoil.client import Record
from counterfoil.money import Money
from counterfoil.world import World


def delta(line_no: int, **changes: Any) -> Record:
    """What a change order adds to a contract line: `amount`, `cap`, `cost` (money), `hours` (whole)."""
    return {"line_no": line_no} | changes


def added_milestone(ms_code: str, amount: Money, *, planned: str | None = None, line_no: int = 1) -> Record:
    """A milestone that a change order adds."""
    found: Record = {"op": "ADD", "ms_code": ms_code, "name": ms_code, "amount": amount, "line_no": line_no}
    return found | ({} if planned is None else {"planned": planned})


def changed_milestone(ms_code: str, amount: Money) -> Record:
    """A milestone to which a change order gives another amount."""
    return {"op": "CHANGE", "ms_code": ms_code, "amount": amount}


def raise_change_order(
    world: World,
    deal: Deal,
    *,
    deltas: Sequence[Mapping[str, Any]],
    milestones: Sequence[Mapping[str, Any]] = (),
    treatment: str = "CATCH_UP",
    title: str = "Change of scope",
    requested_by: str = MANAGER,
    **fields: Any,
) -> Record:
    """A change order, submitted for approval; returns it."""
    made = world.crm.create(
        "change_order",
        contract=deal.contract_no,
        treatment=treatment,
        title=title,
        requested_by=requested_by,
        deltas=[dict(each) for each in deltas],
        milestones=[dict(each) for each in milestones],
        **fields,
    )
    return world.crm.act("submit_change_order", key=made["key"])


def approve_change_order(world: World, *, key: str, approver: str = FINANCE, settle: bool = True) -> Record:
    """Approve a submitted change order."""
    approved = world.crm.act("approve_change_order", key=key, approver=approver)
    if settle:
        world.settle()
    return approved


def terminate(
    world: World, deal: Deal, *, effective: str, reason: str = "Customer's decision", settle: bool = True, **fields: Any
) -> Record:
    """End a deal's contract before its time; returns the contract. effective: its last day."""
    ended = world.crm.act(
        "terminate_contract", key=deal.contract_no, effective=effective, reason=reason, approver=FINANCE, **fields
    )
    if settle:
        world.settle()
    return ended
