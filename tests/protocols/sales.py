"""A small CRM to query: a catalog over its canonical tables, and what fills them."""

from __future__ import annotations

from typing import Any

import orjson

from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.protocols.relation import (
    MONEY_PLACES,
    Children,
    Column,
    Expression,
    View,
    Views,
    amount,
    custom,
    stored,
)
from counterfoil_mocks.roles import ROLES

STAGES = {
    "PROSPECT": "Prospecting",
    "QUALIFY": "Qualification",
    "CLOSED_WON": "Closed Won",
    "CLOSED_LOST": "Closed Lost",
}


def _view(
    store: Store, name: str, entity: str, columns: tuple[Column, ...], children: tuple[Children, ...] = ()
) -> View:
    table = store.table("crm", entity).sql

    def where(rows: Any, deleted: bool) -> Any:
        yield rows.c.system == "crm"
        if not deleted:
            yield rows.c.deleted_at.is_(None)

    return View(name, table.alias, where, columns, children)


def _is(column: str, *values: str) -> Expression:
    return lambda rows: rows.c[column].in_(values)


def catalog(store: Store) -> Views:
    """Accounts, contacts, opportunities and tasks that may be about any of them."""
    ident = Column("Id", "id", stored("id"), type="id")
    return Views(
        (
            _view(
                store,
                "Account",
                "customer",
                (
                    ident,
                    Column("Name", "text", stored("name"), type="string"),
                    Column(
                        "ParentId", "id", stored("parent"), type="reference", refers=("Account",), relation="Parent"
                    ),
                    Column("BillingCountry", "text", stored("country"), type="string"),
                    Column("CreditHold__c", "boolean", _is("status", "CREDIT_HOLD"), type="boolean"),
                    Column("Employees", "number", custom("Employees", places=0), type="int"),
                    Column("Tags__c", "text", custom("Tags__c"), type="multipicklist"),
                    Column("CreatedDate", "instant", stored("created_at"), type="datetime"),
                ),
                (Children("Opportunities", "Opportunity", "AccountId"), Children("Contacts", "Contact", "AccountId")),
            ),
            _view(
                store,
                "Contact",
                "contact",
                (
                    ident,
                    Column("Name", "text", stored("name"), type="string"),
                    Column(
                        "AccountId", "id", stored("customer"), type="reference", refers=("Account",), relation="Account"
                    ),
                ),
            ),
            _view(
                store,
                "Opportunity",
                "opportunity",
                (
                    ident,
                    Column("Name", "text", stored("name"), type="string"),
                    Column(
                        "AccountId", "id", stored("customer"), type="reference", refers=("Account",), relation="Account"
                    ),
                    Column("StageName", "choice", stored("stage"), words=STAGES, type="picklist"),
                    Column("Amount", "number", amount("amount"), MONEY_PLACES, type="currency"),
                    Column("CloseDate", "date", stored("close_date"), type="date"),
                    Column("IsWon", "boolean", _is("stage", "CLOSED_WON"), type="boolean"),
                ),
            ),
            _view(
                store,
                "Task",
                "approval",
                (
                    ident,
                    Column(
                        "WhatId",
                        "id",
                        stored("external_id"),
                        type="reference",
                        refers=("Account", "Opportunity"),
                        relation="What",
                    ),
                ),
            ),
        )
    )


def new_store() -> Store:
    """An empty store of all roles."""
    return Store("memory", ROLES)


def put(store: Store, entity: str, records: list[dict[str, Any]]) -> None:
    """Insert records with only the columns that matter."""
    table = store.table("crm", entity)
    kinds = {each.name: each for each in table.fields}
    for record in records:
        values = {"system": "crm", "version": 1, "created_at": "2026-01-05T15:00:00.000Z", "custom": {}, **record}
        bound = {
            name: orjson.dumps(value).decode() if isinstance(value, (dict, list)) else value
            for name, value in values.items()
            if name == "system" or name in kinds
        }
        names = ", ".join(f'"{name}"' for name in bound)
        places = ", ".join(f":{name}" for name in bound)
        store.execute(f"INSERT INTO crm.{entity} ({names}) VALUES ({places})", bound)
