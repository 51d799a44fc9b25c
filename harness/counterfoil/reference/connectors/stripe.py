"""The connector of Stripe: customers, invoices and payments by Stripe's own API; what Stripe has no object for by the native face beside.

It is what an integration with Stripe would write: forms, an idempotency key for every POST, retries that keep the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Trail
from counterfoil.reference.connectors.native import LOST, Call, NativeConnector
from counterfoil.reference.errors import Refused

TAX_EXEMPT = {"TAXABLE": "none", "EXEMPT": "exempt", "REVERSE_CHARGE_ELIGIBLE": "reverse"}
CODES = {"resource_already_exists": "DUPLICATE_KEY", "resource_missing": "NOT_FOUND"}
"""Stripe's words for refusals that the flows know by ours."""
STRIPE_FIELDS = ("name", "name_full", "country", "tax_status", "customer_no", "custom")
"""Fields of a customer that Stripe's parameters can say; all others go by the native face."""


class Wire(NativeConnector):
    """Calls to Stripe's API, tried again as the native connector does it."""

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        super().__init__(settings, session, patience)
        self.base = settings.url
        self._token = settings.credentials["api_key"]

    async def _renew(self) -> bool:
        return False

    async def post(self, path: str, params: Mapping[str, Any], trail: Trail, look_up: LookUp | None = None) -> Record:
        """One POST with its form; raises Refused with our word for the reason, or Unreachable."""
        call = self._write("POST", path, params, trail)
        try:
            answer: Record = await self.send(call, look_up)
        except Refused as refused:
            error = refused.body.get("error") or {}
            code = CODES.get(error.get("code", ""), str(error.get("code") or error.get("type")).upper())
            status = 409 if code == "DUPLICATE_KEY" else refused.status
            raise Refused(status, {"code": code, "detail": error.get("message")}, call.asked) from refused
        return answer

    async def _attempt(self, call: Call) -> tuple[int, Any, float]:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Stripe-Version": self.settings.credentials["api_version"],
            **call.headers,
        }
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        body = urlencode(list(flat(call.body or {})))
        try:
            async with self._session.request(
                call.method,
                URL(self.base + call.path, encoded=True),
                data=body,
                headers=headers,
                timeout=self._patience,
            ) as answer:
                raw = await answer.read()
                status = 429 if answer.status == 409 else answer.status  # the key is in use: it will not be for long
                return status, orjson.loads(raw) if raw else {}, self._wait_told(status, answer.headers)
        except orjson.JSONDecodeError:
            return 0, "a body that is not JSON", 0.0
        except LOST as error:
            return 0, f"{type(error).__name__}: {error}", 0.0


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


class Connector(NativeConnector):
    """A billing engine that speaks as Stripe."""

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        super().__init__(settings, session, patience)
        self.stripe = Wire(settings, session, patience)

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        if entity != "customer" or not custom_is_text(values):
            return await super().create(entity, values, trail, look_up)
        made = await self.stripe.post("/v1/customers", customer_params(values), trail)
        record = await self._known("customer", made["id"])
        rest = {name: value for name, value in values.items() if name not in STRIPE_FIELDS}
        return await self.patch("customer", record, rest, trail) if rest else record

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        told = {name: value for name, value in changes.items() if name in STRIPE_FIELDS and name != "customer_no"}
        if entity == "customer" and told and custom_is_text(told):
            params = customer_params({**({"name": record["name"]} if "name_full" in told else {}), **told})
            await self.stripe.post(f"/v1/customers/{quote(record['id'], safe='')}", params, trail)
            record = await self._known("customer", record["id"])
            changes = {name: value for name, value in changes.items() if record.get(name) != value}
        return await super().patch(entity, record, changes, trail) if changes else record

    async def act(self, action: str, subject: Mapping[str, str], fields: Record, trail: Trail) -> Record:
        route = ROUTES.get(action)
        params = route and route(fields)
        if route is None or params is None:
            return await super().act(action, subject, fields, trail)
        record = await self._known("invoice", subject.get("id") or subject["key"])
        path, said = params
        if record["status"] in DONE[path]:
            return await super().act(action, subject, fields, trail)
        await self.stripe.post(f"/v1/invoices/{quote(record['id'], safe='')}/{path}", said, trail)
        return await self._known("invoice", record["id"])

    async def _known(self, entity: str, id: str) -> Record:
        """A record in our words, after Stripe has done something to it."""
        found = await self.get(entity, id)
        if found is None:
            raise Refused(404, {"code": "NOT_FOUND", "detail": f"there is no {entity} {id}"}, f"GET {entity}")
        return found


def custom_is_text(values: Mapping[str, Any]) -> bool:
    """Whether Stripe can keep the custom fields: metadata are texts."""
    return all(isinstance(value, str) for value in (values.get("custom") or {}).values())


def customer_params(values: Mapping[str, Any]) -> Record:
    """A customer's fields as Stripe's parameters."""
    params: Record = {}
    if values.get("name_full") or values.get("name"):
        params["name"] = values.get("name_full") or values["name"]
    if values.get("country"):
        params["address"] = {"country": values["country"]}
    if values.get("tax_status"):
        params["tax_exempt"] = TAX_EXEMPT[values["tax_status"]]
    metadata = dict(values.get("custom") or {})
    if values.get("customer_no"):
        metadata["customer_no"] = values["customer_no"]
    return {**params, "metadata": metadata} if metadata else params


def _paid(fields: Record) -> tuple[str, Record] | None:
    """Paid in full, as the books say: paid outside Stripe."""
    return ("pay", {"paid_out_of_band": True}) if fields.get("ar_status") == "PAID" else None


ROUTES = {
    "issue_invoice": lambda fields: ("finalize", {"auto_advance": False}) if not fields else None,
    "void_invoice": lambda fields: ("void", {}),
    "record_ar_status": _paid,
}
"""Deeds that are Stripe's: its route and parameters, None where the deed says more than Stripe can."""
DONE: dict[str, tuple[str, ...]] = {
    "finalize": (
        "ISSUED",
        "POSTED",
        "PARTIALLY_PAID",
        "PAID",
        "VOID",
        "POST_FAILED",
        "DISPUTED",
        "CREDITED",
        "WRITTEN_OFF",
    ),
    "void": ("VOID", "DRAFT", "DISCARDED"),
    "pay": ("PAID", "DRAFT", "APPROVED", "VOID", "CREDITED", "WRITTEN_OFF"),
}
"""States in which the native face answers as the flows expect it."""
