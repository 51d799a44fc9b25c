"""Tasks, assignments, rates, receipts and approvals beside the one contract, and what breaks the rules on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Books

WORKED = "2026-01-02T09:00:00.000Z"


def build(books: Books) -> None:
    """What the one contract's project, change order and payment are made of in detail."""
    run = books.store.execute
    run("UPDATE psa.project SET budget_hours = 550, budget_cost = 5500000")
    run("UPDATE crm.rate_card SET effective_from = '2026-01-01', created_at = '2026-01-01T00:00:00.000Z'")
    run("UPDATE psa.rate_card SET effective_from = '2026-01-01', created_at = '2026-01-01T00:00:00.000Z'")
    project = {"project": "P1", "project_no": "CT-0001-P01", "contract_no": "CT-0001"}
    for line in (1, 2):
        books.put(
            "psa.task",
            WORKED,
            id=f"TK{line}",
            task_code=f"T-{line}",
            name="Work",
            status="OPEN",
            line_no=line,
            **project,
        )
    books.put(
        "psa.assignment",
        WORKED,
        id="A1",
        employee="E1",
        employee_no="E-1",
        level="SENIOR",
        status="CONFIRMED",
        **project,
    )
    run(
        "UPDATE psa.time_entry SET project = 'P1', employee = 'E1', employee_no = 'E-1', task = 'TK' || line_no, rate_source = 'NONE'"
    )
    run("UPDATE psa.time_entry SET bill_rate = 2250000, rate_source = 'CARD' WHERE amount IS NOT NULL")
    run("UPDATE crm.change_order SET requested_by = 'Dana', approved_by = 'Robin'")
    run("UPDATE erp.revenue_schedule SET co_seq = 1, treatment = 'CATCH_UP' WHERE line_no = 1 AND schedule_version = 2")
    spent = {
        "gross": 41_230,
        "spend_ccy": "EUR",
        "vat_recoverable": 6_583,
        "fx_rate": 1_083_000,
        "ccy": "USD",
        "cost": 37_523,
    }
    books.put(
        "psa.expense",
        WORKED,
        expense_id="X1",
        category="HOTEL",
        spend_date="2026-01-02",
        markup=80_000,
        bill_amount=40_525,
        line_no=3,
        approval="APPROVED",
        billing="NOT_BILLABLE",
        approved_at=WORKED,
        **spent,
        **project,
    )
    paid = {"payment": "P-1", "ar_document": "AR-INV-US-00001", "invoice_no": "INV-US-00001", "bank_ref": "BANK-1"}
    books.put("erp.payment_application", ccy="USD", legal_entity="CF-US", amount=2_200_000, status="ACTIVE", **paid)
    run("UPDATE erp.payment SET id = 'P-1' WHERE bank_ref = 'BANK-1'")
    run("UPDATE billing.legal_entity SET gapless = 1")
    run("UPDATE crm.contract SET bill_to = 'S1', ship_to = 'S1'")
    run("UPDATE erp.ar_document SET credited = 0, written_off = 0")


def changed(schema: str, entity: str, before: str, doc: str) -> str:
    """SQL that plants a row version: what a record was, and what it became."""
    return (
        f"INSERT INTO {schema}.history (system, entity, id, version, at, deed, actor, causation_id, doc, before)"
        f" VALUES ('{schema}', '{entity}', 'R1', 2, '2026-03-01T10:00:00.000Z', 'update_{entity}', 'somebody', 'EVENT-1', '{doc}', '{before}')"
    )


