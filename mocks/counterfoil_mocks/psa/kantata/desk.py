"""Writing as Kantata is written to: one deed of the PSA for one call, through the role's own creates, updates and actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.kernel.auth import Grant
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.tx import Tx, changed, made, perform, removed
from counterfoil_mocks.protocols.fieldmap import ObjectMap
from counterfoil_mocks.psa.kantata import references
from counterfoil_mocks.psa.kantata.errors import Refused, failure, invalid
from counterfoil_mocks.psa.kantata.kind import KEEP, TRUTH, VENDOR, Kind, kept
from counterfoil_mocks.psa.kantata.view import Given, View

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.api import KantataFace


class Desk(View):
    """A view that writes, within one deed."""

    def __init__(
        self,
        face: KantataFace,
        given: Given,
        tx: Tx,
        grant: Grant | None = None,
        fail_item: Callable[[int], bool] | None = None,
    ) -> None:
        super().__init__(face, given, grant)
        self.tx = tx
        self.fail_item = fail_item
        """Which items of a bulk a fault lets fail."""

    def entity(self, name: str) -> Entity:
        """An entity of the role."""
        return self.system.role.by_name[name]

    def do(self, action: str, id: str, **values: Any) -> Record:
        """Have a deed of the business done."""
        self._forget()
        return perform(self.tx, action, id, values)

    def _forget(self) -> None:
        """What was looked up before a write holds no longer."""
        self.sums.clear()
        self.stories.forget()
        self.__dict__.pop("further", None)

    # vendor's own objects

    def keep(self, kind: str, values: Record, record: Record | None = None, columns: Record | None = None) -> Record:
        """Make, or change, something that only Kantata knows."""
        entity = self.entity("vendor_object")
        said = {**(columns or {}), "custom": {KEEP: {**(kept(record) if record else {}), **values}}}
        if record is not None:
            return changed(self.tx, entity, record["id"], said)
        head = {"id": self.system.new_id(kind), "vendor": VENDOR, "kind": kind}
        return made(self.tx, entity, {**head, "seq": self.system.next_number(f"seq:{kind}"), **said})

    # the business's records

    def check(self, kind: Kind, given: Given) -> None:
        """Refuse a record that lacks what it needs, with all that it lacks at once."""
        lacking = [failure(words, name) for name, words in kind.required.items() if given.get(name) in (None, "", [])]
        if lacking:
            raise Refused(422, [*lacking, *(self._read(kind.maps[0], given, None)[1] if kind.maps else ())])

    def stored(self, kind: Kind, map: ObjectMap, given: Given, record: Record | None) -> Record:
        """What a body says of an object as values of its record; a name that nobody knows is ignored. Raises Refused 422 with all that is
        wrong."""
        values, wrong = self._read(map, given, record)
        if wrong:
            raise Refused(422, wrong)
        return values

    def own_values(
        self, kind: Kind, given: Given, record: Record | None = None, map: ObjectMap | None = None
    ) -> Record:
        """What a body says of an object beyond what the business knows; raises Refused 422. map: where not the kind's first."""
        said: Record = self.stored(kind, map or kind.maps[0], given, record).get("custom", {}).get(KEEP, {})
        return said

    def _read(self, map: ObjectMap, given: Given, record: Record | None) -> tuple[Record, list[Record]]:
        values: Record = {}
        own: Record = {}
        wrong: list[Record] = []
        around = dict(record or {})
        for name, value in given.items():
            each = map.by_name.get(name)
            if each is None or each.computed is not None or not (each.updatable if record else each.creatable):
                continue
            try:
                found = None if value in (None, "") else each.conversion.read(value, {**around, **values})
                if each.column:
                    values[each.column] = self.bounded(map, name, each.column, found)
                else:
                    own[name] = self.kept_value(name, each.default if found is None else found)
            except ValueError:
                wrong.append(failure(f"{name.replace('_', ' ').capitalize()} is not valid", name))
            except Refused as refused:
                wrong += refused.said
        if own:
            values["custom"] = {KEEP: own}
        return values, wrong

    def bounded(self, map: ObjectMap, name: str, column: str, value: Any) -> Any:
        """A value if the business can hold it; raises Refused 422."""
        words = name.replace("_", " ").capitalize()
        field = self.entity(map.entity).by_name.get(column)
        if field is None or value is None:
            return value
        if field.kind == "text" and (not isinstance(value, str) or len(value) > field.limit):
            raise invalid(f"{words} is too long (maximum is {field.limit} characters)", name)
        if field.choices and value not in field.choices:
            raise invalid(f"{words} is not included in the list", name)
        if field.low is not None and value < field.low:
            raise invalid(f"{words} must be greater than or equal to {field.low}", name)
        if field.high is not None and value > field.high:
            raise invalid(f"{words} must be less than or equal to {field.high}", name)
        return value

    @staticmethod
    def kept_value(name: str, value: Any) -> Any:
        """A value if it can be kept as it came; raises Refused 422."""
        try:
            orjson.dumps(value)
        except TypeError:
            raise invalid(f"{name.replace('_', ' ').capitalize()} is too large", name) from None
        return value

    def make(self, kind: Kind, map: ObjectMap, values: Record) -> Record:
        """A new record."""
        self._forget()
        return made(self.tx, self.entity(map.entity), values)

    def alter(self, kind: Kind, record: Record, columns: Record, own: Mapping[str, Any] | None = None) -> Record:
        """Some fields of a record changed; what only Kantata knows is merged."""
        said = dict(columns)
        more = {**(said.pop("custom", {}).get(KEEP) or {}), **(own or {})}
        if more:
            custom = dict(record["custom"])
            said["custom"] = {**custom, KEEP: {**(custom.get(KEEP) or {}), **more}}
        if not said:
            return record
        self._forget()
        return changed(self.tx, self.entity(kind.map_of(record).entity), record["id"], said)

    def mark(self, entity: str, record: Record, **own: Any) -> Record:
        """Something that only Kantata knows, written on a record."""
        custom = dict(record["custom"])
        said = {"custom": {**custom, KEEP: {**(custom.get(KEEP) or {}), **own}}}
        return changed(self.tx, self.entity(entity), record["id"], said)

    def named(self, entity: str, id: Any, field: str, words: str) -> Record:
        """The record that an attribute names; raises Refused 422."""
        found = self.record(entity, None if id is None else str(id))
        if found is None:
            raise invalid(f"{words} can't be found", field)
        return found

    def besides(self, kind: Kind, record: Record, given: Given) -> Record:
        """What any object takes along: custom fields and a reference."""
        return self.edit(kind, record, given, {})

    def edit(
        self, kind: Kind, record: Record, given: Given, columns: Record, own: Mapping[str, Any] | None = None
    ) -> Record:
        """Some fields of a record changed together with what any object takes along: one call is one change of the record."""
        more, kept = self.face.values.changes(self, kind, record, given.get("custom_fields"))
        return self.referred(kind, self.alter(kind, record, {**columns, **more}, {**(own or {}), **kept}), given)

    def referred(self, kind: Kind, record: Record, given: Given) -> Record:
        """The reference that any object may bring along, put on it."""
        if given.get("external_reference"):
            references.put(self, kind, record["id"], given["external_reference"])
        return record

    def several(self, items: list[Any], work: Callable[[Given], Record], words: str) -> list[Record]:
        """Do the same for each item of a bulk, all or nothing; refusals name the item."""
        found: list[Record] = []
        said: list[Record] = []
        for index, item in enumerate(items):
            try:
                if not isinstance(item, dict):
                    raise invalid(f"{words} is not an object")
                if self.fail_item is not None and self.fail_item(index):
                    raise invalid(f"{words} could not be saved, try again")
                found.append(work(item))
            except Refused as refused:
                said += [{**each, "index": index} for each in refused.said]
            except Problem as problem:
                said.append({**failure(problem.detail, problem.field or "base"), "index": index})
        if said:
            raise Refused(422, said)
        return found


