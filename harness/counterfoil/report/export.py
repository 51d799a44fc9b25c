"""The export of a run: the canonical state and the journal at each scenario's end, as NDJSON in a stable order."""

from __future__ import annotations

from pathlib import Path

import orjson

from counterfoil.outcome import Run

FILES = ("state.ndjson", "journal.ndjson")


def gather(run: Run, evidence: Path, folder: Path) -> None:
    """Write `state.ndjson` and `journal.ndjson` into a folder. Of several scenarios each has its own folder inside, and the two
    files above hold all of them, every line with the scenario's id first."""
    folder.mkdir(parents=True, exist_ok=True)
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
