"""Transforms: a record made out of another, as `POST …/invoice/12/!transform/customerPayment`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.errors import Refused
from counterfoil_mocks.erp.netsuite.reader import RECORDS, Reader
from counterfoil_mocks.erp.netsuite.record_routes import Records, made_by
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

MARK = "!transform"
Given = Callable[[Record, Reader], Record]
CARRIED = ("memo", "otherRefNum", "currency", "subsidiary", "exchangeRate", "job", "department", "class", "location")


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


def order(source: Record, reader: Reader) -> Record:
    """What an order, an estimate or an invoice begins with: the lines and the head of what it is made of."""
    if reader.billed(source):
        raise errors.user("There is nothing left to bill on this transaction.")
    custom = source["custom"]
    head = {name: custom[name] for name in CARRIED if custom.get(name) is not None}
    for name in ("currency", "subsidiary"):
        if name in head:
            head[name] = reader.id_of(name, head[name])
    lines = []
    for kept in custom.get("item") or []:
        line = {name: value for name, value in kept.items() if value is not None}
        for name, refers in (("item", "serviceSaleItem"), ("taxCode", "salesTaxItem")):
            if name in line:
                line[name] = {"id": reader.id_of(refers, line[name])}
        line.pop("isClosed", None)
        line.pop("expectedShipDate", None)
        lines.append(line)
    return {**head, "entity": custom["entity"], "item": {"items": lines}, "createdFrom": source["id"]}


LEGAL: dict[tuple[str, str], Given] = {
    ("invoice", "customerPayment"): payment,
    ("invoice", "creditMemo"): credit,
    ("salesOrder", "invoice"): order,
    ("estimate", "invoice"): order,
    ("estimate", "salesOrder"): order,
    ("opportunity", "estimate"): order,
    ("opportunity", "salesOrder"): order,
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
        return self.records.make(ask, {**about["given"](source, self.face.reader(ask)), **body})

    def _illegal(self, ask: Ask) -> Answer:
        source, target = ask.operation.about["type"], ask.params["target"]
        self.face.reader(ask).get(source, ask.subject)
        raise Refused(400, "INVALID_REQUEST", f"The record {source.name} cannot be transformed to {target}.")
