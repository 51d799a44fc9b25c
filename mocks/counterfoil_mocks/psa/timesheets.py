"""Time in the PSA: entries are recorded against tasks, approved, and rated at the moment of approval."""

from __future__ import annotations

from counterfoil_mocks.deeds import refuse_frozen, step, walk
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem, conflict
from counterfoil_mocks.kernel.fields import Record, boolean, day, integer, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.psa import rates
from counterfoil_mocks.psa.model import ASSIGNMENT, EMPLOYEE, PROJECT, RATE_CARD, ROLE, TASK, TIME_ENTRY
from counterfoil_mocks.psa.projects import ENDED, of_project, project_closed, reference

REASON = text("reason", limit=255, required=True)
APPROVER = text("approver", "Who approves.", limit=120, required=True)
REVOCABLE = ("UNBILLED", "ON_HOLD", "NOT_BILLABLE")
"""Billing states in which an approval may be taken back (domain §2.4)."""

UNRATED = {
    "approved_by": None,
    "approved_at": None,
    "bill_rate": None,
    "rate_source": None,
    "amount": None,
    "cost": None,
}


@ROLE.on_create(TIME_ENTRY)
def create_time_entry(tx: Tx, values: Record) -> Record:
    """A draft; nothing is checked against the task's window until it is submitted."""
    return tx.insert(TIME_ENTRY, _filled(tx, values))


@ROLE.on_update(TIME_ENTRY)
def update_time_entry(tx: Tx, record: Record, changes: Record) -> Record:
    """A draft is open; a rejected entry becomes a draft again by editing it; anything else is frozen.

    Whether it is billable at all was settled when it was recorded.
    """
    if record["approval"] not in ("DRAFT", "REJECTED"):
        refuse_frozen(record, changes)
        return tx.update(TIME_ENTRY, record, changes)
    filled = _filled(tx, {**record, **changes})
    if filled["billing"] != record["billing"]:
        raise conflict(
            "BILLING_CLASS_FIXED",
            f"Time entry {record['key']} was recorded as {record['billing']}.",
            field="billable" if "billable" in changes else "task",
            remedy="Delete this entry and record the time anew.",
        )
    changes = {name: value for name, value in filled.items() if value != record.get(name)}
    if record["approval"] == "REJECTED" and changes:
        changes |= {"approval": "DRAFT", "rejected_reason": None}
    return tx.update(TIME_ENTRY, record, changes)


@ROLE.action(
    "record_time",
    text("employee", "Id or number of the person.", limit=64, required=True),
    text("task", "Id or key of the task.", limit=100, required=True),
    day("work_date", required=True),
    integer("minutes", low=1, high=1440, required=True),
    text("note", limit=4000),
    boolean("billable", "The task's setting by default."),
    text("entry_id", limit=40),
    returns=TIME_ENTRY,
)
def record_time(tx: Tx, subject: Record, values: Record) -> Record:
    """Record and submit time in one go."""
    filled = _filled(tx, values)
    _check_open(tx, filled)
    return tx.insert(TIME_ENTRY, {**filled, "approval": "SUBMITTED"}, event="psa.time.submitted")


@ROLE.action("submit_time", on=TIME_ENTRY)
def submit_time(tx: Tx, subject: Record, values: Record) -> Record:
    """Hand a draft, or a rejected entry as it is, to the approver."""
    _check_open(tx, subject)
    path = ("REJECTED", "DRAFT", "SUBMITTED")
    changes = {"rejected_reason": None}
    return walk(tx, TIME_ENTRY, subject, path, changes, state="approval", event="psa.time.submitted")


@ROLE.action("approve_time", APPROVER, on=TIME_ENTRY)
def approve_time(tx: Tx, subject: Record, values: Record) -> Record:
    """Approve submitted time: its bill rate, amount and cost are frozen now.

    Raises 409 NO_RATE where it is billed by the hour and neither override nor card has a rate.
    """
    project = tx.get(PROJECT, subject["project"])
    employee = tx.get(EMPLOYEE, subject["employee"])
    rated = subject["billing"] != "NOT_BILLABLE"
    found = _bill_rate(tx, subject, project, employee)
    if rated and found.source == "NONE" and subject["approval"] == "SUBMITTED":
        raise _no_rate(subject, project)
    changes = {
        "approved_by": values["approver"],
        "approved_at": tx.stamp,
        "bill_rate": found.price,
        "rate_source": found.source,
        "amount": money.time_amount(subject["minutes"], found.price, subject["ccy"]) if rated else None,
        "cost": money.time_amount(subject["minutes"], employee["cost_rate"], employee["cost_ccy"]),
        "cost_ccy": employee["cost_ccy"],
    }
    return step(tx, TIME_ENTRY, subject, "APPROVED", changes, state="approval", event="psa.time.approved")


