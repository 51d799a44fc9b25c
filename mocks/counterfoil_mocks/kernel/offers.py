"""What every role offers of its entities and deeds: records read, made, changed and removed, deeds done, one at a time or many at once.

The native face, the control plane and tests call the same operations; only where the call comes from differs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from counterfoil_mocks.kernel import idempotency, pages, webhooks, wire
from counterfoil_mocks.kernel.errors import Problem, invalid, not_found
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.operations import ANY_VERSION, Answer, Ask, Operation
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.kernel.tx import Tx, changed, made, perform, removed

# reading


def get(ask: Ask) -> Answer:
    """A record by native id or business key."""
    entity = ask.operation.entity
    assert entity is not None
    found = ask.system.table(entity.name).glance(
        ask.system.name, ask.subject, key=ask.system.looks_like_key(entity, ask.subject)
    )
    if found is None:
        return _led_on(ask, entity)
    payload = orjson.Fragment(found.shown) if ask.as_json else orjson.loads(found.shown)
    return Answer(200, payload, found.key, found.version)


def _led_on(ask: Ask, entity: Entity) -> Answer:
    """301 to the record that the one asked for was merged into, in the end; raises Problem 404 where there is none."""
    table, seen = ask.system.table(entity.name), {""}
    gone = table.by_id(ask.system.name, ask.subject)
    if gone is None:
        same = table.select(ask.system.name, {"key": ask.subject}, order=("updated_at", "id"), deleted=True)
        gone = same[-1] if same else None
    while gone is not None and gone["merged_into"] and gone["id"] not in seen:
        seen.add(gone["id"])
        gone = table.by_id(ask.system.name, gone["merged_into"])
    if gone is None or len(seen) == 1:
        raise not_found(entity.name.replace("_", " "), ask.subject)
    payload = {"merged_into": gone["id"], "key": gone["key"]}
    return Answer(301, payload, location=f"/{entity.plural}/{gone['id']}")


def listing(ask: Ask) -> Answer:
    """A page of records."""
    assert ask.operation.entity is not None
    return Answer(200, pages.page(ask.system, ask.operation.entity, ask.query, ask.hidden, as_json=ask.as_json))


# writing


def _written(ask: Ask, work: Callable[[Tx], Answer]) -> Answer:
    """Do the work as one transaction, or give the answer that its idempotency key stands for."""
    key = ask.idempotency_key
    if key is not None:
        before = idempotency.recall(ask.system, key, ask.fingerprint)
        if before is not None:
            return _replayed(before)
    try:
        with Tx(ask.system, ask.origin) as tx:
            if key is not None and tx.system.store.concurrent:
                before = idempotency.recall(ask.system, key, ask.fingerprint)  # another process may have just done it
                if before is not None:
                    raise _Done(before)
            answer = work(tx)
            if key is not None:
                idempotency.remember(tx, key, ask.fingerprint, answer.status, answer.payload)
        return answer
    except _Done as done:
        return _replayed(done.answer)
    except OverflowError as error:
        raise _out_of_range() from error


class _Done(Exception):
    """The work has been done by another process with the same key."""

    def __init__(self, answer: idempotency.Remembered) -> None:
        super().__init__("done already")
        self.answer = answer


def _replayed(before: idempotency.Remembered) -> Answer:
    return Answer(before.status, before.payload, headers=(("idempotency-replayed", "true"),))


def _out_of_range() -> Problem:
    return Problem(
        422,
        "OUT_OF_RANGE",
        "A figure that follows from this call is too large to be kept.",
        remedy="Give smaller amounts, quantities or dates.",
    )


def _version_asked(ask: Ask, *, needed: bool) -> int | None:
    """The version that the caller has seen; None for any. Raises Problem 428 where it is missing, 412 where it is no version."""
    text = ask.if_match
    if text is None:
        if needed:
            raise Problem(
                428,
                "VERSION_REQUIRED",
                "This system changes a record only for a caller who says which version he has seen.",
                field="If-Match",
                remedy="Send the ETag of the record as If-Match.",
            )
        return None
    if text == ANY_VERSION:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Problem(
            412, "STALE_VERSION", f"{text!r} is no version of the record.", field="If-Match", remedy="Read it again."
        )
    return int(text)


def create(ask: Ask) -> Answer:
    """A new record."""
    entity = ask.operation.entity
    assert entity is not None
    values = wire.create_shape(entity).read(ask.body)

    def work(tx: Tx) -> Answer:
        record = made(tx, entity, values)
        same, text = tx.shown
        payload = orjson.Fragment(text) if ask.as_json and text and same is record else entity.to_wire(record)
        return Answer(201, payload, record["key"], record["version"], f"/{entity.plural}/{record['id']}")

    return _written(ask, work)


def _change(ask: Ask, changes: Record) -> Answer:
    entity = ask.operation.entity
    assert entity is not None
    version = _version_asked(ask, needed=ask.system.role.if_match)

    def work(tx: Tx) -> Answer:
        record = changed(tx, entity, ask.subject, changes, version)
        return Answer(200, entity.to_wire(record), record["key"], record["version"])

    return _written(ask, work)


def update(ask: Ask) -> Answer:
    """Some fields of a record changed; the others stay."""
    assert ask.operation.entity is not None
    return _change(ask, wire.patch_shape(ask.operation.entity).read(ask.body))


def replacement(ask: Ask) -> Answer:
    """A record as given; what is omitted is cleared."""
    entity = ask.operation.entity
    assert entity is not None
    return _change(ask, wire.cleared(entity, wire.create_shape(entity).read(ask.body)))


def delete(ask: Ask) -> Answer:
    """A record deleted softly."""
    entity = ask.operation.entity
    assert entity is not None
    version = _version_asked(ask, needed=ask.system.role.if_match)

    def work(tx: Tx) -> Answer:
        record = removed(tx, entity, ask.subject, version)
        return Answer(200, entity.to_wire(record), record["key"], record["version"])

    return _written(ask, work)


def act(ask: Ask) -> Answer:
    """A business deed: `{"record", "events"}`."""
    action = ask.operation.action
    assert action is not None
    values = wire.action_shape(action).read(ask.body)
    subject: str | None = None
    if action.subject is not None:
        given = [name for name in ("id", "key") if name in values]
        if len(given) != 1:
            name = action.subject.name.replace("_", " ")
            raise invalid("key", f"{'both' if given else 'neither'} of `key` and `id` given", f"Name one {name}.")
        subject = values.pop(given[0])
    version = _version_asked(ask, needed=False)

    def work(tx: Tx) -> Answer:
        record = perform(tx, action.name, subject, values, version)
        payload = {"record": action.returns.to_wire(record), "events": tx.events}
        return Answer(200, payload, record["key"], record["version"])

    return _written(ask, work)


class _Undone(Exception):
    """A batch that was to be done as a whole has failed in one item."""


BULK_MEMBERS = ("all_or_none", "items")


def bulk(ask: Ask) -> Answer:
    """Many creates and updates: `{"results": [{"success", "record" or "error"}]}`, in the order of the items."""
    entity = ask.operation.entity
    assert entity is not None
    all_or_none, items = _bulk_body(ask.body, ask.system.role.batch)
    results: list[Record] = []

    def work(tx: Tx) -> Answer:
        for position, item in enumerate(items):
            try:
                with tx.attempt():
                    if ask.fail_item is not None and ask.fail_item(position):
                        raise Problem(500, "INJECTED_ERROR", "This item failed by plan.")
                    record = _bulk_item(tx, entity, item)
                results.append({"success": True, "record": entity.to_wire(record)})
            except (Problem, OverflowError) as error:
                problem = error if isinstance(error, Problem) else _out_of_range()
                results.append({"success": False, "error": problem.as_json()})
        if all_or_none and not all(each["success"] for each in results):
            raise _Undone
        return Answer(200, {"results": results})

    try:
        return _written(ask, work)
    except _Undone:
        undone = Problem(409, "ROLLED_BACK", "Another item of the batch failed.", remedy="Correct that one.").as_json()
        return Answer(
            200,
            {"results": [{"success": False, "error": undone} if each["success"] else each for each in results]},
        )


def _bulk_body(body: Any, most: int) -> tuple[bool, list[Any]]:
    if not isinstance(body, dict):
        raise invalid("body", "is not an object", 'Give {"items": […]}.')
    for name in body:
        if name not in BULK_MEMBERS:
            raise invalid(name, "is not a field of this", f"Give {' and '.join(BULK_MEMBERS)}.")
    all_or_none, items = body.get("all_or_none", False), body.get("items")
    if not isinstance(all_or_none, bool):
        raise invalid("all_or_none", "is neither true nor false")
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise invalid("items", f"is not a list of 1 to {most} items")
    return all_or_none, items


def _bulk_item(tx: Tx, entity: Entity, item: Any) -> Record:
    if not isinstance(item, dict) or item.get("op") not in ("create", "update"):
        raise invalid("op", "is neither create nor update", "Say in each item what is to be done.")
    values = {name: value for name, value in item.items() if name != "op"}
    if item["op"] == "create":
        return made(tx, entity, wire.create_shape(entity).read(values))
    subject, version = values.pop("id", None), values.pop("version", None)
    if not isinstance(subject, str) or not subject:
        raise invalid("id", "is missing or not a text", "Give the id or key of the record to update.")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise invalid("version", "is not a whole number", "Give the version that you have seen, or leave it out.")
    return changed(tx, entity, subject, wire.patch_shape(entity).read(values), version)


# the table


@lru_cache(maxsize=64)
def table(role: Role) -> dict[str, Operation]:
    """All operations of a role, by name."""
    found = [each for entity in role.entities for each in _of_entity(role, entity)]
    found += [
        Operation(
            action.name,
            "POST",
            f"/actions/{action.name}",
            act,
            action.doc,
            entity=action.returns,
            action=action,
            kind="action",
            write=True,
        )
        for action in role.actions.values()
    ]
    found += [
        Operation(name, method, path, _webhook(work), work.__doc__ or "", status, kind="webhook", secret=True)
        for name, method, path, work, status in webhooks.TABLE
    ]
    named = {each.name: each for each in found}
    if len(named) < len(found):
        raise TypeError(f"{role.name}: two operations of one name")
    return named


def _of_entity(role: Role, entity: Entity) -> list[Operation]:
    name, many, one = entity.name, f"/{entity.plural}", f"/{entity.plural}/{{id}}"
    words = name.replace("_", " ")
    found = [
        Operation(f"list_{name}", "GET", many, listing, f"List {words} records", entity=entity, kind="list"),
        Operation(f"get_{name}", "GET", one, get, f"Read a {words}", entity=entity, kind="get"),
    ]
    if not entity.writable:
        return found
    rows: list[tuple[str, str, str, Callable[[Ask], Answer], str, int]] = [
        ("create", "POST", many, create, f"Create a {words}", 201),
        ("update", "PATCH", one, update, f"Change a {words}", 200),
        ("delete", "DELETE", one, delete, f"Delete a {words}", 200),
        ("bulk", "POST", f"{many}/bulk", bulk, f"Create and change {words} records", 200),
    ]
    if role.put_replaces:
        rows.append(("replace", "PUT", one, replacement, f"Replace a {words}", 200))
    return found + [
        Operation(f"{kind}_{name}", method, path, work, summary, status, entity, kind=kind, write=True)
        for kind, method, path, work, summary, status in rows
        if (kind != "delete" or entity.deletable)
        and f"{'create' if kind == 'bulk' else kind}_{name}"
        not in role.actions  # that deed does all that belongs to it
    ]


def _webhook(work: Callable[[System, str, Any], tuple[Any, str | None]]) -> Callable[[Ask], Answer]:
    def run_webhook(ask: Ask) -> Answer:
        payload, location = work(ask.system, ask.subject, ask.body)
        return Answer(ask.operation.status, payload, location=location)

    return run_webhook
