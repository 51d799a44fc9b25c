"""Which columns the tables of SuiteQL have, and how people see what is in them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from counterfoil_mocks.erp import model
from counterfoil_mocks.erp.netsuite.columns import Value
from counterfoil_mocks.erp.netsuite.custom_fields import Customs, of_entity, of_map
from counterfoil_mocks.erp.netsuite.kept_objects import ORDER_STATES
from counterfoil_mocks.erp.netsuite.objects import (
    ADDRESS,
    CREDIT_MEMO,
    CUSTOMER,
    INVOICE,
    ITEM,
    LINE,
    PAYMENT,
    REFUND,
    SUBSIDIARY,
    TAX_ITEM,
)
from counterfoil_mocks.erp.netsuite.record_types import TYPES, transactions
from counterfoil_mocks.kernel import money
from counterfoil_mocks.protocols.relation import MONEY_PLACES, Expression

RATE_PLACES = len(str(money.RATE_SCALE)) - 1
COLUMNS: Mapping[str, str] = {
    "customer": "id entityid companyname altname email phone externalid isinactive:b subsidiary>subsidiary currency>currency "
    "terms>term creditlimit:m vatregnumber parent>customer datecreated:t lastmodifieddate:t",
    "transaction": "id tranid transactionnumber type recordtype status trandate:d duedate:d entity>customer externalid memo otherrefnum "
    "postingperiod>accountingperiod currency>currency exchangerate:r foreigntotal:m foreignamountpaid:m "
    "foreignamountunpaid:m createddate:t lastmodifieddate:t posting:b voided:b approvalstatus terms>term employee>employee",
    "transactionline": "transaction>transaction id:n linesequencenumber:n mainline:b taxline:b item>item quantity:m rate:m "
    "foreignamount:m netamount:m memo subsidiary>subsidiary department>department class>classification location>location entity>customer "
    "createdfrom>transaction taxcode>salestaxitem taxamount:m quantitybilled:m isclosed:b",
    "transactionaccountingline": "transaction>transaction transactionline:n account>account amount:m debit:m credit:m posting:b "
    "accountingbook:n amountpaid:m amountunpaid:m",
    "nexttransactionlinelink": "previousdoc>transaction nextdoc>transaction previousline:n nextline:n linktype foreignamount:m",
    "item": "id itemid fullname displayname externalid isinactive:b itemtype incomeaccount>account",
    "subsidiary": "id name fullname tranprefix externalid isinactive:b currency>currency country",
    "accountingperiod": "id periodname startdate:d enddate:d closed:b allownonglchanges:b arlocked:b aplocked:b alllocked:b "
    "isposting:b isquarter:b isyear:b isadjust:b parent>accountingperiod subsidiary>subsidiary",
    "account": "id acctnumber fullname accttype externalid isinactive:b",
    "job": "id entityid companyname altname externalid isinactive:b parent>customer subsidiary>subsidiary currency>currency datecreated:t "
    "lastmodifieddate:t",
    "contact": "id entityid firstname lastname email phone externalid isinactive:b company>customer subsidiary>subsidiary datecreated:t "
    "lastmodifieddate:t",
    "employee": "id entityid firstname lastname email phone title externalid isinactive:b subsidiary>subsidiary datecreated:t "
    "lastmodifieddate:t",
    "department": "id name fullname externalid isinactive:b",
    "classification": "id name fullname externalid isinactive:b",
    "location": "id name fullname externalid isinactive:b",
    "currency": "id name symbol externalid isinactive:b",
    "term": "id name daysuntilnetdue:n externalid isinactive:b",
    "revenuearrangement": "id tranid trandate:d entity>customer custbody_contract_no",
    "revenueelement": "id recordnumber revenuearrangement>revenuearrangement source item>item quantity:m allocationamount:m amount:m "
    "revenuerecognitionrule startdate:d enddate:d amountrecognized:m lastmodifieddate:t",
    "salestaxitem": "id itemid displayname rate:r externalid lastmodifieddate:t",
    "currencyrate": "id basecurrency>currency transactioncurrency>currency effectivedate:d exchangerate:r externalid lastmodifieddate:t",
    "customeraddressbook": "internalid entity>customer label defaultbilling:b defaultshipping:b addr1 addr2 addr3 city state zip "
    "country lastmodifieddate:t",
    "revenueplanplannedrevenue": "id revenueplan>revenueelement amount:m postingperiod>accountingperiod",
}
"""Standard columns by table: `:b` boolean, `:d` date, `:t` date and time, `:m` amount, `:r` rate, `:n` whole number, `>` a reference, else a text."""
RECORD_COLUMNS = "id name externalid isinactive:b created:t lastmodified:t"
"""Columns of every custom record."""
CUSTOMS: Mapping[str, tuple[Customs, ...]] = {
    "customer": (of_map(CUSTOMER, model.CUSTOMER),),
    "transaction": (
        of_map(INVOICE, model.AR_DOCUMENT),
        of_map(CREDIT_MEMO, model.AR_DOCUMENT),
        of_map(PAYMENT, model.PAYMENT),
        of_map(REFUND, model.REFUND),
    ),
    "transactionline": (of_map(LINE, model.AR_LINE),),
    "customeraddressbook": (of_map(ADDRESS, model.SITE),),
    "item": (of_map(ITEM, model.SERVICE_ITEM),),
    "subsidiary": (of_map(SUBSIDIARY, model.LEGAL_ENTITY),),
    "salestaxitem": (of_map(TAX_ITEM, model.TAX_CODE),),
    "currencyrate": (of_entity("custrecord_", model.FX_RATE, "rate", "rate_date"),),
    "revenueelement": (of_entity("custrecord_", model.REVENUE_SCHEDULE),),
}
"""Custom fields by table."""
ALIASES = {
    "entity": "customer",
    "previoustransactionlinelink": "nexttransactionlinelink",
    "revenueplan": "revenueelement",
}
KINDS = {"b": ("text", 0), "d": ("date", 0), "t": ("instant", 0), "n": ("number", 0), "m": ("number", MONEY_PLACES),
         "r": ("number", RATE_PLACES), "": ("text", 0)}  # fmt: skip
SHOWN = {
    "customer": "companyname",
    "transaction": "tranid",
    "item": "itemid",
    "subsidiary": "name",
    "accountingperiod": "periodname",
    "salestaxitem": "itemid",
    "account": "fullname",
    "currency": "name",
    "term": "name",
    "revenuearrangement": "tranid",
    "revenueelement": "recordnumber",
    "job": "companyname",
    "contact": "entityid",
    "employee": "entityid",
}
"""What people see of a referenced row."""
SPELLED = {
    "entityid": "entityId",
    "companyname": "companyName",
    "firstname": "firstName",
    "lastname": "lastName",
    "isinactive": "isInactive",
}
"""Names of records' fields whose case differs from a column's."""
WORDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "CustInvc": ("Invoice", {"A": "Open", "B": "Paid In Full"}),
    "CustCred": ("Credit Memo", {"A": "Open", "B": "Fully Applied"}),
    "CustPymt": ("Payment", {"C": "Deposited", "V": "Voided"}),
    "CustDep": ("Customer Deposit", {"B": "Deposited", "C": "Fully Applied", "V": "Voided"}),
    "CustRfnd": ("Customer Refund", {"A": "Fully Applied"}),
    "DepAppl": ("Deposit Application", {"A": "Fully Applied"}),
    "Journal": ("Journal", {"B": "Approved for Posting"}),
    "SalesOrd": ("Sales Order", ORDER_STATES),
    "Estimate": ("Estimate", {"A": "Open", "B": "Processed"}),
    "Opprtnty": ("Opportunity", {"A": "In Progress"}),
}
"""What people see of a transaction's type, and of its status."""


