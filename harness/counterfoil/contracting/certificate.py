"""One page that a vendor can hand to a customer: what an integration was put through, and how it did. The same seed gives the same page."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from counterfoil.contracting import journal, record, shapes, verifying
from counterfoil.integration import called
from counterfoil.outcome import INTERRUPTED, Run
from counterfoil.runner import Face, Order, execute

Record = dict[str, Any]
CORE = ("S-01", "S-02", "S-08", "S-16", "S-29")
"""Scenarios of the level `core`; `full` tells all of them."""
PLANS = {"core": ("lossy", "repeating"), "full": ("noisy", "lossy", "failing", "repeating")}
SHAKEN = {"core": ("S-02",), "full": CORE}
"""Scenarios that are told again under each fault plan."""


@dataclass(frozen=True)
class Commission:
    """What to certify. scenarios: instead of those of the level (then it certifies no level)."""

    integration: str
    level: str = "core"
    seed: int = 1
    scenarios: Sequence[str] = field(default=())

    @property
    def told(self) -> Sequence[str]:
        """Scenarios to tell; none for all of them."""
        return self.scenarios or (CORE if self.level == "core" else ())

    @property
    def shaken(self) -> Sequence[str]:
        """Scenarios to tell under faults."""
        return self.scenarios[:1] or SHAKEN[self.level]


def certify(commission: Commission) -> Record:
    """Put an integration through scenarios, faults and its own contracts; returns the certificate. Raises Unreadable, or Broken."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as place:
        folder = Path(place)
        plain = _tell(commission, commission.told, export=folder / "run")
        shaken = {plan: _tell(commission, commission.shaken, faults=plan) for plan in PLANS[commission.level]}
        runs = journal.read(folder / "run")
        record.record(runs, folder / "pacts")
        verified = verifying.run(verifying.Order((folder / "pacts",)))
        return drawn(commission, plain, shaken, runs, verified)


def _tell(
    commission: Commission, scenarios: Sequence[str], *, faults: str | None = None, export: Path | None = None
) -> Run:
    order = Order(
        scenarios, integration=commission.integration, seed=commission.seed, faults=faults, export=export, serial=True
    )
    told = execute(order, Face(None))
    if told["exit_code"] == INTERRUPTED:
        raise KeyboardInterrupt
    return told


def drawn(
    commission: Commission,
    plain: Run,
    shaken: dict[str, Run],
    runs: Sequence[journal.Run],
    verified: Sequence[Record],
) -> Record:
    """The certificate from what was found."""
    scenarios = [summary(each) for each in sorted(plain["scenarios"], key=lambda each: str(each["id"]))]
    faults = {
        plan: {each["id"]: each["verdict"] for each in sorted(run["scenarios"], key=lambda each: str(each["id"]))}
        for plan, run in shaken.items()
    }
    held = sorted({name for each in plain["scenarios"] for name in each.get("held", ())})
    violated = sorted({name for each in scenarios for name in each["violated"]})
    apart = sorted({miss["invariant"] for each in plain["scenarios"] for miss in each.get("not_applicable", ())})
    contracts = [
        {
            "provider": each["provider"],
            "interactions": len(each["interactions"]),
            "held": sum(interaction["held"] for interaction in each["interactions"]),
        }
        for each in sorted(verified, key=lambda each: str(each["provider"]))
    ]
    deviations = [
        *(
            f"{each['id']} is {each['verdict']}: {', '.join(filter(None, (*each['violated'], each['unmet']))) or 'it could not be told'}"
            for each in scenarios
            if failed(each["verdict"])
        ),
        *(
            f"{name} under the fault plan {plan} is {said}"
            for plan, of in faults.items()
            for name, said in of.items()
            if failed(said)
        ),
        *(
            f"its contract with {each['provider']} holds in {each['held']} of {each['interactions']}"
            for each in contracts
            if each["held"] < each["interactions"]
        ),
    ]
    word = "passed" if commission.scenarios else "certified"
    return {
        "verdict": f"not {word}" if deviations or not scenarios else word,
        "integration": called(commission.integration),
        "level": "none" if commission.scenarios else commission.level,
        "seed": commission.seed,
        "versions": {"counterfoil": version("counterfoil"), "contracts": contracts_digest()},
        "scope": {
            "scenarios": [each["id"] for each in scenarios],
            "fault_plans": list(faults),
            "systems": "native faces",
        },
        "scenarios": scenarios,
        "invariants": {"held": held, "violated": violated, "not_applicable": apart},
        "faults": faults,
        "contracts": contracts,
        "operations": operations(runs),
        "deviations": deviations,
    }


def failed(verdict: str) -> bool:
    """Whether a verdict speaks against the integration."""
    return verdict not in ("passed", "not_applicable")


def summary(result: Any) -> Record:
    """A scenario's part of the page."""
    unmet = sum(not each["held"] for each in result.get("expectations", ()))
    return {
        "id": result["id"],
        "title": result["title"],
        "verdict": result["verdict"],
        "violated": sorted(each["invariant"] for each in result.get("violations", ())),
        "unmet": f"{unmet} expectation{'s' if unmet != 1 else ''} not met" if unmet else "",
    }


def operations(runs: Sequence[journal.Run]) -> dict[str, Record]:
    """Operations that the integration used, of those that each system offers."""
    used: dict[str, set[str]] = {}
    for run in runs:
        for each in run.exchanges:
            if not each.by_person and each.operation not in journal.UNTOLD:
                used.setdefault(each.system, set()).add(each.operation)
    home = shapes.Shapes().folder
    return {
        system: {"used": sorted(names), "offered": len(shapes.operations_of(home / "openapi" / f"{system}.yaml"))}
        for system, names in sorted(used.items())
    }


def contracts_digest() -> str:
    """What tells the version of the exported contracts."""
    home = shapes.Shapes().folder
    whole = hashlib.sha256()
    for folder in ("openapi", "asyncapi"):
        for place in sorted((home / folder).glob("*.yaml")):
            whole.update(place.read_bytes())
    return whole.hexdigest()[:16]


def write(certificate: Record, out: Path) -> tuple[Path, Path]:
    """Write the page as HTML and JSON; returns both paths."""
    from counterfoil.report.html import environment

    out.mkdir(parents=True, exist_ok=True)
    machine, page = out / "certificate.json", out / "certificate.html"
    machine.write_bytes(orjson.dumps(certificate, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    page.write_text(environment().get_template("certificate.html.j2").render(found=certificate), encoding="utf-8")
    return page, machine
