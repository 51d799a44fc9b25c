"""`counterfoil doctor`: each common mistake is found and told with its remedy."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Start = Callable[..., Any]
Mend = Callable[[dict[str, Any]], object]


@pytest.fixture
def sample(cli: Start, tmp_path: Path) -> Callable[[Mend], None]:
    """The files that `init` writes, with something changed in the descriptor."""
    assert cli("init").code == 0
    path = tmp_path / "integration.yaml"

    def change(how: Mend) -> None:
        said = yaml.safe_load(path.read_text())
        how(said)
        path.write_text(yaml.safe_dump(said))

    return change


def ailing(cli: Start, *words: str) -> tuple[int, dict[str, str]]:
    """What the doctor says is wrong with the sample: the exit code, and the sentences by check."""
    done = cli("doctor", "--integration", "integration.yaml", "--json", *words)
    assert done.out, done.err
    found = [each for each in done.json["findings"] if not each["ok"]]
    assert all(each["remedy"] for each in found)
    told: dict[str, str] = {}
    for each in found:
        told[each["check"]] = f"{told.get(each['check'], '')} {each['sentence']}"
    return done.code, told


def test_nothing_is_wrong_with_what_init_writes(cli: Start, sample: Callable[[Mend], None]) -> None:
    assert ailing(cli, "--landscape", "landscape.yaml") == (0, {})


def test_a_taken_port_is_named(cli: Start, sample: Callable[[Mend], None], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (tmp_path / "landscape.yaml").write_text(f"systems: {{crm: {{port: {port}}}, erp: {{}}}}\nport_base: 0\n")
        code, found = ailing(cli, "--landscape", "landscape.yaml")
    assert code == 3
    assert f"{port} (crm)" in found["ports"]


DESCRIPTORS: dict[str, tuple[Mend, int, str, str]] = {
    "an unknown key": (lambda it: it.update(hooks={}), 2, "descriptor", "hooks: unknown key"),
    "a reference to no fact": (
        lambda it: it["env"].update(CRM_URL="${systems.crn.url}"), 2, "references", "${systems.crn.url}",
    ),
    "a link without a target": (lambda it: it.update(links={"erp.customer": "external_id"}), 2, "links", "->"),
    "a link to no field": (
        lambda it: it.update(links={"erp.customer": "crm_ref -> crm.customer"}), 2, "links", "crm_ref",
    ),
    "a program that is not there": (lambda it: it.update(start={"command": ["no-such"]}), 3, "start", "no-such"),
    "one that does not run": (
        lambda it: it.update(start={"url": "http://127.0.0.1:9"}, ready=None, env={}, webhooks={}, operations={}), 3,
        "start", "does not run",
    ),
    "one that ends at once": (
        lambda it: it.update(start={"command": ["python3", "-c", "raise SystemExit('no licence')"]}), 3, "start",
        "no licence",
    ),
    "one that is not ready in time": (
        lambda it: it.update(ready={"url": "http://127.0.0.1:${port}/healthy", "timeout": 1}), 3, "start",
        "was not ready",
    ),
    "a webhook where nobody listens": (
        lambda it: it.update(webhooks={"crm": "http://127.0.0.1:9/hooks/crm"}), 1, "webhooks", "nobody listens",
    ),
    "a wrong secret": (
        lambda it: it["env"].update(CRM_WEBHOOK_SECRET="whsec_d3Jvbmc="), 1, "webhooks", "status 401",
    ),
    "another system's credentials": (
        lambda it: it["env"].update(ERP_TOKEN="${systems.crm.credentials.access_token}"), 1, "credentials",
        "erp refused",
    ),
    "a link to another field": (
        lambda it: it.update(links={"erp.customer": "segment -> crm.customer"}), 1, "links", "segment of the copy",
    ),
    "one that listens to nothing": (lambda it: it.update(webhooks={}), 1, "webhooks", "no system tells it"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", DESCRIPTORS)
def test_a_mistake_is_found_with_its_remedy(cli: Start, sample: Callable[[Mend], None], mistake: str) -> None:
    change, code, check, said = DESCRIPTORS[mistake]
    sample(change)
    ended, found = ailing(cli)
    assert ended == code, found
    assert check in found, found
    assert said in found[check]


DYING = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Hooks(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        print("no such customer class", file=sys.stderr, flush=True)
        os._exit(3)

HTTPServer(("127.0.0.1", int(sys.argv[1])), Hooks).serve_forever()
"""


def test_of_an_integration_that_dies_of_an_event_its_last_words_are_told(
    cli: Start, sample: Callable[[Mend], None], tmp_path: Path
) -> None:
    (tmp_path / "dying.py").write_text(DYING)
    sample(lambda it: it.update(start={"command": ["python3", "dying.py", "${port}"]}, operations={}))
    code, found = ailing(cli)
    assert code == 3
    assert set(found) == {"run"}
    assert "ended with code 3" in found["run"]
    assert "no such customer class" in found["run"]


def test_an_integration_that_writes_nothing_is_told(cli: Start) -> None:
    done = cli("doctor", "--integration", "noop")
    assert done.code == 1
    assert "it wrote nothing" in done.out
    assert "→" in done.out


def test_nothing_is_wrong_with_the_reference(cli: Start) -> None:
    done = cli("doctor")
    assert done.code == 0, done.out
