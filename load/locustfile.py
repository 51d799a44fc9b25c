"""Locust users for Counterfoil: people who do the firm's deeds through the control plane, and programs that call the systems' faces.

`counterfoil load` starts this file. On another machine: `locust -f locustfile.py --worker --master-host …` (README.md). What is due is
due by the plan, whatever became of the last deed: a user who comes late begins at once, and how late he was counts.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import orjson
from locust import User, events, runners, task
from locust.exception import StopUser

sys.path.insert(0, str(Path(__file__).parent))

from clients import Program

from counterfoil.client import Control
from counterfoil.loading.crowd import BusyWorld, Office, perform, traceparent, working_on
from counterfoil.loading.plan import SHAPES, Plan

HEAD_START = 0.3
"""Seconds between the word to begin and the first deed that may be due."""
runners.WORKER_REPORT_INTERVAL = 1.0


class Stage:
    """What the users of this process share: the plan, when it began, which numbers are theirs, and what they have written down."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.begin = 0.0
        self.begun = gevent.event.Event()
        self.office = Office(0)
        self.lines: list[list[Any]] = []
        self.landscape: dict[str, Any] = {}
        self._numbers: dict[str, Any] = {}
        self._due: dict[str, Any] = {}

    def open(self, plan: Plan, begin: float, first: int, step: int) -> None:
        """Begin. first, step: which deeds and calls are for this process."""
        self.plan, self.begin, self.office.most = plan, begin, working_on(plan)
        for what in ("deed", "call"):
            self._numbers[what], self._due[what] = count(first, step), plan.due(what)
        self.begun.set()

    def next(self, what: str) -> tuple[int, float]:
        """The next that is due, and when (wall seconds); raises StopUser when the time is up."""
        number = next(self._numbers[what])
        after = self._due[what].due(number)
        if after is None or time.time() > self.begin + self._due[what].seconds:
            raise StopUser
        return number, self.begin + after


STAGE = Stage()


class Busy(User):
    """One who does what is due, one thing after another."""

    abstract = True
    what = ""
    number, due = 0, 0.0

    def on_start(self) -> None:
        """Come in when the load begins."""
        STAGE.begun.wait()
        assert STAGE.plan is not None
        self.enter(STAGE.plan)

    def enter(self, plan: Plan) -> None:
        """Connect."""

    def take(self) -> None:
        """Take what is due next and wait until it is."""
        self.number, self.due = STAGE.next(self.what)
        self.wait()

    def wait_time(self) -> float:
        """Seconds until what was taken is due; none where it is late."""
        return max(0.0, self.due - time.time())

    def write_down(self, name: str, outcome: str, why: str, begun: float, trace: str = "") -> None:
        """Keep what came of it. Locust hears how long it took since it was due."""
        ended = time.time()
        STAGE.lines.append([self.what, self.number, name, outcome, why, self.due, begun, ended, trace])
        self.environment.events.request.fire(
            request_type=self.what,
            name=name,
            response_time=(ended - self.due) * 1000,
            response_length=0,
            exception=RuntimeError(why) if outcome == "failed" else None,
            context={},
        )


class Person(Busy):
    """Does deeds, as people at the systems' screens do them."""

    what = "deed"

    def enter(self, plan: Plan) -> None:
        self.control = Control(plan.control, plan.token)
        self.world = BusyWorld(self.control)

    @task
    def do(self) -> None:
        """Do the deed that is due."""
        self.take()
        assert STAGE.plan is not None
        begun = time.time()
        trace, header = traceparent(self.world.seed, self.number, begun)
        self.control.follow(header)
        pace = SHAPES[STAGE.plan.shape].pace
        found = perform(self.world, STAGE.office, self.number, pace=pace, size=STAGE.plan.size)
        self.write_down(found.deed, found.outcome, found.why, begun, trace)


class Client(Busy):
    """Calls the systems' faces, as programs beside the integration do."""

    what = "call"

    def enter(self, plan: Plan) -> None:
        if not STAGE.landscape:
            STAGE.landscape = Control(plan.control, plan.token).get("/landscape")
        self.program = Program(STAGE.landscape)

    @task
    def call(self) -> None:
        """Make the call that is due."""
        self.take()
        begun = time.time()
        name, outcome, why = self.program.call(self.number)
        self.write_down(name, outcome, why, begun)


# the processes


@events.init.add_listener
def prepare(environment: Any, **_: Any) -> None:
    """Know the plan where this process leads; else wait for it."""
    runner = environment.runner
    if isinstance(runner, runners.WorkerRunner):
        runner.register_message("begin", told)
        events.report_to_master.add_listener(hand_in)
        return
    said = orjson.loads(os.environ["COUNTERFOIL_LOAD"])
    plan = Plan(**said["plan"])
    Person.fixed_count, Client.fixed_count = plan.users, plan.clients
    lines = Path(said["lines"]).open("ab", buffering=0)  # noqa: SIM115

    def keep(found: list[list[Any]]) -> None:
        if found:
            lines.write(b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in found))

    def drain() -> None:
        found, STAGE.lines = STAGE.lines, []
        keep(found)

    def keep_writing() -> None:
        while True:
            gevent.sleep(0.2)
            drain()

    def begin(**_: Any) -> None:
        at = time.time() + HEAD_START
        if isinstance(runner, runners.MasterRunner):
            for first, name in enumerate(runner.clients):
                share = {"plan": plan.as_data(), "begin": at, "first": first, "step": len(runner.clients)}
                runner.send_message("begin", share, name)
        else:
            STAGE.open(plan, at, 0, 1)
        gevent.spawn_later(at + plan.seconds - time.time(), runner.quit)

    events.spawning_complete.add_listener(begin)
    events.worker_report.add_listener(lambda client_id, data: keep(data.get("lines", [])))
    events.quit.add_listener(lambda **_: drain())
    gevent.spawn(keep_writing)


def told(environment: Any, msg: Any, **_: Any) -> None:
    """The process that leads has said to begin."""
    said = msg.data
    STAGE.open(Plan(**said["plan"]), said["begin"], said["first"], said["step"])


def hand_in(client_id: str, data: dict[str, Any]) -> None:
    """Send what was written down to the process that leads."""
    found, STAGE.lines = STAGE.lines, []
    data["lines"] = found
