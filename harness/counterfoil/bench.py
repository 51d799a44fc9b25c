"""The bench: one landscape with one integration, for one worker process. Every scenario starts from the same state on it."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from counterfoil.client import Broken, Control, Record, Refused
from counterfoil.container import listening
from counterfoil.descriptor import Descriptor, Unreadable
from counterfoil.guard import over
from counterfoil.integration import PAUSE, Integration
from counterfoil.roles import ROLES
from counterfoil.stories import Story
from counterfoil.world import NotSettled, World

READY_SECONDS = {"L": 300.0, "XL": 3600.0}
"""Longest wait until a landscape of a size is ready; of the others a minute."""
ASKED_SECONDS, ANSWER_SECONDS, SLOW_SECONDS = 60.0, 120.0, 1200.0
"""Longest wait for one answer: of an integration, of the control plane, and of either in a run of slow stories."""


@dataclass(frozen=True)
class Settings:
    """What a run was asked for. landscape: a file, or the address of a control plane that runs; None for the default one.
    vendors: by role, whose protocol a system speaks. store, processes: of a landscape of one's own. anew: whatever the store
    holds is thrown away. systems: further ones that it must have; then a landscape of one's own is started."""

    integration: Descriptor
    landscape: str | None = None
    seed: int | None = None
    size: str | None = None
    faults: Sequence[dict[str, Any]] = field(default=())
    serial: bool = False
    token: str | None = None
    slow: bool = False
    vendors: Mapping[str, str] = field(default_factory=dict)
    systems: Sequence[tuple[str, dict[str, Any]]] = ()
    store: str | None = None
    processes: int | None = None
    anew: bool = False


class LandscapeProcess:
    """A landscape of one's own: `counterfoil up` on free ports."""

    def __init__(self, settings: Settings) -> None:
        host = listening(settings.integration.start)
        command = [sys.executable, "-m", "counterfoil", "up", "--port-base", "0", "--json"]
        self._size = settings.size
        self._file = widened(settings) if settings.systems else None
        given = {"landscape": self._file.name if self._file else settings.landscape}
        for name in ("landscape", "seed", "size", "store", "processes"):
            value = given.get(name, getattr(settings, name))
            if value is not None:
                command += [f"--{name}", str(value)]
        command += [part for role, vendor in settings.vendors.items() for part in (f"--{role}", vendor)]
        command += ["--anew"] if settings.anew else []
        environment = dict(os.environ)
        if host is not None:
            command += ["--host", host]
            environment.setdefault("COUNTERFOIL_TOKEN", secrets.token_hex(16))
        self._out = tempfile.TemporaryFile(prefix="counterfoil-")  # noqa: SIM115
        self._err = tempfile.TemporaryFile(prefix="counterfoil-")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self._out,
                stderr=self._err,
                start_new_session=True,
            )
        except OSError as error:
            raise Broken(f"the landscape could not be started: {error}") from error
        self._guard = over(self._process)

    def announcement(self) -> Record:
        """The JSON object that it prints when it is ready; raises Broken when it ends or takes too long."""
        longest = READY_SECONDS.get(self._size or "", 60.0)
        limit = time.monotonic() + longest
        while time.monotonic() < limit:
            said = self._read(self._out.fileno())
            with contextlib.suppress(orjson.JSONDecodeError):
                found = orjson.loads(said)
                if isinstance(found, dict):
                    return found
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(PAUSE)
                raise Broken(f"the landscape ended with code {code}:\n{self.complaint()}")
        self.stop()
        raise Broken(f"the landscape was not ready within {longest:g} s:\n{self.complaint()}")

    def complaint(self) -> str:
        """The last of what it wrote on its error channel."""
        return self._read(self._err.fileno())[-4000:].decode(errors="replace").strip()

    @staticmethod
    def _read(descriptor: int) -> bytes:
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """End it."""
        for ask in (self._process.terminate, self._process.kill):
            ask()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
                break
        self._guard.dismiss()


def widened(settings: Settings) -> IO[bytes]:
    """A landscape file with the systems that a story wants beside those of the file that was given; raises Unreadable."""
    from counterfoil_mocks import config

    said: dict[str, Any] = {}
    if settings.landscape is not None and not is_address(settings.landscape):
        try:
            said = config.read(Path(settings.landscape))
        except config.Unusable as error:
            raise Unreadable(str(error)) from error
    first = said.get("systems") or {name: {} for name in ROLES}
    file = tempfile.NamedTemporaryFile(prefix="counterfoil-", suffix=".json")  # noqa: SIM115
    file.write(orjson.dumps({**said, "systems": {**first, **dict(settings.systems)}}))
    file.flush()
    return file


