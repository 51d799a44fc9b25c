"""`counterfoil certify`: scenarios, faults and contracts, and one page that says how an integration did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.options import UnderTest
from counterfoil.printing import refused


def certify(
    out: Annotated[Path, typer.Option("--out", help="Folder for certificate.html and certificate.json.")],
    integration: UnderTest = "reference",
    level: Annotated[str, typer.Option("--level", help="core, or full (every scenario, every fault plan).")] = "core",
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same certificate.")] = 1,
    scenario: Annotated[
        list[str] | None, typer.Option("--scenario", help="Only these, for a first look; certifies no level.")
    ] = None,
) -> None:
    """Put an integration through scenarios, faults and contracts, and write one page for its customers.

    Exit code 0: certified, or passed where scenarios were chosen. 1: not; the page names each deviation. 2: wrong usage. 3: something could not be run.
    """
    from counterfoil import places
    from counterfoil.client import Broken
    from counterfoil.contracting import certificate
    from counterfoil.descriptor import Unreadable
    from counterfoil.integration import resolve
    from counterfoil.runner import find

    if level not in certificate.PLANS:
        raise refused("certify", f"--level {level}: expected core or full")
    try:
        commission = certificate.Commission(integration, level, seed, tuple(scenario or ()))
        resolve(integration)
        find(commission.told)
        places.check_folder("--out", out)
        found = certificate.certify(commission)
        page, machine = certificate.write(found, out)
    except (Unreadable, OSError) as error:
        raise refused("certify", error) from error
    except Broken as error:
        raise refused("certify", error, 3) from error
    for each in found["deviations"]:
        typer.echo(f" ✗ {each}")
    scope = f"{', '.join(found['scope']['scenarios'])} only, no level" if scenario else f"level {level}"
    typer.echo(f"{found['integration']}: {found['verdict']} ({scope}, seed {seed}): {page}, {machine}")
    raise typer.Exit(1 if found["verdict"].startswith("not ") else 0)
