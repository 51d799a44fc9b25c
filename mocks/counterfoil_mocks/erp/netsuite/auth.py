"""Signing in as NetSuite lets integrations: token-based authentication (OAuth 1.0a) and OAuth 2 with a certificate."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

import orjson

from counterfoil_mocks.erp.netsuite import errors
from counterfoil_mocks.erp.netsuite.errors import TokenRefused
from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.auth import READY_CHAIN, Grant, mark_of
from counterfoil_mocks.kernel.face import Request
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.operations import Answer

if TYPE_CHECKING:
    from counterfoil_mocks.erp.netsuite.api import NetSuiteFace

SLACK = 300
"""Seconds by which a client's clock may differ."""
TOKEN_SECONDS = 3600
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = ("restlets", "rest_webservices", "suite_analytics")
TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 (an address)
PLAIN = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII)
PART = re.compile(r'\s*([A-Za-z_0-9]+)\s*=\s*"([^"]*)"\s*(?:,|$)')


def encoded(text: str) -> str:
    """Percent-encoded as RFC 3986 has it."""
    return text if PLAIN.fullmatch(text) else quote(text, safe="-._~")


def base_string(method: str, address: str, parameters: list[tuple[str, str]]) -> str:
    """What is signed. address: without a query; parameters: decoded, all that take part."""
    pairs = sorted((encoded(name), encoded(value)) for name, value in parameters)
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join(encoded(part) for part in (method.upper(), address, joined))


def signature(base: str, consumer_secret: str, token_secret: str) -> str:
    """HMAC-SHA256 over a base string, in base 64."""
    key = f"{encoded(consumer_secret)}&{encoded(token_secret)}".encode()
    return base64.b64encode(hmac.new(key, base.encode(), hashlib.sha256).digest()).decode()


@lru_cache(maxsize=1000)
def issued_to(client: str, token: str) -> Grant:
    """What an issued token is worth."""
    return Grant(token, client, token, None, mark_of(token) or "")


