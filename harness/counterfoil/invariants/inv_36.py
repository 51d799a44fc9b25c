"""INV-36: revenue follows delivery. The formulas are written from domain §3.2 to 3.5, 3.7 and 3.8, not from what the books compute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterfoil.invariant import MINUTES, Invariant, Params, Row
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.store import Store

TOLERANCE = 1
"""Minor units for each line."""
LAST_RUN_HOUR = (23, 30)
"""Local time at which the last day of a period has its revenue run."""
RUN_MINUTES = 30
PERIODS_BACK = 14
"""Most past periods that are judged."""

ON_INVOICING = """
SELECT 'recognised on invoicing' AS what, d.contract_no, l.contract_line AS line_no, e.period, d.invoice_no AS key, d.ccy,
    sum(l.dr + l.cr) AS amount, 0 AS expected, sum(l.cr - l.dr) AS erp_value
FROM erp.ar_document d JOIN erp.journal_entry e ON e.system = d.system AND e.id = d.je
JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
WHERE d.deleted_at IS NULL AND d.doc_type = 'INVOICE' AND l.account IN ('4000', '4010', '4020', '4030')
GROUP BY d.system, d.id, l.contract_line
"""
AS_INVOICED = """
SELECT 'approved value not recognised as it is' AS what, w.contract_no, w.line_no, w.period, w.source_id AS key, w.ccy,
    abs(i.amount - coalesce(i.over_cap, 0) - coalesce(r.revenue, w.value, 0)) AS amount, i.amount - coalesce(i.over_cap, 0) AS expected,
    coalesce(r.revenue, w.value, 0) AS erp_value
FROM erp.work_entry w
JOIN billing.billable_item i ON i.source_id = w.source_id AND i.source_type = w.source_type AND i.deleted_at IS NULL
LEFT JOIN (
    SELECT e.system, e.source_doc, sum(l.cr - l.dr) AS revenue FROM erp.journal_entry e
    JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id WHERE l.account IN ('4010', '4030') GROUP BY e.system, e.source_doc
) r ON r.system = w.system AND r.source_doc = 'work ' || w.source_id
WHERE w.deleted_at IS NULL AND max(w.created_at, i.created_at) <= :dl_r AND i.billing NOT IN ('WRITTEN_OFF', 'CREDITED')
    AND i.amount - coalesce(i.over_cap, 0) <> coalesce(r.revenue, w.value, 0)
    AND w.contract_no || '/' || w.line_no NOT IN (SELECT s.contract_no || '/' || s.line_no FROM erp.revenue_schedule s
        WHERE s.method <> 'AS_INVOICED' AND s.status <> 'SUPERSEDED' AND s.contract_no IS NOT NULL AND s.line_no IS NOT NULL)
    AND NOT (i.amount - coalesce(i.over_cap, 0) > coalesce(r.revenue, w.value, 0) AND EXISTS (
        SELECT 1 FROM agreed_change c WHERE c.contract_no = w.contract_no AND c.line_no = w.line_no AND c.cap > 0 AND c.approved_at > w.created_at))
"""
LINES = """
SELECT k.contract_no, k.legal_entity, k.ccy, l.line_no, l.rev_method, l.amount, l.cap, l.budget_cost, l.budget_hours, coalesce(l.start, k.start) AS start,
    coalesce(l."end", k."end") AS "end", k.status, k.terminated_on, e.tz
FROM crm.contract k JOIN crm.contract_line l ON l.system = k.system AND l.parent = k.id
JOIN erp.legal_entity e ON e.code = k.legal_entity AND e.deleted_at IS NULL
WHERE k.deleted_at IS NULL AND coalesce(l.amount, l.cap) IS NOT NULL
    AND (k.status IN ('ACTIVE', 'ON_HOLD', 'COMPLETED') OR k.status IN ('TERMINATED', 'CLOSED') AND k.fee_owed IS NULL)
    AND l.rev_method IN ('COST_TO_COST', 'HOURS', 'STRAIGHT_LINE', 'MILESTONE_OUTPUT')
    AND (k.contract_no, l.line_no) IN (SELECT s.contract_no, s.line_no FROM erp.revenue_schedule s WHERE s.deleted_at IS NULL)
