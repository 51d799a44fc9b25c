"""Options of the command line that mean the same wherever they stand: what is under test, where, kept in
what, served by how many, and what is broken meanwhile."""

from __future__ import annotations

from typing import Annotated

import typer

UnderTest = Annotated[str, typer.Option("--integration", help="reference, noop, mutant:F-07 or a descriptor file.")]
InLandscape = Annotated[
    str | None,
    typer.Option(
        "--landscape",
        help="Landscape file, or address of a control plane that runs (its token in COUNTERFOIL_TOKEN).",
    ),
]
UnderFaults = Annotated[
    str | None,
    typer.Option("--faults", help="Fault plan in force throughout: noisy, lossy, failing, repeating, or a file."),
]
InStore = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="`memory`; sqlite:///FILE or postgresql://… to keep it."),
]
ByProcesses = Annotated[
    int | None,
    typer.Option("--processes", help="API processes that serve the systems, over one PostgreSQL store."),
]
