"""Settings of the reference integration; all of them come from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

SYSTEMS = ("crm", "psa", "billing", "erp")
SECOND = ("crm_b", "erp_b")
"""Systems of a role that there may be a second one of."""


@dataclass(frozen=True)
class SystemSettings:
    """How to reach one system. url: its root. token: a ready access token; else the client's credentials get one at token_url.

    webhook_secret: what its deliveries are signed with; without one they are taken unverified. vendor: whose protocol it speaks beside
    the native one; credentials: what that protocol wants.
    """

    name: str
    url: str
    token: str | None = None
    token_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    webhook_secret: str | None = None
    vendor: str = "native"
    credentials: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """The whole configuration. Seconds are on the wall clock.

    own_url: where systems reach this integration; None: it subscribes nowhere by itself. state: path of the SQLite file, or `:memory:`.
    parallel: flows handled at once. poll_seconds, reconcile_seconds: 0 for never by itself. call_seconds: patience with one answer.
    tolerance: most seconds between a signature's time and now.
    """

    systems: Mapping[str, SystemSettings]
    control_url: str | None = None
    own_url: str | None = None
    control_token: str | None = None
    state: str = ":memory:"
    serial: bool = False
    parallel: int = 8
    poll_seconds: float = 0
    reconcile_seconds: float = 0
    call_seconds: float = 10
    tolerance: int = 300
    names: tuple[str, ...] = field(default=SYSTEMS)


class Unconfigured(Exception):
    """An environment variable is missing or makes no sense."""


def from_environment(env: Mapping[str, str]) -> Settings:
    """Settings from environment variables; raises Unconfigured naming the variable."""
    return Settings(
        systems={
            name: _system(name, env)
            for name in (*SYSTEMS, *(each for each in SECOND if env.get(f"{each.upper()}_URL")))
        },
        control_url=env.get("CONTROL_URL") or None,
        own_url=env.get("OWN_URL") or None,
        control_token=env.get("CONTROL_TOKEN") or None,
        state=env.get("STATE") or ":memory:",
        serial=env.get("SERIAL", "") in ("1", "true", "yes"),
        parallel=int(_number(env, "PARALLEL", 8)),
        poll_seconds=_number(env, "POLL_SECONDS", 0),
        reconcile_seconds=_number(env, "RECONCILE_SECONDS", 0),
        call_seconds=_number(env, "CALL_SECONDS", 10),
        tolerance=int(_number(env, "SIGNATURE_SECONDS", 300)),
    )


def _system(name: str, env: Mapping[str, str]) -> SystemSettings:
    prefix = name.upper()
    url = env.get(f"{prefix}_URL")
    if not url:
        raise Unconfigured(f"{prefix}_URL is not set; give the address of the system {name}")
    given = {
        each: env.get(f"{prefix}_{each.upper()}") or None
        for each in ("token", "token_url", "client_id", "client_secret", "webhook_secret")
    }
    if not given["token"] and not (given["token_url"] and given["client_id"] and given["client_secret"]):
        raise Unconfigured(
            f"neither {prefix}_TOKEN nor {prefix}_TOKEN_URL with {prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET is set"
        )
    vendor = env.get(f"{prefix}_VENDOR") or "native"
    return SystemSettings(name, url.rstrip("/"), **given, vendor=vendor, credentials=_credentials(prefix, env))


def _credentials(prefix: str, env: Mapping[str, str]) -> Mapping[str, str]:
    try:
        said = orjson.loads(env.get(f"{prefix}_CREDENTIALS") or "{}")
    except orjson.JSONDecodeError as error:
        raise Unconfigured(f"{prefix}_CREDENTIALS is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise Unconfigured(f"{prefix}_CREDENTIALS is not a JSON object")
    return {str(name): str(value) for name, value in said.items()}


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise Unconfigured(f"{name}={text!r} is not a number") from None
    if not 0 <= value <= 10**6:
        raise Unconfigured(f"{name}={text!r} is out of range")
    return value
