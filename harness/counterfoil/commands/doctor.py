"""`counterfoil doctor`: what is wrong with a set-up, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.options import InLandscape, UnderTest
from counterfoil.printing import print_json

if TYPE_CHECKING:
    from counterfoil.diagnosis import Finding


def doctor(
    integration: UnderTest = "reference",
    landscape: InLandscape = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Find the common mistakes: ports, start, references, webhooks, credentials, links, an integration that writes nothing.

    Exit code 0: nothing is wrong. 1: it runs, and something goes wrong. 2: a file cannot be understood. 3: something cannot be run.
    """
    from counterfoil.diagnosis import diagnose

    found = diagnose(integration, landscape, (lambda finding: None) if as_json else say)
    if as_json:
        print_json(found.as_data())
    elif found.exit_code == 0:
        asked = (
            f" --{name} {value}" for name, value in (("integration", integration), ("landscape", landscape)) if value
        )
        own = " scenarios" if Path("scenarios").is_dir() else ""
        typer.echo(f"Nothing is wrong. Next: counterfoil run{own}{''.join(asked)}")
    raise typer.Exit(found.exit_code)


def say(finding: Finding) -> None:
    """One finding, for people."""
    sentence = finding.sentence.replace("\n", f"\n   {'':12}")
    typer.echo(f" {'✓' if finding.ok else '✗'} {finding.check:12}{sentence}")
    if finding.remedy:
        typer.echo(f"   {'':12}→ {finding.remedy}")
