"""`counterfoil replay`: a story that exploration has kept, told once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.printing import refused
from counterfoil.vendor_options import checked


def replay(
    file: Annotated[Path, typer.Argument(help="A story that `counterfoil explore` has written.")],
    integration: Annotated[
        str | None, typer.Option("--integration", help="Another integration than the one that it broke.")
    ] = None,
) -> None:
    """Tell a kept story again, exactly as it was, and say whether it still breaks the same invariant.

    Exit code 0: it breaks nothing any more. 1: it breaks what it broke. 2: the file cannot be read. 3: something could not be run.
    """
    from rich.console import Console

    from counterfoil import faults as plans
    from counterfoil.bench import Bench, Settings
    from counterfoil.client import Broken
    from counterfoil.descriptor import Unreadable
    from counterfoil.explain import violation
    from counterfoil.exploring.telling import read, same_rows, tell
    from counterfoil.integration import resolve

    console = Console()
    try:
        story = read(file)
        under_test = integration or str(story["integration"])
        plan = plans.plan(story["faults"]) if story.get("faults") else []
        vendors = checked(dict(story.get("vendors") or {}))
        bench = Bench(Settings(resolve(under_test), seed=story.get("seed"), faults=plan, serial=True, vendors=vendors))
    except Unreadable as error:
        raise refused("replay", error) from error
    for number, step in enumerate(story["steps"], 1):
        console.print(f"  {number}. {step}", highlight=False)
    try:
        told = tell(bench, story["steps"])
    except Broken as error:
        raise refused("replay", error, 3) from error
    finally:
        bench.stop()
    wanted = str((story.get("violated") or {}).get("invariant"))
    for name, found in told.broken.items():
        shown = {"at_stake": [], "first_cause": None, "passed_by": None, **found, "invariant": name}
        console.print(violation(shown), markup=False, highlight=False, soft_wrap=True)
    if wanted in told.broken:
        same = same_rows(story["violated"].get("rows") or (), told.broken[wanted]["rows"])
        console.print(f"[bold red]{wanted} is violated again[/], {'exactly as before' if same else 'by other rows'}")
        raise typer.Exit(1)
    console.print(
        f"[bold green]{wanted} holds[/]" + (f", but {', '.join(told.broken)} does not" if told.broken else "")
    )
    raise typer.Exit(1 if told.broken else 0)
