"""Fields and entities. One declaration gives the SQL table, the wire form, its JSON schema, validation and the docs.

A record inside the fakes is a plain dict of *stored* values: money as minor units, decimals as scaled integers, instants
and dates as text, booleans as bool, lists as lists. The wire form (native API, events, control plane) shows money as
`{"minor", "ccy"}` and decimals as strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from counterfoil_mocks.kernel import money

Record = dict[str, Any]
JSON_KINDS = ("json", "refs", "object")
"""Kinds of fields whose columns hold JSON."""


@dataclass(frozen=True)
class Field:
    """One field.

    required: must be given when the record is created. computed: only the system writes it. indexed: lists filter on it fast.
    limit: most characters of a text, most items of a json list. scale: of a decimal. ccy: name of the field that holds a money's
    currency. choices: of a choice or state. target: entity name of a ref. entity: of lines. moves: legal transitions of a state.
    """

    name: str
    kind: str
    doc: str = ""
    required: bool = False
    computed: bool = False
    indexed: bool = False
    default: Any = None
    limit: int = 255
    low: int | None = None
    high: int | None = None
    pattern: str | None = None
    scale: int = 1
    ccy: str = "ccy"
    choices: tuple[str, ...] = ()
    target: str = ""
    entity: Entity | None = None
    moves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def but(self, **changes: Any) -> Field:
        """The same field with some settings changed."""
        return replace(self, **changes)


def text(name: str, doc: str = "", *, limit: int = 255, **more: Any) -> Field:
    """Unicode text of at most `limit` characters."""
    return Field(name, "text", doc, limit=limit, **more)


def zone(name: str, doc: str = "IANA time zone.", **more: Any) -> Field:
    """The name of an IANA time zone."""
    return Field(name, "zone", doc, limit=60, **more)


def integer(name: str, doc: str = "", *, low: int = -(2**53), high: int = 2**53, **more: Any) -> Field:
    """A whole number between `low` and `high`."""
    return Field(name, "integer", doc, low=low, high=high, **more)


def boolean(name: str, doc: str = "", **more: Any) -> Field:
    """True or false."""
    return Field(name, "boolean", doc, **more)


def day(name: str, doc: str = "", **more: Any) -> Field:
    """A business date in the legal entity's zone, `YYYY-MM-DD`."""
    return Field(name, "date", doc, **more)


def instant(name: str, doc: str = "", **more: Any) -> Field:
    """An RFC 3339 UTC instant with milliseconds."""
    return Field(name, "instant", doc, **more)


def amount(name: str, doc: str = "", *, ccy: str = "ccy", **more: Any) -> Field:
    """Money: stored as minor units; its currency stands in the field named by `ccy`."""
    return Field(name, "money", doc, ccy=ccy, low=-(10**15), high=10**15, **more)


def price(name: str, doc: str = "", **more: Any) -> Field:
    """A unit price or bill rate in major units with 4 places."""
    return Field(name, "decimal", doc, scale=money.PRICE_SCALE, **more)


def quantity(name: str, doc: str = "", **more: Any) -> Field:
    """A quantity with 4 places."""
    return Field(name, "decimal", doc, scale=money.QTY_SCALE, **more)


def rate(name: str, doc: str = "", **more: Any) -> Field:
    """A fraction or an FX rate with 6 places."""
    return Field(name, "decimal", doc, scale=money.RATE_SCALE, **more)


def choice(name: str, choices: str, doc: str = "", **more: Any) -> Field:
    """One of a closed list, given as `"A B C"`."""
    return Field(name, "choice", doc, choices=tuple(choices.split()), **more)


def ref(name: str, target: str, doc: str = "", **more: Any) -> Field:
    """The native id of a record of `target` in the same system; on input its business key does as well."""
    return Field(name, "ref", doc, target=target, indexed=more.pop("indexed", True), **more)


def listing(name: str, doc: str = "", *, limit: int = 500, **more: Any) -> Field:
    """A list of short texts."""
    return Field(name, "json", doc, limit=limit, **more)


def lines(name: str, entity: Entity, doc: str = "") -> Field:
    """Rows that live and die with this record (invoice lines, rate rows); a table of their own."""
    return Field(name, "lines", doc, entity=entity)


