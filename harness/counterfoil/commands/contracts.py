"""`counterfoil contracts`: what each side may rely on, exported, compared, recorded and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.printing import print_json, refused

contracts = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What each side may rely on: exported, compared, recorded, verified.",
)


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
        raise refused("contracts export", f"{folder}: {error.strerror or error}") from error
    for path in changed:
        typer.echo(f"{'differs' if check else 'written'}: {folder / path}")
    if check and changed:
        typer.echo("Write them anew with: counterfoil contracts export", err=True)
        raise typer.Exit(1)
    if not changed:
        typer.echo(f"{folder}: nothing to change")


@contracts.command()
def record(
    run: Annotated[Path, typer.Option("--from", help="Folder that `counterfoil run … --export` wrote.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the pacts and the stories of their states.")],
    consumer: Annotated[
        str | None, typer.Option("--consumer", help="Name of the consumer; the integration's by default.")
    ] = None,
    version: Annotated[str, typer.Option("--consumer-version", help="Version of the consumer.")] = "0",
) -> None:
    """Turn the traffic of a run into Pact V4 files: what the integration in fact relies on.

    Exit code 0: written. 2: the run cannot be read or repeated.
    """
    from counterfoil import places
    from counterfoil.contracting import journal
    from counterfoil.contracting import record as recorder
    from counterfoil.descriptor import Unreadable

    try:
        places.check_folder("--out", out)
        made = recorder.record(journal.read(run), out, consumer, version)
    except Unreadable as error:
        raise refused("contracts record", error) from error
    for place in made:
        typer.echo(f"written: {place}")


@contracts.command()
def verify(
    pacts: Annotated[
        list[Path] | None, typer.Option("--pacts", help="Pact file or folder; the shipped ones by default.")
    ] = None,
    system: Annotated[list[str] | None, typer.Option("--system", help="Only pacts with this provider.")] = None,
    provider_url: Annotated[
        str | None, typer.Option("--provider-url", help="Ask this address, a vendor's sandbox, instead of a fake.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="Sent with every request: `Authorization: Bearer …`.")
    ] = None,
    states_url: Annotated[
        str | None, typer.Option("--states-url", help="Where the sandbox takes provider states, if it does.")
    ] = None,
    landscape: Annotated[
        str | None, typer.Option("--landscape", help="Control plane that runs; a landscape of its own by default.")
    ] = None,
    version: Annotated[str, typer.Option("--provider-version", help="Version of the provider, for the results.")] = "0",
    results: Annotated[
        Path | None, typer.Option("--results", help="Write verification results into this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Ask a live system everything that a contract says.

    Exit code 0: all held. 1: a contract is broken. 2: wrong usage or an unreadable file. 3: something could not be run.
    """
    from counterfoil import places
    from counterfoil.client import Broken
    from counterfoil.contracting import matrix, verifying
    from counterfoil.descriptor import Unreadable

    order = verifying.Order(
        tuple(pacts or [own_folder() / "pacts"]),
        tuple(system or ()),
        provider_url,
        headers(header),
        states_url,
        landscape,
        version,
    )
    try:
        places.check_folder("--results", results)
        found = verifying.run(order)
    except Unreadable as error:
        raise refused("contracts verify", error) from error
    except Broken as error:
        raise refused("contracts verify", error, 3) from error
    for each in found if results is not None else ():
        matrix.keep(each, results or Path())
    held = all(each["success"] for each in found)
    if as_json:
        print_json({"success": held, "verifications": found})
    else:
        tell(found)
    raise typer.Exit(0 if held else 1)


def headers(said: list[str] | None) -> dict[str, str]:
    """`Name: value` as a mapping."""
    pairs = [each.partition(":") for each in said or ()]
    bad = [name for name, colon, _ in pairs if not colon]
    if bad:
        raise refused("contracts verify", f"--header {bad[0]!r}: write it as `Name: value`")
    return {name.strip(): value.strip() for name, _, value in pairs}


def tell(found: list[dict[str, Any]]) -> None:
    """What held and what did not, for people."""
    for each in found:
        held = sum(interaction["held"] for interaction in each["interactions"])
        sign = "✓" if each["success"] else "✗"
        typer.echo(
            f" {sign} {each['consumer']} → {each['provider']}: {held} of {len(each['interactions'])} interactions held"
        )
        for why in each["unreached"]:
            typer.echo(f"     state not reached: {why}")
        for interaction in each["interactions"]:
            if not interaction["held"]:
                typer.echo(f"     {interaction['description']}")
                for mismatch in interaction["mismatches"]:
                    typer.echo(f"       {mismatch}")


