"""The accounting tables of the domain, to the minor unit: pure arithmetic, and the ledger that comes of it."""

from __future__ import annotations

import pytest

from counterfoil_mocks.billing import caps, tax
from counterfoil_mocks.billing.documents import price_of
from counterfoil_mocks.billing.plans import next_due
from counterfoil_mocks.erp import intercompany, posting, progress
from counterfoil_mocks.kernel import clock, money


def minor(amount: str, ccy: str = "USD") -> int:
    return money.minor(amount, ccy)


def test_fixed_fee_follows_cost_to_cost_month_by_month() -> None:
    months = [
        ("13,200", "240,000", "132,000", "24,000"),
        ("46,200", "240,000", "132,000", "84,000"),
        ("92,400", "276,000", "154,000", "165,600"),
        ("138,600", "276,000", "154,000", "248,400"),
        ("154,000", "276,000", "154,000", "276,000"),
    ]
    for spent, price, eac, revenue in months:
        assert progress.by_effort(minor(price), minor(spent), minor(eac)) == minor(revenue)


def test_a_change_order_catches_up_at_once() -> None:
    recognised = minor("84,000")
    assert progress.by_effort(minor("276,000"), minor("46,200"), minor("154,000")) - recognised == minor("-1,200")


def test_progress_never_exceeds_the_price() -> None:
    assert progress.by_effort(minor("1,000"), minor("900"), minor("600")) == minor("1,000")
    assert progress.by_effort(minor("1,000"), 0, minor("600")) == 0
    assert progress.by_effort(minor("1,000"), 0, 0) == 0


def test_hours_are_measured_against_the_estimate_and_not_the_stale_budget() -> None:
    eac = progress.at_completion(210, 400, 600)
    assert eac == 610
    assert progress.by_effort(minor("90,000"), 210 * 60, eac * 60) == minor("30,983.61")
    assert progress.at_completion(210, None, 600) == 600


def test_outputs_are_priced_by_their_stand_alone_weights() -> None:
    price, weights = minor("100,000"), [30, 45, 40]
    assert money.split(price, weights) == [minor("26,086.96"), minor("39,130.43"), minor("34,782.61")]
    assert progress.by_output(price, 30, 115) == minor("26,086.96")
    assert progress.by_output(price, 75, 115) == minor("65,217.39")
    assert progress.by_output(price, 115, 115) == price


RETAINER = """5,589.04 9,205.48 10,191.78 9,863.02 10,191.78 9,863.01 10,191.78 10,191.78 9,863.01 10,191.79 9,863.01 10,191.78
    4,602.74"""


def month_ends(first: str, count: int) -> list[str]:
    year, month = int(first[:4]), int(first[5:7]) - 1
    return [
        clock.period_end(f"{year + (month + step) // 12:04d}-{(month + step) % 12 + 1:02d}") for step in range(count)
    ]


@pytest.mark.parametrize(
    ("fee", "start", "end", "parts"),
    [
        ("120,000", "2026-01-15", "2027-01-14", RETAINER),
        ("9,000", "2028-01-31", "2028-03-30", "150.00 4,350.00 4,500.00"),
    ],
)
def test_a_retainer_is_earned_by_day(fee: str, start: str, end: str, parts: str) -> None:
    wanted = [minor(each) for each in parts.split()]
    cum = [progress.by_day(minor(fee), start, end, day) for day in month_ends(start, len(wanted))]
    assert [now - before for before, now in zip([0, *cum], cum, strict=False)] == wanted
    assert cum[-1] == minor(fee)


def test_a_leap_year_has_366_days() -> None:
    cum = [progress.by_day(minor("120,000"), "2028-01-15", "2029-01-14", day) for day in month_ends("2028-01", 3)]
    assert [cum[0], cum[1] - cum[0], cum[2] - cum[1]] == [minor("5,573.77"), minor("9,508.20"), minor("10,163.93")]


