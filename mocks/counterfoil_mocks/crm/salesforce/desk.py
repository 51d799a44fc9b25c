"""The desk: what a call holds in its hands. Reads records as Salesforce shows them, writes them through the role's own deeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.crm.salesforce import errors, values
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SField, SObject
from counterfoil_mocks.crm.salesforce.views import BIN_DAYS
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.tx import Tx, changed, made, removed
from counterfoil_mocks.protocols.query import Compare, Field, Item, Literal, Select, Source

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

VENDOR = "salesforce"


@dataclass
class Change:
    """One record about to be written. said: checked values by Salesforce's names; values: canonical ones; custom: custom fields.
    before: the stored record, None for a new one; after: what became of it."""

    desk: Desk
    object: SObject
    said: dict[str, Any]
    before: Record | None
    values: Record = field(default_factory=dict)
    custom: Record = field(default_factory=dict)
    after: Record | None = None

    def now(self, name: str) -> Any:
        """What a field will be: as it is said, else as it is."""
        if name in self.said:
            return self.said[name]
        return None if self.before is None else (self.before.get("custom") or {}).get(name)

    @property
    def tx(self) -> Tx:
        """The deed under way."""
        return self.desk.tx


@dataclass
class Desk:
    """Does the work of one call. origin: where its writes come from; save_duplicates, details: the caller's wish about duplicates."""

    face: SalesforceFace
    origin: Origin
    version: str = "59.0"
    save_duplicates: bool = False
    details: bool = False
    client: str = ""
    locked: Any = None
    _tx: Tx | None = None
    _whole: bool = False
    _told: tuple[str, int] = ("", 0)

    @property
    def tx(self) -> Tx:
        """The deed under way."""
        assert self._tx is not None, "this call only reads"
        return self._tx

    @contextmanager
    def deed(self) -> Iterator[Tx]:
        """One transaction; part of the one under way where there is one. Refusals of the role come out in Salesforce's words."""
        if self._tx is not None:
            yield self._tx
            return
        try:
            with Tx(self.face.system, self.origin) as tx:
                self._tx = tx
                self._told = self._told if self._whole else ("", 0)
                self.face.changing = self
                yield tx
        finally:
            self._tx = None
            self.face.changing = None

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Deeds that are one transaction to whoever is told of them, though each may fail alone."""
        self._whole, self._told = True, ("", 0)
        try:
            yield
        finally:
            self._whole = False

    def numbered(self) -> tuple[str, int]:
        """What tells the transaction under way from others, and the number of its next event."""
        start, number = self._told
        self._told = (start or self.tx.now, number + 1)
        return self._told

    # finding

    def object(self, name: str) -> SObject:
        """An object by its name in any case; raises Refused 404."""
        found = self.face.objects.get(name.lower())
        if found is None:
            raise errors.not_found()
        return found

    def entity(self, each: SObject) -> Entity:
        """The canonical entity of an object."""
        return self.face.system.role.by_name[each.entity]

    def raw(self, each: SObject, record_id: str) -> Record | None:
        """The stored record, deleted ones as well; none of what lives within another."""
        if not each.entity:
            return None
        found = self.face.system.table(each.entity).by_id(self.face.system.name, long_id(record_id))
        if found is not None and each.entity == "vendor_object" and found["kind"] != each.name:
            return None
        return found

    def record(self, each: SObject, record_id: str) -> Record:
        """The live stored record; raises Refused 404."""
        if not each.entity:
            raise Refused(405, "METHOD_NOT_ALLOWED", f"entity type {each.name} does not support this operation")
        if not is_id(record_id):
            raise errors.not_found()
        found = self.raw(each, record_id)
        if found is None:
            raise errors.not_found()
        if found["deleted_at"] is not None:
            raise self.face.reader.gone(found["deleted_at"])
        return found

    def shown(self, each: SObject, record_id: str, names: list[str] | None = None) -> Record:
        """A record as Salesforce shows it; raises Refused 404."""
        return self.face.reader.get(each, record_id, self.version, names)

    def vendor(self, kind: str, owner: str | None = None) -> list[Record]:
        """Live records of an object that only Salesforce knows; those of an owner."""
        where = {"kind": kind} if owner is None else {"kind": kind, "owner": owner}
        return self.face.system.table("vendor_object").select(
            self.face.system.name, where, order=("created_at", "seq", "id")
        )

    def by_field(self, each: SObject, one: SField, value: str) -> list[str]:
        """Ids of live records by an external id, whatever the case."""
        fields = Compare("=", Field(one.name, "r"), Literal(value, "text"))
        query = Select((Item("id", Field("Id", "r")),), (Source("r", each.name),), fields, limit=10)
        return [row[0] for row in self.face.reader.rows(query)]

    def external_field(self, each: SObject, name: str) -> SField:
        """The external-id field of a path; raises Refused 404."""
        one = each.by_name.get(name.lower())
        if one is None or not ("X" in one.marks or one.name == "Id"):
            message = f"Provided external ID field does not exist or is not accessible: {name}"
            raise Refused(404, "NOT_FOUND", message)
        return one

    # writing

    def create(self, each: SObject, given: Mapping[str, Any]) -> str:
        """A new record; returns its id. Raises Refused."""
        from counterfoil_mocks.crm.salesforce import inner, rules

        if "c" not in each.verbs:
            raise Refused(
                400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {each.shown_label}"
            )
        with self.deed():
            if each.name in inner.INNER:
                return inner.create(self, each, given)
            said = self.read(each, given, None)
            rules.defaults(self, each, said)
            lacking = values.required(each, said)
            if lacking:
                raise errors.missing(lacking)
            for one in each.fields:
                if one.default is not None and one.default != "$user" and one.createable:
                    said.setdefault(one.name, one.default)
            change = Change(self, each, said, None)
            self._write(change)
            assert change.after is not None
            return str(change.after["id"])

    def update(self, each: SObject, record_id: str, given: Mapping[str, Any]) -> None:
        """Change fields of a record. Raises Refused."""
        from counterfoil_mocks.crm.salesforce import inner

        if "u" not in each.verbs:
            raise Refused(
                400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be updated: {each.shown_label}"
            )
        with self.deed():
            if each.name in inner.INNER:
                inner.update(self, each, record_id, given)
                return
            before = self.record(each, record_id)
            said = self.read(each, given, before)
            emptied = [
                one.name for one in each.fields if one.name in said and said[one.name] is None and "R" in one.marks
            ]
            if emptied:
                raise errors.missing(emptied)
            if said.get("CurrencyIsoCode", "") is None:
                raise values.not_picked(each.by_name["currencyisocode"], "")
            self._write(Change(self, each, said, before))

    def delete(self, each: SObject, record_id: str) -> None:
        """Put a record into the bin. Raises Refused."""
        from counterfoil_mocks.crm.salesforce import inner, rules

        if "d" not in each.verbs:
            raise Refused(400, "INSUFFICIENT_ACCESS_OR_READONLY", "entity type cannot be deleted")
        with self.deed() as tx:
            if each.name in inner.INNER:
                inner.delete(self, each, record_id)
                return
            before = self.record(each, record_id)
            self._lock(each, before)
            try:
                rules.deleting(self, each, before)
                removed(tx, self.entity(each), before["id"])
                rules.deleted(self, each, before)
            except Problem as problem:
                raise errors.of(problem, each.named) from None

    def purge(self, each: SObject, record_id: str) -> None:
        """Delete a record so that nobody finds it in the bin. Raises Refused."""
        with self.deed() as tx:
            self.delete(each, record_id)
            gone = self.raw(each, record_id)
            if gone is not None:
                long_ago = clock.later(tx.now, days=-BIN_DAYS - 1)
                tx.update(self.entity(each), gone, {"deleted_at": long_ago}, event="")

    def undelete(self, record_id: str) -> None:
        """Take a record out of the bin, and what went there with it. Raises Refused."""
        from counterfoil_mocks.crm.salesforce import rules

        found = self.face.object_of(record_id)
        before = None if found is None or not found.entity else self.raw(found, record_id)
        if (
            found is None
            or before is None
            or before["merged_into"]
            or (before["deleted_at"] or "") < self.face.catalog.bin_start
        ):
            raise Refused(400, "UNDELETE_FAILED", "Entity is not in the recycle bin", [])
        with self.deed() as tx:
            others = rules.gone_with(self, found, before["id"])
            tx.update(self.entity(found), before, {"deleted_at": None})
            for each in others:
                self.undelete(each)

    def upsert(self, each: SObject, one: SField, value: str, given: Mapping[str, Any]) -> tuple[str, bool]:
        """Update the record with this external id, or make it; returns its id and whether it is new. Raises Refused."""
        if not value.strip():
            raise Refused(400, "MISSING_ARGUMENT", f"{one.name} not specified", [])
        if one.name == "Id":
            self.update(each, value, given)
            return long_id(value), False
        found = self.by_field(each, one, value)
        if len(found) > 1:
            raise self.several(each, one, found)
        body = {name: each_value for name, each_value in given.items() if name.lower() not in ("id", one.name.lower())}
        if found:
            self.update(each, found[0], body)
            return found[0], False
        return self.create(each, {**body, one.name: value}), True

    def several(self, each: SObject, one: SField, found: list[str]) -> Refused:
        """300: more than one record has an external id."""
        urls = [self.face.url_of(self.version, each.name, record_id) for record_id in found]
        return errors.Ambiguous(one.name, found, urls)

    def _write(self, change: Change) -> None:
        from counterfoil_mocks.crm.salesforce import duplicates, rules

        each, before = change.object, change.before
        try:
            if before is not None:
                self._lock(each, before)
            self._fill(change)
            rules.before(change)
            self._check_unique(change)
            duplicates.check(change)
            entity = self.entity(each)
            if change.custom:
                change.values["custom"] = {**((before or {}).get("custom") or {}), **change.custom}
            if before is None:
                change.after = made(self.tx, entity, self._new(change))
            elif change.values:
                change.after = changed(self.tx, entity, before["id"], change.values)
            else:
                change.after = before
            rules.after(change)
        except Problem as problem:
            raise errors.of(problem, each.named) from None
        except OverflowError:
            raise Refused(400, "NUMBER_OUTSIDE_VALID_RANGE", "value outside of valid range on numeric field") from None

    def _lock(self, each: SObject, before: Record) -> None:
        if self.locked is not None and self.locked(before):
            raise errors.locked(before["id"])

    def _new(self, change: Change) -> Record:
        each = change.object
        found = dict(change.values)
        if each.entity == "vendor_object":
            system = self.face.system
            found |= {
                "id": found.get("id") or system.new_id(each.prefix),
                "vendor": VENDOR,
                "kind": each.name,
                "seq": system.next_number(f"seq:{each.name}"),
            }
        return found

    def _fill(self, change: Change) -> None:
        """Sort checked values into canonical and custom ones."""
        each, before = change.object, change.before or {}
        kinds = {one.name: one for one in self.face.system.table(each.entity).fields}
        ccy_field = each.by_name.get("currencyisocode")
        own = before.get(ccy_field.column) if ccy_field is not None and ccy_field.column else None
        ccy = change.said.get("CurrencyIsoCode") or own or "USD"
        if ccy_field is not None and own not in (None, ccy):
            for field in kinds.values():
                if field.kind == "money" and field.ccy == ccy_field.column and before.get(field.name) is not None:
                    change.values[field.name] = money.carried(before[field.name], str(own), ccy)
        for name, value in change.said.items():
            one = each.by_name[name.lower()]
            if one.column and one.column in kinds:
                change.values[one.column] = values.stored(one, kinds[one.column], value, ccy)
            else:
                change.custom[one.name] = values.kept(one, value)

    def _check_unique(self, change: Change) -> None:
        for one in change.object.fields:
            value = change.said.get(one.name) if "u" in one.marks else None
            if value is None:
                continue
            others = [
                each for each in self.by_field(change.object, one, value) if each != (change.before or {}).get("id")
            ]
            if others:
                message = f"duplicate value found: {one.name} duplicates value on record with id: {others[0]}"
                raise Refused(400, "DUPLICATE_VALUE", message, [])

    # reading what is given

    def read(self, each: SObject, given: Mapping[str, Any], before: Record | None) -> dict[str, Any]:
        """Checked values by Salesforce's names, parents by external id looked up. Raises Refused."""
        if not isinstance(given, Mapping):
            raise Refused(
                400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."
            )
        said: dict[str, Any] = {}
        forbidden: list[str] = []
        for name, given_value in given.items():
            value = given_value
            if name == "attributes":
                continue
            one = each.by_name.get(name.lower())
            if one is None and isinstance(value, Mapping):
                one, value = self._parent(each, name, value)
            if one is None:
                raise values.unknown(each, name)
            if one.name == "Id":
                if before is None and value in (None, ""):
                    continue
                message = "The Id field should not be specified in the sobject data."
                raise Refused(400, "INVALID_FIELD", message, ["Id"])
            if not (one.createable if before is None else one.updateable):
                forbidden.append(one.name)
                continue
            said[one.name] = values.checked(each, one, value)
        if forbidden:
            raise errors.not_writable(forbidden)
        self._check_references(each, said)
        return said

    def _parent(self, each: SObject, name: str, value: Mapping[str, Any]) -> tuple[SField | None, Any]:
        """A parent that is named by its external id: `"Account": {"ERP_Customer_Id__c": "C-1"}`."""
        one = each.by_relation.get(name.lower())
        if one is None:
            return None, value
        (field_name, wanted), *more = [item for item in value.items() if item[0] != "attributes"] or [("", None)]
        target = self.face.objects[one.refers[0].lower()]
        kind = (value.get("attributes") or {}).get("type") if isinstance(value.get("attributes"), Mapping) else None
        if kind:
            target = self.object(str(kind))
        found_field = target.by_name.get(field_name.lower())
        if more or found_field is None or not ("X" in found_field.marks or found_field.name == "Id"):
            raise Refused(
                400, "INVALID_FIELD", f"{field_name} is not an External ID or indexed field for {target.name}"
            )
        if found_field.name == "Id":
            return one, wanted
        found = self.by_field(target, found_field, str(wanted))
        if not found:
            message = f"Foreign key external ID: {str(wanted).lower()} not found for field {found_field.name} in entity {target.name}"
            raise Refused(400, "INVALID_FIELD", message)
        if len(found) > 1:
            raise Refused(
                400, "INVALID_FIELD", f"Foreign key external ID: {str(wanted).lower()} has more than one match"
            )
        return one, found[0]

    def _check_references(self, each: SObject, said: dict[str, Any]) -> None:
        for name, value in said.items():
            one = each.by_name[name.lower()]
            if value is None or one.type != "reference" or not one.refers:
                continue
            kind = self.face.object_of(value)
            if kind is not None and kind.name not in one.refers:
                raise values.malformed(one, value)
            if one.name == "OwnerId" or one.refers == ("User",):
                self.face.check_user(each, one, value)
                continue
            if not self._exists(one, value):
                raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])

    def _exists(self, one: SField, record_id: str) -> bool:
        target = self.face.object_of(record_id)
        if target is None or target.name not in one.refers:
            return False
        if not target.entity:
            return True
        found = self.raw(target, record_id)
        return found is not None and found["deleted_at"] is None


def dumped(value: Any) -> bytes:
    """JSON with decimals that keep all their digits."""
    return orjson.dumps(value, default=_default)


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)
