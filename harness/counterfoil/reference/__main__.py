"""Runs the reference integration, or a mutant of it: `python -m counterfoil.reference --port 9000 [--mutant F-07]`."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from counterfoil.reference.config import Unconfigured, from_environment

COLLECT_AFTER = (20_000, 20, 50)
"""How many new objects, and how many collections of each younger generation, it takes until one is collected."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; 2 where the configuration cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m counterfoil.reference", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--mutant", metavar="F-NN", help="serve the reference with this one defect")
    chosen = parser.parse_args(arguments)
    try:
        settings = from_environment(os.environ)
    except Unconfigured as error:
        return _refuse(str(error))

    import uvicorn

    from counterfoil.reference import mutants
    from counterfoil.reference.api import build
    from counterfoil.reference.parts import Parts

    parts, name = Parts(), "reference"
    if chosen.mutant:
        mutant = mutants.find(chosen.mutant)
        if mutant is None:
            return _refuse(f"there is no mutant {chosen.mutant!r}; there are: {', '.join(mutants.names())}")
        parts, name = parts.but(**mutant.parts), f"mutant {mutant.id}"
    app = build(settings, parts, name)
    gc.freeze()  # what is there by now stays
    gc.set_threshold(*COLLECT_AFTER)
    uvicorn.run(
        app,
        host=chosen.host,
        port=chosen.port,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
    )
    return 0


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"counterfoil.reference: {sentence}\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
