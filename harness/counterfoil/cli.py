"""The command line. Each verb is a module of `counterfoil.commands` and is imported when it is asked for."""

from __future__ import annotations

import importlib
import pkgutil
import signal
import threading
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from counterfoil import commands

ORDER = (
    "init",
    "doctor",
    "up",
    "attach",
    "tunnel",
    "run",
    "mutants",
    "explore",
    "replay",
    "simulate",
    "load",
    "contracts",
    "certify",
    "data",
)


INTERRUPTED = 130
"""As shells have it: 128 and the number of SIGINT."""


class Verbs(TyperGroup):
    """The verbs: one module each, whose function of the same name is the command, or whose Typer is a group of them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All verbs, the everyday ones first."""
        found = {each.name.replace("_", "-") for each in pkgutil.iter_modules(commands.__path__)}
        return [name for name in ORDER if name in found] + sorted(found - set(ORDER))

    def invoke(self, ctx: Any) -> Any:
        """Do what a verb says; Ctrl-C ends it with a code that no verdict has."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from None

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a verb, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        name = cmd_name.replace("-", "_")
        verb = getattr(importlib.import_module(f"{commands.__name__}.{name}"), name)
        if isinstance(verb, typer.Typer):
            group = typer.main.get_group(verb)
            group.name = cmd_name
            return group
        app = typer.Typer(add_completion=False)
        app.command(cmd_name)(verb)
        return typer.main.get_command(app)


main = typer.Typer(
    cls=Verbs,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def told(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"counterfoil {version('counterfoil')}")
        raise typer.Exit


@main.callback()
def counterfoil(
    shown: Annotated[bool, typer.Option("--version", help="Print the version.", callback=told, is_eager=True)] = False,
) -> None:
    """A testbed for quote-to-cash integrations of professional-services firms.

    Exit codes: 0 all held; 1 something was violated; 2 wrong usage or an unreadable file; 3 something could not be run; 130 interrupted.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupted)  # who is told to end stops what it has started, as after Ctrl-C


def _interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt
