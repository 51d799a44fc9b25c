"""What may happen to a firm: deeds of its people, moves of the clock, and faults, each with a few small numbers that say which and
how much. A deed that makes no sense where it stands (no deal yet, nothing to pay) does nothing.

`rhythm.py` picks them as an ordinary year does, exploration as it likes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from counterfoil import activity as firm
from counterfoil.client import Refused
from counterfoil.money import amount
from counterfoil.world import World

COMPANIES = (
    # entity, currency, country, rate card, tax code
    ("CF-US", "USD", "US", "US-STD/1", "TX-825"),
    ("CF-US", "USD", "US", "US-STD/1", "TX-DP"),
    ("CF-DE", "EUR", "DE", "DE-STD/1", "VAT19"),
    ("CF-JP", "JPY", "JP", "JP-STD/1", "JCT10"),
    ("CF-KW", "KWD", "KW", "KW-STD/1", "NT"),
)
PARTS = {"JPY": "", "KWD": ".177"} | dict.fromkeys(("USD", "EUR"), ".17")
NAMES = (
    "Ballymore Foods Ltd",
    "Công ty Nguyễn Ngụy",
    "International Federation of Independent Harbour and Inland Waterway Operators",
    "Nordlicht Beratung GmbH",
)
BROKEN = (
    {"kind": "duplicate", "operation": "*", "every": 1},
    {"kind": "reorder", "operation": "*", "share": 0.9, "spread": 60.0},
    {"kind": "lost_response", "system": "erp", "operation": "create_ar_document", "nth": 1},
    {"kind": "partial_batch", "system": "erp", "operation": "*revenue_schedule*", "each": 1, "nth": 1},
)
DEEDS: dict[str, Deed] = {}
Act = Callable[..., None]


@dataclass(frozen=True)
class Step:
    """A deed and its numbers."""

    deed: str
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.deed.replace("_", " "), *map(str, self.numbers)])


@dataclass(frozen=True)
class Deed:
    """act: what is done. highest: of each number, the largest value (the least is 0). weight: how often it is chosen."""

    act: Act
    highest: tuple[int, ...]
    weight: int


def deed(*highest: int, weight: int = 1) -> Callable[[Act], Act]:
    """Have a function be a deed that exploration may choose."""

    def mark(act: Act) -> Act:
        DEEDS[act.__name__] = Deed(act, highest, weight)
        return act

    return mark


@dataclass
class Life:
    """A firm in the middle of a story. people: of each deal, the one who works on it; worked: keys of approved time, oldest first.
    managed: companies that have a manager. rebilled: deals whose customers pay expenses. buyers, orders: how many there were so far."""

    world: World
    deals: list[firm.Deal] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    worked: dict[str, list[str]] = field(default_factory=dict)
    managed: set[str] = field(default_factory=set)
    rebilled: set[str] = field(default_factory=set)
    buyers: int = 0
    orders: int = 0

    def deal(self, which: int) -> firm.Deal | None:
        """One of the deals that are set up, the newest first."""
        return self.deals[-1 - which % len(self.deals)] if self.deals else None

    def company(self, name: int) -> str:
        """What a new customer is called."""
        return NAMES[name]

    def won(self, deal: firm.Deal, types: set[str]) -> None:
        """A deal is won: it is worked on where it has been set up. types: of its lines."""
        if self.world.psa.find("project", deal.project_no) is not None:
            self.take_up(deal, types)

    def take_up(self, deal: firm.Deal, types: set[str]) -> None:
        """Begin to work on a deal; where it has expenses, the customer pays them."""
        self.deals.append(deal)
        if "EXPENSE" in types:
            self.rebilled.add(deal.contract_no)

    def money(self, deal: firm.Deal, units: int) -> dict[str, Any]:
        """So many thousand units of a deal's currency."""
        return dict(amount(str(units * 1000), deal.ccy))


def odd(thousands: int, ccy: str) -> dict[str, Any]:
    """An amount that needs every decimal of its currency, and whose tax has to be rounded."""
    return dict(amount(f"{thousands}013{PARTS[ccy]}", ccy))


