"""Reorder: an event comes late and what follows it overtakes it."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, DeliveryPlan, Kind


@dataclass
class Reorder(Kind, name="reorder"):
    """Deliver up to `spread` business seconds later, by the event's own die, and hold nothing back for it."""

    spread: float = 60.0

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        plan.delay_seconds += self.spread * die
        plan.out_of_order = True
