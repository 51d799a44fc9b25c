"""State machines: each table in the models is the domain's row, and every move that is not in it is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Entity, Field, Record
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import Origin, System, World
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.roles import ROLES

Table = dict[str, str]

BILLING_OF_WORK: Table = {
    "NOT_BILLABLE": "",
    "UNBILLED": "ON_HOLD SELECTED WRITTEN_OFF OVER_CAP",
    "ON_HOLD": "UNBILLED",
    "SELECTED": "BILLED UNBILLED",
    "BILLED": "UNBILLED CREDITED",
    "CREDITED": "",
    "WRITTEN_OFF": "",
    "OVER_CAP": "UNBILLED",
}
APPROVAL_OF_TIME: Table = {
    "DRAFT": "SUBMITTED",
    "SUBMITTED": "APPROVED REJECTED",
    "APPROVED": "SUBMITTED",
    "REJECTED": "DRAFT",
}

DOMAIN: dict[str, Table] = {
    "customer.status": {
        "PROSPECT": "ACTIVE MERGED",
        "ACTIVE": "CREDIT_HOLD INACTIVE MERGED",
        "CREDIT_HOLD": "ACTIVE MERGED",
        "INACTIVE": "ACTIVE MERGED",
        "MERGED": "",
    },
    "opportunity.stage": {
        "PROSPECT": "QUALIFY CLOSED_LOST",
        "QUALIFY": "PROPOSE CLOSED_LOST",
        "PROPOSE": "NEGOTIATE CLOSED_LOST",
        "NEGOTIATE": "CLOSED_WON CLOSED_LOST",
        "CLOSED_LOST": "QUALIFY",
        "CLOSED_WON": "NEGOTIATE",
    },
    "quote.status": {
        "DRAFT": "IN_REVIEW",
        "IN_REVIEW": "DRAFT APPROVED",
        "APPROVED": "SENT SUPERSEDED",
        "SENT": "ACCEPTED REJECTED EXPIRED SUPERSEDED",
        "ACCEPTED": "",
        "REJECTED": "",
        "EXPIRED": "",
        "SUPERSEDED": "",
    },
    "contract.status": {
        "DRAFT": "PENDING_APPROVAL CANCELLED",
        "PENDING_APPROVAL": "APPROVED CANCELLED",
        "APPROVED": "ACTIVE CANCELLED",
        "ACTIVE": "ON_HOLD COMPLETED TERMINATED",
        "ON_HOLD": "ACTIVE TERMINATED",
        "COMPLETED": "CLOSED",
        "TERMINATED": "CLOSED",
        "CANCELLED": "",
        "CLOSED": "",
    },
    "crm.change_order.status": {
        "DRAFT": "SUBMITTED WITHDRAWN",
        "SUBMITTED": "APPROVED REJECTED WITHDRAWN",
        "APPROVED": "APPLIED VOIDED",
        "APPLIED": "",
        "REJECTED": "",
        "WITHDRAWN": "",
        "VOIDED": "",
    },
    "rate_card.status": {"DRAFT": "PUBLISHED", "PUBLISHED": "RETIRED", "RETIRED": ""},
    "project.status": {
        "PLANNED": "ACTIVE CANCELLED",
        "ACTIVE": "ON_HOLD COMPLETED",
        "ON_HOLD": "ACTIVE",
        "COMPLETED": "CLOSED ACTIVE",
        "CLOSED": "",
        "CANCELLED": "",
    },
    "task.status": {"OPEN": "CLOSED", "CLOSED": "OPEN"},
    "assignment.status": {
        "PROPOSED": "CONFIRMED CANCELLED",
        "CONFIRMED": "ENDED CANCELLED",
        "ENDED": "",
        "CANCELLED": "",
    },
    "time_entry.approval": APPROVAL_OF_TIME,
    "expense.approval": APPROVAL_OF_TIME | {"SUBMITTED": "MANAGER_APPROVED REJECTED", "MANAGER_APPROVED": "APPROVED"},
    "time_entry.billing": BILLING_OF_WORK,
    "expense.billing": BILLING_OF_WORK,
    "billable_item.billing": BILLING_OF_WORK,
    "milestone.status": {
        "PLANNED": "IN_PROGRESS CANCELLED",
        "IN_PROGRESS": "COMPLETED CANCELLED",
        "COMPLETED": "ACCEPTED IN_PROGRESS",
        "ACCEPTED": "COMPLETED",
        "CANCELLED": "",
    },
    "plan_line.status": {
        "SCHEDULED": "READY CANCELLED",
        "READY": "INVOICED HELD CANCELLED",
        "HELD": "READY CANCELLED",
        "INVOICED": "READY",
        "CANCELLED": "",
    },
    "billing.invoice.status": {
        "DRAFT": "PENDING_APPROVAL DISCARDED",
        "PENDING_APPROVAL": "APPROVED DISCARDED",
        "APPROVED": "ISSUED DISCARDED",
        "ISSUED": "POSTED POST_FAILED VOID",
        "POST_FAILED": "ISSUED VOID",
        "POSTED": "PARTIALLY_PAID PAID DISPUTED CREDITED WRITTEN_OFF",
        "PARTIALLY_PAID": "PAID DISPUTED CREDITED WRITTEN_OFF",
        "PAID": "PARTIALLY_PAID POSTED CREDITED",
        "DISPUTED": "POSTED PARTIALLY_PAID CREDITED WRITTEN_OFF",
        "CREDITED": "",
        "WRITTEN_OFF": "",
        "DISCARDED": "",
        "VOID": "",
    },
    "credit_memo.status": {
        "DRAFT": "PENDING_APPROVAL",
        "PENDING_APPROVAL": "APPROVED",
        "APPROVED": "ISSUED",
        "ISSUED": "POSTED",
        "POSTED": "APPLIED REFUNDED",
        "APPLIED": "",
        "REFUNDED": "",
    },
    "payment.status": {
        "RECEIVED": "PARTIALLY_APPLIED APPLIED REFUNDED REVERSED",
        "PARTIALLY_APPLIED": "APPLIED RECEIVED REVERSED",
        "APPLIED": "PARTIALLY_APPLIED REVERSED",
        "REFUNDED": "REVERSED",
        "REVERSED": "",
    },
    "payment_application.status": {"ACTIVE": "REVERSED", "REVERSED": ""},
    "revenue_schedule.status": {
        "DRAFT": "ACTIVE",
        "ACTIVE": "ON_HOLD SUPERSEDED COMPLETED",
        "ON_HOLD": "ACTIVE",
        "SUPERSEDED": "",
        "COMPLETED": "",
    },
    "revenue_entry.status": {"PLANNED": "POSTED", "POSTED": "REVERSED", "REVERSED": ""},
    "journal_entry.status": {"DRAFT": "POSTED", "POSTED": "REVERSED", "REVERSED": ""},
    "period.status": {
        "FUTURE": "OPEN",
        "OPEN": "SOFT_CLOSED",
        "SOFT_CLOSED": "CLOSED OPEN",
        "CLOSED": "OPEN",
    },
}
"""The legal transitions, row by row. A deletion is not a state here: `deleted_at` is."""

ADDED: dict[str, Table] = {
    "expense.approval": {"SUBMITTED": "APPROVED"},
    "billing.invoice.status": {"DRAFT": "APPROVED", "PARTIALLY_PAID": "POSTED"},
    "credit_memo.status": {"DRAFT": "APPROVED"},
    "revenue_schedule.status": {"ON_HOLD": "SUPERSEDED"},
}
"""What the models allow beside the domain: one approval where a firm has no second one; a reversed receipt takes a part-paid
invoice back to posted; a change order replaces a schedule that is on hold."""

OURS: dict[str, Table] = {
    "plan.status": {"ACTIVE": "HELD CLOSED", "HELD": "ACTIVE CLOSED", "CLOSED": ""},
    "ar_document.status": {
        "DRAFT": "POSTED",
        "POSTED": "PARTIALLY_PAID PAID DISPUTED CREDITED WRITTEN_OFF",
        "PARTIALLY_PAID": "PAID POSTED DISPUTED CREDITED WRITTEN_OFF",
        "PAID": "PARTIALLY_PAID POSTED CREDITED",
        "DISPUTED": "POSTED PARTIALLY_PAID CREDITED WRITTEN_OFF",
        "CREDITED": "",
        "WRITTEN_OFF": "",
    },
    "ic_charge.status": {"POSTED": "REVERSED", "REVERSED": ""},
}
"""State machines that the domain has no row of its own for."""

MACHINES = [(role, entity, state) for role in ROLES.values() for entity in role.entities for state in entity.states]


def table_of(tables: dict[str, Table], role: str, entity: Entity, state: Field) -> Table | None:
    """The row of a state field, by its name or, where roles differ, by role and name."""
    name = f"{entity.name}.{state.name}"
    return tables.get(f"{role}.{name}", tables.get(name))


def named(value: object) -> str:
    """The readable part of a test's id."""
    return str(getattr(value, "name", value))


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """One store in memory for all tests of this module."""
    store = Store("memory", ROLES)
    yield store
    store.close()


