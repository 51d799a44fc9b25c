"""Expansion: ids in an answer become the objects that they name, along dotted paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import invalid
from counterfoil_mocks.billing.stripe.kind import kept
from counterfoil_mocks.billing.stripe.kinds import EXPANDS, KINDS
from counterfoil_mocks.kernel.fields import Record

DEEPEST = 4


def expanded(desk: Desk, payload: Record, paths: Sequence[str]) -> Record:
    """The payload with what the paths name put into it; raises Refused 400 for a path that leads nowhere."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise invalid(
                f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}",
                "expand",
                "property_expansion_max_depth",
            )
        _expand(desk, payload, steps, path)
    return payload


def _expand(desk: Desk, place: Any, steps: Sequence[str], path: str) -> None:
    if not steps or place is None:
        return
    if isinstance(place, list):
        for each in place:
            _expand(desk, each, steps, path)
        return
    if not isinstance(place, dict):
        raise _nowhere(path)
    if place.get("object") in ("list", "search_result"):
        if steps[0] != "data":
            raise _nowhere(path)
        _expand(desk, place["data"], steps[1:], path)
        return
    name = str(place.get("object") or "item")
    if steps[0] in INCLUDED.get(name, {}):
        if steps[0] not in place:
            place[steps[0]] = desk.tongue(INCLUDED[name][steps[0]](desk, place))
        _expand(desk, place[steps[0]], steps[1:], path)
        return
    _into(desk, place, name, steps, path)


def _into(desk: Desk, place: Record, name: str, steps: Sequence[str], path: str) -> None:
    """Replace the id at the start of a path, or go on into a hash that has no name of its own."""
    known = EXPANDS.get(name, {})
    for length in range(len(steps), 0, -1):
        dotted = ".".join(steps[:length])
        if dotted in known and steps[0] in place:
            _replace(desk, place, steps[:length], known[dotted])
            _follow(desk, place, steps[:length], steps[length:], path)
            return
    if any(each.startswith(steps[0] + ".") for each in known) and len(steps) == 1:
        return
    if steps[0] not in place or not isinstance(place[steps[0]], (dict, list)):
        raise _nowhere(path)
    if len(steps) == 1 and not isinstance(place[steps[0]], list) and "object" not in place[steps[0]]:
        raise _nowhere(path)
    _expand(desk, place[steps[0]], steps[1:], path)


def _replace(desk: Desk, place: Any, steps: Sequence[str], kind: str) -> None:
    if isinstance(place, list):
        for each in place:
            _replace(desk, each, steps, kind)
        return
    if not isinstance(place, dict) or steps[0] not in place:
        return
    if len(steps) > 1:
        _replace(desk, place[steps[0]], steps[1:], kind)
        return
    value = place[steps[0]]
    if isinstance(value, list):
        place[steps[0]] = [_object(desk, kind, each) for each in value]
    elif isinstance(value, str):
        place[steps[0]] = _object(desk, kind, value)


def _object(desk: Desk, kind: str, id: Any) -> Any:
    if not isinstance(id, str) or kind not in KINDS:
        return id
    found = desk.find(kind, id)
    if found is not None:
        return desk.tongue(found)
    return {"id": id, "object": kind, "deleted": True} if KINDS[kind].stub else id


def _follow(desk: Desk, place: Any, done: Sequence[str], rest: Sequence[str], path: str) -> None:
    if not rest:
        return
    for step in done:
        if isinstance(place, list):
            for each in place:
                _follow(desk, each, done, rest, path)
            return
        place = (place or {}).get(step)
    _expand(desk, place, rest, path)


def _nowhere(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", "expand")


def _listed(name: str, url: Callable[[Record], str], **where: str) -> Callable[[Desk, Record], Record]:
    """The objects that belong to one, as a list within it. where: field → the field of the owner that it equals."""

    def included(desk: Desk, owner: Record) -> Record:
        found = desk.all(name, **{field: owner[of] for field, of in where.items()})[::-1]
        return {"object": "list", "data": found[:10], "has_more": len(found) > 10, "url": url(owner)}

    return included


def _tiers(desk: Desk, price: Record) -> Any:
    record = desk.record(KINDS["price"], price["id"])
    return kept(record).get("tiers") if record else None


def _subscriptions(desk: Desk, customer: Record) -> Record:
    found = [each for each in desk.all("subscription", customer=customer["id"]) if each["status"] != "canceled"][::-1]
    url = f"/v1/customers/{customer['id']}/subscriptions"
    return {"object": "list", "data": found[:10], "has_more": len(found) > 10, "url": url}


def _applies_to(desk: Desk, coupon: Record) -> Any:
    return desk.kept("coupon", coupon["id"]).get("applies_to")


def _secret(desk: Desk, invoice: Record) -> Record | None:
    """What a browser confirms the payment of an invoice with."""
    for payment in desk.all("invoice_payment", invoice=invoice["id"])[::-1]:
        intent = desk.find("payment_intent", payment["payment"].get("payment_intent") or "")
        if intent is not None:
            return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    return None


INCLUDED: dict[str, dict[str, Callable[[Desk, Record], Any]]] = {
    "price": {"tiers": _tiers},
    "invoice": {
        "confirmation_secret": _secret,
        "payments": _listed(
            "invoice_payment", lambda owner: f"/v1/invoice_payments?invoice={owner['id']}", invoice="id"
        ),
    },
    "customer": {
        "tax_ids": _listed("tax_id", lambda owner: f"/v1/customers/{owner['id']}/tax_ids", customer="id"),
        "sources": _listed("payment_method", lambda owner: f"/v1/customers/{owner['id']}/sources", customer="id"),
        "subscriptions": _subscriptions,
    },
    "coupon": {"applies_to": _applies_to},
    "charge": {"refunds": _listed("refund", lambda owner: f"/v1/charges/{owner['id']}/refunds", charge="id")},
}
"""Fields that are shown only where they are asked for."""
