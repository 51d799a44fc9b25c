"""Snapshots: whatever happens after one, going back gives the same state byte for byte, at a cost that follows what changed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

TABLES = ("history", "outbox", "delivery", "timer", "sequence", "idempotency")


def export(running: Any) -> bytes:
    return bytes(running.call("GET", "/export").raw)


def kernel(running: Any) -> Any:
    async def read() -> Any:
        store = running.landscape.store
        return {
            (schema, table): store.rows(f"SELECT * FROM {schema}.{table} ORDER BY 1, 2")
            for schema in running.landscape.store.roles
            for table in TABLES
        }

    return running.run(read())


def snapshot(running: Any, label: str = "here") -> str:
    return str(running.call("POST", "/snapshots", {"label": label}).json["id"])


def restore(running: Any, snapshot_id: str, **body: str) -> Any:
    reply = running.call("POST", f"/snapshots/{snapshot_id}/restore", body)
    assert reply.status == 200, reply.raw
    return reply.json


def busy_day(running: Any, name: str) -> None:
    """Records made, changed, deleted; a document with lines; time passed."""
    customer = running.customer(name)
    running.rename(customer, f"{name} Ltd")
    for each in running.call("GET", "/systems/crm/customers").json["items"]:
        running.call("PATCH", f"/systems/crm/customers/{each['id']}", {"custom": {"seen_by": name}})
    running.call("DELETE", f"/systems/crm/customers/{running.customer(name + ' Two')['id']}")
    card = {"code": f"CARD-{name}", "ccy": "USD", "rows": [{"level": "C", "rate": "175.00"}]}
    assert running.call("POST", "/systems/crm/rate_cards", card).status in (201, 422)
    body = {"external_id": name, "name": name, "country": "US"}
    assert running.native("billing", "POST", "/customers", body, Idempotency_Key=name).status == 201
    running.call("POST", "/clock/advance", {"days": 2})


@pytest.fixture(params=["memory", "roomy", "sqlite"])
def either(request: Any, tmp_path: Path, launch: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A landscape in memory, one that is too large for that, and one in a file."""
    if request.param == "roomy":
        monkeypatch.setattr("counterfoil_mocks.firm.roomy", lambda size: True)
    return launch(store=f"sqlite:///{tmp_path / 'firm.db'}" if request.param == "sqlite" else "memory")


def test_going_back_gives_the_same_state_byte_for_byte(either: Any) -> None:
    busy_day(either, "Monday")
    before, rows, now = export(either), kernel(either), either.now
    mark = snapshot(either)
    busy_day(either, "Tuesday")
    assert export(either) != before
    restore(either, mark)
    assert export(either) == before
    assert kernel(either) == rows
    assert either.now == now


def test_one_can_go_back_again_and_again(either: Any) -> None:
    mark = snapshot(either)
    before = export(either)
    for name in ("one", "two", "three"):
        busy_day(either, name)
        restore(either, mark)
        assert export(either) == before


def test_a_later_snapshot_stays_restorable(either: Any) -> None:
    states = {}
    for name in ("a", "b", "c"):
        states[snapshot(either, name)] = (export(either), kernel(either))
        busy_day(either, name)
    first, second, third = states
    for target in (first, third, second, third, first, second):
        restore(either, target)
        assert (export(either), kernel(either)) == states[target]


def test_a_snapshot_on_a_side_branch_stays_restorable(either: Any) -> None:
    root = snapshot(either)
    busy_day(either, "left")
    left, left_state = snapshot(either), export(either)
    restore(either, root)
    busy_day(either, "right")
    right, right_state = snapshot(either), export(either)
    busy_day(either, "further")
    restore(either, left)
    assert export(either) == left_state
    restore(either, right)
    assert export(either) == right_state


def test_ids_and_event_ids_are_new_after_a_restore(running: Any) -> None:
    mark = snapshot(running)
    made = [running.customer("Acme")]
    events = [running.call("GET", "/journal?kind=event&newest=true&limit=1").json["items"][0]["event_id"]]
    for _ in range(2):
        restore(running, mark)
        made.append(running.customer("Acme"))
        events.append(running.call("GET", "/journal?kind=event&newest=true&limit=1").json["items"][0]["event_id"])
    assert len({each["id"] for each in made}) == 3
    assert len(set(events)) == 3
    assert {each["key"] for each in made} == {"CU-000001"}