def test_whole_months_earn_equal_parts() -> None:
    cum = [progress.by_month(minor("120,000"), "2026-05-01", "2027-06-30", day) for day in month_ends("2026-05", 14)]
    parts = [now - before for before, now in zip([0, *cum], cum, strict=False)]
    assert parts[:4] == [minor("8,571.43")] * 3 + [minor("8,571.42")]
    assert parts[10] == minor("8,571.42")
    assert sum(parts) == minor("120,000")


BASKETS = [
    ("USD", "0.0825", "2,113.08 2,012.18 175.43", "174.33 166.00 14.47", "354.80", "354.81"),
    ("GBP", "0.20", "560.38 256.04 1,288.88", "112.08 51.21 257.78", "421.07", "421.06"),
    ("EUR", "0.19", "1,429.28 34.13 2,471.92", "271.56 6.48 469.66", "747.70", "747.71"),
]


@pytest.mark.parametrize(("ccy", "rate", "nets", "lines", "by_line", "by_invoice"), BASKETS)
def test_tax_by_line_and_by_invoice_differ_by_a_cent(
    ccy: str, rate: str, nets: str, lines: str, by_line: str, by_invoice: str
) -> None:
    taxed = [tax.Taxed(minor(net, ccy), money.rate(rate)) for net in nets.split()]
    assert tax.document_tax(taxed, "LINE", ccy) == [minor(each, ccy) for each in lines.split()]
    assert sum(tax.document_tax(taxed, "LINE", ccy)) == minor(by_line, ccy)
    distributed = tax.document_tax(taxed, "INVOICE", ccy)
    assert sum(distributed) == minor(by_invoice, ccy)
    exact = [each.net * each.rate / money.RATE_SCALE for each in taxed]
    assert all(abs(part - whole) < 1 for part, whole in zip(distributed, exact, strict=True))


def test_eighty_percent_of_the_base_is_taxed_line_by_line() -> None:
    lines = [tax.Taxed(minor(net), money.rate("0.0825"), money.rate("0.8")) for net in ("9,562.50", "5,293.75")]
    assert tax.document_tax(lines, "LINE", "USD") == [minor("631.13"), minor("349.39")]
    assert sum(tax.document_tax(lines, "INVOICE", "USD")) == minor("980.51")


def test_each_rate_of_an_invoice_is_rounded_for_itself_and_yen_are_cut() -> None:
    ten, eight = money.rate("0.10"), money.rate("0.08")
    assert tax.document_tax([tax.Taxed(123_456, ten)], "INVOICE", "JPY") == [12_345]
    mixed = [tax.Taxed(105, ten), tax.Taxed(109, eight), tax.Taxed(104, ten)]
    assert sum(tax.document_tax(mixed, "INVOICE", "USD")) == 21 + 9


def test_tax_of_a_full_credit_mirrors_the_invoice() -> None:
    for ccy, rate, nets, *_ in BASKETS:
        for policy in ("LINE", "INVOICE"):
            lines = [tax.Taxed(minor(net, ccy), money.rate(rate)) for net in nets.split()]
            negative = [each._replace(net=-each.net) for each in lines]
            mirrored = [-each for each in tax.document_tax(lines, policy, ccy)]
            assert tax.document_tax(negative, policy, ccy) == mirrored


def test_an_exemption_ends_with_its_certificate() -> None:
    assert tax.is_exempt("EXEMPT", "TX-EX-1", "2026-03-31", "2026-03-31")
    assert not tax.is_exempt("EXEMPT", "TX-EX-1", "2026-03-31", "2026-04-01")
    assert not tax.is_exempt("EXEMPT", None, None, "2026-04-01")
    assert not tax.is_exempt("TAXABLE", "TX-EX-1", None, "2026-04-01")


ENTRIES = {"e1": "1,800.00", "e2": "1,400.00", "e3": "1,687.50", "e4": "1,662.50", "e5": "900.00"}


