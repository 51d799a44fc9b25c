"""SOQL against a naive evaluator: random records, random conditions, the same answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil_mocks.protocols.soql import Engine
from counterfoil_mocks.protocols.soql_conditions import business_day

sys.path.insert(0, str(Path(__file__).parent))
import sales

NOW = "2026-02-11T12:00:00.000Z"
DAY = date(2026, 2, 11)
NAMES = ("acme", "Acme", "ACME 100%", "beta_x", "Söhne", "SÖHNE", "o'neil", "back\\slash", None)
STAGES = tuple(sales.STAGES)
DATES = tuple((DAY + timedelta(days=each)).isoformat() for each in (-60, -31, -7, -1, 0, 1, 20, 40, 400))
AMOUNTS = (None, 0, 1, 99_99, 100_00, -5_50)
RANGES = {
    "TODAY": (DAY, DAY + timedelta(days=1)),
    "YESTERDAY": (DAY - timedelta(days=1), DAY),
    "THIS_MONTH": (date(2026, 2, 1), date(2026, 3, 1)),
    "LAST_MONTH": (date(2026, 1, 1), date(2026, 2, 1)),
    "THIS_YEAR": (date(2026, 1, 1), date(2027, 1, 1)),
    "THIS_WEEK": (date(2026, 2, 8), date(2026, 2, 15)),
    "LAST_N_DAYS:7": (date(2026, 2, 4), date(2026, 2, 12)),
    "NEXT_N_DAYS:20": (date(2026, 2, 12), date(2026, 3, 4)),
}

row = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "stage": st.sampled_from(STAGES),
        "amount": st.sampled_from(AMOUNTS),
        "close_date": st.sampled_from((None, *DATES)),
        "ccy": st.just("USD"),
    }
)


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def same(left: Any, right: Any) -> bool:
    return left is not None and str(left).casefold() == str(right).casefold()


def _text(word: str) -> tuple[str, Any]:
    return f"Name = {quoted(word)}", lambda each: same(each["name"], word)


def _unlike(word: str) -> tuple[str, Any]:
    return f"Name != {quoted(word)}", lambda each: not same(each["name"], word)


def _starts(word: str) -> tuple[str, Any]:
    pattern = quoted(word)[:-1].replace("%", "\\%").replace("_", "\\_") + "%'"
    return (
        f"Name LIKE {pattern}",
        lambda each: each["name"] is not None and each["name"].casefold().startswith(word.casefold()),
    )


def _amount(sign: str, minor: int) -> tuple[str, Any]:
    holds = {"<": lambda one: one < minor, ">=": lambda one: one >= minor, "=": lambda one: one == minor}[sign]
    return f"Amount {sign} {minor / 100:.2f}", lambda each: each["amount"] is not None and holds(each["amount"])


def _stages(words: list[str]) -> tuple[str, Any]:
    said = ", ".join(quoted(sales.STAGES[each].upper()) for each in words)
    return f"StageName IN ({said})", lambda each: each["stage"] in words


def _range(sign: str, name: str) -> tuple[str, Any]:
    start, end = (each.isoformat() for each in RANGES[name])
    holds = {
        "=": lambda day: start <= day < end,
        "<": lambda day: day < start,
        "<=": lambda day: day < end,
        ">": lambda day: day >= end,
        ">=": lambda day: day >= start,
    }[sign]
    return f"CloseDate {sign} {name}", lambda each: each["close_date"] is not None and holds(each["close_date"])


known = st.sampled_from([each for each in NAMES if each])
leaf = st.one_of(
    st.builds(_text, known),
    st.builds(_unlike, known),
    st.builds(_starts, known),
    st.builds(_amount, st.sampled_from(["<", ">=", "="]), st.sampled_from([0, 1, 9999, 10000, -550, 5])),
    st.builds(_stages, st.lists(st.sampled_from(STAGES), min_size=1, max_size=3)),
    st.builds(_range, st.sampled_from(["=", "<", "<=", ">", ">="]), st.sampled_from(sorted(RANGES))),
    st.sampled_from(
        [
            ("Amount = null", lambda each: each["amount"] is None),
            ("Name != null", lambda each: each["name"] is not None),
            ("IsWon = TRUE", lambda each: each["stage"] == "CLOSED_WON"),
        ]
    ),
)


def _joined(word: str, parts: list[tuple[str, Any]]) -> tuple[str, Any]:
    test = all if word == "AND" else any
    return f" {word} ".join(f"({text})" for text, _ in parts), lambda each: test(holds(each) for _, holds in parts)


def _negated(part: tuple[str, Any]) -> tuple[str, Any]:
    return f"NOT ({part[0]})", lambda each: not part[1](each)


condition = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(_joined, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
        st.builds(_negated, inner),
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    store = sales.new_store()
    yield Engine(store, sales.catalog(store))
    store.close()


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(row, max_size=12), where=condition)
def test_the_database_answers_as_a_naive_reader_would(engine: Engine, rows: list[dict[str, Any]], where: Any) -> None:
    text, holds = where
    engine.store.execute("DELETE FROM crm.opportunity")
    records = [{"id": f"006{number:012d}AAA", **each} for number, each in enumerate(rows)]
    sales.put(engine.store, "opportunity", records)
    answer = engine.answer(f"SELECT Id FROM Opportunity WHERE {text}", business_day(NOW, "UTC"))
    assert sorted(each[0] for each in answer.rows) == [each["id"] for each in records if holds(each)]
    counted = engine.answer(f"SELECT COUNT() FROM Opportunity WHERE {text}", business_day(NOW, "UTC"))
    assert counted.total == len(answer.rows)
