"""The integration under test: found by name or file, started, reset, asked and stopped. Known only by its traffic."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from pydantic import ValidationError

from counterfoil.answers import ANSWERS
from counterfoil.client import Broken, Control, Record, Records, Refused, knock
from counterfoil.container import Container
from counterfoil.descriptor import Descriptor, Unreadable, expand, origin, read, understand
from counterfoil.guard import Guard, over

PAUSE = 0.02
"""Seconds between two looks at whether it is ready; the wait ends at once when its process does."""

RECONCILED = "com.counterfoil.int.reconciliation.ran.v1"
SHOWN = "com.counterfoil.int.dashboard.shown.v1"

NOOP = {
    "name": "noop",
    "start": {"command": [sys.executable, "-m", "counterfoil.noop", "${port}"]},
    "ready": {"url": "http://127.0.0.1:${port}/health"},
    "webhooks": {name: "http://127.0.0.1:${port}/" + name for name in ("crm", "psa", "billing", "erp")},
    "declares": ["trace", "dead_letters", "reconciliation", "dashboard", "approvals", "polling", "batch", "migration"],
    "quiet": 0,
    "operations": {
        "reset": "POST /reset",
        "idle": "GET /idle",
        "dead_letters": "GET /dead-letters",
        "replay": "POST /dead-letters/{id}/replay",
        "approve": "POST /approvals/{id}",
        "reconcile": "POST /reconcile",
        "poll": "POST /poll",
        "dashboard": "GET /dashboard",
    },
}


def resolve(name: str) -> Descriptor:
    """The descriptor that `--integration` means: `reference`, `noop`, `mutant:F-07` or a file; raises Unreadable."""
    if name == "noop":
        return understand(NOOP, "noop")
    if name == "reference" or name.startswith("mutant:"):
        try:
            from counterfoil.reference import descriptor as built_in
        except ImportError as error:
            raise Unreadable(f"{name}: this installation holds no reference integration ({error})") from error
        return built_in(name.partition(":")[2] or None)
    path = Path(name)
    if not path.exists():
        raise Unreadable(f"{name}: no such file; an integration is `reference`, `noop`, `mutant:F-07` or a file")
    return read(path)


def called(name: str) -> str:
    """What an integration is called in contracts: as its file says; one that is built in, as `--integration` names it."""
    built_in = name in ("reference", "noop") or name.startswith("mutant:")
    return name if built_in else resolve(name).name


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def secret_of(seed: object, system: str) -> str:
    """A webhook secret in Standard Webhooks form, the same for the same seed and system."""
    return "whsec_" + base64.b64encode(hashlib.sha256(f"{seed}/{system}".encode()).digest()[:24]).decode()


class Integration:
    """One running integration. Raises Broken whenever it cannot be started, reached or trusted to be alive.

    patience: seconds that one of its answers may take.
    """

    def __init__(
        self, descriptor: Descriptor, control: Control, *, serial: bool = False, patience: float = 60.0
    ) -> None:
        self.descriptor = descriptor
        self.name = descriptor.name
        self.serial = serial
        self.patience = patience
        self._control = control
        self._landscape: Record = control.get("/landscape")
        self.port = free_port() if descriptor.start.url is None else 0
        self.ports = {str(each): free_port() if nth else self.port for nth, each in enumerate(descriptor.start.ports)}
        self.facts = self._known_facts()
        present = {name: each for name, each in descriptor.also.items() if name in self.facts["systems"]}
        self.env = dict(descriptor.env)
        for each in present.values():
            self.env |= each.env
        self.webhooks = descriptor.webhooks | {name: each.webhook for name, each in present.items() if each.webhook}
        self._container = (
            Container(descriptor.start, self.name, self.port, self.ports) if descriptor.start.image else None
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        self._log: BinaryIO | None = None
        self.base = descriptor.start.url or origin(self._fill(descriptor.ready.url if descriptor.ready else ""))
        self._client = self._talk(self.base)

    def wait(self, seconds: float) -> None:
        """Let each of its answers take so long from now on."""
        self.patience = seconds
        self._client.wait(seconds)

    def _talk(self, url: str) -> Control:
        return Control(url, timeout=self.patience, peer=f"the integration {self.name}", trusted=False)

    def _known_facts(self) -> Record:
        systems = {each["name"]: each for each in self._landscape["systems"]}
        seed = self._landscape.get("seed")
        return {
            "systems": systems,
            "control": {"url": self._control.url, "token": self._control.token or ""},
            "webhooks": {name: {"secret": secret_of(seed, name)} for name in systems},
            "seed": seed,
            "serial": str(self.serial).lower(),
            "ports": self.ports,
        } | ({"port": self.port} if self.port else {})

    def _fill(self, text: str, facts: Record | None = None) -> str:
        return expand(text, self.facts if facts is None else facts, self.name)

    # what it claims

    def declares(self, ability: str) -> bool:
        """Whether it claims an ability."""
        return ability in self.descriptor.declares

    def offers(self, operation: str) -> bool:
        """Whether its descriptor names an operation."""
        return getattr(self.descriptor.operations, operation, None) is not None

    def hooks(self) -> dict[str, str]:
        """The address that each system sends its events to."""
        return {name: self._fill(url) for name, url in self.webhooks.items()}

    # running

    def start(self) -> None:
        """Subscribe it to the systems' events, start it and wait until it is ready."""
        self.register()
        self.launch()

    def register(self) -> None:
        """Tell the landscape about it: its subscriptions at each system, its quiet time, its idle address."""
        for name in self.webhooks:
            if name not in self.facts["systems"]:
                known = ", ".join(self.facts["systems"])
                raise Unreadable(f"{self.name}: webhooks.{name}: the landscape has no such system (it has: {known})")
        seconds = {"quiet_ms": self.descriptor.quiet, "poll_ms": self.descriptor.poll or 0}
        about: Record = {"name": self.name, "serial": self.serial}
        about |= {name: int(value * 1000) for name, value in seconds.items()}
        idle = self.descriptor.operations.idle
        if idle is not None:
            about["idle_url"] = self._address(idle)[1]
        about["webhooks"] = self.hooks()
        about |= {"declares": list(self.descriptor.declares), "links": self.descriptor.links}
        about["deadlines"] = dict(self.descriptor.deadlines)
        self._control.put("/integration", about)
        for name, url in about["webhooks"].items():
            self._subscribe(name, url)

    def _subscribe(self, system: str, url: str) -> None:
        facts = self.facts["systems"][system]
        native = Control(
            facts["native"]["url"], facts["native"]["credentials"]["access_token"], peer=f"the system {system}"
        )
        about: Record = {"url": url, "secret": self.facts["webhooks"][system]["secret"]}
        wanted = self.descriptor.events
        if wanted:
            about["types"] = [each for each in wanted if each.startswith(f"com.counterfoil.{facts['role']}.")]
        if not wanted or about["types"]:
            native.post("/webhooks", about)
        native.close()

    def launch(self) -> None:
        """Start the process or container (nothing for one that runs already) and wait until it is ready."""
        command, environment = self._command()
        if command:
            folder = self.descriptor.folder / (self.descriptor.start.cwd or "")
            if self._log is None:
                self._log = tempfile.TemporaryFile(prefix="counterfoil-")  # noqa: SIM115
            try:
                self._process = subprocess.Popen(
                    command,
                    env=os.environ | environment,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise Broken(f"{self.name} could not be started: {command[0]}: {error.strerror or error}") from error
            self._dismiss()
            self._guard = over(self._process)
        self._wait_ready()

    def _command(self) -> tuple[list[str], dict[str, str]]:
        """What to run, nothing where it runs already, and the environment variables for it. The image of a container is fetched."""
        start, container = self.descriptor.start, self._container
        if start.url is not None:
            return [], {}
        facts = self.facts if container is None else container.facts(self.facts)
        environment = {name: self._fill(value, facts) for name, value in (self.env | start.env).items()}
        command = [self._fill(part, facts) for part in start.command or ()]
        if container is None:
            return command, environment
        image = self._fill(start.image or "")
        container.prepare(image)
        return container.command(environment, command, image), {}

    def _wait_ready(self) -> None:
        ready = self.descriptor.ready
        if ready is None:
            self._find()
            return
        url = self._fill(ready.url)
        probe = Control(origin(url), timeout=5, peer=self.name, trusted=False)
        path, limit, last = url[len(origin(url)) :] or "/", time.monotonic() + ready.timeout, "nothing answered"
        while time.monotonic() < limit:
            try:
                probe.get(path)
                return
            except (Broken, Refused) as error:
                last = str(error)
            finally:
                probe.close()
            self.check_alive()
            self._pause()
        raise Broken(f"{self.name} was not ready at {url} within {ready.timeout:g} s ({last}){self._said()}")

    def _find(self) -> None:
        """See that somebody listens where it is said to run already; raises Broken."""
        url = self.descriptor.start.url or ""
        try:
            knock(url)
        except OSError as error:
            raise Broken(
                f"{self.name} does not run: nobody listens at {url}, its `start.url` ({error.strerror or error})"
            ) from error

    def _pause(self) -> None:
        if self._process is None:
            time.sleep(PAUSE)
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PAUSE)

    @property
    def pid(self) -> int | None:
        """Its process, None where it has none of its own here."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs, as far as can be seen from here."""
        return self.descriptor.start.url is not None or (self._process is not None and self._process.poll() is None)

    def check_alive(self) -> None:
        """Raise Broken when its process has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise Broken(f"{self.name} ended with code {self._process.returncode}{self._said()}")

    def stop(self) -> None:
        """End its process or container, politely first."""
        process, self._process = self._process, None
        self._client.close()
        if process is not None:
            end(process)
            self._dismiss()
            if self._container is not None:
                self._container.remove()

    def _dismiss(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.dismiss()

    def restart(self) -> None:
        """Stop it and start it again, on the same port, with the same subscriptions."""
        self.stop()
        self.launch()

    def reset(self) -> None:
        """Have it forget everything: by its operation, else by a restart.

        One that runs elsewhere and has no such operation keeps its memory; business keys are fresh then.
        """
        if self.offers("reset"):
            self._ask("reset")
        elif self.descriptor.start.url is None:
            self.restart()

    def output(self, limit: int = 4000) -> str:
        """The last of what its process wrote, as text of at most `limit` bytes."""
        if self._log is None:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), limit, max(0, size - limit)).decode(errors="replace")

    def _said(self) -> str:
        said = self.output(2000).strip()
        return f"; it said last:\n{said}" if said else ""

    # asking

    def _address(self, call: str, **values: str) -> tuple[str, str]:
        method, _, target = call.partition(" ")
        for name, value in values.items():
            target = target.replace("{" + name + "}", quote(value, safe=""))
        target = self._fill(target)
        return method, target if "://" in target else f"{self.base}/{target.lstrip('/')}"

    def _ask(self, operation: str, body: Any = None, **values: str) -> Any:
        call = getattr(self.descriptor.operations, operation)
        if call is None:
            raise Broken(f"{self.name} declares no operation {operation!r}; name it under `operations`")
        self.check_alive()
        method, url = self._address(call, **values)
        client = self._client if url.startswith(self.base + "/") else self._talk(origin(url))
        return client.send(method, url[len(client.url) :], body)

    def _told(self, operation: str) -> Record:
        """Ask and check the answer against its schema; raises Broken saying what does not fit."""
        answer = self._ask(operation)
        try:
            return ANSWERS[operation].model_validate(answer).model_dump()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the answer"
            raise Broken(
                f"{self.name}: {operation} answered {str(answer)[:200]}; {where}: {first['msg']} (contracts/schemas/operations.json)"
            ) from error

    def idle(self) -> bool:
        """Whether it says that it has nothing to do (true where it cannot say)."""
        return bool(self._told("idle")["idle"]) if self.offers("idle") else True

    def dead_letters(self) -> Records:
        """Messages that it parked, each with an `id`."""
        return list(self._told("dead_letters")["items"])

    def replay(self, letter_id: str | None = None) -> int:
        """Try one parked message again, or all of them; returns how many."""
        wanted = [letter_id] if letter_id is not None else [str(each["id"]) for each in self.dead_letters()]
        for each in wanted:
            self._ask("replay", id=each)
        return len(wanted)

    def approve(self, subject_id: str) -> Any:
        """Let a held change go on."""
        return self._ask("approve", id=subject_id)

    def reconcile(self) -> Records:
        """Run its reconciliation now; returns the differences it reports. What it said is kept for the verdict."""
        outcome = self._told("reconcile")
        self._keep(RECONCILED, outcome)
        return list(outcome["items"])

    @property
    def has_reconciled(self) -> bool:
        """Whether it has told of a reconciliation, or was asked for one, since the story began."""
        return bool(self._control.get("/integration/events", type=RECONCILED, limit=1)["items"])

    def poll(self) -> None:
        """Have it look for changes that no event told of (a no-op where it polls by itself)."""
        if self.offers("poll"):
            self._ask("poll")

    def dashboard(self) -> Record:
        """Its own figures. What it said is kept for the verdict."""
        figures = self._told("dashboard")
        self._keep(SHOWN, figures)
        return figures

    def _keep(self, type_: str, said: Record) -> None:
        self._control.post("/integration/events", {"type": type_, "data": said})


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started, politely first."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
