"""Options that say whose protocol each system speaks; the same for all commands that start a landscape."""

from __future__ import annotations

from typing import Annotated

import typer

from counterfoil.roles import ROLES

Crm = Annotated[str | None, typer.Option("--crm", metavar="VENDOR", help="Whose protocol the CRM speaks.")]
Psa = Annotated[str | None, typer.Option("--psa", metavar="VENDOR", help="Whose protocol the PSA speaks.")]
Erp = Annotated[str | None, typer.Option("--erp", metavar="VENDOR", help="Whose protocol the ERP speaks.")]
Billing = Annotated[str | None, typer.Option("--billing", metavar="VENDOR", help="Whose protocol billing speaks.")]


def faces(crm: str | None, psa: str | None, erp: str | None, billing: str | None) -> dict[str, str]:
    """Vendor by role, of those that were named."""
    given = zip(ROLES, (crm, psa, erp, billing), strict=True)
    return {role: vendor for role, vendor in given if vendor is not None}


def checked(vendors: dict[str, str]) -> dict[str, str]:
    """The same; raises Unreadable for a vendor that a role does not have."""
    if vendors:
        from counterfoil.descriptor import Unreadable
        from counterfoil_mocks import config

        try:
            config.understood(config.wearing({}, vendors))
        except config.Unusable as error:
            raise Unreadable(str(error)) from error
    return vendors


def words(vendors: dict[str, str]) -> str:
    """The options that say so again."""
    return "".join(f" --{role} {vendor}" for role, vendor in vendors.items())
