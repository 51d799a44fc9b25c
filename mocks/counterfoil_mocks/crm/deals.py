"""Deals in the CRM: opportunities and quotes, up to the contract that a won deal becomes."""

from __future__ import annotations

from counterfoil_mocks.crm import values as worth
from counterfoil_mocks.crm.model import CONTRACT, CUSTOMER, INVOICE, OPPORTUNITY, QUOTE, RATE_CARD, ROLE, SITE
from counterfoil_mocks.deeds import Step, refuse_beyond, refuse_frozen, register_steps, step
from counterfoil_mocks.kernel.errors import Problem, conflict, invalid
from counterfoil_mocks.kernel.fields import Record, choice, text
from counterfoil_mocks.kernel.money import Money
from counterfoil_mocks.kernel.tx import Tx

OPEN_STAGES = ("PROSPECT", "QUALIFY", "PROPOSE", "NEGOTIATE")
ENDED_CONTRACT = ("CANCELLED", "TERMINATED", "CLOSED")
WON_NEEDS = ("bill_to", "ship_to", "tax_region", "legal_entity")
APPROVER = text("approver", "Who approves.", limit=120, required=True)

register_steps(
    ROLE,
    QUOTE,
    (
        Step("submit_quote", "IN_REVIEW", "Hand a quote to review."),
        Step("return_quote", "DRAFT", "Give a quote in review back to its author."),
        Step("approve_quote", "APPROVED", "Approve a quote for sending.", asks=(APPROVER,)),
        Step("send_quote", "SENT", "Send an approved quote to the customer."),
        Step("reject_quote", "REJECTED", "Record that the customer declined."),
        Step("expire_quote", "EXPIRED", "Record that a sent quote ran out."),
    ),
)


@ROLE.on_create(QUOTE)
def create_quote(tx: Tx, values: Record) -> Record:
    """A draft quote. A further revision (same `quote_no`) supersedes earlier ones that are approved or sent; a line without an
    amount but with quantity and price gets `qty × unit_price × (1 − discount)`."""
    opportunity = _opportunity(tx, values)
    values = {**values, "opportunity": opportunity["id"], "opp_no": opportunity["opp_no"]}
    earlier = tx.find(QUOTE, quote_no=values["quote_no"]) if values.get("quote_no") else []
    if values.get("rev") is None:
        values["rev"] = max((each["rev"] for each in earlier), default=0) + 1
    quote = tx.insert(QUOTE, _priced(tx, values, opportunity))
    worth.check_lines(quote["lines"])
    for each in earlier:
        if each["rev"] < quote["rev"] and each["status"] in ("APPROVED", "SENT"):
            tx.update(QUOTE, each, {"status": "SUPERSEDED"})
    return quote


@ROLE.on_update(QUOTE)
def update_quote(tx: Tx, record: Record, changes: Record) -> Record:
    """What an offer says is open in DRAFT and in review; then only a new revision changes it."""
    if record["status"] not in ("DRAFT", "IN_REVIEW"):
        refuse_frozen(record, changes)
    opportunity = _opportunity(tx, {**record, **changes})
    given = {**changes, "opportunity": opportunity["id"], "opp_no": opportunity["opp_no"]}
    ccy = changes.get("ccy", record["ccy"])
    priced = _priced(tx, {**given, "ccy": ccy, "rate_card": changes.get("rate_card", record["rate_card"])}, opportunity)
    if "ccy" not in changes:
        priced.pop("ccy")
    quote = tx.update(QUOTE, record, priced)
    worth.check_lines(quote["lines"])
    return quote


@ROLE.action("accept_quote", text("signer", "Who signed for the customer.", limit=120, required=True), on=QUOTE)
def accept_quote(tx: Tx, subject: Record, values: Record) -> Record:
    """Record that the customer signed; the revision becomes the SOW, whose milestones bill no more than its fixed fees."""
    worth.check_milestones(subject)
    other = tx.one(QUOTE, opportunity=subject["opportunity"], status="ACCEPTED")
    if other is not None and other["id"] != subject["id"]:
        raise conflict(
            "QUOTE_ALREADY_ACCEPTED",
            f"Quote {other['key']} of the same opportunity is accepted already.",
            field="status",
            remedy="An opportunity has one accepted quote; change its contract by a change order.",
        )
    return step(tx, QUOTE, subject, "ACCEPTED", {"signer": values["signer"], "signed_at": tx.stamp})


