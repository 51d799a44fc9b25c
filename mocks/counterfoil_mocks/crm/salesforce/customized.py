"""What this org has added: fields of standard objects, custom objects for what the business knows and Salesforce has no object for, and a
platform event."""

from __future__ import annotations

from dataclasses import replace

from counterfoil_mocks.common_fields import CONTRACT_LINE_TYPE, LEVEL, REVENUE_METHOD
from counterfoil_mocks.crm.salesforce import computed
from counterfoil_mocks.crm.salesforce.objects import CURRENCY, SField, SObject, day, flag, instant, num, pick, s, to

LINE_CCY = SField("CurrencyIsoCode", "picklist", 3, "CurrencyIsoCode", "ro", values=CURRENCY.values)
CCY = SField("CurrencyIsoCode", "picklist", 3, "ccy", "", values=CURRENCY.values, default="USD")

APPROVAL_KINDS = {
    "CHANGE_ORDER": "Change order",
    "TAX_OVERRIDE": "Tax override",
    "MANUAL_RATE": "Manual rate",
    "CREDIT_MEMO": "Credit memo",
    "WRITE_OFF": "Write-off",
    "PERIOD_REOPEN": "Period reopening",
    "CREDIT_HOLD": "Credit hold",
    "DUPLICATE": "Duplicate",
}
CHANGE_ORDER_STATUS = {
    code: code.capitalize() for code in ("DRAFT", "SUBMITTED", "APPROVED", "APPLIED", "REJECTED", "WITHDRAWN", "VOIDED")
}
BILLING_TRIGGER = {"COMPLETED": "On completion", "ACCEPTED": "On acceptance"}
EVERYWHERE: tuple[SField, ...] = (
    num("Row_Version__c", "int", "version", "ro", label="Row Version"),
    s("Source_Key__c", 255, "source_key"),
    s("Integration_Data__c", 32000, type="textarea"),
)
"""On every object of the business: how often a record has been saved, as a flow of the org counts it, what it was made from, and what
integrations note on it."""

ADDED: dict[str, tuple[SField, ...]] = {
    "Account": (
        s("Full_Name__c", 1000, "name_full", type="textarea"),
        s("Country__c", 2, "country"),
        s("Account_Owner__c", 120, "owner"),
        s("Segment__c", 60, "segment"),
        s("Language__c", 10, "language"),
        flag("PO_Required__c", "po_required"),
        s("Tax_Number__c", 30, "tax_no"),
        pick(
            "Tax_Status__c",
            {"TAXABLE": "Taxable", "EXEMPT": "Exempt", "REVERSE_CHARGE_ELIGIBLE": "Reverse charge"},
            "tax_status",
            restricted=True,
        ),
        s("Exemption_Certificate__c", 60, "exemption_cert"),
        day("Exemption_Expires__c", "exemption_expires"),
        instant("VAT_Validated_At__c", "vat_validated_at"),
        num("Credit_Limit__c", column="credit_limit", scale=3),
        flag("Confirmed_Distinct__c", "distinct_approved"),
    ),
    "Contract": (
        s("Customer_No__c", 20, "customer_no", "ro"),
        s("Opportunity_No__c", 20, "opp_no", "ro"),
        to("Quote__c", "Quote", "Contracts__r", "quote", "ro"),
        to("Bill_To_Site__c", "Site__c", "Billed_Contracts__r", "bill_to"),
        to("Ship_To_Site__c", "Site__c", "Served_Contracts__r", "ship_to"),
        to("Rate_Card__c", "Rate_Card__c", "Contracts__r", "rate_card"),
        s("Rate_Card_Code__c", 40, "rate_card_code", "ro"),
        num("Rate_Card_Version__c", "int", "rate_card_version", "ro"),
        pick("Billing_Trigger__c", BILLING_TRIGGER, "billing_trigger"),
        num("Mobilisation__c", column="mobilisation", scale=3),
        num("Original_Value__c", column="original_value", flags="ro"),
        day("Terminated_On__c", "terminated_on", "ro"),
        s("Terminated_For__c", 1000, "terminated_for", "ro", type="textarea"),
        s("Terminated_By__c", 120, "terminated_by", "ro"),
        num("Fee_Owed__c", column="fee_owed", flags="ro"),
    ),
}
"""Fields of standard objects beside those that the objects themselves name."""


def with_added(each: SObject) -> SObject:
    """An object with what the org has added to it."""
    known = each.entity and each.entity != "vendor_object"
    return replace(each, own=(*each.own, *ADDED.get(each.name, ()), *(EVERYWHERE if known else ())))