ORDER BY k.contract_no, l.line_no
"""
REVENUE = """
SELECT l.contract_no, l.contract_line AS line_no, l.dr - l.cr AS debit, e.posted_at
FROM erp.journal_entry e JOIN erp.journal_line l ON l.system = e.system AND l.parent = e.id
WHERE e.deleted_at IS NULL AND e.status <> 'DRAFT' AND substr(l.account, 1, 4) IN ('4000', '4010', '4020', '4030')
"""
EFFORT = """
SELECT contract_no, line_no, source_type, coalesce(minutes, 0) AS minutes, coalesce(effort, cost, 0) AS cost, ccy, period, created_at AS at
FROM erp.work_entry WHERE deleted_at IS NULL
"""
CHANGES = (
    "SELECT contract_no, line_no, status, treatment, approved_at AS at, amount, cap, cost, hours FROM agreed_change"
)
ESTIMATES = (
    "SELECT contract_no, id, etc_cost, etc_hours FROM psa.project WHERE deleted_at IS NULL AND status <> 'CANCELLED'"
)
VERSIONS = """
SELECT h.id, h.at, h.before IS NULL OR instr(h.before, '"etc_') > 0 AS says, json_extract(h.doc, '$.etc_cost') AS etc_cost,
    json_extract(h.doc, '$.etc_hours') AS etc_hours,
    CASE WHEN instr(h.before, '"etc_cost"') > 0 THEN json_extract(h.before, '$.etc_cost') ELSE json_extract(h.doc, '$.etc_cost') END
        AS old_cost,
    CASE WHEN instr(h.before, '"etc_hours"') > 0 THEN json_extract(h.before, '$.etc_hours') ELSE json_extract(h.doc, '$.etc_hours') END
        AS old_hours
FROM psa.history h WHERE h.entity = 'project' ORDER BY h.seq
"""
OUTPUTS = """
SELECT k.contract_no, m.line_no, coalesce(m.rev_weight, 0) AS weight, p.id, p.status FROM crm.contract k
JOIN crm.contract_milestone m ON m.system = k.system AND m.parent = k.id
LEFT JOIN psa.milestone p ON p.contract_no = k.contract_no AND p.ms_code = m.ms_code AND p.deleted_at IS NULL
WHERE k.deleted_at IS NULL
"""
STATES = """
SELECT h.id, h.at, json_extract(h.doc, '$.status') AS status, coalesce(json_extract(h.before, '$.status'), json_extract(h.doc, '$.status'))
    AS status_before FROM psa.history h WHERE h.entity = 'milestone' ORDER BY h.seq
