"""Kantata's objects as data: workspaces, people and tasks over the PSA's entities, what only Kantata knows as objects of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import DATE, INTEGER, Conversion, same
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap
from counterfoil_mocks.psa.kantata.kind import NUMBER, PERCENT, REF, TRUTH, WORDS, computed, kept, mapped, one_of

STATUSES: dict[int, tuple[str, str, str]] = {
    100: ("grey", "Estimate", "PLANNED"),
    130: ("grey", "Not Started", "PLANNED"),
    300: ("green", "Active", "ACTIVE"),
    305: ("green", "In Progress", "ACTIVE"),
    400: ("yellow", "At Risk", "ACTIVE"),
    410: ("yellow", "On Hold", "ON_HOLD"),
    500: ("red", "Issue", "ACTIVE"),
    600: ("blue", "Completed", "COMPLETED"),
    610: ("grey", "Cancelled", "CANCELLED"),
    620: ("grey", "Closed", "CLOSED"),
}
"""status_key → colour, message, and the business's status; the customer-only rest of the list is not known."""
USUAL = {"PLANNED": 130, "ACTIVE": 300, "ON_HOLD": 410, "COMPLETED": 600, "CLOSED": 620, "CANCELLED": 610}
CATEGORIES = {
    "FLIGHT": "Travel",
    "RAIL_TAXI": "Mileage",
    "HOTEL": "Lodging",
    "MEALS": "Food",
    "OTHER": "Other",
}
"""The business's category → Kantata's built-in one."""
LEVELS = ("ANALYST", "CONSULTANT", "SENIOR", "MANAGER", "DIRECTOR", "PARTNER")
NO_GROUP = "KANTATA-NONE"
"""Number of the stand-in for the customer of a workspace that has no group."""
NO_STORY = "GENERAL"
"""Code of the task that takes time which names no story."""


def cents(price: int | None, ccy: str) -> int | None:
    """A price per hour in the currency's subunit."""
    return None if price is None else money.half_up(price * 10 ** money.exponent(ccy), money.PRICE_SCALE)


