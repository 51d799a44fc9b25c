"""Drop: an event is not delivered, and comes again later or only when somebody asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, DeliveryPlan, Kind


@dataclass
class Drop(Kind, name="drop"):
    """Drop the delivery; redeliver after `redeliver_after` business seconds (0: only by hand)."""

    redeliver_after: float = 3600.0

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        plan.dropped = True
        plan.redeliver_seconds = self.redeliver_after or None
