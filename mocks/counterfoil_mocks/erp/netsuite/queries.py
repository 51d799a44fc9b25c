"""Queries in SuiteQL over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite.columns import table_of
from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.record_routes import pages, paging
from counterfoil_mocks.erp.netsuite.tables import Tables
from counterfoil_mocks.kernel.face import Request
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols.fieldmap import ObjectMap
from counterfoil_mocks.protocols.relation import Conditions, View, Views
from counterfoil_mocks.protocols.suiteql import MOST_ROWS, Engine
from counterfoil_mocks.protocols.suiteql_values import SuiteQlError

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

PATH = "/services/rest/query/v1/suiteql"
ASKED = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)", re.IGNORECASE)
NOUNS = {
    "customer": "customer",
    "customeraddressbook": "site",
    "item": "service_item",
    "subsidiary": "legal_entity",
    "accountingperiod": "period",
    "salestaxitem": "tax_code",
    "currencyrate": "fx_rate",
    "revenueelement": "revenue_schedule",
}
"""Entities of the business by the only table of a query: such a query is a list of them."""
BEHIND = {"entity": "customer", "customeraddressbook": "customer", "transactionline": "transaction",
          "transactionaccountingline": "transaction"}  # fmt: skip
"""Tables that show what the records of another one hold."""
LEADS = ("transaction", "previousdoc", "nextdoc")
"""Columns by which rows of other tables belong to transactions."""
ORDERED = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)
KINDS = {
    "custpymt": "payment",
    "custdep": "payment",
    "custrfnd": "refund",
    "custinvc": "ar_document",
    "custcred": "ar_document",
}
"""The same for the types of transactions that a query names."""


class Queries:
    """Answers SuiteQL over HTTP."""

    def __init__(self, face: NetSuiteFace) -> None:
        self.face = face
        self._engine: Engine | None = None
        self._lists: dict[str, Operation] = {}

    def operations(self) -> Iterable[Operation]:
        """The route."""
        yield Operation("query", "POST", PATH, self._run, "Answer a query in SuiteQL", kind="json")

    def meant(self, request: Request, operation: Operation) -> Operation:
        """The operation that a query is: a list of an entity where it asks for nothing else, so that whatever is told of lists holds for it."""
        said = request.body.decode("utf-8", "replace")
        tables = {name.lower() for name in ASKED.findall(said)}
        if "transaction" in tables:
            noun = self._of_type(said) if tables <= {"transaction", "transactionline"} else None
        else:
            noun = NOUNS.get(*tables) if len(tables) == 1 else None
        if noun is None:
            return operation
        if noun not in self._lists:
            entity = self.face.system.role.by_name[noun]
            about = {"query": operation.name, "of": entity}
            self._lists[noun] = Operation(
                f"list_{noun}", "POST", PATH, self._run, operation.summary, kind="json", about=about
            )
        return self._lists[noun]

    @staticmethod
    def _of_type(said: str) -> str | None:
        nouns = {noun for kind, noun in KINDS.items() if kind in said.lower()}
        return nouns.pop() if len(nouns) == 1 else None

    @property
    def engine(self) -> Engine:
        """The engine over this account's tables."""
        if self._engine is None:
            system = self.face.system
            self._engine = Engine(system.store, Views(self._views()), system.schema)
        return self._engine

    def _views(self) -> Iterable[View]:
        """The tables that the role sees, and of transactions and their lines those rows."""
        hidden, types = set(self.face.permissions.hidden), self.face.types
        behind: dict[str, list[ObjectMap]] = {}
        for each in types.values():
            behind.setdefault(table_of(each), []).append(each)
        codes = [types[name].about["code"] for name in hidden if name in types and types[name].about.get("code")]
        tables = {view.name: view for view in Tables(self.face.system, types).views()}
        of_seen = seen(tables["transaction"], codes)
        for view in tables.values():
            name = BEHIND.get(view.name, view.name)
            names = {each.name for each in behind.get(name, [])} or {name}
            if names <= hidden:
                continue
            of_transactions = view.name == "transaction" or any(column.name in LEADS for column in view.columns)
            yield replace(view, where=of_seen) if codes and of_transactions else view

    def _run(self, ask: Ask) -> Answer:
        wish = ask.request.header(b"prefer") or ""
        if "transient" not in [each.strip().lower() for each in wish.split(",")]:
            raise Refused(
                400,
                "INVALID_HEADER",
                "The required request header 'Prefer' is missing or its value is invalid. Use Prefer: transient.",
                header="Prefer",
            )
        body = ask.body if isinstance(ask.body, dict) else {}
        text, params = body.get("q"), body.get("params") or []
        if not isinstance(text, str) or not text.strip():
            raise Refused(400, "INVALID_PARAMETER", "The request body must contain a query in the field 'q'.", path="q")
        if not isinstance(params, list):
            raise Refused(400, "INVALID_PARAMETER", "The field 'params' must be a list.", path="params")
        asked = dict(ask.query)
        limit, offset = paging(asked)
        if offset >= MOST_ROWS:
            raise Refused(400, "INVALID_PARAMETER", f"At most {MOST_ROWS} rows can be read.", parameter="offset")
        start = offset
        if self.face.system.settings.get("unordered_pages") and not ORDERED.search(text):
            start -= offset // limit
        try:
            items, total = self.engine.page(text, self.face.system.clock.now, params, limit=limit, offset=max(0, start))
        except SuiteQlError as error:
            raise Refused(
                400,
                "INVALID_PARAMETER",
                str(error),
                title="Invalid search query.",
            ) from None
        if ask.hidden is not None and isinstance(ask.operation.about, dict):
            items = [row for row in items if not self._hidden(ask, row)]
        answer = {
            "links": pages(self.face.base(ask.request) + PATH, asked, limit, offset, total),
            "count": len(items),
            "hasMore": offset + limit < total,
            "items": [{"links": [], **row} for row in items],
            "offset": offset,
            "totalResults": total,
        }
        return Answer(200, answer)

    def _hidden(self, ask: Ask, row: Record) -> bool:
        """Whether a row is one that searches do not find yet."""
        place = row.get("id") or row.get("internalid")
        table = self.face.system.table(ask.operation.about["of"].name)
        found = table.by_id(self.face.system.name, place) if place else None
        return found is not None and ask.hidden is not None and ask.hidden(found)


def seen(transaction: View, codes: list[str]) -> Conditions:
    """Of transactions, and of rows that belong to them, those that are of other types than these."""

    def conditions(rows: sa.FromClause, deleted: bool) -> tuple[sa.ColumnElement[bool], ...]:
        if "type" in rows.c:
            return (rows.c.type.not_in(codes),)
        heads = transaction.rows()
        unseen = sa.select(heads.c.id).where(heads.c.type.in_(codes))
        return tuple(rows.c[name].not_in(unseen) for name in LEADS if name in rows.c)

    return conditions