def test_a_cap_splits_by_amount_one_entry_after_another() -> None:
    found, used = {}, minor("33,500")
    for name, amount in ENTRIES.items():
        found[name] = caps.split(minor(amount), minor("40,000"), used)
        used += found[name].billable
    assert found["e3"] == caps.Split(minor("1,687.50"), 0)
    assert found["e4"] == caps.Split(minor("1,612.50"), minor("50.00"))
    assert found["e5"] == caps.Split(0, minor("900.00"))
    assert sum(each.billable for each in found.values()) == minor("6,500.00")
    assert sum(each.over for each in found.values()) == minor("950.00")


def test_a_raised_cap_frees_what_lay_above_it() -> None:
    over = [("2026-06-04", "e4", minor("50.00")), ("2026-06-05", "e5", minor("900.00"))]
    assert caps.release(over, minor("5,000")) == {"e4": minor("50.00"), "e5": minor("900.00")}
    assert caps.release(over, minor("100")) == {"e4": minor("50.00"), "e5": minor("50.00")}
    assert caps.release(over, -1) == {}


def test_expenses_are_marked_up_on_the_converted_cost() -> None:
    cases = [
        ("1,234.50", "USD", "1", "0.10", "1,234.50", "1,357.95"),
        ("412.30", "EUR", "1.083", "0.08", "446.52", "482.24"),
        ("346.47", "EUR", "1.083", "0.08", "375.23", "405.25"),
    ]
    for net, ccy, rate, markup, cost, bill in cases:
        converted = money.convert(minor(net, ccy), money.rate(rate), ccy, "USD")
        assert converted == minor(cost)
        assert converted + money.share(converted, money.rate(markup)) == minor(bill)


def test_amounts_keep_the_decimals_of_their_currency() -> None:
    assert money.time_amount(435, money.price("18350"), "JPY") == 133_038
    assert money.time_amount(390, money.price("78.125"), "KWD") == 507_813
    for amount, ccy in ((133_038, "JPY"), (507_813, "KWD"), (4_800_000, "USD")):
        assert money.line_amount(money.QTY_SCALE, price_of(amount, ccy), ccy) == amount


def test_wip_rolls_forward() -> None:
    opening, time, expenses, milestones = 18_000, 56_500, 3_400, 0
    billed, written_down, over_cap = 61_000, 900, 950
    assert opening + time + expenses + milestones - billed - written_down - over_cap == 15_050


# the worked tables that span several rules

S01_INVOICES = [
    ("48,000.00", "3,168.00"),
    ("72,000.00", "4,752.00"),
    ("72,000.00", "4,752.00"),
    ("36,000.00", "2,376.00"),
    ("48,000.00", "3,168.00"),
]
S01_LABOUR = [(2550, "225.00", "9,562.50", "631.13"), (1815, "175.00", "5,293.75", "349.39")]


def tax_dp(net: int) -> int:
    """8.25 % on 80 % of a line."""
    return tax.document_tax([tax.Taxed(net, money.rate("0.0825"), money.rate("0.8"))], "LINE", "USD")[0]


def test_the_invoices_of_the_running_example() -> None:
    assert [tax_dp(minor(net)) for net, _ in S01_INVOICES] == [minor(each) for _, each in S01_INVOICES]
    nets = [money.time_amount(minutes, money.price(rate), "USD") for minutes, rate, _, _ in S01_LABOUR]
    assert nets == [minor(net) for _, _, net, _ in S01_LABOUR]
    assert [tax_dp(net) for net in nets] == [minor(each) for *_, each in S01_LABOUR]
    expense = minor("1,234.50") + money.share(minor("1,234.50"), money.rate("0.10"))
    april = (sum(nets) + expense, sum(map(tax_dp, nets)))
    assert april == (minor("16,214.20"), minor("980.52"))
    net = sum(minor(each) for each, _ in S01_INVOICES) + april[0]
    charged = sum(minor(each) for _, each in S01_INVOICES) + april[1]
    assert (net, charged, net + charged) == (minor("292,214.20"), minor("19,196.52"), minor("311,410.72"))


