"""Catch-up by polling: finds what no event told of. Whatever changed since the cursor is read to its end before the cursor moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from counterfoil.reference.connectors import Connector, Record
from counterfoil.reference.engine import Engine
from counterfoil.reference.errors import Trouble
from counterfoil.reference.event import Event, of_record
from counterfoil.reference.routes import role_of
from counterfoil.reference.state import State

OVERLAP = timedelta(seconds=60)
"""How far behind the cursor each poll begins: records of the same second, and some that became visible late, come again."""


@dataclass(frozen=True)
class Watched:
    """A collection that is polled, and the event that a record of it stands for (None: none). undone: by the event that was told of a
    record which stands for none any more, the event that takes it back."""

    entity: str
    event: Callable[[Record], str | None]
    undone: Mapping[str, str] = field(default_factory=dict)


def when(field: str, table: Mapping[str, str]) -> Callable[[Record], str | None]:
    """The event by the value of a field."""
    return lambda record: table.get(str(record[field]))


def always(type_: str) -> Callable[[Record], str | None]:
    """The same event for every record."""
    return lambda record: type_


LIVE = ("ISSUED", "POSTED", "PARTIALLY_PAID", "PAID", "DISPUTED", "CREDITED", "WRITTEN_OFF")
CONTRACTS = {
    "ACTIVE": "crm.contract.activated",
    "COMPLETED": "crm.contract.completed",
    "TERMINATED": "crm.contract.terminated",
}
WATCHED: dict[str, tuple[Watched, ...]] = {
    "crm": (
        Watched("rate_card", when("status", {"PUBLISHED": "crm.rate_card.published"})),
        Watched("customer", always("crm.account.updated")),
        Watched("site", always("crm.site.changed")),
        Watched(
            "opportunity",
            when("stage", {"CLOSED_WON": "crm.opportunity.closed_won"}),
            {"crm.opportunity.closed_won": "crm.opportunity.reopened"},
        ),
        Watched("contract", when("status", CONTRACTS)),
        Watched("change_order", when("status", {"APPROVED": "crm.change_order.approved"})),
        Watched("approval", when("decision", {"APPROVED": "crm.approval.decided"})),
    ),
    "psa": (
        Watched("project", lambda record: "psa.etc.updated" if record["etc_cost"] or record["etc_hours"] else None),
        Watched(
            "milestone",
            when("status", {"COMPLETED": "psa.milestone.completed", "ACCEPTED": "psa.milestone.accepted"}),
            dict.fromkeys(("psa.milestone.completed", "psa.milestone.accepted"), "psa.milestone.uncompleted"),
        ),
        Watched(
            "time_entry",
            when("approval", {"APPROVED": "psa.time.approved"}),
            {"psa.time.approved": "psa.time.unapproved"},
        ),
        Watched(
            "expense",
            when("approval", {"APPROVED": "psa.expense.approved"}),
            {"psa.expense.approved": "psa.expense.unapproved"},
        ),
    ),
    "billing": (
        Watched("plan", always("billing.plan.created")),
        Watched("plan_line", when("status", {"READY": "billing.plan.changed"})),
        Watched("invoice", when("status", dict.fromkeys(LIVE, "billing.invoice.issued"))),
        Watched("credit_memo", when("status", dict.fromkeys(("ISSUED", "POSTED"), "billing.credit_memo.issued"))),
    ),
    "erp": (
        Watched("fx_rate", always("erp.fx_rate.published")),
        Watched("tax_code", always("erp.tax_code.changed")),
        Watched("ar_document", always("erp.invoice.posted")),
        Watched(
            "payment",
            when(
                "status",
                dict.fromkeys(("APPLIED", "PARTIALLY_APPLIED"), "erp.payment.applied")
                | {"REVERSED": "erp.payment.reversed"},
            ),
        ),
    ),
}


@dataclass
class Polled:
    """What came of a poll, by system: how many changes were new, or why it could not be read to its end."""

    found: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Poller:
    """Polls all systems, one poll at a time."""

    def __init__(self, state: State, systems: Mapping[str, Connector], engine: Engine) -> None:
        self.state = state
        self.systems = systems
        self.engine = engine
        self._turn = asyncio.Lock()

    async def poll(self) -> Polled:
        """Read all systems. One that cannot be read to its end is read again from the same place next time."""
        polled = Polled()
        async with self._turn:
            for name in self.systems:
                try:
                    polled.found[name] = await self.poll_system(name)
                except Trouble as trouble:
                    polled.failed[name] = trouble.detail
        return polled

    async def poll_system(self, name: str) -> int:
        """Read one system to the end, keep every change in the inbox, then move the cursor."""
        start, newest, found = self.state.cursor(name), "", 0
        for watched in WATCHED[role_of(name)]:
            async for page in self.systems[name].pages(watched.entity, self.since(start)):
                for record in page:
                    newest = max(newest, record["updated_at"])
                    found += self.take(name, watched, record, start)
                self.page_read(name, newest)
        self.save(name, start, newest)
        return found

    def since(self, cursor: str | None) -> dict[str, str]:
        """What to ask a list for: from the cursor on, with an overlap; everything where there is none."""
        if cursor is None:
            return {}
        moment = datetime.fromisoformat(cursor.replace("Z", "+00:00")) - OVERLAP
        return {"updated_since": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    def take(self, name: str, watched: Watched, record: Record, cursor: str | None) -> bool:
        """Hand a changed record on, unless an event has told of it."""
        if not self.wanted(record, cursor):
            return False
        type_ = watched.event(record)
        event = self.taken_back(name, watched, record) if type_ is None else of_record(name, type_, record)
        return event is not None and not self.known(event) and self.engine.submit(event)

    def taken_back(self, name: str, watched: Watched, record: Record) -> Event | None:
        """The event that takes back what was told of a record last; None where nothing was told of it, or that has been taken back."""
        inbox, found = self.state.inbox, None
        for done, undone in watched.undone.items():
            told, since = (inbox.latest(name, str(record["id"]), type_) for type_ in (done, undone))
            if told is not None and (since is None or since.version < told.version):
                found = of_record(name, undone, record, {"before": told.record})
        return found

    def wanted(self, record: Record, cursor: str | None) -> bool:
        """Whether a record that the list gave is to be looked at."""
        return True

    def known(self, event: Event) -> bool:
        """Whether an event told of this version, or a later one."""
        return self.state.inbox.knows(event)

    def page_read(self, name: str, newest: str) -> None:
        """A page has been read; the cursor stays where it is until the last one has been."""

    def save(self, name: str, start: str | None, newest: str) -> None:
        """Move the cursor to the newest change that has been kept."""
        if newest > (start or ""):
            self.state.set_cursor(name, newest)
