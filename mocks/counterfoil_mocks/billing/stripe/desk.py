"""The desk: what a handler of Stripe's API holds in its hands while it answers one call. Objects here are Stripe's; records stay inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.billing.stripe import meanings
from counterfoil_mocks.billing.stripe.errors import invalid, missing
from counterfoil_mocks.billing.stripe.kind import KEEP, Kind, kept
from counterfoil_mocks.billing.stripe.kinds import KINDS
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.tx import Tx, changed, made
from counterfoil_mocks.protocols.conversion import epoch

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace


class Desk:
    """Reads and, within a deed (`tx`), writes objects. Every write goes through the role's own creates, updates and actions."""

    def __init__(self, face: StripeFace, tx: Tx | None = None) -> None:
        self.face = face
        self.system = face.system
        self.params: Mapping[str, str] = {}
        self.hidden: Callable[[Record], bool] | None = None
        self.tongue: Callable[[Record], Any] = lambda shown: shown
        """What puts an object into the words of the version that the caller speaks."""
        self.clock: str | None = None
        self._time: int | None = None
        self._tx = tx

    @property
    def tx(self) -> Tx:
        """The deed under way."""
        assert self._tx is not None, "this call only reads"
        return self._tx

    @property
    def now(self) -> int:
        """Now in seconds since 1970: of the test clock whose objects this is about, else of the business clock."""
        return (
            self._time
            if self._time is not None
            else epoch(self._tx.now if self._tx is not None else self.system.clock.now)
        )

    def at(self, clock: str | None, time: int | None = None) -> Desk:
        """Go by a test clock from now on (None: by the business clock); time: at that moment of it instead of the one it stands at."""
        self.clock, self._time = clock, None
        if clock is not None:
            self._time = time if time is not None else self.get("test_helpers.test_clock", clock)["frozen_time"]
        return self

    def entity(self, kind: Kind) -> Entity:
        """The entity that keeps a kind of object."""
        return self.system.role.by_name[kind.map.entity]

    # reading

    def record(self, kind: Kind, id: str) -> Record | None:
        """The live record of an object, None where there is none."""
        found = self.system.table(kind.map.entity).by_id(self.system.name, id)
        if found is None or kind.gone(found):
            return None
        return found if all(found[name] == value for name, value in kind.map.where.items()) else None

    def shown(self, kind: Kind, record: Record) -> Record:
        """A record as the object that it is; the caller's own."""
        return deepcopy(kind.map.shown(record, self.face))

    def find(self, name: str, id: str) -> Record | None:
        """An object, None where there is none."""
        record = self.record(KINDS[name], id)
        return None if record is None else self.shown(KINDS[name], record)

    def get(self, name: str, id: str, *, param: str = "id", status: int = 404) -> Record:
        """An object; raises Refused where there is none."""
        found = self.find(name, id)
        if found is None:
            raise missing(KINDS[name].noun, id, param=param, status=status)
        return found

    def named(self, name: str, id: str, param: str) -> Record:
        """An object that a parameter names; raises Refused 400 where there is none."""
        return self.get(name, id, param=param, status=400)

    def all(self, name: str, **where: Any) -> list[Record]:
        """Objects whose fields equal the values given, in the order in which they were made."""
        kind = KINDS[name]
        table = self.system.table(kind.map.entity)
        clauses = [table.sql.c.system == self.system.name, *kind.conditions(table.sql)]
        for each, value in where.items():
            expression = kind.map.expression(kind.map.by_name[each], table.sql)
            clauses.append(expression.is_(None) if value is None else expression == value)
        return [self.shown(kind, record) for record in self.select(kind, clauses, newest=False)]

    def select(
        self, kind: Kind, clauses: Iterable[sa.ColumnElement[bool]], *, newest: bool = True, limit: int | None = None
    ) -> list[Record]:
        """Records that meet conditions on their table, in the order in which they were made or the other way round."""
        table = self.system.table(kind.map.entity)
        columns = [table.sql.c[name] for name in self.order(kind)]
        order = [each.desc() if newest else each.asc() for each in columns]
        return table.fetch(table.where(*clauses).order_by(*order).limit(limit), self.system.name)

    @staticmethod
    def order(kind: Kind) -> tuple[str, ...]:
        """The columns that tell in which order objects of a kind were made."""
        return ("created_at", "seq", "id") if kind.map.entity == "vendor_object" else ("created_at", "id")

    def legal_entity(self, ccy: str) -> str:
        """The company that invoices in a currency: the settings' own, one that counts in it, else the first; made where there is none."""
        own = self.system.settings.get("legal_entity")
        if own:
            return str(own)
        found = self.tx.find("legal_entity")
        fitting = [each for each in found if each["functional_ccy"] == ccy] or found
        if fitting:
            return str(fitting[0]["code"])
        said = {"code": "ACCT", "name": self.face.account_name, "country": "US", "tz": "UTC", "functional_ccy": ccy}
        return str(made(self.tx, self.system.role.by_name["legal_entity"], said)["code"])

    def tax_code_of(self, rate: str) -> str | None:
        """The tax code of the business that a tax rate is."""
        record = self.record(KINDS["tax_rate"], rate)
        return None if record is None else record["code"]

    # writing

    def insert(self, name: str, said: Mapping[str, Any], columns: Record | None = None) -> Record:
        """Make an object of what is said of it. columns: values of the record's own, where the map does not give them."""
        kind = KINDS[name]
        gone = self._chosen(kind, said["id"]) if said.get("id") and kind.map.entity == "vendor_object" else None
        if gone is not None:
            said = {"created": self.now, **said}
        if self._time is not None:
            said = {"created": self._time, **said}
            if "test_clock" in kind.map.by_name:
                said = {"test_clock": self.clock, **said}
        values = {**kind.map.where, **self.stored(kind, said, None), **(columns or {})}
        if kind.map.entity == "vendor_object":
            values["id"] = said.get("id") or self.new_id(kind.name)
            values["seq"] = self.system.next_number(f"seq:{kind.name}")
            values.setdefault("owner", said.get("customer"))
        if gone is not None:
            return self.shown(kind, self.tx.update(self.entity(kind), gone, {**values, "deleted_at": None}, event=""))
        return self.shown(kind, made(self.tx, self.entity(kind), values))

    def _chosen(self, kind: Kind, id: str) -> Record | None:
        """The deleted object whose id a caller has chosen anew, None where nobody ever had it; raises Refused where one has it."""
        record = self.system.table(kind.map.entity).by_id(self.system.name, id)
        if record is not None and record["deleted_at"] is None:
            raise invalid(f"{kind.noun.capitalize()} already exists.", "id", "resource_already_exists")
        return record

    def change(self, name: str, id: str, said: Mapping[str, Any], columns: Record | None = None) -> Record:
        """Change some fields of an object; the others stay."""
        kind = KINDS[name]
        record = self.record(kind, id)
        assert record is not None
        values = {**self.stored(kind, said, record), **(columns or {})}
        if record["deleted_at"] is not None:  # one that lasts; the business has it no more
            return self.shown(kind, self.tx.update(self.entity(kind), record, values, event=""))
        return self.shown(kind, changed(self.tx, self.entity(kind), id, values))

    def new_id(self, name: str) -> str:
        """An id for an object of a kind."""
        return self.system.new_id(name)

    def kept(self, name: str, id: str) -> Record:
        """What only Stripe knows of an object, also what it does not show."""
        record = self.record(KINDS[name], id)
        assert record is not None
        return deepcopy(dict(kept(record)))

    def tell(self, name: str, id: str, event: str) -> None:
        """Announce an event about an object that no change of it shows."""
        self.tx.asides.append((name, id, event))

    def remove(self, name: str, id: str) -> None:
        """Delete an object."""
        entity = self.entity(KINDS[name])
        self.tx.delete(entity, self.tx.get(entity, id))

    @staticmethod
    def stored(kind: Kind, said: Mapping[str, Any], record: Record | None) -> Record:
        """What is said of an object as values of its record: mapped fields in their columns, all else in `custom`."""
        values: Record = {}
        own = dict(kept(record)) if record is not None else {}
        metadata = {name: each for name, each in ((record or {}).get("custom") or {}).items() if name != KEEP}
        for name, value in said.items():
            each = kind.map.by_name.get(name)
            if name == "metadata":
                metadata, columns = meanings.told(kind.name, value or {}, record)
                values |= columns
            elif each is not None and each.column and each.column != "id":
                values[each.column] = (
                    None if value is None else each.conversion.read(value, {**(record or {}), **values})
                )
            elif name != "id":
                own[name] = kind.whole(name, value)
        values["custom"] = {**metadata, KEEP: own} if own else metadata
        return values
