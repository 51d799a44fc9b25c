"""What every landscape holds whatever its size: the firm's companies, currencies, periods, tax codes, service items, rate
cards and FX rates. Rates and codes are fixtures, not tax advice (domain §3.11, §9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.ids import stream


class Company(NamedTuple):
    """A legal entity of the firm. card: its rate card. opens: local time zone in which its days begin."""

    code: str
    name: str
    country: str
    tz: str
    ccy: str
    gaap: str
    rounding: str
    vat_id: str | None
    card: str
    loss_policy: bool

    @property
    def provides(self) -> bool:
        """Whether it provides for losses of running contracts: under IFRS always, elsewhere by policy."""
        return self.gaap == "IFRS" or self.loss_policy


# fmt: off
COMPANIES: dict[str, Company] = {
    row[0]: Company(*row)
    for row in (
        ("CF-US", "Counterfoil Advisory Inc.", "US", "America/Chicago", "USD", "US", "LINE", None, "US-STD", False),
        ("CF-UK", "Counterfoil Advisory Ltd", "GB", "Europe/London", "GBP", "IFRS", "LINE", "GB365462636", "UK-STD", False),
        ("CF-DE", "Counterfoil Advisory GmbH", "DE", "Europe/Berlin", "EUR", "IFRS", "LINE", "DE136695976", "DE-STD", True),
        ("CF-JP", "Counterfoil Advisory KK", "JP", "Asia/Tokyo", "JPY", "IFRS", "INVOICE", "T5013301012345", "JP-STD", False),
        ("CF-KW", "Counterfoil Advisory WLL", "KW", "Asia/Kuwait", "KWD", "IFRS", "LINE", None, "KW-STD", False),
    )
}
# fmt: on

CURRENCIES = {
    "USD": "US dollar",
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "JPY": "Yen",
    "KWD": "Kuwaiti dinar",
    "CHF": "Swiss franc",
    "CAD": "Canadian dollar",
    "AUD": "Australian dollar",
    "INR": "Indian rupee",
}

SERVICES, EXPENSES = "SERVICES", "EXPENSES"

SERVICE_ITEMS = (
    ("CONSULTING-FF", "Consulting, fixed fee", "4000", SERVICES),
    ("CONSULTING-TM", "Consulting, time and materials", "4010", SERVICES),
    ("RETAINER", "Advisory retainer", "4020", SERVICES),
    ("TRAINING", "Training", "4000", SERVICES),
    ("EXPENSE", "Reimbursable expenses", "4030", EXPENSES),
)
"""code, name, revenue account, tax category."""

TAX_CODES = (
    ("TX-DP", "SALES_TAX", "0.0825", "0.8", "S", "US-TX", None),
    ("TX-825", "SALES_TAX", "0.0825", "1", "S", "US-TX-825", None),
    ("NT", "NONE", "0", "1", "O", None, None),
    ("VAT20", "VAT", "0.20", "1", "S", "GB", None),
    ("VAT19", "VAT", "0.19", "1", "S", "DE", None),
    ("RC", "VAT", "0", "1", "AE", "EU", "Reverse charge"),
    ("OS", "VAT", "0", "1", "O", None, "Outside the scope of VAT: place of supply is abroad"),
    ("EX", "NONE", "0", "1", "E", None, "Exempt"),
    ("JCT10", "VAT", "0.10", "1", "S", "JP", None),
)
"""code, kind, rate, taxable fraction, EN 16931 category, jurisdiction, legend."""

LEVEL_RATES = {
    "ANALYST": "125",
    "CONSULTANT": "175",
    "SENIOR": "225",
    "MANAGER": "275",
    "DIRECTOR": "340",
    "PARTNER": "450",
}
"""USD an hour on the American card."""

RATE_CARDS = (
    ("US-STD", "USD", "US", "1"),
    ("UK-STD", "GBP", "UK", "0.78"),
    ("DE-STD", "EUR", "DE", "0.85"),
    ("JP-STD", "JPY", "JP", "105"),
    ("KW-STD", "KWD", "KW", "0.24"),
)
"""code, currency, region, factor on the American rates."""

CARD_FROM = "2025-01-01"

FX_BASE = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27, "JPY": 0.0067, "KWD": 3.25}
"""USD for one unit, where the random walk starts."""

FX_PAIRS = (
    ("EUR", "USD"),
    ("GBP", "USD"),
    ("JPY", "USD"),
    ("KWD", "USD"),
    ("USD", "EUR"),
    ("GBP", "EUR"),
    ("USD", "GBP"),
    ("EUR", "GBP"),
    ("USD", "JPY"),
    ("EUR", "JPY"),
    ("USD", "KWD"),
    ("EUR", "KWD"),
)

COPIED_DAYS = 10
"""Days of FX rates that the copies in PSA and billing begin with."""

PERIODS_BEFORE, PERIODS_AHEAD = 3, 23


Cards = dict[tuple[str, str], str]
"""Native id of version 1 of each rate card by (role, code)."""


def load(rows: Mapping[str, Rows], seed: int, now: str) -> Cards:
    """Make the base fixture in all four systems, as of the instant `now`."""
    for role in ("erp", "billing"):
        _companies(rows[role])
        _tax_codes(rows[role])
        _service_items(rows[role], role)
    _currencies(rows["erp"])
    for company in COMPANIES.values():
        _periods(rows["erp"], company, now)
    _fx_rates(rows, seed, now)
    return _rate_cards(rows)


def rate_of(card: str, level: str) -> int:
    """Bill rate an hour on version 1 of a card: scaled by 10⁴, in the card's currency."""
    factor = next(row[3] for row in RATE_CARDS if row[0] == card)
    return money.half_up(money.price(LEVEL_RATES[level]) * money.price(factor), money.PRICE_SCALE)


