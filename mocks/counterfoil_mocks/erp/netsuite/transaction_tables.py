"""Transactions as SuiteQL sees them: their heads, their lines, what these book, and which leads to which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite.columns import Value, coded, inside, scaled
from counterfoil_mocks.erp.netsuite.kept_objects import DEPOSIT_APPLICATION
from counterfoil_mocks.erp.netsuite.objects import DEPOSIT, KEEP, REFUND
from counterfoil_mocks.erp.netsuite.record_types import told, transactions
from counterfoil_mocks.erp.netsuite.rows import Rows
from counterfoil_mocks.protocols.relation import MONEY_PLACES, amount, custom

RECEIVABLE, TAX = "1200", "2200"
TAX_LINE = 9999
"""The line of a transaction that is its tax."""
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


class TransactionTables(Rows):
    """The rows of transactions."""

    def _transaction(self) -> sa.FromClause:
        return sa.union_all(
            self._documents(), self._payments(), self._refunds(), self._journals(), self._orders()
        ).subquery()

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
            "tranid": each.c.key,
            "transactionnumber": each.c.key,
            "employee": custom("salesRep", within=(KEEP,))(each),
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
            "foreignamountpaid": amount("applied")(each) + amount("refunded")(each),
            "foreignamountunpaid": amount("unapplied")(each),
            "voided": sa.case((each.c.status == "REVERSED", 1), else_=0),
            **self._customs("transaction", each, "payment"),
            **self.declared.of("transaction", each, KEEP),
        }
        return self._put(ordered(values), each, *self._live(each))

    def _refunds(self) -> sa.Select[Any]:
        each = self._table("refund")
        values = {
            **self._head(each, each.c.ccy, each.c.legal_entity, each.c.value_date),
            "otherrefnum": sa.func.coalesce(custom("otherRefNum", within=(KEEP,))(each), each.c.bank_ref),
            "tranid": each.c.refund_no,
            "transactionnumber": each.c.refund_no,
            "type": REFUND.about["code"],
            "status": "A",
            "entity": each.c.payee,
            "exchangerate": each.c.fx_rate,
            "foreigntotal": -amount("amount")(each),
            "foreignamountpaid": amount("amount")(each),
            "foreignamountunpaid": 0,
            **self._customs("transaction", each, "refund"),
            **self.declared.of("transaction", each, KEEP),
        }
        return self._put(ordered(values), each, *self._live(each))

    def _journals(self) -> sa.Select[Any]:
        each = self._table("journal_entry")
        values = {
            **self._head(each, each.c.ccy, each.c.legal_entity, each.c.posting_date),
            "memo": each.c.source_doc,
            "tranid": each.c.key,
            "transactionnumber": each.c.key,
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
            "employee": custom("salesRep")(each),
            "duedate": custom("dueDate")(each),
            "terms": coded("term", custom("terms")(each)),
            "foreigntotal": ordered_total(each),
            "entity": sa.func.coalesce(custom("entity")(each), custom("customer")(each)),
            **self._customs("transaction", each, ""),
            "custbody_contract_no": custom("custbody_contract_no")(each),
            **self.declared.of("transaction", each),
        }
        return self._put(ordered(values), each, *self._live(each), each.c.kind.in_(tuple(codes)))

    def _own(self, entry: Value) -> Value:
        """Whether an entry is no posting of a document or payment: those are transactions themselves."""
        return sa.and_(*(self._of(name, entry).is_(None) for name in ("ar_document", "payment", "refund")))

    def _of(self, name: str, entry: Value) -> Value:
        each = self._table(name)
        return sa.select(each.c.id).where(each.c.system == self.name, each.c.je == entry).limit(1).scalar_subquery()

    def _transactionline(self) -> sa.FromClause:
        each, line = self._table("ar_document"), self._lines("ar_document")
        sign = sa.case((each.c.doc_type == "INVOICE", -1), else_=1)
        own_path = inside(line)
        quantity = sa.func.coalesce(
            scaled(sa.func.json_extract(each.c.custom, own_path.op("||")(".quantity"))), 10**MONEY_PLACES
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
        rate = scaled(sa.func.json_extract(each.c.custom, own_path.op("||")(".rate")))
        lines = {**own, "id": line.c.line_no, "linesequencenumber": line.c.line_no, "mainline": 0,
                 "item": self._id_of("service_item", line.c.service_item), "quantity": sign * quantity, "rate": sa.func.coalesce(rate, net),
                 "foreignamount": sign * net, "netamount": sign * net, "memo": line.c.description,
                 "taxcode": self._id_of("tax_code", line.c.tax_code), "taxamount": amount("tax")(line),
                 **{name: sa.func.json_extract(each.c.custom, own_path.op("||")(f".{name}")) for name in SEGMENTS},
                 **self._customs("transactionline", line), **self.declared.of_line(each, line)}  # fmt: skip
        tax = {**main, "id": TAX_LINE, "linesequencenumber": TAX_LINE, "mainline": 0, "taxline": 1, "memo": None,
               "foreignamount": sign * amount("tax")(each), "netamount": sign * amount("tax")(each)}  # fmt: skip
        joined = each.join(line, sa.and_(line.c.system == each.c.system, line.c.parent == each.c.id))
        paid = self._table("payment")
        payment = {"subsidiary": self._company(paid.c.legal_entity), "entity": paid.c.payer, "createdfrom": source(paid),
                   **nothing, "transaction": paid.c.id, "taxline": 0, "id": 0, "linesequencenumber": 0, "mainline": 1, "item": None,
                   "quantity": None, "rate": None, "foreignamount": amount("amount")(paid), "netamount": amount("amount")(paid),
                   "memo": custom("memo", within=(KEEP,))(paid)}  # fmt: skip
        back = self._table("refund")
        refund = {**payment, "subsidiary": self._company(back.c.legal_entity), "entity": back.c.payee, "createdfrom": source(back),
                  "transaction": back.c.id, "foreignamount": -amount("amount")(back), "netamount": -amount("amount")(back),
                  "memo": custom("memo", within=(KEEP,))(back)}  # fmt: skip
        return sa.union_all(
            self._put(ordered(main), each, *self._live(each)),
            self._put(ordered(lines), joined, *self._live(each)),
            self._put(ordered(tax), each, *self._live(each), each.c.tax != 0),
            self._put(ordered(payment), paid, *self._live(paid)),
            self._put(ordered(refund), back, *self._live(back)),
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
                 **{name: said(name) for name in SEGMENTS}}  # fmt: skip
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
        back = self._table("refund")
        returned = back.join(lines, sa.and_(each.c.system == back.c.system, each.c.id == back.c.je))
        yield self._put({**values, "transaction": back.c.id}, returned, *self._live(back))
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
        debtor, own = self._table("customer"), inside(line, "line")
        kept = {
            name: sa.func.json_extract(each.c.custom, own.op("||")(f".{name}"))
            for name in ("entity", "memo", *SEGMENTS)
        }
        concerned = sa.select(debtor.c.id).where(
            debtor.c.system == self.name, debtor.c.customer_no == line.c.customer_no
        )
        kept["entity"] = sa.func.coalesce(kept["entity"], concerned.limit(1).scalar_subquery())
        by_hand = {**values, **kept, "transaction": each.c.id}
        yield self._put(ordered(by_hand), lines, *self._live(each), self._own(each.c.id))
        received = {**values, "transaction": paid.c.id, "entity": paid.c.payer}
        of_payment = paid.join(lines, sa.and_(each.c.system == paid.c.system, each.c.id == paid.c.je))
        yield self._put(ordered(received), of_payment, *self._live(paid), line.c.line_no > 1)
        back = self._table("refund")
        returned = {**values, "transaction": back.c.id, "entity": back.c.payee}
        of_refund = back.join(lines, sa.and_(each.c.system == back.c.system, each.c.id == back.c.je))
        yield self._put(ordered(returned), of_refund, *self._live(back), line.c.line_no > 1)

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
                invoice.c.key == memo.c.corrects,
                invoice.c.doc_type == "INVOICE",
            ),
        )
        return sa.union_all(
            self._put(applied, each, *self._live(each), each.c.status == "ACTIVE"),
            self._put(credited, joined, *self._live(memo), memo.c.doc_type == "CREDIT_MEMO"),
            self._returned(lines),
            self._billed(lines),
        ).subquery()

    def _returned(self, lines: Mapping[str, Any]) -> sa.Select[Any]:
        """Which refund pays back which receipt."""
        paid, back, part = self._table("payment"), self._table("refund"), self._lines("refund")
        joined = back.join(part, sa.and_(part.c.system == back.c.system, part.c.parent == back.c.id)).join(
            paid,
            sa.and_(
                paid.c.system == back.c.system,
                paid.c.bank_ref == part.c.receipt,
                paid.c.legal_entity == back.c.legal_entity,
            ),
        )
        values = {"previousdoc": paid.c.id, "nextdoc": back.c.id, **lines, "foreignamount": amount("amount")(part)}
        return self._put(values, joined, *self._live(back))

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


def ordered(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same columns in the same order in every part of a union."""
    return dict(sorted(values.items()))


def ordered_total(order: Any) -> Value:
    """What the lines of an order come to."""
    line = sa.func.json_each(order.c.custom, "$.item").table_valued("value")
    parts = [
        sa.func.coalesce(scaled(sa.func.json_extract(line.c.value, f"$.{name}")), 0) for name in ("amount", "tax1Amt")
    ]
    each = parts[0] + parts[1]
    return sa.select(sa.func.sum(each)).select_from(line).scalar_subquery()
