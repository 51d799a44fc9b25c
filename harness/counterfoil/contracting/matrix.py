"""Can it be deployed? From pacts and verification results in a folder, with no broker: which consumer goes with which provider version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from counterfoil.contracting.verify import Pact

Record = dict[str, Any]
SUFFIX = ".verification.json"


def keep(result: Mapping[str, Any], folder: Path) -> Path:
    """Write the result of a verification where `matrix` finds it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{result['consumer']}-{result['provider']}-{result['provider_version']}".replace(":", "-").replace("/", "-")
    place = folder / f"{name}{SUFFIX}"
    place.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return place


def results(folder: Path) -> list[Record]:
    """The results in a folder."""
    return [orjson.loads(place.read_bytes()) for place in sorted(folder.rglob(f"*{SUFFIX}"))]


def matrix(pacts: Sequence[Pact], found: Sequence[Mapping[str, Any]], wanted: Mapping[str, str]) -> list[Record]:
    """One row for each pact and provider version. wanted: the version of a provider that counts, by its name; all that have been verified
    by default. verdict: `verified`, `broken`, or `unknown` where nobody has verified this very pact."""
    rows: list[Record] = []
    for pact in pacts:
        of_it = [each for each in found if (each["consumer"], each["provider"]) == (pact.consumer, pact.provider)]
        versions = sorted({str(each["provider_version"]) for each in of_it})
        for version in [wanted[pact.provider]] if pact.provider in wanted else versions or ["?"]:
            same = [each for each in of_it if each["provider_version"] == version and each["pact"] == pact.digest]
            verdict = "unknown" if not same else "verified" if all(each["success"] for each in same) else "broken"
            broken = [each["description"] for result in same for each in result["interactions"] if not each["held"]]
            rows.append(
                {
                    "consumer": pact.consumer,
                    "consumer_version": str(pact.own.get("consumerVersion", "0")),
                    "provider": pact.provider,
                    "provider_version": version,
                    "verdict": verdict,
                    "broken": broken,
                }
            )
    return rows


def deployable(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every row is verified."""
    return bool(rows) and all(each["verdict"] == "verified" for each in rows)
