"""A landscape and an integration that a whole file of tests shares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from counterfoil.client import Control
from counterfoil.integration import Integration


@contextlib.contextmanager
def as_at_the_start(control: Control, integration: Integration) -> Iterator[None]:
    """One test's part of them: afterwards both are as they were before."""
    baseline = control.post("/snapshots", {"label": "test"})["id"]
    yield
    control.delete("/faults")
    integration.reset()
    control.post(f"/snapshots/{baseline}/restore", {"label": "test"})
    integration.reset()
