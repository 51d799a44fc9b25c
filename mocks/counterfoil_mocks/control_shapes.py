"""What the control plane reads and answers: bodies, parameters and pages, each refusing what it does not know."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from counterfoil_mocks.config import WHOLE, Limits
from counterfoil_mocks.kernel.delivery import STATES
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.settle import DEFAULT_TIMEOUT_MS

MOST_LISTED = 1000
INTEGRATION_EVENT = r"^(com\.counterfoil\.)?int\.[a-z_.]+(\.v[0-9]+)?$"


def kept(value: Any) -> Any:
    """Free JSON that can be written down: whole numbers of 64 bits, text without lone surrogates."""
    try:
        orjson.dumps(value)
    except TypeError as error:
        raise ValueError(str(error)) from None
    return value


FreeJson = Annotated[dict[str, Any], AfterValidator(kept)]
Text = Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[A-Za-z0-9.\[\]:_-]+(/[!-~]*)?$")]


class Strict(BaseModel):
    """A body: no member that is not known, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Advance(Strict):
    """Where to move the business clock: to an instant or date (midnight UTC), or so many days ahead."""

    to: Annotated[str, Field(max_length=40, examples=["2026-03-31"])] | None = None
    days: Annotated[int, Field(ge=0, le=400), WHOLE] | None = None


class Flow(Strict):
    """How fast business time flows. rate: business seconds a wall second; 0 for a clock that stands still."""

    rate: Annotated[float, Field(ge=0, le=10**6)]


class SnapshotIn(Strict):
    """A label for a snapshot."""

    label: Text = "snapshot"


class RestoreIn(Strict):
    """What the restored state is for: the label is mixed into all ids from then on. The snapshot's own by default. nth: as the how many-th
    restore under that label this counts; a label and a number give the same ids again. By default one more than before."""

    label: Text | None = None
    nth: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None


class IntegrationIn(Strict):
    """What is under test. webhooks: the addresses, by system, that it subscribes at the systems by itself; deleting it here
    ends those subscriptions. declares, links, deadlines: what it claims of itself."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    idle_url: Url | None = None
    quiet_ms: Annotated[int, Field(ge=0, le=3_600_000), WHOLE] = 500
    poll_ms: Annotated[int, Field(ge=0, le=3_600_000), WHOLE] = 0
    serial: bool = False
    webhooks: dict[str, Url] = {}
    declares: list[Text] | None = None
    links: dict[str, Text] | None = None
    deadlines: FreeJson | None = None


class IntegrationEvent(BaseModel):
    """An event that the integration announces about itself (`int.exception.raised`, `int.dlq.parked`…), best as a CloudEvent."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: Annotated[str, Field(max_length=120, pattern=INTEGRATION_EVENT)]
    id: Text | None = None
    businesskey: Text | None = None
    correlationid: Text | None = None
    causationid: Text | None = None
    traceparent: Text | None = None
    data: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _kept(cls, value: Any) -> Any:
        return kept(value)


class LimitIn(Limits, Strict):
    """Rate limits of one system on the wall clock. rate: calls a second; burst: most at once (as many as `rate` by default);
    concurrent: calls at a time; daily: calls a day."""


class ClockOut(BaseModel):
    """now: business instant."""

    now: str


class FlowOut(ClockOut):
    """rate: business seconds that pass in a wall second."""

    rate: float


class Queues(BaseModel):
    """in_flight: requests being answered. deliveries: `flying` on their way, `ready` and without room, `behind` another of their
    partition, `later` waiting for their time. next_due: the business instant for which the first of these waits."""

    now: str
    in_flight: int
    deliveries: dict[str, int]
    next_due: str | None


class Settled(BaseModel):
    """Whether all is at rest, else what still moves."""

    settled: bool
    moving: list[dict[str, Any]]


class SnapshotOut(BaseModel):
    """A snapshot."""

    id: str
    label: str
    clock: str


class Page(BaseModel):
    """A page of a list; `next` is the cursor of the following page."""

    items: list[dict[str, Any]]
    next: str | None


class JournalPage(Page):
    """A page of the journal; `last` is the highest number taken so far."""

    last: int


Filter = Annotated[str, Field(max_length=255)] | None


class Listed(BaseModel):
    """What every list can be asked for. cursor: `next` of the page before."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 100
    cursor: Annotated[str, Field(max_length=18, pattern=r"^[0-9]+$")] | None = None

    def cut(self, found: list[Record], following: str) -> dict[str, Any]:
        """One page out of at most one more record than it holds."""
        return {"items": found[: self.limit], "next": following if len(found) > self.limit else None}


class JournalQuery(Listed):
    """Which entries. since: only those with a higher number; trace: a trace id or traceparent; newest: the last ones."""

    trace: Filter = None
    system: Filter = None
    kind: Filter = None
    operation: Filter = None
    key: Filter = None
    correlation: Filter = None
    event_id: Filter = None
    since: Annotated[int, Field(ge=0, le=2**53)] = 0
    newest: bool = False

    def filters(self) -> Record:
        """The filters by column."""
        named = ("system", "kind", "operation", "key", "event_id")
        return {name: getattr(self, name) for name in named} | {"correlation_id": self.correlation}


class DeliveryQuery(Listed):
    """Which deliveries."""

    system: Filter = None
    state: Literal[STATES] | None = None  # type: ignore[valid-type]
    type: Filter = None
    key: Filter = None
    event_id: Filter = None

    def filters(self) -> Record:
        """The filters by column."""
        return {
            "d.system": self.system,
            "d.state": self.state,
            "o.type": self.type,
            "o.key": self.key,
            "o.id": self.event_id,
        }


class OwnEventQuery(Listed):
    """Which of the integration's events. since: entries with a higher number; by default all since the last restore."""

    type: Filter = None
    since: Annotated[int, Field(ge=0, le=2**53)] | None = None


class SettledQuery(BaseModel):
    """How long silence must last (milliseconds; the integration's own quiet time by default), and how long to wait at most."""

    model_config = ConfigDict(extra="forbid")

    quiet_ms: Annotated[int, Field(ge=0, le=3_600_000)] | None = None
    timeout_ms: Annotated[int, Field(ge=0, le=3_600_000)] = DEFAULT_TIMEOUT_MS
