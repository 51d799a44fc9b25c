"""The arithmetic and the contents of billing documents: lines, net, tax, legends, the snapshot of whom they are addressed to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from counterfoil_mocks import fx
from counterfoil_mocks.billing import items
from counterfoil_mocks.billing.model import BILLABLE_ITEM, PLAN_LINE
from counterfoil_mocks.billing.tax import Taxed, document_tax
from counterfoil_mocks.billing.treatment import Case
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx

TERM_DAYS = {"NET15": 15, "NET30": 30, "NET45": 45, "NET60": 60}
UNIT = money.QTY_SCALE
GIVEN = "GIVEN"
"""The rounding policy of a document whose figures are another engine's."""


def price_of(minor: int, ccy: str) -> int:
    """An amount in minor units as a unit price."""
    return minor * money.PRICE_SCALE // int(10 ** money.exponent(ccy))


def worked_out(tx: Tx, lines: Iterable[Mapping[str, Any]], head: Record) -> Record:
    """Lines with net, rate and tax, and the document's net, tax, total, legends and warnings. Raises Problem 422 for an unknown
    tax code.

    A line without a code gets the one that the rules determine, and keeps following them; one with another code keeps it.
    head: ccy, rounding_policy, customer, contract_no, legal_entity, tax_point.
    Lines whose figures are GIVEN keep them and are added up.
    """
    if head["rounding_policy"] == GIVEN:
        return added_up(lines, head["ccy"])
    ccy, made = head["ccy"], []
    case = Case(tx, head)
    legends: list[str] = []
    warnings: list[str] = []
    for position, given in enumerate(lines, 1):
        line = {**given, "line_no": given.get("line_no") or position, "ccy": ccy}
        line["net"] = _net(line, ccy)
        found = case.of_line(line)
        if found.code and (case.exempt or line.get("tax_code") in (None, line.get("tax_determined"))):
            line["tax_code"] = found.code
        line["tax_determined"] = found.code
        code = _code(case, line.get("tax_code"))
        if found.warning and found.warning not in warnings:
            warnings.append(found.warning)
        line["tax_rate"] = 0 if code is None or case.exempt else code["rate"]
        line["taxable_fraction"] = money.RATE_SCALE if code is None else code["taxable_fraction"]
        if code is not None and code["legend"] and code["legend"] not in legends:
            legends.append(code["legend"])
        made.append(line)
    taxed = [Taxed(line["net"], line["tax_rate"], line["taxable_fraction"]) for line in made]
    for line, tax in zip(made, document_tax(taxed, head["rounding_policy"], ccy), strict=True):
        line["tax"] = tax
    net, tax = sum(line["net"] for line in made), sum(line["tax"] for line in made)
    reverse_charge = any((case.codes.get(line.get("tax_code") or "") or {}).get("category") == "AE" for line in made)
    return {
        "lines": made,
        "net": net,
        "tax": tax,
        "total": net + tax,
        "legends": legends,
        "warnings": warnings,
        "ec_sales": reverse_charge,
    }


def added_up(lines: Iterable[Mapping[str, Any]], ccy: str) -> Record:
    """Lines that came with their net and tax, from an engine in front of this one that has its own arithmetic, and their sums."""
    made = [{**line, "line_no": line.get("line_no") or at, "ccy": ccy} for at, line in enumerate(lines, 1)]
    net, tax = sum(line["net"] for line in made), sum(line["tax"] for line in made)
    return {"lines": made, "net": net, "tax": tax, "total": net + tax, "legends": [], "warnings": [], "ec_sales": False}


def _net(line: Record, ccy: str) -> int:
    if line.get("minutes"):
        line["qty"] = money.half_up(line["minutes"] * UNIT, 60)
        return money.time_amount(line["minutes"], line["unit_price"], ccy)
    line["qty"] = UNIT if line.get("qty") is None else line["qty"]
    return money.line_amount(line["qty"], line["unit_price"], ccy)


