"""A first scenario: what somebody does in one system, and what must come of it in another."""

from __future__ import annotations

from counterfoil import World, scenario


@scenario("MY-01", "A new customer of the CRM is known in the books", invariants=["02"])
def scenario_first_customer(world: World) -> None:
    """Sales enters a customer; finance finds it, once, under the same number."""
    entered = world.crm.create("customer", name="Aldergate Logistics Inc.", country="US", invoice_ccy="USD")
    world.settle()  # until nothing moves any more; never sleep
    known = world.erp.list("customer", customer_no=entered["customer_no"])
    world.expect("The books know the customer once", [each["name"] for each in known], ["Aldergate Logistics Inc."])
