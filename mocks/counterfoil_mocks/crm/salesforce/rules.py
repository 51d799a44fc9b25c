"""What Salesforce does around a write: defaults, validation, roll-ups. What the business does is the role's; this only calls it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from counterfoil_mocks.crm import contracts, deals
from counterfoil_mocks.crm.model import CHANGE_ORDER, OPPORTUNITY, QUOTE
from counterfoil_mocks.crm.salesforce import products, steps, topics
from counterfoil_mocks.crm.salesforce.desk import Change, Desk
from counterfoil_mocks.crm.salesforce.errors import Refused, integrity, validation
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.crm.salesforce.standard import STAGE_NAMES
from counterfoil_mocks.crm.salesforce.steps import ACTOR
from counterfoil_mocks.crm.salesforce.views import OBJECTS
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import perform

E164 = re.compile(r"\+[0-9]{6,15}")
COUNTRIES = {
    "united states": "US", "usa": "US", "united states of america": "US", "united kingdom": "GB", "uk": "GB", "great britain": "GB",
    "germany": "DE", "deutschland": "DE", "france": "FR", "spain": "ES", "italy": "IT", "netherlands": "NL", "switzerland": "CH",
    "austria": "AT", "canada": "CA", "australia": "AU", "ireland": "IE", "japan": "JP", "singapore": "SG", "india": "IN", "brazil": "BR",
    "mexico": "MX", "sweden": "SE", "norway": "NO", "denmark": "DK", "belgium": "BE", "poland": "PL", "portugal": "PT",
}  # fmt: skip

Rule = Callable[[Change], None]


def defaults(desk: Desk, each: SObject, said: dict[str, Any]) -> None:
    """What a new record has when nobody says."""
    if each.name == "Account" and said.get("Invoice_Currency__c"):
        said.setdefault("CurrencyIsoCode", said["Invoice_Currency__c"])
    if each.name in ("Opportunity", "Contract") and said.get("AccountId"):
        customer = desk.raw(OBJECTS["account"], said["AccountId"])
        said.setdefault("CurrencyIsoCode", (customer or {}).get("invoice_ccy") or "USD")
    if each.name == "Quote" and said.get("OpportunityId"):
        deal = desk.raw(OBJECTS["opportunity"], said["OpportunityId"])
        if deal is not None:
            said.setdefault("CurrencyIsoCode", deal["ccy"])
            said.setdefault("Pricebook2Id", (deal["custom"] or {}).get("Pricebook2Id"))


def before(change: Change) -> None:
    """Rules before a record is written."""
    owner = change.said.get("OwnerId")
    if owner is not None:
        change.desk.face.check_active(change.object, owner)
    rule = BEFORE.get(change.object.name)
    if rule is not None:
        rule(change)


def after(change: Change) -> None:
    """Rules after a record is written."""
    rule = AFTER.get(change.object.name)
    if rule is not None:
        rule(change)


# accounts, contacts, sites


def _account(change: Change) -> None:
    change.values.pop("status", None)
    country, told = change.said.get("BillingCountry"), change.said.get("Country__c")
    if told is not None:
        change.values["country"] = told.upper()
    elif country or change.before is None:
        code = _country(country)
        if code is not None or change.before is None:
            change.values["country"] = code or "US"


def _unlined(text: str | None, most: int) -> list[str]:
    """The lines of a text as a list."""
    return [] if text is None else [line for line in re.split(r"\r?\n", text) if line][:most]


def _country(said: str | None) -> str | None:
    if not said:
        return None
    if re.fullmatch(r"[A-Za-z]{2}", said):
        return said.upper()
    return COUNTRIES.get(said.casefold())


def _account_after(change: Change) -> None:
    hold = change.said.get("Credit_Hold__c")
    record = change.after
    assert record is not None
    if hold is None or hold == (record["status"] == "CREDIT_HOLD"):
        return
    entity = change.desk.entity(change.object)
    for status in ("ACTIVE", "CREDIT_HOLD") if hold else ("ACTIVE",):
        if record["status"] != status:
            record = change.tx.update(entity, record, {"status": status})
    change.after = record


def _contact(change: Change) -> None:
    said, before_custom = change.said, (change.before or {}).get("custom") or {}
    change.values.pop("name", None)
    if "FirstName" in said or "LastName" in said:
        name = (change.before or {}).get("name") or ""
        first, _, last = name.rpartition(" ")
        first = said["FirstName"] if "FirstName" in said else before_custom.get("FirstName", first or None)
        last = said["LastName"] if "LastName" in said else before_custom.get("LastName", last)
        change.values["name"] = " ".join(part for part in (first, last) if part)
        change.custom |= {"FirstName": first, "LastName": last}
    if "Email" in said:
        email = said["Email"]
        change.values["email_norm"] = None if email is None else email.lower()
        change.custom["Email"] = email
    if "Phone" in said:
        phone = said["Phone"]
        change.values["phone"] = phone if phone and E164.fullmatch(phone) else None
        change.custom["Phone"] = phone


def _site(change: Change) -> None:
    if "Street__c" in change.said:
        change.values["lines"] = _unlined(change.said["Street__c"], 4)
    country = change.said.get("Country__c")
    if country is not None:
        change.values["country"] = country.upper()


# deals


def _opportunity(change: Change) -> None:
    amount = change.said.get("Amount")
    if amount is not None and amount < 0:
        raise validation("Amount cannot be negative.", ["Amount"])
    likely = change.said.get("Probability")
    if likely is not None and not 0 <= likely <= 100:
        message = f"Probability (%): value outside of valid range on numeric field: {likely}"
        raise Refused(400, "NUMBER_OUTSIDE_VALID_RANGE", message, ["Probability"])
    change.values.pop("stage", None)
    if change.before is None:
        change.values.setdefault("legal_entity", None)
        change.values["legal_entity"] = change.values["legal_entity"] or change.desk.face.legal_entity()
    else:
        _with_lines(change)
    stage = change.said.get("StageName")
    if stage is not None and (change.before is None or STAGE_NAMES[change.before["stage"]] != stage):
        if change.said.get("Probability") is None:
            change.values["probability"] = None
        change.custom["LastStageChangeDate"] = change.tx.stamp


def _with_lines(change: Change) -> None:
    """With line items the amount is theirs: writes to it are taken and ignored, and book and currency stay."""
    deal = change.before
    assert deal is not None
    if not change.desk.vendor("OpportunityLineItem", owner=deal["id"]):
        return
    change.values.pop("amount", None)
    if "Pricebook2Id" in change.said and change.said["Pricebook2Id"] != (deal["custom"] or {}).get("Pricebook2Id"):
        message = "unknown (cannot change the price book of an opportunity that has products)"
        raise integrity(message, ["Pricebook2Id"])
    if "CurrencyIsoCode" in change.said and change.said["CurrencyIsoCode"] != deal["ccy"]:
        raise integrity("unknown (cannot change the currency of an opportunity that has products)", ["CurrencyIsoCode"])


def _opportunity_after(change: Change) -> None:
    if change.said.get("SyncedQuoteId") and change.after is not None:
        before_custom = (change.before or {}).get("custom") or {}
        if change.said["SyncedQuoteId"] != before_custom.get("SyncedQuoteId"):
            products.synced(change.desk, change.after["id"], change.said["SyncedQuoteId"])
            change.after = change.desk.record(change.object, change.after["id"])
    stage = change.said.get("StageName")
    if stage is None or change.after is None:
        return
    target = next(code for code, name in STAGE_NAMES.items() if name == stage)
    change.after = moved(change, change.after, target)


def moved(change: Change, deal: Record, target: str) -> Record:
    """Walk a deal to a stage by the role's own deeds; Salesforce itself knows no order of stages."""
    tx, stages = change.tx, list(STAGE_NAMES)
    if deal["stage"] == target:
        return deal
    if target == "CLOSED_LOST":
        if deal["stage"] == "CLOSED_WON":
            deal = perform(tx, "reopen_opportunity", deal["id"], {"approver": ACTOR})
        reason = deal["lost_reason"] or "No reason given"
        return perform(tx, "close_lost", deal["id"], {"lost_reason": reason})
    if deal["stage"] == "CLOSED_WON":
        deal = perform(tx, "reopen_opportunity", deal["id"], {"approver": ACTOR})
    aim = "NEGOTIATE" if target == "CLOSED_WON" else target
    if deal["stage"] != aim and (deal["stage"] == "CLOSED_LOST" or stages.index(deal["stage"]) > stages.index(aim)):
        deal = deals.put_stage(tx, deal, aim)
    while deal["stage"] != aim:
        following = stages[stages.index(deal["stage"]) + 1]
        deal = perform(tx, "advance_stage", deal["id"], {"to": following})
    if target != "CLOSED_WON":
        return deal
    # A quote without lines of the offer is Salesforce's own: there is nothing in it that a contract could be made of.
    quote = tx.one(QUOTE, opportunity=deal["id"], status="ACCEPTED")
    if quote is not None and quote["lines"]:
        return perform(tx, "close_won", deal["id"], {})
    return deals.win_without_quote(tx, deal)


