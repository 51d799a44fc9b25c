"""Business deeds on billable items: approved time and expenses on their way to an invoice, and what a cap lets through."""

from __future__ import annotations

from counterfoil_mocks.billing import caps
from counterfoil_mocks.billing.model import BILLABLE_ITEM, PLAN_LINE, ROLE
from counterfoil_mocks.deeds import Step, minor, refuse_frozen, register_steps
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record, text
from counterfoil_mocks.kernel.tx import Tx

USED = """
SELECT coalesce(sum(amount - over_cap), 0) AS used, coalesce(sum(over_cap), 0) AS over FROM billing.billable_item
WHERE system = :system AND contract_no = :contract_no AND line_no = :line_no AND source_type = 'TIME' AND deleted_at IS NULL
    AND billing NOT IN ('NOT_BILLABLE', 'WRITTEN_OFF')
"""
"""What has taken room below a cap. Work that was credited and not released has: it was delivered, and stays recognised."""


@ROLE.on_create(BILLABLE_ITEM)
def take_item(tx: Tx, values: Record) -> Record:
    """Take an approved entry over. Labour on a capped line is split at the cap in order of arrival; all above it is OVER_CAP."""
    contract_no, line_no, ccy = values["contract_no"], values["line_no"], values["ccy"]
    capped = _capped_line(tx, contract_no, line_no) if values["source_type"] == "TIME" else None
    if capped is None:
        return tx.insert(BILLABLE_ITEM, values)
    if capped["ccy"] != ccy:
        raise invalid(
            "ccy", f"{ccy} given where the contract is in {capped['ccy']}", f"Give the amount in {capped['ccy']}."
        )
    before = tx.rows(USED, contract_no=contract_no, line_no=line_no)[0]
    part = caps.split(minor(values, "amount", ccy), capped["cap"], before["used"])
    state = "OVER_CAP" if part.over and not part.billable else "UNBILLED"
    item = tx.insert(BILLABLE_ITEM, {**values, "over_cap": part.over, "billing": state})
    if part.over and not before["over"]:
        tx.emit(
            PLAN_LINE,
            capped,
            "billing.cap.reached",
            {
                "line_no": line_no,
                "cap": {"minor": capped["cap"], "ccy": ccy},
                "excess": {"minor": part.over, "ccy": ccy},
                "source_id": item["source_id"],
            },
        )
    return item


@ROLE.on_update(BILLABLE_ITEM)
def change_item(tx: Tx, record: Record, changes: Record) -> Record:
    """What an item says does not change; a corrected entry is a new item."""
    refuse_frozen(record, changes, {"project_no", "description", "hold_reason"})
    return tx.update(BILLABLE_ITEM, record, changes)


REASON = text("reason", limit=255, required=True)

register_steps(
    ROLE,
    BILLABLE_ITEM,
    (
        Step(
            "hold_item",
            "ON_HOLD",
            "Keep an item from being billed, for a reason.",
            asks=(text("hold_reason", limit=255, required=True),),
            keeps=("hold_reason",),
        ),
        Step("release_item", "UNBILLED", "Let a held item be billed.", sources=("ON_HOLD",)),
        Step(
            "write_off_item",
            "WRITTEN_OFF",
            "Give an item up.",
            asks=(REASON, text("approver", limit=120, required=True)),
        ),
    ),
    state="billing",
)


def to_bill(item: Record) -> int:
    """Minor units of an item that an invoice would carry: below the cap, and not billed yet unless it was billed in full."""
    below = int(item["amount"] - item["over_cap"])
    return (
        below - int(item["billed"] or 0)
        if item["billing"] in ("UNBILLED", "SELECTED", "OVER_CAP", "ON_HOLD")
        else below
    )


def select(tx: Tx, item: Record) -> Record:
    """Put an unbilled item on a draft; one in any other state stays as it is."""
    return tx.update(BILLABLE_ITEM, item, {"billing": "SELECTED"}) if item["billing"] == "UNBILLED" else item


def let_go(tx: Tx, item: Record) -> Record:
    """Take an item off a draft that is discarded."""
    return tx.update(BILLABLE_ITEM, item, {"billing": "UNBILLED"}) if item["billing"] == "SELECTED" else item


def bill(tx: Tx, item: Record, amount: int, invoice_no: str) -> None:
    """Mark an item as billed on an issued invoice; what a raised cap has freed meanwhile stays to be billed."""
    if item["billing"] not in ("UNBILLED", "SELECTED"):
        return
    billed = int(item["billed"] or 0) + amount
    item = tx.update(BILLABLE_ITEM, select(tx, item), {"billing": "BILLED", "billed": billed, "invoice_no": invoice_no})
    if item["amount"] - item["over_cap"] > billed:
        tx.update(BILLABLE_ITEM, item, {"billing": "UNBILLED"})


def take_back(tx: Tx, item: Record, amount: int, invoice_no: str, *, release: bool) -> None:
    """Undo `bill` after a void or a credit; without release the item is credited for good."""
    if item["invoice_no"] != invoice_no or item["billing"] not in ("BILLED", "UNBILLED"):
        return
    if release or item["billing"] == "UNBILLED":
        billed = max(int(item["billed"] or 0) - amount, 0)
        tx.update(BILLABLE_ITEM, item, {"billing": "UNBILLED", "billed": billed, "invoice_no": None})
    else:
        tx.update(BILLABLE_ITEM, item, {"billing": "CREDITED"})


def free_above_cap(tx: Tx, contract_no: str, line_no: int, cap: int) -> list[Record]:
    """Let through what a raised cap now covers, by work date; returns what was freed in wire form."""
    used = tx.rows(USED, contract_no=contract_no, line_no=line_no)[0]["used"]
    found = tx.find(BILLABLE_ITEM, contract_no=contract_no, line_no=line_no, source_type="TIME")
    above = {item["id"]: item for item in found if item["over_cap"] and item["billing"] != "WRITTEN_OFF"}
    freed = caps.release(
        [(f"{item['work_date']}/{item['source_id']}", key, item["over_cap"]) for key, item in above.items()], cap - used
    )
    told = []
    for key, part in freed.items():
        item = above[key]
        state = item["billing"] if item["billing"] in ("SELECTED", "ON_HOLD") else "UNBILLED"
        tx.update(BILLABLE_ITEM, item, {"over_cap": item["over_cap"] - part, "billing": state})
        told.append({"source_id": item["source_id"], "amount": {"minor": part, "ccy": item["ccy"]}})
    return told


def _capped_line(tx: Tx, contract_no: str, line_no: int) -> Record | None:
    found = tx.find(PLAN_LINE, contract_no=contract_no, line_no=line_no)
    capped = [each for each in found if each["cap"] is not None]
    return max(capped, key=lambda each: int(each["plan_line"]), default=None)
