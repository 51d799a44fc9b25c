"""Reading as Kantata answers: the envelope, its keyed maps, includes, filters, orders and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.auth import Grant
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.statements import bound
from counterfoil_mocks.protocols.fieldmap import ObjectMap
from counterfoil_mocks.psa.kantata import references
from counterfoil_mocks.psa.kantata.errors import absent
from counterfoil_mocks.psa.kantata.kind import VENDOR, Default, Kind, kept, snake
from counterfoil_mocks.psa.kantata.stories import Stories

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.api import KantataFace

PER_PAGE, MOST = 20, 200
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "$", "AUD": "$", "SGD": "$", "INR": "₹", "CHF": "CHF"}
ORDERS = {
    ("project", "title"): "name",
    ("project", "price"): "budget_fee",
    ("task", "title"): "name",
    ("milestone", "title"): "name",
    ("employee", "full_name"): "name",
}
"""The columns that an order goes by where the vendor's field is worked out, by entity and field."""
OF_PROJECT = "WHERE system = ? AND project = ? AND deleted_at IS NULL"
TOTALS = f"""
    SELECT COALESCE(SUM(used), 0), COALESCE(SUM(spent), 0), COALESCE(SUM(times), 0), COALESCE(SUM(expenses), 0),
        (SELECT COUNT(*) FROM psa.assignment {OF_PROJECT} AND employee = ? AND status = 'CONFIRMED')
    FROM (
        SELECT CASE approval WHEN 'APPROVED' THEN amount END AS used, 0 AS spent,
            CASE approval WHEN 'SUBMITTED' THEN 1 ELSE 0 END AS times, 0 AS expenses FROM psa.time_entry {OF_PROJECT}
        UNION ALL SELECT CASE approval WHEN 'APPROVED' THEN bill_amount END, cost,
            0, CASE approval WHEN 'SUBMITTED' THEN 1 ELSE 0 END FROM psa.expense {OF_PROJECT}
    ) AS entry
"""
INVOICED = "approval = 'APPROVED' AND billing IN ('BILLED', 'CREDITED')"
WORK = f"""
    SELECT COALESCE(SUM(CASE WHEN billable = 1 THEN minutes END), 0) AS billable,
        COALESCE(SUM(CASE WHEN billable = 1 THEN 0 ELSE minutes END), 0) AS other,
        COALESCE(SUM(CASE WHEN approval = 'APPROVED' THEN amount END), 0) AS used,
        COALESCE(SUM(CASE WHEN {INVOICED} THEN amount END), 0) AS invoiced
    FROM psa.time_entry WHERE system = ? AND task = ? AND deleted_at IS NULL
"""
TOTALLED = ("used", "spent", "time", "expenses", "seats")
WORKED = ("billable", "other", "used", "invoiced")
Given = Mapping[str, Any]


@lru_cache(maxsize=8192)
def _local(instant: str, zone: str) -> str:
    found: datetime = clock.parse(instant).astimezone(clock.zone(zone))
    return found.isoformat(timespec="seconds")


@lru_cache(maxsize=2048)
def _formatted(minor: int, ccy: str) -> str:
    places = money.exponent(ccy)
    whole, rest = divmod(abs(minor), 10**places)
    tail = f".{rest:0{places}d}" if rest else ""
    return f"{'-' if minor < 0 else ''}{SYMBOLS.get(ccy, ccy)}{whole:,}{tail}"


