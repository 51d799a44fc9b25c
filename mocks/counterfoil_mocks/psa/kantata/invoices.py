"""Kantata's invoices and the payments told to it. Only Kantata knows them; being on one marks time and expenses as billed in the business."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.deeds import refuse_beyond
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import removed
from counterfoil_mocks.protocols.conversion import exact
from counterfoil_mocks.protocols.fieldmap import FieldMap, ObjectMap
from counterfoil_mocks.psa.kantata import references
from counterfoil_mocks.psa.kantata.conditions import between, flag, nobody, own, references_of
from counterfoil_mocks.psa.kantata.desk import Desk, items, truth, whole
from counterfoil_mocks.psa.kantata.errors import invalid
from counterfoil_mocks.psa.kantata.kind import REF, VENDOR, Kind, Link, computed, equals, kept, mapped
from counterfoil_mocks.psa.kantata.view import Given, View

FIRST_NUMBER = 19_001
LINES = {"time_entry_ids": "time_entry", "expense_ids": "expense", "billing_milestone_ids": "milestone"}
SOURCES = {"time_entry": "TIME", "expense": "EXPENSE"}
ELSEWHERE = re.compile(r"[!-~]{1,50}/[0-9]{1,5}")
"""`invoice_no/line_no` of the billing engine."""
ITEMS = ("fixed_fee_items", "additional_items")
TEXTS = ("user_invoice_title", "purchase_order", "project_code", "message")


def currency_of(record: Record) -> str:
    """The currency of an invoice or payment."""
    return str(kept(record)["currency"])


def _title(record: Record, view: Any) -> str:
    said = kept(record)
    number = said["user_invoice_number"]
    return str(said.get("user_invoice_title") or f"{'Draft Invoice' if said.get('draft') else 'Invoice'} #{number}")


def _currency() -> tuple[FieldMap, ...]:
    return (
        FieldMap("currency"),
        computed("currency_symbol", lambda record, view: view.symbol(currency_of(record))),
        computed("currency_base_unit", lambda record, view: 10 ** money.exponent(currency_of(record))),
    )


INVOICE = mapped(
    "invoices",
    "vendor_object",
    computed("title", _title),
    *(FieldMap(name) for name in ("status", "invoice_date", "due_date", "payment_schedule", "balance_in_cents")),
    computed("user_invoice_number", lambda record, view: int(kept(record)["user_invoice_number"])),
    computed("total_in_cents", lambda record, view: kept(record)["total_in_cents"]),
    computed("tax_rate", lambda record, view: float(kept(record)["tax_rate"])),
    *_currency(),
    FieldMap("user_id"),
    draft=False,
    recipient_id=None,
    purchase_order=None,
    project_code=None,
    message=None,
    user_invoice_title=None,
)
PAYMENT = mapped(
    "external_payments",
    "vendor_object",
    FieldMap("invoice_id", conversion=REF),
    FieldMap("workspace_id", conversion=REF),
    FieldMap("amount_in_cents"),
    FieldMap("message"),
    FieldMap("user_id"),
    *_currency(),
)


def _some(entity: str, name: str) -> Any:
    return lambda view, record: view.some(entity, kept(record).get(name) or [])


def _items(name: str) -> Any:
    return lambda view, record: list(kept(record).get(name) or [])


def _of_workspaces(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    held = sa.cast(references.member(table, "workspace_ids"), sa.Text)
    return sa.or_(*(held.contains(f'"{id.strip()}"', autoescape=True) for id in value.split(",")))


def _numbered(view: Any, map: ObjectMap, table: sa.FromClause, value: str) -> sa.ColumnElement[bool]:
    return sa.cast(references.member(table, "user_invoice_number"), sa.Text) == value


KINDS: tuple[Kind, ...] = (
    Kind(
        "invoices",
        "invoice",
        "Invoice",
        "invoice",
        (INVOICE,),
        links={
            "workspaces": Link("workspace_ids", "workspaces", _some("project", "workspace_ids")),
            "user": Link("user_id", "users", own("employee", "user_id"), column=True),
            "recipient": Link("recipient_id", "users", nobody, column=True),
            "time_entries": Link("time_entry_ids", "time_entries", _some("time_entry", "time_entry_ids")),
            "expenses": Link("expense_ids", "expenses", _some("expense", "expense_ids")),
            "billing_milestones": Link(
                "billing_milestone_ids", "billing_milestones", _some("milestone", "billing_milestone_ids")
            ),
            "fixed_fee_items": Link("fixed_fee_item_ids", "fixed_fee_items", _items("fixed_fee_items")),
            "additional_items": Link("additional_item_ids", "additional_items", _items("additional_items")),
            "external_references": references_of("Invoice"),
        },
        required={"payment_schedule": "Payment schedule can't be blank"},
        filters={
            "paid": flag(lambda table: references.member(table, "status") == "accepted payment"),
            "pending": flag(lambda table: references.member(table, "status") == "new"),
            "without_drafts": flag(lambda table: sa.not_(references.flagged(table, "draft"))),
            "within_dates": between("invoice_date", own=True),
            "user_invoice_number": _numbered,
            "workspace_id": _of_workspaces,
        },
        orders=("created_at", "updated_at", "invoice_date", "due_date"),
        verbs="list get",
    ),
    Kind(
        "external_payments",
        "external_payment",
        "ExternalPayment",
        "external_payment",
        (PAYMENT,),
        links={
            "invoice": Link("invoice_id", "invoices", own("vendor_object", "invoice_id"), column=True),
            "user": Link("user_id", "users", own("employee", "user_id"), column=True),
            "workspace": Link("workspace_id", "workspaces", own("project", "workspace_id"), column=True),
        },
        required={"invoice_id": "Invoice can't be blank", "workspace_id": "Workspace can't be blank"},
        filters={name: equals(name) for name in ("invoice_id", "workspace_id")},
        verbs="list get",
    ),
    Kind("fixed_fee_items", "fixed_fee_item", "FixedFeeItem", "fixed_fee_item", (), verbs=""),
    Kind("additional_items", "additional_item", "AdditionalItem", "additional_item", (), verbs=""),
)


def next_number(view: View) -> int:
    """The number that the next invoice gets."""
    table = view.system.table("vendor_object").sql
    mine = (table.c.system == view.system.name, table.c.vendor == VENDOR, table.c.kind == "invoices")
    last = view.scalar(
        sa.select(sa.func.max(sa.cast(table.c.name, sa.BigInteger))).where(*mine, table.c.deleted_at.is_(None))
    )
    return FIRST_NUMBER if last is None else int(last) + 1


def total_of(view: View, project: Record) -> int:
    """What the invoices of a project come to that are neither drafts nor cancelled, in subunits."""
    found = view.all("vendor_object", vendor=VENDOR, kind="invoices", owner=project["id"])
    live = [kept(each) for each in found if kept(each)["status"] != "cancelled" and not kept(each).get("draft")]
    return sum(int(each["total_in_cents"]) for each in live)


def create(desk: Desk, kind: Kind, given: Given) -> Record:
    """An invoice over lines of one or several projects; its time and expenses are billed from now on."""
    desk.check(kind, given)
    spaces = given.get("workspace_ids") or given.get("workspace_id")
    named = spaces if isinstance(spaces, list) else [spaces] if spaces else []
    if not named:
        raise invalid("Workspace can't be blank", "workspace_id")
    projects = [desk.named("project", id, "workspace_id", "Workspace") for id in named]
    ccy = projects[0]["ccy"]
    if any(each["ccy"] != ccy for each in projects):
        raise invalid("Workspaces must have the same currency", "workspace_ids")
    lines = {name: _lines(desk, name, given, projects) for name in LINES}
    values: Record = {
        **dict.fromkeys(TEXTS),
        "tax_rate": "0.0",
        **_changes(desk, given),
        **{name: [each["id"] for each in several] for name, several in lines.items()},
        **{name: _said(desk, name, given, projects) for name in ITEMS},
        "status": "new",
        "user_id": desk.user_id,
        "workspace_ids": [each["id"] for each in projects],
        "currency": ccy,
    }
    values.setdefault("invoice_date", clock.business_date(desk.tx.now, desk.face.account.zone))
    values.setdefault("user_invoice_number", str(next_number(desk)))
    values.setdefault("draft", False)
    number = values["user_invoice_number"]
    record = desk.keep("invoices", _summed(values, lines, 0), columns={"owner": projects[0]["id"], "name": number})
    _bill(desk, lines, number, str(given.get("user_invoice_title") or ""))
    for each in lines["billing_milestone_ids"]:
        desk.mark("milestone", each, invoice_id=record["id"])
    return desk.besides(kind, record, given)


def update(desk: Desk, kind: Kind, record: Record, given: Given) -> Record:
    """Some attributes of an invoice that is neither paid nor cancelled; lists of lines say what is on it from now on."""
    said = kept(record)
    if said["status"] != "new":
        raise invalid(f"Invoice is {said['status']} and cannot be changed")
    values, paid = {**said, **_changes(desk, given)}, said["total_in_cents"] - said["balance_in_cents"]
    moved = any(name in given for name in LINES)
    if moved:
        release(desk, record)
        projects = desk.some("project", said["workspace_ids"])
        lines = {name: _lines(desk, name, {name: said.get(name), **given}, projects) for name in LINES}
        values |= {name: [each["id"] for each in several] for name, several in lines.items()}
    else:
        lines = {name: desk.some(entity, said.get(name) or []) for name, entity in LINES.items()}
    record = desk.keep("invoices", _summed(values, lines, paid), record, {"name": values["user_invoice_number"]})
    if moved:
        _bill(desk, lines, values["user_invoice_number"], str(values.get("user_invoice_title") or ""))
        for each in lines["billing_milestone_ids"]:
            desk.mark("milestone", each, invoice_id=record["id"])
    return desk.besides(kind, record, given)


def _changes(desk: Desk, given: Given) -> Record:
    """What a body says of an invoice itself; raises Refused 422."""
    values = {name: _text(given, name) for name in TEXTS if name in given}
    if given.get("invoice_date"):
        values["invoice_date"] = _day(given["invoice_date"])
    if given.get("payment_schedule") not in (None, ""):
        values["payment_schedule"] = whole(given, "payment_schedule")
    if given.get("user_invoice_number") not in (None, ""):
        values["user_invoice_number"] = str(whole(given, "user_invoice_number"))
    if given.get("draft") not in (None, ""):
        values["draft"] = truth(given, "draft")
    if given.get("tax_rate") not in (None, ""):
        _percent(given["tax_rate"])
        values["tax_rate"] = str(given["tax_rate"])
    return values


def _text(given: Given, name: str) -> Any:
    if isinstance(given[name], (bool, list, dict)):
        raise invalid(f"{name.replace('_', ' ').capitalize()} is not valid", name)
    return given[name] if given[name] is None else str(given[name])


def _summed(values: Record, lines: Mapping[str, list[Record]], paid: int) -> Record:
    """An invoice with what it comes to, when it is due and what is still to be paid; raises Refused 422."""
    if not any(lines.values()) and not any(values[name] for name in ITEMS):
        raise invalid("Invoice must have at least one item")
    net = sum(_worth(each) for several in lines.values() for each in several)
    net += sum(int(each["amount_in_cents"]) for name in ITEMS for each in values[name])
    total = net + money.half_up(net * _percent(values["tax_rate"]), 100 * 10_000)
    if paid and total - paid <= 0:
        raise invalid("Invoice must come to more than what is paid already")
    try:
        due = date.fromisoformat(values["invoice_date"]) + timedelta(days=values["payment_schedule"])
    except OverflowError:
        raise invalid("Payment schedule is too long", "payment_schedule") from None
    return {**values, "due_date": due.isoformat(), "total_in_cents": total, "balance_in_cents": total - paid}


def _lines(desk: Desk, name: str, given: Given, projects: list[Record]) -> list[Record]:
    said = given.get(name) or []
    wanted = dict.fromkeys(str(each) for each in (said if isinstance(said, list) else [said]) if each != "")
    found = [desk.named(LINES[name], id, name, "Item") for id in wanted]
    own_ids = {each["id"] for each in projects}
    for each in found:
        if each["project"] not in own_ids:
            raise invalid(f"Item {each['id']} is of another workspace", name)
        if LINES[name] == "milestone":
            if each["amount"] is None or kept(each).get("invoice_id"):
                raise invalid(f"Billing milestone {each['id']} is invoiced already, or has no amount", name)
            if not _ripe(desk, each):
                raise invalid(f"Billing milestone {each['id']} cannot be invoiced yet", name)
        elif each["approval"] != "APPROVED":
            raise invalid(f"Item {each['id']} is not approved", name)
        elif each["billing"] != "UNBILLED":
            raise invalid(f"Item {each['id']} is invoiced already, or not billable", name)
    return found


def _ripe(desk: Desk, milestone: Record) -> bool:
    """Whether a billing milestone may be invoiced: its day has come, or its story is completed."""
    if milestone["status"] in ("COMPLETED", "ACCEPTED"):
        return True
    today = clock.business_date(desk.tx.now, desk.face.account.zone)
    return kept(milestone).get("billing_type") == "fixed_date" and (milestone["planned"] or "") <= today


def _worth(line: Record) -> int:
    if "ms_code" in line:
        return int(line["amount"])
    return int((line["amount"] if "minutes" in line else line["bill_amount"]) or 0)


def _said(desk: Desk, name: str, given: Given, projects: list[Record]) -> list[Record]:
    """Items that are nothing but an amount, which is given in main units."""
    found = []
    ccy, own_ids = projects[0]["ccy"], [each["id"] for each in projects]
    for each in items(given, name):
        said: Mapping[str, Any] = each if isinstance(each, dict) else {}
        try:
            amount = exact(said.get("amount")) * 10 ** money.exponent(ccy)
        except ValueError:
            raise invalid("Amount is not a number", name) from None
        if amount != int(amount):
            raise invalid(f"Amount is finer than {ccy} has subunits", name)
        story = None
        if said.get("story_id") not in (None, ""):
            story = desk.find(desk.face.kinds["stories"], str(said["story_id"]))
            if story is None or story["project"] not in own_ids:
                raise invalid("Story can't be found in this project", name)
        found.append(
            {
                "notes": said.get("notes"),
                "amount_in_cents": refuse_beyond(name, int(amount)),
                "taxable": str(said.get("taxable") or "").lower() == "true",
                "currency": ccy,
                "story_id": None if story is None else story["id"],
                "workspace_id": own_ids[0] if story is None else story["project"],
                "created_at": desk.local(desk.tx.stamp),
                "id": desk.system.new_id(name),
            }
        )
    return found


def _bill(desk: Desk, lines: Mapping[str, list[Record]], number: str, title: str) -> None:
    """Have the business mark what is on the invoice. A title that names a line of another system's invoice is what bills all of it."""
    place = 0
    elsewhere = title if ELSEWHERE.fullmatch(title) else ""
    by_project: dict[str, list[Record]] = {}
    for name, entity in LINES.items():
        for each in lines[name]:
            place += 1
            if entity in SOURCES:
                line = elsewhere or f"{number}/{place}"
                item = {"source_type": SOURCES[entity], "source_id": each["id"], "invoice_line": line}
                by_project.setdefault(each["project"], []).append(item)
    for project, billed in by_project.items():
        desk.do("mark_billed", project, items=billed)


