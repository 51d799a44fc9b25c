"""The firm as files: one for each system and entity, written while the firm is drawn, so that memory does not grow with its size.

`jsonl` holds each record as the native interface shows it, its lines within. `csv` and `parquet` are flat: money and other decimals
in major units with all their places, lines, lists and objects as JSON text, nothing where a field is empty.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import orjson

from counterfoil_mocks import firm
from counterfoil_mocks.firm.rows import Rows
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.extras import install
from counterfoil_mocks.kernel.fields import COMMON, Entity, Field, Record
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.roles import ROLES

GROUP = 20_000
"""Rows of a row group of a Parquet file."""

JSON = ("json", "refs", "object", "lines")

UNFINISHED = ".unfinished"
"""Folder in the one that is asked for, in which files are until all are whole."""


class Missing(Exception):
    """A library that a format needs is not installed; the message says how to get it."""


class Writer(Protocol):
    """Writes the records of one entity to one file."""

    def write(self, records: Sequence[Record]) -> None:
        """Add records."""

    def close(self) -> None:
        """Write what is left."""


class Lines:
    """JSON Lines, in the wire form of the native interface."""

    suffix = "jsonl"

    def __init__(self, path: Path, entity: Entity) -> None:
        self.file = path.open("wb")
        self.render = entity.to_wire
        self.order = (*entity.names, *(each.name for each in entity.children))

    def write(self, records: Sequence[Record]) -> None:
        """Add a line for each record."""
        for record in records:
            wire = self.render(record)
            self.file.write(orjson.dumps({name: wire[name] for name in self.order}, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Table:
    """CSV (RFC 4180, UTF-8, lines end with a line feed), its first line the names of the fields."""

    suffix = "csv"

    def __init__(self, path: Path, entity: Entity) -> None:
        self.file = path.open("w", encoding="utf-8", newline="")
        self.columns = columns(entity)
        self.rows = csv.writer(self.file, lineterminator="\n")
        self.rows.writerow(name for name, _, _ in self.columns)

    def write(self, records: Sequence[Record]) -> None:
        """Add a row for each record."""
        cells = [(name, render) for name, _, render in self.columns]
        self.rows.writerows(
            ["" if (value := record[name]) is None else render(value, record) for name, render in cells]
            for record in records
        )

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Parquet:
    """Parquet: money and decimals are decimals, whole numbers and truths what they are, all else text."""

    suffix = "parquet"

    def __init__(self, path: Path, entity: Entity) -> None:
        try:
            pa: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError as error:
            raise Missing(
                f"format parquet needs pyarrow, which is not installed: {install('parquet')}, or use csv or jsonl"
            ) from error
        kinds = {"integer": pa.int64(), "boolean": pa.bool_(), "money": pa.decimal128(20, 4)}
        kinds["decimal"] = pa.decimal128(20, 6)
        self.arrow = pa
        self.columns = columns(entity)
        self.schema = pa.schema([(name, kinds.get(kind, pa.string())) for name, kind, _ in self.columns])
        self.file = parquet.ParquetWriter(path, self.schema, compression="zstd")
        self.kept: list[list[Any]] = [[] for _ in self.columns]

    def write(self, records: Sequence[Record]) -> None:
        """Keep records, and write them when they are enough for a group."""
        for values, (name, kind, render) in zip(self.kept, self.columns, strict=True):
            exact = kind in ("integer", "boolean")
            values.extend(
                value if (value := record[name]) is None or exact else render(value, record) for record in records
            )
        if len(self.kept[0]) >= GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self.kept[0]:
            return
        made = []
        for values, field in zip(self.kept, self.schema, strict=True):
            plain = self.arrow.types.is_decimal(field.type)
            column = self.arrow.array(values, type=self.arrow.string() if plain else field.type)
            made.append(column.cast(field.type) if plain else column)
        self.file.write_table(self.arrow.Table.from_arrays(made, schema=self.schema))
        self.kept = [[] for _ in self.columns]

    def close(self) -> None:
        """Write what is left and close the file."""
        self._flush()
        self.file.close()


FORMATS: dict[str, Callable[[Path, Entity], Writer]] = {"parquet": Parquet, "csv": Table, "jsonl": Lines}


class Files:
    """A folder of files, one for each entity of each system that has records: `crm.customer.csv`. rows: how many they have."""

    def __init__(self, out: Path, form: str) -> None:
        self.out, self.form = out, form
        self.rows: dict[str, int] = {}
        self.writers: dict[str, Writer] = {}
        self.open = ExitStack()

    def sink(self, system: str) -> Callable[[Entity, Sequence[Record]], None]:
        """Where the records of a system go."""

        def write(entity: Entity, records: Sequence[Record]) -> None:
            name = f"{system}.{entity.name}"
            if name not in self.writers:
                self.writers[name] = FORMATS[self.form](self.out / f"{name}.{self.form}", entity)
                self.open.callback(self.writers[name].close)
            self.writers[name].write(records)
            self.rows[name] = self.rows.get(name, 0) + len(records)

        return write


def export(
    size: str, seed: int, now: str, out: Path, form: str, progress: firm.Progress | None = None
) -> dict[str, int]:
    """Write a firm into the folder `out`, which exists; returns rows by file's name without its ending. The files stand there when all
    are whole; whatever ends the work before leaves none.

    now: the business instant at which the firm stands. Raises Missing for a format whose library is not installed, ValueError
    for a size that there is not, OSError where a file cannot be written.
    """
    with finished(out) as beside:
        return _export(size, seed, now, beside, form, progress)


@contextmanager
def finished(out: Path) -> Iterator[Path]:
    """A folder in `out` whose files are moved into `out` when the block is done, and removed when it fails."""
    beside, moved = out / UNFINISHED, []
    shutil.rmtree(beside, ignore_errors=True)  # of one that was killed
    try:
        beside.mkdir()
        yield beside
        for path in sorted(beside.iterdir()):
            moved.append(path.rename(out / path.name))
        beside.rmdir()
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        for path in moved:
            path.unlink(missing_ok=True)
        raise


def _export(
    size: str, seed: int, now: str, out: Path, form: str, progress: firm.Progress | None = None
) -> dict[str, int]:
    store, world = Store("memory", ROLES), World(Clock(now), seed=seed)
    files = Files(out, form)
    try:
        with files.open:
            rows = {name: Rows(System(name, role, store, world), sink=files.sink(name)) for name, role in ROLES.items()}
            with firm.uncollected():
                firm.write(rows, seed, size, now, progress=progress)
            for each in rows.values():
                each.flush()
    finally:
        store.close()
    return dict(sorted(files.rows.items()))


def columns(entity: Entity) -> list[tuple[str, str, Callable[[Any, Record], Any]]]:
    """Name, kind and renderer of each column of a flat file."""
    return [(each.name, each.kind, _renderer(each)) for each in (*COMMON, *entity.fields)]


def _renderer(field: Field) -> Callable[[Any, Record], Any]:
    if field.kind == "money":
        return lambda value, record: _major(value, record[field.ccy])
    if field.kind == "decimal":
        return lambda value, record: money.unscaled(value, field.scale)
    if field.kind == "boolean":
        return lambda value, record: "true" if value else "false"
    if field.kind == "lines" and field.entity is not None:
        render = field.entity.line_to_wire
        return lambda value, record: orjson.dumps([render(line) for line in value]).decode()
    if field.kind in JSON:
        return lambda value, record: orjson.dumps(value).decode()
    return lambda value, record: value


def _major(minor: int, ccy: str) -> str:
    scale = 10 ** money.exponent(ccy)
    return money.unscaled(minor, scale) if scale > 1 else str(minor)
