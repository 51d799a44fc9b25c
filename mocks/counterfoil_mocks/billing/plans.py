"""Business deeds on billing plans: what a contract bills when, and what a change order does to it."""

from __future__ import annotations

from counterfoil_mocks.billing import items
from counterfoil_mocks.billing.model import CHANGE_ORDER, PLAN, PLAN_LINE, ROLE
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import Step, minor, register_steps, step
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import Problem, conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record, amount, integer, lines, listing, text
from counterfoil_mocks.kernel.tx import Tx

BILLS_AT = 6
"""Local hour of the legal entity at which scheduled lines become ready."""

NET_BILLED = """
SELECT coalesce(sum(net), 0) AS net FROM (
    SELECT l.net FROM billing.invoice i JOIN billing.invoice_line l ON l.system = i.system AND l.parent = i.id
    WHERE i.system = :system AND l.plan_line = :line AND i.deleted_at IS NULL AND i.issued_at IS NOT NULL AND i.status <> 'VOID'
    UNION ALL
    SELECT l.net FROM billing.credit_memo m JOIN billing.credit_memo_line l ON l.system = m.system AND l.parent = m.id
    WHERE m.system = :system AND l.plan_line = :line AND m.deleted_at IS NULL AND m.issued_at IS NOT NULL) AS billed
"""

PLANNED_LINE = Entity(
    "planned_line",
    "planned_lines",
    "",
    tuple(each for each in PLAN_LINE.fields if not each.computed and each.kind not in ("ref", "state")),
)
CHANGED_AMOUNT = Entity(
    "changed_amount", "changed_amounts", "", (text("ms_code", limit=20, required=True), amount("amount", required=True))
)
CAP_DELTA = Entity(
    "cap_delta", "cap_deltas", "", (integer("line_no", low=1, high=999, required=True), amount("cap", required=True))
)
SOURCE_KEY = text("source_key", "Business key of what it is made from; free for integrations.")
PLAN_FIELDS = (*(each for each in PLAN.fields if not each.computed and each.kind != "state"), SOURCE_KEY)


@ROLE.action("create_plan", *PLAN_FIELDS, lines("lines", PLANNED_LINE, "Its lines, in their order."), returns=PLAN)
def create_plan(tx: Tx, subject: Record, values: Record) -> Record:
    """Make a billing plan and its lines in one step. Lines with a due date become ready on it, at 06:00 in the entity's zone."""
    head = {name: value for name, value in values.items() if name != "lines"}
    customer = tx.look_up("customer", values["customer"])
    if customer is None:
        raise invalid("customer", f"there is no customer {values['customer']!r}", "Create the customer first.")
    entity_of(tx, values["legal_entity"])
    plan = tx.insert(PLAN, {**head, "customer_no": customer["customer_no"]}, event="")
    made = [add_line(tx, plan, line) for line in values.get("lines") or []]
    tx.emit(PLAN, plan, "billing.plan.created", {"lines": [PLAN_LINE.to_wire(line) for line in made]})
    return plan


@ROLE.on_create(PLAN)
def create_bare_plan(tx: Tx, values: Record) -> Record:
    """A plan without lines."""
    return create_plan(tx, {}, values)


def add_line(tx: Tx, plan: Record, values: Record) -> Record:
    """Write a plan line with the next number of its plan, and arm its due date."""
    last = tx.rows(
        "SELECT max(plan_line) AS last FROM billing.plan_line WHERE system = :system AND plan = :plan", plan=plan["id"]
    )
    line = tx.insert(
        PLAN_LINE,
        {
            **values,
            "plan": plan["id"],
            "contract_no": plan["contract_no"],
            "plan_line": (last[0]["last"] or 0) + 1,
            "ccy": plan["ccy"],
            "legal_entity": plan["legal_entity"],
        },
    )
    if line["due"] is not None:
        arm(tx, plan, line["due"])
    return line


def arm(tx: Tx, plan: Record, due: str) -> None:
    """Have the plan's lines of a due date become ready on it, all at once."""
    at = clock.instant_of(due, entity_of(tx, plan["legal_entity"])["tz"], BILLS_AT)
    tx.set_timer("plan_due", f"{plan['contract_no']}/{due}", at, {"plan": plan["id"], "due": due})


