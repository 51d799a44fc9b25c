"""`counterfoil run`: scenarios against an integration, with a verdict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.options import ByProcesses, InLandscape, InStore, UnderFaults, UnderTest
from counterfoil.printing import print_json, refused
from counterfoil.vendor_options import Billing, Crm, Erp, Psa, faces

if TYPE_CHECKING:
    from rich.console import Console

    from counterfoil.outcome import Run

VERDICTS = {
    "passed": ("The books are right", "bold green"),
    "violated": ("The books are not right", "bold red"),
    "broken": ("No verdict: something could not be run", "bold yellow"),
    "empty": ("No verdict: no scenario ran", "bold yellow"),
    "unreadable": ("No verdict: a file cannot be read", "bold yellow"),
    "interrupted": ("No verdict: interrupted", "bold yellow"),
}


def run(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Scenario ids (S-01), files or folders; all shipped scenarios by default."),
    ] = None,
    keyword: Annotated[str | None, typer.Option("-k", help="Only scenarios whose names match the expression.")] = None,
    scenario: Annotated[
        list[str] | None, typer.Option("--scenario", help="Only this scenario of the files given.")
    ] = None,
    integration: UnderTest = "reference",
    landscape: InLandscape = None,
    faults: UnderFaults = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a self-contained page here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write state.ndjson and journal.ndjson into this folder.")
    ] = None,
    serial: Annotated[
        bool, typer.Option("--serial", help="Deliver events one at a time, so that a seed repeats byte for byte.")
    ] = False,
    slow: Annotated[
        bool, typer.Option("--slow", help="Tell the slow scenarios too, and the others in full size.")
    ] = False,
    workers: Annotated[
        str | None, typer.Option("-n", help="Processes, each with its own landscape; or `auto`.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of data, ids and faults.")] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", help="So many runs, each with the next seed (for the night).", min=1, max=1000)
    ] = 1,
    size: Annotated[str | None, typer.Option("--size", help="Size of the firm: S, M, L or XL.")] = None,
    store: InStore = None,
    processes: ByProcesses = None,
    crm: Crm = None,
    psa: Psa = None,
    erp: Erp = None,
    billing: Billing = None,
) -> None:
    """Run scenarios against an integration and say whether the books are right.

    Exit code 0: all held. 1: something was violated. 2: wrong usage, or no scenario ran. 3: something could not be run.
    130: interrupted.
    """
    from counterfoil.descriptor import Unreadable
    from counterfoil.runner import Face, Order, execute, execute_all

    order = Order(
        targets or (),
        keyword,
        integration,
        landscape,
        faults,
        junit,
        html,
        export,
        serial,
        workers,
        seed,
        size,
        scenario or (),
        slow,
        faces(crm, psa, erp, billing),
        store,
        processes,
    )
    console = None if as_json else console_on_stdout()
    try:
        found = execute(order, Face(console)) if seeds == 1 else execute_all(order, seeds, lambda: Face(console))
    except Unreadable as error:
        raise refused("run", error) from error
    if console is None:
        print_json(found)
    else:
        tell(console, found)
    raise typer.Exit(found["exit_code"])


def console_on_stdout() -> Console:
    """A console on a copy of standard output, which pytest's capture does not reach."""
    import os

    from rich.console import Console

    return Console(file=os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))


def tell(console: Console, found: Run) -> None:
    """Explain what failed, then the verdict."""
    from counterfoil.explain import explain

    alike: dict[str, list[str]] = {}
    for each in found["scenarios"]:
        if each["verdict"] in ("broken", "unreadable"):
            alike.setdefault(str(each.get("error")), []).append(each["id"])
    for each in found["scenarios"]:
        others = alike.get(str(each.get("error")), [each["id"]])
        if each["verdict"] in ("violated", "broken", "unreadable") and each["id"] == others[0]:
            console.rule(style="dim")
            console.print(explain(each), markup=False, highlight=False, soft_wrap=True)
            if others[1:]:
                console.print(f"The same for {', '.join(others[1:])}.", highlight=False, soft_wrap=True)
    for fault in found["idle_faults"]:
        console.print(f"[yellow]Never struck:[/] a fault of the plan: {fault}", highlight=False, soft_wrap=True)
    for complaint in found["complaints"]:
        console.print(complaint, markup=False, highlight=False, soft_wrap=True)
    words, style = VERDICTS[found["verdict"]]
    console.rule(style="dim")
    console.print(f"[{style}]{words}[/]: {summary(found)}", highlight=False, soft_wrap=True)


def summary(found: Run) -> str:
    """Counts, the invariants behind them, and what the run can be repeated with."""
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(found["counts"].items()))
    held = {name for each in found["scenarios"] for name in each.get("held", ())}
    apart: dict[str, Any] = {
        miss["invariant"]: miss for each in found["scenarios"] for miss in each.get("not_applicable", ())
    }
    parts = [counts or "no scenario", f"{len(held)} invariants held"]
    parts += [f"not applicable: {', '.join(sorted(apart))}"] if apart else []
    seeds = sorted({int(seed) for each in found["scenarios"] if (seed := each.get("seed")) is not None})
    parts += [f"seeds {seeds[0]} to {seeds[-1]}"] if len(seeds) > 1 else [f"seed {seed}" for seed in seeds]
    parts += [f"integration {found['integration']}"]
    return ", ".join([*parts, f"{found['seconds']:.1f} s"])
