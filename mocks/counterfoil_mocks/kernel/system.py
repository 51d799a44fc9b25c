"""A running system: a role with a name, its part of the store, the landscape's clock, and its ids."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.clock import Clock, monotonic
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.table import Table

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.face import Face
    from counterfoil_mocks.kernel.shared import Shared


class Origin(NamedTuple):
    """Where a write comes from. kind: `integration` (an API client), `user` (a person, through the control plane) or `schedule`."""

    kind: str = "user"
    actor: str = "user"
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    journal_seq: int | None = None
    deed: str = ""


@dataclass
class Traffic:
    """Requests under way and when something last moved, so that `settle` knows when all is quiet.

    in_flight: requests received and not yet answered. last_activity: seconds on the monotonic clock. moves: counts every touch.
    """

    in_flight: int = 0
    last_activity: float = 0.0
    moves: int = 0
    on_move: list[Callable[[], None]] = field(default_factory=list)

    def begin(self) -> None:
        """A request has come in."""
        self.in_flight += 1
        self.touch()

    def end(self) -> None:
        """A request has been answered."""
        self.in_flight -= 1
        self.touch()

    def watched(self) -> AbstractContextManager[None]:
        """Somebody waits for rest, as long as the context lasts."""
        return nullcontext()

    def touch(self) -> None:
        """Something moved: a request, an answer, a delivery."""
        self.moves += 1
        self.last_activity = monotonic()
        for notify in self.on_move:
            notify()


@dataclass
class World:
    """What the systems of a landscape share: clock, seed, epoch (changes at each restore) and who wants to hear of commits.

    restores: of this process; unlike epochs, of which two may be the same, it only grows.
    """

    clock: Clock
    seed: int = 1
    epoch: int = 0
    on_commit: list[Callable[[System], None]] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)
    shared: Shared | None = None
    restores: int = 0
    on_news: list[Callable[[System], None]] = field(default_factory=list)
    """Called when another process has committed to a system that somebody waits at, or has told of something there."""
    tell: Callable[[System], None] = lambda system: None
    """Tells the other processes that something has happened at a system of which they may wait for news."""

    @property
    def generation(self) -> int:
        """Grows whenever what is kept in memory must be read again because another process has changed it."""
        return 0 if self.shared is None else self.shared.generation

    def renew(self) -> None:
        """Have every process read again what it keeps in memory."""
        if self.shared is not None:
            self.shared.renew()

    def new_epoch(self, label: str, count: int) -> None:
        """Mix a scenario's name and the number of restores into all further ids."""
        self.epoch = ids.digest(self.seed, label, count) % 2**63
        self.restores += 1


@lru_cache(maxsize=64)
def _next_of(schema: str) -> str:
    return f"UPDATE {schema}.sequence SET value = value + 1 WHERE system = ? AND name = ? RETURNING value"


@dataclass
class System:
    """One fake. `name` is what the landscape calls it, `number` its place there; `role.name` is its schema. face: the vendor's, where it
    wears one. deeds: how many this process has committed to it. url: where others reach it, once it is served."""

    name: str
    role: Role
    store: Store
    world: World
    settings: dict[str, Any] = field(default_factory=dict)
    face: Face | None = None
    number: int = 0
    url: str = ""
    deeds: int = 0
    _subscriptions: list[Record] | None = None
    _generation: int = 0
    _stamp: str = ""
    _made: int = 0
    _calls: int = 0

    @property
    def calls(self) -> int:
        """How many calls the vendor's face has counted, in all processes."""
        shared = self.world.shared
        return self._calls if shared is None else shared.cells[shared.calls_of(self.number)]

    def count_call(self) -> None:
        """Count a call on."""
        shared = self.world.shared
        if shared is None:
            self._calls += 1
        else:
            shared.counted(shared.calls_of(self.number))

    @property
    def clock(self) -> Clock:
        """The landscape's business clock."""
        return self.world.clock

    @property
    def id_style(self) -> ids.IdStyle:
        """How its native ids look: as the vendor's do, else as the role's."""
        style = None if self.face is None else self.face.id_style
        return style or self.role.id_style

    @property
    def schema(self) -> str:
        """The schema its rows live in."""
        return self.role.name

    @property
    def state(self) -> Hashable:
        """What all that is read from its records hangs on, the business clock to the minute (days change on a minute in every zone): that
        holds as long as this stays. None where it cannot be told: in the middle of a deed, and where the store does not tell who writes to it."""
        store = self.store
        if store.connection.in_transaction:
            return None
        if not store.durable:
            return self.world.restores, self.deeds, self.clock.now[:16]
        written = store.written(self.schema)
        return None if written is None else (self.world.restores, written, self.clock.now[:16])

    @property
    def moment(self) -> tuple[int, str]:
        """What of the state is not in the store."""
        return self.world.restores, self.clock.now[:16]

    def table(self, entity: str) -> Table:
        """The table of an entity of this role."""
        return self.store.table(self.role.name, entity)

    def next_number(self, name: str) -> int:
        """The next number of a sequence; inside a transaction, gapless."""
        place = (self.name, name)
        row = self.store.write(_next_of(self.role.name), place).fetchone()
        if row is None:
            self.store.execute(f"INSERT INTO {self.schema}.sequence VALUES (?, ?, 1)", place)
            return 1
        return int(row[0])

    def new_id(self, prefix: str) -> str:
        """A native id in the role's style."""
        style = self.id_style
        parts: tuple[object, ...] = (self.world.seed, self.world.epoch, self.name, prefix)
        if style in ids.COUNTED:
            number = self.next_number(f"id:{prefix}")
        else:
            number = self._made = self._made + 1 if self._stamp == self.clock.now else 1
            self._stamp = self.clock.now
            parts = (*parts, self._stamp)
        return style(prefix, number, self.clock.milliseconds, parts)

    def looks_like_key(self, entity: Entity, value: str) -> bool:
        """Whether a text is a business key rather than a native id, by its looks: the other is tried only where it is not found."""
        return "-" in value and not (self.id_style is ids.type_number and value.startswith(f"{entity.prefix}-"))

    @property
    def subscriptions(self) -> list[Record] | None:
        """What is kept in memory of the subscriptions. Set it to None when one has changed."""
        return self._subscriptions

    @subscriptions.setter
    def subscriptions(self, known: list[Record] | None) -> None:
        self._subscriptions = known
        if known is None:
            self.world.renew()

    def count_afresh(self) -> None:
        """Forget which ids were made at this instant: after a restore, the same deeds at the same instants make the same ids."""
        self._stamp, self._made = "", 0

    def subscribers(self) -> list[Record]:
        """Active subscriptions, kept in memory until `subscriptions` is set to None."""
        if self._subscriptions is None or self._generation != self.world.generation:
            self._generation = self.world.generation
            found = self.store.rows(
                f"SELECT * FROM {self.schema}.subscription WHERE system = ? AND active = 1 ORDER BY created_at, id",
                (self.name,),
            )
            self._subscriptions = [{**row, "types": row["types"].split()} for row in found]
        return self._subscriptions
