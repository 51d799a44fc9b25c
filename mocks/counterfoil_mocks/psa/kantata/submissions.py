"""Timesheets and expense reports: entries handed in together, approved, rejected and taken back; and the locks of past weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa.kantata import rating
from counterfoil_mocks.psa.kantata.desk import Desk
from counterfoil_mocks.psa.kantata.errors import absent, forbidden, invalid
from counterfoil_mocks.psa.kantata.kind import VENDOR, Kind, kept
from counterfoil_mocks.psa.kantata.view import Given, View

SATURDAY = 5


class Sheet(NamedTuple):
    """What a kind of submission hands in. entity: of the lines. day: their date. words: for refusals. noun: of the deeds."""

    entity: str
    day: str
    words: str
    noun: str


SHEETS: Mapping[str, Sheet] = {
    "timesheet_submissions": Sheet("time_entry", "work_date", "Time entry", "time"),
    "expense_report_submissions": Sheet("expense", "spend_date", "Expense", "expense"),
}
DONE = {"approval": "approved", "rejection": "rejected", "cancellation": "cancelled"}
"""What a resolution makes of a submission."""


def create(desk: Desk, kind: Kind, given: Given) -> Record:
    """Entries of one person and one project handed to the approver."""
    desk.check(kind, given)
    sheet = SHEETS[kind.key]
    project = desk.named("project", given["workspace_id"], "workspace_id", "Workspace")
    ids = given["line_item_ids"] if isinstance(given["line_item_ids"], list) else [given["line_item_ids"]]
    lines = [desk.named(sheet.entity, id, "line_item_ids", sheet.words) for id in ids]
    user = str(given.get("user_id") or lines[0]["employee"])
    if not desk.administrator and user != desk.user_id:
        raise forbidden()
    for line in lines:
        if line["project"] != project["id"]:
            raise invalid(f"{sheet.words} {line['id']} is of another project", "line_item_ids")
        if line["employee"] != user:
            raise invalid(f"{sheet.words} {line['id']} is of another user", "line_item_ids")
        if kept(line).get("active_submission_id") or line["approval"] not in ("DRAFT", "REJECTED"):
            raise invalid(f"{sheet.words} {line['id']} is in a submission already", "line_item_ids")
    days = sorted(line[sheet.day] for line in lines)
    start, end = week(days[0])[0], week(days[-1])[1]
    submission = desk.keep(
        kind.key,
        {
            "workspace_id": project["id"],
            "user_id": user,
            "title": str(given["title"]),
            "comment": given.get("comment"),
            "status": "new",
            "start_date": start,
            "end_date": end,
            "currency": project["ccy"],
            "line_item_total_in_cents": sum(_worth(desk, sheet, line) for line in lines),
            "line_item_ids": [line["id"] for line in lines],
        },
        columns={"owner": project["id"], "name": str(given["title"])[:500]},
    )
    for line in lines:
        moved = line
        if line["approval"] == "REJECTED" and sheet.noun == "expense":
            moved = desk.mark(sheet.entity, line, recent_submission_id=submission["id"])
        moved = desk.do(f"submit_{sheet.noun}", moved["id"])
        desk.mark(sheet.entity, moved, active_submission_id=submission["id"], recent_submission_id=submission["id"])
    return desk.referred(kind, submission, given)


def _worth(view: View, sheet: Sheet, line: Record) -> int:
    if sheet.noun == "expense":
        return int(line["gross"])
    rate = view.face.kinds["time_entries"].maps[0].shown(line, view)["rate_in_cents"] or 0
    return (int(line["minutes"]) * int(rate) + 30) // 60


def week(day: str) -> tuple[str, str]:
    """The first and the last day of the week, Sunday to Saturday, that a day is in."""
    found = date.fromisoformat(day)
    sunday = found - timedelta(days=(found.weekday() + 1) % 7)
    return sunday.isoformat(), (sunday + timedelta(days=6)).isoformat()


def resolve(desk: Desk, kind: Kind, id: str, what: str, given: Given, approver: str) -> Record:
    """Approve, reject or cancel a submission with all its entries; raises Refused."""
    submission = desk.find(kind, id)
    if submission is None:
        raise absent()
    if not desk.administrator and (what != "cancellation" or kept(submission)["user_id"] != desk.user_id):
        raise forbidden()
    sheet, status = SHEETS[kind.key], kept(submission)["status"]
    if not (status == "new" or (status == "approved" and what == "cancellation")):
        raise invalid(f"Submission is {status} and cannot be {DONE[what]}")
    said = given.get("resolution")
    reason = str((said if isinstance(said, dict) else {}).get("description") or DONE[what])[:255]
    for line_id in kept(submission)["line_item_ids"]:
        line = desk.record(sheet.entity, line_id)
        if line is None or kept(line).get("active_submission_id") != submission["id"]:
            continue
        if what == "approval":
            if line["approval"] != "APPROVED":
                if sheet.noun == "time":
                    rating.settle(desk, line)
                desk.do(f"approve_{sheet.noun}", line_id, approver=approver)
            continue
        if line["approval"] == "APPROVED":
            line = desk.do(f"unapprove_{sheet.noun}", line_id, reason=reason)
        desk.mark(sheet.entity, line, active_submission_id=None)
        if line["approval"] == "SUBMITTED":
            desk.do(f"reject_{sheet.noun}", line_id, reason=reason)
    number = desk.system.next_number("kantata:resolution")
    return desk.keep(
        kind.key,
        {
            "status": DONE[what],
            "current_resolution_id": number,
            "current_resolution_type": what,
            "current_resolution_creator_id": desk.user_id,
            "current_resolution_created_at": desk.local(desk.tx.stamp),
            "current_resolution_created_at_date": clock.business_date(desk.tx.now, desk.face.account.zone),
            "current_resolution_description": reason,
        },
        submission,
    )


def resolution_of(submission: Record, subject: str) -> Record:
    """The last resolution of a submission, as the bulk addresses show it: with numbers for ids, without an envelope."""
    said = kept(submission)
    return {
        "id": said["current_resolution_id"],
        "type": said["current_resolution_type"],
        "target_type": subject,
        "target_id": int(submission["id"]),
        "creator_id": int(said["current_resolution_creator_id"] or 0),
        "description": said["current_resolution_description"],
        "current": True,
        "created_at": said["current_resolution_created_at"],
    }


def resolve_all(desk: Desk, kind: Kind, what: str, given: Given, approver: str) -> Record:
    """Resolve several submissions, all or nothing."""
    said = given.get("resolution")
    ids: Sequence[Any] = (said if isinstance(said, dict) else {}).get("submission_ids") or []
    if not isinstance(ids, list) or not ids:
        raise invalid("Submission ids can't be blank", "submission_ids")
    done = [resolve(desk, kind, str(id), what, given, approver) for id in ids]
    return {"resolutions": [resolution_of(each, kind.subject) for each in done]}


# locks


def locked_to(view: View) -> str | None:
    """The last day of locked time, None while nothing is locked."""
    found = view.all("vendor_object", vendor=VENDOR, kind="line_item_locks")
    return max((str(kept(each)["locked_to"]) for each in found), default=None)


def lock(desk: Desk, kind: Kind, given: Given) -> Record:
    """Lock all time up to a past Saturday, for good."""
    if not desk.administrator:
        raise forbidden()
    desk.check(kind, given)
    said = str(given["locked_to"])
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise invalid("Locked to is not a date", "locked_to") from None
    today = clock.business_date(desk.tx.now, desk.face.account.zone)
    if day.weekday() != SATURDAY or said >= today:
        raise invalid("Locked to must be a past Saturday", "locked_to")
    last = locked_to(desk)
    if last is not None and said <= last:
        raise invalid("Locked to must be later than the last lock", "locked_to")
    return desk.keep("line_item_locks", {"locked_to": said, "creator_id": desk.user_id})
