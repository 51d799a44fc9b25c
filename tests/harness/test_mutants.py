"""`counterfoil mutants`: what counts as caught, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from counterfoil.descriptor import Unreadable
from counterfoil.detection import Verdict, exit_code, judged
from counterfoil.vendor_options import checked, faces, words

Start = Callable[..., Any]


def verdict(**more: Any) -> Verdict:
    made: Any = {"id": "F-24", "title": "x", "caught": False, "as_named": False, "by": [], "expected": ["INV-24"]}
    return made | {"sentences": {}, "causes": {}, "runs": {}, "error": None} | more


def scenario(verdict: str, *invariants: str, unmet: bool = False, error: str | None = None) -> dict[str, Any]:
    return {
        "id": "S-29",
        "verdict": verdict,
        "violations": [{"invariant": each} for each in invariants],
        "expectations": [{"held": not unmet, "sentence": "paid"}],
        "error": error,
    }


@pytest.mark.parametrize(
    ("told", "by", "as_named"),
    [
        (scenario("passed"), [], False),
        (scenario("violated", "INV-24", "INV-25"), ["INV-24", "INV-25"], True),
        (scenario("violated", "INV-25"), ["INV-25"], False),
        (scenario("violated", unmet=True), ["S-29"], False),
        (scenario("violated", error="404"), ["S-29"], False),
        (scenario("broken", error="died"), [], False),
    ],
)
def test_a_mutant_is_caught_by_what_was_violated(told: dict[str, Any], by: list[str], as_named: bool) -> None:
    found = judged(verdict(), [told])
    assert (found["by"], found["as_named"], found["caught"]) == (by, as_named, bool(by))
    assert found["sentences"] == ({"S-29": ["404" if told["error"] else "paid"]} if "S-29" in by else {})


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 1),
        ([verdict(caught=True)], 0),
        ([verdict(caught=True), verdict()], 1),
        ([verdict(caught=True, error="one of two scenarios died")], 0),
        ([verdict(), verdict(error="died")], 3),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(verdicts) == code


def test_with_named_only_an_invariant_of_the_catalogue_row_counts() -> None:
    assert exit_code([verdict(caught=True, as_named=True)], named=True) == 0
    assert exit_code([verdict(caught=True, as_named=False)], named=True) == 1


def test_a_mutant_is_caught_by_the_invariant_that_it_names(cli: Start) -> None:
    done = cli("mutants", "f-42", "--json", "--html", "matrix.html")
    assert done.code == 0, done.err
    assert (done.json["total"], done.json["caught"]) == (1, 1)
    [found] = done.json["mutants"]
    assert (found["id"], found["caught"], found["as_named"]) == ("F-42", True, True)


BROKEN_CALLS = {
    ("F-12", "INV-03"): "update_customer in erp",
    ("F-14", "INV-01"): "create_customer in erp",
    ("F-20", "INV-07"): "create_customer in erp",
    ("F-23", "INV-24"): "create_ar_document in erp",
    ("F-24", "INV-24"): "create_ar_document in erp",
    ("F-28", "INV-27"): "create_project in psa",
    ("F-40", "INV-18"): "issue_invoice in billing",
    ("F-42", "INV-19"): "issue_invoice in billing",
    ("F-47", "INV-15"): "apply_change_order in crm",
    ("F-48", "INV-14"): "update_project in psa",
    ("F-66", "INV-45"): "create_project in psa",
}
"""By mutant and invariant: the call in which the defect shows first."""


def test_the_first_cause_is_the_call_that_the_mutant_got_wrong(cli: Start) -> None:
    done = cli("mutants", *sorted({mutant for mutant, _ in BROKEN_CALLS}), "-n", "2", "--json")
    found = {each["id"]: each["causes"] for each in done.json["mutants"]}
    assert {place: found[place[0]].get(place[1]) for place in BROKEN_CALLS} == BROKEN_CALLS


def test_an_unknown_mutant_exits_2(cli: Start) -> None:
    done = cli("mutants", "F-99")
    assert done.code == 2
    assert "no mutant F-99; there are: F-01" in done.err


def test_a_vendor_that_a_role_does_not_have_is_refused_by_name() -> None:
    vendors = faces("salesforce", None, None, "stripe")
    assert checked(vendors) == {"crm": "salesforce", "billing": "stripe"}
    assert words(vendors) == " --crm salesforce --billing stripe"
    with pytest.raises(Unreadable, match=r"crm.*no vendor 'stripe'"):
        checked({"crm": "stripe"})
