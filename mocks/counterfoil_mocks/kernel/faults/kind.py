"""What a kind of fault is: its settings as plain fields, and what it does at one of three gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self

from counterfoil_mocks.kernel.errors import Problem, invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.system import World


@dataclass(frozen=True)
class Call:
    """What a call means: the system it goes to, the operation (or event type), the business key (None where it has none).

    same: what the operation is called elsewhere, where it is a vendor's own name.
    """

    system: str
    operation: str
    key: str | None
    same: str = ""


@dataclass
class Exchange:
    """A request being answered, as faults may see and bend it. The pipeline makes it and honours its marks.

    write: whether the call changes state. abort: close the connection without (further) answer. send_only: send no more than so
    many bytes of the body, then close. hidden: records that a list must not show. fail_item: positions of a batch that fail.
    revoke: kill the access token that the call came with. refusal: what the caller is told instead of the answer. count: counts on by
    one what it is given a name for, over all processes, and tells what it then is.
    """

    write: bool = False
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    abort: bool = False
    send_only: int | None = None
    hidden: Callable[[Record], bool] | None = None
    fail_item: Callable[[int], bool] | None = None
    revoke: Callable[[], None] | None = None
    refusal: Problem | None = None
    count: Callable[[str], int] = field(default=lambda name: 1)
    faults: list[str] = field(default_factory=list)

    def struck(self, kind: str) -> None:
        """Remember for the journal which faults struck."""
        self.faults.append(kind)


class Aborted(Exception):
    """The connection is to be closed without an answer, before any work."""


@dataclass
class DeliveryPlan:
    """What becomes of one delivery: how many copies go out, after how many business seconds, in order within its partition or not,
    not at all for now (`dropped`, with a later redelivery after so many seconds), or with a wrong signature. bends: what becomes of its
    body before it is signed."""

    copies: int = 1
    delay_seconds: float = 0.0
    out_of_order: bool = False
    dropped: bool = False
    redeliver_seconds: float | None = None
    bad_signature: bool = False
    bends: list[Callable[[bytes], bytes]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


KINDS: dict[str, type[Kind]] = {}


@dataclass
class Kind:
    """A kind of fault. Subclasses are dataclasses whose fields are the settings; each overrides the gate that it acts at."""

    name: ClassVar[str] = ""
    stages: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[Mapping[str, tuple[int, int]]] = {}
    """Least and most of settings that do not take every number."""

    def __init_subclass__(cls, name: str) -> None:
        cls.name = name
        cls.stages = tuple(
            stage
            for stage, method in (("before", "before"), ("after", "after"), ("delivery", "on_delivery"))
            if method in cls.__dict__
        )
        KINDS[name] = cls

    @classmethod
    def made(cls, where: str, settings: Mapping[str, Any], common: Sequence[str] = ()) -> Self:
        """The kind with these settings; raises Problem 422 for one that it does not have or that has the wrong type.

        common: members that any fault has besides, for the remedy.
        """
        known = {each.name: each for each in fields(cls) if not each.name.startswith("_")}
        for name, value in settings.items():
            if name not in known:
                names = ", ".join((*known, *common))
                raise invalid(f"{where}.{name}", f"{cls.name} has no such setting", f"There are: {names}.")
            default = known[name].default
            wanted = (int, float) if isinstance(default, float) else type(default)
            if (
                default is not MISSING
                and default is not None
                and (isinstance(value, bool) != isinstance(default, bool) or not isinstance(value, wanted))
            ):
                raise invalid(f"{where}.{name}", f"{value!r} is not like {default!r}", "Give a value of the same type.")
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 <= value <= 10**7:
                raise invalid(f"{where}.{name}", f"{value!r} is out of range", "Give a number from 0 to 10000000.")
        return cls(**settings)

    def start(self, world: World, since: str) -> None:
        """The fault was injected at this business instant; each process that serves hears of it in its own time."""

    async def before(self, call: Call, exchange: Exchange) -> None:
        """Act before the work."""

    async def after(self, call: Call, exchange: Exchange) -> None:
        """Act after the commit."""

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        """Bend a delivery. `die`: a number in [0, 1) that belongs to this fault and event."""