def _code(case: Case, name: str | None) -> Record | None:
    """A tax code by its name, None for none; raises Problem 422 for one that is not there."""
    if name is None:
        return None
    if name not in case.codes:
        raise invalid("tax_code", f"there is no tax code {name!r}", "Create it, or choose another.")
    return case.codes[name]


def local_tax(tx: Tx, figures: Record, head: Record, entity: Record, rate: int | None = None) -> Record:
    """The tax in the currency of the seller's country, where a domestic document is in another one (Directive art. 230).

    rate: in place of the table's. Raises Problem 409 FX_RATE_MISSING.
    """
    if head["rounding_policy"] == GIVEN:
        return {}
    local = entity["functional_ccy"]
    if head["ccy"] == local or not figures["tax"] or not entity["vat_id"]:
        return {}
    used = rate or fx.rate_on(tx, head["ccy"], local, head["tax_point"])
    return {"fx_rate": used, "local_ccy": local, "tax_local": money.convert(figures["tax"], used, head["ccy"], local)}


# what goes on a draft


def plan_lines(tx: Tx, plan: Record, keys: Iterable[str]) -> list[Record]:
    """The plan lines named; raises Problem 422 for one of another plan, 409 for one that is held or cancelled."""
    found = []
    for key in keys:
        line = tx.look_up(PLAN_LINE, key)
        if line is None or line["plan"] != plan["id"]:
            raise invalid(
                "plan_lines",
                f"the plan of {plan['contract_no']} has no line {key!r}",
                "Give keys of the plan's own lines.",
            )
        if line["status"] in ("HELD", "CANCELLED"):
            raise conflict(
                "PLAN_LINE_NOT_READY",
                f"Plan line {key} is {line['status']}.",
                field="plan_lines",
                remedy="Release the line, or leave it out.",
            )
        found.append(line)
    return found


def billable_items(tx: Tx, plan: Record, source_ids: Iterable[str]) -> list[Record]:
    """The items of the entries named, the unbilled ones where there are any; raises Problem 422 for an unknown entry."""
    found: list[Record] = []
    for source_id in dict.fromkeys(source_ids):
        mine = [
            each for each in tx.find(BILLABLE_ITEM, source_id=source_id) if each["contract_no"] == plan["contract_no"]
        ]
        mine = mine or [each for each in (tx.look_up(BILLABLE_ITEM, source_id),) if each is not None]
        if not mine:
            raise invalid(
                "items", f"{plan['contract_no']} has no billable item {source_id!r}", "Create the item first."
            )
        held = [each for each in mine if each["billing"] in ("ON_HOLD", "WRITTEN_OFF")]
        if len(held) == len(mine):
            raise conflict(
                "ITEM_NOT_BILLABLE",
                f"Item {source_id} is {held[0]['billing']}.",
                field="items",
                remedy="Release the item, or leave it out.",
            )
        found += [each for each in mine if each["billing"] == "UNBILLED"] or mine[:1]
    wrong = next((each for each in found if each["ccy"] != plan["ccy"]), None)
    if wrong is not None:
        raise invalid(
            "items",
            f"{wrong['source_id']} is in {wrong['ccy']}, the contract in {plan['ccy']}",
            "Bill it under a contract of its currency.",
        )
    return [each for each in found if items.to_bill(each)]


def draft_lines(
    tx: Tx, plan: Record, planned: list[Record], billable: list[Record]
) -> tuple[list[Record], list[Record]]:
    """Lines of a draft and the items they carry: a plan line at its amount, labour by contract line and rate, an expense a line."""
    lines = [_plan_line(line) for line in planned if line["amount"] is not None]
    cycles = {line["line_no"]: line for line in planned if line["amount"] is None}
    known = {line["line_no"]: line for line in tx.find(PLAN_LINE, plan=plan["id"])}
    carried: list[Record] = []
    for key, group in groupby(sorted(billable, key=_group), key=lambda item: _group(item)[:3]):
        for batch in _batches(list(group)):
            line_no = key[0]
            line = _item_line(batch, known.get(line_no), cycles.get(line_no))
            number = len(lines) + 1
            lines.append({**line, "line_no": number})
            carried += [
                {"line_no": number, "source_id": each["source_id"], "ccy": each["ccy"], "amount": items.to_bill(each)}
                for each in batch
            ]
    return [{**line, "line_no": number} for number, line in enumerate(lines, 1)], carried


