"""INV-46: reconciliation runs on schedule, and says what there is to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from counterfoil.invariant import Invariant, Params, Row, instant
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.store import Store

UNDER_WAY = timedelta(seconds=5)
"""Business time before a report in which the systems may have changed while it was made."""

REPORTS = """
SELECT seq, at, request FROM journal.entry WHERE kind = 'integration' AND operation LIKE '%int.reconciliation.ran%'
    AND seq > coalesce((SELECT CAST(value AS INTEGER) FROM control.meta WHERE name = 'since'), 0) AND json_valid(request) ORDER BY seq
"""
CLOSED = """
SELECT o.key, min(o.at) AS at, p.legal_entity, p.period FROM erp.outbox o
JOIN erp.period p ON p.system = o.system AND p.id = o.record_id
WHERE o.type IN ('com.counterfoil.erp.period.soft_closed.v1', 'com.counterfoil.erp.period.closed.v1') GROUP BY o.key
"""
HELD = {"billing.invoice": "invoice_no", "billing.credit_memo": "cm_no", "erp.ar_document": "invoice_no"}
SEEDED = """
SELECT '' AS at, t.system, t.id, t.{number} AS number, t.legal_entity, t.ccy, t.issue_date, t.status, t.total, t.deleted_at,
    {doc_type} AS doc_type FROM {place} t
