"""Rate cards as people in a PSA keep them: rate by rate, on the firm's own copy. Where cards come from is the CRM's business."""

from __future__ import annotations

from counterfoil_mocks.common_actions import check_card
from counterfoil_mocks.common_fields import LEVEL
from counterfoil_mocks.kernel.errors import conflict
from counterfoil_mocks.kernel.fields import Record, choice, price
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.psa.model import PROJECT, RATE_CARD, ROLE


@ROLE.action(
    "set_card_rate",
    choice("level", LEVEL, "Whose rate it is.", required=True),
    price("rate", "Per hour; without it the level leaves the card."),
    on=RATE_CARD,
)
def set_card_rate(tx: Tx, subject: Record, values: Record) -> Record:
    """Change what a level costs on a card, or take the level off it; what has been rated stays rated."""
    rows = [{name: row[name] for name in ("level", "rate")} for row in subject["rows"]]
    at = next((number for number, row in enumerate(rows) if row["level"] == values["level"]), len(rows))
    rows[at : at + 1] = [] if values.get("rate") is None else [{"level": values["level"], "rate": values["rate"]}]
    check_card({**subject, "rows": rows})
    return tx.update(RATE_CARD, subject, {"rows": rows}, event="")


@ROLE.action("drop_rate_card", on=RATE_CARD)
def drop_rate_card(tx: Tx, subject: Record, values: Record) -> Record:
    """Delete a version of a card that no project is priced by."""
    if _in_use(tx, subject):
        raise conflict(
            "RATE_CARD_IN_USE",
            f"Rate card {subject['key']} is what a project is priced by; it stays.",
            field="rate_card",
            remedy="Give its projects another card first.",
        )
    return tx.delete(RATE_CARD, subject)


def _in_use(tx: Tx, card: Record) -> bool:
    """Whether a project names this version, or in this currency another one of the card: all of them price it, each its days."""
    versions = [each["id"] for each in tx.find(RATE_CARD, code=card["code"], region=card["region"])]
    projects = tx.find(PROJECT, rate_card=versions)
    return any(card["id"] == each["rate_card"] or card["ccy"] == each["ccy"] for each in projects)