def _group(item: Record) -> tuple[int, int, int, str, str]:
    expense = int(item["source_type"] == "EXPENSE")
    return item["line_no"], expense, -int(item["unit_price"] or 0), item["work_date"], item["source_id"]


def _batches(group: list[Record]) -> list[list[Record]]:
    """Entries that can share a line: whole labour entries whose hours × rate come to the sum of their amounts."""
    whole = [each for each in group if _is_whole(each)]
    rest = [[each] for each in group if not _is_whole(each)]
    if not whole:
        return rest
    minutes, price, ccy = sum(each["minutes"] for each in whole), whole[0]["unit_price"], whole[0]["ccy"]
    if money.time_amount(minutes, price, ccy) == sum(each["amount"] for each in whole):
        return [whole, *rest]
    return [[each] for each in group]


def _is_whole(item: Record) -> bool:
    if item["source_type"] != "TIME" or not item["minutes"] or item["unit_price"] is None:
        return False
    worth = money.time_amount(item["minutes"], item["unit_price"], item["ccy"])
    return items.to_bill(item) == worth and item["amount"] == worth


def _plan_line(line: Record) -> Record:
    return {
        "line_type": line["line_type"],
        "plan_line": line["key"],
        "ms_code": line["ms_code"],
        "contract_line": line["line_no"],
        "description": line["description"] or " ".join(filter(None, (line["kind"].capitalize(), line["ms_code"]))),
        "unit_price": price_of(line["amount"], line["ccy"]),
        "qty": UNIT,
        "service_item": line["service_item"],
        "tax_code": line["tax_code"],
    }


def _item_line(batch: list[Record], planned: Record | None, cycle: Record | None) -> Record:
    first = batch[0]
    expense = first["source_type"] == "EXPENSE"
    line: Record = {
        "line_type": "EXPENSE" if expense else (planned or {}).get("line_type") or "TM",
        "plan_line": cycle and cycle["key"],
        "contract_line": first["line_no"],
        "description": first["description"] if len(batch) == 1 else "Time",
        "items": [each["source_id"] for each in batch],
        "service_item": (cycle or planned or {}).get("service_item"),
        "tax_code": (cycle or planned or {}).get("tax_code"),
    }
    line["description"] = (line["description"] or ("Expense" if expense else "Time"))[:1000]
    if all(_is_whole(each) for each in batch):
        return line | {"minutes": sum(each["minutes"] for each in batch), "unit_price": first["unit_price"]}
    return line | {"qty": UNIT, "unit_price": price_of(items.to_bill(first), first["ccy"])}


# whom it is addressed to


def bill_to(tx: Tx, document: Record, plan: Record | None) -> Record:
    """The addressee as of now: name, address, VAT id and the version of the customer record."""
    buyer = tx.get("customer", document["customer"])
    site = tx.look_up("site", plan["bill_to"]) if plan is not None and plan["bill_to"] else None
    if site is None:
        places = tx.find("site", customer=buyer["id"], kind=["BILL_TO", "BOTH"])
        site = places[0] if places else None
    place = tx.look_up("site", plan["ship_to"]) if plan is not None and plan["ship_to"] else site
    return {
        "bill_to_name": buyer["name_full"] or buyer["name"],
        "bill_to_lines": site["lines"] if site else [],
        "bill_to_vat_id": buyer["vat_id"],
        "bill_to_version": buyer["version"],
        "ship_to_lines": place["lines"] if place else [],
    }
