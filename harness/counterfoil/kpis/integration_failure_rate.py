"""Integration failure rate."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction
from counterfoil.roles import ROLES
from counterfoil_mocks.kernel.store import Store

DELIVERIES = " UNION ALL ".join(f"SELECT state, attempts FROM {role}.delivery WHERE attempts > 0" for role in ROLES)
MESSAGES = f"""
SELECT count(*) AS messages, coalesce(sum(state = 'DEAD'), 0) AS dead, coalesce(sum(attempts), 0) AS attempts,
    coalesce(sum(attempts - (state = 'DELIVERED')), 0) AS failed_attempts
FROM ({DELIVERIES})
"""
OWN = """
SELECT count(DISTINCT coalesce(ref, key, id)) AS given_up FROM int_event WHERE type IN ('int.dlq.parked', 'int.exception.raised')
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Messages that were not delivered, or that the integration parked or put before a person, over all messages."""
    counted = store.rows(MESSAGES)[0]
    failed = counted["dead"] + store.rows(OWN)[0]["given_up"]
    return {
        "value": fraction(failed, counted["messages"]),
        "inputs": {
            **counted,
            "failed": failed,
            "attempt_failure_rate": fraction(counted["failed_attempts"], counted["attempts"]),
        },
    }


KPI = Kpi(
    id="integration_failure_rate",
    name="Integration failure rate",
    sentence="Share of messages whose first chain of attempts ended in an exception or a dead letter.",
    unit="fraction",
    find=find,
)