def last_year(day: str) -> int:
    """The year in which a deal of a day ends: the same one, from October the next."""
    return int(day[:4]) + (day[5:7] >= "10")


def sold(
    life: Life, company: int, name: int, lines: list[dict[str, Any]], *, look_alike: bool = False, **terms: Any
) -> None:
    """Sell something to a new customer; `look_alike`: whom the books know already, under a variant of the name."""
    world, (entity, ccy, country, card, tax_code) = life.world, COMPANIES[company]
    if entity != "CF-US" and entity not in life.managed:
        firm.hire(
            world, name=f"Manager of {entity}", level="MANAGER", cost_rate="50.0000", legal_entity=entity, cost_ccy=ccy
        )
        life.managed.add(entity)
    life.buyers += 1
    called = life.company(name)
    number = f"{country}{name + 1}{life.buyers:08d}"  # one name, several companies
    if look_alike:
        shown = called.upper().removesuffix(" LTD") + ", Ltd."
        twin = world.erp.create("customer", name=shown[:60], country=country, vat_id=number, invoice_ccy=ccy)
        world.erp.create(
            "site", customer=twin["id"], site_code="MAIN", country=country, postcode="60601", city="Chicago"
        )
    buyer = firm.add_customer(
        world,
        name=called,
        country=country,
        region=country,
        jurisdiction=firm.AMERICAN_PLACES.get(tax_code),
        invoice_ccy=ccy,
        vat_id=number,
    )
    deal = firm.sell(
        world,
        customer=buyer,
        name=f"Engagement {len(life.deals) + 1}",
        legal_entity=entity,
        ccy=ccy,
        lines=[{"tax_code": tax_code, **line} for line in lines],
        start=world.today()[:8] + "01",
        end=f"{last_year(world.today())}-12-31",
        rate_card=card,
        **terms,
    )
    life.won(deal, {line["type"] for line in lines})


@deed(4, 3, 1, weight=4)
def sell_fixed_fee(life: Life, company: int, name: int, known: int) -> None:
    """A fixed fee with an advance, two milestones and rebilled expenses."""
    ccy = COMPANIES[company][1]
    fee, half = odd(50, ccy), odd(20, ccy)
    advance = {**fee, "minor": fee["minor"] - 2 * half["minor"]}
    untaxed = {"tax_code": "NT"} if COMPANIES[company][0] == "CF-US" else {}  # sales tax is on work, not on outlay
    line = firm.fixed_fee(fee, hours=200, cost=dict(amount("22000", ccy)), service_item="CONSULTING-FF")
    milestones = [firm.milestone("M1", half), firm.milestone("M2", half)]
    sold(
        life,
        company,
        name,
        [line, firm.rebilled_expenses(line_no=2, service_item="EXPENSE", **untaxed)],
        milestones=milestones,
        mobilisation=advance,
        look_alike=bool(known),
    )


@deed(4, 3, weight=3)
def sell_capped_time(life: Life, company: int, name: int) -> None:
    """Time and materials under a low ceiling."""
    cap = dict(amount("1000", COMPANIES[company][1]))
    sold(life, company, name, [firm.time_and_materials(cap=cap, service_item="CONSULTING-TM")])


@deed(1, 3)
def sell_retainer(life: Life, company: int, name: int) -> None:
    """A fee for the rest of the year, from the middle of a month."""
    day = life.world.today()
    ccy = COMPANIES[company][1]
    fee = firm.retainer(dict(amount("36500", ccy)), start=day, end=f"{last_year(day)}-12-30", service_item="RETAINER")
    sold(life, company, name, [fee])


