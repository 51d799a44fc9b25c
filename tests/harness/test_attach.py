"""`counterfoil attach`: an integration at work in a landscape that somebody else has started, until it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Attach = Callable[..., "subprocess.Popen[str]"]
TOKEN = "of-the-tests"


@pytest.fixture
def attach() -> Iterator[Attach]:
    """Starts `counterfoil attach` with the landscape's token; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []
    environment = os.environ | {"COUNTERFOIL_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "counterfoil", "attach", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, env=environment, text=True, **pipes))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_reference_works_until_it_is_told_to_stop(sign: signal.Signals, attach: Attach, launch: Any) -> None:
    landscape = launch(token=TOKEN, size="S")
    process = attach("--landscape", landscape.landscape.control_url)
    assert process.stdout is not None
    assert "reference is at work" in process.stdout.readline()
    assert landscape.landscape.integration["name"] == "reference"
    landscape.rename(landscape.customer("Attached Ltd", invoice_ccy="USD"), "Attached Holdings Ltd")
    assert landscape.settle(timeout_ms=60_000)["settled"]
    taken = landscape.call("GET", "/journal?kind=delivery&system=crm").json["items"]
    assert [(each["operation"], each["status"]) for each in taken] == [("com.counterfoil.crm.account.updated.v1", 202)]
    process.send_signal(sign)
    assert process.wait(20) == 0
    assert landscape.landscape.integration is None


def test_a_landscape_that_does_not_answer_is_exit_code_3(attach: Attach) -> None:
    process = attach("--landscape", "http://127.0.0.1:9")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "the control plane does not answer" in said
    assert "start a landscape with `counterfoil up`" in said


def test_an_integration_that_there_is_not_is_exit_code_2(attach: Attach, launch: Any, tmp_path: Path) -> None:
    landscape = launch(token=TOKEN)
    process = attach("--landscape", landscape.landscape.control_url, "--integration", str(tmp_path / "none.yaml"))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "no such file" in said
