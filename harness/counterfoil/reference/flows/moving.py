"""A company's books that move to another ERP: what was handed over there is opened here, once, and from then on posted here."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.errors import Unfit
from counterfoil.reference.flows import Flow, on
from counterfoil.reference.routes import FIRST, along
from counterfoil.reference.work import Work

# fmt: off
COMMON = frozenset({
    "id", "key", "version", "created_at", "updated_at", "deleted_at", "merged_into", "external_id", "ext_refs", "custom", "source_key",
    "correlation_id", "causation_id", "customer_no", "je",
})
# fmt: on
OPEN = (("documents", "ar_document"), ("schedules", "revenue_schedule"), ("work", "work_entry"))


class Moving(Flow):
    """Takes books over."""

    @on("erp.books.moved", severity="S1")
    async def moved(self, work: Work) -> None:
        """Load every contract that was handed over into the new books, then route the company there."""
        company = await work.current("legal_entity")
        to = company["moved_to"]
        if to not in work.systems:
            raise Unfit("SYSTEM_UNKNOWN", f"The books of {company['code']} move to {to}, which is not connected.")
        route = {**FIRST, "erp": to}
        systems = {**work.systems, "erp": work.systems[to]}
        with along(route):
            for handover in await work.list(work.event.system, "handover", legal_entity=company["code"]):
                flow = replace(work.event, flow=handover["contract_no"])
                await self._take_over(work, Work(work.seq, work.name, flow, work.state, systems), handover)
        self.desk.state.note("books", company["code"], to)
        work.provide("erp books")

    async def _take_over(self, work: Work, there: Work, handover: Record) -> None:
        contract = await work.need("crm", "contract", handover["contract_no"])
        customer = await work.need("crm", "customer", contract["customer"])
        sites = [
            await work.need("crm", "site", id_)
            for id_ in dict.fromkeys((contract["bill_to"], contract["ship_to"]))
            if id_
        ]
        golden = await self.desk.customers.ensure(there, customer, sites)
        for name, entity in OPEN:
            for record in await self._handed(work, entity, handover, handover[name]):
                await self.load(work, there, entity, record, golden.ids["erp"])
        if handover["lines"]:
            await self.open(there, handover)

    async def _handed(self, work: Work, entity: str, handover: Record, ids: list[str]) -> Records:
        where = {"contract_no": handover["contract_no"], "include_deleted": "true"}
        found = {each["id"]: each for each in await work.list(work.event.system, entity, **where)}
        return [found[id_] for id_ in ids]

    async def load(self, work: Work, there: Work, entity: str, record: Record, debtor: str) -> None:
        """One record, as it stood."""
        values = {name: value for name, value in record.items() if name not in COMMON and value is not None}
        if "customer" in values:
            values["customer"] = debtor
        if "lines" in values:
            values["lines"] = [bare(line) for line in values["lines"]]
        await there.act(
            "erp",
            f"load_{entity}",
            effect=record["id"],
            already=("LOADED_ALREADY",),
            source_key=record["key"],
            legacy_system=work.event.system,
            legacy_id=record["id"],
            **values,
        )

    async def open(self, there: Work, handover: Record) -> None:
        """The opening balances of a contract."""
        await there.act(
            "erp",
            "load_opening",
            effect=handover["contract_no"],
            source_key=handover["contract_no"],
            legal_entity=handover["legal_entity"],
            contract_no=handover["contract_no"],
            as_of=handover["as_of"],
            lines=[bare(line) for line in handover["lines"]],
        )


def bare(line: Record) -> Record:
    """A line without what its record says for all of them."""
    return {name: value for name, value in line.items() if name not in ("ccy", "func_ccy") and value is not None}
