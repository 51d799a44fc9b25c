"""Queries in SuiteQL over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.record_routes import pages, paging
from counterfoil_mocks.erp.netsuite.tables import Tables
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols.relation import Views
from counterfoil_mocks.protocols.suiteql import MOST_ROWS, Engine
from counterfoil_mocks.protocols.suiteql_tree import SuiteQlError

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

PATH = "/services/rest/query/v1/suiteql"


class Queries:
    """Answers SuiteQL over HTTP."""

    def __init__(self, face: NetSuiteFace) -> None:
        self.face = face
        self._engine: Engine | None = None

    def operations(self) -> Iterable[Operation]:
        """The route."""
        yield Operation("query", "POST", PATH, self._run, "Answer a query in SuiteQL", kind="json")

    @property
    def engine(self) -> Engine:
        """The engine over this account's tables."""
        if self._engine is None:
            self._engine = Engine(self.face.system.store, Views(Tables(self.face.system).views()))
        return self._engine

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
        try:
            items, total = self.engine.page(text, self.face.system.clock.now, params, limit=limit, offset=offset)
        except SuiteQlError as error:
            raise Refused(
                400,
                "INVALID_PARAMETER",
                f"Invalid search query. Detailed unprocessed description follows. Search error occurred: {error}",
                title="Invalid search query.",
            ) from None
        answer = {
            "links": pages(self.face.base(ask.request) + PATH, asked, limit, offset, total),
            "count": len(items),
            "hasMore": offset + limit < total,
            "items": [{"links": [], **row} for row in items],
            "offset": offset,
            "totalResults": total,
        }
        return Answer(200, answer)
