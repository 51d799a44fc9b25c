"""Bad signature: the delivery's signature does not fit its body; the next attempt is right."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.faults.kind import Call, DeliveryPlan, Kind


@dataclass
class BadSignature(Kind, name="bad_signature"):
    """Sign the first attempt wrongly."""

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        plan.bad_signature = True
