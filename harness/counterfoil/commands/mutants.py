"""`counterfoil mutants`: is the suite worth anything? Every mutant of the reference integration must be caught."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.printing import print_json, refused
from counterfoil.vendor_options import Billing, Crm, Erp, Psa, checked, faces

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from counterfoil.detection import Verdict


def mutants(
    ids: Annotated[list[str] | None, typer.Argument(help="Mutants (F-07); all by default.")] = None,
    workers: Annotated[int, typer.Option("-n", help="Mutants at once.", min=1)] = max(1, (os.cpu_count() or 2) // 2),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a self-contained page here.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of data, ids and faults.")] = None,
    named: Annotated[
        bool, typer.Option("--named", help="Count as caught only what an invariant of its catalogue row catches.")
    ] = False,
    crm: Crm = None,
    psa: Psa = None,
    erp: Erp = None,
    billing: Billing = None,
) -> None:
    """Run each mutant against the scenarios and faults that its file declares, and show what caught it.

    Exit code 0: all were caught. 1: one survived. 2: wrong usage. 3: one could not be run.
    """

    from counterfoil import detection, places
    from counterfoil.descriptor import Unreadable

    try:
        places.check_file("--html", html)
        wanted, vendors = chosen(ids or ()), checked(faces(crm, psa, erp, billing))
    except Unreadable as error:
        raise refused("mutants", error) from error
    with progress(len(wanted), shown=not as_json) as done:
        verdicts = detection.measure(wanted, workers=workers, seed=seed, vendors=vendors, done=done)
    told: dict[str, Any] = {
        "total": len(verdicts),
        "caught": sum(each["caught"] for each in verdicts),
        "as_named": sum(each["as_named"] for each in verdicts),
        "mutants": verdicts,
    }
    if html is not None:
        from counterfoil.report.html import write_mutants

        write_mutants(told, html)
    if as_json:
        print_json(told)
    else:
        show(verdicts)
    raise typer.Exit(detection.exit_code(verdicts, named=named))


def chosen(ids: Sequence[str]) -> list[Any]:
    """The mutants with these ids, all when none is named; raises Unreadable for an unknown one."""
    from counterfoil.descriptor import Unreadable
    from counterfoil.reference.mutants import catalogue

    known = catalogue()
    wanted = [each.upper() for each in ids] or list(known)
    unknown = [each for each in wanted if each not in known]
    if unknown:
        raise Unreadable(f"no mutant {', '.join(unknown)}; there are: {', '.join(known)}")
    return [known[each] for each in wanted]


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Callable[[Verdict], object]]:
    """A bar on the error channel that moves with every mutant that has been tried, and names the survivors as they come."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield lambda verdict: None
        return
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("mutants", total=total)

        def done(verdict: Verdict) -> None:
            bar.advance(task)
            if not verdict["caught"]:
                bar.console.print(f"[red]{verdict['id']} survived[/] {verdict['title']}")

        yield done


def show(verdicts: Sequence[Verdict]) -> None:
    """The matrix on the terminal, survivors first."""
    from rich.console import Console

    console = Console()
    console.print(matrix(verdicts))
    tell(console, verdicts)


def matrix(verdicts: Sequence[Verdict]) -> Table:
    """Mutant against what caught it; invariants that its file names but that did not are dim."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("Mutant", "Defect", "Verdict", "Caught by", "Scenarios"):
        table.add_column(name, overflow="fold")
    for each in verdicts:
        word = (
            "[green]caught[/]"
            if each["caught"]
            else "[yellow]could not run[/]"
            if each["error"]
            else "[red]survived[/]"
        )
        silent = [f"[dim]({name})[/]" for name in each["expected"] if name not in each["by"]]
        ran = " ".join(each["runs"]) or "–"
        table.add_row(each["id"], each["title"], word, " ".join([*each["by"], *silent]), ran)
    return table


def tell(console: Console, verdicts: Sequence[Verdict]) -> None:
    """The count, and what could not run."""
    for each in verdicts:
        if each["error"]:
            console.print(f"{each['id']}: {each['error']}", markup=False, highlight=False)
    caught = sum(each["caught"] for each in verdicts)
    otherwise = [each["id"] for each in verdicts if each["caught"] and not each["as_named"]]
    if otherwise:
        console.print(f"Caught, but by no invariant that they name: {', '.join(otherwise)}", highlight=False)
    style = "bold green" if caught == len(verdicts) else "bold red"
    console.print(f"[{style}]{caught} of {len(verdicts)} mutants caught[/]")
