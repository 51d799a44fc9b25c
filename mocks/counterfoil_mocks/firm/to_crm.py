"""Deals in the CRM: the won ones with their quotes and contracts, the lost ones, the pipeline, and the invoices' mirrors."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from counterfoil_mocks.firm.base import Cards
from counterfoil_mocks.firm.calendar import iso, moment, workday
from counterfoil_mocks.firm.companies import MINOR
from counterfoil_mocks.firm.customers import Party, jurisdiction
from counterfoil_mocks.firm.deals import SUBJECTS, Change, Deal
from counterfoil_mocks.firm.invoicing import Billing
from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.firm.sizes import DEAL_KINDS, LOST_REASONS, PRACTICES, Size, pick
from counterfoil_mocks.firm.to_psa import APPLIED, DECIDED
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.ids import stream

STAGES = (("PROSPECT", 35), ("QUALIFY", 30), ("PROPOSE", 20), ("NEGOTIATE", 15))
PROBABILITY = {"PROSPECT": 10, "QUALIFY": 25, "PROPOSE": 45, "NEGOTIATE": 70}
WIN_RATE = 38
"""Deals won of a hundred that were decided."""


def numbered(won: int, crm: Rows) -> None:
    """Keep the first numbers for the deals that the whole firm has won."""
    for name in ("opportunity", "quote", "contract"):
        crm.counters[f"number:{name}"] = won


def reserve(deals: Sequence[Deal], crm: Rows) -> None:
    """Give the won deals their ids, which other systems refer to."""
    for deal in deals:
        for entity in ("opportunity", "quote", "contract"):
            deal.ids[entity] = crm[entity].new_id()


def write(deals: Sequence[Deal], billing: Billing, cards: Cards, crm: Rows) -> None:
    """Make the won deals and what the CRM sees of their invoices."""
    for deal in deals:
        _opportunity(deal, crm)
        document = _document(deal, cards, crm)
        _quote(deal, document | _as_sold(deal, document), crm)
        _contract(deal, document, crm)
        for change in deal.changes:
            _change(deal, change, crm)
    for each in billing.invoices:
        at = each.at[:14] + "59:00.000Z"
        crm["invoice"].make(
            at,
            {
                "invoice_no": each.number,
                "contract_no": each.deal.contract_no,
                "ccy": each.deal.company.ccy,
                "total": each.total,
                "paid": each.paid,
                "issue_date": iso(each.day),
                "due": iso(each.due),
                "status": each.status,
                "source_key": each.number,
                "external_id": each.debt,
            },
        )


def _opportunity(deal: Deal, crm: Rows) -> None:
    party, company = deal.party, deal.company
    crm["opportunity"].make(
        moment(min(workday(max(deal.won - 45, party.made), company.country), deal.won), company, 10),
        {
            "id": deal.ids["opportunity"],
            "opp_no": deal.opp_no,
            "customer": party.ids["crm"],
            "name": deal.name,
            "stage": "CLOSED_WON",
            "ccy": company.ccy,
            "amount": deal.estimate,
            "close_date": iso(deal.won),
            "probability": money.RATE_SCALE,
            "practice": deal.practice,
            "legal_entity": company.code,
            "bill_to": party.places[0].ids["crm"],
            "ship_to": deal.ship_to.ids["crm"],
            "tax_region": jurisdiction(party.country),
            "po_no": deal.po_no,
            "closed_at": moment(deal.won, company, deal.minute),
            "contract_no": deal.contract_no,
            "correlation_id": deal.opp_no,
        },
        moment(deal.won, company, deal.minute),
    )


def _document(deal: Deal, cards: Cards, crm: Rows) -> Record:
    """What a quote and the contract that it becomes have in common."""
    ccy = deal.company.ccy
    line, milestone = (line_maker(crm["contract"].entity, name) for name in ("lines", "milestones"))
    return {
        "opportunity": deal.ids["opportunity"],
        "opp_no": deal.opp_no,
        "ccy": ccy,
        "start": iso(deal.start),
        "end": iso(deal.end),
        "terms": deal.party.terms,
        "po_no": deal.po_no,
        "rate_card": cards["crm", deal.company.card],
        "billing_trigger": deal.trigger,
        "mobilisation": deal.mobilisation,
        "lines": [
            line(
                line_no=each.line_no,
                type=each.type,
                name=each.name,
                ccy=ccy,
                amount=each.amount,
                cap=each.cap,
                rev_method=each.method,
                expense_markup=each.markup,
                tax_code=each.tax_code,
                service_item=each.item,
                budget_hours=each.budget_hours,
                budget_cost=each.budget_cost,
                ssp=each.amount,
                start=iso(deal.start),
                end=iso(deal.end),
            )
            for each in deal.lines
        ],
        "milestones": [
            milestone(
                ms_code=each.code,
                name=each.name,
                line_no=1,
                ccy=ccy,
                amount=each.amount,
                planned=iso(each.planned),
                co_seq=each.co_seq,
            )
            for each in deal.milestones
        ],
    }


def _quote(deal: Deal, document: Record, crm: Rows) -> None:
    company = deal.company
    crm["quote"].make(
        moment(workday(deal.won - 15, company.country, -1), company, 120),
        document
        | {
            "id": deal.ids["quote"],
            "quote_no": f"QT-{deal.number:05d}",
            "rev": 1,
            "status": "ACCEPTED",
            "valid_until": iso(deal.won + 30),
            "signed_at": moment(deal.won, company, deal.minute - 30),
            "signer": deal.party.people[0][0],
            "correlation_id": deal.opp_no,
        },
        moment(deal.won, company, deal.minute - 30),
    )


def _as_sold(deal: Deal, document: Record) -> Record:
    """Lines and milestones before any change order."""
    cuts = {each.milestone.code: each.amount for each in deal.applied if each.milestone and each.amount < 0}
    return {
        "lines": [
            line
            if line["line_no"] != 1 or not deal.applied
            else line
            | {
                "amount": line["amount"] - sum(each.amount for each in deal.applied),
                "ssp": line["amount"] - sum(each.amount for each in deal.applied),
                "budget_cost": line["budget_cost"] - sum(each.cost for each in deal.applied),
                "budget_hours": line["budget_hours"] - sum(each.hours for each in deal.applied),
            }
            for line in document["lines"]
        ],
        "milestones": [
            each | {"amount": each["amount"] - cuts.get(each["ms_code"], 0)}
            for each in document["milestones"]
            if not each["co_seq"]
        ],
    }


def _contract(deal: Deal, document: Record, crm: Rows) -> None:
    company, party = deal.company, deal.party
    value = sum((line.amount or 0) + (line.cap or 0) for line in deal.lines)
    activated = moment(deal.won, company, deal.minute + 20)
    crm["contract"].make(
        moment(deal.won, company, deal.minute),
        document
        | {
            "id": deal.ids["contract"],
            "contract_no": deal.contract_no,
            "customer": party.ids["crm"],
            "customer_no": party.customer_no,
            "bill_to": party.places[0].ids["crm"],
            "ship_to": deal.ship_to.ids["crm"],
            "quote": deal.ids["quote"],
            "name": deal.name,
            "legal_entity": company.code,
            "practice": deal.practice,
            "status": "COMPLETED" if deal.finished else "ACTIVE",
            "rate_card_code": company.card,
            "rate_card_version": 1,
            "current_version": 1 + len(deal.applied),
            "original_value": value - sum(each.amount for each in deal.applied),
            "current_value": value,
            "activated_at": activated,
        },
        moment(deal.end, company, 500) if deal.finished else activated,
    )


def _change(deal: Deal, change: Change, crm: Rows) -> None:
    """A change order and the decision on it."""
    company, entity = deal.company, crm["change_order"].entity
    delta, milestone = line_maker(entity, "deltas"), line_maker(entity, "milestones")
    requester, approver = f"{deal.party.people[0][0]}", "practice-lead@counterfoil.test"
    decided = None if change.status == "SUBMITTED" else moment(change.day, company, DECIDED)
    stone, touched = change.milestone, []
    if stone is not None:
        values = {"ms_code": stone.code, "name": stone.name, "ccy": company.ccy, "amount": stone.amount}
        touched = [milestone(op="CHANGE" if change.amount < 0 else "ADD", planned=iso(stone.planned), **values)]
    record = crm["change_order"].make(
        moment(workday(change.day - 8, company.country, -1), company, 200),
        {
            "contract": deal.ids["contract"],
            "contract_no": deal.contract_no,
            "co_seq": change.seq,
            "title": "Reduced scope" if change.amount < 0 else "Additional scope",
            "legal_entity": company.code,
            "ccy": company.ccy,
            "status": change.status,
            "treatment": "CATCH_UP",
            "requested_by": requester,
            "approved_by": approver if change.applied else None,
            "approved_at": decided if change.applied else None,
            "applied_at": moment(change.day, company, APPLIED) if change.applied else None,
            "effective": iso(change.day),
            "deltas": [delta(line_no=1, ccy=company.ccy, amount=change.amount, hours=change.hours, cost=change.cost)],
            "milestones": touched,
        },
        moment(change.day, company, APPLIED) if change.applied else decided,
    )
    if decided is not None:
        crm["approval"].make(
            decided,
            {
                "subject": record["key"],
                "kind": "CHANGE_ORDER",
                "requester": requester,
                "approver": approver,
                "decision": "APPROVED" if change.applied else "REJECTED",
                "decided_at": decided,
                "reason": None if change.applied else "Within the agreed scope",
                "correlation_id": deal.contract_no,
            },
        )


def write_pipeline(
    size: Size, live: Sequence[Party], prospects: Sequence[Party], cards: Cards, crm: Rows, seed: int, eve: int
) -> None:
    """Make the deals that were lost in the last year and those that are still open, some with an offer out."""
    chance = stream(seed, "firm", "pipeline")
    lost = size.won * (100 - WIN_RATE) // WIN_RATE
    for count in range(lost + size.won // 2):
        party = chance.choice(prospects) if chance.random() < 0.7 else chance.choice(live)
        number = crm.next_number("number:opportunity")
        values = _prospective(number, party, size, chance)
        if count < lost:
            day = min(workday(max(eve - chance.randrange(1, 360), party.made), party.company.country), eve)
            values |= {
                "stage": "CLOSED_LOST",
                "close_date": iso(day),
                "probability": 0,
                "lost_reason": pick(LOST_REASONS, chance),
                "closed_at": moment(day, party.company, 300),
            }
            made = max(day - chance.randrange(10, 120), party.made)
            crm["opportunity"].make(moment(made, party.company, 90), values, values["closed_at"])
            continue
        stage = pick(STAGES, chance)
        made = max(eve - chance.randrange(1, 90), party.made)
        values |= {
            "stage": stage,
            "probability": PROBABILITY[stage] * money.RATE_SCALE // 100,
            "close_date": iso(eve + chance.randrange(10, 150)),
        }
        record = crm["opportunity"].make(moment(made, party.company, 90), values)
        if stage in ("PROPOSE", "NEGOTIATE"):
            _offer(record, party, stage, cards, crm, chance, eve)


def _prospective(number: int, party: Party, size: Size, chance: Random) -> Record:
    kind = pick(DEAL_KINDS, chance)
    practice = pick(PRACTICES, chance)
    median, sigma = size.deal
    worth = min(int(chance.lognormvariate(0, sigma) * median), 50_000_000) // 500 * 500 + 2_000
    return {
        "opp_no": f"OPP-{number:05d}",
        "customer": party.ids["crm"],
        "name": f"{' '.join(party.name.split()[:2])} {practice.lower()} {SUBJECTS[kind]}",
        "ccy": party.company.ccy,
        "amount": worth * 100 * MINOR.get(party.company.ccy, 1),
        "practice": practice,
        "legal_entity": party.company.code,
        "bill_to": party.places[0].ids["crm"],
        "ship_to": party.places[0].ids["crm"],
        "tax_region": jurisdiction(party.country),
    }


def _offer(opportunity: Record, party: Party, stage: str, cards: Cards, crm: Rows, chance: Random, eve: int) -> None:
    line = line_maker(crm["quote"].entity, "lines")
    status = chance.choice(("DRAFT", "IN_REVIEW", "SENT")) if stage == "PROPOSE" else "SENT"
    start = eve + chance.randrange(20, 160)
    crm["quote"].make(
        max(moment(eve - chance.randrange(1, 20), party.company, 200), opportunity["created_at"]),
        {
            "quote_no": f"QT-{crm.next_number('number:quote'):05d}",
            "rev": 1,
            "opportunity": opportunity["id"],
            "opp_no": opportunity["opp_no"],
            "status": status,
            "ccy": opportunity["ccy"],
            "valid_until": iso(eve + 45),
            "start": iso(start),
            "end": iso(start + 120),
            "terms": party.terms,
            "rate_card": cards["crm", party.company.card],
            "lines": [
                line(
                    line_no=1,
                    type="FIXED_FEE",
                    name="Fixed fee",
                    ccy=opportunity["ccy"],
                    amount=opportunity["amount"],
                    rev_method="COST_TO_COST",
                    service_item="CONSULTING-FF",
                    ssp=opportunity["amount"],
                )
            ],
        },
    )