@ROLE.action("advance_stage", choice("to", " ".join(OPEN_STAGES[1:]), required=True), on=OPPORTUNITY)
def advance_stage(tx: Tx, subject: Record, values: Record) -> Record:
    """Move a deal one stage on; a lost deal starts again at QUALIFY."""
    return step(tx, OPPORTUNITY, subject, values["to"], state="stage", sources=("CLOSED_LOST", *OPEN_STAGES[:-1]))


@ROLE.action("close_lost", text("lost_reason", limit=255, required=True), on=OPPORTUNITY)
def close_lost(tx: Tx, subject: Record, values: Record) -> Record:
    """Give a deal up."""
    changes = {"lost_reason": values["lost_reason"], "closed_at": tx.stamp}
    return step(tx, OPPORTUNITY, subject, "CLOSED_LOST", changes, state="stage")


@ROLE.action("close_won", on=OPPORTUNITY)
def close_won(tx: Tx, subject: Record, values: Record) -> Record:
    """Win a deal in NEGOTIATE whose quote is accepted: makes the contract (APPROVED) and announces everything in one event.

    Raises 409 QUOTE_NOT_ACCEPTED, and 422 that names every mandatory field that is missing.
    """
    if subject["stage"] != "NEGOTIATE":
        return step(tx, OPPORTUNITY, subject, "CLOSED_WON", state="stage", sources=("NEGOTIATE",))
    quotes = tx.find(QUOTE, opportunity=subject["id"])  # by both, SQLite would search every accepted quote there is
    quote = next((each for each in quotes if each["status"] == "ACCEPTED"), None)
    if quote is None:
        raise conflict(
            "QUOTE_NOT_ACCEPTED",
            f"Opportunity {subject['opp_no']} has no accepted quote.",
            field="quote",
            remedy="Approve, send and accept a quote first.",
        )
    _check_won(subject, quote)
    customer = tx.get(CUSTOMER, subject["customer"])
    if customer["status"] == "PROSPECT":
        customer = tx.update(CUSTOMER, customer, {"status": "ACTIVE"}, event="")
    contract = _contract(tx, subject, quote, customer)
    return step(
        tx,
        OPPORTUNITY,
        subject,
        "CLOSED_WON",
        {"closed_at": tx.stamp, "contract_no": contract["contract_no"]},
        state="stage",
        event="crm.opportunity.closed_won",
        extra={"contract": CONTRACT.to_wire(contract), **parties(tx, contract)},
    )


@ROLE.action("reopen_opportunity", APPROVER, on=OPPORTUNITY)
def reopen_opportunity(tx: Tx, subject: Record, values: Record) -> Record:
    """Take a won deal back to NEGOTIATE, by approval; refused once an invoice of its contract is known."""
    if subject["contract_no"] and tx.one(INVOICE, contract_no=subject["contract_no"]):
        raise conflict(
            "DEAL_INVOICED",
            f"Contract {subject['contract_no']} has been invoiced.",
            field="stage",
            remedy="Credit the invoices and terminate the contract, or change it by a change order.",
        )
    return step(
        tx,
        OPPORTUNITY,
        subject,
        "NEGOTIATE",
        {"closed_at": None},
        state="stage",
        sources=("CLOSED_WON",),
        event="crm.opportunity.reopened",
        extra={"approver": values["approver"]},
    )


def put_stage(tx: Tx, subject: Record, stage: str) -> Record:
    """Put a deal back at an open stage, in steps of its state machine where it has them; for faces of vendors that know no order of stages."""
    if stage != "PROSPECT" and subject["stage"] != "CLOSED_LOST":
        subject = tx.update(OPPORTUNITY, subject, {"stage": "CLOSED_LOST"}, event="")
    if subject["stage"] == "CLOSED_LOST":
        subject = tx.update(OPPORTUNITY, subject, {"stage": "QUALIFY", "closed_at": None})
    if stage == "PROSPECT":
        return tx.update(OPPORTUNITY, subject, {"stage": stage, "closed_at": None}, anyhow=True)
    for following in OPEN_STAGES[2 : OPEN_STAGES.index(stage) + 1]:
        subject = tx.update(OPPORTUNITY, subject, {"stage": following})
    return subject


