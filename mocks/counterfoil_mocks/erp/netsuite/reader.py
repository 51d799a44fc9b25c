"""Reads records as NetSuite shows them: references with names, sublists, and what follows from other records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite import errors, time_lines
from counterfoil_mocks.erp.netsuite.kept_objects import APPLICATIONS, LINES, RELATIONSHIP, TIME_BILL
from counterfoil_mocks.erp.netsuite.lists import BY_ID, BY_STORED, LISTS
from counterfoil_mocks.erp.netsuite.objects import (
    AMOUNT,
    APPLY,
    BILLED_TIME,
    CURRENCIES,
    KEEP,
    LINE,
    MEMBER,
    REFUNDED,
    TAXED,
    TO_REFUND,
    period_name,
)
from counterfoil_mocks.erp.netsuite.record_types import TYPES, conditions, is_of, transactions
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.statements import bound
from counterfoil_mocks.protocols.conversion import RATE
from counterfoil_mocks.protocols.fieldmap import ChildMap, ObjectMap
from counterfoil_mocks.protocols.written import Written

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.face import Face
    from counterfoil_mocks.kernel.system import System

RECORDS = "/services/rest/record/v1"
BALANCES = f"""
    SELECT coalesce(sum(open_amount), 0), coalesce(sum(CASE WHEN due < ? THEN open_amount END), 0), (
        SELECT coalesce(sum(unapplied), 0) FROM erp.payment WHERE system = ? AND payer = ? AND ccy = ?
            AND deleted_at IS NULL AND json_extract(custom, '$.{KEEP}.{MEMBER}') = 'customerDeposit'
    ) FROM erp.ar_document WHERE system = ? AND customer = ? AND ccy = ? AND deleted_at IS NULL
