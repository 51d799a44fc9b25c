"""Functions that are written out for a table of fields, once: walking the table for every record takes longer than what is done for a field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.protocols.conversion import same

if TYPE_CHECKING:
    from counterfoil_mocks.protocols.fieldmap import FieldMap


class Written:
    """A function as it grows. parameters: its own, of which `record`, `context` and `kept` (what the record holds that only the vendor knows)
    are those that fields are shown by."""

    def __init__(self, *parameters: str) -> None:
        self._head = f"def function({', '.join(parameters)}):"
        self._lines: list[str] = []
        self._values: dict[str, Any] = {}

    def line(self, text: str, depth: int = 1) -> None:
        """Add a line."""
        self._lines.append("    " * depth + text)

    def value(self, value: Any) -> str:
        """What a line calls a value by."""
        if value is None or type(value) in (str, int, bool):
            return repr(value)
        name = f"value_{len(self._values)}"
        self._values[name] = value
        return name

    def shown(self, each: FieldMap) -> str:
        """What gives a field as the vendor shows it."""
        if each.computed is not None:
            return f"{self.value(each.computed)}(record, context)"
        default = self.value(each.default)
        if not each.column:
            return f"kept.get({each.name!r}, {default})"
        stored = f"record[{each.column!r}]"
        if each.conversion.show is same:
            return stored if each.default is None else f"{default} if (stored := {stored}) is None else stored"
        show = self.value(each.conversion.show)
        return f"{default} if (stored := {stored}) is None else {show}(stored, record)"

    def function(self) -> Callable[..., Any]:
        """The function."""
        made: dict[str, Any] = {}
        exec("\n".join((self._head, *self._lines)), self._values, made)  # noqa: S102 (written above, of tables of our own)
        found: Callable[..., Any] = made["function"]
        return found


def dictionary(members: Sequence[tuple[str, str]]) -> str:
    """What gives a dict of names and what gives their values."""
    return "{" + ", ".join(f"{name!r}: {source}" for name, source in members) + "}"
