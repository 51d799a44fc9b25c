"""Salesforce's objects as views: what SOQL, reads and describes see of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa

from counterfoil_mocks.crm.salesforce import computed
from counterfoil_mocks.crm.salesforce.customized import CUSTOM, with_added
from counterfoil_mocks.crm.salesforce.ids import line_id, made
from counterfoil_mocks.crm.salesforce.objects import MONEY_TYPES, SField, SObject
from counterfoil_mocks.crm.salesforce.standard import STAGE_NAMES, STANDARD
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Field
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.protocols import sql_functions
from counterfoil_mocks.protocols.relation import (
    MONEY_PLACES,
    Children,
    Column,
    Expression,
    View,
    amount,
    constant,
    custom,
    made_up,
    stored,
)

OBJECTS: dict[str, SObject] = {each.name.lower(): each for each in map(with_added, (*STANDARD, *CUSTOM))}
"""All objects by lower-case name."""
sql_functions.offer("sf_line_id", 3, line_id)
sql_functions.offer("sf_row_id", -1, made)
KINDS = {
    "id": "id",
    "reference": "id",
    "boolean": "boolean",
    "date": "date",
    "datetime": "instant",
    "address": "json",
    "anyType": "json",
}
SCALE = 10**MONEY_PLACES
STAMPS = ("created_at", "updated_at", "deleted_at")
"""When lines were written and deleted: with their documents."""
LONG_AGO = "2024-01-01T00:00:00.000Z"
BIN_DAYS = 15
"""How long what was deleted can be seen and taken back."""


class Org:
    """Who the fake is: its ids, its users, its standard price book."""

    def __init__(self, system: System) -> None:
        self.system = system
        parts = (system.world.seed, system.name, "salesforce")
        self.id = made("00D", *parts, "org")
        self.user = made("005", *parts, "integration")
        self.profile = made("00e", *parts, "profile")
        self.standard_book = made("01s", *parts, "standard")
        self.people = [
            self._person(self.user, "integration@firm.example", "Integration", "User"),
            *(
                self._person(made("005", *parts, name), f"{name.lower()}@firm.example", *name.split("."))
                for name in ("Ada.Byron", "Max.Weber", "Grace.Novak")
            ),
            {**self._person(made("005", *parts, "left"), "left@firm.example", "Lee", "Former"), "IsActive": 0},
        ]

    def _person(self, user: str, username: str, first: str, last: str) -> dict[str, Any]:
        return {
            "id": user,
            "Username": username,
            "FirstName": first,
            "LastName": last,
            "Name": f"{first} {last}",
            "Email": username,
            "Alias": last[:8].lower(),
            "IsActive": 1,
            "ProfileId": self.profile,
            "UserRoleId": None,
            "ManagerId": None,
            "UserType": "Standard",
            "TimeZoneSidKey": "UTC",
            "LocaleSidKey": "en_US",
            "FederationIdentifier": None,
            "CreatedDate": LONG_AGO,
        }

    # rows that are made up

    def users(self) -> list[dict[str, Any]]:
        """The people of the firm."""
        return self.people

    def profiles(self) -> list[dict[str, Any]]:
        """What they may do."""
        return [{"id": self.profile, "Name": "System Administrator", "UserType": "Standard", "CreatedDate": LONG_AGO}]

    def organizations(self) -> list[dict[str, Any]]:
        """The org itself."""
        return [
            {
                "id": self.id,
                "Name": "Counterfoil Services",
                "IsSandbox": 1,
                "OrganizationType": "Developer Edition",
                "InstanceName": "CF1",
                "DefaultLocaleSidKey": "en_US",
                "LanguageLocaleKey": "en_US",
                "TimeZoneSidKey": "UTC",
                "FiscalYearStartMonth": 1,
                "NamespacePrefix": None,
                "CreatedDate": LONG_AGO,
            }
        ]

    def currencies(self) -> list[dict[str, Any]]:
        """The currencies of the org."""
        return [
            {
                "id": made("01L", self.id, code),
                "IsoCode": code,
                "ConversionRate": SCALE,
                "DecimalPlaces": places,
                "IsActive": 1,
                "IsCorporate": int(code == "USD"),
                "CreatedDate": LONG_AGO,
            }
            for code, places in money.EXPONENTS.items()
        ]

    def record_types(self) -> list[dict[str, Any]]:
        """None: every object has its master record type alone."""
        return [
            {
                "id": None,
                "Name": None,
                "DeveloperName": None,
                "SobjectType": None,
                "IsActive": None,
                "CreatedDate": None,
            }
        ]

    def roles(self) -> list[dict[str, Any]]:
        """None: nobody is above anybody else."""
        return [{"id": None, "Name": None, "DeveloperName": None, "CreatedDate": None}]

    def stages(self) -> list[dict[str, Any]]:
        """The stages of a deal."""
        return [
            {
                "id": made("01J", self.id, code),
                "MasterLabel": name,
                "ApiName": name,
                "IsActive": 1,
                "SortOrder": number,
                "IsClosed": int(closed),
                "IsWon": int(won),
                "ForecastCategory": forecast.replace(" ", ""),
                "ForecastCategoryName": forecast,
                "DefaultProbability": probability * SCALE,
                "CreatedDate": LONG_AGO,
            }
            for number, (code, (name, probability, forecast, closed, won)) in enumerate(computed.STAGES.items(), 1)
        ]


class Catalog:
    """The views of one org."""

    def __init__(self, system: System, org: Org, objects: Mapping[str, SObject] = OBJECTS) -> None:
        self.system = system
        self.org = org
        self.objects = objects
        self.described: dict[tuple[str, str], dict[str, Any]] = {}
        """Describes that have been asked for, by object and version."""
        self._views: dict[str, View] = {}

    def find(self, name: str) -> View | None:
        """A view by its name in any case."""
        found = self._views.get(name.lower())
        if found is None:
            known = self.objects.get(name.lower())
            if known is None or known.name.endswith("__e"):
                return None
            found = self._views[name.lower()] = self._view(known)
        return found

    def _view(self, each: SObject) -> View:
        columns = tuple(self._column(each, one) for one in each.fields)
        return View(each.name, self._rows(each), self._where(each), columns, tuple(self.ways_to(each)))

    def ways_to(self, parent: SObject) -> Iterable[Children]:
        """The lists of those who refer to an object."""
        for each in self.objects.values():
            for one in each.fields:
                if one.children and parent.name in one.refers:
                    yield Children(one.children, each.name, one.name)

    def _rows(self, each: SObject) -> Callable[[], sa.FromClause]:
        if each.entity:
            return self.system.table(each.entity).sql.alias
        derived = DERIVED.get(each.rows)
        if derived is not None:
            return lambda: derived(self.system, self.org)
        return made_up(getattr(self.org, each.rows)())

    def _where(self, each: SObject) -> Any:
        def where(rows: sa.FromClause, deleted: bool) -> Iterable[sa.ColumnElement[Any]]:
            if "deleted_at" not in rows.c:
                return
            yield from self.belongs(each, rows)
            live = rows.c.deleted_at.is_(None)
            yield sa.or_(live, rows.c.deleted_at >= self.bin_start) if deleted else live

        return where

    @property
    def bin_start(self) -> str:
        """The first day whose deletions are still in the bin."""
        return clock.later(self.system.clock.now, days=-BIN_DAYS)[:10]

    def belongs(self, each: SObject, rows: sa.FromClause) -> Iterable[sa.ColumnElement[Any]]:
        """What makes stored rows an object's own, deleted ones as well, however long ago."""
        if each.entity:
            yield rows.c.system == self.system.name
        if each.entity == "vendor_object":
            yield rows.c.kind == each.name

    def _column(self, each: SObject, one: SField) -> Column:
        kind = "number" if one.type in MONEY_TYPES else KINDS.get(one.type, "text")
        places = 0 if one.type == "int" or kind != "number" else MONEY_PLACES
        sql, places = self._sql(each, one, places)
        if one.default == "$user":
            inner, user = sql, self.org.user
            sql = lambda rows: sa.func.coalesce(inner(rows), user)  # noqa: E731 (the inner one is meant)
        words = one.words if one.column and not one.sql and each.entity else {}
        about = {"field": one, "filterable": one.filterable}
        own = not one.column and one.sql is None and kind in ("text", "id", "date")
        return Column(
            one.name,
            "choice" if words else kind,
            sql,
            places,
            words,
            one.type,
            one.refers,
            one.relation if one.refers else "",
            None,
            about,
            one.name if own and each.entity else "",
        )

    def _sql(self, each: SObject, one: SField, places: int) -> tuple[Expression, int]:
        if one.sql is not None:
            return one.sql, places
        if not each.entity:
            return stored(one.column) if one.column else constant(None), places
        if one.column:
            field = _canonical(self.system, each, one.column)
            if field is None or field.kind not in ("money", "decimal"):
                return stored(one.column), 0
            if field.kind == "money":
                return amount(one.column, field.ccy), MONEY_PLACES
            return stored(one.column), len(str(field.scale)) - 1 - (2 if one.type == "percent" else 0)
        if one.type in MONEY_TYPES:
            return custom(one.name, places=places), places
        if one.type == "boolean":
            plain, otherwise = custom(one.name), int(bool(one.default))
            return lambda rows: sa.func.coalesce(plain(rows), otherwise), 0
        return custom(one.name), 0