@pytest.mark.parametrize(("role", "entity", "state"), MACHINES, ids=named)
def test_the_table_is_the_domain_s(role: object, entity: Entity, state: Field) -> None:
    row = table_of(DOMAIN | OURS, named(role), entity, state)
    assert row is not None, f"no row for {named(role)}.{entity.name}.{state.name}"
    added = table_of(ADDED, named(role), entity, state) or {}
    expected = {source: set(f"{targets} {added.get(source, '')}".split()) for source, targets in row.items()}
    assert {source: set(targets) for source, targets in state.moves.items()} == expected


def test_every_row_of_the_domain_has_its_machine() -> None:
    held = {f"{entity.name}.{state.name}" for _, entity, state in MACHINES}
    assert {".".join(name.split(".")[-2:]) for name in DOMAIN | OURS | ADDED} == held


def bare(entity: Entity, **values: object) -> Record:
    """A record with nothing but defaults, as it would be read."""
    record: Record = dict.fromkeys(entity.names)
    record |= {each.name: [] if each.kind in ("json", "lines") else each.default for each in entity.fields}
    return record | {"id": "X-1", "version": 1, "ext_refs": [], "custom": {}} | values


@pytest.mark.parametrize(("role", "entity", "state"), MACHINES, ids=named)
def test_moves_that_are_not_listed_are_refused(store: Store, role: object, entity: Entity, state: Field) -> None:
    system = System(named(role), ROLES[named(role)], store, World(Clock("2026-01-05T15:00:00.000Z")))
    table = system.table(entity.name)
    for source in state.choices:
        for target in state.choices:
            record = bare(entity, **{state.name: source})
            table.insert(system.name, record)
            if target == source or target in state.moves[source]:
                with Tx(system, Origin()) as tx:
                    assert tx.update(entity, record, {state.name: target}, event="")[state.name] == target
            else:
                with pytest.raises(Problem) as caught, Tx(system, Origin()) as tx:
                    tx.update(entity, record, {state.name: target}, event="")
                problem = caught.value
                assert (problem.status, problem.code, problem.field) == (409, "ILLEGAL_TRANSITION", state.name)
                assert problem.remedy
            table.remove(system.name, record["id"])