class Sessions:
    """The integration's secrets, from the landscape's seed or the system's settings of the same names, and what was issued with them."""

    def __init__(self, face: NetSuiteFace) -> None:
        self.face = face
        system = face.system
        parts = (system.world.seed, system.name, "netsuite")

        def made(name: str) -> str:
            digits = f"{ids.digest(*parts, name):032x}{ids.digest(*parts, name, 'more'):032x}"
            return str(system.settings.get(name) or digits)

        self.account = str(system.settings.get("account_id") or "TSTDRV1")
        self.consumer_key, self.consumer_secret = made("consumer_key"), made("consumer_secret")
        self.token_id, self.token_secret = made("token_id"), made("token_secret")
        self.client_id, self.certificate = made("oauth2_client_id"), made("oauth2_certificate_id")[:43]
        self._seed = ids.digest(*parts, "oauth2_private_key")
        self._ready = Grant(self.token_id, f"{system.name}-client", READY_CHAIN, None, mark_of(self.token_id) or "")
        self._issued = Kept(system, "access", TOKEN_SECONDS)
        self._seen = Kept(system, "nonce", 2 * SLACK)

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        given = self.face.system.settings.get("oauth2_private_key")
        if given:
            return serialization.load_pem_private_key(str(given).encode(), None)
        return ec.derive_private_key(self._seed, ec.SECP256R1())

    def credentials(self, url: str) -> dict[str, str]:
        """What an integration needs, under the names that its documentation uses."""
        from cryptography.hazmat.primitives import serialization

        pem: bytes = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "account_id": self.account,
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
            "token_id": self.token_id,
            "token_secret": self.token_secret,
            "oauth2_client_id": self.client_id,
            "oauth2_certificate_id": self.certificate,
            "oauth2_private_key": pem.decode(),
            "oauth2_token_url": url + TOKEN_PATH,
        }

    # a call

    def check(self, request: Request) -> Grant:
        """The grant of a request; raises Refused 401."""
        scheme, _, rest = (request.header(b"authorization") or "").partition(" ")
        if scheme.lower() == "oauth":
            return self._signed(request, rest)
        if scheme.lower() == "bearer":
            token = rest.strip()
            if self._issued.get(token):
                return issued_to(f"{self.face.system.name}-client", token)
        raise errors.login(self.account)

    def end(self, grant: Grant) -> None:
        """Kill an issued token; the integration's own lives on."""
        self._issued.take(grant.token)

    def _signed(self, request: Request, header: str) -> Grant:
        said = {name: unquote(value) for name, value in PART.findall(header)}
        if not self._right(request, said):
            raise errors.login(self.account)
        return self._ready

    def _right(self, request: Request, said: dict[str, str]) -> bool:
        if said.pop("realm", "").upper() != self.account.upper():
            return False
        given = said.pop("oauth_signature", "")
        if said.get("oauth_signature_method") != "HMAC-SHA256" or said.get("oauth_version", "1.0") != "1.0":
            return False
        if (said.get("oauth_consumer_key"), said.get("oauth_token")) != (self.consumer_key, self.token_id):
            return False
        body_hash = said.get("oauth_body_hash")
        if body_hash is not None:
            digest = hashlib.sha1(request.body, usedforsecurity=False).digest()
            if body_hash != base64.b64encode(digest).decode():
                return False
        query = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)
        base = base_string(request.method, self._address(request), [*query, *said.items()])
        if not hmac.compare_digest(signature(base, self.consumer_secret, self.token_secret).encode(), given.encode()):
            return False
        return self._fresh(said.get("oauth_timestamp", ""), said.get("oauth_nonce", ""))

    def _address(self, request: Request) -> str:
        """The address that was called, as the caller knows it."""
        scheme = self.face.scheme(request)
        host = (request.header(b"host") or "localhost").lower()
        default = {"http": ":80", "https": ":443"}.get(scheme, "")
        return f"{scheme}://{host.removesuffix(default) if default else host}{request.path.decode('latin-1')}"

    def _fresh(self, timestamp: str, nonce: str) -> bool:
        """Whether a nonce was not used yet and its time is about now, on the wall clock: clients sign real time."""
        now = clock.wall()
        if not nonce or not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp)) > SLACK:
            return False
        return self._seen.add(f"{timestamp} {nonce}", True)

    # OAuth 2

    def token(self, request: Request, base: str) -> Answer:
        """`POST /services/rest/auth/oauth2/v1/token`: an access token for an assertion signed with the certificate's key."""
        form = dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type" if form.get("grant_type") else "invalid_request")
        if form.get("client_assertion_type") != ASSERTION or not form.get("client_assertion"):
            raise TokenRefused("invalid_request")
        claims = self._claims(form["client_assertion"])
        if claims.get("iss") != self.client_id:
            raise TokenRefused("invalid_client", 401)
        if not self._for_us(claims.get("aud"), base) or not self._timely(claims):
            raise TokenRefused("invalid_grant")
        scope = claims.get("scope") or ""
        wanted = scope if isinstance(scope, list) else str(scope).replace(",", " ").split()
        if not wanted or any(each not in SCOPES for each in wanted):
            raise TokenRefused("invalid_scope")
        token = base64.urlsafe_b64encode(ids.secret(48)).decode()
        self._issued.put(token, "rest_webservices" in wanted)  # a token for RESTlets alone opens nothing here
        answer = {"access_token": token, "expires_in": str(TOKEN_SECONDS), "token_type": "Bearer"}
        return Answer(200, answer, headers=(("cache-control", "no-store"),))

    def _for_us(self, audience: Any, base: str) -> bool:
        host = self.account.lower().replace("_", "-")
        ours = (base + TOKEN_PATH, f"https://{host}.suitetalk.api.netsuite.com{TOKEN_PATH}")
        return any(each in ours for each in (audience if isinstance(audience, list) else [audience]))

    @staticmethod
    def _timely(claims: dict[str, Any]) -> bool:
        try:
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except (KeyError, TypeError, ValueError):
            return False
        now = clock.wall()
        return issued - SLACK <= now < expires <= issued + TOKEN_SECONDS

    def _claims(self, assertion: str) -> dict[str, Any]:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        def decoded(part: str) -> bytes:
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

        try:
            head, body, mark = assertion.split(".")
            said = orjson.loads(decoded(head))
            if said.get("alg") != "ES256" or said.get("kid") != self.certificate or len(decoded(mark)) != 64:
                raise ValueError
            raw = decoded(mark)
            written = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            self._key.public_key().verify(written, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
            claims: dict[str, Any] = orjson.loads(decoded(body))
            if not isinstance(claims, dict):
                raise ValueError
        except (ValueError, AttributeError, InvalidSignature, binascii.Error):
            raise TokenRefused("invalid_client", 401) from None
        return claims
