"""The file that describes an integration under test, and how `${…}` in it reads the landscape. Starts nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from counterfoil_mocks.reading import Undecodable, decoded

Ability = Literal["trace", "dead_letters", "reconciliation", "dashboard", "approvals", "polling", "batch", "migration"]
Promise = Literal["project_setup_seconds", "invoice_posting_seconds"]
# fmt: off
Deadline = Literal[
    "DL-S", "DL-M", "DL-P", "DL-C", "DL-T", "DL-B", "DL-I", "DL-Y", "DL-R", "DL-X-S1", "DL-X-S2", "DL-X-S3", "DL-X-S4", "DL-W", "DL-Q",
]
# fmt: on
EventType = Annotated[str, Field(pattern=r"^com\.counterfoil\.[a-z_]+(\.[a-z_]+)+\.v[0-9]+$", max_length=120)]
Call = Annotated[str, Field(pattern=r"^(GET|POST|PUT|PATCH|DELETE) \S+$")]
AS_JSON = "json:"
PLACE = re.compile(r"\$\{([^}]*)\}")


class Unreadable(Exception):
    """A file or argument that cannot be understood (exit code 2). The text says what, where and what to write instead."""


class Part(BaseModel):
    """A part of the descriptor; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(Part):
    """How it comes to run: exactly one of a command, a container image (with or without a command), or the address of one that runs
    already."""

    command: list[str] | None = Field(
        None, min_length=1, description="Program and arguments; of an image, what it is given instead of its own."
    )
    image: str | None = Field(None, min_length=1, description="Container image; pulled where it is not there.")
    env: dict[str, str] = Field({}, description="Further environment variables of the container.")
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        [],
        description="Ports that the image listens on whatever it is told; `${port}` is the first as seen from where it is used, `${ports.N}` this machine's for each.",
    )
    network: Literal["host", "bridge"] | None = Field(
        None,
        description="`host` (the default where the engine runs on this machine and no `ports` are fixed) or `bridge`.",
    )
    url: str | None = Field(None, pattern=r"^https?://", description="Address of an integration that runs already.")
    cwd: str | None = Field(None, description="Working folder of the command; the descriptor's own by default.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Start:
        program = None if self.image is not None else self.command
        if sum(each is not None for each in (program, self.image, self.url)) != 1 or (self.url and self.command):
            raise ValueError("give exactly one of `command`, `image` and `url` (an `image` may have a `command` too)")
        if self.image is None and (self.env or self.ports or self.network):
            raise ValueError("`env`, `ports` and `network` belong to an `image`")
        if self.network == "host" and self.ports:
            raise ValueError(
                "`ports` are published, and with `network: host` there is nothing to publish: leave one out"
            )
        return self


class Ready(Part):
    """When it is ready: this address answers 2xx."""

    url: str
    timeout: float = Field(30, gt=0, le=600, description="Seconds to wait at most.")


class Operations(Part):
    """What it can be asked besides its work: `METHOD path` or `METHOD url` each."""

    reset: Call | None = Field(None, description="Forget all state. Any 2xx answer.")
    idle: Call | None = Field(None, description='Whether it has nothing to do. Answers {"idle": true | false}.')
    dead_letters: Call | None = Field(
        None, description='Messages that it parked. Answers {"items": [{"id": …, "reason": …}]}.'
    )
    replay: Call | None = Field(None, description="Try a parked message, `{id}`, again. Any 2xx answer.")
    approve: Call | None = Field(None, description="Let a held change, `{id}`, go on. Any 2xx answer.")
    reconcile: Call | None = Field(
        None, description='Run a reconciliation now. Answers {"items": [{"kind": …, "key": …}]}.'
    )
    poll: Call | None = Field(None, description="Look for changes that no event told of. Any 2xx answer.")
    dashboard: Call | None = Field(None, description="Its own figures. Answers an object of amounts by name.")


class Also(Part):
    """What it needs to work with one more system."""

    env: dict[str, str] = Field({}, description="Further environment variables.")
    webhook: str | None = Field(None, description="Address that the system sends its events to.")


class Descriptor(Part):
    """The integration under test, as its file describes it."""

    name: str = Field(min_length=1)
    start: Start
    env: dict[str, str] = Field({}, description="Environment variables; `${…}` reads the landscape.")
    ready: Ready | None = None
    webhooks: dict[str, str] = Field({}, description="Address that each system, by name, sends its events to.")
    events: list[EventType] = Field(
        [],
        description="Types of events that it is sent, as `com.counterfoil.crm.opportunity.closed_won.v1`; all by default.",
    )
    also: dict[str, Also] = Field(
        {}, description="By name of a system: what applies where the landscape has it, such as a second ERP."
    )
    poll: float | None = Field(
        None,
        gt=0,
        le=3600,
        description="Seconds between polls, if it polls; it is at rest when nothing is written for so long and `quiet` besides.",
    )
    quiet: float = Field(0.5, ge=0, le=600, description="Seconds without traffic that mean it is at rest.")
    declares: list[Ability] = Field([], description="Abilities it claims; checks that presuppose others do not apply.")
    links: dict[str, str] = Field({}, description="Where it keeps cross-references: `erp.customer: external_id -> …`.")
    operations: Operations = Operations()
    slo: dict[Promise, Annotated[float, Field(gt=0)]] = Field(
        {}, description="Its promises in seconds on the wall clock; a scenario fails where one is not kept."
    )
    deadlines: dict[Deadline, Annotated[int, Field(ge=0)]] = Field(
        {}, description="Minutes of business time that a class of effects may take, where the defaults do not fit."
    )
    folder: Path = Field(Path(), exclude=True, repr=False)

    @model_validator(mode="after")
    def _reachable(self) -> Descriptor:
        if self.start.url is None and self.ready is None:
            raise ValueError("an integration that is started needs `ready: {url: …}`, else nobody knows when it runs")
        return self


PARTS: dict[str, type[Part]] = {"start": Start, "ready": Ready, "operations": Operations}


def read(path: Path) -> Descriptor:
    """The descriptor in a YAML or JSON file; raises Unreadable."""
    try:
        content = decoded(path)
    except Undecodable as error:
        raise Unreadable(f"{path} {error}") from error
    return understand(content, str(path), path.resolve().parent)


def understand(content: object, source: str, folder: Path | None = None) -> Descriptor:
    """A descriptor from its decoded content; raises Unreadable with one line for each mistake."""
    if not isinstance(content, Mapping):
        found = "nothing" if content is None else type(content).__name__
        raise Unreadable(f"{source}: expected a mapping with `name`, `start`, …, found {found}")
    try:
        return Descriptor.model_validate({**content, "folder": folder or Path.cwd()})
    except ValidationError as error:
        lines = "\n".join(f"  {explain(each)}" for each in error.errors())
        raise Unreadable(f"{source}: this is not a descriptor of an integration:\n{lines}") from error


def explain(mistake: Mapping[str, Any]) -> str:
    """One mistake as a sentence that names the key."""
    where = ".".join(map(str, mistake["loc"]))
    if mistake["type"] == "extra_forbidden":
        known = keys_at(mistake["loc"][:-1])
        return f"{where}: unknown key; known here: {', '.join(known)}"
    if mistake["type"] == "missing":
        return f"{where}: is missing"
    said = str(mistake["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def keys_at(where: tuple[Any, ...]) -> list[str]:
    """The keys that a part of the descriptor knows."""
    part = PARTS.get(str(where[0]) if where else "", Descriptor)
    return [name for name in part.model_fields if name != "folder"]


def schema() -> dict[str, Any]:
    """The JSON Schema of a descriptor file, for editors."""
    drawn = Descriptor.model_json_schema()
    drawn["properties"].pop("folder", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://schemas.counterfoil.test/integration.json",
        **drawn,
        "title": "Integration under test",
    }


def expand(text: str, facts: Mapping[str, Any], source: str) -> str:
    """Replace every `${a.b.c}` by the fact at that path, `${json:a.b}` by all that is there as JSON; raises Unreadable naming what is
    known instead."""

    def place(found: re.Match[str]) -> str:
        value: Any = facts
        walked: list[str] = []
        whole = found[1].strip().startswith(AS_JSON)
        for step in found[1].strip().removeprefix(AS_JSON).split("."):
            if not isinstance(value, Mapping) or step not in value:
                known = ", ".join(sorted(value)) if isinstance(value, Mapping) else "nothing below it"
                at = ".".join(walked) or "the top"
                raise Unreadable(f"{source}: {found[0]} names no fact: {step!r} is unknown at {at} (known: {known})")
            value = value[step]
            walked.append(step)
        if whole:
            return orjson.dumps(value).decode()
        if isinstance(value, Mapping):
            raise Unreadable(f"{source}: {found[0]} is not one value; go on with one of: {', '.join(sorted(value))}")
        return str(value)

    return PLACE.sub(place, text)


def origin(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
