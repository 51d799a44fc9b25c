"""Exception resolution time."""

from __future__ import annotations

from typing import Any

from counterfoil.invariant import Params
from counterfoil.kpi import Kpi, fraction, milliseconds, spread
from counterfoil_mocks.kernel.store import Store

EXCEPTIONS = """
SELECT e.key, upper(coalesce(e.severity, 'S4')) AS severity, e.at AS raised_at, (
    SELECT min(r.at) FROM int_event r WHERE r.type = 'int.exception.resolved' AND coalesce(r.ref = e.ref, r.key = e.key)
        AND r.at >= e.at) AS resolved_at
FROM int_event e WHERE e.type = 'int.exception.raised' ORDER BY e.at
"""


def find(store: Store, params: Params) -> dict[str, Any]:
    """Median and 95th percentile, over all and by severity (S1 invoice and ledger … S4 mirror)."""
    rows = store.rows(EXCEPTIONS)
    by_severity: dict[str, list[int]] = {}
    for row in rows:
        if row["resolved_at"]:
            by_severity.setdefault(row["severity"], []).append(milliseconds(row["raised_at"], row["resolved_at"]))
    every = [each for took in by_severity.values() for each in took]
    return {
        "value": in_minutes(every)["median"],
        "inputs": {
            **in_minutes(every),
            "open": len(rows) - len(every),
            "by_severity": {severity: in_minutes(took) for severity, took in sorted(by_severity.items())},
        },
    }


def in_minutes(took: list[int]) -> dict[str, Any]:
    """Median and 95th percentile of milliseconds, as minutes."""
    found = spread(took)
    return {
        name: fraction(value, 60_000, 2) if name != "count" and value is not None else value
        for name, value in found.items()
    }


KPI = Kpi(
    id="exception_resolution_time",
    name="Exception resolution time",
    sentence="Median time from an exception raised by the integration to its resolution.",
    unit="minutes",
    find=find,
)
