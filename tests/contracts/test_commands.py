"""The documents name no command, verb or option that does not exist; publishing needs a broker."""

from __future__ import annotations

import re
import shlex
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer

from counterfoil import cli as command_line
from counterfoil.stories import shipped

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("ci.md", "integration-developer.md", "vendor.md")


def commands(page: str) -> list[list[str]]:
    """The words of every `counterfoil …` line of the page's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    lines = [line.removeprefix("$ ").partition(" #")[0] for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("counterfoil ")]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one_that_there_is(page: str) -> None:
    found = commands(page)
    assert len(found) >= 5
    root: Any = typer.main.get_command(command_line.main)
    for words in found:
        command, rest = root, list(words)
        while hasattr(command, "get_command") and rest:
            name = rest.pop(0)
            command = command.get_command(None, name)
            assert command is not None, f"{page}: there is no {name!r} ({' '.join(words)})"
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        asked = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert asked <= known, f"{page}: {' '.join(words)}: unknown {asked - known}"


def test_publishing_without_a_broker_says_what_to_set(cli: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("PACT_BROKER_BASE_URL", raising=False)
    done = cli("contracts", "publish", tmp_path, "--consumer-version", "1")
    assert done.code == 2
    assert "PACT_BROKER_BASE_URL" in done.err


def test_publishing_hands_every_pact_to_the_broker(cli: Any, tmp_path: Path) -> None:
    heard: list[Any] = []

    class Broker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"http://127.0.0.1:{self.server.server_address[1]}"  # type: ignore[misc]
            self.reply({"_links": {"pb:publish-contracts": {"href": f"{address}/contracts/publish"}}})

        def do_POST(self) -> None:
            heard.append(orjson.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.reply({"notices": [{"type": "success", "text": "published"}], "_links": {}})

        def reply(self, answer: Any) -> None:
            payload = orjson.dumps(answer)
            self.send_response(200)
            self.send_header("content-type", "application/hal+json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Broker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        pacts = shipped("contracts") / "pacts"
        done = cli("contracts", "publish", pacts, "--consumer-version", "1.4.0", "--broker", address)
    finally:
        server.shutdown()
        server.server_close()
    assert done.code == 0, done.out + done.err
    sent = {contract["providerName"] for each in heard for contract in each["contracts"]}
    assert sent == {"crm", "psa", "erp", "billing"}
    assert {each["pacticipantVersionNumber"] for each in heard} == {"1.4.0"}


def test_a_provider_that_nobody_runs_is_told_as_such(cli: Any) -> None:
    done = cli("contracts", "verify", "--system", "crm", "--provider-url", "http://127.0.0.1:9")
    assert (done.code, done.out) == (3, "")
    assert "nobody listens at http://127.0.0.1:9, the --provider-url" in done.err
