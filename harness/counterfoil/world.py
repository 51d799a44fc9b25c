"""What a scenario holds in its hands: the systems of a landscape, its clock, its faults, and a place to say what must be so.

Everything goes over the control plane, as a person at each system's screen would do it; nothing here knows the fakes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from counterfoil.client import Control, Record, Records, Refused, plural, segment
from counterfoil.expect import Expectation, Expectations
from counterfoil.money import in_currency

if TYPE_CHECKING:
    from counterfoil.integration import Integration

SETTLE_LIMIT = 60.0
"""Seconds that `settle` waits on the wall clock before it gives up and says what still moves."""


PAGE = 1000
"""Journal entries that one answer holds."""


class NotSettled(AssertionError):
    """Things were still moving at the limit. moving: what, as the control plane lists it."""

    def __init__(self, moving: Sequence[Any]) -> None:
        self.moving = list(moving)
        super().__init__(f"the landscape did not come to rest; still moving: {self.moving or 'unknown'}")


class SystemHandle:
    """One system of the landscape, used as its people use it. done: called after each deed."""

    def __init__(self, control: Control, name: str, role: str, url: str, done: Callable[[], None]) -> None:
        self._control = control
        self._done = done
        self.name = name
        self.role = role
        self.url = url

    def __repr__(self) -> str:
        return f"<{self.name} at {self.url}>"

    def _path(self, entity: str, key: str | None = None) -> str:
        return f"/systems/{segment(self.name)}/{plural(entity)}" + ("" if key is None else f"/{segment(key)}")

    def act(self, action: str, *, key: str | None = None, id: str | None = None, **fields: Any) -> Record:
        """Do a deed and return the record it was done to (or made). Raises Refused."""
        return self.do(action, key=key, id=id, **fields)["record"]  # type: ignore[no-any-return]

    def do(self, action: str, *, key: str | None = None, id: str | None = None, **fields: Any) -> Record:
        """Do a deed and return `{"record", "events"}`."""
        subject = ({} if key is None else {"key": key}) | ({} if id is None else {"id": id})
        return self._write("POST", f"/systems/{segment(self.name)}/actions/{segment(action)}", subject | fields)

    def get(self, entity: str, key: str) -> Record:
        """The live record with this business key or id; raises Refused (404)."""
        record: Record = self._control.get(self._path(entity, key))
        return record

    def find(self, entity: str, key: str) -> Record | None:
        """The live record with this business key or id, or None."""
        try:
            return self.get(entity, key)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def list(self, entity: str, **filters: Any) -> Records:
        """All records whose fields equal the filters, oldest change first (`include_deleted=True` for the deleted too)."""
        return list(self._control.items(self._path(entity), **filters))

    def count(self, entity: str, **filters: Any) -> int:
        """How many there are."""
        return len(self.list(entity, **filters))

    def one(self, entity: str, **filters: Any) -> Record:
        """The only record whose fields equal the filters; raises LookupError when there is none or more than one."""
        found = self.list(entity, **filters)
        if len(found) != 1:
            wanted = ", ".join(f"{name}={value!r}" for name, value in filters.items())
            raise LookupError(
                f"{self.name} holds {len(found)} {plural(entity)} with {wanted or 'no condition'}, not one"
            )
        return found[0]

    def create(self, entity: str, **fields: Any) -> Record:
        """Make a record and return it. Raises Refused."""
        return record_of(self._write("POST", self._path(entity), fields))

    def change(self, entity: str, key: str, **fields: Any) -> Record:
        """Change fields of a record and return it. Raises Refused."""
        return record_of(self._write("PATCH", self._path(entity, key), fields))

    def delete(self, entity: str, key: str) -> Record:
        """Delete a record softly and return it. Raises Refused."""
        return record_of(self._write("DELETE", self._path(entity, key)))

    def _write(self, method: str, path: str, body: Record | None = None) -> Record:
        answer: Record = self._control.send(method, path, body)
        self._done()
        return answer


class Faults:
    """What is broken now: plans are lists of `{kind, system, operation, key, nth | every | share, …}`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def inject(self, plan: Sequence[Mapping[str, Any]]) -> Records:
        """Break these things from now on; returns the faults with their ids."""
        answer = self._control.post("/faults", list(plan))
        return list(answer["items"] if isinstance(answer, dict) else answer)

    def list(self) -> Records:
        """All faults in force, with how often each has struck."""
        return list(self._control.items("/faults"))

    def lift(self, fault_id: str) -> None:
        """End one fault."""
        self._control.delete(f"/faults/{segment(fault_id)}")

    def clear(self) -> None:
        """End all faults."""
        self._control.delete("/faults")