def _canonical(system: System, each: SObject, column: str) -> Field | None:
    return next((field for field in system.table(each.entity).fields if field.name == column), None)


# rows that follow from others


def _history(system: System) -> sa.FromClause:
    names = ("seq", "system", "entity", "id", "at", "doc", "before")
    return sa.table("history", *(sa.column(each) for each in names), schema="crm").alias()


def _told(doc: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
    return sa.func.json_extract(doc, f"$.{name}")


def histories(system: System, org: Org) -> sa.FromClause:
    """A row for every time that a deal's stage, amount, probability or close date was written."""
    row = _history(system)
    touched = [
        sa.func.json_type(row.c.before, f"$.{name}").is_not(None)
        for name in ("stage", "amount", "probability", "close_date")
    ]
    stage = _told(row.c.doc, "stage")
    factors = {code: SCALE // 10**places for code, places in money.EXPONENTS.items() if places != 2}
    worth = _told(row.c.doc, "amount") * sa.case(factors, value=_told(row.c.doc, "ccy"), else_=SCALE // 100)
    chance = sa.func.coalesce(
        _told(row.c.doc, "probability"),
        sa.case({code: each[1] * SCALE for code, each in computed.STAGES.items()}, value=stage),
    )
    found: sa.FromClause = (
        sa.select(
            sa.func.sf_row_id("008", row.c.seq).label("id"),
            row.c.id.label("OpportunityId"),
            sa.case(STAGE_NAMES, value=stage, else_=stage).label("StageName"),
            worth.label("Amount"),
            chance.label("Probability"),
            sa.cast(worth * chance / (100.0 * SCALE), sa.BigInteger).label("ExpectedRevenue"),
            _told(row.c.doc, "close_date").label("CloseDate"),
            sa.case({code: each[2] for code, each in computed.STAGES.items()}, value=stage).label("ForecastCategory"),
            sa.func.substr(row.c.at, 1, 19).op("||")(".000Z").label("CreatedDate"),
            sa.literal(org.user).label("CreatedById"),
            sa.literal(0).label("IsDeleted"),
        )
        .where(row.c.system == system.name, row.c.entity == "opportunity", sa.or_(row.c.before.is_(None), *touched))
        .subquery()
    )
    return found


def tracked(field: str, value: Any, ccy: str) -> str | None:
    """The JSON of what a tracked field of a deal was, as the API says it: amounts in major units of `ccy`, chances in per cent."""
    if value is None:
        return None
    if field in ("Amount", "Probability"):
        places = money.exponent(ccy) if field == "Amount" else MONEY_PLACES
        return repr(float(Decimal(value).scaleb(-places)))
    return orjson.dumps(value).decode()


sql_functions.offer("sf_tracked", 3, tracked)


def field_histories(system: System, org: Org) -> sa.FromClause:
    """A row for every tracked field of a deal that changed."""
    parts = []
    for name, column in (
        ("StageName", "stage"),
        ("Amount", "amount"),
        ("CloseDate", "close_date"),
        ("Probability", "probability"),
    ):
        row = _history(system)
        old, new, ccy = _told(row.c.before, column), _told(row.c.doc, column), _told(row.c.doc, "ccy")
        if column == "stage":
            old, new = (sa.case(STAGE_NAMES, value=each, else_=each) for each in (old, new))
        parts.append(
            sa.select(
                sa.func.sf_row_id("017", row.c.seq, name).label("id"),
                row.c.id.label("OpportunityId"),
                sa.literal(name).label("Field"),
                sa.func.sf_tracked(name, old, sa.func.coalesce(_told(row.c.before, "ccy"), ccy)).label("OldValue"),
                sa.func.sf_tracked(name, new, ccy).label("NewValue"),
                sa.func.substr(row.c.at, 1, 19).op("||")(".000Z").label("CreatedDate"),
                sa.literal(org.user).label("CreatedById"),
                sa.literal(0).label("IsDeleted"),
            ).where(
                row.c.system == system.name,
                row.c.entity == "opportunity",
                sa.func.json_type(row.c.before, f"$.{column}").is_not(None),
            )
        )
    return sa.union_all(*parts).subquery()


def _lines(
    system: System, table: str, prefix: str, named: Mapping[str, str], parents: tuple[str, str], by: str = "position"
) -> sa.Select[Any]:
    """The lines of documents, which have been written when their document was. named: Salesforce's field → the line's, `*` in front of an amount. by:
    what tells a line from the others."""
    columns = {each.lstrip("*") for each in named.values()} | {"ccy", "system", "parent", by}
    row = sa.table(table, *(sa.column(each) for each in sorted(columns)), schema="crm").alias()
    mine, other = parents
    document = system.table(mine.removesuffix("__c").lower()).sql.alias()
    shown = [
        (amount(column[1:])(row) if column.startswith("*") else row.c[column]).label(name)
        for name, column in named.items()
        if name != "Name"
    ]
    return sa.select(
        sa.func.sf_line_id(prefix, row.c.parent, row.c[by]).label("id"),
        row.c.parent.label(mine),
        *([sa.null().label(other)] if other else []),
        sa.cast(row.c[named["Name"]], sa.Text).label("Name"),
        *shown,
        row.c.ccy.label("CurrencyIsoCode"),
        *(document.c[name] for name in STAMPS),
    ).where(row.c.system == system.name, document.c.system == row.c.system, document.c.id == row.c.parent)


SOW = {
    "Name": "name",
    "Line_No__c": "line_no",
    "Type__c": "type",
    "Amount__c": "*amount",
    "Cap__c": "*cap",
    "Revenue_Method__c": "rev_method",
    "Tax_Code__c": "tax_code",
    "Service_Item__c": "service_item",
    "Budget_Hours__c": "budget_hours",
    "Budget_Cost__c": "*budget_cost",
    "Expense_Markup__c": "expense_markup",
    "Quantity__c": "qty",
    "Unit_Price__c": "unit_price",
    "Discount__c": "discount",
    "Standalone_Price__c": "*ssp",
    "Start__c": "start",
    "End__c": "end",
    "Sort_Order__c": "position",
}
MILESTONE = {
    "Name": "name",
    "Code__c": "ms_code",
    "Line_No__c": "line_no",
    "Amount__c": "*amount",
    "Planned__c": "planned",
    "Revenue_Weight__c": "rev_weight",
    "Change_Order_No__c": "co_seq",
    "Sort_Order__c": "position",
}
CARD_ROW = {"Name": "level", "Level__c": "level", "Rate__c": "rate", "Sort_Order__c": "position"}
DELTA = {
    "Name": "line_no",
    "Line_No__c": "line_no",
    "Amount__c": "*amount",
    "Cap__c": "*cap",
    "Hours__c": "hours",
    "Cost__c": "*cost",
    "End__c": "end",
    "Standalone_Price__c": "*ssp",
    "Sort_Order__c": "position",
}
AMENDMENT = {
    "Name": "name",
    "Operation__c": "op",
    "Code__c": "ms_code",
    "Line_No__c": "line_no",
    "Amount__c": "*amount",
    "Planned__c": "planned",
    "Sort_Order__c": "position",
}


def _both(system: System, kind: str, prefix: str, named: Mapping[str, str], by: str) -> sa.FromClause:
    of_quotes = _lines(system, f"quote_{kind}", prefix, named, ("Quote__c", "Contract__c"), by).subquery()
    of_contracts = _lines(system, f"contract_{kind}", prefix, named, ("Contract__c", "Quote__c"), by).subquery()
    names = [each.name for each in of_quotes.c]
    return sa.union_all(sa.select(*of_quotes.c), sa.select(*(of_contracts.c[name] for name in names))).subquery()


def sow_lines(system: System, org: Org) -> sa.FromClause:
    """What quotes and contracts sell. The hours of a budget are kept whole."""
    found = _both(system, "line", "a05", SOW, "line_no")
    columns = [each * SCALE if each.name == "Budget_Hours__c" else each for each in found.c]
    return sa.select(*(column.label(each.name) for column, each in zip(columns, found.c, strict=True))).subquery()


def milestones(system: System, org: Org) -> sa.FromClause:
    """What quotes and contracts bill at a milestone."""
    return _both(system, "milestone", "a06", MILESTONE, "ms_code")


def rate_card_rows(system: System, org: Org) -> sa.FromClause:
    """The rates of a card; a price has four places already."""
    return _lines(system, "rate_card_row", "a07", CARD_ROW, ("Rate_Card__c", ""), "level").subquery()


def change_order_lines(system: System, org: Org) -> sa.FromClause:
    """What change orders add to lines."""
    return _lines(system, "co_delta", "a09", DELTA, ("Change_Order__c", "")).subquery()


def change_order_milestones(system: System, org: Org) -> sa.FromClause:
    """What change orders do to milestones."""
    return _lines(system, "co_milestone", "a0A", AMENDMENT, ("Change_Order__c", "")).subquery()


DERIVED: dict[str, Callable[[System, Org], sa.FromClause]] = {
    "histories": histories,
    "field_histories": field_histories,
    "sow_lines": sow_lines,
    "milestones": milestones,
    "rate_card_rows": rate_card_rows,
    "change_order_lines": change_order_lines,
    "change_order_milestones": change_order_milestones,
}