def is_address(landscape: str) -> bool:
    """Whether a landscape was given as the address of one that runs."""
    return landscape.startswith(("http://", "https://"))


def check_morning(control: Control) -> None:
    """Stories begin on the firm's first morning: raise Broken where the landscape has lived on."""
    now = str(control.get("/clock")["now"])
    seeded = [each["clock"] for each in control.get("/snapshots")["items"] if each["label"] == "seeded"]
    if seeded and now[:10] > seeded[0][:10]:
        raise Broken(
            f"the landscape's clock stands at {now}, and stories begin at {seeded[0]}: take it back first (POST /reset)"
        )


class Bench:
    """Starts once, then hands out a fresh `World` for each scenario. Whatever cannot run raises Broken, now and ever after;
    a descriptor that does not fit the landscape raises Unreadable."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.integration: Integration | None = None
        self._landscape: LandscapeProcess | None = None
        self._control: Control | None = None
        self.token = settings.token
        self._baseline = ""
        self._broken: Broken | Unreadable | None = None

    def start(self) -> None:
        """Bring up the landscape, subscribe and start the integration, keep the state that every scenario starts from."""
        try:
            self.integration = Integration(
                self.settings.integration,
                self.serve(),
                serial=self.settings.serial,
                patience=SLOW_SECONDS if self.settings.slow else ASKED_SECONDS,
            )
            self.integration.start()
            check_morning(self.serve())
            self._baseline = str(self.serve().post("/snapshots", {"label": "baseline"})["id"])
        except Refused as error:
            self._broken = Broken(f"the landscape refused to be set up: {error}")
        except (Broken, Unreadable) as error:
            self._broken = error
        if self._broken is not None:
            self.stop()
            raise self._broken

    def serve(self) -> Control:
        """The landscape's control plane; brought up where it is not yet there. Raises Broken."""
        if self._control is None:
            self._control = self._find_landscape()
        return self._control

    def _find_landscape(self) -> Control:
        given = self.settings.landscape
        if given is not None and is_address(given) and not self.settings.systems:
            return Control(given, self.settings.token, timeout=self._patience)
        self._landscape = LandscapeProcess(self.settings)
        announced = self._landscape.announcement()
        self.token = announced["control"].get("token")
        return Control(announced["control"]["url"], self.token, timeout=self._patience)

    @property
    def _patience(self) -> float:
        """Seconds that one answer may take: looking back over years does take its time."""
        return SLOW_SECONDS if self.settings.slow else ANSWER_SECONDS

    def world(self, story: Story) -> World:
        """The state that every scenario starts from, an integration that remembers nothing, and the story's faults in force."""
        if self._broken is not None:
            raise self._broken
        if self.integration is None:
            self.start()
        assert self._control is not None
        assert self.integration is not None
        slow = self.settings.slow or story.slow
        self._control.wait(SLOW_SECONDS if slow else ANSWER_SECONDS)
        self.integration.wait(SLOW_SECONDS if slow else ASKED_SECONDS)
        try:
            self._rewind(story)
            world = World(self._control, self.integration, slow=slow)
            plan = [*self.settings.faults, *story.faults]
            self._break(world, plan)
        except (Refused, NotSettled) as error:
            raise Broken(f"{story.id} could not be set up: {error}") from error
        return world

    @staticmethod
    def _break(world: World, plan: Sequence[Mapping[str, Any]]) -> None:
        if plan:
            try:
                world.planned = [each["id"] for each in world.faults.inject(plan)]
            except Refused as error:
                said = ". ".join(part.rstrip(".") for part in (error.detail, error.remedy) if part)
                raise Unreadable(f"the fault plan cannot be taken: {said}.") from error

    def _rewind(self, story: Story) -> None:
        assert self._control is not None
        assert self.integration is not None
        gentle = self.integration.offers("reset") and self.integration.alive
        if gentle:
            self.integration.reset()
        else:
            self.integration.stop()
        self._control.delete("/faults")
        self._control.post(f"/snapshots/{self._baseline}/restore", {"label": story.id})
        if gentle:
            self.integration.reset()
        else:
            self.integration.launch()

    def check_alive(self) -> None:
        """Raise Broken when the landscape or the integration has ended."""
        if self._landscape is not None and self._landscape.ended:
            self._broken = Broken(f"the landscape ended in the middle of the run:\n{self._landscape.complaint()}")
            raise self._broken
        if self.integration is not None:
            self.integration.check_alive()

    def stop(self) -> None:
        """End both."""
        if self.integration is not None:
            self.integration.stop()
        if self._control is not None:
            if self._landscape is None:
                with contextlib.suppress(Broken, Refused):
                    self._control.delete("/integration")
            self._control.close()
        if self._landscape is not None:
            self._landscape.stop()
            self._landscape = None
