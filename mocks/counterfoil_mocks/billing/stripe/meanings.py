"""Metadata that mean something to the business: by object, which of its fields a key is.

Stripe's callers keep cross-references in metadata, and so does the firm's own engine with the documents that it draws up. A key that a caller
gives a value of his own meaning (one that the field cannot hold) stays plain metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from counterfoil_mocks.billing.documents import GIVEN
from counterfoil_mocks.billing.model import CREDIT_MEMO, CUSTOMER, INVOICE, TAX_CODE
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import COMMON, Entity, Field, Record

LONGEST = 500
"""Characters that a value of metadata may have."""


@dataclass(frozen=True)
class Meaning:
    """One key of metadata. column: the field that it is.

    written: by callers at any time, when the object is made, or never. default: what the field is while nobody says otherwise; it is not
    shown then. when: whether a record shows it at all.
    """

    key: str
    field: Field
    written: Literal["always", "once", "never"] = "always"
    default: Callable[[Record], Any] | None = None
    when: Callable[[Record], bool] | None = None

    @property
    def column(self) -> str:
        """The name of the field."""
        return self.field.name

    def unsaid(self, record: Record) -> Any:
        """What the field is while nobody says otherwise."""
        return self.default(record) if self.default is not None else self.field.default

    def shown(self, record: Record) -> str | None:
        """The text of a record's field; None where there is nothing to show."""
        value = record.get(self.column)
        if value in (None, []) or value == self.unsaid(record) or (self.when is not None and not self.when(record)):
            return None
        return as_text(self.field, value)

    def read(self, text: str) -> Any:
        """The value that a text stands for; raises ValueError where the field cannot hold it."""
        value = of_text(self.field, text)
        if as_text(self.field, value) != text:
            raise ValueError(text)
        return value


def as_text(field: Field, value: Any) -> str:
    """A stored value as metadata have it: amounts in minor units, other numbers in full."""
    if field.kind == "boolean":
        return "true" if value else "false"
    if field.kind == "decimal":
        return money.unscaled(value, field.scale)
    return ",".join(value) if field.kind == "json" else str(value)


def of_text(field: Field, text: str) -> Any:
    """The value of a text; raises ValueError."""
    if field.kind == "boolean":
        return {"true": True, "false": False}[text] if text in ("true", "false") else _unfit(text)
    if field.kind in ("integer", "money"):
        return int(text)
    if field.kind == "decimal":
        return money.scaled(text, field.scale)
    if field.kind in ("choice", "state"):
        return text if text in field.choices else _unfit(text)
    if field.kind in ("date", "instant"):
        return (
            text
            if len(text) == len("2026-01-01" if field.kind == "date" else "2026-01-01T00:00:00.000Z")
            else _unfit(text)
        )
    if field.kind == "ref":
        return text if text.isascii() and "_" in text else _unfit(text)
    return text if not field.limit or len(text) <= field.limit else _unfit(text)


def _unfit(text: str) -> Any:
    raise ValueError(text)


def _field(entity: Entity, name: str) -> Field:
    return next(each for each in (*entity.fields, *COMMON) if each.name == name)


def _rows(entity: Entity, names: str, **more: Any) -> Iterable[Meaning]:
    """Keys named like their fields; `key=field` where they are not."""
    for name in names.split():
        key, _, column = name.partition("=")
        yield Meaning(key, _field(entity, column or key), **more)


def drawn_up(record: Record) -> bool:
    """Whether the firm's own engine drew a document up, and not a caller of Stripe's API."""
    return bool(record["rounding_policy"] != GIVEN)


def _by_key(*groups: Iterable[Meaning]) -> Mapping[str, Meaning]:
    return {each.key: each for group in groups for each in group}


TAX_KINDS = {"vat": "VAT", "gst": "VAT", "sales_tax": "SALES_TAX"}
"""The kind of a tax code by the type of a tax rate; sales tax where none is said."""


def _registered(record: Record, column: str) -> bool:
    """Whether a tax id says it, and metadata need not."""
    return bool(((record["custom"].get("stripe") or {}).get("registered") or {}).get(column))


def _tax_type(record: Record) -> str:
    return str((record["custom"].get("stripe") or {}).get("tax_type") or "")