def state(
    name: str, moves: str, doc: str = "", *, initial: str | None = None, open: bool = False, **more: Any
) -> Field:
    """A state with its legal transitions, written as the domain writes them: `"A→B→C; B⇄D; A|B→X; any→Z"`.

    The first state named is the initial one unless `initial` says otherwise. `open`: PATCH may move it (no side effects hang
    on it); otherwise only actions do.
    """
    table = transitions(moves)
    states = tuple(table)
    return Field(
        name,
        "state",
        doc,
        choices=states,
        moves={source: tuple(targets) for source, targets in table.items()},
        default=initial or states[0],
        computed=not open,
        indexed=more.pop("indexed", True),
        **more,
    )


def transitions(moves: str) -> dict[str, list[str]]:
    """Parse `"A→B⇄C; any→Z"` into a table from each state to the states it may move to."""
    table: dict[str, list[str]] = {}
    anywhere: list[str] = []
    for chain in moves.replace("\n", " ").split(";"):
        parts = re.split(r"\s*([→⇄])\s*", chain.strip())
        for left, arrow, right in zip(parts[0::2], parts[1::2], parts[2::2], strict=False):
            targets = right.split("|")
            for target in targets:
                table.setdefault(target, [])
            if left == "any":
                anywhere += targets
                continue
            for source in left.split("|"):
                row = table.setdefault(source, [])
                row += [target for target in targets if target not in row]
                if arrow == "⇄":
                    for target in targets:
                        if source not in table[target]:
                            table[target].append(source)
    order = list(dict.fromkeys(re.findall(r"[A-Z_]+", moves)))
    for target in anywhere:
        for source in order:
            if source != target and target not in table.setdefault(source, []):
                table[source].append(target)
    return {name: table.get(name, []) for name in order}


@dataclass(frozen=True, eq=False)
class Entity:
    """A kind of record.

    plural: name of its collection. prefix: for its native ids. key: template of the business key over its fields.
    unique: whether two live records may not share a business key. number: (field, format) of a number that the system gives
    when the caller gives none. events: event types announced on `created`, `updated` and `deleted`. writable: whether create,
    patch and delete are offered (else only actions write it).
    sorts: columns, never null, that vendors order their lists by; each has an index, which `Table.along` opens.
    folds: columns of text whose values vendors find whatever their case; each has an index of its small letters.
    deletable: whether delete is offered; deletable_in: (state field, states…) that a record must be in for it (any when empty).
    """

    name: str
    plural: str
    prefix: str
    fields: tuple[Field, ...]
    key: str = ""
    unique: bool = False
    number: tuple[str, str] | None = None
    events: Mapping[str, str] = field(default_factory=dict)
    writable: bool = True
    deletable: bool = True
    deletable_in: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    doc: str = ""

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by name."""
        return {each.name: each for each in self.fields}

    @cached_property
    def columns(self) -> tuple[Field, ...]:
        """The fields that are columns of its own table."""
        return tuple(each for each in self.fields if each.kind != "lines")

    @cached_property
    def children(self) -> tuple[Field, ...]:
        """The fields that are tables of lines."""
        return tuple(each for each in self.fields if each.kind == "lines")

    @cached_property
    def states(self) -> tuple[Field, ...]:
        """The fields that are state machines."""
        return tuple(each for each in self.fields if each.kind == "state")

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What each field is when nobody says, except those of `empty_lists`."""
        return {each.name: each.default for each in self.fields if each.kind not in ("lines", "json")}

    @cached_property
    def empty_lists(self) -> tuple[str, ...]:
        """The fields that are an empty list when nobody says."""
        return tuple(each.name for each in self.fields if each.kind in ("lines", "json"))

    @cached_property
    def linked(self) -> tuple[Field, ...]:
        """The fields whose values depend on other values or records: money, references, lines."""
        return tuple(each for each in self.fields if each.kind in ("money", "ref", "lines"))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names of its table, the common ones first."""
        return tuple(each.name for each in COMMON) + tuple(each.name for each in self.columns)

    @cached_property
    def line_names(self) -> tuple[str, ...]:
        """Column names when the entity is a table of lines."""
        return tuple(each.name for each in self.columns)

    @cached_property
    def to_wire(self) -> Callable[..., Record]:
        """Renders a stored record in wire form."""
        return renderer((*COMMON, *self.fields))

    @cached_property
    def line_to_wire(self) -> Callable[..., Record]:
        """Renders a stored line in wire form."""
        return renderer(self.fields)

    @cached_property
    def from_wire(self) -> Callable[[Record], Record]:
        """Makes a rendered record what it is stored as."""
        return unrenderer((*COMMON, *self.fields))

    @cached_property
    def line_from_wire(self) -> Callable[[Record], Record]:
        """Makes a rendered line what it is stored as."""
        return unrenderer(self.fields)

    @cached_property
    def _key_parts(self) -> list[str]:
        return KEY_PARTS.findall(self.key)

    @cached_property
    def key_field(self) -> str | None:
        """The field that alone is the business key; the key's index serves it as well."""
        parts = self._key_parts
        return parts[0] if len(parts) == 1 and self.key == f"{{{parts[0]}}}" else None

    def key_of(self, record: Record) -> str | None:
        """The business key, or None while a part of it is missing."""
        if not self.key:
            return None
        for part in self._key_parts:
            if record.get(part) is None:
                return None
        return self.key.format_map(record)


