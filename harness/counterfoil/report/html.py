"""The page of a run: self-contained, for the person who answers for the books. No network, no scripts from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import orjson
from markupsafe import Markup, escape

from counterfoil import explain
from counterfoil.money import readable, show
from counterfoil.outcome import Run
from counterfoil.report.charts import lines
from counterfoil.report.lanes import Pause, Picture, label, picture
from counterfoil_mocks.kernel.money import EXPONENTS

HEADLINES = {
    "passed": "The books are right",
    "violated": "The books are not right",
    "broken": "No verdict: something could not be run",
    "empty": "No verdict: no scenario ran",
    "unreadable": "No verdict: a file or argument makes no sense",
}
WORDS = {"passed": "passed", "violated": "violated", "broken": "could not run", "unreadable": "unreadable"}
WORDS |= {"not_applicable": "not applicable"}


def write(run: Run, evidence: Path, path: Path) -> None:
    """Render a run and write it; the folder of the file is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(run, evidence), encoding="utf-8")


def environment() -> jinja2.Environment:
    """The templates beside this module, with the words they use."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(columns_of=explain.columns_of, cell=explain.cell, holds_amounts=explain.holds_amounts)
    made.globals.update(readable=readable, show=show, label=label, words=WORDS, figure=figure, chart=chart)
    made.globals.update(lines=lines, short=short)
    made.tests["pause"] = lambda row: isinstance(row, Pause)
    return made


def render(run: Run, evidence: Path) -> str:
    """The page as text."""
    page = environment().get_template("run.html.j2")
    return page.render(
        run=run,
        headline=HEADLINES[run["verdict"]],
        at_stake=at_stake(run),
        invariants=ledger(run),
        pictures={each["nodeid"]: drawn(each, evidence) for each in run["scenarios"] if each.get("evidence")},
    )


def write_mutants(told: Mapping[str, Any], path: Path) -> None:
    """Render the matrix of mutants and write it."""
    columns = sorted({name for each in told["mutants"] for name in (*each["by"], *each["expected"])})
    path.parent.mkdir(parents=True, exist_ok=True)
    page = environment().get_template("mutants.html.j2")
    path.write_text(page.render(told=told, columns=columns), encoding="utf-8")


def drawn(result: Mapping[str, Any], evidence: Path) -> Picture | None:
    """The picture of one scenario; None where nothing happened."""
    entries = orjson.loads((evidence / result["evidence"] / "journal.json").read_bytes())
    systems = list(dict.fromkeys(("crm", "psa", "billing", "erp", *(entry["system"] for entry in entries))))
    made = picture(entries, [name for name in systems if name not in ("integration", "control")])
    return made if made.rows else None


def at_stake(run: Run) -> list[str]:
    """The largest sum that any one invariant puts at stake, a currency at a time (one wrong invoice breaks several rules, so
    sums over invariants would count it twice)."""
    most: dict[str, int] = {}
    for each in run["scenarios"]:
        worst: dict[str, int] = {}
        for violation in each.get("violations", ()):
            for amount in violation["at_stake"]:
                worst[amount["ccy"]] = max(worst.get(amount["ccy"], 0), amount["minor"])
        for ccy, minor in worst.items():
            most[ccy] = most.get(ccy, 0) + minor
    return [show({"minor": minor, "ccy": ccy}) for ccy, minor in sorted(most.items())]


def ledger(run: Run) -> list[dict[str, Any]]:
    """Each invariant over all scenarios: how often it held, in which it was violated, whether it did not apply."""
    found: dict[str, dict[str, Any]] = {}

    def row(name: str) -> dict[str, Any]:
        return found.setdefault(name, {"id": name, "rule": "", "held": 0, "violated": [], "missing": []})

    for each in run["scenarios"]:
        for name in each.get("held", ()):
            row(name)["held"] += 1
        for violation in each.get("violations", ()):
            row(violation["invariant"])["violated"].append(each["id"])
            row(violation["invariant"])["rule"] = violation["rule"]
        for missed in each.get("not_applicable", ()):
            row(missed["invariant"])["missing"] = missed["missing"]
            row(missed["invariant"])["rule"] = missed["rule"]
    return [with_rule(found[name]) for name in sorted(found)]


def with_rule(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its sentence, from the catalogue."""
    from counterfoil.invariant import catalogue

    known = catalogue().get(row["id"])
    return row if row["rule"] or known is None else row | {"rule": known.rule}


def figure(each: Mapping[str, Any]) -> str:
    """A KPI's value for people: fractions in percent, minor units as money where the inputs name the currency."""
    value, unit = each["value"], each["unit"]
    if value is None:
        return "nothing to measure"
    if unit == "fraction":
        return f"{Decimal(str(value)) * 100:.1f} %"
    ccy = each.get("inputs", {}).get("ccy")
    if unit == "minor units" and ccy in EXPONENTS:
        return show({"minor": int(value), "ccy": ccy})
    return f"{value} {unit}".strip()


def short(seconds: float | None) -> str:
    """A time for people: milliseconds below a second."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def chart(each: Mapping[str, Any]) -> Markup:
    """A small picture of a KPI, as inline SVG: a bar for a fraction, a column for each part of an amount by age; else nothing."""
    value, parts = each["value"], each.get("inputs", {}).get("by_age")
    if each["unit"] == "fraction" and value is not None:
        width = round(96 * min(max(float(Decimal(str(value))), 0.0), 1.0))
        shapes = (
            f'<rect width="96" height="8" rx="2" class="rail"/><rect width="{width}" height="8" rx="2" class="fill"/>'
        )
        return Markup(f'<svg width="96" height="8" role="img" aria-label="{escape(str(value))}">{shapes}</svg>')
    if parts and sum(parts.values()) > 0:
        most = max(parts.values())
        columns = "".join(
            f'<rect x="{24 * at}" y="{20 - height}" width="20" height="{height}" class="fill"><title>{escape(name)}</title></rect>'
            for at, (name, minor) in enumerate(parts.items())
            if (height := max(round(20 * minor / most), 1))
        )
        return Markup(f'<svg width="96" height="20" role="img" aria-label="by age">{columns}</svg>')
    return Markup("")
