"""How a landscape comes to be: its store opened, its clock set where it stood, its systems put together and filled. Nothing is served yet."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil_mocks import vendors
from counterfoil_mocks.config import Config, Unavailable, Unusable
from counterfoil_mocks.kernel import clock, events, webhooks
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.errors import Problem, StoreTaken
from counterfoil_mocks.kernel.shared import Shared, SharedClock, SharedTraffic
from counterfoil_mocks.kernel.store import Store, claim, discard, open_store
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.roles import ROLES

START = "2026-01-05T15:00:00.000Z"
"""Where the business clock of a new landscape stands: Monday, 09:00 in Chicago."""

EMPTY = "empty"
"""The size of no firm at all: what makes firms is not even loaded."""


def opened(config: Config, *, anew: bool = False) -> Store:
    """The store that a configuration names; raises Unusable, of which Unavailable is for what may be otherwise later. anew: whatever it holds
    is thrown away first."""
    claimed = None
    try:
        claimed = claim(config.store)
        if anew:
            discard(config.store, ROLES)
        store = open_store(config.store, ROLES, roomy=roomy(config.size))
        store.claimed = claimed
    except Exception as error:
        if claimed is not None:
            claimed.close()
        said = " ".join(str(error).split())
        said += "" if said.endswith((".", "?")) else "."
        if said.startswith("unable to open database"):
            said += " Its folder must be there, and files in it be writable."
        kind = Unavailable if isinstance(error, (ConnectionError, StoreTaken)) else Unusable
        raise kind(f"The store {config.store} cannot be opened: {said}") from error
    for name, word, asked in (("seed", "seed", str(config.seed)), ("firm", "size", config.size)):
        kept = store.meta(name)
        if kept is not None and kept != asked:
            store.close()
            raise Unusable(
                f"The store {config.store} was made with {word} {kept}, not {asked}; ask for the same, or name another store."
            )
    store.set_meta("seed", str(config.seed))
    return store


def roomy(size: str) -> bool:
    """Whether a firm of this size has more rows than a database in memory takes."""
    if size == EMPTY:
        return False
    from counterfoil_mocks import firm

    return firm.roomy(size)


def world_of(config: Config, store: Store) -> World:
    """What the systems share, as the store has it from before; where several processes will serve them, they share it too."""
    world = World(Clock(_now(store)), seed=config.seed, epoch=int(store.meta("epoch") or 0))
    if config.processes > 1:
        store.concurrent = True
        world.shared = Shared()
        world.clock = SharedClock(world.shared, world.clock.now)
        world.traffic = SharedTraffic(world.shared)
    return world


def assembled(config: Config, store: Store, world: World) -> dict[str, System]:
    """The systems of a landscape, by name."""
    return {name: _system(name, number, config, store, world) for number, name in enumerate(config.order)}


def in_file(config: Config, name: str) -> dict[str, float]:
    """The limits that the landscape file sets a system."""
    said = config.limits.get(name)
    return {} if said is None else said.model_dump(exclude_none=True)


def fill(config: Config, store: Store, systems: Mapping[str, System], world: World) -> None:
    """Put into systems that have never been filled what is there from the start: the firm, what vendors ship, the subscriptions of the
    landscape file; raises Unusable where a vendor has no such events."""
    if store.meta("firm") is not None:
        return
    if config.size != EMPTY and {system.role.name for system in systems.values()} >= set(ROLES):
        from counterfoil_mocks import firm

        firm.load(store, systems, world, config.seed, config.size)
    _furnish(systems, world)
    for name, each in config.systems.items():
        for number, hook in enumerate(each.webhooks):
            try:
                _subscribe(systems[name], hook.url, hook.types, hook.secret)
            except Problem as problem:
                remedy = f" {problem.remedy}" if problem.remedy else ""
                sentence = problem.detail.rstrip(".")
                raise Unusable(f"systems.{name}.webhooks.{number}.{sentence}.{remedy}") from problem
    store.set_meta("firm", config.size)


def _furnish(systems: Mapping[str, System], world: World) -> None:
    """What vendors ship is there before time begins: it takes none of the first day's milliseconds."""
    began = world.clock.now
    world.clock.reset(clock.later(began, minutes=-1))
    for system in systems.values():
        if system.face is not None:
            system.face.furnish()
    world.clock.reset(began)


def _subscribe(system: System, url: str, types: list[str], secret: str | None) -> None:
    """A subscription that a system has from the start: to the vendor's events where it speaks as one, else to ours."""
    if system.face is not None:
        system.face.subscribe(url, types, secret)
    else:
        webhooks.subscribe(system, url, types, secret or events.new_secret(system.world.seed, system.name, url))


def _system(name: str, number: int, config: Config, store: Store, world: World) -> System:
    said = config.systems[name]
    settings = {**said.settings, "custom": said.custom}
    if name in config.limits:
        settings["limits"] = in_file(config, name)
    if said.public_url is not None:
        settings["public_url"] = str(said.public_url)
    system = System(name, ROLES[str(said.role)], store, world, settings, number=number)
    face = vendors.face_of(str(said.role), said.vendor)
    system.face = None if face is None else face(system)
    return system


def _now(store: Store) -> str:
    """Where the business clock stood when the store was last written."""
    seen = [store.meta("clock") or START]
    for schema in ROLES:
        at = store.execute(f"SELECT at FROM {schema}.history ORDER BY seq DESC LIMIT 1").fetchone()
        seen += [at[0]] if at else []
    return clock.render(clock.parse(max(seen)))
