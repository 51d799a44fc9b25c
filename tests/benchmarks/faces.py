"""CPU of a vendor face's get by id, as a multiple of the native one of the same record in the same run.

Run as `python tests/benchmarks/faces.py`. The figure is the quietest of several rounds of each, in turn. A vendor takes part by a row of
`SUBJECTS`.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import itertools
import json
import os
import sys
import time
import urllib.parse
import urllib.request
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from figures import Found, Target, tell
from landscape import Landscape
from request_paths import micros

REQUESTS, ROUNDS = 1_500, 7
SUBJECTS: dict[str, dict[str, str]] = {
    "stripe": {
        "role": "billing",
        "make": "/v1/customers",
        "type": "application/x-www-form-urlencoded",
        "body": "name=Acme&email=ap@acme.example&address[country]=FR&metadata[crm_account]=001A",
        "get": "/v1/customers/{id}",
        "native": "/native/v1/customers/{id}",
        "key": "api_key",
        "id": "id",
    },
    "kantata": {
        "role": "psa",
        "make": "/api/v1/workspaces",
        "type": "application/x-www-form-urlencoded",
        "body": "workspace[title]=Acme&workspace[price]=50000&workspace[currency]=EUR",
        "get": "/api/v1/workspaces/{id}",
        "native": "/native/v1/projects/{id}",
        "key": "access_token",
        "id": "results.0.id",
    },
    "netsuite": {
        "role": "erp",
        "make": "/services/rest/record/v1/customer",
        "type": "application/json",
        "body": '{"companyName":"Acme {number}","email":"ap@acme.example","currency":{"id":"2"},"externalId":"CRM-{number}"}',
        "get": "/services/rest/record/v1/customer/{id}",
        "native": "/native/v1/customers/{id}",
        "key": "oauth2_token_url",
        "id": "",
    },
    "salesforce": {
        "role": "crm",
        "make": "/services/data/v59.0/sobjects/Account",
        "type": "application/json",
        "body": '{"Name":"Acme","BillingCountry":"FR","Segment__c":"A"}',
        "get": "/services/data/v59.0/sobjects/Account/{id}",
        "native": "/native/v1/customers/{id}",
        "key": "access_token",
        "id": "id",
    },
}
"""By vendor: its role, what makes a record and of what, where that is read by the vendor's path and by ours, the credential, and where
the answer has the id."""
KINDS = {"": 1, ", after a write": 10, ", for the first time": 1_100}
"""How many records are read in turn. Faces remember a thousand answers."""
TARGETS = {f"{vendor}{kind}: get by id": Target("×", 1.5, digits=2) for kind in KINDS for vendor in SUBJECTS}


def token_of(system: dict[str, Any], subject: dict[str, str]) -> str:
    """The token that a caller shows. NetSuite's is got for an assertion: one that signs each call cannot send the same bytes twice."""
    keys = system["credentials"]
    if subject["key"] != "oauth2_token_url":
        return str(keys[subject["key"]])
    now = int(time.time())
    claims = {
        "iss": keys["oauth2_client_id"],
        "scope": "rest_webservices",
        "aud": keys["oauth2_token_url"],
        "iat": now,
        "exp": now + 600,
    }
    head = {"typ": "JWT", "alg": "ES256", "kid": keys["oauth2_certificate_id"]}
    signed = ".".join(text_of(json.dumps(each).encode()) for each in (head, claims))
    key: Any = serialization.load_pem_private_key(keys["oauth2_private_key"].encode(), None)
    numbers = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    mark = text_of(b"".join(number.to_bytes(32, "big") for number in numbers))
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": f"{signed}.{mark}"}
    with urllib.request.urlopen(keys["oauth2_token_url"], urllib.parse.urlencode(form).encode()) as answer:
        return str(json.loads(answer.read())["access_token"])


def text_of(raw: bytes) -> str:
    """Base 64 as tokens have it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def made(system: dict[str, Any], subject: dict[str, str], count: int) -> list[str]:
    """The ids of records made through the vendor's face."""
    connection = http.client.HTTPConnection(*system["url"].removeprefix("http://").split(":"))
    headers = {"Authorization": f"Bearer {token_of(system, subject)}", "Content-Type": subject["type"]}
    ids = []
    for number in range(count):
        connection.request("POST", subject["make"], subject["body"].replace("{number}", str(number)), headers)
        answer = connection.getresponse()
        body = answer.read()
        found = json.loads(body) if subject["id"] else str(answer.headers["location"]).rpartition("/")[2]
        for step in filter(None, subject["id"].split(".")):
            found = found[int(step) if step.isdecimal() else step]
        ids.append(str(found))
    return ids


def asked(system: dict[str, Any], subject: dict[str, str], count: int, *, writing: bool) -> dict[str, list[bytes]]:
    """The requests that take turns, natively and by the vendor's face; writing: with one before them that writes to another record, and that
    alone."""
    *ids, other = made(system, subject, count + 1)
    tokens = {"native": system["native"]["credentials"]["access_token"], "get": token_of(system, subject)}

    def request(method: str, path: str, id: str, more: str = "\r\n") -> bytes:
        head = f"{method} {subject[path].format(id=id)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {tokens[path]}\r\n"
        return (head + more).encode()

    found = {path: [request("GET", path, id) for id in ids] for path in tokens}
    if writing:
        said = '{"custom":{"looked_at":true}}'
        more = f"If-Match: *\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n{said}"
        write = request("PATCH", "native", other, more)
        found = {path: [write, *gets] for path, gets in found.items()} | {"write": [write]}
    return found


async def measured(pid: int, port: int, requests: dict[str, list[bytes]]) -> tuple[float, float]:
    """Microseconds of the native get and of the vendor's: the quietest round of each, without the writes."""
    least: dict[str, float] = {}
    for number in range(ROUNDS + 1):
        for name, each in requests.items():
            spent = await micros(pid, port, itertools.cycle(each), b"200", REQUESTS if number else REQUESTS // 10)
            if number:
                least[name] = min(spent, least.get(name, spent))
    if "write" in least:
        many, gets = len(requests["get"]), len(requests["get"]) - 1
        return (many * least["native"] - least["write"]) / gets, (many * least["get"] - least["write"]) / gets
    return least["native"], least["get"]


def measure(found: Found, _: object) -> None:
    """Every vendor, in every way."""
    cores = sorted(os.sched_getaffinity(0))
    for kind, count in KINDS.items():
        for name, subject in SUBJECTS.items():
            with Landscape(f"--{subject['role']}", name) as landscape:
                os.sched_setaffinity(landscape.process.pid, {cores[0]})
                os.sched_setaffinity(0, {cores[-1]})
                system = landscape.system(subject["role"])
                port = int(system["url"].rpartition(":")[2])
                requests = asked(system, subject, count, writing="write" in kind)
                native, own = asyncio.run(measured(landscape.process.pid, port, requests))
                os.sched_setaffinity(0, cores)
            found.add(f"{name}{kind}: get by id", own / native, f"{own:.0f} µs; native {native:.0f} µs")


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure))
