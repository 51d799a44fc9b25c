"""Fields that Salesforce computes, as SQL over canonical tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.protocols.relation import MONEY_PLACES, Expression, amount

STAGES = {
    "PROSPECT": ("Prospecting", 10, "Pipeline", False, False),
    "QUALIFY": ("Qualification", 25, "Pipeline", False, False),
    "PROPOSE": ("Proposal/Price Quote", 50, "Best Case", False, False),
    "NEGOTIATE": ("Negotiation/Review", 75, "Commit", False, False),
    "CLOSED_WON": ("Closed Won", 100, "Closed", True, True),
    "CLOSED_LOST": ("Closed Lost", 0, "Omitted", True, False),
}
"""Canonical stage → its name, probability in per cent, forecast category, whether it is closed, whether it is won."""
SCALE = 10**MONEY_PLACES


def own(name: str) -> Expression:
    """A member of the record's custom fields."""
    return lambda rows: sa.func.json_extract(rows.c.custom, f'$."{name}"')


def own_or(name: str, other: Expression) -> Expression:
    """A member of the custom fields, else something else."""
    return lambda rows: sa.func.coalesce(own(name)(rows), other(rows))


def column(name: str) -> Expression:
    """A canonical column."""
    return lambda rows: rows.c[name]


def is_in(name: str, *values: str) -> Expression:
    """Whether a canonical column has one of some values."""
    return lambda rows: rows.c[name].in_(values)


def case(name: str, words: Mapping[str, Any], other: Any = None) -> Expression:
    """A value by a canonical column's."""
    return lambda rows: sa.case(dict(words), value=rows.c[name], else_=other)


def by_stage(at: int) -> Expression:
    """A fact about the deal's stage."""
    return lambda rows: sa.case({code: row[at] for code, row in STAGES.items()}, value=rows.c.stage)


