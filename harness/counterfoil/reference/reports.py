"""What the integration tells of itself: exceptions raised and resolved, letters parked and replayed, as CloudEvents in order."""

from __future__ import annotations

import asyncio
import contextlib
import uuid

import aiohttp
import orjson

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import Trouble
from counterfoil.reference.event import Event, type_named
from counterfoil.reference.state import State

SOURCE = "//counterfoil-reference"
OWNERS = {
    "S1": "Finance operations",
    "S2": "Contract desk",
    "S3": "Master data desk",
    "S4": "Integration desk",
}
MOST_ATTEMPTS = 8
MOST_ITEMS = 300
TOLD_OF_ITEM = ("kind", "key", "legal_entity", "period", "ccy", "amount")
"""What is told of a difference; a report is no place for more than so many of them."""


class Reporter:
    """Keeps reports in the state and sends them, in order, to the control plane's `POST /integration/events`, if there is one."""

    def __init__(self, state: State, session: aiohttp.ClientSession, url: str | None, token: str | None = None) -> None:
        self.state = state
        self._session = session
        self._url = url and f"{url.rstrip('/')}/integration/events"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether everything has been told."""
        return self._task is None or self._task.done()

    def parked(self, event: Event, trouble: Trouble, letter: str, severity: str, attempts: int) -> None:
        """An event has been put aside."""
        told = {
            "letter": letter,
            "class": trouble.kind,
            "code": trouble.code,
            "reason": trouble.detail,
            "severity": severity,
            "owner": OWNERS[severity],
            "attempts": attempts,
            "message": event.id,
        }
        self._tell("int.dlq.parked", event, told)
        self._tell("int.exception.raised", event, told)

    def recovered(self, event: Event, letter: Record) -> None:
        """A parked event has been dealt with after all."""
        told = {
            "letter": letter["id"],
            "class": letter["kind"],
            "code": letter["code"],
            "severity": letter["severity"],
            "message": event.id,
        }
        self._tell("int.dlq.replayed", event, told)
        self._tell("int.exception.resolved", event, told)

    def reconciled(self, outcome: Record) -> None:
        """A reconciliation has run."""
        items = [{name: each[name] for name in TOLD_OF_ITEM} for each in outcome["items"][:MOST_ITEMS]]
        self._send_on("int.reconciliation.ran", {}, {"scopes": outcome["scopes"], "items": items})

    def _tell(self, type_: str, event: Event, told: Record) -> None:
        about = {
            "subject": event.key,
            "businesskey": event.key,
            "correlationid": event.flow,
            "causationid": event.id,
        }
        self._send_on(type_, about, told)

    def _send_on(self, type_: str, about: Record, told: Record) -> None:
        if self._url is None:
            return
        report = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": SOURCE,
            "type": type_named(type_),
            **about,
            "data": told,
        }
        self.state.queue_report({name: value for name, value in report.items() if value})
        if self.idle:
            self._task = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while waiting := self.state.reports():
            for seq, report in waiting:
                if not await self._post(report):
                    return
                self.state.told(seq)

    async def _post(self, report: Record) -> bool:
        headers = {**self._headers, "Content-Type": "application/cloudevents+json"}
        for attempt in range(MOST_ATTEMPTS):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with self._session.post(self._url or "", data=orjson.dumps(report), headers=headers) as answer:
                    if answer.status < 500:
                        return True
            await asyncio.sleep(0.02 * 2**attempt)
        return False

    async def stop(self) -> None:
        """Stop telling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
