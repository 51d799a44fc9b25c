"""What an integration answers when it is asked something beside its work: a model, and so a JSON schema, for each operation."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """An answer may say more than is asked for."""

    model_config = ConfigDict(extra="allow")


class Idle(Answer):
    """`idle`: whether it has nothing to do."""

    idle: bool


class DeadLetter(Answer):
    """A message that it parked. id: names it to `replay`."""

    id: str
    reason: str | None = None


class DeadLetters(Answer):
    """`dead_letters`."""

    items: list[DeadLetter]


class Difference(Answer):
    """Something that its reconciliation found. kind: its own word; key: business key of the record."""

    kind: str
    key: str | None = None


class Variance(Answer):
    """What was reconciled: a legal entity's period (`2026-01`) in one currency. variance: billed less posted, with tax, minor units."""

    legal_entity: str
    period: str
    ccy: str
    variance: int


class Differences(Answer):
    """`reconcile`. scopes: what was compared; INV-46 holds it against the systems."""

    items: list[Difference]
    scopes: list[Variance] = []


class Amount(Answer):
    """Money."""

    minor: int
    ccy: str


Shown = Amount | list[Amount] | None
"""One amount, or one for each currency."""


class Dashboard(Answer):
    """`dashboard`: figures by name. Those named here are held against the KPIs (INV-48); others may be there."""

    billed: Shown = None
    wip: Shown = None
    recognised: Shown = None
    backlog: Shown = None
    receivable: Shown = None
    margin: str | None = None
    utilization: str | None = None


ANSWERS: dict[str, type[Answer]] = {
    "idle": Idle,
    "dead_letters": DeadLetters,
    "reconcile": Differences,
    "dashboard": Dashboard,
}
"""By operation; the operations that are not here may answer anything."""


def schema() -> dict[str, Any]:
    """The JSON Schemas of all answers in one document, by operation under `$defs`."""
    drawn = {name: model.model_json_schema() for name, model in ANSWERS.items()}
    parts = {name: part for each in drawn.values() for name, part in each.pop("$defs", {}).items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://schemas.counterfoil.test/operations.json",
        "title": "Answers of an integration under test",
        "$defs": drawn | parts,
    }
