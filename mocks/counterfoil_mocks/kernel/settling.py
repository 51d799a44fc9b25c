"""What a caller gave, settled into what is stored: defaults, references, currencies, lines, and which moves between states are legal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Field, Record
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.system import System


def settled(system: System, entity: Entity, values: Record, old: Record | None = None) -> Record:
    """The values that a record will have. values: of a new record what was given, of one that changes all its fields as they are to be; they
    are written into. old: the record before. Raises Problem for a reference to nothing and for an amount in another currency."""
    if old is None:
        given = {name: value for name, value in values.items() if value is not None}
        values = {**entity.defaults, **{name: [] for name in entity.empty_lists}, **given}
    else:
        for name, default in entity.defaults.items():
            values.setdefault(name, default)
        for name in entity.empty_lists:
            if name not in values:
                values[name] = []
    for each in entity.linked:
        value = values[each.name]
        if value is None:
            continue
        if each.kind == "money" and isinstance(value, Money):
            values[each.name] = _same_currency(each, value, values)
        elif each.kind == "ref" and (old is None or old.get(each.name) != value):
            target = system.table(each.target).live_id(
                system.name, value, key=system.looks_like_key(system.role.by_name[each.target], value)
            )
            if target is None:
                raise invalid(
                    each.name,
                    f"there is no {each.target} {value!r}",
                    "Give the id or business key of a live record.",
                )
            values[each.name] = target
        elif each.kind == "lines" and each.entity is not None and (old is None or value is not old.get(each.name)):
            values[each.name] = [
                _settled_line(each.entity, line, position, values) for position, line in enumerate(value, 1)
            ]
    return values


def check_move(entity: Entity, each: Field, record: Record, target: str) -> None:
    """Refuse a move between states that the entity's table does not list."""
    source = record[each.name]
    if target not in each.moves.get(source, ()):
        legal = ", ".join(each.moves.get(source, ())) or "nothing (it is final)"
        raise conflict(
            "ILLEGAL_TRANSITION",
            f"{entity.name.replace('_', ' ').capitalize()} {record['key'] or record['id']} is {source}; it cannot become {target}.",
            field=each.name,
            remedy=f"From {source} it may become: {legal}.",
        )


def _settled_line(entity: Entity, line: Mapping[str, Any], position: int, parent: Record) -> Record:
    settled = {name: line.get(name) for name in entity.line_names}
    for each in entity.columns:
        if settled[each.name] is None:
            settled[each.name] = [] if each.kind == "json" else each.default
    if settled.get("line_no", 1) is None:
        settled["line_no"] = position
    if "ccy" in settled and settled["ccy"] is None:
        settled["ccy"] = parent.get("ccy")
    for each in entity.columns:
        value = settled[each.name]
        if isinstance(value, Money):
            settled[each.name] = _same_currency(each, value, settled)
    return settled


def _same_currency(each: Field, value: Money, record: Record) -> int:
    ccy = record.get(each.ccy)
    if ccy is None:
        record[each.ccy] = value.ccy
    elif ccy != value.ccy:
        raise invalid(
            f"{each.name}.ccy", f"{value.ccy} given where the record is in {ccy}", f"Give the amount in {ccy}."
        )
    return value.minor