@deed(2, 4, weight=4)
def work(life: Life, which: int, days: int) -> None:
    """Somebody works on the deal up to today and has it approved; one more entry stays submitted."""
    deal, world = life.deal(which), life.world
    if deal is None:
        return
    if deal.contract_no not in life.people:
        person = firm.hire(
            world,
            name="Consultant",
            level="SENIOR",
            cost_rate="50.0000",
            legal_entity=deal.legal_entity,
            cost_ccy=deal.ccy,
        )
        firm.staff(world, deal, employee=person["employee_no"])
        life.people[deal.contract_no] = person["employee_no"]
    person_no, today = life.people[deal.contract_no], world.today()
    for day in firm.weekdays(today[:8] + "01", today)[-1 - days :]:
        entry = firm.work(world, deal, employee=person_no, work_date=day, minutes=465)
        life.worked.setdefault(deal.contract_no, []).append(entry["key"])
    firm.work(world, deal, employee=person_no, work_date=today, minutes=60, approver=None)


@deed(2, 2)
def spend(life: Life, which: int, units: int) -> None:
    """An expense on the deal."""
    deal = life.deal(which)
    if deal is not None and deal.contract_no in life.people and deal.contract_no in life.rebilled:
        gross = amount("123.45" if deal.ccy != "JPY" else "12345", deal.ccy)
        firm.spend(life.world, deal, employee=life.people[deal.contract_no], gross=gross, spend_date=life.world.today())


@deed(2, 1, weight=3)
def complete(life: Life, which: int, stone: int) -> None:
    """A milestone is done."""
    deal = life.deal(which)
    if deal is not None:
        firm.complete(life.world, deal, ms_code=f"M{stone + 1}")


@deed(2, weight=2)
def complete_both(life: Life, which: int) -> None:
    """Both milestones are done within a minute."""
    deal = life.deal(which)
    if deal is not None:
        for code in ("M1", "M2"):
            firm.complete(life.world, deal, ms_code=code, settle=False)


@deed(2, 3)
def estimate(life: Life, which: int, more: int) -> None:
    """The project manager says what is still to go."""
    deal = life.deal(which)
    if deal is not None:
        firm.estimate(life.world, deal, etc_hours=50 + 50 * more, etc_cost=life.money(deal, 5 + 5 * more))


@deed(2)
def take_back(life: Life, which: int) -> None:
    """A milestone was not done after all."""
    deal = life.deal(which)
    if deal is not None:
        life.world.psa.act(
            "uncomplete_milestone", key=deal.milestone("M1"), reason="Not finished", approver=firm.FINANCE
        )


@deed(2, 1, weight=2)
def change(life: Life, which: int, approve: int) -> None:
    """A change order for a tenth more, approved or left as submitted."""
    deal = life.deal(which)
    if deal is None:
        return
    life.orders += 1
    more = life.money(deal, 5)
    order = firm.raise_change_order(
        life.world,
        deal,
        deltas=[firm.delta(1, amount=more, hours=20, cost=life.money(deal, 2))],
        milestones=[firm.added_milestone(f"C{life.orders}", more)],
    )
    if approve:
        firm.approve_change_order(life.world, key=order["key"])


