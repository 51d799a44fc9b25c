"""`counterfoil data`: the firm that landscapes are seeded with, as files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from counterfoil.printing import refused

FORMATS = Literal["parquet", "csv", "jsonl"]


def data(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files; made if missing.")],
    size: Annotated[str, typer.Option(metavar="S|M|L|XL", help="Size of the firm.")] = "S",
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same firm.")] = 1,
    form: Annotated[FORMATS, typer.Option("--format", help="Parquet needs the extra `parquet`.")] = "jsonl",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")
    ] = False,
) -> None:
    """Write the firm to files, one for each entity of each system: DIR/crm.customer.jsonl and so on.

    They hold what `counterfoil up` with the same size and seed starts from. The files are written while the firm is drawn, so that
    size XL takes no more memory than size L. They are in DIR when all are whole: whatever ends the work before leaves none.

    Exit code 0: written. 2: wrong usage, or DIR holds something already. 3: DIR cannot be written, or a library is missing. 130: interrupted.
    """
    from counterfoil.outcome import INTERRUPTED
    from counterfoil_mocks.assembly import START
    from counterfoil_mocks.firm import export
    from counterfoil_mocks.firm.sizes import SIZES

    if size not in SIZES:
        raise refused("data", f"--size {size}: expected one of {', '.join(SIZES)}.")
    if out.is_dir() and any(each.name != export.UNFINISHED for each in out.iterdir()):
        raise refused("data", f"--out {out}: holds files already; name another folder or empty it.")
    if out.exists() and not out.is_dir():
        raise refused("data", f"--out {out}: is a file; name a folder.")
    try:
        with made(out):
            rows = shown(size, seed, START, out, form, quiet=as_json)
    except export.Missing as error:
        raise refused("data", f"{error}.", 3) from error
    except OSError as error:
        raise refused("data", f"--out {out}: cannot be written ({error.strerror or error}).", 3) from error
    except KeyboardInterrupt:
        raise refused("data", f"--out {out}: interrupted; nothing was written.", INTERRUPTED) from None
    if as_json:
        import orjson

        told = {"size": size, "seed": seed, "format": form, "out": str(out), "rows": rows}
        typer.echo(orjson.dumps(told).decode())
        return
    for name, count in rows.items():
        typer.echo(f"{name:28}{count:>12,}")
    typer.echo(f"{len(rows)} files, {sum(rows.values()):,} records of a firm of size {size}, seed {seed}, in {out}")


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """A folder, made where it is missing; what of it had to be made goes again when the block fails."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for each in missing:
            with suppress(OSError):
                each.rmdir()
        raise


def shown(size: str, seed: int, now: str, out: Path, form: str, *, quiet: bool) -> dict[str, int]:
    """Write the files behind a progress bar on standard error, where that is a terminal; returns rows by file."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from counterfoil_mocks.firm import export

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} offices"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )
    with bar:
        task = bar.add_task(f"Size {size}, seed {seed}", total=None)
        return export.export(
            size, seed, now, out, form, lambda done, whole: bar.update(task, completed=done, total=whole)
        )