# quotes and the people of deals


def _role_after(change: Change) -> None:
    """A deal has one primary contact: the last one that was called so."""
    if change.said.get("IsPrimary") and change.after is not None:
        for other in change.desk.vendor("OpportunityContactRole", owner=change.after["owner"]):
            if other["id"] != change.after["id"] and other["custom"].get("IsPrimary"):
                change.desk.update(change.object, other["id"], {"IsPrimary": False})


def _quote(change: Change) -> None:
    change.values.pop("status", None)
    if "Status" in change.said:
        change.custom["Status"] = change.said["Status"] if change.said["Status"] in steps.SAME else None
    if change.before is None:
        deal = change.desk.record(OBJECTS["opportunity"], str(change.values["opportunity"]))
        change.values["ccy"] = deal["ccy"]


# contracts and orders


def _contract(change: Change) -> None:
    change.values.pop("status", None)
    status = change.said.get("Status")
    if change.before is None:
        if status not in (None, "Draft"):
            raise Refused(400, "FAILED_ACTIVATION", "Choose a valid contract status and save your changes.", ["Status"])
        change.values["legal_entity"] = change.values.get("legal_entity") or change.desk.face.legal_entity()
        customer = change.tx.get("customer", change.values["customer"])
        change.values |= {"status": "DRAFT", "customer_no": customer["customer_no"]}
    elif (
        status is not None
        and change.before["status"] not in ("DRAFT", "PENDING_APPROVAL", "APPROVED")
        and status != "Activated"
    ):
        raise integrity("Status (an activated contract cannot be set back)", ["Status"])


