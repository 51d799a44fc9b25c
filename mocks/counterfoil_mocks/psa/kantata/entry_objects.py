"""What is recorded on projects as data: time, expenses, what is billed, submissions, references and locks."""

from __future__ import annotations

from typing import Any

from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import DATE, INTEGER, MINOR
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap
from counterfoil_mocks.psa.kantata import references
from counterfoil_mocks.psa.kantata.kind import REF, TRUTH, WORDS, computed, kept, mapped
from counterfoil_mocks.psa.kantata.objects import CATEGORIES, cents, cost_rate, currency, title


def approved(record: Record, view: Any) -> bool:
    """Whether an entry counts as approved."""
    return record["approval"] == "APPROVED" or not view.requires_approval(record["project"])


def _story_id(record: Record, view: Any) -> str | None:
    return None if kept(record).get("without_story") else str(record["task"])


def _entry_rate(record: Record, view: Any) -> int | None:
    if record["bill_rate"] is not None:
        return cents(record["bill_rate"], record["ccy"])
    said = kept(record).get("rate_in_cents")
    return view.face.rate_now(view, record) if said is None else int(said)


TIME_ENTRY = mapped(
    "time_entries",
    "time_entry",
    FieldMap("workspace_id", "project", REF, creatable=False, updatable=False),
    computed("story_id", _story_id),
    FieldMap("user_id", "employee", REF),
    FieldMap("date_performed", "work_date", DATE),
    FieldMap("time_in_minutes", "minutes", INTEGER),
    FieldMap("billable", "billable", TRUTH),
    FieldMap("notes", "note", default=""),
    computed("rate_in_cents", _entry_rate),
    computed("cost_rate_in_cents", cost_rate),
    *currency(),
    computed("approved", approved),
    computed("is_invoiced", lambda record, view: record["billing"] in ("BILLED", "CREDITED")),
    FieldMap("active_submission_id", conversion=REF, creatable=False, updatable=False),
    FieldMap("recent_submission_id", conversion=REF, creatable=False, updatable=False),
    FieldMap("location", conversion=WORDS),
    FieldMap("role_id", conversion=REF),
    taxable=False,
)


def category(record: Record) -> str:
    """What Kantata calls the category of an expense."""
    return str(kept(record).get("category") or CATEGORIES[record["category"]])


def _category_id(record: Record, view: Any) -> str | None:
    return next((id for id, name in enumerated() if name == category(record)), None)


def enumerated() -> list[tuple[str, str]]:
    """The built-in categories of expenses: ids and names."""
    return [(str(number), name) for number, name in enumerate((*CATEGORIES.values(), "Entertainment"), 1)]


EXPENSE = mapped(
    "expenses",
    "expense",
    FieldMap("workspace_id", "project", REF),
    FieldMap("user_id", "employee", REF),
    FieldMap("date", "spend_date", DATE),
    computed("category", lambda record, view: category(record)),
    computed("expense_category_id", _category_id),
    FieldMap("amount_in_cents", "gross", MINOR),
    *currency("spend_ccy"),
    computed("is_billable", lambda record, view: kept(record).get("billable", record["billing"] != "NOT_BILLABLE")),
    computed("approved", lambda record, view: record["approval"] == "APPROVED"),
    computed("is_invoiced", lambda record, view: record["billing"] in ("BILLED", "CREDITED")),
    FieldMap("active_submission_id", conversion=REF, creatable=False, updatable=False),
    FieldMap("recent_submission_id", conversion=REF, creatable=False, updatable=False),
    *(FieldMap(name, conversion=REF) for name in ("story_id", "vendor_id", "receipt_id")),
    notes="",
    reimbursable=True,
    taxable=False,
    foreign_exchange_amount={},
)
BILLING_MILESTONE = mapped(
    "billing_milestones",
    "milestone",
    FieldMap("workspace_id", "project", REF, updatable=False),
    computed("title", title),
    FieldMap("amount_in_cents", "amount", MINOR),
    *currency(),
    FieldMap("date_to_invoice", "planned", DATE),
    computed("story_id", lambda record, view: record["id"]),
    billing_type="upon_completion",
    invoice_id=None,
)


def _submission(key: str, items: str) -> ObjectMap:
    return mapped(
        key,
        "vendor_object",
        FieldMap("workspace_id", conversion=REF),
        FieldMap("user_id", conversion=REF),
        *(
            FieldMap(name)
            for name in ("title", "comment", "status", "start_date", "end_date", "line_item_total_in_cents")
        ),
        computed(
            "line_item_total_formatted",
            lambda record, view: view.formatted(kept(record)["line_item_total_in_cents"], kept(record)["currency"]),
        ),
        FieldMap("currency"),
        computed("currency_symbol", lambda record, view: view.symbol(kept(record)["currency"])),
        computed("currency_base_unit", lambda record, view: 10 ** money.exponent(kept(record)["currency"])),
        FieldMap("current_resolution_id"),
        FieldMap("current_resolution_creator_id"),
        FieldMap("current_resolution_created_at"),
        FieldMap("current_resolution_created_at_date"),
        FieldMap("current_resolution_description"),
        computed("permissions", _submission_rights),
    )


def _submission_rights(record: Record, view: Any) -> Record:
    status = kept(record)["status"]
    return {
        "can_approve_submission": view.administrator and status == "new",
        "can_reject_submission": view.administrator and status == "new",
        "can_cancel_submission": status in ("new", "approved"),
        "can_resubmit_submission": status in ("rejected", "cancelled"),
    }


TIMESHEET = _submission("timesheet_submissions", "time_entries")
EXPENSE_REPORT = _submission("expense_report_submissions", "expenses")
REFERENCE = mapped(
    references.KIND,
    "vendor_object",
    computed("subject_ref", lambda record, view: view.face.subject_of(view, record)),
    *(FieldMap(name) for name in ("subject_type", *references.FIELDS[:-1])),
    computed("subject_id", lambda record, view: int(kept(record)["subject_id"])),
    computed("last_synced_at", lambda record, view: view.local(kept(record).get("last_synced_at"))),
)
LOCK = mapped(
    "line_item_locks",
    "vendor_object",
    FieldMap("locked_to"),
    FieldMap("creator_id"),
)
