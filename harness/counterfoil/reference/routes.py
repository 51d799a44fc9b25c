"""Which system of a role a deed concerns, where there are several: whose CRM a contract is in, who keeps a company's books.

Flows say `crm` and `erp` and mean the right one; cross-references are kept by the systems' own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

from counterfoil.reference.connectors import Connector
from counterfoil.reference.event import Event

if TYPE_CHECKING:
    from counterfoil.reference.state import State

ROLES = ("crm", "psa", "billing", "erp")
Route = Mapping[str, str]
"""Names of systems by role."""

FIRST: Route = MappingProxyType(dict(zip(ROLES, ROLES, strict=True)))
_now: ContextVar[Route] = ContextVar("route", default=FIRST)


def named(role: str) -> str:
    """The name of the system that a role means now."""
    return _now.get().get(role, role)


@contextmanager
def along(route: Route) -> Iterator[None]:
    """Inside the block roles mean the systems of this route."""
    before = _now.set(route)
    try:
        yield
    finally:
        _now.reset(before)


def role_of(system: str) -> str:
    """The role of a system, by its name: `erp_b` is an `erp`."""
    return system.partition("_")[0]


class Routes:
    """Finds the route of an event, by what the state remembers of contracts and companies."""

    def __init__(self, state: State, systems: Mapping[str, Connector]) -> None:
        self.state = state
        self.systems = systems

    def of(self, event: Event) -> list[Route]:
        """The routes that an event goes: one for what concerns a contract or a company, one for each books for what concerns neither."""
        base = dict(FIRST)
        base[role_of(event.system)] = event.system
        contract_no = str(event.record.get("contract_no") or "")
        if contract_no:
            if base["crm"] != "crm":
                self.state.note("sold", contract_no, base["crm"])
            base["crm"] = event.system if role_of(event.system) == "crm" else self.crm_of(contract_no)
        company = event.record.get("legal_entity") or event.legal_entity
        if role_of(event.system) == "erp":
            return [base]
        if company:
            return [base | {"erp": self.books_of(str(company))}]
        return [base | {"erp": name} for name in self.systems if role_of(name) == "erp"]

    def along(self, route: Route) -> dict[str, Connector]:
        """The connectors of a route by role, and all others by name."""
        return {**self.systems, **{role: self.systems[name] for role, name in route.items()}}

    def books_of(self, company: str) -> str:
        """Who keeps a company's books."""
        return self._told("books", company, "erp")

    def crm_of(self, contract_no: str) -> str:
        """Whose contract it is."""
        return self._told("sold", contract_no, "crm")

    def _told(self, kind: str, canonical: str, otherwise: str) -> str:
        found = self.state.noted(kind, canonical)
        return otherwise if found is None or found not in self.systems else found