def _contract_after(change: Change) -> None:
    status, record = change.said.get("Status"), change.after
    if record is None or status in (None, "Draft"):
        return
    if status == "In Approval Process" and record["status"] == "DRAFT":
        change.after = contracts.put_forward(change.tx, record, "PENDING_APPROVAL")
    elif status == "Activated" and record["status"] in ("DRAFT", "PENDING_APPROVAL", "APPROVED"):
        record = contracts.put_forward(change.tx, record, "APPROVED")
        custom = {**(record["custom"] or {}), "ActivatedById": change.desk.face.org.user}
        record = change.tx.update(change.desk.entity(change.object), record, {"custom": custom}, event="")
        change.after = perform(change.tx, "activate_contract", record["id"], {})


def _order(change: Change) -> None:
    status, before_custom = change.said.get("Status"), (change.before or {}).get("custom") or {}
    if change.before is None:
        if status != "Draft":
            raise Refused(400, "FAILED_ACTIVATION", "Choose a valid order status and save your changes.", ["Status"])
        change.custom["OrderNumber"] = f"{change.desk.face.system.next_number('number:Order') + 99:08d}"
    contract_id, start = change.now("ContractId"), change.now("EffectiveDate")
    if contract_id and start:
        contract = change.desk.record(OBJECTS["contract"], contract_id)
        if contract["start"] and start < contract["start"]:
            message = "Order Start Date can't be earlier than the contract's start date."
            raise validation(message, ["EffectiveDate"])
    if status == "Activated" and before_custom.get("Status") != "Activated":
        if not change.desk.vendor("OrderItem", owner=(change.before or {}).get("id")):
            raise Refused(400, "FAILED_ACTIVATION", "An order must have at least one product.", [])
        change.custom |= {"ActivatedDate": change.tx.stamp, "ActivatedById": change.desk.face.org.user}


def _change_order(change: Change) -> None:
    """Its status is not written, nor who approved it: the deeds that lead there are done afterwards."""
    for name in ("status", "approved_by"):
        change.values.pop(name, None)


def _approval(change: Change) -> None:
    if "Evidence__c" in change.said:
        change.values["evidence"] = _unlined(change.said["Evidence__c"], 100)
    if change.before is not None and change.before["decision"] == "PENDING" and change.values.get("decision"):
        for name in ("decision", "approver", "reason"):
            change.values.pop(name, None)


def _lead(change: Change) -> None:
    parts = (change.now("FirstName"), change.now("LastName"))
    change.values["name"] = " ".join(str(part) for part in parts if part)


# deletions


