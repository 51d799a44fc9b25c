"""Answers to single gets are remembered as long as what they are made of stays as it is: never longer, and each for whoever asked for it."""

from __future__ import annotations

import itertools
import json
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.conftest import POSTGRES

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.tx import Tx

requests = pytest.importorskip("requests")
sys.path.insert(0, str(Path(__file__).parent))
from netsuite_account import Client  # noqa: E402


@dataclass(frozen=True)
class Subject:
    """How a vendor's record is made, read and renamed, and where the same record stands on the native face."""

    role: str
    collection: str
    make: dict[str, Any]
    rename: tuple[str, Callable[[str], dict[str, Any]]]
    shown: Callable[[Any], str]
    made: Callable[[Any], str]
    native: tuple[str, str]
    key: str = "access_token"
    form: bool = False


COMPANY = {
    "code": "CF-US",
    "name": "Counterfoil Inc",
    "country": "US",
    "tz": "America/Chicago",
    "functional_ccy": "USD",
}


def entry(body: Any) -> Any:
    """The one object of Kantata's envelope."""
    return body["workspaces"][body["results"][0]["id"]]


SUBJECTS = {
    "salesforce": Subject(
        "crm",
        "/services/data/v59.0/sobjects/Account",
        {"Name": "Before"},
        ("PATCH", lambda name: {"Name": name}),
        lambda body: body["Name"],
        lambda answer: answer.json()["id"],
        ("customers", "name"),
    ),
    "kantata": Subject(
        "psa",
        "/api/v1/workspaces",
        {"workspace": {"title": "Before", "creator_role": "maven"}},
        ("PUT", lambda name: {"workspace": {"title": name}}),
        lambda body: entry(body)["title"],
        lambda answer: answer.json()["results"][0]["id"],
        ("projects", "name"),
    ),
    "netsuite": Subject(
        "erp",
        "/services/rest/record/v1/customer",
        {"companyName": "Before"},
        ("PATCH", lambda name: {"companyName": name}),
        lambda body: body["companyName"],
        lambda answer: answer.headers["location"].rpartition("/")[2],
        ("customers", "name"),
    ),
    "stripe": Subject(
        "billing",
        "/v1/customers",
        {"name": "Before"},
        ("POST", lambda name: {"name": name}),
        lambda body: body["name"],
        lambda answer: answer.json()["id"],
        ("customers", "name"),
        "api_key",
        form=True,
    ),
}


NUMBERS = itertools.count()


class Caller:
    """A caller of one vendor's face, and of the native one beside it."""

    def __init__(self, landscape: Any, subject: Subject) -> None:
        self.landscape, self.subject = landscape, subject
        found = landscape.call("GET", "/landscape").json["systems"]
        self.system = next(each for each in found if each["name"] == subject.role)
        self.keys = self.system["credentials"]
        self.signed = Client(self.system["url"], self.keys) if subject.role == "erp" else None
        if self.signed is not None:  # whose customers need a company
            assert landscape.call("POST", "/systems/erp/legal_entities", COMPANY).status in (201, 409)
        self.id = subject.made(self.make())

    def make(self) -> Any:
        """Make another record; no two of NetSuite's have one name for people."""
        name = {"entityId": f"Customer {next(NUMBERS)}"} if self.signed is not None else {}
        return self.call("POST", self.subject.collection, {**self.subject.make, **name})

    def call(self, method: str, path: str, said: Any = None, *, token: str = "", **headers: str) -> Any:
        """One call; it must succeed."""
        if self.signed is not None:
            answer = self.signed(method, f"{self.system['url']}{path}", said, headers=headers)
        else:
            sent = {"Authorization": f"Bearer {token or self.keys[self.subject.key]}", **headers}
            body = {"data": said} if self.subject.form else {"json": said}
            answer = requests.request(method, f"{self.system['url']}{path}", headers=sent, timeout=30, **body)
        assert answer.status_code < 400, answer.text
        return answer

    @property
    def place(self) -> str:
        """Where the record is."""
        return f"{self.subject.collection}/{self.id}"

    def name(self) -> str:
        """The record's name, as the vendor's face tells it."""
        return self.subject.shown(self.call("GET", self.place).json())

    def rename(self, name: str) -> None:
        """Give it another name through the vendor's face."""
        method, said = self.subject.rename
        self.call(method, self.place, said(name))

    def rename_natively(self, name: str) -> None:
        """Give it another name through the native face."""
        plural, field = self.subject.native
        token = self.system["native"]["credentials"]["access_token"]
        answer = self.landscape.call(
            "PATCH",
            f"/native/v1/{plural}/{self.id}",
            {field: name},
            {"Authorization": f"Bearer {token}", "If-Match": "*"},
            base=self.system["url"],
        )
        assert answer.status == 200, answer.raw

    def slip(self, name: str) -> None:
        """Change the stored name as no deed would, behind the face's back."""
        plural, field = self.subject.native
        role, entity = self.subject.role, plural.removesuffix("s")

        async def change() -> None:
            store = self.landscape.landscape.store
            store.execute(f"UPDATE {role}.{entity} SET {field} = ? WHERE id = ?", (name, self.id))

        self.landscape.run(change())


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    """All four vendors, in the memory of this process alone."""
    systems = {subject.role: {"vendor": vendor} for vendor, subject in SUBJECTS.items()}
    return launch_shared(systems=systems, store="memory")


