"""What a run says afterwards: the verdict over all scenarios, the page, the picture of what happened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from counterfoil.explain import explain
from counterfoil.outcome import exit_code, run_object
from counterfoil.report import html, lanes

AT = "2026-01-05T15:00:00.001Z"
VIOLATION: dict[str, Any] = {
    "invariant": "INV-24",
    "rule": "Every issued invoice stands in the books exactly once.",
    "kind": "E",
    "count": 1,
    "rows": [{"invoice_no": "INV-US-00001", "billing_total": 5116800, "erp_documents": 2, "ccy": "USD"}],
    "at_stake": [{"minor": 5116800, "ccy": "USD"}],
    "first_cause": {
        "at": AT,
        "deed": "create_ar_document",
        "actor": "integration",
        "system": "erp",
        "journal_seq": 7,
        "record": "ar_document INV-US-00001",
        "request": {
            "seq": 7,
            "method": "POST",
            "path": "/native/v1/ar_documents",
            "status": 201,
            "fault": "lost_response",
        },
        "chain": [
            {"kind": "event", "at": AT, "name": "billing.invoice.issued.v1", "key": "INV-US-00001", "system": "billing"}
        ],
    },
}
FAILED: Any = {
    "id": "S-01",
    "title": "End <to> end",
    "nodeid": "s.py::scenario_s01",
    "verdict": "violated",
    "seconds": 1.0,
    "violations": [VIOLATION],
    "expectations": [],
    "held": ["INV-02"],
    "not_applicable": [{"invariant": "INV-45", "rule": "Traces.", "missing": ["trace"]}],
    "error": None,
    "replay": "counterfoil run S-01 --seed 7",
    "evidence": "one",
}
PASSED: Any = {
    "id": "S-02",
    "title": "A month",
    "nodeid": "s.py::scenario_s02",
    "verdict": "passed",
    "seconds": 2.0,
    "violations": [],
}


def entry(seq: int, kind: str, system: str, operation: str, at: str = AT, **more: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "kind": kind,
        "system": system,
        "operation": operation,
        "at": at,
        "key": f"K-{seq}",
        "status": 200,
        **more,
    }


STORY = [
    entry(1, "deed", "billing", "issue_invoice"),
    entry(2, "delivery", "billing", "com.counterfoil.billing.invoice.issued.v1"),
    entry(3, "request", "erp", "get_customer", method="GET"),
    entry(4, "request", "erp", "create_ar_document", method="POST", fault="lost_response"),
    entry(5, "request", "crm", "create_invoice", method="POST", status=503),
]


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 2),
        (["not_applicable"], 2),
        (["passed", "not_applicable"], 0),
        (["passed", "violated"], 1),
        (["violated", "broken"], 3),
        (["unreadable", "passed"], 2),
    ],
)
def test_exit_codes_follow_from_the_verdicts(verdicts: list[str], code: int) -> None:
    assert exit_code([{"verdict": each} for each in verdicts]) == code


def test_a_violation_is_explained_in_words() -> None:
    said = explain(FAILED)
    assert "INV-24 is violated: Every issued invoice stands in the books exactly once." in said
    assert "Money at stake: USD 51,168.00" in said
    assert re.search(r"INV-US-00001 +USD 51,168\.00 +2$", said, re.MULTILINE)
    assert "First cause: create_ar_document in erp by integration on ar_document INV-US-00001" in said
    assert "journal 7: POST /native/v1/ar_documents → 201, fault: lost_response" in said
    assert "← event billing.invoice.issued.v1 INV-US-00001 in billing" in said
    assert said.endswith("See it again: counterfoil run S-01 --seed 7")


def page(tmp_path: Path) -> str:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "journal.json").write_bytes(orjson.dumps(STORY))
    run = run_object([PASSED, FAILED], integration="reference", seed=7, size="S", faults="noisy", seconds=3.0)
    html.write(run, tmp_path, tmp_path / "deep" / "page.html")
    return (tmp_path / "deep" / "page.html").read_text(encoding="utf-8")


def test_the_page_puts_the_verdict_and_the_money_first(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert text.index("The books are not right") < text.index("USD 51,168.00") < text.index("<h2>Scenarios")
    assert "1 of 2 scenarios violated" in text
    assert "not applicable: no trace" in text


def test_a_column_of_money_stands_at_the_right_also_where_a_row_has_none() -> None:
    rows = [{"key": "CT-1", "psa_value": None, "ccy": "USD"}, {"key": "CT-2", "psa_value": 3600000, "ccy": "USD"}]
    failed = FAILED | {"violations": [VIOLATION | {"rows": rows}], "evidence": None}
    text = html.render(
        run_object([failed], integration="reference", seed=7, size="S", faults=None, seconds=3.0), Path()
    )
    assert '<th class="n">psa value</th>' in text
    assert '<td class="n">–</td></tr>' in text
    assert '<td class="n">USD 36,000.00</td>' in text


def test_the_page_is_self_contained_and_escapes_what_it_shows(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "End &lt;to&gt; end" in text
    assert not re.findall(r"(?:src|href)=\"(?!#)", text)
    assert "@import" not in text
    assert "<script" not in text


def test_the_picture_has_a_lane_for_each_system_and_the_integration_in_the_middle() -> None:
    drawn = lanes.picture(STORY, ["crm", "psa", "billing", "erp"])
    assert [title for title, _ in drawn.lanes] == ["CRM", "PSA", "Integration", "Billing", "ERP"]
    steps = [row for row in drawn.rows if isinstance(row, lanes.Step)]
    assert [(each.source, each.target, each.tone) for each in steps] == [
        ("billing", "billing", "deed"),
        ("billing", "integration", "event"),
        ("integration", "erp", "read"),
        ("integration", "erp", "fault"),
        ("integration", "crm", "error"),
    ]


def test_a_long_story_is_shortened_without_losing_what_went_wrong() -> None:
    days = [f"2026-{month:02d}-{day:02d}T10:00:00.000Z" for month in range(1, 13) for day in range(1, 29)]
    story = [entry(seq, "request", "erp", f"create_{seq % 9}", at, method="POST") for seq, at in enumerate(days * 20)]
    story.append(entry(99999, "request", "erp", "create_ar_document", days[150], method="POST", fault="lost_response"))
    story.sort(key=lambda each: each["at"])
    drawn = lanes.picture(story, ["crm", "psa", "billing", "erp"])
    steps = [row for row in drawn.rows if isinstance(row, lanes.Step)]
    assert len(steps) <= lanes.MOST_ROWS
    assert drawn.total == len(story)
    assert any(each.tone == "fault" for each in steps)
