"""The connector of Salesforce: what Salesforce has objects for goes by its REST API; the rest, and whole documents, by the native face beside.

It is what an integration with Salesforce would write: a session, JSON, the record's own id, and a fresh sign-in when the session is dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Trail
from counterfoil.reference.connectors.native import LOST, Call, NativeConnector
from counterfoil.reference.errors import Refused

FIELDS: dict[str, dict[str, str]] = {
    "invoice": {
        "invoice_no": "Name",
        "contract_no": "Contract_No__c",
        "doc_type": "Document_Type__c",
        "total": "Total__c",
        "paid": "Paid__c",
        "issue_date": "Issue_Date__c",
        "due": "Due_Date__c",
        "status": "Status__c",
        "external_id": "External_Id__c",
        "ccy": "CurrencyIsoCode",
    },
    "customer": {
        "name": "Name",
        "external_id": "ERP_Customer_Id__c",
        "legal_name": "Legal_Name__c",
        "vat_id": "VAT_Id__c",
        "parent": "ParentId",
    },
    "opportunity": {"external_id": "PSA_Project_Id__c"},
}
"""By entity: our field → Salesforce's. What is not here goes by the native face."""
OBJECTS = {"invoice": "Invoice_Mirror__c", "customer": "Account", "opportunity": "Opportunity", "contract": "Contract"}
WORDS = {"doc_type": {"INVOICE": "Invoice", "CREDIT_MEMO": "Credit memo"}}
PLACES = {**dict.fromkeys(("JPY", "KRW", "CLP"), 0), **dict.fromkeys(("KWD", "BHD", "OMR", "JOD", "TND"), 3), "CLF": 4}
CODES = {"DUPLICATE_VALUE": "DUPLICATE_KEY", "UNABLE_TO_LOCK_ROW": "STALE_VERSION", "ENTITY_IS_DELETED": "NOT_FOUND"}
"""Salesforce's words for refusals that the flows know by ours."""


class Wire(NativeConnector):
    """Calls to Salesforce's REST API, tried again as the native connector does it."""

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        super().__init__(settings, session, patience)
        keys = settings.credentials
        self.root = settings.url
        self.base = f"{settings.url}/services/data/v{keys['api_version']}/sobjects"
        self.keyed = False
        self._token = keys["access_token"]

    async def _renew(self) -> bool:
        """Sign in as the connected app, whose session has died."""
        keys = self.settings.credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": keys["consumer_key"],
            "client_secret": keys["consumer_secret"],
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._session.post(
                f"{self.root}/services/oauth2/token", data=urlencode(form), headers=headers, timeout=self._patience
            ) as answer:
                if answer.status != 200:
                    return False
                self._token = orjson.loads(await answer.read())["access_token"]
        except (*LOST, orjson.JSONDecodeError):
            return False
        return True

    async def say(self, method: str, path: str, fields: Record, trail: Trail, look_up: LookUp | None = None) -> Record:
        """One write; raises Refused with our word for the reason, or Unreachable."""
        answer: Record = await self.send(self._write(method, path, fields, trail), look_up)
        return answer

    async def _attempt(self, call: Call) -> tuple[int, Any, float]:
        status, answer, wait = await super()._attempt(call)
        if status < 400 or not isinstance(answer, list) or not answer:
            return status, answer, wait
        error = answer[0]
        code = CODES.get(error["errorCode"], error["errorCode"])
        shown = {"code": code, "detail": error["message"], "field": (error.get("fields") or [None])[0]}
        if error["errorCode"] == "UNABLE_TO_LOCK_ROW":
            status = 503  # the row will be free in a moment
        return 409 if code == "DUPLICATE_KEY" else status, shown, wait


class Connector(NativeConnector):
    """A CRM that speaks as Salesforce."""

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        super().__init__(settings, session, patience)
        self.salesforce = Wire(settings, session, patience)

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        if entity != "invoice" or not sayable(entity, values):
            return await super().create(entity, values, trail, look_up)
        made = await self.salesforce.say("POST", f"/{OBJECTS[entity]}", said(entity, values), trail, look_up)
        # What a look-up has found is our own record already.
        return await self._known(entity, made["id"])

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        told = {name: value for name, value in changes.items() if sayable(entity, {name: value})}
        differs = {name: value for name, value in told.items() if record.get(name) != value}
        if differs:
            fields = said(entity, {"ccy": record.get("ccy"), **differs})
            if "ccy" not in differs:
                fields.pop("CurrencyIsoCode", None)
            await self.salesforce.say("PATCH", f"/{OBJECTS[entity]}/{quote(record['id'], safe='')}", fields, trail)
            record = await self._known(entity, record["id"])
        rest = {name: value for name, value in changes.items() if name not in told}
        return await super().patch(entity, record, rest, trail) if rest else record

    async def act(self, action: str, subject: Mapping[str, str], fields: Record, trail: Trail) -> Record:
        if action != "activate_contract":
            return await super().act(action, subject, fields, trail)
        contract = await self._known("contract", subject.get("id") or subject["key"])
        if contract["status"] != "APPROVED":
            return await super().act(action, subject, fields, trail)
        await self.salesforce.say(
            "PATCH", f"/Contract/{quote(contract['id'], safe='')}", {"Status": "Activated"}, trail
        )
        return await self._known("contract", contract["id"])

    async def _known(self, entity: str, id: str) -> Record:
        """A record in our words, after Salesforce has done something to it."""
        found = await self.get(entity, id)
        if found is None:
            raise Refused(404, {"code": "NOT_FOUND", "detail": f"there is no {entity} {id}"}, f"GET {entity}")
        return found


def sayable(entity: str, values: Mapping[str, Any]) -> bool:
    """Whether Salesforce has a field for each of these."""
    known = FIELDS.get(entity, {})
    return all(name in known for name in values)


def said(entity: str, values: Mapping[str, Any]) -> Record:
    """Values as Salesforce's fields: amounts in major units, choices by their labels."""
    fields: Record = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and "minor" in value:
            major = Decimal(value["minor"]).scaleb(-PLACES.get(value["ccy"], 2))
            shown: Any = orjson.Fragment(f"{major:f}")
        else:
            shown = WORDS.get(name, {}).get(value, value) if isinstance(value, str) else value
        fields[FIELDS[entity][name]] = shown
    return fields
