"""What SuiteQL sees: NetSuite's tables over those of the business."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.erp import model
from counterfoil_mocks.erp.netsuite.columns import Declared, Value, coded, scaled, ticked
from counterfoil_mocks.erp.netsuite.custom_fields import Customs, of_entity, of_map
from counterfoil_mocks.erp.netsuite.declared import RECORD
from counterfoil_mocks.erp.netsuite.desk import PARTS, STREET
from counterfoil_mocks.erp.netsuite.kept_objects import DEPOSIT_APPLICATION, ORDER_STATES
from counterfoil_mocks.erp.netsuite.lists import LISTS, account_type
from counterfoil_mocks.erp.netsuite.objects import (
    ADDRESS,
    CREDIT_MEMO,
    CUSTOMER,
    DEPOSIT,
    INVOICE,
    ITEM,
    KEEP,
    LINE,
    NON_INVENTORY,
    PAYMENT,
    SUBSIDIARY,
    TAX_ITEM,
)
from counterfoil_mocks.erp.netsuite.record_types import TYPES, told, transactions
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.fieldmap import ObjectMap
from counterfoil_mocks.protocols.relation import (
    MONEY_PLACES,
    Column,
    Expression,
    View,
    amount,
    custom,
    made_up,
    stored,
)

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.system import System

RECEIVABLE, TAX = "1200", "2200"
TAX_LINE = 9999
"""The line of a transaction that is its tax."""
RATE_PLACES = len(str(money.RATE_SCALE)) - 1
COLUMNS: Mapping[str, str] = {
    "customer": "id entityid companyname altname email phone externalid isinactive:b subsidiary>subsidiary currency>currency "
    "terms>term creditlimit:m vatregnumber parent>customer datecreated:t lastmodifieddate:t",
    "transaction": "id tranid transactionnumber type status trandate:d duedate:d entity>customer externalid memo otherrefnum "
    "postingperiod>accountingperiod currency>currency exchangerate:r foreigntotal:m foreignamountpaid:m "
    "foreignamountunpaid:m createddate:t lastmodifieddate:t posting:b voided:b approvalstatus terms>term employee>employee",
    "transactionline": "transaction>transaction id:n linesequencenumber:n mainline:b taxline:b item>item quantity:m rate:m "
    "foreignamount:m netamount:m memo subsidiary>subsidiary department>department class>classification location>location entity>customer "
    "createdfrom>transaction taxcode>salestaxitem taxamount:m quantitybilled:m isclosed:b",
    "transactionaccountingline": "transaction>transaction transactionline:n account>account amount:m debit:m credit:m posting:b "
    "accountingbook:n amountpaid:m amountunpaid:m",
    "nexttransactionlinelink": "previousdoc>transaction nextdoc>transaction previousline:n nextline:n linktype foreignamount:m",
    "item": "id itemid displayname externalid isinactive:b itemtype incomeaccount>account",
    "subsidiary": "id name fullname tranprefix externalid isinactive:b currency>currency country",
    "accountingperiod": "id periodname startdate:d enddate:d closed:b allownonglchanges:b arlocked:b aplocked:b alllocked:b "
    "isposting:b isquarter:b isyear:b isadjust:b parent>accountingperiod subsidiary>subsidiary",
    "account": "id acctnumber fullname accttype externalid isinactive:b",
    "job": "id entityid companyname altname externalid isinactive:b parent>customer subsidiary>subsidiary datecreated:t "
    "lastmodifieddate:t",
    "contact": "id entityid firstname lastname email phone externalid isinactive:b company>customer datecreated:t "
    "lastmodifieddate:t",
    "employee": "id entityid firstname lastname email phone title externalid isinactive:b subsidiary>subsidiary datecreated:t "
    "lastmodifieddate:t",
    "department": "id name fullname externalid isinactive:b",
    "classification": "id name fullname externalid isinactive:b",
    "location": "id name fullname externalid isinactive:b",
    "currency": "id name symbol isinactive:b",
    "term": "id name daysuntilnetdue:n isinactive:b",
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
MONTHS = {f"{number:02d}": name for number, name in enumerate(
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)}  # fmt: skip
WORDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "CustInvc": ("Invoice", {"A": "Open", "B": "Paid In Full"}),
    "CustCred": ("Credit Memo", {"A": "Open", "B": "Fully Applied"}),
    "CustPymt": ("Payment", {"C": "Deposited", "V": "Voided"}),
    "CustDep": ("Customer Deposit", {"B": "Deposited", "C": "Fully Applied", "V": "Voided"}),
    "DepAppl": ("Deposit Application", {"A": "Fully Applied"}),
    "Journal": ("Journal", {"B": "Approved for Posting"}),
    "SalesOrd": ("Sales Order", ORDER_STATES),
    "Estimate": ("Estimate", {"A": "Open", "B": "Processed"}),
    "Opprtnty": ("Opportunity", {"A": "In Progress"}),
}
"""What people see of a transaction's type, and of its status."""
UNSAID = (
    "employee",
    "duedate",
    "entity",
    "exchangerate",
    "foreigntotal",
    "foreignamountpaid",
    "foreignamountunpaid",
    "terms",
)
"""What not every transaction says."""
SEGMENTS = ("department", "class", "location")


