"""Kantata's events: a feed to pull from, nine days long. There are no webhooks; whoever subscribes gets the native events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.psa.kantata.errors import Refused, forbidden
from counterfoil_mocks.psa.kantata.kind import VENDOR, Kind, kept
from counterfoil_mocks.psa.kantata.view import View

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.tx import Tx
    from counterfoil_mocks.psa.kantata.api import KantataFace

RETENTION_DAYS = 9
SUBJECTS = {
    "workspaces": "workspace",
    "users": "user",
    "workspace_groups": "workspace_group",
    "stories": "story",
    "participations": "participation",
    "time_entries": "time_entry",
    "expenses": "expense",
    "billing_milestones": "billing_milestone",
    "timesheet_submissions": "timesheet",
    "expense_report_submissions": "expense_report",
    "invoices": "invoice",
    "workspace_allocations": "workspace_allocation",
}
"""What event types call a kind of object."""
VERBS = ("created", "updated", "deleted")
FURTHER = ("timesheet:time_entry_added", *(f"workspace:custom_field_value_{verb}" for verb in VERBS))
TYPES = (
    *(f"{subject}:{verb}" for subject in SUBJECTS.values() for verb in VERBS
      if not (subject in ("timesheet", "expense_report") and verb == "deleted")),
    *FURTHER,
)  # fmt: skip
NOISE = ("updated_at",)
MOMENTS = ("created", "updated", "subject_changed")
"""What a feed is asked for by; they are one here, the vendor's events are created minutes after their subject changed."""


def announce(face: KantataFace, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
    """Write down what a deed did to Kantata's objects, whoever did it."""
    view = View(face, {})
    grant = face.calling
    user = face.account.user_id(grant)
    for entity, before, after in touched:
        for kind in kinds_of(face, entity, after):
            verb = "deleted" if after["deleted_at"] else "created" if before is None else "updated"
            was = None if before is None else kind.map_of(before).shown(before, view)
            now = kind.map_of(after).shown(after, view)
            said = {"kind": kind.key, "subject": kind.subject, "user": user, "before": was, "after": now}
            types = [] if verb == "updated" and not difference(was or {}, now) else [verb]
            if kind.key == "workspaces" and verb != "deleted":
                types += [f"custom_field_value_{each}" for each in _set(before, after)]
            if kind.key == "timesheet_submissions" and verb == "created":
                types += ["time_entry_added"] * len(kept(after)["line_item_ids"])
            for each in types:
                tx.tell(entity, after, f"{SUBJECTS[kind.key]}:{each}", said)


def _set(before: Record | None, after: Record) -> list[str]:
    """What became of each value of the account's own custom fields that changed."""
    was = {} if before is None else kept(before).get("values") or {}
    now = kept(after).get("values") or {}
    found = []
    for id in dict.fromkeys((*was, *now)):
        if was.get(id) != now.get(id):
            found.append("created" if was.get(id) is None else "deleted" if now.get(id) is None else "updated")
    return found


def kinds_of(face: KantataFace, entity: Entity, record: Record) -> list[Kind]:
    """The kinds of object that a record is, as far as they have events."""
    found = []
    for key in SUBJECTS:
        kind = face.kinds[key]
        for map in kind.maps:
            if map.entity == entity.name and all(record[name] == value for name, value in map.where.items()):
                if key == "billing_milestones" and record["amount"] is None:
                    continue
                found.append(kind)
    return found


def difference(before: Record, after: Record) -> Record:
    """The members that changed: `[before, after]`."""
    names = [name for name in dict.fromkeys((*before, *after)) if name not in NOISE]
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}


