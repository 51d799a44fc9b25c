"""Transforms: a record made out of another, as `POST …/invoice/12/!transform/customerPayment`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.given import items_of
from counterfoil_mocks.erp.netsuite.kept_objects import BILLABLE, open_of, quantity_of, state_of
from counterfoil_mocks.erp.netsuite.reader import RECORDS, Reader
from counterfoil_mocks.erp.netsuite.record_routes import Records, made_by
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

MARK = "!transform"
Given = Callable[[Record, Reader], Record]
NOTHING_LEFT = "There is nothing left to bill on this transaction."
NOT_CARRIED = ("line", "isClosed", "quantityBilled", "quantityFulfilled", "expectedShipDate")
"""What of an order's line is of the order alone."""
CARRIED = ("memo", "otherRefNum", "currency", "subsidiary", "exchangeRate", "job", "department", "class", "location", "terms", "salesRep",
           "startDate", "endDate", "email", "billingAddress", "shippingAddress")  # fmt: skip
"""What of an order's head goes on."""


def payment(invoice: Record, reader: Reader) -> Record:
    """What a payment of an invoice begins with: all that is open."""
    if not (invoice["open_amount"] or 0) > 0:
        raise errors.user("There is nothing left to pay on this transaction.")
    return {"customer": invoice["customer"], "apply": [{"doc": invoice["id"]}], "createdFrom": invoice["id"]}


def credit(invoice: Record, reader: Reader) -> Record:
    """What a credit memo of an invoice begins with: all its lines."""
    if invoice["total"] - invoice["credited"] - invoice["written_off"] <= 0:
        raise errors.user("There is nothing left to credit on this transaction.")
    return {"entity": invoice["customer"], "apply": [{"doc": invoice["id"]}], "createdFrom": invoice["id"]}


def copied(source: Record, reader: Reader) -> Record:
    """What an order or an estimate begins with: the lines and the head of what it is made of."""
    if reader.billed(source):
        raise errors.user(NOTHING_LEFT)
    return {**_head(source, reader), "item": {"items": [_line(kept, reader) for kept in _lines(source)]}}


def bill(source: Record, reader: Reader) -> Record:
    """What an invoice of an order begins with: what of its lines is not billed yet."""
    if (source["kind"] == "salesOrder" and state_of(source["custom"]) not in BILLABLE) or reader.billed_whole(source):
        raise errors.user(NOTHING_LEFT)
    lines = []
    for number, kept in enumerate(_lines(source), 1):
        left = open_of(kept)
        if not left and quantity_of(kept):
            continue
        line = {**_line(kept, reader), "orderDoc": {"id": source["id"]}, "orderLine": number}
        if left != quantity_of(kept):
            line["quantity"] = float(left)
            line.pop("amount", None)
        lines.append(line)
    return {**_head(source, reader), "item": {"items": lines}}


def _lines(source: Record) -> list[Record]:
    lines: list[Record] = source["custom"].get("item") or []
    return lines


def _head(source: Record, reader: Reader) -> Record:
    custom = source["custom"]
    names = [*CARRIED, *(name for name in custom if name.startswith("custbody_"))]
    head = {name: custom[name] for name in names if custom.get(name) is not None}
    for name, refers in (("currency", "currency"), ("subsidiary", "subsidiary"), ("terms", "term")):
        if name in head:
            head[name] = reader.id_of(refers, head[name])
    return {**head, "entity": custom["entity"], "createdFrom": source["id"]}


def _line(kept: Record, reader: Reader) -> Record:
    line = {name: value for name, value in kept.items() if value is not None and name not in NOT_CARRIED}
    for name, refers in (("item", "serviceSaleItem"), ("taxCode", "salesTaxItem")):
        if name in line:
            line[name] = {"id": reader.id_of(refers, line[name])}
    return line