"""
OLDEST_COMPANY = (
    "SELECT code FROM erp.legal_entity WHERE system = ? AND deleted_at IS NULL ORDER BY created_at, id LIMIT 1"
)
DEPENDENT = ("createdFrom", "entity", "parent", "company", "billTo", "project", "employee")
"""Fields of kept records by which one hangs on another."""
ALIKE = {"serviceSaleItem": ("serviceSaleItem", "nonInventorySaleItem"), "debtor": ("customer", "job"),
         "party": ("customer", "job", "employee")}  # fmt: skip
"""Types that a reference may lead to where it names one of them."""
NAMES: dict[str, Callable[[Record], str]] = {
    "customer": lambda record: f"{record['customer_no'] or ''} {record['name']}".strip(),
    "ar_document": lambda record: f"#{record['invoice_no']}",
    "payment": lambda record: f"#{record['receipt_no']}",
    "refund": lambda record: f"#{record['refund_no']}",
    "journal_entry": lambda record: f"#{record['je_no']}",
    "legal_entity": lambda record: str(record["name"]),
    "period": lambda record: period_name(record["period"]),
    "tax_code": lambda record: str(record["code"]),
    "service_item": lambda record: str(record["code"]),
    "vendor_object": lambda record: str(record["name"] or record["id"]),
}
"""What people see instead of an id, by entity."""
OTHERWISE: dict[tuple[str, str], Callable[[Record, Reader], Any]] = {
    ("customer", "entityId"): lambda record, reader: record["name_full"] or record["name"],
    ("customer", "subsidiary"): lambda record, reader: reader.company(),
}
"""What a field is where nothing is stored, by type and field."""


class Reader:
    """Reads for one call. base: the address by which links begin. types: of records, by name. hidden: those that
    the role does not see."""

    def __init__(
        self, system: System, base: str, types: Mapping[str, ObjectMap] = TYPES, hidden: Iterable[str] = ()
    ) -> None:
        self.system = system
        self.base = base
        self._root = base + RECORDS
        self.types = types
        self.hidden = frozenset(hidden)
        self._balances: dict[tuple[str, str], Mapping[str, Any]] = {}

    @property
    def _face(self) -> Face:
        assert self.system.face is not None
        return self.system.face

    # finding

    def find(self, each: ObjectMap, named: str) -> Record | None:
        """The live record of a type with this id or, after `eid:`, external id."""
        table = self.system.table(each.entity)
        if named.startswith("eid:"):
            return next((found for found in self.by_external(each.entity, named[4:]) if is_of(each, found)), None)
        found = table.by_id(self.system.name, named)
        if found is None or found["deleted_at"] is not None or not is_of(each, found):
            return None
        return found

    def ids(self, each: ObjectMap, limit: int, offset: int) -> tuple[list[str], int]:
        """The ids of a page of the records of a type, in the order in which they were made, and how many there are on all."""
        records = self.system.table(each.entity)
        table = records.sql
        mine = sa.select(table.c.id).select_from(table)
        mine = mine.where(table.c.system == self.system.name, *conditions(each, table))
        page = mine.where(*records.along("created_at")).order_by(table.c.created_at, table.c.id)
        page = page.limit(limit).offset(offset)
        found = self.system.store.connection.execute(*bound(page)).fetchall()
        return [row[0] for row in found], self._face.remembered.counted(mine)

    def all(self, each: ObjectMap, narrowed: sa.ColumnElement[bool] | None = None) -> list[Record]:
        """The records of a type, in the order in which they were made."""
        table = self.system.table(each.entity)
        clauses = [table.sql.c.system == self.system.name, *conditions(each, table.sql)]
        statement = table.where(*clauses if narrowed is None else (*clauses, narrowed))
        return table.fetch(statement.order_by(table.sql.c.created_at, table.sql.c.id), self.system.name)

    def by_external(self, entity: str, external_id: str) -> list[Record]:
        """Live records with an external id, whatever its case."""
        table = self.system.table(entity)
        same = table.select(self.system.name, {"external_id": external_id}, order=("created_at", "id"))
        if same:
            return same
        rows = self.system.store.rows(
            f"SELECT id FROM erp.{entity} WHERE system = ? AND lower(external_id) = ? AND deleted_at IS NULL",
            (self.system.name, external_id.lower()),
        )
        found = (table.by_id(self.system.name, row["id"]) for row in rows)
        return [each for each in found if each is not None]

    def taken(self, each: ObjectMap, external_id: str, own: str = "") -> bool:
        """Whether another record of the family has an external id."""
        family = [other for other in self.types.values() if other.about["family"] == each.about["family"]]
        return any(
            found["id"] != own and is_of(other, found)
            for other in family
            for found in self.by_external(other.entity, external_id)
        )

    def get(self, each: ObjectMap, named: str) -> Record:
        """The live record; raises Refused 404."""
        found = self.find(each, named)
        if found is None:
            raise errors.unknown_record(self.url(each.name, named))
        return found

    # references

    def id_of(self, refers: str, stored: str) -> str | None:
        """The id of what is stored of a reference."""
        if refers in LISTS:
            row = BY_STORED[refers].get(stored)
            return row.id if row else None
        target = self.types.get(refers)
        if target is None or "stored" not in target.about:
            return stored
        found = self.system.table(target.entity).by_key(self.system.name, stored)
        return None if found is None else str(found["id"])

    def stored_of(self, refers: str, value: Any, field: str, path: str) -> str:
        """What is stored of a reference as a caller gives it: an id, `{"id": …}` or `{"externalId": …}`; raises Refused 400."""
        named = value
        if isinstance(value, Mapping):
            named = value.get("id")
            if named is None and value.get("externalId") is not None:
                named = f"eid:{value['externalId']}"
        if isinstance(named, bool) or not isinstance(named, str | int):
            raise errors.reference(named, field, path)
        named = str(named)
        if refers in LISTS:
            row = BY_ID[refers].get(named)
            if row is None:
                raise errors.reference(named, field, path)
            return row.stored
        for target in self.targets(refers):
            found = self.find(target, named)
            if found is not None:
                return str(found[target.about.get("stored", "id")])
        job = self.find(self.types["job"], named) if refers == "customer" else None
        if job is not None and job["custom"].get("parent"):
            return str(job["custom"]["parent"])
        raise errors.reference(named, field, path)

    def job_of(self, value: Any) -> str | None:
        """The id of the job that a reference to a customer names instead; None where it names none."""
        named = value
        if isinstance(value, Mapping):
            named = value.get("id") or (f"eid:{value['externalId']}" if value.get("externalId") else None)
        if isinstance(named, bool) or not isinstance(named, str | int) or self.find(self.types["customer"], str(named)):
            return None
        found = self.find(self.types["job"], str(named))
        return None if found is None else str(found["id"])

    def reference(self, refers: str, stored: str) -> Record | None:
        """A reference as it is shown."""
        if refers in self.hidden:
            return None
        if refers in LISTS:
            row = BY_STORED[refers].get(stored)
            return None if row is None else self._link(refers, row.id, row.name)
        if refers in self.types and "stored" in self.types[refers].about:  # one of a few, which many records name
            found: Record | None = self._face.remembered.part(
                (self._root, refers, stored), lambda: self._led_to(refers, stored)
            )
            return found
        return self._led_to(refers, stored)

    def _led_to(self, refers: str, stored: str) -> Record | None:
        for target in self.targets(refers):
            table = self.system.table(target.entity)
            by_key = "stored" in target.about
            found = table.by_key(self.system.name, stored) if by_key else table.by_id(self.system.name, stored)
            if found is not None and is_of(target, found) and target.name not in self.hidden:
                return self._link(target.name, found["id"], NAMES[target.entity](found))
        return None

    def targets(self, refers: str) -> tuple[ObjectMap, ...]:
        """The types that a reference may lead to."""
        if refers in ALIKE:
            return tuple(self.types[name] for name in ALIKE[refers])
        return (self.types[refers],) if refers in self.types else transactions(self.types)

    def _link(self, name: str, record_id: str, label: str) -> Record:
        return {"links": [self.self_link(name, record_id)], "id": record_id, "refName": label}

    def url(self, *steps: str) -> str:
        """The address of something."""
        return f"{self._root}/{'/'.join(steps)}"

    def self_link(self, *steps: str) -> Record:
        """A link to a thing as it shows it itself."""
        return {"rel": "self", "href": self.url(*steps)}

    # showing

    def shown(
        self, each: ObjectMap, record: Record, *, expand: bool = False, names: Iterable[str] | None = None
    ) -> Record:
        """A record as NetSuite shows it; what is null is left out."""
        wanted = None if names is None else set(names)
        made: Record = {"links": [self.self_link(each.name, record["id"])], "id": record["id"]}
        made |= self.fields(each, record, wanted)
        for child in each.children:
            if wanted is not None and child.name not in wanted:
                continue
            place = (each.name, record["id"], child.name)
            made[child.name] = self.sublist(each, record, child) if expand else {"links": [self.self_link(*place)]}
        return made

    def fields(self, each: ObjectMap, record: Record, wanted: set[str] | None = None) -> Record:
        """The fields of a record or line."""
        kept = each.kept(record)
        made: Record = shower(each, tuple(kept))(record, self, kept)
        return made if wanted is None else {name: value for name, value in made.items() if name in wanted}

    def sublist(self, each: ObjectMap, record: Record, child: ChildMap) -> Record:
        """A sublist with its lines."""
        lines = self.lines(each, record, child)
        steps = (each.name, record["id"], child.name)
        return {
            "links": [self.self_link(*steps)],
            "items": lines,
            "totalResults": len(lines),
            "count": len(lines),
            "hasMore": False,
            "offset": 0,
        }

    def lines(self, each: ObjectMap, record: Record, child: ChildMap) -> list[Record]:
        """The lines of a sublist."""
        if child.object == "credited":
            return [self._credited(record)]
        if child.object == TAXED:
            return [self._taxed(line) for line in record["lines"] if line["tax_code"] is not None]
        if child.object == BILLED_TIME:
            return list(time_lines.told(self, each.kept(record).get("item") or {}, record))
        if child.object == TO_REFUND:
            return []
        if child.object == CURRENCIES:
            return [{"line": number, **line} for number, line in enumerate(self._currencies(record), 1)]
        if child.object == REFUNDED:
            return [{"line": number, **line} for number, line in enumerate(self._refunded(record), 1)]
        if child.object == APPLICATIONS:
            return [
                {"line": number, **self.fields(APPLY, row)} for number, row in enumerate(self.applications(record), 1)
            ]
        if child.object == LINES and child.of is not None:
            kept = record["custom"].get(child.name) or []
            return [{"line": number, **self.fields(child.of, {"custom": line})} for number, line in enumerate(kept, 1)]
        if child.column:
            assert child.of is not None
            extras = each.kept(record).get(child.name) or {}
            found = []
            for line in record[child.column]:
                more = extras.get(str(line["line_no"])) or {}
                if TIME_BILL.name in more:
                    continue  # it is shown where it was said: in `time`
                own = {**line, "custom": {KEEP: more}}
                shown = self.fields(child.of, own)
                if child.of.name == LINE.name:
                    shown.setdefault("quantity", 1)
                    shown.setdefault("rate", shown["amount"])
                found.append(shown)
            return found
        assert child.of is not None
        rows = self.system.table(child.of.entity).select(
            self.system.name, {child.by: record["id"]}, order=("created_at", "id")
        )
        found = [self._child(child.of, row) for row in rows]
        return [{"line": number, **line} for number, line in enumerate(found, 1)] if child.of is APPLY else found

    def _currencies(self, record: Record) -> Iterable[Record]:
        """A customer's currencies, his own first, and what he owes in each."""
        kept = ((record["custom"] or {}).get(KEEP) or {}).get("currencyList") or []
        for ccy in dict.fromkeys((record["invoice_ccy"] or "USD", *kept)):
            own = {**record, "invoice_ccy": ccy}
            figures = {"balance": "owed", "overdueBalance": "late", "depositBalance": "waiting"}
            yield {
                "currency": self.reference("currency", ccy),
                **{name: self.balance(own, figure) for name, figure in figures.items()},
            }

    def _refunded(self, record: Record) -> Iterable[Record]:
        """What a refund pays back: what its caller has named, else the receipts that the books know."""
        named = ((record["custom"] or {}).get(KEEP) or {}).get("apply")
        if named is None:
            paid = {each["bank_ref"]: each for each in self.receipts(record)}
            named = [{"doc": paid[each["receipt"]]["id"], "amount": each["amount"]} for each in record["lines"]]
        for line in named:
            for each in transactions(self.types):
                found = self.system.table(each.entity).by_id(self.system.name, line["doc"])
                if found is not None and is_of(each, found):
                    doc = self.reference(each.name, line["doc"])
                    yield {
                        **({} if doc is None else {"doc": doc}),
                        "refNum": each.value(each.by_name["tranId"], found, self),
                        "apply": True,
                        "amount": AMOUNT.show(line["amount"], record),
                        "total": AMOUNT.show(found["total"] if "total" in found else found["amount"], record),
                        "applyDate": found.get("value_date") or found["issue_date"],
                        "type": each.about["label"],
                    }

    def receipts(self, refund: Record) -> list[Record]:
        """The receipts that a refund pays back."""
        table = self.system.table("payment")
        own = {"legal_entity": refund["legal_entity"]}
        return [
            each
            for line in refund["lines"]
            for each in table.select(self.system.name, {**own, "bank_ref": line["receipt"]}, order=("created_at", "id"))
        ]

    def _taxed(self, line: Record) -> Record:
        """How a line is taxed."""
        return {
            "line": line["line_no"],
            "lineType": "Item",
            "lineName": line["description"],
            "taxDetailsReference": str(line["line_no"]),
            "taxCode": self.reference("salesTaxItem", line["tax_code"]),
            "taxRate": self.tax_rate(line),
            "taxBasis": AMOUNT.show(line["net"], line),
            "taxAmount": AMOUNT.show(line["tax"] or 0, line),
        }

    def tax_rate(self, line: Record) -> Any:
        """The rate of a line's tax code, in percent."""
        if line["tax_code"] is None:
            return None
        code = self.system.table("tax_code").by_key(self.system.name, line["tax_code"])
        return None if code is None else RATE.show(code["rate"] * 100, code)

    def figure(self, application: Record, name: str) -> Any:
        """An amount of the invoice that a payment is applied to."""
        document = self.system.table("ar_document").by_id(self.system.name, application["ar_document"])
        return None if document is None else AMOUNT.show(document[name] or 0, document)

    def _child(self, each: ObjectMap, row: Record) -> Record:
        shown = self.fields(each, row)
        if each.name == "addressBook":
            shown["addressBookAddress"] = address(row)
        return shown

    def _credited(self, record: Record) -> Record:
        """The invoice that a credit memo corrects."""
        rows = self.system.table("ar_document").select(
            self.system.name, {"invoice_no": record["corrects"], "doc_type": "INVOICE"}, order=("created_at", "id")
        )
        doc = self._link("invoice", rows[0]["id"], NAMES["ar_document"](rows[0])) if rows else None
        return {"doc": doc, "apply": True, "refNum": record["corrects"], "amount": AMOUNT.show(record["total"], record)}

    # what follows from other records

    def billed(self, record: Record) -> bool:
        """Whether an invoice was made of a transaction."""
        rows = self.system.store.rows(
            "SELECT id FROM erp.ar_document WHERE system = ? AND deleted_at IS NULL"
            f" AND json_extract(custom, '$.{KEEP}.createdFrom') = ? LIMIT 1",
            (self.system.name, record["id"]),
        )
        return bool(rows)

    def depended_on(self, record: Record) -> bool:
        """Whether another record was made of one, or is of the customer or project that it is."""
        names = " OR ".join(f"json_extract(custom, '$.{name}') = :id" for name in DEPENDENT)
        made = f"json_extract(custom, '$.{KEEP}.createdFrom') = :id"
        for table, condition in (("ar_document", made), ("payment", made), ("vendor_object", names)):
            rows = self.system.store.rows(
                f"SELECT id FROM erp.{table} WHERE system = :system AND deleted_at IS NULL AND ({condition}) LIMIT 1",
                {"system": self.system.name, "id": record["id"]},
            )
            if rows:
                return True
        return False

    def billed_whole(self, record: Record) -> bool:
        """Whether nothing is left to bill: an estimate is billed by one invoice, an order line by line."""
        return record["kind"] != "salesOrder" and self.billed(record)

    def related(self, customer: Record, company: str) -> bool:
        """Whether a relationship says that a company does business with a customer of another one."""
        rows = self.system.store.rows(
            "SELECT id FROM erp.vendor_object WHERE system = ? AND kind = ? AND deleted_at IS NULL"
            " AND json_extract(custom, '$.entity') = ? AND json_extract(custom, '$.subsidiary') = ? LIMIT 1",
            (self.system.name, RELATIONSHIP, customer["id"], company),
        )
        return bool(rows)

    def company(self) -> str:
        """The code of the company whose things are where nobody says."""
        said = self.system.settings.get("legal_entity")
        if said:
            return str(said)
        row = self.system.store.connection.execute(OLDEST_COMPANY, (self.system.name,)).fetchone()
        return str(row[0]) if row else ""

    def today(self, company: str) -> str:
        """The business date at a company."""
        found = self.system.table("legal_entity").by_key(self.system.name, company)
        return clock.business_date(self.system.clock.now, found["tz"] if found else "UTC")

    def period(self, company: str, day: str) -> str | None:
        """The id of the period of a date."""
        found = self.system.table("period").by_key(self.system.name, f"{company}/{clock.period_of(day)}")
        return None if found is None else str(found["id"])

    def applications(self, record: Record) -> list[Record]:
        """The applications of a payment that a record names."""
        table = self.system.table(APPLY.entity)
        found = (table.by_id(self.system.name, each) for each in record["custom"]["apply"])
        return [each for each in found if each is not None]

    def applied(self, record: Record) -> Any:
        """What of a deposit is applied by one application of it."""
        live = sum(each["amount"] for each in self.applications(record) if each["status"] == "ACTIVE")
        return AMOUNT.show(live, {"ccy": record["custom"]["currency"]})

    def balance(self, record: Record, name: str) -> Any:
        """In a customer's currency what he owes, `owed`, what of it is overdue, `late`, or what is left of his deposits, `waiting`."""
        ccy = record["invoice_ccy"] or "USD"
        found = self._balances.get((record["id"], ccy))
        if found is None:
            whose = (self.system.name, record["id"], ccy)
            row = self.system.store.connection.execute(
                BALANCES, (self.system.clock.now[:10], *whose, *whose)
            ).fetchone()
            found = dict(zip(("owed", "late", "waiting"), row, strict=True))
            self._balances[record["id"], ccy] = found
        return AMOUNT.show(int(found[name]), {"ccy": ccy})


