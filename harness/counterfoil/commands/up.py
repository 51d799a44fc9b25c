"""`counterfoil up`: a landscape, served until it is told to stop."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.options import ByProcesses, InStore
from counterfoil.printing import refused
from counterfoil.vendor_options import Billing, Crm, Erp, Psa, faces

if TYPE_CHECKING:
    from fastapi import APIRouter

    from counterfoil_mocks.landscape import Landscape

WIDEST = 1000
HIDDEN = ("token_url", "refresh_token")


def up(
    file: Annotated[
        Path | None, typer.Argument(metavar="[LANDSCAPE.yaml]", help="Landscape file; the four roles by default.")
    ] = None,
    crm: Crm = None,
    psa: Psa = None,
    erp: Erp = None,
    billing: Billing = None,
    seed: Annotated[int | None, typer.Option(help="Seed of data, ids, timestamps and faults.")] = None,
    size: Annotated[str | None, typer.Option(metavar="S|M|L|XL", help="Size of the firm.")] = None,
    port_base: Annotated[
        int | None, typer.Option(help="Port of the control plane, 8100 by default; 0 takes free ports.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Interface to listen on; other than loopback needs a token: the file's, or $COUNTERFOIL_TOKEN."
        ),
    ] = None,
    store: InStore = None,
    processes: ByProcesses = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object when ready, and nothing else.")
    ] = False,
    landscape: Annotated[Path | None, typer.Option(hidden=True)] = None,
    anew: Annotated[bool, typer.Option("--anew", hidden=True)] = False,
) -> None:
    """Serve a landscape: four systems and a control plane, until Ctrl-C.

    Exit code 0: stopped as asked. 2: wrong usage, or a landscape that cannot be. 3: a port is taken, or the store's server does not answer.
    """
    choices = {"seed": seed, "size": size, "host": host, "port_base": port_base, "store": store, "processes": processes}
    serve(file or landscape, faces(crm, psa, erp, billing), choices, as_json, anew=anew)


def serve(
    file: Path | None, vendors: Mapping[str, str], choices: dict[str, Any], as_json: bool, *, anew: bool = False
) -> None:
    """Build, start, say so, wait for a signal, stop; raises typer.Exit."""
    import errno
    import gc

    gc.disable()  # what is made until all is ready stays
    from counterfoil_mocks.kernel.server import PortTaken, run
    from counterfoil_mocks.landscape import Landscape, Unavailable, Unusable

    try:
        built = Landscape.build(wanted(file, vendors, choices), anew=anew)
    except Unusable as error:
        raise refused("up", error, 3 if isinstance(error, Unavailable) else 2) from error
    mount(built)
    slim(built)
    try:
        run(live(built, as_json))
    except PortTaken as error:
        elsewhere = isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.EADDRINUSE, errno.EACCES)
        hint = " Name other ports: `--port-base 9100`, or 0 for free ones." if elsewhere else ""
        raise refused("up", f"{error}{hint}", 3) from error


def slim(landscape: Landscape) -> None:
    """Give back what loading the firm took (it leaves next to nothing that goes in circles), and never look through what stays again."""
    import contextlib
    import ctypes
    import gc

    landscape.store.slim()
    with contextlib.suppress(OSError, AttributeError):  # only glibc keeps what was freed and can give it back
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    gc.freeze()
    gc.enable()


def wanted(file: Path | None, vendors: Mapping[str, str], choices: dict[str, Any]) -> Any:
    """The landscape that is asked for: the file's, with what the command line says put over it; raises Unusable."""
    from counterfoil_mocks import config

    said = config.read(file) if file is not None else {}
    said |= {name: value for name, value in choices.items() if value is not None}
    if not config.loopback(str(said.get("host", config.LOOPBACK))):
        said.setdefault("token", os.environ.get("COUNTERFOIL_TOKEN"))
    return config.understood(config.wearing(said, vendors), str(file) if file is not None else "landscape")


def mount(landscape: Landscape) -> None:
    """Give the control plane the verdict."""

    def routes() -> APIRouter:
        from counterfoil import verdict

        return verdict.router(landscape)

    landscape.control.routers.append(routes)


async def live(landscape: Landscape, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM; raises PortTaken."""
    import asyncio
    import signal

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, told.set)
    await landscape.start()
    try:
        announce(landscape, as_json)
        await told.wait()
    finally:
        await landscape.stop()


def announce(landscape: Landscape, as_json: bool) -> None:
    """Say that all is ready, and where."""
    about = landscape.describe()
    if as_json:
        import orjson

        if landscape.config.token is not None:
            about["control"]["token"] = landscape.config.token
        sys.stdout.buffer.write(orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()
        return
    show(about, guarded=landscape.config.token is not None)


def show(about: dict[str, Any], *, guarded: bool = False) -> None:
    """A table of addresses and credentials."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("system", no_wrap=True, min_width=max(len(each["name"]) for each in about["systems"]))
    named = max(len(name) for each in about["systems"] for name in each["credentials"])
    table.add_column("face", no_wrap=True, min_width=named)
    table.add_column("address and credentials", no_wrap=True)
    for each in about["systems"]:
        table.add_row(f"[bold]{each['name']}[/]", each["vendor"], f"[bold]{each['url']}[/]")
        for name, value in each["credentials"].items():
            if name not in HIDDEN:
                shown = str(value) if "\n" not in str(value) else "several lines: see /landscape, or --json"
                table.add_row("", f"[dim]{name}[/]", shown)
    needed = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
    console.width = max(console.width, needed)  # a credential that is broken in two cannot be copied
    console.print(table)
    way_in = "?token=…" if guarded else ""
    console.print(
        f"[bold]control plane[/] {about['control']['url']}/{way_in}  (the console, in a browser)", highlight=False
    )
    console.print(
        f"It is {about['clock']}; seed {about['seed']}, size {about['size']}. Ready. Stop with Ctrl-C.", highlight=False
    )