@deed(2, weight=2)
def pay(life: Life, which: int) -> None:
    """Everything that is open is paid, in two parts; what a credit has put on account is applied first."""
    deal = life.deal(which)
    if deal is None:
        return
    documents = life.world.erp.list("ar_document", contract_no=deal.contract_no, doc_type="INVOICE")
    credited = any(each["credited"]["minor"] for each in documents)
    for found in documents:
        document = firm.apply_on_account(life.world, found) if credited else found
        left = document["open_amount"]
        if left["minor"] > 1:
            half = {**left, "minor": left["minor"] // 2}
            number = document["invoice_no"]
            firm.pay(life.world, invoice_no=number, amount=half, bank_ref=f"HALF-{number}", settle=False)
    firm.pay_all(life.world, deal)


@deed(2, 3, weight=2)
def edit(life: Life, which: int, what: int) -> None:
    """The customer's owner, name or address changes; or finance agrees other terms in the books first."""
    deal, world = life.deal(which), life.world
    if deal is None:
        return
    if what == 1:
        world.crm.change(
            "customer", deal.customer_no, name=world.crm.get("customer", deal.customer_no)["name"] + " Group"
        )
    elif what == 2:
        world.crm.change("site", f"{deal.customer_no}/HQ", lines=["9 Long Lane"])
    elif what == 3:
        world.erp.change("customer", deal.customer_no, terms="NET60")
        world.settle()
    if what != 2:
        world.crm.change("customer", deal.customer_no, owner=f"Owner {world.now[11:19]}")
        world.crm.change("customer", deal.customer_no, segment=f"Segment {world.now[11:19]}")


@deed(2)
def withdraw(life: Life, which: int) -> None:
    """The approval of the last entry is withdrawn."""
    deal = life.deal(which)
    if deal is not None and life.worked.get(deal.contract_no):
        life.world.psa.act("unapprove_time", key=life.worked[deal.contract_no].pop(), reason="Not agreed")


@deed(2)
def credit(life: Life, which: int) -> None:
    """The newest invoice of the deal is credited in full."""
    deal = life.deal(which)
    bills = [] if deal is None else firm.invoices(life.world, deal)
    if bills and bills[-1]["status"] in ("POSTED", "PAID"):
        life.world.billing.act(
            "credit_invoice", id=bills[-1]["id"], reason="CUSTOMER", release_items=False, approved_by=firm.FINANCE
        )


@deed(2, weight=0)
def bill(life: Life, which: int) -> None:
    """Finance bills what was worked so far, before the cycle ends (exploration lets cycles end)."""
    deal = life.deal(which)
    if deal is not None:
        firm.bill_cycles(life.world, deal)


@deed(2, 1)
def reopen(life: Life, which: int, again: int) -> None:
    """A won deal is taken back for a day; `again`: and won once more."""
    deal = life.deal(which)
    if deal is None:
        return
    life.world.crm.act("reopen_opportunity", key=deal.opp_no, approver=firm.FINANCE)
    life.world.settle()
    life.world.advance(days=1)
    if again:
        firm.win(life.world, deal)


@deed(2)
def close_task(life: Life, which: int) -> None:
    """The deal's task ends yesterday."""
    deal = life.deal(which)
    if deal is not None:
        life.world.psa.act("close_task", key=deal.task(1), open_to=life.world.today())


@deed(3, weight=4)
def pass_time(life: Life, span: int) -> None:
    """An evening, a day, a week, or the rest of the month passes."""
    world = life.world
    if span == 3:
        year, month = int(world.now[:4]), int(world.now[5:7])
        world.at(f"{year + month // 12}-{month % 12 + 1:02d}-01T09:00")
    elif span:
        world.advance(days=1 if span == 1 else 7)
    else:
        world.at(f"{world.today()}T22:30")


@deed(len(BROKEN) - 1, weight=2)
def breakdown(life: Life, which: int) -> None:
    """Something breaks from now on."""
    life.world.faults.inject([BROKEN[which]])


@deed(2, 2)
def go_silent(life: Life, which: int, what: int) -> None:
    """No event gets through while something changes; afterwards an integration that can look for changes is told to."""
    deal, world = life.deal(which), life.world
    if deal is None or world.integration is None or not world.integration.offers("poll"):
        return
    look(world)
    world.faults.inject([{"kind": "drop", "operation": "*", "redeliver_after": 0.0}])
    try:
        if what == 2:
            world.advance(days=4)
        edit(life, which, 1 if what == 0 else 2)
        world.settle()
    finally:
        world.faults.clear()
    look(world)


def look(world: World) -> None:
    """Have the integration look for changes, often enough to see what was still being written the last time."""
    assert world.integration is not None
    for _ in range(3):
        world.integration.poll()
        world.settle()
        world.advance(hours=1 / 60)


def do(life: Life, step: Step) -> bool:
    """Do one deed and let everything settle; False where the systems refused it."""
    try:
        DEEDS[step.deed].act(life, *step.numbers)
    except Refused:
        return False
    finally:
        life.world.settle()
    return True