def probability(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """Per cent with four places: as it is set, else as the stage has it."""
    return sa.func.coalesce(rows.c.probability, by_stage(1)(rows) * SCALE)


def expected(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """Amount × probability."""
    product = amount("amount")(rows) * probability(rows) / sa.literal(100.0 * SCALE, sa.Float)
    return sa.cast(sa.func.round(product), sa.BigInteger)


def year(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """The year in which a deal closes."""
    return sa.cast(sa.func.substr(rows.c.close_date, 1, 4), sa.Integer)


def quarter(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """The quarter in which a deal closes."""
    return (sa.cast(sa.func.substr(rows.c.close_date, 6, 2), sa.Integer) + 2).self_group().op("/")(3)


def _table(name: str, *columns: str, schema: str = "crm") -> sa.FromClause:
    return sa.table(name, *(sa.column(each) for each in columns), schema=schema).alias()


VENDOR = ("system", "id", "kind", "owner", "name", "custom", "deleted_at", "external_id")


SITE = ("system", "customer", "created_at", "id", "city", "region", "postcode", "country", "lines", "deleted_at")


def _oldest(rows: sa.FromClause, site: sa.FromClause, *values: sa.ColumnElement[Any]) -> sa.Select[Any]:
    mine = (site.c.system == rows.c.system, site.c.customer == rows.c.id, site.c.deleted_at.is_(None))
    return sa.select(*values).where(*mine).order_by(site.c.created_at, site.c.id).limit(1)


def beside_site(customer: sa.FromClause) -> sa.FromClause:
    """Customers, each with its oldest site beside it: it is looked up once, however much of it is asked for."""
    site, oldest = _table("site", *SITE), _table("site", *SITE)
    found = _oldest(customer, oldest, oldest.c.id).scalar_subquery()
    both = customer.outerjoin(site, sa.and_(site.c.system == customer.c.system, site.c.id == found))
    names = ("city", "region", "postcode", "lines")
    return sa.select(*customer.c, *(site.c[name].label(f"site_{name}") for name in names)).select_from(both).subquery()


def of_site(field: str) -> Expression:
    """A field of the customer's oldest site."""

    def sql(rows: sa.FromClause) -> sa.ColumnElement[Any]:
        if f"site_{field}" in rows.c:
            return texts_of("site_lines")(rows) if field == "lines" else rows.c[f"site_{field}"]
        site = _table("site", *SITE)
        value: sa.ColumnElement[Any] = site.c[field]
        if field == "lines":
            value = texts_of("lines")(site)
        return _oldest(rows, site, value).scalar_subquery()

    return sql


def texts_of(name: str) -> Expression:
    """A list of texts as one, each on a line of its own."""

    def sql(rows: sa.FromClause) -> sa.ColumnElement[Any]:
        each = sa.func.json_each(rows.c[name]).table_valued("value", "key")
        return sa.select(sa.func.group_concat(each.c.value, "\n")).select_from(each).scalar_subquery()

    return sql


COMPOUND = {
    "city": "City",
    "country": "Country",
    "geocodeAccuracy": "",
    "latitude": "",
    "longitude": "",
    "postalCode": "PostalCode",
    "state": "State",
    "street": "Street",
}
"""The members of an address's compound, and the parts that they say again (none: they say nothing)."""
PARTS = [part for part in COMPOUND.values() if part]


def address_of(parts: Mapping[str, Expression]) -> Expression:
    """The compound of an address: null where no part is given."""

    def sql(rows: sa.FromClause) -> sa.ColumnElement[Any]:
        said = {part: parts[part](rows) for part in PARTS}
        pairs: list[Any] = []
        for name, part in COMPOUND.items():
            pairs += [name, said[part] if part else sa.null()]
        nothing = sa.func.coalesce(*said.values()).is_(None)
        return sa.case((nothing, sa.null()), else_=sa.func.json_object(*pairs))

    return sql


def compound(record: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The same of a record that shows all the parts."""
    said: dict[str, Any] | None = None
    for name, part in parts_of(kind):
        value = record[part]
        if value is not None:
            if said is None:
                said = dict.fromkeys(COMPOUND)
            said[name] = value
    return said


@cache
def parts_of(kind: str) -> tuple[tuple[str, str], ...]:
    """The members of a kind of address that say something, each with the field that it says again."""
    return tuple((name, kind + part) for name, part in COMPOUND.items() if part)


def plain_address(kind: str) -> dict[str, Expression]:
    """The parts of an address that is kept in the custom fields."""
    return {part: own(f"{kind}{part}") for part in PARTS}


BILLING: dict[str, Expression] = {
    "Street": own_or("BillingStreet", of_site("lines")),
    "City": own_or("BillingCity", of_site("city")),
    "State": own_or("BillingState", of_site("region")),
    "PostalCode": own_or("BillingPostalCode", of_site("postcode")),
    "Country": own_or("BillingCountry", column("country")),
}


def first_name(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """What stands before the first blank of a name that was not given in parts."""
    at = sa.func.instr(rows.c.name, " ")
    return sa.func.coalesce(
        own("FirstName")(rows),
        sa.case((own("LastName")(rows).is_(None) & (at > 0), sa.func.substr(rows.c.name, 1, at - 1))),
    )


def last_name(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """What stands after the first blank."""
    at = sa.func.instr(rows.c.name, " ")
    return sa.func.coalesce(own("LastName")(rows), sa.func.substr(rows.c.name, at + 1))


def has_lines(kind: str) -> Expression:
    """Whether the record has lines of a kind."""

    def sql(rows: sa.FromClause) -> sa.ColumnElement[Any]:
        line = _table("vendor_object", *VENDOR)
        mine = (
            line.c.system == rows.c.system,
            line.c.owner == rows.c.id,
            line.c.kind == kind,
            line.c.deleted_at.is_(None),
        )
        return sa.case((sa.select(line.c.id).where(*mine).exists(), 1), else_=0)

    return sql


def over_lines(kind: str, value: Callable[[sa.FromClause], sa.ColumnElement[Any]]) -> Expression:
    """Something aggregated over the record's lines of a kind."""

    def sql(rows: sa.FromClause) -> sa.ColumnElement[Any]:
        line = _table("vendor_object", *VENDOR)
        mine = (
            line.c.system == rows.c.system,
            line.c.owner == rows.c.id,
            line.c.kind == kind,
            line.c.deleted_at.is_(None),
        )
        return sa.select(value(line)).where(*mine).scalar_subquery()

    return sql


def scaled(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A number as an integer with four places."""
    return sa.cast(sa.func.round(value * SCALE), sa.BigInteger)


def total_of(kind: str, member: str) -> Expression:
    """The sum of a member of the record's lines, with four places."""
    return over_lines(kind, lambda line: scaled(sa.func.coalesce(sa.func.sum(own(member)(line)), 0)))


def count_of(kind: str) -> Expression:
    """How many lines of a kind the record has."""
    return over_lines(kind, lambda line: sa.func.count())


def quote_total(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """What a quote comes to: its line items, else the lines of the offer."""
    line = _table("quote_line", "system", "parent", "amount", "ccy")
    sold = sa.select(sa.func.sum(amount("amount")(line))).where(
        line.c.system == rows.c.system, line.c.parent == rows.c.id
    )
    own_lines = over_lines("QuoteLineItem", lambda each: scaled(sa.func.sum(own("TotalPrice")(each))))(rows)
    return sa.func.coalesce(own_lines, sold.scalar_subquery(), 0)


def quote_subtotal(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """Quantity × price before discounts."""
    listed = over_lines("QuoteLineItem", lambda each: scaled(sa.func.sum(own("Subtotal")(each))))(rows)
    return sa.func.coalesce(listed, quote_total(rows))


def quote_grand_total(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """With tax and shipping."""
    more = sa.func.coalesce(own("Tax")(rows), 0) + sa.func.coalesce(own("ShippingHandling")(rows), 0)
    return quote_total(rows) + scaled(more)


def quote_discount(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """What the discounts of its lines come to, in per cent of the subtotal."""
    listed, total = quote_subtotal(rows), quote_total(rows)
    share = sa.cast(listed - total, sa.Float) * 100 / sa.func.nullif(listed, 0)
    return scaled(sa.func.round(share * 100) / 100.0)


def is_syncing(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """Whether the quote's deal has its products from it."""
    deal = _table("opportunity", "system", "id", "custom")
    chosen = sa.select(own("SyncedQuoteId")(deal)).where(
        deal.c.system == rows.c.system, deal.c.id == rows.c.opportunity
    )
    return sa.case((chosen.scalar_subquery() == rows.c.id, 1), else_=0)


def quote_status(words: Mapping[str, str]) -> Expression:
    """A quote's status: where Salesforce knows two of one state, the one that was said."""

    def sql(rows: sa.FromClause) -> sa.ColumnElement[Any]:
        named = sa.case(dict(words), value=rows.c.status)
        return sa.case((rows.c.status == "IN_REVIEW", sa.func.coalesce(own("Status")(rows), named)), else_=named)

    return sql


def of_opportunity(field: str) -> Expression:
    """A field of the quote's deal."""

    def sql(rows: sa.FromClause) -> sa.ColumnElement[Any]:
        deal = _table("opportunity", "system", "id", field)
        return (
            sa.select(deal.c[field])
            .where(deal.c.system == rows.c.system, deal.c.id == rows.c.opportunity)
            .scalar_subquery()
        )

    return sql


def contract_of(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """The contract that a won deal became."""
    contract = _table("contract", "system", "opportunity", "id", "deleted_at")
    found = sa.select(contract.c.id).where(
        contract.c.system == rows.c.system, contract.c.opportunity == rows.c.id, contract.c.deleted_at.is_(None)
    )
    return sa.func.coalesce(own("ContractId")(rows), found.limit(1).scalar_subquery())


def number_of(name: str) -> Expression:
    """A number of eight digits out of a business key."""
    return lambda rows: sa.func.printf(
        "%08d", sa.cast(sa.func.substr(rows.c[name], sa.func.instr(rows.c[name], "-") + 1), sa.Integer)
    )


def contract_end(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """StartDate + term − 1 day, else the end that was agreed. A month that lacks the day ends the term with its last one."""
    months = sa.func.printf("+%d months", own("ContractTerm")(rows))
    same_day = sa.func.date(rows.c.start, months)
    ran_over = sa.func.substr(same_day, 9, 2) != sa.func.substr(rows.c.start, 9, 2)
    month_end = sa.func.date(same_day, "start of month", "-1 day")
    until = sa.func.date(sa.case((ran_over, month_end), else_=same_day), "-1 day")
    return sa.func.coalesce(sa.case((own("ContractTerm")(rows).is_not(None), until)), rows.c.end)


def contract_term(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """Months: as given, else as start and end have it."""

    def part(name: str, start: int, length: int) -> sa.ColumnElement[Any]:
        return sa.cast(sa.func.substr(rows.c[name], start, length), sa.Integer)

    months = (part("end", 1, 4) - part("start", 1, 4)) * 12 + part("end", 6, 2) - part("start", 6, 2) + 1
    return sa.func.coalesce(own("ContractTerm")(rows), months)


def delta_total(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    """What a change order adds."""
    delta = _table("co_delta", "system", "parent", "amount", "ccy")
    return (
        sa.select(sa.func.sum(amount("amount")(delta)))
        .where(delta.c.system == rows.c.system, delta.c.parent == rows.c.id)
        .scalar_subquery()
    )
