"""Reading what callers send: one typed shape for each entity and action, made from its field declarations.

A shape turns JSON values into stored values (money into `money.Money`, decimals into scaled integers), says in a sentence what is
wrong with the rest, and its JSON schema says exactly what is accepted. Shapes are built at first use.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Required

import orjson
from pydantic import AfterValidator, BeforeValidator, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic import Field as Schema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import COMMON, KEY_PARTS, Entity, Field, Record
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.role import Action

CUSTOM_BYTES = 32 * 1024
CUSTOM_DEPTH = 32
MOST_LINES = 1000
MOST_REFS = 50
MOST_ERRORS = 20
NO_NUL = r"^[^\x00]*$"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
YEARS = range(1900, 2200)
WHOLE_DIGITS = {money.PRICE_SCALE: 8, money.RATE_SCALE: 6}


# values


def _whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


def _refused(sentence: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence, "remedy": remedy})


def _date(value: str) -> str:
    try:
        found = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        raise _refused(f"{value!r} is not a date", f"Write it as 2026-01-31; years {YEARS[0]} to {YEARS[-1]}.")
    return value


def instant(value: str) -> str:
    """An RFC 3339 instant in any zone as stored instant text; raises ValueError."""
    if not RFC3339.fullmatch(value):
        raise ValueError(value)
    found = datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    if found.year not in range(YEARS[0] + 1, YEARS[-1]):
        raise ValueError(value)
    return clock.render(found)


def _instant(value: str) -> str:
    try:
        return instant(value)
    except ValueError:
        remedy = f"Write it as 2026-01-31T09:30:00.000Z; years {YEARS[1]} to {YEARS[-2]}."
        raise _refused(f"{value!r} is not an instant", remedy) from None


def _zone(value: str) -> str:
    try:
        clock.zone(value)
    except (LookupError, ValueError, OSError):
        raise _refused(f"{value!r} is not a time zone", "Give an IANA name such as Europe/London.") from None
    return value


def _depth(value: Any, left: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return True
    return left > 0 and all(_depth(each, left - 1) for each in value if isinstance(each, (dict, list)))


def _custom(value: Record) -> Record:
    if not _depth(value, CUSTOM_DEPTH):
        raise _refused(f"is nested more than {CUSTOM_DEPTH} deep", "Flatten it.")
    size = len(orjson.dumps(value))
    if size > CUSTOM_BYTES:
        raise _refused(f"is {size} bytes long, more than {CUSTOM_BYTES}", "Keep large documents elsewhere.")
    return value


def _distinct(refs: list[Record]) -> list[Record]:
    seen = set()
    for each in refs:
        place = (each["system"], each.get("tenant"), each["type"])
        if place in seen:
            raise _refused(
                f"names {each['system']} {each.get('tenant') or ''} {each['type']} twice".replace("  ", " "),
                "Give one reference for each system, tenant and type.",
            )
        seen.add(place)
    return refs


def shape_type(name: str, members: Mapping[str, Any], required: Iterable[str] = (), **extra: Any) -> Any:
    """A JSON object with these members and no others. extra: further JSON-schema keywords."""
    must = set(required)
    typed_dict: Any = TypedDict
    made = typed_dict(
        name, {key: Required[kind] if key in must else kind for key, kind in members.items()}, total=False
    )
    made.__pydantic_config__ = ConfigDict(extra="forbid", json_schema_extra=extra or None)
    made.__doc__ = None
    return made


def chars(limit: int, *, least: int = 0, pattern: str = NO_NUL) -> Any:
    """Text of `least` to `limit` characters."""
    return Annotated[str, StringConstraints(min_length=least or None, max_length=limit, pattern=pattern)]


def whole(low: int | None, high: int | None) -> Any:
    """A whole number; `316.0` is one."""
    return Annotated[int, Schema(strict=True, ge=low, le=high), BeforeValidator(_whole)]


MONEY: Any = shape_type(
    "Money",
    {
        "minor": Annotated[whole(-(10**15), 10**15), Schema(description="Minor units of the currency.")],
        "ccy": Annotated[Literal[tuple(money.EXPONENTS)], Schema(description="ISO 4217 currency.")],
    },
    ("minor", "ccy"),
)
EXT_REF: Any = shape_type(
    "ExtRef",
    {"system": chars(60, least=1), "tenant": chars(120) | None, "type": chars(60, least=1), "id": chars(255, least=1)},
    ("system", "type", "id"),
)
MoneyIn = Annotated[MONEY, AfterValidator(lambda each: Money(each["minor"], each["ccy"]))]
Flag = Annotated[bool, Schema(strict=True)]
Day = Annotated[str, Schema(json_schema_extra={"format": "date"}), AfterValidator(_date)]
Instant = Annotated[str, Schema(json_schema_extra={"format": "date-time"}), AfterValidator(_instant)]
Custom = Annotated[dict[str, Any], AfterValidator(_custom)]
ExtRefs = Annotated[list[EXT_REF], Schema(max_length=MOST_REFS), AfterValidator(_distinct)]


def decimal(scale: int) -> Any:
    """A decimal string with at most as many places as `scale` holds."""
    places = len(str(scale)) - 1
    pattern = rf"^-?[0-9]{{1,{WHOLE_DIGITS.get(scale, 12)}}}(\.[0-9]{{1,{places}}})?$"
    return Annotated[str, StringConstraints(pattern=pattern), AfterValidator(lambda value: money.scaled(value, scale))]


def _lines(each: Field) -> Any:
    if each.entity is None:
        raise TypeError(f"lines {each.name} without an entity")
    line: Any = line_type(each.entity)
    return Annotated[list[line], Schema(max_length=MOST_LINES)]


def _text(each: Field) -> Any:
    return chars(each.limit, least=1 if each.required else 0, pattern=each.pattern or NO_NUL)


def _listing(each: Field) -> Any:
    member: Any = chars(255)
    return Annotated[list[member], Schema(max_length=each.limit)]


TYPES: dict[str, Callable[[Field], Any]] = {
    "text": _text,
    "zone": lambda each: Annotated[_text(each), AfterValidator(_zone)],
    "integer": lambda each: whole(each.low, each.high),
    "boolean": lambda each: Flag,
    "date": lambda each: Day,
    "instant": lambda each: Instant,
    "money": lambda each: MoneyIn,
    "decimal": lambda each: decimal(each.scale),
    "choice": lambda each: Literal[each.choices],
    "state": lambda each: Literal[each.choices],
    "ref": lambda each: chars(255, least=1),
    "json": _listing,
    "refs": lambda each: ExtRefs,
    "object": lambda each: Custom,
    "lines": _lines,
}
"""What a field of each kind may be given as."""

STAYS = ("json", "refs", "object", "lines", "state")
"""Kinds that have no null: an empty list, an empty object or another state says it."""


def input_type(each: Field, *, key: bool = False, nullable: bool = True) -> Any:
    """What a caller may give for a field. key: it is part of a business key, so not an empty text."""
    kind = TYPES[each.kind](each)
    if key and each.kind == "text" and not each.required:
        kind = chars(each.limit, least=1, pattern=each.pattern or NO_NUL)
    if nullable and not each.required and each.kind not in STAYS:
        kind = kind | None if not isinstance(kind, str) else kind
    return Annotated[kind, Schema(description=each.doc)] if each.doc else kind


@lru_cache(maxsize=512)
def line_type(entity: Entity) -> Any:
    """One line of a document, as it is given."""
    given = [each for each in entity.columns if not each.computed]
    return shape_type(
        title_of(entity.name) + "In",
        {each.name: input_type(each) for each in given},
        [each.name for each in given if each.required],
    )


def title_of(name: str) -> str:
    """`time_entry` as `TimeEntry`."""
    return name.title().replace("_", "")


# shapes


class Shape:
    """What a body must look like. `read` turns it into stored values or raises Problem 422."""

    def __init__(
        self, name: str, type_: Any, known: Iterable[str], *, nulls: bool, computed: Iterable[str] = ()
    ) -> None:
        self.name = name
        self.type = type_
        self.adapter: TypeAdapter[Record] = TypeAdapter(type_)
        self.known = tuple(known)
        self.computed = frozenset(computed)
        self.nulls = nulls
        self._validate = self.adapter.validator.validate_python

    def read(self, body: Any) -> Record:
        """The body as stored values; nulls count as absent unless the shape keeps them."""
        try:
            values: Record = self._validate(body)
        except ValidationError as error:
            raise self.problem(error) from None
        if not self.nulls and None in values.values():
            return {name: value for name, value in values.items() if value is not None}
        return values

    def problem(self, error: ValidationError) -> Problem:
        """422: every member that cannot be taken, each with its path, a sentence and what to do."""
        found = [self._explained(each) for each in error.errors(include_url=False)[:MOST_ERRORS]]
        first = found[0]
        more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
        return Problem(
            422,
            "INVALID_FIELD",
            f"{first['field']}: {first['detail']}{more}",
            field=first["field"],
            remedy=first["remedy"],
            errors=found,
        )

    def _explained(self, error: Any) -> dict[str, str]:
        path = ".".join(str(part) for part in error["loc"]) or "body"
        detail, remedy = explained(error)
        if error["type"] == "extra_forbidden":
            name = str(error["loc"][-1])
            close = difflib.get_close_matches(name, self.known, 1) if len(error["loc"]) == 1 else []
            if len(error["loc"]) == 1 and name in self.computed:
                detail, remedy = "is computed by the system and cannot be given", "Leave it out."
            elif close:
                remedy = f"Did you mean {close[0]}?"
        return {"field": path, "detail": detail, "remedy": remedy}


SENTENCES = {
    "missing": ("is missing", "Give it."),
    "extra_forbidden": ("is not a field of this", "Leave it out."),
    "string_type": ("is not a text", "Give a JSON string."),
    "string_too_long": ("has more than {max_length} characters", "Shorten it."),
    "string_too_short": ("is empty", "Give at least {min_length} character."),
    "int_type": ("is not a whole number", "Give a JSON integer."),
    "greater_than_equal": ("is less than {ge}", "Give {ge} or more."),
    "less_than_equal": ("is more than {le}", "Give {le} or less."),
    "bool_type": ("is neither true nor false", "Give a JSON boolean."),
    "literal_error": ("is not one of the values it can have", "One of {expected}."),
    "list_type": ("is not a list", "Give a JSON array."),
    "too_long": ("has more than {max_length} members", "Give {max_length} at most."),
    "dict_type": ("is not an object", "Give a JSON object."),
    "refused": ("{sentence}", "{remedy}"),
}
"""What each kind of refusal says: a sentence, and what to do."""


def explained(error: Any) -> tuple[str, str]:
    """A refusal in a sentence, and what to do about it."""
    context = error.get("ctx") or {}
    if error["type"] == "string_pattern_mismatch":
        if context["pattern"] == NO_NUL:
            return "holds the character U+0000", "Leave that character out."
        return "does not have the right form", f"It must match {context['pattern']}."
    detail, remedy = SENTENCES.get(error["type"], (error["msg"], "Correct it."))
    return detail.format_map(context), remedy.format_map(context)


FREE = tuple(each for each in COMMON if not each.computed)
"""Common fields that integrations may write."""


def _given(entity: Entity) -> tuple[Field, ...]:
    return (*(each for each in entity.fields if not each.computed), *FREE)


def _computed(entity: Entity) -> list[str]:
    return [each.name for each in (*COMMON, *entity.fields) if each.computed]


@lru_cache(maxsize=512)
def create_shape(entity: Entity) -> Shape:
    """What may be given when a record is created."""
    parts = KEY_PARTS.findall(entity.key)
    given = _given(entity)
    made = shape_type(
        title_of(entity.name) + "Create",
        {each.name: input_type(each, key=each.name in parts) for each in given},
        [each.name for each in given if each.required],
    )
    return Shape(made.__name__, made, [each.name for each in given], nulls=False, computed=_computed(entity))


@lru_cache(maxsize=512)
def patch_shape(entity: Entity) -> Shape:
    """What may be given when a record is changed; null clears a field that has no default."""
    parts = KEY_PARTS.findall(entity.key)
    given = _given(entity)
    made = shape_type(
        title_of(entity.name) + "Patch",
        {
            each.name: input_type(
                each, key=each.name in parts, nullable=each.default is None and each.name not in parts
            )
            for each in given
        },
    )
    return Shape(made.__name__, made, [each.name for each in given], nulls=True, computed=_computed(entity))


def cleared(entity: Entity, values: Record) -> Record:
    """The values of a replacing write: what is omitted gets its default; states and parts of the business key stay."""
    parts = KEY_PARTS.findall(entity.key)
    whole_record: Record = {}
    for each in _given(entity):
        if each.name in values:
            whole_record[each.name] = values[each.name]
        elif each.kind != "state" and each.name not in parts:
            empty: Any = [] if each.kind in ("json", "refs", "lines") else {} if each.kind == "object" else each.default
            whole_record[each.name] = empty
    return whole_record


@lru_cache(maxsize=512)
def action_shape(action: Action) -> Shape:
    """What may be given when an action is called: its fields, and `key` or `id` of what it is done to."""
    members = {each.name: input_type(each) for each in action.fields}
    extra: dict[str, Any] = {}
    if action.subject is not None:
        name = action.subject.name.replace("_", " ")
        members = {
            "key": Annotated[chars(255, least=1), Schema(description=f"Business key of the {name}.")],
            "id": Annotated[chars(64, least=1), Schema(description=f"Native id of the {name}.")],
        } | members
        extra = {"oneOf": [{"required": ["key"]}, {"required": ["id"]}]}
    made = shape_type(
        title_of(action.name) + "Action", members, [each.name for each in action.fields if each.required], **extra
    )
    return Shape(made.__name__, made, members, nulls=False)