S01_POSITIONS = [
    # cumulative revenue, cumulative billing, liability, asset
    ("24,000", "48,000", "24,000", "0"),
    ("84,000", "120,000", "36,000", "0"),
    ("165,600", "192,000", "26,400", "0"),
    ("248,400", "228,000", "0", "20,400"),
    ("276,000", "276,000", "0", "0"),
]


def test_the_position_of_a_contract_is_revenue_less_billing() -> None:
    for revenue, billed, liability, asset in S01_POSITIONS:
        position = minor(revenue) - minor(billed)
        assert (max(-position, 0), max(position, 0)) == (minor(liability), minor(asset))
    assert minor("276,000") - minor("165,600") == minor("110,400")  # what is still to be recognised at the end of March
    assert progress.by_effort(minor("240,000"), minor("92,400"), minor("132,000")) == minor("168,000")  # without CO-1


def test_the_asset_of_the_output_method_is_revenue_ahead_of_billing() -> None:
    price = minor("100,000")
    billed, weights = [minor("20,000"), minor("60,000")], (30, 75)
    assets = [progress.by_output(price, done, 115) - part for done, part in zip(weights, billed, strict=True)]
    assert assets == [minor("6,086.96"), minor("5,217.39")]


def test_a_raised_cap_leaves_headroom() -> None:
    assert minor("45,000") - minor("33,500") - minor("6,500") - minor("950") == minor("4,050")


@pytest.mark.parametrize(
    ("start", "days"),
    [
        ("2028-01-31", ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]),
        ("2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2026-01-29", ["2026-02-28", "2026-03-29", "2026-04-29", "2026-05-29"]),
    ],
)
def test_an_anchor_day_returns_after_february(start: str, days: list[str]) -> None:
    found, due = [], start
    for _ in days:
        due = next_due(due, 1, int(start[8:]))
        found.append(due)
    assert found == days


def test_a_modification_is_prospective_or_caught_up() -> None:
    after, whole = minor("40,000"), minor("160,000")
    parts = money.split(whole - after, [1] * 14)
    assert [parts[0], parts[3], parts[10], sum(parts)] == [
        minor("8,571.43"),
        minor("8,571.42"),
        minor("8,571.42"),
        minor("120,000"),
    ]
    assert money.half_up(whole * 4, 18) - after == minor("-4,444.44")  # what a catch-up would take back
    assert progress.by_effort(minor("20,000"), 0, minor("11,000")) == 0  # a separate line starts at nothing


def test_one_contract_has_one_position() -> None:
    lines = [("50,000", "30,000"), ("10,000", "42,000")]
    assert sum(minor(earned) - minor(billed) for earned, billed in lines) == -minor("12,000")


def test_yen_are_cut_where_half_up_would_round() -> None:
    assert money.share(123_456, money.rate("0.10")) == 12_346
    assert sum(tax.document_tax([tax.Taxed(123_456, money.rate("0.10"))], "INVOICE", "JPY")) == 12_345


def test_tax_is_stated_in_local_currency_at_the_invoice_s_rate() -> None:
    assert money.convert(minor("2,000", "EUR"), money.rate("0.86"), "EUR", "GBP") == minor("1,720", "GBP")


def test_revenue_beyond_an_advance_is_at_the_day_s_rate() -> None:
    def pounds(amount: str, rate: str) -> int:
        return money.convert(minor(amount, "EUR"), money.rate(rate), "EUR", "GBP")

    assert pounds("25,000", "0.86") == minor("21,500", "GBP")
    assert pounds("15,000", "0.86") + pounds("15,000", "0.87") == minor("25,950", "GBP")
    assert pounds("15,000", "0.87") == minor("13,050", "GBP")
    assert (pounds("25,000", "0.845"), pounds("30,000", "0.87")) == (minor("21,125", "GBP"), minor("26,100", "GBP"))