def win_without_quote(tx: Tx, subject: Record) -> Record:
    """Win a deal in NEGOTIATE that has no accepted quote, as vendors let people do: no contract comes of it, and the event says so."""
    return step(
        tx,
        OPPORTUNITY,
        subject,
        "CLOSED_WON",
        {"closed_at": tx.stamp},
        state="stage",
        sources=("NEGOTIATE",),
        event="crm.opportunity.closed_won",
        extra={"contract": None, "quote": None},
    )


def parties(tx: Tx, contract: Record) -> Record:
    """Wire form of the quote, customer and sites of a contract, for its events."""
    customer = tx.look_up(CUSTOMER, contract["customer"])
    named = {
        "quote": (QUOTE, contract["quote"]),
        "bill_to": (SITE, contract["bill_to"]),
        "ship_to": (SITE, contract["ship_to"]),
    }
    found = {name: (entity, tx.look_up(entity, value)) for name, (entity, value) in named.items()}
    return {
        "customer": customer and CUSTOMER.to_wire(customer),
        **{name: record and entity.to_wire(record) for name, (entity, record) in found.items()},
    }


def _opportunity(tx: Tx, values: Record) -> Record:
    found = tx.look_up(OPPORTUNITY, values.get("opportunity"))
    if found is None:
        raise invalid(
            "opportunity",
            f"there is no opportunity {values.get('opportunity')!r}",
            "Give the id or number of a live one.",
        )
    return found


def _priced(tx: Tx, values: Record, opportunity: Record) -> Record:
    ccy = values["ccy"]
    if ccy != opportunity["ccy"]:
        raise invalid("ccy", f"the deal is in {opportunity['ccy']}", f"Quote in {opportunity['ccy']}.")
    card = tx.look_up(RATE_CARD, values.get("rate_card"))
    if card is not None and card["ccy"] != ccy:
        raise invalid("rate_card", f"card {card['key']} is in {card['ccy']}", f"Choose a card in {ccy}.")
    if "lines" not in values:
        return values
    return {**values, "lines": [_extended(line, ccy) for line in values["lines"] or []]}


def _extended(line: Record, ccy: str) -> Record:
    qty, price = line.get("qty"), line.get("unit_price")
    if line.get("amount") is not None or line["type"] not in worth.PRICED or qty is None or price is None:
        return line
    amount = refuse_beyond("lines", worth.extended(qty, price, line.get("discount") or 0, ccy))
    return {**line, "amount": Money(amount, ccy)}


def _check_won(opportunity: Record, quote: Record) -> None:
    missing = [name for name in WON_NEEDS if not opportunity[name]] + ([] if quote["lines"] else ["quote.lines"])
    if missing:
        raise Problem(
            422,
            "MANDATORY_FIELDS_MISSING",
            f"Opportunity {opportunity['opp_no']} lacks {', '.join(missing)}.",
            field=missing[0],
            remedy="Fill them in, then close the deal.",
            errors=[{"field": name, "detail": "mandatory when a deal is won"} for name in missing],
        )


def _contract(tx: Tx, opportunity: Record, quote: Record, customer: Record) -> Record:
    """The contract of a won deal; one that a reopened deal left behind is taken up again."""
    left = tx.look_up(CONTRACT, opportunity["contract_no"])
    if left is not None and left["status"] not in ENDED_CONTRACT:
        return left
    card = tx.look_up(RATE_CARD, quote["rate_card"])
    value = worth.contract_value(quote["lines"])
    return tx.insert(
        CONTRACT,
        {
            "status": "APPROVED",
            "opportunity": opportunity["id"],
            "quote": quote["id"],
            "customer": customer["id"],
            "customer_no": customer["customer_no"],
            "rate_card_code": card and card["code"],
            "rate_card_version": card and card["card_version"],
            "po_no": quote["po_no"] or opportunity["po_no"],
            "original_value": value,
            "current_value": value,
            **{
                name: opportunity[name] for name in ("opp_no", "bill_to", "ship_to", "name", "legal_entity", "practice")
            },
            **{
                name: quote[name]
                for name in ("ccy", "start", "end", "terms", "rate_card", "billing_trigger", "mobilisation")
            },
            **{name: quote[name] for name in ("lines", "milestones")},
        },
    )
