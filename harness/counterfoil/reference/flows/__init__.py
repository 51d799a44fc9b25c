"""Flows: what each event must bring about in the other systems. They speak canonical names and know no wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from counterfoil.reference.state import State
from counterfoil.reference.work import Work

if TYPE_CHECKING:
    from counterfoil.reference.flows.customers import Customers
    from counterfoil.reference.flows.delivery import Delivery
    from counterfoil.reference.flows.invoicing import Invoicing
    from counterfoil.reference.flows.locks import Locks
    from counterfoil.reference.flows.rebilling import Rebilling
    from counterfoil.reference.flows.taxes import Taxes

Handle = Callable[[Work], Awaitable[None]]


@dataclass(frozen=True)
class Handler:
    """Who deals with an event. mirror: it copies what the record says now, so an event older than the last one applied is superseded.
    severity: how urgent it is when it fails (S1 invoice or ledger, S2 change order or revenue, S3 customer or project, S4 mirror)."""

    run: Handle
    mirror: bool
    severity: str


class Order:
    """How this process does what belongs together. one_by_one: in the order given, so that a seed repeats to the byte."""

    one_by_one = False


async def together(*deeds: Awaitable[Any]) -> list[Any]:
    """Do several things, at once unless one by one is wanted, and all of them also when one fails; then raise the first failure."""
    if len(deeds) < 2:
        return [await deed for deed in deeds]
    results: list[Any] = []
    if Order.one_by_one:
        for deed in deeds:
            results += await asyncio.gather(deed, return_exceptions=True)
    else:
        results = await asyncio.gather(*deeds, return_exceptions=True)
    for each in results:
        if isinstance(each, BaseException):
            raise each
    return results


def on(*types: str, mirror: bool = False, severity: str = "S3") -> Callable[[Any], Any]:
    """Mark a flow's method as the handler of these event types."""

    def mark(method: Any) -> Any:
        method.handles = (types, mirror, severity)
        return method

    return mark


def handled(part: type) -> dict[str, tuple[str, bool, str]]:
    """What a class deals with: name of the method, mirror and severity by type of event."""
    found: dict[str, tuple[str, bool, str]] = {}
    for name in dir(part):
        marked = getattr(getattr(part, name), "handles", None)
        if marked is not None:
            types, mirror, severity = marked
            found |= dict.fromkeys(types, (name, mirror, severity))
    return found


class Desk:
    """What the flows share: the state, each other, and locks by name."""

    customers: Customers
    delivery: Delivery
    invoicing: Invoicing
    locks: Locks
    rebilling: Rebilling
    taxes: Taxes
    reconcile: Callable[[str, str], Awaitable[Any]]

    def __init__(self, state: State) -> None:
        self.state = state
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def alone(self, *names: str) -> AsyncIterator[None]:
        """Nobody else holds one of these names inside the block."""
        wanted = sorted(set(names))
        async with AsyncExitStack() as held:
            for name in wanted:
                lock, users = self._locks.get(name) or (asyncio.Lock(), 0)
                self._locks[name] = (lock, users + 1)
                held.callback(self._leave, name)
                await held.enter_async_context(lock)
            yield

    def _leave(self, name: str) -> None:
        lock, users = self._locks[name]
        if users == 1:
            del self._locks[name]
        else:
            self._locks[name] = (lock, users - 1)


class Flow:
    """A group of handlers that belong together."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def handlers(self) -> dict[str, Handler]:
        """Its handlers by event type."""
        return {
            each: Handler(getattr(self, name), mirror, severity)
            for each, (name, mirror, severity) in handled(type(self)).items()
        }

    def forget(self) -> None:
        """Forget what is kept in memory."""
