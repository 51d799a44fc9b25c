"""Several companies, currencies and taxes (S-46)."""

from __future__ import annotations

from counterfoil import World, amount, scenario
from counterfoil import activity as firm

EXACT = (
    # entity, currency, country, zone, tax code, rate an hour, minutes, net, tax
    ("CF-JP", "JPY", "JP", "Asia/Tokyo", "JCT10", "18350.0000", 435, 133_038, 13_303),
    ("CF-KW", "KWD", "KW", "Asia/Kuwait", "NT", "78.1250", 390, 507_813, 0),
)


@scenario("S-46", "Currencies without and with three decimals", invariants=["24", "25", "30"])
def scenario_s46_jpy_and_kwd(world: World) -> None:
    """7.25 h at 18,350 yen and 6.5 h at 78.125 dinars: the same minor units in every system, invoiced, posted and paid."""
    world.at("2026-01-06T18:00", "Asia/Tokyo")
    for entity, ccy, country, zone, tax_code, rate, minutes, net, tax in EXACT:
        firm.hire(
            world, name=f"Manager {country}", level="MANAGER", cost_rate="1.0000", legal_entity=entity, cost_ccy=ccy
        )
        person = firm.hire(
            world, name=f"Consultant {country}", level="SENIOR", cost_rate="1.0000", legal_entity=entity, cost_ccy=ccy
        )
        buyer = firm.add_customer(world, name=f"Exact {country} Co", country=country, region=country, invoice_ccy=ccy)
        deal = firm.sell(
            world,
            customer=buyer,
            name=f"Advice {country}",
            legal_entity=entity,
            ccy=ccy,
            lines=[firm.time_and_materials(tax_code=tax_code, service_item="CONSULTING-TM")],
            start="2026-01-01",
            end="2026-12-31",
            rate_card=f"{country}-STD/1",
        )
        firm.staff(world, deal, employee=person["employee_no"], bill_rate=rate)
        world.at("2026-01-30T18:00" if country == "JP" else "2026-02-26T18:00", zone)
        day = world.today(zone)
        entry = firm.work(world, deal, employee=person["employee_no"], work_date=day, minutes=minutes)
        world.settle()
        money = {"minor": net, "ccy": ccy}
        world.expect(f"{ccy}: the entry's value", entry["amount"], money)
        item = world.billing.get("billable_item", entry["key"])
        booked = world.erp.get("work_entry", entry["key"])
        world.expect(f"{ccy}: billing and books agree", (item["amount"], booked["value"]), (money, money))
        world.at(f"2026-{int(day[5:7]) + 1:02d}-01T12:00", zone)
        bill = firm.invoices(world, deal)
        found = [(each["net"], each["tax"]) for each in bill]
        world.require(f"{ccy}: the invoice", found, [(money, amount("0", ccy) | {"minor": tax})])
        firm.pay_all(world, deal)
        posted = world.erp.one("ar_document", invoice_no=bill[0]["invoice_no"])
        world.expect(f"{ccy}: posted and paid", (posted["net"], posted["status"]), (money, "PAID"))
        shown = world.crm.one("invoice", invoice_no=bill[0]["invoice_no"])
        world.expect(f"{ccy}: seen in the CRM", shown["paid"]["minor"], net + tax)
