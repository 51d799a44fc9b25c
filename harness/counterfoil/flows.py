"""How long the business waits for the integration: from what people did to what has to come of it, as the journal saw both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.client import Record

PREFIX, SUFFIX = "com.counterfoil.", ".v1"


@dataclass(frozen=True)
class Flow:
    """A way through the systems. cause, effect: event types without prefix and version; about: the member that both share. source: of a
    flow that ends in an invoice, the member of the invoice's lines that names its causes. people: whether people start it."""

    name: str
    cause: str
    effect: str
    about: str = "key"
    source: str = ""
    people: bool = True


SETUP = Flow("won deal → project", "crm.opportunity.closed_won", "psa.project.created", about="correlation_id")
TIME = Flow("approved time → invoice", "psa.time.approved", "billing.invoice.issued", source="items")
MILESTONE = Flow(
    "completed milestone → invoice", "psa.milestone.completed", "billing.invoice.issued", source="milestones"
)
POSTING = Flow("invoice → posted", "billing.invoice.issued", "erp.invoice.posted", people=False)
FLOWS = (SETUP, TIME, MILESTONE, POSTING)
BILLED = "billing.plan.changed"
"""Time waits for the end of its billing cycle, which is nobody's slowness: its watch starts when its cycle ends."""

Span = tuple[float, float | None]
"""When a flow began and when it ended, wall seconds; None where it has not."""


def kind_of(event: Mapping[str, Any]) -> str:
    """An event's type without prefix and version."""
    return str(event["operation"]).removeprefix(PREFIX).removesuffix(SUFFIX)


class Watch:
    """Takes the journal's events as they come and keeps what flows are made of."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[float, str]]] = {}
        self._cycles: dict[str, list[tuple[float, str]]] = {}
        self._wanted = {each for flow in FLOWS for each in (flow.cause, flow.effect)}

    def see(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take events (journal entries of kind `event`) in their order."""
        for event in events:
            kind, at, trace = kind_of(event), float(event["wall"]), str(event["trace"] or "")
            if kind == BILLED:
                contract, _, line = str(event["key"]).partition("/")
                if line:
                    self._cycles.setdefault(contract, []).append((at, trace))
            elif kind in self._wanted:
                for member in ("key", "correlation_id"):
                    about = f"{member}:{event[member]}"
                    self._seen.setdefault(kind, {}).setdefault(about, (at, trace))

    def spans(self, flow: Flow, late: Mapping[str, float], invoices: Mapping[str, Record]) -> list[Span]:
        """Every case of a flow. late: by trace, how many seconds people did a deed after it was due (they count as waiting).
        invoices: by number, as billing shows them."""
        if flow.source:
            return list(self._invoiced(flow, late, invoices))
        effects, found = self._seen.get(flow.effect, {}), []
        for about, (at, trace) in self._seen.get(flow.cause, {}).items():
            if about.startswith(flow.about):
                begun = at - (late.get(trace, 0.0) if flow.people else 0.0)
                ended = effects.get(about)
                found.append((begun, ended[0] if ended else None))
        return found

    def _invoiced(self, flow: Flow, late: Mapping[str, float], invoices: Mapping[str, Record]) -> Iterable[Span]:
        issued = self._seen.get(flow.effect, {})
        ends: dict[str, tuple[float, str]] = {}
        for number, invoice in invoices.items():
            at = issued.get(f"key:{number}")
            if at is not None:
                for key in sources(invoice, flow.source):
                    ends[key] = min(ends.get(key, (at[0], "~")), (at[0], str(invoice["contract_no"])))
        for about, (since, trace) in self._seen.get(flow.cause, {}).items():
            member, _, key = about.partition(":")
            if member != "key":
                continue
            begun = since - late.get(trace, 0.0)
            billed = ends.get(key)
            if flow is not TIME:
                yield begun, billed[0] if billed else None
            elif (
                billed is not None
            ):  # what no cycle has come to an end for is waiting for that, not for the integration
                cycles = [(when, mark) for when, mark in self._cycles.get(billed[1], ()) if when <= billed[0]]
                asked = [when - late[mark] for when, mark in cycles if mark in late] or [begun]
                yield max(begun, asked[-1]), billed[0]


def sources(invoice: Record, member: str) -> Iterable[str]:
    """The keys of what an invoice bills: its `items`, or its `milestones`."""
    for line in invoice["lines"]:
        if member == "items":
            yield from line["items"] or ()
        elif line["ms_code"]:
            yield f"{invoice['contract_no']}/{line['ms_code']}"
