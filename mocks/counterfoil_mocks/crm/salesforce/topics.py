"""PushTopics: queries that the org keeps, and events on `/topic/NAME` for every record that is written and fits one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.protocols.soql_answer import Answer

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace
    from counterfoil_mocks.crm.salesforce.desk import Change
    from counterfoil_mocks.kernel.tx import Tx

CHANNEL = "/topic/"
WHERE = re.compile(r"^(?P<select>.*?)\s+WHERE\s+(?P<where>.*)$", re.IGNORECASE | re.DOTALL)
QUOTED, WORD = re.compile(r"'(?:[^'\\]|\\.)*'"), re.compile(r"[A-Za-z]\w*")
SAID = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "UNDELETE": "undeleted"}
SWITCHES = {
    "CREATE": "NotifyForOperationCreate",
    "UPDATE": "NotifyForOperationUpdate",
    "DELETE": "NotifyForOperationDelete",
    "UNDELETE": "NotifyForOperationUndelete",
}


def check(change: Change) -> None:
    """Whether a topic's query is one that records can be held against; raises Refused."""
    if "Query" not in change.said and "Name" not in change.said:
        return
    face, name = change.desk.face, change.now("Name") or change.values.get("name")
    others = [each["name"] for each in change.desk.vendor("PushTopic") if each["id"] != (change.before or {}).get("id")]
    if name in others:
        raise Refused(400, "DUPLICATE_VALUE", f"duplicate value found: Name duplicates value on record: {name}", [])
    plan = face.queries.answer(_of_one(change.now("Query"), "000000000000000AAA")).plan
    fields = {cell.path for cell in plan.cells}
    if plan.grouped or plan.count_only or plan.inner or plan.kinds or any(len(path) > 1 for path in fields):
        message = "The query of a topic selects fields of one object, without aggregates, children and parents."
        raise Refused(400, "INVALID_FIELD", message, ["Query"])
    if ("Id",) not in fields:
        raise Refused(400, "INVALID_FIELD", "The query of a topic selects Id.", ["Query"])


def of(face: SalesforceFace) -> list[Record]:
    """The org's active topics."""
    found = face.system.table("vendor_object").select(face.system.name, {"kind": "PushTopic"}, order=("seq", "id"))
    return [each for each in found if each["custom"].get("IsActive", True)]


def wrote(
    face: SalesforceFace,
    tx: Tx,
    topics: Iterable[Record],
    each: SObject,
    entity: Entity,
    kind: str,
    after: Record,
    changed: Iterable[str],
) -> None:
    """Put an event into the outbox for every topic that a written record fits. changed: names of the fields that an update wrote."""
    for topic in topics:
        said = topic["custom"]
        if not said.get(SWITCHES[kind], True):
            continue
        answer = face.queries.answer(_of_one(said["Query"], after["id"]), deleted=kind == "DELETE")
        if answer.plan.view.name != each.name or not answer.rows:
            continue
        if kind == "UPDATE" and not _concerns(each, said, answer, set(changed)):
            continue
        shown = {"Id": after["id"]} if kind == "DELETE" else answer.flat(answer.rows[0])
        event = {"type": SAID[kind], "createdDate": tx.now}
        tx.tell(entity, after, f"{CHANNEL}{topic['name']}", {"sobject": shown, "event": event})


def _concerns(each: SObject, said: Record, answer: Answer, changed: set[str]) -> bool:
    """Whether a change of these fields is one that a topic tells of."""
    found = WHERE.match(said["Query"])
    words = WORD.findall(QUOTED.sub("", found["where"])) if found else []
    tested = {each.by_name[word.lower()].name for word in words if word.lower() in each.by_name}
    selected = {cell.path[0] for cell in answer.plan.cells}
    wanted = {"All": changed, "Select": selected, "Where": tested}
    return bool(changed & wanted.get(said.get("NotifyForFields") or "Referenced", selected | tested))


def _of_one(query: Any, record_id: str) -> str:
    """A topic's query, asked of one record."""
    found = WHERE.match(str(query))
    select, test = (found["select"], f"({found['where']}) AND ") if found else (str(query), "")
    return f"{select} WHERE {test}Id = '{record_id}'"