@ROLE.on_timer("plan_due")
def plan_due(tx: Tx, payload: Record) -> None:
    """Make every scheduled line ready whose date has come; a repeating one leaves its successor. A plan on hold waits."""
    plan = tx.look_up(PLAN, payload["plan"])
    if plan is None or plan["status"] != "ACTIVE":
        return
    scheduled = tx.find(PLAN_LINE, plan=plan["id"], status="SCHEDULED")
    for line in sorted(scheduled, key=lambda each: int(each["plan_line"])):
        if line["due"] is not None and line["due"] <= payload["due"]:
            tx.update(PLAN_LINE, line, {"status": "READY", "ready_at": tx.stamp})
            if line["every_months"]:
                _repeat(tx, plan, line)


def _repeat(tx: Tx, plan: Record, line: Record) -> None:
    series = tx.find(
        PLAN_LINE, plan=plan["id"], kind=line["kind"], line_no=line["line_no"], every_months=line["every_months"]
    )
    anchor = max(int(each["due"][8:]) for each in series if each["due"])
    copied = {each.name: line[each.name] for each in PLANNED_LINE.fields}
    add_line(tx, plan, {**copied, "due": next_due(line["due"], line["every_months"], anchor)})


def next_due(due: str, months: int, anchor: int) -> str:
    """The date so many months later, on the anchor day of the month or the month's last day (31 Jan, 29 Feb, 31 Mar)."""
    count = int(due[:4]) * 12 + int(due[5:7]) - 1 + months
    period = f"{count // 12:04d}-{count % 12 + 1:02d}"
    return min(f"{period}-{anchor:02d}", clock.period_end(period))


@ROLE.action("ready_plan_line", on=PLAN_LINE)
def ready_plan_line(tx: Tx, subject: Record, values: Record) -> Record:
    """Say that a line may be billed now; a repeating one leaves its successor. A line that is ready stays as it is."""
    if subject["status"] == "READY":
        return subject
    ready = step(tx, PLAN_LINE, subject, "READY", {"ready_at": tx.stamp}, sources=("SCHEDULED",))
    if ready["every_months"] and ready["due"]:
        _repeat(tx, tx.get(PLAN, ready["plan"]), ready)
    return ready


register_steps(
    ROLE,
    PLAN_LINE,
    (
        Step("hold_plan_line", "HELD", "Keep a ready line from being billed.", event="billing.plan.changed"),
        Step(
            "release_plan_line",
            "READY",
            "Let a held line be billed again.",
            event="billing.plan.changed",
            sources=("HELD",),
        ),
        Step(
            "cancel_plan_line",
            "CANCELLED",
            "Take a line that was not billed out of the plan.",
            event="billing.plan.changed",
        ),
    ),
)
register_steps(
    ROLE,
    PLAN,
    (
        Step("hold_plan", "HELD", "Stop all billing of a contract.", event="billing.plan.changed", sources=("ACTIVE",)),
        Step("close_plan", "CLOSED", "End the billing of a contract.", event="billing.plan.changed"),
    ),
)


@ROLE.action("resume_plan", on=PLAN)
def resume_plan(tx: Tx, subject: Record, values: Record) -> Record:
    """Bill a held contract again; lines whose date has passed become ready now."""
    plan = step(tx, PLAN, subject, "ACTIVE", sources=("HELD",))
    today = tx.today(entity_of(tx, plan["legal_entity"])["tz"])
    plan_due(tx, {"plan": plan["id"], "due": today})
    return plan