def columns_of(table: str) -> list[str]:
    """Custom columns of a table, as `COLUMNS` writes them."""
    found: dict[str, str] = {}
    for each in CUSTOMS.get(table, ()):
        found |= each.columns()
    return [name + mark for name, mark in found.items()]


def read_type(rows: sa.FromClause) -> Value:
    """A transaction's type as people read it."""
    return sa.case({code: name for code, (name, _) in WORDS.items()}, value=rows.c.type, else_=rows.c.type)


def read_status(rows: sa.FromClause) -> Value:
    """A transaction's status as people read it: `Invoice : Open`."""
    known = {
        f"{code}{state}": f"{name} : {word}" for code, (name, states) in WORDS.items() for state, word in states.items()
    }
    return sa.case(known, value=rows.c.type.op("||")(rows.c.status), else_=rows.c.status)


def record_type(rows: sa.FromClause) -> Value:
    """The type of record that a transaction is, in lower case."""
    codes = {each.about["code"]: each.name.lower() for each in transactions(TYPES)}
    return sa.case(codes, value=rows.c.type)


READ: Mapping[str, Expression] = {"type": read_type, "status": read_status}
"""What people see of columns that are codes."""
DERIVED: Mapping[str, Mapping[str, Expression]] = {"transaction": {"recordtype": record_type}}
"""Columns that follow from others, by table."""
