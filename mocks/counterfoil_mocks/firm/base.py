"""What every landscape holds whatever its size: the firm's companies, currencies, periods, tax codes, service items, rate
cards and FX rates. Rates and codes are fixtures, not tax advice (domain §3.11, §9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

from counterfoil_mocks.firm.companies import (
    COMPANIES,
    CURRENCIES,
    CURRENCIES_EVERYWHERE,
    EVERYWHERE,
    RATE_CARDS,
    TAX_CODES,
    TAX_CODES_EVERYWHERE,
    Company,
)
from counterfoil_mocks.firm.rows import Rows, line_maker
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.ids import stream

SERVICES, EXPENSES = "SERVICES", "EXPENSES"

SERVICE_ITEMS = (
    ("CONSULTING-FF", "Consulting, fixed fee", "4000", SERVICES),
    ("CONSULTING-TM", "Consulting, time and materials", "4010", SERVICES),
    ("RETAINER", "Advisory retainer", "4020", SERVICES),
    ("TRAINING", "Training", "4000", SERVICES),
    ("EXPENSE", "Reimbursable expenses", "4030", EXPENSES),
)
"""code, name, revenue account, tax category."""

LEVEL_RATES = {
    "ANALYST": "125",
    "CONSULTANT": "175",
    "SENIOR": "225",
    "MANAGER": "275",
    "DIRECTOR": "340",
    "PARTNER": "450",
}
"""USD an hour on the American card."""

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
FX_ABROAD = {
    "CHF": 1.12,
    "CAD": 0.73,
    "AUD": 0.66,
    "INR": 0.012,
    "SGD": 0.75,
    "AED": 0.2723,
    "MXN": 0.056,
    "BRL": 0.19,
    "KRW": 0.00073,
}
"""The same for currencies that only larger firms trade in; each has rates to and from US dollars."""

PERIODS_BEFORE, PERIODS_AHEAD = 3, 23


Cards = dict[tuple[str, str], str]
"""Native id of version 1 of each rate card by (role, code)."""


def load(rows: Mapping[str, Rows], seed: int, now: str, codes: Sequence[str] = EVERYWHERE) -> Cards:
    """Make the base fixture in all four systems, as of the instant `now`. codes: of the firm's companies, beside those that are
    everywhere."""
    companies = [each for each in COMPANIES.values() if each.code in {*EVERYWHERE, *codes}]
    abroad = len(companies) > len(EVERYWHERE)
    for role in ("erp", "billing"):
        _companies(rows[role], companies)
        _tax_codes(rows[role], companies)
        _service_items(rows[role], role)
    _currencies(rows["erp"], companies)
    for company in companies:
        _periods(rows["erp"], company, now)
    _fx_rates(rows, fx_rates(seed, now) | (fx_abroad(seed, now, ccys_of(companies)) if abroad else {}), now)
    return _rate_cards(rows, companies)


def ccys_of(companies: Sequence[Company]) -> tuple[str, ...]:
    """Currencies of companies that are not traded in everywhere."""
    return tuple(dict.fromkeys(each.ccy for each in companies if each.ccy in FX_ABROAD))


@lru_cache(maxsize=256)
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


def fx_abroad(seed: int, now: str, ccys: Sequence[str]) -> dict[tuple[str, str, str], int]:
    """Spot rates of further currencies to and from US dollars, as `fx_rates` gives them; each walks by itself."""
    today = now[:10]
    first = f"{add_months(clock.period_of(today), -PERIODS_BEFORE)}-01"
    found: dict[tuple[str, str, str], int] = {}
    for ccy in ccys:
        chance, worth, day = stream(seed, "firm", "fx", ccy), FX_ABROAD[ccy], first
        while day <= today:
            if date.fromisoformat(day).weekday() < 5:
                worth *= 1 + min(max(chance.gauss(0, 0.005), -0.015), 0.015)
            found[ccy, "USD", day] = round(worth * money.RATE_SCALE)
            found["USD", ccy, day] = round(money.RATE_SCALE / worth)
            day = clock.add_days(day, 1)
    return found


def _companies(rows: Rows, companies: Sequence[Company]) -> None:
    for each in companies:
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


def _tax_codes(rows: Rows, companies: Sequence[Company]) -> None:
    places = {each.country for each in companies}
    codes = list(TAX_CODES[:TAX_CODES_EVERYWHERE])
    if len(companies) > len(EVERYWHERE):
        codes += [
            row for row in TAX_CODES[TAX_CODES_EVERYWHERE:] if (row[5] or "") in places or (row[5] or "")[:3] == "CA-"
        ]
    for code, kind, rate, fraction, category, jurisdiction, legend in codes:
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


def _currencies(erp: Rows, companies: Sequence[Company]) -> None:
    at = f"{CARD_FROM}T06:00:00.000Z"
    traded = {each.ccy for each in companies}
    for rank, (code, name) in enumerate(CURRENCIES.items()):
        if rank >= CURRENCIES_EVERYWHERE and code not in traded:
            continue
        erp["currency"].make(at, {"code": code, "name": name, "exponent": money.exponent(code)})


def _service_items(rows: Rows, role: str) -> None:
    for code, name, account, category in SERVICE_ITEMS:
        values = {"code": code, "name": name, "tax_category": category}
        rows["service_item"].make(
            f"{CARD_FROM}T06:00:00.000Z", values | ({"revenue_account": account} if role == "erp" else {})
        )


def _rate_cards(rows: Mapping[str, Rows], companies: Sequence[Company]) -> Cards:
    cards: Cards = {}
    used = {each.card for each in companies}
    at = "2024-12-16T15:00:00.000Z"
    for code, ccy, region, _ in RATE_CARDS:
        if code not in used:
            continue
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


def _fx_rates(rows: Mapping[str, Rows], rates: Mapping[tuple[str, str, str], int], now: str) -> None:
    """All of them in the books; the spot rates of the last days, which documents may still need, in the copies."""
    recent = clock.add_days(now[:10], -COPIED_DAYS)
    for (from_ccy, to_ccy, day), rate in rates.items():
        for kind in ("SPOT", "CLOSING") if day == clock.period_end(day[:7]) else ("SPOT",):
            values: Record = {"from_ccy": from_ccy, "to_ccy": to_ccy, "rate_date": day, "type": kind, "rate": rate}
            values |= {"source": "central bank fixing", "published_at": f"{day}T05:00:00.000Z"}
            for role in ("erp", "psa", "billing") if kind == "SPOT" and day >= recent else ("erp",):
                rows[role]["fx_rate"].make(f"{day}T05:00:00.000Z", values)
