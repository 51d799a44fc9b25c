"""The control plane over HTTP: what there is, business deeds, the journal as it happens, faults, tokens, the console."""

from __future__ import annotations

import http.client
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from counterfoil_mocks import config
from counterfoil_mocks.kernel.faults import KINDS, matches
from counterfoil_mocks.kernel.server import PortTaken

CONTROL_TOKEN = "a-token-of-one's-own"


class Stream:
    """A client of the journal's event stream."""

    def __init__(self, running: Any, path: str, headers: dict[str, str] | None = None) -> None:
        where = urlsplit(running.landscape.control_url)
        self.connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        self.connection.request("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        self.reply = self.connection.getresponse()

    def next(self) -> Any:
        """The next entry."""
        lines: list[bytes] = []
        while True:
            line = self.reply.readline().rstrip(b"\n")
            if line:
                lines.append(line)
            elif any(each.startswith(b"data: ") for each in lines):
                return orjson.loads(next(each for each in lines if each.startswith(b"data: "))[6:])
            else:
                lines = []


def test_it_says_when_all_is_well(running: Any) -> None:
    assert running.call("GET", "/ready").json == {"ready": True}
    health = running.call("GET", "/health")
    assert (health.status, set(health.json["systems"])) == (200, {"crm", "psa", "erp", "billing"})


def test_the_landscape_names_every_system_with_its_credentials(running: Any) -> None:
    about = running.call("GET", "/landscape").json
    assert [each["name"] for each in about["systems"]] == ["crm", "psa", "erp", "billing"]
    for each in about["systems"]:
        token = each["credentials"]["access_token"]
        reply = running.call("GET", "/native/v1/webhooks", None, {"Authorization": f"Bearer {token}"}, base=each["url"])
        assert reply.status == 200
    assert (about["seed"], about["clock"]) == (1, running.now)


def test_a_deed_is_done_as_a_person_would_and_tells_its_events(running: Any) -> None:
    customer = running.customer("Acme")
    body = {"customer": customer["key"], "name": "Big deal", "ccy": "USD", "legal_entity": "CF-US"}
    deal = running.call("POST", "/systems/crm/opportunities", body).json
    done = running.call("POST", "/systems/crm/actions/advance_stage", {"key": deal["key"], "to": "QUALIFY"})
    assert done.status == 200
    assert done.json["record"]["stage"] == "QUALIFY"
    assert [each["type"] for each in done.json["events"]] == ["com.counterfoil.crm.opportunity.stage_changed.v1"]
    entry = running.call("GET", "/journal?operation=advance_stage").json["items"][0]
    assert (entry["kind"], entry["status"], entry["key"]) == ("deed", 200, deal["key"])


def test_records_are_read_by_id_or_key_filtered_and_paged(running: Any) -> None:
    made = [running.customer(f"C{number}", segment="A" if number % 2 else "B") for number in range(5)]
    assert running.call("GET", f"/systems/crm/customers/{made[0]['key']}").json == made[0]
    assert running.call("GET", f"/systems/crm/customers/{made[0]['id']}").json == made[0]
    found, cursor = [], ""
    while True:
        page = running.call("GET", f"/systems/crm/customers?limit=2{cursor}").json
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(found, key=lambda each: each["key"]) == made
    assert len(running.call("GET", "/systems/crm/customers?segment=A").json["items"]) == 2


def test_every_role_pages_by_cursor_here(running: Any) -> None:
    for number in range(3):
        body = {"code": f"L{number}", "name": "L", "country": "US", "tz": "America/Chicago", "functional_ccy": "USD"}
        assert running.call("POST", "/systems/psa/legal_entities", body).status in (201, 404)
        body = {"employee_no": f"E{number}", "name": "E", "level": "C", "legal_entity": "CF-US"}
        running.call("POST", "/systems/psa/employees", body)
    page = running.call("GET", "/systems/psa/employees?limit=1").json
    if page["next"] is not None:
        following = running.call("GET", f"/systems/psa/employees?limit=1&cursor={page['next']}").json
        assert following["items"] != page["items"]


def test_keys_with_slashes_are_percent_encoded(running: Any) -> None:
    customer = running.customer("Acme")
    site = {"customer": customer["id"], "site_code": "HQ", "country": "US"}
    assert running.call("POST", "/systems/crm/sites", site).status == 201
    assert running.call("GET", f"/systems/crm/sites/{customer['key']}%2FHQ").json["site_code"] == "HQ"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nix", None, 404, "NOT_FOUND"),
        ("GET", "/systems/nix/customers", None, 404, "NOT_FOUND"),
        ("GET", "/systems/crm/nix", None, 404, "NOT_FOUND"),
        ("GET", "/systems/crm/customers/nix", None, 404, "NOT_FOUND"),
        ("POST", "/systems/crm/actions/nix", {}, 404, "NOT_FOUND"),
        ("POST", "/systems/crm/customers", {"name": 1}, 422, "INVALID_FIELD"),
        ("POST", "/systems/crm/customers", b"{", 400, "UNPARSABLE"),
        ("GET", "/systems/crm/customers?nix=1", None, 422, "INVALID_FIELD"),
        ("GET", "/journal?nix=1", None, 422, "INVALID_FIELD"),
        ("GET", "/journal?limit=0", None, 422, "INVALID_FIELD"),
        ("GET", "/deliveries?state=LOST", None, 422, "INVALID_FIELD"),
        ("POST", "/clock/advance", b"{", 400, "UNPARSABLE"),
        ("POST", "/snapshots", {"lable": "x"}, 422, "INVALID_FIELD"),
        ("DELETE", "/snapshots/snap_1", None, 409, "BASELINE"),
        ("DELETE", "/faults/flt_9", None, 404, "NOT_FOUND"),
        ("POST", "/faults", [{"kind": "nix"}], 422, "INVALID_FIELD"),
        ("POST", "/faults", {"kind": "delay"}, 422, "INVALID_FIELD"),
        ("POST", "/faults", [{"kind": "delay", "system": "nix"}], 422, "INVALID_FIELD"),
        ("POST", "/faults", [{"kind": "latency", "operation": "create_custommer"}], 422, "INVALID_FIELD"),
        (
            "POST",
            "/faults",
            [{"kind": "latency", "system": "crm", "operation": "create_work_entry"}],
            422,
            "INVALID_FIELD",
        ),
        ("PUT", "/limits", {"nix": {"rate": 1}}, 422, "INVALID_FIELD"),
        ("PUT", "/limits", {"erp": {"rate": 0}}, 422, "INVALID_FIELD"),
        ("PUT", "/integration", {"name": "x", "webhooks": {"nix": "http://127.0.0.1/"}}, 422, "INVALID_FIELD"),
        ("POST", "/integration/events", {"type": "crm.account.created"}, 422, "INVALID_FIELD"),
    ],
)
def test_a_refusal_is_a_problem_with_a_code_and_a_remedy(
    running: Any, method: str, path: str, body: Any, status: int, code: str
) -> None:
    reply = running.call(method, path, body)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert (reply.json["code"], reply.json["status"]) == (code, status)
    assert reply.json["detail"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/systems/psa/milestoness", "Did you mean milestones? There are: "),
        ("/systems/crmm/customers", "Did you mean crm? There are: billing, crm, erp, psa."),
        ("/systems/psa/actions/aprove_time", "Did you mean approve_time? There are: "),
    ],
)
def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(running: Any, path: str, said: str) -> None:
    answer = running.call("POST", path, {})
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
    assert said in answer.json["remedy"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/faults", {"GET", "POST", "DELETE"}),
        ("/integration", {"GET", "PUT", "DELETE"}),
        ("/snapshots", {"GET", "POST"}),
        ("/systems/crm/customers", {"GET", "POST"}),
        ("/systems/crm/customers/x", {"GET", "PATCH", "DELETE"}),
        ("/systems/crm/actions/close_won", {"POST"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(running: Any, path: str, allowed: set[str]) -> None:
    reply = running.call("PUT" if "integration" not in path else "PATCH", path, {})
    assert reply.status == 405
    assert set(reply.headers["allow"].split(", ")) == allowed


def test_a_stale_precondition_is_refused_here_too(running: Any) -> None:
    customer = running.customer("Acme")
    path = f"/systems/crm/customers/{customer['id']}"
    assert running.call("PATCH", path, {"name": "A"}, {"If-Match": '"1"'}).status == 200
    assert running.call("PATCH", path, {"name": "B"}, {"If-Match": '"1"'}).status == 412


def test_the_journal_is_filtered_paged_and_tells_its_end(running: Any) -> None:
    for number in range(4):
        running.customer(f"C{number}")
    everything = running.call("GET", "/journal").json
    assert [each["kind"] for each in everything["items"]] == ["deed", "event"] * 4
    assert everything["last"] == 8
    page = running.call("GET", "/journal?kind=event&limit=3").json
    rest = running.call("GET", f"/journal?kind=event&limit=3&cursor={page['next']}").json
    assert [each["key"] for each in page["items"] + rest["items"]] == [f"CU-00000{number}" for number in range(1, 5)]
    assert rest["next"] is None
    assert [each["seq"] for each in running.call("GET", "/journal?since=6").json["items"]] == [7, 8]
    assert [each["seq"] for each in running.call("GET", "/journal?newest=true&limit=1").json["items"]] == [8]


def test_the_journal_goes_on_as_things_happen(running: Any) -> None:
    running.customer("Before")
    stream = Stream(running, "/journal?kind=event")
    assert stream.reply.getheader("content-type", "").startswith("text/event-stream")
    assert stream.next()["key"] == "CU-000001"
    running.customer("After")
    assert stream.next()["key"] == "CU-000002"
    again = Stream(running, "/journal?kind=event", {"Last-Event-ID": "2"})
    assert again.next()["key"] == "CU-000002"


def test_bodies_are_cut_and_secrets_taken_out(running: Any) -> None:
    note = {"note": "x" * 20_000, "more": ["y" * 200] * 50}
    for number in range(3):
        running.customer("Acme", custom={**note, "n": number})
    running.native("crm", "POST", "/oauth/token", {"grant_type": "client_credentials", "client_secret": "hush"})
    running.native("crm", "GET", "/customers?client_secret=hush")
    running.native("crm", "GET", "/customers?limit=50")
    shown = running.call("GET", "/journal?limit=1000")
    assert b"hush" not in shown.raw
    longest = max(len(each["response"] or "") for each in shown.json["items"])
    assert 64 * 1024 <= longest < 65 * 1024


def test_every_kind_of_fault_can_be_injected_and_mended(running: Any) -> None:
    needs = {"schema_change": {"field": "country", "value": "Nowhere"}}
    plan = [{"kind": kind, "system": "psa", **needs.get(kind, {})} for kind in sorted(KINDS)]
    made = running.call("POST", "/faults", plan)
    assert made.status == 201
    assert [each["kind"] for each in made.json["items"]] == sorted(KINDS)
    first = made.json["items"][0]["id"]
    assert running.call("DELETE", f"/faults/{first}").status == 200
    assert len(running.call("GET", "/faults").json["items"]) == len(KINDS) - 1
    assert running.call("DELETE", "/faults").json["items"] == []


def test_a_bad_fault_in_a_plan_injects_none(running: Any) -> None:
    assert running.call("POST", "/faults", [{"kind": "delay"}, {"kind": "delay", "colour": "red"}]).status == 422
    assert running.call("GET", "/faults").json["items"] == []


def test_a_fault_of_an_event_is_addressed_by_its_type_with_or_without_prefix(running: Any) -> None:
    names = ("crm.account.created", "com.counterfoil.crm.account.created.v1", "*.account.*", "POST /native/v1/nothing")
    for name in names:
        running.call("DELETE", "/faults")
        assert running.call("POST", "/faults", [{"kind": "delay", "system": "crm", "operation": name}]).status == 201
    assert matches("com.counterfoil.crm.account.created.v1", names[0])
    refused = running.call("POST", "/faults", [{"kind": "latency", "operation": "create_custommer"}]).json
    assert "create_customer" in refused["remedy"]


def test_limits_are_in_force_until_the_next_restore(running: Any) -> None:
    mark = running.call("POST", "/snapshots").json["id"]
    assert running.call("PUT", "/limits", {"erp": {"rate": 5, "burst": 7}}).json == {"erp": {"rate": 5, "burst": 7}}
    assert running.call("GET", "/limits").json == {"erp": {"rate": 5, "burst": 7}}
    running.call("POST", f"/snapshots/{mark}/restore")
    assert running.call("GET", "/limits").json == {}


def test_the_integration_tells_of_itself(running: Any) -> None:
    event = {
        "type": "com.counterfoil.int.exception.raised.v1",
        "id": "x1",
        "businesskey": "CT-1",
        "data": {"severity": "S1"},
    }
    assert running.call("POST", "/integration/events", event).status == 201
    assert running.call("POST", "/integration/events", [{"type": "int.dlq.parked"}] * 2).status == 201
    (found, *others) = running.call("GET", "/integration/events").json["items"]
    assert {name: found[name] for name in event} == event
    assert found["at"] == running.now
    assert len(others) == 2
    mark = running.call("POST", "/snapshots").json["id"]
    running.call("POST", f"/snapshots/{mark}/restore")
    assert running.call("GET", "/integration/events").json["items"] == []
    assert len(running.call("GET", "/integration/events?since=0").json["items"]) == 3


def test_registering_an_integration_and_forgetting_it(running: Any) -> None:
    about = {
        "name": "mine",
        "quiet_ms": 100,
        "declares": ["trace"],
        "links": {"erp.customer": "external_id -> crm.account"},
    }
    assert running.call("PUT", "/integration", about).status == 200
    assert running.call("GET", "/integration").json["declares"] == ["trace"]
    assert running.landscape.integration["name"] == "mine"
    assert running.call("DELETE", "/integration").json == {"name": "mine"}
    assert running.call("GET", "/integration").json == {"name": None}


def test_an_export_is_one_record_a_line_in_a_stable_order(running: Any) -> None:
    running.customer("Acme")
    running.customer("Beta")
    reply = running.call("GET", "/export")
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    lines = [orjson.loads(line) for line in reply.raw.splitlines()]
    assert [each["record"]["name"] for each in lines if each["entity"] == "customer"] in (
        ["Acme", "Beta"],  # within a second of the CRM's clock the id decides
        ["Beta", "Acme"],
    )
    assert reply.raw == running.call("GET", "/export").raw


def test_a_landscape_with_a_token_asks_for_it(launch: Any) -> None:
    running = launch(token=CONTROL_TOKEN)
    base = running.landscape.control_url
    refused = running.call("GET", "/landscape", base=base)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.json["code"] == "TOKEN_NEEDED"
    assert running.call("GET", "/systems/crm/customers", base=base).status == 401
    assert running.call("GET", "/landscape", None, {"Authorization": "Bearer wrong"}, base=base).status == 401
    assert running.call("GET", "/landscape").status == 200
    assert running.call("GET", "/ready", base=base).status == 200
    assert CONTROL_TOKEN.encode() not in running.call("GET", "/landscape").raw
    opened = running.call("GET", "/?token=" + CONTROL_TOKEN.replace("'", "%27"), base=base)
    assert opened.status == 303
    cookie = opened.headers["set-cookie"].split(";")[0]
    assert running.call("GET", "/clock", None, {"Cookie": cookie}, base=base).status == 200


def test_the_console_needs_nothing_from_elsewhere(running: Any) -> None:
    page = running.call("GET", "/")
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    for name in ("console.js", "console.css", "mark.svg"):
        asset = running.call("GET", f"/console/{name}")
        assert asset.status == 200
        assert f"/console/{name}".encode() in page.raw
        assert b"https://" not in asset.raw
    assert running.call("GET", "/console/page.html.jinja").status == 404
    assert running.landscape.tokens["crm"].client_secret.encode() not in page.raw


def test_the_console_shows_what_happens_as_it_happens(running: Any) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        pytest.skip("no chromium on this machine")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options.append("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(chromium), args=options)
        page = browser.new_page()
        mistakes: list[str] = []
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.goto(running.landscape.control_url)
        page.wait_for_selector("#stream.good")
        running.customer("Acme")
        page.wait_for_selector("#journal td:text('create_customer')")
        page.wait_for_selector("article[data-system=crm] b[data-count=deed]:text('1')")
        page.click("#journal tr:has-text('create_customer')")
        page.wait_for_selector("#entry pre:has-text('Acme')")
        browser.close()
    assert mistakes == []


def test_systems_of_a_file_take_their_ports_in_order() -> None:
    systems: dict[str, Any] = {"crm-b": {"role": "crm"}, "billing": {}, "crm": {}, "psa": {}, "erp": {"port": 9999}}
    found = config.understood({"systems": systems, "port_base": 8100})
    assert found.order == ["crm-b", "psa", "erp", "billing", "crm"]
    assert [found.port_of(name) for name in found.order] == [8101, 8102, 9999, 8104, 8105]


def test_two_systems_of_one_role_live_side_by_side(launch: Any) -> None:
    running = launch(systems={"crm": {}, "crm-b": {"role": "crm"}})
    running.customer("Acme")
    body = {"name": "Other", "country": "US"}
    assert running.call("POST", "/systems/crm-b/customers", body).json["key"] == "CU-000001"
    names = [running.call("GET", f"/systems/{name}/customers").json["items"][0]["name"] for name in ("crm", "crm-b")]
    assert names == ["Acme", "Other"]
    assert [orjson.loads(line)["system"] for line in running.call("GET", "/export").raw.splitlines()] == [
        "crm",
        "crm-b",
    ]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"systems": {"crm": {"vendor": "acme"}}}, "no vendor 'acme'"),
        ({"systems": {"shop": {}}}, "say its role"),
        ({"size": "XXL"}, "size"),
        ({"host": "0.0.0.0"}, "needs a `token`"),
        ({"store": "postgres://x"}, "none of"),
        ({"colour": "red"}, "colour"),
        ({"seed": "one"}, "seed"),
    ],
)
def test_a_landscape_that_cannot_be_is_told_in_a_sentence(said: Any, sentence: str) -> None:
    with pytest.raises(config.Unusable, match=sentence):
        config.understood(said, "firm.yaml")


