"""Fields and objects that a firm has added to its vendor's system, as a landscape file declares them, in no vendor's words.

Each face that can hold them turns them into its own field tables; what it makes of a kind, and what it refuses, stands in its `declared.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NoReturn, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "text",
    "long_text",
    "email",
    "url",
    "integer",
    "decimal",
    "percent",
    "money",
    "boolean",
    "date",
    "instant",
    "choice",
    "choices",
    "ref",
]
KINDS: tuple[str, ...] = get_args(Kind)
TEXTS = ("text", "long_text", "email", "url")
"""Kinds that have a length."""
NUMBERS = ("decimal", "percent", "money")
"""Kinds that have decimal places."""
MEANT = {
    "length": TEXTS,
    "scale": NUMBERS,
    "choices": ("choice", "choices"),
    "refers": ("ref",),
    "unique": ("text", "email"),
    "external_id": ("text", "email"),
}
"""Kinds of fields that a member of a declaration is for."""


class Custom(BaseModel):
    """A field that the firm has added to an object."""

    model_config = ConfigDict(extra="forbid")

    type: Kind = Field(description="What it holds.")
    label: str | None = Field(None, min_length=1, max_length=80, description="What people call it; made of its name.")
    length: int | None = Field(None, ge=1, le=131_072, description="Most characters of a text.")
    scale: int | None = Field(None, ge=0, le=8, description="Decimal places of a number; 2 by default.")
    choices: list[str] = Field([], max_length=1000, description="What a choice chooses from, in the order shown.")
    refers: str | None = Field(None, description="The object that a reference is to, as the vendor calls it.")
    required: bool = Field(False, description="Whether a new record must have it.")
    unique: bool = Field(False, description="Whether no two records may have the same.")
    external_id: bool = Field(False, description="Whether records can be found and upserted by it.")

    @model_validator(mode="after")
    def _fitting(self) -> Custom:
        for name, kinds in MEANT.items():
            if getattr(self, name) not in (None, [], False) and self.type not in kinds:
                raise ValueError(f"{name} is for {' and '.join(kinds)}, not for {self.type}")
        if self.type in MEANT["choices"] and not self.choices:
            raise ValueError(f"a {self.type} needs `choices`, what there is to choose")
        if len(set(self.choices)) < len(self.choices) or not all(each.strip() for each in self.choices):
            raise ValueError("choices must be texts, each once")
        if self.type == "ref" and not self.refers:
            raise ValueError("a ref needs `refers`, the object that it is to")
        return self

    @property
    def places(self) -> int:
        """Decimal places."""
        return 2 if self.scale is None else self.scale


Customs = Mapping[str, Mapping[str, Custom]]
"""By the vendor's names of object and field."""


class Undeclarable(ValueError):
    """A declaration that a vendor cannot have. at: object and, where it is about one, field and member of it."""

    def __init__(self, sentence: str, *at: str) -> None:
        self.at = at
        super().__init__(sentence)


def refuse(sentence: str, *at: str) -> NoReturn:
    """Raises Undeclarable."""
    raise Undeclarable(sentence, *at)


def of_settings(settings: Mapping[str, Any]) -> Customs:
    """What a system's settings say is declared of it."""
    found: Customs = settings.get("custom") or {}
    return found


def offered(customs: Customs, kinds: Mapping[str, Any], vendor: str) -> None:
    """Raises Undeclarable for a field of a kind that a vendor has not got."""
    for name, fields in customs.items():
        for field, said in fields.items():
            if said.type not in kinds:
                refuse(
                    f"the {vendor} face has no fields of type {said.type}; it has {', '.join(kinds)}",
                    name,
                    field,
                    "type",
                )
