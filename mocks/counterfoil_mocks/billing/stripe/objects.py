"""Stripe's objects: which canonical entity each is, its fields, and the parameters that make, change and list them. Data that code walks.

Objects that the business does not know (prices, payment intents…) are `vendor_object` records whose whole content is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe.params import ANY, BOOL, INT, META, TEXT, Spec, words
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols import conversion
from counterfoil_mocks.protocols.conversion import Conversion
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.desk import Desk

KEEP = "stripe"
"""The member of `custom` that holds what only Stripe knows; the other members are the object's metadata."""


def kept(record: Record) -> Mapping[str, Any]:
    """What only Stripe knows of a record."""
    return record["custom"].get(KEEP) or {}


def metadata_of(record: Record, face: Any = None) -> Record:
    """The metadata of a record: its custom fields, as texts."""
    return {
        name: value if isinstance(value, str) else str(value)
        for name, value in record["custom"].items()
        if name != KEEP and value is not None
    }


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
    expands: fields that hold ids which can be expanded, with the kind that they name; included: fields shown only when expanded.
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
    expands: Mapping[str, str] = field(default_factory=dict)
    included: Sequence[str] = ()
    operation: str = ""
    """What the canonical operations call it, where that is another name."""
    asked: Mapping[str, Callable[[sa.FromClause, Any], sa.ColumnElement[bool]]] = field(default_factory=dict)
    param: str = "id"
    stub: bool = False
    made: Made | None = None
    changed: Changed | None = None
    removed: Removed | None = None

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


def mapped(name: str, entity: str, *fields: FieldMap, **defaults: Any) -> ObjectMap:
    """An object: its head, the fields that mean something, and the others with what they are while nobody says otherwise."""
    where = {"vendor": "stripe", "kind": name} if entity == "vendor_object" else {}
    head = (
        FieldMap("id", "id", conversion.ID),
        FieldMap("object", computed=lambda record, face: name),
        FieldMap("created", computed=_created),
        FieldMap("livemode", computed=lambda record, face: False),
        FieldMap("metadata", computed=metadata_of),
    )
    rest = tuple(FieldMap(each, default=value) for each, value in defaults.items())
    return ObjectMap(name, entity, (*head, *fields, *rest), where, keep=KEEP)


ADDRESS: Spec = dict.fromkeys(("line1", "line2", "city", "state", "postal_code", "country"), TEXT)
SHIPPING: Spec = {"name": TEXT, "phone": TEXT, "address": ADDRESS}

# customers


def _name(value: str, record: Record) -> str | None:
    if kept(record).get("unnamed"):
        return None
    return record["name_full"] or value


NAME = Conversion("text", _name, conversion.same)
TAX_EXEMPT = conversion.choice({"TAXABLE": "none", "EXEMPT": "exempt", "REVERSE_CHARGE_ELIGIBLE": "reverse"})

CUSTOMER = Kind(
    "customer",
    mapped(
        "customer",
        "customer",
        FieldMap("name", "name", NAME),
        FieldMap("tax_exempt", "tax_status", TAX_EXEMPT),
        FieldMap("address", computed=lambda record, face: face.address_of(record)),
        FieldMap("email", computed=lambda record, face: face.email_of(record)),
        FieldMap("invoice_prefix", computed=lambda record, face: face.prefix_of(record)),
        phone=None,
        description=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        discount=None,
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        next_invoice_sequence=1,
        preferred_locales=[],
        shipping=None,
        test_clock=None,
    ),
    "customer",
    "/v1/customers",
    create={
        **dict.fromkeys(
            ("name", "email", "phone", "description", "invoice_prefix", "payment_method", "test_clock", "source"), TEXT
        ),
        "address": ADDRESS,
        "shipping": SHIPPING,
        "balance": INT,
        "preferred_locales": [TEXT],
        "tax_exempt": words("none exempt reverse"),
        "next_invoice_sequence": INT,
        "invoice_settings": {
            "default_payment_method": TEXT,
            "footer": TEXT,
            "custom_fields": [{"name": TEXT, "value": TEXT}],
            "rendering_options": ANY,
        },
        "tax_id_data": [{"type": TEXT, "value": TEXT}],
        "tax": ANY,
        "cash_balance": ANY,
        "validate": BOOL,
        "metadata": META,
    },
    filters={"email": TEXT, "test_clock": TEXT},
    deletable=True,
    stub=True,
    asked={"email": lambda table, value: sa.func.json_extract(table.c.custom, "$.stripe.email") == value},
    expands={"test_clock": "test_helpers.test_clock", "invoice_settings.default_payment_method": "payment_method"},
)

KINDS: dict[str, Kind] = {each.name: each for each in (CUSTOMER,)}
"""By Stripe's name of the object."""
