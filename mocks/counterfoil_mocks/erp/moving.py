"""Books that move to another ERP in mid-life: what is open is handed over on one side, contract by contract, and loaded on the other."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.erp import ledger, posting
from counterfoil_mocks.erp.model import (
    AR_DOCUMENT,
    HANDOVER,
    HANDOVER_LINE,
    JOURNAL_ENTRY,
    LEGAL_ENTITY,
    REVENUE_SCHEDULE,
    ROLE,
    WORK_ENTRY,
)
from counterfoil_mocks.erp.receivables import arm_overdue
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Field, Record, choice, day, lines, text
from counterfoil_mocks.kernel.tx import Tx

CARRIED = ("1200", "1220", "1230", "2300")
"""Accounts whose balances follow their contract; profit and loss of the year stays where it was booked."""
CLEARING = "9900"

BALANCES = """
SELECT l.contract_no, l.account, l.ccy, sum(l.dr - l.cr) AS amount, sum(l.func_dr - l.func_cr) AS func, min(l.func_ccy) AS func_ccy
FROM erp.journal_line l JOIN erp.journal_entry e ON e.system = l.system AND e.id = l.parent
WHERE l.system = :system AND e.legal_entity = :legal_entity AND l.contract_no IS NOT NULL AND l.account IN ('1200', '1220', '1230', '2300')
GROUP BY l.contract_no, l.account, l.ccy HAVING sum(l.dr - l.cr) <> 0 OR sum(l.func_dr - l.func_cr) <> 0 ORDER BY l.contract_no, l.account
"""


@ROLE.action(
    "move_books",
    text("to", "Name of the system that keeps the company's books from now on.", limit=40, required=True),
    on=LEGAL_ENTITY,
)
def move_books(tx: Tx, subject: Record, values: Record) -> Record:
    """Hand the open business of a company over to another system: open receivables, running schedules with the work that they are
    measured by, and the balances of its contracts, each closed against 9900. Nothing of the company is posted here any more.

    Leaves a handover for each contract and announces `erp.books.moved`. Raises Problem 409 BOOKS_MOVED where that has happened already.
    """
    if values["to"] == tx.system.name:
        raise invalid("to", "the books are kept here", "Name the other system.")
    ledger.keeps(subject)
    code, today = subject["code"], tx.today(subject["tz"])
    balances: dict[str, list[Record]] = {}
    for row in tx.rows(BALANCES, legal_entity=code):
        balances.setdefault(row["contract_no"], []).append(row)
    open_documents = [each for each in tx.find(AR_DOCUMENT, legal_entity=code) if each["open_amount"]]
    running = tx.find(REVENUE_SCHEDULE, legal_entity=code, status=["ACTIVE", "ON_HOLD"])
    contracts = {*balances, *(each["contract_no"] for each in (*open_documents, *running) if each["contract_no"])}
    for contract_no in sorted(contracts):
        documents = [each for each in open_documents if each["contract_no"] == contract_no]
        schedules = [each for each in running if each["contract_no"] == contract_no]
        work = tx.find(WORK_ENTRY, contract_no=contract_no)
        rows = balances.get(contract_no, [])
        _close(tx, code, contract_no, rows, today)
        tx.insert(
            HANDOVER,
            {
                "legal_entity": code,
                "contract_no": contract_no,
                "ccy": (rows or documents or schedules)[0]["ccy"],
                "to_system": values["to"],
                "as_of": today,
                "documents": [each["id"] for each in documents],
                "schedules": [each["id"] for each in schedules],
                "work": [each["id"] for each in work],
                "lines": [_line(row) for row in rows],
            },
        )
        for entity, records in ((AR_DOCUMENT, documents), (REVENUE_SCHEDULE, schedules), (WORK_ENTRY, work)):
            for record in records:
                tx.update(entity, record, {"deleted_at": tx.stamp}, event="")
    told = {"to": values["to"], "as_of": today, "contracts": sorted(contracts)}
    return tx.update(LEGAL_ENTITY, subject, {"moved_to": values["to"]}, event="erp.books.moved", extra=told)


def _line(row: Record) -> Record:
    sides = {"dr": max(row["amount"], 0), "cr": max(-row["amount"], 0)}
    func = {"func_dr": max(row["func"], 0), "func_cr": max(-row["func"], 0)}
    return {"account": row["account"], "ccy": row["ccy"], "func_ccy": row["func_ccy"], **sides, **func}


def _close(tx: Tx, code: str, contract_no: str, rows: list[Record], today: str) -> None:
    made = [_leg(row["account"], -row["amount"], -row["func"]) for row in rows]
    _against_clearing(tx, made, code, contract_no, rows, today, "HANDOVER", f"handover {contract_no}")


def _leg(account: str, amount: int, func: int) -> posting.Line:
    side = "dr" if amount > 0 else "cr"
    return posting.Line(account, max(amount, 0), max(-amount, 0), None, abs(func), side)


def _against_clearing(
    tx: Tx,
    made: list[posting.Line],
    code: str,
    contract_no: str,
    rows: list[Record],
    today: str,
    rule: str,
    source: str,
) -> Record | None:
    if not made:
        return None
    rest = sum(each.dr - each.cr for each in made)
    func = sum((each.func or 0) * (1 if each.side == "dr" else -1) for each in made)
    legs = [*made, _leg(CLEARING, -rest, -func)] if rest or func else made
    ccy = rows[0]["ccy"]
    return ledger.post(tx, code, legs, rule=rule, day=today, source=source, ccy=ccy, contract_no=contract_no)


# the other side

SOURCE_KEY = text("source_key", "Business key of what it is made from; free for integrations.")
LEGACY = (
    text("legacy_system", "Name of the system that it comes from.", limit=40, required=True),
    text("legacy_id", "Its id there.", limit=64, required=True),
    SOURCE_KEY,
)


@ROLE.action(
    "load_opening",
    text("legal_entity", limit=20, required=True),
    text("contract_no", limit=20, required=True),
    day("as_of", required=True),
    lines("lines", HANDOVER_LINE, "Its balances."),
    SOURCE_KEY,
    returns=JOURNAL_ENTRY,
)
def load_opening(tx: Tx, subject: Record, values: Record) -> Record:
    """Open the books of a contract that comes from another system, against 9900. A second opening is booked as well."""
    code, contract_no = values["legal_entity"], values["contract_no"]
    rows = [_settled(each, at) for at, each in enumerate(values.get("lines") or [])]
    if not rows:
        raise invalid("lines", "a contract without balances has no opening", "Leave it out.")
    made = [_leg(row["account"], row["amount"], row["func"]) for row in rows]
    opening = _against_clearing(tx, made, code, contract_no, rows, values["as_of"], "OPENING", f"opening {contract_no}")
    if opening is None:
        raise invalid("lines", "all balances are zero", "Leave it out.")
    return tx.update(JOURNAL_ENTRY, opening, {"source_key": values.get("source_key")}, event="")


def _settled(line: Record, at: int) -> Record:
    figures = {
        name: getattr(line.get(name), "minor", line.get(name)) or 0 for name in ("dr", "cr", "func_dr", "func_cr")
    }
    ccy = line.get("ccy") or next((each.ccy for name in ("dr", "cr") if (each := line.get(name)) is not None), None)
    if ccy is None:
        raise invalid(f"lines[{at}].dr", "neither a debit nor a credit is given", "Give one of them.")
    return {
        "account": line["account"],
        "ccy": ccy,
        "amount": figures["dr"] - figures["cr"],
        "func": figures["func_dr"] - figures["func_cr"],
    }


def _loadable(each: Field) -> Field:
    return choice(each.name, " ".join(each.choices)) if each.kind == "state" else each.but(computed=False)


def register_load(entity: Entity, same: Callable[[Record], Record], after: Callable[[Tx, Record], None]) -> None:
    """The deed that loads a record as it stood in the system it comes from, without posting anything. same: names its like."""
    fields = [_loadable(each) for each in entity.fields if each.name not in ("je", "customer_no")]

    def load(tx: Tx, subject: Record, values: Record) -> Record:
        ledger.keeps(entity_of(tx, values["legal_entity"]))
        found = tx.one(entity, **same(values))
        if found is not None:
            raise conflict(
                "LOADED_ALREADY",
                f"{found['key']} is here already.",
                field="legacy_id",
                remedy="Nothing more is to be done.",
            )
        origin = {"system": values["legacy_system"], "type": entity.name, "id": values["legacy_id"]}
        named = {name: value for name, value in values.items() if not name.startswith("legacy_")}
        if entity is REVENUE_SCHEDULE and values["method"] == "AS_INVOICED":
            named["carried"] = values.get("recognised")
        if entity is AR_DOCUMENT:
            named["customer_no"] = tx.get("customer", values["customer"])["customer_no"]
        record = tx.insert(entity, {**named, "ext_refs": [origin]}, event="")
        after(tx, record)
        return record

    load.__doc__ = f"Take a {entity.name.replace('_', ' ')} over as it stands in another system; its balance is opened apart, by `load_opening`."
    ROLE.action(f"load_{entity.name}", *fields, *LEGACY, returns=entity)(load)


def _nothing(tx: Tx, record: Record) -> None:
    """There is nothing more to do."""


register_load(
    AR_DOCUMENT,
    lambda values: {"invoice_no": values["invoice_no"], "doc_type": values.get("doc_type") or "INVOICE"},
    lambda tx, record: arm_overdue(tx, record, entity_of(tx, record["legal_entity"])["tz"]),
)
register_load(
    REVENUE_SCHEDULE,
    lambda values: {
        "contract_no": values["contract_no"],
        "line_no": values["line_no"],
        "schedule_version": values.get("schedule_version") or 1,
    },
    _nothing,
)
register_load(WORK_ENTRY, lambda values: {"source_id": values["source_id"]}, _nothing)
