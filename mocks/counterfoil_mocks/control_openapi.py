"""The OpenAPI document of the control plane: its own calls, and every collection and action of every system of the landscape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from counterfoil_mocks.canonical import PREFIX, offered
from counterfoil_mocks.kernel import openapi
from counterfoil_mocks.kernel.faults import KINDS, Kind
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.kernel.system import System

if TYPE_CHECKING:
    from counterfoil_mocks.landscape import Landscape

Record = dict[str, Any]
SCHEMAS = "#/components/schemas/"
PROBLEM = {"application/problem+json": {"schema": {"$ref": SCHEMAS + "Problem"}}}
VALUES = (400, 404, 409, 412, 413, 422)
"""Refusals of canonical operations; the native faces know more."""

REASONS = {
    400: "The body is not JSON.",
    401: "The landscape has a token, and it was not sent.",
    404: "There is no such thing.",
    409: "Not possible in the state that things are in.",
    412: "The record is at another version than `If-Match` says.",
    413: "The body is too large.",
    422: "A value cannot be taken; `field` says which.",
    503: "Something does not answer.",
}
REFUSALS: dict[str, tuple[int, ...]] = {
    "health": (503,),
    "ready": (503,),
    "redeliver": (404, 409),
    "mend": (404,),
    "inject": (400, 422),
    "restore": (400, 404, 422),
    "forget": (404, 409),
}
"""Refusals that an operation's parameters do not show."""
LINKS: dict[str, dict[str, dict[str, str]]] = {
    "snapshot": {
        "restore": {"snapshot_id": "$response.body#/id"},
        "forget": {"snapshot_id": "$response.body#/id"},
    },
}
"""What can be done with what an operation answers. Lists have none: an expression cannot say `the first, if there is one`, and a link
into an empty list is an error to whoever follows it."""


