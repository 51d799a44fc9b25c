"""Scheduled reconciliation: billing against the books, the PSA against billing, and the CRM's mirror against the books. Both sides are
read from the systems themselves; nothing is netted and nothing is tolerated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from counterfoil.reference.connectors import Connector, Record, Records
from counterfoil.reference.flows import together
from counterfoil.reference.state import State
from counterfoil.reference.work import minor

NOT_ISSUED = ("DRAFT", "PENDING_APPROVAL", "APPROVED", "DISCARDED", "VOID")
COMPARED = ("legal_entity", "ccy", "total", "tax", "net", "issue_date")
"""Fields of a document in the order of their weight: what differs is told once, by the first of them."""
SLACK = timedelta(days=2)
"""So long before a period begins, what belongs to it may have been written down last: zones differ."""
ENTRIES = (("TIME", "time_entry", "amount", "work_date"), ("EXPENSE", "expense", "bill_amount", "spend_date"))


def difference(kind: str, record: Record, key: str, expected: object, found: object, amount: int = 0) -> Record:
    """One difference. amount: minor units at stake."""
    day = str(record.get("issue_date") or record.get("work_date") or record.get("spend_date") or "")
    return {
        "kind": kind,
        "key": key,
        "legal_entity": record.get("legal_entity"),
        "period": day[:7],
        "ccy": record.get("ccy"),
        "amount": amount,
        "expected": expected,
        "found": found,
    }


def by(records: Iterable[Record], field: str) -> dict[str, Records]:
    """Records by a field; those without it are left out."""
    found: dict[str, Records] = defaultdict(list)
    for record in records:
        if record.get(field):
            found[str(record[field])].append(record)
    return found


def plain(value: object) -> object:
    """A money value as its size; anything else as it is."""
    return abs(value["minor"]) if isinstance(value, dict) else value


def documents(issued: Records, posted: Records, number: str, doc_type: str) -> Records:
    """Issued documents against posted ones."""
    found: Records = []
    books = by((each for each in posted if each["doc_type"] == doc_type), "invoice_no")
    own = by((each for each in issued if each["status"] not in NOT_ISSUED), number)
    for key, mine in own.items():
        theirs = books.get(key, [])
        size = abs(minor(mine[0]["total"]))
        if not theirs:
            found.append(difference("MISSING_IN_BOOKS", mine[0], key, size, None, size))
            continue
        if len(theirs) > 1:
            found.append(difference("TWICE_IN_BOOKS", mine[0], key, 1, len(theirs), size * (len(theirs) - 1)))
        name = next((each for each in COMPARED if plain(mine[0][each]) != plain(theirs[0][each])), None)
        if name is not None:
            expected, there = plain(mine[0][name]), plain(theirs[0][name])
            gap = abs(expected - there) if isinstance(expected, int) and isinstance(there, int) else 0
            found.append(difference(f"{name.upper()}_DIFFERS", mine[0], key, expected, there, gap))
    for key, theirs in books.items():
        if key not in own:
            size = abs(minor(theirs[0]["total"]))
            found.append(difference("MISSING_IN_BILLING", theirs[0], key, None, size, size))
    return found


def statuses(invoices: Records, mirrors: Records, posted: Records) -> Records:
    """Status and paid amount in billing and the CRM against the books."""
    found: Records = []
    billed, shown = by(invoices, "invoice_no"), by(mirrors, "invoice_no")
    for document in posted:
        key = document["invoice_no"]
        for where, status, copies in (("BILLING", "ar_status", billed), ("CRM", "status", shown)):
            for copy in copies.get(key, [])[:1]:
                if copy[status] != document["status"]:
                    found.append(difference(f"STATUS_IN_{where}", document, key, document["status"], copy[status]))
                if minor(copy["paid"]) != minor(document["paid"]):
                    gap = abs(minor(copy["paid"]) - minor(document["paid"]))
                    found.append(
                        difference(f"PAID_IN_{where}", document, key, minor(document["paid"]), minor(copy["paid"]), gap)
                    )
        if document["doc_type"] == "INVOICE" and key in billed and key not in shown:
            found.append(difference("MISSING_IN_CRM", document, key, document["status"], None))
    return found


def entries(worked: Records, items: Records, amount: str) -> Records:
    """Approved billable work against billable items."""
    found: Records = []
    taken = by(items, "source_id")
    approved = {
        each["key"]: each for each in worked if each["approval"] == "APPROVED" and each["billing"] != "NOT_BILLABLE"
    }
    for key, entry in approved.items():
        mine, value = taken.get(key, []), minor(entry[amount])
        if not mine:
            found.append(difference("MISSING_ITEM", entry, key, value, None, value))
            continue
        if len(mine) > 1:
            found.append(difference("ITEM_TWICE", entry, key, 1, len(mine), value * (len(mine) - 1)))
        if minor(mine[0]["amount"]) != value:
            found.append(
                difference(
                    "ITEM_DIFFERS", entry, key, value, minor(mine[0]["amount"]), abs(value - minor(mine[0]["amount"]))
                )
            )
    for key, mine in taken.items():
        if key not in approved:
            value = minor(mine[0]["amount"])
            found.append(difference("ITEM_WITHOUT_ENTRY", mine[0], key, None, value, value))
    return found


class Reconciliation:
    """Runs reconciliations and keeps their outcome."""

    def __init__(self, state: State, systems: Mapping[str, Connector]) -> None:
        self.state = state
        self.systems = systems

    async def run(self, legal_entity: str | None = None, period: str | None = None) -> Record:
        """Compare now. legal_entity, period (`YYYY-MM`): only what belongs to it; all by default."""
        read = await self._read({} if period is None else {"updated_since": since(period)})
        posted = read["erp.ar_document"]
        found = documents(read["billing.invoice"], posted, "invoice_no", "INVOICE")
        found += documents(read["billing.credit_memo"], posted, "cm_no", "CREDIT_MEMO")
        found += statuses(
            read["billing.invoice"], read["crm.invoice"], [each for each in posted if each["doc_type"] == "INVOICE"]
        )
        for source, entity, amount, _ in ENTRIES:
            items = [each for each in read["billing.billable_item"] if each["source_type"] == source]
            found += entries(read[f"psa.{entity}"], items, amount)
        items = [
            each
            for each in found
            if (legal_entity is None or each["legal_entity"] == legal_entity)
            and (period is None or each["period"] == period)
        ]
        scopes = [
            each
            for each in self._scopes(read, items)
            if (legal_entity is None or each["legal_entity"] == legal_entity)
            and (period is None or each["period"] == period)
        ]
        return self.state.keep_reconciliation({"items": items, "scopes": scopes})

    async def _read(self, where: Mapping[str, str]) -> dict[str, Records]:
        """Everything that is compared, each side from its own system."""
        wanted = (
            ("billing", "invoice"),
            ("billing", "credit_memo"),
            ("billing", "billable_item"),
            ("erp", "ar_document"),
            ("crm", "invoice"),
            ("psa", "time_entry"),
            ("psa", "expense"),
        )
        read = await together(*(self.systems[system].list(entity, where) for system, entity in wanted))
        return {f"{system}.{entity}": records for (system, entity), records in zip(wanted, read, strict=True)}

    def _scopes(self, read: Mapping[str, Records], items: Records) -> Records:
        """Totals and variance by legal entity, period and currency."""
        scopes: dict[tuple[str, ...], Record] = {}

        def scope(record: Record, day: object) -> Record:
            place = (str(record["legal_entity"]), str(day or "")[:7], str(record["ccy"]))
            empty = {
                "legal_entity": place[0],
                "period": place[1],
                "ccy": place[2],
                "billed": 0,
                "posted": 0,
                "variance": 0,
                "differences": 0,
            }
            return scopes.setdefault(place, empty)

        for each in read["billing.invoice"]:
            if each["status"] not in NOT_ISSUED:
                scope(each, each["issue_date"])["billed"] += minor(each["total"])
        for each in read["billing.credit_memo"]:
            if each["status"] not in NOT_ISSUED:
                scope(each, each["issue_date"])["billed"] -= abs(minor(each["total"]))
        for each in read["erp.ar_document"]:
            if each["status"] in NOT_ISSUED:
                continue
            sign = -1 if each["doc_type"] == "CREDIT_MEMO" else 1
            scope(each, each["issue_date"])["posted"] += sign * abs(minor(each["total"]))
        for item in items:
            if item["legal_entity"]:
                scope(item, item["period"])["differences"] += 1
        for each in scopes.values():
            each["variance"] = each["billed"] - each["posted"]
        return sorted(scopes.values(), key=lambda each: (each["legal_entity"], each["period"], each["ccy"]))


def since(period: str) -> str:
    """An instant before which nothing of a period was written last."""
    return f"{date.fromisoformat(f'{period}-01') - SLACK}T00:00:00.000Z"
