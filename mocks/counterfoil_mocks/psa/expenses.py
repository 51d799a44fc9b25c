"""Expenses in the PSA: what was spent, what it cost in the project's currency, and what the customer is billed for it."""

from __future__ import annotations

from counterfoil_mocks import fx
from counterfoil_mocks.deeds import Step, refuse_beyond, refuse_frozen, register_steps, step
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.psa import rates
from counterfoil_mocks.psa.model import EMPLOYEE, EXPENSE, PROJECT, ROLE
from counterfoil_mocks.psa.projects import ENDED, of_project, project_closed, reference
from counterfoil_mocks.psa.timesheets import refuse_billed

REASON = text("reason", limit=255, required=True)
APPROVER = text("approver", "Who approves.", limit=120, required=True)

register_steps(
    ROLE,
    EXPENSE,
    (
        Step("submit_expense", "SUBMITTED", "Hand a draft to the approver.", sources=("DRAFT",)),
        Step("manager_approve_expense", "MANAGER_APPROVED", "First of two approvals, where there are two."),
        Step("reject_expense", "REJECTED", "Give a submitted expense back.", asks=(REASON,)),
    ),
    state="approval",
)


@ROLE.on_create(EXPENSE)
def create_expense(tx: Tx, values: Record) -> Record:
    """A draft expense of a project, on the contract's first expense line and at its markup unless said otherwise."""
    return _checked(tx.insert(EXPENSE, _filled(tx, values)))


@ROLE.on_update(EXPENSE)
def update_expense(tx: Tx, record: Record, changes: Record) -> Record:
    """A draft is open, a rejected expense becomes one again by editing it; later only cross-references change."""
    if record["approval"] not in ("DRAFT", "REJECTED"):
        refuse_frozen(record, changes)
        return tx.update(EXPENSE, record, changes)
    refuse_frozen(record, changes, set(EXPENSE.by_name) - {"project", "line_no"})
    if record["approval"] == "REJECTED" and changes:
        changes = {**changes, "approval": "DRAFT"}
    return _checked(tx.update(EXPENSE, record, changes))


@ROLE.action(
    "record_expense",
    text("employee", "Id or number of the person.", limit=64, required=True),
    text("project", "Id or number of the project.", limit=64, required=True),
    *(
        EXPENSE.by_name[name]
        for name in (
            "expense_id",
            "line_no",
            "category",
            "spend_date",
            "spend_ccy",
            "gross",
            "vat_recoverable",
            "fx_rate",
            "markup",
            "receipt",
        )
    ),
    returns=EXPENSE,
)
def record_expense(tx: Tx, subject: Record, values: Record) -> Record:
    """Record and submit an expense in one go."""
    return _checked(tx.insert(EXPENSE, {**_filled(tx, values), "approval": "SUBMITTED"}))


@ROLE.action("approve_expense", APPROVER, on=EXPENSE)
def approve_expense(tx: Tx, subject: Record, values: Record) -> Record:
    """Approve an expense: its cost and what is billed are computed now (source: domain §3.13).

    Without a receipt, one above the threshold is held back from billing.
    """
    cost, bill = _worth(subject)
    rebilled = subject["billing"] != "NOT_BILLABLE"
    changes: Record = {
        "approved_by": values["approver"],
        "approved_at": tx.stamp,
        "cost": cost,
        "bill_amount": bill if rebilled else None,
    }
    if subject["billing"] == "UNBILLED" and rates.wants_receipt(subject):
        changes["billing"] = "ON_HOLD"
    return step(tx, EXPENSE, subject, "APPROVED", changes, state="approval", event="psa.expense.approved")


@ROLE.action("add_receipt", on=EXPENSE)
def add_receipt(tx: Tx, subject: Record, values: Record) -> Record:
    """Hand in a receipt; an approved expense that waited for it may be billed."""
    changes: Record = {"receipt": True}
    if subject["approval"] == "APPROVED" and subject["billing"] == "ON_HOLD":
        changes["billing"] = "UNBILLED"
    return tx.update(EXPENSE, subject, changes, event="psa.expense.receipt_added")


