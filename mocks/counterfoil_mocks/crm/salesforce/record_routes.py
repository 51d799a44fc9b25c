"""Routes to single records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.crm.salesforce import asking, errors, several, shapes
from counterfoil_mocks.crm.salesforce.desk import Desk, dumped
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.crm.salesforce.spelling import DATA, Run, later, moment, offset, tag, tag_of
from counterfoil_mocks.crm.salesforce.views import BIN_DAYS
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace


class Records:
    """Reads and writes of single records, by id and by external id."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face

    def operations(self) -> Iterable[Operation]:
        """The routes."""
        yield from self._records()

    def _records(self) -> Iterable[Operation]:
        base = DATA + "/sobjects/{object}"

        def write(name: str, method: str, path: str, run: Run, summary: str) -> Operation:
            return Operation(name, method, path, run, summary, write=True, kind="json")

        yield write("create_record", "POST", base, self._create, "Make a record")
        yield Operation("updated_records", "GET", base + "/updated", self._updated, "Ids of records that were changed")
        yield Operation("deleted_records", "GET", base + "/deleted", self._deleted, "Ids of records that were deleted")
        yield Operation("get_record", "GET", base + "/{id}", self._get, "A record", lasting=True)
        yield write("update_record", "PATCH", base + "/{id}", self._patch, "Change a record")
        yield write("create_record", "POST", base + "/{id}", self._create_by, "Make a record without an external id")
        yield write("delete_record", "DELETE", base + "/{id}", self._delete, "Put a record into the bin")
        yield Operation(
            "get_record",
            "GET",
            base + "/{field}/{value}",
            self._get_by,
            "A record by external id, or what is related to a record",
        )
        yield write(
            "upsert_record", "PATCH", base + "/{field}/{value}", self._upsert, "Make or change a record by external id"
        )
        yield write(
            "delete_record",
            "DELETE",
            base + "/{field}/{value}",
            self._delete_by,
            "Put a record by external id into the bin",
        )

    def _create(self, ask: Ask) -> Answer:
        desk = self.face.at(ask)
        each = desk.object(ask.params["object"])
        several.failed_by_plan(desk, 0, ask.fail_item)
        if each.name.endswith("__e"):
            return Answer(201, self.face.streaming.publish(desk, each, ask.body))
        record_id = desk.create(each, ask.body)
        return self._made(desk, each, record_id)

    def _made(self, desk: Desk, each: SObject, record_id: str, **more: Any) -> Answer:
        key = (desk.raw(each, record_id) or {}).get("key")
        headers = (("location", self.face.url_of(desk.version, each.name, record_id)),)
        return Answer(201, {"id": record_id, "success": True, "errors": [], **more}, key, headers=headers)

    def _create_by(self, ask: Ask) -> Answer:
        if ask.params["id"].lower() != "id":
            raise Refused(
                405, "METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed. Allowed are HEAD,GET,PATCH,DELETE"
            )
        return self._create(ask)

    def _get(self, ask: Ask) -> Answer:
        version = ask.params["version"][1:]
        each = self.face.objects.get(ask.params["object"].lower())
        if each is None:
            raise errors.not_found()
        names = dict(ask.query).get("fields") if ask.request.query else None
        since, known = ask.request.header(b"if-modified-since"), ask.request.header(b"if-none-match")
        record = self.face.reader.get(each, ask.params["id"], version, names.split(",") if names else None)
        if since and not later(record.get("LastModifiedDate"), since):
            return Answer(304, None)
        if self.face.within:
            return Answer(200, record)
        body = dumped(record)
        headers = (("etag", tag_of(body)),) if each.name == "Account" and not names else ()
        if known is not None and headers and headers[0][1] in known:
            return Answer(304, None, headers=headers)
        return Answer(200, orjson.Fragment(body), headers=headers)

    def _patch(self, ask: Ask) -> Answer:
        desk = self.face.at(ask)
        each = desk.object(ask.params["object"])
        if ask.params["id"].lower() == "id":
            raise Refused(405, "METHOD_NOT_ALLOWED", "HTTP Method 'PATCH' not allowed. Allowed are POST")
        one = each.by_name.get(ask.params["id"].lower())
        if one is not None and "X" in one.marks:
            raise Refused(400, "MISSING_ARGUMENT", f"{one.name} not specified", [])
        since = ask.request.header(b"if-unmodified-since")
        if since and later(desk.shown(each, ask.params["id"])["LastModifiedDate"], since):
            raise Refused(412, "PRECONDITION_FAILED", "The record has been modified.")
        wanted = ask.request.header(b"if-match")
        if wanted is not None and each.name == "Account" and tag(desk.shown(each, ask.params["id"])) not in wanted:
            raise Refused(412, "PRECONDITION_FAILED", "The record has been modified.")
        desk.update(each, ask.params["id"], ask.body)
        return Answer(204, None)

    def _delete(self, ask: Ask) -> Answer:
        desk = self.face.at(ask)
        desk.delete(desk.object(ask.params["object"]), ask.params["id"])
        return Answer(204, None)

    def _found(self, desk: Desk, each: SObject, ask: Ask) -> str:
        one = desk.external_field(each, ask.params["field"])
        found = [ask.params["value"]] if one.name == "Id" else desk.by_field(each, one, ask.params["value"])
        if not found:
            raise errors.not_found()
        if len(found) > 1:
            raise desk.several(each, one, found)
        return found[0]

    def _get_by(self, ask: Ask) -> Answer:
        desk = self.face.at(ask)
        each = desk.object(ask.params["object"])
        if is_id(ask.params["field"]) and ask.params["field"].lower() not in each.by_name:
            return self._related(desk, each, ask)
        names = dict(ask.query).get("fields")
        return Answer(200, desk.shown(each, self._found(desk, each, ask), names.split(",") if names else None))

    def _related(self, desk: Desk, each: SObject, ask: Ask) -> Answer:
        record_id, relation = long_id(ask.params["field"]), ask.params["value"]
        record = desk.shown(each, record_id)
        names = (dict(ask.query).get("fields") or "").split(",")
        one = each.by_relation.get(relation.lower())
        if one is not None:
            parent = self.face.object_of(record[one.name] or "")
            if parent is None:
                raise errors.not_found()
            return Answer(200, desk.shown(parent, record[one.name], names if names != [""] else None))
        view = self.face.catalog.find(each.name)
        way = None if view is None else view.by_child.get(relation.lower())
        if way is None:
            raise errors.not_found()
        child = self.face.objects[way.view.lower()]
        fields = ", ".join(names) if names != [""] else ", ".join(one.name for one in child.fields)
        query = f"SELECT {fields} FROM {way.view} WHERE {way.by} = {asking.plain(record_id)}"
        return Answer(200, self.face.queries.first(query, desk.version, None))

    def _upsert(self, ask: Ask) -> Answer:
        desk = self.face.at(ask)
        each = desk.object(ask.params["object"])
        one = desk.external_field(each, ask.params["field"])
        several.failed_by_plan(desk, 0, ask.fail_item)
        for name in shapes.an_object(ask.body):
            if name.lower() in ("id", one.name.lower()):
                message = f"The {one.name if name.lower() != 'id' else 'Id'} field should not be specified in the sobject data."
                raise Refused(400, "INVALID_FIELD", message, [one.name if name.lower() != "id" else "Id"])
        record_id, created = desk.upsert(each, one, ask.params["value"], ask.body)
        told = {"created": created} if float(desk.version) >= 46 else {}
        if created:
            return self._made(desk, each, record_id, **told)
        if not told:
            return Answer(204, None)
        return Answer(200, {"id": record_id, "success": True, "errors": [], **told})

    def _delete_by(self, ask: Ask) -> Answer:
        desk = self.face.at(ask)
        each = desk.object(ask.params["object"])
        desk.delete(each, self._found(desk, each, ask))
        return Answer(204, None)

    def _span(self, ask: Ask) -> tuple[str, str]:
        asked = dict(ask.query)
        try:
            start, end = (clock.render(clock.parse(moment(asked[name]))) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise Refused(400, "INVALID_REPLICATION_DATE", "start and end are date-times in ISO 8601") from None
        now = self.face.system.clock.now
        if start >= end:
            raise Refused(400, "INVALID_REPLICATION_DATE", "endDate before startDate")
        if clock.later(start, minutes=1) > end:
            raise Refused(400, "INVALID_REPLICATION_DATE", "startDate and endDate must be at least one minute apart")
        if start < clock.later(now, days=-30):
            raise Refused(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        return start, min(end, clock.later(now, seconds=1))

    def _updated(self, ask: Ask) -> Answer:
        start, end = self._span(ask)
        rows = self._changed(ask, "updated_at", start, end, deleted=False)
        return Answer(200, {"ids": [row["id"] for row in rows], "latestDateCovered": offset(end)})

    def _deleted(self, ask: Ask) -> Answer:
        start, end = self._span(ask)
        rows = self._changed(ask, "deleted_at", max(start, self.face.catalog.bin_start), end, deleted=True)
        shown = [{"id": row["id"], "deletedDate": offset(row["at"])} for row in rows]
        earliest = offset(clock.later(self.face.system.clock.now, days=-BIN_DAYS))
        return Answer(
            200, {"deletedRecords": shown, "earliestDateAvailable": earliest, "latestDateCovered": offset(end)}
        )

    def _changed(self, ask: Ask, column: str, start: str, end: str, *, deleted: bool) -> list[Record]:
        each = self.face.at(ask).object(ask.params["object"])
        if not each.entity:
            raise Refused(400, "INVALID_REPLICATION_DATE", f"{each.name} is not replicateable")
        kind = "AND kind = :kind" if each.entity == "vendor_object" else ""
        there = "deleted_at IS NOT NULL" if deleted else "deleted_at IS NULL"
        return self.face.system.store.rows(
            f"SELECT id, {column} AS at FROM crm.{each.entity} WHERE system = :system AND {there} {kind}"
            f" AND {column} >= :start AND {column} < :end ORDER BY {column}, id",
            {"system": self.face.system.name, "kind": each.name, "start": start, "end": end},
        )
