"""The seeded firm: repeatable, plausible, linked across four systems, and right in its own books."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
import pytest
from tests import deeds

from counterfoil import verdict
from counterfoil_mocks import firm
from counterfoil_mocks.firm import base, names, offices
from counterfoil_mocks.firm.rows import Rows
from counterfoil_mocks.firm.sizes import DEAL_KINDS, SIZES, TERMS
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.fields import COMMON, Field, Record
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import Origin, System, World
from counterfoil_mocks.landscape import Landscape
from counterfoil_mocks.roles import ROLES

NOW = "2026-01-01T06:00:00.000Z"
DETAIL_FROM = "2025-11-03"


class Loaded:
    """A firm in a store of its own."""

    def __init__(self, size: str, seed: int = 1, now: str = NOW, **settings: Any) -> None:
        self.store = Store("memory", ROLES)
        self.world = World(Clock(now), seed=seed)
        self.systems = {
            name: System(name, role, self.store, self.world, settings=dict(settings)) for name, role in ROLES.items()
        }
        self.size = size
        began = time.perf_counter()
        firm.load(self.store, self.systems, self.world, seed, size)
        self.seconds = time.perf_counter() - began

    def rows(self, sql: str) -> list[Record]:
        """Rows of a query."""
        return self.store.rows(sql)

    def values(self, sql: str) -> list[Any]:
        """The first column of a query."""
        return [row[0] for row in self.store.execute(sql).fetchall()]

    def one(self, sql: str) -> Any:
        """The only value of a query."""
        return self.values(sql)[0]

    def digest(self) -> str:
        """A hash of every row, sequence and timer."""
        found = hashlib.sha256()
        for role in ROLES:
            tables = self.values(f"SELECT name FROM {role}.sqlite_master WHERE type = 'table' ORDER BY name")
            for table in tables:
                for row in sorted(map(repr, self.store.execute(f"SELECT * FROM {role}.{table}"))):
                    found.update(row.encode())
        return found.hexdigest()


@pytest.fixture(scope="module", params=["S", "M"])
def loaded(request: pytest.FixtureRequest) -> Loaded:
    """A firm of each size."""
    made = Loaded(request.param)
    print(f"size {made.size}: {made.seconds:.2f} s")
    return made


@pytest.fixture(scope="module")
def small() -> Loaded:
    """A firm of size S, for tests that change it."""
    return Loaded("S", seed=5)


# the same again


def test_the_same_seed_gives_the_same_firm_and_another_seed_another() -> None:
    first, again, other = Loaded("S", 3), Loaded("S", 3), Loaded("S", 4)
    assert first.digest() == again.digest()
    assert first.digest() != other.digest()


def test_a_firm_knows_the_landscape_s_clock() -> None:
    later = Loaded("S", now="2027-05-17T09:30:00.000Z")
    assert later.one("SELECT max(work_date) FROM psa.time_entry") <= "2027-04-30"
    assert later.values("SELECT key FROM erp.period WHERE status = 'OPEN' AND legal_entity = 'CF-US'") == [
        "CF-US/2027-05"
    ]
    assert broken(later) == {}


def test_a_size_that_is_not_offered_is_refused() -> None:
    with pytest.raises(ValueError, match="huge"):
        Loaded("huge")


def test_a_landscape_without_one_of_the_roles_is_refused() -> None:
    store, world = Store("memory", ROLES), World(Clock(NOW))
    with pytest.raises(ValueError, match="billing"):
        firm.load(store, {"crm": System("crm", ROLES["crm"], store, world)}, world, 1, "S")


def test_a_load_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firm.to_erp, "write", lambda *args, **more: 1 / 0)
    store, world = Store("memory", ROLES), World(Clock(NOW))
    systems = {name: System(name, role, store, world) for name, role in ROLES.items()}
    with pytest.raises(ZeroDivisionError):
        firm.load(store, systems, world, 1, "S")
    assert store.rows("SELECT * FROM crm.customer") == []
    assert store.rows("SELECT * FROM erp.period") == []


# the base fixture


def test_every_record_is_made_of_its_wire_form_as_of_its_columns(small: Loaded) -> None:
    known = 0
    for (schema, entity), table in small.store.tables.items():
        records = table.select(small.systems[schema].name, deleted=True)
        for record in records:
            read = table.entity.from_wire(orjson.loads(table.render(record) or ""))
            assert list(read.items()) == list(record.items()), entity
        known += len(records)
    assert known > 5_000


def test_the_base_has_companies_catalogues_and_rates_and_no_business() -> None:
    made = Loaded(firm.BASE)
    assert made.values("SELECT key FROM erp.legal_entity ORDER BY 1") == ["CF-DE", "CF-JP", "CF-KW", "CF-UK", "CF-US"]
    assert made.values("SELECT key FROM billing.tax_code") == made.values("SELECT key FROM erp.tax_code")
    assert set(made.values("SELECT revenue_account FROM erp.service_item")) == {"4000", "4010", "4020", "4030"}
    for role in ("crm", "psa", "billing"):
        assert {"US-STD/1", "UK-STD/1", "DE-STD/1"} <= set(made.values(f"SELECT key FROM {role}.rate_card"))
    linked = "SELECT count(*) FROM psa.rate_card p JOIN crm.rate_card c ON c.id = p.external_id AND c.key = p.key"
    assert made.one(linked) == 5
    assert made.one("SELECT count(*) FROM crm.customer") == 0
    assert "EURGBP/2025-12-31/CLOSING" in made.values("SELECT key FROM erp.fx_rate")


def test_what_is_over_is_closed_and_the_running_period_s_end_is_armed() -> None:
    made = Loaded(firm.BASE)
    found = made.rows("SELECT period, status, closed_at FROM erp.period WHERE legal_entity = 'CF-DE' ORDER BY period")
    assert [row["period"] for row in found][:: len(found) - 1] == ["2025-10", "2027-12"]
    assert Counter(row["status"] for row in found) == {"CLOSED": 3, "OPEN": 1, "FUTURE": 23}
    assert all((row["closed_at"] is not None) == (row["status"] == "CLOSED") for row in found)
    timers = {row["key"]: row for row in made.rows("SELECT * FROM erp.timer")}
    assert timers["CF-US/2026-01"]["at"] == "2026-02-01T05:30:00.000Z"
    assert timers["CF-DE/2026-01"]["at"] == "2026-01-31T22:30:00.000Z"
    assert timers["CF-US/2026-01"]["kind"] == "period_end"


@pytest.mark.parametrize(
    ("card", "level", "rate"),
    [
        ("US-STD", "SENIOR", "225"),
        ("UK-STD", "ANALYST", "97.5"),
        ("DE-STD", "PARTNER", "382.5"),
        ("JP-STD", "MANAGER", "28875"),
    ],
)
def test_rate_cards_are_factors_of_the_american_one(card: str, level: str, rate: str) -> None:
    assert base.rate_of(card, level) == money.price(rate)


def test_weekends_carry_friday_s_rates() -> None:
    rates = base.fx_rates(1, NOW)
    friday, saturday, monday = (rates["EUR", "USD", day] for day in ("2025-12-05", "2025-12-06", "2025-12-08"))
    assert friday == saturday != monday
    assert 800_000 < rates["EUR", "GBP", "2025-12-31"] < 900_000


# figures


def test_a_firm_has_the_people_customers_and_deals_of_its_size(loaded: Loaded) -> None:
    size = SIZES[loaded.size]
    assert loaded.one("SELECT count(*) FROM psa.employee") == size.employees
    assert loaded.one("SELECT count(*) FROM erp.customer") == size.customers
    assert loaded.one("SELECT count(*) FROM crm.customer WHERE status = 'PROSPECT'") == size.prospects
    assert loaded.one("SELECT count(*) FROM crm.opportunity WHERE stage = 'CLOSED_WON'") == size.won
    assert loaded.one("SELECT count(*) FROM psa.project WHERE status = 'ACTIVE'") == size.active
    assert set(loaded.values("SELECT DISTINCT legal_entity FROM crm.contract")) == {code for code, _ in size.companies}
    won, lost = size.won, loaded.one("SELECT count(*) FROM crm.opportunity WHERE stage = 'CLOSED_LOST'")
    assert won / (won + lost) == pytest.approx(0.38, abs=0.01)
    assert set(loaded.values("SELECT DISTINCT stage FROM crm.opportunity")) == set(
        ROLES["crm"].by_name["opportunity"].by_name["stage"].choices
    )


def test_contracts_and_terms_are_mixed_as_the_domain_says(loaded: Loaded) -> None:
    lines = loaded.rows(
        "SELECT parent, group_concat(type, '+') AS types FROM"
        " (SELECT parent, type FROM crm.contract_line WHERE type <> 'EXPENSE' ORDER BY parent, line_no) GROUP BY parent"
    )
    kinds = {
        "TM": "TM",
        "FIXED_FEE": "FIXED_FEE",
        "TM_CAPPED": "CAPPED",
        "RETAINER": "RETAINER",
        "FIXED_FEE+TM_CAPPED": "FF_CR",
    }
    assert_shares(Counter(kinds[row["types"]] for row in lines), dict(DEAL_KINDS), 2)
    assert_shares(Counter(loaded.values("SELECT terms FROM erp.customer")), dict(TERMS), 2)


def assert_shares(found: Counter[Any], wanted: dict[Any, int], tolerance: float) -> None:
    """Every value has its share, in hundredths."""
    whole = sum(found.values())
    assert {name: 100 * found[name] / whole for name in wanted} == pytest.approx(wanted, abs=tolerance)


def test_people_are_busy_as_firms_report(loaded: Loaded) -> None:
    size = SIZES[loaded.size]
    billable = size.employees * size.billable // 100
    weeks: dict[int, list[int]] = {}
    for row in loaded.rows(
        "SELECT work_date, minutes FROM psa.time_entry WHERE work_date BETWEEN '2025-11-03' AND '2025-12-19'"
    ):
        weeks.setdefault(date.fromisoformat(row["work_date"]).isocalendar().week, []).append(row["minutes"])
    weeks.pop(48)  # Thanksgiving
    utilisation = [sum(minutes) / (billable * 2_400) for minutes in weeks.values()]
    assert sum(utilisation) / len(utilisation) == pytest.approx(0.68, abs=0.03)
    entries = [len(minutes) / billable for minutes in weeks.values()]
    assert sum(entries) / len(entries) == pytest.approx(18.3, abs=1.5)
    assert loaded.one("SELECT max(minutes) FROM psa.time_entry") <= 1440


def test_time_is_approved_late_and_sometimes_not_yet(loaded: Loaded) -> None:
    found = Counter(loaded.values(f"SELECT approval FROM psa.time_entry WHERE work_date >= '{DETAIL_FROM}'"))
    assert set(found) == {"APPROVED", "SUBMITTED", "DRAFT", "REJECTED"}
    assert found["APPROVED"] / sum(found.values()) == pytest.approx(0.91, abs=0.03)
    assert loaded.one("SELECT count(*) FROM erp.work_entry WHERE kind = 'LATE'") > 0
    assert loaded.one("SELECT count(*) FROM psa.time_entry WHERE billing = 'ON_HOLD'") > 0


def test_customers_pay_as_late_as_surveys_say(loaded: Loaded) -> None:
    found = loaded.values(
        "SELECT julianday(p.value_date) - julianday(d.due) FROM erp.payment_application a"
        " JOIN erp.payment p ON p.id = a.payment JOIN erp.ar_document d ON d.id = a.ar_document WHERE d.due < '2025-08-01'"
    )
    late = sum(days > 1 for days in found) / max(len(found), 1)
    assert late == pytest.approx(0.55, abs=0.25 if loaded.size == "S" else 0.12)
    assert set(loaded.values("SELECT DISTINCT status FROM erp.ar_document")) == {"POSTED", "PARTIALLY_PAID", "PAID"}


def test_fixed_fees_earn_a_firm_s_margin_and_some_lose(loaded: Loaded) -> None:
    fees = loaded.rows("SELECT amount, budget_cost FROM crm.contract_line WHERE type = 'FIXED_FEE'")
    margin = 1 - sum(row["budget_cost"] for row in fees) / sum(row["amount"] for row in fees)
    assert margin == pytest.approx(0.40, abs=0.12 if loaded.size == "S" else 0.07)
    assert 0 < sum(row["budget_cost"] > row["amount"] for row in fees) / len(fees) < 0.15


def test_change_orders_are_applied_rejected_and_pending_and_some_cut_the_fee() -> None:
    made = Loaded("M")
    orders = made.rows("SELECT o.status, d.amount FROM crm.change_order o JOIN crm.co_delta d ON d.parent = o.id")
    projects = made.one("SELECT count(*) FROM crm.contract_line WHERE type = 'FIXED_FEE'")
    assert {row["status"] for row in orders} == {"APPLIED", "REJECTED", "SUBMITTED"}
    assert 0.4 < len(orders) / projects < 1.0
    assert any(row["amount"] < 0 for row in orders)


def test_prospects_are_dirty_and_customers_of_the_books_are_not(loaded: Loaded) -> None:
    dirty = loaded.rows("SELECT name, vat_id, custom FROM crm.customer WHERE status = 'PROSPECT'")
    assert any(row["name"] != row["name"].strip() for row in dirty)
    assert any(row["name"] != unicodedata.normalize("NFC", row["name"]) for row in dirty)
    assert any("country_as_entered" in row["custom"] for row in dirty)
    alike = Counter(names.plain(row["name"].rsplit(" ", 1)[0]) for row in dirty)
    assert sum(count - 1 for count in alike.values()) / len(dirty) == pytest.approx(0.08, abs=0.04)
    clean = loaded.rows("SELECT name, name_full, vat_id, country FROM erp.customer")
    assert len({names.plain(row["name_full"] or row["name"]) for row in clean}) == len(clean)
    assert all(row["name"] == unicodedata.normalize("NFC", row["name"].strip()) for row in clean)
    assert all(row["vat_id"] for row in clean if row["country"] != "US")


# links


def test_every_customer_of_a_contract_is_the_same_in_all_systems(loaded: Loaded) -> None:
    for role, limit in (("psa", 80), ("billing", 120), ("erp", 60)):
        pairs = loaded.rows(
            f"SELECT c.name, c.name_full, g.name AS golden FROM {role}.customer c"
            " JOIN crm.customer g ON g.id = c.external_id AND g.customer_no = c.customer_no AND g.status = 'ACTIVE'"
        )
        assert len(pairs) == SIZES[loaded.size].customers
        for row in pairs:
            assert (row["name_full"] or row["name"]) == row["golden"]
            assert len(row["name"]) <= limit
            assert f"{row['golden']} ".startswith(f"{row['name']} ")
    assert any(loaded.values("SELECT name_full FROM erp.customer WHERE name_full IS NOT NULL"))


def test_references_lead_to_records_of_the_same_system(loaded: Loaded) -> None:
    astray: Counter[str] = Counter()
    for (role, entity), table in loaded.store.tables.items():
        for each in table.entity.columns:
            if each.kind == "ref":
                sql = (
                    f"SELECT count(*) FROM {role}.{entity} a WHERE a.{each.name} IS NOT NULL AND NOT EXISTS"
                    f" (SELECT 1 FROM {role}.{each.target} b WHERE b.system = a.system AND b.id = a.{each.name})"
                )
                astray[f"{role}.{entity}.{each.name}"] += loaded.one(sql)
    orphans = astray.pop("crm.customer.parent")
    assert +astray == {}
    assert orphans <= 0.02 * SIZES[loaded.size].prospects


def test_every_contract_has_project_plan_and_schedules_and_its_own_flow(loaded: Loaded) -> None:
    numbers = set(loaded.values("SELECT contract_no FROM crm.contract"))
    for entity in ("psa.project", "billing.plan", "erp.revenue_schedule"):
        assert set(loaded.values(f"SELECT contract_no FROM {entity}")) == numbers
    for entity in (
        "psa.time_entry",
        "billing.billable_item",
        "billing.invoice",
        "erp.ar_document",
        "erp.work_entry",
        "crm.invoice",
    ):
        assert loaded.one(f"SELECT count(*) FROM {entity} WHERE correlation_id IS NOT contract_no") == 0
    for entity in ("billing.billable_item", "erp.work_entry", "erp.ar_document", "psa.project", "billing.plan"):
        assert loaded.one(f"SELECT count(*) FROM {entity} WHERE source_key IS NULL") == 0
    assert (
        loaded.one(
            "SELECT count(*) FROM psa.time_entry t JOIN psa.project p ON p.id = t.project WHERE p.key <> t.project_no"
        )
        == 0
    )


def test_approved_work_is_in_billing_and_in_the_books(loaded: Loaded) -> None:
    approved = "SELECT key FROM psa.time_entry WHERE approval = 'APPROVED' UNION SELECT key FROM psa.expense WHERE approval = 'APPROVED'"
    assert set(loaded.values(approved)) == set(loaded.values("SELECT source_id FROM erp.work_entry"))
    billable = (
        "SELECT key || ' ' || amount || ' ' || billing || ' ' || coalesce(invoice_line, '') FROM psa.time_entry"
        " WHERE approval = 'APPROVED' AND billing <> 'NOT_BILLABLE'"
    )
    items = (
        "SELECT i.source_id || ' ' || i.amount || ' ' || i.billing || ' ' || coalesce(v.invoice_no || '/' || t.line_no, '')"
        " FROM billing.billable_item i LEFT JOIN billing.invoice_item t ON t.source_id = i.source_id"
        " LEFT JOIN billing.invoice v ON v.id = t.parent WHERE i.source_type = 'TIME'"
    )
    assert set(loaded.values(billable)) == set(loaded.values(items))


def test_every_value_is_one_that_the_interface_admits(loaded: Loaded) -> None:
    """Limits, choices and patterns hold, dangling parents aside."""
    wrong: Counter[str] = Counter()
    for (role, name), table in loaded.store.tables.items():
        sources = [(name, (*COMMON, *table.entity.columns))]
        sources += [(each.entity.name, each.entity.columns) for each in table.entity.children if each.entity]
        for source, fields in sources:
            for row in loaded.rows(f"SELECT * FROM {role}.{source}"):
                wrong.update(f"{role}.{source}.{each.name}" for each in fields if not admits(each, row[each.name]))
    assert wrong == {}


def admits(each: Field, value: Any) -> bool:
    """Whether a field may hold a stored value."""
    if value is None:
        return not each.required
    if each.kind == "text":
        return len(value) <= each.limit and (each.pattern is None or re.search(each.pattern, value) is not None)
    if each.kind in ("choice", "state"):
        return value in each.choices
    if each.kind in ("integer", "money"):
        return (
            isinstance(value, int)
            and (each.low is None or each.low <= value)
            and (each.high is None or value <= each.high)
        )
    if each.kind == "instant":
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None
    if each.kind == "date":
        return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
    return True


def test_nothing_was_done_after_now_or_in_history(loaded: Loaded) -> None:
    for (role, name), table in loaded.store.tables.items():
        instants = [each.name for each in (*COMMON, *table.entity.columns) if each.kind == "instant"]
        late = " OR ".join(f"{each} > '{NOW}'" for each in instants)
        assert (
            loaded.values(f"SELECT key FROM {role}.{name} WHERE updated_at < created_at OR version <> 1 OR {late}")
            == []
        )
    for role in ROLES:
        assert loaded.one(f"SELECT (SELECT count(*) FROM {role}.history) + (SELECT count(*) FROM {role}.outbox)") == 0


# the books


def balance(loaded: Loaded, *accounts: str) -> int:
    """Debits less credits."""
    named = ", ".join(f"'{each}'" for each in accounts)
    return int(loaded.one(f"SELECT coalesce(sum(dr - cr), 0) FROM erp.journal_line WHERE account IN ({named})"))


def test_entries_balance_and_lie_in_their_periods(loaded: Loaded) -> None:
    unbalanced = (
        "SELECT parent FROM erp.journal_line GROUP BY parent HAVING sum(dr) <> sum(cr) OR sum(func_dr) <> sum(func_cr)"
    )
    assert loaded.values(unbalanced) == []
    assert loaded.values("SELECT je_no FROM erp.journal_entry WHERE period <> substr(posting_date, 1, 7)") == []
    after = (
        "SELECT e.je_no FROM erp.journal_entry e JOIN erp.period p ON p.legal_entity = e.legal_entity AND p.period = e.period"
        " WHERE p.status = 'FUTURE' OR e.posted_at > p.closed_at"
    )
    assert loaded.values(after) == []
    homeless = "SELECT e.je_no FROM erp.journal_entry e LEFT JOIN erp.period p ON p.key = e.legal_entity || '/' || e.period WHERE p.id IS NULL"
    assert loaded.values(homeless) == []


def test_control_accounts_are_what_the_subledgers_add_up_to(loaded: Loaded) -> None:
    assert balance(loaded, "1200") == loaded.one("SELECT sum(open_amount) FROM erp.ar_document") > 0
    assert -balance(loaded, "2350") == loaded.one("SELECT sum(unapplied) FROM erp.payment")
    assert -balance(loaded, "2200") == loaded.one("SELECT sum(tax) FROM billing.invoice") > 0
    waiting = "SELECT sum(amount) FROM billing.billable_item WHERE billing IN ('UNBILLED', 'ON_HOLD', 'SELECTED')"
    assert balance(loaded, "1220") == loaded.one(waiting) > 0
    fees = loaded.one("SELECT sum(net) FROM billing.invoice_line WHERE line_type IN ('FIXED_FEE', 'RETAINER')")
    revenue = -balance(loaded, "4000", "4020")
    assert -balance(loaded, "2300", "1230") == fees - revenue
    active = "SELECT sum(recognised) FROM erp.revenue_schedule WHERE status IN ('ACTIVE', 'COMPLETED') AND method <> 'AS_INVOICED'"
    assert revenue == loaded.one(active) > 0


def broken(loaded: Loaded) -> dict[str, list[Record]]:
    """Invariants that do not hold, with rows."""
    found = verdict.check(loaded.store, now=loaded.world.clock.now)
    return {each.id: each.rows[:3] for each in found if each.status != "held"}


def test_every_invariant_holds_on_the_seed(loaded: Loaded) -> None:
    assert broken(loaded) == {}


@pytest.mark.parametrize("seed", [2, 2026, 77_777])
def test_every_invariant_holds_whatever_the_seed(seed: int) -> None:
    assert broken(Loaded("S", seed)) == {}
    assert broken(Loaded("S", seed, live=True)) == {}


# going on


def test_what_is_made_next_takes_the_next_numbers(small: Loaded) -> None:
    last = small.one("SELECT max(customer_no) FROM crm.customer")
    crm, psa = small.systems["crm"], small.systems["psa"]
    customer, _ = deeds.create(crm, Origin(), crm.role.by_name["customer"], {"name": "Next", "country": "US"})
    assert customer["customer_no"] == f"CU-{int(last[3:]) + 1:06d}"
    deal = {"customer": customer["id"], "name": "First", "ccy": "USD", "legal_entity": "CF-US"}
    opportunity, _ = deeds.create(crm, Origin(), crm.role.by_name["opportunity"], deal)
    assert small.one(f"SELECT count(*) FROM crm.opportunity WHERE opp_no = '{opportunity['opp_no']}'") == 1
    entry = small.rows("SELECT task, employee, work_date FROM psa.time_entry WHERE billing = 'NOT_BILLABLE' LIMIT 1")[0]
    before = small.one("SELECT max(entry_id) FROM psa.time_entry")
    made, _ = deeds.create(psa, Origin(), psa.role.by_name["time_entry"], {**entry, "minutes": 30})
    assert made["entry_id"] == f"TE-{int(before[3:]) + 1:06d}"
    series = {row["name"]: row["value"] for row in small.rows("SELECT name, value FROM billing.sequence")}
    assert series["series:INV-CF-US"] == small.one("SELECT count(*) FROM billing.invoice")
    numbers = {row["name"]: row["value"] for row in small.rows("SELECT name, value FROM erp.sequence")}
    assert numbers["number:journal_entry"] == small.one("SELECT count(*) FROM erp.journal_entry")


@pytest.mark.parametrize("live", [False, True])
def test_months_go_by_without_a_timer_being_refused(live: bool) -> None:
    settings = {"settings": {"live": live}}
    config = {"size": "S", "port_base": 0, "systems": {name: settings if name == "billing" else {} for name in ROLES}}
    announced, refused = asyncio.run(two_months(config))
    assert refused == []
    assert announced["com.counterfoil.erp.revenue.posted.v1"] > 0
    assert (announced["com.counterfoil.billing.plan.changed.v1"] > 0) == live


async def two_months(config: Record) -> tuple[Counter[str], list[Record]]:
    """Events announced, and timers refused, while two months pass."""
    landscape = Landscape.build(config)
    await landscape.start()
    try:
        await landscape.advance(days=62)
        landscape.journal.flush()
        refused = landscape.store.rows("SELECT * FROM journal.entry WHERE kind = 'timer' AND status >= 400")
        types = [row["type"] for role in ROLES for row in landscape.store.rows(f"SELECT type FROM {role}.outbox")]
        return Counter(types), refused
    finally:
        await landscape.stop()


def test_names_are_cut_at_a_word_and_kept_whole_beside() -> None:
    assert names.shortened("Alder Logistics Inc.", 60) == ("Alder Logistics Inc.", None)
    assert names.shortened("Alder Logistics Inc.", 12) == ("Alder", "Alder Logistics Inc.")
    assert names.shortened("Alder Logistics Inc.", 15) == ("Alder Logistics", "Alder Logistics Inc.")


# the larger sizes


@pytest.mark.parametrize("name", ["L", "XL"])
def test_offices_add_up_to_the_firm_and_share_no_number(name: str) -> None:
    size = SIZES[name]
    parts = [each.size for each in offices.of(size, 1)]
    for field in ("employees", "customers", "prospects", "won", "active"):
        assert sum(getattr(each, field) for each in parts) == getattr(size, field)
    assert max(each.employees for each in parts) <= offices.PEOPLE
    assert {each.companies[0][0] for each in parts} == {code for code, _ in size.companies}
    for before, after in itertools.pairwise(parts):
        assert after.before.won == before.before.won + before.won
        assert after.before.employees == before.before.employees + before.employees
        assert after.before.parties == before.before.parties + before.customers + before.prospects


@pytest.mark.parametrize(
    ("name", "entities", "currencies", "regimes"), [("S", 5, 9, 9), ("L", 8, 9, 14), ("XL", 25, 14, 30)]
)
def test_a_larger_firm_has_more_entities_currencies_and_tax_regimes(
    name: str, entities: int, currencies: int, regimes: int
) -> None:
    store, world = Store("memory", ROLES), World(Clock(NOW))
    rows = {role: Rows(System(role, ROLES[role], store, world)) for role in ROLES}
    base.load(rows, 1, NOW, [code for code, _ in SIZES[name].companies])
    for each in rows.values():
        each.finish()
    found = [
        store.rows(f"SELECT count(*) AS many FROM erp.{each}")[0]["many"]
        for each in ("legal_entity", "currency", "tax_code")
    ]
    assert found == [entities, currencies, regimes]
    assert len(store.rows("SELECT DISTINCT key FROM erp.legal_entity")) == entities


@pytest.fixture(scope="module")
def several() -> Iterator[Loaded]:
    """A small firm of several offices, two of them of one company, abroad in every way."""
    shares = (("CF-US", 40), ("CF-JP", 20), ("CF-KW", 20), ("CF-CA", 20))
    patch = pytest.MonkeyPatch()
    patch.setitem(
        SIZES, "few", SIZES["M"]._replace(employees=80, companies=shares, customers=60, prospects=90, won=80, active=50)
    )
    patch.setattr(offices, "SEVERAL", 50)
    patch.setattr(offices, "PEOPLE", 20)
    yield Loaded("few")
    patch.undo()


def test_every_invariant_holds_over_a_firm_of_several_offices(several: Loaded) -> None:
    assert len(several.values("SELECT DISTINCT legal_entity FROM psa.project")) == 4
    assert broken(several) == {}


def test_offices_of_one_company_share_its_gapless_series(several: Loaded) -> None:
    numbers = several.rows(
        "SELECT invoice_no, issue_date FROM billing.invoice WHERE legal_entity = 'CF-US' ORDER BY invoice_no"
    )
    assert [row["invoice_no"] for row in numbers] == [f"INV-CF-US-{at:05d}" for at in range(1, len(numbers) + 1)]
    dates = [row["issue_date"] for row in numbers]
    assert dates == sorted(dates)


def test_no_two_customers_or_people_of_different_offices_are_one(several: Loaded) -> None:
    for entity in ("crm.customer", "erp.customer", "psa.employee", "crm.contract", "billing.invoice", "erp.payment"):
        keys = several.values(f"SELECT key FROM {entity}")
        assert len(set(keys)) == len(keys), entity
    assert several.one("SELECT count(*) FROM psa.employee") == 80


@pytest.mark.night
def test_every_invariant_holds_on_size_l() -> None:
    assert broken(Loaded("L")) == {}