def test_the_same_label_restored_as_often_gives_the_same_ids(launch: Any) -> None:
    ids = []
    for _ in range(2):
        running = launch(seed=7)
        mark = snapshot(running)
        restore(running, mark, label="S-01")
        ids.append(running.customer("Acme")["id"])
        restore(running, mark, label="S-02")
        restore(running, mark, label="S-01")
        ids.append(running.customer("Acme")["id"])
        running.close()
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


def test_tokens_and_the_integrations_subscriptions_survive(running: Any) -> None:
    mark = snapshot(running)
    credentials = running.call("GET", "/landscape").json["systems"][0]["credentials"]
    asked = {"grant_type": "client_credentials", **{name: credentials[name] for name in ("client_id", "client_secret")}}
    token = running.native("crm", "POST", "/oauth/token", asked).json["access_token"]
    receiver = running.listen(subscribe=False)
    running.call("PUT", "/integration", {"name": "mine", "quiet_ms": 0, "webhooks": {"crm": receiver.url}})
    running.native("crm", "POST", "/webhooks", {"url": receiver.url})
    restore(running, mark)
    running.customer("Acme")
    running.settle()
    assert len(receiver.heard) == 1
    url = running.landscape.urls["crm"]
    reply = running.call("GET", "/native/v1/customers", None, {"Authorization": f"Bearer {token}"}, base=url)
    assert reply.status == 200
    running.call("DELETE", "/integration")
    running.customer("Nobody hears")
    running.settle()
    assert len(receiver.heard) == 1


def test_subscriptions_made_by_nobody_in_particular_go_with_the_state(running: Any) -> None:
    mark = snapshot(running)
    receiver = running.listen()
    restore(running, mark)
    running.customer("Acme")
    running.settle()
    assert receiver.heard == []


def test_a_delivery_on_its_way_does_not_outlive_a_restore(running: Any) -> None:
    receiver = running.listen()
    mark = snapshot(running)
    receiver.delay = 0.3
    running.customer("Acme")
    restore(running, mark)
    receiver.delay = 0
    running.customer("Beta")
    assert running.settle()["settled"]
    assert running.call("GET", "/deliveries").json["items"][0]["key"] == "CU-000001"
    assert receiver.heard[-1].event["data"]["after"]["name"] == "Beta"


def test_deliveries_that_waited_at_the_snapshot_wait_again(running: Any) -> None:
    receiver = running.listen()
    receiver.answers = [500]
    running.customer("Acme")
    running.rest()
    (waiting,) = running.call("GET", "/deliveries").json["items"]
    mark = snapshot(running)
    running.settle()
    assert running.call("GET", "/deliveries").json["items"][0]["state"] == "DELIVERED"
    restore(running, mark)
    assert running.call("GET", "/deliveries").json["items"] == [waiting]
    running.settle()
    assert len(receiver.heard) == 3


def test_a_reset_goes_back_to_the_seed_and_mends_everything(running: Any) -> None:
    before = export(running)
    running.call("POST", "/faults", [{"kind": "latency", "ms": 1}])
    busy_day(running, "Monday")
    assert running.call("POST", "/reset").status == 200
    assert export(running) == before
    assert running.call("GET", "/faults").json["items"] == []
    assert running.now == "2026-01-05T15:00:00.000Z"


def test_an_unknown_snapshot_is_not_found(running: Any) -> None:
    assert running.call("POST", "/snapshots/snap_99/restore").status == 404


def test_the_cost_follows_what_changed_and_not_what_there_is(launch: Any) -> None:
    running = launch(size="S")
    mark = snapshot(running)
    for number in range(20):
        running.customer(f"C{number}")
    restore(running, mark)
    running.customer("Warm")
    started = time.perf_counter()
    restore(running, mark)
    took = time.perf_counter() - started
    running.close()
    assert took < 0.1


def test_the_seeded_state_outlives_the_process(tmp_path: Path, launch: Any) -> None:
    store = f"sqlite:///{tmp_path / 'firm.db'}"
    first = launch(store=store)
    before = export(first)
    busy_day(first, "Monday")
    after, now = export(first), first.now
    first.close()
    second = launch(store=store)
    assert (export(second), second.now) == (after, now)
    second.call("POST", "/reset")
    assert export(second) == before
    second.close()