KEY_PARTS = re.compile(r"{(\w+)}")

COMMON: tuple[Field, ...] = (
    text("id", "Native id, given by the system.", computed=True, limit=64),
    text("key", "Business key: the same in every system.", computed=True, indexed=True),
    integer("version", "Counts committed changes from 1.", computed=True),
    instant("created_at", "Business instant of creation.", computed=True),
    instant("updated_at", "Business instant of the last change.", computed=True, indexed=True),
    instant("deleted_at", "Business instant of the soft deletion.", computed=True),
    text("merged_into", "Id of the record that this one was merged into.", computed=True, limit=64),
    text("external_id", "Id of the same thing in another system; free for integrations.", indexed=True),
    Field("ext_refs", "refs", "Cross-references `{system, tenant, type, id}`, one for each system, tenant and type."),
    Field("custom", "object", "Custom fields: any JSON object."),
    text("correlation_id", "Business flow of the call that created the record.", computed=True),
    text("causation_id", "Event that caused the call that created the record.", computed=True),
    text("source_key", "Business key of what this record was made from; free for integrations."),
)


def renderer(fields: Iterable[Field]) -> Callable[..., Record]:
    """A function from stored to wire form that touches only the fields that differ.

    Its second argument says that the record is the caller's own and may itself become the wire form.
    """
    moneys = [(each.name, each.ccy) for each in fields if each.kind == "money"]
    decimals = [(each.name, each.scale) for each in fields if each.kind == "decimal"]
    children = [(each.name, each.entity.line_to_wire) for each in fields if each.kind == "lines" and each.entity]

    def to_wire(record: Record, fresh: bool = False) -> Record:
        wire = record if fresh else record.copy()
        for name, ccy in moneys:
            value = wire[name]
            if value is not None:
                wire[name] = {"minor": value, "ccy": record[ccy]}
        for name, scale in decimals:
            value = wire[name]
            if value is not None:
                wire[name] = money.unscaled(value, scale)
        for name, render in children:
            wire[name] = [render(line) for line in record[name]]
        return wire

    return to_wire


def unrenderer(fields: Iterable[Field]) -> Callable[[Record], Record]:
    """A function from wire to stored form, of records as `renderer` writes them; the record becomes what it returns."""
    moneys = [each.name for each in fields if each.kind == "money"]
    decimals = [each.name for each in fields if each.kind == "decimal"]
    empties = [(each.name, dict if each.kind == "object" else list) for each in fields if each.kind in JSON_KINDS]
    children = [(each.name, each.entity.line_from_wire) for each in fields if each.kind == "lines" and each.entity]

    def from_wire(record: Record) -> Record:
        for name in moneys:
            value = record[name]
            if value is not None:
                record[name] = value["minor"]
        for name in decimals:
            value = record[name]
            if value is not None:
                record[name] = int(value.replace(".", ""))  # every place is written
        for name, kind in empties:
            if record[name] is None:
                record[name] = kind()
        for name, read in children:
            for line in record[name]:
                read(line)
        return record

    return from_wire
