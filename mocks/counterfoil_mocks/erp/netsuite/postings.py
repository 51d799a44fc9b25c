"""Makes transactions that post: invoices, credit memos, payments, deposits and entries by hand, each by the role's own deeds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.billed_time import BilledTime
from counterfoil_mocks.erp.netsuite.declared import line_of
from counterfoil_mocks.erp.netsuite.given import items_of, named_by
from counterfoil_mocks.erp.netsuite.kept_objects import SALES_ORDER, TIME_BILL, quantity_of, state_of
from counterfoil_mocks.erp.netsuite.objects import JOURNAL_LINE, KEEP, MEMBER, PERIOD
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx, changed, made, perform
from counterfoil_mocks.protocols.fieldmap import ObjectMap


class Postings(BilledTime):
    """Transactions as a call says them. What NetSuite fills in by itself is filled in here."""

    def _new_invoice(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        head = {name: value for name, value in given.items() if name not in ("item", "time")}
        values = self._values(each, head)
        buyer = tx.get("customer", values["customer"])
        self._fill(values, buyer)
        ours = values.setdefault("custom", {}).setdefault(KEEP, {})
        if buyer["terms"] and "terms" not in head:
            ours["terms"] = buyer["terms"]
        if self.reader.job_of(head.get("entity")) and not ours.get("job"):
            ours["job"] = self.reader.job_of(head["entity"])
        if "terms" in head and values.get("due") is None:
            terms = (values.get("custom") or {}).get(KEEP, {}).get("terms")
            if terms:
                values["due"] = clock.add_days(values["issue_date"], int(str(terms).removeprefix("NET")))
        self._check_period(given, values["legal_entity"], values["issue_date"])
        items = items_of(given.get("item"), "item")
        timed, billed = self._timed(tx, given.get("time"), buyer)
        self._lines(each, values, [*items, *timed])
        for number, doc in enumerate(billed, len(items) + 1):
            values["custom"][KEEP]["item"][str(number)][TIME_BILL.name] = doc
        if not values.get("invoice_no"):
            values["invoice_no"] = f"INV{tx.number('netsuite:invoice') + 1000}"
        record = made(tx, self.entity(each), values)
        self._bill(tx, record)
        self._note_billed(tx, record, billed)
        return record

    def _bill(self, tx: Tx, invoice: Record) -> None:
        """Note on orders what an invoice bills of their lines."""
        ours = invoice["custom"][KEEP]["item"].values()
        for order_id in {line["orderDoc"] for line in ours if line.get("orderDoc")}:
            order = self.reader.find(SALES_ORDER, order_id)
            if order is None:
                continue
            custom = {**order["custom"], "item": [dict(line) for line in order["custom"].get("item") or []]}
            for line in ours:
                billed = named_by({"line": line.get("orderLine")}, custom["item"])
                if line.get("orderDoc") == order_id and billed is not None:
                    done = Decimal(str(billed.get("quantityBilled") or 0)) + quantity_of(line)
                    billed["quantityBilled"] = int(done) if done == done.to_integral_value() else float(done)
            custom["orderStatus"] = {"id": state_of(custom)}
            changed(tx, self.entity(SALES_ORDER), order_id, {"custom": custom})

    def _new_creditMemo(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        head = {name: value for name, value in given.items() if name not in ("item", "apply")}
        applied = [line for line in items_of(given.get("apply"), "apply") if line.get("apply", True)]
        source = applied[0].get("doc") if applied else given.get("createdFrom")
        if source is None:
            raise errors.missing("Apply", "apply")
        invoice = tx.get("ar_document", self.reader.stored_of("invoice", source, "doc", "apply.items[0].doc"))
        values = self._values(each, {"entity": invoice["customer"], **head})
        values |= {name: values.get(name) or invoice[name] for name in ("legal_entity", "ccy", "contract_no")}
        self._fill(values, tx.get("customer", values["customer"]))
        self._check_period(given, values["legal_entity"], values["issue_date"])
        values["corrects"] = invoice["invoice_no"]
        lines = items_of(given.get("item"), "item")
        if lines:
            self._lines(each, values, lines)
        else:
            names = ("line_type", "contract_line", "description", "net", "tax_code", "tax", "service_item", "account")
            values["lines"] = [{name: line[name] for name in names} for line in invoice["lines"]]
        if not values.get("invoice_no"):
            values["invoice_no"] = f"CM{tx.number('netsuite:creditMemo') + 1000}"
        return made(tx, self.entity(each), values)

    def _new_customerPayment(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        head = {name: value for name, value in given.items() if name != "apply"}
        lines = [line for line in items_of(given.get("apply"), "apply") if line.get("apply", True)]
        documents = [
            tx.get(
                "ar_document", self.reader.stored_of("invoice", line.get("doc"), "doc", f"apply.items[{number}].doc")
            )
            for number, line in enumerate(lines)
        ]
        if documents:
            head = {"currency": self.reader.id_of("currency", documents[0]["ccy"]), **head}
            head = {"subsidiary": self.reader.id_of("subsidiary", documents[0]["legal_entity"]), **head}
        elif "currency" not in head and head.get("customer") is not None:
            payer = tx.get("customer", self.reader.stored_of("customer", head["customer"], "customer", "customer"))
            head["currency"] = self.reader.id_of("currency", payer["invoice_ccy"] or "USD")
        values = self._values(each, head)
        payer = tx.get("customer", values["payer"])
        for number, document in enumerate(documents):
            if not self._pays_for(tx, payer, document):
                raise errors.reference(document["id"], "doc", f"apply.items[{number}].doc")
        parts = self._parts(lines, documents, values.get("amount"))
        if values.get("amount") is None:
            if not parts:
                raise errors.missing("Payment Amount", "payment")
            values["amount"] = sum(parts)
        for document, part in zip(documents, parts, strict=True):
            if part > document["open_amount"]:
                raise errors.user("You cannot apply more than the amount remaining of the transaction.", path="apply")
        if sum(parts) > values["amount"]:
            raise errors.user("You cannot apply more than your total payment amount.", path="apply")
        self._fill(values, tx.get("customer", values["payer"]), day="value_date")
        self._check_period(given, values["legal_entity"], values["value_date"])
        values["bank_ref"] = values.get("bank_ref") or values.get("external_id") or (
            f"PYMT{tx.number('netsuite:customerPayment') + 1000}")  # fmt: skip
        record = perform(tx, "receive_payment", None, values)
        if given.get("autoApply") and not documents:
            parts, documents = self._oldest(tx, record)
        for document, part in zip(documents, parts, strict=True):
            if part:
                record = perform(
                    tx, "apply_payment", record["id"], {"invoice_no": document["invoice_no"], "amount": part}
                )
        return record

    def _new_customerDeposit(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        bank_ref = (
            given.get("checkNum") or given.get("externalId") or f"CDEP{tx.number('netsuite:customerDeposit') + 1000}"
        )
        return self._new_customerPayment(tx, each, {**given, "checkNum": bank_ref, MEMBER: each.name})

    def _new_customerRefund(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        head = {name: value for name, value in given.items() if name not in ("apply", "deposit")}
        values = self._values(each, head)
        taken: dict[str, int] = {}
        named: list[Record] = []
        receipts: list[Record] = []
        for name in ("apply", "deposit"):
            for number, line in enumerate(items_of(given.get(name), name)):
                if line.get("apply", True):
                    at = f"{name}.items[{number}]."
                    doc = self.reader.stored_of("transaction", line.get("doc"), "doc", f"{at}doc")
                    found = self._refundable(tx, doc, values["payee"])
                    if not found:
                        raise errors.reference(doc, "doc", f"{at}doc")
                    part = self._take(found, line, taken, at)
                    named.append({"doc": doc, "amount": part})
                    receipts += found
        if not named:
            raise errors.missing("Apply", "apply")
        for name, column, field in (("legal_entity", "legal_entity", "subsidiary"), ("ccy", "ccy", "currency")):
            said = {receipt[column] for receipt in receipts} | {values.get(name) or receipts[0][column]}
            if len(said) > 1:
                raise errors.reference(named[0]["doc"], "doc", field)
            values[name] = said.pop()
        self._fill(values, tx.get("customer", values["payee"]), day="value_date")
        self._check_period(given, values["legal_entity"], values["value_date"])
        values["bank_ref"] = values.get("bank_ref") or values.get("external_id") or (
            f"CRFD{tx.number('netsuite:customerRefund') + 1000}")  # fmt: skip
        custom = values.get("custom") or {}
        values["custom"] = {**custom, KEEP: {**(custom.get(KEEP) or {}), "apply": named}}
        values["lines"] = [{"receipt": name, "amount": part} for name, part in taken.items() if part]
        return perform(tx, "pay_refund", None, values)

    @staticmethod
    def _refundable(tx: Tx, doc: str, payee: str) -> list[Record]:
        """The receipts of a customer that a transaction leads to: a payment or deposit itself, or those that a credit memo has set free."""
        paid = tx.find("payment", id=doc, payer=payee)
        if paid:
            return paid
        memo = next(iter(tx.find("ar_document", id=doc, doc_type="CREDIT_MEMO", customer=payee)), None)
        if memo is None:
            return []
        where = {"invoice_no": memo["corrects"], "legal_entity": memo["legal_entity"], "status": "REVERSED"}
        free = dict.fromkeys(row["payment"] for row in tx.find("payment_application", **where))
        return [each for each in (tx.get("payment", own) for own in free) if each["payer"] == payee]

    def _take(self, receipts: list[Record], line: Mapping[str, Any], taken: dict[str, int], at: str) -> int:
        """Note how much of which receipts a line pays back: as much as it says, else all that is left; the amount."""
        left = {each["bank_ref"]: each["unapplied"] - taken.get(each["bank_ref"], 0) for each in receipts}
        wanted: int = sum(left.values())
        if line.get("amount") is not None:
            wanted = self._figure(line["amount"], receipts[0], f"{at}amount")
        if not 0 < wanted <= sum(left.values()):
            raise errors.user("You cannot refund more than what is left of the transaction.", path=f"{at}amount")
        rest = wanted
        for name, most in left.items():
            part = min(rest, most)
            taken[name] = taken.get(name, 0) + part
            rest -= part
        return wanted

    def _new_depositApplication(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        values = self._values(each, {name: value for name, value in given.items() if name != "apply"})
        custom = dict(values["custom"])
        deposit = tx.get("payment", custom["deposit"])
        lines = [line for line in items_of(given.get("apply"), "apply") if line.get("apply", True)]
        if not lines:
            raise errors.missing("Apply", "apply")
        before = {row["id"] for row in tx.find("payment_application", payment=deposit["id"])}
        self._apply(tx, deposit, lines, anew=True)
        rows = [row for row in tx.find("payment_application", payment=deposit["id"]) if row["id"] not in before]
        custom |= {
            "apply": [row["id"] for row in rows],
            "customer": deposit["payer"],
            "subsidiary": deposit["legal_entity"],
            "currency": deposit["ccy"],
            "tranDate": rows[-1]["applied_on"],
            "tranId": custom.get("tranId") or f"DA{tx.number('netsuite:depositApplication') + 1000}",
        }
        values |= {"custom": custom, "name": custom["tranId"], "seq": self.system.next_number(f"seq:{each.name}")}
        return tx.insert(self.entity(each), values)

    def _new_journalEntry(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        if given.get("subsidiary") is None:
            raise errors.missing("Subsidiary", "subsidiary")
        values = self._values(each, {name: value for name, value in given.items() if name != "line"})
        company = tx.get("legal_entity", values["legal_entity"])
        values["ccy"] = values.get("ccy") or company["functional_ccy"]
        values["posting_date"] = values.get("posting_date") or self.reader.today(company["code"])
        self._check_period(given, company["code"], values["posting_date"])
        lines, extras = [], {}
        for number, line in enumerate(items_of(given.get("line"), "line")):
            at = f"line.items[{number}]."
            said = self._known(JOURNAL_LINE, line, at)
            if said.get("account") is None:
                raise errors.missing("Account", f"{at}account")
            read = self._values(JOURNAL_LINE, said, {"ccy": values["ccy"], "custom": {}}, at)
            extras[str(number + 1)] = (read.pop("custom", {}) or {}).get(KEEP) or {}
            lines.append(read)
        if not lines:
            raise errors.user("You must enter at least one line for this transaction.", path="line")
        if sum(line.get("dr") or 0 for line in lines) != sum(line.get("cr") or 0 for line in lines):
            raise errors.user("The amounts in a journal entry must balance.", path="line")
        contracts = {line.get("contract_no") for line in lines}
        asked = {name: values.get(name) for name in ("legal_entity", "posting_date", "ccy")}
        asked |= {"memo": values.get("source_doc"), "contract_no": values.get("contract_no")}
        if asked["contract_no"] is None and len(contracts) == 1:
            asked["contract_no"] = contracts.pop()
        booked = [{name: line.get(name) or 0 if name != "account" else line[name] for name in ("account", "dr", "cr")}
                  for line in lines]  # fmt: skip
        record = perform(tx, "post_journal", None, {**asked, "lines": booked})
        custom = values.get("custom") or {}
        more = {"custom": {**custom, KEEP: {**(custom.get(KEEP) or {}), "line": extras}}}
        if values.get("external_id"):
            more["external_id"] = values["external_id"]
        return tx.update(self.entity(each), record, more, event="")

    def _parts(self, lines: list[Mapping[str, Any]], documents: list[Record], received: int | None) -> list[int]:
        """How much goes to each invoice: what its line says, else as much as is open on it and left of the payment."""
        parts: list[int] = []
        for number, (line, document) in enumerate(zip(lines, documents, strict=True)):
            if line.get("amount") is not None:
                parts.append(self._figure(line["amount"], document, f"apply.items[{number}].amount"))
            else:
                left = document["open_amount"]
                parts.append(left if received is None else max(0, min(left, received - sum(parts))))
        return parts

    @staticmethod
    def _pays_for(tx: Tx, payer: Record, document: Record) -> bool:
        """Whether a customer may pay an invoice: his own, one of a customer below him, or of one that was merged with another."""
        above: str | None = document["customer"]
        seen: set[str] = set()
        while above is not None and above not in seen:
            debtor = tx.get("customer", above)
            if debtor["id"] == payer["id"] or "MERGED" in (debtor["status"], payer["status"]):
                return True
            seen.add(above)
            above = debtor["parent"]
        return False

    @staticmethod
    def _oldest(tx: Tx, payment: Record) -> tuple[list[int], list[Record]]:
        """The payer's open invoices, those due first before the others, and how much of the payment goes to each."""
        where = {"customer": payment["payer"], "legal_entity": payment["legal_entity"], "ccy": payment["ccy"]}
        found = [each for each in tx.find("ar_document", doc_type="INVOICE", **where) if each["open_amount"]]
        left, parts, documents = payment["unapplied"], [], []
        for document in sorted(found, key=lambda each: (each["due"], each["id"])):
            part = min(left, document["open_amount"])
            if part <= 0:
                break
            left -= part
            parts.append(part)
            documents.append(document)
        return parts, documents

    def _fill(self, values: Record, customer: Record, *, day: str = "issue_date") -> None:
        """What NetSuite fills in of a transaction where the caller says nothing."""
        home = ((customer["custom"] or {}).get(KEEP) or {}).get("subsidiary")
        values["legal_entity"] = values.get("legal_entity") or home or self.reader.company()
        if home and values["legal_entity"] != home and not self.reader.related(customer, values["legal_entity"]):
            raise errors.reference(customer["id"], "entity", "entity")
        values["ccy"] = values.get("ccy") or customer["invoice_ccy"] or "USD"
        values[day] = values.get(day) or self.reader.today(values["legal_entity"])

    def _check_item(self, code: str, at: str) -> None:
        """See that an item is in use; raises Refused 400."""
        found = self.system.table("service_item").by_key(self.system.name, code)
        if found is not None and not found["active"]:
            raise errors.reference(found["id"], "item", f"{at}item")

    def _check_period(self, given: Record, company: str, day: str) -> None:
        """See that a period that the caller names is the open one of a day; raises Refused 400."""
        said = given.get("postingPeriod")
        if said is None:
            return
        key = said.get("id") if isinstance(said, Mapping) else said
        found = self.reader.find(PERIOD, str(key))
        own = self.reader.period(company, day)
        if found is None or own is None or found["status"] != "OPEN":
            raise errors.content(f"Invalid postingperiod reference key {key}.", path="postingPeriod")
        if found["period"] != clock.period_of(day):
            raise errors.Refused(400, "USER_ERROR", errors.CLOSED, path="postingPeriod")

    def _lines(self, each: ObjectMap, values: Record, lines: list[Mapping[str, Any]]) -> None:
        """Lines of a document, and what the business does not know of them."""
        if not lines:
            raise errors.user("You must enter at least one line item for this transaction.", path="item")
        made_lines, extras, kind = [], {}, line_of(each)
        for number, line in enumerate(lines):
            at = f"item.items[{number}]."
            given = self._known(kind, line, at)
            if given.get("item") is None:
                raise errors.missing("Item", f"{at}item")
            if given.get("amount") is None:
                given["amount"] = self._extended(given, values["ccy"], at)
            read = self._values(kind, given, {"ccy": values["ccy"], "custom": {}}, at)
            self._check_item(read["service_item"], at)
            extras[str(number + 1)] = (read.pop("custom", {}) or {}).get(KEEP) or {}
            made_lines.append({**read, "line_no": number + 1})
        values["lines"] = made_lines
        custom = values.get("custom") or {}
        values["custom"] = {**custom, KEEP: {**(custom.get(KEEP) or {}), "item": extras}}

    def _apply(self, tx: Tx, payment: Record, lines: list[Mapping[str, Any]], *, anew: bool = False) -> Record:
        """Apply a payment to what its lines name, each up to the amount that it says. anew: whatever was applied before."""
        rows = tx.find("payment_application", payment=payment["id"])
        before = [row for row in rows if row["status"] == "ACTIVE"]
        for number, line in enumerate(lines):
            path = f"apply.items[{number}]."
            own = named_by(line, rows) if line.get("doc") is None else None
            doc = line.get("doc") if own is None else own["ar_document"]
            document = tx.get("ar_document", self.reader.stored_of("invoice", doc, "doc", f"{path}doc"))
            if not self._pays_for(tx, tx.get("customer", payment["payer"]), document):
                raise errors.reference(document["id"], "doc", f"{path}doc")
            so_far = sum(row["amount"] for row in before if row["ar_document"] == document["id"] and not anew)
            wanted = None
            if not line.get("apply", True):
                wanted = 0
            elif line.get("amount") is not None:
                wanted = self._figure(line["amount"], document, f"{path}amount")
            if wanted is not None and wanted < so_far:
                raise errors.user(
                    "What is applied of a payment to a transaction cannot be taken back.", path=f"{path}amount"
                )
            if (wanted is None and not so_far) or (wanted is not None and wanted > so_far):
                values: Record = {"invoice_no": document["invoice_no"]}
                if wanted is not None:
                    values["amount"] = wanted - so_far
                payment = perform(tx, "apply_payment", payment["id"], values)
        return payment
