"""Kinds of object that are recorded on projects: time, expenses, what is billed, submissions, references and locks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.fieldmap import ObjectMap
from counterfoil_mocks.psa.kantata import references
from counterfoil_mocks.psa.kantata.conditions import (
    OF_UNARCHIVED,
    PRICED,
    USER_LINK,
    VALUES,
    WORKSPACE_LINK,
    active,
    among,
    between,
    by_custom_choice,
    by_custom_value,
    counts_as_approved,
    flag,
    from_archived,
    in_submission,
    level,
    of_caller,
    on_invoice,
    own,
    references_of,
    role_link,
)
from counterfoil_mocks.psa.kantata.entry_objects import (
    BILLING_MILESTONE,
    EXPENSE,
    EXPENSE_REPORT,
    LOCK,
    REFERENCE,
    TIME_ENTRY,
    TIMESHEET,
    category,
)
from counterfoil_mocks.psa.kantata.kind import VENDOR, Kind, Link, equals, kept


def _submission_kind(key: str, root: str, subject: str, noun: str, map: ObjectMap, items: str, entity: str) -> Kind:
    def lines(view: Any, record: Record) -> list[Record]:
        found = view.some(entity, kept(record)["line_item_ids"])
        if kept(record)["status"] in ("rejected", "cancelled"):
            return []
        return [each for each in found if kept(each).get("recent_submission_id") == record["id"]]

    return Kind(
        key,
        root,
        subject,
        noun,
        (map,),
        links={
            items: Link(f"{'time_entry' if entity == 'time_entry' else 'expense'}_ids", items, lines),
            "user": Link("user_id", "users", own("employee", "user_id"), column=True),
            "workspace": Link("workspace_id", "workspaces", own("project", "workspace_id"), column=True),
            "external_references": references_of(subject),
        },
        required={
            "workspace_id": "Workspace can't be blank",
            "line_item_ids": "Line items can't be blank",
            "title": "Title can't be blank",
        },
        filters={name: equals(name) for name in ("workspace_id", "user_id", "status")},
        verbs="list get",
    )


def submissions_of(key: str) -> dict[str, Link]:
    """The submissions that an entry is in and was in last."""
    return {
        f"{name}_submission": Link(
            f"{name}_submission_id", key, own("vendor_object", f"{name}_submission_id"), column=True
        )
        for name in ("active", "recent")
    }


def invoices_of(name: str) -> Callable[[Any, Record], list[Record]]:
    """The invoice that an entry is on. name: of the invoice's list of such entries."""

    def get(view: Any, record: Record) -> list[Record]:
        if record["billing"] not in ("BILLED", "CREDITED"):
            return []
        for where in ({"owner": record["project"]}, {}):  # an invoice of several projects is the first one's
            for each in view.all("vendor_object", vendor=VENDOR, kind="invoices", **where):
                if kept(each)["status"] != "cancelled" and record["id"] in kept(each)[name]:
                    return [each]
        return []

    return get


def open_to_change(record: Record, view: Any) -> bool:
    """Whether a time entry can be changed: neither handed in nor invoiced, and approved only where no approval is needed."""
    if record["approval"] in ("DRAFT", "REJECTED"):
        return True
    free = not view.requires_approval(record["project"]) and not kept(record).get("active_submission_id")
    return bool(record["approval"] == "APPROVED" and free and record["billing"] not in ("BILLED", "CREDITED"))


def synced_after(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool] | None:
    """References that were synced since an instant."""
    since = view.instant("last_synced_after")
    return None if since is None else sa.cast(references.member(table, "last_synced_at"), sa.Text) >= since


