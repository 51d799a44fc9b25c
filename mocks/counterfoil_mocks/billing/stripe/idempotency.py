"""Stripe's idempotency: a key stands for the status and the body of the first call that came with it, whatever they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.errors import IDEMPOTENCY, Refused
from counterfoil_mocks.kernel import idempotency
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Answer, Ask
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

LONGEST = 255
MOST_KEPT = 20_000
"""Clients mint a key for every POST; the oldest are forgotten beyond this many."""
SWEEP = 500
"""Every so many requests."""


def _print(ask: Ask) -> str:
    """What makes two calls the same: where they go to and their parameters, in whatever order these come."""
    said = orjson.dumps(ask.body, option=orjson.OPT_SORT_KEYS)
    return idempotency.fingerprint(ask.operation.name, ask.request.path, said)


def alone(face: StripeFace, ask: Ask, work: Callable[[], Record]) -> Answer:
    """Do work that is no deed of the business (an endpoint for events) once for each key."""
    key = face.key_of(ask)
    print_ = _print(ask)
    before = None if key is None else _recalled(face, key, print_)
    if before is not None:
        return before
    answer = Answer(200, work())
    if key is not None:
        said = {"payload": answer.payload, "request": ask.request.kept}
        with ask.system.store.transaction(ask.system.schema):
            idempotency.keep(ask.system, ask.system.clock.now, key, print_, 200, said)
    return answer


def done(face: StripeFace, ask: Ask, work: Callable[[Desk], Record | Answer]) -> Answer:
    """Do the work as one deed and keep its answer under the call's key, or give the answer that the key stands for."""
    key = face.key_of(ask)
    print_ = _print(ask)
    if key is not None:
        before = _recalled(face, key, print_)
        if before is not None:
            return before
    with Tx(ask.system, ask.origin) as tx:
        made = work(Desk(face, tx))
        answer = made if isinstance(made, Answer) else Answer(200, made)
        answer = answer._replace(payload=face.finished(ask, answer))
        if key is not None:
            said = {"payload": answer.payload, "request": ask.request.kept}
            idempotency.remember(tx, key, print_, answer.status, said)
            if ask.request.seq % SWEEP == 0:
                idempotency.forget(tx, MOST_KEPT)
    return answer


def _recalled(face: StripeFace, key: str, print_: str) -> Answer | None:
    if len(key) > LONGEST:
        raise Refused(400, f"Idempotency keys can be at most {LONGEST} characters long.", type=IDEMPOTENCY)
    try:
        found = idempotency.recall(face.system, key, print_)
    except Problem:
        raise Refused(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other"
            f" than '{key}' if you meant to execute a different request.",
            type=IDEMPOTENCY,
        ) from None
    if found is None:
        return None
    headers = (("Idempotent-Replayed", "true"), ("Original-Request", str(found.payload["request"])))
    return Answer(found.status, found.payload["payload"], headers=headers)