class Deliveries:
    """Events on their way to subscribers, delivered ones and dead ones."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def list(self, **filters: Any) -> Records:
        """All deliveries that match (`system`, `state`, `type`)."""
        return list(self._control.items("/deliveries", **filters))

    def redeliver(self, delivery_id: str) -> Record:
        """Send one again, as it was."""
        answer: Record = self._control.post(f"/deliveries/{segment(delivery_id)}/redeliver")
        return answer

    def redeliver_all(self, **filters: Any) -> int:
        """Send all that match again, oldest first; returns how many."""
        found = self.list(**filters)
        for each in found:
            self.redeliver(each["id"])
        return len(found)


class World:
    """The landscape and the integration under test, as one scenario sees them.

    crm, psa, billing, erp: the first system of each role. integration: what is under test (None while a test drives the
    landscape alone). seed: of the landscape. started_at: business instant at the start; journal_start: number of the last journal
    entry before it. slow: the full size of the story was asked for, however long it takes.
    """

    def __init__(self, control: Control, integration: Integration | None = None, *, slow: bool = False) -> None:
        self.control = control
        self.slow = slow
        self.integration = integration
        self.landscape: Record = control.get("/landscape")
        self.seed = int(self.landscape.get("seed", 0))
        self.systems = {
            each["name"]: SystemHandle(control, each["name"], each["role"], each["url"], self._after_deed)
            for each in self.landscape["systems"]
        }
        self.faults = Faults(control)
        self.deliveries = Deliveries(control)
        self.planned: list[str] = []
        """Ids of the faults that were in force from the story's start, by the run's plan and the story's own."""
        self.expectations = Expectations()
        self.started_at = self.now
        self.journal_start = self.journal_end

    def _after_deed(self) -> None:
        """In a serial run each deed has its effects before the next one; the clock stands still meanwhile."""
        if self.integration is not None and self.integration.serial:
            self.control.post("/clock/advance", {"days": 0})

    def _of_role(self, role: str) -> SystemHandle:
        for system in self.systems.values():
            if system.role == role:
                return system
        raise LookupError(f"the landscape has no system of role {role!r}")

    @property
    def crm(self) -> SystemHandle:
        """Where deals are made."""
        return self._of_role("crm")

    @property
    def psa(self) -> SystemHandle:
        """Where projects are delivered."""
        return self._of_role("psa")

    @property
    def billing(self) -> SystemHandle:
        """Where invoices are made."""
        return self._of_role("billing")

    @property
    def erp(self) -> SystemHandle:
        """Where the books are kept."""
        return self._of_role("erp")

    def create(self, system: str, entity: str, **fields: Any) -> Record:
        """Make a record in a system named."""
        return self.systems[system].create(entity, **fields)

    def limit(self, system: str, **rules: float) -> None:
        """Let a system take only so many calls until the story ends: `rate` a second, `burst` at once, `concurrent`, `daily`."""
        self.control.put("/limits", {**self.control.get("/limits"), self.systems[system].name: rules})

    # time

    @property
    def now(self) -> str:
        """The business instant, RFC 3339 UTC with milliseconds."""
        return str(self.control.get("/clock")["now"])

    def today(self, tz: str = "America/Chicago") -> str:
        """The business date of now in a legal entity's zone."""
        return moment(self.now).astimezone(ZoneInfo(tz)).date().isoformat()

    def advance(self, *, to: str | None = None, days: int | None = None, hours: float | None = None) -> str:
        """Let time pass, from timer to timer, settling between; returns the new now.

        to: a date (`2026-03-31`, midnight UTC) or an instant. days, hours: from now.
        """
        if hours is not None:
            to = instant(moment(self.now) + timedelta(hours=hours))
        answer = self.control.post("/clock/advance", {"to": to} if to is not None else {"days": days})
        return str(answer["now"])

    def at(self, local: str, tz: str = "America/Chicago") -> str:
        """Let time pass until a local wall time, `2026-02-27T10:00` in an IANA zone; returns the new now."""
        return self.advance(to=instant(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(tz))))

    def not_before(self, local: str, tz: str = "America/Chicago") -> str:
        """The same, unless that time is past already: deliveries that are tried again take business time."""
        wanted = instant(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(tz)))
        return self.advance(to=wanted) if wanted > self.now else self.now

    def settle(self, *, quiet: float | None = None, timeout: float = SETTLE_LIMIT) -> None:
        """Wait until nothing moves any more; raises NotSettled at the limit.

        quiet: seconds without traffic that count as rest (the integration's own by default); timeout: seconds.
        """
        quiet_ms = None if quiet is None else int(quiet * 1000)
        answer = self.control.get("/settled", quiet_ms=quiet_ms, timeout_ms=int(timeout * 1000))
        if not answer["settled"]:
            raise NotSettled(answer.get("moving", ()))

    # what happened

    def journal(self, **filters: Any) -> Records:
        """Journal entries that match (`system`, `kind`, `operation`, `key`, `trace`, `since`), in order."""
        return list(self.control.items("/journal", **{"limit": PAGE} | filters))

    @property
    def journal_end(self) -> int:
        """The number of the newest journal entry, from which on `journal(since=…)` tells what came later; 0 where there is none."""
        return max(
            (int(each["seq"]) for each in self.control.get("/journal", newest=True, limit=1)["items"]), default=0
        )

    def calls(self, system: str, operation: str, **filters: Any) -> Records:
        """Requests that a system received for one operation."""
        return self.journal(system=system, operation=operation, kind="request", **filters)

    def invariants(
        self, only: Sequence[str] = (), *, at_rest: bool = False, throughout: bool = False, first_cause: bool = False
    ) -> Record:
        """What the invariants say now: `{"verdict", "items": [{"id", "rule", "status", "rows", …}]}`. only: ids; all by default.

        at_rest: the landscape has settled, so that deadlines of a few hours count as passed. throughout: what must always hold is
        judged at every moment of the story, not only now.
        """
        declared = None if self.integration is None else ",".join(self.integration.descriptor.declares)
        answer: Record = self.control.get(
            "/invariants",
            only=",".join(only) or None,
            applicable=declared,
            at_rest=at_rest or None,
            since=self.started_at if throughout else None,
            first_cause=first_cause or None,
        )
        return answer

    def kpis(self) -> Records:
        """The figures now."""
        return list(self.control.get("/kpis")["items"])

    # state

    def snapshot(self, label: str = "scenario") -> str:
        """Keep the whole state; returns its id."""
        return str(self.control.post("/snapshots", {"label": label})["id"])

    def restore(self, snapshot_id: str, *, nth: int | None = None) -> None:
        """Go back to a state, clock included. nth: as the how many-th time, so that ids and chance are the same whenever it is told."""
        self.control.post(f"/snapshots/{segment(snapshot_id)}/restore", None if nth is None else {"nth": nth})

    def export(self) -> str:
        """The whole canonical state as NDJSON in a stable order."""
        return self.control.text("/export").decode()

    # what must be so

    def expect(self, sentence: str, actual: Any, expected: Any, **evidence: Any) -> bool:
        """Say what must be so. The story goes on when it is not, and the scenario fails at its end."""
        held = actual == expected
        return self.expectations.add(Expectation(sentence, held, actual, expected, self.now, evidence))

    def expect_money(
        self, sentence: str, actual: Any, expected: Any, ccy: str = "USD", *, required: bool = False, **evidence: Any
    ) -> bool:
        """Like `expect`, of values whose whole numbers, at any depth, are minor units of a currency: they are told as money. required: the
        story ends here when it does not hold."""
        found, wanted = (in_currency(value, ccy) for value in (actual, expected))
        expectation = Expectation(sentence, actual == expected, found, wanted, self.now, evidence)
        return self.expectations.add(expectation, required=required)

    def expect_that(self, sentence: str, holds: object, **evidence: Any) -> bool:
        """Say that a condition must hold; evidence: the values that it was judged on."""
        return self.expectations.add(Expectation(sentence, bool(holds), bool(holds), True, self.now, evidence))

    def require(self, sentence: str, actual: Any, expected: Any, **evidence: Any) -> None:
        """Like `expect`, but the story ends here when it does not hold."""
        self.expectations.add(
            Expectation(sentence, actual == expected, actual, expected, self.now, evidence), required=True
        )

    def refused(self, code: str) -> AbstractContextManager[None]:
        """Expect the block's deed to be refused: `with world.refused("QUOTE_NOT_ACCEPTED"): …`."""
        return self.expectations.refusal(code, self.now)


def record_of(answer: Record) -> Record:
    """The record of an answer that may wrap it as `{"record", "events"}`."""
    inner = answer.get("record")
    return inner if isinstance(inner, dict) else answer


def moment(text: str) -> datetime:
    """Instant text as an aware datetime."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def instant(value: datetime) -> str:
    """An aware datetime as instant text, UTC with milliseconds."""
    return value.astimezone(ZoneInfo("UTC")).isoformat(timespec="milliseconds").replace("+00:00", "Z")