@ROLE.action(
    "apply_change_order",
    integer("co_seq", "Number of the change order.", low=1, high=999, required=True),
    amount("amount", "Change of the fixed fee; recorded."),
    amount("cap", "Change of the caps; recorded."),
    lines("lines", PLANNED_LINE, "Lines to add."),
    lines("changes", CHANGED_AMOUNT, "New amounts of milestones not yet billed."),
    lines("cap_lines", CAP_DELTA, "Changes of the caps of contract lines."),
    listing("removes", "Codes of milestones that fall away."),
    on=PLAN,
)
def apply_change_order(tx: Tx, subject: Record, values: Record) -> Record:
    """Change a plan as a change order says, once. A raised cap frees what lay above it."""
    contract_no, ccy, seq = subject["contract_no"], subject["ccy"], values["co_seq"]
    if tx.look_up(CHANGE_ORDER, f"{contract_no}/CO-{seq}") is not None:
        raise conflict(
            "CHANGE_ORDER_APPLIED",
            f"CO-{seq} is in the plan of {contract_no} already.",
            field="co_seq",
            remedy="Nothing more is to be done.",
        )
    figures = {"amount": minor(values, "amount", ccy), "cap": minor(values, "cap", ccy)}
    tx.insert(CHANGE_ORDER, {"contract_no": contract_no, "co_seq": seq, "ccy": ccy, **figures})
    added = [add_line(tx, subject, {**line, "co_seq": seq}) for line in values.get("lines") or []]
    changed = [
        _reprice(tx, subject, line["ms_code"], minor(line, "amount", ccy), seq) for line in values.get("changes") or []
    ]
    removed = [_remove(tx, subject, code, seq) for code in values.get("removes") or []]
    freed: list[Record] = []
    for delta in values.get("cap_lines") or []:
        freed += _move_cap(tx, subject, delta["line_no"], minor(delta, "cap", ccy))
    plan = tx.update(PLAN, subject, {"co_seq": max(subject["co_seq"] or 0, seq)}, event="")
    told = {"co_seq": seq, "lines": [PLAN_LINE.to_wire(line) for line in (*added, *changed, *removed)]}
    tx.emit(PLAN, plan, "billing.plan.changed", {**told, "released": freed})
    return plan


@ROLE.action("end_plan", on=PLAN)
def end_plan(tx: Tx, subject: Record, values: Record) -> Record:
    """End the billing of a contract before its time: what was not billed is cancelled, nothing becomes due any more. Told again, it
    changes nothing."""
    if subject["status"] == "CLOSED":
        return subject
    tail = tx.find(PLAN_LINE, plan=subject["id"], status=["SCHEDULED", "READY", "HELD"])
    ended = [tx.update(PLAN_LINE, line, {"status": "CANCELLED"}, event="") for line in tail]
    told = {"lines": [PLAN_LINE.to_wire(line) for line in ended]}
    return step(tx, PLAN, subject, "CLOSED", event="billing.plan.changed", extra=told)


def _open_line(tx: Tx, plan: Record, ms_code: str) -> Record:
    found = [each for each in tx.find(PLAN_LINE, plan=plan["id"], ms_code=ms_code) if each["status"] != "CANCELLED"]
    if not found:
        raise invalid(
            "ms_code",
            f"the plan of {plan['contract_no']} has no milestone {ms_code!r}",
            "Give the code of one of its milestones.",
        )
    return found[0]


def _billed(line: Record) -> Problem:
    return conflict(
        "PLAN_LINE_INVOICED",
        f"{line['ms_code']} was billed on {line['invoice_no']}.",
        field="ms_code",
        remedy="Credit that invoice first, by the difference or wholly.",
    )


def _reprice(tx: Tx, plan: Record, ms_code: str, new: int, seq: int) -> Record:
    """A new amount of a milestone; of one that was billed only what its invoice, less its credits, comes to."""
    line = _open_line(tx, plan, ms_code)
    if line["status"] == "INVOICED" and tx.rows(NET_BILLED, line=line["key"])[0]["net"] != new:
        raise _billed(line)
    return tx.update(PLAN_LINE, line, {"amount": new, "co_seq": seq}, event="")


def _remove(tx: Tx, plan: Record, ms_code: str, seq: int) -> Record:
    line = _open_line(tx, plan, ms_code)
    if line["status"] == "INVOICED":
        raise _billed(line)
    return tx.update(PLAN_LINE, line, {"status": "CANCELLED", "co_seq": seq}, event="")


def _move_cap(tx: Tx, plan: Record, line_no: int, delta: int) -> list[Record]:
    capped = [each for each in tx.find(PLAN_LINE, plan=plan["id"], line_no=line_no) if each["cap"] is not None]
    if not capped:
        raise invalid("cap_lines", f"contract line {line_no} has no cap", "Name a capped line.")
    cap = capped[-1]["cap"] + delta
    if cap < 0:
        raise invalid("cap_lines", f"the cap of contract line {line_no} would fall below zero", "Give a smaller cut.")
    for each in capped:
        tx.update(PLAN_LINE, each, {"cap": cap}, event="")
    return items.free_above_cap(tx, plan["contract_no"], line_no, cap)
