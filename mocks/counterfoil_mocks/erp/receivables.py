"""Business deeds on receivables: invoices and credit memos as the books see them (P1, P5, P8)."""

from __future__ import annotations

from counterfoil_mocks import fx
from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor, refuse_frozen
from counterfoil_mocks.erp import cash, ledger, posting
from counterfoil_mocks.erp.model import AR_DOCUMENT, ROLE, TAX_CODE
from counterfoil_mocks.erp.schedules import check_service_item, follows_approval
from counterfoil_mocks.kernel import clock, money
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx

TERM_DAYS = {"NET15": 15, "NET30": 30, "NET45": 45, "NET60": 60}
MONETARY = ("1220", "2300")
"""Accounts whose debit is money's worth that an invoice turns into a receivable."""
CHASES_AT = 6
"""Local hour of the day after the due date at which an open invoice is overdue."""


@ROLE.on_create(AR_DOCUMENT)
def post_document(tx: Tx, values: Record) -> Record:
    """Post a receivable: P1 or P5 line by line, P8 for a credit memo.

    Raises Problem 422 for an unknown customer, entity, tax code or service item and for figures that do not agree; 409
    PERIOD_CLOSED, FX_RATE_MISSING. A second document of the same number is posted as well.
    """
    entity = entity_of(tx, values["legal_entity"])
    buyer = tx.look_up("customer", values["customer"])
    if buyer is None:
        raise invalid("customer", f"there is no customer {values['customer']!r}", "Create the customer first.")
    head = {**values, "customer": buyer["id"], "customer_no": buyer["customer_no"], **_worked_out(tx, values)}
    head.setdefault("tax_point", head["issue_date"])
    if values.get("doc_type") == "CREDIT_MEMO":
        return _post_credit(tx, entity, head)
    return _post_invoice(tx, entity, buyer, head)


def _worked_out(tx: Tx, values: Record) -> Record:
    """Lines in minor units with their tax, and the totals; given totals must agree."""
    ccy, lines = values["ccy"], []
    func_ccy = entity_of(tx, values["legal_entity"])["functional_ccy"]
    converted = values.get("func_total") is not None
    if not values.get("lines"):
        raise invalid("lines", "a document has at least one line", "Give its lines.")
    for given in values["lines"]:
        check_service_item(tx, given.get("service_item"))
        line = {
            **given,
            "ccy": ccy,
            "net": minor(given, "net", ccy),
            "line_type": given.get("line_type") or "FIXED_FEE",
        }
        line["contract_line"] = given.get("contract_line") or 1
        if converted:
            line |= {name: minor(given, name, func_ccy) for name in ("func_net", "func_tax")} | {"func_ccy": func_ccy}
        line["tax"] = minor(given, "tax", ccy) if given.get("tax") is not None else _tax(tx, line)
        lines.append(line)
    net, tax = sum(line["net"] for line in lines), sum(line["tax"] for line in lines)
    figures = {"net": net, "tax": tax, "total": net + tax}
    for name, figure in figures.items():
        if values.get(name) is not None and minor(values, name, ccy) != figure:
            raise invalid(
                name, f"the lines come to {money.major(figure, ccy)} {ccy}", "Make the document agree with its lines."
            )
    in_books = {"func_total": minor(values, "func_total", func_ccy)} if converted else {}
    return {"lines": lines, "func_ccy": func_ccy, **figures, **in_books}


def _tax(tx: Tx, line: Record) -> int:
    if line.get("tax_code") is None:
        return 0
    code = tx.look_up(TAX_CODE, line["tax_code"])
    if code is None:
        raise invalid("tax_code", f"there is no tax code {line['tax_code']!r}", "Create it, or give the line's tax.")
    return money.half_up(line["net"] * code["rate"] * code["taxable_fraction"], money.RATE_SCALE**2)


def _post_invoice(tx: Tx, entity: Record, buyer: Record, head: Record) -> Record:
    rate = head.get("fx_rate") or fx.rate_on(tx, head["ccy"], entity["functional_ccy"], head["tax_point"])
    if head.get("due") is None:
        head["due"] = clock.add_days(head["issue_date"], TERM_DAYS[buyer["terms"] or "NET30"])
    rule, lines = _lines(tx, head, credit=False)
    if head["ccy"] != entity["functional_ccy"] and head.get("func_total") is None:
        lines = _relieving(tx, head, lines, rate, entity["functional_ccy"])
    entry = _post(tx, head, lines, rule, rate, "invoice")
    changes = {"fx_rate": rate, "open_amount": head["total"], "status": "POSTED", "je": entry and entry["id"]}
    told = {"je_no": entry and entry["je_no"]}
    document = tx.insert(AR_DOCUMENT, {**head, **changes}, event="erp.invoice.posted", extra=told)
    arm_overdue(tx, document, entity["tz"])
    return document


def arm_overdue(tx: Tx, document: Record, tz: str) -> None:
    """Have an invoice announced as overdue the day after it was due."""
    at = clock.instant_of(clock.add_days(document["due"], 1), tz, CHASES_AT)
    tx.set_timer("invoice_overdue", document["id"], at, {"id": document["id"]})


