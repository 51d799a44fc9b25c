"""What the integration's role may do: the landscape's `settings.role` says a level for each type of records that is not `full`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from counterfoil_mocks.config import Unusable
from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.lists import LISTS
from counterfoil_mocks.kernel.face import Request
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.protocols.fieldmap import ObjectMap

LEVELS = ("none", "view", "create", "edit", "full")
"""As NetSuite has them, each with all that those before it have."""
NEEDS = {"GET": "view", "POST": "create", "PATCH": "edit", "PUT": "edit", "DELETE": "full"}


class Permissions:
    """The role's levels. said: by record type; raises Unusable for what is no type or no level."""

    def __init__(self, said: Any, types: Mapping[str, ObjectMap]) -> None:
        if not isinstance(said, Mapping):
            raise Unusable("landscape: settings.role says a level for each type of records, as {invoice: view}.")
        for name, level in said.items():
            if name not in types and name not in LISTS:
                raise Unusable(f"landscape: settings.role: NetSuite has no record {name}.")
            if level not in LEVELS:
                raise Unusable(f"landscape: settings.role.{name}: {level!r} is none of {', '.join(LEVELS)}.")
        self._said = dict(said)
        self.hidden = frozenset(name for name, level in said.items() if level == "none")
        """Types that the role does not see."""

    def may(self, name: str, level: str) -> bool:
        """Whether the role has a level for a type of records."""
        return LEVELS.index(self._said.get(name, "full")) >= LEVELS.index(level)

    def check(self, request: Request, operation: Operation) -> None:
        """See that the role may do what a call asks for; raises Refused 400, as NetSuite does."""
        if self._said and not all(self.may(*each) for each in needed(request, operation)):
            raise Refused(
                400, "INSUFFICIENT_PERMISSION", "Your current role does not have permission to perform this action."
            )


def needed(request: Request, operation: Operation) -> Iterable[tuple[str, str]]:
    """The types of records that a call is about, and the level that it takes for each."""
    about = operation.about
    if isinstance(about, str):
        yield about, NEEDS[request.method]
    elif isinstance(about, dict) and "type" in about:
        makes = "source" in about or "update" in about or "{id}" not in operation.path
        level = NEEDS[request.method]
        if makes and request.method in ("POST", "PUT"):
            level = "create"
        elif request.method == "POST" or (request.method == "DELETE" and "{line}" in operation.path):
            level = "edit"  # a line is a part of the record that it is of
        yield about["type"].name, level
        if "source" in about:
            yield about["source"].name, "view"