def feed(view: View) -> Record:
    """The events of the last nine days in their envelope, newest first unless asked otherwise; raises Refused."""
    if not view.administrator:
        raise forbidden()
    latest, each_type = view.flag("most_recent"), view.flag("most_recent_by_event_type")
    if latest and each_type:
        raise Refused(
            400, [{"type": "system", "message": "most_recent and most_recent_by_event_type exclude each other"}]
        )
    rows = list(_rows(view))
    if latest or each_type:
        last = {
            (row["shown"]["subject_type"], row["shown"]["subject_id"], row["type"] if each_type else ""): row
            for row in rows
        }
        rows = list(last.values())
    if view.text("order") not in ("created_at:asc", "created_at"):
        rows.reverse()
    only = view.only()
    rows = [row for row in rows if only is None or row["shown"]["id"] in only]
    size, start = view.span()
    shown = rows[start : None if size is None else start + size]
    count = len(rows)
    return {
        "count": count,
        "results": [{"key": "subscribed_events", "id": row["shown"]["id"]} for row in shown],
        "subscribed_events": {row["shown"]["id"]: _with_payload(view, row) for row in shown},
        **_subjects(view, shown),
        "meta": view.meta(count),
    }


def _subjects(view: View, rows: Sequence[Record]) -> Record:
    """The subjects that are still there, by collection and id, where they are asked for."""
    found: dict[str, Record] = {}
    for row in rows if "subject" in view.names("include") else ():
        kind, id = view.face.kinds[row["said"]["kind"]], str(row["shown"]["subject_id"])
        live = view.find(kind, id)
        if live is not None and id not in found.setdefault(kind.key, {}):
            found[kind.key][id] = view.shown(kind, live)
    return found


def _rows(view: View) -> Any:
    system = view.system
    oldest = clock.later(system.clock.now, days=-RETENTION_DAYS)
    since = max(oldest, *(view.instant(f"{name}_after") or "" for name in MOMENTS))
    until = min(view.instant(f"{name}_before") or "9999" for name in MOMENTS)
    types, subject, ids, users = (
        view.names(name) for name in ("event_types", "subject_type", "subject_id", "user_ids")
    )
    found = system.store.rows(
        f"SELECT seq, type, at, record_id, extra FROM {system.schema}.outbox"
        f" WHERE system = ? AND face = '{VENDOR}' AND at >= ? AND at <= ? ORDER BY seq",
        (system.name, since, until),
    )
    for row in found:
        if types and row["type"] not in types:
            continue
        if view.hidden is not None and view.hidden({"id": str(row["seq"]), "version": 1, "updated_at": row["at"]}):
            continue
        said = orjson.loads(row["extra"])
        if (subject and said["subject"] not in subject) or (ids and row["record_id"] not in ids):
            continue
        if users and said["user"] not in users:
            continue
        shown = {
            "event_type": row["type"],
            "account_id": view.account_id,
            "user_id": said["user"],
            "subject_type": said["subject"],
            "subject_id": int(row["record_id"]),
            "subject_changed_at": view.local(row["at"]),
            "created_at": view.local(row["at"]),
            "updated_at": view.local(row["at"]),
            "id": str(row["seq"]),
        }
        yield {"shown": shown, "type": row["type"], "said": said}


def _with_payload(view: View, row: Record) -> Record:
    shown, said = dict(row["shown"]), row["said"]
    wanted = view.names("optional_fields")
    if "previous_payload" in wanted:
        shown["previous_payload"] = said["before"]
    if "current_payload" in wanted:
        shown["current_payload"] = said["after"]
    changes = difference(said["before"] or {}, said["after"])
    if "payload_changes" in wanted:
        shown["payload_changes"] = changes
    if "change_summary" in wanted:
        shown["change_summary"] = ", ".join(changes)
    if "change_details" in wanted:
        shown["change_details"] = "; ".join(f"{name}: {was} → {now}" for name, (was, now) in changes.items())
    if "subject" in view.names("include"):
        kind = view.face.kinds[said["kind"]]
        live = view.find(kind, str(shown["subject_id"]))
        shown["subject_ref"] = None if live is None else {"key": kind.key, "id": live["id"]}
    return shown
