"""How objects are made and changed by parameters alone: metadata and hashes merge leaf by leaf, all else is replaced."""

from __future__ import annotations

from counterfoil_mocks.billing.stripe import errors
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.kind import Kind, folded
from counterfoil_mocks.kernel.fields import Record


def gone(kind: Kind, id: str) -> Record:
    """What is left of a deleted object."""
    return {"id": id, "object": kind.name, "deleted": True}


def make(desk: Desk, kind: Kind, given: Record) -> Record:
    """A new object of checked parameters."""
    said = {name: value for name, value in given.items() if name != "expand" and value is not None}
    if "metadata" in said:
        said["metadata"] = merged({}, said["metadata"])
    return desk.insert(kind.name, said)


def altered(before: Record, given: Record) -> Record:
    """What checked parameters change of an object."""
    said: Record = {}
    for name, value in given.items():
        if name == "metadata":
            said[name] = {} if value is None else merged(before["metadata"], value)
        elif isinstance(value, dict) and isinstance(before.get(name), dict):
            said[name] = folded(before[name], value)
        elif name != "expand":
            said[name] = value
    return said


def alter(desk: Desk, kind: Kind, before: Record, given: Record) -> Record:
    """An object changed by checked parameters."""
    said = altered(before, given)
    return desk.change(kind.name, before["id"], said) if said else before


def merged(before: Record, given: Record) -> Record:
    """Metadata with what is given; an empty text takes a key away. Raises Refused beyond 50 keys."""
    found = {name: value for name, value in {**before, **given}.items() if value != ""}
    if len(found) > 50:
        raise errors.invalid("Metadata can only contain 50 keys.", "metadata")
    return found


def whole(given: Record | None, leaves: tuple[str, ...]) -> Record | None:
    """A hash with all its leaves, null where they are not given."""
    return None if given is None else {**dict.fromkeys(leaves), **given}
