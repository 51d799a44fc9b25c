"""The connector of NetSuite: records by its REST record service, lists and searches by SuiteQL, signed by token-based authentication.

It is what an integration with NetSuite would write: upserts by external id, since no call may be repeated blindly; credit memos by
transforming the invoice; a relationship of the customer with a company before his first invoice of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import aiohttp

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Records, Trail
from counterfoil.reference.connectors.fields import MAJOR, Row
from counterfoil.reference.connectors.native import or_none
from counterfoil.reference.connectors.netsuite_fields import TYPES, Source, sources
from counterfoil.reference.connectors.netsuite_wire import PAGE, Lists, Unlisted, Wire
from counterfoil.reference.connectors.vendor import VendorConnector
from counterfoil.reference.errors import Refused

WORKED_OUT = ("doc_type", "corrects", "net", "tax", "total", "customer_no")
"""Of a document: what NetSuite works out of its lines, or knows from where the call goes."""
STREET = ("addr1", "addr2", "addr3")
PLACE = ("city", "state", "zip", "country")
SOME = 200
"""Documents whose lines are asked for at once."""
SECOND = "TO_DATE(?, 'YYYY-MM-DD HH24:MI:SS')"


class Connector(VendorConnector):
    """Books that speak as NetSuite, which never says how long to wait when there are too many calls."""

    untold = 1.0
    NATIVE: ClassVar[dict[str, str]] = {
        "journal_entry": "NetSuite shows postings in the company's currency only, and those of a document not as an entry of their own",
        "work_entry": "Time in NetSuite posts nothing; what work costs is a ledger of the firm's own",
        "ic_charge": "Charges between companies for people's work are no record of NetSuite's",
        "handover": "Books that move to another system are no record of NetSuite's",
        "revenue_schedule.create": "Revenue arrangements can be read by SuiteQL; no record of NetSuite's writes them",
        "ar_document.patch": "A posted document is not edited",
        "site.patch": "A line of an address book does not move to another customer",
        **dict.fromkeys(("ar_document.list", "revenue_schedule.list"), "What has been deleted is in no search"),
        "merge_customer": "Duplicates are merged in NetSuite's user interface",
        "validate_vat_id": "The register of VAT ids is asked by a script of the firm's own",
        "revalue_period": "The revaluation of open balances is a task of the period's close, without an address in REST",
        **dict.fromkeys(
            ("record_output", "update_estimate", "apply_change_order", "end_schedules"),
            "Progress and change of revenue plans have no address in REST",
        ),
        **dict.fromkeys(("reverse_work", "revalue_work", "reverse_ic_charge"), "As the entries that they concern"),
        **dict.fromkeys(
            ("load_ar_document", "load_revenue_schedule", "load_work_entry", "load_opening"),
            "Opening balances are imported by file in NetSuite's user interface",
        ),
    }

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        super().__init__(settings, session, patience)
        self.netsuite = Wire(self, settings, session, patience)
        self.lists = Lists(self.netsuite)
        self.sources = sources(self.lists)

    def forget(self) -> None:
        super().forget()
        self.lists.forget()

    # reading

    async def get(self, entity: str, key: str) -> Record | None:
        source = self.sources.get(entity)
        if source is None:
            return await super().get(entity, key)
        if entity == "period" and not key.isdecimal():
            return await self._period(source, key)
        if source.record and key.isdecimal():
            return await self._shown(source, key)
        column = source.id if key.isdecimal() else source.key
        found, _ = await self._asked(source, [f"t.{column} = ?"], [key], limit=1)
        return found[0] if found else None

    async def _shown(self, source: Source, id: str) -> Record | None:
        """A record at its own address, which shows also what searches do not find yet."""
        shown = await or_none(self.netsuite.read(f"/{source.record}/{id}"))
        if shown is None:
            return None
        row = {
            name: value["id"] if isinstance(value, Mapping) and "id" in value else value
            for name, value in shown.items()
        }
        return await self._read(source, row, None)

    async def _period(self, source: Source, key: str) -> Record | None:
        """The period `CF-US/2026-01`."""
        company, _, month = key.partition("/")
        try:
            params = [await self.lists.known(lambda: self.lists.id("subsidiary", company)), f"{month}-01"]
        except Unlisted:
            return None
        where = ["t.subsidiary = ?", "t.startdate = TO_DATE(?, 'YYYY-MM-DD')"]
        found, _ = await self._asked(source, where, params, limit=1)
        return found[0] if found else None

    async def list(self, entity: str, where: Mapping[str, Any]) -> Records:
        if entity == "payment_application" and where.keys() == {"bank_ref"}:
            return await self._applications(str(where["bank_ref"]))
        return await super().list(entity, where)

    async def pages(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        source = self.sources.get(entity)
        conditions = None if source is None else await self._conditions(source, where)
        if source is None or conditions is None:
            async for page in super().pages(entity, where):
                yield page
            return
        texts, params = conditions
        seen: set[str] = set()
        since, offset, more = "", 0, True
        while more:
            later = [f"t.{source.changed} >= {SECOND}"] if since else []
            bound = [*params, since] if since else [*params]
            records, more = await self._asked(source, [*texts, *later], bound, offset=offset)
            offset += PAGE
            first, last = (str(records[at].get("updated_at") or "")[:19] if records else "" for at in (0, -1))
            if first != last:
                # Rows that change meanwhile would shift others past an offset.
                since, offset = last.replace("T", " "), 0
            yield [each for each in records if each["id"] not in seen]
            seen.update(each["id"] for each in records)

    async def _conditions(self, source: Source, where: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[Any]] | None:
        """The conditions of a list and what they bind; None where NetSuite cannot be asked so."""
        texts: list[str] = []
        params: list[Any] = []
        for name, value in where.items():
            row = source.by_ours.get(name)
            if name == "updated_since":
                texts.append(f"t.{source.changed} >= {SECOND}")
                params.append(str(value)[:19].replace("T", " "))
            elif row is None:
                return None
            else:
                said = await self._said(row, value)
                texts.append(f"{source.column(row)} = ?")
                params.append(said["id"] if isinstance(said, Mapping) else {True: "T", False: "F"}.get(said, said))
        return texts, params

    async def _said(self, row: Row, value: Any) -> Any:
        return await self.lists.known(lambda: row.kind.say(value, ""))

    async def _asked(
        self, source: Source, where: Sequence[str], params: Sequence[Any], *, limit: int = PAGE, offset: int = 0
    ) -> tuple[Records, bool]:
        """Records that a query finds, oldest change first, with their lines; and whether there are more."""
        raw, more = await self.netsuite.query(source.query(where), params, limit, offset)
        rows = [source.named(each) for each in raw]
        lines = await self._lines(source.lines, rows) if source.lines is not None and rows else None
        return [await self._read(source, row, None if lines is None else lines[row["id"]]) for row in rows], more

    async def _lines(self, source: Source, documents: Records) -> dict[str, Records]:
        """Lines of documents by their ids."""
        about = {str(each["id"]): each for each in documents}
        found: dict[str, Records] = {id: [] for id in about}
        for at in range(0, len(documents), SOME):
            ids = list(about)[at : at + SOME]
            where = f"t.transaction IN ({', '.join('?' * len(ids))})"
            async for raw in self.netsuite.rows(source.query([where]), ids):
                row = source.named(raw)
                document = about[str(row["transaction"])]
                if document["type"] == TYPES["INVOICE"]:
                    row["amount"] = negative(row["amount"])
                found[str(row["transaction"])].append({**row, "currency": document["currency"]})
        return found

    async def _read(self, source: Source, row: Record, lines: Records | None) -> Record:
        """One of their records in our words."""
        record: Record = await self.lists.known(lambda: source.read(row))
        if source.table == "accountingperiod":
            record["status"] = "CLOSED" if record["closed"] else "SOFT_CLOSED" if record["locked"] else "OPEN"
            record["period"] = record["from_date"][:7]
            record["key"] = f"{record['legal_entity']}/{record['period']}"
        if lines is not None and source.lines is not None:
            kind = source.lines
            record["lines"] = [await self.lists.known(lambda line=line: kind.read(line)) for line in lines]  # type: ignore[misc]
            for each in record["lines"]:
                each.pop("document")
            for name in ("net", "tax"):
                amounts = [each[name]["minor"] for each in record["lines"] if each[name] is not None]
                record[name] = {"minor": sum(amounts), "ccy": record["ccy"]}
        return record

    async def _applications(self, bank_ref: str) -> Records:
        """What a payment was applied to, as its sublist shows it; also what is applied no more."""
        payment = await self.get("payment", bank_ref)
        if payment is None:
            return []
        sublist = await self.netsuite.read(f"/customerPayment/{payment['id']}/apply")
        return [
            {
                "payment": payment["id"],
                "bank_ref": bank_ref,
                "ar_document": line["doc"]["id"],
                "invoice_no": line["refNum"],
                "amount": MAJOR.read(line["amount"], payment["ccy"]),
                "status": "ACTIVE" if line["apply"] else "REVERSED",
            }
            for line in sublist["items"]
        ]

    # writing

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        make = {"customer": self._new_customer, "site": self._new_site, "ar_document": self._new_document}.get(entity)
        if make is None:
            return await super().create(entity, values, trail, look_up)
        return await make(values, trail, look_up)

    async def _new_customer(self, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        """A customer, by upsert where an external id tells it from others."""
        source = self.sources["customer"]
        body = await self._body(source, values)
        body["companyName"] = values["name"]
        body["subsidiary"] = {"id": await self.lists.known(lambda: self.lists.first("subsidiary"))}
        external = body.pop("externalId", None)
        if external is None:
            made = await self.netsuite.write("POST", "/customer", body, trail, look_up)
        else:
            made = await self.netsuite.write("PUT", f"/customer/eid:{quote(external, safe='')}", body, trail)
        return await self.known("customer", made)

    async def _new_site(self, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        """A line of a customer's address book; a second one with the same label becomes the first."""
        line = await self._address(values)
        await self.netsuite.write("PATCH", f"/customer/{values['customer']}", in_sublist("addressBook", line), trail)
        where = {"customer": values["customer"], "site_code": values["site_code"]}
        found = await self.list("site", where)
        if not found:
            raise Refused(404, {"code": "NOT_FOUND", "detail": f"there is no site {values['site_code']}"}, "GET site")
        return found[0]

    async def _new_document(self, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        """An invoice, or a credit memo made of the invoice that it corrects."""
        source = self.sources["ar_document"]
        assert source.lines is not None
        said = {name: value for name, value in values.items() if name not in (*WORKED_OUT, "lines")}
        body = await self._body(source, said)
        lines = [await self._body(source.lines, line) for line in values["lines"]]
        body["item"] = {"items": [{name: each for name, each in line.items() if name != "line"} for line in lines]}
        path = "/invoice"
        if values.get("doc_type") == "CREDIT_MEMO":
            corrected = await self.known("ar_document", values["corrects"])
            path = f"/invoice/{corrected['id']}/!transform/creditMemo"
            body["custbody_due"] = body.pop("dueDate", None)
        try:
            made = await self.netsuite.write("POST", path, body, trail, look_up)
        except Refused as refused:
            if refused.body.get("field") != "entity":
                raise
            # The customer has had nothing to do with this company yet.
            relation = {"entity": body["entity"], "subsidiary": body["subsidiary"]}
            await self.netsuite.write("POST", "/customerSubsidiaryRelationship", relation, trail)
            made = await self.netsuite.write("POST", path, body, trail, look_up)
        return await self.known("ar_document", made)

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        source = self.sources.get(entity)
        if entity == "customer" and source is not None and source.sayable(changes):
            body = await self._body(source, changes)
            if "name" in changes:
                name_full = changes.get("name_full", record.get("name_full"))
                body |= {"companyName": changes["name"], "custentity_name_full": name_full}
            await self.netsuite.write("PATCH", f"/customer/{record['id']}", body, trail)
            return await self.known(entity, record["id"])
        if entity == "site" and changes.get("customer", record["customer"]) == record["customer"]:
            line = {**await self._address(changes), "addressId": record["id"]}
            path = f"/customer/{record['customer']}"
            await self.netsuite.write("PATCH", path, in_sublist("addressBook", line), trail)
            return await self.known(entity, record["id"])
        return await super().patch(entity, record, changes, trail)

    async def _body(self, source: Source, values: Mapping[str, Any]) -> Record:
        """Values as NetSuite's fields; raises Refused for a code that no list has."""
        try:
            body: Record = await self.lists.known(lambda: source.say(values))
        except Unlisted as unlisted:
            name, code = unlisted.args
            detail = f"NetSuite has no {name} {code!r}"
            raise Refused(422, {"code": "REFERENCE_UNKNOWN", "detail": detail, "field": name}, f"list {name}") from None
        return body

    async def _address(self, values: Mapping[str, Any]) -> Record:
        """A line of an address book."""
        said = await self._body(
            self.sources["site"], {each: value for each, value in values.items() if each != "customer"}
        )
        place = {name: said.pop(name) for name in PLACE if name in said}
        if place.get("country"):
            place["country"] = {"id": place["country"]}
        if "lines" in values:
            given = list(values["lines"] or [])
            place |= dict(zip(STREET, [*given, None, None, None][: len(STREET)], strict=True))
        kind = values.get("kind")
        if kind:
            said |= {"defaultBilling": kind in ("BILL_TO", "BOTH"), "defaultShipping": kind in ("SHIP_TO", "BOTH")}
        return {**said, "addressBookAddress": place} if place else said


def in_sublist(name: str, *lines: Record) -> Record:
    """Lines as a record's body has them."""
    return {name: {"items": list(lines)}}


def negative(number: str) -> str:
    """A number in text with the other sign."""
    return number[1:] if number.startswith("-") else f"-{number}"
