"""Stripe's events: which of ours its news are, how they are signed, and what stands in them."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from counterfoil.reference.connectors import Trail
from counterfoil.reference.connectors.native import Call, NativeConnector
from counterfoil.reference.connectors.stripe_objects import instant
from counterfoil.reference.event import PREFIX, BadEvent, BadSignature, Event

if TYPE_CHECKING:
    from counterfoil.reference.connectors.stripe import Wire

PATH = "/v1/webhook_endpoints"
ANNOUNCED = {
    "invoice.finalized": "billing.invoice.issued",
    "invoice.voided": "billing.invoice.voided",
    "credit_note.created": "billing.credit_memo.issued",
}
"""What Stripe tells of the business: its type, ours. Each comes once in the life of a document."""
FED = {"invoice": ["invoice.finalized", "invoice.voided"], "credit_memo": ["credit_note.created"]}
"""What of an entity the feed of events tells."""
FEED = "/v1/events"
FEED_DAYS = 30
ONCE = 2**53 - 1
"""The version of an event that comes once: no later version of the record is news of the same kind."""


async def changed(stripe: Wire, entity: str, since: str) -> dict[str, int] | None:
    """Ids of what has changed since an instant and when, the oldest change first; None where the feed does not reach back so far."""
    start = int(datetime.fromisoformat(since.replace("Z", "+00:00")).timestamp())
    newest = (await stripe.read(FEED, limit=1))["data"]
    if newest and newest[0]["created"] - start > FEED_DAYS * 86400:
        return None
    told = [each async for each in stripe.each(FEED, types=FED[entity], created={"gte": start})]
    return {each["data"]["object"]["id"]: each["created"] for each in reversed(told)}


class Endpoint:
    """Where Stripe sends its events: its endpoint, and what is left for the native subscription."""

    def __init__(self, stripe: Wire, native: NativeConnector) -> None:
        self._stripe = stripe
        self._native = native
        self._secrets: dict[str, str] = {}
        self._found_others = False

    async def subscribe(self, address: str, types: Sequence[str]) -> None:
        """Have Stripe send what it announces itself; the native events are then only those that it does not.

        An endpoint that another process made has a secret that nobody can ask for: it is made anew. A landscape that goes back in time
        brings such a one back.
        """
        if self._secrets and not self._found_others:
            return
        there = [each async for each in self._stripe.each(PATH) if each["url"] == address]
        for each in there:
            if each["id"] in self._secrets:
                return
            self._found_others = True
            await self._stripe.say("DELETE", f"{PATH}/{each['id']}", {}, Trail())
        mine = [theirs for theirs, ours in ANNOUNCED.items() if ours in types]
        said = {"url": address, "enabled_events": mine, "api_version": self._stripe.settings.credentials["api_version"]}
        made = await self._stripe.say("POST", PATH, said, Trail(key=f"endpoint-{os.urandom(8).hex()}"))
        self._secrets[made["id"]] = made["secret"]
        await self._narrow(address, [each for each in types if each not in ANNOUNCED.values()])

    async def _narrow(self, address: str, types: Sequence[str]) -> None:
        """Have the native face send only what is left."""
        wanted = sorted(f"{PREFIX}{each}.v1" for each in types)
        listed = (await self._native.send(Call("GET", "/webhooks")))["items"]
        there = [each for each in listed if each["url"] == address]
        if [sorted(each["types"]) for each in there] == [wanted]:
            return
        own = self._native.settings.webhook_secret
        asked = {"url": address, "types": wanted, **({"secret": own} if own else {})}
        await self._native.send(Call("POST", "/webhooks", asked))
        for each in there:
            await self._native.send(Call("DELETE", f"/webhooks/{each['id']}"))

    def verify(self, body: bytes, signature: str, tolerance: int) -> None:
        """Check a signature by the secrets of the endpoints that were made, the newest first; raises BadSignature."""
        last = BadSignature("there is no endpoint whose secret is known")
        for secret in reversed(self._secrets.values()):
            try:
                return verify(body, signature, secret, tolerance)
            except BadSignature as error:
                last = error
        raise last


def verify(body: bytes, signature: str, secret: str, tolerance: int) -> None:
    """Check `Stripe-Signature`, `t=…,v1=…`; raises BadSignature. tolerance: most seconds between its time and now."""
    parts = [part.partition("=") for part in signature.split(",")]
    stamp = next((value for name, _, value in parts if name.strip() == "t"), "")
    if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        raise BadSignature("Stripe-Signature has no time")
    if abs(time.time() - int(stamp)) > tolerance:
        raise BadSignature("the time of Stripe-Signature is too far from now")
    wanted = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = [value for name, _, value in parts if name.strip() == "v1"]
    if not any(hmac.compare_digest(each.encode(), wanted.encode()) for each in given):
        raise BadSignature("no signature matches")


def read(system: str, body: bytes) -> Event:
    """The event that Stripe's is; raises BadEvent naming what is missing."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadEvent(f"the body is not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("object") != "event":
        raise BadEvent("the body is not an event of Stripe's")
    type_ = ANNOUNCED.get(str(told.get("type")))
    if type_ is None:
        raise BadEvent(f"nothing is done about {told.get('type')!r}")
    theirs = (told.get("data") or {}).get("object")
    if not isinstance(theirs, Mapping) or not theirs.get("id") or not told.get("id"):
        raise BadEvent("data.object is missing")
    metadata = theirs.get("metadata") or {}
    key = str(theirs.get("number") or theirs["id"])
    contract_no, company = metadata.get("contract_no"), metadata.get("legal_entity")
    return Event(
        system=system,
        source="stripe",
        id=str(told["id"]),
        type=type_,
        key=key,
        flow=str(contract_no or key),
        version=ONCE,
        time=instant(told.get("created") or 0),
        traceparent=None,
        record={"id": theirs["id"], "contract_no": contract_no, "legal_entity": company},
        extra={},
        legal_entity=company,
    )