def items(given: Given, name: str) -> list[Any]:
    """An attribute that is a list, empty where it is absent; a form says `name[]=` for a list of none. Raises Refused 422."""
    found = given.get(name)
    if found in (None, ""):
        return []
    if not isinstance(found, list):
        raise invalid(f"{name.replace('_', ' ').capitalize()} must be a list", name)
    return [each for each in found if each not in (None, "")]


def whole(given: Given, name: str) -> int:
    """An attribute that is a number of subunits; raises Refused 422."""
    said = str(given.get(name))
    if not said.isdecimal() or len(said) > 15:
        raise invalid(f"{name.replace('_', ' ').capitalize()} is not a number", name)
    return int(said)


def truth(given: Given, name: str) -> bool:
    """An attribute that is true or false; raises Refused 422."""
    try:
        return bool(TRUTH.read(given[name], {}))
    except ValueError:
        raise invalid(f"{name.replace('_', ' ').capitalize()} is not valid", name) from None


def said_of(text: Any, words: str, field: str) -> str:
    """A name as it was sent; raises Refused 422 where it is blank or no text."""
    if isinstance(text, (list, dict)) or not str(text).strip():
        raise invalid(words, field)
    return str(text)


def plain_delete(desk: Desk, kind: Kind, record: Record) -> None:
    """A record taken away."""
    removed(desk.tx, desk.entity(kind.map_of(record).entity), record["id"])
