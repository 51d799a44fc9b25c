"""From a customer to a won deal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from counterfoil.activity.people import FINANCE, Deal
from counterfoil.client import Record
from counterfoil.money import Money
from counterfoil.world import World

AMERICAN_PLACES = {"TX-DP": "US-TX", "TX-825": "US-TX-825"}
"""Jurisdiction by sales tax code, as the firm's catalogue has it."""


def add_customer(
    world: World,
    *,
    name: str,
    country: str = "US",
    region: str = "IL",
    city: str = "Chicago",
    postcode: str = "60601",
    address: Sequence[str] = ("1 Wacker Drive",),
    jurisdiction: str | None = None,
    site: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Record:
    """A customer in the CRM with one site, `HQ`, that is billed and served. site: further fields of the site."""
    customer = world.crm.create("customer", name=name, country=country, **{"legal_name": name} | fields)
    where = {"city": city, "region": region, "postcode": postcode, "country": country, "lines": list(address)}
    world.crm.create(
        "site",
        customer=customer["id"],
        site_code="HQ",
        kind="BOTH",
        jurisdiction_code=jurisdiction or f"{country}-{region}",
        **where | dict(site or {}),
    )
    return customer


def open_opportunity(
    world: World,
    *,
    customer_no: str,
    name: str,
    legal_entity: str = "CF-US",
    ccy: str = "USD",
    practice: str = "Operations",
    bill_to: str | None = None,
    ship_to: str | None = None,
    **fields: Any,
) -> Record:
    """An opportunity at its first stage. bill_to, ship_to: site keys; the customer's `HQ` by default."""
    site = f"{customer_no}/HQ"
    return world.crm.create(
        "opportunity",
        customer=customer_no,
        name=name,
        legal_entity=legal_entity,
        ccy=ccy,
        practice=practice,
        bill_to=bill_to or site,
        ship_to=ship_to or bill_to or site,
        **{"tax_region": "US", "probability": "0.500000"} | fields,
    )


def published_card(world: World, *, ccy: str) -> str | None:
    """The key of a published CRM rate card in a currency, the newest version."""
    cards = world.crm.list("rate_card", status="PUBLISHED", ccy=ccy)
    return max(cards, key=lambda card: (card["code"], card["card_version"]))["key"] if cards else None


def offer(
    world: World,
    *,
    opp_no: str,
    lines: Sequence[Mapping[str, Any]],
    milestones: Sequence[Mapping[str, Any]] = (),
    mobilisation: Money | None = None,
    ccy: str = "USD",
    start: str | None = None,
    end: str | None = None,
    rate_card: str | None = None,
    signer: str = "Customer's signatory",
    **fields: Any,
) -> Record:
    """A quote, taken through review, approval and sending to acceptance; returns it."""
    terms = {"start": start, "end": end, "mobilisation": mobilisation}
    terms["rate_card"] = rate_card or published_card(world, ccy=ccy)
    quote = world.crm.create(
        "quote",
        opportunity=opp_no,
        ccy=ccy,
        lines=[dict(line) for line in lines],
        milestones=[dict(each) for each in milestones],
        **{name: value for name, value in terms.items() if value is not None} | fields,
    )
    key = quote["key"]
    world.crm.act("submit_quote", key=key)
    world.crm.act("approve_quote", key=key, approver=FINANCE)
    world.crm.act("send_quote", key=key)
    return world.crm.act("accept_quote", key=key, signer=signer)


def negotiate(world: World, *, opp_no: str) -> None:
    """Walk an opportunity stage by stage to NEGOTIATE."""
    stages = ("PROSPECT", "QUALIFY", "PROPOSE", "NEGOTIATE")
    at = world.crm.get("opportunity", opp_no)["stage"]
    for stage in stages[stages.index(at) + 1 :]:
        world.crm.act("advance_stage", key=opp_no, to=stage)


def win(world: World, deal: Deal, *, settle: bool = True) -> Deal:
    """Close a negotiated deal as won; returns it with its contract number. settle: wait for the integration."""
    won = world.crm.act("close_won", key=deal.opp_no)
    if settle:
        world.settle()
    return replace(deal, contract_no=won["contract_no"])


def prepare(
    world: World,
    *,
    lines: Sequence[Mapping[str, Any]],
    milestones: Sequence[Mapping[str, Any]] = (),
    customer: str | Mapping[str, Any] | None = None,
    customer_name: str = "Aldergate Logistics Inc.",
    name: str = "Back-office programme",
    legal_entity: str = "CF-US",
    ccy: str = "USD",
    opportunity: Mapping[str, Any] | None = None,
    **quote: Any,
) -> Deal:
    """A deal up to the signature: customer (a new one unless given as a record or number), opportunity at NEGOTIATE, accepted
    quote. opportunity: further fields of the opportunity; the rest goes to the quote (`start`, `end`, `mobilisation`, …)."""
    if customer is None:
        customer = add_customer(world, name=customer_name, invoice_ccy=ccy, jurisdiction=place_of(lines))
    customer_no = customer if isinstance(customer, str) else str(customer["customer_no"])
    opened = open_opportunity(
        world, customer_no=customer_no, name=name, legal_entity=legal_entity, ccy=ccy, **dict(opportunity or {})
    )
    negotiate(world, opp_no=opened["opp_no"])
    accepted = offer(world, opp_no=opened["opp_no"], lines=lines, milestones=milestones, ccy=ccy, **quote)
    return Deal(opened["opp_no"], customer_no, accepted["key"], legal_entity, ccy)


def place_of(lines: Sequence[Mapping[str, Any]]) -> str | None:
    """The American jurisdiction in which the tax codes of a deal's lines are due; None where they name none."""
    return next((AMERICAN_PLACES[each["tax_code"]] for each in lines if each.get("tax_code") in AMERICAN_PLACES), None)


def sell(world: World, *, settle: bool = True, **terms: Any) -> Deal:
    """`prepare` a deal and win it."""
    return win(world, prepare(world, **terms), settle=settle)


def merge_accounts(world: World, *, winner: str, loser: str, settle: bool = True) -> Record:
    """Make one account of two in the CRM; returns the winner. winner, loser: customer numbers."""
    merged = world.crm.act("merge_customer", key=winner, loser=loser)
    if settle:
        world.settle()
    return merged
