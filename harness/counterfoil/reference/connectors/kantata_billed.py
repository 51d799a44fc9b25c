"""What billing tells Kantata: each line of an invoice that bills time or expenses is an invoice of Kantata's over them, titled by that line.

Kantata marks whatever is on an invoice that is not cancelled as invoiced; cancelling it frees its lines. There is no other way to say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from counterfoil.reference.connectors import Record, Records, Trail
from counterfoil.reference.errors import Refused

if TYPE_CHECKING:
    from counterfoil.reference.connectors.kantata import Connector

KINDS: Mapping[str, tuple[str, str]] = {
    "TIME": ("time_entry", "time_entry_ids"),
    "EXPENSE": ("expense", "expense_ids"),
}
"""By source of a billable item: our entity, and the attribute of an invoice."""
SERVICE = {"service_name": "billing", "service_model": "InvoiceLine"}
CANCELLED = "cancelled"


class Billed:
    """Marks what is on an invoice, and frees it again."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.wire = connector.kantata

    async def mark(self, project: str, items: Sequence[Record], trail: Trail) -> None:
        """Have each line of an invoice be an invoice of Kantata's; one that is there already is left alone. Nothing is invoiced where
        one of the items is not to be billed."""
        lines = await self._unbilled(project, items)
        for line, ids in lines.items():
            try:
                await self._invoice(project, line, ids, trail)
            except Refused as refused:
                if refused.status != 422:
                    raise
                await self._unbilled(project, items)  # an approval may have been withdrawn since it was asked for
                raise

    async def _unbilled(self, project: str, items: Sequence[Record]) -> dict[str, dict[str, list[str]]]:
        """Ids of what is to be invoiced still, by line and by attribute of an invoice; raises Refused for what is not to be billed."""
        free = {source: await self._free(project, source) for source in {each["source_type"] for each in items}}
        lines: dict[str, dict[str, list[str]]] = {}
        for line, several in by_line(items).items():
            for item in several:
                found = free[item["source_type"]].get(item["source_id"])
                if found is None:
                    await self._check(item)
                else:
                    lines.setdefault(line, {}).setdefault(KINDS[item["source_type"]][1], []).append(found)
        return lines

    async def release(self, project: str, items: Sequence[Record], trail: Trail) -> Records:
        """Cancel the invoices of lines that came back; what else was on them is invoiced again. Returns items that no invoice bills:
        they were billed before Kantata was told so."""
        left: Records = []
        for line, several in by_line(items).items():
            invoices = await self._invoices(line)
            if not invoices:
                left += several
            for invoice in invoices:
                back = {each["source_id"] for each in several}
                rest: dict[str, list[str]] = {}
                for entity, attribute in KINDS.values():
                    kept = [each for each in await self._lines(entity, invoice[attribute]) if each["key"] not in back]
                    if kept:
                        rest[attribute] = [each["id"] for each in kept]
                await self.wire.say("PUT", f"invoices/{invoice['id']}/cancel", {}, trail)
                if rest:
                    await self._invoice(project, line, rest, trail)
        return left

    async def _free(self, project: str, source: str) -> dict[str, str]:
        """Ids of a project's approved entries that are on no invoice, by key."""
        entity = KINDS[source][0]
        where = {"project": project, "approval": "APPROVED", "billing": "UNBILLED"}
        return {each["key"]: each["id"] for each in await self.connector.list(entity, where)}

    async def _check(self, item: Record) -> None:
        """Refuse what is not to be billed, unless this very line bills it."""
        entity, line = KINDS[item["source_type"]][0], item["invoice_line"]
        entry = await self.connector.known(entity, item["source_id"])
        if entry["invoice_line"] != line:
            code = "ALREADY_BILLED" if entry["invoice_line"] else "NOT_APPROVED"
            told = f"{entry['key']} is {entry['approval']} and on {entry['invoice_line'] or 'no invoice'}; it cannot be on {line}."
            raise Refused(409, {"code": code, "detail": told}, "POST invoices")

    async def _invoice(self, project: str, line: str, ids: Mapping[str, list[str]], trail: Trail) -> None:
        said: Record = {
            "workspace_id": project,
            "payment_schedule": 0,
            "user_invoice_title": line,
            "suppress_emails": True,
            "external_reference": {**SERVICE, "service_model_ref": line},
            **ids,
        }

        async def look_up() -> Any:
            for each in await self._invoices(line):
                if all(set(several) <= set(each[attribute]) for attribute, several in ids.items()):
                    return each
            return None

        await self.wire.say("POST", "invoices", {"invoice": said}, trail, look_up)

    async def _invoices(self, line: str) -> Records:
        """Kantata's live invoices of a line of ours, with the ids of what is on them."""
        envelope = await self.wire.ask(
            "invoices",
            external_reference_service_model_refs=line,
            external_reference_service_name=SERVICE["service_name"],
            include="time_entries,expenses",
        )
        found = [envelope["invoices"][each["id"]] for each in envelope["results"]]
        return [each for each in found if each["status"] != CANCELLED]

    async def _lines(self, entity: str, ids: Sequence[str]) -> Records:
        return await self.connector.list(entity, {"id": ",".join(ids)}) if ids else []


def by_line(items: Sequence[Record]) -> dict[str, Records]:
    """Items by the line that bills them, in its order."""
    found: dict[str, Records] = {}
    for each in items:
        found.setdefault(str(each.get("invoice_line")), []).append(each)
    return found