@lru_cache(maxsize=1000)
def shower(each: ObjectMap, kept: tuple[str, ...]) -> Callable[[Record, Reader, Mapping[str, Any]], Record]:
    """What shows the fields of a record that has kept what is named here. Fields that can have no value in such a one are passed over."""
    made = Written("record", "context", "kept")
    made.line("made = {}")
    for one in each.fields:
        otherwise = OTHERWISE.get((each.name, one.name))
        if one.column or one.computed is not None or one.default is not None or one.name in kept or otherwise:
            made.line(f"value = {made.shown(one)}")
            if otherwise:
                made.line(f"if value is None: value = {made.value(otherwise)}(record, context)")
            if one.refers:
                made.line(f"if value is not None: value = context.reference({one.refers!r}, value)")
            made.line(f"if value is not None: made[{one.name!r}] = value")
    lists = {child.name for child in each.children}
    for name in kept:
        if name not in each.by_name and name not in lists and name != MEMBER:
            made.line(f"if kept[{name!r}] is not None: made[{name!r}] = kept[{name!r}]")
    made.line("return made")
    return made.function()


def address(site: Record) -> Record:
    """A site's address as a subrecord."""
    lines = {f"addr{number}": line for number, line in enumerate(site["lines"] or [], 1)}
    more = {"city": site["city"], "state": site["region"], "zip": site["postcode"]}
    kept = ((site["custom"] or {}).get(KEEP) or {}).get("addressBookAddress") or {}
    shown = {**kept, **lines, **{name: value for name, value in more.items() if value is not None}}
    return {"links": [], "override": False, **shown, "country": {"id": site["country"], "refName": site["country"]}}
