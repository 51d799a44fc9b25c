"""What every command says in the same way: a JSON value for machines, and why it ends before its work."""

from __future__ import annotations

import sys
from typing import Any

import typer


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    import orjson

    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def refused(verb: str, why: object, code: int = 2) -> typer.Exit:
    """Say on the error channel why a command ends; returns what to raise. code: 2 for wrong usage, 3 for what could not be run."""
    typer.echo(f"counterfoil {verb}: {why}", err=True)
    return typer.Exit(code)
