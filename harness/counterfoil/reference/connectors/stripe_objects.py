"""Stripe's objects as rows: where each of our fields stands in them, and what Stripe has no object for.

What a Stripe object has no member for stands in its metadata, as integrations with Stripe keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from counterfoil.reference.connectors import Record
from counterfoil.reference.connectors.fields import MINOR, PLAIN, TEXT, WHOLE, Fields, Kind, Row, choice
from counterfoil.reference.matching import NAME_LIMIT, shortened
from counterfoil.reference.money import places

SHORT_NAME = NAME_LIMIT["billing"]
"""Characters of the short name that the business keeps beside the whole one."""


def instant(value: Any, ccy: str = "") -> str:
    """An instant of seconds since 1970."""
    return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _share(value: Any, ccy: str) -> str:
    return f"{Decimal(str(value)) / 100:.6f}"


def _percent(value: Any, ccy: str) -> str:
    return f"{(Decimal(value) * 100).normalize():f}"


UPPER = Kind(lambda value, ccy: value.upper(), lambda value, ccy: value.lower())
YES = Kind(lambda value, ccy: value == "true", lambda value, ccy: str(value).lower())
KEYS = Kind(lambda value, ccy: value.split(",") if value else [], lambda value, ccy: ",".join(value))
EPOCH = Kind(instant, PLAIN.say)
EPOCH_DAY = Kind(lambda value, ccy: instant(value, ccy)[:10], PLAIN.say)
SHORT = Kind(lambda value, ccy: shortened(value, SHORT_NAME), PLAIN.say)
WHOLE_NAME = Kind(lambda value, ccy: value if len(value) > SHORT_NAME else None, PLAIN.say)
FIRST = Kind(lambda value, ccy: value[0] if value else None, lambda value, ccy: [value])
FRACTION = Kind(_share, _percent)
AMOUNT = Kind(lambda value, ccy: {"minor": int(value), "ccy": ccy.upper()}, MINOR.say)
NEGATIVE = Kind(lambda value, ccy: {"minor": -int(value), "ccy": ccy.upper()}, lambda value, ccy: -value["minor"])


def _meta(names: str, kind: Kind = TEXT, writes: str = "cu") -> tuple[Row, ...]:
    """Fields that stand in the metadata under their own names."""
    return tuple(Row(name, f"metadata.{name}", kind, writes) for name in names.split())


@dataclass(frozen=True)
class Object:
    """One of Stripe's objects. path: of its collection. searched: how a search finds one by our business key; empty where Stripe has
    no search for it, and lists are read instead. filters: fields that a search may ask for. blank: what absent members mean.

    mark: the metadata that tell a record of the business; one without it is read by the native face.
    """

    path: str
    fields: Fields
    searched: str = ""
    filters: tuple[str, ...] = ()
    blank: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""

    def read(self, theirs: Mapping[str, Any]) -> Record:
        """Stripe's object in our words."""
        found = self.fields.read(theirs)
        found = {name: self.blank.get(name) if value is None else value for name, value in found.items()}
        if "taxable_fraction" in found:
            found["rate"] = f"{Decimal(found['rate']) / Decimal(found['taxable_fraction']):.6f}"
        return found

    def say(self, ours: Mapping[str, Any]) -> Record:
        """Our values in Stripe's words, by dotted names. A tax rate's percentage is of the whole amount, ours of its taxable part."""
        if "rate" in ours:
            rate = Decimal(ours["rate"]) * Decimal(ours.get("taxable_fraction") or 1)
            ours = {**ours, "rate": f"{rate:f}"}
        return self.fields.say(ours)


