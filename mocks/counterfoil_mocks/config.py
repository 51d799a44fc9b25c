"""The landscape file: which systems there are, how big the firm is, where things listen."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from counterfoil_mocks import vendors
from counterfoil_mocks.kernel.customs import Custom, Undeclarable
from counterfoil_mocks.reading import Undecodable, decoded
from counterfoil_mocks.vendors import ROLES, RoleName

VENDORS: dict[str, tuple[str, ...]] = vendors.offered()
"""The faces that each role can wear."""

SYSTEM_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
LOOPBACK = "127.0.0.1"
COMMON_SETTINGS = ("client_id", "client_secret", "access_token", "numbers", "live")
"""What can be chosen of every system, whatever face it wears: the native face's credentials, patterns of numbers by entity, and whether the firm bills from its first day."""
STORES = ("sqlite:///", "postgresql://")
"""Beginnings of the addresses of stores that outlive the process."""


class Unusable(Exception):
    """A landscape that cannot be: the message says in a sentence what is wrong and where."""


class Unavailable(Unusable):
    """A landscape that cannot be now: its store does not answer, or belongs to another one."""


class Strict(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


def whole(value: Any) -> Any:
    """JSON Schema says that 316.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(whole)
"""Stands behind the bounds of a number, so that schemas tell them by their own words."""


class Limits(Strict):
    """How many calls a system takes, on the wall clock."""

    rate: Annotated[float, Field(gt=0, le=10**6)] | None = None
    burst: Annotated[int, Field(ge=1, le=10**6), WHOLE] | None = None
    concurrent: Annotated[int, Field(ge=1, le=10**6), WHOLE] | None = None
    daily: Annotated[int, Field(ge=1, le=10**9), WHOLE] | None = None


class Webhook(Strict):
    """A subscription that the system has from the start."""

    url: str = Field(pattern=r"^https?://", description="Address that its events are posted to.")
    types: list[str] = Field([], description="Event types, with prefix and version; all when empty.")
    secret: str | None = Field(None, description="Signing secret, `whsec_…`; made from the seed when absent.")


class SystemConfig(Strict):
    """One system of the landscape."""

    role: RoleName | None = Field(None, description="What it does; its name by default.")
    vendor: str = Field("native", description="Whose wire protocol it speaks.")
    port: Annotated[int, Field(ge=0, le=65535)] | None = Field(None, description="0 takes a free one.")
    public_url: AnyHttpUrl | None = Field(None, description="Address that others reach it at (containers, tunnels).")
    settings: dict[str, Any] = Field({}, description="What the role or the vendor lets one choose.")
    custom: dict[str, dict[str, Custom]] = Field(
        {},
        description="Fields that the firm has added, by the vendor's names of object and field; an object that the vendor has not is a custom one.",
    )
    webhooks: list[Webhook] = []


class Config(Strict):
    """A landscape.

    size: of the firm; `empty` has no firm at all. store: `memory`, `sqlite:///FILE` or `postgresql://…`. port_base: the control plane's port; the
    systems take those after it; 0 takes free ports. processes: how many serve the systems. token: needed by callers of the control plane. limits: rate limits a system.
    """

    model_config = ConfigDict(extra="forbid", title="Counterfoil landscape")

    seed: int = Field(1, ge=0, le=2**53, description="The same seed gives the same firm, ids, timestamps and faults.")
    size: Literal["S", "M", "L", "XL", "empty"] = Field("S", description="How big the firm is.")
    store: str = Field(
        "memory",
        description="`memory`; or one that outlives the process: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.",
    )
    processes: int = Field(
        1, ge=1, le=31, description="API processes that serve the systems; more than one needs a PostgreSQL store."
    )
    host: str = Field(LOOPBACK, description="Interface to listen on; other than loopback needs a token.")
    port_base: int = Field(8100, ge=0, le=65000, description="Port of the control plane; 0 takes free ports.")
    token: str | None = Field(None, min_length=8, description="Bearer token that the control plane asks for.")
    limits: dict[str, Limits] = Field(
        {}, description="Rate limits by system: calls a second, most at once, at a time, a day."
    )
    systems: dict[str, SystemConfig] = Field(
        {}, description="By name; the four roles, each named like its role, when absent."
    )

    @model_validator(mode="after")
    def _settled(self) -> Config:
        if not self.systems:
            self.systems = {name: SystemConfig() for name in ROLES}
        for name, system in self.systems.items():
            if not SYSTEM_NAME.match(name):
                raise ValueError(f"systems: {name!r} is not a name (lower-case letters, digits, `-` and `_`)")
            system.role = system.role or role_named(name)
            if system.vendor not in VENDORS[system.role]:
                raise ValueError(unknown_vendor(system.role, system.vendor))
        for name in self.limits:
            if name not in self.systems:
                raise ValueError(f"limits.{name}: there is no such system; there is {', '.join(self.systems)}")
        if not loopback(self.host) and self.token is None:
            raise ValueError(
                f"host: {self.host} is not loopback, so the control plane needs a `token` (the file's, or COUNTERFOIL_TOKEN in the environment)"
            )
        if not (
            self.store == "memory" or any(len(self.store) > len(kind) for kind in STORES if self.store.startswith(kind))
        ):
            raise ValueError(
                f"store: {self.store!r} is none of `memory`, `sqlite:///FILE` and `postgresql://USER@HOST/DATABASE`"
            )
        if self.processes > 1 and not self.store.startswith("postgresql://"):
            raise ValueError(
                f"processes: {self.processes} processes need a store that they can share; give `store: postgresql://USER@HOST/DATABASE`"
            )
        return self

    def port_of(self, name: str) -> int:
        """The port of a system: its own, else the next after the control plane's in the order of the file."""
        own = self.systems[name].port
        if own is not None:
            return own
        return self.port_base and self.port_base + 1 + self.order.index(name)

    @property
    def order(self) -> list[str]:
        """Names of the systems: the first of each role in the roles' order, then the others as they stand in the file."""
        first: dict[str, str] = {}
        for name, system in self.systems.items():
            first.setdefault(str(system.role), name)
        heads = [first[role] for role in ROLES if role in first]
        return heads + [name for name in self.systems if name not in heads]


def role_named(name: str) -> RoleName:
    """The role that a system's name means; raises ValueError where it means none."""
    for role in ROLES:
        if name == role:
            return role
    raise ValueError(f"systems.{name}: say its role (one of {', '.join(ROLES)})")


def unknown_vendor(role: str, vendor: str) -> str:
    """The sentence for a vendor that a role has no face of."""
    return f"{role}: there is no vendor {vendor!r}; there is {', '.join(VENDORS[role])}"


def loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def beside(store: str, *marks: str) -> str:
    """The address of another store of the same kind at the same place: `…/firm` becomes `…/firm_gw1`, `…/firm.db` becomes `…/firm_gw1.db`."""
    address, sign, settings = store.partition("?")
    place, slash, name = address.rpartition("/")
    file = Path(name)
    return f"{place}{slash}{'_'.join([file.stem, *marks])}{file.suffix}{sign}{settings}"


def read(path: Path) -> dict[str, Any]:
    """What a landscape file says; raises Unusable."""
    try:
        said = decoded(path)
    except Undecodable as error:
        raise Unusable(f"{path} {error}.") from error
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        raise Unusable(
            f"{path}: a landscape is a mapping with `seed`, `size`, `systems`…, not a {type(said).__name__}."
        )
    return {str(name): value for name, value in said.items()}


def wearing(said: Mapping[str, Any], faces: Mapping[str, str | None]) -> dict[str, Any]:
    """A landscape whose systems of some roles wear other faces; raises Unusable where it has no system of such a role.

    faces: vendor by role; None leaves a role as it is.
    """
    asked = {role: vendor for role, vendor in faces.items() if vendor is not None}
    if not asked:
        return dict(said)
    systems = {name: dict(each or {}) for name, each in (said.get("systems") or dict.fromkeys(ROLES)).items()}
    for role, vendor in asked.items():
        named = [name for name, each in systems.items() if each.get("role", name) == role]
        if not named:
            raise Unusable(f"--{role} {vendor}: the landscape has no system of that role.")
        for name in named:
            systems[name]["vendor"] = vendor
    return {**said, "systems": systems}


def understood(said: Mapping[str, Any], source: str = "landscape") -> Config:
    """The landscape that a mapping describes; raises Unusable naming the first member that cannot be."""
    try:
        found = Config.model_validate(said)
        _check_systems(found, source)
        return found
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        detail = str(first["msg"]).removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            parts: dict[int, type[BaseModel]] = {1: Config, 3: SystemConfig, 6: Custom}
            known = Limits if first["loc"][0] == "limits" else parts.get(len(first["loc"]), Webhook)
            detail = f"unknown key; known here: {', '.join(known.model_fields)}"
        raise Unusable(f"{source}: {where + ': ' if where else ''}{detail}.") from error


def _check_systems(config: Config, source: str) -> None:
    """Ask each system's face about what it alone knows: settings and declarations. Faces are imported for those that have any."""
    for name, system in config.systems.items():
        if system.settings or system.custom:
            from counterfoil_mocks.kernel.face import Face

            face = vendors.face_of(str(system.role), system.vendor) or Face
            known = (*face.settings, *COMMON_SETTINGS)
            for setting in system.settings:
                if setting not in known:
                    where = f"systems.{name}.settings.{setting}"
                    raise Unusable(f"{source}: {where}: {face.vendor} has no such setting; it has {', '.join(known)}.")
            try:
                face.declare(system.custom)
            except Undeclarable as error:
                where = ".".join(("systems", name, "custom", *error.at))
                raise Unusable(f"{source}: {where}: {error}.") from error


def schema() -> dict[str, Any]:
    """The JSON Schema of the landscape file, for editors."""
    drawn = Config.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://schemas.counterfoil.test/landscape.json",
    } | drawn
