"""What the integration says of itself and how it calls: a reconciliation, a dashboard, a few polite calls; and what is wrong with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from tests.conftest import Books

AT = "2026-04-10T11:00:00.000Z"
LIMITS = """INSERT INTO control.meta VALUES ('limits', '{"erp": {"rate": 2, "burst": 2}}')"""
SCOPE = {"legal_entity": "CF-US", "period": "2026-01", "ccy": "USD"}


def told(seq: int, what: str, said: dict[str, Any]) -> str:
    """SQL that plants something that the integration has told of itself."""
    body = orjson.dumps({"data": said}).decode()
    return (
        "INSERT INTO journal.entry (seq, kind, system, at, wall, operation, request) VALUES"
        f" ({seq}, 'integration', 'integration', '{AT}', 0, 'com.counterfoil.int.{what}.v1', '{body}')"
    )


def reconciled(seq: int, variance: int, *keys: str) -> str:
    """SQL that plants the report of a reconciliation of January with these differences."""
    return told(
        seq,
        "reconciliation.ran",
        {"scopes": [{**SCOPE, "variance": variance}], "items": [{"key": each} for each in keys]},
    )


def call(seq: int, wall: float, status: int | None = 201, wait: int | None = None, **more: Any) -> str:
    """SQL that plants a call of the integration: a posting of one invoice to the books, unless said otherwise."""
    said = {
        "operation": "create_ar_document",
        "method": "POST",
        "path": "/ar_documents",
        "client": "erp-client",
        "request": "{}",
    }
    said |= {"credential": "aaaa", "causation_id": "EVENT-1", "fault": None} | more
    row = {
        "seq": seq,
        "kind": "request",
        "system": "erp",
        "at": AT,
        "wall": wall,
        "status": status,
        "retry_after": wait,
        **said,
    }
    values = ", ".join(
        "NULL" if value is None else str(value) if isinstance(value, (int, float)) else f"'{value}'"
        for value in row.values()
    )
    return f"INSERT INTO journal.entry ({', '.join(row)}) VALUES ({values})"


def calls(first: int, begun: float, gaps: list[float], **more: Any) -> tuple[str, ...]:
    """SQL that plants calls with these gaps in seconds before each."""
    planted, wall = [], begun
    for number, gap in enumerate(gaps):
        wall += gap
        planted.append(call(first + number, wall, **more))
    return tuple(planted)


def token(seq: int, wall: float, status: int = 200, **more: Any) -> str:
    """SQL that plants the use of a refresh token."""
    shown = {"operation": "token", "path": "/oauth/token", "client": None, "request": None, "credential": "rrrr"}
    return call(seq, wall, status, **shown | more)


FIGURES = {
    "billed": [{"minor": 5_180_000, "ccy": "USD"}],
    "wip": {"minor": 180_000, "ccy": "USD"},
    "recognised": [{"minor": 2_560_000, "ccy": "USD"}],
    "margin": "0.5156",
}


def build(books: Books) -> None:
    """A true reconciliation and dashboard, and calls as they should be."""
    for statement in (
        reconciled(1001, 0),
        told(1002, "dashboard.shown", FIGURES),
        # refused once, waited for; answered by nobody three times, repeated with growing gaps
        call(10, 100.0, 429, 1),
        call(11, 101.2),
        *(call(12 + number, 110 + 2.0**number, None, request="{2}") for number in range(8)),
        token(30, 300.0),
        token(31, 310.0, credential="ssss"),
    ):
        books.store.execute(statement)


CLOSE = (
    "INSERT INTO erp.outbox (system, id, type, key, entity, record_id, version, at, history_seq) SELECT system, 'CLOSED-1',"
    " 'com.counterfoil.erp.period.closed.v1', key, 'period', id, 2, '{at}', 0 FROM erp.period WHERE period = '2026-01'"
)
FORGET = "DELETE FROM journal.entry WHERE seq = 1001"
UNPOSTED = (FORGET, "DELETE FROM erp.ar_document WHERE invoice_no = 'INV-US-00001'")
NETTED = (
    "UPDATE billing.invoice SET issue_date = '2026-01-20' WHERE invoice_no = 'INV-US-00003'",
    "UPDATE erp.ar_document SET issue_date = '2026-01-20', total = total - 1 WHERE invoice_no = 'INV-US-00003'",
    "UPDATE erp.ar_document SET total = total + 1 WHERE invoice_no = 'INV-US-00001'",
)
PLANTED = (
    ("INV-46", reconciled(1050, 5), "variance is not what the systems say"),
    ("INV-46", (*UNPOSTED, reconciled(1050, 0, "INV-US-00001")), "variance is not what the systems say"),
    ("INV-46", (*UNPOSTED, reconciled(1050, 2_200_000)), "INV-US-00001"),
    ("INV-46", NETTED, "INV-US-00003"),
    ("INV-46", (FORGET, CLOSE.format(at="2026-04-09T00:00:00.000Z")), "closed without reconciliation"),
    ("INV-48", "UPDATE billing.billable_item SET amount = amount + 1", "wip"),
    ("INV-48", "DELETE FROM billing.invoice WHERE invoice_no = 'INV-US-00002'", "billed"),
    ("INV-48", "UPDATE erp.journal_line SET cr = cr + 100 WHERE account = '4000'", "recognised"),
    ("INV-48", told(1060, "dashboard.shown", {"backlog": {"minor": 1, "ccy": "USD"}}), "backlog"),
    ("INV-48", told(1060, "dashboard.shown", {"receivable": [{"minor": 1, "ccy": "EUR"}]}), "receivable"),
    ("INV-48", told(1060, "dashboard.shown", {"utilization": "0.9000"}), "utilization"),
    ("INV-47", "UPDATE journal.entry SET wall = 100.7 WHERE seq = 11", "repeated before Retry-After"),
    ("INV-47", call(50, 100.7, request="{3}"), "called before Retry-After"),
    ("INV-47", (LIMITS, *calls(50, 500.0, [0.1] * 5)), "more calls in a second than limit and burst"),
    ("INV-47", calls(50, 500.0, [2.0**number for number in range(10)], status=503), "repeated more than 8 times"),
    ("INV-47", calls(50, 500.0, [0.5] * 8, status=503), "repeated without growing gaps"),
    ("INV-47", token(50, 305.0, 400), "refresh token used twice"),
    ("INV-47", (call(50, 400.0, 401), call(51, 401.0, 401, client=None)), "credential used after it was refused"),
)  # fmt: skip
