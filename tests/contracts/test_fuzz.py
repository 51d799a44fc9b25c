"""The reference integration's own API answers as its document says, whatever it is sent."""

from __future__ import annotations

import pytest

from counterfoil.bench import Bench, Settings
from counterfoil.contracting import fuzzing
from counterfoil.integration import resolve


@pytest.mark.slow
def test_the_reference_answers_as_its_own_document_says(capfd: pytest.CaptureFixture[str]) -> None:
    bench = Bench(Settings(resolve("reference"), seed=1))
    bench.start()
    try:
        assert bench.integration is not None
        code = fuzzing.fuzz(f"{bench.integration.base}/openapi.json", {}, seed=1, examples=3, quiet=True)
    finally:
        bench.stop()
    assert code == 0, capfd.readouterr().out
