"""Published FX rates, as each role that has them looks them up: the books own them, PSA and billing keep copies."""

from __future__ import annotations

from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import conflict
from counterfoil_mocks.kernel.tx import Tx

STALE_DAYS = 5
"""A missing rate is the last published one, if it is not older."""

RATE = """
SELECT rate FROM {schema}.fx_rate WHERE system = :system AND from_ccy = :from_ccy AND to_ccy = :to_ccy AND type = :type
    AND rate_date BETWEEN :since AND :day AND deleted_at IS NULL ORDER BY rate_date DESC LIMIT 1
"""


def published(tx: Tx, from_ccy: str, to_ccy: str, day: str, kind: str = "SPOT") -> int | None:
    """Units of `to_ccy` for one of `from_ccy` on a date, scaled by 10⁶; the last published one within 5 days, None without one."""
    if from_ccy == to_ccy:
        return money.RATE_SCALE
    since = clock.add_days(day, -STALE_DAYS)
    sql = RATE.format(schema=tx.system.schema)
    found = tx.rows(sql, from_ccy=from_ccy, to_ccy=to_ccy, type=kind, day=day, since=since)
    return int(found[0]["rate"]) if found else None


def rate_on(tx: Tx, from_ccy: str, to_ccy: str, day: str, kind: str = "SPOT") -> int:
    """The same; raises Problem 409 FX_RATE_MISSING: hold the document until the rate is published."""
    found = published(tx, from_ccy, to_ccy, day, kind)
    if found is None:
        raise conflict(
            "FX_RATE_MISSING",
            f"There is no {kind} rate from {from_ccy} to {to_ccy} for {day}.",
            field="fx_rate",
            remedy="Publish the rate (fx_rates), then repeat.",
        )
    return found
