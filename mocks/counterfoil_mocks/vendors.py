"""Which vendors' faces there are: every folder of a role that has an `api.py`. Nothing is imported until a landscape wants it."""

from __future__ import annotations

import importlib
from pathlib import Path

from counterfoil_mocks.kernel.face import Face

ROLES = ("crm", "psa", "erp", "billing")
HERE = Path(__file__).parent


def offered() -> dict[str, tuple[str, ...]]:
    """The faces that each role can wear, our own first."""
    return {role: ("native", *sorted(each.parent.name for each in (HERE / role).glob("*/api.py"))) for role in ROLES}


def face_of(role: str, vendor: str) -> type[Face] | None:
    """The face of a vendor, as its `api.py` names it in `FACE`; None for our own, which every system has."""
    if vendor == "native":
        return None
    found: type[Face] = importlib.import_module(f"{__package__}.{role}.{vendor}.api").FACE
    return found
