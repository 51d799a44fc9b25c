"""What a role is made of: its entities, the actions that change them, its timers, and the habits of its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.fields import Entity, Field, Record

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.tx import Tx


@dataclass(frozen=True, eq=False)
class Action:
    """A business deed. `subject` is the entity it is done to (None: it makes something new); `run(tx, subject, values)` returns
    the record that the caller gets to see. restores: it is done to deleted records."""

    name: str
    subject: Entity | None
    returns: Entity
    fields: tuple[Field, ...]
    run: Callable[[Tx, Record, Record], Record]
    doc: str
    restores: bool = False


Create = Callable[["Tx", Record], Record]
Update = Callable[["Tx", Record, Record], Record]


@dataclass(eq=False)
class Role:
    """One of the systems a firm runs. The habits (domain §2.5) are data.

    page: ("cursor" | "offset", size). if_match: writes need `If-Match`. put_replaces: PUT clears what it omits.
    functions: SQL functions that its rules and the invariants share.
    """

    name: str
    entities: tuple[Entity, ...]
    id_style: ids.IdStyle
    page: tuple[str, int] = ("cursor", 100)
    resolution: str = "ms"
    if_match: bool = False
    idempotency: bool = False
    put_replaces: bool = False
    batch: int = 100
    functions: Mapping[str, tuple[int, Callable[..., Any]]] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    creates: dict[str, Create] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)
    timers: dict[str, Callable[[Tx, Record], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {entity.name: entity for entity in self.entities}
        self.by_plural = {entity.plural: entity for entity in self.entities}

    def action(
        self, name: str, *fields: Field, on: Entity | None = None, returns: Entity | None = None, restores: bool = False
    ) -> Callable[[Callable[[Tx, Record, Record], Record]], Callable[[Tx, Record, Record], Record]]:
        """Register a deed. The function is called as `run(tx, subject, values)`; without a subject, subject is an empty dict.
        restores: its subject may be a deleted record."""

        def register(run: Callable[[Tx, Record, Record], Record]) -> Callable[[Tx, Record, Record], Record]:
            result = returns or on
            if result is None:
                raise TypeError(f"action {name} needs `on` or `returns`")
            self.actions[name] = Action(name, on, result, fields, run, (run.__doc__ or name).strip(), restores)
            return run

        return register

    def on_create(self, entity: Entity) -> Callable[[Create], Create]:
        """Replace what creating an `entity` does: `run(tx, values)` inserts and returns the record."""

        def register(run: Create) -> Create:
            self.creates[entity.name] = run
            return run

        return register

    def on_update(self, entity: Entity) -> Callable[[Update], Update]:
        """Replace what patching an `entity` does: `run(tx, record, changes)` updates and returns the record."""

        def register(run: Update) -> Update:
            self.updates[entity.name] = run
            return run

        return register

    def on_timer(self, kind: str) -> Callable[[Callable[[Tx, Record], None]], Callable[[Tx, Record], None]]:
        """Register what happens when a timer of this kind comes due: `run(tx, payload)`."""

        def register(run: Callable[[Tx, Record], None]) -> Callable[[Tx, Record], None]:
            self.timers[kind] = run
            return run

        return register
