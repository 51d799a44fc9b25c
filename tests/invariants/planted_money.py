"""Tax, a second currency and a sister company beside the one contract, and what breaks the rules on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Books

SPENT, RECEIVED = "2026-01-02T09:00:00.000Z", "2026-02-20T10:00:00.000Z"
CODES = (("TX-10", "SALES_TAX", "S", "US-TX"), ("EX", "NONE", "E", None), ("NT", "NONE", "O", None))
STERLING = {"from_ccy": "EUR", "to_ccy": "GBP", "type": "SPOT"}


def build(books: Books) -> None:
    """Tax codes for the invoices, rates for the expense and a receipt in euros, and 20 hours of a person from the sister company."""
    run = books.store.execute
    run("UPDATE erp.legal_entity SET country = 'US' WHERE code = 'CF-US'")
    run("UPDATE crm.site SET jurisdiction_code = 'US-TX'")
    run("UPDATE billing.invoice_line SET tax_code = 'TX-10'")
    for code, kind, category, place in CODES:
        books.put("erp.tax_code", code=code, kind=kind, category=category, jurisdiction=place, rate=0)
    sister = {"name": "Counterfoil UK", "country": "GB", "tz": "Europe/London", "functional_ccy": "GBP"}
    books.put("erp.legal_entity", code="CF-UK", **sister)
    books.put("erp.fx_rate", SPENT, from_ccy="EUR", to_ccy="USD", type="SPOT", rate_date="2026-01-02", rate=1_083_000)
    books.put("erp.fx_rate", RECEIVED, rate_date="2026-02-20", rate=845_000, **STERLING)
    books.put("erp.fx_rate", SPENT, from_ccy="GBP", to_ccy="USD", type="SPOT", rate_date="2026-01-02", rate=1_270_000)
    receipt = {"legal_entity": "CF-UK", "payer": "erp-C1", "ccy": "EUR", "amount": 6_000_000, "unapplied": 6_000_000}
    at = "2026-02-20T11:00:00.000Z"
    books.put(
        "erp.payment", at, bank_ref="BANK-EUR", value_date="2026-02-20", fx_rate=845_000, status="RECEIVED", **receipt
    )
    euros: dict[str, Any] = {"ccy": "EUR", "func_ccy": "GBP"}
    sides = (("1000", 6_000_000, 5_070_000), ("2350", -6_000_000, -5_070_000))
    _entry(books, "JE-EUR", at, "CF-UK", "EUR", [_line(*side) | euros for side in sides])
    for number, entity, ccy, partner, lines in (
        ("JE-IC-UK", "CF-UK", "GBP", "CF-US", (("1600", 209_000, 209_000), ("4100", -209_000, -209_000))),
        ("JE-IC-US", "CF-US", "USD", "CF-UK", (("5030", 265_430, 265_430), ("2600", -265_430, -265_430))),
    ):
        more = {"ccy": ccy, "func_ccy": ccy, "ic_ref": "IC-T1", "ic_partner": partner, "contract_no": "CT-0001"}
        _entry(books, number, "2026-01-02T20:00:00.000Z", entity, ccy, [_line(*each) | more for each in lines])
    run("UPDATE erp.work_entry SET ic_ref = 'IC-T1', ic_partner = 'CF-UK' WHERE source_id = 'T1'")


def _line(account: str, amount: int, func: int) -> dict[str, Any]:
    return {
        "account": account,
        "dr": max(amount, 0),
        "cr": max(-amount, 0),
        "func_dr": max(func, 0),
        "func_cr": max(-func, 0),
    }


def _entry(books: Books, number: str, at: str, entity: str, ccy: str, lines: list[dict[str, Any]]) -> None:
    head = {"legal_entity": entity, "ccy": ccy, "status": "POSTED", "posting_date": at[:10], "period": at[:7]}
    books.put("erp.journal_entry", at, id=number, je_no=number, rule="P7", posted_at=at, lines=lines, **head)


REVALUED = (
    "INSERT INTO erp.fx_rate (system, id, created_at, from_ccy, to_ccy, type, rate_date, rate) VALUES"
    " ('erp', 'FX-CLOSING', '2026-03-01T00:00:00.000Z', 'EUR', 'GBP', 'CLOSING', '2026-02-28', 840000)",
    "INSERT INTO erp.journal_entry (system, id, je_no, legal_entity, ccy, rule, posting_date, period, posted_at, status) VALUES"
    " ('erp', 'JE-P10', 'JE-P10', 'CF-UK', 'EUR', 'P10', '2026-02-28', '2026-02', '2026-03-01T01:00:00.000Z', 'POSTED')",
    "INSERT INTO erp.journal_line (system, parent, position, account, ccy, dr, cr, func_ccy, func_dr, func_cr) VALUES"
    " ('erp', 'JE-P10', 0, '2300', 'EUR', 0, 0, 'GBP', 0, 20000), ('erp', 'JE-P10', 1, '7110', 'EUR', 0, 0, 'GBP', 20000, 0)",
)
EURO_INVOICE = (
    "INSERT INTO erp.ar_document (system, id, created_at, invoice_no, doc_type, legal_entity, ccy, tax_point, fx_rate, total, status) VALUES"
    " ('erp', 'AR-EUR', '2026-02-20T12:00:00.000Z', 'INV-UK-1', 'INVOICE', 'CF-UK', 'EUR', '2026-02-20', {rate}, 10000000, 'POSTED')"
)
APPLIED = (
    EURO_INVOICE.format(rate=845_000),
    "UPDATE erp.payment SET id = 'P-EUR' WHERE bank_ref = 'BANK-EUR'",
    "INSERT INTO erp.payment_application (system, id, payment, ar_document, invoice_no, bank_ref, ccy, func_ccy, amount, fx_gain_loss, status)"
    " VALUES ('erp', 'A-EUR', 'P-EUR', 'AR-EUR', 'INV-UK-1', 'BANK-EUR', 'EUR', 'GBP', 6000000, -90000, 'ACTIVE')",
)
OUTPUTS = (
    "UPDATE crm.contract_line SET rev_method = 'MILESTONE_OUTPUT' WHERE line_no = 1",
    "DELETE FROM crm.change_order",
)
SPREAD = (
    "UPDATE crm.contract_line SET rev_method = 'STRAIGHT_LINE', start = '2026-01-01', \"end\" = '2026-12-31' WHERE line_no = 1",
    "UPDATE crm.change_order SET treatment = 'PROSPECTIVE'",
)
PLANTED = (
    ("INV-26", "UPDATE billing.invoice_line SET tax_code = 'NT' WHERE parent = (SELECT id FROM billing.invoice WHERE invoice_no = 'INV-US-00002')", "INV-US-00002"),
    ("INV-26", "UPDATE erp.customer SET tax_status = 'EXEMPT', exemption_cert = 'C-1', exemption_expires = '2026-02-28'", "EX"),
    ("INV-26", "UPDATE crm.site SET jurisdiction_code = 'US-IL'", "NT"),
    ("INV-35", "UPDATE psa.expense SET fx_rate = 1090000", "rate of an expense"),
    ("INV-35", "UPDATE erp.payment SET fx_rate = 860000 WHERE bank_ref = 'BANK-EUR'", "rate of a receipt"),
    ("INV-35", EURO_INVOICE.format(rate=1_183_432), "rate of an invoice"),
    ("INV-35", APPLIED, "realised difference"),
    ("INV-35", REVALUED, "revalued, and not monetary"),
    ("INV-35", REVALUED[1:], "revalued without a closing rate"),
    ("INV-36", (*OUTPUTS, "UPDATE crm.contract_milestone SET rev_weight = 1000000"), "cumulative revenue by MILESTONE_OUTPUT"),
    ("INV-36", (SPREAD[1], "UPDATE erp.journal_entry SET posted_at = '2026-02-28T05:30:00.000Z' WHERE je_no = 'JE-20'"), "cumulative revenue by COST_TO_COST"),
    ("INV-36", SPREAD, "cumulative revenue by STRAIGHT_LINE"),
    ("INV-41", "UPDATE erp.ar_document SET written_off = 100 WHERE invoice_no = 'INV-US-00002'", "written off without approval"),
    ("INV-50", "DELETE FROM erp.journal_line WHERE parent = 'JE-IC-UK'", "debt without a claim"),
    ("INV-50", "DELETE FROM erp.journal_line WHERE parent = 'JE-IC-US'", "claim without a debt"),
    ("INV-50", "UPDATE erp.journal_line SET ic_partner = 'CF-DE' WHERE parent = 'JE-IC-UK'", "sides do not name each other"),
    ("INV-50", "UPDATE erp.journal_line SET func_cr = 209000 WHERE parent = 'JE-IC-US' AND account = '2600'", "sides differ"),
    ("INV-50", ("UPDATE psa.time_entry SET employee_entity = 'CF-UK' WHERE entry_id = 'T2'", "UPDATE psa.time_entry SET cost = 100 WHERE entry_id = 'T2'"), "work of a sister company as one's own"),
)  # fmt: skip
