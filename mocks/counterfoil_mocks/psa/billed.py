"""What billing tells delivery: which time and expenses stand on an invoice, and which came back from one."""

from __future__ import annotations

from counterfoil_mocks.deeds import step
from counterfoil_mocks.kernel.errors import conflict, invalid
from counterfoil_mocks.kernel.fields import Entity, Record, choice, lines, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.psa.model import EXPENSE, PROJECT, ROLE, TIME_ENTRY

SOURCES = {"TIME": TIME_ENTRY, "EXPENSE": EXPENSE}
SOURCE_FIELDS = (
    choice("source_type", "TIME EXPENSE", required=True),
    text("source_id", "Id or key of the entry.", limit=64, required=True),
)
BILLED = Entity(
    "billed_item",
    "billed_items",
    "",
    (*SOURCE_FIELDS, text("invoice_line", "`invoice_no/line_no` that bills it.", limit=60, required=True)),
)
RELEASED = Entity(
    "released_item",
    "released_items",
    "",
    (
        *SOURCE_FIELDS,
        text("invoice_line", "Release it only if this line bills it; then a later invoice is safe.", limit=60),
    ),
)


@ROLE.action("mark_billed", lines("items", BILLED, "What is on an invoice."), on=PROJECT)
def mark_billed(tx: Tx, subject: Record, values: Record) -> Record:
    """Mark approved entries as billed. Saying the same again changes nothing; another invoice is refused."""
    for at, item in enumerate(values.get("items") or []):
        entity, entry = _entry(tx, subject, item, f"items[{at}]")
        if entry["billing"] == "BILLED" and entry["invoice_line"] == item["invoice_line"]:
            continue
        _check_billable(entry, f"items[{at}]")
        if entry["billing"] == "UNBILLED":
            entry = step(tx, entity, entry, "SELECTED", state="billing")
        step(tx, entity, entry, "BILLED", {"invoice_line": item["invoice_line"]}, state="billing")
    return subject


@ROLE.action("release_billed", lines("items", RELEASED, "What came back from an invoice."), on=PROJECT)
def release_billed(tx: Tx, subject: Record, values: Record) -> Record:
    """Make entries billable again after a discarded draft, a void, or a credit with release. Saying it again changes nothing."""
    for at, item in enumerate(values.get("items") or []):
        entity, entry = _entry(tx, subject, item, f"items[{at}]")
        elsewhere = item.get("invoice_line") is not None and item["invoice_line"] != entry["invoice_line"]
        if entry["billing"] in ("SELECTED", "BILLED") and not elsewhere:
            step(tx, entity, entry, "UNBILLED", {"invoice_line": None}, state="billing")
    return subject


def _entry(tx: Tx, project: Record, item: Record, where: str) -> tuple[Entity, Record]:
    entity = SOURCES[item["source_type"]]
    entry = tx.look_up(entity, item["source_id"])
    if entry is None or entry["project"] != project["id"]:
        name = entity.name.replace("_", " ")
        raise invalid(
            f"{where}.source_id",
            f"project {project['project_no']} has no {name} {item['source_id']!r}",
            "Give the id or key of one of its entries.",
        )
    return entity, entry


def _check_billable(entry: Record, where: str) -> None:
    if entry["approval"] != "APPROVED":
        raise conflict(
            "NOT_APPROVED",
            f"{entry['key']} is {entry['approval']}.",
            field=f"{where}.source_id",
            remedy="Only approved entries are billed.",
        )
    if entry["billing"] == "BILLED":
        raise conflict(
            "ALREADY_BILLED",
            f"{entry['key']} is billed on {entry['invoice_line']}.",
            field=f"{where}.invoice_line",
            remedy="Release it from that invoice first.",
        )
