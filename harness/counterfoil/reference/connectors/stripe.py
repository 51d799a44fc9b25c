"""The connector of Stripe: customers, tax rates, invoices and credit notes by Stripe's own API; what Stripe has no object for by the native
face beside.

It is what an integration with Stripe would write: forms, an idempotency key for every POST, retries that keep the key, searches and lists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Records, Trail
from counterfoil.reference.connectors.native import Call, NativeConnector, or_none
from counterfoil.reference.connectors.stripe_events import ONCE, Endpoint, changed, read
from counterfoil.reference.connectors.stripe_objects import KEY, NATIVE, OBJECTS, PREFIX, instant, lines_of
from counterfoil.reference.connectors.vendor import VendorConnector, VendorWire
from counterfoil.reference.errors import Refused
from counterfoil.reference.event import Event

CODES = {"resource_already_exists": "DUPLICATE_KEY", "resource_missing": "NOT_FOUND"}
"""Stripe's words for refusals that the flows know by ours."""
PAGE = 100
REASONS = {"DUPLICATE": "duplicate", "SCOPE": "order_change", "RATE": "order_change"}
"""Why something is credited, in Stripe's words; dissatisfaction otherwise."""


class Wire(VendorWire):
    """Calls to Stripe's API, each POST with a key."""

    def __init__(
        self, owner: NativeConnector, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10
    ) -> None:
        super().__init__(owner, settings, session, patience)
        self.base = settings.url
        self.keyed = True
        self._token = settings.credentials["api_key"]

    async def say(self, method: str, path: str, params: Mapping[str, Any], trail: Trail) -> Record:
        """One write; raises Refused with our word for the reason, or Unreachable."""
        answer: Record = await self.send(self._write(method, path, dict(params), trail))
        return answer

    async def read(self, path: str, **params: Any) -> Record:
        """One object or list; raises Refused, Unreachable."""
        query = urlencode(flat(params))
        answer: Record = await self.send(Call("GET", f"{path}?{query}" if query else path))
        return answer

    async def each(self, path: str, **params: Any) -> AsyncIterator[Record]:
        """All objects of a list or a search, the newest first, page by page."""
        asked: Record = {"limit": PAGE, **params}
        while True:
            page = await self.read(path, **asked)
            for theirs in page["data"]:
                yield theirs
            if not page["has_more"]:
                return
            asked |= {"page": page["next_page"]} if "next_page" in page else {"starting_after": page["data"][-1]["id"]}

    def _dressed(self, call: Call) -> tuple[dict[str, str], bytes | None]:
        headers, body = super()._dressed(replace(call, body=None, key=call.key if call.method == "POST" else None))
        headers["Stripe-Version"] = self.settings.credentials["api_version"]
        if call.method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(flat(call.body or {})).encode()
        return headers, body

    def _understood(self, status: int, headers: Mapping[str, str], answer: Any) -> tuple[int, Any]:
        if status == 409:
            status = 429  # the key is in use: it will not be for long
        error = answer.get("error") if status >= 400 and isinstance(answer, dict) else None
        if not error:
            return status, answer
        code = CODES.get(error.get("code", ""), str(error.get("code") or error.get("type")).upper())
        status = 409 if code == "DUPLICATE_KEY" else status
        return status, {"code": code, "detail": error.get("message")}


def flat(params: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested parameters as Stripe's forms have them: `a[b][0]=c`; nothing unsets."""
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        at = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, Mapping):
            pairs += flat(value, at)
        elif isinstance(value, list):
            pairs += flat({str(number): each for number, each in enumerate(value)}, at)
        elif isinstance(value, bool):
            pairs.append((at, str(value).lower()))
        else:
            pairs.append((at, "" if value is None else str(value)))
    return pairs


def nested(said: Mapping[str, Any]) -> Record:
    """Values by dotted names as parameters."""
    params: Record = {}
    for name, value in said.items():
        outer, _, inner = name.partition(".")
        if inner:
            params.setdefault(outer, {})[inner] = value
        else:
            params[outer] = value
    return params