CUSTOM: tuple[SObject, ...] = (
    SObject(
        "Site__c",
        "a00",
        "site",
        (
            s("Name", 20, "site_code", "R N", label="Site Code"),
            to("Account__c", "Account", "Sites__r", "customer", "R U", cascade=True),
            pick("Kind__c", {"BILL_TO": "Bill-to", "SHIP_TO": "Ship-to", "BOTH": "Both"}, "kind"),
            s("Customer_No__c", 20, "customer_no", "ro"),
            s("Street__c", 1000, sql=computed.texts_of("lines"), column="lines", type="textarea"),
            s("City__c", 100, "city"),
            s("Region__c", 40, "region"),
            s("Postal_Code__c", 20, "postcode"),
            s("Country__c", 2, "country", "R"),
            s("Jurisdiction__c", 40, "jurisdiction_code"),
            s("Invoice_Email__c", 255, "email_invoices_to", type="email"),
            day("Valid_From__c", "valid_from"),
            day("Valid_To__c", "valid_to"),
            s("External_Id__c", 64, "external_id", "X u"),
        ),
    ),
    SObject(
        "Rate_Card__c",
        "a01",
        "rate_card",
        (
            s("Name", 40, "code", "R N", label="Rate Card Code"),
            num("Version__c", "int", "card_version", default=1),
            s("Status__c", 20, "status", "ro"),
            CCY,
            s("Region__c", 40, "region"),
            day("Effective_From__c", "effective_from", "R"),
            day("Effective_To__c", "effective_to"),
            s("External_Id__c", 64, "external_id", "X u"),
        ),
    ),
    SObject(
        "Change_Order__c",
        "a02",
        "change_order",
        (
            s("Name", 255, "title", "N", label="Change Order"),
            to("Contract__c", "Contract", "Change_Orders__r", "contract", "R U", cascade=True),
            s("Contract_No__c", 20, "contract_no", "ro"),
            num("Sequence__c", "int", "co_seq", "ro"),
            pick("Status__c", CHANGE_ORDER_STATUS, "status", restricted=True, default="Draft"),
            s("Legal_Entity__c", 20, "legal_entity", "ro"),
            pick(
                "Treatment__c",
                {"SEPARATE": "Separate", "PROSPECTIVE": "Prospective", "CATCH_UP": "Catch-up"},
                "treatment",
                "R",
                restricted=True,
            ),
            day("Effective__c", "effective"),
            num("Amount__c", flags="ro", sql=computed.delta_total),
            s("Requested_By__c", 120, "requested_by"),
            s("Approved_By__c", 120, "approved_by"),
            instant("Approved_At__c", "approved_at", "ro"),
            instant("Applied_At__c", "applied_at", "ro"),
            SField("CurrencyIsoCode", "picklist", 3, "ccy", "ro", values=CURRENCY.values),
            s("External_Id__c", 64, "external_id", "X u"),
        ),
    ),
    SObject(
        "Invoice_Mirror__c",
        "a03",
        "invoice",
        (
            s("Name", 40, "invoice_no", "R N", label="Invoice Number"),
            s("Contract_No__c", 20, "contract_no"),
            pick("Document_Type__c", {"INVOICE": "Invoice", "CREDIT_MEMO": "Credit memo"}, "doc_type"),
            CCY,
            num("Total__c", column="total", scale=3),
            num("Paid__c", column="paid", scale=3),
            day("Issue_Date__c", "issue_date"),
            day("Due_Date__c", "due"),
            s("Status__c", 30, "status"),
            s("External_Id__c", 64, "external_id", "X u"),
        ),
    ),
    SObject(
        "SOW_Line__c",
        "a05",
        "",
        (
            s("Name", 255, "Name", "N"),
            to("Quote__c", "Quote", "SOW_Lines__r", "Quote__c", "R U"),
            to("Contract__c", "Contract", "SOW_Lines__r", "Contract__c", "ro"),
            num("Line_No__c", "int", "Line_No__c", "U"),
            pick("Type__c", "|".join(CONTRACT_LINE_TYPE.split()), "Type__c", "R", restricted=True),
            num("Amount__c", "currency", "Amount__c", scale=3),
            num("Cap__c", "currency", "Cap__c", scale=3),
            pick("Revenue_Method__c", "|".join(REVENUE_METHOD.split()), "Revenue_Method__c", "R", restricted=True),
            s("Tax_Code__c", 20, "Tax_Code__c"),
            s("Service_Item__c", 40, "Service_Item__c"),
            num("Budget_Hours__c", "double", "Budget_Hours__c", scale=0),
            num("Budget_Cost__c", "currency", "Budget_Cost__c", scale=3),
            num("Expense_Markup__c", "percent", "Expense_Markup__c", scale=4),
            num("Quantity__c", "double", "Quantity__c", scale=4),
            num("Unit_Price__c", "currency", "Unit_Price__c", scale=4),
            num("Discount__c", "percent", "Discount__c", scale=4),
            num("Standalone_Price__c", "currency", "Standalone_Price__c", scale=3),
            day("Start__c", "Start__c"),
            day("End__c", "End__c"),
            num("Sort_Order__c", "int", "Sort_Order__c", "ro"),
            LINE_CCY,
        ),
        rows="sow_lines",
        label="SOW Line",
    ),
    SObject(
        "Milestone__c",
        "a06",
        "",
        (
            s("Name", 255, "Name", "N"),
            to("Quote__c", "Quote", "Milestones__r", "Quote__c", "R U"),
            to("Contract__c", "Contract", "Milestones__r", "Contract__c", "ro"),
            s("Code__c", 20, "Code__c", "R U"),
            num("Line_No__c", "int", "Line_No__c"),
            num("Amount__c", "currency", "Amount__c", "R", scale=3),
            day("Planned__c", "Planned__c"),
            num("Revenue_Weight__c", "percent", "Revenue_Weight__c", scale=4),
            num("Change_Order_No__c", "int", "Change_Order_No__c", "ro"),
            num("Sort_Order__c", "int", "Sort_Order__c", "ro"),
            LINE_CCY,
        ),
        rows="milestones",
    ),
    SObject(
        "Rate_Card_Row__c",
        "a07",
        "",
        (
            s("Name", 80, "Name", "ro N"),
            to("Rate_Card__c", "Rate_Card__c", "Rows__r", "Rate_Card__c", "R U"),
            pick("Level__c", "|".join(LEVEL.split()), "Level__c", "R U", restricted=True),
            num("Rate__c", "currency", "Rate__c", "R", scale=4),
            num("Sort_Order__c", "int", "Sort_Order__c", "ro"),
            LINE_CCY,
        ),
        rows="rate_card_rows",
    ),
    SObject(
        "Approval__c",
        "a04",
        "approval",
        (
            s("Name", 120, "subject", "R N", label="Subject"),
            pick("Kind__c", APPROVAL_KINDS, "kind", "R", restricted=True),
            s("Requester__c", 120, "requester", "R"),
            s("Approver__c", 120, "approver"),
            pick(
                "Decision__c",
                {"PENDING": "Pending", "APPROVED": "Approved", "REJECTED": "Rejected"},
                "decision",
                restricted=True,
                default="Pending",
            ),
            instant("Decided_At__c", "decided_at", "ro"),
            CCY,
            num("Threshold__c", column="threshold"),
            s("Reason__c", 1000, "reason", type="textarea"),
            s("Evidence__c", 4000, sql=computed.texts_of("evidence"), column="evidence", type="textarea"),
            s("External_Id__c", 64, "external_id", "X u"),
        ),
    ),
    SObject(
        "Change_Order_Line__c",
        "a09",
        "",
        (
            s("Name", 80, "Name", "ro N"),
            to("Change_Order__c", "Change_Order__c", "Lines__r", "Change_Order__c", "R U"),
            num("Line_No__c", "int", "Line_No__c", "R"),
            num("Amount__c", "currency", "Amount__c", scale=3),
            num("Cap__c", "currency", "Cap__c", scale=3),
            num("Hours__c", "int", "Hours__c"),
            num("Cost__c", "currency", "Cost__c", scale=3),
            day("End__c", "End__c"),
            num("Standalone_Price__c", "currency", "Standalone_Price__c", scale=3),
            num("Sort_Order__c", "int", "Sort_Order__c", "ro"),
            LINE_CCY,
        ),
        rows="change_order_lines",
    ),
    SObject(
        "Change_Order_Milestone__c",
        "a0A",
        "",
        (
            s("Name", 255, "Name", "N"),
            to("Change_Order__c", "Change_Order__c", "Milestones__r", "Change_Order__c", "R U"),
            pick("Operation__c", "ADD|REMOVE|CHANGE", "Operation__c", "R", restricted=True),
            s("Code__c", 20, "Code__c", "R"),
            num("Line_No__c", "int", "Line_No__c"),
            num("Amount__c", "currency", "Amount__c", scale=3),
            day("Planned__c", "Planned__c"),
            num("Sort_Order__c", "int", "Sort_Order__c", "ro"),
            LINE_CCY,
        ),
        rows="change_order_milestones",
    ),
    SObject(
        "Order_Approved__e",
        "e00",
        "vendor_object",
        (s("Order_Id__c", 64), s("Approver__c", 120), num("Amount__c")),
        verbs="c",
        label="Order Approved",
        plural="Orders Approved",
    ),
)
