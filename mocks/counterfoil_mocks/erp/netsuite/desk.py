"""Writes records as NetSuite's callers say them: what is given is read by the field maps and done by the role's deeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.given import MALFORMED, invalid, items_of, named_by
from counterfoil_mocks.erp.netsuite.kept_objects import ENUMS, SALES_ORDER, TIMED, state_of
from counterfoil_mocks.erp.netsuite.objects import ADDRESS, CUSTOMER, KEEP, MEMBER
from counterfoil_mocks.erp.netsuite.postings import Postings
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx, changed, made, removed
from counterfoil_mocks.protocols.fieldmap import ObjectMap

LONGEST_NAME = 83
SHORT_NAME = 60
PARTS = {"city": "city", "state": "region", "zip": "postcode"}
"""Parts of an address, and what the business calls them."""
STREET = ("addr1", "addr2", "addr3")
DEPENDED_ON = "This record cannot be deleted because it has dependent records."


class Desk(Postings):
    """One call's writes, in one transaction."""

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
        if self.reader.depended_on(record) or each.kept(record).get(TIMED):
            raise errors.user(DEPENDED_ON)
        if "delete" not in each.about["verbs"].split():
            raise errors.user(DEPENDED_ON)
        if each.name == CUSTOMER.name and any(
            self.system.table(name).select(self.system.name, {by: record["id"]}, order=("created_at", "id"), limit=1)
            for name, by in (("ar_document", "customer"), ("payment", "payer"))
        ):
            raise errors.user(DEPENDED_ON)
        with Tx(self.system, self.origin) as tx:
            removed(tx, self.entity(each), record["id"])

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
        lists = {child.name for child in each.children}
        values = self._values(each, {key: value for key, value in given.items() if key not in lists})
        values = {**named(name), **values}
        self._check_named(tx, values.get("customer_no"), None)
        if not values.get("customer_no"):
            self._check_alike(tx, values)
        if not values.get("country"):
            values["country"] = land_of(lines[0], "addressBook.items[0].") if lines else home["country"]
        if given.get("isInactive"):
            values["status"] = "INACTIVE"
        values["custom"] = {
            **values.get("custom", {}),
            KEEP: {
                **values.get("custom", {}).get(KEEP, {}),
                "subsidiary": company,
                "currencyList": self._currencies(given.get("currencyList")),
            },
        }
        record = made(tx, self.entity(each), values)
        self._settle(tx, record, lines)
        return record

    def _currencies(self, sublist: Any) -> list[str]:
        """The currencies that a customer's sublist names; raises Refused 400."""
        return [
            self.reader.stored_of(
                "currency", line.get("currency"), "currency", f"currencyList.items[{number}].currency"
            )
            for number, line in enumerate(items_of(sublist, "currencyList"))
        ]

    @staticmethod
    def _check_named(tx: Tx, number: str | None, own: Record | None) -> None:
        """See that no other customer has a customer's name for people; raises Refused 400."""
        same = tx.find("customer", customer_no=number) if number else []
        if any(each["status"] != "MERGED" and (own is None or each["id"] != own["id"]) for each in same):
            raise errors.Refused(*errors.WORDS["DUPLICATE_KEY"], path="entityId")

    @staticmethod
    def _check_alike(tx: Tx, values: Record) -> None:
        """See that a customer who is called by the company's name is the only one; raises Refused 400."""
        title = values["name_full"] or values["name"]
        same = [*tx.find("customer", customer_no=title), *tx.find("customer", name=values["name"], customer_no=None)]
        if any(
            each["status"] != "MERGED" and title in (each["customer_no"], each["name_full"] or each["name"])
            for each in same
        ):
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
        if isinstance(said.get("override"), bool):
            people["override"] = said["override"]
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

    def _new_kept(self, tx: Tx, each: ObjectMap, given: Record) -> Record:
        """A record that the business does not know."""
        lists = {child.name: child for child in each.children}
        head = {name: value for name, value in given.items() if name not in lists}
        values = self._values(each, head)
        custom = values["custom"] = dict(values.get("custom") or {})
        if each.about["family"] == "transaction":
            customer = tx.get("customer", custom["entity"])
            job = self.reader.job_of(head.get("entity"))
            if job is not None:
                custom.setdefault("job", job)
            custom.setdefault("subsidiary", self._home(customer))
            custom.setdefault("currency", customer["invoice_ccy"] or "USD")
            custom.setdefault("tranDate", self.reader.today(custom["subsidiary"]))
            custom.setdefault("tranId", f"{each.about['code'][:2].upper()}{tx.number(f'netsuite:{each.name}') + 1000}")
        for name, child in lists.items():
            assert child.of is not None
            custom[name] = self._kept_lines(child.of, items_of(given.get(name), name), custom.get("currency") or "USD")
        state(each, given, custom)
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
        if selected:
            given = {name: value for name, value in given.items() if value is not None or name in replace}
            replace &= lists | replace - each.by_name.keys()
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
            if "currencyList" in given:
                custom = changes.get("custom") or record["custom"] or {}
                ours = custom.get(KEEP) or {}
                before = [] if "currencyList" in replace else ours.get("currencyList") or []
                after = list(dict.fromkeys([*before, *self._currencies(given["currencyList"])]))
                changes["custom"] = {**custom, KEEP: {**ours, "currencyList": after}}
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
            state(each, given, custom)
            changes["custom"] = custom
        elif lists & given.keys():
            raise errors.user("This transaction is posted; its lines cannot be changed. Credit it instead.")
        if (
            each.entity == "ar_document"
            and "terms" in head
            and changes["custom"][KEEP].get("terms") != each.kept(record).get("terms")
        ):
            raise errors.user("This transaction is posted; its terms cannot be changed.", path="terms")
        changes = {name: value for name, value in changes.items() if record.get(name) != value}
        return changed(tx, self.entity(each), record["id"], changes) if changes else record


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


def merged(before: list[Record], said: list[Mapping[str, Any]], lines: list[Record]) -> list[Record]:
    """A sublist after a change: lines that name one of it by `line` take its place, the others are added."""
    after = list(before)
    for given, line in zip(said, lines, strict=True):
        if named_by(given, before) is not None:
            after[given["line"] - 1] = line
        else:
            after.append(line)
    return after


def state(each: ObjectMap, given: Mapping[str, Any], custom: Record) -> None:
    """Note what a caller says of a record's state, and what follows for an order from its lines; raises Refused 400."""
    custom |= words_of(each, given)
    if each.name == SALES_ORDER.name:
        custom["orderStatus"] = {"id": state_of(custom)}


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
