"""The export of a run: the canonical state and the journal at each scenario's end, as NDJSON in a stable order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from counterfoil.integration import called
from counterfoil.outcome import Run

FILES = ("state.ndjson", "journal.ndjson")


def about(run: Run) -> dict[str, Any]:
    """What the run can be repeated with."""
    facts: dict[str, Any] = dict(run)
    known = {name: facts.get(name) for name in ("integration", "seed", "size", "faults")}
    return {
        **known,
        "name": called(str(known["integration"])),
        "scenarios": [each["id"] for each in run["scenarios"] if each.get("evidence")],
    }


def gather(run: Run, evidence: Path, folder: Path) -> None:
    """Write `state.ndjson`, `journal.ndjson` and `run.json` into a folder. Of several scenarios each has its own folder inside, and the two
    files above hold all of them, every line with the scenario's id first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_bytes(orjson.dumps(about(run), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    kept = [each for each in run["scenarios"] if each.get("evidence")]
    for name in FILES:
        with (folder / name).open("wb") as whole:
            for each in kept:
                body = (evidence / each["evidence"] / name).read_bytes()
                if len(kept) == 1:
                    whole.write(body)
                    continue
                own = folder / each["id"]
                own.mkdir(exist_ok=True)
                (own / name).write_bytes(body)
                for line in body.splitlines():
                    whole.write(orjson.dumps({"scenario": each["id"], **orjson.loads(line)}) + b"\n")
