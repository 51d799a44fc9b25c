"""YAML and JSON files as people write them, and what is wrong with one in a sentence."""

from __future__ import annotations

from pathlib import Path


class Undecodable(Exception):
    """The message goes behind the file's name: `cannot be read: …` or `is not YAML at line 2, column 1: …`."""


def decoded(path: Path) -> object:
    """What a YAML or JSON file holds; raises Undecodable."""
    import yaml  # who has no such file need not load it

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise Undecodable("is not UTF-8 text") from error
    except OSError as error:
        raise Undecodable(f"cannot be read: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise Undecodable(f"is not YAML{where}: {getattr(error, 'problem', None) or error}") from error