"""
PERIODS = (
    "SELECT legal_entity, period FROM erp.period WHERE status <> 'FUTURE' AND deleted_at IS NULL ORDER BY period DESC"
)
LIVE_FROM = (
    "SELECT min(at) AS at FROM (SELECT min(at) AS at FROM crm.history UNION ALL SELECT min(at) FROM psa.history"
    " UNION ALL SELECT min(at) FROM billing.history UNION ALL SELECT min(at) FROM erp.history)"
)


@dataclass(frozen=True)
class Basis:
    """What progress of a line is measured on at an instant: price, effort to date and at completion (more than one where the books
    may have taken the manager's estimate before or after work that came in with it). carried: revenue before a prospective change,
    which is not measured again; price and effort then are what was left."""

    price: int
    spent: int
    whole: tuple[int, ...]
    carried: int = 0


@dataclass(frozen=True)
class Evidence:
    """What the lines are judged on, read once: by contract line, by contract, by project and by legal entity."""

    revenue: dict[Any, list[Row]]
    effort: dict[Any, list[Row]]
    changes: dict[Any, list[Row]]
    projects: dict[Any, list[Row]]
    versions: dict[Any, list[Row]]
    periods: dict[Any, list[Row]]
    outputs: dict[Any, list[Row]]
    states: dict[Any, list[Row]]

    @classmethod
    def read(cls, store: Store) -> Evidence:
        """All of it."""
        line = ("contract_no", "line_no")
        return cls(
            grouped(store.rows(REVENUE), *line),
            grouped(store.rows(EFFORT), *line),
            grouped(store.rows(CHANGES), *line),
            grouped(store.rows(ESTIMATES), "contract_no"),
            grouped(store.rows(VERSIONS), "id"),
            grouped(store.rows(PERIODS), "legal_entity"),
            grouped(store.rows(OUTPUTS), *line),
            grouped(store.rows(STATES), "id"),
        )


def grouped(rows: list[Row], *names: str) -> dict[Any, list[Row]]:
    """Rows by the values of some columns."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return found


def find(store: Store, params: Params) -> list[Row]:
    """Lines whose cumulative revenue is not what their method gives, at each revenue run."""
    wrong = store.rows(ON_INVOICING) + store.rows(AS_INVOICED, dict(params))
    live_from = store.rows(LIVE_FROM)[0]["at"] or ""
    evidence = Evidence.read(store)
    for line in store.rows(LINES):
        for run, period in runs(evidence, line, params["dl_r"]):
            if run >= live_from:
                wrong += judged(evidence, line, run, period)
    return wrong


def runs(evidence: Evidence, line: Row, until: str) -> Iterator[tuple[str, str]]:
    """The instants and periods of the revenue runs that are past, latest first."""
    past = 0
    for row in evidence.periods[line["legal_entity"],]:
        at = clock.instant_of(clock.period_end(row["period"]), line["tz"], *LAST_RUN_HOUR)
        if at <= until and past < PERIODS_BACK:
            past += 1
            yield at, row["period"]


def judged(evidence: Evidence, line: Row, run: str, period: str) -> list[Row]:
    """The line at one run: a row where revenue and formula differ, nothing where they agree or where the basis was in flux."""
    revenue = evidence.revenue[line["contract_no"], line["line_no"]]
    latest = clock.later(run, minutes=RUN_MINUTES)
    at = min((row["posted_at"] for row in revenue if run <= (row["posted_at"] or "") <= latest), default=run)
    recognised = -sum(row["debit"] for row in revenue if (row["posted_at"] or "") <= at)
    if line["rev_method"] == "STRAIGHT_LINE":
        allowed = straight_line(evidence, line, period, at)
    elif line["rev_method"] == "MILESTONE_OUTPUT":
        allowed = by_output(evidence, line, at)
    else:
        basis = basis_at(evidence, line, at, period)
        allowed = () if basis is None else by_effort(basis)
    if not allowed or any(abs(each - recognised) <= TOLERANCE for each in allowed):
        return []
    expected = allowed[0]
    return [
        {
            "what": f"cumulative revenue by {line['rev_method']}",
            "contract_no": line["contract_no"],
            "line_no": line["line_no"],
            "period": period,
            "key": f"{line['contract_no']}/{line['line_no']}",
            "ccy": line["ccy"],
            "amount": abs(expected - recognised),
            "expected": expected,
            "erp_value": recognised,
        }
    ]


def by_effort(basis: Basis) -> tuple[int, ...]:
    """`round(price × min(1, spent ÷ whole))`, rounded once on the cumulative figure (domain §3.2)."""
    return tuple(
        basis.carried + money.half_up(basis.price * min(basis.spent, whole), whole)
        for whole in basis.whole
        if whole > 0
    )


def by_output(evidence: Evidence, line: Row, at: str) -> tuple[int, ...]:
    """Price × weight of what the customer has accepted ÷ all weights (domain §3.4); what was accepted within the deadline may be in it or
    not. Nothing for a line that was modified."""
    outputs = evidence.outputs[line["contract_no"], line["line_no"]]
    whole = sum(row["weight"] for row in outputs)
    if not whole or evidence.changes[line["contract_no"], line["line_no"]]:
        return ()
    done = [
        sum(row["weight"] for row in outputs if state_at(evidence, row, each) == "ACCEPTED")
        for each in (at, clock.later(at, minutes=-MINUTES["DL-R"]))
    ]
    return tuple(money.half_up(line["amount"] * each, whole) for each in done)


def state_at(evidence: Evidence, output: Row, at: str) -> str | None:
    """The state of a milestone at an instant."""
    versions = evidence.states[output["id"],] if output["id"] else []
    past = [row["status"] for row in versions if row["at"] <= at]
    before = versions[0]["status_before"] if versions else output["status"]
    return str(past[-1] if past else before)


def straight_line(evidence: Evidence, line: Row, period: str, at: str) -> tuple[int, ...]:
    """Price by day, both ends included (domain §3.7), or in equal parts for whole calendar months, up to the last day of a terminated
    contract. A prospective change starts anew with what was not recognised (domain §3.8); nothing for other changes and for what has no
    term."""
    changes = evidence.changes[line["contract_no"], line["line_no"]]
    if not line["start"] or not line["end"] or (changes and not only_prospective(changes, at)):
        return ()
    upto = min(clock.period_end(period), line["terminated_on"] or "9999")
    start, carried = line["start"], 0
    if changes:
        carried = recognised_by(evidence, line, changes[0]["at"])
        start = clock.business_date(changes[0]["at"], line["tz"])
    price = line["amount"] - carried
    first, last = date.fromisoformat(start), date.fromisoformat(line["end"])
    days = (last - first).days + 1
    gone = (date.fromisoformat(upto) - first).days + 1
    allowed = [money.half_up(price * min(max(gone, 0), days), days)]
    if line["start"].endswith("-01") and line["end"] == clock.period_end(line["end"][:7]):
        months, begun = (months_between(start, day) for day in (line["end"], upto))
        allowed.append(money.half_up(price * min(max(begun, 0), months), months))
    return tuple(carried + each for each in allowed)


def only_prospective(changes: list[Row], at: str) -> bool:
    """Whether a line has one change, with prospective effect, that the books have long taken over at an instant."""
    unsure = clock.later(at, minutes=-MINUTES["DL-R"])
    return len(changes) == 1 and changes[0]["treatment"] == "PROSPECTIVE" and (changes[0]["at"] or "9999") <= unsure


def recognised_by(evidence: Evidence, line: Row, at: str) -> int:
    """Cumulative revenue of a line at an instant."""
    revenue = evidence.revenue[line["contract_no"], line["line_no"]]
    return -sum(int(row["debit"]) for row in revenue if (row["posted_at"] or "") <= at)


def months_between(first: str, last: str) -> int:
    """Calendar months from one date to another, both counted."""
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7]) + 1