def price_of(subunits: int, ccy: str) -> int:
    """Subunits per hour as a price."""
    return int(subunits * money.PRICE_SCALE // 10 ** money.exponent(ccy))


def role_id(level: str | None) -> str | None:
    """The role that a level is."""
    return str(LEVELS.index(level) + 1) if level in LEVELS else None


def currency(column: str = "ccy", *, writable: bool = False) -> tuple[FieldMap, ...]:
    """The three fields that each object with money has."""
    return (
        FieldMap("currency", column, creatable=writable, updatable=writable),
        computed("currency_symbol", lambda record, view: view.symbol(record[column])),
        computed("currency_base_unit", lambda record, view: 10 ** money.exponent(record[column] or "USD")),
    )


TAGS = Conversion(
    "json",
    same,
    lambda value, around: [
        str(each).strip() for each in (value if isinstance(value, list) else str(value).split(",")) if str(each).strip()
    ],
)
"""Tags, as a list or parted by commas."""
RATE = Conversion(
    "integer",
    lambda value, record: cents(value, record.get("ccy") or "USD"),
    lambda value, around: price_of(INTEGER.read(value, around), around.get("ccy") or "USD"),
)


def _status(record: Record, view: Any) -> Record:
    key = kept(record).get("status_key")
    if key not in STATUSES or STATUSES[key][2] != record["status"]:
        key = USUAL[record["status"]]
    return {"color": STATUSES[key][0], "key": key, "message": STATUSES[key][1]}


CHANGEABLE = (
    "title budgeted start_date due_date description access_level consultant_role_name client_role_name rate_card_id"
    " exclude_archived_stories_percent_complete tasks_default_non_billable stories_are_fixed_fee_by_default expenses_in_burn_rate"
    " posts_require_privacy_decision status_key approver_id approver_ids workspace_group_ids primary_workspace_group_id target_margin"
    " external_reference external_link show_nonbillable_time_on_invoices archived price change_orders_enabled stage"
    " require_notes_on_time_entries require_time_approvals require_expense_approvals time_trackable"
)
WHITELIST = CHANGEABLE.split()
"""Attributes of a workspace that can be changed."""
FEATURES = {"time_trackable": True, "has_time_entry_role_picker": True, "project_side_panel": True}


def _rights(record: Record, view: Any) -> Record:
    """What the token's user may do in a workspace."""
    on = view.totals(record["id"])["seats"] > 0
    live = not kept(record).get("archived")
    changes = view.administrator and live
    return {
        "can_upload_files": live,
        "can_invite": changes,
        "can_private_message": True,
        "can_join": not on and kept(record).get("access_level") == "open",
        "is_participant": on,
        "access_level": "admin" if view.administrator else "edit_time_and_expenses",
        "team_lead": False,
        "user_is_client": False,
        "can_change_price": changes,
        "can_change_story_billable": view.administrator,
        "can_post": live,
        "can_edit": changes,
        "restricted": False,
        "can_see_financials": view.administrator,
        "is_guest_on_project": False,
    }


def used(record: Record, view: Any) -> int:
    """What approved time and expenses of a project come to, in minor units."""
    return int(view.totals(record["id"])["used"])


def minutes(record: Record, view: Any, **where: Any) -> int:
    """How much time of a project there is."""
    return sum(each["minutes"] for each in view.all("time_entry", project=record["id"], **where))


def approver_ids(record: Record) -> list[str]:
    """Who approves time and expenses of a project, as far as it says so."""
    return [str(each) for each in kept(record).get("approver_ids") or ()]


WORKSPACE = mapped(
    "workspaces",
    "project",
    computed("title", lambda record, view: record["name_full"] or record["name"]),
    computed("account_id", lambda record, view: view.account_id),
    *currency(writable=True),
    FieldMap("start_date", "start", DATE, default=""),
    FieldMap("due_date", "end", DATE, default=""),
    computed("effective_due_date", lambda record, view: record["end"] or ""),
    computed("can_create_line_items", lambda record, view: not kept(record).get("archived")),
    computed("price", lambda record, view: view.rounded(record["budget_fee"], record["ccy"])),
    computed("price_in_cents", lambda record, view: record["budget_fee"] or 0),
    computed("budget_used", lambda record, view: view.rounded(used(record, view), record["ccy"])),
    computed("budget_used_in_cents", used),
    computed(
        "budget_remaining",
        lambda record, view: view.rounded((record["budget_fee"] or 0) - used(record, view), record["ccy"]),
    ),
    computed(
        "percent_of_budget_used",
        lambda record, view: used(record, view) * 100 // record["budget_fee"] if record["budget_fee"] else 0,
    ),
    computed("over_budget", lambda record, view: used(record, view) > (record["budget_fee"] or 0)),
    computed(
        "total_expenses_in_cents",
        lambda record, view: view.totals(record["id"])["spent"],
    ),
    computed("status", _status),
    computed("creator_id", lambda record, view: kept(record).get("creator_id")),
    FieldMap("primary_maven_id", "manager", REF),
    FieldMap("rate_card_id", "rate_card", NUMBER),
    computed(
        "has_active_timesheet_submissions",
        lambda record, view: view.totals(record["id"])["time"] > 0,
    ),
    computed(
        "has_active_expense_report_submissions",
        lambda record, view: view.totals(record["id"])["expenses"] > 0,
    ),
    computed("update_whitelist", lambda record, view: WHITELIST),
    computed("permissions", _rights),
    computed("account_features", lambda record, view: dict(FEATURES)),
    computed("can_invite", lambda record, view: view.administrator),
    computed("has_budget_access", lambda record, view: view.administrator),
    FieldMap("access_level", conversion=one_of("invitation", "open", "admins"), default="invitation"),
    FieldMap("stage", conversion=one_of("estimate", "project"), default="project"),
    computed("approver_id", lambda record, view: next(iter(approver_ids(record)), None)),
    FieldMap("target_margin", conversion=PERCENT),
    FieldMap("external_link", conversion=WORDS),
    FieldMap("revenue_recognition_method_id", conversion=WORDS),
    description="",
    archived=False,
    budgeted=True,
    percentage_complete=0,
    default_rate="0.00",
    require_time_approvals=True,
    require_expense_approvals=True,
    require_notes_on_time_entries=False,
    time_trackable=True,
    tasks_default_non_billable=False,
    stories_are_fixed_fee_by_default=False,
    change_orders_enabled=True,
    workspace_invoice_preference_id=None,
    consultant_role_name="Consultants",
    client_role_name="Clients",
    exclude_archived_stories_percent_complete=False,
    show_nonbillable_time_on_invoices=True,
    posts_require_privacy_decision=False,
    expenses_in_burn_rate=False,
)


def email(record: Record, view: Any) -> str:
    """The address that a person was invited at, else the one of his number."""
    return str(kept(record).get("email_address") or f"{record['employee_no'].lower()}@counterfoil.test")


USER = mapped(
    "users",
    "employee",
    computed("full_name", lambda record, view: record["name"]),
    computed("photo_path", lambda record, view: ""),
    computed("email_address", email),
    computed("headline", lambda record, view: kept(record).get("headline") or record["level"].title()),
    computed("account_id", lambda record, view: view.account_id),
    computed(
        "disabled_at", lambda record, view: view.local(record["updated_at"]) if record["status"] == "LEFT" else None
    ),
)
GROUP = mapped(
    "workspace_groups",
    "customer",
    computed("name", lambda record, view: record["name_full"] or record["name"]),
    computed("account_id", lambda record, view: view.account_id),
    company=True,
    contact_name="",
    email="",
    phone_number="",
    address="",
    website="",
    notes="",
)


def _work(name: str) -> Callable[[Record, Any], int]:
    """What the time of a task adds up to; a milestone takes none."""
    return lambda record, view: int(view.work(record["id"])[name]) if "task_code" in record else 0


def _own(name: str) -> Callable[[Record, Any], int]:
    """A figure that only Kantata knows of a story."""
    return lambda record, view: int(kept(record).get(name) or 0)


def _below(work: Callable[[Record, Any], int]) -> Callable[[Record, Any], int | None]:
    """What the stories below one add up to; None where there are none."""

    def added(record: Record, view: Any) -> int | None:
        found = view.stories.descendants(record)
        return sum(work(each, view) for each in found) if found else None

    return added


def _share(record: Record, state: str) -> int:
    """How much of a story is done, in per cent; one that is completed is done wholly."""
    return 100 if state == "completed" else int(kept(record).get("percentage_complete") or 0)


def title(record: Record, view: Any) -> str:
    """The title of a story or billing milestone: whole where the business, which keeps shorter ones, has its beginning."""
    whole = str(kept(record).get("title") or "")
    return whole if whole.startswith(record["name"]) else str(record["name"])


def _story(entity: str, state: Callable[[Record], str], ends: str, kind: Callable[[Record], str]) -> ObjectMap:
    task = entity == "task"
    own = (
        (FieldMap("start_date", "open_from", DATE), FieldMap("due_date", "open_to", DATE))
        if task
        else (FieldMap("start_date"), FieldMap("due_date", "planned", DATE))
    )
    return mapped(
        "stories",
        entity,
        FieldMap("workspace_id", "project", REF, updatable=False),
        computed("title", title),
        computed("story_type", lambda record, view: kind(record)),
        computed("state", lambda record, view: state(record)),
        *own,
        FieldMap("billable", "billable", TRUTH) if task else FieldMap("billable", conversion=TRUTH, default=True),
        computed("logged_billable_time_in_minutes", _work("billable")),
        computed("logged_nonbillable_time_in_minutes", _work("other")),
        computed("creator_id", lambda record, view: kept(record).get("creator_id")),
        computed("ancestor_ids", lambda record, view: [each["id"] for each in view.stories.ancestors(record)]),
        computed("root_id", lambda record, view: next((each["id"] for each in view.stories.ancestors(record)), None)),
        computed("ancestry_depth", lambda record, view: len(view.stories.ancestors(record))),
        computed("subtree_depth", lambda record, view: view.stories.depth(record)),
        computed("sub_story_count", lambda record, view: len(view.stories.children(record))),
        computed("deleted_at", lambda record, view: view.local(record["deleted_at"])),
        computed("budget_used_in_cents", _work("used")),
        computed("uninvoiced_balance_in_cents", _work("uninvoiced")),
        computed("invoiced_balance_in_cents", _work("invoiced")),
        computed("sub_stories_time_estimate_in_minutes", _below(_own("time_estimate_in_minutes"))),
        computed("sub_stories_budget_estimate_in_cents", _below(_own("budget_estimate_in_cents"))),
        computed("sub_stories_billable_time_in_minutes", _below(_work("billable"))),
        computed("sub_stories_budget_used_in_cents", _below(_work("used"))),
        computed("assignment_timestamped_at", lambda record, view: view.local(record["updated_at"])),
        computed("percentage_complete", lambda record, view: _share(record, state(record))),
        FieldMap("parent_id", conversion=REF),
        FieldMap("budget_estimate_in_cents", conversion=INTEGER),
        FieldMap("tag_list", conversion=TAGS, default=[]),
        description="",
        position=0,
        priority="normal",
        has_proofing_access=False,
        fixed_fee=False,
        time_trackable=True,
        time_estimate_in_minutes=0,
        weight=None,
        checklist=[],
        archived=False,
    )


def _task_state(record: Record) -> str:
    said = str(kept(record).get("state") or "")
    if record["status"] == "CLOSED":
        return "completed"
    begins = "new" if kept(record).get("story_type") == "issue" else "not started"
    return said if said != "completed" and said else begins


def _milestone_state(record: Record) -> str:
    return {"COMPLETED": "completed", "ACCEPTED": "completed", "IN_PROGRESS": "started"}.get(
        record["status"], "not started"
    )


TASK = _story("task", _task_state, "open_to", lambda record: str(kept(record).get("story_type") or "task"))
MILESTONE = _story("milestone", _milestone_state, "planned", lambda record: "milestone")


def name_of(record: Record, view: Any) -> str:
    """The name of the person of a record."""
    person = view.record("employee", record["employee"])
    return "" if person is None else str(person["name"])


def ccy_of(record: Record, view: Any) -> str:
    """The currency of the project of a record."""
    project = view.record("project", record["project"])
    return "USD" if project is None else str(project["ccy"])


def seat_rate(record: Record, view: Any) -> int | None:
    """What an assignment bills an hour at, where it says so itself."""
    return cents(record["bill_rate_override"], ccy_of(record, view))


def role_rate(record: Record, view: Any) -> int | None:
    """What the project's rate card says of the level of a seat."""
    project = view.record("project", record["project"])
    card = None if project is None else view.record("rate_card", project["rate_card"])
    rows = [] if card is None else [each for each in card["rows"] if each["level"] == record["level"]]
    return cents(rows[0]["rate"], card["ccy"]) if card is not None and rows else None


def cost_rate(record: Record, view: Any) -> int | None:
    person = view.record("employee", record["employee"])
    return None if person is None else cents(person["cost_rate"], person["cost_ccy"])


ACCESS = (
    "view_tasks",
    "edit_tasks",
    "view_time_and_expenses",
    "edit_time_and_expenses",
    "view_financials",
    "edit_financials",
    "admin",
)
"""What a participant may do in a project, weakest first."""
PARTICIPATION = mapped(
    "participations",
    "assignment",
    FieldMap("workspace_id", "project", REF, updatable=False),
    FieldMap("user_id", "employee", REF, updatable=False),
    computed("rate_in_cents", seat_rate),
    computed("workspace_role_id", lambda record, view: role_id(record["level"])),
    computed("active_role", lambda record, view: (record["level"] or "").title()),
    computed("permissions", lambda record, view: {}),
    FieldMap("access_level", conversion=one_of(*ACCESS), default="edit_time_and_expenses"),
    FieldMap("cost_in_cents", conversion=INTEGER),
    role="maven",
    is_team_lead=False,
)
RESOURCE = mapped(
    "workspace_resources",
    "assignment",
    FieldMap("workspace_id", "project", REF, updatable=False),
    FieldMap("user_id", "employee", REF),
    computed("participation_id", lambda record, view: record["id"]),
    computed("role_id", lambda record, view: role_id(record["level"])),
    computed("full_name", name_of),
    computed("display_label", name_of),
    computed("role_name", lambda record, view: (record["level"] or "").title()),
    computed("resource_bill_rate", seat_rate),
    computed("resource_cost_rate", cost_rate),
    computed("role_rate", role_rate),
    computed("total_allocated_minutes", lambda record, view: record["planned_minutes"] or 0),
    computed("allocations_count", lambda record, view: len(view.bookings(record["id"]))),
    FieldMap("start_date", "from_date", DATE),
    FieldMap("end_date", "to_date", DATE),
    label="",
)


def _role_name(record: Record, view: Any) -> str:
    role = str(kept(record).get("role_id") or "")
    return LEVELS[int(role) - 1].title() if role else ""


UNNAMED = mapped(
    "workspace_resources",
    "vendor_object",
    FieldMap("workspace_id", conversion=REF, updatable=False),
    FieldMap("user_id", creatable=False, updatable=False),
    computed("participation_id", lambda record, view: None),
    FieldMap("role_id", conversion=REF),
    computed("full_name", lambda record, view: None),
    computed("display_label", lambda record, view: kept(record).get("label") or _role_name(record, view)),
    computed("role_name", _role_name),
    computed("resource_bill_rate", lambda record, view: None),
    computed("resource_cost_rate", lambda record, view: None),
    computed("role_rate", lambda record, view: None),
    computed("total_allocated_minutes", lambda record, view: view.booked(record["id"])),
    computed("allocations_count", lambda record, view: len(view.bookings(record["id"]))),
    FieldMap("start_date", conversion=DATE),
    FieldMap("end_date", conversion=DATE),
    label="",
)
"""A seat that has a role and nobody on it yet; only Kantata knows it."""