class View:
    """What one call sees. given: its query and body parameters. hidden: whether a record is not to be seen yet."""

    def __init__(
        self,
        face: KantataFace,
        given: Given,
        grant: Grant | None = None,
        hidden: Callable[[Record], bool] | None = None,
    ) -> None:
        self.face = face
        self.system = face.system
        self.given = given
        self.grant = grant
        self.hidden = hidden
        self.sums: dict[str, Record] = {}
        """What projects and tasks add up to, which several of their fields say."""
        self._approvals: dict[str, bool] = {}
        self.stories = Stories(self)
        self.custom_fields: dict[str | None, list[Any]] = {}
        """Custom fields by collection, as far as they have been asked for."""

    # values

    @property
    def account_id(self) -> int:
        """The account's number."""
        return self.face.account.account_id

    @cached_property
    def user_id(self) -> str:
        """The token's user, looked up once a call."""
        account = self.face.account
        place = ("user", self.grant is account.member)
        return str(self.face.remembered.part(place, lambda: account.user_id(self.grant)))

    @cached_property
    def further(self) -> dict[str, list[str]]:
        """The projects that are in groups besides their customer, by group."""
        table = self.system.table("project").sql
        held = references.member(table, "further_group_ids")
        mine = (table.c.system == self.system.name, table.c.deleted_at.is_(None), held.is_not(None))
        found: dict[str, list[str]] = {}
        for id, groups in self.rows(sa.select(table.c.id, held).where(*mine)):
            for group in (orjson.loads(groups) if isinstance(groups, str) else groups) or ():
                found.setdefault(group, []).append(id)
        return found

    @property
    def administrator(self) -> bool:
        """Whether the token's user may do everything."""
        return self.grant is not self.face.account.member

    def local(self, instant: str | None) -> str | None:
        """An instant with the offset of the account's zone."""
        return None if instant is None else _local(instant, self.face.account.zone)

    @staticmethod
    def symbol(ccy: str) -> str:
        """The sign of a currency."""
        return SYMBOLS.get(ccy, ccy)

    def formatted(self, minor: int | None, ccy: str) -> str:
        """An amount as people read it: `$50,000`, with its cents where there are any."""
        return _formatted(minor or 0, ccy)

    def rounded(self, minor: int | None, ccy: str) -> str:
        """An amount as workspaces show theirs: in whole main units."""
        unit = 10 ** money.exponent(ccy)
        return _formatted(money.half_up(minor or 0, unit) * unit, ccy)

    def text(self, name: str) -> str:
        """A parameter as text, empty where it is absent."""
        value = self.given.get(name)
        if isinstance(value, list):
            return ",".join(str(each) for each in value)
        return "" if value is None or isinstance(value, dict) else str(value).strip()

    def number(self, name: str) -> int | None:
        """A parameter as a number, None where it is none."""
        said = self.text(name)
        return int(said) if said.lstrip("-").isdecimal() and said.isascii() and len(said) < 10 else None

    def names(self, name: str) -> list[str]:
        """A parameter as a list of names."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    # records

    def record(self, entity: str, id: str | None) -> Record | None:
        """A live record by its id."""
        found = None if id is None else self.face.lookups.by_id(entity, id)
        return None if found is None or found["deleted_at"] is not None else found

    def all(self, entity: str, **where: Any) -> list[Record]:
        """Live records that equal every named column, in the order in which they were made."""
        return self.face.lookups.select(entity, where, ("created_at", "id"))

    def some(self, entity: str, ids: Iterable[str | None]) -> list[Record]:
        """The live records with these ids, each once."""
        wanted = [each for each in dict.fromkeys(ids) if each]
        return self.all(entity, id=wanted) if wanted else []

    def find(self, kind: Kind, id: str | None) -> Record | None:
        """The record of an object, None where there is none."""
        if id is None:
            return None
        if not kind.maps:
            return next((each for each in self.face.derived(kind, self) if each["id"] == id), None)
        for map in kind.maps:
            found = self.record(map.entity, id)
            if found is not None and (not map.where or all(found[name] == value for name, value in map.where.items())):
                return found
        return None

    def seen(self, kind: Kind, id: str) -> Record:
        """The record of an object as the default filters let it be seen; raises Refused 404."""
        found = self.find(kind, id)
        if found is None or (self.hidden is not None and self.hidden(found)):
            raise absent()
        for each in self.standing(kind):
            if not each.holds(self, found):
                raise absent()
        return found

    # conditions

    def flag(self, name: str) -> bool | None:
        """A parameter as a boolean; None where it is none."""
        return {"true": True, "false": False}.get(self.text(name).lower())

    def defaults(self, kind: Kind, map: ObjectMap, table: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """The default filters, unless they are switched off or overridden."""
        found = [each.condition(self, map, table, "") for each in self.standing(kind)]
        return [each for each in found if each is not None]

    def standing(self, kind: Kind) -> list[Default]:
        """The default filters that nothing switches off or overrides."""
        if not self.given:
            return list(kind.defaults.values())
        if not kind.defaults or self.flag("apply_default_filters") is False:
            return []
        return [each for names, each in kind.defaults.items() if not any(self.text(name) for name in names)]

    def conditions(self, kind: Kind, map: ObjectMap, table: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """What the call asks for; a filter that nobody knows is ignored."""
        found: list[sa.ColumnElement[bool] | None] = list(self.defaults(kind, map, table))
        for name, make in kind.filters.items():
            value = self.text(name)
            if value:
                found.append(make(self, map, table, value))
        for column in ("created", "updated"):
            since, until = self.instant(f"{column}_after"), self.instant(f"{column}_before")
            found.append(None if since is None else table.c[f"{column}_at"] >= since)
            found.append(None if until is None else table.c[f"{column}_at"] <= until)
        found += references.conditions(self, kind, table)
        words = self.text("search") if kind.searched and not self.text("only") else ""
        if words:
            columns = [table.c[name] for name in kind.searched if name in table.c]
            found.append(
                sa.or_(*(sa.func.small_letters(each).contains(words.lower(), autoescape=True) for each in columns))
            )
        return [each for each in found if each is not None]

    def instant(self, name: str) -> str | None:
        """A parameter as an instant; None where it is none."""
        said = self.text(name).replace(" ", "+")
        if not said:
            return None
        try:
            if len(said) == 10:
                return clock.instant_of(said, self.face.account.zone)
            return clock.render(clock.parse(said))
        except (ValueError, OverflowError):
            return None

    # lists

    def statement(self, map: ObjectMap, clauses: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        """The rows of an object's table that meet conditions."""
        table = self.system.table(map.entity)
        return table.where(table.sql.c.system == self.system.name, *map.conditions(table.sql), *clauses)

    def select(self, map: ObjectMap, clauses: Sequence[sa.ColumnElement[bool]]) -> list[Record]:
        """Records that meet conditions."""
        return self.system.table(map.entity).fetch(self.statement(map, clauses), self.system.name)

    def counted(self, statement: sa.Select[Any]) -> int:
        """How many rows a statement finds."""
        return self.face.remembered.counted(statement)

    def scalar(self, statement: sa.Select[Any]) -> Any:
        """The one value that a statement finds."""
        return self.rows(statement)[0][0]

    def rows(self, statement: sa.Select[Any]) -> list[Sequence[Any]]:
        """What a statement finds, row by row."""
        found: list[Sequence[Any]] = self.system.store.connection.execute(*bound(statement)).fetchall()
        return found

    def listing(self, kind: Kind) -> Record:
        """The envelope of a list."""
        only = self.only()
        records, count = self.page(kind, only, *self.span())
        return self.envelope(kind, records, count, self.meta(count))

    def only(self) -> list[str] | None:
        """The ids that a list is to hold; None where it may hold all."""
        return [each for each in self.names("only") if each.isdecimal()] if self.text("only") else None

    def per_page(self) -> int:
        """How many records a page has."""
        said = self.number("per_page")
        return PER_PAGE if said is None or said < 1 else min(said, MOST)

    def span(self) -> tuple[int | None, int]:
        """How many records of a list are shown, None for all, and how many come before them."""
        limit, offset = self.number("limit"), self.number("offset")
        if self.text("only"):
            return None, 0
        if limit is not None and offset is not None:
            return max(1, min(limit, MOST)), max(0, offset)
        return self.per_page(), (max(self.number("page") or 1, 1) - 1) * self.per_page()

    def meta(self, count: int) -> Record:
        """What an envelope says of its pages."""
        return {
            "count": count,
            "page_count": -(-count // self.per_page()),
            "page_number": max(self.number("page") or 1, 1) if count else 0,
            "page_size": self.per_page(),
        }

    def page(self, kind: Kind, only: list[str] | None, size: int | None, start: int) -> tuple[list[Record], int]:
        """The records of one page, and how many there are on all."""
        by, way = self.ordering(kind)
        if not kind.maps:
            return self._derived(kind, only, size, start, by, way)
        if len(kind.maps) == 1 and self.hidden is None:
            return self._page_of(kind, kind.maps[0], only, size, start)
        every = sa.union_all(*(self._places(kind, at, only, by) for at in range(len(kind.maps)))).subquery()
        ranked = sa.select(every.c.at, every.c.id).order_by(
            every.c.rank.desc() if way == "desc" else every.c.rank.asc(), sa.cast(every.c.id, sa.BigInteger)
        )
        if self.hidden is None:
            return self._at(kind, self.rows(ranked.limit(size).offset(start or None))), self.counted(
                sa.select(every.c.id).select_from(every)
            )
        seen = [each for each in self._at(kind, self.rows(ranked)) if not self.hidden(each)]
        return seen[start : None if size is None else start + size], len(seen)

    def _asked(self, kind: Kind, map: ObjectMap, only: list[str] | None) -> sa.Select[Any]:
        table = self.system.table(map.entity).sql
        clauses = self.conditions(kind, map, table)
        clauses = clauses if only is None else [*clauses, table.c.id.in_(only)]
        if not self._unearthed(kind):
            return self.statement(map, clauses)
        found = self.system.table(map.entity)
        return found.where(
            table.c.system == self.system.name, *(table.c[name] == value for name, value in map.where.items()), *clauses
        )

    def _unearthed(self, kind: Kind) -> bool:
        """Whether a list is to hold what is deleted too."""
        return bool(kind.graves) and self.flag(kind.graves) is True

    def _page_of(
        self, kind: Kind, map: ObjectMap, only: list[str] | None, size: int | None, start: int
    ) -> tuple[list[Record], int]:
        by, way = self.ordering(kind)
        table, statement = self.system.table(map.entity), self._asked(kind, map, only)
        value = self.column(map, table.sql, by)
        whole = only is None and not any(self.text(name) for name in kind.filters)
        ranked = statement.where(*table.along(value.name) if whole else ()).order_by(
            value.desc() if way == "desc" else value.asc(), sa.cast(table.sql.c.id, sa.BigInteger)
        )
        return table.fetch(ranked.limit(size).offset(start or None), self.system.name), self.counted(statement)

    def _places(self, kind: Kind, at: int, only: list[str] | None, by: str) -> sa.Select[Any]:
        """Where the records of one of a kind's maps are (`at`, `id`), and what an order goes by (`rank`)."""
        map = kind.maps[at]
        table = self.system.table(map.entity).sql
        columns = (sa.literal(at).label("at"), table.c.id.label("id"), self.column(map, table, by).label("rank"))
        return self._asked(kind, map, only).with_only_columns(*columns)

    def _at(self, kind: Kind, places: Sequence[Sequence[Any]]) -> list[Record]:
        """The records at places, in their order."""
        found: dict[tuple[int, str], Record] = {}
        for at, map in enumerate(kind.maps):
            ids = [id for its, id in places if its == at]
            if ids and self._unearthed(kind):
                records = self.system.table(map.entity).select(self.system.name, {"id": ids}, deleted=True)
            else:
                records = self.some(map.entity, ids)
            found |= {(at, each["id"]): each for each in records}
        return [found[at, id] for at, id in places]

    def _derived(
        self, kind: Kind, only: list[str] | None, size: int | None, start: int, by: str, way: str
    ) -> tuple[list[Record], int]:
        found = [each for each in self.face.derived(kind, self) if only is None or each["id"] in only]
        for name in kind.searched:
            value = self.names(name)
            if value and name == "subject_type":
                value = [snake(each) for each in value]
            if value:
                found = [each for each in found if str(each.get(name.removeprefix("with_"))) in value]
        found.sort(key=lambda each: str(each.get(by) or ""), reverse=way == "desc")
        return found[start : None if size is None else start + size], len(found)

    def ordering(self, kind: Kind) -> tuple[str, str]:
        """The field and the direction of the order asked for, else the default."""
        by, _, way = self.text("order").partition(":")
        if by not in kind.orders or (self.text("search") and kind.searched):
            return kind.order
        return by, "desc" if way == "desc" else "asc"

    @staticmethod
    def column(map: ObjectMap, table: sa.FromClause, name: str) -> sa.ColumnElement[Any]:
        """What an order goes by."""
        column = ORDERS.get((map.entity, name), name)
        if column in table.c:
            found: sa.ColumnElement[Any] = table.c[column]
            return found
        each = map.by_name.get(name)
        return table.c.created_at if each is None or each.computed is not None else map.expression(each, table)

    # the envelope

    def envelope(self, kind: Kind, records: Sequence[Record], count: int, meta: Record | None = None) -> Record:
        """Count, results, keyed maps and meta; one map holds primary and included objects of a kind."""
        links = self.links(kind)
        optional = set(self.names("optional_fields"))
        maps: dict[str, dict[str, Record]] = {kind.key: {}}
        included: dict[str, dict[str, tuple[Kind, Record]]] = {each.kind: {} for each in links if each.kind}
        for record in records:
            shown = self.shown(kind, record)
            for name, work in kind.optional.items():
                if name in optional:
                    shown[name] = work(record, self)
            for link in links:
                target = self.face.kinds[link.kind or kept(record)["subject_key"]]
                found = link.get(self, record)
                if not link.column:
                    ids = [each["id"] for each in found]
                    shown[link.key] = ids if link.many else (ids[0] if ids else None)
                if not link.kind and not found:
                    continue
                included.setdefault(target.key, {}).update({each["id"]: (target, each) for each in found})
            maps[kind.key][record["id"]] = shown
        for key, several in included.items():
            place = maps.setdefault(key, {})
            for id, (target, record) in several.items():
                if id not in place:
                    place[id] = self.shown(target, record)
        results = [{"key": kind.key, "id": record["id"]} for record in records]
        told = meta or {"count": count, "page_count": 1, "page_number": 1, "page_size": PER_PAGE}
        return {"count": count, "results": results, **maps, "meta": told}

    def links(self, kind: Kind) -> list[Any]:
        """The associations that the call wants included; a name that nobody knows is dropped."""
        single = bool(self.text("only"))
        named = [kind.links[name] for name in dict.fromkeys(self.names("include")) if name in kind.links]
        return [each for each in named if single or not each.only]

    def one(self, kind: Kind, record: Record) -> Record:
        """The envelope of one record."""
        if self.given:
            return self.envelope(kind, [record], 1)
        id = record["id"]
        return {
            "count": 1,
            "results": [{"key": kind.key, "id": id}],
            kind.key: {id: self.shown(kind, record)},
            "meta": {"count": 1, "page_count": 1, "page_number": 1, "page_size": PER_PAGE},
        }

    def shown(self, kind: Kind, record: Record) -> Record:
        """A record as the object that it is."""
        if not kind.maps:
            return dict(record)
        found = kind.map_of(record).shown(record, self)
        for name in kind.unasked:
            found.pop(name, None)
        return found

    # what several objects ask for

    def totals(self, project: str) -> Record:
        """What a project adds up to: `used` (approved time and expenses, minor units), `spent` (all expenses, minor units), `time` and
        `expenses` (entries that are submitted), `seats` (confirmed ones of the token's user)."""
        found = self.sums.get(project)
        if found is None:
            mine = (self.system.name, project)
            row = self._summed(TOTALS, *mine, self.user_id, *mine, *mine)
            found = self.sums[project] = dict(zip(TOTALLED, row))  # noqa: B905 (the check costs as much as the work)
        return found

    def work(self, task: str) -> Record:
        """What a task's time adds up to: `billable` and `other` (minutes), `used`, `invoiced` and `uninvoiced` (approved, minor units)."""
        found = self.sums.get(task)
        if found is None:
            row = self._summed(WORK, self.system.name, task)
            found = self.sums[task] = dict(zip(WORKED, row))  # noqa: B905 (as above)
            found["uninvoiced"] = found["used"] - found["invoiced"]
        return found

    def _summed(self, sql: str, *of: str) -> Iterator[int]:
        return map(int, self.system.store.connection.execute(sql, of).fetchone())

    def bookings(self, seat: str) -> list[Record]:
        """The allocations of a seat."""
        return self.all("vendor_object", vendor=VENDOR, kind="workspace_allocations", owner=seat)

    def booked(self, seat: str) -> int:
        """Minutes that a seat is booked for."""
        return sum(int(kept(each)["minutes"]) for each in self.bookings(seat))

    def requires_approval(self, project: str) -> bool:
        """Whether time of a project must be approved."""
        if project not in self._approvals:
            found = self.face.lookups.by_id("project", project)
            self._approvals[project] = found is None or bool(kept(found).get("require_time_approvals", True))
        return self._approvals[project]
