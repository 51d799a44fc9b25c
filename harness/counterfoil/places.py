"""Whether what is asked for can be written later: asked before the work, so that none is lost."""

from __future__ import annotations

import tempfile
from pathlib import Path

from counterfoil.descriptor import Unreadable


def check_file(name: str, place: Path | None) -> None:
    """Make the folder of a file where it is missing; raises Unreadable where the file cannot be written. name: of the option. A file
    that is not there yet is not made."""
    if place is None:
        return
    try:
        if place.exists():
            with place.open("ab"):
                pass
        else:
            _try(place.parent)
    except OSError as error:
        raise Unreadable(f"{name} {place}: cannot be written ({error.strerror or error})") from error


def check_folder(name: str, place: Path | None) -> None:
    """Make a folder where it is missing; raises Unreadable where nothing can be written into it."""
    if place is None:
        return
    try:
        _try(place)
    except OSError as error:
        raise Unreadable(f"{name} {place}: cannot be written ({error.strerror or error})") from error


def _try(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder):
        pass
