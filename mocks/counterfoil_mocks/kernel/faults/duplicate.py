"""Duplicate: an event is delivered more than once."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, DeliveryPlan, Kind


@dataclass
class Duplicate(Kind, name="duplicate"):
    """Deliver the event `copies` times in all, with the same id."""

    copies: int = 2

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        plan.copies = max(plan.copies, min(self.copies, 10))
