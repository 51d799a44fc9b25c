"""Which vendors' faces there are: every folder of a role that has an `api.py`. Nothing is imported until a landscape wants it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Literal, get_args

from counterfoil_mocks.kernel.face import Face

RoleName = Literal["crm", "psa", "erp", "billing"]
ROLES: tuple[RoleName, ...] = get_args(RoleName)
"""In the order of their ports."""
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
