"""Names in SOQL: what a path means over a catalog, which joins it needs, and what Salesforce says where it means nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from counterfoil_mocks.protocols.query import Call, Compare, Field, Source, Value
from counterfoil_mocks.protocols.relation import Catalog, Column, View
from counterfoil_mocks.protocols.soql_grammar import Path, Place, SoqlError, Statement, pointed

MOST_STEPS = 5
HINT = (
    " If you are attempting to use a custom {what}, be sure to append the '{tail}' after the custom {what} name."
    " Please reference your WSDL or the describe call for the appropriate names."
)


@dataclass
class Joined:
    """A record on the way from a query's own: its alias in SQL, what it is, and the names that lead there."""

    alias: str
    view: View
    way: tuple[str, ...]


@dataclass(frozen=True)
class Meant:
    """What a path means. shown: the path as the answer spells it; joined: the record that has the column."""

    value: Value
    column: Column
    shown: tuple[str, ...]
    joined: Joined


@dataclass
class Names:
    """The names that one query can use, and the sources that it has needed so far."""

    text: str
    catalog: Catalog
    statement: Statement
    view: View
    sources: list[Source] = field(default_factory=list)
    joins: dict[tuple[str, ...], Joined] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root = Joined("r", self.view, ())
        self.joins[()] = root
        self.sources.append(Source("r", self.view.name))
        self.aliases = {each.lower() for each in (self.statement.alias, str(self.statement.object)) if each}

    def error(self, code: str, place: Place, sentence: str) -> SoqlError:
        """A refusal that points at a place of the query."""
        return SoqlError(code, pointed(self.text, place, sentence))

    def steps(self, path: Path) -> tuple[str, ...]:
        """A path without the object's own name or alias in front."""
        steps = path.steps
        return steps[1:] if len(steps) > 1 and steps[0].lower() in self.aliases else steps

    def meant(self, path: Path) -> Meant:
        """What a path means; raises SoqlError INVALID_FIELD."""
        *ways, last = self.steps(path)
        if len(ways) > MOST_STEPS:
            raise self.error("INVALID_FIELD", path.place, "Only 5 levels of parent relationships can be followed.")
        here = self.joins[()]
        for number, step in enumerate(ways):
            relation = here.view.by_relation.get(step.lower())
            if relation is None:
                sentence = f"Didn't understand relationship '{step}' in field path." + HINT.format(
                    what="relationship", tail="__r"
                )
                raise self.error("INVALID_FIELD", path.place, sentence)
            if len(relation.refers) > 1:
                return self._any_of(path, here, relation, ways[number + 1 :], last)
            here = self.follow(here, relation, relation.refers[0])
        column = here.view.by_name.get(last.lower())
        if column is None:
            raise self.no_column(path.place, last, here.view)
        return Meant(Field(column.name, here.alias), column, (*here.way, column.name), here)

    def no_column(self, place: Place, name: str, view: View) -> SoqlError:
        """The refusal of a column that is not there."""
        sentence = f"No such column '{name}' on entity '{view.name}'." + HINT.format(what="field", tail="__c")
        return self.error("INVALID_FIELD", place, sentence)

    def follow(self, here: Joined, relation: Column, name: str, tag: str = "") -> Joined:
        """The record that a reference leads to, joined once however often it is named."""
        way = (*here.way, relation.relation)
        place = (*way, tag)
        known = self.joins.get(place)
        if known is not None:
            return known
        view = self.catalog.find(name)
        assert view is not None, name
        joined = Joined(f"r{len(self.joins)}", view, way)
        self.joins[place] = joined
        on = Compare("=", Field(view.key, joined.alias), Field(relation.name, here.alias))
        self.sources.append(Source(joined.alias, view.name, "left", on))
        return joined

    def _any_of(self, path: Path, here: Joined, relation: Column, further: list[str], last: str) -> Meant:
        """A field behind a reference to records of several kinds: the one of whichever it is."""
        if further:
            raise self.error(
                "INVALID_FIELD", path.place, f"Didn't understand relationship '{further[0]}' in field path."
            )
        found = []
        for name in relation.refers:
            joined = self.follow(here, relation, name, name)
            column = joined.view.by_name.get(last.lower())
            if column is not None:
                found.append((joined, column))
        if not found:
            raise self.error("INVALID_FIELD", path.place, f"No such column '{last}' on entity 'Name'.")
        joined, column = found[0]
        value = Call("coalesce", tuple(Field(each.name, place.alias) for place, each in found))
        return Meant(value, column, (*joined.way, column.name), joined)