@pytest.fixture(params=list(SUBJECTS))
def caller(landscape: Any, request: pytest.FixtureRequest) -> Caller:
    return Caller(landscape, SUBJECTS[request.param])


def test_an_answer_is_remembered_until_a_deed(caller: Caller) -> None:
    assert caller.name() == "Before"
    caller.slip("Slipped in")
    assert caller.name() == "Before"
    caller.make()
    assert caller.name() == "Slipped in"


def test_a_deed_elsewhere_leaves_an_answer_as_it_is(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caller.name() == "Before"
    worked_out: list[str] = []
    face = caller.landscape.landscape.systems[caller.subject.role].face
    ask = face.ask
    monkeypatch.setattr(face, "ask", lambda request, each: worked_out.append(request.method) or ask(request, each))
    caller.make()
    assert caller.name() == "Before"
    assert worked_out == ["POST"]
    caller.rename("After")
    assert caller.name() == "After"
    assert worked_out[-1] == "GET"


def test_what_another_record_says_in_an_answer_is_seen_at_once(landscape: Any) -> None:
    stripe = Caller(landscape, SUBJECTS["stripe"])
    stripe.id = landscape.native("billing", "POST", "/customers", {"name": "Acme", "country": "US"}).json["id"]

    def city() -> Any:
        address = stripe.call("GET", stripe.place).json()["address"]
        return None if address is None else address["city"]

    assert city() is None
    site = {"customer": stripe.id, "site_code": "HQ", "kind": "BILL_TO", "country": "US", "city": "Austin"}
    made = landscape.native("billing", "POST", "/sites", site)
    assert made.status == 201, made.raw
    assert city() == "Austin"
    moved = landscape.native("billing", "PATCH", f"/sites/{made.json['id']}", {"city": "Dallas"}, **{"If-Match": "*"})
    assert moved.status == 200, moved.raw
    assert city() == "Dallas"


def test_a_write_through_either_face_is_seen_at_once(caller: Caller) -> None:
    assert caller.name() == "Before"
    caller.rename("Through the vendor's")
    assert caller.name() == "Through the vendor's"
    caller.rename_natively("Through the native")
    assert caller.name() == "Through the native"


def test_a_restore_is_seen_at_once_even_of_the_same_epoch(landscape: Any, caller: Caller) -> None:
    def marked() -> str:
        return str(landscape.call("POST", "/snapshots", {"label": "x"}).json["id"])

    def restored(snapshot: str) -> None:
        assert landscape.call("POST", f"/snapshots/{snapshot}/restore", {"label": "again", "nth": 1}).status == 200

    before = marked()
    caller.rename("After")
    after = marked()
    restored(before)
    assert caller.name() == "Before"
    restored(after)
    assert caller.name() == "After"
    restored(before)
    assert caller.name() == "Before"


def test_after_a_reset_a_remembered_record_is_gone(landscape: Any, caller: Caller) -> None:
    assert caller.name() == "Before"
    assert landscape.call("POST", "/reset").status == 200
    with pytest.raises(AssertionError, match=r"(?i)not|no such|exist"):
        caller.name()


def test_a_minute_of_the_business_clock_is_enough_to_look_again(landscape: Any, caller: Caller) -> None:
    assert caller.name() == "Before"
    caller.slip("Slipped in")
    world = landscape.landscape.world

    async def wait() -> None:
        world.clock.move_to(clock.later(world.clock.now, minutes=1))

    landscape.run(wait())
    assert caller.name() == "Slipped in"


def test_what_another_parameter_asks_for_is_another_answer(landscape: Any) -> None:
    stripe = Caller(landscape, SUBJECTS["stripe"])
    method = stripe.call("POST", "/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"}).json()["id"]
    stripe.call("POST", f"/v1/payment_methods/{method}/attach", {"customer": stripe.id})
    plain = stripe.call("GET", f"/v1/payment_methods/{method}").json()
    expanded = stripe.call("GET", f"/v1/payment_methods/{method}?{urlencode({'expand[]': 'customer'})}").json()
    assert (plain["customer"], expanded["customer"]["name"]) == (stripe.id, "Before")
    salesforce = Caller(landscape, SUBJECTS["salesforce"])
    assert salesforce.name() == "Before"
    assert salesforce.call("GET", f"{salesforce.place}?fields=Id").json().keys() == {"attributes", "Id"}