@ROLE.action("unapprove_expense", REASON, on=EXPENSE)
def unapprove_expense(tx: Tx, subject: Record, values: Record) -> Record:
    """Take an approval back, while the expense is on no invoice."""
    refuse_billed(subject, "Expense")
    return step(
        tx,
        EXPENSE,
        subject,
        "SUBMITTED",
        {"approved_by": None, "approved_at": None, "cost": None, "bill_amount": None},
        state="approval",
        sources=("APPROVED",),
        event="psa.expense.unapproved",
        extra=dict(values),
    )


def _filled(tx: Tx, values: Record) -> Record:
    employee = reference(tx, EMPLOYEE, "employee", values.get("employee"))
    project = reference(tx, PROJECT, "project", values.get("project"))
    if project["status"] in ENDED:
        raise project_closed(project, "project")
    line = _line(project, values.get("line_no"))
    line_no = line["line_no"] if line is not None else values.get("line_no")
    markup = values.get("markup")
    if markup is None:
        markup = (line["expense_markup"] if line is not None else None) or 0
    return {
        **values,
        **of_project(project),
        "employee": employee["id"],
        "employee_no": employee["employee_no"],
        "ccy": project["ccy"],
        "line_no": line_no,
        "fx_rate": _rate(tx, values, project["ccy"]),
        "markup": markup,
        "billing": rates.expense_billing(line, line_no),
    }


def _rate(tx: Tx, values: Record, ccy: str) -> int:
    """The rate given, else that of the spend date; raises Problem 422 where there is neither."""
    if values.get("fx_rate") is not None:
        return int(values["fx_rate"])
    found = fx.published(tx, values["spend_ccy"], ccy, values["spend_date"])
    if found is None:
        raise invalid(
            "fx_rate",
            f"{values['spend_ccy']} was spent on a project in {ccy}, and no rate of {values['spend_date']} is published",
            f"Give units of {ccy} per unit of {values['spend_ccy']} on the spend date.",
        )
    return found


def _line(project: Record, line_no: int | None) -> Record | None:
    if line_no is None:
        return next((line for line in project["lines"] if line["type"] == "EXPENSE"), None)
    line = rates.line_of(project["lines"], line_no)
    if line is None and project["lines"]:
        numbers = ", ".join(str(each["line_no"]) for each in project["lines"])
        raise invalid("line_no", f"project {project['project_no']} has no line {line_no}", f"Choose one of {numbers}.")
    return line


def _checked(expense: Record) -> Record:
    """The expense, if its figures fit each other; raises Problem 422."""
    vat = expense["vat_recoverable"] or 0
    if expense["gross"] >= 0 and not 0 <= vat <= expense["gross"]:
        raise invalid("vat_recoverable", "more VAT than was spent", "Give the VAT contained in gross.")
    if expense["fx_rate"] is None or expense["fx_rate"] <= 0:
        raise invalid("fx_rate", "a rate is above zero", "Give the spend date's rate.")
    if expense["spend_ccy"] == expense["ccy"] and expense["fx_rate"] != money.RATE_SCALE:
        raise invalid("fx_rate", f"{expense['ccy']} to itself is 1", "Leave fx_rate out.")
    _worth(expense)
    return expense


def _worth(expense: Record) -> tuple[int, int]:
    """Cost and billed amount, in minor units of the project's currency."""
    vat = expense["vat_recoverable"] or 0
    cost = rates.expense_cost(expense["gross"], vat, expense["fx_rate"], expense["spend_ccy"], expense["ccy"])
    refuse_beyond("gross", cost)
    return cost, refuse_beyond("markup", rates.expense_bill(cost, expense["markup"] or 0))