def add_months(period: str, months: int) -> str:
    """The period so many months later (negative: earlier)."""
    count = int(period[:4]) * 12 + int(period[5:7]) - 1 + months
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def first_period(company: Company, now: str) -> str:
    """The first period of the base fixture."""
    return add_months(clock.period_of(clock.business_date(now, company.tz)), -PERIODS_BEFORE)


def closing_of(company: Company, period: str, now: str) -> str:
    """When a period was closed: 18:00 local on the 5th of the next month, or just before `now` where that is sooner."""
    usual = clock.instant_of(f"{add_months(period, 1)}-05", company.tz, 18)
    return min(usual, clock.later(now, minutes=-1))


def make_period(erp: Rows, company: Company, period: str, now: str) -> Record:
    """One fiscal period: closed when it is over, open when it is running, else future. An open one's run is armed."""
    current = clock.period_of(clock.business_date(now, company.tz))
    last = clock.period_end(period)
    values: Record = {
        "legal_entity": company.code,
        "period": period,
        "from_date": f"{period}-01",
        "to_date": last,
        "status": "OPEN" if period == current else "CLOSED" if period < current else "FUTURE",
    }
    made = clock.instant_of(CARD_FROM, company.tz)
    updated = None
    if period < current:
        updated = closing_of(company, period, now)
        values |= {
            "soft_closed_at": clock.later(updated, hours=-2),
            "closed_at": updated,
            "closed_by": "controller@counterfoil.test",
        }
    record = erp["period"].make(made, values, updated)
    if period == current:
        erp.timer(
            "period_end",
            str(record["key"]),
            clock.instant_of(last, company.tz, 23, 30),
            {"legal_entity": company.code, "period": period},
        )
    return record


def fx_walk(seed: int, first: str, last: str) -> Iterator[tuple[str, dict[str, float]]]:
    """USD for one unit of each currency, day by day: a random walk of 0.5 % a day; a weekend carries Friday's rates."""
    chance = stream(seed, "firm", "fx")
    worth = dict(FX_BASE)
    day = first
    while day <= last:
        if date.fromisoformat(day).weekday() < 5:
            for ccy in worth:
                if ccy != "USD":
                    worth[ccy] *= 1 + min(max(chance.gauss(0, 0.005), -0.015), 0.015)
        yield day, worth
        day = clock.add_days(day, 1)