def test_a_wrong_rate_is_credited_and_billed_again() -> None:
    wrong, right = (money.time_amount(2550, money.price(rate), "USD") for rate in ("215", "225"))
    taxes = tax_dp(wrong), tax_dp(right)
    assert (wrong, taxes[0], wrong + taxes[0]) == (minor("9,137.50"), minor("603.08"), minor("9,740.58"))
    assert (right, taxes[1], right + taxes[1]) == (minor("9,562.50"), minor("631.13"), minor("10,193.63"))
    gaps = right - wrong, taxes[1] - taxes[0], right + taxes[1] - wrong - taxes[0]
    assert gaps == (minor("425.00"), minor("28.05"), minor("453.05"))


def test_a_sister_company_charges_cost_and_a_tenth() -> None:
    cost = money.time_amount(1200, money.price("95"), "GBP")
    charge = intercompany.price(cost)
    assert (cost, charge) == (minor("1,900", "GBP"), minor("2,090", "GBP"))
    assert money.convert(charge, money.rate("1.27"), "GBP", "USD") == minor("2,654.30")


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-02-01T05:30:00.000Z", "America/Chicago", "2026-01-31"),
        ("2026-01-31T23:15:00.000Z", "Asia/Tokyo", "2026-02-01"),
    ],
)
def test_the_business_date_is_the_company_s(instant: str, zone: str, day: str) -> None:
    assert clock.business_date(instant, zone) == day


# posting


def sides(lines: list[posting.Line]) -> list[tuple[str, int, int]]:
    return [(line.account, line.dr, line.cr) for line in lines]


def test_every_rule_balances() -> None:
    figures = {
        "total": 110, "net": 100, "tax": 10, "revenue": 7, "position": 9, "value": 5, "cost": 3, "received": 4, "applied": 2,
        "relieved": 2, "refunded": 2, "expense": 6, "difference": 1, "loss": 8, "charge": 11,
    }  # fmt: skip
    for rule in posting.RULES:
        assert posting.balanced(posting.legs(rule, figures)), rule
        assert posting.balanced(posting.legs(rule, {name: -each for name, each in figures.items()})), rule


POSTED = [
    ("P1", {"total": 110, "net": 100, "tax": 10}, [("1200", 110, 0), ("2300", 0, 100), ("2200", 0, 10)]),
    ("P2", {"revenue": 100}, [("2300", 100, 0), ("4000", 0, 100)]),
    ("P2", {"revenue": -1200}, [("2300", 0, 1200), ("4000", 1200, 0)]),
    ("P3", {"position": 20}, [("1230", 20, 0), ("2300", 0, 20)]),
    ("P4 TIME", {"value": 50}, [("1220", 50, 0), ("4010", 0, 50)]),
    ("P4 EXPENSE", {"value": 50}, [("1220", 50, 0), ("4030", 0, 50)]),
    ("P5", {"total": 100, "net": 100, "tax": 0}, [("1200", 100, 0), ("1220", 0, 100)]),
    ("P6 TIME", {"cost": 30}, [("5000", 30, 0), ("2500", 0, 30)]),
    ("P6 EXPENSE", {"cost": 30}, [("5010", 30, 0), ("2510", 0, 30)]),
    ("P7 RECEIPT", {"received": 40}, [("1000", 40, 0), ("2350", 0, 40)]),
    ("P7 REFUND", {"relieved": 105, "refunded": 108, "gain": -3}, [("2350", 105, 0), ("1000", 0, 108), ("7100", 3, 0)]),
    ("P7 APPLY", {"applied": 40, "relieved": 40}, [("2350", 40, 0), ("1200", 0, 40)]),
    ("P8 OF P1", {"total": 110, "net": 100, "tax": 10}, [("1200", 0, 110), ("2300", 100, 0), ("2200", 10, 0)]),
    ("P8 OF P5", {"total": 110, "net": 100, "tax": 10}, [("1200", 0, 110), ("1220", 100, 0), ("2200", 10, 0)]),
    ("P11 TIME", {"value": 9}, [("4010", 9, 0), ("1220", 0, 9)]),
    ("P11 EXPENSE", {"value": 9}, [("4030", 9, 0), ("1220", 0, 9)]),
    ("P6 IC", {"cost": 30}, [("5030", 30, 0), ("2600", 0, 30)]),
    ("P9 PROVISION", {"expense": 6}, [("6100", 6, 0), ("1210", 0, 6)]),
    ("P9 PROVISION", {"expense": -6}, [("6100", 0, 6), ("1210", 6, 0)]),
    ("P9 WRITE-OFF", {"total": 110, "net": 100, "tax": 10}, [("1210", 100, 0), ("2200", 10, 0), ("1200", 0, 110)]),
    ("P9 RECOVERY", {"total": 110, "net": 100, "tax": 10}, [("1000", 110, 0), ("1210", 0, 100), ("2200", 0, 10)]),
    ("P10", {"difference": 8}, [("1200", 8, 0), ("7110", 0, 8)]),
    ("LOSS", {"loss": 9}, [("6110", 9, 0), ("2400", 0, 9)]),
    ("IC", {"charge": 20}, [("1600", 20, 0), ("4100", 0, 20)]),
]


