"""`counterfoil init`: the files that a folder needs to test an integration, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.printing import refused

FILES = {
    "integration.yaml": "the descriptor: how your integration starts, what it is told, where it listens",
    "integration.py": "a small sample integration, to be replaced by yours",
    "landscape.yaml": "the firm and its systems",
    "scenarios/first_customer.py": "a scenario",
    ".github/workflows/counterfoil.yml": "the check on every push (GitHub Actions)",
}
SOURCES = {".github/workflows/counterfoil.yml": "github/counterfoil.yml"}


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where to write; made where it is missing. Here by default.")
    ] = Path(),
) -> None:
    """Write a descriptor, a sample integration, a landscape, a scenario and a CI workflow that run as they are.

    Nothing is ever overwritten. Exit code 0: written. 2: one of the files is there already, or the folder cannot be written.
    """
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise refused(
            "init",
            f"{', '.join(there)}: there already, and nothing is overwritten; move it away or name another folder",
        )
    scaffold = Path(__file__).resolve().parents[1] / "scaffold"
    try:
        for name in FILES:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write((scaffold / SOURCES.get(name, name)).read_text(encoding="utf-8"))
    except OSError as error:
        raise refused("init", f"{error.filename or folder}: cannot be written ({error.strerror or error})") from error
    widest = max(map(len, FILES))
    for name, what in FILES.items():
        typer.echo(f"  {name:{widest}}  {what}")
    inside = "" if folder == Path() else f"cd {folder} && "
    typer.echo(f"Try it: {inside}counterfoil run scenarios --integration integration.yaml --landscape landscape.yaml")
