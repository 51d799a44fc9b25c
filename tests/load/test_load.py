"""`counterfoil load`: business at a rate, through an integration, in processes of their own; drained and judged."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import POSTGRES, own_database
from tests.load.conftest import ENVIRONMENT

from counterfoil.stories import shipped

Load = Callable[..., Any]


@pytest.mark.slow
def test_the_reference_keeps_the_books_right_under_load(load: Load, tmp_path: Path) -> None:
    words = ("--rate", 6, "--duration", "6s", "--workers", 2, "--seed", 3, "--html", "page.html", "--faults", "noisy")
    done = load(*words).end()
    assert done.code == 0, done.out + done.err
    found = done.load
    assert done.result["verdict"] == "passed"
    assert len(done.result["held"]) == 52
    assert found["deeds"]["intended"] == found["deeds"]["begun"] == 36
    assert found["workers"] == 2
    assert found["drain"]["drained"]
    flows = {each["name"]: each for each in found["flows"]}
    assert flows["won deal → project"]["count"] > 5
    assert flows["won deal → project"]["open"] == flows["invoice → posted"]["open"] == 0
    assert 0 < flows["invoice → posted"]["p50"] <= flows["invoice → posted"]["max"]
    assert {each["name"].split(" ")[0] for each in found["by_call"]} == {"crm", "psa", "erp", "billing", "all"}
    assert any(each["struck"] for each in done.result["faults"])
    page = (tmp_path / "page.html").read_text()
    for part in ("The load", "How long the business waits", "Deliveries waiting", "won deal → project", "<polyline"):
        assert part in page


@pytest.mark.slow
def test_a_defect_is_found_under_load_with_its_evidence(load: Load) -> None:
    done = load("--rate", 6, "--duration", "5s", "--seed", 3, "--integration", "mutant:F-14").end()
    assert done.code == 1, done.out + done.err
    (found,) = (each for each in done.result["violations"] if each["invariant"] == "INV-01")
    assert found["rows"]
    assert found["first_cause"]["chain"]
    assert done.result["replay"].startswith("counterfoil load --rate 6 --duration 5s")
    assert done.result["replay"].endswith("--integration mutant:F-14")


@pytest.mark.slow
def test_a_do_nothing_integration_fails_under_load(load: Load) -> None:
    done = load("--rate", 4, "--duration", "3s", "--integration", "noop", "--calls", 0).end()
    assert done.code == 1, done.out + done.err
    assert done.result["violations"]
    setup = next(each for each in done.load["flows"] if each["name"] == "won deal → project")
    assert setup["count"] == 0
    assert setup["open"] > 0


@pytest.mark.slow
def test_a_stall_counts_for_everything_that_was_due_in_it(load: Load, landscape: Any) -> None:
    running = load("--landscape", landscape.url, "--rate", 10, "--duration", "8s", "--users", 2, "--calls", 0)
    landscape.wait_for_deeds(20)
    with landscape.stalled():
        threading.Event().wait(3.0)  # that long nothing moves
    found = running.end().load
    assert found["deeds"]["intended"] == 80
    every = found["by_deed"][-1]
    assert every["count"] == 80  # two people alone would have told of two slow deeds
    assert every["p95"] > 1.0
    assert found["deeds"]["late"]["p95"] > 1.0
    assert found["deeds"]["begun"] + found["deeds"]["not_begun"] == 80


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "due"), [("ramp", 22), ("soak", 40)])
def test_every_shape_is_told_to_its_end(load: Load, shape: str, due: int) -> None:
    done = load("--shape", shape, "--rate", 10, "--duration", "4s", "--calls", 0, "--seed", 3).end()
    assert done.code == 0, done.out + done.err
    found = done.load
    assert (found["plan"]["shape"], found["deeds"]["intended"], found["deeds"]["answered"]) == (shape, due, due)
    rates = [each["intended_rate"] for each in found["over_time"] if each["intended_rate"] is not None]
    assert len(rates) == 4
    assert rates == sorted(rates)
    assert (rates[0] < rates[-1]) == (shape == "ramp")


@pytest.mark.slow
def test_a_month_end_is_lived_to_the_next_month_and_judged(load: Load) -> None:
    done = load("--shape", "month-end", "--rate", 8, "--duration", "5s", "--calls", 0, "--seed", 3).end()
    assert done.code == 0, done.out + done.err
    rates = [each["intended_rate"] for each in done.load["over_time"] if each["intended_rate"] is not None]
    assert rates[0] < rates[2] > rates[-1]
    assert done.load["queues"][0]["now"][:10] == "2026-01-30"  # the last working day
    assert done.result["ended_at"][:7] == "2026-02"
    assert len(done.result["held"]) == 52


@pytest.mark.slow
def test_a_worker_from_elsewhere_takes_its_share(load: Load, landscape: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ("--rate", 8, "--duration", "4s", "--calls", 0, "--workers", 1, "--elsewhere", 1, "--port", port)
    running = load("--landscape", landscape.url, *words)
    there = [sys.executable, "-m", "locust", "-f", str(shipped("load") / "locustfile.py"), "--worker"]
    with subprocess.Popen(
        [*there, "--master-host", "127.0.0.1", "--master-port", str(port)],
        env={name: value for name, value in ENVIRONMENT.items() if name != "COUNTERFOIL_LOAD"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as worker:
        done = running.end()
        assert worker.wait(30) == 0, "it goes home when the load is over"
    assert done.code == 0, done.out + done.err
    assert done.load["workers"] == 2
    assert done.load["deeds"]["intended"] == done.load["deeds"]["begun"] == 32


@pytest.mark.slow
@pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL server: set COUNTERFOIL_TEST_POSTGRES")
def test_a_landscape_of_several_processes_keeps_the_books_right_under_load(load: Load) -> None:
    with own_database() as store:
        words = ("--rate", 5, "--duration", "5s", "--seed", 3, "--faults", "noisy")
        done = load("--store", store, "--processes", 2, *words).end()
    assert done.code == 0, done.out + done.err
    assert done.load["deeds"]["answered"] == 25
    assert len(done.result["held"]) == 52
    assert done.load["drain"]["drained"]


@pytest.mark.slow
def test_a_rate_that_is_not_achieved_fails_the_load(load: Load) -> None:
    done = load("--rate", 1500, "--duration", "2s", "--users", 2, "--calls", 0).end()
    assert done.code == 1, done.out + done.err
    (unmet,) = (each for each in done.result["expectations"] if not each["held"])
    assert unmet["sentence"] == "At least 95% of the intended rate is achieved"
    assert unmet["evidence"]["achieved_rate"] < unmet["evidence"]["intended_rate"] == 1500
    assert done.load["deeds"]["not_begun"] > 1000


@pytest.mark.slow
def test_ctrl_c_ends_the_load_and_not_the_judging(load: Load, landscape: Any) -> None:
    running = load("--landscape", landscape.url, "--rate", 5, "--duration", "10m", "--calls", 0)
    landscape.wait_for_deeds(60)
    running.process.send_signal(signal.SIGINT)
    done = running.end()
    assert done.code == 0, done.out + done.err
    assert done.load["stopped"]
    assert done.load["seconds"] < 100
    assert done.load["deeds"]["achieved_rate"] > 4


@pytest.mark.slow
def test_a_load_that_is_killed_leaves_no_locust(load: Load, landscape: Any) -> None:
    running = load(
        "--landscape", landscape.url, "--integration", "noop", "--rate", 5, "--duration", "10m", "--calls", 0
    )
    landscape.wait_for_deeds(20)
    asked = ["pgrep", "-P", str(running.process.pid), "-f", "locustfile"]
    found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    ends = [os.pidfd_open(int(each)) for each in found]
    running.process.kill()
    running.end()
    for each in ends:
        assert select.select([each], [], [], 30)[0], "it has ended"
        os.close(each)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--shape", "zigzag"), "month-end"),
        (("--duration", "soon"), "1h30m"),
        (("--drain", "soon"), "--drain soon"),
        (("--faults", "no-such-plan"), "noisy"),
        (("--integration", "no-such-file.yaml"), "no such file"),
        (("--rate", "0"), "rate"),
        (("--crm", "acme"), "there is no vendor 'acme'"),
        (
            ("--landscape", "http://127.0.0.1:9", "--erp", "netsuite"),
            "--erp: http://127.0.0.1:9 runs already, with the faces",
        ),
        (("--landscape", "http://127.0.0.1:9", "--seed", 7), "--seed: http://127.0.0.1:9 runs already, with the seed"),
        (
            ("--landscape", "http://127.0.0.1:9", "--size", "M"),
            "--size: http://127.0.0.1:9 runs already, with the firm",
        ),
        (
            ("--landscape", "http://127.0.0.1:9", "--store", "memory"),
            "--store: http://127.0.0.1:9 runs already, with the store",
        ),
        (
            ("--landscape", "http://127.0.0.1:9", "--processes", 2),
            "--processes: http://127.0.0.1:9 runs already, with the proc",
        ),
    ],
)
def test_wrong_usage_exits_2(load: Load, words: tuple[str, ...], said: str) -> None:
    done = load(*words).end()
    assert done.code == 2
    assert said in done.err


def test_what_is_to_be_typed_to_see_it_again_names_the_faces_and_the_load(load: Load) -> None:
    words = ("--users", 3, "--calls", 0, "--seed", 7, "--crm", "salesforce")
    done = load("--store", "sqlite:////nowhere/at/all/firm.db", "--integration", "noop", *words).end()
    assert (done.code, done.result["verdict"]) == (3, "broken"), done.err
    assert done.result["replay"].endswith(" --users 3 --calls 0 --seed 7 --integration noop --crm salesforce")


def test_the_harness_never_imports_locust() -> None:
    script = "import sys, counterfoil.loading, counterfoil.commands.load; sys.exit('locust' in sys.modules or 'gevent' in sys.modules)"
    roots = os.pathsep.join(each for each in sys.path if each)
    assert (
        subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": roots}, check=False).returncode
        == 0
    )