DOCUMENT = (
    Row("id", "id", writes=""),
    Row("invoice_no", "number", writes=""),
    Row("customer", "customer", writes=""),
    Row("ccy", "currency", UPPER, ""),
    *_meta("contract_no project_no legal_entity customer_no", writes=""),
    *_meta("issue_date tax_point", writes=""),
    Row("status", "metadata.state", writes=""),
    *_meta("external_id source_key"),
)
OBJECTS: dict[str, Object] = {
    "customer": Object(
        "/v1/customers",
        Fields(
            (
                Row("id", "id", writes=""),
                Row("customer_no", "metadata.customer_no", writes="c"),
                Row("name", "name", SHORT),
                Row("name_full", "name", WHOLE_NAME),
                Row("country", "address.country"),
                Row(
                    "tax_status",
                    "tax_exempt",
                    choice({"TAXABLE": "none", "EXEMPT": "exempt", "REVERSE_CHARGE_ELIGIBLE": "reverse"}),
                ),
                Row("language", "preferred_locales", FIRST),
                Row("status", "metadata.status", writes=""),
                Row("parent", "metadata.parent_customer"),
                *_meta(
                    "external_id source_key legal_name vat_id tax_no exemption_cert exemption_expires vat_validated_at terms"
                ),
                *_meta("invoice_ccy owner segment"),
                Row("credit_limit", "metadata.credit_limit", MINOR),
                *_meta("po_required distinct_approved", YES),
            ),
            ccy="metadata.invoice_ccy",
        ),
        searched="metadata['customer_no']:'{}'",
        blank={
            "status": "ACTIVE",
            "terms": "NET30",
            "invoice_ccy": "USD",
            "po_required": False,
            "distinct_approved": False,
        },
    ),
    "tax_code": Object(
        "/v1/tax_rates",
        Fields(
            (
                Row("id", "id", writes=""),
                Row("code", "metadata.tax_code", writes="c"),
                Row("rate", "percentage", FRACTION, "c"),
                Row("jurisdiction", "jurisdiction"),
                *_meta("kind category legend valid_from valid_to external_id source_key"),
                Row("taxable_fraction", "metadata.taxable_fraction", writes="c"),
            )
        ),
        blank={"kind": "SALES_TAX", "category": "S", "taxable_fraction": "1.000000"},
        mark="tax_code",
    ),
    "invoice": Object(
        "/v1/invoices",
        Fields(
            (
                *DOCUMENT,
                Row("due", "due_date", EPOCH_DAY, ""),
                Row("issued_at", "status_transitions.finalized_at", EPOCH, ""),
                Row("net", "total_excluding_tax", AMOUNT, ""),
                Row("total", "total", AMOUNT, ""),
                Row("paid", "amount_paid", AMOUNT, ""),
                *_meta("ar_status po_no terms", writes=""),
                *_meta("warnings", KEYS, ""),
            ),
            ccy="currency",
        ),
        searched="number:'{}'",
        filters=("contract_no", "legal_entity"),
        blank={"status": "DRAFT", "warnings": [], "terms": "NET30"},
        mark="legal_entity",
    ),
    "credit_memo": Object(
        "/v1/credit_notes",
        Fields(
            (
                *(Row("cm_no", each.theirs, each.kind, "") if each.ours == "invoice_no" else each for each in DOCUMENT),
                Row("reason", "metadata.business_reason", writes=""),
                *_meta("corrects approved_by due", writes=""),
                *_meta("release_items", YES, ""),
                Row("issued_at", "created", EPOCH, ""),
                Row("net", "total_excluding_tax", NEGATIVE, ""),
                Row("total", "total", NEGATIVE, ""),
            ),
            ccy="currency",
        ),
        blank={"status": "DRAFT", "release_items": False},
        mark="legal_entity",
    ),
}
"""By entity."""
KEY = {"customer": "customer_no", "tax_code": "code", "invoice": "invoice_no", "credit_memo": "cm_no"}
PREFIX = {"customer": "cus_", "tax_code": "txr_", "invoice": "in_", "credit_memo": "cn_"}
"""What an id begins with; anything else is a business key."""

LINE = Fields(
    (
        *_meta("line_type plan_line ms_code service_item tax_code tax_determined tax_rate taxable_fraction"),
        *_meta("contract_line minutes", WHOLE),
        Row("description", "description"),
    )
)


def lines_of(theirs: Mapping[str, Any], lines: list[Record], sign: int) -> list[Record]:
    """A document's lines in our words. sign: -1 for credit notes, whose amounts we keep as negative ones."""
    ccy = str(theirs["currency"]).upper()
    return [
        {
            **LINE.read(line),
            **_priced(line, ccy),
            "line_no": number,
            "ccy": ccy,
            "net": {"minor": sign * line["amount"], "ccy": ccy},
            "tax": {"minor": sign * sum(each["amount"] for each in line["taxes"]), "ccy": ccy},
            "items": [
                key for name, part in line["metadata"].items() if name.startswith("items") for key in part.split(",")
            ],
        }
        for number, line in enumerate(lines, 1)
    ]


def _priced(line: Mapping[str, Any], ccy: str) -> Record:
    """Quantity and price of an invoice's line; a credit note's says only what it comes to."""
    unit = (line.get("pricing") or {}).get("unit_amount_decimal")
    if unit is None:
        return {}
    price = Decimal(unit).scaleb(-places(ccy))
    return {"qty": f"{Decimal(line['quantity_decimal']):.4f}", "unit_price": f"{price:.4f}"}


NO_CONTRACTS = (
    "Stripe bills subscriptions, prices and items; it knows no contract with milestones, caps and change orders"
)
NATIVE: dict[str, str] = {
    "legal_entity": "an account of Stripe is one company",
    "fx_rate": "Stripe's rates are its own and cannot be set",
    "site": "a customer has one address and one for shipping; the business bills and delivers to many sites with codes",
    "service_item": "a product carries no tax category and no revenue account",
    "rate_card": "prices belong to no dated card with one rate for each level",
    "change_order": NO_CONTRACTS,
    "plan": NO_CONTRACTS,
    "plan_line": NO_CONTRACTS,
    "billable_item": "an invoice item cannot be found by the entry that it is made from, and no cap is split over it",
    **dict.fromkeys(("hold_item", "release_item"), "an invoice item is on the next invoice; it cannot be held back"),
    "invoice.create": "the lines of a final invoice are taxed and numbered by the engine's rules, not by rates that the caller chooses",
    "draft_invoice": "what is drawn up are plan lines and approved work, which Stripe has no objects for; the draft is an invoice of Stripe's",
    "merge_customer": "customers are not merged",
    "tax_code.patch": "the percentage of a tax rate never changes; a new rate would have a new id",
}
"""What goes by the native face, with the reason; for deeds and fields the row says which part."""
