"""Lists cost what they show: what their objects have in common is read once, and what is not on the page is not read at all."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite import filters
from counterfoil_mocks.kernel.remembered import Lookups
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.tx import Tx

VENDORS = {"crm": {}, "psa": {"vendor": "kantata"}, "erp": {}, "billing": {"vendor": "stripe"}}


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    """A firm that Stripe and Kantata are the faces of."""
    return launch_shared(size="S", systems=VENDORS)


def statements(landscape: Any, role: str, path: str) -> list[str]:
    """What a list asks the database."""
    system = landscape.landscape.systems[role]
    keys = system.face.credentials("")
    said: list[str] = []
    connection = system.store.connection
    connection.set_trace_callback(said.append)
    try:
        token = keys.get("api_key") or keys["access_token"]
        url = landscape.landscape.urls[role]
        reply = landscape.call("GET", path, None, {"Authorization": f"Bearer {token}"}, base=url)
    finally:
        connection.set_trace_callback(None)
    assert reply.status == 200, reply.raw
    return said


@pytest.mark.parametrize(
    ("role", "path", "table"),
    [
        ("billing", "/v1/invoices?limit=20", "billing.customer"),
        ("billing", "/v1/invoices?limit=20", "billing.tax_code"),
        ("psa", "/api/v1/time_entries?per_page=20", "psa.project"),
        ("psa", "/api/v1/time_entries?per_page=20", "psa.employee"),
    ],
)
def test_a_list_reads_what_its_objects_name_once(landscape: Any, role: str, path: str, table: str) -> None:
    asked = [each for each in statements(landscape, role, path) if f"FROM {table} " in each.replace("\n", " ")]
    assert asked
    assert len(asked) == len(set(asked))


def test_whoever_turns_pages_has_the_list_counted_once(landscape: Any) -> None:
    path = "/api/v1/time_entries?updated_after=2020-01-01&per_page=7&page="
    counts = [sum("count(*)" in each for each in statements(landscape, "psa", f"{path}{page}")) for page in (1, 2, 3)]
    assert counts == [1, 0, 0]


def test_stories_of_both_kinds_are_in_one_order_on_every_page(landscape: Any) -> None:
    system = landscape.landscape.systems["psa"]
    headers = {"Authorization": f"Bearer {system.face.credentials('')['access_token']}"}
    for order in ("created_at:asc", "title:desc", "due_date:asc"):
        path = f"/api/v1/stories?order={quote(order)}&apply_default_filters=false"
        url = landscape.landscape.urls["psa"]
        whole = landscape.call("GET", f"{path}&per_page=200", None, headers, base=url).json
        pages = [
            landscape.call("GET", f"{path}&per_page=40&page={page}", None, headers, base=url).json
            for page in range(1, 6)
        ]
        every = [each["id"] for each in whole["results"]]
        assert [each["id"] for page in pages for each in page["results"]] == every[:200]
        field, _, way = order.partition(":")
        shown = [whole["stories"][id][field] or "" for id in every]
        assert shown == sorted(shown, reverse=way == "desc")
        assert {whole["stories"][id]["story_type"] for id in every} >= {"task", "milestone"}


def test_what_was_looked_up_is_forgotten_when_something_is_written_or_moves(running: Any) -> None:
    system = running.landscape.systems["crm"]
    lookups, entity = Lookups(system), system.role.by_name["customer"]
    with Tx(system, Origin()) as tx:
        id = tx.insert(entity, {"name": "Before", "country": "US"})["id"]

    def name() -> str:
        found = lookups.by_id("customer", id)
        assert found is not None
        return str(found["name"])

    assert name() == "Before"
    with Tx(system, Origin()) as tx:
        tx.update(entity, tx.get(entity, id), {"name": "Between"})
        assert name() == "Between", "what the deed has written is seen within it"
        tx.update(entity, tx.get(entity, id), {"name": "After"})
    assert name() == "After"
    system.store.execute("UPDATE crm.customer SET name = 'By another process' WHERE id = ?", (id,))
    assert name() == "After", "nothing has moved here"
    system.world.traffic.touch()
    assert name() == "By another process"


def test_callers_may_change_what_they_looked_up(running: Any) -> None:
    system = running.landscape.systems["crm"]
    lookups = Lookups(system)
    with Tx(system, Origin()) as tx:
        id = tx.insert(system.role.by_name["customer"], {"name": "Mine", "country": "US"})["id"]
    first = lookups.by_id("customer", id)
    assert first is not None
    first["name"] = "Changed by a caller"
    again = lookups.by_id("customer", id)
    assert again is not None
    assert again["name"] == "Mine"


KINDS = {"email": "text", "trandate": "date", "total": "number", "entity": "id"}
ROWS = [
    {"email": "a@b.example", "trandate": "2026-01-05", "total": 5, "entity": "7"},
    {"email": "A@B.example", "trandate": "2026-01-06", "total": 6, "entity": "8"},
    {"email": None, "trandate": "2026-02-01", "total": None, "entity": "7"},
    {"email": "é@b.example", "trandate": None, "total": 7, "entity": None},
]


@pytest.mark.parametrize(
    ("q", "narrows"),
    [
        ('email IS "A@b.example"', True),
        ('email IS "É@b.example"', False),
        ('email IS_NOT "a@b.example"', False),
        ('trandate AFTER "1/5/2026"', True),
        ('trandate ON "1/5/2026" OR email IS "a@b.example"', True),
        ('trandate ON "1/5/2026" OR total GREATER 5', False),
        ('trandate BEFORE "2026-02-01" AND total GREATER 5', True),
        ('(trandate ON_OR_BEFORE "1/6/2026" AND entity ANY_OF [7]) OR email IS "a@b.example"', True),
        ("email EMPTY", False),
    ],
)
def test_the_database_finds_at_least_what_a_filter_of_netsuite_lets_through(q: str, narrows: bool) -> None:
    engine = sa.create_engine("sqlite://")
    table = sa.Table(
        "row", sa.MetaData(), *(sa.Column(name, sa.Text) for name in ("email", "trandate", "total", "entity"))
    )
    columns = {"email": table.c.email, "trandate": table.c.trandate}
    found = filters.parsed(q, KINDS.get, columns.get)
    assert (found.narrowed is not None) is narrows
    wanted = [number for number, row in enumerate(ROWS) if found.test(row.__getitem__)]
    with engine.begin() as connection:
        table.create(connection)
        for row in ROWS:
            connection.execute(table.insert(), row)
        rowid = sa.literal_column("rowid")
        narrowed = sa.select(rowid).where(found.narrowed if found.narrowed is not None else sa.true())
        kept = [number - 1 for (number,) in connection.execute(narrowed.select_from(table))]
    assert set(wanted) <= set(kept)
    if q.startswith("trandate AFTER"):
        assert kept == wanted == [1, 2]


@pytest.mark.parametrize("role", ["crm", "psa", "erp", "billing"])
def test_a_look_up_goes_by_the_index_of_what_it_asks_for_whatever_its_order(landscape: Any, role: str) -> None:
    store = landscape.landscape.store
    past = []
    for entity in landscape.landscape.systems[role].role.entities:
        table = store.table(role, entity.name)
        asked = {"key", *(each.name for each in table.fields if each.indexed and each.name != "updated_at")}
        for name in sorted(asked - {entity.key_field}):
            for order in (("created_at", "id"), ("updated_at", "id")):
                text = table._select(((name, 1),), order, limited=True, deleted=False)
                bound = {"system": role, f"{name}_0": "x", "row_limit": 1, "row_offset": 0}
                plan = [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {text}", bound).fetchall()]
                if not any(f"{name}=?" in step for step in plan):
                    past.append((entity.name, name, order, plan))
    assert not past


@pytest.mark.parametrize(
    ("role", "path", "index"),
    [
        ("billing", "/v1/invoices?limit=20", "invoice_created_at"),
        ("billing", "/v1/customers?limit=20", "customer_created_at"),
        ("psa", "/api/v1/time_entries?per_page=20", "time_entry_work_date"),
    ],
)
def test_a_vendor_s_list_goes_along_the_index_of_its_order(landscape: Any, role: str, path: str, index: str) -> None:
    store = landscape.landscape.store
    plans = [
        [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {each}").fetchall()]
        for each in statements(landscape, role, path)
        if each.startswith("SELECT") and "ORDER BY" in each
    ]
    assert any(f"USING INDEX {index} " in step for plan in plans for step in plan), plans
