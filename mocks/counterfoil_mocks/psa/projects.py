"""Projects in the PSA: the project itself, its tasks and assignments, estimates to complete, and change orders."""

from __future__ import annotations

from counterfoil_mocks.deeds import Step, minor, register_steps
from counterfoil_mocks.kernel.errors import Problem, conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record, amount, choice, day, integer, lines, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.psa import rates
from counterfoil_mocks.psa.model import (
    ASSIGNMENT,
    CHANGE_ORDER,
    EMPLOYEE,
    MILESTONE,
    PROJECT,
    RATE_CARD,
    ROLE,
    TASK,
)

STATUS = "psa.project.status_changed"
ASSIGNED = "psa.assignment.changed"
APPROVER = text("approver", "Who approves.", limit=120, required=True)
ENDED = ("CLOSED", "CANCELLED")

register_steps(
    ROLE,
    PROJECT,
    (
        Step("activate_project", "ACTIVE", "Start a planned project.", STATUS, sources=("PLANNED",)),
        Step("hold_project", "ON_HOLD", "Suspend a project.", STATUS),
        Step("resume_project", "ACTIVE", "Go on with a project on hold.", STATUS, sources=("ON_HOLD",)),
        Step("complete_project", "COMPLETED", "Record that the work is done.", STATUS),
        Step(
            "reopen_project",
            "ACTIVE",
            "Go on with a completed project.",
            STATUS,
            sources=("COMPLETED",),
            asks=(APPROVER,),
        ),
        Step("close_project", "CLOSED", "Close a completed project: it takes no more time.", STATUS),
        Step("cancel_project", "CANCELLED", "Give a planned project up.", STATUS),
    ),
)
register_steps(
    ROLE,
    TASK,
    (
        Step(
            "close_task",
            "CLOSED",
            "Close a task: it takes no more time.",
            "psa.task.closed",
            asks=(day("open_to", "Last day that time was accepted for."),),
            keeps=("open_to",),
        ),
        Step("reopen_task", "OPEN", "Accept time for a task again.", asks=(day("open_to"),), keeps=("open_to",)),
    ),
)
register_steps(
    ROLE,
    ASSIGNMENT,
    (
        Step("confirm_assignment", "CONFIRMED", "Confirm a proposed assignment.", ASSIGNED),
        Step(
            "end_assignment",
            "ENDED",
            "Take a person off a project; days up to `to_date` may still be recorded.",
            ASSIGNED,
            asks=(day("to_date", "Last day on the project."),),
            keeps=("to_date",),
        ),
        Step("cancel_assignment", "CANCELLED", "Take an assignment back.", ASSIGNED),
    ),
)


@ROLE.on_create(PROJECT)
def create_project(tx: Tx, values: Record) -> Record:
    """A planned project; its number counts the contract's projects, its fee is the sum of its lines unless given."""
    number = values.get("project_no") or _next_project_no(tx, values["contract_no"])
    project = tx.insert(PROJECT, {**values, "project_no": number, **_card(tx, values)})
    if project["budget_fee"] is None and project["lines"]:
        project = tx.update(PROJECT, project, {"budget_fee": rates.fee_of(project["lines"])}, event="")
    return project


@ROLE.on_update(PROJECT)
def update_project(tx: Tx, record: Record, changes: Record) -> Record:
    """The rate card's code and version follow the card."""
    return tx.update(PROJECT, record, {**changes, **(_card(tx, changes) if "rate_card" in changes else {})})


@ROLE.on_create(TASK)
def create_task(tx: Tx, values: Record) -> Record:
    """A task of a project; its contract line must be one that the project knows."""
    return tx.insert(TASK, {**values, **_of_project(tx, TASK, values)})


@ROLE.on_update(TASK)
def update_task(tx: Tx, record: Record, changes: Record) -> Record:
    """A task may move to another contract line or project; time that is recorded stays where it was."""
    return tx.update(TASK, record, {**changes, **_of_project(tx, TASK, {**record, **changes})})


@ROLE.on_create(ASSIGNMENT)
def create_assignment(tx: Tx, values: Record) -> Record:
    """A person on a project, billed at their own level unless said otherwise."""
    employee = reference(tx, EMPLOYEE, "employee", values.get("employee"))
    filled = {"employee": employee["id"], "employee_no": employee["employee_no"]}
    level = values.get("level") or employee["level"]
    return tx.insert(ASSIGNMENT, {**values, **filled, "level": level, **_of_project(tx, ASSIGNMENT, values)})


@ROLE.on_update(ASSIGNMENT)
def update_assignment(tx: Tx, record: Record, changes: Record) -> Record:
    """Rates of time that is approved already stay as they were frozen."""
    merged = {**record, **changes}
    employee = reference(tx, EMPLOYEE, "employee", merged["employee"])
    filled = {"employee": employee["id"], "employee_no": employee["employee_no"]}
    return tx.update(ASSIGNMENT, record, {**changes, **filled, **_of_project(tx, ASSIGNMENT, merged)})


@ROLE.action(
    "update_etc",
    integer("etc_hours", "Hours to go.", low=0, high=10**7),
    amount("etc_cost", "Cost to go."),
    on=PROJECT,
)
def update_etc(tx: Tx, subject: Record, values: Record) -> Record:
    """Say how much work is left; estimates at completion in the books follow."""
    if not values:
        raise invalid("etc_hours", "nothing was said", "Give etc_hours, etc_cost or both.")
    return tx.update(PROJECT, subject, values, event="psa.etc.updated")