ORDER = '{"key": "CT-000001/CO-1", "status": "%s"}'
PERIOD = '{"legal_entity": "CF-US", "period": "2026-02", "status": "%s"}'
CUSTOMER = '{"key": "CU-000001", "name": "Aldergate"}'
TWICE = "INSERT INTO erp.history (system, entity, id, version, at, deed, causation_id, doc, before) SELECT system, entity, id, 3, at, deed, causation_id, doc, before FROM erp.history WHERE id = 'R1'"
PLANTED = (
    ("INV-03", ("UPDATE billing.customer SET terms = 'NET30', updated_at = '2026-03-01T10:00:00.000Z'", "UPDATE erp.customer SET terms = 'NET45'",
        changed("billing", "customer", '{"terms": "NET45"}', CUSTOMER).replace("'R1'", "'billing-C1'")), "terms, written from elsewhere"),
    ("INV-03", ("UPDATE crm.customer SET owner = 'Dana'", changed("psa", "customer", '{"owner": "Dana"}', CUSTOMER).replace("'R1'", "'psa-C1'")), "owner, blanked"),
    ("INV-03", "UPDATE erp.customer SET legal_name = 'Another Company'", "legal_name"),
    ("INV-04", "UPDATE billing.invoice SET bill_to_lines = '[\"2 Other Street\"]' WHERE invoice_no = 'INV-US-00002'", "INV-US-00002"),
    ("INV-05", "UPDATE crm.customer SET parent = id", "circle or more than six levels"),
    ("INV-05", "UPDATE erp.customer SET parent = id", "another parent"),
    ("INV-05", ("INSERT INTO crm.customer (system, id, customer_no, name, country, status, version, created_at, updated_at, external_id, ext_refs, custom)"
        " SELECT system, 'C0', 'CU-000000', 'Holding', country, status, 1, created_at, updated_at, NULL, '[]', '{}' FROM crm.customer",
        "INSERT INTO erp.customer (system, id, customer_no, name, country, status, version, created_at, updated_at, external_id, ext_refs, custom)"
        " SELECT system, 'erp-C0', 'CU-000000', 'Holding', country, status, 1, created_at, updated_at, 'C0', '[]', '{}' FROM erp.customer",
        "UPDATE crm.customer SET parent = 'C0' WHERE id = 'C1'"), "another parent"),
    ("INV-05", "UPDATE crm.contract SET bill_to = 'S9'", "no live site"),
    ("INV-06", "UPDATE crm.customer SET status = 'MERGED'", "contract of a customer that is gone"),
    ("INV-06", "UPDATE psa.customer SET deleted_at = '2026-04-09T00:00:00.000Z'", "project of a customer that is gone"),
    ("INV-06", "UPDATE billing.customer SET status = 'MERGED'", "plan of a customer that is gone"),
    ("INV-06", ("UPDATE erp.customer SET status = 'MERGED'", "UPDATE erp.ar_document SET open_amount = 100, customer = 'erp-C1'"), "receivable of a customer that is gone"),
    ("INV-06", "UPDATE crm.customer SET status = 'MERGED', merged_into = 'C1'", "merge without a live winner"),
    ("INV-07", "UPDATE erp.customer SET name = 'Aldergate Logis'", "Aldergate Logis"),
    ("INV-07", "UPDATE psa.customer SET name = 'Aldergate Logistics, Inc' || char(65533)", "name of the customer"),
    ("INV-07", "UPDATE crm.contract SET name = 'Réseau'", "name of the project"),
    ("INV-12", "UPDATE psa.project SET budget_hours = 600", "hours"),
    ("INV-12", "UPDATE psa.project SET budget_cost = 5000000", "cost"),
    ("INV-13", "UPDATE psa.time_entry SET amount = 180001 WHERE entry_id = 'T2'", "amount is not minutes times rate"),
    ("INV-13", "UPDATE psa.time_entry SET bill_rate = 2000000, amount = 160000 WHERE entry_id = 'T3'", "not the rate of that day"),
    ("INV-13", changed("psa", "time_entry", '{"amount": 100}', '{"entry_id": "T9", "approval": "APPROVED", "amount": 200}'), "changed after approval"),
    ("INV-16", "UPDATE psa.task SET open_to = '2026-02-19' WHERE id = 'TK2'", "task was not open"),
    ("INV-16", "UPDATE psa.task SET project = 'P2' WHERE id = 'TK2'", "task of another project"),
    ("INV-16", "UPDATE psa.assignment SET to_date = '2026-02-19'", "nobody assigned"),
    ("INV-20", changed("billing", "invoice", '{"total": 100}', '{"invoice_no": "INV-US-9", "status": "POSTED", "total": 200}'), "INV-US-9"),
    ("INV-20", changed("psa", "time_entry", '{"approval": "APPROVED"}', '{"entry_id": "T9", "billing": "BILLED", "approval": "REJECTED"}'), "billed item changed"),
    ("INV-22", "UPDATE crm.contract_line SET cap = 170000 WHERE line_no = 2", "billed above the cap"),
    ("INV-22", "UPDATE crm.contract_line SET cap = 350000 WHERE line_no = 2", "recognised above the cap"),
    ("INV-28", "UPDATE billing.invoice SET invoice_no = 'INV-US-00002' WHERE invoice_no = 'INV-US-00003'", "number used twice"),
    ("INV-28", "UPDATE billing.invoice SET invoice_no = 'INV-US-00004' WHERE invoice_no = 'INV-US-00003'", "gap before it"),
    ("INV-28", "UPDATE billing.invoice SET issue_date = '2026-02-01' WHERE invoice_no = 'INV-US-00003'", "issued before its predecessor"),
    ("INV-31", "UPDATE erp.period SET status = 'CLOSED', closed_at = '2026-02-20T00:00:00.000Z' WHERE period = '2026-02'", "posted after the close"),
    ("INV-31", "UPDATE erp.journal_entry SET period = '2026-01' WHERE je_no = 'JE-INV-US-00002'", "date in another period"),
    ("INV-33", "INSERT INTO billing.credit_memo (system, id, cm_no, corrects, status, ccy, total, issued_at) VALUES"
     " ('billing', 'M1', 'CM-1', 'INV-US-00002', 'ISSUED', 'USD', -100, '2026-03-01T00:00:00.000Z')", "credit memo not in the books"),
    ("INV-33", "UPDATE erp.ar_document SET doc_type = 'CREDIT_MEMO' WHERE invoice_no = 'INV-US-00003'", "credit memo not in billing"),
    ("INV-33", "UPDATE billing.invoice SET status = 'VOID' WHERE invoice_no = 'INV-US-00002'", "void in billing, open in the books"),
    ("INV-33", "UPDATE erp.ar_document SET status = 'WRITTEN_OFF' WHERE invoice_no = 'INV-US-00002'", "written off in the books only"),
    ("INV-34", "UPDATE erp.ar_document SET open_amount = 100 WHERE invoice_no = 'INV-US-00001'", "open amount"),
    ("INV-34", "UPDATE erp.payment SET amount = 100", "payment applied beyond its amount"),
    ("INV-34", "again erp.payment id=P-1 bank_ref=BANK-1", "bank reference booked twice"),
    ("INV-34", "UPDATE crm.invoice SET paid = total + 1", "paid amount of the CRM beyond its total"),
    ("INV-37", "UPDATE erp.journal_line SET cr = 0 WHERE account = '2300' AND parent = 'JE-INV-US-00002'", "recognised, billed and position"),
    ("INV-38", "UPDATE erp.revenue_schedule SET treatment = 'PROSPECTIVE' WHERE schedule_version = 2", "another treatment"),
    ("INV-38", "UPDATE erp.revenue_schedule SET co_seq = 0", "no schedule of the change"),
    ("INV-38", "UPDATE erp.revenue_schedule SET status = 'ACTIVE' WHERE line_no = 1", "old version not superseded"),
    ("INV-39", "UPDATE psa.expense SET cost = 44652", "cost"),
    ("INV-39", "UPDATE psa.expense SET billing = 'UNBILLED', bill_amount = 40526", "bill amount"),
    ("INV-40", "UPDATE erp.work_entry SET period = '2026-03' WHERE source_id = 'T2'", "T2"),
    ("INV-40", "UPDATE erp.work_entry SET work_date = '2026-02-21' WHERE source_id = 'T2'", "another day than in the PSA"),
    ("INV-41", "UPDATE crm.change_order SET approved_by = 'dana '", "approved by who asked"),
    ("INV-41", "UPDATE crm.change_order SET applied_at = '2026-02-09T00:00:00.000Z'", "applied before it was approved"),
    ("INV-41", changed("crm", "change_order", ORDER % "SUBMITTED", ORDER % "APPROVED"), "approved by no person"),
    ("INV-41", changed("erp", "period", PERIOD % "CLOSED", PERIOD % "OPEN"), "reopened without approval"),
    ("INV-51", changed("psa", "milestone", '{"status": "PLANNED"}', '{"key": "CT-0001/M1", "status": "ACCEPTED"}'), "illegal move"),
    ("INV-51", "UPDATE psa.milestone SET status = 'SIGNED_OFF' WHERE ms_code = 'M2'", "unknown state"),
    ("INV-52", (changed("erp", "customer", CUSTOMER, CUSTOMER), TWICE), "copy written more than once"),
)  # fmt: skip