def release(desk: Desk, record: Record) -> None:
    """Free all that is on an invoice."""
    by_project: dict[str, list[Record]] = {}
    for name, entity in LINES.items():
        for each in desk.some(entity, kept(record).get(name) or []):
            if entity in SOURCES:
                item = {"source_type": SOURCES[entity], "source_id": each["id"], "invoice_line": each["invoice_line"]}
                by_project.setdefault(each["project"], []).append(item)
            else:
                desk.mark(entity, each, invoice_id=None)
    for project, freed in by_project.items():
        desk.do("release_billed", project, items=freed)


def cancel(desk: Desk, record: Record) -> Record:
    """Cancel an invoice: it stays, its lines are free."""
    if kept(record)["status"] != "new":
        raise invalid(f"Invoice is {kept(record)['status']} and cannot be cancelled")
    release(desk, record)
    return desk.keep("invoices", {"status": "cancelled"}, record)


def delete(desk: Desk, record: Record) -> None:
    """Take an invoice away, its lines are free."""
    if kept(record)["status"] == "new":
        release(desk, record)
    removed(desk.tx, desk.entity("vendor_object"), record["id"])


def pay(desk: Desk, kind: Kind, given: Given) -> Record:
    """A payment that came in elsewhere; without an amount it is the whole balance."""
    desk.check(kind, given)
    invoice = desk.find(desk.face.kinds["invoices"], str(given["invoice_id"]))
    if invoice is None or kept(invoice)["status"] != "new":
        raise invalid("Invoice can't be found or takes no payment", "invoice_id")
    project = desk.named("project", given["workspace_id"], "workspace_id", "Workspace")
    if project["id"] not in kept(invoice)["workspace_ids"]:
        raise invalid("Workspace is not on this invoice", "workspace_id")
    balance = int(kept(invoice)["balance_in_cents"])
    amount = balance if given.get("amount_in_cents") in (None, "") else whole(given, "amount_in_cents")
    if not 0 < amount <= balance:
        raise invalid("Amount must be above zero and at most the balance", "amount_in_cents")
    rest = balance - amount
    desk.keep("invoices", {"balance_in_cents": rest, **({} if rest else {"status": "accepted payment"})}, invoice)
    values = {
        "invoice_id": invoice["id"],
        "workspace_id": project["id"],
        "amount_in_cents": amount,
        "user_id": desk.user_id,
        "message": given.get("message"),
        "currency": currency_of(invoice),
    }
    return desk.keep("external_payments", values, columns={"owner": invoice["id"]})


def _percent(value: Any) -> int:
    """A percentage scaled by 10⁴."""
    try:
        found = int(exact(value or 0) * 10_000)
    except ValueError:
        raise invalid("Tax rate is not a number", "tax_rate") from None
    if not 0 <= found <= 100 * 10_000:
        raise invalid("Tax rate must be between 0 and 100", "tax_rate")
    return found


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise invalid("Invoice date is not a date", "invoice_date") from None