def _post_credit(tx: Tx, entity: Record, head: Record) -> Record:
    corrects = tx.one(AR_DOCUMENT, invoice_no=head.get("corrects"), doc_type="INVOICE")
    if corrects is None:
        raise invalid(
            "corrects", f"there is no invoice {head.get('corrects')!r} in the books", "Post the invoice first."
        )
    left = corrects["total"] - corrects["credited"] - corrects["written_off"]
    if not 0 < head["total"] <= left or min(line["net"] for line in head["lines"]) < 0:
        raise invalid(
            "total",
            f"a credit memo is given in positive amounts, at most the {money.major(left, corrects['ccy'])} not credited yet",
            "Give amounts without sign, within the invoice.",
        )
    if corrects["ccy"] != head["ccy"] or corrects["legal_entity"] != head["legal_entity"]:
        raise invalid(
            "corrects",
            f"{corrects['invoice_no']} is of {corrects['legal_entity']} in {corrects['ccy']}",
            "Credit it in its own entity and currency.",
        )
    head.setdefault("contract_no", corrects["contract_no"])
    rate = head.get("fx_rate") or corrects["fx_rate"]
    rule, lines = _lines(tx, head, credit=True)
    entry = _post(tx, head, lines, rule, rate, "credit memo")
    corrects = cash.make_room(tx, corrects, head["total"])
    corrects = cash.settle(tx, corrects, {"credited": corrects["credited"] + head["total"]})
    told = {"je_no": entry and entry["je_no"], "invoice": AR_DOCUMENT.to_wire(corrects)}
    changes = {"fx_rate": rate, "open_amount": 0, "status": "POSTED", "je": entry and entry["id"]}
    return tx.insert(AR_DOCUMENT, {**head, **changes}, event="erp.invoice.posted", extra=told)


def _lines(tx: Tx, head: Record, *, credit: bool) -> tuple[str, list[posting.Line]]:
    """The rule (or rules) of a document and its journal lines: receivable first, then each line's account, then tax."""
    rules: dict[str, None] = {}
    given = head.get("func_total") is not None
    inner: list[posting.Line] = []
    for line in head["lines"]:
        rule = posting.INVOICE_RULES[line["line_type"]]
        number = line["contract_line"]
        if rule == "P5" and not follows_approval(tx, head.get("contract_no"), number):
            rule = "P1"
        rules[rule] = None
        account = {"2300": line["account"], "1220": line["account"]} if line.get("account") else None
        name = f"P8 OF {rule}" if credit else rule
        func = {"net": line["func_net"]} if given else None
        inner += posting.legs(name, {"net": line["net"]}, contract_line=number, accounts=account, functional=func)
    func = {"total": head["func_total"], "tax": sum(line["func_tax"] for line in head["lines"])} if given else None
    figures = {"total": head["total"], "tax": head["tax"]}
    outer = posting.legs("P8 OF P1" if credit else "P1", figures, functional=func)
    receivable, tax = outer[:1], outer[1:]
    return "P8" if credit else "+".join(sorted(rules)), [*receivable, *inner, *tax]


def _relieving(tx: Tx, head: Record, lines: list[posting.Line], rate: int, func_ccy: str) -> list[posting.Line]:
    """The lines of an invoice in a foreign currency, where it bills what was earned at other rates: unbilled receivables and contract
    assets are monetary and leave the books at what they were booked at; the difference is realised (IAS 21.28)."""
    held = (head["legal_entity"], head.get("contract_no") or "")
    left = {account: ledger.balance(tx, *held, account, head["issue_date"]) for account in MONETARY}
    if all(each.amount <= 0 for each in left.values()):
        return lines
    made: list[posting.Line] = []
    for line in lines:
        there = left.get(line.account, ledger.Balance(0, 0))
        part = min(line.cr, max(there.amount, 0))
        carried = money.half_up(there.func * part, there.amount) if part else 0
        left[line.account] = ledger.Balance(there.amount - part, there.func - carried)
        rest = money.convert(line.dr + line.cr - part, rate, head["ccy"], func_ccy)
        made.append(line._replace(func=carried + rest))
    gain = sum((line.func or 0) * (1 if line.side == "dr" else -1) for line in made)
    return [*made, *posting.legs("P7 APPLY", {}, functional={"gain": gain})]


def _post(tx: Tx, head: Record, lines: list[posting.Line], rule: str, rate: int, kind: str) -> Record | None:
    return ledger.post(
        tx,
        head["legal_entity"],
        lines,
        rule=rule,
        day=head["issue_date"],
        source=f"{kind} {head['invoice_no']}",
        ccy=head["ccy"],
        rate=rate,
        contract_no=head.get("contract_no"),
        customer_no=head["customer_no"],
        override=bool(head.get("override_period")),
        as_given=head.get("func_total") is not None,
    )


@ROLE.on_update(AR_DOCUMENT)
def change_document(tx: Tx, record: Record, changes: Record) -> Record:
    """A posted document is never edited; a credit memo corrects it."""
    refuse_frozen(record, changes)
    return tx.update(AR_DOCUMENT, record, changes)


@ROLE.on_timer("invoice_overdue")
def invoice_overdue(tx: Tx, payload: Record) -> None:
    """Announce an invoice that is still open the day after it was due."""
    document = tx.look_up(AR_DOCUMENT, payload["id"])
    if document is not None and document["open_amount"] and document["open_amount"] > 0:
        tx.emit(AR_DOCUMENT, document, "erp.invoice.overdue", {"days": 1})
