"""Delay: an event comes late; what follows it in its partition waits."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, DeliveryPlan, Kind


@dataclass
class Delay(Kind, name="delay"):
    """Deliver `seconds` business seconds later."""

    seconds: float = 120.0

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        plan.delay_seconds += self.seconds