def document(app: FastAPI, landscape: Landscape) -> Record:
    """The whole document."""
    own = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
    schemas: Record = own.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["FaultSpec"] = fault_schema()
    for operations in own["paths"].values():
        for operation in operations.values():
            own_refusals(operation)
    own["paths"]["/faults"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {
        "type": "array",
        "maxItems": 1000,
        "items": {"$ref": SCHEMAS + "FaultSpec"},
    }
    for system in landscape.systems.values():
        add_system(own, system)
    if landscape.config.token is not None:
        guard(own)
    return own


def own_refusals(operation: Record) -> None:
    """Say with which statuses one of the control plane's own calls may refuse."""
    answers = operation["responses"]
    known = set(REFUSALS.get(operation["operationId"], ()))
    if answers.pop("422", None) is not None:
        known.add(422)
    if "requestBody" in operation:
        known |= {400, 422}
    for name, parameters in LINKS.get(operation["operationId"], {}).items():
        success = next(answers[status] for status in ("200", "201") if status in answers)
        success.setdefault("links", {})[name] = {"operationId": name, "parameters": parameters}
    for status in sorted(known):
        answers[str(status)] = {"description": REASONS[status], "content": PROBLEM}


def guard(document_: Record) -> None:
    """Say that callers need the token."""
    document_["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    document_["security"] = [{"bearer": []}]
    for path, operations in document_["paths"].items():
        for operation in operations.values():
            if path in ("/health", "/ready"):
                operation["security"] = []
            else:
                operation["responses"]["401"] = {"description": REASONS[401], "content": PROBLEM}


def add_system(document_: Record, system: System) -> None:
    """Add the collections and actions of a system; its schemas are named by its role."""
    role = system.role.name
    operations = tuple(offered(system.role))
    native = openapi.document(system.role, role, "", operations)
    rename = renaming(role)
    schemas = document_["components"]["schemas"]
    for name, schema in native["components"]["schemas"].items():
        schemas[shared(name) or f"{role}.{name}"] = walked(schema, rename)
    by_name = {each.name: each for each in operations}
    for path, found in native["paths"].items():
        document_["paths"][f"{PREFIX}/{system.name}{path}"] = {
            method: canonical(walked(each, rename), by_name[each["operationId"]], system)
            for method, each in found.items()
        }


def shared(name: str) -> str | None:
    """The name of a schema that all roles share, else None."""
    return name if name in ("Problem", "Event", "Money", "ExtRef") else None


def renaming(role: str) -> Callable[[str], str]:
    """Turns a reference of the native document into one of this document."""

    def rename(target: str) -> str:
        name = target.rsplit("/", 1)[-1]
        return SCHEMAS + (shared(name) or f"{role}.{name}") if target.startswith(SCHEMAS) else target

    return rename


def walked(value: Any, rename: Callable[[str], str]) -> Any:
    """The same JSON with its references renamed."""
    if isinstance(value, Mapping):
        return {key: rename(each) if key == "$ref" else walked(each, rename) for key, each in value.items()}
    return [walked(each, rename) for each in value] if isinstance(value, list) else value


def canonical(described: Record, operation: Operation, system: System) -> Record:
    """A native operation as the control plane offers it: one way of paging, no preconditions, fewer refusals."""
    made = {**described, "operationId": f"{system.name}.{operation.name}", "tags": [system.name]}
    made["parameters"] = [
        parameter(each, system)
        for each in described["parameters"]
        if each["name"] not in ("Idempotency-Key", "X-Correlation-Id", "X-Causation-Id")
    ]
    made["responses"] = {
        status: answer if "$ref" not in answer else {"description": REASONS[int(status)], "content": PROBLEM}
        for status, answer in described["responses"].items()
        if "$ref" not in answer or int(status) in VALUES
    }
    for answer in made["responses"].values():
        for link in answer.get("links", {}).values():
            link["operationId"] = f"{system.name}.{link['operationId']}"
    return made


def parameter(native: Record, system: System) -> Record:
    """A parameter as the control plane takes it."""
    if native["name"] == system.role.page[0]:
        return {**native, "name": "cursor"}
    if native["name"] == "If-Match":
        return {**native, "required": False}
    return native


def fault_schema() -> Record:
    """What a fault may be: one form for each kind."""
    return {"anyOf": [kind_schema(name, kind) for name, kind in sorted(KINDS.items())]}


TYPES: dict[type, Record] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0, "maximum": 10**7},
    float: {"type": "number", "minimum": 0, "maximum": 10**7},
    str: {"type": "string", "maxLength": 255},
}


def kind_schema(name: str, kind: type[Kind]) -> Record:
    """One kind of fault with its address, its selector and its settings. That a fault has one selector at most is said in words: as
    `not` it would triple the forms, and generators of test data give up on so many."""
    address = {"type": ["string", "null"], "description": "A name, or a pattern with `*`; everything by default."}
    attempt = {"type": "integer", "minimum": 1}
    settings = {
        each.name: {**TYPES.get(type(each.default), {}), "default": each.default}
        for each in fields(kind)
        if not each.name.startswith("_")
    }
    for setting, limits in kind.limits.items():
        settings[setting] |= dict(zip(("minimum", "maximum"), limits, strict=True))
    return {
        "type": "object",
        "title": name,
        "description": (kind.__doc__ or "").strip(),
        "properties": {
            "kind": {"const": name},
            "system": address,
            "operation": address,
            "key": address,
            "nth": {
                "anyOf": [attempt, {"type": "array", "items": attempt, "minItems": 1}, {"type": "null"}],
                "description": "Which attempts at the same call are struck; at most one of `nth`, `every` and `share`.",
            },
            "every": {**attempt, "type": ["integer", "null"], "description": "Every so many attempts."},
            "share": {
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": 1,
                "description": "So large a part, by the seed.",
            },
            **settings,
        },
        "required": ["kind"],
        "additionalProperties": False,
    }
