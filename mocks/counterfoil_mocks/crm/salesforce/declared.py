"""Fields and objects that a landscape file declares of this org, as rows beside those that the org has from its first day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from counterfoil_mocks.crm.salesforce.objects import (
    CURRENCY,
    OWNER,
    SField,
    SObject,
    day,
    flag,
    instant,
    labelled,
    num,
    s,
)
from counterfoil_mocks.crm.salesforce.views import OBJECTS
from counterfoil_mocks.kernel.customs import Custom, Customs, offered, refuse

NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9]|_(?!_)){0,39}__c")
NOT_A_NAME = "custom names are at most 40 letters, digits and single underscores, a letter first, and end in `__c`"
FIRST_PREFIX, LAST_PREFIX = 0x10, 0xFF
PEOPLE = "User"


def texts(type: str, usual: int, most: int) -> Callable[[str, Custom, str], SField]:
    """Fields of a type that hold text. usual, most: how long they are."""

    def made(name: str, said: Custom, flags: str) -> SField:
        if (said.length or 0) > most:
            longer = "; a long_text has more" if type == "string" else ""
            raise ValueError(f"a {said.type} has at most {most} characters{longer}")
        return s(name, said.length or usual, flags=flags, type=type, label=said.label or "")

    return made


def numbers(type: str) -> Callable[[str, Custom, str], SField]:
    """Fields of a type that hold numbers."""

    def made(name: str, said: Custom, flags: str) -> SField:
        places = 0 if said.type == "integer" else said.places
        return num(name, type, flags=flags, scale=places, label=said.label or "")

    return made


def picks(type: str) -> Callable[[str, Custom, str], SField]:
    """Picklists, restricted to what is declared."""
    return lambda name, said, flags: SField(
        name, type, 255 if type == "picklist" else 4099, "", flags, values=tuple(said.choices), restricted=True,
        label=said.label or "",
    )  # fmt: skip


KINDS: Mapping[str, Callable[[str, Custom, str], SField]] = {
    "text": texts("string", 255, 255),
    "long_text": texts("textarea", 32_768, 131_072),
    "email": texts("email", 80, 80),
    "url": texts("url", 255, 255),
    "integer": numbers("double"),
    "decimal": numbers("double"),
    "percent": numbers("percent"),
    "money": numbers("currency"),
    "boolean": lambda name, said, flags: flag(name, flags=flags, label=said.label or ""),
    "date": lambda name, said, flags: day(name, flags=flags, label=said.label or ""),
    "instant": lambda name, said, flags: instant(name, flags=flags, label=said.label or ""),
    "choice": picks("picklist"),
    "choices": picks("multipicklist"),
    "ref": lambda name, said, flags: SField(
        name, "reference", 18, "", flags, refers=(said.refers or "",), relation=f"{name[:-1]}r", label=said.label or ""
    ),
}
"""What becomes of each kind of field."""


def objects(customs: Customs) -> Mapping[str, SObject]:
    """All objects by lower-case name, with what is declared; raises Undeclarable."""
    if not customs:
        return OBJECTS
    offered(customs, KINDS, "salesforce")
    found = dict(OBJECTS)
    number = FIRST_PREFIX
    for name in customs:
        known = found.get(name.lower())
        if known is None:
            found[name.lower()] = _new(name, number)
            number += 1
        elif known.name != name:
            refuse(f"Salesforce has it as {known.name}", name)
        elif not known.entity or name.endswith("__e"):
            refuse(f"nothing can be added to {name}, whose rows follow from others", name)
    for name, fields in customs.items():
        each = found[name.lower()]
        found[name.lower()] = replace(each, own=(*each.own, *_fields(each, fields, found)))
    return found


def _new(name: str, number: int) -> SObject:
    if not NAME.fullmatch(name):
        refuse(f"Salesforce has no object {name}, and {NOT_A_NAME}", name)
    if number > LAST_PREFIX:
        refuse(f"more than {LAST_PREFIX - FIRST_PREFIX + 1} custom objects", name)
    title = s("Name", 80, "name", "N", label=f"{labelled(name)} Name")
    return SObject(name, f"a{number:02X}", "vendor_object", (title, OWNER, CURRENCY))


def _fields(each: SObject, fields: Mapping[str, Custom], known: Mapping[str, SObject]) -> Iterable[SField]:
    seen = set(each.by_name)
    lists = {(wanted, way.children) for child in known.values() for way in child.fields for wanted in way.refers}
    for name, said in fields.items():
        if not NAME.fullmatch(name):
            refuse(NOT_A_NAME, each.name, name)
        if name.lower() in seen:
            refuse(f"{each.name} has a field of that name already", each.name, name)
        seen.add(name.lower())
        marks = {"R": said.required, "u": said.unique, "X": said.external_id}
        try:
            one = KINDS[said.type](name, said, " ".join(mark for mark, wanted in marks.items() if wanted))
        except ValueError as error:
            refuse(str(error), each.name, name, "length")
        for wanted in one.refers:
            target = known.get(wanted.lower())
            if target is None or target.name != wanted or not (target.entity or wanted == PEOPLE):
                refuse(f"Salesforce has no object {wanted} to refer to", each.name, name, "refers")
            stem = each.name.removesuffix("__c")
            plain, full = f"{stem}s__r", f"{stem}_{name.removesuffix('__c')}__r"
            one = replace(one, children=full if (wanted, plain) in lists else plain)
            lists.add((wanted, one.children))
        yield one
