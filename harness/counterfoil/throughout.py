"""What must hold at every observable instant is asked at each of them: the states that a story passed through are rebuilt from the
row versions, and the invariants that a state's commits may have touched are asked again.

An instant is observable when the landscape had come to rest at it: the business clock stands still while an integration works, so
commits that lie less than a second apart belong to one moment.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from counterfoil import vocabulary
from counterfoil.causes import Past
from counterfoil.invariant import Invariant, Row, limits

TABLE = re.compile(r"\b(crm|psa|erp|billing)\.(\w+)")
COMPUTED = re.compile(r"\{\w+\}\.\w+")
VIEW = re.compile(r"CREATE TEMP VIEW (\w+) AS(.*?)(?:;\n|$)", re.DOTALL)
WORD = re.compile(r"\w+")
CLOSING = ("erp", "period")

Tables = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Breach:
    """What an invariant said at a moment of the past."""

    invariant: Invariant
    at: str
    rows: list[Row]


def breaches(
    past: Past, wanted: Sequence[Invariant], *, since: str, deadlines: Mapping[str, int] | None = None
) -> list[Breach]:
    """The first breach of each wanted invariant at a moment between `since` and now: of kind A at every moment, of kind P at those
    at which a period was closed. Leaves `past` at its last moment."""
    watched = {each.id: (each, touched_by(each, past)) for each in wanted if each.kind in ("A", "P")}
    found: list[Breach] = []
    for at, touched in moments(past, since):
        past.move_to(at)
        params = limits(at, deadlines)
        for each, tables in list(watched.values()):
            if (CLOSING not in touched) if each.kind == "P" else (tables and touched.isdisjoint(tables)):
                continue
            rows = each.rows(past.scratch, params)
            if rows:
                del watched[each.id]
                found.append(Breach(each, at, rows))
    return found


def moments(past: Past, since: str) -> Iterator[tuple[str, Tables]]:
    """The instants at which the landscape had come to rest, with the tables that were written to since the one before."""
    commits = past.commits(since)
    touched: set[tuple[str, str]] = set()
    for this, following in pairwise([*commits, ("9999", "", "")]):
        touched.add(this[1:])
        if following[0][:19] > this[0][:19]:
            yield this[0], frozenset(touched)
            touched = set()


def touched_by(invariant: Invariant, past: Past) -> Tables:
    """The entities whose rows an invariant looks at, by schema; none where that cannot be told, or where time alone can break it."""
    text = inspect.getsource(sys.modules[invariant.find.__module__]) if invariant.find else invariant.sql
    return frozenset() if COMPUTED.search(text) or "dl_" in text else owners(named_in(text), past)


def named_in(text: str) -> set[tuple[str, str]]:
    """Tables that a query names, those of the shared views included."""
    words = set(WORD.findall(text))
    used = [body for name, body in VIEWS.items() if name in words]
    used += [VIEWS[name] for body in used for name in WORD.findall(body) if name in VIEWS]  # views upon views
    return {table for each in (text, *used) for table in TABLE.findall(each)}


VIEWS: Mapping[str, str] = dict(VIEW.findall(vocabulary.TABLES)) | {
    "differing_copy": vocabulary.DIFFERING_COPIES,
    "link": " ".join(f"{role}.customer" for role in ("crm", *vocabulary.ROLES_OF_COPIES)),
}


def owners(tables: Collection[tuple[str, str]], past: Past) -> Tables:
    """The entities that own these tables: lines belong to what they are lines of."""
    found = set()
    for schema, role in past.scratch.roles.items():
        for entity in role.entities:
            mine = {entity.name, *(child.entity.name for child in entity.children if child.entity is not None)}
            if any((schema, name) in tables for name in mine):
                found.add((schema, entity.name))
    return frozenset(found)
