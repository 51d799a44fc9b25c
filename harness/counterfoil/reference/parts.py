"""The classes that the integration is put together from. A mutant exchanges one or two of them and nothing else."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass, replace
from typing import Any

from counterfoil.reference import connectors
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.dashboard import Dashboard
from counterfoil.reference.engine import Engine
from counterfoil.reference.flows.cash import Cash
from counterfoil.reference.flows.changes import Changes
from counterfoil.reference.flows.customers import Customers
from counterfoil.reference.flows.delivery import Delivery
from counterfoil.reference.flows.endings import Endings
from counterfoil.reference.flows.invoicing import Invoicing
from counterfoil.reference.flows.locks import Locks
from counterfoil.reference.flows.merges import Merges
from counterfoil.reference.flows.moving import Moving
from counterfoil.reference.flows.rates import Rates
from counterfoil.reference.flows.rebilling import Rebilling
from counterfoil.reference.flows.setup import Setup
from counterfoil.reference.flows.taxes import Taxes
from counterfoil.reference.poller import Poller
from counterfoil.reference.reconcile import Reconciliation
from counterfoil.reference.state import Inbox


def connector_of(vendor: str, chosen: type[NativeConnector]) -> type[NativeConnector]:
    """The connector of a vendor, `Connector` in the module named like it; the native one where there is none. A mutant's defect lies
    over it."""
    place = f"{connectors.__name__}.{vendor}"
    if vendor == "native" or importlib.util.find_spec(place) is None:
        return chosen
    found: type[NativeConnector] = importlib.import_module(place).Connector
    return found if chosen is NativeConnector else type(chosen.__name__, (chosen, found), {})


@dataclass(frozen=True)
class Parts:
    """The parts, each a class."""

    connector: type[NativeConnector] = NativeConnector
    inbox: type[Inbox] = Inbox
    engine: type[Engine] = Engine
    poller: type[Poller] = Poller
    customers: type[Customers] = Customers
    setup: type[Setup] = Setup
    invoicing: type[Invoicing] = Invoicing
    locks: type[Locks] = Locks
    rebilling: type[Rebilling] = Rebilling
    delivery: type[Delivery] = Delivery
    cash: type[Cash] = Cash
    changes: type[Changes] = Changes
    merges: type[Merges] = Merges
    endings: type[Endings] = Endings
    taxes: type[Taxes] = Taxes
    rates: type[Rates] = Rates
    reconciliation: type[Reconciliation] = Reconciliation
    dashboard: type[Dashboard] = Dashboard
    moving: type[Moving] = Moving

    def but(self, **exchanged: Any) -> Parts:
        """The same with some parts exchanged."""
        return replace(self, **exchanged)
