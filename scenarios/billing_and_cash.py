"""Billing and cash (S-29): tax by line or by invoice, to the cent, in billing and in the books."""

from __future__ import annotations

from counterfoil import World, amount, scenario
from counterfoil import activity as firm

BASKETS = [
    # entity, currency, country of the buyer, tax code, rate card, nets, tax by line, tax by invoice
    ("CF-US", "USD", "US", "TX-825", "US-STD/1", ("2,113.08", "2,012.18", "175.43"), "354.80", "354.81"),
    ("CF-UK", "GBP", "GB", "VAT20", "UK-STD/1", ("560.38", "256.04", "1,288.88"), "421.07", "421.06"),
    ("CF-DE", "EUR", "DE", "VAT19", "DE-STD/1", ("1,429.28", "34.13", "2,471.92"), "747.70", "747.71"),
]


def set_policy(world: World, entity: str, policy: str) -> None:
    """Finance elects the rounding policy of a company, in billing and in the books."""
    world.billing.change("legal_entity", entity, rounding_policy=policy)
    world.erp.change("legal_entity", entity, rounding_policy=policy)


@scenario("S-29", "Line against invoice rounding", invariants=["24"])
def scenario_s29_rounding(world: World) -> None:
    """Three baskets, two policies: six tax totals that differ by a cent, the same in billing and in the ERP."""
    world.at("2026-01-06T09:00", "Europe/London")
    for entity, ccy, country, tax_code, card, nets, by_line, by_invoice in BASKETS:
        buyer = firm.add_customer(world, name=f"Rounding {country} Ltd", country=country, invoice_ccy=ccy)
        fee = amount("0", ccy) | {"minor": sum(amount(net, ccy)["minor"] for net in nets)}
        for policy, tax in (("LINE", by_line), ("INVOICE", by_invoice)):
            set_policy(world, entity, policy)
            deal = firm.sell(
                world,
                customer=buyer,
                name=f"Basket {policy.lower()}",
                legal_entity=entity,
                ccy=ccy,
                lines=[
                    firm.fixed_fee(
                        fee, hours=40, cost=amount("1,000", ccy), tax_code=tax_code, service_item="CONSULTING-FF"
                    )
                ],
                milestones=[firm.milestone(f"M{number}", amount(net, ccy)) for number, net in enumerate(nets, 1)],
                start="2026-01-05",
                end="2026-03-31",
                rate_card=card,
            )
            planned = world.billing.list("plan_line", contract_no=deal.contract_no)
            world.require("The integration has planned three milestones", len(planned), 3)
            for line in planned:
                world.billing.act("ready_plan_line", key=line["key"])
            draft = world.billing.act(
                "draft_invoice", contract_no=deal.contract_no, plan_lines=[line["key"] for line in planned]
            )
            world.billing.act("approve_invoice", id=draft["id"])
            issued = world.billing.act("issue_invoice", id=draft["id"])
            world.settle()
            world.expect(f"{entity} by {policy.lower()}: tax in billing", issued["tax"], amount(tax, ccy))
            posted = world.erp.list("ar_document", invoice_no=issued["invoice_no"])
            world.expect(
                f"{entity} by {policy.lower()}: tax in the books", [each["tax"] for each in posted], [amount(tax, ccy)]
            )
