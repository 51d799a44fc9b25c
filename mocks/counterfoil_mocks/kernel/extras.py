"""How an optional part is installed: as this copy of Counterfoil itself was, from an index or from a clone."""

from __future__ import annotations

from functools import cache
from urllib.parse import unquote, urlsplit

import orjson

NAME = "counterfoil"


def install(extra: str) -> str:
    """The command that brings an extra: `pip install 'counterfoil[load]'`, or `pip install -e '/path/of/the/clone[load]'`."""
    return f"pip install {_source()}[{extra}]'"


@cache
def _source() -> str:
    """What pip was given, up to where an extra stands."""
    from importlib.metadata import PackageNotFoundError, distribution  # which takes its time, and is seldom needed

    try:
        said = distribution(NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        said = None
    told = orjson.loads(said) if said else {}
    place = urlsplit(told.get("url", ""))
    if place.scheme != "file" or "dir_info" not in told:
        return f"'{NAME}"
    return f"{'-e ' if told['dir_info'].get('editable') else ''}'{unquote(place.path)}"
