"""Subscriptions: where a system announces its events. A subscription takes all event types unless it lists some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from pydantic import Field as Schema
from pydantic import StringConstraints

from counterfoil_mocks.kernel import events, ids
from counterfoil_mocks.kernel.errors import conflict, not_found
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.kernel.wire import Shape, chars, shape_type

MOST = 100
WHSEC = r"^whsec_(?:[A-Za-z0-9+/]{4}){6,32}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

SHAPE = Shape(
    "WebhookCreate",
    shape_type(
        "WebhookCreate",
        {
            "url": Annotated[
                chars(2000, pattern=r"^https?://[A-Za-z0-9.\[\]:_-]+(/[!-~]*)?$"),
                Schema(description="Where events are posted to."),
            ],
            "types": Annotated[
                list[
                    Annotated[
                        str,
                        StringConstraints(pattern=r"^com\.counterfoil\.[a-z_]+(\.[a-z_]+)+\.v[0-9]+$", max_length=120),
                    ]
                ],
                Schema(max_length=100, description="Event types; all when absent or empty."),
            ],
            "secret": Annotated[
                chars(200, pattern=WHSEC),
                Schema(description="Signing secret, `whsec_` and base64; made when absent."),
            ],
        },
        ("url",),
    ),
    ("url", "types", "secret"),
    nulls=False,
)


def shown(row: Record) -> Record:
    """A subscription as callers see it, without its secret."""
    return {
        "id": row["id"],
        "url": row["url"],
        "types": row["types"].split(),
        "active": bool(row["active"]),
        "failures": row["failures"],
        "created_at": row["created_at"],
    }


def subscribe(
    system: System,
    url: str,
    types: list[str],
    secret: str | None = None,
    *,
    face: str = "",
    id: str | None = None,
    settings: Record | None = None,
    most: int = MOST,
) -> Record:
    """Add a subscription; the answer shows its secret. Raises Problem 409 beyond the most that a system takes.

    face: the vendor whose events it wants; by default it gets the native ones. settings: what that face keeps with it.
    """
    count = system.store.execute(
        f"SELECT count(*) FROM {system.schema}.subscription WHERE system = ? AND face = ?", (system.name, face)
    ).fetchone()[0]
    if count >= most:
        raise conflict("TOO_MANY_WEBHOOKS", f"There are {count} webhooks already.", remedy="Delete some first.")
    with system.store.transaction():
        number = system.next_number("webhook")
        parts = (system.world.seed, system.world.epoch, system.name, "webhook", number)
        secret = secret or events.new_secret(*parts)
        row = {
            "id": id or f"whk_{ids.hexadecimal(20, *parts)}",
            "url": url,
            "types": " ".join(types),
            "active": 1,
            "failures": 0,
            "created_at": system.clock.now,
        }
        system.store.execute(
            f"INSERT INTO {system.schema}.subscription (id, system, url, secret, types, active, failures, created_at, settings, face)"
            " VALUES (:id, :system, :url, :secret, :types, :active, :failures, :created_at, :settings, :face)",
            {
                **row,
                "system": system.name,
                "secret": secret,
                "face": face,
                "settings": orjson.dumps(settings or {}).decode(),
            },
        )
    system.subscriptions = None
    return {**shown(row), "secret": secret}


def _row(system: System, webhook_id: str) -> Record:
    found = system.store.rows(
        f"SELECT * FROM {system.schema}.subscription WHERE system = ? AND id = ? AND face = ''",
        (system.name, webhook_id),
    )
    if not found:
        raise not_found("webhook", webhook_id)
    return found[0]


def listing(system: System, webhook_id: str, body: Any) -> tuple[Any, str | None]:
    """List webhooks"""
    rows = system.store.rows(
        f"SELECT * FROM {system.schema}.subscription WHERE system = ? AND face = '' ORDER BY created_at, id",
        (system.name,),
    )
    return {"items": [shown(row) for row in rows], "next": None}, None


def create(system: System, webhook_id: str, body: Any) -> tuple[Any, str | None]:
    """Create a webhook; its secret is shown here and never again"""
    values = SHAPE.read(body)
    made = subscribe(system, values["url"], values.get("types", []), values.get("secret"))
    return made, f"/webhooks/{made['id']}"


def get(system: System, webhook_id: str, body: Any) -> tuple[Any, str | None]:
    """Read a webhook"""
    return shown(_row(system, webhook_id)), None


def delete(system: System, webhook_id: str, body: Any) -> tuple[Any, str | None]:
    """Delete a webhook"""
    row = _row(system, webhook_id)
    with system.store.transaction():
        system.store.execute(f"DELETE FROM {system.schema}.subscription WHERE id = ?", (webhook_id,))
    system.subscriptions = None
    return shown(row), None


Work = Callable[[System, str, Any], tuple[Any, str | None]]

TABLE: tuple[tuple[str, str, str, Work, int], ...] = (
    ("list_webhook", "GET", "/webhooks", listing, 200),
    ("create_webhook", "POST", "/webhooks", create, 201),
    ("get_webhook", "GET", "/webhooks/{id}", get, 200),
    ("delete_webhook", "DELETE", "/webhooks/{id}", delete, 200),
)
"""(operation, method, path, work, status of success)"""
