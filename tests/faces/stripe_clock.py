"""What tests of Stripe's time share: when it begins, who pays, and how a client advances a clock."""

from __future__ import annotations

from typing import Any

FEBRUARY = 1769904000
"""2026-02-01T00:00:00Z."""
HOUR, DAY = 3600, 86400


def payer(client: Any, **fields: Any) -> Any:
    """A customer whose card works."""
    card = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    return client.v1.customers.create({"name": "Payer", **card, **fields})


def advance(client: Any, clock: Any, to: int) -> None:
    """Advance a clock and wait until it is ready, as a client does."""
    assert client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": to}).status == "advancing"
    for _ in range(200):
        if client.v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready":
            return
    raise AssertionError("the clock never got ready")
