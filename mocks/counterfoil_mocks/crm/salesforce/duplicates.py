"""Duplicate rules: look-alikes of a new or changed record are shown to the caller, who may save it all the same."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.crm.salesforce.desk import Change, Desk
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.kernel.fields import Record

LEGAL_FORMS = re.compile(
    r"\b(inc|incorporated|llc|ltd|limited|gmbh|ag|corp|corporation|co|company|plc|sa|bv)\b\.?", re.IGNORECASE
)
KEYS = {"Account": ("BillingPostalCode", "Website", "Phone")}


def normalised(name: str) -> str:
    """A company name without case, punctuation and legal form."""
    return " ".join(re.sub(r"[^\w\s]", " ", LEGAL_FORMS.sub("", name.casefold())).split())


def blocking(desk: Desk) -> bool:
    """Whether the org's rules block look-alikes, whatever the caller knows; else they only alert him."""
    return bool(desk.face.system.settings.get("duplicates") == "block")


def check(change: Change) -> None:
    """Raises Refused DUPLICATES_DETECTED where there are look-alikes and the caller has not said that he knows."""
    known = change.desk.save_duplicates and not blocking(change.desk)
    if change.object.name not in ("Account", "Contact") or known:
        return
    if change.before is not None and not change.said.keys() & {"Name", "LastName", "Email", *KEYS["Account"]}:
        return
    found = _contacts(change) if change.object.name == "Contact" else _accounts(change)
    found = [each for each in found if change.before is None or each != change.before["id"]]
    if found:
        raise _refusal(change.desk, change.object.name, found)


def _contacts(change: Change) -> list[str]:
    email, last = _value(change, "Email"), _value(change, "LastName")
    if not email or not last:
        return []
    return [
        row["id"]
        for row in change.tx.find("contact", email_norm=str(email).lower())
        if _last_name(row).casefold() == str(last).casefold()
    ]


def _last_name(row: Record) -> str:
    return str((row["custom"] or {}).get("LastName") or row["name"].partition(" ")[2] or row["name"])


def _accounts(change: Change) -> list[str]:
    name = change.said.get("Name") or (change.before or {}).get("name") or ""
    wanted = normalised(name)
    words = wanted.split()
    keys = {key: _value(change, key) for key in KEYS["Account"]}
    if not words or not any(keys.values()):
        return []
    table = change.desk.face.system.table("customer").sql
    near = sa.select(table.c.id).where(
        table.c.system == change.desk.face.system.name, table.c.deleted_at.is_(None), table.c.name.like(f"%{words[0]}%")
    )
    ids = [row[0] for row in change.desk.face.reader.run(near.limit(200))]
    found = []
    for record_id in ids:
        other = change.desk.shown(change.object, record_id)
        same = any(
            value and str(other.get(key) or "").casefold() == str(value).casefold() for key, value in keys.items()
        )
        if same and normalised(other["Name"]) == wanted:
            found.append(record_id)
    return found


def _value(change: Change, name: str) -> Any:
    if name in change.said:
        return change.said[name]
    return None if change.before is None else change.desk.shown(change.object, change.before["id"]).get(name)


def _refusal(desk: Desk, name: str, found: list[str]) -> Refused:
    rule = f"Standard_{name}_Duplicate_Rule"
    message = "Use one of these records?"
    records: list[Record] = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": desk.shown(desk.object(name), record_id)
            if desk.details
            else {
                "attributes": {"type": name, "url": desk.face.url_of(desk.version, name, record_id)},
                "Id": record_id,
            },
        }
        for record_id in found
    ]
    result = {
        "allowSave": not blocking(desk),
        "duplicateRule": rule,
        "duplicateRuleEntityType": name,
        "errorMessage": message,
        "matchResults": [
            {
                "entityType": name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": records,
                "rule": f"Standard_{name}_Match_Rule_v1_{'1' if name == 'Contact' else '0'}",
                "size": len(records),
                "success": True,
            }
        ],
    }
    # The key was misspelt for years, and there are clients that read it so.
    key = "duplicateResult" if float(desk.version) >= 52 else "duplicateResut"
    return Refused(400, "DUPLICATES_DETECTED", message, more={key: result})
