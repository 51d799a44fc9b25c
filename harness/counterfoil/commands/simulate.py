"""`counterfoil simulate`: a year of the firm, lived through the integration under test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.options import UnderFaults, UnderTest
from counterfoil.printing import print_json, refused
from counterfoil.vendor_options import Billing, Crm, Erp, Psa, checked, faces, words

if TYPE_CHECKING:
    from rich.table import Table

    from counterfoil.outcome import Run


def simulate(
    months: Annotated[int, typer.Option("--months", help="How long.", min=1, max=60)] = 12,
    size: Annotated[str, typer.Option("--size", metavar="S|M", help="Size of the firm.")] = "S",
    seed: Annotated[int, typer.Option("--seed", help="Seed of data, ids, faults and of what people do.", min=0)] = 1,
    faults: UnderFaults = None,
    integration: UnderTest = "reference",
    serial: Annotated[
        bool, typer.Option("--serial", help="Deliver events one at a time, so that a seed repeats its report exactly.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a self-contained page here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    crm: Crm = None,
    psa: Psa = None,
    erp: Erp = None,
    billing: Billing = None,
) -> None:
    """Live the firm for months: sell, deliver, change, bill, get paid; then the invariants, the KPIs and a report.

    Exit code 0: all held. 1: something was violated. 2: wrong usage. 3: something could not be run.
    """
    from counterfoil import faults as plans
    from counterfoil import judge, outcome, places, simulation
    from counterfoil.activity import rhythm
    from counterfoil.bench import Bench, Settings
    from counterfoil.client import Broken, Refused
    from counterfoil.descriptor import Unreadable
    from counterfoil.integration import resolve

    story, began = simulation.story(months), time.monotonic()
    try:
        places.check_file("--html", html)
        if size not in rhythm.BUSY:
            raise Unreadable(
                f"--size {size}: a firm that is simulated has one of these sizes: {', '.join(rhythm.BUSY)}"
            )
        plan = plans.plan(faults) if faults else []
        vendors = checked(faces(crm, psa, erp, billing))
        bench = Bench(Settings(resolve(integration), seed=seed, size=size, faults=plan, serial=serial, vendors=vendors))
        try:
            with progress(months, shown=not as_json) as done:
                result = simulation.simulate(bench.world(story), months=months, size=size, done=done)
                bench.check_alive()
        finally:
            bench.stop()
    except Unreadable as error:
        raise refused("simulate", error) from error
    except (Broken, Refused) as error:
        result = judge.broken(story, str(error))
    again = f"counterfoil simulate --months {months} --size {size} --seed {seed}" + words(faces(crm, psa, erp, billing))
    for name, value in (("integration", integration), ("faults", faults)):
        again += f" --{name} {value}" if value and value != "reference" else ""
    result |= {"nodeid": story.id, "seed": seed, "seconds": 0.0, "replay": again + " --serial" * serial}
    run = outcome.run_object([result], integration=integration, seed=seed, size=size, faults=faults, seconds=0.0)
    if html is not None:
        from counterfoil.report.html import write

        write(run, html.parent, html)
    if as_json:
        print_json(run)
    else:
        tell(run, time.monotonic() - began)
    raise typer.Exit(run["exit_code"])


@contextmanager
def progress(months: int, *, shown: bool) -> Iterator[Callable[[str, int, int], object]]:
    """A bar on the error channel that moves with every week that has been lived."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield lambda now, deals, deeds: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("waking the landscape …", total=months * 52 / 12)

        def done(now: str, deals: int, deeds: int) -> None:
            bar.update(task, advance=1, description=f"{now}: {deals} deals, {deeds} deeds")

        yield done


def tell(run: Run, seconds: float) -> None:
    """The months, the figures, what failed, the verdict."""
    from rich.console import Console

    from counterfoil.commands.run import VERDICTS, summary
    from counterfoil.explain import explain
    from counterfoil.report.html import figure

    console, (result,) = Console(), run["scenarios"]
    if result.get("months"):
        console.print(lived(result["months"]))
        for each in result["kpis"]:
            console.print(f"  {each['name']:34} {figure(each)}", highlight=False)
    if result["verdict"] != "passed":
        console.rule(style="dim")
        console.print(explain(result), markup=False, highlight=False, soft_wrap=True)
    words, style = VERDICTS[run["verdict"]]
    console.rule(style="dim")
    said = summary({**run, "seconds": seconds})
    console.print(f"[{style}]{words}[/]: {said}", highlight=False, soft_wrap=True)


def lived(months: list[dict[str, Any]]) -> Table:
    """What each month held."""
    from rich.table import Table

    from counterfoil.money import show

    table = Table(box=None, pad_edge=False)
    for name in ("Month", "Deals", "Deeds", "Refused", "Invoiced, net", "Received", "Violated"):
        table.add_column(name, justify="right" if name in ("Deals", "Deeds", "Refused") else "left", overflow="fold")
    for each in months:
        sums = [
            "\n".join(show({"minor": minor, "ccy": ccy}) for ccy, minor in each[name].items()) or "–"
            for name in ("invoiced", "received")
        ]
        counts = (str(each["deals"]), str(sum(each["deeds"].values())), str(sum(each["refused"].values())))
        table.add_row(each["month"], *counts, *sums, " ".join(each["violated"]) or "–")
    return table
