"""Fault plans: what goes wrong, as lists of `{kind, system, operation, key, nth | every | share, …settings}`. Data only; the
landscape knows how to break things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from counterfoil.descriptor import Unreadable
from counterfoil_mocks.reading import Undecodable, decoded

Plan = list[dict[str, Any]]


def names() -> list[str]:
    """The plans that come along."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.yaml"))


def plan(name: str) -> Plan:
    """A plan by name (`noisy`) or by path (YAML or JSON); raises Unreadable."""
    shipped = Path(__file__).parent / f"{name}.yaml"
    path = shipped if "/" not in name and shipped.exists() else Path(name)
    try:
        content = decoded(path)
    except Undecodable as error:
        known = "" if path.exists() else f"; a fault plan is a file or one of: {', '.join(names())}"
        raise Unreadable(f"{name} {error}{known}") from error
    if not isinstance(content, list) or not all(isinstance(each, dict) and "kind" in each for each in content):
        raise Unreadable(f"{name}: a fault plan is a list of faults, each with its `kind`")
    return content