class Tables:
    """The rows of NetSuite's tables, each made of selects over the business's own."""

    def __init__(self, system: System, types: Mapping[str, ObjectMap] = TYPES) -> None:
        self.system = system
        self.name = system.name
        self.types = types
        self.columns = dict(COLUMNS)
        self.columns |= {name: RECORD_COLUMNS for name in types if name.startswith(RECORD)}
        self.declared = Declared(types, self.columns, self._id_of)

    def views(self) -> Iterable[View]:
        """All tables."""
        for name, same in {**{each: each for each in self.columns}, **ALIASES}.items():
            rows: Callable[[], sa.FromClause] = getattr(self, f"_{same}", None) or self._other(same)
            said = " ".join((self.columns[same], *columns_of(same), *self.declared.marked(same)))
            yield View(name, rows, lambda rows, deleted: (), tuple(self._columns(same, said)), key="id")

    def _columns(self, table: str, said: str) -> Iterable[Column]:
        for each in said.split():
            name, _, refers = each.partition(">")
            name, _, mark = name.partition(":")
            kind, places = KINDS[mark]
            display = self._display(name, refers) if refers else self.declared.display(table, name)
            if table == "transaction":
                display = display or READ.get(name)
            sql = ticked(name) if mark == "b" else stored(name)
            kind = "id" if refers or (name == "id" and not mark) else kind
            yield Column(name, kind, sql, places, display=display)

    def _display(self, name: str, refers: str) -> Expression:
        source: Callable[[], sa.FromClause] = getattr(self, f"_{refers}", None) or self._other(refers)

        def display(rows: sa.FromClause) -> Value:
            target = source()
            return (
                sa.select(target.c[SHOWN.get(refers, "name")])
                .where(target.c.id == rows.c[name])
                .limit(1)
                .scalar_subquery()
            )

        return display

    # helpers

    def _other(self, name: str) -> Callable[[], sa.FromClause]:
        return self._list(name) if name in LISTS else lambda: self._kept(name)

    def _kept(self, kind: str) -> sa.FromClause:
        """Records that the business does not know."""
        each = self._table("vendor_object")
        known = {"id": each.c.id, "externalid": each.c.external_id, "datecreated": each.c.created_at,
                 "lastmodifieddate": each.c.updated_at, "fullname": each.c.name, "altname": each.c.name,
                 "created": each.c.created_at, "lastmodified": each.c.updated_at}  # fmt: skip
        values: dict[str, Any] = {}
        for said in self.columns[kind].split():
            name = said.partition(">")[0].partition(":")[0]
            values[name] = known.get(name, custom(SPELLED.get(name, name))(each))
        if "subsidiary" in values:
            values["subsidiary"] = self._company(values["subsidiary"])
        values |= self.declared.of(kind, each)
        return self._put(values, each, *self._live(each), each.c.kind == kind).subquery()

    def _list(self, name: str) -> Callable[[], sa.FromClause]:
        rows = []
        for row in LISTS[name]:
            shown: Record = {"id": row.id, "name": row.name, "fullname": row.name, "isinactive": 0}
            if name == "account":
                shown |= {"acctnumber": row.id, "accttype": account_type(row.id), "externalid": None}
            elif name == "currency":
                shown |= {"symbol": row.stored}
            else:
                shown |= {"daysuntilnetdue": row.fields["daysUntilNetDue"]}
            rows.append(shown)
        return made_up(rows)

    def _table(self, entity: str) -> Any:
        return self.system.table(entity).sql.alias()

    def _lines(self, parent: str) -> Any:
        return self.system.table(parent).lines["lines"].sql.alias()

    def _id_of(self, entity: str, key: Value) -> Value:
        """The id of what has a business key."""
        each = self._table(entity)
        return sa.select(each.c.id).where(each.c.system == self.name, each.c.key == key).limit(1).scalar_subquery()

    def _company(self, code: Value) -> Value:
        return self._id_of("legal_entity", code)

    def _period_of(self, code: Value, day: Value) -> Value:
        return self._id_of("period", code.op("||")("/").op("||")(sa.func.substr(day, 1, 7)))

    def _customs(self, table: str, rows: Any, entity: str | None = None) -> dict[str, Any]:
        """Custom fields of a table's rows. entity: whose rows these are, where the table has several kinds; null in others."""
        found: dict[str, Any] = {}
        for each in CUSTOMS[table]:
            own = entity is None or each.entity.name == entity
            found |= each.values(rows) if own else {name: found.get(name) for name in each.columns()}
        return found

    def _live(self, each: Any) -> tuple[Value, ...]:
        return each.c.system == self.name, each.c.deleted_at.is_(None)

    @staticmethod
    def _selected(values: Mapping[str, Any]) -> list[Value]:
        return [
            (sa.null() if value is None else value if isinstance(value, sa.ColumnElement) else sa.literal(value)).label(
                name
            )
            for name, value in values.items()
        ]

    def _put(self, values: Mapping[str, Any], source: Any, *where: Any) -> sa.Select[Any]:
        return sa.select(*self._selected(values)).select_from(source).where(*where)

    def _all(self, values: Mapping[str, Any], each: Any) -> sa.FromClause:
        """All live rows of one table."""
        return self._put(values, each, *self._live(each)).subquery()

    # records

    def _customer(self) -> sa.FromClause:
        each = self._table("customer")
        kept = {name: custom(name, within=(KEEP,))(each) for name in ("email", "phone", "subsidiary")}
        values = {
            "id": each.c.id,
            "entityid": sa.func.coalesce(each.c.customer_no, each.c.name_full, each.c.name),
            "companyname": sa.func.coalesce(each.c.name_full, each.c.name),
            "altname": each.c.name,
            "email": kept["email"],
            "phone": kept["phone"],
            "externalid": each.c.external_id,
            "isinactive": sa.case((each.c.status.in_(("INACTIVE", "MERGED")), 1), else_=0),
            "subsidiary": self._company(kept["subsidiary"]),
            "currency": coded("currency", each.c.invoice_ccy),
            "terms": coded("term", each.c.terms),
            "creditlimit": amount("credit_limit", "invoice_ccy")(each),
            "vatregnumber": each.c.vat_id,
            "parent": each.c.parent,
            "datecreated": each.c.created_at,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("customer", each),
            **self.declared.of("customer", each, KEEP),
        }
        return self._all(values, each)

    def _customeraddressbook(self) -> sa.FromClause:
        each = self._table("site")
        values = {
            "internalid": each.c.id,
            "entity": each.c.customer,
            "label": each.c.site_code,
            "defaultbilling": sa.case((each.c.kind.in_(("BILL_TO", "BOTH")), 1), else_=0),
            "defaultshipping": sa.case((each.c.kind.in_(("SHIP_TO", "BOTH")), 1), else_=0),
            **{name: sa.func.json_extract(each.c["lines"], f"$[{at}]") for at, name in enumerate(STREET)},
            **{name: each.c[column] for name, column in PARTS.items()},
            "country": each.c.country,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("customeraddressbook", each),
        }
        return self._all(values, each)

    def _salestaxitem(self) -> sa.FromClause:
        each = self._table("tax_code")
        values = {
            "id": each.c.id,
            "itemid": each.c.code,
            "displayname": each.c.code,
            "rate": each.c.rate * 100,
            "externalid": each.c.external_id,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("salestaxitem", each),
        }
        return self._all(values, each)

    def _currencyrate(self) -> sa.FromClause:
        each = self._table("fx_rate")
        values = {
            "id": each.c.id,
            "basecurrency": coded("currency", each.c.to_ccy),
            "transactioncurrency": coded("currency", each.c.from_ccy),
            "effectivedate": each.c.rate_date,
            "exchangerate": each.c.rate,
            "externalid": each.c.external_id,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("currencyrate", each),
        }
        return self._all(values, each)

    def _item(self) -> sa.FromClause:
        each = self._table("service_item")
        values = {
            "id": each.c.id,
            "itemid": each.c.code,
            "displayname": each.c.name,
            "externalid": each.c.external_id,
            "isinactive": sa.case((each.c.active == 1, 0), else_=1),
            "itemtype": sa.case((told(each, "service_item") == NON_INVENTORY.name, "NonInvtPart"), else_="Service"),
            "incomeaccount": each.c.revenue_account,
            **self._customs("item", each),
            **self.declared.of("item", each, KEEP),
        }
        return self._all(values, each)

    def _subsidiary(self) -> sa.FromClause:
        each = self._table("legal_entity")
        values = {
            "id": each.c.id,
            "name": each.c.name,
            "fullname": each.c.name,
            "externalid": each.c.external_id,
            "isinactive": 0,
            "currency": coded("currency", each.c.functional_ccy),
            "country": each.c.country,
            "tranprefix": each.c.code,
            **self._customs("subsidiary", each),
        }
        return self._all(values, each)

    def _accountingperiod(self) -> sa.FromClause:
        each = self._table("period")
        month = sa.case(MONTHS, value=sa.func.substr(each.c.period, 6, 2))
        locked = sa.case((each.c.status == "OPEN", 0), else_=1)
        values = {
            "id": each.c.id,
            "periodname": month.op("||")(" ").op("||")(sa.func.substr(each.c.period, 1, 4)),
            "startdate": each.c.from_date,
            "enddate": each.c.to_date,
            "closed": sa.case((each.c.status == "CLOSED", 1), else_=0),
            **dict.fromkeys(("arlocked", "aplocked", "alllocked"), locked),
            **dict.fromkeys(("allownonglchanges", "isquarter", "isyear", "isadjust"), 0),
            "isposting": 1,
            "parent": None,
            "subsidiary": self._company(each.c.legal_entity),
        }
        return self._all(values, each)

    # transactions

    def _transaction(self) -> sa.FromClause:
        return sa.union_all(self._documents(), self._payments(), self._journals(), self._orders()).subquery()

    def _head(self, each: Any, ccy: Any, company: Any, day: Any) -> dict[str, Any]:
        return {
            "id": each.c.id,
            "externalid": each.c.external_id,
            "trandate": day,
            "memo": custom("memo", within=(KEEP,))(each),
            "otherrefnum": custom("otherRefNum", within=(KEEP,))(each),
            "postingperiod": self._period_of(company, day),
            "currency": coded("currency", ccy),
            "createddate": each.c.created_at,
            "lastmodifieddate": each.c.updated_at,
            "posting": 1,
            "approvalstatus": "2",
            "voided": 0,
            **dict.fromkeys(UNSAID),
        }

    def _documents(self) -> sa.Select[Any]:
        each = self._table("ar_document")
        invoice = each.c.doc_type == "INVOICE"
        settled = each.c.status.in_(("PAID", "CREDITED", "WRITTEN_OFF"))
        total, left = amount("total")(each), amount("open_amount")(each)
        values = {
            **self._head(each, each.c.ccy, each.c.legal_entity, each.c.issue_date),
            "tranid": each.c.invoice_no,
            "transactionnumber": each.c.invoice_no,
            "employee": custom("id", within=(KEEP, "salesRep"))(each),
            "type": sa.case((invoice, "CustInvc"), else_="CustCred"),
            "status": sa.case((sa.or_(settled, each.c.doc_type != "INVOICE"), "B"), else_="A"),
            "duedate": each.c.due,
            "entity": each.c.customer,
            "exchangerate": each.c.fx_rate,
            "foreigntotal": sa.case((invoice, total), else_=-total),
            "foreignamountpaid": total - left,
            "foreignamountunpaid": left,
            "terms": coded("term", custom("terms", within=(KEEP,))(each)),
            **self._customs("transaction", each, "ar_document"),
            **self.declared.of("transaction", each, KEEP),
        }
        return self._put(ordered(values), each, *self._live(each))

    def _payments(self) -> sa.Select[Any]:
        each = self._table("payment")
        deposit = told(each, "payment") == DEPOSIT.name
        values = {
            **self._head(each, each.c.ccy, each.c.legal_entity, each.c.value_date),
            "otherrefnum": sa.func.coalesce(custom("otherRefNum", within=(KEEP,))(each), each.c.bank_ref),
            "tranid": each.c.receipt_no,
            "transactionnumber": each.c.receipt_no,
            "type": sa.case((deposit, "CustDep"), else_="CustPymt"),
            "status": sa.case(
                (each.c.status == "REVERSED", "V"), (sa.and_(deposit, each.c.unapplied > 0), "B"), else_="C"
            ),
            "entity": each.c.payer,
            "exchangerate": each.c.fx_rate,
            "foreigntotal": amount("amount")(each),
            "foreignamountpaid": amount("applied")(each),
            "foreignamountunpaid": amount("unapplied")(each),
            "voided": sa.case((each.c.status == "REVERSED", 1), else_=0),
            **self._customs("transaction", each, "payment"),
            **self.declared.of("transaction", each, KEEP),
        }
        return self._put(ordered(values), each, *self._live(each))

    def _journals(self) -> sa.Select[Any]:
        each = self._table("journal_entry")
        values = {
            **self._head(each, each.c.ccy, each.c.legal_entity, each.c.posting_date),
            "memo": each.c.source_doc,
            "tranid": each.c.je_no,
            "transactionnumber": each.c.je_no,
            "type": "Journal",
            "status": "B",
            **self._customs("transaction", each, ""),
            "custbody_contract_no": each.c.contract_no,
            **self.declared.of("transaction", each, KEEP),
        }
        return self._put(ordered(values), each, *self._live(each), self._own(each.c.id))

    def _orders(self) -> sa.Select[Any]:
        """Transactions that post nothing."""
        each = self._table("vendor_object")
        codes = {one.name: one.about["code"] for one in transactions(self.types) if one.entity == "vendor_object"}
        day, company = custom("tranDate")(each), custom("subsidiary")(each)
        values = {
            **self._head(each, custom("currency")(each), company, day),
            "memo": custom("memo")(each),
            "otherrefnum": custom("otherRefNum")(each),
            "posting": sa.case((each.c.kind == DEPOSIT_APPLICATION.name, 1), else_=0),
            "tranid": custom("tranId")(each),
            "transactionnumber": custom("tranId")(each),
            "type": sa.case(codes, value=each.c.kind),
            "status": sa.func.coalesce(
                custom("id", within=("orderStatus",))(each), sa.case((each.c.kind == "salesOrder", "F"), else_="A")
            ),
            "employee": custom("id", within=("salesRep",))(each),
            "duedate": custom("dueDate")(each),
            "terms": custom("id", within=("terms",))(each),
            "foreigntotal": ordered_total(each),
            "entity": sa.func.coalesce(custom("entity")(each), custom("customer")(each)),
            **self._customs("transaction", each, ""),
            "custbody_contract_no": custom("custbody_contract_no")(each),
            **self.declared.of("transaction", each),
        }
        return self._put(ordered(values), each, *self._live(each), each.c.kind.in_(tuple(codes)))

    def _own(self, entry: Value) -> Value:
        """Whether an entry is no posting of a document or payment: those are transactions themselves."""
        return sa.and_(*(self._of(name, entry).is_(None) for name in ("ar_document", "payment")))

    def _of(self, name: str, entry: Value) -> Value:
        each = self._table(name)
        return sa.select(each.c.id).where(each.c.system == self.name, each.c.je == entry).limit(1).scalar_subquery()

    def _transactionline(self) -> sa.FromClause:
        each, line = self._table("ar_document"), self._lines("ar_document")
        sign = sa.case((each.c.doc_type == "INVOICE", -1), else_=1)
        inside = sa.literal(f"$.{KEEP}.item.").op("||")('"').op("||")(sa.cast(line.c.line_no, sa.Text)).op("||")('"')
        quantity = sa.func.coalesce(
            scaled(sa.func.json_extract(each.c.custom, inside.op("||")(".quantity"))), 10**MONEY_PLACES
        )
        net = amount("net")(line)
        nothing = {
            **{**dict.fromkeys(SEGMENTS), "taxcode": None, "taxamount": None, "quantitybilled": None, "isclosed": 0},
            **self._customs("transactionline", line, ""),
            **dict.fromkeys(self.declared.names("transactionline")),
        }
        source = custom("createdFrom", within=(KEEP,))
        head = {"subsidiary": self._company(each.c.legal_entity), "entity": each.c.customer, "createdfrom": source(each),
                **nothing}  # fmt: skip
        own = {**head, "transaction": each.c.id, "taxline": 0}
        main = {**own, "id": 0, "linesequencenumber": 0, "mainline": 1, "item": None, "quantity": None, "rate": None,
                "foreignamount": -sign * amount("total")(each), "netamount": -sign * amount("total")(each),
                "memo": custom("memo", within=(KEEP,))(each)}  # fmt: skip
        rate = scaled(sa.func.json_extract(each.c.custom, inside.op("||")(".rate")))
        lines = {**own, "id": line.c.line_no, "linesequencenumber": line.c.line_no, "mainline": 0,
                 "item": self._id_of("service_item", line.c.service_item), "quantity": sign * quantity, "rate": sa.func.coalesce(rate, net),
                 "foreignamount": sign * net, "netamount": sign * net, "memo": line.c.description,
                 "taxcode": self._id_of("tax_code", line.c.tax_code), "taxamount": amount("tax")(line),
                 **{name: sa.func.json_extract(each.c.custom, inside.op("||")(f".{name}.id")) for name in SEGMENTS},
                 **self._customs("transactionline", line), **self.declared.of_line(each, line)}  # fmt: skip
        tax = {**main, "id": TAX_LINE, "linesequencenumber": TAX_LINE, "mainline": 0, "taxline": 1, "memo": None,
               "foreignamount": sign * amount("tax")(each), "netamount": sign * amount("tax")(each)}  # fmt: skip
        joined = each.join(line, sa.and_(line.c.system == each.c.system, line.c.parent == each.c.id))
        paid = self._table("payment")
        payment = {"subsidiary": self._company(paid.c.legal_entity), "entity": paid.c.payer, "createdfrom": source(paid),
                   **nothing, "transaction": paid.c.id, "taxline": 0, "id": 0, "linesequencenumber": 0, "mainline": 1, "item": None,
                   "quantity": None, "rate": None, "foreignamount": amount("amount")(paid), "netamount": amount("amount")(paid),
                   "memo": custom("memo", within=(KEEP,))(paid)}  # fmt: skip
        return sa.union_all(
            self._put(ordered(main), each, *self._live(each)),
            self._put(ordered(lines), joined, *self._live(each)),
            self._put(ordered(tax), each, *self._live(each), each.c.tax != 0),
            self._put(ordered(payment), paid, *self._live(paid)),
            *self._order_lines(nothing),
            *self._posted_lines(nothing),
        ).subquery()

    def _order_lines(self, nothing: Mapping[str, Any]) -> Iterable[sa.Select[Any]]:
        """The lines of transactions that post nothing, which are kept within them."""
        each = self._table("vendor_object")
        line = sa.func.json_each(each.c.custom, "$.item").table_valued("key", "value")
        kinds = [one.name for one in transactions(self.types) if one.entity == "vendor_object" and one.children]

        def said(name: str) -> Value:
            return sa.func.json_extract(line.c.value, f"$.{name}")

        def share(name: str) -> Value:
            return -scaled(said(name))

        head = {**nothing, "subsidiary": self._company(custom("subsidiary")(each)), "entity": custom("entity")(each), "taxline": 0,
                "createdfrom": custom("createdFrom")(each), "transaction": each.c.id}  # fmt: skip
        total = ordered_total(each)
        main = {**head, "id": 0, "linesequencenumber": 0, "mainline": 1, "item": None, "quantity": None, "rate": None,
                "foreignamount": total, "netamount": total, "memo": custom("memo")(each)}  # fmt: skip
        number = sa.cast(line.c.key, sa.BigInteger) + 1
        lines = {**head, "id": number, "linesequencenumber": number, "mainline": 0, "item": self._id_of("service_item", said("item")),
                 "quantity": share("quantity"), "rate": scaled(said("rate")), "foreignamount": share("amount"),
                 "netamount": share("amount"), "memo": said("description"), "taxcode": self._id_of("tax_code", said("taxCode")),
                 "quantitybilled": scaled(sa.func.coalesce(said("quantityBilled"), 0)),
                 "isclosed": sa.case((sa.cast(said("isClosed"), sa.Text).in_(("1", "true")), 1), else_=0),
                 **{name: said(f"{name}.id") for name in SEGMENTS}}  # fmt: skip
        yield self._put(ordered(main), each, *self._live(each), each.c.kind.in_(kinds))
        yield self._put(ordered(lines), each.join(line, sa.true()), *self._live(each), each.c.kind.in_(kinds))

    def _transactionaccountingline(self) -> sa.FromClause:
        return sa.union_all(*self._booked()).subquery()

    def _booked(self) -> Iterable[sa.Select[Any]]:
        """The lines of entries: of documents, of payments and by hand."""
        each, line = self._table("journal_entry"), self._lines("journal_entry")
        debit, credit = amount("func_dr", "func_ccy")(line), amount("func_cr", "func_ccy")(line)
        lines = each.join(line, sa.and_(line.c.system == each.c.system, line.c.parent == each.c.id))
        values = {
            "transaction": each.c.id,
            "transactionline": line.c.line_no - 1,
            "account": line.c.account,
            "amount": debit - credit,
            "debit": sa.case((debit != 0, debit)),
            "credit": sa.case((credit != 0, credit)),
            "posting": 1,
            "accountingbook": 1,
            "amountpaid": None,
            "amountunpaid": None,
        }
        yield self._put(values, lines, *self._live(each), self._own(each.c.id))
        paid = self._table("payment")
        received = paid.join(lines, sa.and_(each.c.system == paid.c.system, each.c.id == paid.c.je))
        yield self._put({**values, "transaction": paid.c.id}, received, *self._live(paid))
        # An entry of a document books the whole first, then each line that comes to something, then the tax; what else, is of no line.
        document, own = self._table("ar_document"), self._ranked()
        place = sa.func.coalesce(own.c.line_no, sa.case((line.c.account == TAX, TAX_LINE)))
        of_document = {**values, "transaction": document.c.id,
                       "transactionline": sa.case((line.c.line_no == 1, 0), else_=place)}  # fmt: skip
        owed = sa.and_(line.c.account == RECEIVABLE, document.c.total != 0)
        for name, part in (
            ("amountpaid", document.c.total - document.c.open_amount),
            ("amountunpaid", document.c.open_amount),
        ):
            share = sa.cast(debit, sa.Float) * part / sa.cast(document.c.total, sa.Float)
            of_document[name] = sa.case((owed, sa.cast(sa.func.round(share), sa.BigInteger)))
        billed = document.join(lines, sa.and_(each.c.system == document.c.system, each.c.id == document.c.je))
        billed = billed.outerjoin(own, sa.and_(own.c.parent == document.c.id, own.c.place == line.c.line_no - 1))
        yield self._put(of_document, billed, *self._live(document))

    def _ranked(self) -> Any:
        """The lines of documents that come to something, by their place among them."""
        line = self._lines("ar_document")
        place = sa.func.row_number().over(partition_by=line.c.parent, order_by=line.c.line_no)
        return (
            sa.select(line.c.parent, line.c.line_no, place.label("place"))
            .where(line.c.system == self.name, line.c.net != 0)
            .subquery()
        )

    def _posted_lines(self, nothing: Mapping[str, Any]) -> Iterable[sa.Select[Any]]:
        """The lines of entries by hand, and of payments those behind the first."""
        each, line, paid = self._table("journal_entry"), self._lines("journal_entry"), self._table("payment")
        booked = amount("dr")(line) - amount("cr")(line)
        lines = each.join(line, sa.and_(line.c.system == each.c.system, line.c.parent == each.c.id))
        values = {**nothing, "subsidiary": self._company(each.c.legal_entity), "createdfrom": None, "taxline": 0, "mainline": 0,
                  "id": line.c.line_no - 1, "linesequencenumber": line.c.line_no - 1, "item": None, "quantity": None, "rate": None,
                  "foreignamount": booked, "netamount": booked, "memo": None}  # fmt: skip
        by_hand = {**values, "transaction": each.c.id, "entity": None}
        yield self._put(ordered(by_hand), lines, *self._live(each), self._own(each.c.id))
        received = {**values, "transaction": paid.c.id, "entity": paid.c.payer}
        of_payment = paid.join(lines, sa.and_(each.c.system == paid.c.system, each.c.id == paid.c.je))
        yield self._put(ordered(received), of_payment, *self._live(paid), line.c.line_no > 1)

    def _nexttransactionlinelink(self) -> sa.FromClause:
        each, memo, invoice = self._table("payment_application"), self._table("ar_document"), self._table("ar_document")
        lines = {"previousline": 0, "nextline": 0, "linktype": "Payment"}
        applied = {
            "previousdoc": each.c.ar_document,
            "nextdoc": each.c.payment,
            **lines,
            "foreignamount": amount("amount")(each),
        }
        credited = {"previousdoc": invoice.c.id, "nextdoc": memo.c.id, **lines, "foreignamount": amount("total")(memo)}
        joined = memo.join(
            invoice,
            sa.and_(
                invoice.c.system == memo.c.system,
                invoice.c.invoice_no == memo.c.corrects,
                invoice.c.doc_type == "INVOICE",
            ),
        )
        return sa.union_all(
            self._put(applied, each, *self._live(each), each.c.status == "ACTIVE"),
            self._put(credited, joined, *self._live(memo), memo.c.doc_type == "CREDIT_MEMO"),
            self._billed(lines),
        ).subquery()

    def _billed(self, lines: Mapping[str, Any]) -> sa.Select[Any]:
        """Which invoice bills which order or estimate."""
        invoice, order = self._table("ar_document"), self._table("vendor_object")
        values = {
            "previousdoc": order.c.id,
            "nextdoc": invoice.c.id,
            **lines,
            "linktype": sa.case((order.c.kind == "estimate", "EstInvc"), else_="OrdBill"),
            "foreignamount": amount("total")(invoice),
        }
        made = sa.and_(order.c.system == invoice.c.system, order.c.id == custom("createdFrom", within=(KEEP,))(invoice))
        return self._put(values, invoice.join(order, made), *self._live(invoice))

    # revenue

    def _revenuearrangement(self) -> sa.FromClause:
        each = self._table("revenue_schedule")
        values = {
            "id": sa.func.min(each.c.id),
            "tranid": each.c.contract_no,
            "trandate": sa.func.min(each.c.start),
            "entity": sa.func.min(each.c.customer),
            "custbody_contract_no": each.c.contract_no,
        }
        return self._put(values, each, *self._live(each)).group_by(each.c.contract_no).subquery()

    def _revenueelement(self) -> sa.FromClause:
        each, first = self._table("revenue_schedule"), self._table("revenue_schedule")
        whole = (
            sa.select(sa.func.min(first.c.id))
            .where(first.c.system == self.name, first.c.contract_no == each.c.contract_no, first.c.deleted_at.is_(None))
            .scalar_subquery()
        )
        values = {
            "id": each.c.id,
            "recordnumber": each.c.key,
            "revenuearrangement": whole,
            "source": each.c.contract_no.op("||")("/").op("||")(sa.cast(each.c.line_no, sa.Text)),
            "item": self._id_of("service_item", each.c.service_item),
            "quantity": 10**MONEY_PLACES,
            "allocationamount": amount("tp")(each),
            "amount": amount("tp")(each),
            "revenuerecognitionrule": each.c.method,
            "startdate": each.c.start,
            "enddate": each.c.end,
            "amountrecognized": amount("recognised")(each),
            "lastmodifieddate": each.c.updated_at,
            **self._customs("revenueelement", each),
        }
        return self._all(values, each)

    def _revenueplanplannedrevenue(self) -> sa.FromClause:
        each = self._table("revenue_entry")
        values = {
            "id": each.c.id,
            "revenueplan": each.c.schedule,
            "amount": amount("amount")(each),
            "postingperiod": self._period_of(each.c.legal_entity, each.c.period),
        }
        return self._all(values, each)


