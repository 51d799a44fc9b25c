"""Calls to NetSuite: each signed by OAuth 1.0a (token-based authentication), refusals in our words, queries in SuiteQL page by page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Trail
from counterfoil.reference.connectors.fields import Kind
from counterfoil.reference.connectors.native import Call, NativeConnector
from counterfoil.reference.connectors.vendor import VendorWire

RECORDS = "/services/rest/record/v1"
SUITEQL = "/services/rest/query/v1/suiteql"
PAGE = 1000
SAYINGS = (
    (re.compile("This (record|entity) already exists"), 409, "DUPLICATE_KEY"),
    (re.compile("not within the date range of your accounting period"), 409, "PERIOD_CLOSED"),
    (re.compile("There is no [A-Z]+ rate from"), 409, "FX_RATE_MISSING"),
    (re.compile("The books of .* are kept in"), 409, "BOOKS_MOVED"),
    (re.compile("Record has been changed"), 503, "STALE_VERSION"),
)
"""What NetSuite says in words alone: the status and code by which the flows know it."""
Made = TypeVar("Made")


class Wire(VendorWire):
    """Calls to NetSuite's REST web services. No call has a key: NetSuite heeds idempotency keys of asynchronous calls only."""

    def __init__(
        self, owner: NativeConnector, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10
    ) -> None:
        from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client  # type: ignore[import-untyped]

        super().__init__(owner, settings, session, patience)
        keys = settings.credentials
        self.base = settings.url
        self._signer = Client(
            keys["consumer_key"],
            keys["consumer_secret"],
            keys["token_id"],
            keys["token_secret"],
            signature_method=SIGNATURE_HMAC_SHA256,
            realm=keys["account_id"],
        )

    async def _renew(self) -> bool:
        return True  # the next attempt is signed anew

    def _dressed(self, call: Call) -> tuple[dict[str, str], bytes | None]:
        headers, body = super()._dressed(call)
        _, signed, _ = self._signer.sign(self.base + call.path, call.method)
        return {**headers, **signed}, body

    def _understood(self, status: int, headers: Mapping[str, str], answer: Any) -> tuple[int, Any]:
        if status >= 400:
            return refusal(status, answer)
        return status, answer or {"id": headers.get("Location", "").rpartition("/")[2]}

    async def write(self, method: str, path: str, body: Any, trail: Trail, look_up: LookUp | None = None) -> str:
        """One write; returns the id of what was written. Raises Refused with our word for the reason, or Unreachable."""
        answer: Record = await self.send(self._write(method, RECORDS + path, body, trail), look_up)
        return str(answer["id"])

    async def read(self, path: str) -> Record:
        """A record or sublist; raises Refused, Unreachable."""
        answer: Record = await self.send(Call("GET", RECORDS + path))
        return answer

    async def query(
        self, text: str, params: Sequence[Any] = (), limit: int = PAGE, offset: int = 0
    ) -> tuple[list[Record], bool]:
        """A page of a query's rows, and whether there are more."""
        path = f"{SUITEQL}?limit={limit}&offset={offset}"
        call = Call("POST", path, {"q": text, "params": list(params)}, None, {"Prefer": "transient"})
        answer = await self.send(call)
        return answer["items"], answer["hasMore"]

    async def rows(self, text: str, params: Sequence[Any] = ()) -> AsyncIterator[Record]:
        """All rows of a query that has an order."""
        offset, more = 0, True
        while more:
            items, more = await self.query(text, params, offset=offset)
            for row in items:
                yield row
            offset += PAGE


def refusal(status: int, said: Any) -> tuple[int, Any]:
    """A refusal with our word for its reason, as far as NetSuite's words tell it."""
    details = said.get("o:errorDetails") if isinstance(said, dict) else None
    if not details:
        return status, said
    detail = str(details[0].get("detail"))
    for pattern, known, code in SAYINGS:
        if pattern.search(detail):
            return known, {"code": code, "detail": detail}
    shown = {"code": details[0].get("o:errorCode"), "detail": detail, "field": details[0].get("o:errorPath")}
    return status, shown


class Unlisted(Exception):
    """No list has this code or id: `subsidiary CF-XX`."""


class Lists:
    """Members of the account's lists, whose ids stand for our codes."""

    QUERIES: Mapping[str, tuple[str, Callable[[Record], str]]] = {
        "currency": ("SELECT id, symbol FROM currency ORDER BY id", lambda row: str(row["symbol"])),
        "term": ("SELECT id, daysuntilnetdue FROM term ORDER BY id", lambda row: f"NET{row['daysuntilnetdue']}"),
        "subsidiary": ("SELECT id, tranprefix FROM subsidiary ORDER BY id", lambda row: str(row["tranprefix"])),
        "salestaxitem": ("SELECT id, itemid FROM salestaxitem ORDER BY id", lambda row: str(row["itemid"])),
        "item": ("SELECT id, itemid FROM item ORDER BY id", lambda row: str(row["itemid"])),
    }
    """What reads a list, and our code of a row."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.forget()

    def forget(self) -> None:
        """Forget what was read."""
        self._ids: dict[str, dict[str, str]] = {name: {} for name in self.QUERIES}
        self._codes: dict[str, dict[str, str]] = {name: {} for name in self.QUERIES}

    def kind(self, name: str) -> Kind:
        """How a reference to a member is said."""
        return Kind(lambda value, ccy: self.code(name, value), lambda value, ccy: {"id": self.id(name, value)})

    def id(self, name: str, code: str) -> str:
        """The id of a code; raises Unlisted."""
        if code not in self._ids[name]:
            raise Unlisted(name, code)
        return self._ids[name][code]

    def code(self, name: str, id: Any) -> str:
        """Our code of an id; raises Unlisted."""
        if str(id) not in self._codes[name]:
            raise Unlisted(name, str(id))
        return self._codes[name][str(id)]

    def first(self, name: str) -> str:
        """The id of the first member; raises Unlisted where none is known."""
        if not self._codes[name]:
            raise Unlisted(name, "")
        return next(iter(self._codes[name]))

    async def known(self, work: Callable[[], Made]) -> Made:
        """What some work comes to that needs members of lists; a list that lacks one is read again. Raises Unlisted."""
        missed: set[tuple[Any, ...]] = set()
        while True:
            try:
                return work()
            except Unlisted as unlisted:
                if unlisted.args in missed:
                    raise
                missed.add(unlisted.args)
                await self._read(unlisted.args[0])

    async def _read(self, name: str) -> None:
        text, code_of = self.QUERIES[name]
        found = {str(row["id"]): code_of(row) async for row in self.wire.rows(text)}
        self._codes[name], self._ids[name] = found, {code: id for id, code in found.items()}