class Connector(VendorConnector):
    """A billing engine that speaks as Stripe."""

    NATIVE = NATIVE

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        super().__init__(settings, session, patience)
        self.stripe = Wire(self, settings, session, patience)
        self.endpoint = Endpoint(self.stripe, self)

    # events

    async def subscribe(self, address: str, types: Sequence[str]) -> None:
        await self.endpoint.subscribe(address, types)

    def event(self, body: bytes, headers: Mapping[str, str], tolerance: int) -> Event:
        """The event in a delivery, Stripe's or a native one; raises BadSignature, BadEvent."""
        signature = headers.get("stripe-signature")
        if signature is None:
            return super().event(body, headers, tolerance)
        self.endpoint.verify(body, signature, tolerance)
        return read(self.name, body)

    # reading

    async def get(self, entity: str, key: str) -> Record | None:
        if entity not in OBJECTS:
            return await super().get(entity, key)
        theirs = await self._found(entity, key)
        return None if theirs is None else await self._read(entity, theirs)

    async def list(self, entity: str, where: Mapping[str, Any]) -> Records:
        """All records that equal every named field, the oldest first."""
        if entity not in OBJECTS:
            return await super().list(entity, where)
        wanted = {name: value for name, value in where.items() if name != "updated_since"}
        found = [await self._read(entity, theirs) async for theirs in self._asked(entity, wanted)]
        return [each for each in reversed(found) if all(each.get(name) == value for name, value in wanted.items())]

    async def pages(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        """The same; what has changed since an instant by the feed of events, because lists tell by when objects were made."""
        if entity not in OBJECTS:
            async for page in super().pages(entity, where):
                yield page
            return
        news = await changed(self.stripe, entity, where["updated_since"]) if "updated_since" in where else None
        if news is None:
            yield [{**each, **said_once(each.get("issued_at"))} for each in await self.list(entity, where)]
            return
        for id, at in news.items():
            record = await self.get(entity, id)
            if record is not None:
                yield [{**record, **said_once(instant(at))}]

    async def _found(self, entity: str, key: str) -> Record | None:
        """Stripe's object by its id or our business key; None where there is none, or none any more."""
        of = OBJECTS[entity]
        if key.startswith(PREFIX[entity]):
            found = await or_none(self.stripe.read(f"{of.path}/{quote(key, safe='')}"))
            return None if found is None or found.get("deleted") or found.get("voided_at") else found
        listed = self.stripe.each(of.path)
        if of.searched:
            listed = self.stripe.each(f"{of.path}/search", query=of.searched.format(escaped(key)))
        async for theirs in listed:
            if of.fields.read(theirs)[KEY[entity]] == key:
                return theirs
        return None

    def _asked(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Record]:
        """What Stripe finds for some fields: by a search where it has one for one of them, else everything."""
        of = OBJECTS[entity]
        for name in of.filters:
            if name in where:
                return self.stripe.each(f"{of.path}/search", query=f"metadata['{name}']:'{escaped(str(where[name]))}'")
        if entity == "credit_memo" and "contract_no" in where:
            return self._credited(str(where["contract_no"]))
        return self.stripe.each(of.path)

    async def _credited(self, contract_no: str) -> AsyncIterator[Record]:
        """The credit notes of the customers that a contract was invoiced to: Stripe does not search them by their metadata."""
        query = f"metadata['contract_no']:'{escaped(contract_no)}'"
        customers = {each["customer"] async for each in self.stripe.each("/v1/invoices/search", query=query)}
        for customer in sorted(customers):
            async for theirs in self.stripe.each("/v1/credit_notes", customer=customer):
                yield theirs

    async def _read(self, entity: str, theirs: Record) -> Record:
        """Stripe's object in our words; by the native face where it says too little of the business."""
        of = OBJECTS[entity]
        if of.mark and of.mark not in theirs["metadata"]:
            return await super().get(entity, theirs["id"]) or of.read(theirs)
        record = of.read(theirs)
        record["key"] = record[KEY[entity]]
        if "lines" in theirs:
            record["lines"] = lines_of(theirs, await self.lines(theirs), -1 if entity == "credit_memo" else 1)
            record["tax"] = {**record["total"], "minor": record["total"]["minor"] - record["net"]["minor"]}
        return record

    # writing

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        of = OBJECTS.get(entity)
        if of is None or self.natively(entity, "create"):
            return await super().create(entity, values, trail, look_up)
        said = {name: value for name, value in values.items() if of.fields.sayable([name], "c")}
        made = await self._read(entity, await self.stripe.say("POST", of.path, self._params(entity, said, {}), trail))
        rest = {name: value for name, value in values.items() if name not in said and made.get(name) != value}
        return await self.patch(entity, made, rest, trail) if rest else made

    async def create_all(self, entity: str, many: Sequence[Record], trail: Trail, look_up: LookUp | None) -> None:
        if entity not in OBJECTS:
            await super().create_all(entity, many, trail, look_up)
            return
        for at, each in enumerate(many):
            await self.create(entity, each, replace(trail, key=trail.key and f"{trail.key}-{at}"), None)

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        of = OBJECTS.get(entity)
        if of is None:
            return await super().patch(entity, record, changes, trail)
        said = {name: value for name, value in changes.items() if of.fields.sayable([name])}
        if said:
            # A change said twice changes nothing more, and two changes of one event must not share a key.
            trail, path = replace(trail, key=None), f"{of.path}/{quote(record['id'], safe='')}"
            record = await self._read(
                entity, await self.stripe.say("POST", path, self._params(entity, said, record), trail)
            )
        rest = {name: value for name, value in changes.items() if record.get(name) != value}
        if not rest:
            return record
        versioned = await super().get(entity, record["id"]) or record
        return await super().patch(entity, versioned, rest, trail)

    def _params(self, entity: str, values: Record, before: Record) -> Record:
        """Values as parameters."""
        if entity == "customer" and not values.keys().isdisjoint(("name", "name_full")):
            both = {"name": before.get("name"), "name_full": before.get("name_full"), **values}
            values = {**values, "name": both["name_full"] or both["name"]}
            values.pop("name_full", None)
        params = nested(OBJECTS[entity].say(values))
        if entity == "tax_code" and "code" in values:
            params |= {"display_name": values["code"], "inclusive": False}
        return params

    async def remove(self, entity: str, record: Record, trail: Trail) -> None:
        of = OBJECTS.get(entity)
        if of is None:
            await super().remove(entity, record, trail)
            return
        await or_none(self.stripe.say("DELETE", f"{of.path}/{quote(record['id'], safe='')}", {}, trail))

    # deeds

    async def act(self, action: str, subject: Mapping[str, str], fields: Record, trail: Trail) -> Record:
        route = ROUTES.get(action)
        if route is None:
            return await super().act(action, subject, fields, trail)
        entity = "credit_memo" if action == "record_credit_posted" else "invoice"
        name = subject.get("id") or subject["key"]
        theirs = await self._found(entity, name)
        if theirs is None:
            raise Refused(404, {"code": "NOT_FOUND", "detail": f"there is no {entity} {name}"}, action)
        said = await route(self, theirs, fields)
        if said is None:
            return await super().act(action, {"id": theirs["id"]}, fields, trail)
        method, path, params = said
        try:
            answer = await self.stripe.say(method, path, params, trail)
        except Refused as refused:
            if refused.status != 400:
                raise
            raise Refused(409, refused.body, action) from refused  # the state of the invoice forbids it
        if answer.get("deleted"):
            return {"id": answer["id"], "key": None, "status": "DISCARDED"}
        return await self._read("credit_memo" if answer["object"] == "credit_note" else "invoice", answer)

    async def lines(self, theirs: Record) -> Records:
        """All lines of a document, as Stripe has them: the document shows the first ten."""
        found: Records = theirs["lines"]["data"]
        if not theirs["lines"]["has_more"]:
            return found
        return [line async for line in self.stripe.each(theirs["lines"]["url"])]


def escaped(text: str) -> str:
    """A text within the quotation marks of a search."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def said_once(at: str | None) -> Record:
    """When and in which version a record was told of, as far as Stripe tells it."""
    return {"updated_at": at or "", "version": ONCE}


Said = tuple[str, str, Record] | None
"""Method, path and parameters of a deed; None where Stripe cannot say it."""


async def _finalize(stripe: Connector, theirs: Record, fields: Record) -> Said:
    """The number, the date and the rate are the engine's own."""
    return None if fields else ("POST", f"/v1/invoices/{theirs['id']}/finalize", {"auto_advance": False})


async def _void(stripe: Connector, theirs: Record, fields: Record) -> Said:
    return "POST", f"/v1/invoices/{theirs['id']}/void", {}


async def _delete(stripe: Connector, theirs: Record, fields: Record) -> Said:
    return "DELETE", f"/v1/invoices/{theirs['id']}", {}


async def _determine_tax(stripe: Connector, theirs: Record, fields: Record) -> Said:
    return "POST", f"/v1/invoices/{theirs['id']}", {"automatic_tax": {"enabled": True}}


async def _settle(stripe: Connector, theirs: Record, fields: Record) -> Said:
    """Paid in full elsewhere, or given up; what else the books say of an invoice stands in its metadata."""
    paid = (fields.get("paid") or {}).get("minor")
    one, status = f"/v1/invoices/{theirs['id']}", theirs["status"]
    if fields["ar_status"] == "PAID" and paid in (None, theirs["amount_due"]) and status in ("open", "uncollectible"):
        return "POST", f"{one}/pay", {"paid_out_of_band": True}
    if fields["ar_status"] == "WRITTEN_OFF" and paid in (None, theirs["amount_paid"]) and status == "open":
        return "POST", f"{one}/mark_uncollectible", {}
    said = {"ar_status": fields["ar_status"], **({} if paid is None else {"paid": paid})}
    return "POST", one, {"metadata": said}


async def _approve(stripe: Connector, theirs: Record, fields: Record) -> Said:
    return "POST", f"/v1/invoices/{theirs['id']}", {"metadata": {"state": "APPROVED"}}


async def _posted(stripe: Connector, theirs: Record, fields: Record) -> Said:
    return "POST", f"/v1/credit_notes/{theirs['id']}", {"metadata": {"state": "POSTED"}}


async def _credit(stripe: Connector, theirs: Record, fields: Record) -> Said:
    """A credit note by lines; all of them in full where none is named."""
    lines = await stripe.lines(theirs)
    wanted = {each["line_no"]: each["net"]["minor"] for each in fields.get("lines") or ()}
    credited = [
        {"type": "invoice_line_item", "invoice_line_item": line["id"], "amount": wanted.get(number, line["amount"])}
        for number, line in enumerate(lines, 1)
        if not wanted or number in wanted
    ]
    if len(credited) < len(wanted) or any(each["amount"] <= 0 for each in credited):
        return None
    about = {"business_reason": fields["reason"], "release_items": str(bool(fields.get("release_items"))).lower()}
    about |= {name: fields[name] for name in ("approved_by", "source_key") if fields.get(name)}
    reason = REASONS.get(fields["reason"], "product_unsatisfactory")
    return "POST", "/v1/credit_notes", {"invoice": theirs["id"], "lines": credited, "reason": reason, "metadata": about}


ROUTES = {
    "approve_invoice": _approve,
    "issue_invoice": _finalize,
    "void_invoice": _void,
    "discard_invoice": _delete,
    "recalculate_invoice": _determine_tax,
    "record_ar_status": _settle,
    "credit_invoice": _credit,
    "record_credit_posted": _posted,
}
"""Deeds that are Stripe's."""
