"""What an org of Salesforce calls the business's records: objects with rows of fields, inner lists, keys, and deeds as fields that are set."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

import orjson

from counterfoil.reference.connectors import Record
from counterfoil.reference.connectors.fields import DAY, MAJOR, PLAIN, PRICE, QUANTITY, WHOLE, Fields, Kind, Row, choice

MILLIONTH, HUNDRED = Decimal("0.000001"), Decimal(100)

INSTANT = Kind(lambda value, ccy: value.replace("+0000", "Z"), lambda value, ccy: value)
PERCENT = Kind(
    lambda value, ccy: f"{(Decimal(str(value)) / HUNDRED).quantize(MILLIONTH, ROUND_HALF_UP):f}",
    lambda value, ccy: orjson.Fragment(f"{Decimal(value) * HUNDRED:f}"),
)
"""Our fraction, their per cent."""
TEXTS = Kind(lambda value, ccy: value.split("\n"), lambda value, ccy: "\n".join(value), list)
"""Our list of texts, their text of several lines."""
NOTES = Kind(lambda value, ccy: orjson.loads(value), lambda value, ccy: orjson.dumps(value).decode(), dict)
"""What we note on a record, their text."""
UNQUOTED = (DAY, INSTANT)

STAGE = choice(
    {
        "PROSPECT": "Prospecting",
        "QUALIFY": "Qualification",
        "PROPOSE": "Proposal/Price Quote",
        "NEGOTIATE": "Negotiation/Review",
        "CLOSED_WON": "Closed Won",
        "CLOSED_LOST": "Closed Lost",
    }
)
TERMS = choice({f"NET{days}": f"Net {days}" for days in (15, 30, 45, 60)})
TAX_STATUS = choice({"TAXABLE": "Taxable", "EXEMPT": "Exempt", "REVERSE_CHARGE_ELIGIBLE": "Reverse charge"})
TRIGGER = choice({"COMPLETED": "On completion", "ACCEPTED": "On acceptance"})
SITE_KIND = choice({"BILL_TO": "Bill-to", "SHIP_TO": "Ship-to", "BOTH": "Both"})
TREATMENT = choice({"SEPARATE": "Separate", "PROSPECTIVE": "Prospective", "CATCH_UP": "Catch-up"})
DOCUMENT = choice({"INVOICE": "Invoice", "CREDIT_MEMO": "Credit memo"})
CAPITALISED = Kind(lambda value, ccy: value.upper(), lambda value, ccy: value.capitalize())
KIND = choice(
    {
        "CHANGE_ORDER": "Change order",
        "TAX_OVERRIDE": "Tax override",
        "MANUAL_RATE": "Manual rate",
        "CREDIT_MEMO": "Credit memo",
        "WRITE_OFF": "Write-off",
        "PERIOD_REOPEN": "Period reopening",
        "CREDIT_HOLD": "Credit hold",
        "DUPLICATE": "Duplicate",
    }
)


@dataclass(frozen=True)
class Inner:
    """A list within a record. relation: its name there."""

    relation: str
    fields: Fields


@dataclass(frozen=True, eq=False)
class Sobject:
    """One object. key: of its business key, by our fields. external: their external-id field that holds exactly that key."""

    name: str
    fields: Fields
    key: str = ""
    external: str = ""
    children: Mapping[str, Inner] = field(default_factory=dict)

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """The names of its inner lists."""
        return tuple(each.relation for each in self.children.values())

    @cached_property
    def _keyed(self) -> re.Pattern[str]:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(self.key))
        return re.compile(pattern)

    # asking

    def soql(self, conditions: Sequence[str]) -> str:
        """The query for records under conditions, oldest change first."""
        inner = [
            f"(SELECT {', '.join(each.fields.theirs)} FROM {each.relation} ORDER BY Sort_Order__c)"
            for each in self.children.values()
        ]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join([*self.fields.theirs, *inner])} FROM {self.name}{where} ORDER BY SystemModstamp, Id"

    def where(self, named: Mapping[str, Any]) -> list[str]:
        """Conditions that say so: our fields and their values; `updated_since` for all that has changed from an instant on."""
        return [
            f"SystemModstamp >= {value}" if name == "updated_since" else self._equals(name, value)
            for name, value in named.items()
        ]

    def where_key(self, key: str) -> list[str]:
        """Conditions on a business key."""
        found = self._keyed.fullmatch(key)
        return self.where(found.groupdict()) if found is not None else ["Id = null"]

    def _equals(self, name: str, value: Any) -> str:
        row = self.fields.by_ours[name]
        said = row.kind.say(value, "")
        if isinstance(said, bool):
            return f"{row.theirs} = {str(said).lower()}"
        if row.kind in UNQUOTED or not isinstance(said, str):
            return f"{row.theirs} = {said}"
        escaped = said.replace("\\", "\\\\").replace("'", "\\'")
        return f"{row.theirs} = '{escaped}'"

    # reading and saying

    def read(self, theirs: Mapping[str, Any]) -> Record:
        """Their record in our words, inner lists and key with it."""
        found = self.fields.read(theirs)
        for name, inner in self.children.items():
            rows = (theirs.get(inner.relation) or {}).get("records") or ()
            found[name] = [inner.fields.read(row) for row in rows]
        found["key"] = self.key.format(**found) if self.key else None
        return found

    def said(self, ours: Mapping[str, Any], verb: str) -> Record:
        """Our values in their words; raises KeyError for one that the object has no field for. verb: c create, u update."""
        unsaid = [name for name in ours if not self.fields.sayable((name,), verb)]
        if unsaid:
            raise KeyError(f"{self.name} has no field that could be written for {', '.join(unsaid)}")
        return self.fields.say(ours)


def of(*rows: Row, ccy: str = "", external: str = "External_Id__c") -> Fields:
    """The fields of an object: its own, and those that all have."""
    return Fields(
        (
            Row("id", "Id", writes=""),
            Row("version", "Row_Version__c", WHOLE, ""),
            Row("created_at", "CreatedDate", INSTANT, ""),
            Row("updated_at", "SystemModstamp", INSTANT, ""),
            *((Row("external_id", external),) if external else ()),
            Row("source_key", "Source_Key__c"),
            Row("custom", "Integration_Data__c", NOTES),
            *rows,
        ),
        ccy,
    )


CCY = "CurrencyIsoCode"
LINE = Fields(
    (
        Row("line_no", "Line_No__c", WHOLE),
        Row("type", "Type__c"),
        Row("name", "Name"),
        Row("ccy", CCY),
        Row("amount", "Amount__c", MAJOR),
        Row("cap", "Cap__c", MAJOR),
        Row("rev_method", "Revenue_Method__c"),
        Row("expense_markup", "Expense_Markup__c", PERCENT),
        Row("tax_code", "Tax_Code__c"),
        Row("service_item", "Service_Item__c"),
        Row("budget_hours", "Budget_Hours__c", WHOLE),
        Row("budget_cost", "Budget_Cost__c", MAJOR),
        Row("qty", "Quantity__c", QUANTITY),
        Row("unit_price", "Unit_Price__c", PRICE),
        Row("discount", "Discount__c", PERCENT),
        Row("ssp", "Standalone_Price__c", MAJOR),
        Row("start", "Start__c", DAY),
        Row("end", "End__c", DAY),
    ),
    CCY,
)
MILESTONE = Fields(
    (
        Row("ms_code", "Code__c"),
        Row("name", "Name"),
        Row("line_no", "Line_No__c", WHOLE),
        Row("ccy", CCY),
        Row("amount", "Amount__c", MAJOR),
        Row("planned", "Planned__c", DAY),
        Row("rev_weight", "Revenue_Weight__c", PERCENT),
        Row("co_seq", "Change_Order_No__c", WHOLE),
    ),
    CCY,
)
CARD_ROW = Fields((Row("level", "Level__c"), Row("rate", "Rate__c", PRICE), Row("ccy", CCY)), CCY)
DELTA = Fields(
    (
        Row("line_no", "Line_No__c", WHOLE),
        Row("ccy", CCY),
        Row("amount", "Amount__c", MAJOR),
        Row("cap", "Cap__c", MAJOR),
        Row("hours", "Hours__c", WHOLE),
        Row("cost", "Cost__c", MAJOR),
        Row("end", "End__c", DAY),
        Row("ssp", "Standalone_Price__c", MAJOR),
    ),
    CCY,
)
AMENDMENT = Fields(
    (
        Row("op", "Operation__c"),
        Row("ms_code", "Code__c"),
        Row("name", "Name"),
        Row("line_no", "Line_No__c", WHOLE),
        Row("ccy", CCY),
        Row("amount", "Amount__c", MAJOR),
        Row("planned", "Planned__c", DAY),
    ),
    CCY,
)

OBJECTS: dict[str, Sobject] = {
    "customer": Sobject(
        "Account",
        of(
            Row("customer_no", "Customer_No__c"),
            Row("name", "Name"),
            Row("name_full", "Full_Name__c"),
            Row("legal_name", "Legal_Name__c"),
            Row("parent", "ParentId"),
            Row("status", "Status__c", writes=""),
            Row("country", "Country__c"),
            Row("vat_id", "VAT_Id__c"),
            Row("tax_no", "Tax_Number__c"),
            Row("tax_status", "Tax_Status__c", TAX_STATUS),
            Row("exemption_cert", "Exemption_Certificate__c"),
            Row("exemption_expires", "Exemption_Expires__c", DAY),
            Row("vat_validated_at", "VAT_Validated_At__c", INSTANT),
            Row("terms", "Payment_Terms__c", TERMS),
            Row("invoice_ccy", CCY),
            Row("credit_limit", "Credit_Limit__c", MAJOR),
            Row("po_required", "PO_Required__c"),
            Row("language", "Language__c"),
            Row("owner", "Account_Owner__c"),
            Row("segment", "Segment__c"),
            Row("distinct_approved", "Confirmed_Distinct__c"),
            Row("default_bill_to", "Bill_To_Site__c"),
            ccy=CCY,
            external="ERP_Customer_Id__c",
        ),
        "{customer_no}",
        "Customer_No__c",
    ),
    "site": Sobject(
        "Site__c",
        of(
            Row("customer", "Account__c", writes="c"),
            Row("customer_no", "Customer_No__c", writes=""),
            Row("site_code", "Name"),
            Row("kind", "Kind__c", SITE_KIND),
            Row("lines", "Street__c", TEXTS),
            Row("city", "City__c"),
            Row("region", "Region__c"),
            Row("postcode", "Postal_Code__c"),
            Row("country", "Country__c"),
            Row("jurisdiction_code", "Jurisdiction__c"),
            Row("email_invoices_to", "Invoice_Email__c"),
            Row("valid_from", "Valid_From__c", DAY),
            Row("valid_to", "Valid_To__c", DAY),
        ),
        "{customer_no}/{site_code}",
    ),
    "opportunity": Sobject(
        "Opportunity",
        of(
            Row("opp_no", "Opportunity_No__c"),
            Row("customer", "AccountId"),
            Row("name", "Name"),
            Row("stage", "StageName", STAGE),
            Row("ccy", CCY),
            Row("amount", "Amount", MAJOR),
            Row("close_date", "CloseDate", DAY),
            Row("practice", "Practice__c"),
            Row("legal_entity", "Legal_Entity__c"),
            Row("bill_to", "Bill_To_Site__c"),
            Row("ship_to", "Ship_To_Site__c"),
            Row("tax_region", "Tax_Region__c"),
            Row("lost_reason", "Lost_Reason__c"),
            Row("po_no", "PO_Number__c"),
            Row("contract_no", "Contract_No__c", writes=""),
            ccy=CCY,
            external="PSA_Project_Id__c",
        ),
        "{opp_no}",
        "Opportunity_No__c",
    ),
    "contract": Sobject(
        "Contract",
        of(
            Row("contract_no", "Contract_Ref__c"),
            Row("opportunity", "Opportunity__c"),
            Row("opp_no", "Opportunity_No__c", writes=""),
            Row("customer", "AccountId"),
            Row("customer_no", "Customer_No__c", writes=""),
            Row("bill_to", "Bill_To_Site__c"),
            Row("ship_to", "Ship_To_Site__c"),
            Row("quote", "Quote__c", writes=""),
            Row("name", "Name"),
            Row("legal_entity", "Legal_Entity__c"),
            Row("ccy", CCY),
            Row("practice", "Practice__c"),
            Row("status", "State__c", writes=""),
            Row("start", "StartDate", DAY),
            Row("end", "EndDate", DAY, ""),
            Row("terms", "Payment_Terms__c", TERMS),
            Row("po_no", "PO_Number__c"),
            Row("rate_card", "Rate_Card__c"),
            Row("rate_card_code", "Rate_Card_Code__c", writes=""),
            Row("rate_card_version", "Rate_Card_Version__c", WHOLE, ""),
            Row("billing_trigger", "Billing_Trigger__c", TRIGGER),
            Row("mobilisation", "Mobilisation__c", MAJOR),
            Row("current_version", "Version__c", WHOLE, ""),
            Row("original_value", "Original_Value__c", MAJOR, ""),
            Row("current_value", "Value__c", MAJOR, ""),
            Row("activated_at", "ActivatedDate", INSTANT, ""),
            Row("terminated_on", "Terminated_On__c", DAY, ""),
            Row("terminated_for", "Terminated_For__c", PLAIN, ""),
            Row("terminated_by", "Terminated_By__c", PLAIN, ""),
            Row("fee_owed", "Fee_Owed__c", MAJOR, ""),
            ccy=CCY,
            external="",
        ),
        "{contract_no}",
        "Contract_Ref__c",
        {"lines": Inner("SOW_Lines__r", LINE), "milestones": Inner("Milestones__r", MILESTONE)},
    ),
    "rate_card": Sobject(
        "Rate_Card__c",
        of(
            Row("code", "Name"),
            Row("card_version", "Version__c", WHOLE),
            Row("status", "Status__c", writes=""),
            Row("ccy", CCY),
            Row("region", "Region__c"),
            Row("effective_from", "Effective_From__c", DAY),
            Row("effective_to", "Effective_To__c", DAY),
            ccy=CCY,
        ),
        "{code}/{card_version}",
        children={"rows": Inner("Rows__r", CARD_ROW)},
    ),
    "change_order": Sobject(
        "Change_Order__c",
        of(
            Row("contract", "Contract__c", writes="c"),
            Row("contract_no", "Contract_No__c", writes=""),
            Row("co_seq", "Sequence__c", WHOLE, ""),
            Row("title", "Name"),
            Row("legal_entity", "Legal_Entity__c", writes=""),
            Row("ccy", CCY, writes=""),
            Row("status", "Status__c", CAPITALISED, ""),
            Row("treatment", "Treatment__c", TREATMENT),
            Row("requested_by", "Requested_By__c"),
            Row("approved_by", "Approved_By__c", writes=""),
            Row("approved_at", "Approved_At__c", INSTANT, ""),
            Row("applied_at", "Applied_At__c", INSTANT, ""),
            Row("effective", "Effective__c", DAY),
            ccy=CCY,
        ),
        "{contract_no}/CO-{co_seq}",
        children={"deltas": Inner("Lines__r", DELTA), "milestones": Inner("Milestones__r", AMENDMENT)},
    ),
    "invoice": Sobject(
        "Invoice_Mirror__c",
        of(
            Row("invoice_no", "Name"),
            Row("contract_no", "Contract_No__c"),
            Row("doc_type", "Document_Type__c", DOCUMENT),
            Row("ccy", CCY),
            Row("total", "Total__c", MAJOR),
            Row("paid", "Paid__c", MAJOR),
            Row("issue_date", "Issue_Date__c", DAY),
            Row("due", "Due_Date__c", DAY),
            Row("status", "Status__c"),
            ccy=CCY,
        ),
        "{invoice_no}",
    ),
    "approval": Sobject(
        "Approval__c",
        of(
            Row("subject", "Name"),
            Row("kind", "Kind__c", KIND),
            Row("requester", "Requester__c"),
            Row("approver", "Approver__c"),
            Row("decision", "Decision__c", CAPITALISED),
            Row("decided_at", "Decided_At__c", INSTANT, ""),
            Row("ccy", CCY),
            Row("threshold", "Threshold__c", MAJOR),
            Row("reason", "Reason__c"),
            Row("evidence", "Evidence__c", TEXTS),
            ccy=CCY,
        ),
    ),
}
"""By entity: the object that keeps it."""


def decided(fields: Record) -> Record:
    """A decision on an approval."""
    return {OBJECTS["approval"].fields.by_ours[name].theirs: value for name, value in fields.items()} | {
        "Decision__c": str(fields["decision"]).capitalize()
    }


DEEDS: dict[str, tuple[str, Callable[[Record], Record]]] = {
    "activate_contract": ("contract", lambda fields: {"Status": "Activated"}),
    "apply_change_order": ("change_order", lambda fields: {"Status__c": "Applied"}),
    "decide_approval": ("approval", decided),
    "approve_change_order": (
        "change_order",
        lambda fields: {"Status__c": "Approved", "Approved_By__c": fields.get("approver")},
    ),
}
"""By deed: whose it is, and the fields that it sets."""
