"""Time that an invoice bills: the lines of its `time`, each a record of time worked for the customer or one of his jobs."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.given import Given, items_of
from counterfoil_mocks.erp.netsuite.kept_objects import REJECTED, TIME_BILL, TIMED
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx, changed


class BilledTime(Given):
    """Makes lines of an invoice of records of time, which are billed once."""

    def _timed(self, tx: Tx, sublist: Any, buyer: Record) -> tuple[list[Record], list[str]]:
        """Lines as callers might have given them as items, and the records of time that they bill; raises Refused 400."""
        lines: list[Record] = []
        billed: list[str] = []
        for number, line in enumerate(items_of(sublist, "time")):
            if not line.get("apply", True):
                continue
            at = f"time.items[{number}]."
            doc = self.reader.stored_of(TIME_BILL.name, line.get("doc"), "doc", f"{at}doc")
            time = tx.get("vendor_object", doc)["custom"]
            if doc in billed or not self._billable(tx, time, buyer):
                raise errors.reference(doc, "doc", f"{at}doc")
            rate = line.get("rate") if line.get("rate") is not None else time.get("rate")
            for label, name, value in (("Item", "item", time.get("item")), ("Rate", "rate", rate)):
                if value is None:
                    raise errors.missing(label, at + name)
            lines.append(
                {
                    "item": {"id": self.reader.id_of("serviceSaleItem", time["item"])},
                    "quantity": hours(time.get("hours") or "0:00"),
                    "rate": rate,
                    "description": time.get("memo"),
                    "custcol_line_type": "TM",
                    **{
                        name: line[name]
                        for name in ("amount", "taxCode", "tax1Amt", "custcol_contract_line")
                        if name in line
                    },
                }
            )
            billed.append(doc)
        return lines, billed

    @staticmethod
    def _billable(tx: Tx, time: Record, buyer: Record) -> bool:
        """Whether time was worked for a customer, may be billed and is not billed yet."""
        worked_for = time.get("customer")
        job = next(iter(tx.find("vendor_object", id=worked_for, kind="job")), None) if worked_for else None
        debtor = job["custom"].get("parent") if job is not None else worked_for
        rejected = str((time.get("approvalStatus") or {}).get("id")) == REJECTED
        return debtor == buyer["id"] and time.get("isBillable") is not False and not rejected and not time.get(TIMED)

    def _note_billed(self, tx: Tx, invoice: Record, billed: Iterable[str]) -> None:
        """Write at records of time which invoice bills them."""
        for doc in billed:
            record = tx.get("vendor_object", doc)
            changed(tx, self.entity(TIME_BILL), doc, {"custom": {**record["custom"], TIMED: invoice["id"]}})


def hours(said: str) -> int | float:
    """`8:30` as 8.5, to four places."""
    whole, _, minutes = said.partition(":")
    found = (Decimal(whole) + Decimal(minutes or 0) / 60).quantize(Decimal("0.0001"))
    return int(found) if found == found.to_integral_value() else float(found)
