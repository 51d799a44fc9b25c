"""Business deeds on debtors: their VAT ids are checked with the authorities' register (domain §3.11)."""

from __future__ import annotations

import re

from counterfoil_mocks.erp.model import CUSTOMER, ROLE
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx

REGISTERED = re.compile(r"(?:EL|XI|[A-Z]{2})[0-9A-Z+*]{8,12}")
"""What the register answers for: a country's prefix and 8 to 12 characters."""


def is_registered(vat_id: str, country: str) -> bool:
    """Whether the register knows a VAT id of a country; Greece writes EL."""
    compact = vat_id.replace(" ", "").replace(".", "").upper()
    return REGISTERED.fullmatch(compact) is not None and compact[:2] == {"GR": "EL"}.get(country, country)


@ROLE.action("validate_vat_id", on=CUSTOMER)
def validate_vat_id(tx: Tx, subject: Record, values: Record) -> Record:
    """Ask the register about a customer's VAT id and keep when it was found valid; null where it was not.

    Raises Problem 422 where there is none to ask about.
    """
    if not subject["vat_id"]:
        raise invalid("vat_id", f"{subject['name']} has no VAT id", "Enter it first.")
    valid = is_registered(subject["vat_id"], subject["country"])
    return tx.update(CUSTOMER, subject, {"vat_validated_at": tx.stamp if valid else None})
