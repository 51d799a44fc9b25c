"""Salesforce's objects as data: which fields they have, what they are of, and where the business keeps them.

A field with a column is a field of the canonical entity; one with `sql` is computed; all others are kept in the record's custom fields under
their own names. Adding a field or an object is adding a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from counterfoil_mocks.protocols.relation import Expression

SHORT_TEXT = 255
"""Characters of a text area that queries may filter by."""
MONEY_TYPES = ("currency", "double", "percent", "int")
TEXT_TYPES = ("string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox", "encryptedstring")


@dataclass(frozen=True, eq=False)
class SField:
    """One field.

    type: as describe says it. length: of texts; scale: decimals of numbers. column: of the canonical entity. sql: computed so.
    flags: `R` required, `ro` read-only, `U` set on create only, `X` external id, `u` unique, `N` the object's name, `auto` a number that
    the system gives. refers, relation: of references. words: stored code → label of a picklist; values: labels of a picklist kept as they
    are; restricted: no other labels. default: what a new record has. children: name of the list of those who refer.
    """

    name: str
    type: str
    length: int = 0
    column: str = ""
    flags: str = ""
    sql: Expression | None = None
    scale: int = 2
    refers: tuple[str, ...] = ()
    relation: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    restricted: bool = False
    default: Any = None
    children: str = ""
    cascade: bool = False
    label: str = ""

    @cached_property
    def marks(self) -> frozenset[str]:
        """The flags."""
        return frozenset(self.flags.split())

    @property
    def required(self) -> bool:
        """Whether a new record must have it."""
        return "R" in self.marks and self.default is None

    @property
    def createable(self) -> bool:
        """Whether a new record may be given it."""
        return not self.marks & {"ro", "auto"}

    @property
    def updateable(self) -> bool:
        """Whether it may be changed."""
        return self.createable and "U" not in self.marks

    @property
    def custom(self) -> bool:
        """Whether the customer has added it."""
        return self.name.endswith("__c")

    @property
    def filterable(self) -> bool:
        """Whether queries may filter, sort and group by it: by no long text, compound or file."""
        return self.type not in ("address", "base64", "anyType") and not (
            self.type == "textarea" and self.length > SHORT_TEXT
        )

    @property
    def shown_label(self) -> str:
        """What people call it."""
        return self.label or labelled(self.name)

    @property
    def picks(self) -> tuple[str, ...]:
        """The labels of a picklist."""
        return self.values or tuple(dict.fromkeys(self.words.values()))


@dataclass(frozen=True, eq=False)
class SObject:
    """One object.

    entity: of the canonical model; `vendor_object` keeps what the business does not know; empty where the rows are made up (`rows`).
    verbs: what callers may do: c create, u update, d delete. prefix: of its ids. label, plural: what people call it.
    """

    name: str
    prefix: str
    entity: str
    own: tuple[SField, ...]
    verbs: str = "cud"
    label: str = ""
    plural: str = ""
    rows: str = ""
    bare: bool = False

    @cached_property
    def fields(self) -> tuple[SField, ...]:
        """All fields, the system's among them."""
        if self.bare:
            return (SYSTEM[0], *self.own)
        return (SYSTEM[0], SYSTEM[1], *self.own, *SYSTEM[2:])

    @cached_property
    def by_name(self) -> dict[str, SField]:
        """Fields by lower-case name."""
        return {each.name.lower(): each for each in self.fields}

    @cached_property
    def by_relation(self) -> dict[str, SField]:
        """References by the lower-case name of their relationship."""
        return {each.relation.lower(): each for each in self.fields if each.relation}

    @cached_property
    def by_column(self) -> dict[str, SField]:
        """Fields by canonical name."""
        return {each.column: each for each in reversed(self.fields) if each.column}

    @property
    def custom(self) -> bool:
        """Whether the customer has added it."""
        return self.name.endswith(("__c", "__e"))

    @property
    def shown_label(self) -> str:
        """What people call one."""
        return self.label or labelled(self.name)

    @property
    def shown_plural(self) -> str:
        """What people call many."""
        return self.plural or f"{self.shown_label}s"

    @cached_property
    def external_ids(self) -> tuple[SField, ...]:
        """Fields by which records can be found and upserted."""
        return tuple(each for each in self.fields if "X" in each.marks)

    @cached_property
    def name_field(self) -> SField | None:
        """The field that names a record."""
        return next((each for each in self.fields if "N" in each.marks), None)

    def named(self, column: str) -> str:
        """What Salesforce calls a canonical field."""
        found = self.by_column.get(column)
        return column if found is None else found.name