OWN: dict[str, Any] = {"written": "never", "when": drawn_up}
MEANINGS: dict[str, Mapping[str, Meaning]] = {
    "customer": _by_key(
        _rows(CUSTOMER, "customer_no", written="once"),
        _rows(CUSTOMER, "status", written="never"),
        _rows(
            CUSTOMER,
            "external_id source_key legal_name parent_customer=parent exemption_cert exemption_expires",
        ),
        _rows(CUSTOMER, "vat_id", when=lambda record: not _registered(record, "vat_id")),
        _rows(CUSTOMER, "tax_no", when=lambda record: not _registered(record, "tax_no")),
        _rows(CUSTOMER, "vat_validated_at terms invoice_ccy credit_limit po_required owner segment distinct_approved"),
    ),
    "tax_rate": _by_key(
        _rows(
            TAX_CODE,
            "tax_code=code",
            written="once",
            default=lambda record: record["code"] if record["code"].startswith("STX-") else None,
        ),
        _rows(TAX_CODE, "kind", default=lambda record: TAX_KINDS.get(_tax_type(record), "SALES_TAX")),
        _rows(TAX_CODE, "category taxable_fraction legend valid_from valid_to external_id source_key"),
    ),
    "invoice": _by_key(
        _rows(INVOICE, "contract_no project_no", written="once"),
        _rows(INVOICE, "legal_entity po_no", written="once", when=drawn_up),
        _rows(INVOICE, "external_id source_key"),
        _rows(INVOICE, "customer_no state=status ar_status issue_date tax_point terms warnings", **OWN),
    ),
    "credit_note": _by_key(
        _rows(CREDIT_MEMO, "external_id"),
        _rows(
            CREDIT_MEMO,
            "contract_no project_no source_key legal_entity customer_no corrects business_reason=reason release_items approved_by state=status",
            **OWN,
        ),
        _rows(CREDIT_MEMO, "issue_date tax_point due", **OWN),
    ),
}
"""By kind of object, by key."""

PLANS = {
    name: [(key, each.column, None if each.default else each.field.default, each) for key, each in known.items()]
    for name, known in MEANINGS.items()
}
"""The rows as reading wants them: most fields are as they are while nobody says otherwise."""


def shown(name: str, record: Record) -> Record:
    """What metadata say of a record's fields."""
    found = {key: each.shown(record) for key, each in MEANINGS.get(name, {}).items()}
    return {key: text for key, text in found.items() if text is not None}


def of_record(name: str, record: Record, plain: Record) -> Record:
    """The metadata of a record. What callers may write at any time is as the field has it; of the rest a caller's own value counts."""
    for key, column, default, each in PLANS[name]:
        value = record.get(column)
        if value is None or value == default or (each.written != "always" and key in plain):
            continue
        text = each.shown(record)
        if text is not None:
            plain[key] = text
    return plain


def told(name: str, metadata: Mapping[str, str], record: Record | None) -> tuple[Record, Record]:
    """Metadata that an object is to have, as (what stays plain, values of the record's fields). record: as it was, None for a new one."""
    plain, columns = dict(metadata), {}
    before = {} if record is None else shown(name, record)
    for key, each in MEANINGS.get(name, {}).items():
        text = plain.get(key)
        if text is not None and text == before.get(key):
            del plain[key]
        elif each.written == "always" or (each.written == "once" and record is None):
            try:
                if text is not None:
                    columns[each.column] = value = each.read(text)
                    if value != (each.field.default if record is None else each.unsaid(record)):
                        del plain[key]  # the field shows it
                elif key in before and record is not None:
                    columns[each.column] = each.unsaid(record)
            except ValueError:
                continue  # the caller means something else by it
    return plain, columns


LINE_KEYS = (
    "line_type",
    "plan_line",
    "ms_code",
    "contract_line",
    "service_item",
    "minutes",
    "tax_code",
    "tax_determined",
)


def of_line(line: Record) -> Record:
    """The metadata of a line that the business drew up. A list that is too long for one value goes on in `items_2` and so forth."""
    said = {name: str(line[name]) for name in LINE_KEYS if line.get(name) is not None}
    rates = {name: line.get(name) for name in ("tax_rate", "taxable_fraction")}
    said |= {name: money.unscaled(value, money.RATE_SCALE) for name, value in rates.items() if value is not None}
    return said | _parted("items", line.get("items") or [])


def _parted(name: str, keys: Iterable[str]) -> Record:
    parts: list[str] = []
    for key in keys:
        if parts and len(parts[-1]) + len(key) < LONGEST:
            parts[-1] += f",{key}"
        else:
            parts.append(key)
    return {name if at == 1 else f"{name}_{at}": part for at, part in enumerate(parts, 1)}
