"""Options of the command line that mean the same wherever they stand: what is under test, where, and what is broken meanwhile."""

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