def labelled(name: str) -> str:
    """A label out of a name: `Legal_Name__c` is Legal Name, `StageName` Stage Name."""
    bare = name.removesuffix("__c").removesuffix("__e").removesuffix("Id") or name
    out = ""
    for before, each in zip(" " + bare, bare, strict=False):
        out += f" {each}" if each.isupper() and before.islower() else each
    return out.replace("_", " ").strip()


def s(name: str, length: int = 255, column: str = "", flags: str = "", **more: Any) -> SField:
    """A text."""
    return SField(name, more.pop("type", "string"), length, column, flags, **more)


def num(name: str, type: str = "currency", column: str = "", flags: str = "", **more: Any) -> SField:
    """A number: currency, double, percent or int."""
    return SField(name, type, 0, column, flags, scale=more.pop("scale", 0 if type == "int" else 2), **more)


def flag(name: str, column: str = "", flags: str = "", *, default: Any = False, **more: Any) -> SField:
    """A checkbox."""
    return SField(name, "boolean", 0, column, flags, default=default, **more)


def day(name: str, column: str = "", flags: str = "", **more: Any) -> SField:
    """A date."""
    return SField(name, "date", 0, column, flags, **more)


def instant(name: str, column: str = "", flags: str = "", **more: Any) -> SField:
    """A date and time."""
    return SField(name, "datetime", 0, column, flags, **more)


def pick(name: str, known: str | Mapping[str, str], column: str = "", flags: str = "", **more: Any) -> SField:
    """A picklist: labels divided by `|`, or stored code → label."""
    if isinstance(known, str):
        return SField(name, "picklist", 255, column, flags, values=tuple(known.split("|")), **more)
    return SField(name, "picklist", 255, column, flags, words=known, **more)


def to(name: str, refers: str, children: str = "", column: str = "", flags: str = "", **more: Any) -> SField:
    """A reference: the objects it may refer to, divided by blanks, and the name of the list there."""
    relation = more.pop("relation", "") or (
        name.removesuffix("__c") + "__r" if name.endswith("__c") else name.removesuffix("Id")
    )
    return SField(
        name, "reference", 18, column, flags, refers=tuple(refers.split()), relation=relation, children=children, **more
    )


def address(kind: str) -> tuple[SField, ...]:
    """The parts of an address."""
    lengths = {"City": 40, "State": 80, "PostalCode": 20, "Country": 80}
    return (s(f"{kind}Street", type="textarea"), *(s(f"{kind}{part}", length) for part, length in lengths.items()))


OWNER = to("OwnerId", "User", default="$user")
CURRENCY = pick(
    "CurrencyIsoCode",
    "USD|EUR|GBP|CHF|AUD|CAD|SGD|INR|AED|MXN|BRL|JPY|KRW|CLP|KWD|BHD|OMR|JOD|TND|CLF",
    default="USD",
    restricted=True,
)
SYSTEM: tuple[SField, ...] = (
    SField("Id", "id", 18, "id", "ro"),
    SField("IsDeleted", "boolean", 0, "", "ro", sql=lambda rows: rows.c.deleted_at.is_not(None), label="Deleted"),
    instant("CreatedDate", "created_at", "ro"),
    SField("CreatedById", "reference", 18, "", "ro", refers=("User",), relation="CreatedBy", default="$user"),
    instant("LastModifiedDate", "updated_at", "ro"),
    SField("LastModifiedById", "reference", 18, "", "ro", refers=("User",), relation="LastModifiedBy", default="$user"),
    instant("SystemModstamp", "updated_at", "ro"),
)