def basis_at(evidence: Evidence, line: Row, at: str, period: str) -> Basis | None:
    """What the line was measured on at an instant; None where a change or an estimate was still on its way to the books, where more
    than one change had prospective effect, or where cost is in another currency."""
    mine = (line["contract_no"], line["line_no"])
    changes = evidence.changes[mine]
    said = estimate_at(evidence, line, at)
    unsure = clock.later(at, minutes=-MINUTES["DL-R"])
    if said is None or any(unsure < (each["at"] or "") <= at for each in changes):
        return None
    anew = [each["at"] for each in changes if each["treatment"] == "PROSPECTIVE" and (each["at"] or "") <= at]
    if len(anew) > 1:
        return None
    effort = [row for row in evidence.effort[mine] if row["at"] <= at and row["period"] <= period]
    by_hours = line["rev_method"] == "HOURS"
    if unsure < said["changed_at"] <= at or (not by_hours and any(row["ccy"] != line["ccy"] for row in effort)):
        return None
    price = agreed(
        changes,
        "cap" if line["amount"] is None else "amount",
        line["cap"] if line["amount"] is None else line["amount"],
        at,
    )
    planned = agreed(changes, "hours" if by_hours else "cost", line["budget_hours" if by_hours else "budget_cost"], at)
    to_go = said["etc_hours"] if by_hours else said["etc_cost"]
    unit = 60 if by_hours else 1
    if to_go is None:
        found = None if planned is None else Basis(price or 0, total(effort, by_hours), (planned * unit,))
        return found and since(evidence, line, found, effort, anew)
    if not said["changed_at"]:
        return None
    added = sum(
        each["hours" if by_hours else "cost"] for each in changes if said["changed_at"] < (each["at"] or "") <= at
    )
    seen = (said["changed_at"], clock.later(said["changed_at"], minutes=MINUTES["DL-R"]))
    whole = tuple(
        total([row for row in effort if row["at"] <= each], by_hours) + (to_go + added) * unit for each in seen
    )
    return since(evidence, line, Basis(price or 0, total(effort, by_hours), whole), effort, anew)


def since(evidence: Evidence, line: Row, basis: Basis, effort: list[Row], anew: list[str]) -> Basis | None:
    """What is left to measure since a change with prospective effect; None where work came in while it was on its way to the books."""
    if not anew:
        return basis
    taken = clock.later(anew[0], minutes=MINUTES["DL-C"])
    if any(anew[0] < row["at"] <= taken for row in effort):
        return None
    before = total([row for row in effort if row["at"] <= anew[0]], line["rev_method"] == "HOURS")
    carried = recognised_by(evidence, line, anew[0])
    whole = tuple(each - before for each in basis.whole)
    return Basis(basis.price - carried, basis.spent - before, whole, carried)


def total(effort: list[Row], by_hours: bool) -> int:
    """Minutes of time, or minor units of cost."""
    if by_hours:
        return sum(row["minutes"] for row in effort if row["source_type"] == "TIME")
    return sum(row["cost"] for row in effort)


def agreed(changes: list[Row], field: str, written: int | None, at: str) -> int | None:
    """What the contract said at an instant: without the changes that were written into it since, with those agreed by then."""
    since = sum(each[field] for each in changes if each["status"] == "APPLIED")
    then = sum(each[field] for each in changes if (each["at"] or "") <= at)
    return None if written is None and not then else (written or 0) - since + then


def estimate_at(evidence: Evidence, line: Row, at: str) -> dict[str, Any] | None:
    """The manager's estimate to go as it was at an instant, with the instant of its last change (empty when seeded); none of it where
    nothing was said. None for a contract with more than one project."""
    projects = evidence.projects[line["contract_no"],]
    if len(projects) != 1:
        return None
    said: dict[str, Any] = {**projects[0], "changed_at": ""}
    for version in evidence.versions[projects[0]["id"],]:
        if version["at"] > at:
            return (
                said
                if said["changed_at"]
                else said | {"etc_cost": version["old_cost"], "etc_hours": version["old_hours"]}
            )
        if version["says"]:
            said |= {name: version[name] for name in ("etc_cost", "etc_hours")} | {"changed_at": version["at"]}
    return said


INVARIANT = Invariant(
    id="INV-36",
    rule="Cumulative revenue of a contract line is what its method gives on today's price and progress; billing recognises nothing.",
    kind="E",
    deadlines=("DL-R",),
    keys=("what", "contract_no", "line_no", "key", "period"),
    find=find,
)