@ROLE.action("reject_time", REASON, on=TIME_ENTRY)
def reject_time(tx: Tx, subject: Record, values: Record) -> Record:
    """Give submitted time back to its author."""
    changes = {"rejected_reason": values["reason"]}
    return step(tx, TIME_ENTRY, subject, "REJECTED", changes, state="approval", event="psa.time.rejected")


@ROLE.action("unapprove_time", REASON, on=TIME_ENTRY)
def unapprove_time(tx: Tx, subject: Record, values: Record) -> Record:
    """Take an approval back, while the entry is on no invoice; it is submitted again, and unrated."""
    refuse_billed(subject, "Time entry")
    return step(
        tx,
        TIME_ENTRY,
        subject,
        "SUBMITTED",
        UNRATED,
        state="approval",
        sources=("APPROVED",),
        event="psa.time.unapproved",
        extra=dict(values),
    )


def refuse_billed(entry: Record, what: str) -> None:
    """Refuse to take back the approval of something that is on an invoice or written off."""
    if entry["approval"] == "APPROVED" and entry["billing"] not in REVOCABLE:
        raise conflict(
            "ENTRY_BILLED",
            f"{what} {entry['key']} is {entry['billing']}"
            + (f" on {entry['invoice_line']}." if entry["invoice_line"] else "."),
            field="billing",
            remedy="Credit the invoice with release of its items first.",
        )


def _filled(tx: Tx, values: Record) -> Record:
    employee = reference(tx, EMPLOYEE, "employee", values.get("employee"))
    task = reference(tx, TASK, "task", values.get("task"))
    project = tx.get(PROJECT, task["project"])
    billable = task["billable"] if values.get("billable") is None else values["billable"]
    line = rates.line_of(project["lines"], task["line_no"])
    return {
        **values,
        **of_project(project),
        "employee": employee["id"],
        "employee_no": employee["employee_no"],
        "employee_entity": employee["legal_entity"],
        "task": task["id"],
        "line_no": task["line_no"],
        "ccy": project["ccy"],
        "cost_ccy": employee["cost_ccy"],
        "billable": billable,
        "billing": rates.time_billing(line, billable),
    }


def _check_open(tx: Tx, entry: Record) -> None:
    project = tx.get(PROJECT, entry["project"])
    task, on = tx.get(TASK, entry["task"]), entry["work_date"]
    if project["status"] in ENDED:
        raise project_closed(project, "task")
    opens, ends = task["open_from"] or on, task["open_to"] or on
    closed = (
        task["status"] != "OPEN" and task["open_to"] is None
    )  # one closed as of a day still takes the work done by then
    if closed or not opens <= on <= ends:
        window = f"{task['open_from'] or 'ever'} to {task['open_to'] or 'ever'}"
        raise conflict(
            "TASK_CLOSED",
            f"Task {task['key']} is {task['status']} ({window}); it takes no time on {on}.",
            field="work_date" if task["status"] == "OPEN" else "task",
            remedy="Choose an open task, or have this one reopened.",
        )
    if _assignment(tx, entry) is None:
        raise conflict(
            "NOT_ASSIGNED",
            f"{entry['employee_no']} is not assigned to {entry['project_no']} on {on}.",
            field="employee",
            remedy="Assign the person to the project for that day.",
        )


def _assignment(tx: Tx, entry: Record) -> Record | None:
    """The assignment that holds on the day; the newest where there are several."""
    on = entry["work_date"]
    found = tx.find(ASSIGNMENT, project=entry["project"], employee=entry["employee"], status=["CONFIRMED", "ENDED"])
    covering = [each for each in found if (each["from_date"] or on) <= on <= (each["to_date"] or on)]
    return covering[-1] if covering else None


def _bill_rate(tx: Tx, entry: Record, project: Record, employee: Record) -> rates.BillRate:
    assignment = _assignment(tx, entry) or {"level": None, "bill_rate_override": None}
    card = tx.look_up(RATE_CARD, project["rate_card"])
    versions = (
        tx.find(
            RATE_CARD, code=card["code"], region=card["region"], ccy=project["ccy"], status=["PUBLISHED", "RETIRED"]
        )
        if card is not None
        else []
    )
    level = assignment["level"] or employee["level"]
    return rates.bill_rate(level, entry["work_date"], assignment["bill_rate_override"], versions)


def _no_rate(entry: Record, project: Record) -> Problem:
    card = project["rate_card_code"] or "no rate card"
    return conflict(
        "NO_RATE",
        f"{entry['employee_no']} has no {project['ccy']} rate on {entry['work_date']}: project {project['project_no']} has {card}.",
        field="bill_rate",
        remedy="Give the project a published card that covers the day and level, or the assignment an override.",
    )
