"""What vendors' query languages ask of a PostgreSQL store is answered by a copy that is at every moment what the server has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import POSTGRES, START, Desk, own_store

from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.errors import StoreAway
from counterfoil_mocks.kernel.mirror import Mirror
from counterfoil_mocks.kernel.postgres import PostgresStore
from counterfoil_mocks.kernel.snapshot import Snapshots
from counterfoil_mocks.kernel.store import Store, open_store
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.kernel.tx import Tx, changed, made
from counterfoil_mocks.roles import ROLES

pytestmark = pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL server: set COUNTERFOIL_TEST_POSTGRES")


class GivenUp(Exception):
    """What ends a deed that shall not be."""


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """A desk in a CRM that nobody else uses."""
    with own_store() as store:
        yield Desk(System("crm", ROLES["crm"], store, World(Clock(START))))


@pytest.fixture
def marks(desk: Desk) -> Snapshots:
    return Snapshots(desk.system.store, {"crm": desk.system}, desk.system.world)


def card(desk: Desk, code: str) -> Any:
    """A document with lines."""
    rows = [{"level": "C", "rate": 1_750_000}, {"level": "M", "rate": 2_255_000}]
    return desk.create("rate_card", code=code, ccy="USD", rows=rows)


def busy(desk: Desk, name: str) -> None:
    """Records made, changed and deleted; one with lines; a deed that is given up."""
    customer = desk.create("customer", name=name, country="US", custom={"Élan__c": [1, {"a": None}], "flag": True})
    desk.change("customer", customer["id"], name=f"{name} Ltd")
    desk.delete("customer", desk.create("customer", name=f"{name} gone", country="DE")["id"])
    card(desk, f"CARD-{name}")
    with pytest.raises(GivenUp):
        give_up(desk, f"{name} never")


def give_up(desk: Desk, name: str) -> None:
    """Begin a deed, look at it, and give it up."""
    with Tx(desk.system, desk.origin) as tx:
        made(tx, tx.role.by_name["customer"], {"name": name, "country": "US"})
        with desk.system.store.local("crm") as seen:
            assert name in names(seen)
        raise GivenUp


def names(store: Store) -> set[str]:
    return {row["name"] for row in store.rows("SELECT name FROM crm.customer")}


def everything(store: Store) -> dict[str, list[str]]:
    """All rows of the CRM's records and of their history, but for what is kept rendered."""
    entities = [store.table("crm", each.name) for each in store.roles["crm"].entities]
    tables = ["history", *(each.name for entity in entities for each in entity.layouts)]
    return {table: sorted(map(written, store.rows(f"SELECT * FROM crm.{table}"))) for table in tables}


def written(row: dict[str, Any]) -> str:
    return repr({name: row[name] for name in sorted(row) if name != "shown"})


def same(desk: Desk) -> None:
    with desk.system.store.local("crm") as seen:
        assert seen is not desk.system.store
        assert everything(seen) == everything(desk.system.store)


def test_it_is_what_the_server_has_after_every_deed(desk: Desk) -> None:
    for name in ("one", "two", "three"):
        busy(desk, name)
        same(desk)
    assert len(everything(desk.system.store)["history"]) == 15


def test_it_is_read_once_and_then_only_what_has_changed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    same(desk)
    with desk.system.store.local("crm") as before:
        pass
    monkeypatch.setattr(Mirror, "_read_all", None)
    busy(desk, "four")
    same(desk)
    with desk.system.store.local("crm") as after:
        assert after is before


def test_within_a_deed_it_shows_what_the_deed_has_written(desk: Desk) -> None:
    customer = desk.create("customer", name="Inside", country="US")
    with Tx(desk.system, desk.origin) as tx:
        for number in range(3):
            changed(tx, tx.role.by_name["customer"], customer["id"], {"name": f"Inside {number}"})
            with desk.system.store.local("crm") as seen:
                assert f"Inside {number}" in names(seen)
    same(desk)


def test_what_another_process_writes_is_seen(desk: Desk) -> None:
    same(desk)
    guest = open_store(desk.system.store.url, ROLES, guest=True)
    other = Desk(System("crm", ROLES["crm"], guest, World(desk.system.clock)))
    busy(other, "elsewhere")
    with desk.system.store.local("crm") as seen:
        assert "elsewhere Ltd" in names(seen)
    same(desk)
    same(other)
    guest.close()


@pytest.mark.parametrize("asked_between", [True, False])
def test_it_goes_back_and_forth_with_the_state(desk: Desk, marks: Snapshots, *, asked_between: bool) -> None:
    first = marks.take("first")
    busy(desk, f"after {asked_between}")
    second = marks.take("second")
    busy(desk, f"after {asked_between} too")
    for target in (second, first, second, first, first):
        if asked_between:
            same(desk)
        marks.restore(target.id)
        busy(desk, f"in another course of things {target.id} {asked_between}")
        same(desk)


def test_going_back_reads_again_what_was_touched_and_no_more(
    desk: Desk, marks: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    same(desk)
    mark = marks.take("here")
    busy(desk, "undone")
    same(desk)
    monkeypatch.setattr(Mirror, "_read_all", None)
    marks.restore(mark.id)
    same(desk)


def test_a_server_that_hangs_up_in_the_middle_of_a_deed_leaves_nothing_behind(desk: Desk) -> None:
    store = desk.system.store
    assert isinstance(store, PostgresStore)
    same(desk)
    with pytest.raises(StoreAway):
        hang_up(desk, store)
    with store.local("crm") as seen:
        assert "Cut off" not in names(seen)
    same(desk)


def hang_up(desk: Desk, store: PostgresStore) -> None:
    """Begin a deed, look at it, and have the server end the connection."""
    with Tx(desk.system, desk.origin) as tx:
        made(tx, tx.role.by_name["customer"], {"name": "Cut off", "country": "US"})
        with store.local("crm") as seen:
            assert "Cut off" in names(seen)
        guest = open_store(store.url, ROLES, guest=True)
        guest.execute("SELECT pg_terminate_backend(?)", (store.connection.driver.info.backend_pid,))
        guest.close()
        tx.get("customer", "nobody")
