"""`counterfoil attach`: an integration at work in a landscape that runs already."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.options import UnderTest
from counterfoil.printing import refused

if TYPE_CHECKING:
    from counterfoil.client import Control
    from counterfoil.integration import Integration

LOOK_SECONDS = 1.0
"""Between two looks at whether it still runs."""


def attach(
    landscape: Annotated[
        str, typer.Option("--landscape", help="Address of its control plane (its token in COUNTERFOIL_TOKEN).")
    ] = "http://127.0.0.1:8100",
    integration: UnderTest = "reference",
    months: Annotated[
        int, typer.Option("--months", help="Live the firm for so many months first, as `simulate` does.", min=0, max=60)
    ] = 0,
) -> None:
    """Subscribe an integration to a landscape that runs, start it, and keep it at work until Ctrl-C.

    Exit code 0: stopped as asked. 2: a file that cannot be understood. 3: the integration or the landscape could not be run.
    """
    from counterfoil.client import Broken, Control, Refused
    from counterfoil.descriptor import Unreadable
    from counterfoil.integration import Integration, resolve

    try:
        control = Control(landscape, os.environ.get("COUNTERFOIL_TOKEN"))
        found(control)
        attached = Integration(resolve(integration), control)
        try:
            attached.start()
            typer.echo(f"{attached.name} is at work in the landscape at {landscape}. Stop with Ctrl-C.")
            if months:
                live(control, attached, months)
            watch(attached)
        except KeyboardInterrupt:
            return
        finally:
            attached.stop()
            with suppress(Broken, Refused):
                control.delete("/integration")
    except Unreadable as error:
        raise refused("attach", error) from error
    except (Broken, Refused) as error:
        raise refused("attach", error, 3) from error


def found(control: Control) -> None:
    """Nothing where a landscape answers; raises Broken with what to do where none does."""
    from counterfoil.client import Broken

    try:
        control.get("/health")
    except Broken as error:
        raise Broken(f"{error}; start a landscape with `counterfoil up`, or name one with --landscape") from error


def live(control: Control, attached: Integration, months: int) -> None:
    """Do the firm's business for months, and say how it stands after each week and at the end. Raises Broken, Refused."""
    from counterfoil import simulation
    from counterfoil.activity import rhythm
    from counterfoil.explain import explain
    from counterfoil.world import World

    def done(now: str, deals: int, deeds: int) -> None:
        typer.echo(f"{now}: {deals} deals, {deeds} deeds")

    world = World(control, attached)
    size = str(world.landscape.get("size"))
    result = simulation.simulate(world, months=months, size=size if size in rhythm.BUSY else "S", done=done)
    if result["verdict"] == "passed":
        typer.echo(f"The books are right: {len(result['held'])} invariants held.")
    else:
        typer.echo(explain(result))


def watch(attached: Integration) -> None:
    """Look after it until told to stop; raises Broken when it ends by itself."""
    never = threading.Event()
    while not never.wait(LOOK_SECONDS):
        attached.check_alive()
