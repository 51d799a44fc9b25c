"""Custom fields and records that a landscape file declares of this account, as rows beside those that its bundle has added."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from counterfoil_mocks.erp.netsuite.lists import LISTS
from counterfoil_mocks.erp.netsuite.objects import EXTERNAL, flag, instant, text
from counterfoil_mocks.erp.netsuite.record_types import TYPES
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.customs import Custom, Customs, offered, refuse
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.conversion import BOOLEAN, DATE, TEXT, Conversion, exact, same
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap

LINE = "transactionLine"
"""What a declaration calls the lines of transactions."""
RECORD = "customrecord"
PREFIXES = {"transaction": "custbody_", "entity": "custentity_", "item": "custitem_", "task": "custevent_"}
"""By the family of a type; fields of all others, and of custom records, are `custrecord_`, those of lines `custcol_`."""
LINE_PREFIX, OTHER_PREFIX = "custcol_", "custrecord_"
REST = re.compile(r"[a-z0-9_]{1,30}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LENGTHS = {"text": 300, "long_text": 100_000, "email": 254, "url": 999}
WHOLE = 10**15


def of_number(places: int) -> Conversion:
    """Numbers with so many decimal places."""

    def read(value: Any, around: Record) -> Any:
        found = round(exact(value), places)
        if abs(found) >= WHOLE or (not places and found != exact(value)):
            raise ValueError(f"{value!r} is out of range")
        return int(found) if found == int(found) else float(found)

    return Conversion("number", same, read)


def _address(value: Any, around: Record) -> str:
    if not isinstance(value, str) or not EMAIL.fullmatch(value):
        raise ValueError(f"{value!r} is not an email address")
    return value


def _moment(value: Any, around: Record) -> str:
    return clock.render(clock.parse(str(value)))[:19] + "Z"


def of_list(choices: Iterable[str]) -> Conversion:
    """A member of a custom list, by its number or its name."""
    members = [{"id": str(number), "refName": name} for number, name in enumerate(choices, 1)]

    def read(value: Any, around: Record) -> Record:
        said = value if isinstance(value, Mapping) else {"id": value}
        for each in members:
            if str(said.get("id")) == each["id"] or said.get("refName") == each["refName"]:
                return each
        raise ValueError(f"{value!r} is no member of the list")

    return Conversion("choice", same, read)


KINDS: Mapping[str, Callable[[Custom], Conversion]] = {
    "text": lambda said: TEXT,
    "long_text": lambda said: TEXT,
    "email": lambda said: Conversion("text", same, _address),
    "url": lambda said: TEXT,
    "integer": lambda said: of_number(0),
    "decimal": lambda said: of_number(said.places),
    "percent": lambda said: of_number(said.places),
    "money": lambda said: of_number(said.places),
    "boolean": lambda said: BOOLEAN,
    "date": lambda said: DATE,
    "instant": lambda said: Conversion("instant", same, _moment),
    "choice": lambda said: of_list(said.choices),
    "ref": lambda said: TEXT,
}
"""How each kind of field writes a value."""


def types(customs: Customs) -> Mapping[str, ObjectMap]:
    """All types of records by name, with what is declared; raises Undeclarable."""
    if not customs:
        return TYPES
    offered(customs, KINDS, "netsuite")
    found = dict(TYPES)
    for name in customs:
        if name not in TYPES and name != LINE:
            found[name] = _record(name)
    for name, fields in customs.items():
        if name != LINE:
            found[name] = _with(found[name], _prefix(found[name]), fields, found, name)
    if LINE in customs:
        for each in found.values():
            for at, child in enumerate(each.children):
                if child.name == "item" and child.of is not None:
                    longer = replace(child, of=_with(child.of, LINE_PREFIX, customs[LINE], found, LINE))
                    children = (*each.children[:at], longer, *each.children[at + 1 :])
                    found[each.name] = replace(each, children=children)
    return found


def _prefix(each: ObjectMap) -> str:
    return PREFIXES.get(each.about["family"], OTHER_PREFIX)


def _record(name: str) -> ObjectMap:
    stem = name.removeprefix(f"{RECORD}_")
    if stem == name or not REST.fullmatch(stem):
        refuse(
            f"NetSuite has no record {name}; a custom one is named `{RECORD}_` and at most 30 small letters, digits and underscores",
            name,
        )
    about = {
        "family": f"custom:{name}",
        "label": stem.replace("_", " ").title(),
        "name": "name",
        "verbs": "create update delete",
        "code": "",
    }
    fields = (
        text("name"),
        flag("isInactive"),
        EXTERNAL,
        instant("created", "created_at"),
        instant("lastModified", "updated_at"),
    )
    return ObjectMap(name, "vendor_object", fields, {"vendor": "netsuite", "kind": name}, (), "", about)


def _with(
    each: ObjectMap, prefix: str, fields: Mapping[str, Custom], known: Mapping[str, ObjectMap], declared: str
) -> ObjectMap:
    if declared != LINE and not each.about["verbs"]:
        refuse(f"{declared} cannot be written, so that nothing is added to it", declared)
    added = []
    for name, said in fields.items():
        if not name.startswith(prefix) or not REST.fullmatch(name.removeprefix(prefix)):
            refuse(
                f"a field of {declared} is named `{prefix}` and at most 30 small letters, digits and underscores",
                declared,
                name,
            )
        if name in each.by_name:
            refuse(f"{declared} has a field of that name already", declared, name)
        for member in ("unique", "external_id"):
            if getattr(said, member):
                refuse(
                    "NetSuite's custom fields are not unique; records have their `externalId`", declared, name, member
                )
        most = LENGTHS.get(said.type, 0)
        if (said.length or 0) > most:
            refuse(f"a {said.type} has at most {most} characters", declared, name, "length")
        if said.refers and said.refers not in known and said.refers not in LISTS:
            refuse(f"NetSuite has no record {said.refers} to refer to", declared, name, "refers")
        about: Record = {"declared": said, "label": said.label, "length": said.length or most}
        if said.type == "choice":
            about["kind"] = "enum"
        added.append(
            FieldMap(
                name,
                conversion=KINDS[said.type](said),
                refers=said.refers or "",
                required=said.required,
                default=False if said.type == "boolean" else None,
                about={key: value for key, value in about.items() if value},
            )
        )
    return replace(each, fields=(*each.fields, *added))


def of(each: ObjectMap) -> list[FieldMap]:
    """The declared fields of a type."""
    return [one for one in each.fields if "declared" in one.about]


def line_of(each: ObjectMap) -> ObjectMap:
    """What a line of a transaction is made of."""
    return next(child.of for child in each.children if child.name == "item" and child.of)
