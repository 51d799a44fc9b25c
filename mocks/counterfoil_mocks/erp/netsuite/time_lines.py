"""How lines of an invoice are shown that bill time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.erp.netsuite.kept_objects import TIME_BILL
from counterfoil_mocks.erp.netsuite.objects import KEEP, LINE
from counterfoil_mocks.kernel.fields import Record

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.reader import Reader

FIGURES = ("quantity", "rate", "amount", "taxCode", "tax1Amt", "grossAmt")


def told(reader: Reader, extras: Mapping[str, Any], invoice: Record) -> Iterable[Record]:
    """The lines of an invoice's `time`. extras: what is kept of its lines, by their numbers."""
    for line in invoice["lines"]:
        own = extras.get(str(line["line_no"])) or {}
        found = reader.find(TIME_BILL, own[TIME_BILL.name]) if own.get(TIME_BILL.name) else None
        if found is not None:
            time = reader.fields(TIME_BILL, found)
            shown = reader.fields(LINE, {**line, "custom": {KEEP: own}})
            yield {
                "line": line["line_no"],
                "doc": reader.reference(TIME_BILL.name, found["id"]),
                "apply": True,
                **{name: time[name] for name in ("employee", "item", "memo") if name in time},
                **{name: shown[name] for name in FIGURES if name in shown},
                "billedDate": time.get("tranDate"),
            }
