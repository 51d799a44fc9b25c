"""Contracts as files: written from the code, and compared with what is there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from counterfoil import answers, descriptor

Record = dict[str, Any]
OWNED = ("openapi", "asyncapi", "schemas")
"""Folders in which nothing but exported documents lies."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes shared parts in full each time."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def documents() -> dict[str, Record]:
    """Every document by its path below the contracts' folder."""
    from counterfoil_mocks.documents import documents as of_the_fakes

    return of_the_fakes() | {
        "schemas/integration.json": descriptor.schema(),
        "schemas/operations.json": answers.schema(),
    }


def rendered(path: str, document: Record) -> bytes:
    """A document as its file holds it."""
    if path.endswith(".json"):
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    plain = orjson.loads(orjson.dumps(document))
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


@cache
def wanted_files() -> dict[str, bytes]:
    """What every file should hold."""
    return {path: rendered(path, document) for path, document in documents().items()}


def write(folder: Path) -> list[str]:
    """Write all documents below a folder, and delete those there that are no more; returns the paths of the files that changed."""
    wanted, changed = wanted_files(), drift(folder)
    for path in changed:
        place = folder / path
        if path in wanted:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(wanted[path])
        else:
            place.unlink()
    return changed


def drift(folder: Path) -> list[str]:
    """Paths of the documents that differ from their files, are missing there, or are there and should not be."""
    wanted = wanted_files()
    there = {
        str(place.relative_to(folder)): place.read_bytes()
        for owned in OWNED
        for place in (folder / owned).rglob("*")
        if place.is_file()
    }
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))