@pytest.mark.parametrize(("rule", "figures", "wanted"), POSTED)
def test_a_rule_books_as_the_table_says(rule: str, figures: dict[str, int], wanted: list[tuple[str, int, int]]) -> None:
    assert sides(posting.legs(rule, figures)) == wanted


def test_an_entry_balances_in_the_books_currency_however_it_rounds() -> None:
    lines = [
        posting.Line("1200", 100, 0, side="dr"),
        *(posting.Line("4010", 0, part, side="cr") for part in (33, 33, 34)),
    ]
    for rate in ("0.86", "0.845", "1.083", "0.333333", "1.005"):
        booked = posting.in_books(lines, money.rate(rate), "EUR", "GBP")
        assert sum(each.func_dr for each in booked) == sum(each.func_cr for each in booked)
        assert all(each.line.account != posting.ROUNDING for each in booked)


def test_rounding_takes_one_minor_unit_and_no_more() -> None:
    lines = [posting.Line("1200", 100, 0, func=87, side="dr"), posting.Line("2300", 0, 100, func=86, side="cr")]
    booked = posting.in_books(lines, money.rate("0.86"), "EUR", "GBP")
    assert booked[-1].line.account == posting.ROUNDING
    assert booked[-1].func_cr == 1
    with pytest.raises(ValueError, match="out of balance by 2"):
        posting.in_books([lines[0]._replace(func=88), lines[1]], money.rate("0.86"), "EUR", "GBP")


def test_realised_fx_is_the_difference_of_the_two_rates() -> None:
    cases = [("60,000", "0.845", "50,700.00", "51,600.00"), ("40,000", "0.87", "34,800.00", "34,400.00")]
    for amount, rate, received, relieved in cases:
        part, cash = minor(amount, "EUR"), money.convert(minor(amount, "EUR"), money.rate(rate), "EUR", "GBP")
        debt = money.convert(part, money.rate("0.86"), "EUR", "GBP")
        assert (cash, debt) == (minor(received, "GBP"), minor(relieved, "GBP"))
        functional = {"applied": cash, "relieved": debt, "gain": cash - debt}
        booked = posting.in_books(
            posting.legs("P7 APPLY", {"applied": part, "relieved": part}, functional=functional), 0, "EUR", "GBP"
        )
        fx = next(each for each in booked if each.line.account == "7100")
        assert fx.func_cr - fx.func_dr == cash - debt
