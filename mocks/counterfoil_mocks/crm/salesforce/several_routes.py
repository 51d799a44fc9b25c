"""Routes to several records or calls at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.crm.salesforce import errors, several, shapes
from counterfoil_mocks.crm.salesforce.desk import Desk
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id
from counterfoil_mocks.crm.salesforce.spelling import DATA, Run, version_of
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

SINCE = 42
"""The version that brought collections."""


class Several:
    """Collections, trees, batches, composites and graphs."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face

    def operations(self) -> Iterable[Operation]:
        """The routes."""
        yield from self._several()

    def _several(self) -> Iterable[Operation]:
        base = DATA + "/composite"

        def write(name: str, method: str, path: str, run: Run, summary: str, kind: str = "json") -> Operation:
            return Operation(name, method, base + path, run, summary, write=True, kind=kind)

        yield write(
            "composite",
            "POST",
            "",
            lambda ask: several.composite(self.face, self.face.desk(ask), self._json(ask)),
            "Several calls",
            "outer",
        )
        yield write(
            "composite_batch",
            "POST",
            "/batch",
            lambda ask: several.batch(self.face, self.face.desk(ask), self._json(ask)),
            "Several calls",
            "outer",
        )
        yield write("composite_graph", "POST", "/graph", self._graphs, "Graphs of calls", "outer")
        yield write("create_records", "POST", "/sobjects", self._create_all, "Make records")
        yield write("update_records", "PATCH", "/sobjects", self._update_all, "Change records")
        yield write("delete_records", "DELETE", "/sobjects", self._delete_all, "Put records into the bin")
        yield write(
            "upsert_records",
            "PATCH",
            "/sobjects/{object}/{field}",
            self._upsert_all,
            "Make or change records by external id",
        )
        yield Operation("get_records", "GET", base + "/sobjects/{object}", self._get_all, "Records")
        yield Operation("get_records", "POST", base + "/sobjects/{object}", self._get_all, "Records", kind="json")
        yield write(
            "create_tree",
            "POST",
            "/tree/{object}",
            lambda ask: several.tree(self.face.at(ask), ask.params["object"], ask.body),
            "Make records with children",
        )

    def _json(self, ask: Ask) -> Any:
        try:
            return orjson.loads(ask.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise Refused(
                400,
                "JSON_PARSER_ERROR",
                f"Unexpected character ({error.msg}) at [line:{error.lineno}, column:{error.colno}]",
            ) from None

    def _graphs(self, ask: Ask) -> Answer:
        desk, shown = self.face.desk(ask), []
        for graph in shapes.objects(self._json(ask), "graphs"):
            parts = {"compositeRequest": graph.get("compositeRequest"), "allOrNone": True}
            answer = several.composite(self.face, desk, parts, several.MOST_NODES).payload
            good = all(each["httpStatusCode"] < 400 for each in answer["compositeResponse"])
            shown.append({"graphId": graph.get("graphId"), "graphResponse": answer, "isSuccessful": good})
        return Answer(200, {"graphs": shown})

    def _desk(self, ask: Ask) -> Desk:
        """The desk of a call about several records; raises Refused where its version has none."""
        if float(version_of(ask.params["version"])) < SINCE:
            raise errors.not_found()
        return self.face.at(ask)

    def _rows(self, ask: Ask) -> tuple[Desk, Any, bool]:
        desk = self._desk(ask)
        if not shapes.an_object(ask.body).get("records"):
            raise Refused(400, "JSON_PARSER_ERROR", "records is expected to be a list of objects")
        return desk, shapes.objects(ask.body, "records"), bool(ask.body.get("allOrNone"))

    def _create_all(self, ask: Ask) -> Answer:
        desk, items, together = self._rows(ask)

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            return {"id": desk.create(several.type_of(desk, item), item), "success": True, "errors": []}

        return Answer(200, several.rows(desk, items, together, one))

    def _update_all(self, ask: Ask) -> Answer:
        desk, items, together = self._rows(ask)

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            record_id = several.id_of(item)
            desk.update(several.type_of(desk, item), record_id, several.without_id(item))
            return {"id": record_id, "success": True, "errors": []}

        return Answer(200, several.rows(desk, items, together, one))

    def _upsert_all(self, ask: Ask) -> Answer:
        desk, items, together = self._rows(ask)
        each = desk.object(ask.params["object"])
        field = desk.external_field(each, ask.params["field"])

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            value = next((value for name, value in item.items() if name.lower() == field.name.lower()), None)
            if field.name == "Id":
                record_id, created = (
                    (desk.create(each, several.without_id(item)), True)
                    if not value
                    else desk.upsert(each, field, str(value), several.without_id(item))
                )
            else:
                record_id, created = desk.upsert(
                    each, field, "" if value is None else str(value), several.without_id(item)
                )
            return {"id": record_id, "success": True, "errors": [], "created": created}

        return Answer(200, several.rows(desk, items, together, one))

    def _delete_all(self, ask: Ask) -> Answer:
        asked = dict(ask.query)
        desk = self._desk(ask)

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            if not is_id(item):
                raise Refused(400, "MALFORMED_ID", f"malformed id {item}", ["Id"])
            each = self.face.object_of(item)
            if each is None or not each.entity:
                raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
            desk.delete(each, item)
            return {"id": long_id(item), "success": True, "errors": []}

        ids = [each for each in asked.get("ids", "").split(",") if each]
        if not ids:
            raise Refused(400, "MISSING_ARGUMENT", "ids not specified")
        return Answer(200, several.rows(desk, ids, asked.get("allOrNone", "").lower() == "true", one))

    def _get_all(self, ask: Ask) -> Answer:
        asked = dict(ask.query)
        body = shapes.an_object(ask.body or {})
        ids = shapes.texts(body.get("ids"), "ids") or [each for each in asked.get("ids", "").split(",") if each]
        fields = shapes.texts(body.get("fields"), "fields") or [
            each for each in asked.get("fields", "").split(",") if each
        ]
        desk = self._desk(ask)
        each = desk.object(ask.params["object"])
        if len(ids) > several.MOST_READ:
            raise Refused(
                400,
                "EXCEEDED_ID_LIMIT",
                f"record limit reached. cannot submit more than {several.MOST_READ} records into this call",
            )
        if not fields:
            raise Refused(400, "MISSING_ARGUMENT", "fields not specified")
        fields = [*fields, *([] if any(name.lower() == "id" for name in fields) else ["Id"])]
        shown = [self.face.reader.find(each, long_id(record_id), desk.version, fields) for record_id in ids]
        return Answer(200, [None if found is None or found[0] else found[1] for found in shown])
