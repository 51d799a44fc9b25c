"""What an integration did becomes a contract that its systems keep, and that they break where they change what it used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from counterfoil.client import Control
from counterfoil.contracting import matrix, verify
from counterfoil.contracting.journal import read
from counterfoil.descriptor import Unreadable
from counterfoil.stories import shipped

pytestmark = pytest.mark.slow
Change = Callable[[int, Any], tuple[int, Any]]


def pact_of(recorded: Any, system: str) -> verify.Pact:
    return verify.read([recorded.pacts / f"reference-{system}.json"])[0]


def asked(control: Control, pact: verify.Pact, **more: Any) -> Any:
    return verify.verify(pact, landscape=(control, control.get("/landscape")), version="1.0", **more)


def broken(result: Any) -> list[str]:
    return [f"{each['description']}: {each['mismatches']}" for each in result["interactions"] if not each["held"]]


@pytest.mark.parametrize("system", ["crm", "psa", "erp", "billing"])
def test_every_recorded_interaction_holds_on_a_fresh_landscape(recorded: Any, landscape: Control, system: str) -> None:
    result = asked(landscape, pact_of(recorded, system))
    assert not result["unreached"]
    assert not broken(result)
    assert result["success"]
    assert len(result["interactions"]) >= 15


def test_it_holds_a_second_time_on_the_same_landscape(recorded: Any, landscape: Control) -> None:
    pact = pact_of(recorded, "crm")
    assert [asked(landscape, pact)["success"] for _ in range(2)] == [True, True]


@contextmanager
def behind(control: Control, system: str, change: Change) -> Iterator[tuple[str, dict[str, str]]]:
    """A provider that answers what the system answers, changed; its address and the headers that it wants."""
    facts = next(each for each in control.get("/landscape")["systems"] if each["name"] == system)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            import http.client

            length = int(self.headers.get("content-length") or 0)
            where = facts["url"].removeprefix("http://")
            connection = http.client.HTTPConnection(where)
            connection.request(self.command, self.path, self.rfile.read(length) or None, dict(self.headers))
            reply = connection.getresponse()
            status, body = change(reply.status, orjson.loads(reply.read() or b"null"))
            payload = orjson.dumps(body)
            self.send_response(status)
            self.send_header("content-type", reply.getheader("content-type") or "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    token = facts["native"]["credentials"]["access_token"]
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", {"authorization": f"Bearer {token}"}
    finally:
        server.shutdown()
        server.server_close()


def without_status(status: int, body: Any) -> tuple[int, Any]:
    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: stripped(each) for name, each in value.items() if name != "status" or status >= 400}
        return [stripped(each) for each in value] if isinstance(value, list) else value

    return status, stripped(body)


def created_as_200(status: int, body: Any) -> tuple[int, Any]:
    return (200 if status == 201 else status), body


def unchanged(status: int, body: Any) -> tuple[int, Any]:
    return status, body


@pytest.mark.parametrize(("change", "said"), [(without_status, "status"), (created_as_200, "201"), (unchanged, "")])
def test_a_provider_that_takes_away_what_was_used_breaks_the_contract(
    recorded: Any, landscape: Control, change: Change, said: str
) -> None:
    with behind(landscape, "crm", change) as (url, headers):
        result = asked(landscape, pact_of(recorded, "crm"), url=url, headers=headers)
    assert result["success"] is (change is unchanged)
    assert not result["unreached"]
    assert (change is unchanged) or any(said in each for each in broken(result))


def test_no_secret_is_in_what_was_recorded(recorded: Any, landscape: Control) -> None:
    text = "".join(place.read_text("utf-8") for place in recorded.pacts.rglob("*.*")).lower()
    for marker in ("authorization", "bearer", "cfa_", "cfs_", "whsec_"):
        assert marker not in text
    for system in landscape.get("/landscape")["systems"]:
        for name, value in system["native"]["credentials"].items():
            assert name in ("token_url", "client_id") or value.lower() not in text


def test_literal_values_are_generalised_and_what_was_not_used_is_left_out(recorded: Any) -> None:
    interactions = pact_of(recorded, "crm").content["interactions"]
    contract = next(each for each in interactions if each["description"].startswith("get_contract answers 200"))
    rules = contract["response"]["matchingRules"]["body"]
    assert rules["$.id"]["matchers"] == [{"match": "type"}]
    assert "ACTIVE" in rules["$.status"]["matchers"][0]["regex"]
    assert "current_version" not in contract["response"]["body"]["content"]


def test_the_webhook_that_follows_a_request_is_linked_to_it(recorded: Any) -> None:
    interactions = {each["key"]: each for each in pact_of(recorded, "crm").content["interactions"]}
    request = next(each for each in interactions.values() if each["description"].startswith("activate_contract"))
    follows = [interactions[key] for key in request["comments"]["references"]["counterfoil"]["followed_by"]]
    assert [each["comments"]["references"]["counterfoil"]["operation"] for each in follows] == [
        "com.counterfoil.crm.contract.activated.v1"
    ]
    assert follows[0]["comments"]["references"]["counterfoil"]["follows"] == request["key"]


def test_every_event_of_the_run_is_what_its_schema_says(recorded: Any) -> None:
    folder = shipped("contracts") / "schemas" / "events"
    validators: dict[str, Any] = {}
    events = [event for run in read(recorded.run) for event in run.told]
    assert len(events) > 100
    for event in events:
        if event.type not in validators:
            schema = orjson.loads((folder / f"{event.type}.json").read_bytes())
            validators[event.type] = jsonschema_rs.Draft202012Validator(schema)
        assert validators[event.type].is_valid(event.envelope), (event.type, event.envelope)


def test_the_matrix_says_what_may_be_deployed(recorded: Any, landscape: Control, tmp_path: Path) -> None:
    pact = pact_of(recorded, "crm")
    rows = matrix.matrix([pact], [], {})
    assert [each["verdict"] for each in rows] == ["unknown"]
    assert not matrix.deployable(rows)
    matrix.keep(asked(landscape, pact), tmp_path)
    assert matrix.deployable(matrix.matrix([pact], matrix.results(tmp_path), {"crm": "1.0"}))
    assert not matrix.deployable(matrix.matrix([pact], matrix.results(tmp_path), {"crm": "2.0"}))
    another = verify.Pact(pact.place, {**pact.content, "interactions": pact.content["interactions"][:-1]})
    assert not matrix.deployable(matrix.matrix([another], matrix.results(tmp_path), {"crm": "1.0"}))


def test_a_folder_that_holds_no_run_is_refused(tmp_path: Path, cli: Any) -> None:
    with pytest.raises(Unreadable, match="is no export of a run"):
        read(tmp_path)
    done = cli("contracts", "record", "--from", tmp_path, "--out", tmp_path / "out")
    assert done.code == 2
    assert "--export" in done.err
