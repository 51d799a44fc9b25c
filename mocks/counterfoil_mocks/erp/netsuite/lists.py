"""Lists that an account has from its first day: currencies, payment terms, accounts. Each row has an id, a name and what is stored for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from counterfoil_mocks.common_fields import CURRENCY, TERMS
from counterfoil_mocks.erp.accounts import ACCOUNTS

KINDS = {"1000": "Bank", "1200": "AcctRec", "2300": "DeferRev"}
"""Accounts of a kind of their own; the others are of their class's."""

BY_CLASS = {"1": "OthCurrAsset", "2": "OthCurrLiab", "4": "Income", "5": "COGS", "6": "Expense", "7": "OthIncome"}


class Row(NamedTuple):
    """One member of a list. stored: what records hold of it. fields: as its record shows it."""

    id: str
    name: str
    stored: str
    fields: Mapping[str, Any]


def _terms() -> list[Row]:
    rows = []
    for number, code in enumerate(TERMS.split(), 1):
        days = int(code.removeprefix("NET"))
        name = f"Net {days}"
        rows.append(Row(str(number), name, code, {"name": name, "daysUntilNetDue": days, "isInactive": False}))
    return rows


def _currencies() -> list[Row]:
    return [
        Row(
            str(number),
            code,
            code,
            {"name": code, "symbol": code, "isBaseCurrency": code == "USD", "isInactive": False},
        )
        for number, code in enumerate(CURRENCY.split(), 1)
    ]


def account_type(number: str) -> str:
    """What kind of account one is."""
    return KINDS.get(number) or BY_CLASS.get(number[0], "OthExpense")


def _accounts() -> list[Row]:
    return [
        Row(
            number,
            f"{number} {name}",
            number,
            {
                "acctNumber": number,
                "acctName": name,
                "acctType": {"id": account_type(number), "refName": account_type(number)},
                "isInactive": False,
            },
        )
        for number, name in ACCOUNTS.items()
    ]


LISTS: dict[str, list[Row]] = {"term": _terms(), "currency": _currencies(), "account": _accounts()}
"""Rows by record type."""
BY_ID = {name: {row.id: row for row in rows} for name, rows in LISTS.items()}
BY_STORED = {name: {row.stored: row for row in rows} for name, rows in LISTS.items()}
