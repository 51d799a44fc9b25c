"""The connector of Salesforce: everything that the flows ask of a CRM, by its REST API and SOQL; nothing by the native face.

It is what an integration with Salesforce would write: a session of the connected app, records by id, external id and query, paged to the
end, rows of several in one call, and statuses that are set where we speak of deeds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import aiohttp

from counterfoil.reference.config import SystemSettings
from counterfoil.reference.connectors import LookUp, Record, Records, Trail
from counterfoil.reference.connectors.native import Call, batches, or_none
from counterfoil.reference.connectors.salesforce_objects import DEEDS, OBJECTS, Sobject
from counterfoil.reference.connectors.vendor import VendorConnector
from counterfoil.reference.errors import Refused

ROWS = 200
"""Most records in one call for several."""
PAGE = {"Sforce-Query-Options": "batchSize=200"}
"""Pages that are soon there: what breaks off is asked for again from its beginning."""
CODES = {
    "DUPLICATE_VALUE": (409, "DUPLICATE_KEY"),
    "ENTITY_IS_DELETED": (404, "NOT_FOUND"),
    "UNABLE_TO_LOCK_ROW": (503, "STALE_VERSION"),
    "REQUEST_LIMIT_EXCEEDED": (429, "RATE_LIMITED"),
}
"""Salesforce's words for refusals that the flows know by ours; a row that is locked, or a full allowance, will not be so for long."""
ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"


