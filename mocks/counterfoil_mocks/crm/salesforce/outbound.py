"""Outbound messages: SOAP that Salesforce posts to a customer's address when a record comes to meet a condition.

One is asked for as a webhook's type: `outbound:Opportunity(Id, StageName WHERE IsWon = true)`; fields and condition may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import orjson

from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import made
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.kernel import webhooks
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Entity, Record

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace
    from counterfoil_mocks.kernel.tx import Tx

WANTED = re.compile(
    r"outbound:(?P<object>\w+)(?:\((?P<fields>.*?)(?:\s*\bWHERE\s+(?P<where>.*))?\))?", re.IGNORECASE | re.DOTALL
)
RETRY_SECONDS = (15, 30, 60, 120, 240, 480, 960, 1920, 3840, *(7200,) * 11)
"""Gaps between attempts on the business clock: they double up to two hours, for a day."""
ACK = re.compile(rb"<(?:\w+:)?Ack>\s*true\s*</", re.IGNORECASE)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
)


def subscribe(face: SalesforceFace, url: str, wanted: str, secret: str | None) -> Record:
    """Have outbound messages of a kind posted to an address; raises Problem where there is no such object, field or condition."""
    found = WANTED.fullmatch(wanted)
    each = face.objects.get(found["object"].lower()) if found else None
    if found is None or each is None:
        raise invalid(
            "types", f"{wanted!r} names no outbound message", "Write `outbound:Object(Field, … WHERE condition)`."
        )
    named = [name.strip() for name in (found["fields"] or "").split(",") if name.strip()] or ["Id"]
    unknown = next((name for name in named if name.lower() not in each.by_name), None)
    if unknown is not None:
        raise invalid("types", f"{wanted!r}: {each.name} has no field {unknown}", "Name fields of the object itself.")
    fields = [each.by_name[name.lower()].name for name in named]
    settings = {"object": each.name, "fields": fields, "where": found["where"] or ""}
    try:
        _rows(face, settings, "000000000000000AAA")
    except Refused as refused:
        raise invalid(
            "types", f"{wanted!r}: {refused.detail.splitlines()[-1]}", "Name fields and a condition that SOQL knows."
        ) from None
    return webhooks.subscribe(face.system, url, [kind_of(settings)], secret, face=face.vendor, settings=settings)


def kind_of(settings: Record) -> str:
    """The type under which the outbox keeps messages of these settings."""
    return "outbound/" + made("04k", settings["object"], settings["fields"], settings["where"])


def wrote(face: SalesforceFace, tx: Tx, each: SObject, entity: Entity, after: Record) -> None:
    """Put a message into the outbox for every subscriber whose condition a written record meets."""
    told: set[str] = set()
    for subscriber in face.system.subscribers():
        if subscriber["face"] != face.vendor:
            continue
        settings = orjson.loads(subscriber["settings"])
        kind = kind_of(settings)
        if settings["object"] == each.name and kind not in told and _rows(face, settings, after["id"]):
            told.add(kind)
            tx.tell(entity, after, kind, {"id": after["id"]})


def _rows(face: SalesforceFace, settings: Record, record_id: str) -> Sequence[tuple[Any, ...]]:
    condition = f" AND ({settings['where']})" if settings["where"] else ""
    names = ", ".join(dict.fromkeys(["Id", *settings["fields"]]))
    return face.queries.answer(f"SELECT {names} FROM {settings['object']} WHERE Id = '{record_id}'{condition}").rows


def body(face: SalesforceFace, event: Record, subscription: Record) -> bytes:
    """A message: the record's values are those of the moment in which it is sent."""
    settings = orjson.loads(subscription["settings"])
    extra = event["extra"] if isinstance(event["extra"], dict) else orjson.loads(event["extra"])
    each = face.objects[settings["object"].lower()]
    found = face.reader.find(each, extra["id"], "59.0", settings["fields"])
    record = {} if found is None else found[1]
    shown = "".join(
        f"<sf:{name}>{escape(_text(record.get(name)))}</sf:{name}>"
        for name in settings["fields"]
        if record.get(name) is not None and name != "Id"
    )
    origin = face.system.url
    place = f"59.0/{face.org.id}"
    return (
        f"{HEAD}<OrganizationId>{face.org.id}</OrganizationId><ActionId>{kind_of(settings).removeprefix('outbound/')}</ActionId>"
        f'<SessionId xsi:nil="true"/><EnterpriseUrl>{origin}/services/Soap/c/{place}</EnterpriseUrl>'
        f"<PartnerUrl>{origin}/services/Soap/u/{place}</PartnerUrl><Notification><Id>{made('04l', event['id'])}</Id>"
        f'<sObject xsi:type="sf:{each.name}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{extra["id"]}</sf:Id>{shown}'
        "</sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.replace("+0000", "Z") if isinstance(value, str) and value.endswith("+0000") else str(value)
