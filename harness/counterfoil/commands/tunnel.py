"""`counterfoil tunnel`: a forward proxy that brings clients of a vendor's own https address into a landscape."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.printing import refused

if TYPE_CHECKING:
    from counterfoil.tunnel import Tunnel


def tunnel(
    landscape: Annotated[
        str, typer.Option("--landscape", help="Address of its control plane (its token in COUNTERFOIL_TOKEN).")
    ] = "http://127.0.0.1:8100",
    port: Annotated[int, typer.Option(help="Port of the proxy; 0 takes a free one.")] = 8443,
    ca: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write the certificate that clients must trust.")
    ] = Path("counterfoil-ca.pem"),
) -> None:
    """Carry what clients say to https://login.salesforce.com and the like to the landscape's systems, until Ctrl-C.

    Exit code 0: stopped as asked. 2: no system speaks as a vendor. 3: the landscape cannot be reached, the port or the file not be had.
    """
    from counterfoil.client import Broken, Control, Refused
    from counterfoil.commands.attach import found as there
    from counterfoil.tunnel import Tunnel, routes

    try:
        control = Control(landscape, os.environ.get("COUNTERFOIL_TOKEN"))
        there(control)
        found = routes(control.get("/landscape")["systems"])
    except (Broken, Refused) as error:
        raise refused("tunnel", error, 3) from error
    if not found:
        raise refused(
            "tunnel",
            "no system of the landscape speaks as a vendor; start one with `counterfoil up --crm salesforce`",
        )
    from counterfoil_mocks.kernel.server import run

    made = Tunnel(found)
    try:
        ca.write_bytes(made.authority.pem)
        run(live(made, port, ca.resolve()))
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else error
        raise refused("tunnel", f"{why}; name another `--port` or `--ca`", 3) from error


async def live(tunnel: Tunnel, port: int, ca: Path) -> None:
    """Serve until SIGINT or SIGTERM; raises OSError."""
    import asyncio
    import signal

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, told.set)
    taken = await tunnel.start("127.0.0.1", port)
    for pattern, url in tunnel.routes.items():
        typer.echo(f"https://{pattern} leads to {url}")
    typer.echo("Give your client's process:")
    typer.echo(f"  HTTPS_PROXY=http://127.0.0.1:{taken}")
    typer.echo(f"  REQUESTS_CA_BUNDLE={ca} NODE_EXTRA_CA_CERTS={ca} SSL_CERT_FILE={ca}")
    if "api.stripe.com" in tunnel.routes:
        typer.echo(f'Stripe\'s own library for Python trusts certificates of its own: stripe.ca_bundle_path = "{ca}"')
    typer.echo("Stop with Ctrl-C.")
    try:
        await told.wait()
    finally:
        await tunnel.stop()
