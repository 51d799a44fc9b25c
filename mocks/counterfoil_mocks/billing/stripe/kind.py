"""What a kind of Stripe's objects is made of: its map, its parameters, and what making and changing one does besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe import meanings
from counterfoil_mocks.billing.stripe.params import Spec
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols import conversion
from counterfoil_mocks.protocols.fieldmap import Computed, FieldMap, ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.desk import Desk

KEEP = "stripe"
"""The member of `custom` that holds what only Stripe knows; the other members are the object's metadata."""


HEADLESS = {
    "balance_transaction": ("livemode", "metadata"),
    "billing.meter": ("metadata",),
    "invoice_payment": ("metadata",),
    "invoiceitem": ("created",),
    "refund": ("livemode",),
    "tax_id": ("metadata",),
    "test_helpers.test_clock": ("metadata",),
}
"""Members of the usual head that kinds of objects do not have."""


def folded(before: Record, given: Record) -> Record:
    """A hash with the leaves that are given."""
    found = dict(before)
    for name, value in given.items():
        known = before.get(name)
        found[name] = folded(known, value) if isinstance(value, dict) and isinstance(known, dict) else value
    return found


def kept(record: Record) -> Mapping[str, Any]:
    """What only Stripe knows of a record."""
    return record["custom"].get(KEEP) or {}


def metadata_of(name: str) -> Computed:
    """What shows the metadata of a kind of object: its custom fields, as texts, and what they say of its other fields."""

    def computed(record: Record, face: Any = None) -> Record:
        plain = {
            key: value if isinstance(value, str) else str(value)
            for key, value in record["custom"].items()
            if key != KEEP and value is not None
        }
        return meanings.of_record(name, record, plain) if meant else plain

    meant = name in meanings.MEANINGS

    return computed


def _created(record: Record, face: Any) -> int:
    return int(kept(record).get("created") or conversion.epoch(record["created_at"]))


Made = Callable[["Desk", Record], Record]
Changed = Callable[["Desk", Record, Record], Record]
Removed = Callable[["Desk", Record], None]


@dataclass(eq=False)
class Kind:
    """One kind of object. noun: what refusals call it. path: of its collection, empty where it has none.

    create, update, filters: parameters (of create and update the same unless said); required: of create. asked: filters that are no
    plain field. param: what refusals call the id in the path. stub: whether a deleted one is still told of.
    searched: fields that searches may ask for.
    """

    name: str
    map: ObjectMap
    noun: str
    path: str = ""
    create: Spec | None = None
    update: Spec | None = None
    required: Sequence[str] = ()
    filters: Spec = field(default_factory=dict)
    deletable: bool = False
    searched: Sequence[str] = ()
    operation: str = ""
    """What the canonical operations call it, where that is another name."""
    asked: Mapping[str, Callable[[sa.FromClause, Any], sa.ColumnElement[bool]]] = field(default_factory=dict)
    lasting: bool = False
    """Whether it is still shown when the business has taken it away (a credit note that is void)."""
    absent: tuple[str, str] | None = None
    """A field and its value in records that the business keeps and callers have no more (a draft that was discarded)."""
    implied: Mapping[str, str] = field(default_factory=dict)
    """Filters that lists have while nobody gives them."""
    apart: tuple[str, ...] = ()
    """Filters of which one must be given for lists to show what goes by a test clock."""
    param: str = "id"
    stub: bool = False
    blanks: Mapping[str, Record] = field(default_factory=dict)
    """Hashes that are null until they are given, and shown with all their leaves then."""
    made: Made | None = None
    changed: Changed | None = None
    removed: Removed | None = None

    def whole(self, name: str, value: Any) -> Any:
        """A field's value with all its leaves, where it is a hash that has a known form."""
        if not isinstance(value, dict):
            return value
        known = self.map.by_name.get(name)
        blank = self.blanks.get(name) or (known.default if known is not None else None)
        return folded(blank, value) if isinstance(blank, dict) else value

    def gone(self, record: Record) -> bool:
        """Whether a record is no object of callers any more."""
        if record["deleted_at"] is not None and not self.lasting:
            return True
        return self.absent is not None and record[self.absent[0]] == self.absent[1]

    def conditions(self, table: sa.FromClause) -> Iterator[sa.ColumnElement[bool]]:
        """What makes a row one of these objects."""
        if not self.lasting:
            yield from self.map.conditions(table)
        if self.absent is not None:
            yield table.c[self.absent[0]] != self.absent[1]

    def on_create(self, run: Made) -> Made:
        """Say what making one does beyond keeping its parameters: `run(desk, given)` returns the object."""
        self.made = run
        return run

    def on_change(self, run: Changed) -> Changed:
        """Say what changing one does: `run(desk, before, given)` returns the object."""
        self.changed = run
        return run

    def on_remove(self, run: Removed) -> Removed:
        """Say what is done before one is deleted."""
        self.removed = run
        return run


def mapped(name: str, entity: str, /, *fields: FieldMap, **defaults: Any) -> ObjectMap:
    """An object: its head, the fields that mean something, and the others with what they are while nobody says otherwise."""
    where = {"vendor": "stripe", "kind": name} if entity == "vendor_object" else {}
    head = (
        FieldMap("id", "id", conversion.ID),
        FieldMap("object", computed=lambda record, face: name),
        FieldMap("created", computed=_created),
        FieldMap("livemode", computed=lambda record, face: False),
        FieldMap("metadata", computed=metadata_of(name)),
    )
    rest = tuple(FieldMap(each, default=value) for each, value in defaults.items())
    shown = tuple(each for each in head if each.name not in HEADLESS.get(name, ()))
    return ObjectMap(name, entity, (*shown, *fields, *rest), where, keep=KEEP)
