"""Routes to records: a row for each type, and what a call to one of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite import errors, filters
from counterfoil_mocks.erp.netsuite.desk import Desk
from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.given import MALFORMED
from counterfoil_mocks.erp.netsuite.kept_objects import LINES
from counterfoil_mocks.erp.netsuite.lists import BY_ID, LISTS
from counterfoil_mocks.erp.netsuite.objects import ADDRESS
from counterfoil_mocks.erp.netsuite.reader import RECORDS, Reader
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols.conversion import same
from counterfoil_mocks.protocols.fieldmap import ChildMap, FieldMap, ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

MOST = 1000
CREATES = {
    "customerPayment": "receive_payment",
    "customerDeposit": "receive_payment",
    "customerRefund": "pay_refund",
    "depositApplication": "apply_payment",
    "journalEntry": "post_journal",
}
"""Deeds that make a record, where their names are not `create_` and the entity."""
MODES = ("error", "warning", "ignore")
"""What a caller may wish to happen to fields that there are not, and to values that a field cannot have."""
TRUE = ("true", "TRUE", "True")


def made_by(each: ObjectMap) -> str:
    """The canonical name of what makes a record of a type."""
    return CREATES.get(each.name, f"create_{noun(each)}")


def noun(each: ObjectMap) -> str:
    """What operations call a type: its entity, else its own name."""
    if each.entity != "vendor_object":
        return each.entity
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in each.name)


class Records:
    """Reads and writes of records."""

    def __init__(self, face: NetSuiteFace) -> None:
        self.face = face

    def operations(self) -> Iterable[Operation]:
        """The routes."""
        for each in self.face.types.values():
            yield from self._of_type(each)
        for name in LISTS:
            yield Operation(f"list_{name}", "GET", f"{RECORDS}/{name}", self._rows, f"List {name} records", about=name)
            yield Operation(f"get_{name}", "GET", f"{RECORDS}/{name}/{{id}}", self._row, f"A {name}", about=name)

    def _of_type(self, each: ObjectMap) -> Iterable[Operation]:
        many, one = f"{RECORDS}/{each.name}", f"{RECORDS}/{each.name}/{{id}}"
        entity = self.face.system.role.by_name[each.entity]
        verbs, about = each.about["verbs"].split(), {"type": each}

        def operation(
            name: str, method: str, path: str, run: Callable[[Ask], Answer], summary: str, *, lasting: bool = False
        ) -> Operation:
            return Operation(
                name,
                method,
                path,
                run,
                summary,
                entity=entity,
                write=method != "GET",
                kind="json",
                lasting=lasting,
                about=about,
            )

        label = each.about["label"].lower()
        yield operation(f"list_{noun(each)}", "GET", many, self._list, f"List {label} records")
        yield operation(f"get_{noun(each)}", "GET", one, self._get, f"A {label}", lasting=True)
        for child in each.children:
            place = f"{one}/{child.name}"
            yield operation(f"get_{noun(each)}", "GET", place, self._sublist(child), f"A sublist of a {label}")
            yield operation(f"get_{noun(each)}", "GET", f"{place}/{{line}}", self._line(child), f"A line of a {label}")
            if child.of is ADDRESS:
                where = f"{place}/{{line}}/addressBookAddress"
                yield operation(
                    f"get_{noun(each)}", "GET", where, self._address(child), f"The address of a line of a {label}"
                )
            if "update" in verbs and child.of is not None:
                write, at = f"update_{noun(each)}", f"{place}/{{line}}"
                yield operation(write, "POST", place, self._add_line(child), f"Add a line to a {label}")
                yield operation(write, "PATCH", at, self._change_line(child), f"Change a line of a {label}")
                if child.of is ADDRESS or child.object == LINES:
                    yield operation(write, "DELETE", at, self._drop_line(child), f"Take a line from a {label}")
        if "create" in verbs:
            yield operation(made_by(each), "POST", many, self._create, f"Make a {label}")
        if "update" in verbs:
            update = operation(f"update_{noun(each)}", "PATCH", one, self._update, f"Change a {label}")
            yield update
            yield operation(update.name, "PATCH", many, self._update_each, f"Change {label} records, asynchronously")
            yield operation(
                made_by(each), "PUT", many, self._upsert_each, f"Make or change {label} records, asynchronously"
            )
            yield Operation(
                made_by(each),
                "PUT",
                one,
                self._upsert,
                f"Make or change a {label} by external id",
                entity=entity,
                write=True,
                kind="json",
                about={**about, "update": Operation(update.name, "PUT", one, self._upsert, update.summary,
                                                    entity=entity, write=True, kind="json", about=about)},
            )  # fmt: skip
        if not each.about["family"].startswith("list") or verbs:
            yield operation(f"delete_{noun(each)}", "DELETE", one, self._delete, f"Delete a {label}")
        if "delete" in verbs:
            yield operation(
                f"delete_{noun(each)}", "DELETE", many, self._delete_each, f"Delete {label} records, asynchronously"
            )

    # writing

    def _desk(self, ask: Ask) -> Desk:
        def wish(header: str, default: str) -> str:
            said = (ask.request.header(header.lower().encode()) or default).strip().lower()
            if said not in MODES:
                raise Refused(400, "INVALID_HEADER", f"Invalid value of the header {header}: {said}. Use Error, Warning or Ignore.",
                              header=header)  # fmt: skip
            return said

        names, values = (
            wish("X-NetSuite-PropertyNameValidation", "warning"),
            wish("X-NetSuite-PropertyValueValidation", "error"),
        )
        lenient = values in ("warning", "ignore")
        desk = Desk(self.face.system, ask.origin, self.face.reader(ask), strict=names == "error", lenient=lenient)
        desk.silent = {what for what, mode in (("names", names), ("values", values)) if mode == "ignore"}
        return desk

    def _written(self, desk: Desk, each: ObjectMap, record: Record) -> Answer:
        headers = [("location", desk.reader.url(each.name, record["id"]))]
        for what, sentence, names in (
            ("names", "Unknown fields", desk.ignored),
            ("values", "Invalid values", desk.doubtful),
        ):
            if names and what not in desk.silent:
                warning = f"{sentence} were ignored: {', '.join(dict.fromkeys(names))}"
                headers.append(("x-netsuite-warning", warning.encode("ascii", "replace").decode()))
        return Answer(204, None, record["key"], headers=tuple(headers))

    def make(self, ask: Ask, body: Any) -> Answer:
        """A new record of the type that the call is about."""
        desk, each = self._desk(ask), ask.operation.about["type"]
        return self._written(desk, each, desk.save(each, body, None))

    def _create(self, ask: Ask) -> Answer:
        return self.make(ask, ask.body)

    def _update(self, ask: Ask) -> Answer:
        desk, each = self._desk(ask), ask.operation.about["type"]
        asked = dict(ask.query)
        replace = [name.strip() for name in asked.get("replace", "").split(",") if name.strip()]
        selected = asked.get("replaceSelectedFields") in TRUE
        record = desk.reader.get(each, ask.subject)
        return self._written(desk, each, desk.save(each, ask.body, record, replace=replace, selected=selected))

    def _update_each(self, ask: Ask) -> Answer:
        """One record of a collection of changes, which says by its id or external id what it changes."""
        desk, each, body = self._desk(ask), ask.operation.about["type"], said(ask)
        named = body.get("id", f"eid:{body['externalId']}" if body.get("externalId") else None)
        if named is None:
            raise Refused(400, "INVALID_REQUEST", "Each record of a collection of changes says its id or externalId.",
                          path="id")  # fmt: skip
        changes = {name: value for name, value in body.items() if "id" in body or name != "externalId"}
        return self._written(desk, each, desk.save(each, changes, desk.reader.get(each, str(named))))

    def _upsert(self, ask: Ask) -> Answer:
        if not ask.subject.startswith("eid:"):
            raise Refused(400, "INVALID_REQUEST", "Upsert is possible by external id only: use eid:EXTERNAL_ID.")
        return self._put(ask, ask.subject)

    def _put(self, ask: Ask, named: str) -> Answer:
        """Make or change the record of an external id."""
        desk, each = self._desk(ask), ask.operation.about["type"]
        record = desk.reader.find(each, named)
        body = ask.body
        if isinstance(body, dict):
            body = {**body, "externalId": named[4:]} if record is None else {
                name: value for name, value in body.items() if name != "externalId"}  # fmt: skip
        return self._written(desk, each, desk.save(each, body, record))

    def _upsert_each(self, ask: Ask) -> Answer:
        """One record of a collection, which its external id names."""
        body = said(ask)
        if not body.get("externalId"):
            raise Refused(400, "INVALID_REQUEST", "Each record of a collection of upserts says its externalId.",
                          path="externalId")  # fmt: skip
        return self._put(ask, f"eid:{body['externalId']}")

    def _delete_each(self, ask: Ask) -> Answer:
        """One of the records that `ids` names."""
        desk, each = self._desk(ask), ask.operation.about["type"]
        desk.delete(each, desk.reader.get(each, str(ask.body)))
        return Answer(204, None)

    def _delete(self, ask: Ask) -> Answer:
        desk, each = self._desk(ask), ask.operation.about["type"]
        desk.delete(each, desk.reader.get(each, ask.subject))
        return Answer(204, None)

    def _add_line(self, child: ChildMap) -> Callable[[Ask], Answer]:
        def run(ask: Ask) -> Answer:
            desk, each = self._desk(ask), ask.operation.about["type"]
            record = desk.reader.get(each, ask.subject)
            before = {key for key, _ in keyed(desk.reader.lines(each, record, child))}
            record = desk.save(each, {child.name: {"items": [said(ask)]}}, record)
            keys = [key for key, _ in keyed(desk.reader.lines(each, record, child))]
            added = next((key for key in keys if key not in before), keys[-1])
            where = desk.reader.url(each.name, record["id"], child.name, added)
            return Answer(204, None, record["key"], headers=(("location", where),))

        return run

    def _change_line(self, child: ChildMap) -> Callable[[Ask], Answer]:
        def run(ask: Ask) -> Answer:
            desk, each = self._desk(ask), ask.operation.about["type"]
            record, key, body = desk.reader.get(each, ask.subject), ask.params["line"], said(ask)
            line = dict(keyed(desk.reader.lines(each, record, child))).get(key)
            where = desk.reader.url(each.name, ask.subject, child.name, key)
            if line is None:
                raise errors.unknown_record(where)
            body = {**body, **({"line": line["line"]} if "line" in line else {"addressId": key})}
            record = desk.save(each, {child.name: {"items": [body]}}, record)
            return Answer(204, None, record["key"], headers=(("location", where),))

        return run

    def _drop_line(self, child: ChildMap) -> Callable[[Ask], Answer]:
        def run(ask: Ask) -> Answer:
            desk, each = self._desk(ask), ask.operation.about["type"]
            record = desk.reader.get(each, ask.subject)
            lines = desk.reader.lines(each, record, child)
            if ask.params["line"] not in dict(keyed(lines)):
                raise errors.unknown_record(desk.reader.url(each.name, ask.subject, child.name, ask.params["line"]))
            staying = [
                {"line": line["line"]} if "line" in line else {"addressId": key}
                for key, line in keyed(lines)
                if key != ask.params["line"]
            ]
            desk.save(each, {child.name: {"items": staying}}, record, replace=[child.name], selected=True)
            return Answer(204, None, record["key"])

        return run

    # reading

    def _get(self, ask: Ask) -> Answer:
        reader, each, asked = self.face.reader(ask), ask.operation.about["type"], dict(ask.query)
        expand = asked.get("expandSubResources") in TRUE
        names = asked.get("fields")
        if expand and names:
            raise Refused(
                400,
                "INVALID_PARAMETER",
                "The query parameters fields and expandSubResources cannot be used together.",
                parameter="fields",
            )
        wanted = [name.strip() for name in names.split(",")] if names else None
        for name in wanted or ():
            if name not in each.by_name and name not in {child.name for child in each.children}:
                raise Refused(
                    400,
                    "INVALID_PARAMETER",
                    f"Invalid query parameter value: unknown field '{name}'.",
                    parameter="fields",
                )
        record = reader.get(each, ask.subject)
        shown = reader.shown(each, record, expand=expand, names=wanted)
        if asked.get("simpleEnumFormat") in TRUE:
            shown = _simple(shown)
        return Answer(200, shown, record["key"])

    def _sublist(self, child: ChildMap) -> Callable[[Ask], Answer]:
        def run(ask: Ask) -> Answer:
            reader, each = self.face.reader(ask), ask.operation.about["type"]
            found = reader.sublist(each, reader.get(each, ask.subject), child)
            place = (each.name, ask.subject, child.name)
            found["items"] = [{"links": [reader.self_link(*place, key)], **line} for key, line in keyed(found["items"])]
            return Answer(200, found)

        return run

    def _line(self, child: ChildMap) -> Callable[[Ask], Answer]:
        def run(ask: Ask) -> Answer:
            line, where = self._one_of(ask, child)
            return Answer(200, {"links": [{"rel": "self", "href": where}], **line})

        return run

    def _address(self, child: ChildMap) -> Callable[[Ask], Answer]:
        def run(ask: Ask) -> Answer:
            line, where = self._one_of(ask, child)
            here = {"rel": "self", "href": f"{where}/addressBookAddress"}
            return Answer(200, {**line["addressBookAddress"], "links": [here]})

        return run

    def _one_of(self, ask: Ask, child: ChildMap) -> tuple[Record, str]:
        """The line that is asked for, and where it is; raises Refused 404."""
        reader, each = self.face.reader(ask), ask.operation.about["type"]
        lines = reader.lines(each, reader.get(each, ask.subject), child)
        where = reader.url(each.name, ask.subject, child.name, ask.params["line"])
        found = dict(keyed(lines)).get(ask.params["line"])
        if found is None:
            raise errors.unknown_record(where)
        return found, where

    def _list(self, ask: Ask) -> Answer:
        each: ObjectMap = ask.operation.about["type"]
        reader = self.face.reader(ask)
        asked = dict(ask.query)
        limit, offset = paging(asked)
        said = (asked.get("q") or "").strip()
        wanted = {one.strip() for one in asked["ids"].split(",")} if "ids" in asked else None
        if not said and ask.hidden is None and wanted is None:
            ids, total = reader.ids(each, limit, offset)
        else:
            found = [
                record["id"]
                for record in self._found(reader, each, said)
                if (ask.hidden is None or not ask.hidden(record)) and (wanted is None or record["id"] in wanted)
            ]
            ids, total = found[offset : offset + limit], len(found)
        return Answer(200, collection(reader, each.name, ids, asked, limit, offset, total))

    def _found(self, reader: Reader, each: ObjectMap, q: str) -> list[Record]:
        table = reader.system.table(each.entity)
        if not q:
            return reader.all(each)
        found = filters.parsed(q, lambda name: kind_of(each, name), lambda name: column_of(each, name, table.sql))
        return [
            record
            for record in reader.all(each, found.narrowed)
            if found.test(lambda name, record=record: plain(reader, each, record, name))  # type: ignore[misc]
        ]

    # lists of the account

    def _rows(self, ask: Ask) -> Answer:
        name, asked = ask.operation.about, dict(ask.query)
        limit, offset = paging(asked)
        ids = [row.id for row in LISTS[name]]
        page = ids[offset : offset + limit]
        return Answer(200, collection(self.face.reader(ask), name, page, asked, limit, offset, len(ids)))

    def _row(self, ask: Ask) -> Answer:
        name, reader = ask.operation.about, self.face.reader(ask)
        row = BY_ID[name].get(ask.subject)
        if row is None:
            raise errors.unknown_record(reader.url(name, ask.subject))
        return Answer(200, {"links": [reader.self_link(name, row.id)], "id": row.id, **row.fields})


def said(ask: Ask) -> Record:
    """The body as an object; raises Refused 400."""
    if not isinstance(ask.body, dict):
        raise Refused(400, "INVALID_REQUEST", MALFORMED)
    return ask.body


def keyed(lines: list[Record]) -> list[tuple[str, Record]]:
    """Lines of a sublist by what their addresses end with."""
    return [(str(line.get("line", line.get("internalId", number))), line) for number, line in enumerate(lines, 1)]


def _simple(value: Any) -> Any:
    """An enumerated value by its id alone; references keep their form."""
    if isinstance(value, list):
        return [_simple(each) for each in value]
    if not isinstance(value, dict):
        return value
    return value["id"] if value.keys() == {"id", "refName"} else {name: _simple(each) for name, each in value.items()}


def paging(asked: dict[str, str]) -> tuple[int, int]:
    """Limit and offset; raises Refused 400 where they do not fit together."""
    found = []
    for name, default, low in (("limit", MOST, 1), ("offset", 0, 0)):
        text = asked.get(name, str(default))
        if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text):
            raise Refused(
                400, "INVALID_PARAMETER", f"Invalid value for the query parameter {name}: {text}.", parameter=name
            )
        found.append(int(text))
    limit, offset = found
    if limit > MOST:
        raise Refused(400, "INVALID_PARAMETER", f"The limit must be between 1 and {MOST}.", parameter="limit")
    if offset % limit:
        raise Refused(400, "INVALID_PARAMETER", "The offset must be divisible by the limit.", parameter="offset")
    return limit, offset


def pages(address: str, asked: dict[str, str], limit: int, offset: int, total: int) -> list[Record]:
    """Links to the pages around."""
    last = max(0, (total - 1) // limit * limit)
    places = []
    if offset > 0:
        places += [("first", 0), ("previous", min(offset - limit, last))]
    if offset + limit < total:
        places += [("next", offset + limit), ("last", last)]
    places.append(("self", offset))
    others = "".join(
        f"&{name}={quote(value, safe='')}" for name, value in asked.items() if name not in ("limit", "offset")
    )
    return [{"rel": rel, "href": f"{address}?limit={limit}&offset={at}{others}"} for rel, at in places]


def collection(
    reader: Reader, name: str, page: list[str], asked: dict[str, str], limit: int, offset: int, total: int
) -> Record:
    """A page of a collection: ids and where the records are."""
    return {
        "links": pages(reader.url(name), asked, limit, offset, total),
        "count": len(page),
        "hasMore": offset + limit < total,
        "items": [{"links": [reader.self_link(name, record_id)], "id": record_id} for record_id in page],
        "offset": offset,
        "totalResults": total,
    }


def kind_of(each: ObjectMap, name: str) -> str | None:
    """What operators of the filter language a field takes; None for a field that there is not."""
    if name == "id":
        return "own_id"
    one = each.by_name.get(name)
    if one is None:
        return "text" if name.startswith("cust") else None
    if one.refers:
        return "id"
    kind = one.about.get("kind") or one.conversion.kind
    return {"integer": "number", "json": "text", "choice": "text"}.get(kind, kind)


def column_of(each: ObjectMap, name: str, table: sa.FromClause) -> sa.ColumnElement[Any] | None:
    """The column that holds what a field shows; None where no column does."""
    one = each.by_name.get(name)
    if one is None or not one.column or one.computed is not None or one.refers or one.default is not None:
        return None
    as_stored = one.conversion.show is same or one.conversion.kind == "instant"
    found: sa.ColumnElement[Any] = table.c[one.column]
    return found if as_stored else None


def plain(reader: Reader, each: ObjectMap, record: Record, name: str) -> Any:
    """A field as the filter language compares it."""
    if name == "id":
        return Decimal(record["id"])
    one = each.by_name.get(name, FieldMap(name))
    value = each.value(one, record, reader)
    if value is None:
        return None
    if one.refers:
        return reader.id_of(one.refers, value)
    if isinstance(value, dict):
        value = value.get("id")
    kind = kind_of(each, name)
    if kind == "number":
        try:
            return Decimal(value if isinstance(value, str) else bytes(orjson.dumps(value)).decode())
        except InvalidOperation:
            return None
    return str(value) if kind in ("text", "id", "enum") else value