@contracts.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with pacts and verification results.")],
    provider: Annotated[
        list[str] | None, typer.Option("--provider", help="The version that counts: `crm@1.4`; all by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Say which consumer goes with which provider version, and whether all may be deployed; no broker is needed.

    Exit code 0: every pact is verified. 1: one is broken, or nobody has verified it. 2: nothing is there.
    """
    from counterfoil.contracting import matrix, verify
    from counterfoil.descriptor import Unreadable

    wanted = dict(each.split("@", 1) for each in provider or () if "@" in each)
    if len(wanted) != len(provider or ()):
        raise refused("contracts check", "--provider: write it as `crm@1.4`")
    try:
        rows = matrix.matrix(verify.read([folder]), matrix.results(folder), wanted)
    except Unreadable as error:
        raise refused("contracts check", error) from error
    good = matrix.deployable(rows)
    if as_json:
        print_json({"deployable": good, "matrix": rows})
    else:
        for each in rows:
            why = f"  ({', '.join(each['broken'])})" if each["broken"] else ""
            typer.echo(
                f" {each['consumer']} {each['consumer_version']} × {each['provider']} {each['provider_version']}: {each['verdict']}{why}"
            )
        typer.echo("It can be deployed" if good else "It cannot be deployed")
    raise typer.Exit(0 if good else 1)


@contracts.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Folder of exported contracts, or one document, as it was.")],
    new: Annotated[Path, typer.Argument(help="The same as it is now.")],
    pacts: Annotated[
        list[Path] | None,
        typer.Option("--pacts", help="Pacts to look for those who rely on a change; the shipped ones by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Name each change between two versions of contracts that breaks somebody, and whose pact relies on it.

    Exit code 0: nothing breaks. 1: a change breaks. 2: an unreadable file.
    """
    from counterfoil.contracting import diff as comparing
    from counterfoil.contracting import verify
    from counterfoil.descriptor import Unreadable

    try:
        own = own_folder() / "pacts"
        known = verify.read(pacts or ([own] if own.is_dir() else [])) if pacts or own.is_dir() else []
        changes = comparing.diff(old, new, known)
    except Unreadable as error:
        raise refused("contracts diff", error) from error
    if as_json:
        print_json({"breaking": [each.shown() for each in changes]})
    else:
        for each in changes:
            relied = ", ".join(each.relied_on_by) or "no known consumer"
            typer.echo(f" ✗ {each.document}: {each.place}: {each.sentence} (relied on by: {relied})")
        typer.echo(f"{len(changes)} breaking changes" if changes else "Nothing breaks")
    raise typer.Exit(1 if changes else 0)


@contracts.command()
def publish(
    pacts: Annotated[list[Path], typer.Argument(help="Pact files or folders.")],
    version: Annotated[str, typer.Option("--consumer-version", help="Version of the consumer.")],
    broker: Annotated[
        str | None, typer.Option("--broker", envvar="PACT_BROKER_BASE_URL", help="Address of the broker.")
    ] = None,
) -> None:
    """Publish pacts to a Pact broker, where one is configured (`PACT_BROKER_…`), by the `pact` command line.

    Exit code 0: published. 2: no broker is configured. 3: the broker could not be reached or refused.
    """
    from counterfoil.contracting import broker as brokers

    if not broker:
        raise refused("contracts publish", "no broker is configured: give --broker or set PACT_BROKER_BASE_URL")
    code = brokers.publish(pacts, version, broker)
    raise typer.Exit(0 if code == 0 else 3)


@contracts.command()
def fuzz(
    url: Annotated[str, typer.Option("--url", help="Address of an OpenAPI document.")],
    header: Annotated[list[str] | None, typer.Option("--header", "-H", help="Sent with every request.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed sends the same.")] = 1,
    examples: Annotated[int, typer.Option("--examples", help="Cases for each operation.", min=1)] = 20,
) -> None:
    """Send an API what its OpenAPI document allows and what it forbids, alone and in sequences (Schemathesis).

    Exit code 0: it answered as its document says. 1: it did not. 3: it could not be asked.
    """
    from counterfoil.contracting import fuzzing

    raise typer.Exit(fuzzing.fuzz(url, headers(header), seed=seed, examples=examples))
