"""`counterfoil contracts`: what each side may rely on, exported, compared, recorded and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

contracts = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What each side may rely on: exported, compared, recorded, verified.",
)


def refuse(verb: str, error: object, code: int = 2) -> typer.Exit:
    """Say what is wrong; returns what to raise."""
    typer.echo(f"counterfoil contracts {verb}: {error}", err=True)
    return typer.Exit(code)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def own_folder() -> Path:
    """Where the contracts lie that come along."""
    from counterfoil.stories import shipped

    return shipped("contracts")


@contracts.command()
def export(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; the one that comes along by default.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where code and files differ.")] = False,
) -> None:
    """Write OpenAPI, AsyncAPI and JSON Schemas from the code.

    Exit code 0: written, or no difference. 1: `--check` found files that differ.
    """
    from counterfoil.contracting import export as files

    folder = out or own_folder()
    try:
        changed = files.drift(folder) if check else files.write(folder)
    except OSError as error:
        raise refuse("export", f"{folder}: {error.strerror or error}") from error
    for path in changed:
        typer.echo(f"{'differs' if check else 'written'}: {folder / path}")
    if check and changed:
        typer.echo("Write them anew with: counterfoil contracts export", err=True)
        raise typer.Exit(1)
    if not changed:
        typer.echo(f"{folder}: nothing to change")
