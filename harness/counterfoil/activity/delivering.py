"""Staff a project, record time and expenses, complete milestones, say what is still to go."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from counterfoil.activity.people import DAY, MANAGER, Deal
from counterfoil.client import Record, Records
from counterfoil.money import Money
from counterfoil.world import World


def employees(world: World, *, level: str | None = None, legal_entity: str = "CF-US") -> Records:
    """Active people of a company of the firm, of one level or of all, by number."""
    wanted = {"legal_entity": legal_entity, "status": "ACTIVE"} | ({"level": level} if level else {})
    return sorted(world.psa.list("employee", **wanted), key=lambda each: str(each["employee_no"]))


def hire(world: World, *, name: str, level: str, cost_rate: str, legal_entity: str = "CF-US", **fields: Any) -> Record:
    """A new employee. cost_rate: decimal string per hour in `cost_ccy`."""
    return world.psa.create(
        "employee", name=name, level=level, cost_rate=cost_rate, legal_entity=legal_entity, **fields
    )


def staff(
    world: World, deal: Deal, *, employee: str, level: str | None = None, bill_rate: str | None = None, **fields: Any
) -> Record:
    """Assign an employee to the deal's project. level: billed instead of the person's own; bill_rate: beats the card."""
    there = world.psa.find("project", deal.project_no) is not None
    world.require(f"The integration has made the project {deal.project_no}", there, True)
    extra = {"level": level, "bill_rate_override": bill_rate}
    return world.psa.create(
        "assignment",
        project=deal.project_no,
        employee=employee,
        **{name: value for name, value in extra.items() if value is not None} | fields,
    )


def work(
    world: World,
    deal: Deal,
    *,
    employee: str,
    work_date: str,
    minutes: int = DAY,
    line_no: int = 1,
    task: str | None = None,
    approver: str | None = MANAGER,
    **fields: Any,
) -> Record:
    """Record one time entry and have it approved (not when approver is None); returns it."""
    entry = world.psa.act(
        "record_time",
        employee=employee,
        task=task or deal.task(line_no),
        work_date=work_date,
        minutes=minutes,
        **fields,
    )
    if approver is None:
        return entry
    return world.psa.act("approve_time", key=entry["key"], approver=approver)


def weekdays(first: str, last: str) -> list[str]:
    """Monday to Friday from first to last, both included."""
    day, end, found = date.fromisoformat(first), date.fromisoformat(last), []
    while day <= end:
        if day.weekday() < 5:
            found.append(day.isoformat())
        day += timedelta(days=1)
    return found


def work_minutes(
    world: World,
    deal: Deal,
    *,
    employee: str,
    minutes: int,
    first: str,
    last: str,
    line_no: int = 1,
    most_a_day: int = DAY,
    **fields: Any,
) -> Records:
    """Spread minutes over the weekdays from first to last, full days first, all approved; returns the entries.

    Raises ValueError where the days do not hold that much.
    """
    entries, left = [], minutes
    for day in weekdays(first, last):
        if left <= 0:
            break
        today = min(left, most_a_day)
        entries.append(work(world, deal, employee=employee, work_date=day, minutes=today, line_no=line_no, **fields))
        left -= today
    if left > 0:
        raise ValueError(f"{minutes} minutes do not fit between {first} and {last} at {most_a_day} a day")
    return entries


def spend(
    world: World,
    deal: Deal,
    *,
    employee: str,
    gross: Money,
    spend_date: str,
    category: str = "OTHER",
    approver: str | None = MANAGER,
    **fields: Any,
) -> Record:
    """Record an expense and have it approved (not when approver is None); returns it."""
    entry = world.psa.act(
        "record_expense",
        employee=employee,
        project=deal.project_no,
        gross=gross,
        spend_ccy=gross["ccy"],
        spend_date=spend_date,
        category=category,
        **fields,
    )
    if approver is None:
        return entry
    return world.psa.act("approve_expense", key=entry["key"], approver=approver)


def complete(world: World, deal: Deal, *, ms_code: str, settle: bool = True) -> Record:
    """Complete a milestone in the PSA."""
    done = world.psa.act("complete_milestone", key=deal.milestone(ms_code))
    if settle:
        world.settle()
    return done


def accept(world: World, deal: Deal, *, ms_code: str, by: str = "Customer's sponsor", settle: bool = True) -> Record:
    """Have the customer accept a completed milestone."""
    done = world.psa.act("accept_milestone", key=deal.milestone(ms_code), accepted_by=by)
    if settle:
        world.settle()
    return done


def estimate(world: World, deal: Deal, *, etc_hours: int, etc_cost: Money, settle: bool = True) -> Record:
    """The project manager says what is still to go."""
    done = world.psa.act("update_etc", key=deal.project_no, etc_hours=etc_hours, etc_cost=etc_cost)
    if settle:
        world.settle()
    return done
