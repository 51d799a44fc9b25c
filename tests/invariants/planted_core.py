"""The firm of one contract, and what breaks it: an invariant, how it is broken, a value that a row of the evidence must name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from tests.conftest import Books

CONTRACT = {"contract_no": "CT-0001", "legal_entity": "CF-US", "ccy": "USD"}
PROJECT = {"contract_no": "CT-0001", "project_no": "CT-0001-P01"}
WON, CHANGED, REACHED = "2026-01-05T15:00:00.000Z", "2026-02-10T16:00:00.000Z", "2026-02-27T16:00:00.000Z"
RUN_JANUARY = "2026-02-01T05:30:00.001Z"
ADDRESS = {"lines": ["1 Main Street"], "city": "Austin", "region": "TX", "postcode": "78701", "country": "US"}
RATES = [{"level": "SENIOR", "rate": 2_250_000}, {"level": "CONSULTANT", "rate": 1_750_000}]


def build(books: Books) -> None:
    """One contract, right in all four systems: set up, changed once, delivered, billed, paid and recognised in part."""
    master_data(books)
    contract(books)
    delivery(books)
    billing(books)
    ledger(books)
    traces(books)


def master_data(books: Books) -> None:
    """A customer with its site and copies, the company, its periods and a rate card."""
    who = {
        "customer_no": "CU-000001",
        "name": "Aldergate Logistics, Inc.",
        "country": "US",
        "vat_id": "US-741",
        "status": "ACTIVE",
    }
    books.put("crm.customer", id="C1", **who)
    books.put("crm.site", id="S1", customer="C1", customer_no="CU-000001", site_code="HQ", **ADDRESS)
    for role in ("erp", "psa", "billing"):
        copy = books.put(f"{role}.customer", id=f"{role}-C1", external_id="C1", **who)
        if role != "psa":
            books.put(f"{role}.site", customer=copy["id"], customer_no="CU-000001", site_code="HQ", **ADDRESS)
        if role != "erp":
            books.put(f"{role}.rate_card", code="US", card_version=1, ccy="USD", status="PUBLISHED", rows=RATES)
    books.put("crm.rate_card", id="RC1", code="US", card_version=1, ccy="USD", status="PUBLISHED", rows=RATES)
    for role in ("erp", "billing"):
        books.put(f"{role}.legal_entity", code="CF-US", name="Counterfoil", tz="America/Chicago", functional_ccy="USD")
    books.put("psa.employee", id="E1", employee_no="E-1", level="MANAGER", legal_entity="CF-US", status="ACTIVE")
    for period in ("2026-01", "2026-02", "2026-03", "2026-04"):
        books.put("erp.period", legal_entity="CF-US", period=period, status="OPEN")


def contract(books: Books) -> None:
    """A won deal, its contract after one change order, and the project, plan and schedules that follow from it."""
    deal = {"opp_no": "OPP-00001", "customer": "C1", "ccy": "USD", "closed_at": WON, "contract_no": "CT-0001"}
    books.put("crm.opportunity", id="O1", name="Network", stage="CLOSED_WON", **deal)
    terms = {
        "practice": "Network",
        "rate_card_code": "US",
        "rate_card_version": 1,
        "start": "2026-01-05",
        "end": "2026-06-30",
    }
    fee = {"line_no": 1, "type": "FIXED_FEE", "ccy": "USD", "amount": 11_000_000, "tax_code": "TX"}
    capped = {"line_no": 2, "type": "TM_CAPPED", "ccy": "USD", "cap": 1_500_000, "tax_code": "TX"}
    costs = {"line_no": 3, "type": "EXPENSE", "ccy": "USD", "tax_code": "TX"}
    stones = {"M1": 3_000_000, "M2": 5_000_000, "M3": 1_000_000}
    books.put(
        "crm.contract",
        id="K1",
        opportunity="O1",
        opp_no="OPP-00001",
        customer="C1",
        customer_no="CU-000001",
        status="ACTIVE",
        activated_at=WON,
        billing_trigger="COMPLETED",
        current_version=2,
        original_value=11_000_000,
        current_value=12_500_000,
        mobilisation=2_000_000,
        lines=[
            fee | {"rev_method": "COST_TO_COST", "budget_cost": 5_500_000, "budget_hours": 550},
            capped | {"rev_method": "AS_INVOICED"},
            costs | {"rev_method": "AS_INVOICED"},
        ],
        milestones=[{"ms_code": code, "amount": amount, "ccy": "USD"} for code, amount in stones.items()],
        **CONTRACT,
        **terms,
    )
    deltas = [{"line_no": 1, "amount": 1_000_000, "hours": 50, "cost": 500_000}, {"line_no": 2, "cap": 500_000}]
    agreed = {"approved_at": CHANGED, "applied_at": CHANGED, "treatment": "CATCH_UP"}
    books.put("crm.change_order", contract="K1", co_seq=1, status="APPLIED", deltas=deltas, **agreed, **CONTRACT)
    order = {"contract_no": "CT-0001", "co_seq": 1, "ccy": "USD", "cap": 500_000}
    books.put("psa.change_order", fee=1_000_000, **order)
    books.put("billing.change_order", amount=1_000_000, **order)
    books.put("erp.change_order", amount=1_000_000, **order)
    about = {"customer": "psa-C1", "name": "Network", "status": "ACTIVE", "budget_fee": 12_500_000, "manager": "E1"}
    books.put(
        "psa.project", id="P1", project_no="CT-0001-P01", lines=[fee, capped, costs], **about, **CONTRACT, **terms
    )
    for code, amount in stones.items():
        reached = {"status": "COMPLETED", "completed_at": REACHED} if code == "M1" else {"status": "PLANNED"}
        books.put(
            "psa.milestone",
            project="P1",
            ms_code=code,
            amount=amount,
            **reached,
            **PROJECT,
            legal_entity="CF-US",
            ccy="USD",
        )
    schedule = {"schedule_version": 1, "status": "ACTIVE", **CONTRACT}
    old = {"schedule_version": 1, "status": "SUPERSEDED", **CONTRACT}
    books.put("erp.revenue_schedule", line_no=1, method="COST_TO_COST", tp=10_000_000, **old)
    books.put(
        "erp.revenue_schedule", line_no=1, method="COST_TO_COST", tp=11_000_000, **schedule | {"schedule_version": 2}
    )
    books.put("erp.revenue_schedule", line_no=2, method="AS_INVOICED", cap=1_500_000, **schedule)


def delivery(books: Books) -> None:
    """Three approved entries: one on the fixed fee, one billed, one not yet."""
    for key, line, on, amount, cost, billing in WORK:
        entry = {"work_date": on, "minutes": 480, "amount": amount, "cost": cost, "cost_ccy": "USD"}
        state = {"approval": "APPROVED", "billing": billing, "approved_at": f"{on}T20:00:00.000Z"}
        invoice = {"invoice_line": "INV-US-00003/1"} if billing == "BILLED" else {}
        books.put(
            "psa.time_entry",
            f"{on}T18:00:00.000Z",
            id=f"id-{key}",
            entry_id=key,
            line_no=line,
            **entry,
            **state,
            **invoice,
            **CONTRACT,
        )
        if billing != "NOT_BILLABLE":
            item = {
                "source_type": "TIME",
                "source_id": key,
                "amount": amount,
                "over_cap": 0,
                "billing": billing,
                "minutes": 480,
            }
            books.put(
                "billing.billable_item",
                f"{on}T20:00:00.000Z",
                line_no=line,
                ccy="USD",
                work_date=on,
                contract_no="CT-0001",
                **item,
            )


WORK = (
    ("T1", 1, "2026-01-20", None, 1_100_000, "NOT_BILLABLE"),
    ("T2", 2, "2026-02-20", 180_000, 80_000, "BILLED"),
    ("T3", 2, "2026-04-05", 180_000, 60_000, "UNBILLED"),
)


def billing(books: Books) -> None:
    """A plan, and three invoices: mobilisation, first milestone, February's hours."""
    plan = books.put(
        "billing.plan",
        id="B1",
        customer="billing-C1",
        customer_no="CU-000001",
        status="ACTIVE",
        billing_trigger="COMPLETED",
        **CONTRACT,
    )
    for number, (kind, line_type, line_no, code, amount, status) in enumerate(PLAN, 1):
        cap = {"cap": 1_500_000} if line_type == "TM_CAPPED" else {}
        line = {
            "kind": kind,
            "line_type": line_type,
            "line_no": line_no,
            "ms_code": code,
            "amount": amount,
            "status": status,
        }
        books.put(
            "billing.plan_line", plan=plan["id"], plan_line=number, contract_no="CT-0001", ccy="USD", **line, **cap
        )
    for number, (on, status, lines, items) in INVOICES.items():
        net = sum(each["net"] for each in lines)
        money = {
            "net": net,
            "tax": net // 10,
            "total": net + net // 10,
            "paid": net + net // 10 if status == "PAID" else 0,
        }
        head = {"invoice_no": number, "status": status, "issue_date": on, "due": "2026-05-30", **CONTRACT}
        at = f"{on}T18:00:00.000Z"
        taxed = {"tax_rate": 100_000, "taxable_fraction": 1_000_000, "tax_code": "TX", "ccy": "USD", "qty": 10_000}
        books.put(
            "billing.invoice",
            at,
            customer="billing-C1",
            customer_no="CU-000001",
            issued_at=at,
            ar_status=status,
            rounding_policy="LINE",
            lines=[{**taxed, **each, "tax": each["net"] // 10} for each in lines],
            items=[{"source_id": key, "ccy": "USD", "amount": amount} for key, amount in items],
            **head,
            **money,
        )
        books.put(
            "crm.invoice",
            at,
            invoice_no=number,
            doc_type="INVOICE",
            ccy="USD",
            total=money["total"],
            paid=money["paid"],
            status=status,
        )
        owed = {"open_amount": money["total"] - money["paid"], "je": f"JE-{number}", "doc_type": "INVOICE"}
        books.put(
            "erp.ar_document",
            at,
            id=f"AR-{number}",
            customer="erp-C1",
            customer_no="CU-000001",
            lines=[
                {"net": each["net"], "tax": each["net"] // 10, "ccy": "USD", "contract_line": each["contract_line"]}
                for each in lines
            ],
            **head,
            **money,
            **owed,
        )


PLAN: tuple[tuple[Any, ...], ...] = (
    ("MOBILISATION", "FIXED_FEE", 1, None, 2_000_000, "INVOICED"),
    ("MILESTONE", "FIXED_FEE", 1, "M1", 3_000_000, "INVOICED"),
    ("MILESTONE", "FIXED_FEE", 1, "M2", 5_000_000, "SCHEDULED"),
    ("MILESTONE", "FIXED_FEE", 1, "M3", 1_000_000, "SCHEDULED"),
    ("TM_CYCLE", "TM_CAPPED", 2, None, None, "INVOICED"),
    ("TM_CYCLE", "TM_CAPPED", 2, None, None, "SCHEDULED"),
    ("TM_CYCLE", "EXPENSE", 3, None, None, "SCHEDULED"),
)


def billed_line(plan_line: int, net: int, **more: Any) -> dict[str, Any]:
    """An invoice line of a plan line."""
    line = {"line_no": 1, "line_type": "FIXED_FEE", "contract_line": 1, "plan_line": f"CT-0001/{plan_line}"}
    return line | {"unit_price": net * 100, "net": net} | more


HOURS = {"minutes": 480, "unit_price": 2_250_000, "line_type": "TM_CAPPED", "contract_line": 2}
INVOICES: dict[str, tuple[str, str, list[dict[str, Any]], list[tuple[str, int]]]] = {
    "INV-US-00001": ("2026-01-05", "PAID", [billed_line(1, 2_000_000)], []),
    "INV-US-00002": ("2026-02-27", "POSTED", [billed_line(2, 3_000_000, ms_code="M1")], []),
    "INV-US-00003": ("2026-03-01", "POSTED", [billed_line(5, 180_000, **HOURS)], [("T2", 180_000)]),
}


def ledger(books: Books) -> None:
    """What the books make of it."""
    mine = {"contract_no": "CT-0001"}
    for number, on, legs in (
        ("INV-US-00001", "2026-01-05", "1200 22000 | 2300 -20000 1 | 2200 -2000"),
        ("INV-US-00002", "2026-02-27", "1200 33000 | 2300 -30000 1 | 2200 -3000"),
        ("INV-US-00003", "2026-03-01", "1200 1980 | 1220 -1800 2 | 2200 -180"),
    ):
        books.entry(
            f"JE-{number}", f"{on}T18:00:00.000Z", "P1", legs, id=f"JE-{number}", source_doc=f"invoice {number}", **mine
        )
    books.entry("JE-10", "2026-01-25T18:00:00.000Z", "P7", "1000 22000 | 2350 -22000")
    books.entry("JE-11", "2026-01-25T18:00:00.001Z", "P7", "2350 22000 | 1200 -22000", **mine)
    received = {"receipt_no": "RC-1", "payer": "erp-C1", "legal_entity": "CF-US", "ccy": "USD", "amount": 2_200_000}
    books.put("erp.payment", bank_ref="BANK-1", status="APPLIED", applied=2_200_000, unapplied=0, **received)
    for key, line, on, amount, cost, _ in WORK:
        at = f"{on}T20:00:00.000Z"
        labour = f"5000 {cost / 100} {line} | 2500 -{cost / 100} {line}"
        earned = f" | 1220 {amount / 100} {line} | 4010 -{amount / 100} {line}" if amount else ""
        books.entry(f"JE-{key}", at, "P4", labour + earned, id=f"JE-{key}", source_doc=f"work {key}", **mine)
        work = {
            "source_type": "TIME",
            "source_id": key,
            "value": amount or 0,
            "cost": cost,
            "work_date": on,
            "period": on[:7],
        }
        books.put("erp.work_entry", at, line_no=line, minutes=480, je=f"JE-{key}", **work, **CONTRACT)
    books.entry("JE-20", RUN_JANUARY, "P2", "2300 22000 1 | 4000 -22000 1", **mine)


def traces(books: Books) -> None:
    """Events that had their effects, and a receivable that the integration posted because of one."""
    rows = books.store.rows
    customer = rows("SELECT * FROM crm.customer WHERE id = 'C1'")[0]
    books.told("crm", "crm.account.updated", customer, "2026-01-06T10:00:00.000Z", "customer")
    entry = rows("SELECT * FROM psa.time_entry WHERE entry_id = 'T3'")[0]
    books.told("psa", "psa.time.approved", entry, "2026-04-05T20:00:00.000Z", "time_entry")
    invoice = rows("SELECT * FROM billing.invoice WHERE invoice_no = 'INV-US-00002'")[0]
    cause = books.told("billing", "billing.invoice.issued", invoice, "2026-02-27T18:00:00.000Z", "invoice")
    books.store.execute(
        "UPDATE erp.ar_document SET correlation_id = 'CT-0001', causation_id = ?, source_key = 'INV-US-00002' WHERE id = 'AR-INV-US-00002'",
        (cause,),
    )
    books.store.execute(
        "INSERT INTO erp.history (system, entity, id, version, at, deed, actor, causation_id, journal_seq, doc)"
        " VALUES ('erp', 'ar_document', 'AR-INV-US-00002', 1, '2026-02-27T18:00:00.001Z', 'create_ar_document', 'integration', ?, 1, ?)",
        (cause, orjson.dumps(rows("SELECT * FROM erp.ar_document WHERE id = 'AR-INV-US-00002'")[0]).decode()),
    )


PLANTED = (
    ("INV-01", "again erp.customer id=erp-C1 external_id=C1", "CU-000001"),
    (
        "INV-01",
        "again erp.customer id=erp-C1 external_id=NULL customer_no=NULL name='ALDERGATE LOGISTICS'",
        "ALDERGATE LOGISTICS",
    ),
    ("INV-01", "DELETE FROM psa.customer", "psa.customer"),
    ("INV-02", "again billing.customer id=billing-C1", "C1"),
    ("INV-02", "UPDATE crm.customer SET deleted_at = '2026-04-09T00:00:00.000Z'", "erp-C1"),
    ("INV-03", "UPDATE erp.customer SET name = 'Aldergate Logistic'", "Aldergate Logistic"),
    ("INV-03", "UPDATE billing.site SET city = 'Boston'", "Boston"),
    ("INV-03", "UPDATE billing.customer SET vat_id = 'US-999'", "US-999"),
    ("INV-08", "DELETE FROM psa.project", "no project"),
    ("INV-08", "DELETE FROM billing.plan", "no billing plan"),
    ("INV-08", "UPDATE erp.revenue_schedule SET status = 'SUPERSEDED' WHERE line_no = 2", "schedules of one line"),
    ("INV-08", "UPDATE crm.contract SET status = 'APPROVED'", "contract not active"),
    ("INV-09", "UPDATE psa.project SET legal_entity = 'CF-UK'", "CF-UK"),
    ("INV-09", "UPDATE psa.project SET rate_card_version = 2", "rate card version"),
    ("INV-09", "UPDATE psa.project SET manager = NULL", "manager"),
    ("INV-10", "UPDATE psa.project SET contract_no = 'CT-0099'", "CT-0099"),
    ("INV-10", "UPDATE crm.opportunity SET stage = 'NEGOTIATE'", "deal was taken back"),
    ("INV-11", "UPDATE billing.plan_line SET amount = 4000000 WHERE ms_code = 'M2'", "M2"),
    ("INV-11", "UPDATE psa.milestone SET status = 'CANCELLED' WHERE ms_code = 'M3'", "M3"),
    ("INV-11", "UPDATE billing.plan_line SET status = 'CANCELLED' WHERE kind = 'MOBILISATION'", "fixed fee"),
    ("INV-14", "UPDATE psa.project SET budget_fee = 13500000", "psa"),
    ("INV-14", "UPDATE erp.revenue_schedule SET tp = 10000000 WHERE schedule_version = 2", "erp"),
    ("INV-14", "UPDATE billing.plan_line SET cap = 1000000", "billing"),
    ("INV-15", "UPDATE crm.change_order SET status = 'REJECTED'", "not approved"),
    ("INV-15", "DELETE FROM erp.change_order", "applied, not held"),
    ("INV-15", "UPDATE billing.change_order SET amount = 2000000", "other amounts"),
    ("INV-17", "DELETE FROM billing.billable_item WHERE source_id = 'T3'", "T3"),
    ("INV-17", "UPDATE billing.billable_item SET amount = 1800000 WHERE source_id = 'T3'", "T3"),
    ("INV-17", "UPDATE psa.time_entry SET approval = 'REJECTED' WHERE entry_id = 'T3'", "not approved, in billing"),
    ("INV-18", "UPDATE psa.time_entry SET approved_at = '2026-03-02T00:00:00.000Z' WHERE entry_id = 'T2'", "T2"),
    ("INV-19", "again billing.invoice_item source_id=T2 position=2", "T2"),
    ("INV-19", "DELETE FROM billing.invoice_item", "billed, on no invoice"),
    (
        "INV-19",
        "UPDATE psa.time_entry SET billing = 'BILLED' WHERE entry_id = 'T3'",
        "billed in the project, on no invoice",
    ),
    (
        "INV-21",
        "UPDATE psa.milestone SET status = 'COMPLETED', completed_at = '2026-03-02T00:00:00.000Z' WHERE ms_code = 'M2'",
        "M2",
    ),
    (
        "INV-21",
        "UPDATE psa.milestone SET status = 'PLANNED', completed_at = NULL WHERE ms_code = 'M1'",
        "invoiced, not reached",
    ),
    ("INV-21", "again billing.invoice_line ms_code=M1 position=2", "invoiced beyond its amount"),
    (
        "INV-21",
        "UPDATE psa.milestone SET completed_at = '2026-03-10T16:00:00.000Z' WHERE ms_code = 'M1'",
        "invoiced before it was reached",
    ),
    ("INV-23", "UPDATE psa.time_entry SET approved_at = '2026-02-01T00:00:00.000Z' WHERE entry_id = 'T3'", "T3"),
    (
        "INV-23",
        "UPDATE billing.plan_line SET status = 'READY', ready_at = '2026-02-01T00:00:00.000Z' WHERE ms_code = 'M2'",
        "CT-0001/3",
    ),
    ("INV-24", "DELETE FROM erp.ar_document WHERE invoice_no = 'INV-US-00002'", "issued, not in the books"),
    ("INV-24", "again erp.ar_document invoice_no=INV-US-00002 id=AR-2b", "twice in the books"),
    ("INV-24", "UPDATE erp.ar_document SET total = 3300001 WHERE invoice_no = 'INV-US-00002'", "total differs"),
    (
        "INV-24",
        "UPDATE erp.ar_document SET issue_date = '2026-02-28' WHERE invoice_no = 'INV-US-00002'",
        "issue_date differs",
    ),
    ("INV-24", "DELETE FROM billing.invoice WHERE invoice_no = 'INV-US-00003'", "in the books, never issued"),
    ("INV-25", "UPDATE billing.invoice SET tax = 300001 WHERE invoice_no = 'INV-US-00002'", "INV-US-00002"),
    ("INV-25", "UPDATE billing.invoice_line SET net = 180001 WHERE minutes = 480", "net of line 1"),
    ("INV-25", "UPDATE erp.ar_document SET net = 3000001 WHERE invoice_no = 'INV-US-00002'", "erp"),
    ("INV-27", "UPDATE erp.ar_document SET legal_entity = 'CF-UK' WHERE invoice_no = 'INV-US-00002'", "CF-UK"),
    ("INV-27", "UPDATE erp.journal_entry SET legal_entity = 'CF-UK' WHERE je_no = 'JE-20'", "JE-20"),
    (
        "INV-29",
        "UPDATE erp.journal_line SET dr = dr + 1 WHERE account = '1220' AND dr > 0 AND parent = 'JE-T3'",
        "JE-T3",
    ),
    ("INV-30", "UPDATE erp.ar_document SET open_amount = 0 WHERE invoice_no = 'INV-US-00002'", "account 1200"),
    ("INV-30", "UPDATE erp.payment SET unapplied = 500", "account 2350"),
    (
        "INV-30",
        "UPDATE erp.journal_line SET cr = 0 WHERE account = '2300' AND parent = 'JE-INV-US-00002'",
        "contract position",
    ),
    ("INV-30", "UPDATE erp.journal_line SET dr = 0 WHERE account = '1220' AND parent = 'JE-T3'", "unbilled receivable"),
    ("INV-32", "UPDATE crm.invoice SET status = 'POSTED' WHERE invoice_no = 'INV-US-00001'", "INV-US-00001"),
    ("INV-32", "UPDATE billing.invoice SET paid = 100 WHERE invoice_no = 'INV-US-00002'", "INV-US-00002"),
    ("INV-32", "DELETE FROM crm.invoice WHERE invoice_no = 'INV-US-00003'", "absent"),
    (
        "INV-36",
        "UPDATE erp.journal_line SET account = '4000' WHERE account = '2300' AND parent = 'JE-INV-US-00002'",
        "recognised on invoicing",
    ),
    (
        "INV-36",
        "UPDATE erp.work_entry SET cost = cost + 500000 WHERE source_id = 'T1'",
        "cumulative revenue by COST_TO_COST",
    ),
    ("INV-36", "UPDATE erp.journal_line SET cr = 100000 WHERE account = '4010' AND parent = 'JE-T3'", "T3"),
    ("INV-42", "again erp.ar_document invoice_no=INV-US-00002 id=AR-2b", "INV-US-00002"),
    ("INV-42", "again psa.project id=P1 project_no=CT-0001-P02", "project of one contract"),
    ("INV-42", "again billing.billable_item source_id=T3", "billable item of one entry"),
    ("INV-42", "again erp.work_entry source_id=T3", "cost and revenue of one entry"),
    (
        "INV-42",
        "UPDATE billing.invoice_line SET plan_line = 'CT-0001/1' WHERE ms_code = 'M1'",
        "invoice of one plan line",
    ),
    ("INV-43", "UPDATE erp.customer SET name = 'Aldergate Ltd'", "Aldergate Ltd"),
    ("INV-43", "UPDATE psa.rate_card_row SET rate = 2000000 WHERE level = 'SENIOR'", "rate_card"),
    ("INV-44", "DELETE FROM erp.work_entry WHERE source_id = 'T3'", "event without work entry in the books"),
    (
        "INV-44",
        "DELETE FROM erp.ar_document WHERE invoice_no = 'INV-US-00002'",
        "event without receivable in the books",
    ),
    ("INV-44", "UPDATE psa.customer SET name = 'Other'", "event without copies of the customer"),
    ("INV-45", "UPDATE erp.ar_document SET correlation_id = NULL", "no correlation id"),
    ("INV-45", "UPDATE erp.ar_document SET correlation_id = 'fresh'", "correlation id of another flow"),
    ("INV-45", "UPDATE erp.ar_document SET source_key = NULL", "no source"),
    ("INV-45", "UPDATE erp.ar_document SET causation_id = 'EVENT-unknown'", "cause is unknown"),
)
