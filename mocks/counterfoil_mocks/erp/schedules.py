"""Revenue schedules: how a contract line becomes revenue, what progress it has made, and the entry that books the difference."""

from __future__ import annotations

from typing import NamedTuple

from counterfoil_mocks import fx
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor
from counterfoil_mocks.erp import ledger, posting, progress
from counterfoil_mocks.erp.model import REVENUE_ENTRY, REVENUE_SCHEDULE, ROLE, SERVICE_ITEM
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem, invalid
from counterfoil_mocks.kernel.fields import Record, amount, integer, rate, text
from counterfoil_mocks.kernel.tx import Tx

REVENUE_ACCOUNTS = {"STRAIGHT_LINE": "4020", "AS_INVOICED": "4010"}
"""By method, where no service item says otherwise; fixed fee is 4000."""

SPENT = """
SELECT coalesce(sum(coalesce(effort, cost)), 0) AS cost, coalesce(sum(CASE source_type WHEN 'TIME' THEN minutes END), 0) AS minutes FROM erp.work_entry
WHERE system = :system AND contract_no = :contract_no AND line_no = :line_no AND deleted_at IS NULL
    AND period <= :period AND created_at <= :at
"""
ALWAYS = "9999"


class Effort(NamedTuple):
    """What was spent on a line. cost: minor units. minutes: of time."""

    cost: int
    minutes: int


def spent(tx: Tx, schedule: Record, *, period: str = ALWAYS, at: str = ALWAYS) -> Effort:
    """Effort booked on the schedule's line, up to the end of a period and known at an instant."""
    row = tx.rows(SPENT, contract_no=schedule["contract_no"], line_no=schedule["line_no"], period=period, at=at)[0]
    return Effort(row["cost"], row["minutes"])


def active(tx: Tx, contract_no: str | None, line_no: int) -> Record | None:
    """The schedule in force of a contract line."""
    if contract_no is None:
        return None
    return tx.one(REVENUE_SCHEDULE, contract_no=contract_no, line_no=line_no, status=["ACTIVE", "ON_HOLD"])


def follows_approval(tx: Tx, contract_no: str | None, line_no: int) -> bool:
    """Whether revenue of a T&M or expense line is booked as work is approved (P4); False where it follows progress to a cap."""
    schedule = active(tx, contract_no, line_no)
    return schedule is None or schedule["method"] == "AS_INVOICED" or schedule["tp"] is not None


def estimates(tx: Tx, schedule: Record) -> Record:
    """The estimates at completion of a schedule as of now."""
    effort = spent(tx, schedule)
    hours = schedule.get("etc_hours")
    budget = schedule.get("budget_hours")
    return {
        "eac_cost": progress.at_completion(effort.cost, schedule.get("etc_cost"), schedule.get("budget_cost")),
        "eac_minutes": progress.at_completion(
            effort.minutes, None if hours is None else hours * 60, None if budget is None else budget * 60
        ),
    }


@ROLE.on_create(REVENUE_SCHEDULE)
def create_schedule(tx: Tx, values: Record) -> Record:
    """Put a contract line's revenue under a schedule, in force at once."""
    ledger.keeps(entity_of(tx, values["legal_entity"]))
    check_service_item(tx, values.get("service_item"))
    if values["method"] == "STRAIGHT_LINE" and not (values.get("start") and values.get("end")):
        raise invalid("start", "a straight-line schedule has a start and an end", "Give both dates.")
    figures = {name: minor(values, name, values["ccy"]) for name in MONEYS if values.get(name) is not None}
    settled = {**values, **figures}
    return tx.insert(REVENUE_SCHEDULE, {**settled, **estimates(tx, settled)})


def check_service_item(tx: Tx, code: str | None) -> None:
    """Refuse a service item that the books do not know, or no longer use: 422 UNKNOWN_SERVICE_ITEM."""
    if code is None:
        return
    found = tx.look_up(SERVICE_ITEM, code)
    if found is None or not found["active"]:
        raise Problem(
            422,
            "UNKNOWN_SERVICE_ITEM",
            f"There is no active service item {code!r}.",
            field="service_item",
            remedy="Create the service item, then repeat.",
        )


MONEYS = ("tp", "cap", "budget_cost", "etc_cost")


@ROLE.on_update(REVENUE_SCHEDULE)
def change_schedule(tx: Tx, record: Record, changes: Record) -> Record:
    """Change a schedule; where its budget or cost to go changes, the estimate at completion follows."""
    settled = changes | {name: minor(changes, name, record["ccy"]) for name in MONEYS if changes.get(name) is not None}
    if {"budget_cost", "budget_hours", "etc_cost", "etc_hours"} & set(changes):
        settled |= estimates(tx, {**record, **settled})
    return tx.update(REVENUE_SCHEDULE, record, settled)


@ROLE.action(
    "update_estimate",
    amount("etc_cost", "Cost to go."),
    integer("etc_hours", "Hours to go.", low=0, high=10**7),
    on=REVENUE_SCHEDULE,
)
def update_estimate(tx: Tx, subject: Record, values: Record) -> Record:
    """Take over the cost and hours to go; the estimate at completion is what is spent by now plus that."""
    return change_schedule(tx, subject, values)


