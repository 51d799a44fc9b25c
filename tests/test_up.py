"""`counterfoil up` as a process: what it prints, how it ends, and how it says no."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from counterfoil.commands.up import show
from counterfoil_mocks import config
from counterfoil_mocks.kernel.store import open_store
from counterfoil_mocks.landscape import Landscape
from counterfoil_mocks.roles import ROLES

Up = Callable[..., "subprocess.Popen[bytes]"]
COUNTERFOIL = (sys.executable, "-m", "counterfoil")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "COLUMNS": "120"}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Starts `counterfoil up`; what still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [*COUNTERFOIL, "up", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=ENVIRONMENT
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[bytes]) -> Any:
    """What it prints with --json when it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1].decode()
    return orjson.loads(line)


def get(url: str) -> tuple[int, Any]:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    connection.request("GET", where.path)
    reply = connection.getresponse()
    return reply.status, orjson.loads(reply.read())


def refused(*arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    """Exit code and complaint of an `up` that cannot be."""
    done = subprocess.run(
        [*COUNTERFOIL, "up", *arguments], capture_output=True, timeout=60, check=False, cwd=cwd, env=ENVIRONMENT
    )
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


def test_json_tells_where_everything_is_and_everything_is_there(up: Up) -> None:
    about = ready(up("--port-base", "0", "--size", "S", "--json"))
    assert [each["role"] for each in about["systems"]] == ["crm", "psa", "erp", "billing"]
    assert get(about["control"]["url"] + "/health")[0] == 200
    assert get(about["control"]["url"] + "/invariants")[1]["verdict"] in ("passed", "violated")
    for each in about["systems"]:
        assert get(each["url"] + "/__counterfoil/health")[0] == 200
        assert get(each["url"] + "/native/v1/openapi.json")[1]["openapi"].startswith("3.1")
    status, page = get(about["control"]["url"] + "/systems/erp/legal_entities")
    assert (status, len(page["items"]) > 0) == (200, True)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_when_told_to(up: Up, sign: signal.Signals) -> None:
    process = up("--port-base", "0")
    assert process.stdout is not None
    shown = b""
    while b"Ctrl-C" not in shown:
        line = process.stdout.readline()
        assert line, process.communicate()[1].decode()
        shown += line
    text = shown.decode()
    for word in (
        "crm",
        "psa",
        "erp",
        "billing",
        "native",
        "client_id",
        "client_secret",
        "access_token",
        "control plane",
    ):
        assert word in text
    process.send_signal(sign)
    output, complaint = process.communicate(timeout=20)
    assert (process.returncode, complaint) == (0, b""), (output, complaint)


def test_a_credential_stands_on_one_line_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    secret = "f1" * 40
    crm = {"name": "crm", "vendor": "native", "url": "http://127.0.0.1:8101", "credentials": {"client_secret": secret}}
    show({"systems": [crm], "control": {"url": "http://127.0.0.1:8100"}, "clock": "now", "seed": 1, "size": "S"})
    assert secret in capsys.readouterr().out


def test_it_stops_while_somebody_follows_the_journal(up: Up) -> None:
    process = up("--port-base", "0", "--json")
    where = urlsplit(ready(process)["control"]["url"])
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    connection.request("GET", "/journal", headers={"Accept": "text/event-stream"})
    reply = connection.getresponse()
    assert reply.readline().startswith(b"retry")
    process.terminate()
    assert process.wait(10) == 0


def free(port: int) -> bool:
    """Whether nobody has a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_default_ports_follow_the_base(up: Up) -> None:
    below = range(20_000, 32_000, 10)  # the ports that clients are given, which linger, are above
    base = next(each for each in below if all(map(free, range(each, each + 5))))
    about = ready(up("--port-base", str(base), "--json"))
    ports = [urlsplit(each["url"]).port for each in about["systems"]]
    assert (urlsplit(about["control"]["url"]).port, ports) == (base, [base + 1, base + 2, base + 3, base + 4])


def test_a_taken_port_is_exit_code_3() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = refused("--port-base", str(port))
    assert code == 3
    assert f"Port {port} of 127.0.0.1, wanted for the control plane" in said
    assert "--port-base 9100" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--crm", "acme"), "there is no vendor 'acme'"),
        (("--size", "Q"), "size"),
        (("--store", "mysql://x"), "none of `memory`"),
        (("--store", "sqlite:////nowhere/at/all/firm.db"), "Its folder must be there"),
        (("--port-base", "70000"), "port_base"),
        (("missing.yaml",), "cannot be read"),
        (("--colour",), "No such option"),
    ],
)
def test_wrong_usage_is_exit_code_2_in_one_sentence(arguments: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    code, said = refused(*arguments, cwd=tmp_path)
    assert code == 2
    assert sentence in said
    assert "Traceback" not in said


def test_a_database_server_that_does_not_answer_is_exit_code_3() -> None:
    pytest.importorskip("psycopg")
    code, complaint = refused("--store", "postgresql://nobody@127.0.0.1:1/firm", "--port-base", "0")
    assert code == 3
    assert complaint.count("\n") == 1
    assert "The store postgresql://nobody@127.0.0.1:1/firm cannot be opened" in complaint
    assert "refused" in complaint


@pytest.mark.parametrize(
    ("store", "other"),
    [
        ("postgresql://u@h/firm", "postgresql://u@h/firm_gw1_2"),
        ("postgresql://u@h:5432/firm?sslmode=disable", "postgresql://u@h:5432/firm_gw1_2?sslmode=disable"),
        ("sqlite:////a.b/firm", "sqlite:////a.b/firm_gw1_2"),
        ("sqlite:///firm.db", "sqlite:///firm_gw1_2.db"),
    ],
)
def test_a_store_beside_another_has_its_name_and_a_mark(store: str, other: str) -> None:
    assert config.beside(store, "gw1", "2") == other


def test_a_store_that_is_wanted_anew_forgets_what_it_held_and_no_other(up: Up, tmp_path: Path) -> None:
    for name in ("firm", "firm_gw1"):
        first = up("--port-base", "0", "--size", "S", "--seed", "7", "--store", f"sqlite:///{name}.db", "--json")
        ready(first)
        first.terminate()
        first.wait(20)
    again = up("--port-base", "0", "--seed", "8", "--store", "sqlite:///firm.db", "--json", "--anew")
    assert ready(again)["seed"] == 8
    code, complaint = refused("--seed", "8", "--store", "sqlite:///firm_gw1.db", "--port-base", "0", cwd=tmp_path)
    assert (code, "made with seed 7, not 8" in complaint) == (2, True)


def test_a_store_in_files_is_of_one_landscape_at_a_time(up: Up, tmp_path: Path) -> None:
    words = ("--port-base", "0", "--size", "empty", "--store", "sqlite:///firm.db")
    first = up(*words, "--json")
    ready(first)
    for more in ((), ("--anew",)):
        code, said = refused(*words, *more, cwd=tmp_path)
        assert (code, "another landscape is at work in these files; stop it, or name another store" in said) == (
            3,
            True,
        )
    first.kill()
    first.wait(20)
    ready(up(*words, "--json"))


def test_a_store_of_another_version_is_refused_with_its_remedy_and_stays_as_it_is(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'firm.db'}"
    open_store(store, ROLES).close()
    changed = sqlite3.connect(tmp_path / "firm.erp.db")
    changed.execute("ALTER TABLE outbox DROP COLUMN extra")
    changed.execute("DROP TABLE timer")
    changed.commit()
    code, said = refused("--store", store, cwd=tmp_path)
    assert (code, "Traceback" in said) == (2, False)
    assert "another version of Counterfoil made it (erp.outbox lacks the column extra)" in said
    assert "name another, empty store" in said
    assert changed.execute("SELECT count(*) FROM sqlite_master WHERE name = 'timer'").fetchone() == (0,)
    changed.close()


def test_a_store_belongs_to_one_seed_and_size(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'firm.db'}"
    Landscape.build({"size": "empty", "store": store}).store.close()
    code, said = refused("--store", store, "--size", "S", cwd=tmp_path)
    assert (code, "was made with size empty, not S; ask for the same" in said) == (2, True)
    code, said = refused("--store", store, "--size", "empty", "--seed", "2", cwd=tmp_path)
    assert (code, "was made with seed 1, not 2; ask for the same" in said) == (2, True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("systems: [", "is not YAML at line 1"),
        ("- crm", "a landscape is a mapping"),
        ("colour: red", "colour: unknown key; known here: seed, size"),
        ("systems: {crm: {colour: red}}", "systems.crm.colour: unknown key; known here: role, vendor"),
        ("systems: {crm: {webhooks: [{address: x}]}}", "systems.crm.webhooks.0.url"),
        (
            "systems: {crm: {webhooks: [{url: http://x, type: y}]}}",
            "webhooks.0.type: unknown key; known here: url, types, secret",
        ),
        ("systems: {shop: {}}", "say its role"),
        ("host: 0.0.0.0", "needs a `token`"),
        ("systems: {crm: {webhooks: [{url: shop.test}]}}", "systems.crm.webhooks.0.url: "),
        ("limits: {crn: {rate: 5}}", "limits.crn: there is no such system; there is crm, psa, erp, billing"),
        ("limits: {crm: {rte: 5}}", "limits.crm.rte: unknown key; known here: rate, burst, concurrent, daily"),
        ("limits: {crm: {rate: -1}}", "limits.crm.rate: "),
        (
            "systems: {crm: {vendor: salesforce, settings: {usrname: x}}}",
            "systems.crm.settings.usrname: salesforce has no such setting; it has username, password",
        ),
        ("systems: {erp: {settings: {role: x}}}", "systems.erp.settings.role: native has no such setting"),
    ],
)
def test_a_broken_file_is_exit_code_2_in_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "firm.yaml").write_text(text)
    code, said = refused("firm.yaml", cwd=tmp_path)
    assert (code, "Traceback" in said) == (2, False)
    assert sentence in said
    assert "firm.yaml" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("outbound:Contact(Id, Account.Name)", "Contact has no field Account.Name. Name fields of the object itself."),
        ("outbound:Contact(Id WHERE Nope = 1)", "No such column 'Nope' on entity 'Contact'."),
    ],
)
def test_a_webhook_of_events_that_the_vendor_has_not_is_exit_code_2(wanted: str, sentence: str, tmp_path: Path) -> None:
    hook = f"{{url: 'http://127.0.0.1:9/x', types: ['{wanted}']}}"
    (tmp_path / "firm.yaml").write_text(f"size: empty\nsystems: {{crm: {{vendor: salesforce, webhooks: [{hook}]}}}}\n")
    code, said = refused("firm.yaml", cwd=tmp_path)
    assert (code, "Traceback" in said) == (2, False)
    assert "systems.crm.webhooks.0.types: " in said
    assert sentence in said
    assert said.count("\n") == 1


def test_another_interface_takes_its_token_from_the_environment(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--host", "0.0.0.0", "--port-base", "0", "--size", "empty", "--json")
    code, said = refused(*words)
    assert (code, "needs a `token` (the file's, or COUNTERFOIL_TOKEN in the environment)" in said) == (2, True)
    monkeypatch.setitem(ENVIRONMENT, "COUNTERFOIL_TOKEN", "of-the-tests")
    about = ready(up(*words))
    assert about["control"]["token"] == "of-the-tests"
    assert get(about["control"]["url"] + "/landscape")[0] == 401


def test_a_file_is_read_and_the_command_line_has_the_last_word(up: Up, tmp_path: Path) -> None:
    (tmp_path / "firm.yaml").write_text("seed: 7\nsize: empty\nport_base: 0\nsystems: {crm: {}, crm-b: {role: crm}}\n")
    about = ready(up("firm.yaml", "--seed", "8", "--json"))
    assert (about["seed"], about["size"]) == (8, "empty")
    assert [each["name"] for each in about["systems"]] == ["crm", "crm-b"]


def test_help_answers_at_once() -> None:
    took = []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([*COUNTERFOIL, "--help"], capture_output=True, check=True, env=ENVIRONMENT)
        took.append(time.perf_counter() - started)
    assert b"up" in done.stdout
    assert min(took) < 1.0  # 0.3 s on a machine that has nothing else to do


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, runpy\nsys.argv = ['counterfoil', '--help']\n"
        "try:\n    runpy.run_module('counterfoil', run_name='__main__')\nexcept SystemExit:\n    pass\n"
        "print([each for each in ('fastapi', 'sqlalchemy', 'pydantic', 'aiohttp', 'pytest', 'faker') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=ENVIRONMENT)
    assert done.stdout.decode().splitlines()[-1] == "[]"


def test_a_landscape_that_nobody_asks_from_above_loads_neither_framework_nor_client() -> None:
    program = (
        "import asyncio, sys\nfrom counterfoil.commands import up\nfrom counterfoil_mocks.landscape import Landscape\n"
        "built = Landscape.build(up.wanted(None, {}, {'port_base': 0, 'size': 'S'}))\nup.mount(built)\n"
        "async def life():\n    await built.start()\n"
        "    print([each for each in ('fastapi', 'aiohttp', 'jinja2', 'lark') if each in sys.modules])\n"
        "    await built.stop()\n"
        "asyncio.run(life())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=ENVIRONMENT)
    assert done.stdout.decode().splitlines()[-1] == "[]"


@pytest.mark.skipif(sys.platform == "win32", reason="names of open files cannot be taken away there")
def test_a_landscape_in_memory_leaves_nothing_on_the_disk_however_it_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "counterfoil", "up", "--port-base", "0", "--size", "empty", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**ENVIRONMENT, "TMPDIR": str(tmp_path)}) as process:
        assert process.stdout is not None
        about = orjson.loads(process.stdout.readline())
        crm = next(each for each in about["systems"] if each["role"] == "crm")
        address = urlsplit(crm["url"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        headers = {"Authorization": f"Bearer {crm['credentials']['access_token']}"}
        for number in range(1_200):
            body = orjson.dumps({"name": f"Customer {number}", "country": "US"})
            connection.request("POST", "/native/v1/customers", body, {**headers, "Content-Type": "application/json"})
            assert connection.getresponse().read()
        control = urlsplit(about["control"]["url"])
        asking = http.client.HTTPConnection(control.hostname or "", control.port)
        asking.request("GET", "/journal?kind=request&since=1100&limit=1000")
        assert len(orjson.loads(asking.getresponse().read())["items"]) > 50
        process.kill()
    assert list(tmp_path.iterdir()) == []