class Connector(VendorConnector):
    """A CRM that speaks as Salesforce."""

    grant_as: ClassVar[str] = "data"

    def __init__(self, settings: SystemSettings, session: aiohttp.ClientSession, patience: float = 10) -> None:
        keys = settings.credentials
        app = replace(
            settings,
            token=None,
            token_url=f"{settings.url}/services/oauth2/token",
            client_id=keys["consumer_key"],
            client_secret=keys["consumer_secret"],
        )
        super().__init__(app, session, patience)
        self.place = f"/services/data/v{keys['api_version']}"
        self.base = settings.url + self.place
        self.keyed = False

    # reading

    async def get(self, entity: str, key: str) -> Record | None:
        """A record by id or business key, None where there is none."""
        each = described(entity)
        if each.children or not (is_id(key) or each.external):
            async for page in self._asked(each, each.where({"id": key}) if is_id(key) else each.where_key(key)):
                return page[0] if page else None
            return None
        path = f"/{quote(key, safe='')}" if is_id(key) else f"/{each.external}/{quote(key, safe='')}"
        asked = Call("GET", f"/sobjects/{each.name}{path}?fields={','.join(each.fields.theirs)}")
        found = await or_none(self.send(asked))
        return None if found is None else each.read(found)

    async def pages(self, entity: str, where: Mapping[str, Any]) -> AsyncIterator[Records]:
        """Records that equal every named field, page by page, oldest change first."""
        each = described(entity)
        deleted = where.get("include_deleted") == "true"
        conditions = each.where({name: value for name, value in where.items() if name != "include_deleted"})
        async for page in self._asked(each, conditions, "queryAll" if deleted else "query"):
            yield page

    async def _asked(self, each: Sobject, conditions: Sequence[str], by: str = "query") -> AsyncIterator[Records]:
        following: str | None = f"/{by}?{urlencode({'q': each.soql(conditions)})}"
        while following is not None:
            answer = await self.send(Call("GET", following, headers=PAGE))
            for record in answer["records"]:
                for relation in each.relations:
                    await self._finish(record.get(relation))
            yield [each.read(record) for record in answer["records"]]
            following = self._further(answer)

    async def _finish(self, inner: Record | None) -> None:
        """Read an inner list to its end: it may break off like any answer."""
        while inner is not None and not inner["done"]:
            more = await self.send(Call("GET", self._further(inner) or ""))
            inner["records"] += more["records"]
            inner |= {"done": more["done"], "nextRecordsUrl": more.get("nextRecordsUrl")}

    def _further(self, answer: Record) -> str | None:
        url = answer.get("nextRecordsUrl")
        return None if url is None else str(url).removeprefix(self.place)

    # writing

    async def create(self, entity: str, values: Record, trail: Trail, look_up: LookUp | None) -> Record:
        """Make a record. look_up finds it where an attempt without an answer may have made it."""
        each = described(entity)
        made = await self.send(self._write("POST", f"/sobjects/{each.name}", each.said(values, "c"), trail), look_up)
        return await self.known(entity, made["id"])

    async def create_all(self, entity: str, many: Sequence[Record], trail: Trail, look_up: LookUp | None) -> None:
        """Make several records, all or none."""
        each = described(entity)
        for _, part, made in batches(many, ROWS, look_up):
            rows = [{"attributes": {"type": each.name}, **each.said(one, "c")} for one in part]
            call = self._write("POST", "/composite/sobjects", {"allOrNone": True, "records": rows}, trail)
            answer = await self.send(call, made)
            told = answer if isinstance(answer, list) else ()  # what a look-up has found is a record
            errors = [error for row in told if not row.get("success", True) for error in row["errors"]]
            if errors:
                first = next((error for error in errors if error["statusCode"] != ROLLED_BACK), errors[0])
                raise Refused(*worded(400, {**first, "errorCode": first["statusCode"]}), call.asked)

    async def patch(self, entity: str, record: Record, changes: Record, trail: Trail) -> Record:
        """Change a record that has been read. Salesforce takes the last writer's word."""
        each = described(entity)
        await self._set(each, record["id"], each.said(changes, "u"), trail)
        return await self.known(entity, record["id"])

    async def remove(self, entity: str, record: Record, trail: Trail) -> None:
        """Delete a record that has been read; one that is gone is gone."""
        path = f"/sobjects/{described(entity).name}/{quote(record['id'], safe='')}"
        await or_none(self.send(self._write("DELETE", path, None, trail)))

    async def act(self, action: str, subject: Mapping[str, str], fields: Record, trail: Trail) -> Record:
        """Have a deed done to the subject: set what the deed sets. A record that is not where the deed begins refuses with 409."""
        if action not in DEEDS:
            raise Refused(501, {"code": "NO_SUCH_DEED", "detail": f"{action} is no deed in Salesforce"}, action)
        entity, told = DEEDS[action]
        each, record_id = described(entity), subject.get("id")
        if record_id is None:
            record_id = (await self.known(entity, subject["key"]))["id"]
        try:
            await self._set(each, record_id, told(fields), trail)
        except Refused as error:
            if error.status != 400:
                raise
            raise Refused(409, error.body, action) from error
        return await self.known(entity, record_id)

    async def _set(self, each: Sobject, record_id: str, fields: Record, trail: Trail) -> None:
        await self.send(self._write("PATCH", f"/sobjects/{each.name}/{quote(record_id, safe='')}", fields, trail))

    # sending

    def _understood(self, status: int, headers: Mapping[str, str], answer: Any) -> tuple[int, Any]:
        if status < 400 or not isinstance(answer, list) or not answer:
            return status, answer
        return worded(status, answer[0])


def described(entity: str) -> Sobject:
    """The object that keeps an entity; raises Refused 501 where there is none."""
    if entity not in OBJECTS:
        raise Refused(501, {"code": "NO_SUCH_OBJECT", "detail": f"Salesforce keeps no {entity}"}, entity)
    return OBJECTS[entity]


def worded(status: int, error: Mapping[str, Any]) -> tuple[int, Record]:
    """A refusal of Salesforce's in our words: status and body."""
    status, code = CODES.get(error["errorCode"], (status, error["errorCode"]))
    return status, {"code": code, "detail": error["message"], "field": (error.get("fields") or [None])[0]}


def is_id(key: str) -> bool:
    """Whether a key is an id of Salesforce's: business keys have other signs than letters and digits, or another length."""
    return len(key) in (15, 18) and key.isalnum()
