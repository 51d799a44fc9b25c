"""The firm's companies, as each role that has them looks them up."""

from __future__ import annotations

from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx


def entity_of(tx: Tx, code: str) -> Record:
    """The legal entity of a code; raises Problem 422 where there is none."""
    found = tx.look_up("legal_entity", code)
    if found is None:
        raise invalid(
            "legal_entity", f"there is no legal entity {code!r}", "Give the code of one of the firm's companies."
        )
    return found