def test_each_user_sees_his_own_answer(landscape: Any) -> None:
    kantata = Caller(landscape, SUBJECTS["kantata"])
    place = f"{kantata.place}?include=current_user_participation"

    def seat(token: str) -> Any:
        return entry(kantata.call("GET", place, token=token).json())["current_user_participation_id"]

    assert seat(kantata.keys["access_token"])
    assert seat(kantata.keys["member_access_token"]) is None
    assert seat(kantata.keys["access_token"])


def test_a_known_etag_is_told_apart_from_none(landscape: Any) -> None:
    salesforce = Caller(landscape, SUBJECTS["salesforce"])
    tag = salesforce.call("GET", salesforce.place).headers["ETag"]
    assert salesforce.call("GET", salesforce.place, **{"If-None-Match": tag}).status_code == 304
    assert salesforce.call("GET", salesforce.place).status_code == 200
    salesforce.rename("After")
    assert salesforce.call("GET", salesforce.place, **{"If-None-Match": tag}).status_code == 200


def test_links_begin_as_each_call_did(landscape: Any) -> None:
    netsuite = Caller(landscape, SUBJECTS["netsuite"])
    port = netsuite.system["url"].rpartition(":")[2]
    for host in ("127.0.0.1", "localhost"):
        answer = netsuite.signed("GET", f"http://{host}:{port}{netsuite.place}")  # type: ignore[misc]
        assert f"http://{host}:{port}/" in json.dumps(answer.json())


def test_what_answers_have_in_common_is_worked_out_once_and_seen_anew_when_it_changes(
    landscape: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = [Caller(landscape, SUBJECTS["netsuite"]) for _ in range(3)]
    company = callers[0].call("GET", callers[0].place).json()["subsidiary"]
    read: list[str] = []
    table = landscape.landscape.systems["erp"].table("legal_entity")
    by_key = type(table).by_key
    monkeypatch.setattr(type(table), "by_key", lambda self, *of: read.append(self.entity.name) or by_key(self, *of))

    def names() -> set[str]:
        return {each.call("GET", each.place).json()["subsidiary"]["refName"] for each in callers}

    assert names() == {company["refName"]}
    assert read == []
    path = f"/legal_entities/{company['id']}"
    changed = landscape.native("erp", "PATCH", path, {"name": "Another"}, **{"If-Match": "*"})
    assert changed.status == 200, changed.raw
    assert names() == {"Another"}
    assert read == ["legal_entity"]


@pytest.fixture(scope="module")
def kept(launch_shared: Any, tmp_path_factory: Any) -> Any:
    """All four vendors, where others may write to the same files."""
    systems = {subject.role: {"vendor": vendor} for vendor, subject in SUBJECTS.items()}
    return launch_shared(systems=systems, store=f"sqlite:///{tmp_path_factory.mktemp('kept')}/firm.db")


@pytest.mark.parametrize("vendor", SUBJECTS)
def test_what_others_write_to_the_same_files_is_seen_at_once(kept: Any, vendor: str) -> None:
    caller = Caller(kept, SUBJECTS[vendor])
    assert caller.name() == caller.name() == "Before"
    caller.slip("Slipped in")
    assert caller.name() == caller.name() == "Slipped in"
    plural, field = caller.subject.native
    path = kept.landscape.store.path
    with sqlite3.connect(path.with_suffix(f".{caller.subject.role}{path.suffix}")) as others:
        others.execute(f"UPDATE {plural.removesuffix('s')} SET {field} = 'By others' WHERE id = ?", (caller.id,))
    assert caller.name() == caller.name() == "By others"


@pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL server: set COUNTERFOIL_TEST_POSTGRES")
def test_what_one_process_writes_is_seen_at_once_by_the_others(launch: Any) -> None:
    systems = {subject.role: {"vendor": vendor} for vendor, subject in SUBJECTS.items()}
    landscape = launch(systems=systems, processes=3)
    for subject in SUBJECTS.values():
        caller = Caller(landscape, subject)
        for number in range(6):  # each call meets whichever process is free
            caller.rename_natively(f"Name {number}")
            assert {caller.name() for _ in range(6)} == {f"Name {number}"}


def test_what_was_worked_out_while_something_was_written_proves_nothing(landscape: Any) -> None:
    store = landscape.landscape.store

    async def read(*statements: str) -> bool:
        with store.watched() as reads:
            for each in statements:
                store.execute(each).fetchall()
        return bool(reads.whole)

    assert landscape.run(read("SELECT 1", "WITH one AS (SELECT 1) SELECT * FROM one"))
    assert not landscape.run(read("SELECT 1", "DELETE FROM control.token WHERE token = 'none'", "SELECT 1"))
    many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) SELECT n FROM n"
    assert not landscape.run(read(many))


def test_a_system_tells_no_state_in_the_middle_of_a_deed(landscape: Any) -> None:
    system = landscape.landscape.systems["crm"]

    async def told() -> list[Any]:
        before = system.state
        with Tx(system, Origin()):
            within = system.state
        return [before, within, system.state]

    before, within, after = landscape.run(told())
    assert within is None
    assert None not in (before, after)
    assert before != after