def overridden(given: Record, body: Record, replace: str) -> Record:
    """What a record begins with, and what the caller says of it. Lines that name a line of the source by `orderLine` change that one;
    the others stay, unless `replace` names the sublist. Raises Refused 400."""
    made = {**given, **body}
    said = items_of(body.get("item"), "item")
    ready = {line["orderLine"]: line for line in items_of(given.get("item"), "item") if "orderLine" in line}
    if not ready or not any("orderLine" in line for line in said):
        return made
    lines: list[Record] = []
    for number, line in enumerate(said):
        at = line.get("orderLine")
        if at is not None and (isinstance(at, bool) or not isinstance(at, int) or at not in ready):
            raise errors.reference(at, "orderline", f"item.items[{number}].orderLine")
        begun = dict(ready.pop(at)) if at is not None else {}
        if line.keys() & {"quantity", "rate"}:
            begun.pop("amount", None)
        if line.get("quantity") != 0 or at is None:
            lines.append({**begun, **line})
    rest = [] if "item" in replace.split(",") else list(ready.values())
    return {**made, "item": {"items": sorted([*lines, *rest], key=lambda line: line.get("orderLine") or len(lines))}}


def applied(deposit: Record, reader: Reader) -> Record:
    """What the application of a deposit begins with."""
    if not deposit["unapplied"]:
        raise errors.user("There is nothing left to apply of this transaction.")
    return {"deposit": deposit["id"]}


def paid_back(deposit: Record, reader: Reader) -> Record:
    """What the refund of a deposit begins with: all that is left of it."""
    if not deposit["unapplied"]:
        raise errors.user("There is nothing left to refund of this transaction.")
    deposits = [{"doc": deposit["id"], "apply": True}]
    return {"customer": deposit["payer"], "deposit": deposits, "createdFrom": deposit["id"]}


LEGAL: dict[tuple[str, str], Given] = {
    ("invoice", "customerPayment"): payment,
    ("invoice", "creditMemo"): credit,
    ("customerDeposit", "depositApplication"): applied,
    ("customerDeposit", "customerRefund"): paid_back,
    ("salesOrder", "invoice"): bill,
    ("estimate", "invoice"): bill,
    ("estimate", "salesOrder"): copied,
    ("opportunity", "estimate"): copied,
    ("opportunity", "salesOrder"): copied,
}
"""By the types of source and result."""


class Transforms:
    """The routes."""

    def __init__(self, face: NetSuiteFace, records: Records) -> None:
        self.face = face
        self.records = records

    def operations(self) -> Iterable[Operation]:
        """One for each legal pair, and the refusal of all others."""
        role = self.face.system.role
        for (source, target), given in LEGAL.items():
            each = self.face.types[target]
            yield Operation(
                made_by(each),
                "POST",
                f"{RECORDS}/{source}/{{id}}/{MARK}/{target}",
                self._run,
                f"Make a {each.about['label'].lower()} out of {source}",
                entity=role.by_name[self.face.types[source].entity],
                write=True,
                kind="json",
                about={"type": each, "source": self.face.types[source], "given": given},
            )
        for each in self.face.types.values():
            if each.about["family"] == "transaction":
                path = f"{RECORDS}/{each.name}/{{id}}/{MARK}/{{target}}"
                yield Operation("transform", "POST", path, self._illegal, "Refused: nothing comes of this pair", write=True,
                                kind="json", about={"type": each})  # fmt: skip

    def _run(self, ask: Ask) -> Answer:
        about = ask.operation.about
        source = self.face.reader(ask).get(about["source"], ask.subject)
        body = ask.body if isinstance(ask.body, dict) else {}
        given = about["given"](source, self.face.reader(ask))
        return self.records.make(ask, overridden(given, body, dict(ask.query).get("replace", "")))

    def _illegal(self, ask: Ask) -> Answer:
        source, target = ask.operation.about["type"], ask.params["target"]
        self.face.reader(ask).get(source, ask.subject)
        raise Refused(400, "INVALID_REQUEST", f"The record {source.name} cannot be transformed to {target}.")
