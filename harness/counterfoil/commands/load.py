"""`counterfoil load`: business at a rate, through the integration under test, and the verdict on it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.options import ByProcesses, InLandscape, InStore, UnderFaults, UnderTest
from counterfoil.printing import print_json, refused
from counterfoil.vendor_options import Billing, Crm, Erp, Psa, faces, words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from counterfoil.loading import Seen
    from counterfoil.outcome import Run

RECENT = 10
"""Seconds that the live figures look back."""


def load(
    rate: Annotated[float, typer.Option("--rate", help="Deeds a second, at the highest.", min=0.01, max=10_000)] = 5.0,
    duration: Annotated[
        str | None, typer.Option("--duration", help="How long: 90s, 10m, 1h30m. A minute by default; a soak an hour.")
    ] = None,
    shape: Annotated[str, typer.Option("--shape", help="steady, ramp, month-end or soak.")] = "steady",
    users: Annotated[
        int | None,
        typer.Option("--users", help="People who do deeds; by default twice the rate, so that some are spare.", min=1),
    ] = None,
    calls: Annotated[
        float | None,
        typer.Option("--calls", help="API calls a second by other programs; by default the rate.", min=0, max=10_000),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", help="Locust's own processes beside the one that leads; 0: it does all.", min=0)
    ] = 0,
    elsewhere: Annotated[
        int, typer.Option("--elsewhere", help="So many Locust workers more come from other machines.", min=0)
    ] = 0,
    port: Annotated[int | None, typer.Option("--port", help="Where Locust's workers come to; a free one.")] = None,
    integration: UnderTest = "reference",
    landscape: InLandscape = None,
    faults: UnderFaults = None,
    drain: Annotated[str, typer.Option("--drain", help="How long to wait at the end until all is at rest.")] = "5m",
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of data, ids, faults and deeds.", min=0)] = None,
    size: Annotated[str | None, typer.Option("--size", metavar="S|M|L|XL", help="Size of the firm.")] = None,
    store: InStore = None,
    processes: ByProcesses = None,
    crm: Crm = None,
    psa: Psa = None,
    erp: Erp = None,
    billing: Billing = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a self-contained page here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Do the firm's business at a rate, drain, and say whether the books are right and how long the business waited.

    What is due is due by the rate alone: latency counts from then, and what nobody could begin counts too. Ctrl-C ends the load early,
    then drains and reports.

    Exit code 0: the rate was achieved and all held. 1: something was violated, did not come to rest, or the rate was not achieved.
    2: wrong usage. 3: something could not be run.
    """
    from counterfoil import faults as plans
    from counterfoil import judge, loading, outcome, places
    from counterfoil.bench import Bench, Settings, is_address
    from counterfoil.client import Broken, Refused
    from counterfoil.descriptor import Unreadable
    from counterfoil.integration import resolve
    from counterfoil.loading.plan import Plan, enough, seconds_of, shape_of
    from counterfoil.runner import Order, check_landscape

    began = time.monotonic()
    vendors = faces(crm, psa, erp, billing)
    console, story = (None if as_json else console_of()), None
    try:
        places.check_file("--html", html)
        beside = rate if calls is None else calls
        seconds = seconds_of(duration) if duration else shape_of(shape).seconds
        plan = Plan(
            control="",
            rate=rate,
            seconds=seconds,
            users=users or enough(rate),
            shape=shape,
            calls=beside,
            clients=math.ceil(enough(beside) / 4) if beside else 0,
        )
        story, patience = loading.story(plan), seconds_of(drain, "--drain")
        check_landscape(
            Order(landscape=landscape, seed=seed, size=size, vendors=vendors, store=store, processes=processes)
        )
        settings = Settings(
            resolve(integration),
            landscape=landscape,
            seed=seed,
            size=size,
            faults=plans.plan(faults) if faults else [],
            token=os.environ.get("COUNTERFOIL_TOKEN"),
            slow=True,  # the verdict on a load may take its time
            vendors=vendors,
            store=store,
            processes=processes,
        )
        bench = Bench(settings)
        try:
            with progress(shown=not as_json) as told:
                world = bench.world(story)
                plan, seed = loading.aimed(plan, world, bench.token), world.seed
                result = loading.load(
                    world, plan, workers=workers, elsewhere=elsewhere, port=port, drain_seconds=patience, told=told
                )
                bench.check_alive()
        finally:
            bench.stop()
    except Unreadable as error:
        raise refused("load", error) from error
    except (Broken, Refused) as error:
        result = judge.broken(story or loading.story(plan), str(error))
    again = f"counterfoil load --rate {rate:g} --duration {seconds:g}s --shape {shape}"
    again += "".join(
        f" --{name} {value:g}" for name, value in (("users", users), ("calls", calls)) if value is not None
    )
    own = not is_address(landscape or "")
    said = {
        "landscape": landscape,
        "seed": seed if own else None,
        "size": size,
        "integration": integration,
        "faults": faults,
    }
    for name, value in said.items():
        again += f" --{name} {value}" if value is not None and value != "reference" else ""
    again += words(vendors)
    took = time.monotonic() - began
    result |= {"nodeid": "LOAD", "seed": seed, "seconds": round(took, 1), "replay": again}
    run = outcome.run_object([result], integration=integration, seed=seed, size=size, faults=faults, seconds=took)
    if html is not None:
        from counterfoil.report.html import write

        write(run, html.parent, html)
    if console is None:
        print_json(run)
    else:
        tell(console, run)
    raise typer.Exit(run["exit_code"])


