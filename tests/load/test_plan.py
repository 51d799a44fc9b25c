"""When a load's deeds are due, and what its lines come to."""

from __future__ import annotations

import pytest

from counterfoil.descriptor import Unreadable
from counterfoil.loading import figures
from counterfoil.loading.plan import SHAPES, Plan, Schedule, seconds_of


def plan(**more: object) -> Plan:
    fields = {"control": "", "rate": 10.0, "seconds": 10.0, "users": 4}
    return Plan(**(fields | more))  # type: ignore[arg-type]


def line(number: int, due: float, begun: float, ended: float, outcome: str = "done") -> list[object]:
    return ["deed", number, "work", outcome, "", due, begun, ended, f"trace-{number}"]


@pytest.mark.parametrize("name", SHAPES)
def test_deeds_are_due_in_order_and_all_within_the_time(name: str) -> None:
    schedule = Schedule(SHAPES[name], 7.0, 60.0)
    due = []
    while (at := schedule.due(len(due))) is not None:
        due.append(at)
    assert due == sorted(due)
    assert 0 <= due[0] <= due[-1] <= 60
    assert abs(schedule.by(60) - len(due)) <= 1
    assert all(abs(schedule.by(at) - number) <= 1 for number, at in enumerate(due))


def test_a_steady_load_is_evenly_spread() -> None:
    schedule = Schedule(SHAPES["steady"], 4.0, 10.0)
    assert [schedule.due(number) for number in range(3)] == [0.125, 0.375, 0.625]
    assert schedule.by(10) == 40
    assert schedule.due(40) is None


def test_a_ramp_ends_at_the_whole_rate() -> None:
    schedule = Schedule(SHAPES["ramp"], 10.0, 100.0)
    first, last = schedule.by(10) - schedule.by(0), schedule.by(100) - schedule.by(90)
    assert first < 20
    assert last > 90


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2.5s", 2.5)])
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0s", "10d", "-5s", "9999h"])
def test_an_odd_duration_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="--duration"):
        seconds_of(text)


def test_latency_counts_from_when_a_deed_was_due() -> None:
    lines = [line(0, 100.05, 103.0, 103.1)]
    (row, every) = figures.by_name(lines, plan(rate=0.1), "deed", 100.0, 10.0)
    assert row["max"] == every["max"] == 3.05


def test_what_nobody_began_counts_with_the_time_that_it_waited() -> None:
    lines = [line(0, 100.05, 100.05, 100.1)]
    rates = figures.rates(lines, plan(), "deed", 100.0, 10.0)
    assert (rates["intended"], rates["answered"], rates["not_begun"]) == (100, 1, 99)
    assert (rates["intended_rate"], rates["achieved_rate"]) == (10.0, 0.1)
    every = figures.by_name(lines, plan(), "deed", 100.0, 10.0)[-1]
    assert every["count"] == 100
    assert every["max"] > 9
    assert every["p50"] > 4


def test_what_was_begun_after_the_time_or_failed_was_not_achieved() -> None:
    lines = [line(number, 100.0 + number / 10, 100.0 + number / 10, 111.0) for number in range(98)]
    lines += [line(98, 109.8, 110.5, 110.6), line(99, 109.9, 109.9, 110.6, "failed")]
    rates = figures.rates(lines, plan(), "deed", 100.0, 10.0)
    assert (rates["begun"], rates["answered"], rates["unanswered"], rates["under_way"]) == (100, 98, 1, 100)
    assert rates["achieved_rate"] == 9.8


def test_percentiles_go_by_nearest_rank() -> None:
    found = figures.percentiles([each / 100 for each in range(1, 101)])
    assert found == {"count": 100, "p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    assert figures.percentiles([])["p99"] is None


def test_the_rates_over_time_end_with_the_load_and_tell_of_whole_stretches() -> None:
    lines = [line(number, 100.05 + number / 10, 100.05 + number / 10, 100.06 + number / 10) for number in range(100)]
    points = figures.over_time(lines, plan(), 100.0, 10.0, {"flow": [(101.0, 112.0)]}, 113.4)
    loaded = [each for each in points if each["intended_rate"] is not None]
    assert [each["second"] for each in loaded] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert {each["achieved_rate"] for each in loaded} == {each["intended_rate"] for each in loaded} == {10.0}
    assert [each["second"] for each in points[10:]] == [11, 12, 13, 13.4]
    assert {each["achieved_rate"] for each in points[10:]} == {None}
    assert [each["open"]["flow"] for each in points[9:]] == [1, 1, 0, 0, 0]


def test_a_load_that_was_stopped_intends_nothing_after_that() -> None:
    lines = [line(number, 100.05 + number / 10, 100.05 + number / 10, 100.06 + number / 10) for number in range(35)]
    points = figures.over_time(lines, plan(), 100.0, 3.5, {}, 105.0)
    loaded = [each for each in points if each["intended_rate"] is not None]
    assert loaded[-1]["second"] == 3.5
    assert all(abs(each["achieved_rate"] - 10) < 1 for each in loaded)
    assert all(each["intended_rate"] is None for each in points if each["second"] > 3.5)
