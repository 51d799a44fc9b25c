"""Keeps docs/performance.md: runs the benchmarks and writes their figures between the page's markers.

Run as `python tests/benchmarks/page.py [BENCHMARK …]`; all of them by default. What is not measured now keeps the figures it had.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from figures import ROOT

PAGE = ROOT / "docs" / "performance.md"
BENCHMARKS = (
    "request_paths",
    "faces",
    "queries",
    "peers",
    "startup",
    "snapshots",
    "chain",
    "firm",
    "suite",
    "processes",
    "shares",
)
"""In the order of the page. `exploration` is not among them: it takes hours, and the page of exploration tells what it found."""
LIBRARIES = ("uvicorn", "uvloop", "httptools", "aiohttp", "orjson", "sqlalchemy", "pydantic")
UNMEASURED = "not measured yet"
BLOCK = "<!-- {name} -->\n{text}\n<!-- end of {name} -->"


def block(name: str) -> re.Pattern[str]:
    """Where a text of this name stands in the page."""
    return re.compile(BLOCK.format(name=re.escape(name), text="(?P<text>.*?)"), re.DOTALL)


def put(page: str, name: str, text: str) -> str:
    """The page with a text in its place; raises SystemExit where there is no such place."""
    if len(block(name).findall(page)) != 1:
        raise SystemExit(f"{PAGE.name} has no place for {name}")
    return block(name).sub(lambda _: BLOCK.format(name=name, text=text), page)


def table(figures: Sequence[Mapping[str, object]], load: float = 0) -> str:
    """Figures as the page shows them. load: of the machine before they were measured."""
    rows = [f"| figure | measured | target | beside it; load {load:.1f} before |", "| --- | --- | --- | --- |"]
    for each in figures:
        missed = "" if each["met"] else " **(missed)**"
        rows.append(f"| {each['name']} | {each['value']}{missed} | {each['target']} | {each['beside']} |")
    return "\n".join(rows)


def machine() -> str:
    """What the figures were measured on."""
    about = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.+)", about)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model[1] if model else platform.machine()}, {memory:.0f} GiB, Linux"
        f" {platform.release().split('-')[0]}; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}."
    )


def main() -> int:
    """Run, write, and say which targets are missed; 2 where a benchmark could not be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", choices=[*BENCHMARKS, []], metavar="BENCHMARK")
    failed = False
    for name in parser.parse_args().benchmarks or BENCHMARKS:
        load = os.getloadavg()[0]
        print(f"{name}: load {load:.1f}", flush=True)
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(f"{name}.py")), "--json"], stdout=subprocess.PIPE, check=False
        )
        try:
            figures = json.loads(done.stdout)
        except json.JSONDecodeError:
            print(f"{name} could not be run", file=sys.stderr)
            failed = True
            continue
        for each in figures:
            print(f"  {each['name']}: {each['value']} {each['target']}{'' if each['met'] else '  MISSED'}", flush=True)
        if figures:
            page = put(PAGE.read_text(encoding="utf-8"), name, table(figures, load))
            PAGE.write_text(put(page, "machine", machine()), encoding="utf-8")
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
