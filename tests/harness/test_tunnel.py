"""`counterfoil tunnel`: clients that insist on their vendor's https address, with nothing in them changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., "subprocess.Popen[str]"]
CLIENT = """
import json, os, sys
import requests, stripe
from requests_oauthlib import OAuth1Session
from simple_salesforce import Salesforce

crm, psa, erp, billing = (each["credentials"] for each in json.load(sys.stdin))
sf = Salesforce(username=crm["username"], password=crm["password"], security_token=crm["security_token"])
made = sf.Account.create({"Name": "Tunnelled"})
domain = Salesforce(consumer_key=crm["consumer_key"], consumer_secret=crm["consumer_secret"], domain="firm.my")
seen = {"instance": [sf.sf_instance, domain.sf_instance], "account": domain.Account.get(made["id"])["Name"]}
seen["bulk"] = sf.bulk.Account.query("SELECT Name FROM Account WHERE Name = 'Tunnelled'")[0]["Name"]
stripe.ca_bundle_path = os.environ["REQUESTS_CA_BUNDLE"]
seen["stripe"] = stripe.StripeClient(billing["api_key"]).v1.customers.list({"limit": 1}).object
bearer = {"Authorization": f"Bearer {psa['access_token']}"}
seen["kantata"] = requests.get("https://api.mavenlink.com/api/v1/users/me", headers=bearer, timeout=10).status_code
signed = OAuth1Session(
    erp["consumer_key"], erp["consumer_secret"], erp["token_id"], erp["token_secret"],
    signature_method="HMAC-SHA256", realm=erp["account_id"],
)
answer = signed.get("https://tstdrv1.suitetalk.api.netsuite.com/services/rest/record/v1/customer", timeout=10)
seen["netsuite"] = [answer.status_code, answer.json()["links"][0]["href"].partition("/services")[0]]
try:
    requests.get("https://example.com/", timeout=10)
except requests.exceptions.ProxyError as error:
    seen["elsewhere"] = "403 Forbidden" in str(error)
print(json.dumps(seen))
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a command; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    path = os.pathsep.join(path for path in sys.path if path)

    def called(*words: str, **more: str) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        environment = plain | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": path} | more
        started.append(subprocess.Popen(words, env=environment, cwd=tmp_path, text=True, **pipes))
        return started[-1]

    yield called
    for each in started:
        each.kill()
        each.communicate()


def tunnel(start: Start, *words: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """The proxy, and what its clients' processes are given."""
    process = start(sys.executable, "-m", "counterfoil", "tunnel", "--port", "0", *words)
    given: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Stop"):
            break
        given |= dict(each.split("=", 1) for each in line.split() if each[0].isupper() and "=" in each)
    return process, given


def test_clients_of_four_vendors_reach_the_landscape_by_the_vendors_addresses(start: Start, launch: Any) -> None:
    pytest.importorskip("simple_salesforce")
    pytest.importorskip("stripe")
    vendors = {"crm": "salesforce", "psa": "kantata", "erp": "netsuite", "billing": "stripe"}
    landscape = launch(systems={role: {"vendor": vendor} for role, vendor in vendors.items()})
    process, given = tunnel(start, "--landscape", landscape.landscape.control_url)
    systems = landscape.call("GET", "/landscape").json["systems"]
    client = start(sys.executable, "-c", CLIENT, **given)
    out, errors = client.communicate(json.dumps(systems), timeout=60)
    assert client.returncode == 0, errors
    assert json.loads(out) == {
        "instance": ["login.salesforce.com", "firm.my.salesforce.com"],
        "account": "Tunnelled",
        "bulk": "Tunnelled",
        "stripe": "list",
        "kantata": 200,
        "netsuite": [200, "https://tstdrv1.suitetalk.api.netsuite.com"],
        "elsewhere": True,
    }
    process.terminate()
    assert process.wait(10) == 0


def test_a_landscape_of_no_vendor_needs_no_tunnel(start: Start, launch: Any) -> None:
    landscape = launch(systems={role: {} for role in ("crm", "psa", "erp", "billing")})
    process = start(sys.executable, "-m", "counterfoil", "tunnel", "--landscape", landscape.landscape.control_url)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "no system of the landscape speaks as a vendor" in errors


def test_a_landscape_that_does_not_answer_is_exit_code_3(start: Start) -> None:
    process = start(sys.executable, "-m", "counterfoil", "tunnel", "--landscape", "http://127.0.0.1:9")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 3
    assert errors.startswith("counterfoil tunnel: ")
    assert "start a landscape with `counterfoil up`" in errors
