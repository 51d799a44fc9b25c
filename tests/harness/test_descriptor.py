"""The descriptor of an integration: what it may say, how it is filled, and what a started one does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from counterfoil import answers, faults
from counterfoil.descriptor import Unreadable, expand, read, schema, understand
from counterfoil.exploring import telling
from counterfoil.integration import resolve, secret_of
from counterfoil.stories import shipped

FACTS: dict[str, Any] = {
    "systems": {"crm": {"url": "http://127.0.0.1:8101", "credentials": {"access_token": "t"}}},
    "port": 9000,
}
COMPLETE = """
name: acme-middleware
start: {command: [node, server.js]}
env: {CRM_URL: '${systems.crm.url}', CRM_TOKEN: '${systems.crm.credentials.access_token}'}
ready: {url: 'http://127.0.0.1:${port}/health', timeout: 30}
webhooks: {crm: 'http://127.0.0.1:${port}/hooks/crm'}
poll: 2.0
quiet: 0.3
declares: [trace, dead_letters]
links: {erp.customer: external_id -> crm.account}
operations: {reset: POST /testing/reset, dead_letters: GET /dead-letters, replay: 'POST /dead-letters/{id}/replay'}
slo: {project_setup_seconds: 60}
"""


def refusal(content: object) -> str:
    with pytest.raises(Unreadable) as caught:
        understand(content, "acme.yaml")
    return str(caught.value)


def test_a_complete_descriptor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(COMPLETE, encoding="utf-8")
    found = read(path)
    assert found.name == "acme-middleware"
    assert (found.poll, found.quiet) == (2.0, 0.3)
    assert found.folder == tmp_path
    assert found.operations.replay == "POST /dead-letters/{id}/replay"


def test_unknown_keys_are_refused_with_those_that_are_known() -> None:
    said = refusal({"name": "x", "start": {"url": "http://127.0.0.1:1", "cmd": []}, "webhook": {}})
    assert "webhook: unknown key; known here: name, start, env, ready, webhooks" in said
    assert "start.cmd: unknown key; known here: command, image, env, ports, network, url, cwd" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "expected a mapping"),
        (None, "found nothing"),
        ({"name": "x"}, "start: is missing"),
        ({"name": "x", "start": {}}, "start: give exactly one of `command`, `image` and `url`"),
        ({"name": "x", "start": {"command": ["a"], "url": "http://a"}}, "start: give exactly one of"),
        ({"name": "x", "start": {"command": ["a"], "ports": [80]}}, "start: `env`, `ports` and `network` belong to an"),
        ({"name": "x", "start": {"image": "a", "ports": [80], "network": "host"}}, "start: `ports` are published"),
        ({"name": "x", "start": {"image": "a", "ports": [0]}}, "start.ports.0: "),
        ({"name": "x", "start": {"command": ["a"]}}, "needs `ready: {url: …}`"),
        ({"name": "x", "start": {"url": "ftp://a"}}, "start.url: "),
        ({"name": "x", "start": {"url": "http://a"}, "declares": ["magic"]}, "declares.0: "),
        ({"name": "x", "start": {"url": "http://a"}, "operations": {"reset": "/reset"}}, "operations.reset: "),
        ({"name": "x", "start": {"url": "http://a"}, "poll": -1}, "poll: "),
        ({"name": "x", "start": {"url": "http://a"}, "slo": {"setup": 1}}, "slo.setup"),
        (
            {"name": "x", "start": {"url": "http://a"}, "slo": {"project_setup_seconds": 0}},
            "slo.project_setup_seconds: ",
        ),
        ({"name": "x", "start": {"url": "http://a"}, "deadlines": {"DL-Z": 1}}, "deadlines.DL-Z"),
        ({"name": "x", "start": {"url": "http://a"}, "deadlines": {"DL-S": -1}}, "deadlines.DL-S: "),
    ],
)
def test_mistakes_are_named_by_key(content: object, said: str) -> None:
    assert said in refusal(content)


def test_places_read_the_landscape() -> None:
    assert expand("${systems.crm.url}/x?p=${port}", FACTS, "acme") == "http://127.0.0.1:8101/x?p=9000"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${systems.crn.url}", "'crn' is unknown at systems (known: crm)"),
        ("${nothing}", "'nothing' is unknown at the top (known: port, systems)"),
        ("${systems.crm}", "is not one value; go on with one of: credentials, url"),
        ("${port.x}", "'x' is unknown at port"),
    ],
)
def test_a_place_that_names_nothing_says_what_there_is(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=r"\$\{") as caught:
        expand(text, FACTS, "acme")
    assert said in str(caught.value)


def test_the_published_schema_of_answers_is_the_code_s() -> None:
    published = shipped("contracts") / "schemas" / "operations.json"
    assert orjson.loads(published.read_bytes()) == answers.schema()


def test_the_published_schema_is_the_code_s() -> None:
    published = shipped("contracts") / "schemas" / "integration.json"
    assert orjson.loads(published.read_bytes()) == schema()
    assert schema()["additionalProperties"] is False


def test_secrets_are_standard_webhooks_and_follow_the_seed() -> None:
    assert secret_of(1, "crm") == secret_of(1, "crm")
    assert secret_of(1, "crm") != secret_of(2, "crm")
    assert secret_of(1, "crm").startswith("whsec_")


def test_names_of_integrations() -> None:
    assert resolve("noop").name == "noop"
    with pytest.raises(
        Unreadable, match=r"no such file; an integration is `reference`, `noop`, `mutant:F-07` or a file"
    ):
        resolve("acme")


def test_fault_plans_by_name_and_by_path(tmp_path: Path) -> None:
    assert {each["kind"] for each in faults.plan("noisy")} >= {"duplicate", "status", "lost_response"}
    own = tmp_path / "own.json"
    own.write_text('[{"kind": "status", "nth": 1}]', encoding="utf-8")
    assert faults.plan(str(own)) == [{"kind": "status", "nth": 1}]
    own.write_text('{"kind": "status"}', encoding="utf-8")
    with pytest.raises(Unreadable, match="a fault plan is a list"):
        faults.plan(str(own))


def test_the_noop_runs_with_this_python() -> None:
    assert resolve("noop").start.command == [sys.executable, "-m", "counterfoil.noop", "${port}"]


@pytest.mark.parametrize("name", faults.names())
def test_every_shipped_plan_is_one_that_a_landscape_takes(name: str) -> None:
    from counterfoil_mocks.kernel.clock import Clock
    from counterfoil_mocks.kernel.faults import Faults
    from counterfoil_mocks.kernel.system import World

    made = Faults(World(Clock("2026-01-05T15:00:00.000Z"))).inject(faults.plan(name))
    assert made


@pytest.mark.parametrize("reader", [read, lambda path: faults.plan(str(path)), telling.read])
def test_a_file_that_is_not_yaml_is_told_in_one_line_with_the_place(reader: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: x\nstart: [", encoding="utf-8")
    with pytest.raises(Unreadable, match=r"broken\.yaml is not YAML at line 2, column \d+: [^\n]+$"):
        reader(broken)
    with pytest.raises(Unreadable, match=r"nowhere\.yaml cannot be read: No such file or directory"):
        reader(tmp_path / "nowhere.yaml")