MILESTONE_CHANGE = Entity(
    "milestone_change",
    "milestone_changes",
    "",
    (
        choice("op", "ADD REMOVE CHANGE", required=True),
        text("ms_code", limit=20, required=True),
        text("name", limit=120),
        amount("amount", "New amount (ADD, CHANGE)."),
        text("ccy", limit=3, computed=True),
        day("planned"),
    ),
)


@ROLE.action(
    "apply_change_order",
    integer("co_seq", "Number of the change order.", low=1, high=999, required=True),
    amount("fee", "Change of the fixed fee."),
    amount("cap", "Change of the cap."),
    integer("hours", "Change of the hours budgeted.", low=-(10**7), high=10**7),
    amount("cost", "Change of the cost budgeted."),
    lines("milestones", MILESTONE_CHANGE, "Milestones added, removed and changed."),
    on=PROJECT,
    returns=CHANGE_ORDER,
)
def apply_change_order(tx: Tx, subject: Record, values: Record) -> Record:
    """Take over an approved change order: budgets and milestones. The same number again is refused."""
    seq, ccy = values["co_seq"], subject["ccy"]
    if tx.one(CHANGE_ORDER, contract_no=subject["contract_no"], co_seq=seq) is not None:
        raise conflict(
            "CHANGE_ORDER_APPLIED",
            f"Change order {seq} of {subject['contract_no']} is applied already.",
            field="co_seq",
            remedy="Nothing to do; a further change is a new change order.",
        )
    if subject["status"] in ENDED:
        raise project_closed(subject, "project")
    fee, cap, cost = (minor(values, name, ccy) for name in ("fee", "cap", "cost"))
    hours = values.get("hours") or 0
    order = {"contract_no": subject["contract_no"], "co_seq": seq, "ccy": ccy}
    made = tx.insert(CHANGE_ORDER, {**order, "fee": fee, "cap": cap, "hours": hours, "cost": cost})
    budget = {
        "budget_fee": (subject["budget_fee"] or 0) + fee + cap,
        "budget_hours": (subject["budget_hours"] or 0) + hours,
        "budget_cost": (subject["budget_cost"] or 0) + cost,
    }
    for given, name in (("fee", "budget_fee"), ("hours", "budget_hours"), ("cost", "budget_cost")):
        if budget[name] < 0:
            raise invalid(given, f"{name} would be {budget[name]}", "Take away no more than is there.")
    revised = rates.revised_lines(subject["lines"], fee, cap)
    tx.update(PROJECT, subject, {**budget, "lines": revised, "co_seq": max(subject["co_seq"] or 0, seq)})
    for at, change in enumerate(values.get("milestones") or []):
        _change_milestone(tx, subject, change, f"milestones[{at}]")
    return made


def _change_milestone(tx: Tx, project: Record, change: Record, where: str) -> None:
    code, ccy = change["ms_code"], project["ccy"]
    given: Record = {name: change[name] for name in ("name", "planned") if change.get(name) is not None}
    if change.get("amount") is not None:
        given["amount"] = minor(change, "amount", ccy)
    found = tx.one(MILESTONE, project=project["id"], ms_code=code)
    if change["op"] == "ADD":
        tx.insert(MILESTONE, {**given, "ms_code": code, **of_project(project), "ccy": ccy})
    elif found is None:
        raise invalid(
            f"{where}.ms_code", f"the project has no milestone {code}", "Name one of its milestones, or ADD it."
        )
    elif change["op"] == "REMOVE":
        tx.update(MILESTONE, found, {"status": "CANCELLED"})
    else:
        tx.update(MILESTONE, found, given)


def reference(tx: Tx, entity: Entity, field: str, value: str | None) -> Record:
    """The record that a reference names; raises Problem 422 where there is none."""
    found = tx.look_up(entity, value)
    if found is None:
        name = entity.name.replace("_", " ")
        raise invalid(field, f"there is no {name} {value!r}", "Give the id or business key of a live record.")
    return found


def of_project(project: Record) -> Record:
    """What its tasks, milestones, time and expenses copy from a project."""
    return {
        "project": project["id"],
        "project_no": project["project_no"],
        "contract_no": project["contract_no"],
        "legal_entity": project["legal_entity"],
    }


def project_closed(project: Record, field: str) -> Problem:
    """409: the project is over."""
    return conflict(
        "PROJECT_CLOSED",
        f"Project {project['project_no']} is {project['status']}.",
        field=field,
        remedy="Use a project that is not over.",
    )


def _of_project(tx: Tx, entity: Entity, values: Record) -> Record:
    project = reference(tx, PROJECT, "project", values.get("project"))
    line_no = values.get("line_no") or 1
    if entity is TASK and project["lines"] and rates.line_of(project["lines"], line_no) is None:
        numbers = ", ".join(str(line["line_no"]) for line in project["lines"])
        raise invalid("line_no", f"project {project['project_no']} has no line {line_no}", f"Choose one of {numbers}.")
    return {name: value for name, value in of_project(project).items() if name in entity.by_name}


def _card(tx: Tx, values: Record) -> Record:
    if values.get("rate_card") is None:
        return {"rate_card_code": None, "rate_card_version": None}
    card = reference(tx, RATE_CARD, "rate_card", values["rate_card"])
    return {"rate_card": card["id"], "rate_card_code": card["code"], "rate_card_version": card["card_version"]}


def _next_project_no(tx: Tx, contract_no: str) -> str:
    count = tx.rows(
        "SELECT count(*) AS n FROM psa.project WHERE system = :system AND contract_no = :contract_no",
        contract_no=contract_no,
    )[0]["n"]
    taken = True
    while taken:
        count += 1
        number = f"{contract_no}-P{count:02d}"
        taken = tx.one(PROJECT, project_no=number) is not None
    return number
