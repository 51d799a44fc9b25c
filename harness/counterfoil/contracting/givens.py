"""Provider states of contracts that are written by hand: by name, each a few deeds over the control plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from counterfoil.client import Control, plural, segment

Record = dict[str, Any]


class Hands:
    """A person at the screens of all systems."""

    def __init__(self, control: Control) -> None:
        self.control = control

    def make(self, system: str, entity: str, **values: Any) -> Record:
        """A new record."""
        made: Record = self.control.post(f"/systems/{system}/{plural(entity)}", values)
        return made

    def do(self, system: str, action: str, **values: Any) -> Record:
        """A deed; returns the record that it was done to."""
        record: Record = self.control.post(f"/systems/{system}/actions/{action}", values)["record"]
        return record

    def get(self, system: str, entity: str, key: str) -> Record:
        """A record by id or key."""
        found: Record = self.control.get(f"/systems/{system}/{plural(entity)}/{segment(key)}")
        return found

    def one(self, system: str, entity: str, **where: Any) -> Record:
        """The first record that fits."""
        found: Record = self.control.get(f"/systems/{system}/{plural(entity)}", limit=1, **where)["items"][0]
        return found


GIVEN: dict[str, Callable[..., Record]] = {}
"""States by name. Each returns the values that requests take from it."""


def given(name: str) -> Callable[[Callable[..., Record]], Callable[..., Record]]:
    """Register a state."""

    def register(reach: Callable[..., Record]) -> Callable[..., Record]:
        GIVEN[name] = reach
        return reach

    return register


@given("a customer exists")
def customer(hands: Hands, system: str, customer_no: str) -> Record:
    """A customer with this number in a system."""
    return {"id": hands.make(system, "customer", customer_no=customer_no, name="Alder Works Ltd", country="GB")["id"]}


@given("no such customer exists")
def no_customer(hands: Hands) -> Record:
    """The firm as it is seeded."""
    return {}


@given("the firm as it is seeded")
def seeded(hands: Hands) -> Record:
    """Employees, rate cards, customers and contracts of the first morning."""
    return {}


@given("a project is created")
def project(hands: Hands, project_no: str) -> Record:
    """A planned project of a customer that is there."""
    owner = hands.one("psa", "customer")
    made = hands.make(
        "psa",
        "project",
        project_no=project_no,
        contract_no="CT-9001",
        customer=owner["id"],
        name="Warehouse programme",
        legal_entity="CF-US",
        ccy="USD",
        start="2026-01-05",
        end="2026-06-30",
    )
    return {"id": made["id"]}


@given("a tax code is created")
def tax_code(hands: Hands, code: str) -> Record:
    """A tax code of the books like one that is there."""
    like = hands.one("erp", "tax_code")
    kept = {name: like[name] for name in ("kind", "rate", "taxable_fraction", "category", "jurisdiction", "valid_from")}
    return {"id": hands.make("erp", "tax_code", **{**kept, "code": code})["id"]}


@given("a billing plan is created")
def billing_plan(hands: Hands, contract_no: str) -> Record:
    """A plan of one milestone for a customer that is there."""
    owner = hands.one("billing", "customer")
    line = {
        "line_no": 1,
        "kind": "MOBILISATION",
        "line_type": "FIXED_FEE",
        "description": "Mobilisation",
        "amount": {"minor": 4800000, "ccy": "USD"},
        "tax_code": "NT",
        "service_item": "CONSULTING-FF",
    }
    hands.do(
        "billing",
        "create_plan",
        contract_no=contract_no,
        customer=owner["id"],
        legal_entity="CF-US",
        ccy="USD",
        lines=[line],
    )
    return {}