def deleting(desk: Desk, each: SObject, record: Record) -> None:
    """Refuse the deletion of what others hang on."""
    if each.name == "Account":
        won = [deal["name"] for deal in desk.tx.find(OPPORTUNITY, customer=record["id"], stage="CLOSED_WON")]
        active = desk.tx.find("contract", customer=record["id"], status=["ACTIVE", "ON_HOLD", "COMPLETED"])
        if won or active:
            what = "opportunities" if won else "contracts"
            names = ", ".join(won or [contract["contract_no"] for contract in active])
            message = f"Your attempt to delete {record['name']} could not be completed because it is associated with the following {what}.: {names}\n"
            raise Refused(400, "DELETE_FAILED", message, [])
    if each.name == "Contract" and record["status"] not in ("DRAFT", "PENDING_APPROVAL", "APPROVED"):
        raise Refused(400, "DELETE_FAILED", "An activated contract cannot be deleted.", [])
    if each.name == "Order" and record["custom"].get("Status") == "Activated":
        raise Refused(400, "DELETE_FAILED", "An activated order cannot be deleted.", [])
    if each.name == "OrderItem":
        order = desk.raw(OBJECTS["order"], record["owner"])
        if order is not None and order["custom"].get("Status") == "Activated":
            raise integrity("unknown (an activated order's products cannot be changed)", ["OrderId"])
    if each.name == "Pricebook2" and record["custom"].get("IsStandard"):
        raise Refused(400, "DELETE_FAILED", "The standard price book cannot be deleted.", [])
    if each.name == "Product2" and any(
        line["custom"].get("Product2Id") == record["id"] for kind in products.LINES for line in desk.vendor(kind)
    ):
        message = f"Your attempt to delete {record['name']} could not be completed because it is associated with opportunity products."
        raise Refused(400, "DELETE_FAILED", message, [])


def deleted(desk: Desk, each: SObject, record: Record) -> None:
    """Delete what lives and dies with a record, and reckon anew what it was part of."""
    for child, where in _hanging(desk, each, record["id"]):
        for one in desk.tx.find(child.entity, **where):
            desk.delete(child, one["id"])
    if each.name in products.LINES:
        products.reckoned(desk, each, record["owner"])


def _hanging(desk: Desk, each: SObject, record_id: str) -> Iterator[tuple[SObject, dict[str, str]]]:
    """The objects that live and die with a record, and what tells those of theirs that hang on it."""
    if each.name == "Account":
        for name in ("Contact", "Opportunity", "Site__c"):
            yield OBJECTS[name.lower()], {"customer": record_id}
    for child in desk.face.objects.values():
        cascading = (one.cascade and each.name in one.refers and one.column == "owner" for one in child.fields)
        if child.entity == "vendor_object" and (any(cascading) or (each.name, child.name) == ("Account", "Order")):
            yield child, {"kind": child.name, "owner": record_id}


def gone_with(desk: Desk, each: SObject, record_id: str) -> list[str]:
    """What went into the bin together with a record: in the same deed, whatever else was deleted in that second."""
    system = desk.face.system
    last = "SELECT at FROM crm.history WHERE system = ? AND entity = ? AND id = ? ORDER BY seq DESC LIMIT 1"
    deed = system.store.execute(last, (system.name, each.entity, record_id)).fetchone()
    found = []
    for child, where in _hanging(desk, each, record_id):
        columns = " AND ".join(f"{column} = :{column}" for column in where)
        rows = system.store.rows(
            f"SELECT id FROM crm.{child.entity} WHERE system = :system AND {columns} AND deleted_at IS NOT NULL ORDER BY id",
            {"system": system.name, **where},
        )
        for row in rows:
            if system.store.execute(last, (system.name, child.entity, row["id"])).fetchone() == deed:
                found.append(row["id"])
    return found


BEFORE: Mapping[str, Rule] = {
    "Account": _account,
    "Contact": _contact,
    "Site__c": _site,
    "Opportunity": _opportunity,
    "Pricebook2": products.before_book,
    "PricebookEntry": products.before_entry,
    **dict.fromkeys(products.LINES, products.before_line),
    "Quote": _quote,
    "Contract": _contract,
    "Order": _order,
    "Lead": _lead,
    "Change_Order__c": _change_order,
    "Approval__c": _approval,
    "PushTopic": topics.check,
}
AFTER: Mapping[str, Rule] = {
    "Account": _account_after,
    "Opportunity": _opportunity_after,
    **dict.fromkeys(products.LINES, products.after_line),
    "OpportunityContactRole": _role_after,
    "PricebookEntry": products.after_entry,
    "Product2": products.after_product,
    "Quote": steps.walked("Status", QUOTE, steps.QUOTE),
    "Contract": _contract_after,
    "Change_Order__c": steps.walked("Status__c", CHANGE_ORDER, steps.CHANGE_ORDER, most=1),
    "Approval__c": steps.decided,
}
