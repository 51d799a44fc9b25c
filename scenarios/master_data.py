"""Master data (S-16): duplicates are found when a deal closes, and never guessed."""

from __future__ import annotations

from counterfoil import World, scenario
from counterfoil import activity as firm


def deal_for(world: World, customer: str, name: str) -> firm.Deal:
    """A small fixed-fee deal of the German company, negotiated and signed."""
    eur = {"minor": 2_000_000, "ccy": "EUR"}
    return firm.prepare(
        world,
        customer=customer,
        name=name,
        legal_entity="CF-DE",
        ccy="EUR",
        opportunity={"tax_region": "EU"},
        lines=[
            firm.fixed_fee(
                eur, hours=120, cost={"minor": 1_100_000, "ccy": "EUR"}, tax_code="VAT19", service_item="CONSULTING-FF"
            )
        ],
        milestones=[firm.milestone("M1", eur)],
        start="2026-01-05",
        end="2026-03-31",
        rate_card="DE-STD/1",
    )


@scenario("S-16", "Duplicate detection when a deal closes", invariants=["01", "03", "08"], presupposes=["approvals"])
def scenario_s16_duplicate_detection(world: World) -> None:
    """The books hold variants of the buyer; five deals close at once for three companies that look alike."""
    world.at("2026-01-06T09:00", "Europe/Berlin")
    germany = {"country": "DE", "region": "HH", "city": "Hamburg", "invoice_ccy": "EUR"}
    same = firm.add_customer(world, name="Nordlicht Beratung GmbH", vat_id="DE811111111", postcode="20095", **germany)
    other = firm.add_customer(world, name="Nordlicht Beratung GmbH", vat_id="DE822222222", postcode="80331", **germany)
    doubtful = firm.add_customer(world, name="Nordlicht Beratungs mbH", postcode="50667", **germany)
    known = world.erp.create(
        "customer", name="NORDLICHT BERATUNG, GMBH.", country="DE", vat_id="DE811111111", invoice_ccy="EUR"
    )
    world.erp.create("site", customer=known["id"], site_code="MAIN", country="DE", postcode="20457", city="Hamburg")
    look_alike = world.erp.create("customer", name="Nordlicht Beratungs GmbH", country="DE", invoice_ccy="EUR")
    world.erp.create("site", customer=look_alike["id"], site_code="MAIN", country="DE", postcode="10115", city="Berlin")
    before = world.erp.count("customer")

    buyers = [same, same, same, other, doubtful]
    deals = [deal_for(world, each["customer_no"], f"Assessment {number}") for number, each in enumerate(buyers, 1)]
    won = [firm.win(world, each, settle=False) for each in deals]
    world.settle()

    linked = world.erp.list("customer", customer_no=same["customer_no"])
    world.expect("The known company was found by its VAT number", [each["id"] for each in linked], [known["id"]])
    apart = world.erp.list("customer", customer_no=other["customer_no"])
    world.expect("The company with another VAT number stays separate", len(apart), 1)
    world.expect_that(
        "and is a new record", all(each["id"] not in (known["id"], look_alike["id"]) for each in apart), found=apart
    )
    world.expect(
        "Nothing was made of the doubtful one", world.erp.count("customer", customer_no=doubtful["customer_no"]), 0
    )
    world.expect("Only one customer is new", world.erp.count("customer"), before + 1)
    set_up = [world.psa.count("project", contract_no=each.contract_no) for each in won]
    world.expect("The four clear deals have a project each, the doubtful one waits", set_up, [1, 1, 1, 1, 0])
    raised = [
        each for each in world.control.items("/integration/events") if each["type"].endswith("exception.raised.v1")
    ]
    world.expect("An exception asks a person about it", len(raised), 1, raised=raised)
    world.expect("Fees are booked nowhere yet", world.erp.count("ar_document", contract_no=won[4].contract_no), 0)