def fx_rates(seed: int, now: str) -> dict[tuple[str, str, str], int]:
    """Spot rates by (from, to, date), scaled by 10⁶, from the first period's first day to today."""
    today = now[:10]
    first = f"{add_months(clock.period_of(today), -PERIODS_BEFORE)}-01"
    return {
        (from_ccy, to_ccy, day): round(worth[from_ccy] / worth[to_ccy] * money.RATE_SCALE)
        for day, worth in fx_walk(seed, first, today)
        for from_ccy, to_ccy in FX_PAIRS
    }


def _companies(rows: Rows) -> None:
    for each in COMPANIES.values():
        rows["legal_entity"].make(
            clock.instant_of(CARD_FROM, each.tz),
            {
                "code": each.code,
                "name": each.name,
                "country": each.country,
                "tz": each.tz,
                "functional_ccy": each.ccy,
                "gaap": each.gaap,
                "rounding_policy": each.rounding,
                "gapless": each.country != "US",
                "invoice_series": f"INV-{each.code}",
                "vat_id": each.vat_id,
                "loss_provision": each.loss_policy,
            },
        )


def _tax_codes(rows: Rows) -> None:
    for code, kind, rate, fraction, category, jurisdiction, legend in TAX_CODES:
        rows["tax_code"].make(
            f"{CARD_FROM}T06:00:00.000Z",
            {
                "code": code,
                "kind": kind,
                "rate": money.rate(rate),
                "taxable_fraction": money.rate(fraction),
                "category": category,
                "jurisdiction": jurisdiction,
                "legend": legend,
                "valid_from": CARD_FROM,
            },
        )


def _currencies(erp: Rows) -> None:
    at = f"{CARD_FROM}T06:00:00.000Z"
    for code, name in CURRENCIES.items():
        erp["currency"].make(at, {"code": code, "name": name, "exponent": money.exponent(code)})


def _service_items(rows: Rows, role: str) -> None:
    for code, name, account, category in SERVICE_ITEMS:
        values = {"code": code, "name": name, "tax_category": category}
        rows["service_item"].make(
            f"{CARD_FROM}T06:00:00.000Z", values | ({"revenue_account": account} if role == "erp" else {})
        )


def _rate_cards(rows: Mapping[str, Rows]) -> Cards:
    cards: Cards = {}
    at = "2024-12-16T15:00:00.000Z"
    for code, ccy, region, _ in RATE_CARDS:
        card: Record = {
            "code": code,
            "card_version": 1,
            "status": "PUBLISHED",
            "ccy": ccy,
            "region": region,
            "effective_from": CARD_FROM,
        }
        original: str | None = None
        for role in ("crm", "psa", "billing"):
            maker = rows[role]["rate_card"]
            line = line_maker(maker.entity, "rows")
            copy = card | {"rows": [line(level=level, rate=rate_of(code, level), ccy=ccy) for level in LEVEL_RATES]}
            if original is not None:
                copy |= {"external_id": original, "source_key": f"{code}/1"}
            cards[role, code] = maker.make(at, copy)["id"]
            original = original or cards[role, code]
    return cards


def _periods(erp: Rows, company: Company, now: str) -> None:
    current = clock.period_of(clock.business_date(now, company.tz))
    for months in range(-PERIODS_BEFORE, PERIODS_AHEAD + 1):
        make_period(erp, company, add_months(current, months), now)


def _fx_rates(rows: Mapping[str, Rows], seed: int, now: str) -> None:
    """All of them in the books; the spot rates of the last days, which documents may still need, in the copies."""
    recent = clock.add_days(now[:10], -COPIED_DAYS)
    for (from_ccy, to_ccy, day), rate in fx_rates(seed, now).items():
        for kind in ("SPOT", "CLOSING") if day == clock.period_end(day[:7]) else ("SPOT",):
            values: Record = {"from_ccy": from_ccy, "to_ccy": to_ccy, "rate_date": day, "type": kind, "rate": rate}
            values |= {"source": "central bank fixing", "published_at": f"{day}T05:00:00.000Z"}
            for role in ("erp", "psa", "billing") if kind == "SPOT" and day >= recent else ("erp",):
                rows[role]["fx_rate"].make(f"{day}T05:00:00.000Z", values)