ENTITIES: dict[str, str] = {
    "crm.customer": "name legal_name parent ultimate_parent status country vat_id tax_no tax_status exemption_cert exemption_expires"
    " vat_validated_at terms invoice_ccy credit_limit default_bill_to po_required language",
    "crm.site": "customer site_code kind lines city region postcode country jurisdiction_code email_invoices_to valid_from valid_to",
    "crm.contact": "customer name email_norm phone role active last_verified",
    "crm.opportunity": "customer name stage amount close_date probability practice legal_entity ccy bill_to ship_to tax_region lost_reason",
    "crm.quote": "opportunity rev status lines valid_until signed_at signer",
    "crm.contract": "customer bill_to ship_to quote legal_entity ccy status start end terms po_no rate_card rate_card_version billing_trigger"
    " current_version original_value current_value lines",
    "crm.rate_card": "code card_version status ccy region effective_from effective_to rows",
    "crm.change_order": "contract co_seq status deltas treatment requested_by approved_by approved_at effective milestones",
    "crm.approval": "subject kind requester approver decision decided_at threshold reason",
    "psa.project": "contract_no project_no legal_entity ccy practice status manager budget_hours budget_fee budget_cost rate_card"
    " rate_card_version start end",
    "psa.task": "project task_code name status billable line_no open_from open_to",
    "psa.employee": "employee_no name legal_entity region level cost_rate cost_ccy capacity_minutes_per_day calendar tz status",
    "psa.assignment": "project employee level from_date to_date planned_minutes bill_rate_override status",
    "psa.time_entry": "employee task work_date minutes billable note approval billing bill_rate rate_source amount approved_by approved_at"
    " invoice_line original_entry",
    "psa.expense": "employee project category spend_date gross vat_recoverable fx_rate cost markup bill_amount receipt approval billing",
    "psa.milestone": "contract_no ms_code name amount planned status completed_at accepted_at accepted_by rev_weight",
    "billing.plan_line": "plan plan_line kind amount due ms_code status co_seq",
    "billing.invoice": "invoice_no legal_entity contract_no customer bill_to_name bill_to_lines bill_to_vat_id bill_to_version ship_to_lines"
    " ccy issue_date tax_point due lines net tax total legends status po_no rounding_policy",
    "billing.credit_memo": "cm_no corrects reason release_items approved_by lines net tax total status",
    "erp.tax_code": "code kind rate taxable_fraction category legend valid_from valid_to jurisdiction",
    "erp.payment": "payer amount value_date bank_ref fx_rate method status",
    "erp.payment_application": "payment ar_document amount applied_on fx_gain_loss status",
    "erp.revenue_schedule": "contract_no line_no schedule_version method tp status",
    "erp.revenue_entry": "schedule period amount cum kind je status",
    "erp.journal_entry": "je_no legal_entity posting_date period source_doc lines status posted_at posted_by",
    "erp.legal_entity": "code country tz functional_ccy gaap rounding_policy invoice_series gapless",
    "erp.currency": "code exponent",
    "erp.fx_rate": "from_ccy to_ccy rate_date type rate source published_at",
    "erp.period": "legal_entity period from_date to_date status soft_closed_at closed_at closed_by reopen_approval",
    "erp.service_item": "code name revenue_account tax_category active",
}
"""What each entity of the domain says, in the system that owns it."""


@pytest.mark.parametrize("name", ENTITIES)
def test_an_entity_of_the_domain_has_its_fields(name: str) -> None:
    role, entity = name.split(".")
    held = {each.name for each in ROLES[role].by_name[entity].fields}
    assert set(ENTITIES[name].split()) <= held