WHERE (t.system, t.id) NOT IN (SELECT h.system, h.id FROM {role}.history h WHERE h.entity = '{entity}')
"""
VERSIONS = "SELECT at, system, id, version, doc, before FROM {role}.history WHERE entity = '{entity}' ORDER BY seq"
UNSEEN = ("DRAFT", "PENDING_APPROVAL", "APPROVED", "DISCARDED", "VOID")

Scope = tuple[str, str, str]
"""Legal entity, period, currency."""


@dataclass
class Totals:
    """Documents of both sides at an instant. shown: of each document by table, system and id: its scope, number, kind and signed amount in minor
    units; sums: billed less posted, by scope."""

    shown: dict[tuple[str, ...], tuple[Scope, str, str, int]] = field(default_factory=dict)
    sums: dict[Scope, int] = field(default_factory=dict)

    def put(self, place: str, doc: Row) -> None:
        """Take a version of a document."""
        me = (place, doc["system"], doc["id"])
        before = self.shown.pop(me, None)
        if before is not None:
            self.sums[before[0]] -= before[3]
        if doc["status"] in UNSEEN or doc["deleted_at"] or doc["issue_date"] is None:
            return
        scope = (str(doc["legal_entity"]), str(doc["issue_date"])[:7], str(doc["ccy"]))
        memo = place == "billing.credit_memo" or doc["doc_type"] == "CREDIT_MEMO"
        signed = abs(doc["total"] or 0) * (-1 if memo else 1) * (-1 if place == "erp.ar_document" else 1)
        self.shown[me] = (scope, str(doc["number"]), "MEMO" if memo else "INVOICE", signed)
        self.sums[scope] = self.sums.get(scope, 0) + signed

    def differing(self) -> dict[str, tuple[Scope, int]]:
        """Numbers of documents that are not on both sides once, with the same amount in the same scope."""
        sides: dict[tuple[str, str], list[tuple[Scope, int]]] = {}
        for scope, number, kind, signed in self.shown.values():
            sides.setdefault((kind, number), []).append((scope, signed))
        found = {}
        for (_, number), there in sides.items():
            gap = sum(signed for _, signed in there)
            if len(there) != 2 or gap or there[0][0] != there[1][0]:
                found[number] = (there[0][0], gap)
        return found


def versions(store: Store) -> list[tuple[str, str, Row]]:
    """Every version of every document: the instant from which it stands, where, what it says; in order."""
    found: list[tuple[str, str, Row]] = []
    for place, number in HELD.items():
        role, entity = place.split(".")
        names = {"place": place, "role": role, "entity": entity, "number": number}
        doc_type = "t.doc_type" if entity == "ar_document" else "NULL"
        found += [("", place, row) for row in store.rows(SEEDED.format(**names, doc_type=doc_type))]
        seen: set[tuple[str, str]] = set()
        for row in store.rows(VERSIONS.format(**names)):
            doc = orjson.loads(row["doc"])
            if (row["system"], row["id"]) not in seen and row["before"]:
                found.append(("", place, described(row, {**doc, **orjson.loads(row["before"])}, number)))
            seen.add((row["system"], row["id"]))
            found.append((row["at"], place, described(row, doc, number)))
    return sorted(found, key=lambda each: each[0])


def described(row: Row, doc: dict[str, Any], number: str) -> Row:
    """A document as a row of SEEDED has it."""
    names = ("legal_entity", "ccy", "issue_date", "status", "total", "deleted_at", "doc_type")
    return {"system": row["system"], "id": row["id"], "number": doc.get(number)} | {
        each: doc.get(each) for each in names
    }


def find(store: Store, params: Params) -> list[Row]:
    """Closed periods that nobody reconciled, and reports that do not say what the systems said at the time."""
    reports = [{**row, "data": orjson.loads(row["request"]).get("data") or {}} for row in store.rows(REPORTS)]
    closed = [row for row in store.rows(CLOSED) if row["at"] <= params["dl_r"]]
    if not reports and not closed:
        return []
    timeline = versions(store)
    return [*unreconciled(closed, reports, timeline), *mistaken(reports, timeline)]


def unreconciled(closed: list[Row], reports: list[Row], timeline: list[tuple[str, str, Row]]) -> Iterator[Row]:
    """Periods with documents that were closed and that no report since then covers."""
    all_of_it = Totals()
    for _, place, doc in timeline:
        all_of_it.put(place, doc)
    for each in closed:
        scopes = [scope for scope in all_of_it.sums if scope[:2] == (each["legal_entity"], each["period"])]
        told = {
            (one.get("legal_entity"), one.get("period"), one.get("ccy"))
            for report in reports
            if report["at"] >= each["at"]
            for one in report["data"].get("scopes") or ()
        }
        if scopes and told.isdisjoint(scopes):
            yield {"what": "closed without reconciliation", "key": each["key"], "at": each["at"], "ccy": scopes[0][2]}


def mistaken(reports: list[Row], timeline: list[tuple[str, str, Row]]) -> Iterator[Row]:
    """Reports against the documents as they were when each was made."""
    now, at = Totals(), 0
    for report in reports:
        begun = instant(clock.parse(report["at"]) - UNDER_WAY)
        told: dict[Scope, int] = {
            (one["legal_entity"], one["period"], one["ccy"]): one["variance"]
            for one in report["data"].get("scopes") or ()
        }
        possible: dict[Scope, set[int]] = {}
        stood: dict[str, tuple[Scope, int]] | None = None
        while at < len(timeline) and timeline[at][0] <= report["at"]:
            if timeline[at][0] >= begun and stood is None:
                stood = now.differing()
                possible = {scope: {now.sums.get(scope, 0)} for scope in told}
            now.put(*timeline[at][1:])
            at += 1
            if stood is not None:
                for scope in told:
                    possible[scope].add(now.sums.get(scope, 0))
        for scope, variance in told.items():
            true = now.sums.get(scope, 0)
            if variance != true and variance not in possible.get(scope, ()):
                yield row_of("variance is not what the systems say", report, scope, variance, true)
        items = report["data"].get("items") or ()
        named = {str(one.get("key")) for one in items}
        for number, (scope, gap) in now.differing().items():
            if scope in told and number not in named and (stood is None or number in stood):
                yield {**row_of("difference is not reported", report, scope, None, gap), "number": number}


def row_of(what: str, report: Row, scope: Scope, shown: int | None, true: int) -> Row:
    """One row of evidence."""
    legal_entity, period, ccy = scope
    return {
        "what": what,
        "key": f"{legal_entity}/{period}",
        "number": None,
        "at": report["at"],
        "ccy": ccy,
        "amount": (shown or 0) - true if shown is not None else true,
        "shown": shown,
        "true": true,
        "journal_seq": report["seq"],
    }


INVARIANT = Invariant(
    id="INV-46",
    rule="Each company's period is reconciled when it closes; the variance that is reported is the true one, and every difference behind"
    " it is named.",
    kind="P",
    deadlines=("DL-R",),
    presupposes=("reconciliation",),
    keys=("what", "key", "number", "ccy"),
    find=find,
)
