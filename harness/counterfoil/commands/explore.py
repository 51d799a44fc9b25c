"""`counterfoil explore`: stories that nobody wrote, until one breaks the books."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.options import UnderTest
from counterfoil.printing import print_json, refused
from counterfoil.vendor_options import Billing, Crm, Erp, Psa, checked, faces


def explore(
    integration: UnderTest = "reference",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the search, of data, ids and faults.")] = 1,
    seconds: Annotated[
        float, typer.Option("--seconds", help="Seconds to search; shrinking takes as long at most.", min=1)
    ] = 120,
    faults: Annotated[
        str | None, typer.Option("--faults", help="Fault plan in force besides those that the search injects.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the shortest failing story is written.")] = Path(
        "story.yaml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    crm: Crm = None,
    psa: Psa = None,
    erp: Erp = None,
    billing: Billing = None,
) -> None:
    """Make up stories of deeds, faults and clock moves until one breaks an invariant; shorten it and keep it in a file.

    Exit code 0: nothing broke within the time. 1: a story broke an invariant (see `counterfoil replay`). 2: wrong usage. 3: something
    could not be run.
    """
    from rich.console import Console

    from counterfoil import faults as plans
    from counterfoil import places
    from counterfoil.activity.deeds import Step
    from counterfoil.bench import Bench, Settings
    from counterfoil.client import Broken
    from counterfoil.descriptor import Unreadable
    from counterfoil.exploring.searching import search
    from counterfoil.exploring.shrinking import shrink
    from counterfoil.exploring.telling import RESTLESS, Told, tell, write
    from counterfoil.integration import resolve

    console = Console(stderr=True, quiet=as_json)
    try:
        places.check_file("--out", out)
        plan = plans.plan(faults) if faults else []
        vendors = checked(faces(crm, psa, erp, billing))
        bench = Bench(Settings(resolve(integration), seed=seed, faults=plan, serial=True, vendors=vendors))
    except Unreadable as error:
        raise refused("explore", error) from error
    began, tellings = time.monotonic(), 0

    def telling(steps: list[Step], only: Sequence[str] = ()) -> Told:
        nonlocal tellings
        tellings += 1
        told = tell(bench, steps, only)
        status.update(f"{tellings} stories told, {time.monotonic() - began:.0f} s, {len(steps)} steps in the last")
        return told

    result: dict[str, Any] = {"integration": integration, "seed": seed, "found": None, "steps": [], "file": None}
    try:
        with console.status("waking the landscape …") as status:
            told = search(telling, number=seed, seconds=seconds)
            result["searched_seconds"] = round(time.monotonic() - began, 1)
            if told is not None:
                found = min(told.broken)
                console.print(
                    f"{found} broke after {len(told.steps)} steps, {result['searched_seconds']} s; making it shorter …"
                )
                asked = [] if found == RESTLESS else [found]
                told = shrink(told, found, lambda steps: telling(steps, asked), seconds=seconds)
                write(out, told, seed=seed, integration=integration, faults=faults, vendors=vendors, found=found)
                result |= {
                    "found": found,
                    "rule": told.broken[found]["rule"],
                    "steps": list(map(str, told.steps)),
                    "file": str(out),
                }
    except Broken as error:
        raise refused("explore", error, 3) from error
    finally:
        bench.stop()
    result |= {"tellings": tellings, "seconds": round(time.monotonic() - began, 1)}
    if as_json:
        print_json(result)
    else:
        say(Console(), result)
    raise typer.Exit(0 if result["found"] is None else 1)


def say(console: Any, result: dict[str, Any]) -> None:
    """The outcome, for people."""
    if result["found"] is None:
        console.print(
            f"[bold green]Nothing broke[/] in {result['tellings']} stories, {result['seconds']} s, seed {result['seed']}"
        )
        return
    console.print(f"[bold red]{result['found']} is violated[/]: {result['rule']}", highlight=False)
    for number, step in enumerate(result["steps"], 1):
        console.print(f"  {number}. {step}", highlight=False)
    console.print(
        f"found after {result['searched_seconds']} s, {result['tellings']} stories in all, {result['seconds']} s",
        highlight=False,
    )
    console.print(f"See it again: counterfoil replay {result['file']}", highlight=False)
