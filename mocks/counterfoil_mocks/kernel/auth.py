"""OAuth 2 for the native faces: client credentials, and refresh tokens that rotate. Token life is on the wall clock.

A refresh token works once. Whoever shows a used one loses every token of that chain, as the real systems do it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from pydantic import Field as Schema

from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.kernel.wire import Shape, chars, shape_type

ACCESS_SECONDS = 1800
REFRESH_SECONDS = 30 * 86400
MOST_CACHED = 10_000
READY_CHAIN = "ready"

SHAPE = Shape(
    "TokenRequest",
    shape_type(
        "TokenRequest",
        {
            "grant_type": Literal["client_credentials", "refresh_token"],
            "client_id": Annotated[chars(255), Schema(description="Or by HTTP Basic.")],
            "client_secret": Annotated[chars(255), Schema(description="Or by HTTP Basic.")],
            "refresh_token": Annotated[chars(255), Schema(description="For that grant.")],
            "scope": Annotated[chars(255), Schema(description="Taken and ignored: a client may do everything.")],
        },
        ("grant_type",),
    ),
    ("grant_type", "client_id", "client_secret", "refresh_token", "scope"),
    nulls=False,
)


class OAuthProblem(Problem):
    """A refusal that also says what RFC 6749 (5.2) wants said."""

    def __init__(self, status: int, error: str, detail: str, remedy: str) -> None:
        headers = [("WWW-Authenticate", 'Basic realm="native"')] if status == 401 else []
        super().__init__(status, error.upper(), detail, remedy=remedy, headers=headers)
        self.error = error

    def as_json(self) -> dict[str, Any]:
        return {**super().as_json(), "error": self.error, "error_description": self.detail}


@dataclass(slots=True)
class Grant:
    """A live access token. expires: wall seconds since the epoch, None for never. mark: what the journal calls it."""

    token: str
    client: str
    chain: str
    expires: float | None
    mark: str = ""


def mark_of(credential: str | bytes | None) -> str | None:
    """What the journal calls a token by: enough to tell one from another, nothing to come in with."""
    if not credential:
        return None
    shown = credential.encode() if isinstance(credential, str) else credential
    return hashlib.blake2b(shown.rpartition(b" ")[2], digest_size=6).hexdigest()


class Tokens:
    """The clients and tokens of one system: one client, a ready access token that never expires, and whatever is issued."""

    def __init__(self, system: System) -> None:
        self.system = system
        parts = (system.world.seed, system.name)
        settings = system.settings
        self.client_id = str(settings.get("client_id") or f"{system.name}-client")
        self.client_secret = str(settings.get("client_secret") or "cfs_" + ids.hexadecimal(32, *parts, "client_secret"))
        self.access_token = str(settings.get("access_token") or "cfa_" + ids.hexadecimal(32, *parts, "access_token"))
        self._cached: dict[bytes, Grant] = {}
        self._generation = system.world.generation
        self._cached[f"Bearer {self.access_token}".encode()] = Grant(
            self.access_token, self.client_id, READY_CHAIN, None, mark_of(self.access_token) or ""
        )
        self._refresh_token = "cfr_" + ids.hexadecimal(32, *parts, "refresh_token")

    def credentials(self, url: str) -> dict[str, str]:
        """What an integration needs to call the native face at `url`; the refresh token is one that nobody has used yet."""
        return {
            "token_url": f"{url}/native/v1/oauth/token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "access_token": self.access_token,
            "refresh_token": self._unused_refresh_token(),
        }

    def check(self, authorization: bytes | None) -> Grant:
        """The grant that a request comes with; raises Problem 401."""
        if authorization is None:
            raise _unauthorised("TOKEN_MISSING", "No access token was sent.", None)
        if self._generation != self.system.world.generation:
            self._generation = self.system.world.generation
            self._uncache(lambda grant: grant.chain != READY_CHAIN)
        grant = self._cached.get(authorization) or self._looked_up(authorization)
        if grant is None:
            raise _unauthorised("TOKEN_INVALID", "The access token is not one that is valid here.", "invalid_token")
        if grant.expires is not None and grant.expires <= clock.wall():
            del self._cached[authorization]
            raise _unauthorised("TOKEN_EXPIRED", "The access token has expired.", "invalid_token")
        return grant

    def revoke(self, grant: Grant) -> None:
        """Kill an access token before its time; the ready one lives on."""
        if grant.chain != READY_CHAIN:
            self.system.store.execute("DELETE FROM control.token WHERE token = ?", (grant.token,))
            self._uncache(lambda each: each.token == grant.token)
            self.system.world.renew()

    def issue(self, body: Any, authorization: str | None) -> Record:
        """Answer a token request; raises Problem with the member `error` of RFC 6749."""
        values = _request(body, authorization)
        client = values.get("client_id", "")
        known = hmac.compare_digest(client.encode(), self.client_id.encode())
        right = hmac.compare_digest(values.get("client_secret", "").encode(), self.client_secret.encode())
        if not (known and right):
            raise OAuthProblem(
                401,
                "invalid_client",
                "This client is not known here, or its secret is wrong.",
                "Take both from /landscape.",
            )
        if values["grant_type"] == "refresh_token":
            chain = self._used_up(values.get("refresh_token", ""))
        else:
            chain = ids.secret(8).hex()
        return self._pair(chain)

    # inside

    def _unused_refresh_token(self) -> str:
        row = self._refresh_row(self._refresh_token)
        if row is not None and row[2]:
            self._refresh_token, row = f"cfr_{ids.secret(16).hex()}", None
        if row is None:
            self._keep(self._refresh_token, "refresh", ids.secret(8).hex(), None)
        return self._refresh_token

    def _refresh_row(self, token: str) -> Any:
        return self.system.store.execute(
            "SELECT chain, expires, used FROM control.token WHERE token = ? AND system = ? AND kind = 'refresh'",
            (token, self.system.name),
        ).fetchone()

    def _pair(self, chain: str) -> Record:
        access, refresh = f"cfa_{ids.secret(16).hex()}", f"cfr_{ids.secret(16).hex()}"
        now = clock.wall()
        self._keep(access, "access", chain, now + ACCESS_SECONDS)
        self._keep(refresh, "refresh", chain, now + REFRESH_SECONDS)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "refresh_token": refresh,
        }

    def _keep(self, token: str, kind: str, chain: str, expires: float | None) -> None:
        self.system.store.execute(
            "INSERT INTO control.token (token, system, client, kind, chain, expires, used) VALUES (?, ?, ?, ?, ?, ?, 0)",
            (token, self.system.name, self.client_id, kind, chain, expires),
        )

    def _used_up(self, refresh_token: str) -> str:
        """The chain of a refresh token, which works no more from now on."""
        row = self._refresh_row(refresh_token)
        remedy = "Ask for new tokens with client credentials."
        if row is None or (row[1] is not None and row[1] <= clock.wall()):
            raise OAuthProblem(400, "invalid_grant", "The refresh token is not one that is valid here.", remedy)
        if row[2]:
            self._kill_chain(row[0])
            raise OAuthProblem(
                400, "invalid_grant", "The refresh token was used before; all tokens of its chain are dead now.", remedy
            )
        self.system.store.execute("UPDATE control.token SET used = 1 WHERE token = ?", (refresh_token,))
        return str(row[0])

    def _kill_chain(self, chain: str) -> None:
        self.system.store.execute("DELETE FROM control.token WHERE chain = ? AND kind = 'access'", (chain,))
        self.system.store.execute("UPDATE control.token SET used = 1 WHERE chain = ?", (chain,))
        self._uncache(lambda grant: grant.chain == chain)
        self.system.world.renew()

    def _uncache(self, dead: Callable[[Grant], bool]) -> None:
        self._cached = {key: grant for key, grant in self._cached.items() if not dead(grant)}

    def _looked_up(self, authorization: bytes) -> Grant | None:
        scheme, _, token = authorization.decode("latin-1").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return None
        if token == self.access_token:
            return Grant(token, self.client_id, READY_CHAIN, None, mark_of(token) or "")
        row = self.system.store.execute(
            "SELECT client, chain, expires FROM control.token WHERE token = ? AND system = ? AND kind = 'access'",
            (token, self.system.name),
        ).fetchone()
        if row is None:
            return None
        if len(self._cached) >= MOST_CACHED:
            self._uncache(lambda grant: grant.expires is not None)
        client, chain, expires = row
        grant = Grant(token, client, chain, expires, mark_of(token) or "")
        self._cached[authorization] = grant
        return grant


def _request(body: Any, authorization: str | None) -> Record:
    try:
        return SHAPE.read({**body, **basic(authorization)} if isinstance(body, dict) else body)
    except Problem as problem:
        wrong = isinstance(body, dict) and "grant_type" in body and problem.field == "grant_type"
        error = "unsupported_grant_type" if wrong else "invalid_request"
        raise OAuthProblem(400, error, problem.detail, problem.remedy or "Correct it.") from None


def basic(authorization: str | None) -> dict[str, str]:
    """Client id and secret of HTTP Basic, if that is what the header holds."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return {}
    return {"client_id": unquote_plus(client), "client_secret": unquote_plus(secret)}


def form(body: bytes) -> dict[str, str]:
    """A form-encoded body; raises Problem 400."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError as error:
        raise Problem(
            400, "UNPARSABLE", f"The form cannot be read: {error}.", remedy="Send form-encoded UTF-8."
        ) from None


def _unauthorised(code: str, detail: str, error: str | None) -> Problem:
    challenge = 'Bearer realm="native"' + (f', error="{error}"' if error else "")
    return Problem(
        401,
        code,
        detail,
        remedy="Get one from /native/v1/oauth/token and send it as `Authorization: Bearer …`.",
        headers=[("WWW-Authenticate", challenge)],
    )