def columns_of(table: str) -> list[str]:
    """Custom columns of a table, as `COLUMNS` writes them."""
    found: dict[str, str] = {}
    for each in CUSTOMS.get(table, ()):
        found |= each.columns()
    return [name + mark for name, mark in found.items()]


def ordered(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same columns in the same order in every part of a union."""
    return dict(sorted(values.items()))


def ordered_total(order: Any) -> Value:
    """What the lines of an order come to."""
    line = sa.func.json_each(order.c.custom, "$.item").table_valued("value")
    each = scaled(sa.func.json_extract(line.c.value, "$.amount"))
    return sa.select(sa.func.sum(each)).select_from(line).scalar_subquery()


def read_type(rows: sa.FromClause) -> Value:
    """A transaction's type as people read it."""
    return sa.case({code: name for code, (name, _) in WORDS.items()}, value=rows.c.type, else_=rows.c.type)


def read_status(rows: sa.FromClause) -> Value:
    """A transaction's status as people read it: `Invoice : Open`."""
    known = {
        f"{code}{state}": f"{name} : {word}" for code, (name, states) in WORDS.items() for state, word in states.items()
    }
    return sa.case(known, value=rows.c.type.op("||")(rows.c.status), else_=rows.c.status)


READ: Mapping[str, Expression] = {"type": read_type, "status": read_status}
"""What people see of columns that are codes."""
