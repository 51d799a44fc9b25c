"""Many people at the firm's systems at once: each does the next deed that is due and waits for nobody."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from counterfoil.activity import Deal, rhythm
from counterfoil.activity.deeds import DEEDS, NAMES, Life
from counterfoil.client import Broken, Refused
from counterfoil.expect import Unmet
from counterfoil.loading.plan import Plan
from counterfoil.world import World
from counterfoil_mocks.kernel.ids import chance

DONE, REFUSED, FAILED = "done", "refused", "failed"


class BusyWorld(World):
    """A world in which nobody waits until all is at rest: others are at work, and there is no rest."""

    def settle(self, *, quiet: float | None = None, timeout: float = 0) -> None:
        """Go on at once."""


@dataclass
class Office:
    """What people share who work in one process: the deals that are set up, those that are still to be, of each the types of its
    lines, and which are in somebody's hands just now. most: how many of the newest are worked on."""

    most: int

    deals: list[Deal] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    worked: dict[str, list[str]] = field(default_factory=dict)
    managed: set[str] = field(default_factory=set)
    rebilled: set[str] = field(default_factory=set)
    types: dict[str, set[str]] = field(default_factory=dict)
    awaited: deque[tuple[Deal, set[str]]] = field(default_factory=deque)
    in_hand: set[str] = field(default_factory=set)


class BusyLife(Life):
    """The firm as one of its people meets it for one deed. number: of the deed, over all people."""

    def __init__(self, world: World, office: Office, number: int) -> None:
        super().__init__(
            world, office.deals, office.people, office.worked, office.managed, office.rebilled, number, number
        )
        self.office = office
        self.number = number
        self.meant: str | None = None
        self._mine: str | None = None

    def company(self, name: int) -> str:
        """No two customers have the same name, as in life."""
        return f"{NAMES[name].split()[0]} {self.number} {' '.join(NAMES[name].split()[1:])}"

    def won(self, deal: Deal, types: set[str]) -> None:
        """The integration sets it up while people do something else."""
        self.office.awaited.append((deal, types))

    def look(self) -> None:
        """See whether the deal that has waited longest is set up by now."""
        if not self.office.awaited:
            return
        deal, types = self.office.awaited.popleft()
        if self.world.psa.find("project", deal.project_no) is None:
            self.office.awaited.append((deal, types))
            return
        self.office.types[deal.contract_no] = types
        self.take_up(deal, types)

    def deal(self, which: int) -> Deal | None:
        """One of the newer deals that the deed is meant for and that nobody has in hand; it is in ours until we are done."""
        free = [each for each in self.deals[-self.office.most :] if self._suits(each.contract_no)]
        if not free:
            return None
        found = free[int(chance(self.world.seed, "deal", self.number) * len(free))]
        self._mine = found.contract_no
        self.office.in_hand.add(self._mine)
        return found

    def _suits(self, contract_no: str) -> bool:
        fits = self.meant is None or self.meant in self.office.types[contract_no]
        return fits and contract_no not in self.office.in_hand

    def let_go(self) -> None:
        """Somebody else may have the deal."""
        if self._mine is not None:
            self.office.in_hand.discard(self._mine)


@dataclass(frozen=True)
class Outcome:
    """What came of a deed. outcome: `done`, `refused` by a system's rules, or `failed` where nobody answered; why: a word or a sentence."""

    deed: str
    outcome: str
    why: str = ""


def working_on(plan: Plan) -> int:
    """How many deals people work on at once: more where there are more people, as they take each deal in hand by itself."""
    return rhythm.BUSY[plan.size] + 2 * plan.users


def perform(world: World, office: Office, number: int, *, pace: str, size: str) -> Outcome:
    """Do the deed of this number."""
    life = BusyLife(world, office, number)
    name = "look"
    try:
        life.look()
        step = rhythm.next_step(life, number, pace=pace, size=size)
        name, life.meant = step.deed, rhythm.MEANT.get(step.deed)
        DEEDS[name].act(life, *step.numbers)
    except Refused as refused:
        return Outcome(name, REFUSED, refused.code or str(refused.status))
    except (Unmet, LookupError) as odd:
        return Outcome(name, REFUSED, f"{type(odd).__name__}: {odd}"[:200])
    except Broken as broken:
        return Outcome(name, FAILED, str(broken)[:200])
    finally:
        life.let_go()
    return Outcome(name, DONE)


def traceparent(seed: int, number: int, begun: float) -> tuple[str, str]:
    """A trace id of one's own for a deed, and the header that carries it."""
    trace = f"{int(chance(seed, 'trace', number, begun) * 2**64):016x}{number + 1:016x}"
    return trace, f"00-{trace}-{number + 1:016x}-01"


Line = list[Any]
"""One deed or call as it is written down: what, number, name, outcome, why, due, begun, ended (wall seconds), trace."""
