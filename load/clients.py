"""Programs that call the systems beside the integration: each system in the protocol that it speaks, as its vendor's clients would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from counterfoil.client import Broken, Control, Refused

Record = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One kind of call. path: where a list is asked for; body: of a question that is posted. one: the path of a single record, where
    `{id}` is what `listed` finds in the list."""

    name: str
    path: str
    body: Mapping[str, Any] | None = None
    one: str | None = None
    listed: Callable[[Any], list[str]] = lambda answer: []


def ids(*way: str, name: str = "id") -> Callable[[Any], list[str]]:
    """The ids in a list's answer."""

    def found(answer: Any) -> list[str]:
        for step in way:
            answer = answer.get(step) or ()
        rows = answer.values() if isinstance(answer, dict) else answer
        return [str(each[name]) for each in rows]

    return found


def native(*collections: str) -> tuple[Call, ...]:
    """Lists and single records of our own face."""
    return tuple(
        Call(each, f"/native/v1/{each}?limit=20", one=f"/native/v1/{each}/{{id}}", listed=ids("items"))
        for each in collections
    )


NATIVE = {
    "crm": native("customers", "opportunities", "contracts"),
    "psa": native("projects", "time_entries", "milestones"),
    "erp": native("ar_documents", "customers", "payments"),
    "billing": native("invoices", "plan_lines", "customers"),
}
SOQL = "/services/data/v62.0/query?q="
SUITEQL = "/services/rest/query/v1/suiteql?limit=20"
VENDORS: Mapping[str, tuple[Call, ...]] = {
    "salesforce": tuple(
        Call(
            name,
            SOQL + quote(f"SELECT Id, {fields} FROM {name} ORDER BY CreatedDate DESC LIMIT 20"),
            one=f"/services/data/v62.0/sobjects/{name}/{{id}}",
            listed=ids("records", name="Id"),
        )
        for name, fields in (("Account", "Name, OwnerId"), ("Opportunity", "Name, StageName, Amount"))
    ),
    "netsuite": (
        Call(
            "invoices by SuiteQL", SUITEQL, {"q": "SELECT id, tranid, entity FROM transaction WHERE type = 'CustInvc'"}
        ),
        Call(
            "customer",
            "/services/rest/record/v1/customer?limit=20",
            one="/services/rest/record/v1/customer/{id}",
            listed=ids("items"),
        ),
    ),
    "kantata": tuple(
        Call(name, f"/api/v1/{name}.json?per_page=20", one=f"/api/v1/{name}/{{id}}.json", listed=ids(name))
        for name in ("workspaces", "time_entries")
    ),
    "stripe": tuple(
        Call(name, f"/v1/{name}?limit=20", one=f"/v1/{name}/{{id}}", listed=ids("data"))
        for name in ("customers", "invoices")
    ),
}


class Program:
    """Calls one system after another; of each, a list and then a record of it."""

    def __init__(self, landscape: Record) -> None:
        self._turns: list[tuple[Record, Control, Call]] = []
        self._known: dict[tuple[str, str], list[str]] = {}
        for system in landscape["systems"]:
            client = Control(system["url"], bearer(system), peer=f"the system {system['name']}", trusted=False)
            for call in VENDORS.get(system["vendor"]) or NATIVE[system["role"]]:
                self._turns.append((system, client, call))

    def call(self, number: int) -> tuple[str, str, str]:
        """Make the call of this number; its name, `done` or `refused`, and why."""
        system, client, call = self._turns[number % len(self._turns)]
        known = self._known.setdefault((system["name"], call.name), [])
        single = call.one is not None and bool(known) and number // len(self._turns) % 2 == 1
        method, path = "GET" if single or call.body is None else "POST", call.path
        if single and call.one is not None:
            path = call.one.replace("{id}", quote(known[number % len(known)], safe=""))
        name = f"{system['name']} {system['vendor']}: {'one of ' if single else ''}{call.name}"
        more = signed(system, method, path) if system["vendor"] == "netsuite" else {}
        try:
            answer = client.send(method, path, None if method == "GET" else call.body, headers=more)
        except Refused as refused:
            return name, "refused", refused.code or str(refused.status)
        except Broken:
            return name, "refused", "no answer"
        if not single:
            known[:] = call.listed(answer)
        return name, "done", ""


def bearer(system: Record) -> str | None:
    """The token that a system's callers send, where it is sent as it is."""
    credentials = system["credentials"]
    return None if system["vendor"] == "netsuite" else credentials.get("api_key") or credentials.get("access_token")


def signed(system: Record, method: str, path: str) -> dict[str, str]:
    """The headers of a call under token-based authentication. source: RFC 5849, with HMAC-SHA256."""
    secret = system["credentials"]
    base, _, query = (system["url"] + path).partition("?")
    said = {
        "oauth_consumer_key": secret["consumer_key"],
        "oauth_token": secret["token_id"],
        "oauth_nonce": secrets.token_hex(12),
        "oauth_timestamp": str(int(time.time())),
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_version": "1.0",
    }
    pairs = [each.partition("=")[::2] for each in query.split("&") if each] + list(said.items())
    normal = "&".join(sorted(f"{escaped(name)}={escaped(value)}" for name, value in pairs))
    text = "&".join((method, escaped(base), escaped(normal)))
    key = f"{escaped(secret['consumer_secret'])}&{escaped(secret['token_secret'])}"
    said["oauth_signature"] = base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()
    words = ", ".join(f'{name}="{escaped(value)}"' for name, value in said.items())
    return {"authorization": f'OAuth realm="{secret["account_id"]}", {words}', "prefer": "transient"}


def escaped(text: str) -> str:
    """Percent-encoded as OAuth wants it."""
    return quote(text, safe="")
