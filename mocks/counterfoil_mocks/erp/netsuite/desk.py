"""Writes records as NetSuite's callers say them: what is given is read by the field maps and done by the role's deeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.declared import line_of
from counterfoil_mocks.erp.netsuite.kept_objects import ENUMS, SALES_ORDER, quantity_of, state_of
from counterfoil_mocks.erp.netsuite.objects import ADDRESS, AMOUNT, CUSTOMER, JOURNAL_LINE, KEEP, MEMBER, PERIOD
from counterfoil_mocks.erp.netsuite.reader import Reader
from counterfoil_mocks.erp.netsuite.record_types import TYPES
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.kernel.tx import Tx, changed, made, perform, removed
from counterfoil_mocks.protocols.conversion import exact
from counterfoil_mocks.protocols.fieldmap import ObjectMap

PASSED_OVER = ("id", "links", "refName")
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LABELS = {"entity": "Customer", "customer": "Customer", "payment": "Payment Amount", "itemId": "Item Name/Number"}
LONGEST_NAME = 83
SHORT_NAME = 60
LARGEST = 2**53
PARTS = {"city": "city", "state": "region", "zip": "postcode"}
"""Parts of an address, and what the business calls them."""
STREET = ("addr1", "addr2", "addr3")


class Desk:
    """One call's writes, in one transaction. strict: fields that there are not are refused; ignored: those that were not. lenient: values
    that a field cannot have are passed over; doubtful: those that were. silent: of which of these callers are not told."""

    def __init__(
        self, system: System, origin: Origin, reader: Reader, *, strict: bool = False, lenient: bool = False
    ) -> None:
        self.system = system
        self.origin = origin
        self.reader = reader
        self.strict = strict
        self.lenient = lenient
        self.ignored: list[str] = []
        self.doubtful: list[str] = []
        self.silent: set[str] = set()

    def entity(self, each: ObjectMap) -> Entity:
        """The canonical entity of a type."""
        return self.system.role.by_name[each.entity]

    def save(
        self, each: ObjectMap, body: Any, record: Record | None, *, replace: Iterable[str] = (), selected: bool = False
    ) -> Record:
        """Make a record, or change one. replace: sublists whose lines give way to those that are given; selected: of those that stay,
        only the fields that are given. Raises Problem."""
        if not isinstance(body, Mapping):
            raise errors.Refused(400, "INVALID_REQUEST", MALFORMED)
        if ("create" if record is None else "update") not in each.about["verbs"].split():
            raise errors.user(f"This operation is not allowed on the record type {each.name}.")
        given = self._known(each, body)
        external = given.get("externalId")
        if external is not None:
            self._check_external(each, external, record)
        with Tx(self.system, self.origin) as tx:
            if record is not None:
                return self._change(tx, each, given, record, set(replace), selected)
            make = getattr(self, f"_new_{each.name}", self._new_kept)
            return make(tx, each, given)

    def delete(self, each: ObjectMap, record: Record) -> None:
        """Delete a record; raises Problem."""
        if self.reader.depended_on(record):
            raise errors.user(DEPENDED_ON)
        if "delete" not in each.about["verbs"].split():
            raise errors.user(DEPENDED_ON)
        if each.name == CUSTOMER.name and any(
            self.system.table(name).select(self.system.name, {by: record["id"]}, order=("id",), limit=1)
            for name, by in (("ar_document", "customer"), ("payment", "payer"))
        ):
            raise errors.user(DEPENDED_ON)
        with Tx(self.system, self.origin) as tx:
            removed(tx, self.entity(each), record["id"])

    # reading what is given

    def _known(self, each: ObjectMap, body: Mapping[str, Any], at: str = "") -> Record:
        children = {child.name for child in each.children}
        given: Record = {}
        for name, value in body.items():
            if name in PASSED_OVER:
                continue
            one = each.by_name.get(name)
            if one is None and name not in children and not self._undeclared(name):
                if name == "addressBookAddress":
                    given[name] = value
                    continue
                if self.strict:
                    raise errors.content(f"Unknown field '{name}'.", path=at + name)
                self.ignored.append(at + name)
            elif one is None or one.computed is None or name in SPOKEN.get(each.name, ()):
                given[name] = value
        return given

    def _undeclared(self, name: str) -> bool:
        """Whether a field is taken for a custom one of the account, which nobody has to declare while nothing else is declared."""
        return name.startswith("cust") and self.reader.types is TYPES

    def _values(self, each: ObjectMap, given: Mapping[str, Any], around: Record | None = None, at: str = "") -> Record:
        """Canonical values. around: the record changed, or what the currency of a line is; None: a new record."""
        flat: Record = {}
        for name in sorted(given, key=lambda name: name not in ("currency", "subsidiary")):
            value, one = given[name], each.by_name.get(name)
            if one is None or one.computed is not None:
                if one is None and name not in COMPUTED_LISTS:
                    flat[name] = value
                continue
            if not (one.creatable if around is None else one.updatable and one.creatable):
                continue
            if value is None and one.required and not one.column and around is not None:
                raise errors.missing(LABELS.get(name) or one.about.get("label") or name, at + name)
            if one.refers and value is not None:
                value = self.reader.stored_of(one.refers, value, name, at + name)
            elif not one.column and value is not None:
                try:
                    value = one.conversion.read(value, {})
                except ValueError:
                    if self.lenient:
                        self.doubtful.append(at + name)
                        continue
                    raise invalid(at + name) from None
                self._check_length(name, value, one.about.get("length"), at)
            flat[name] = value
        try:
            values = each.values(flat, around)
        except Problem as problem:
            field = problem.field or ""
            if self.lenient and problem.code == "INVALID_VALUE" and field in given:
                self.doubtful.append(at + field)
                return self._values(each, {name: value for name, value in given.items() if name != field}, around, at)
            if problem.code == "MISSING_FIELD":
                label = LABELS.get(field) or each.by_name[field].about.get("label") or field
                raise errors.missing(label, at + field) from None
            raise invalid(at + field) from None
        except ArithmeticError:
            raise errors.content("A number is out of range.") from None
        if any(isinstance(value, int) and abs(value) > LARGEST for value in values.values()):
            raise errors.content("A number is out of range.")
        self._check_lengths(each, values, at)
        return values

    def _check_lengths(self, each: ObjectMap, values: Record, at: str) -> None:
        known = self.system.role.by_name.get(each.entity)
        for name, value in values.items():
            one = known.by_name.get(name) if known is not None else None
            if one is not None and one.kind == "text":
                self._check_length(each.named(name), value, one.limit, at)

    @staticmethod
    def _check_length(name: str, value: Any, most: int | None, at: str) -> None:
        if isinstance(value, str) and most is not None and len(value) > most:
            raise errors.user(
                f"The field {name} contained more than the maximum number ( {most} ) of characters allowed.",
                path=at + name,
            )

    def _check_external(self, each: ObjectMap, external: Any, record: Record | None) -> None:
        if not isinstance(external, str) or not EXTERNAL_ID.fullmatch(external):
            raise errors.content(f"Invalid external id {external!r}.", path="externalId")
        if self.reader.taken(each, external, record["id"] if record else ""):
            raise errors.exists()

    # making

    def _new_customer(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        person = " ".join(str(given[name]) for name in ("firstName", "lastName") if given.get(name))
        name = given.get("companyName") or (person if given.get("isPerson") else "")
        if given.get("isPerson") and not given.get("companyName"):
            for label, part in (("First Name", "firstName"), ("Last Name", "lastName")):
                if not given.get(part):
                    raise errors.user(f"You must enter a value for {label}.", path=part)
        if not name:
            raise errors.user("You must enter a value for Company Name.", path="companyName")
        company = self.reader.stored_of("subsidiary", given["subsidiary"], "subsidiary", "subsidiary") if given.get(
            "subsidiary") else self.reader.company()  # fmt: skip
        home = self.system.table("legal_entity").by_key(self.system.name, company)
        if home is None:
            raise errors.missing("Subsidiary", "subsidiary")
        lines = items_of(given.get("addressBook"), "addressBook")
        values = self._values(each, {key: value for key, value in given.items() if key != "addressBook"})
        values = {**named(name), **values}
        self._check_named(tx, values.get("customer_no"), None)
        if not values.get("country"):
            values["country"] = land_of(lines[0], "addressBook.items[0].") if lines else home["country"]
        if given.get("isInactive"):
            values["status"] = "INACTIVE"
        values["custom"] = {
            **values.get("custom", {}),
            KEEP: {**values.get("custom", {}).get(KEEP, {}), "subsidiary": company},
        }
        record = made(tx, self.entity(each), values)
        self._settle(tx, record, lines)
        return record

    @staticmethod
    def _check_named(tx: Tx, number: str | None, own: Record | None) -> None:
        """See that no other customer has a customer's name for people; raises Refused 400."""
        same = tx.find("customer", customer_no=number) if number else []
        if any(each["status"] != "MERGED" and (own is None or each["id"] != own["id"]) for each in same):
            raise errors.Refused(*errors.WORDS["DUPLICATE_KEY"], path="entityId")

    def _place(self, line: Mapping[str, Any], at: str, old: Record | None) -> Record:
        """A site as a line of an address book tells of it; of an old one only what the line says."""
        said = line.get("addressBookAddress") or {}
        if not isinstance(said, Mapping):
            raise invalid(f"{at}addressBookAddress")
        for name in PARTS:
            if said.get(name) is not None and not isinstance(said[name], str):
                raise invalid(at + name)
        given = {name: value for name, value in self._known(ADDRESS, line, at).items() if name != "addressBookAddress"}
        place: Record = {}
        if old is None or "defaultBilling" in line or "defaultShipping" in line:
            billing, shipping = bool(line.get("defaultBilling")), bool(line.get("defaultShipping"))
            place["kind"] = "BOTH" if billing == shipping else "BILL_TO" if billing else "SHIP_TO"
        if old is None or any(name in said for name in STREET):
            place["lines"] = [str(said[name])[:40] for name in STREET if said.get(name)]
        place |= {column: said.get(name) for name, column in PARTS.items() if old is None or name in said}
        if old is None or "country" in said:
            place["country"] = land_of(line, at)
        place |= self._values(ADDRESS, given, old, at)
        people = {name: said[name] for name in ("addressee", "attention", "addrPhone") if said.get(name)}
        custom = place.get("custom") or (old or {}).get("custom") or {}
        ours = custom.get(KEEP) or {}
        people = {**(ours.get("addressBookAddress") or {}), **people}
        return {**place, "custom": {**custom, KEEP: {**ours, "addressBookAddress": people}}}

    def _settle(self, tx: Tx, customer: Record, lines: list[Mapping[str, Any]], *, replace: bool = False) -> None:
        site = self.system.role.by_name[ADDRESS.entity]
        there = tx.find(site, customer=customer["id"])
        matched = set()
        for number, line in enumerate(lines):
            at, known = f"addressBook.items[{number}].", line.get("addressId") or line.get("internalId")
            old = next((each for each in there if known is not None and str(known) == each["id"]), None)
            if old is None and line.get("label") is not None:
                old = next((each for each in there if each["site_code"] == line["label"]), None)
            place = self._place(line, at, old)
            if old is not None:
                matched.add(old["id"])
                changed(tx, site, old["id"], {name: value for name, value in place.items() if old.get(name) != value})
            else:
                code = place.pop("site_code", None) or f"A{len(there) + number + 1}"
                made(tx, site, {**place, "customer": customer["id"], "site_code": code})
        for each in there if replace else ():
            if each["id"] not in matched:
                removed(tx, site, each["id"])

    def _new_serviceSaleItem(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        values = self._values(each, given)
        values.setdefault("name", values["code"])
        values.setdefault("revenue_account", "4000")
        if given.get("isInactive"):
            values["active"] = False
        return made(tx, self.entity(each), values)

    def _new_nonInventorySaleItem(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        return self._new_serviceSaleItem(tx, each, {**given, MEMBER: each.name})

    def _new_invoice(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        head = {name: value for name, value in given.items() if name != "item"}
        values = self._values(each, head)
        buyer = tx.get("customer", values["customer"])
        self._fill(values, buyer)
        if "terms" in head and values.get("due") is None:
            terms = (values.get("custom") or {}).get(KEEP, {}).get("terms")
            if terms:
                values["due"] = clock.add_days(values["issue_date"], int(str(terms).removeprefix("NET")))
        self._check_period(given, values["legal_entity"], values["issue_date"])
        self._lines(each, values, items_of(given.get("item"), "item"))
        if not values.get("invoice_no"):
            values["invoice_no"] = f"INV{tx.number('netsuite:invoice') + 1000}"
        record = made(tx, self.entity(each), values)
        self._bill(tx, record)
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
        lines = []
        for number, line in enumerate(items_of(given.get("line"), "line")):
            at = f"line.items[{number}]."
            said = self._known(JOURNAL_LINE, line, at)
            if said.get("account") is None:
                raise errors.missing("Account", f"{at}account")
            lines.append(self._values(JOURNAL_LINE, said, {"ccy": values["ccy"], "custom": {}}, at))
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
        more = {name: values[name] for name in ("external_id", "custom") if values.get(name)}
        return tx.update(self.entity(each), record, more, event="") if more else record

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

    def _check_item(self, said: Any, at: str) -> None:
        """See that an item is in use; raises Refused 400."""
        code = self.reader.stored_of("serviceSaleItem", said, "item", f"{at}item")
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
            self._check_item(given["item"], at)
            read = self._values(kind, given, {"ccy": values["ccy"], "custom": {}}, at)
            extras[str(number + 1)] = (read.pop("custom", {}) or {}).get(KEEP) or {}
            made_lines.append({**read, "line_no": number + 1})
        values["lines"] = made_lines
        custom = values.get("custom") or {}
        values["custom"] = {**custom, KEEP: {**(custom.get(KEEP) or {}), "item": extras}}

    def _extended(self, line: Record, ccy: str, at: str) -> Any:
        """Quantity times rate, rounded to the currency."""
        if line.get("rate") is None:
            raise errors.missing("Amount", f"{at}amount")
        try:
            product = exact(line.get("quantity") if line.get("quantity") is not None else 1) * exact(line["rate"])
            return str(product.quantize(Decimal(1).scaleb(-money.exponent(ccy)), rounding="ROUND_HALF_UP"))
        except (ValueError, ArithmeticError):
            raise errors.content("Invalid number.", path=f"{at}rate") from None

    def _figure(self, value: Any, document: Record, path: str) -> int:
        try:
            return int(AMOUNT.read(value, document))
        except ValueError:
            raise errors.content("Invalid number.", path=path) from None

    def _new_kept(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        """A record that the business does not know."""
        lists = {child.name: child for child in each.children}
        head = {name: value for name, value in given.items() if name not in lists}
        values = self._values(each, head)
        custom = values["custom"] = dict(values.get("custom") or {})
        if each.about["family"] == "transaction":
            customer = tx.get("customer", custom["entity"])
            custom.setdefault("subsidiary", self._home(customer))
            custom.setdefault("currency", customer["invoice_ccy"] or "USD")
            custom.setdefault("tranDate", self.reader.today(custom["subsidiary"]))
            custom.setdefault("tranId", f"{each.about['code'][:2].upper()}{tx.number(f'netsuite:{each.name}') + 1000}")
        for name, child in lists.items():
            assert child.of is not None
            custom[name] = self._kept_lines(child.of, items_of(given.get(name), name), custom.get("currency") or "USD")
        custom |= words_of(each, given)
        if "entityId" in each.by_name and not custom.get("entityId"):
            words = (
                [custom.get("companyName")]
                if "companyName" in custom
                else [custom.get("firstName"), custom.get("lastName")]
            )
            custom["entityId"] = " ".join(str(each) for each in words if each) or None
        title = custom.get(each.about["name"]) or " ".join(
            str(custom[name]) for name in ("firstName", "lastName") if custom.get(name)
        )
        values |= {"name": str(title)[:500] or None, "seq": self.system.next_number(f"seq:{each.name}")}
        return tx.insert(self.entity(each), values)

    def _home(self, customer: Record) -> str:
        home = ((customer["custom"] or {}).get(KEEP) or {}).get("subsidiary")
        return str(home or self.reader.company())

    def _kept_lines(
        self, each: ObjectMap, lines: list[Mapping[str, Any]], ccy: str, before: Iterable[Record] = ()
    ) -> list[Record]:
        """Lines as they are kept. before: those that there are; one that is named by its `line` keeps what is not said of it."""
        old, found = list(before), []
        for number, line in enumerate(lines):
            at = f"item.items[{number}]."
            given = self._known(each, line, at)
            changed_line = named_by(line, old)
            if given.get("item") is None and (changed_line is None or "item" in given):
                raise errors.missing("Item", f"{at}item")
            given.pop("line", None)
            read = dict(self._values(each, given, {"custom": {}}, at).get("custom") or {})
            after = {**(changed_line or {}), **read}
            if given.get("amount") is None and (changed_line is None or given.keys() & {"quantity", "rate", "amount"}):
                after["amount"] = float(self._extended(after, ccy, at))
            found.append(after)
        return found

    # changing

    def _change(
        self, tx: Tx, each: ObjectMap, given: Record, record: Record, replace: set[str], selected: bool
    ) -> Record:
        lists = {child.name for child in each.children}
        unknown = sorted(replace - lists)
        if unknown:
            raise errors.Refused(400, "INVALID_PARAMETER", f"The sublist {unknown[0]} of {each.name} does not exist.",
                                 parameter="replace")  # fmt: skip
        head = {name: value for name, value in given.items() if name not in lists}
        changes = self._values(each, head, record)
        if each.name == CUSTOMER.name:
            self._check_named(tx, changes.get("customer_no"), record)
            if "companyName" in head and not head["companyName"] and not record["custom"].get(KEEP, {}).get("isPerson"):
                raise errors.user("You must enter a value for Company Name.", path="companyName")
            if head.get("companyName"):
                changes = {**named(head["companyName"]), **changes}
            if "isInactive" in head:
                changes["status"] = "INACTIVE" if head["isInactive"] else "ACTIVE"
            if "addressBook" in given:
                places = items_of(given["addressBook"], "addressBook")
                self._settle(tx, record, places, replace="addressBook" in replace)
        elif each.entity == "service_item" and "isInactive" in head:
            changes["active"] = not head["isInactive"]
        elif "apply" in given and each.name == "customerPayment":
            record = self._apply(tx, record, items_of(given["apply"], "apply"))
        elif each.entity == "vendor_object":
            custom = dict(changes.get("custom") or record["custom"])
            for child in each.children:
                if child.name in given and child.of is not None:
                    said = items_of(given[child.name], child.name)
                    before = custom.get(child.name) or []
                    base = [] if child.name in replace and not selected else before
                    lines = self._kept_lines(child.of, said, custom.get("currency") or "USD", base)
                    custom[child.name] = lines if child.name in replace else merged(before, said, lines)
            custom |= words_of(each, given)
            if each.name == "salesOrder":
                custom["orderStatus"] = {"id": state_of(custom)}
            changes["custom"] = custom
        elif lists & given.keys():
            raise errors.user("This transaction is posted; its lines cannot be changed. Credit it instead.")
        changes = {name: value for name, value in changes.items() if record.get(name) != value}
        return changed(tx, self.entity(each), record["id"], changes) if changes else record

    def _apply(self, tx: Tx, payment: Record, lines: list[Mapping[str, Any]], *, anew: bool = False) -> Record:
        """Apply a payment to what its lines name, each up to the amount that it says. anew: whatever was applied before."""
        rows = tx.find("payment_application", payment=payment["id"])
        before = [row for row in rows if row["status"] == "ACTIVE"]
        for number, line in enumerate(lines):
            path = f"apply.items[{number}]."
            own = named_by(line, rows) if line.get("doc") is None else None
            doc = line.get("doc") if own is None else own["ar_document"]
            document = tx.get("ar_document", self.reader.stored_of("invoice", doc, "doc", f"{path}doc"))
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


DEPENDED_ON = "This record cannot be deleted because it has dependent records."
COMPUTED_LISTS = ("taxDetails",)
"""Sublists that are worked out; what callers say of them is not heard."""
MALFORMED = "The request could not be understood by the server due to malformed syntax."
SPOKEN = {
    "customer": ("companyName", "isInactive"),
    "serviceSaleItem": ("isInactive",),
    "addressBook": ("defaultBilling", "defaultShipping", "addressId", "internalId"),
    "nonInventorySaleItem": ("isInactive",),
    **{name: tuple(words) for name, words in ENUMS.items()},
    **dict.fromkeys(
        ("invoice", "creditMemo", "customerPayment", "customerDeposit", "journalEntry"), ("postingPeriod",)
    ),
}
"""Fields that are worked out when they are shown, and still heard."""


def invalid(path: str) -> errors.Refused:
    """A value cannot be taken."""
    name = path.rpartition(".")[2]
    return errors.content(
        f"Invalid value for the resource or sub-resource field '{name}'. Provide a valid value.", path=path
    )


def land_of(line: Mapping[str, Any], at: str) -> str:
    """The country of a line of an address book; raises Refused 400."""
    said = line.get("addressBookAddress") or {}
    if not isinstance(said, Mapping):
        raise invalid(f"{at}addressBookAddress")
    land = said.get("country")
    land = land.get("id") if isinstance(land, Mapping) else land
    if not isinstance(land, str) or not re.fullmatch(r"[A-Z]{2}", land):
        raise errors.missing("Country", f"{at}addressBookAddress.country")
    return land


def items_of(sublist: Any, name: str) -> list[Mapping[str, Any]]:
    """The lines of a sublist as callers give it; raises Refused 400."""
    if sublist is None:
        return []
    lines = sublist.get("items") if isinstance(sublist, Mapping) else sublist
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise errors.content(
            f"Invalid value for the resource or sub-resource field '{name}'. Provide a valid value.", path=name
        )
    return lines


def merged(before: list[Record], said: list[Mapping[str, Any]], lines: list[Record]) -> list[Record]:
    """A sublist after a change: lines that name one of it by `line` take its place, the others are added."""
    after = list(before)
    for given, line in zip(said, lines, strict=True):
        if named_by(given, before) is not None:
            after[given["line"] - 1] = line
        else:
            after.append(line)
    return after


def named_by(given: Mapping[str, Any], lines: list[Record]) -> Record | None:
    """The one of some lines whose number a caller says."""
    at = given.get("line")
    return lines[at - 1] if isinstance(at, int) and not isinstance(at, bool) and 1 <= at <= len(lines) else None


def words_of(each: ObjectMap, given: Mapping[str, Any]) -> Record:
    """Fields that take one of a few words, as a caller gives them; raises Refused 400."""
    found: Record = {}
    for name, words in ENUMS.get(each.name, {}).items():
        if name in given:
            said = given[name].get("id") if isinstance(given[name], Mapping) else given[name]
            if said is not None and str(said) not in words:
                raise errors.reference(said, name.lower(), name)
            found[name] = None if said is None else {"id": str(said)}
    return found


def named(name: Any) -> Record:
    """A name, shortened at a word's end where the business's own field is too short for it."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise errors.user(
            f"The field companyname contained more than the maximum number ( {LONGEST_NAME} ) of characters allowed.",
            path="companyName",
        )
    if len(name) <= SHORT_NAME:
        return {"name": name, "name_full": None}
    return {"name": name[: SHORT_NAME + 1].rpartition(" ")[0] or name[:SHORT_NAME], "name_full": name}
