"""The catalogue of records: JSON Schemas and an OpenAPI document, out of the field maps that the face lives by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.given import SPOKEN
from counterfoil_mocks.erp.netsuite.lists import LISTS
from counterfoil_mocks.erp.netsuite.reader import RECORDS
from counterfoil_mocks.erp.netsuite.record_routes import kind_of
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

PATH = f"{RECORDS}/metadata-catalog"
SWAGGER, SCHEMA = "application/swagger+json", "application/schema+json"
FORMS: dict[str, Record] = {
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
}
NAMED = {"type": "object", "properties": {"id": {"type": "string"}, "refName": {"type": "string"}}}


def title(name: str) -> str:
    """`companyName` as Company Name."""
    spaced = "".join(f" {each}" if each.isupper() else each for each in name).replace("_", " ")
    return " ".join(word[:1].upper() + word[1:] for word in spaced.split())


def form(each: ObjectMap, one: FieldMap) -> Record:
    """The schema of a field."""
    named = one.about.get("label") or title(one.name)
    if one.refers:
        return {"title": named, **NAMED, "x-ns-record-type": one.refers}
    kind = kind_of(each, one.name) or "text"
    shape = NAMED if kind == "enum" else FORMS.get(kind, {"type": "string"})
    read_only = (one.computed is not None and one.name not in SPOKEN.get(each.name, ())) or not one.creatable
    return {"title": named, **shape, **({"readOnly": True} if read_only else {})}


def schema(types: Mapping[str, ObjectMap], name: str) -> Record:
    """The JSON Schema of a record type."""
    if name in LISTS:
        fields = LISTS[name][0].fields
        kinds: dict[type, str] = {bool: "boolean", int: "integer", dict: "object"}
        properties: Record = {
            key: {"title": title(key), "type": kinds.get(type(value), "string")} for key, value in fields.items()
        }
        return {"type": "object", "properties": {"id": {"title": "Internal ID", "type": "string"}, **properties}}
    each = types[name]
    properties = {"id": {"title": "Internal ID", "type": "string"}}
    properties |= {one.name: form(each, one) for one in each.fields}
    for child in each.children:
        lines: Record = {"type": "object"}
        if child.of is not None:
            lines["properties"] = {one.name: form(child.of, one) for one in child.of.fields}
        items = {"type": "array", "items": lines}
        properties[child.name] = {"title": title(child.name), "type": "object", "properties": {"items": items}}
    return {
        "type": "object",
        "properties": properties,
        "x-ns-filterable": ["id", *(one.name for one in each.fields)],
    }


class Metadata:
    """The routes."""

    def __init__(self, face: NetSuiteFace) -> None:
        self.face = face

    def operations(self) -> Iterable[Operation]:
        """The catalogue and its members."""
        yield Operation("list_metadata", "GET", PATH, self._catalogue, "The record types that there are")
        yield Operation("get_metadata", "GET", f"{PATH}/{{id}}", self._member, "The schema of a record type")

    def _catalogue(self, ask: Ask) -> Answer:
        said = dict(ask.query).get("select", "")
        names = [name.strip() for name in said.split(",") if name.strip()] or [*self.face.types, *LISTS]
        for name in names:
            self._check(name)
        base = self.face.base(ask.request)
        if SWAGGER in (ask.request.header(b"accept") or ""):
            return Answer(200, self._document(base, names), headers=(("content-type", SWAGGER),))
        links = [{"rel": "self", "href": base + PATH}]
        return Answer(200, {"links": links, "items": [self._entry(base, name) for name in names]})

    def _member(self, ask: Ask) -> Answer:
        self._check(ask.subject)
        if SCHEMA in (ask.request.header(b"accept") or ""):
            return Answer(200, schema(self.face.types, ask.subject), headers=(("content-type", SCHEMA),))
        base = self.face.base(ask.request)
        if SWAGGER in (ask.request.header(b"accept") or ""):
            return Answer(200, self._document(base, [ask.subject]), headers=(("content-type", SWAGGER),))
        return Answer(200, self._entry(base, ask.subject))

    def _check(self, name: str) -> None:
        if name not in self.face.types and name not in LISTS:
            raise Refused(404, "NOT_FOUND", f"The requested record type '{name}' does not exist.", url=f"{PATH}/{name}")

    @staticmethod
    def _entry(base: str, name: str) -> Record:
        place = f"{base}{PATH}/{name}"
        return {
            "name": name,
            "links": [
                {"rel": "canonical", "href": place, "mediaType": "application/json"},
                {"rel": "alternate", "href": place, "mediaType": SWAGGER},
                {"rel": "alternate", "href": place, "mediaType": SCHEMA},
            ],
        }

    def _document(self, base: str, names: list[str]) -> Record:
        paths: dict[str, dict[str, Any]] = {}
        for each in (*self.face.records.operations(), *self.face.transforms.operations()):
            if each.name == "transform":
                continue
            where = each.path.removeprefix(RECORDS)
            if where.split("/")[1] in names:
                paths.setdefault(where, {})[each.method.lower()] = {
                    "summary": each.summary,
                    "responses": {"204" if each.write else "200": {"description": each.summary}},
                }
        return {
            "openapi": "3.0.1",
            "info": {"title": "NetSuite REST Record API", "version": "v1"},
            "servers": [{"url": base + RECORDS}],
            "paths": paths,
            "components": {"schemas": {name: schema(self.face.types, name) for name in names}},
        }