@ROLE.action(
    "record_output",
    text("ms_code", "Code of the output.", limit=20, required=True),
    rate("weight", "Its stand-alone weight.", required=True),
    on=REVENUE_SCHEDULE,
)
def record_output(tx: Tx, subject: Record, values: Record) -> Record:
    """Say that an output was accepted (output method). Told the same again, it changes nothing."""
    if values["ms_code"] in subject["outputs"]:
        return subject
    done = {"weight_done": (subject["weight_done"] or 0) + values["weight"]}
    return tx.update(REVENUE_SCHEDULE, subject, {**done, "outputs": [*subject["outputs"], values["ms_code"]]})


# measuring and booking


def measured(tx: Tx, schedule: Record, period: str, upto: str) -> int | None:
    """Cumulative revenue of a schedule at the end of a date, with the effort booked up to a period; None where its method has no
    inputs or revenue follows approval."""
    price = schedule["tp"] if schedule["tp"] is not None else schedule["cap"]
    if price is None or schedule["method"] == "AS_INVOICED":
        return None
    carried = schedule["carried"] or 0
    open_part = _progress(tx, schedule, price - carried, period, upto)
    return None if open_part is None else carried + open_part


def _progress(tx: Tx, schedule: Record, price: int, period: str, upto: str) -> int | None:
    method = schedule["method"]
    if method == "STRAIGHT_LINE":
        spread = progress.by_month if schedule["spread"] == "MONTH" else progress.by_day
        return spread(price, schedule["start"], schedule["end"], upto)
    if method == "MILESTONE_OUTPUT":
        whole = schedule["weight_total"]
        return progress.by_output(price, schedule["weight_done"] or 0, whole) if whole else None
    which, limit = ("cost", schedule["eac_cost"]) if method == "COST_TO_COST" else ("minutes", schedule["eac_minutes"])
    if limit is None:
        return None
    effort = int(getattr(spent(tx, schedule, period=period), which))
    before = int(getattr(spent(tx, schedule, at=schedule["created_at"]), which)) if schedule["carried"] else 0
    return progress.by_effort(price, effort - before, limit - before)


def recognise(tx: Tx, schedule: Record, cum: int, period: str, day: str, kind: str = "NORMAL") -> tuple[Record, Record]:
    """Book what is missing to a cumulative revenue (P2) and announce it; returns the schedule and the entry.

    Raises Problem 409 PERIOD_CLOSED, FX_RATE_MISSING before anything is written.
    """
    figure = cum - (schedule["recognised"] or 0)
    rate, functional = _functional(tx, schedule, figure, day)
    entry = ledger.post(
        tx,
        schedule["legal_entity"],
        posting.legs(
            "P2",
            {"revenue": figure},
            contract_line=schedule["line_no"],
            accounts={"4000": revenue_account(tx, schedule)},
            functional=functional,
        ),
        rule="P2",
        day=day,
        source=f"revenue {schedule['contract_no']}/{schedule['line_no']}/{period}",
        ccy=schedule["ccy"],
        rate=rate,
        contract_no=schedule["contract_no"],
        project_no=schedule["project_no"],
    )
    schedule = tx.update(REVENUE_SCHEDULE, schedule, {"recognised": cum})
    made = tx.insert(
        REVENUE_ENTRY,
        {
            **{name: schedule[name] for name in ("contract_no", "line_no", "legal_entity", "ccy")},
            "schedule": schedule["id"],
            "period": period,
            "amount": figure,
            "cum": cum,
            "kind": kind,
            "status": "POSTED",
            "je": entry and entry["id"],
        },
        event="erp.revenue.posted",
    )
    return schedule, made


def revenue_account(tx: Tx, schedule: Record) -> str:
    """The account of a schedule's revenue: its service item's, else by method."""
    item = tx.look_up(SERVICE_ITEM, schedule["service_item"])
    return str(item["revenue_account"]) if item is not None else REVENUE_ACCOUNTS.get(schedule["method"], "4000")


def _functional(tx: Tx, schedule: Record, figure: int, day: str) -> tuple[int, dict[str, int] | None]:
    """Rate and, where an advance is consumed, the amount in the books' currency: an advance keeps its own rate (IFRIC 22)."""
    func_ccy, ccy = entity_of(tx, schedule["legal_entity"])["functional_ccy"], schedule["ccy"]
    rate = fx.rate_on(tx, ccy, func_ccy, day)
    if ccy == func_ccy or figure <= 0:
        return rate, None
    held = ledger.balance(tx, schedule["legal_entity"], schedule["contract_no"], "2300", day)
    advance = min(figure, max(-held.amount, 0))
    if not advance:
        return rate, None
    at_its_rate = money.half_up(-held.func * advance, -held.amount)
    return rate, {"revenue": at_its_rate + money.convert(figure - advance, rate, ccy, func_ccy)}
