"""The reference integration: a process of its own that keeps the four systems in step, known to the testbed only by its traffic."""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from counterfoil.descriptor import Descriptor


def descriptor(mutant: str | None = None) -> Descriptor:
    """The descriptor of the reference, or of one of its mutants (`F-07`); raises Unreadable for one that there is not."""
    import yaml

    from counterfoil.descriptor import Unreadable, understand
    from counterfoil.reference import mutants

    content = yaml.safe_load(files(__name__).joinpath("reference.yaml").read_text(encoding="utf-8"))
    command = content["start"]["command"]
    command[0] = sys.executable
    if mutant is not None:
        found = mutants.find(mutant)
        if found is None:
            raise Unreadable(f"mutant:{mutant}: there is no such mutant; there are: {', '.join(mutants.names())}")
        content["name"] = f"mutant:{mutant}"
        command += ["--mutant", mutant]
        content["events"] = sorted({*content["events"], *found.hears()})
    return understand(content, content["name"])
