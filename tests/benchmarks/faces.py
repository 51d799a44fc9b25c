"""CPU of a vendor face's get by id, as a multiple of the native one of the same record in the same run.

Run as `python tests/benchmarks/faces.py`. The figure is the quietest of several rounds of each, in turn. A vendor takes part by a row of
`SUBJECTS`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import sys
import tempfile
from typing import Any

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
"""By vendor: its role, what makes a record and of what, where that is read by the vendor's path and by ours, the credential, where
the answer has the id, and where the landscape is kept: Salesforce's face remembers answers until something is written, but not where others
may write to the same file."""
SUBJECTS["salesforce, unremembered"] = {
    **SUBJECTS["salesforce"],
    "vendor": "salesforce",
    "store": "sqlite:///{folder}/landscape.db",
}


TARGETS = {f"{vendor}: get by id": Target("×", 1.5, digits=2) for vendor in SUBJECTS}


def made(system: dict[str, Any], subject: dict[str, str]) -> str:
    """The id of a record made through the vendor's face."""
    connection = http.client.HTTPConnection(*system["url"].removeprefix("http://").split(":"))
    headers = {
        "Authorization": f"Bearer {system['credentials'][subject['key']]}",
        "Content-Type": subject["type"],
    }
    connection.request("POST", subject["make"], subject["body"], headers)
    found = json.loads(connection.getresponse().read())
    for step in subject["id"].split("."):
        found = found[int(step) if step.isdecimal() else step]
    return str(found)


async def measured(pid: int, system: dict[str, Any], subject: dict[str, str]) -> tuple[float, float]:
    """Microseconds of the native get and of the vendor's: the quietest round of each."""
    id, port = made(system, subject), int(system["url"].rpartition(":")[2])
    tokens = (system["native"]["credentials"]["access_token"], system["credentials"][subject["key"]])
    asked = [
        f"GET {subject[path].format(id=id)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        for path, token in zip(("native", "get"), tokens, strict=True)
    ]
    found: list[list[float]] = [[], []]
    for number in range(ROUNDS + 1):
        for at, request in enumerate(asked):
            spent = await micros(pid, port, request, b"200", REQUESTS if number else REQUESTS // 10)
            if number:
                found[at].append(spent)
    return min(found[0]), min(found[1])


def measure(found: Found, _: object) -> None:
    """Every vendor."""
    cores = sorted(os.sched_getaffinity(0))
    for name, subject in SUBJECTS.items():
        words = [f"--{subject['role']}", subject.get("vendor", name)]
        with tempfile.TemporaryDirectory(prefix="counterfoil-") as folder:
            if "store" in subject:
                words += ["--store", subject["store"].format(folder=folder)]
            with Landscape(*words) as landscape:
                os.sched_setaffinity(landscape.process.pid, {cores[0]})
                os.sched_setaffinity(0, {cores[-1]})
                system = landscape.system(subject["role"])
                native, own = asyncio.run(measured(landscape.process.pid, system, subject))
                os.sched_setaffinity(0, cores)
        found.add(f"{name}: get by id", own / native, f"{own:.0f} µs; native {native:.0f} µs")


if __name__ == "__main__":
    sys.exit(tell(__doc__, TARGETS, measure))
