"""Business time: it stands still, goes from timer to timer, and every wait ends by itself."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import conflict
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.roles import ROLES


def advance(running: Any, **body: Any) -> Any:
    return running.call("POST", "/clock/advance", body)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Timers of kind `bell` write down (system, payload, now); `refused` ones are refused."""
    heard: list[tuple[str, str, str]] = []

    def bell(tx: Tx, payload: dict[str, Any]) -> None:
        heard.append((tx.system.name, payload["name"], tx.now))
        if payload.get("again"):
            tx.set_timer("bell", payload["name"], clock.later(tx.now, days=1), payload)

    def refused(tx: Tx, payload: dict[str, Any]) -> None:
        raise conflict("NOT_NOW", "This cannot be done now.")

    for role in ROLES.values():
        monkeypatch.setitem(role.timers, "bell", bell)
        monkeypatch.setitem(role.timers, "refused", refused)
    return heard


def arm(running: Any, system: str, name: str, at: str, kind: str = "bell", **payload: Any) -> None:
    async def work() -> None:
        from counterfoil_mocks.kernel.system import Origin

        with Tx(running.landscape.systems[system], Origin()) as tx:
            tx.set_timer(kind, name, at, {"name": name, **payload})

    running.run(work())


def test_the_clock_stands_still_and_each_write_moves_it_by_a_millisecond(running: Any) -> None:
    before = running.now
    assert running.now == before
    running.customer("Acme")
    assert running.now == clock.later(before, milliseconds=1)


def test_advance_goes_to_an_instant_a_date_or_so_many_days_ahead(running: Any) -> None:
    assert advance(running, to="2026-01-31").json == {"now": "2026-01-31T00:00:00.000Z"}
    assert advance(running, to="2026-02-01T09:30:00+01:00").json == {"now": "2026-02-01T08:30:00.000Z"}
    assert advance(running, days=28).json == {"now": "2026-03-01T08:30:00.000Z"}
    assert advance(running, days=0).json == {"now": "2026-03-01T08:30:00.000Z"}


@pytest.mark.parametrize(
    "body",
    [
        {"to": "2020-01-01"},
        {"days": 401},
        {"days": -1},
        {"to": "2030-01-01"},
        {"to": "tomorrow"},
        {"to": "9999-99-99"},
        {},
        {"days": 1, "to": "2026-02-01"},
        {"days": "1"},
        {"days": 1.5},
        {"weeks": 1},
    ],
)
def test_a_target_that_cannot_be_is_refused_and_the_clock_stays(running: Any, body: Any) -> None:
    before = running.now
    reply = advance(running, **body)
    assert (reply.status, reply.headers["content-type"]) == (422, "application/problem+json")
    assert reply.json["code"] == "INVALID_FIELD"
    assert running.now == before


def test_timers_of_all_systems_run_in_their_order_each_at_its_own_instant(running: Any, rung: list[Any]) -> None:
    arm(running, "psa", "b", "2026-02-01T06:00:00.000Z")
    arm(running, "crm", "c", "2026-02-02T06:00:00.000Z")
    arm(running, "erp", "a", "2026-02-01T06:00:00.000Z")
    arm(running, "billing", "late", "2026-06-01T06:00:00.000Z")
    advance(running, to="2026-03-01")
    assert [(system, name) for system, name, _ in rung] == [("erp", "a"), ("psa", "b"), ("crm", "c")]
    assert [at[:16] for _, _, at in rung] == ["2026-02-01T06:00", "2026-02-01T06:00", "2026-02-02T06:00"]
    assert rung[0][2] < rung[1][2]
    assert running.now == "2026-03-01T00:00:00.000Z"


def test_a_timer_that_sets_itself_again_runs_every_time(running: Any, rung: list[Any]) -> None:
    arm(running, "billing", "daily", "2026-02-01T06:00:00.000Z", again=True)
    advance(running, to="2026-02-11")
    assert len(rung) == 10


def test_a_refused_timer_is_written_down_and_gone(running: Any, rung: list[Any]) -> None:
    arm(running, "crm", "x", "2026-02-01T06:00:00.000Z", kind="refused")
    assert advance(running, to="2026-03-01").status == 200
    (entry,) = running.call("GET", "/journal?kind=timer").json["items"]
    assert (entry["operation"], entry["key"], entry["status"]) == ("refused", "x", 409)
    assert "NOT_NOW" in entry["response"]


