"""What a benchmark found: figures beside their targets, as a table for people or as JSON for the page that keeps them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATHS = [str(ROOT / "mocks"), str(ROOT / "harness")]
sys.path[:0] = PATHS


@dataclass(frozen=True)
class Target:
    """What a figure should be. limit: None where it is only told; least: it should be that much, not at most."""

    unit: str
    limit: float | None = None
    least: bool = False
    digits: int = 1

    def shown(self) -> str:
        """The target in words."""
        if self.limit is None:
            return ""
        return f"{'≥' if self.least else '≤'} {self.limit:,.10g} {self.unit}"

    def met(self, value: float) -> bool:
        """Whether a value is as good as it should be."""
        return self.limit is None or (value >= self.limit if self.least else value <= self.limit)


@dataclass(frozen=True)
class Figure:
    """One figure as it was measured. beside: what it was measured against, in words."""

    name: str
    value: str
    target: str
    met: bool
    beside: str


class Found:
    """Collects the figures of one benchmark, in the order of its targets."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self.targets = targets
        self.figures: list[Figure] = []

    def add(self, name: str, value: float, beside: str = "") -> None:
        """A figure was measured."""
        target = self.targets[name]
        shown = f"{value:,.{target.digits}f} {target.unit}".rstrip()
        self.figures.append(Figure(name, shown, target.shown(), target.met(value), beside))


def tell(doc: str | None, targets: Mapping[str, Target], measure: Callable[[Found, Any], None], *more: Any) -> int:
    """A benchmark's main: measure, print, and 1 where a target is missed. more: further arguments, as `add_argument` takes them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON list")
    for names, settings in more:
        parser.add_argument(*names, **settings)
    asked, found = parser.parse_args(), Found(targets)
    measure(found, asked)
    if asked.json:
        print(json.dumps([asdict(each) for each in found.figures]))
    else:
        show(found.figures)
    return int(not all(each.met for each in found.figures))


def show(figures: Sequence[Figure]) -> None:
    """The figures as a table."""
    widest = max((len(each.name) for each in figures), default=0)
    for each in figures:
        missed = "" if each.met else "  MISSED"
        print(f"{each.name:<{widest}}  {each.value:>16}  {each.target:<18}{each.beside}{missed}")


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used: its clock is numbered as `clock_getcpuclockid` numbers it on Linux."""
    return time.clock_gettime((~pid << 3) | 2)


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
