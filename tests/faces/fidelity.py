"""Fidelity pages: which operations of a vendor's face are covered by a real client, by our own tests, or not at all.

A test claims operations by the markers `by_client` and `by_test`; the claim is checked when the test runs (`conftest.witness`), and the
page is drawn from the claims, so it cannot say more than the tests show. `python tests/faces/fidelity.py` writes the pages anew.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = ROOT / "docs" / "fidelity"
MARKERS = ("by_client", "by_test")
COVERED = {"by_client": "by a real client", "by_test": "by our own test"}
ALIKE = ("token",)
"""Operations that are of no interest: each vendor has them as a matter of course."""


@dataclass(frozen=True)
class Route:
    """An operation of a face as the page shows it."""

    name: str
    method: str
    path: str


def routes(vendor: str) -> list[Route]:
    """All operations of a vendor's face."""
    from counterfoil_mocks import vendors
    from counterfoil_mocks.kernel.clock import Clock
    from counterfoil_mocks.kernel.store import Store
    from counterfoil_mocks.kernel.system import System, World
    from counterfoil_mocks.roles import ROLES

    role = next(role for role, known in vendors.offered().items() if vendor in known)
    store = Store("memory", ROLES)
    face = importlib.import_module(f"counterfoil_mocks.{role}.{vendor}.api").FACE(
        System(role, ROLES[role], store, World(Clock("2026-01-05T15:00:00.000Z")))
    )
    found = {(each.path, each.method): Route(each.name, each.method, each.path) for each in face.operations()}
    store.close()
    return [found[place] for place in sorted(found)]


def claims(vendor: str) -> dict[str, str]:
    """What the tests of a vendor claim: operation → marker, a real client's before our own."""
    found: dict[str, str] = {}
    for path in sorted(HERE.glob(f"test_{vendor}*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for marker, name in claimed(node):
                if found.get(name) != "by_client":
                    found[name] = marker
    return found


def claimed(node: ast.AST) -> Iterable[tuple[str, str]]:
    """The claims of one test function."""
    if not isinstance(node, ast.FunctionDef):
        return
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in MARKERS:
            for argument in each.args:
                for name in str(ast.literal_eval(argument)).split():
                    yield each.func.attr, name


def page(vendor: str) -> str:
    """The page of a vendor."""
    about: Mapping[str, Any] = yaml.safe_load((PAGES / f"{vendor}.yaml").read_text(encoding="utf-8"))
    known, shown = claims(vendor), routes(vendor)
    unknown = sorted(set(known) - {each.name for each in shown})
    if unknown:
        raise LookupError(f"tests claim operations that {vendor} does not have: {', '.join(unknown)}")
    counted = {words: sum(known.get(each.name) == marker for each in shown) for marker, words in COVERED.items()}
    counted["by no test"] = sum(each.name not in known for each in shown)
    lines = [
        f"# Fidelity: {about['title']}",
        "",
        "Drawn from the tests by `python tests/faces/fidelity.py`; a test fails when it is out of date.",
        "",
        f"Clients: {', '.join(about['clients'])}. API: {about['version']}.",
        "",
        f"{len(shown)} operations: {', '.join(f'{count} {words}' for words, count in counted.items())}.",
        "",
        "## Operations",
        "",
        "| operation | call | covered |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| `{each.name}` | `{each.method} {each.path}` | {COVERED.get(known.get(each.name, ''), 'not covered')} |"
        for each in shown
    ]
    lines += ["", "## Known deviations", "", "| what | why |", "| --- | --- |"]
    lines += [f"| {each['what']} | {each['why']} |" for each in about["deviations"]]
    lines += ["", "## Missing", "", "Answered as an unknown address:", ""]
    lines += [f"- {each}" for each in about["missing"]]
    return "\n".join(lines) + "\n"


def vendors() -> list[str]:
    """The vendors that have a page."""
    return sorted(each.stem for each in PAGES.glob("*.yaml"))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "mocks"), str(ROOT / "harness")]
    for each in vendors():
        (PAGES / f"{each}.md").write_text(page(each), encoding="utf-8")
        print(f"docs/fidelity/{each}.md")
