"""Query languages of the vendors, an indexed filter over 100,000 rows, 20 of which match; and pages of vendors' lists of as many.

Run as `python tests/benchmarks/queries.py`. A landscape is filled in a file, then served as a user serves it; the figure is the server's
processor time of one call, the quietest of several rounds. Beside it stands a native list of as many records of the same system.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures import Found, Target, tell
from landscape import Landscape

ROWS = 100_000
MATCHING = 20
CALLS, ROUNDS = 50, 7
WANTED = 123
SOQL = "SELECT Id, Name FROM Account WHERE ParentId = '{parent}'"
SUITEQL = "SELECT id, entityid FROM customer WHERE parent = '{parent}'"
NAMES = (
    f"SOQL, {MATCHING} of {ROWS:,} rows",
    f"SuiteQL, {MATCHING} of {ROWS:,} rows",
    f"Stripe's list, the newest {MATCHING} of {ROWS:,} customers",
    f"NetSuite's collection, {MATCHING} of {ROWS:,} customers, and how many there are",
)
TARGETS = {name: Target("ms", 20) for name in NAMES}
VENDORS = {"crm": "salesforce", "erp": "netsuite", "billing": "stripe"}

Call = Callable[[], int]
"""Asks once; returns how many records came."""


@contextmanager
def filled() -> Iterator[tuple[Landscape, dict[str, str]]]:
    """A landscape whose systems hold many customers, and the parent to ask for in each."""
    from counterfoil_mocks import config
    from counterfoil_mocks.kernel.system import Origin
    from counterfoil_mocks.kernel.tx import Tx, made
    from counterfoil_mocks.landscape import Landscape as Built

    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder) / 'firm.db'}"
        worn = {"psa": {}, **{role: {"vendor": vendor} for role, vendor in VENDORS.items()}}
        built = Built.build(config.understood({"size": "empty", "store": store, "systems": worn}))
        parents = {}
        for role in VENDORS:
            system = built.systems[role]
            with Tx(system, Origin()) as tx:
                first = made(tx, system.role.by_name["customer"], {"name": "Northwind Advisory", "country": "US"})
            pattern = system.table("customer").by_id(role, first["id"])
            assert pattern is not None
            named = [system.new_id(system.role.by_name["customer"].prefix) for _ in range(ROWS)]
            groups = ROWS // MATCHING
            rows = [
                {
                    **pattern,
                    "id": id,
                    "key": f"B-{number:06d}",
                    "customer_no": f"B-{number:06d}",
                    "parent": named[number % groups] if number >= groups else None,
                }
                for number, id in enumerate(named)
            ]
            with built.store.transaction(role):
                system.table("customer").insert_many(role, rows)
            parents[role] = named[WANTED]
        built.store.close()
        wearing = [word for role, vendor in VENDORS.items() for word in (f"--{role}", vendor)]
        with Landscape(*wearing, "--size", "empty", "--store", store) as landscape:
            yield landscape, parents


def soql(system: dict[str, Any], parent: str) -> Call:
    """The CRM by its vendor's language."""
    import requests

    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {system['credentials']['access_token']}"
    url, text = f"{system['url']}/services/data/v60.0/query", SOQL.format(parent=parent)
    return lambda: int(session.get(url, params={"q": text}, timeout=60).json()["totalSize"])


def signed(system: dict[str, Any]) -> Any:
    """A session that signs its calls as NetSuite wants it."""
    from requests_oauthlib import OAuth1Session

    keys = system["credentials"]
    return OAuth1Session(
        *(keys[name] for name in ("consumer_key", "consumer_secret", "token_id", "token_secret")),
        signature_method="HMAC-SHA256",
        realm=keys["account_id"],
    )


def suiteql(system: dict[str, Any], parent: str) -> Call:
    """The books by their vendor's language."""
    session = signed(system)
    url, body = f"{system['url']}/services/rest/query/v1/suiteql", {"q": SUITEQL.format(parent=parent)}
    return lambda: int(session.post(url, json=body, headers={"Prefer": "transient"}, timeout=60).json()["count"])


def collection(system: dict[str, Any], parent: str) -> Call:
    """A page of the books' customers, of which one is written to before, so that they are counted anew."""
    import requests

    session, written, numbers = signed(system), requests.Session(), itertools.count()
    written.headers["Authorization"] = f"Bearer {system['native']['credentials']['access_token']}"
    url = f"{system['url']}/services/rest/record/v1/customer?limit={MATCHING}&offset={MATCHING}"
    customer = f"{system['native']['url']}/customers/{parent}"

    def call() -> int:
        said = {"custom": {"asked": next(numbers)}}
        written.patch(customer, json=said, headers={"If-Match": "*"}, timeout=60).raise_for_status()
        return len(session.get(url, timeout=60).json()["items"])

    return call


def newest(system: dict[str, Any], parent: str) -> Call:
    """The customers of billing that came last."""
    import requests

    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {system['credentials']['api_key']}"
    url = f"{system['url']}/v1/customers?limit={MATCHING}"
    return lambda: len(session.get(url, timeout=60).json()["data"])


def native(system: dict[str, Any], parent: str) -> Call:
    """The same question to the native face."""
    import requests

    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {system['native']['credentials']['access_token']}"
    url = f"{system['native']['url']}/customers"
    return lambda: len(session.get(url, params={"parent": parent}, timeout=60).json()["items"])


def spent(landscape: Landscape, call: Call) -> float:
    """Milliseconds of the server's processor for one call."""
    came = call()
    if came not in (MATCHING - 1, MATCHING):  # one of those with the parent is the parent itself
        raise SystemExit(f"{came} records came, not {MATCHING}")
    rounds = []
    for _ in range(ROUNDS):
        before = landscape.cpu
        for _ in range(CALLS):
            call()
        rounds.append((landscape.cpu - before) / CALLS * 1000)
    return min(rounds)


def measure(found: Found, _: object) -> None:
    """Languages and lists beside the native list of as many."""
    asks = (("crm", soql), ("erp", suiteql), ("billing", newest), ("erp", collection))
    with filled() as (landscape, parents):
        for name, (role, ask) in zip(TARGETS, asks, strict=True):
            system = landscape.system(role)
            plain = spent(landscape, native(system, parents[role]))
            found.add(name, spent(landscape, ask(system, parents[role])), f"a native list of them: {plain:.1f} ms")


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure))
