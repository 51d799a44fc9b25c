"""Schema change: a field has another name, there is a new one, or an enumeration has a value that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.faults.kind import Call, DeliveryPlan, Exchange, Kind


@dataclass
class SchemaChange(Kind, name="schema_change"):
    """In answers and events, `field` is called `renamed` instead, or shows `value`; or it is `added`, with that value."""

    field: str = ""
    renamed: str = ""
    value: str = ""
    added: bool = False

    def __post_init__(self) -> None:
        if not self.field:
            raise invalid("field", "a schema change needs the name of a field", "Name a field of the records.")
        if bool(self.renamed) == bool(self.value):
            raise invalid("renamed", "give either renamed or value", "Say what becomes of the field.")

    async def after(self, call: Call, exchange: Exchange) -> None:
        exchange.body = self._changed(exchange.body)

    def on_delivery(self, call: Call, plan: DeliveryPlan, die: float) -> None:
        plan.bends.append(self._changed)

    def _changed(self, body: bytes) -> bytes:
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        walk(content, self._bend)
        return orjson.dumps(content)

    def _bend(self, record: dict[str, Any]) -> None:
        if self.added:
            if "updated_at" in record:
                record.setdefault(self.field, self.value)
        elif self.field in record:
            if self.renamed:
                record[self.renamed] = record.pop(self.field)
            elif record[self.field] is not None:
                record[self.field] = self.value


def walk(content: Any, deed: Callable[[dict[str, Any]], None]) -> None:
    """Do something to every object of a document, the inner ones first."""
    if isinstance(content, dict):
        for each in list(content.values()):
            walk(each, deed)
        deed(content)
    elif isinstance(content, list):
        for each in content:
            walk(each, deed)
