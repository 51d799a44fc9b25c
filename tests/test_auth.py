"""OAuth 2 of the native faces: who gets in, for how long, and what a stolen refresh token is worth."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from counterfoil_mocks.kernel import clock


def token(faces: Any, system: str = "crm", headers: dict[str, str | None] | None = None, **body: str) -> Any:
    """Ask for tokens, with the client's own id and secret unless told otherwise."""
    tokens = faces.tokens[system]
    asked = {"client_id": tokens.client_id, "client_secret": tokens.client_secret, **body}
    return faces.call(system, "POST", "/oauth/token", asked, {"Authorization": None, **(headers or {})})


def knock(faces: Any, access_token: str, system: str = "crm") -> int:
    """The status that a token gets."""
    return int(faces.call(system, "GET", "/customers", None, {"Authorization": f"Bearer {access_token}"}).status)


def test_nobody_gets_in_without_a_token(faces: Any) -> None:
    for authorization in (None, "", "Bearer", "Bearer nonsense", "Basic abc", "Bearer \xff"):
        reply = faces.call("crm", "GET", "/customers", None, {"Authorization": authorization})
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Bearer ")
        assert reply.json["remedy"]
    assert faces.call("crm", "GET", "/nothing", None, {"Authorization": None}).status == 401


def test_the_ready_token_is_its_own_systems_alone(faces: Any) -> None:
    assert knock(faces, faces.tokens["crm"].access_token) == 200
    assert knock(faces, faces.tokens["erp"].access_token) == 401


def test_client_credentials_buy_half_an_hour(faces: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = token(faces, grant_type="client_credentials")
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    issued = reply.json
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", 1800)
    assert knock(faces, issued["access_token"]) == 200
    now = clock.wall()
    monkeypatch.setattr(clock, "wall", lambda: now + 1801)
    assert knock(faces, issued["access_token"]) == 401
    assert knock(faces, faces.tokens["crm"].access_token) == 200


@pytest.mark.parametrize("as_form", [True, False])
def test_credentials_come_in_the_body_or_by_basic(faces: Any, as_form: bool) -> None:
    tokens = faces.tokens["crm"]
    basic = base64.b64encode(f"{tokens.client_id}:{tokens.client_secret}".encode()).decode()
    body = b"grant_type=client_credentials" if as_form else b'{"grant_type":"client_credentials"}'
    media = "application/x-www-form-urlencoded" if as_form else "application/json"
    headers = {"Authorization": f"Basic {basic}", "Content-Type": media}
    assert faces.call("crm", "POST", "/oauth/token", body, headers).status == 200


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "cfr_nonsense"}, 400, "invalid_grant"),
    ],
)
def test_a_refused_client_hears_why_in_the_words_of_oauth(
    faces: Any, body: dict[str, str], status: int, error: str
) -> None:
    reply = token(faces, **body)
    assert (reply.status, reply.json["error"]) == (status, error)
    assert reply.json["remedy"]


def test_a_refresh_token_rotates(faces: Any) -> None:
    first = token(faces, grant_type="client_credentials").json
    second = token(faces, grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    third = token(faces, grant_type="refresh_token", refresh_token=second["refresh_token"]).json
    assert len({each["refresh_token"] for each in (first, second, third)}) == 3
    assert knock(faces, third["access_token"]) == 200


def test_a_reused_refresh_token_kills_its_whole_chain_and_no_other(faces: Any) -> None:
    bystander = token(faces, grant_type="client_credentials").json
    first = token(faces, grant_type="client_credentials").json
    second = token(faces, grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    reused = token(faces, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (reused.status, reused.json["error"]) == (400, "invalid_grant")
    assert knock(faces, first["access_token"]) == 401
    assert knock(faces, second["access_token"]) == 401
    assert token(faces, grant_type="refresh_token", refresh_token=second["refresh_token"]).status == 400
    assert knock(faces, bystander["access_token"]) == 200
    assert token(faces, grant_type="refresh_token", refresh_token=bystander["refresh_token"]).status == 200


def test_the_credentials_always_hold_a_refresh_token_that_works(faces: Any) -> None:
    tokens = faces.tokens["psa"]
    first = tokens.credentials("http://psa")["refresh_token"]
    assert tokens.credentials("http://psa")["refresh_token"] == first
    assert token(faces, "psa", grant_type="refresh_token", refresh_token=first).status == 200
    second = tokens.credentials("http://psa")["refresh_token"]
    assert second != first
    assert token(faces, "psa", grant_type="refresh_token", refresh_token=second).status == 200


def test_an_expiry_fault_kills_an_issued_token_for_good_and_the_ready_one_for_a_call(faces: Any) -> None:
    issued = token(faces, "billing", grant_type="client_credentials").json
    ready = faces.tokens["billing"].access_token
    faces.faults.inject([{"kind": "auth_expiry", "system": "billing"}])
    assert [knock(faces, each, "billing") for each in (issued["access_token"], ready)] == [401, 401]
    faces.faults.clear()
    assert [knock(faces, each, "billing") for each in (issued["access_token"], ready)] == [401, 200]
