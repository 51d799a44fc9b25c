"""The CRM's deeds: hierarchy, quotes, won deals, contracts and change orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from counterfoil_mocks.crm import values as worth
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.money import Money

if TYPE_CHECKING:
    from tests.conftest import Desk


def usd(amount: str) -> Money:
    """Dollars."""
    return Money(money.minor(amount, "USD"), "USD")


def a_customer(crm: Desk, name: str = "Aldergate Logistics", **more: Any) -> Record:
    customer = crm.create("customer", name=name, country="US", **more)
    crm.create("site", customer=customer["id"], site_code="HQ", country="US")
    return customer


def an_opportunity(crm: Desk, customer: Record, **more: Any) -> Record:
    site = f"{customer['customer_no']}/HQ"
    fields = {"name": "Network redesign", "legal_entity": "CF-US", "ccy": "USD", "practice": "Operations"}
    fields |= {"bill_to": site, "ship_to": site, "tax_region": "US-TX"}
    return crm.create("opportunity", customer=customer["id"], **(fields | more))


LINES = [
    {
        "line_no": 1,
        "type": "FIXED_FEE",
        "amount": usd("240,000.00"),
        "rev_method": "COST_TO_COST",
        "budget_hours": 1200,
        "budget_cost": usd("132,000.00"),
        "tax_code": "TX-DP",
    },
    {"line_no": 2, "type": "TM_CAPPED", "cap": usd("10,000.00"), "rev_method": "AS_INVOICED"},
    {"line_no": 3, "type": "EXPENSE", "rev_method": "AS_INVOICED", "expense_markup": money.rate("0.10")},
]
MILESTONES = [
    {"ms_code": "M1", "amount": usd("72,000.00")},
    {"ms_code": "M2", "amount": usd("72,000.00")},
    {"ms_code": "M3", "amount": usd("48,000.00")},
]
CO_1: dict[str, Any] = {
    "treatment": "CATCH_UP",
    "requested_by": "Project manager",
    "deltas": [
        {"line_no": 1, "amount": usd("36,000.00"), "hours": 200, "cost": usd("22,000.00")},
        {"line_no": 2, "cap": usd("30,000.00")},
    ],
    "milestones": [{"op": "ADD", "ms_code": "M4", "amount": usd("36,000.00")}],
}


def an_accepted_quote(crm: Desk, opportunity: Record, **more: Any) -> Record:
    fields = {"ccy": "USD", "lines": LINES, "milestones": MILESTONES, "mobilisation": usd("48,000.00")}
    quote = crm.create("quote", opportunity=opportunity["id"], **(fields | more))
    for action, values in (
        ("submit_quote", {}),
        ("approve_quote", {"approver": "Finance"}),
        ("send_quote", {}),
        ("accept_quote", {"signer": "Buyer"}),
    ):
        quote = crm.act(action, quote["key"], **values)
    return quote


def negotiated(crm: Desk, opportunity: Record) -> None:
    for stage in ("QUALIFY", "PROPOSE", "NEGOTIATE"):
        crm.act("advance_stage", opportunity["key"], to=stage)


def a_won_deal(crm: Desk) -> Record:
    opportunity = an_opportunity(crm, a_customer(crm))
    an_accepted_quote(crm, opportunity)
    negotiated(crm, opportunity)
    return crm.act("close_won", opportunity["key"])


def an_active_contract(crm: Desk) -> Record:
    return crm.act("activate_contract", a_won_deal(crm)["contract_no"])


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"milestones": [*MILESTONES, {"ms_code": "M4", "amount": usd("48,000.01")}]},
            "milestones: those of line 1 bill 240,000.01 USD of a fee of 240,000.00",
        ),
        (
            {"mobilisation": usd("48,000.01")},
            "mobilisation: milestones and mobilisation bill 240,000.01 USD of a fee of 240,000.00",
        ),
    ],
)
def test_an_offer_that_bills_more_than_its_fee_is_not_signed(crm: Desk, more: Record, sentence: str) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    with pytest.raises(Problem) as caught:
        an_accepted_quote(crm, opportunity, **more)
    assert caught.value.detail == sentence
    assert [each["status"] for each in crm.list("quote")] == ["SENT"]
    assert (
        an_accepted_quote(crm, an_opportunity(crm, a_customer(crm)), milestones=MILESTONES[:1])["status"] == "ACCEPTED"
    )


# customers and sites


def test_a_customer_knows_the_top_of_its_hierarchy(crm: Desk) -> None:
    top = crm.create("customer", name="Aldergate Holdings", country="US")
    middle = crm.create("customer", name="Aldergate Europe", country="DE", parent=top["customer_no"])
    bottom = crm.create("customer", name="Aldergate France", country="FR", parent=middle["id"])
    assert [each["ultimate_parent"] for each in (top, middle, bottom)] == [None, top["id"], top["id"]]
    above = crm.create("customer", name="Alder Group", country="GB")
    crm.change("customer", top["id"], parent=above["id"])
    assert {crm.get("customer", each["id"])["ultimate_parent"] for each in (top, middle, bottom)} == {above["id"]}
    crm.change("customer", middle["id"], parent=None)
    assert crm.get("customer", middle["id"])["ultimate_parent"] is None
    assert crm.get("customer", bottom["id"])["ultimate_parent"] == middle["id"]


def test_a_hierarchy_cycle_is_refused_and_changes_nothing(crm: Desk) -> None:
    a = crm.create("customer", name="A", country="US")
    b = crm.create("customer", name="B", country="US", parent=a["id"])
    c = crm.create("customer", name="C", country="US", parent=b["id"])
    for parent in (c, b, a):
        with pytest.raises(Problem) as caught:
            crm.change("customer", a["id"], parent=parent["id"])
        assert (caught.value.status, caught.value.code, caught.value.field) == (409, "HIERARCHY_CYCLE", "parent")
    assert crm.get("customer", a["id"]) == a


def test_a_hierarchy_has_at_most_six_levels(crm: Desk) -> None:
    chain = [crm.create("customer", name="L1", country="US")]
    for level in range(2, 7):
        chain.append(crm.create("customer", name=f"L{level}", country="US", parent=chain[-1]["id"]))
    with pytest.raises(Problem, match="7 levels"):
        crm.create("customer", name="L7", country="US", parent=chain[-1]["id"])
    root = crm.create("customer", name="L0", country="US")
    with pytest.raises(Problem, match="7 levels"):
        crm.change("customer", chain[0]["id"], parent=root["id"])


def test_a_site_carries_its_customer_s_number(crm: Desk) -> None:
    customer = a_customer(crm)
    assert crm.get("site", "CU-000001/HQ")["customer_no"] == customer["customer_no"] == "CU-000001"
    other = crm.create("customer", name="Other", country="US")
    crm.change("site", "CU-000001/HQ", customer=other["id"])
    assert crm.get("site", "CU-000002/HQ")["customer"] == other["id"]
    assert crm.events == ["crm.account.created", "crm.site.changed", "crm.account.created", "crm.site.changed"]


# rate cards


def a_card(crm: Desk, **more: Any) -> Record:
    fields = {"code": "US", "card_version": 1, "ccy": "USD", "effective_from": "2026-01-01"}
    rows = [{"level": "SENIOR", "rate": money.price("225.00")}, {"level": "CONSULTANT", "rate": money.price("175.00")}]
    return crm.create("rate_card", **(fields | {"rows": rows} | more))


def test_published_rates_never_change(crm: Desk) -> None:
    card = a_card(crm)
    crm.change("rate_card", card["key"], region="US")
    crm.act("publish_rate_card", card["key"])
    assert crm.events == ["crm.rate_card.published"]
    with pytest.raises(Problem) as caught:
        crm.change("rate_card", card["key"], rows=[{"level": "SENIOR", "rate": money.price("1.00")}])
    assert (caught.value.status, caught.value.code, caught.value.field) == (409, "RATE_CARD_PUBLISHED", "rows")
    assert crm.change("rate_card", card["key"], external_id="X")["external_id"] == "X"
    assert crm.act("retire_rate_card", card["key"])["status"] == "RETIRED"


def test_a_card_has_one_rate_for_each_level(crm: Desk) -> None:
    row = {"level": "SENIOR", "rate": 1}
    with pytest.raises(Problem, match="more than one rate"):
        a_card(crm, rows=[row, row])
    with pytest.raises(Problem, match="is before"):
        a_card(crm, effective_to="2025-12-31")
    assert crm.refused("publish_rate_card", a_card(crm, rows=[])["key"]).field == "rows"


# quotes


def test_a_line_is_priced_by_quantity_price_and_discount(crm: Desk) -> None:
    line = {
        "type": "FIXED_FEE",
        "rev_method": "COST_TO_COST",
        "qty": money.price("3"),
        "unit_price": money.price("33.3333"),
    }
    opportunity = an_opportunity(crm, a_customer(crm))
    quote = crm.create(
        "quote", opportunity=opportunity["id"], ccy="USD", lines=[line, line | {"discount": money.rate("0.1")}]
    )
    assert [each["amount"] for each in quote["lines"]] == [10_000, 9_000]
    assert [each["line_no"] for each in quote["lines"]] == [1, 2]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"type": "FIXED_FEE", "rev_method": "HOURS"}, "lines[0].amount"),
        ({"type": "TM", "rev_method": "AS_INVOICED", "amount": usd("1.00")}, "lines[0].amount"),
        ({"type": "TM_CAPPED", "rev_method": "AS_INVOICED"}, "lines[0].cap"),
        ({"type": "EXPENSE", "rev_method": "AS_INVOICED", "cap": usd("1.00")}, "lines[0].cap"),
        ({"type": "TM_CAPPED", "rev_method": "AS_INVOICED", "cap": Money(1, "EUR")}, "cap.ccy"),
    ],
)
def test_a_line_that_cannot_be_billed_is_refused(crm: Desk, line: Record, field: str) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    with pytest.raises(Problem) as caught:
        crm.create("quote", opportunity=opportunity["id"], ccy="USD", lines=[line])
    assert (caught.value.status, caught.value.field) == (422, field)
    assert crm.list("quote") == []


def test_a_new_revision_supersedes_what_was_sent(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    first = crm.create("quote", opportunity=opportunity["id"], ccy="USD", lines=LINES)
    for action, values in (("submit_quote", {}), ("approve_quote", {"approver": "Finance"}), ("send_quote", {})):
        crm.act(action, first["key"], **values)
    second = crm.create("quote", opportunity=opportunity["id"], quote_no=first["quote_no"], ccy="USD", lines=LINES)
    assert second["key"] == "QT-00001/2"
    assert crm.get("quote", first["key"])["status"] == "SUPERSEDED"
    assert crm.refused("accept_quote", first["key"], signer="Buyer").status == 409


def test_an_offer_that_is_out_says_what_it_says(crm: Desk) -> None:
    quote = an_accepted_quote(crm, an_opportunity(crm, a_customer(crm)))
    with pytest.raises(Problem, match="past the state"):
        crm.change("quote", quote["key"], terms="NET60")
    assert crm.change("quote", quote["key"], external_id="Q-1")["external_id"] == "Q-1"


def test_an_opportunity_has_one_accepted_quote(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    an_accepted_quote(crm, opportunity)
    with pytest.raises(Problem, match="accepted already"):
        an_accepted_quote(crm, opportunity)


def test_a_quote_is_in_the_currency_of_its_deal(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    with pytest.raises(Problem) as caught:
        crm.create("quote", opportunity=opportunity["id"], ccy="EUR", lines=[])
    assert (caught.value.status, caught.value.field) == (422, "ccy")


# deals


def test_a_won_deal_becomes_an_approved_contract_in_one_event(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    an_accepted_quote(crm, opportunity)
    negotiated(crm, opportunity)
    crm.events.clear()
    won = crm.act("close_won", opportunity["key"])
    contract = crm.get("contract", "CT-0001")
    assert crm.events == ["crm.opportunity.closed_won"]
    assert (won["stage"], won["contract_no"], won["closed_at"]) == ("CLOSED_WON", "CT-0001", contract["created_at"])
    assert (contract["status"], contract["original_value"], contract["current_value"]) == (
        "APPROVED",
        25_000_000,
        25_000_000,
    )
    assert [line["type"] for line in contract["lines"]] == ["FIXED_FEE", "TM_CAPPED", "EXPENSE"]
    assert [each["ms_code"] for each in contract["milestones"]] == ["M1", "M2", "M3"]
    assert contract["mobilisation"] == 4_800_000
    assert crm.get("customer", won["customer"])["status"] == "ACTIVE"
    said = crm.announced()
    assert set(said) == {"contract", "quote", "customer", "bill_to", "ship_to"}
    assert said["contract"]["current_value"] == {"minor": 25_000_000, "ccy": "USD"}
    assert said["contract"]["lines"][2]["expense_markup"] == "0.100000"
    assert said["bill_to"]["key"] == "CU-000001/HQ"
    assert contract["correlation_id"] == "CT-0001"


def test_a_deal_is_won_with_an_accepted_quote_alone(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    negotiated(crm, opportunity)
    refusal = crm.refused("close_won", opportunity["key"])
    assert (refusal.status, refusal.code) == (409, "QUOTE_NOT_ACCEPTED")


def test_a_deal_is_won_from_negotiation_alone(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    an_accepted_quote(crm, opportunity)
    assert crm.refused("close_won", opportunity["key"]).code == "ILLEGAL_TRANSITION"
    negotiated(crm, opportunity)
    crm.act("close_won", opportunity["key"])
    assert crm.refused("close_won", opportunity["key"]).code == "ILLEGAL_TRANSITION"


def test_a_won_deal_names_every_mandatory_field_that_it_lacks(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm), bill_to=None, tax_region=None)
    an_accepted_quote(crm, opportunity)
    negotiated(crm, opportunity)
    refusal = crm.refused("close_won", opportunity["key"])
    assert refusal.status == 422
    assert [each["field"] for each in refusal.errors] == ["bill_to", "tax_region"]
    assert crm.list("contract") == []


def test_stages_are_not_skipped(crm: Desk) -> None:
    opportunity = an_opportunity(crm, a_customer(crm))
    assert crm.refused("advance_stage", opportunity["key"], to="NEGOTIATE").status == 409
    crm.act("close_lost", opportunity["key"], lost_reason="Price")
    assert crm.act("advance_stage", opportunity["key"], to="QUALIFY")["stage"] == "QUALIFY"


def test_a_won_deal_is_reopened_and_won_again_with_the_same_contract(crm: Desk) -> None:
    won = a_won_deal(crm)
    assert crm.refused("advance_stage", won["key"], to="NEGOTIATE").status == 409
    crm.events.clear()
    assert crm.act("reopen_opportunity", won["key"], approver="Finance")["stage"] == "NEGOTIATE"
    assert crm.act("close_won", won["key"])["contract_no"] == won["contract_no"]
    assert len(crm.list("contract")) == 1
    assert crm.events == ["crm.opportunity.reopened", "crm.opportunity.closed_won"]


def test_an_invoiced_deal_is_not_reopened(crm: Desk) -> None:
    won = a_won_deal(crm)
    crm.create("invoice", invoice_no="INV-US-00001", contract_no=won["contract_no"], ccy="USD", total=usd("51,168.00"))
    assert crm.refused("reopen_opportunity", won["key"], approver="Finance").code == "DEAL_INVOICED"


# contracts and change orders


def test_a_contract_is_activated_held_resumed_and_completed(crm: Desk) -> None:
    key = a_won_deal(crm)["contract_no"]
    assert crm.refused("hold_contract", key).status == 409
    crm.events.clear()
    assert crm.act("activate_contract", key)["activated_at"] is not None
    assert set(crm.announced()) == {"quote", "customer", "bill_to", "ship_to"}
    crm.act("hold_contract", key)
    assert crm.refused("activate_contract", key).status == 409
    crm.act("resume_contract", key)
    crm.act("complete_contract", key)
    assert crm.events == ["crm.contract.activated", "crm.contract.completed"]


def test_a_change_order_takes_the_contract_from_250_000_to_316_000(crm: Desk) -> None:
    contract = an_active_contract(crm)
    crm.events.clear()
    order = crm.create("change_order", contract=contract["key"], **CO_1)
    assert (order["key"], order["legal_entity"], order["ccy"]) == ("CT-0001/CO-1", "CF-US", "USD")
    crm.act("submit_change_order", order["key"])
    crm.act("approve_change_order", order["key"], approver="Finance")
    assert set(crm.announced()) == {"contract"}
    assert crm.get("contract", contract["key"])["current_value"] == 25_000_000
    assert crm.act("apply_change_order", order["key"])["status"] == "APPLIED"
    amended = crm.get("contract", contract["key"])
    assert (amended["original_value"], amended["current_value"], amended["current_version"]) == (
        25_000_000,
        31_600_000,
        2,
    )
    first, second, _ = amended["lines"]
    assert (first["amount"], first["budget_hours"], first["budget_cost"]) == (27_600_000, 1400, 15_400_000)
    assert second["cap"] == 4_000_000
    assert [(each["ms_code"], each["co_seq"]) for each in amended["milestones"]][-1] == ("M4", 1)
    assert crm.events == ["crm.change_order.submitted", "crm.change_order.approved"]
    assert crm.refused("apply_change_order", order["key"]).status == 409
    approval = crm.list("approval", subject="CT-0001/CO-1")[0]
    assert (approval["kind"], approval["decision"], approval["approver"]) == ("CHANGE_ORDER", "APPROVED", "Finance")


def test_nobody_approves_their_own_change_order(crm: Desk) -> None:
    order = crm.create("change_order", contract=an_active_contract(crm)["key"], **CO_1)
    crm.act("submit_change_order", order["key"])
    refusal = crm.refused("approve_change_order", order["key"], approver="project manager ")
    assert (refusal.status, refusal.code) == (409, "SELF_APPROVAL")
    assert crm.list("approval") == []


def test_a_rejected_withdrawn_or_voided_change_order_changes_nothing(crm: Desk) -> None:
    contract = an_active_contract(crm)
    keys = [crm.create("change_order", contract=contract["key"], **CO_1)["key"] for _ in range(3)]
    assert keys == ["CT-0001/CO-1", "CT-0001/CO-2", "CT-0001/CO-3"]
    for key in keys:
        crm.act("submit_change_order", key)
    crm.act("reject_change_order", keys[0], reason="Out of scope")
    crm.act("withdraw_change_order", keys[1])
    crm.act("approve_change_order", keys[2], approver="Finance")
    crm.act("void_change_order", keys[2])
    for key in keys:
        assert crm.refused("apply_change_order", key).status == 409
    assert crm.get("contract", contract["key"]) == contract
    assert "crm.change_order.rejected" in crm.events


def test_change_orders_amend_active_contracts_only(crm: Desk) -> None:
    with pytest.raises(Problem) as caught:
        crm.create("change_order", contract=a_won_deal(crm)["contract_no"], **CO_1)
    assert (caught.value.status, caught.value.code) == (409, "CONTRACT_NOT_ACTIVE")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"deltas": [{"line_no": 9, "amount": usd("1.00")}]}, "deltas[0].line_no"),
        ({"deltas": [{"line_no": 2, "amount": usd("1.00")}]}, "deltas[0].amount"),
        ({"deltas": [{"line_no": 1, "cap": usd("1.00")}]}, "deltas[0].cap"),
        ({"deltas": [{"line_no": 1, "cost": usd("-132,000.01")}]}, "deltas[0].cost"),
        ({"milestones": [{"op": "ADD", "ms_code": "M1", "amount": usd("1.00")}]}, "milestones[0].ms_code"),
        ({"milestones": [{"op": "ADD", "ms_code": "M9"}]}, "milestones[0].amount"),
        ({"milestones": [{"op": "REMOVE", "ms_code": "M9"}]}, "milestones[0].ms_code"),
    ],
)
def test_a_change_order_fits_its_contract(crm: Desk, changes: Record, field: str) -> None:
    contract = an_active_contract(crm)
    with pytest.raises(Problem) as caught:
        crm.create("change_order", contract=contract["key"], **(CO_1 | changes))
    assert (caught.value.status, caught.value.field) == (422, field)


def test_a_change_order_may_build_on_one_that_is_approved(crm: Desk) -> None:
    contract = an_active_contract(crm)
    first = crm.create("change_order", contract=contract["key"], **CO_1)
    crm.act("submit_change_order", first["key"])
    crm.act("approve_change_order", first["key"], approver="Finance")
    change = [{"op": "CHANGE", "ms_code": "M4", "amount": usd("30,000.00")}]
    second = crm.create("change_order", contract=contract["key"], **(CO_1 | {"deltas": [], "milestones": change}))
    assert second["key"] == "CT-0001/CO-2"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"milestones": [{"op": "ADD", "ms_code": "M4", "amount": usd("84,000.01")}]},
            "milestones: those of line 1 bill 276,000.01 USD of a fee of 276,000.00",
        ),
        ({"deltas": []}, "deltas: milestones and mobilisation bill 276,000.00 USD of a fee of 240,000.00"),
    ],
)
def test_a_change_order_whose_milestones_bill_more_than_the_fee_is_not_approved(
    crm: Desk, more: Record, sentence: str
) -> None:
    order = crm.create("change_order", contract=an_active_contract(crm)["key"], **(CO_1 | more))
    crm.act("submit_change_order", order["key"])
    refusal = crm.refused("approve_change_order", order["key"], approver="Finance")
    assert (refusal.status, refusal.detail) == (422, sentence)
    assert crm.get("change_order", order["key"])["status"] == "SUBMITTED"
    assert [each["decision"] for each in crm.list("approval")] == []


def test_a_separate_change_order_brings_a_line_of_its_own() -> None:
    lines = [{"line_no": 1, "type": "FIXED_FEE", "amount": 100, "cap": None, "rev_method": "HOURS", "tax_code": "T"}]
    delta = {"line_no": 4, "amount": 50, "cap": None, "hours": 2, "cost": 20, "end": None, "ccy": "USD"}
    revised = worth.revised_lines(lines, [delta], "SEPARATE", "Training")
    assert lines[0]["amount"] == 100
    assert [(line["line_no"], line["amount"], line["tax_code"]) for line in revised] == [(1, 100, "T"), (4, 50, "T")]
    assert worth.contract_value(revised) == 150


def test_a_submitted_change_order_is_frozen(crm: Desk) -> None:
    order = crm.create("change_order", contract=an_active_contract(crm)["key"], **CO_1)
    assert crm.change("change_order", order["key"], title="More scope")["title"] == "More scope"
    crm.act("submit_change_order", order["key"])
    with pytest.raises(Problem, match="past the state"):
        crm.change("change_order", order["key"], title="Less scope")


def test_an_approval_is_decided_once_and_by_somebody_else(crm: Desk) -> None:
    asked = crm.create("approval", subject="CM-US-00001", kind="CREDIT_MEMO", requester="Anne")
    assert crm.refused("decide_approval", asked["id"], approver="Anne", decision="APPROVED").code == "SELF_APPROVAL"
    decided = crm.act("decide_approval", asked["id"], approver="Ben", decision="APPROVED", reason="Agreed")
    assert (decided["decision"], decided["decided_at"] is not None) == ("APPROVED", True)
    assert crm.refused("decide_approval", asked["id"], approver="Ben", decision="REJECTED").code == "ALREADY_DECIDED"
