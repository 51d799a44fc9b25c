"""The connector of the native faces: plain JSON over HTTP, retried with growing gaps, one chain of tokens, limits honoured."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Records, Trail
from counterfoil.reference.errors import Refused, Unreachable
from counterfoil.reference.event import Event, parse, verify
from counterfoil.reference.routes import role_of

MOST_ATTEMPTS = 8
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 5.0
MOST_PATIENCE = 60.0
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
IDEMPOTENT_SYSTEMS = ("billing", "erp")
UNIQUE = {"crm": ("invoice",)}
"""What has a business key that a system gives once, by role; only what is made without a look before."""
BATCH = 100
LONGEST_RESTART = 60.0
RESTART_PAUSE = 0.25
LOST = (aiohttp.ClientError, TimeoutError, OSError)
Found = TypeVar("Found")


def plural(entity: str) -> str:
    """`opportunity` as `opportunities`."""
    return f"{entity[:-1]}ies" if entity.endswith("y") else f"{entity}s"


async def or_none(answer: Awaitable[Found]) -> Found | None:
    """What a call says of a record, None where there is none."""
    try:
        return await answer
    except Refused as refused:
        if refused.status == 404:
            return None
        raise


def batches(
    many: Sequence[Record], most: int, look_up: LookUp | None
) -> Iterator[tuple[int, Sequence[Record], LookUp | None]]:
    """Parts of many records: where each begins, its records, and what finds whether it has been made.

    look_up tells of the first record, so of the first part only; a later one that is sent again is refused as a duplicate.
    """
    for at in range(0, len(many), most):
        yield at, many[at : at + most], None if at else look_up


@dataclass(frozen=True)
class Call:
    """One call, as often as it takes. path: below the face's root."""

    method: str
    path: str
    body: Any = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        """What was asked, for people."""
        return f"{self.method} {self.path.partition('?')[0]}"


