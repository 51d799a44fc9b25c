"""The console: one page that shows a landscape as it lives, over the journal's event stream. Works without internet."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.responses import HTMLResponse, Response

from counterfoil_mocks.kernel.errors import not_found

if TYPE_CHECKING:
    from jinja2 import Environment

    from counterfoil_mocks.landscape import Landscape

FOLDER = Path(__file__).parent
ASSETS = {"console.js": "text/javascript", "console.css": "text/css", "mark.svg": "image/svg+xml"}


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The page's template."""
    from jinja2 import Environment, FileSystemLoader, select_autoescape

    return Environment(loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(["html", "jinja"]))


def page(landscape: Landscape) -> Response:
    """The page."""
    about = landscape.describe()
    text = (
        templates()
        .get_template("page.html.jinja")
        .render(
            systems=[{name: each[name] for name in ("name", "role", "vendor", "url")} for each in about["systems"]],
            clock=about["clock"],
            seed=about["seed"],
            size=about["size"],
        )
    )
    return HTMLResponse(text, headers={"content-security-policy": "default-src 'self'; frame-ancestors 'none'"})


def asset(name: str) -> Response:
    """A file of the page; raises Problem 404."""
    if name not in ASSETS:
        raise not_found("file", name)
    return Response((FOLDER / name).read_bytes(), media_type=ASSETS[name], headers={"cache-control": "no-cache"})
