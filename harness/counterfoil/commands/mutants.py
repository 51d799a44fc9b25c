"""`counterfoil mutants`: is the suite worth anything? Every mutant of the reference integration must be caught."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class Verdict(TypedDict):
    """What became of a mutant. by: ids of the invariants that caught it, and ids of the scenarios whose expectations did; expected:
    the invariants that its file names; as_named: one of these caught it; runs: the scenarios with their verdicts."""

    id: str
    title: str
    caught: bool
    as_named: bool
    by: list[str]
    expected: list[str]
    runs: dict[str, str]
    error: str | None


def mutants(
    ids: Annotated[list[str] | None, typer.Argument(help="Mutants (F-07); all by default.")] = None,
    workers: Annotated[int, typer.Option("-n", help="Mutants at once.", min=1)] = max(1, (os.cpu_count() or 2) // 2),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a self-contained page here.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of data, ids and faults.")] = None,
) -> None:
    """Run each mutant against the scenarios and faults that its file declares, and show what caught it.

    Exit code 0: all were caught. 1: one survived. 2: wrong usage. 3: one could not be run.
    """
    import orjson

    from counterfoil.descriptor import Unreadable

    try:
        wanted = chosen(ids or ())
    except Unreadable as error:
        typer.echo(f"counterfoil mutants: {error}", err=True)
        raise typer.Exit(2) from error
    with ThreadPoolExecutor(workers) as pool:
        verdicts = list(pool.map(lambda each: tried(each, seed), wanted))
    ordered = sorted(verdicts, key=lambda each: (each["caught"], each["as_named"], each["id"]))
    told: dict[str, Any] = {
        "total": len(ordered),
        "caught": sum(each["caught"] for each in ordered),
        "mutants": ordered,
    }
    if html is not None:
        from counterfoil.report.html import write_mutants

        write_mutants(told, html)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    else:
        show(ordered)
    raise typer.Exit(exit_code(ordered))


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


def tried(mutant: Any, seed: int | None) -> Verdict:
    """Run one mutant in a process of its own; what it declares says against which scenarios, under which faults."""
    import tempfile

    import orjson

    found: Verdict = {
        "id": mutant.id,
        "title": mutant.title,
        "caught": False,
        "as_named": False,
        "by": [],
        "expected": list(mutant.invariants),
        "runs": {},
        "error": None,
    }
    command = [sys.executable, "-m", "counterfoil", "run", *mutant.scenarios, "--integration", f"mutant:{mutant.id}"]
    command += ["--json"] + ([] if seed is None else ["--seed", str(seed)])
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as place:
        if mutant.faults:
            plan = Path(place) / "faults.json"
            plan.write_bytes(orjson.dumps(list(mutant.faults)))
            command += ["--faults", str(plan)]
        done = subprocess.run(command, capture_output=True, check=False)
    try:
        run = orjson.loads(done.stdout)
    except orjson.JSONDecodeError:
        return found | {"error": done.stderr.decode(errors="replace")[-2000:] or f"ended with code {done.returncode}"}
    return judged(found, run["scenarios"])


def judged(found: Verdict, scenarios: Iterable[dict[str, Any]]) -> Verdict:
    """The verdict on a mutant from its scenarios: violated is caught, broken is neither."""
    by: dict[str, None] = {}
    for each in scenarios:
        found["runs"][each["id"]] = each["verdict"]
        by |= dict.fromkeys(violation["invariant"] for violation in each["violations"])
        if each["error"] or any(not seen["held"] for seen in each.get("expectations", ())):
            by |= {each["id"]: None} if each["verdict"] == "violated" else {}
        if each["verdict"] == "broken":
            found["error"] = str(each["error"])
    found["by"] = sorted(by)
    found["caught"] = bool(by)
    found["as_named"] = not set(found["by"]).isdisjoint(found["expected"])
    return found


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """3 when a mutant that nothing caught could not be run, 1 when one survived."""
    if any(each["error"] and not each["caught"] for each in verdicts):
        return 3
    return 0 if verdicts and all(each["caught"] for each in verdicts) else 1


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
