"""Customers and prospects: the hierarchy, sites and contacts in the CRM, and clean copies of the live ones in the other systems.

What is wrong with real CRM data (domain §9: look-alikes, missing VAT ids, stray blanks, other Unicode forms) is wrong with
prospects only; a live customer has been through the duplicate check.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from counterfoil_mocks.firm.calendar import iso, moment
from counterfoil_mocks.firm.companies import COMPANIES, Company
from counterfoil_mocks.firm.names import LANGUAGE, Namer, shortened, suffixes
from counterfoil_mocks.firm.rows import Rows
from counterfoil_mocks.firm.sizes import TERMS, Size, pick, poisson, quota
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.ids import stream

SEGMENTS = (("Enterprise", 25), ("Mid-market", 50), ("Small business", 25))
NAME_LIMITS = {"psa": 80, "billing": 120, "erp": 60}
FREE_TEXT = {
    "US": "United States of America",
    "GB": "Great Britain",
    "DE": "Deutschland",
    "FR": "France (métropolitaine)",
}


@dataclass(slots=True)
class Place:
    """A site. ids: native id by role."""

    code: str
    kind: str
    lines: list[str]
    town: tuple[str, str | None, str]
    ids: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Party:
    """A customer or prospect. made: ordinal of the day it came into the CRM; won: of its first won deal (None: a prospect).
    ids: native id by role. flaws: fields that differ from a clean record."""

    number: int
    name: str
    country: str
    company: Company
    vat_id: str | None
    terms: str
    made: int
    parent: Party | None = None
    level: int = 1
    places: list[Place] = field(default_factory=list)
    people: list[tuple[str, str]] = field(default_factory=list)
    po_required: bool = False
    segment: str = "Mid-market"
    won: int | None = None
    won_minute: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    flaws: Record = field(default_factory=dict)

    @property
    def customer_no(self) -> str:
        """The golden number."""
        return f"CU-{self.number:06d}"

    @property
    def top(self) -> Party | None:
        """The ultimate parent; None at a root."""
        above = self.parent
        while above is not None and above.parent is not None:
            above = above.parent
        return above


def draw(size: Size, seed: int, eve: int, known: set[str]) -> tuple[list[Party], Iterator[Party]]:
    """The live customers, and the prospects, who are drawn when they are asked for. known: names of companies that other
    customers have; the live ones are added."""
    chance = stream(seed, "firm", "customers")
    namer = Namer(stream(seed, "firm", "names of customers"))
    namer.companies |= known
    companies = quota(size.companies, size.customers, chance)
    terms = quota(TERMS, size.customers, chance)
    live: list[Party] = []
    for number, (code, term) in enumerate(zip(companies, terms, strict=True), size.before.parties + 1):
        country = "FR" if code == "CF-DE" and chance.random() < 0.25 else COMPANIES[code].country
        name = namer.company(country, long=chance.random() < 0.03)
        party = Party(number, name, country, COMPANIES[code], namer.vat_id(country), term, eve - 400)
        party.made -= chance.randrange(1, 1500)
        party.po_required = chance.random() < 0.3
        party.segment = pick(SEGMENTS, chance)
        _settle(party, live, size, chance)
        _house(party, namer, chance, size.sites)
        live.append(party)
    known |= namer.companies
    return live, _prospects(size, namer, chance, eve)


def write(live: Sequence[Party], prospects: Sequence[Party], rows: Mapping[str, Rows], seed: int, eve: int) -> None:
    """Make all of them in the CRM and the live ones in billing, ERP and PSA, at their first won deal."""
    chance = stream(seed, "firm", "contacts")
    for party in (*live, *prospects):
        _write_crm(party, rows["crm"], chance, eve)
    rows["crm"].counters["number:customer"] = prospects[-1].number if prospects else live[-1].number
    for party in sorted(live, key=lambda each: (each.won or 0, each.level, each.number)):
        for role in ("psa", "erp", "billing"):
            party.ids[role] = rows[role]["customer"].new_id()
    for party in live:
        for role in ("psa", "erp", "billing"):
            _write_copy(party, role, rows[role])


def _settle(party: Party, live: Sequence[Party], size: Size, chance: Random) -> None:
    """Find a parent for those who have one."""
    if chance.random() * 100 < size.roots:
        return
    above = [
        each
        for each in live
        if each.level < size.depth and each.company == party.company and each.country == party.country
    ]
    if above:
        party.parent = chance.choice(above)
        party.level = party.parent.level + 1
        party.made = max(party.made, party.parent.made)


def _house(party: Party, namer: Namer, chance: Random, further: float) -> None:
    party.places = [Place("HQ", "BOTH", [namer.street(party.country)], namer.town(party.country))]
    if chance.random() < 0.3:
        party.places[0].lines.append(f"Floor {chance.randrange(2, 30)}")
    for count in range(poisson(further, chance)):
        place = Place(f"S{count + 2}", "SHIP_TO", [namer.street(party.country)], namer.town(party.country))
        party.places.append(place)
    for _ in range(1 + poisson(0.8, chance)):
        person = namer.person(party.country)
        party.people.append((person, namer.email(person, party.name)))


def _prospects(size: Size, namer: Namer, chance: Random, eve: int) -> Iterator[Party]:
    originals: list[Party] = []
    for count in range(size.prospects):
        code = pick(size.companies, chance)
        country = "FR" if code == "CF-DE" and chance.random() < 0.25 else COMPANIES[code].country
        made = eve - chance.randrange(1, 1500)
        if originals and chance.random() < 0.10:
            party = _look_alike(chance.choice(originals), chance, made)
        else:
            name = namer.company(country, long=chance.random() < 0.015)
            party = Party(0, name, country, COMPANIES[code], namer.vat_id(country), pick(TERMS, chance), made)
            _house(party, namer, chance, size.sites)
            party.people = party.people[: int(chance.random() < 0.6)]
            originals.append(party)
        party.number = size.before.parties + size.customers + count + 1
        party.po_required = chance.random() < 0.3
        party.segment = pick(SEGMENTS, chance)
        _spoil(party, chance)
        yield party


def _look_alike(like: Party, chance: Random, made: int) -> Party:
    """The same company entered again: 5 exact variants to 3 with another legal form to 1 with a typing error to 1 abroad."""
    kind = pick((("exact", 5), ("suffix", 3), ("typo", 1), ("abroad", 1)), chance)
    name, country = like.name, like.country
    if kind == "exact":
        name = name.upper() if chance.random() < 0.5 else name.replace(".", "").replace(",", "")
        name = name if name != like.name else name.replace(" ", "  ", 1)
    elif kind == "suffix":
        stem = name.rsplit(" ", 1)[0]
        name = f"{stem} {chance.choice(suffixes(country))}"
    elif kind == "typo":
        at = chance.randrange(1, 5)
        name = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    else:
        country = "US" if country != "US" else "GB"
    twin = Party(0, name, country, like.company, like.vat_id, like.terms, made)
    twin.places = [Place("HQ", "BOTH", list(like.places[0].lines), like.places[0].town)]
    if like.people and chance.random() < 0.6:
        twin.people = [like.people[0]]
    return twin


def _spoil(party: Party, chance: Random) -> None:
    """Dirty fields, each at its own rate."""
    flaws = party.flaws
    if party.vat_id is not None:
        if chance.random() < 0.12:
            flaws["vat_id"] = None
        elif chance.random() < 0.03:
            flaws["vat_id"] = party.vat_id[:4] + " " + party.vat_id[5:]
    if chance.random() < 0.05:
        flaws["custom"] = {"country_as_entered": FREE_TEXT.get(party.country, party.country.lower())}
    if chance.random() < 0.04:
        flaws["name"] = party.name + "  "
    elif chance.random() < 0.02:
        foreign = party.name.replace("o", "ö", 1).replace("e", "é", 1) if party.name.isascii() else party.name
        flaws["name"] = unicodedata.normalize("NFD", foreign)
    elif chance.random() < 0.005:
        flaws["name"] = f"TEST {party.name} - do not use"
    if chance.random() < 0.004:
        flaws["parent"] = "001000000000000000"


def _write_crm(party: Party, crm: Rows, chance: Random, eve: int) -> None:
    at = moment(party.made, party.company, chance.randrange(480))
    party.ids["crm"] = crm["customer"].new_id()
    for place in party.places:
        place.ids["crm"] = crm["site"].new_id()
    live = party.won is not None
    updated = None if party.won is None else moment(party.won, party.company, party.won_minute + 1)
    values = _customer(party, "crm") | {
        "name": party.name,
        "status": "ACTIVE" if live else "PROSPECT",
        "default_bill_to": party.places[0].ids["crm"],
    }
    crm["customer"].make(at, values | party.flaws, updated)
    for place in party.places:
        crm["site"].make(at, _site(party, place, "crm"))
    for rank, (name, email) in enumerate(party.people):
        stale = chance.random() < 0.225
        crm["contact"].make(
            at,
            {
                "customer": party.ids["crm"],
                "name": name,
                "email_norm": email,
                "phone": f"+1{chance.randrange(2 * 10**9, 10**10)}" if party.country == "US" else None,
                "role": ("BUYER", "AP", "SPONSOR", "OTHER")[min(rank, 3)],
                "active": not stale or chance.random() < 0.5,
                "last_verified": iso(eve - chance.randrange(360, 900) if stale else eve - chance.randrange(300)),
            },
        )


def _customer(party: Party, role: str) -> Record:
    parent, top = party.parent, party.top
    return {
        "id": party.ids[role],
        "customer_no": party.customer_no,
        "legal_name": party.name,
        "parent": parent and parent.ids[role],
        "ultimate_parent": top and top.ids[role],
        "country": party.country,
        "vat_id": party.vat_id,
        "tax_status": "TAXABLE" if party.country == party.company.country else "REVERSE_CHARGE_ELIGIBLE",
        "vat_validated_at": moment(party.made, party.company, 500) if party.vat_id and party.won else None,
        "terms": party.terms,
        "invoice_ccy": party.company.ccy,
        "po_required": party.po_required,
        "language": LANGUAGE.get(party.country, "en-GB"),
        "segment": party.segment,
    }


def _site(party: Party, place: Place, role: str) -> Record:
    town, region, postcode = place.town
    return {
        "id": place.ids[role],
        "customer": party.ids[role],
        "customer_no": party.customer_no,
        "site_code": place.code,
        "kind": place.kind,
        "lines": place.lines,
        "city": town,
        "region": region,
        "postcode": postcode,
        "country": party.country,
        "jurisdiction_code": jurisdiction(party.country),
        "email_invoices_to": party.people[0][1] if party.people else None,
    }


def jurisdiction(country: str) -> str:
    """Tax jurisdiction of a site; the seeded American customers are all in one state."""
    return "US-TX" if country == "US" else country


def _write_copy(party: Party, role: str, rows: Rows) -> None:
    if party.won is None:
        return
    at = moment(party.won, party.company, party.won_minute + 2)
    name, whole = shortened(party.name, NAME_LIMITS[role])
    key = {"external_id": party.ids["crm"], "source_key": party.customer_no}
    values = _customer(party, role) | {"name": name, "name_full": whole, "status": "ACTIVE"} | key
    rows["customer"].make(at, values)
    if role == "psa":
        return
    for place in party.places:
        place.ids[role] = rows["site"].new_id()
        linked = {"external_id": place.ids["crm"], "source_key": f"{party.customer_no}/{place.code}"}
        rows["site"].make(at, _site(party, place, role) | linked)
