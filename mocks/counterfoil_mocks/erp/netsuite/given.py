"""Reads what NetSuite's callers give of records: names that there are, values by the field maps, references, figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.kept_objects import ENUMS
from counterfoil_mocks.erp.netsuite.objects import AMOUNT
from counterfoil_mocks.erp.netsuite.reader import Reader
from counterfoil_mocks.erp.netsuite.record_types import TYPES
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.protocols.conversion import exact
from counterfoil_mocks.protocols.fieldmap import ObjectMap

PASSED_OVER = ("id", "links", "refName")
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LABELS = {"entity": "Customer", "customer": "Customer", "payment": "Payment Amount", "itemId": "Item Name/Number"}
LARGEST = 2**53


class Given:
    """What one call gives. strict: fields that there are not are refused; ignored: those that were not. lenient: values
    that a field cannot have are passed over; doubtful: those that were. silent: of which of these callers are not told."""

    def __init__(
        self, system: System, origin: Origin, reader: Reader, *, strict: bool = False, lenient: bool = False
    ) -> None:
        self.system = system
        self.origin = origin
        self.reader = reader
        self.strict = strict
        self.lenient = lenient
        self.ignored: list[str] = []
        self.doubtful: list[str] = []
        self.silent: set[str] = set()

    def entity(self, each: ObjectMap) -> Entity:
        """The canonical entity of a type."""
        return self.system.role.by_name[each.entity]

    def _known(self, each: ObjectMap, body: Mapping[str, Any], at: str = "") -> Record:
        children = {child.name for child in each.children}
        given: Record = {}
        for name, value in body.items():
            if name in PASSED_OVER:
                continue
            one = each.by_name.get(name)
            if one is None and name not in children and not self._undeclared(name):
                if name == "addressBookAddress":
                    given[name] = value
                    continue
                if self.strict:
                    raise errors.content(f"Unknown field '{name}'.", path=at + name)
                self.ignored.append(at + name)
            elif one is None or one.computed is None or name in SPOKEN.get(each.name, ()):
                given[name] = value
        return given

    def _undeclared(self, name: str) -> bool:
        """Whether a field is taken for a custom one of the account, which nobody has to declare while nothing else is declared."""
        return name.startswith("cust") and self.reader.types is TYPES

    def _values(self, each: ObjectMap, given: Mapping[str, Any], around: Record | None = None, at: str = "") -> Record:
        """Canonical values. around: the record changed, or what the currency of a line is; None: a new record."""
        flat: Record = {}
        for name in sorted(given, key=lambda name: name not in ("currency", "subsidiary")):
            value, one = given[name], each.by_name.get(name)
            if one is None or one.computed is not None:
                if one is None and name not in COMPUTED_LISTS:
                    flat[name] = value
                continue
            if not (one.creatable if around is None else one.updatable and one.creatable):
                continue
            if value is None and one.required and not one.column and around is not None:
                raise errors.missing(LABELS.get(name) or one.about.get("label") or name, at + name)
            if one.refers and value is not None:
                value = self.reader.stored_of(one.refers, value, name, at + name)
            elif not one.column and value is not None:
                try:
                    value = one.conversion.read(value, {})
                except ValueError:
                    if self.lenient:
                        self.doubtful.append(at + name)
                        continue
                    raise invalid(at + name) from None
                self._check_length(name, value, one.about.get("length"), at)
            flat[name] = value
        try:
            values = each.values(flat, around)
        except Problem as problem:
            field = problem.field or ""
            if self.lenient and problem.code == "INVALID_VALUE" and field in given:
                self.doubtful.append(at + field)
                return self._values(each, {name: value for name, value in given.items() if name != field}, around, at)
            if problem.code == "MISSING_FIELD":
                label = LABELS.get(field) or each.by_name[field].about.get("label") or field
                raise errors.missing(label, at + field) from None
            raise invalid(at + field) from None
        except ArithmeticError:
            raise errors.content("A number is out of range.") from None
        if any(isinstance(value, int) and abs(value) > LARGEST for value in values.values()):
            raise errors.content("A number is out of range.")
        self._check_lengths(each, values, at)
        return values

    def _check_lengths(self, each: ObjectMap, values: Record, at: str) -> None:
        known = self.system.role.by_name.get(each.entity)
        for name, value in values.items():
            one = known.by_name.get(name) if known is not None else None
            if one is not None and one.kind == "text":
                self._check_length(each.named(name), value, one.limit, at)

    @staticmethod
    def _check_length(name: str, value: Any, most: int | None, at: str) -> None:
        if isinstance(value, str) and most is not None and len(value) > most:
            raise errors.user(
                f"The field {name} contained more than the maximum number ( {most} ) of characters allowed.",
                path=at + name,
            )

    def _check_external(self, each: ObjectMap, external: Any, record: Record | None) -> None:
        if not isinstance(external, str) or not EXTERNAL_ID.fullmatch(external):
            raise errors.content(f"Invalid external id {external!r}.", path="externalId")
        if self.reader.taken(each, external, record["id"] if record else ""):
            raise errors.exists()

    def _extended(self, line: Record, ccy: str, at: str) -> Any:
        """Quantity times rate, rounded to the currency."""
        if line.get("rate") is None:
            raise errors.missing("Amount", f"{at}amount")
        try:
            product = exact(line.get("quantity") if line.get("quantity") is not None else 1) * exact(line["rate"])
            return str(product.quantize(Decimal(1).scaleb(-money.exponent(ccy)), rounding="ROUND_HALF_UP"))
        except (ValueError, ArithmeticError):
            raise errors.content("Invalid number.", path=f"{at}rate") from None

    def _figure(self, value: Any, document: Record, path: str) -> int:
        try:
            return int(AMOUNT.read(value, document))
        except ValueError:
            raise errors.content("Invalid number.", path=path) from None


COMPUTED_LISTS = ("taxDetails",)
"""Sublists that are worked out; what callers say of them is not heard."""
MALFORMED = "The request could not be understood by the server due to malformed syntax."
SPOKEN = {
    "customer": ("companyName", "isInactive"),
    "serviceSaleItem": ("isInactive",),
    "addressBook": ("defaultBilling", "defaultShipping", "addressId", "internalId"),
    "nonInventorySaleItem": ("isInactive",),
    **{name: tuple(words) for name, words in ENUMS.items()},
    **dict.fromkeys(
        ("invoice", "creditMemo", "customerPayment", "customerDeposit", "customerRefund", "journalEntry"),
        ("postingPeriod",),
    ),
}
"""Fields that are worked out when they are shown, and still heard."""


def invalid(path: str) -> errors.Refused:
    """A value cannot be taken."""
    name = path.rpartition(".")[2]
    return errors.content(
        f"Invalid value for the resource or sub-resource field '{name}'. Provide a valid value.", path=path
    )


def items_of(sublist: Any, name: str) -> list[Mapping[str, Any]]:
    """The lines of a sublist as callers give it; raises Refused 400."""
    if sublist is None:
        return []
    lines = sublist.get("items") if isinstance(sublist, Mapping) else sublist
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise errors.content(
            f"Invalid value for the resource or sub-resource field '{name}'. Provide a valid value.", path=name
        )
    return lines


def named_by(given: Mapping[str, Any], lines: list[Record]) -> Record | None:
    """The one of some lines whose number a caller says."""
    at = given.get("line")
    return lines[at - 1] if isinstance(at, int) and not isinstance(at, bool) and 1 <= at <= len(lines) else None