class NativeConnector:
    """One system by its native face.

    grant_as: how a request for a token is spelled, `json` or `data` (a form). untold: seconds to wait after a 429 that names none.
    """

    grant_as: ClassVar[str] = "json"
    untold: ClassVar[float] = 0.0

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        self.name = settings.name
        self.settings = settings
        self.base = f"{settings.url}/native/v1"
        self.keyed = role_of(settings.name) in IDEMPOTENT_SYSTEMS
        self._session = session
        self._patience = aiohttp.ClientTimeout(total=patience)
        self._token = settings.token
        self._refresh: str | None = None
        self._expires = float("inf")
        self._turn = asyncio.Lock()
        self._open_at = 0.0

    def forget(self) -> None:
        """Forget what has been read: nothing is kept."""

    # events

    async def subscribe(self, address: str, types: Sequence[str]) -> None:
        """See to it that events come to an address: whoever runs the integration has subscribed it to the native ones."""

    def event(self, body: bytes, headers: Mapping[str, str], tolerance: int) -> Event:
        """The event in a delivery; raises BadSignature, BadEvent."""
        if self.settings.webhook_secret:
            verify(body, headers, self.settings.webhook_secret, tolerance)
        return parse(self.name, body)

    # reading

    def refuses_second(self, entity: str) -> bool:
        """Whether the system refuses a second record with the same business key, so that nobody needs to look before making one."""
        return entity in UNIQUE.get(role_of(self.name), ())

    async def get(self, entity: str, key: str) -> Record | None:
        """A record by native id or business key, None where there is none."""
        found: Record | None = await or_none(self.send(Call("GET", f"/{plural(entity)}/{quote(key, safe='')}")))
        return found

    async def list(self, entity: str, where: Mapping[str, Any]) -> Records:
        """All records that equal every named field."""
        return [record async for page in self.pages(entity, where) for record in page]

    async def list_fields(self, entity: str, where: Mapping[str, Any], fields: Sequence[str]) -> Records:
        """The same records, of which only these fields are looked at: others may be missing."""
        return await self.list(entity, where)

    async def pages(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        """The same, page by page, oldest change first.

        Where pages are counted by offset, the next page begins at the instant of the last record instead: rows that move while one
        reads would shift others past an offset.
        """
        style = "offset" if self.name == "psa" else "cursor"
        query = {name: str(value) for name, value in where.items()}
        following: str | None = ""
        seen: set[str] = set()
        while following is not None:
            asked = query if not following else {**query, style: following}
            answer = await self.send(Call("GET", f"/{plural(entity)}" + (f"?{urlencode(asked)}" if asked else "")))
            items, following = answer["items"], answer["next"]
            if style == "offset" and following is not None and items:
                first, last = items[0]["updated_at"], items[-1]["updated_at"]
                if first != last:
                    query, following = {**query, "updated_since": last}, ""
            fresh = [each for each in items if each["id"] not in seen]
            seen.update(each["id"] for each in items)
            yield fresh

    # writing

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        """Make a record. look_up finds it where an attempt without an answer may have made it."""
        made: Record = await self.send(self._write("POST", f"/{plural(entity)}", values, trail), look_up)
        return made

    async def create_all(self, entity: str, many: Sequence[Record], trail: Trail, look_up: LookUp | None) -> None:
        """Make several records, all or none."""
        for at, part, made in batches(many, BATCH, look_up):
            body = {"all_or_none": True, "items": [{"op": "create", **each} for each in part]}
            key = trail.key and f"{trail.key}-{at}"
            answer = await self.send(
                self._write("POST", f"/{plural(entity)}/bulk", body, replace(trail, key=key)), made
            )
            failed = [each["error"] for each in answer.get("results", ()) if not each["success"]]
            if failed:
                raise Refused(int(failed[0].get("status") or 422), failed[0], f"POST /{plural(entity)}/bulk")

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        """Change a record that has been read; when it has changed meanwhile, on what it says now."""
        for _ in range(MOST_ATTEMPTS):
            path = f"/{plural(entity)}/{quote(record['id'], safe='')}"
            call = self._write("PATCH", path, changes, replace(trail, key=None))
            call = replace(
                call, headers={**call.headers, "If-Match": f'"{record["version"]}"'} if self.keyed else call.headers
            )
            try:
                changed: Record = await self.send(call)
            except Refused as error:
                if error.status != 412:
                    raise
                record = await self.get(entity, record["id"]) or record
                if all(record.get(name) == value for name, value in changes.items()):
                    return record
                continue
            return changed
        raise Unreachable(f"PATCH {entity}", "changed by others at every attempt", MOST_ATTEMPTS)

    async def remove(self, entity: str, record: Record, trail: Trail) -> None:
        """Delete a record that has been read; one that is gone is gone."""
        path = f"/{plural(entity)}/{quote(record['id'], safe='')}"
        call = self._write("DELETE", path, None, replace(trail, key=None))
        await or_none(self.send(replace(call, headers={**call.headers, "If-Match": f'"{record["version"]}"'})))

    async def act(self, action: str, subject: Mapping[str, str], fields: Record, trail: Trail) -> Record:
        """Have a deed done to the subject (`key` or `id`)."""
        answer = await self.send(self._write("POST", f"/actions/{action}", {**subject, **fields}, trail))
        record: Record = answer["record"]
        return record

    def _write(self, method: str, path: str, body: Any, trail: Trail) -> Call:
        headers = {
            "X-Correlation-Id": trail.flow,
            "X-Causation-Id": trail.cause,
            "traceparent": trail.traceparent and span_of(trail.traceparent),
        }
        given = {name: value for name, value in headers.items() if value}
        return Call(method, path, body, trail.key if self.keyed else None, given)

    # sending

    async def send(self, call: Call, look_up: LookUp | None = None) -> Any:
        """Call until there is an answer that says something: at most 8 times, with growing gaps.

        Returns decoded JSON; raises Refused for a final 4xx, Unreachable when no attempt was answered.
        """
        last, refreshed, patient_until = "", False, time.monotonic() + LONGEST_RESTART
        for attempt in range(1, MOST_ATTEMPTS + 1):
            status, answer, wait = await self._heard(call, patient_until)
            if status and status < 400:
                return answer
            if status == 401 and not refreshed:
                refreshed = await self._renew()
                if refreshed:
                    continue
            if status and status not in TRANSIENT:
                raise Refused(status, answer if isinstance(answer, dict) else {"detail": str(answer)}, call.asked)
            last = f"status {status}" if status else f"{type(answer).__name__}: {answer}"
            if attempt == MOST_ATTEMPTS:
                break
            await asyncio.sleep(max(wait, min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)))
            call, found = await self.before_repeat(call, look_up)
            if found is not None:
                return found
        raise Unreachable(f"{self.name}: {call.asked}", last, MOST_ATTEMPTS)

    async def before_repeat(self, call: Call, look_up: LookUp | None) -> tuple[Call, Record | None]:
        """Prepare to call again after an attempt whose outcome nobody knows: the same key where the system honours keys, else look
        for what the attempt may have made. Returns the call to make and what was found."""
        if look_up is None or call.key is not None:
            return call, None
        return call, await look_up()

    async def _heard(self, call: Call, limit: float) -> tuple[int, Any, float]:
        """An attempt; where nobody listens, as while a system starts again, it waits for somebody until then: nothing has been sent."""
        while True:
            status, answer, wait = await self._attempt(call)
            if type(answer) is not aiohttp.ClientConnectorError or time.monotonic() > limit:
                return status, answer, wait
            await asyncio.sleep(RESTART_PAUSE)

    async def _attempt(self, call: Call) -> tuple[int, Any, float]:
        """(status, decoded body, seconds to wait before the next attempt); (0, what went wrong, 0) where there was no answer."""
        await self._opened()
        if self._token is None or self._expires < time.monotonic():
            await self._renew()
        headers, body = self._dressed(call)
        url = URL(self.base + call.path, encoded=True)
        try:
            async with self._session.request(
                call.method, url, data=body, headers=headers, timeout=self._patience
            ) as answer:
                raw = await answer.read()
                wait = self._wait_told(answer.status, answer.headers)
                decoded = orjson.loads(raw) if raw else {}
                return *self._understood(answer.status, answer.headers, decoded), wait
        except (*LOST, orjson.JSONDecodeError) as error:
            return 0, error, 0.0

    def _dressed(self, call: Call) -> tuple[dict[str, str], bytes | None]:
        """The headers and the body that a call goes out with."""
        headers = {"Authorization": f"Bearer {self._token}", **call.headers}
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        if call.body is None:
            return headers, None
        return {**headers, "Content-Type": "application/json"}, orjson.dumps(call.body)

    def _understood(self, status: int, headers: Mapping[str, str], answer: Any) -> tuple[int, Any]:
        """An answer, a refusal in our words."""
        return status, answer

    async def _opened(self) -> None:
        """Wait as long as the system wants nobody to call; somebody may be told to wait longer meanwhile."""
        pause = self._open_at - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
            await self._opened()

    def _wait_told(self, status: int, headers: Mapping[str, str]) -> float:
        """Seconds that `Retry-After` asks for, `untold` where nothing is said; nobody calls this system before they are over."""
        told = headers.get("Retry-After", str(self.untold) if status == 429 else "") if status in (429, 503) else ""
        if not told.replace(".", "", 1).isdecimal():
            return 0.0
        wait = min(float(told), MOST_PATIENCE)
        self._open_at = max(self._open_at, time.monotonic() + wait)
        return wait

    # tokens

    async def _renew(self) -> bool:
        """Get a new access token, once for all who need one; False where the settings do not allow it."""
        if self.settings.token_url is None:
            return False
        stale = self._token
        async with self._turn:
            if self._token is not stale:
                return True
            granted = await self._grant()
            self._token = granted["access_token"]
            self._refresh = granted.get("refresh_token")
            self._expires = time.monotonic() + float(granted.get("expires_in", 1800)) - 60
        return True

    async def _grant(self) -> Record:
        """Tokens by refresh token where there is one, else by the client's credentials."""
        client = {"client_id": self.settings.client_id, "client_secret": self.settings.client_secret}
        wanted: list[Record] = [{"grant_type": "client_credentials", **client}]
        if self._refresh is not None:
            wanted.insert(0, {"grant_type": "refresh_token", "refresh_token": self._refresh, **client})
            self._refresh = None
        last = ""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                asked: Any = {self.grant_as: wanted[0]}
                async with self._session.post(self.settings.token_url or "", timeout=self._patience, **asked) as answer:
                    if answer.status == 200:
                        granted: Record = orjson.loads(await answer.read())
                        return granted
                    last = f"status {answer.status}"
                    if answer.status not in TRANSIENT and len(wanted) == 1:
                        raise Refused(answer.status, {"code": "NO_TOKEN", "detail": await answer.text()}, "POST token")
            except (*LOST, orjson.JSONDecodeError) as error:
                last = f"{type(error).__name__}: {error}"
            wanted = wanted[-1:]
            await asyncio.sleep(min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE))
        raise Unreachable(f"{self.name}: POST token", last, MOST_ATTEMPTS)


def span_of(traceparent: str) -> str:
    """A span of our own in the trace of the event. source: W3C Trace Context."""
    version, trace, _, flags = [*traceparent.split("-"), "", "", ""][:4]
    return f"{version}-{trace}-{os.urandom(8).hex()}-{flags}"