def test_what_a_timer_writes_is_the_schedules_doing(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    role = ROLES["crm"]

    def enrol(tx: Tx, payload: dict[str, Any]) -> None:
        tx.insert(role.by_name["customer"], {"name": payload["name"], "country": "US"})

    monkeypatch.setitem(role.timers, "enrol", enrol)
    receiver = running.listen()
    arm(running, "crm", "Acme", "2026-02-01T06:00:00.000Z", kind="enrol")
    advance(running, to="2026-02-02")
    assert [each.event["data"]["after"]["name"] for each in receiver.heard] == ["Acme"]

    async def read() -> Any:
        return running.landscape.store.rows("SELECT deed, actor, journal_seq FROM crm.history")

    (version,) = running.run(read())
    (entry,) = running.call("GET", "/journal?kind=timer").json["items"]
    assert version == {"deed": "enrol", "actor": "schedule", "journal_seq": entry["seq"]}


def test_time_stops_for_a_retry_on_the_way(running: Any, rung: list[Any]) -> None:
    receiver = running.listen()
    receiver.answers = [500]
    running.customer("Acme")
    arm(running, "crm", "later", "2026-02-01T06:00:00.000Z")
    advance(running, to="2026-03-01")
    first, second = running.call("GET", "/journal?kind=delivery").json["items"]
    assert clock.later(first["at"], seconds=10) == second["at"]
    assert len(rung) == 1


def test_settling_runs_the_timers_that_lie_before_a_retry(running: Any, rung: list[Any]) -> None:
    receiver = running.listen()
    receiver.answers = [500, 500]
    running.customer("Acme")
    arm(running, "crm", "soon", clock.later(running.now, seconds=30))
    arm(running, "crm", "tomorrow", clock.later(running.now, days=1))
    assert running.settle()["settled"]
    assert [name for _, name, _ in rung] == ["soon"]
    assert len(receiver.heard) == 3


def test_settling_without_anything_to_wait_for_is_at_once(running: Any) -> None:
    started = time.monotonic()
    assert running.call("GET", "/settled").json == {"settled": True, "moving": []}
    assert time.monotonic() - started < 0.5


def test_settling_waits_for_silence(running: Any) -> None:
    running.customer("Acme")
    running.native("crm", "GET", "/customers")
    started = time.monotonic()
    assert running.settle(quiet_ms=300)["settled"]
    assert 0.2 < time.monotonic() - started < 3


def test_who_polls_is_at_rest_when_nothing_has_been_written_for_a_poll_and_the_quiet_time(running: Any) -> None:
    done = threading.Event()

    def poll() -> None:
        while not done.wait(0.05):
            running.native("crm", "GET", "/customers")

    polling = threading.Thread(target=poll)
    polling.start()
    try:
        running.call("PUT", "/integration", {"name": "mine", "quiet_ms": 100, "poll_ms": 400})
        running.customer("Acme")
        started = time.monotonic()
        assert running.call("GET", "/settled?timeout_ms=10000").json["settled"]
        assert 0.4 < time.monotonic() - started < 5
    finally:
        done.set()
        polling.join()


def test_settling_asks_an_integration_that_can_say_that_it_is_idle(running: Any) -> None:
    receiver = running.listen(subscribe=False)
    receiver.bodies = [b'{"idle":false}', b'{"idle":false}', b'{"idle":true}']
    running.call("PUT", "/integration", {"name": "mine", "idle_url": receiver.url, "quiet_ms": 60_000})
    started = time.monotonic()
    assert running.call("GET", "/settled").json["settled"]
    assert time.monotonic() - started < 5
    assert len(receiver.heard) == 3
    assert "wait" in receiver.heard[0].headers["prefer"]


def test_settling_gives_up_at_its_limit_and_says_what_moves(running: Any) -> None:
    receiver = running.listen()
    receiver.delay = 3
    running.customer("Acme")
    found = running.settle(timeout_ms=200)
    assert found["settled"] is False
    assert found["moving"][0]["what"] == "delivery"
    assert found["moving"][0]["type"] == "com.counterfoil.crm.account.created.v1"


def test_settling_ends_as_soon_as_the_last_delivery_does(running: Any) -> None:
    receiver = running.listen()
    receiver.delay = 0.4
    running.customer("Acme")
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(running.settle()))
    started = time.monotonic()
    waiting.start()
    waiting.join(10)
    assert found[0]["settled"]
    assert 0.2 < time.monotonic() - started < 2


def test_settling_beside_somebody_else_keeps_to_its_own_limit(running: Any) -> None:
    receiver = running.listen()
    receiver.delay = 3
    running.customer("Acme")
    other = threading.Thread(target=running.settle)
    other.start()
    started = time.monotonic()
    assert running.settle(timeout_ms=300)["settled"] is False
    assert time.monotonic() - started < 2
    other.join(10)


def test_settling_gives_up_at_its_limit_however_many_retries_there_are(running: Any) -> None:
    running.listen()
    running.call("POST", "/faults", [{"kind": "delay", "operation": "*", "seconds": 60.0, "every": 1}])
    for number in range(30):
        running.customer(f"Acme {number}")
    assert running.settle(timeout_ms=1)["settled"] is False
    assert running.settle(timeout_ms=30_000)["settled"]


def test_a_clock_that_flows_moves_by_itself_and_does_what_comes_due(running: Any, rung: list[Any]) -> None:
    arm(running, "crm", "soon", clock.later(running.now, hours=1))
    assert running.call("POST", "/clock/flow", {"rate": 36_000}).json["rate"] == 36_000
    wait_for(lambda: rung, "the timer fires")
    assert rung[0][1] == "soon"
    stopped = running.call("POST", "/clock/flow", {"rate": 0}).json
    assert stopped["rate"] == 0
    assert running.now == stopped["now"]


def test_a_clock_that_flows_stands_still_again_after_a_reset(running: Any) -> None:
    before = running.now
    running.call("POST", "/clock/flow", {"rate": 1000})
    wait_for(lambda: running.now > clock.later(before, seconds=10), "time passes")
    running.call("POST", "/reset")
    assert running.landscape.rest.rate == 0
    assert running.now == before


def test_the_queues_are_counted(running: Any) -> None:
    def counts() -> Any:
        return running.call("GET", "/queues").json["deliveries"]

    empty = {"flying": 0, "ready": 0, "behind": 0, "later": 0}
    assert counts() == empty
    running.listen().answers = [500]
    running.rename(running.customer("Acme"), "Acme Ltd")
    wait_for(
        lambda: counts() == {**empty, "behind": 1, "later": 1},
        "the second waits behind the first, which waits for its retry",
    )
    assert running.settle()["settled"]
    assert counts() == empty


def wait_for(what: Any, sentence: str) -> None:
    limit = time.monotonic() + 10
    while not what():
        assert time.monotonic() < limit, sentence
        threading.Event().wait(0.02)
