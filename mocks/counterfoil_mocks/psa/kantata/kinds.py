"""Which kinds of object there are: their associations, filters, default filters, orders, and what callers must give."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil_mocks.psa.kantata import allocations, entry_kinds, invoices, people, rate_cards, submissions
from counterfoil_mocks.psa.kantata.conditions import (
    OF_UNARCHIVED,
    OPEN_SEAT,
    REAL_GROUP,
    REAL_STORY,
    UNARCHIVED,
    USER_LINK,
    VALUES,
    WORKSPACE_LINK,
    active_between,
    among,
    approvers,
    archived_form,
    between,
    by,
    by_custom_choice,
    by_custom_value,
    by_email,
    by_status,
    completed,
    due,
    groups,
    include_archived,
    matching,
    next_milestone,
    nobody,
    own,
    own_seat,
    parents_only,
    participant,
    participant_in,
    participants,
    references_of,
    seat_of,
    seats,
    story_type,
    to,
    unnamed,
)
from counterfoil_mocks.psa.kantata.kind import Kind, Link, derived, equals, kept
from counterfoil_mocks.psa.kantata.objects import (
    GROUP,
    MILESTONE,
    PARTICIPATION,
    RESOURCE,
    TASK,
    UNNAMED,
    USER,
    WORKSPACE,
    minutes,
    role_id,
)

KINDS: Mapping[str, Kind] = {
    each.key: each
    for each in (
        Kind(
            "workspaces",
            "workspace",
            "Workspace",
            "project",
            (WORKSPACE,),
            links={
                "participants": Link("participant_ids", "users", participants),
                "participations": Link("participation_ids", "participations", seats),
                "workspace_resources": Link("workspace_resource_ids", "workspace_resources", seats),
                "workspace_resources_with_unnamed": Link(
                    "workspace_resources_with_unnamed_ids",
                    "workspace_resources",
                    lambda view, record: [*seats(view, record), *unnamed(view, record)],
                ),
                "creator": Link("creator_id", "users", own("employee", "creator_id"), column=True),
                "primary_maven": Link("primary_maven_id", "users", to("employee", "manager"), column=True),
                "primary_counterpart": Link("primary_counterpart_id", "users", nobody),
                "approver": Link("approver_id", "users", lambda view, record: approvers(view, record)[:1], column=True),
                "approvers": Link("approver_ids", "users", approvers),
                "possible_approvers": Link("possible_approver_ids", "users", participants),
                "financial_viewers": Link("financial_viewer_ids", "users", participants),
                "current_user_participation": Link("current_user_participation_id", "participations", own_seat),
                "status_reports": Link("status_report_ids", "status_reports", nobody),
                "current_status_report": Link("current_status_report_id", "status_reports", nobody),
                "next_uncompleted_milestone": Link("next_uncompleted_milestone_id", "stories", next_milestone),
                "workspace_groups": Link("workspace_group_ids", "workspace_groups", groups),
                "primary_workspace_group": Link("primary_workspace_group_id", "workspace_groups", groups),
                "billing_milestones": Link(
                    "billing_milestone_ids",
                    "billing_milestones",
                    lambda view, record: [
                        each for each in view.all("milestone", project=record["id"]) if each["amount"] is not None
                    ],
                ),
                "timesheet_submissions": Link(
                    "timesheet_submission_ids",
                    "timesheet_submissions",
                    lambda view, record: view.all(
                        "vendor_object", vendor="kantata", kind="timesheet_submissions", owner=record["id"]
                    ),
                ),
                "custom_field_values": VALUES,
                "external_references": references_of("Workspace"),
            },
            optional={
                "stage": lambda record, view: kept(record).get("stage", "project"),
                "lock_date": lambda record, view: submissions.locked_to(view),
                "client_lead_name": lambda record, view: None,
                "revenue_recognition_method_id": lambda record, view: kept(record).get("revenue_recognition_method_id"),
                "revenue_recognition_method_name": lambda record, view: None,
                "total_invoiced": lambda record, view: invoices.total_of(view, record),
                "provider_lead_name": lambda record, view: next(
                    (each["name"] for each in view.some("employee", [record["manager"]])), None
                ),
                "minutes_logged": minutes,
                "billable_minutes": lambda record, view: minutes(record, view, billable=True),
                "non_billable_minutes": lambda record, view: minutes(record, view, billable=False),
                "total_minutes_approved": lambda record, view: minutes(record, view, approval="APPROVED"),
                "estimated_minutes": lambda record, view: (record["budget_hours"] or 0) * 60,
            },
            required={"title": "Please give your project a title"},
            filters={
                "matching": matching,
                "budgeted": equals("budgeted"),
                "stage": equals("stage"),
                "creator": equals("creator_id"),
                "has_participant": participant,
                "has_maven_participant": participant,
                "workspace_groups": among("customer"),
                "require_time_approvals": equals("require_time_approvals"),
                "archived": archived_form,
                "include_archived": include_archived,
                "by_custom_text_value": by_custom_value,
                "by_custom_choice_value": by_custom_choice,
                "start_date_between": between("start"),
                "due_date_between": between("end"),
            },
            defaults={("include_archived", "archived"): UNARCHIVED},
            orders=("updated_at", "created_at", "title", "due_date", "start_date", "price", "status"),
            order=("updated_at", "desc"),
            searched=("name", "name_full"),
        ),
        Kind(
            "users",
            "user",
            "User",
            "employee",
            (USER,),
            links={
                "role": Link(
                    "role_id",
                    "roles",
                    lambda view, record: [
                        each
                        for each in view.face.derived(view.face.kinds["roles"], view)
                        if each["id"] == role_id(record["level"])
                    ],
                ),
                "custom_field_values": VALUES,
                "external_references": references_of("User"),
                "account_membership": Link(
                    "account_membership_id", "account_memberships", lambda view, record: [record]
                ),
                "skill_memberships": Link(
                    "skill_membership_ids",
                    "skill_memberships",
                    lambda view, record: [
                        each
                        for each in view.all("vendor_object", vendor="kantata", kind="skill_memberships")
                        if kept(each)["user_id"] == record["id"]
                    ],
                ),
            },
            filters={
                "participant_in": participant_in,
                "by_email_address": by_email,
                "by_custom_text_value": by_custom_value,
                "by_custom_choice_value": by_custom_choice,
            },
            orders=("full_name", "created_at", "updated_at"),
            order=("created_at", "asc"),
            searched=("name",),
            verbs="list get",
        ),
        Kind(
            "workspace_groups",
            "workspace_group",
            "WorkspaceGroup",
            "customer",
            (GROUP,),
            links={
                "workspaces": Link("workspace_ids", "workspaces", by("project", "customer")),
                "custom_field_values": VALUES,
                "external_references": references_of("WorkspaceGroup"),
            },
            required={"name": "Name can't be blank"},
            filters={
                "company": equals("company"),
                "matching": matching,
                "by_custom_text_value": by_custom_value,
                "by_custom_choice_value": by_custom_choice,
            },
            defaults={(): REAL_GROUP},
            orders=("name", "created_at", "updated_at"),
            order=("name", "asc"),
            searched=("name", "name_full"),
            verbs="create list get update delete",
        ),
        Kind(
            "stories",
            "story",
            "Story",
            "task",
            (TASK, MILESTONE),
            links={
                "workspace": WORKSPACE_LINK,
                "assignees": Link("assignee_ids", "users", allocations.assignees),
                "current_assignments": Link(
                    "current_assignment_ids",
                    "assignments",
                    lambda view, record: allocations.assignments_of(view, record["id"]),
                ),
                "sub_stories": Link("sub_story_ids", "stories", lambda view, record: view.stories.children(record)),
                "descendants": Link("descendant_ids", "stories", lambda view, record: view.stories.descendants(record)),
                "ancestors": Link(
                    "ancestor_ids", "stories", lambda view, record: view.stories.ancestors(record), column=True
                ),
                "parent": Link(
                    "parent_id", "stories", lambda view, record: view.stories.ancestors(record)[-1:], column=True
                ),
                "custom_field_values": VALUES,
                "external_references": references_of("Story"),
            },
            required={
                "title": "Title can't be blank",
                "workspace_id": "Workspace can't be blank",
                "story_type": "Story type can't be blank",
            },
            filters={
                "workspace_id": among("project"),
                "story_type": story_type,
                "completed": completed,
                "by_status": by_status,
                "due_between": due("between"),
                "due_after": due("after"),
                "due_before": due("before"),
                "active_between": active_between,
                "archived": archived_form,
                "assigned_to_current_user": allocations.mine,
                "parents_only": parents_only,
                "with_parent_id": equals("parent_id"),
                "by_custom_text_value": by_custom_value,
                "by_custom_choice_value": by_custom_choice,
            },
            defaults={(): REAL_STORY, ("in_archived_workspaces",): OF_UNARCHIVED},
            orders=("created_at", "updated_at", "title", "due_date"),
            order=("created_at", "asc"),
            searched=("name",),
            verbs="create list get update delete",
            bulk=300,
        ),
        Kind(
            "participations",
            "participation",
            "Participation",
            "assignment",
            (PARTICIPATION,),
            links={
                "workspace": WORKSPACE_LINK,
                "user": USER_LINK,
                "external_references": references_of("Participation"),
            },
            required={
                "workspace_id": "Workspace can't be blank",
                "user_id": "User can't be blank",
                "role": "Role can't be blank",
            },
            filters={"workspace_id": among("project"), "workspace_ids": among("project"), "user_id": among("employee")},
            defaults={(): OPEN_SEAT},
            order=("created_at", "asc"),
            verbs="create list get update delete",
        ),
        Kind(
            "workspace_resources",
            "workspace_resource",
            "WorkspaceResource",
            "assignment",
            (RESOURCE, UNNAMED),
            links={
                "workspace": Link(
                    "workspace_id",
                    "workspaces",
                    lambda view, record: view.some("project", [record.get("project") or record.get("owner")]),
                    column=True,
                ),
                "user": Link(
                    "user_id",
                    "users",
                    lambda view, record: view.some("employee", [record.get("employee")]),
                    column=True,
                ),
                "participation": Link(
                    "participation_id",
                    "participations",
                    lambda view, record: [record] if "employee" in record else [],
                    column=True,
                ),
            },
            required={"workspace_id": "Workspace can't be blank"},
            filters={"workspace_id": seat_of("project"), "user_id": seat_of("employee")},
            defaults={(): OPEN_SEAT},
            order=("created_at", "asc"),
            verbs="create list get update delete",
            bulk=200,
        ),
        *entry_kinds.KINDS,
        derived("roles", "role", "Role", "role"),
        # what the business has none of: a reader of the whole account finds no such object, and none can be made
        derived("status_reports", "status_report", "StatusReport", "status_report", verbs="list"),
        derived("estimates", "estimate", "Estimate", "estimate", verbs="list"),
        derived("estimate_scenarios", "estimate_scenario", "EstimateScenario", "estimate_scenario", verbs="list"),
        derived("posts", "post", "Post", "post", verbs="list"),
        derived("expense_categories", "expense_category", "ExpenseCategory", "expense_category"),
        derived("custom_fields", "custom_field", "CustomField", "custom_field", "subject_type"),
        derived(
            "custom_field_values",
            "custom_field_value",
            "CustomFieldValue",
            "custom_field_value",
            "subject_id",
            "custom_field_id",
            "with_custom_field_id",
            verbs="",
        ),
        *invoices.KINDS,
        *allocations.KINDS,
        *people.KINDS,
        *rate_cards.KINDS,
    )
}
