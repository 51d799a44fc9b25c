"""A landscape in PostgreSQL: statements, images, a server that goes away, and scenarios that end as they do in memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from tests.conftest import POSTGRES, own_database

from counterfoil_mocks import config
from counterfoil_mocks.kernel.errors import StoreAway
from counterfoil_mocks.kernel.journal import COLUMNS
from counterfoil_mocks.kernel.postgres import PostgresStore
from counterfoil_mocks.kernel.postgres_connection import translated
from counterfoil_mocks.kernel.store import open_store
from counterfoil_mocks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Running

needs_server = pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL server: set COUNTERFOIL_TEST_POSTGRES")


def test_statements_are_put_into_the_drivers_style() -> None:
    assert translated("SELECT '?:x%' AS a FROM t WHERE b = ? AND c LIKE '%y'") == (
        "SELECT '?:x%%' AS a FROM t WHERE b = %s AND c LIKE '%%y'"
    )
    assert translated("UPDATE t SET a = :a, b = b % 2 WHERE c::text = :c") == (
        "UPDATE t SET a = %(a)s, b = b %% 2 WHERE c::text = %(c)s"
    )


@needs_server
def test_a_database_belongs_to_one_landscape_at_a_time() -> None:
    with own_database() as url:
        first = open_store(url, ROLES)
        with pytest.raises(ValueError, match="another landscape"):
            open_store(url, ROLES)
        first.close()
        open_store(url, ROLES).close()


@needs_server
def test_a_database_that_is_not_there_is_made_and_one_in_use_is_exit_code_3() -> None:
    with own_database() as url:
        further = config.beside(url, "further")
        try:
            first = open_store(further, ROLES)
            command = [sys.executable, "-m", "counterfoil", "up", "--store", further, "--port-base", "0"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout) == (3, "")
            assert "another landscape is at work in this database" in done.stderr
            first.close()
        finally:
            with psycopg.connect(url, autocommit=True) as server:
                server.execute(f"DROP DATABASE {further.rpartition('/')[2]} WITH (FORCE)")


@needs_server
def test_a_database_of_another_version_is_refused() -> None:
    with own_database() as url:
        first = open_store(url, ROLES)
        first.execute("ALTER TABLE erp.customer ADD COLUMN colour text NOT NULL DEFAULT ''")
        first.close()
        with pytest.raises(ValueError, match=r"another version .*erp\.customer has a column colour"):
            open_store(url, ROLES)


@needs_server
def test_an_image_is_put_back_row_for_row() -> None:
    with own_database() as url:
        store = open_store(url, ROLES)
        store.execute(
            "INSERT INTO crm.timer (system, at, kind, key, payload) VALUES (?, ?, ?, ?, ?)",
            ("crm", "1", "k", "a", "{}"),
        )
        image = store.image("crm")
        store.execute("DELETE FROM crm.timer")
        store.put_image("crm", image)
        assert [row["key"] for row in store.rows("SELECT key FROM crm.timer")] == ["a"]
        store.close()


@needs_server
def test_rows_are_poured_into_a_log_once_whoever_says_them_again() -> None:
    def entry(seq: int, path: str) -> tuple[object, ...]:
        said = {"seq": seq, "kind": "request", "system": "crm", "at": "2026-01-05T15:00:00.000Z", "wall": 1.5}
        return tuple(map((said | {"path": path, "status": 200}).get, COLUMNS))

    with own_database() as url:
        store = open_store(url, ROLES)
        first = [entry(1, "/one"), entry(2, "/t\tw\no\\ \u00fc \0.")]
        store.pour("journal.entry", COLUMNS, first)
        store.pour("journal.entry", COLUMNS, [*first, entry(3, "/three")])
        found = store.execute("SELECT seq, path, wall, status, key FROM journal.entry ORDER BY seq").fetchall()
        assert found == [
            (1, "/one", 1.5, 200, None),
            (2, "/t\tw\no\\ \u00fc \ufffd.", 1.5, 200, None),
            (3, "/three", 1.5, 200, None),
        ]
        store.close()


@needs_server
def test_a_server_that_hangs_up_is_dialled_again() -> None:
    with own_database() as url:
        store = open_store(url, ROLES)
        assert isinstance(store, PostgresStore)
        store.set_meta("kept", "yes")
        store.connection.driver.close()
        assert store.meta("kept") == "yes"
        store.connection.driver.close()
        with store.transaction("crm"):
            store.set_meta("kept", "still")
        assert store.meta("kept") == "still"
        store.close()


@needs_server
def test_a_server_that_is_gone_without_a_word_has_its_own_error_whatever_was_being_said() -> None:
    def gone(store: PostgresStore) -> None:
        with socket.socket(fileno=os.dup(store.connection.driver.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)

    with own_database() as url:
        store = open_store(url, ROLES)
        assert isinstance(store, PostgresStore)
        gone(store)
        store.begin("crm")  # nothing is lost yet: it dials again
        store.set_meta("mark", "lost")
        gone(store)
        with pytest.raises(StoreAway):
            store.commit()
        store.rollback()
        assert store.meta("mark") is None
        store.close()


@needs_server
def test_scenarios_pass_over_one_process(tmp_path: Path) -> None:
    """Over two, `make test-postgres` tells all of them."""
    with own_database() as url:
        said = {"size": "S", "store": url}
        (tmp_path / "landscape.yaml").write_text(yaml.safe_dump(said))
        command = [
            sys.executable,
            "-m",
            "counterfoil",
            "run",
            "S-01",
            "S-24",
            "S-33",
            "S-38",
            "--landscape",
            "landscape.yaml",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_server
def test_what_is_wrong_with_processes_is_told(launch: Callable[..., Running]) -> None:
    with pytest.raises(config.Unusable, match="postgresql"):
        config.understood({"processes": 2, "store": "memory"}, "landscape.yaml")