def test_the_published_schema_of_the_landscape_file_is_that_of_the_code() -> None:
    published = Path(__file__).parent.parent / "contracts" / "schemas" / "landscape.json"
    assert orjson.loads(published.read_bytes()) == orjson.loads(orjson.dumps(config.schema()))


def test_a_taken_port_leaves_nothing_open(running: Any, launch: Any) -> None:
    port = urlsplit(running.landscape.control_url).port
    program = (
        "import asyncio, sys\n"
        "from counterfoil_mocks.landscape import Landscape, PortTaken\n"
        f"made = Landscape.build({{'size': 'empty', 'systems': {{'crm': {{'port': {port}}}}}, 'port_base': 0}})\n"
        "try:\n    asyncio.run(made.start())\nexcept PortTaken as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert f"Port {port}" in done.stdout
    assert "the system crm" in done.stdout
    assert issubclass(PortTaken, Exception)


def test_bounds_of_numbers_are_told_in_the_words_of_json_schema(running: Any) -> None:
    said = running.call("GET", "/openapi.json").json
    whole = said["components"]["schemas"]["LimitIn"]["properties"]["burst"]["anyOf"][0]
    assert (whole["type"], whole["minimum"], whole["maximum"]) == ("integer", 1, 10**6)


def test_a_member_that_is_not_known_is_told_as_the_systems_tell_it(running: Any) -> None:
    reply = running.call("POST", "/clock/advance", {"day": 3})
    assert (reply.status, reply.json["field"]) == (422, "day")
    assert reply.json["detail"] == "day: is not a field of this"
    assert reply.json["remedy"] == "Leave it out. See /openapi.json for what there is."
