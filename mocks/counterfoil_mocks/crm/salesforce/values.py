"""What callers give: each value checked by its field's type, with Salesforce's own refusals, and turned into what is stored."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from counterfoil_mocks.crm.salesforce import errors
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import MONEY_TYPES, TEXT_TYPES, SField, SObject
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Field
from counterfoil_mocks.protocols.relation import MONEY_PLACES

EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>()]+")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
DAY_START = re.compile(r"(\d{4}-\d{2}-\d{2})T")
NUMBER_LIMIT = Decimal(2**63 - 1).scaleb(-MONEY_PLACES)
"""What the store holds with all its places."""
INT_LIMIT = Decimal(2**31 - 1)


def _undeserialised(one: SField, value: Any) -> Refused:
    token = "VALUE_STRING" if isinstance(value, str) else {True: "VALUE_TRUE", False: "VALUE_FALSE"}.get(value, "VALUE_NUMBER_INT") if isinstance(value, bool) else "START_OBJECT" if isinstance(value, dict) else "START_ARRAY" if isinstance(value, list) else "VALUE_NUMBER_INT"  # fmt: skip
    kind = "string" if one.type in TEXT_TYPES else one.type
    message = f"Cannot deserialize instance of {kind} from {token} value {value} or request may be missing a required field at [line:1, column:2]"
    return errors.Mistyped(message, one.shown_label, one.name, value)


def checked(each: SObject, one: SField, value: Any) -> Any:
    """A value as its field takes it; blanks around a text are dropped, an empty one is nothing. Raises Refused."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    if one.type in MONEY_TYPES:
        return _number(one, value)
    if one.type == "boolean":
        if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
            return value.lower() in ("true", "1")
        if not isinstance(value, bool):
            raise _undeserialised(one, value)
        return value
    if isinstance(value, (dict, list)):
        raise _undeserialised(one, value)
    if one.type == "date":
        return _day(one, value)
    if one.type == "datetime":
        return _instant(one, value)
    if one.type in ("reference", "id"):
        return _reference(one, value)
    if not isinstance(value, str):
        if isinstance(value, bool) or one.type not in TEXT_TYPES:
            raise _undeserialised(one, value)
        value = str(value)
    return _text(each, one, value)


def _outside(one: SField, value: Any) -> Refused:
    message = f"{one.shown_label}: value outside of valid range on numeric field: {value}"
    return Refused(400, "NUMBER_OUTSIDE_VALID_RANGE", message, [one.name])


def _number(one: SField, value: Any) -> Decimal:
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        found = Decimal(str(value))
        if not found.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise _undeserialised(one, value) from None
    if abs(found) > (INT_LIMIT if one.type == "int" else NUMBER_LIMIT):
        raise _outside(one, value)
    if one.type == "int":
        if found != found.to_integral_value():
            raise _undeserialised(one, value)
        return found.to_integral_value()
    if one.column and one.type == "currency":
        return found  # the currency of the record says how many places are kept
    places = 4 if one.name == "UnitPrice" else max(one.scale, 2)
    return found.quantize(Decimal(1).scaleb(-places), "ROUND_HALF_UP")


def _day(one: SField, value: Any) -> str:
    text = str(value)
    start = DAY_START.match(text)
    if start:
        text = start[1]
    if not DAY.fullmatch(text):
        raise _undeserialised(one, value)
    try:
        clock.parse(text)
    except ValueError:
        raise _undeserialised(one, value) from None
    return text


def _instant(one: SField, value: Any) -> str:
    text = str(value)
    if re.search(r"[+-]\d{4}$", text):
        text = f"{text[:-2]}:{text[-2:]}"
    try:
        return clock.render(clock.parse(text))
    except (ValueError, OverflowError):
        raise _undeserialised(one, value) from None


def _reference(one: SField, value: Any) -> str:
    if not is_id(value):
        raise malformed(one, value)
    return long_id(str(value))


def malformed(one: SField, value: Any) -> Refused:
    """The refusal of what is no id, or one of another object."""
    message = f"{one.shown_label}: id value of incorrect type: {value}" if one.refers else f"malformed id {value}"
    return Refused(400, "MALFORMED_ID", message, [one.name])


def not_picked(one: SField, value: str) -> Refused:
    """The refusal of what a restricted picklist has not."""
    message = f"{one.shown_label}: bad value for restricted picklist field: {value}"
    return Refused(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [one.name])


def _text(each: SObject, one: SField, value: str) -> str:
    if one.type == "email" and not EMAIL.fullmatch(value):
        raise Refused(400, "INVALID_EMAIL_ADDRESS", f"{one.shown_label}: invalid email address: {value}", [one.name])
    if one.type == "picklist" and one.picks:
        known = next((each_pick for each_pick in one.picks if each_pick.casefold() == value.casefold()), None)
        if known is None and one.restricted:
            raise not_picked(one, value)
        return known or value
    if one.type == "multipicklist" and one.picks:
        return ";".join(_picked(one, value))
    if one.length and len(value) > one.length:
        message = f"{one.shown_label}: data value too large: {value[:255]} (max length={one.length})"
        raise Refused(400, "STRING_TOO_LONG", message, [one.name])
    return value


def _picked(one: SField, value: str) -> list[str]:
    """What is picked of a list, in its order, whatever the order and the case in which it was said."""
    said = {each.strip().casefold(): each.strip() for each in value.split(";") if each.strip()}
    found = [each for each in one.picks if said.pop(each.casefold(), None) is not None]
    if said and one.restricted:
        raise not_picked(one, next(iter(said.values())))
    return [*found, *said.values()]


def stored(one: SField, field: Field, value: Any, ccy: str) -> Any:
    """A checked value as the canonical field keeps it. ccy: of the record."""
    if value is None:
        return None
    if field.kind == "money":
        places = money.exponent(ccy)
        return int(value.scaleb(places).quantize(Decimal(1), "ROUND_HALF_UP"))
    if field.kind == "decimal":
        scaled = value * field.scale / (100 if one.type == "percent" else 1)
        return int(scaled.quantize(Decimal(1), "ROUND_HALF_UP"))
    if field.kind == "integer":
        whole = int(value)
        if (field.low is not None and whole < field.low) or (field.high is not None and whole > field.high):
            raise _outside(one, value)
        return whole
    if one.words:
        return code_of(one, value)
    return value


def code_of(one: SField, label: str) -> str:
    """The stored code of a picklist's label; the first where several have it."""
    return next((code for code, word in one.words.items() if word == label), label)


def kept(one: SField, value: Any) -> Any:
    """A checked value as custom fields keep it."""
    if isinstance(value, Decimal):
        return int(value) if one.type == "int" or value == value.to_integral_value() else float(value)
    return value


def required(each: SObject, said: dict[str, Any]) -> list[str]:
    """Fields that a new record lacks."""
    return [one.name for one in each.fields if one.required and said.get(one.name) is None]


def unknown(each: SObject, name: str) -> Refused:
    """The refusal of a field that is not there."""
    return errors.unknown_field(each.name, name)