def console_of() -> Console:
    """The console that people read."""
    from rich.console import Console

    return Console()


@contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[Seen], object]]:
    """A few lines on the error channel that follow the load."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield lambda seen: None
        return
    with Live("waking the landscape …", console=console, auto_refresh=False) as live:
        yield lambda seen: live.update(standing(seen), refresh=True)


def standing(seen: Seen) -> Table:
    """How a load stands just now."""
    from rich.table import Table

    from counterfoil.loading.figures import BEGUN, DUE, ENDED, OUTCOME, WHAT, percentiles
    from counterfoil.report.html import short

    now = time.time()
    deeds = [each for each in seen.lines if each[WHAT] == "deed"]
    recent = [each for each in deeds if each[ENDED] > now - RECENT]
    elapsed = max(min(seen.elapsed, seen.plan.seconds), 0.001)
    due = seen.plan.due("deed").by(elapsed)
    slow = percentiles(each[ENDED] - each[DUE] for each in recent)
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "[bold]" + seen.stage,
        f"{elapsed:.0f} of {seen.plan.seconds:g} s",
        f"business time {seen.samples[-1]['now']}" if seen.samples else "",
    )
    table.add_row(
        "deeds", f"{len(deeds)} of {due} due", f"{len(recent) / min(RECENT, max(elapsed, 1)):.1f} a second now"
    )
    counts = [sum(each[OUTCOME] == name for each in deeds) for name in ("refused", "failed")]
    late = percentiles(max(0.0, each[BEGUN] - each[DUE]) for each in recent)
    table.add_row(
        "since due", f"p50 {short(slow['p50'])}  p95 {short(slow['p95'])}", f"begun late by p95 {short(late['p95'])}"
    )
    table.add_row("answers", f"{counts[0]} refused", f"{counts[1]} failed")
    if seen.samples:
        last = seen.samples[-1]
        waits = f"{last['flying']} on their way, {last['ready']} ready, {last['behind']} behind others, {last['later']} later"
        table.add_row("deliveries", waits, f"control plane answers in {short(last['answer'])}")
    return table


def tell(console: Console, run: Run) -> None:
    """Rates, latencies, flows, queues; what failed; the verdict."""
    from counterfoil.commands.run import VERDICTS, summary
    from counterfoil.explain import explain
    from counterfoil.loading.figures import peak
    from counterfoil.report.html import short

    (result,) = run["scenarios"]
    found: dict[str, Any] = result.get("load") or {}
    if found:
        deeds, drained = found["deeds"], found["drain"]
        line = f"Deeds a second: {deeds['intended_rate']:g} intended, [bold]{deeds['achieved_rate']:g}[/] achieved"
        line += f" ({deeds['intended']} due, {deeds['answered']} answered, {deeds['not_begun']} not begun)"
        console.print(line, highlight=False, soft_wrap=True)
        console.print(table_of("Deed, since it was due", found["by_deed"], ("refused", "failed")))
        if found["by_call"]:
            console.print(table_of("Calls, since they were due", found["by_call"][-1:], ("refused",)))
        console.print(table_of("Flow, end to end", found["flows"], ("open",)))
        queues = {name: peak(found["queues"], name) for name in ("ready", "behind", "later")}
        waits = ", ".join(f"{count} {name}" for name, count in queues.items())
        console.print(
            f"Deliveries waiting, at most: {waits}. Control plane: p95 {short(found['control_plane']['p95'])}.",
            highlight=False,
        )
        rest = "at rest" if drained["drained"] else "NOT at rest"
        console.print(
            f"{rest} {drained['seconds']:g} s after the load; {found['dead_letters']['count'] or 'no'} dead letters",
            highlight=False,
        )
    if result["verdict"] != "passed":
        console.rule(style="dim")
        console.print(explain(result), markup=False, highlight=False, soft_wrap=True)
    words, style = VERDICTS[run["verdict"]]
    console.rule(style="dim")
    console.print(f"[{style}]{words}[/]: {summary(run)}", highlight=False, soft_wrap=True)


def table_of(title: str, rows: list[dict[str, Any]], counts: tuple[str, ...]) -> Table:
    """Percentiles of each row."""
    from rich.table import Table

    from counterfoil.report.html import short

    table = Table(box=None, pad_edge=False)
    table.add_column(title)
    names = ("count", *counts, "p50", "p95", "p99", "max")
    for name in names:
        table.add_column(name, justify="right")
    for each in rows:
        table.add_row(each["name"], *(short(each[name]) if name[0] in "pm" else str(each[name]) for name in names))
    return table
