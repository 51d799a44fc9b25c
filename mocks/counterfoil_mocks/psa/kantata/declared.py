"""Custom fields that a landscape file declares of this account, beside the business's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from counterfoil_mocks.kernel.customs import Customs, offered, refuse
from counterfoil_mocks.psa.kantata.values import FIRST, SUBJECTS, CustomField, built_in

KINDS: Mapping[str, str] = {
    "text": "string",
    "long_text": "string",
    "url": "string",
    "integer": "number",
    "money": "currency",
    "date": "date",
    "choice": "single",
    "choices": "multi",
}
"""The type that becomes of each kind of field."""
UNKNOWN = ("required", "unique", "external_id")
"""What Kantata's API asks of no custom field."""
LONGEST_NAME = 100


def fields(customs: Customs) -> Sequence[CustomField]:
    """All custom fields of the account's first day, with what is declared; raises Undeclarable."""
    found = built_in()
    offered(customs, KINDS, "kantata")
    for subject, declared in customs.items():
        if subject not in SUBJECTS:
            refuse(f"Kantata has no custom fields of {subject}; it has those of {', '.join(SUBJECTS)}", subject)
        key = SUBJECTS[subject]
        for name, said in declared.items():
            if not name.strip() or len(name) > LONGEST_NAME:
                refuse(f"a field's name has 1 to {LONGEST_NAME} characters", subject, name)
            if any(each.key == key and each.name == name for each in found):
                refuse(f"{subject} has a custom field of that name already", subject, name)
            for member in UNKNOWN:
                if getattr(said, member):
                    refuse(f"no custom field of Kantata is `{member}`", subject, name, member)
            if said.label is not None:
                refuse("a custom field of Kantata is called by its name", subject, name, "label")
            choices = dict(enumerate(said.choices, 1))
            found.append(
                CustomField(str(FIRST + len(found)), name, KINDS[said.type], key, choices=choices, length=said.length)
            )
    return found
