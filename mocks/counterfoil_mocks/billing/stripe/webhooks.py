"""The account: its webhook endpoints, its events, its balance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.billing.stripe import errors, events, idempotency, params, versions
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import merged
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.lists import limit_of, url_of
from counterfoil_mocks.billing.stripe.params import META, TEXT, Spec
from counterfoil_mocks.billing.stripe.vocabulary import EVENTS
from counterfoil_mocks.kernel import clock, webhooks
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols.conversion import epoch, of_epoch

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

PATH = "/v1/webhook_endpoints"
MOST = 16
DAYS = 30
CREATE: Spec = {
    "url": TEXT,
    "enabled_events": [TEXT],
    "api_version": TEXT,
    "description": TEXT,
    "metadata": META,
    "connect": params.BOOL,
}
UPDATE: Spec = {
    **{name: CREATE[name] for name in ("url", "enabled_events", "description", "metadata")},
    "disabled": params.BOOL,
}
MOST_TYPES = 20
LISTED_EVENTS: Spec = {**params.LISTED, "type": TEXT, "types": [TEXT], "delivery_success": params.BOOL}
FETCH = "SELECT o.*, {pending} AS pending FROM {s}.outbox o WHERE o.system = ? AND o.face = 'stripe' AND o.at >= ?"
PENDING = "(SELECT count(*) FROM {s}.delivery d WHERE d.event_seq = o.seq AND d.state = 'PENDING')"


def operations(face: StripeFace) -> Iterable[Operation]:
    """Their routes."""

    def said(ask: Ask, spec: Spec, *required: str) -> Record:
        return params.checked(spec, ask.body or {}, required)

    def create(ask: Ask) -> Answer:
        given = said(ask, CREATE, "url", "enabled_events")
        _check_types(given["enabled_events"])
        versions.check(given.get("api_version"), "api_version")
        more = {name: given.get(name) for name in ("api_version", "description")}
        more["metadata"] = merged({}, given.get("metadata") or {})
        return idempotency.alone(face, ask, lambda: subscribe(face, given["url"], given["enabled_events"], None, more))

    def listing(ask: Ask) -> Answer:
        given = said(ask, params.LISTED)
        return Answer(200, _page([endpoint(row) for row in _rows(face)[::-1]], given))

    def retrieve(ask: Ask) -> Answer:
        return Answer(200, endpoint(_row(face, ask.subject)))

    def update(ask: Ask) -> Answer:
        return idempotency.alone(face, ask, lambda: changed(ask))

    def changed(ask: Ask) -> Record:
        row, given = _row(face, ask.subject), said(ask, UPDATE)
        settings = orjson.loads(row["settings"])
        if given.get("url"):
            _check_url(given["url"])
        if given.get("enabled_events"):
            _check_types(given["enabled_events"])
            settings["enabled_events"] = given["enabled_events"]
        if "description" in given:
            settings["description"] = given["description"]
        if "metadata" in given:
            settings["metadata"] = (
                merged(settings.get("metadata") or {}, given["metadata"]) if given["metadata"] else {}
            )
        types = settings["enabled_events"]
        active = row["active"] if given.get("disabled") is None else int(not given["disabled"])
        with face.system.store.transaction():
            face.system.store.execute(
                f"UPDATE {face.system.schema}.subscription SET url = ?, types = ?, active = ?, settings = ? WHERE id = ?",
                (given.get("url") or row["url"], _types(types), active, orjson.dumps(settings).decode(), row["id"]),
            )
        face.system.subscriptions = None
        return endpoint(_row(face, ask.subject))

    def delete(ask: Ask) -> Answer:
        row = _row(face, ask.subject)
        with face.system.store.transaction():
            face.system.store.execute(f"DELETE FROM {face.system.schema}.subscription WHERE id = ?", (row["id"],))
        face.system.subscriptions = None
        return Answer(200, {"id": row["id"], "object": "webhook_endpoint", "deleted": True})

    def list_events(ask: Ask) -> Answer:
        given = said(ask, LISTED_EVENTS)
        return Answer(200, _events(face, given))

    def get_event(ask: Ask) -> Answer:
        found = _fetch(face, " AND o.id = ?", (ask.subject,), 1)
        if not found:
            raise errors.missing("event", ask.subject)
        return Answer(200, events.envelope(found[0], pending=found[0]["pending"]))

    def account(desk: Desk, id: str, given: Record) -> Record:
        return {
            "id": face.keys.account_id,
            "object": "account",
            "business_profile": {"name": face.account_name},
            "charges_enabled": True,
            "country": "US",
            "default_currency": "usd",
            "details_submitted": True,
            "email": None,
            "payouts_enabled": True,
            "type": "standard",
        }

    def balance(desk: Desk, id: str, given: Record) -> Record:
        sums: dict[str, int] = {}
        for each in desk.all("balance_transaction"):
            sums[each["currency"]] = sums.get(each["currency"], 0) + each["net"]
        available = [
            {"amount": amount, "currency": ccy, "source_types": {"card": amount}}
            for ccy, amount in sorted(sums.items())
        ]
        return {"object": "balance", "available": available, "livemode": False, "pending": []}

    yield face.read("get_account", "/v1/account", {}, account)
    yield face.read("get_balance", "/v1/balance", {}, balance)
    one = f"{PATH}/{{id}}"
    yield Operation("create_webhook", "POST", PATH, create, "Create a webhook endpoint", secret=True)
    yield Operation("list_webhook", "GET", PATH, listing, "List webhook endpoints")
    yield Operation("get_webhook", "GET", one, retrieve, "Read a webhook endpoint")
    yield Operation("update_webhook", "POST", one, update, "Change a webhook endpoint", write=True)
    yield Operation("delete_webhook", "DELETE", one, delete, "Delete a webhook endpoint", write=True)
    yield Operation("list_event", "GET", "/v1/events", list_events, "List events")
    yield Operation("get_event", "GET", "/v1/events/{id}", get_event, "Read an event")


def subscribe(
    face: StripeFace, url: str, types: list[str], secret: str | None = None, more: Record | None = None
) -> Record:
    """Add an endpoint; the answer shows its secret. Raises Refused."""
    _check_url(url)
    number = face.system.next_number("webhook_endpoint")
    parts = (face.system.world.seed, face.system.world.epoch, face.system.name, "webhook_endpoint", number)
    settings = {"enabled_events": types, "number": number, "created": epoch(face.system.clock.now), **(more or {})}
    made = webhooks.subscribe(
        face.system,
        url,
        [] if "*" in types else types,
        secret or f"whsec_{chars(32, *parts, 'secret')}",
        face="stripe",
        id=f"we_{chars(24, *parts)}",
        settings=settings,
        most=MOST,
    )
    return {**endpoint(_row(face, made["id"])), "secret": made["secret"]}


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise errors.invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")


def _check_types(types: list[str]) -> None:
    """Refuse a type of event that there is not: its endpoint would wait for it for ever."""
    for number, each in enumerate(types):
        if each != "*" and each not in EVENTS:
            at = f"enabled_events[{number}]"
            raise errors.invalid(f"Invalid {at}: '{each}' is no type of event; see /v1/events for those there are.", at)


def _page(shown: list[Record], given: Record) -> Record:
    """A page of endpoints, newest first."""
    limit, ids = limit_of(given), [each["id"] for each in shown]
    for name in ("starting_after", "ending_before"):
        if given.get(name) and given[name] not in ids:
            raise errors.missing("webhook endpoint", given[name], param=name, status=400)
    if given.get("ending_before"):
        left = shown[: ids.index(given["ending_before"])]
        more, found = len(left) > limit, left[-limit:]
    else:
        left = shown[ids.index(given["starting_after"]) + 1 :] if given.get("starting_after") else shown
        more, found = len(left) > limit, left[:limit]
    return {"object": "list", "url": PATH, "has_more": more, "data": found}


def _types(types: list[str]) -> str:
    return "" if "*" in types else " ".join(types)


def _rows(face: StripeFace) -> list[Record]:
    found = face.system.store.rows(
        f"SELECT * FROM {face.system.schema}.subscription WHERE system = ? AND face = 'stripe'", (face.system.name,)
    )
    return sorted(found, key=lambda row: int(orjson.loads(row["settings"])["number"]))


def _row(face: StripeFace, id: str) -> Record:
    found = [row for row in _rows(face) if row["id"] == id]
    if not found:
        raise errors.missing("webhook endpoint", id)
    return found[0]


def endpoint(row: Record) -> Record:
    """An endpoint as Stripe shows it, without its secret."""
    settings = orjson.loads(row["settings"])
    return {
        "id": row["id"],
        "object": "webhook_endpoint",
        "api_version": settings.get("api_version"),
        "application": None,
        "created": settings["created"],
        "description": settings.get("description"),
        "enabled_events": settings["enabled_events"],
        "livemode": False,
        "metadata": settings.get("metadata") or {},
        "status": "enabled" if row["active"] else "disabled",
        "url": row["url"],
    }


def _fetch(face: StripeFace, where: str, values: tuple[Any, ...], limit: int, order: str = "DESC") -> list[Record]:
    schema = face.system.schema
    text = FETCH.format(s=schema, pending=PENDING.format(s=schema)) + where + f" ORDER BY o.seq {order} LIMIT {limit}"
    oldest = clock.later(face.system.clock.now, days=-DAYS)
    return face.system.store.rows(text, (face.system.name, oldest, *values))


def _events(face: StripeFace, given: Record) -> Record:
    limit = limit_of(given)
    where: str = ""
    values: list[Any] = []
    if given.get("type") and given.get("types"):
        raise errors.invalid("You may only specify one of these parameters: type, types.", "type")
    if len(given.get("types") or ()) > MOST_TYPES:
        raise errors.invalid(f"You may only specify up to {MOST_TYPES} types.", "types")
    types = given.get("types") or ([given["type"]] if given.get("type") else [])
    if types:
        where += " AND (" + " OR ".join("o.type LIKE ? ESCAPE '!'" for _ in types) + ")"
        values += [each.replace("!", "!!").replace("_", "!_").replace("%", "!%").replace("*", "%") for each in types]
    created = given.get("created")
    bounds = created if isinstance(created, dict) else {"gte": created, "lte": created} if created is not None else {}
    signs = {"gt": (">=", 1), "gte": (">=", 0), "lt": ("<", 0), "lte": ("<", 1)}
    for name, value in bounds.items():
        where += f" AND o.at {signs[name][0]} ?"
        values.append(of_epoch(value + signs[name][1]))
    if given.get("delivery_success") is not None:
        where += f" AND {'NOT ' if given['delivery_success'] else ''}EXISTS (SELECT 1 FROM {face.system.schema}.delivery d WHERE d.event_seq = o.seq AND d.state <> 'DELIVERED')"
    backwards = given.get("ending_before") is not None
    cursor = given.get("ending_before") or given.get("starting_after")
    if cursor is not None:
        seen = _fetch(face, " AND o.id = ?", (cursor,), 1)
        if not seen:
            raise errors.missing("event", cursor, param="ending_before" if backwards else "starting_after", status=400)
        where += f" AND o.seq {'>' if backwards else '<'} ?"
        values.append(seen[0]["seq"])
    rows = _fetch(face, where, tuple(values), limit + 1, "ASC" if backwards else "DESC")
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    return {
        "object": "list",
        "url": url_of("/v1/events", given),
        "has_more": more,
        "data": [events.envelope(row, pending=row["pending"]) for row in rows],
    }
