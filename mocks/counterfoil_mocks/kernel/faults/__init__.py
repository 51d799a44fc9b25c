"""Faults: what is broken now. The kinds are one small file each; this module decides which call or delivery they strike.

A fault is addressed by what a call means (system, operation, business key, nth attempt), never by arrival order or wall time,
so that one seed strikes the same call however the integration's threads interleave.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.errors import invalid, not_found
from counterfoil_mocks.kernel.faults.kind import KINDS, Call, DeliveryPlan, Exchange, Kind
from counterfoil_mocks.kernel.system import World

__all__ = ["KINDS", "Call", "DeliveryPlan", "Exchange", "Fault", "Faults", "Kind"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

ADDRESS = ("system", "operation", "key")
SELECTORS = ("nth", "every", "share")
MOST_FAULTS = 1000


@dataclass
class Fault:
    """One planned fault: a kind with its settings, an address, and which of the addressed calls it strikes."""

    id: str
    kind: Kind
    spec: dict[str, Any]
    system: str
    operation: str
    key: str
    since: str = ""
    struck: int = 0

    @property
    def told(self) -> dict[str, Any]:
        """What another process must know of it. since: the business instant at which it began."""
        return {"id": self.id, "since": self.since, "spec": self.spec}

    def strikes(self, call: Call, attempt: int, dice: tuple[object, ...]) -> bool:
        """Whether this call, at its nth attempt, is hit."""
        if not (
            fnmatchcase(call.system, self.system)
            and (matches(call.operation, self.operation) or (call.same and matches(call.same, self.operation)))
            and (self.key == "*" or fnmatchcase(call.key or "", self.key))
        ):
            return False
        nth, every, share = (self.spec.get(name) for name in SELECTORS)
        if nth is not None:
            return attempt in (nth if isinstance(nth, list) else [nth])
        if every is not None:
            return attempt % int(every) == 0
        if share is not None:
            return ids.chance(*dice, self.id, call.system, call.operation, call.key, attempt) < float(share)
        return True


def matches(operation: str, pattern: str) -> bool:
    """Whether a pattern means an operation, or an event by its type with or without prefix and version."""
    short = operation.removeprefix("com.counterfoil.").removesuffix(".v1")
    return fnmatchcase(operation, pattern) or (short is not operation and fnmatchcase(short, pattern))


class Faults:
    """The faults of a landscape."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.systems: tuple[str, ...] = ()
        """Names that a fault may address; any where empty."""
        self.offered: Callable[[str], Iterable[str]] | None = None
        """Tells the operations and events of a system, by its name; None where any may be addressed."""
        self.planned: list[Fault] = []
        self._attempts: Counter[tuple[str, str, str | None, str]] = Counter()
        self._count = 0
        self.changed: Callable[[], None] | None = None
        """Called when what is planned has changed."""

    @property
    def active(self) -> bool:
        """Whether anything is broken at all; callers skip the gates when not."""
        return bool(self.planned)

    def inject(self, specs: Sequence[Mapping[str, Any]]) -> list[Fault]:
        """Add faults, all or none; raises Problem 422 naming the member that cannot be taken."""
        if len(self.planned) + len(specs) > MOST_FAULTS:
            raise invalid("faults", f"more than {MOST_FAULTS} faults at once", "Delete some first.")
        made = [self._make(f"[{index}]", dict(spec)) for index, spec in enumerate(specs)]
        self.planned += made
        self._tell()
        return made

    def remade(self, told: Mapping[str, Any]) -> Fault:
        """A fault as `Fault.told` tells it, made again in another process."""
        made = self._make("", told["spec"], told["since"])
        made.id = told["id"]
        return made

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed()

    def _make(self, where: str, spec: dict[str, Any], since: str | None = None) -> Fault:
        name = spec.get("kind")
        kind = KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise invalid(f"{where}.kind", f"{name!r} is not a kind of fault", f"One of: {', '.join(sorted(KINDS))}.")
        given = [each for each in SELECTORS if spec.get(each) is not None]
        if len(given) > 1:
            raise invalid(f"{where}.{given[1]}", f"given beside {given[0]}", f"Give one of {', '.join(SELECTORS)}.")
        self._check_selectors(where, spec)
        address = {each: "*" if spec.get(each) in (None, "") else spec[each] for each in ADDRESS}
        for each, value in address.items():
            if not isinstance(value, str):
                raise invalid(f"{where}.{each}", f"{value!r} is not a text", "Give a name or a pattern with `*`.")
        if self.systems and not any(fnmatchcase(name, address["system"]) for name in self.systems):
            raise invalid(
                f"{where}.system", f"there is no system {address['system']!r}", f"One of: {', '.join(self.systems)}."
            )
        self._check_operation(f"{where}.operation", address["system"], address["operation"])
        settings = {each: value for each, value in spec.items() if each not in (*ADDRESS, *SELECTORS, "kind", "id")}
        made = kind.made(where, settings, (*ADDRESS, *SELECTORS))
        self._count += 1
        since = since or self.world.clock.now
        made.start(self.world, since)
        place = address["system"], address["operation"], address["key"]
        return Fault(f"flt_{self._count}", made, {**spec, "kind": name}, *place, since)

    def _check_operation(self, where: str, system: str, pattern: str) -> None:
        """Refuse an address that no call and no event can have. A call without a name is addressed by method and path."""
        if self.offered is None or pattern == "*" or " " in pattern:
            return
        known = {each for name in self.systems if fnmatchcase(name, system) for each in self.offered(name)}
        if not any(matches(each, pattern) for each in known):
            near = difflib.get_close_matches(pattern, known, 3, 0.5)
            raise invalid(
                where,
                f"{'no system' if system == '*' else system} has {'an' if system == '*' else 'no'} operation or event {pattern!r}",
                f"Near it: {', '.join(near)}."
                if near
                else "Take one from /native/v1/openapi.json, or an event's type.",
            )

    @staticmethod
    def _check_selectors(where: str, spec: Mapping[str, Any]) -> None:
        def whole(value: object) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and value >= 1

        nth, every, share = (spec.get(name) for name in SELECTORS)
        if nth is not None and not (whole(nth) or (isinstance(nth, list) and nth and all(map(whole, nth)))):
            raise invalid(
                f"{where}.nth", f"{nth!r} is not an attempt", "Give a whole number from 1, or a list of them."
            )
        if every is not None and not whole(every):
            raise invalid(f"{where}.every", f"{every!r} is not a whole number from 1")
        if share is not None and (
            isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1
        ):
            raise invalid(f"{where}.share", f"{share!r} is not a share", "Give a number from 0 to 1.")

    def clear(self, fault_id: str | None = None) -> None:
        """Mend one fault, or all; attempts count anew from nothing."""
        if fault_id is None:
            self.planned.clear()
            self._attempts.clear()
            self._count = 0
            self._tell()
            return
        kept = [fault for fault in self.planned if fault.id != fault_id]
        if len(kept) == len(self.planned):
            raise not_found("fault", fault_id)
        self.planned = kept
        self._tell()

    def recount(self) -> None:
        """Count attempts anew: the world has gone back in time."""
        self._attempts.clear()

    def view(self) -> list[dict[str, Any]]:
        """What is broken now, and how often each fault has struck."""
        return [{"id": fault.id, **fault.spec, "struck": fault.struck} for fault in self.planned]

    def struck(self, call: Call, stage: str) -> list[Fault]:
        """Count an attempt; returns the faults that strike it."""
        place = (call.system, call.same or call.operation, call.key, stage)
        self._attempts[place] += 1
        attempt = self._attempts[place]
        dice = (self.world.seed, self.world.epoch)
        found = [fault for fault in self.planned if stage in fault.kind.stages and fault.strikes(call, attempt, dice)]
        for fault in found:
            fault.struck += 1
        return found

    async def asked(self, call: Call, stage: str) -> list[Fault]:
        """The faults that strike a request."""
        return self.struck(call, stage)

    async def before(self, call: Call, exchange: Exchange) -> None:
        """The gate before the work: may raise Problem, abort the connection, or leave a mark on the exchange."""
        for fault in await self.asked(call, "before"):
            exchange.struck(fault.spec["kind"])
            await fault.kind.before(call, exchange)

    async def after(self, call: Call, exchange: Exchange) -> None:
        """The gate after the commit: the work is done, what the caller learns of it may not be."""
        for fault in await self.asked(call, "after"):
            exchange.struck(fault.spec["kind"])
            await fault.kind.after(call, exchange)

    def on_delivery(self, call: Call, event_id: str) -> DeliveryPlan:
        """What becomes of the first attempt to deliver an event. `call`: the system, the event's type as operation (with or
        without prefix and version), its business key."""
        plan = DeliveryPlan()
        for fault in self.struck(call, "delivery"):
            plan.faults.append(fault.spec["kind"])
            fault.kind.on_delivery(call, plan, ids.chance(self.world.seed, self.world.epoch, fault.id, event_id))
        return plan