KINDS: tuple[Kind, ...] = (
    Kind(
        "time_entries",
        "time_entry",
        "TimeEntry",
        "time_entry",
        (TIME_ENTRY,),
        links={
            "workspace": WORKSPACE_LINK,
            "user": USER_LINK,
            "story": Link(
                "story_id",
                "stories",
                lambda view, record: [] if kept(record).get("without_story") else view.some("task", [record["task"]]),
                column=True,
            ),
            **submissions_of("timesheet_submissions"),
            "role": role_link("role_id", level),
            "invoice": Link("invoice_id", "invoices", invoices_of("time_entry_ids")),
            "external_references": references_of("TimeEntry"),
            "custom_field_values": VALUES,
        },
        optional={
            "user_can_edit": open_to_change,
            "location_id": lambda record, view: None,
        },
        required={
            "workspace_id": "Workspace can't be blank",
            "date_performed": "Date performed can't be blank",
            "time_in_minutes": "Time in minutes is not a number",
        },
        filters={
            "workspace_id": among("project"),
            "workspace_ids": among("project"),
            "with_user_ids": among("employee"),
            "story_id": among("task"),
            "date_performed_between": between("work_date"),
            "billable": equals("billable"),
            "in_active_submission": active,
            "with_timesheet_id": in_submission("active_submission_id"),
            "with_recent_timesheet_ids": in_submission("recent_submission_id"),
            "approved": counts_as_approved,
            "invoiced": flag(lambda table: table.c.billing.in_(["BILLED", "CREDITED"])),
            "uninvoiced": flag(lambda table: table.c.billing.not_in(["BILLED", "CREDITED"])),
            "from_archived_workspaces": from_archived,
            "in_active_invoice_id": on_invoice("time_entry_ids"),
            "by_custom_text_value": by_custom_value,
            "by_custom_choice_value": by_custom_choice,
        },
        defaults={("from_archived_workspaces",): OF_UNARCHIVED},
        orders=("date_performed", "created_at", "updated_at"),
        order=("date_performed", "desc"),
        verbs="create list get update delete",
    ),
    Kind(
        "expenses",
        "expense",
        "Expense",
        "expense",
        (EXPENSE,),
        links={
            "workspace": WORKSPACE_LINK,
            "user": USER_LINK,
            "story": Link("story_id", "stories", own("task", "story_id"), column=True),
            "expense_category": Link(
                "expense_category_id",
                "expense_categories",
                lambda view, record: [
                    each
                    for each in view.face.derived(view.face.kinds["expense_categories"], view)
                    if each["name"] == category(record)
                ],
                column=True,
            ),
            **submissions_of("expense_report_submissions"),
            "invoice": Link("invoice_id", "invoices", invoices_of("expense_ids")),
            "external_references": references_of("Expense"),
            "custom_field_values": VALUES,
        },
        required={
            "workspace_id": "Workspace can't be blank",
            "date": "Date can't be blank",
            "category": "Category can't be blank",
            "amount_in_cents": "Amount can't be blank",
        },
        filters={
            "workspace_id": among("project"),
            "workspace_ids": among("project"),
            "with_user_ids": among("employee"),
            "in_active_invoice_id": on_invoice("expense_ids"),
            "date_expensed_between": between("spend_date"),
            "reimbursable": equals("reimbursable"),
            "mine": of_caller,
            "by_custom_text_value": by_custom_value,
            "by_custom_choice_value": by_custom_choice,
            "submitted": flag(lambda table: table.c.approval.not_in(["DRAFT", "REJECTED"])),
            "unsubmitted": flag(lambda table: table.c.approval.in_(["DRAFT", "REJECTED"])),
            "approved": flag(lambda table: table.c.approval == "APPROVED"),
            "invoiced": flag(lambda table: table.c.billing.in_(["BILLED", "CREDITED"])),
            "uninvoiced": flag(lambda table: table.c.billing.not_in(["BILLED", "CREDITED"])),
        },
        defaults={("from_archived_workspaces",): OF_UNARCHIVED},
        orders=("date", "created_at"),
        order=("date", "desc"),
        verbs="create list get update delete",
        bulk=100,
    ),
    Kind(
        "billing_milestones",
        "billing_milestone",
        "BillingMilestone",
        "milestone",
        (BILLING_MILESTONE,),
        links={
            "workspace": WORKSPACE_LINK,
            "story": Link("story_id", "stories", lambda view, record: [record], column=True),
            "invoices": Link("invoice_ids", "invoices", own("vendor_object", "invoice_id")),
            "external_references": references_of("BillingMilestone"),
        },
        required={
            "title": "Title can't be blank",
            "amount_in_cents": "Amount can't be blank",
            "workspace_id": "Workspace can't be blank",
        },
        filters={"workspace_id": among("project")},
        defaults={(): PRICED},
        verbs="create list get update delete",
        bulk=100,
    ),
    _submission_kind(
        "timesheet_submissions",
        "timesheet_submission",
        "TimesheetSubmission",
        "timesheet",
        TIMESHEET,
        "time_entries",
        "time_entry",
    ),
    _submission_kind(
        "expense_report_submissions",
        "expense_report_submission",
        "ExpenseReportSubmission",
        "expense_report",
        EXPENSE_REPORT,
        "expenses",
        "expense",
    ),
    Kind(
        references.KIND,
        "external_reference",
        "ExternalReference",
        "external_reference",
        (REFERENCE,),
        links={
            "subject": Link("subject_ref", "", lambda view, record: view.face.subjects_of(view, record), column=True)
        },
        filters={
            name: equals(name)
            for name in ("subject_type", "service_name", "service_model", "service_model_ref", "external_status")
        }
        | {
            "subject_id": among("owner"),
            "last_synced_after": synced_after,
            "status": lambda view, map, table, value: (
                references.member(table, "status") == references.STATES.get(value, value)
            ),
        },
        verbs="get delete",
    ),
    Kind(
        "line_item_locks",
        "line_item_lock",
        "LineItemLock",
        "line_item_lock",
        (LOCK,),
        required={"locked_to": "Locked to can't be blank"},
        verbs="list get",
    ),
)
