"""The contracts of the fakes as documents: OpenAPI of every native face and the control plane, AsyncAPI and JSON Schema of every event."""

from __future__ import annotations

from typing import Any

from counterfoil_mocks import catalogue, config
from counterfoil_mocks.control_shapes import INTEGRATION_EVENT
from counterfoil_mocks.kernel import asyncapi, events, openapi
from counterfoil_mocks.kernel.native import About, NativeFace
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.landscape import Landscape
from counterfoil_mocks.roles import FACES, ROLES

Record = dict[str, Any]


def documents() -> dict[str, Record]:
    """Every document by its path below the contracts' folder. The landscape behind them has no firm and serves nobody."""
    landscape = Landscape.build({"size": "empty", "store": "memory", "port_base": 0})
    try:
        found = {f"openapi/{name}.yaml": _native(system) for name, system in landscape.systems.items()}
        found["openapi/control.yaml"] = landscape.control.openapi()
    finally:
        landscape.store.close()
    for name, role in ROLES.items():
        told = catalogue.of_role(name)
        found[f"asyncapi/{name}.yaml"] = asyncapi.document(role, FACES[name].title, told)
        for each in told:
            found[f"schemas/events/{each.full}.json"] = asyncapi.schema(role, each)
    for kind, doc in catalogue.OWN:
        found[f"schemas/events/com.counterfoil.int.{kind}.v1.json"] = _own(kind, doc)
    found["schemas/landscape.json"] = config.schema()
    return found


def _native(system: System) -> Record:
    about: About = FACES[system.role.name]
    face = NativeFace(system, about)
    return openapi.document(system.role, about.title, about.description, tuple(face.table.operations.values()))


def _own(kind: str, doc: str) -> Record:
    """An event that an integration announces of itself, as `POST /integration/events` takes it."""
    text = {"type": ["string", "null"], "maxLength": 255}
    named = dict.fromkeys(("id", "businesskey", "correlationid", "causationid", "traceparent"), text)
    full = f"com.counterfoil.int.{kind}.v1"
    return {
        "$schema": asyncapi.DIALECT,
        "$id": f"{events.SCHEMAS}/events/{full}.json",
        "title": full,
        "type": "object",
        "description": doc,
        "properties": {
            "type": {"type": "string", "pattern": INTEGRATION_EVENT, "examples": [full]},
            **named,
            "data": {"type": "object", "description": "class, severity, attempts, detail: what people need to know."},
        },
        "required": ["type"],
    }
