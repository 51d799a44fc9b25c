"""`python -m counterfoil` is `counterfoil`."""

from __future__ import annotations

from counterfoil.cli import main

main(prog_name="counterfoil")
