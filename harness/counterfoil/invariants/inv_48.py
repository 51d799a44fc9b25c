"""INV-48: there is one set of figures, whoever shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from counterfoil import kpi
from counterfoil.invariant import Invariant, Params, Row
from counterfoil.kpis import backlog, project_margin, utilization, utilization_to_revenue, wip_aging
from counterfoil.roles import ROLES
from counterfoil_mocks.kernel.store import Store

SHOWN = """
SELECT seq, at, request FROM journal.entry WHERE kind = 'integration' AND operation LIKE '%int.dashboard.shown%'
    AND seq > coalesce((SELECT CAST(value AS INTEGER) FROM control.meta WHERE name = 'since'), 0) ORDER BY seq DESC LIMIT 1
"""
CHANGED_SINCE = " UNION ALL ".join(f"SELECT 1 FROM {role}.history WHERE at > :at" for role in ROLES)
BILLED = """
SELECT ccy, sum(net) AS net FROM (SELECT ccy, net FROM live_invoice UNION ALL SELECT ccy, -abs(net) FROM live_credit) GROUP BY ccy
"""
RECEIVABLE = """
SELECT ccy, sum(open_amount) AS open FROM erp.ar_document WHERE deleted_at IS NULL AND doc_type = 'INVOICE' GROUP BY ccy
"""


def true_amounts(store: Store) -> dict[str, dict[str, int]]:
    """Each figure by currency, minor units, as all systems together have it."""
    return {
        "billed": {row["ccy"]: row["net"] for row in store.rows(BILLED)},
        "wip": wip_aging.by_ccy(store),
        "recognised": {row["ccy"]: row["revenue"] for row in store.rows(utilization_to_revenue.REVENUE)},
        "backlog": backlog.by_ccy(store),
        "receivable": {row["ccy"]: row["open"] for row in store.rows(RECEIVABLE)},
    }


def find(store: Store, params: Params) -> list[Row]:
    """Figures of the last dashboard that are not those of the systems. One shown before the last change is not judged: it may have
    been right then."""
    shown = store.rows(SHOWN)
    if not shown or store.rows(f"{CHANGED_SINCE} LIMIT 1", {"at": shown[0]["at"]}):
        return []
    figures = orjson.loads(shown[0]["request"]).get("data") or {}
    found = [*amounts(store, params, figures), *shares(store, params, figures)]
    return [{**row, "journal_seq": shown[0]["seq"]} for row in found]


def amounts(store: Store, params: Params, figures: Mapping[str, Any]) -> list[Row]:
    """Amounts that differ: by currency where they are shown so, else as the KPIs add currencies up."""
    found: list[Row] = []
    for name, by_ccy in true_amounts(store).items():
        said = figures.get(name)
        if said is None:
            continue
        true = by_ccy
        if isinstance(said, Mapping):
            value, ccy = kpi.in_reporting_ccy(store, by_ccy, params["now"])
            true, said = {ccy: value}, [said]
        told = {each["ccy"]: each["minor"] for each in said}
        for ccy in sorted({*told, *true}):
            gap = told.get(ccy, 0) - true.get(ccy, 0)
            row = {"figure": name, "ccy": ccy, "shown": told.get(ccy, 0), "true": true.get(ccy, 0), "amount": gap}
            found += [row] if gap else []
    return found


def shares(store: Store, params: Params, figures: Mapping[str, Any]) -> list[Row]:
    """Shares that differ from the KPI of that name."""
    true = {"margin": project_margin.find, "utilization": utilization.find}
    found: list[Row] = []
    for name, compute in true.items():
        said = figures.get(name)
        value = None if said is None else compute(store, params)["value"]
        if said is not None and said != value:
            found.append({"figure": name, "ccy": None, "shown": said, "true": value, "amount": None})
    return found


INVARIANT = Invariant(
    id="INV-48",
    rule="Backlog, work in progress, billed, recognised, receivable, margin and utilization are the same wherever they are shown as in"
    " the systems that own them.",
    kind="E",
    deadlines=("DL-Y",),
    presupposes=("dashboard",),
    keys=("figure", "ccy"),
    find=find,
)
