"""Signing in as Salesforce lets people: sessions, OAuth 2 in all its flows, SOAP login, and who somebody is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode

from counterfoil_mocks.crm.salesforce.errors import Refused, session_invalid, session_unfit
from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.auth import READY_CHAIN, Grant
from counterfoil_mocks.kernel.face import Request
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.operations import Answer

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

IDLE_HOURS = 2
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
LONGEST_JWT = 300
SLACK = 60


@dataclass
class Session:
    """A session and when it was last used, on the business clock. ready: it outlives everything."""

    token: str
    grant: Grant
    used: str
    ready: bool = False


class OAuthRefused(Refused):
    """A refusal as OAuth 2 has it."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(status, error, description, body={"error": error, "error_description": description})


class Sessions:
    """The users' sessions and the connected app's secrets, from the landscape's seed or the system's settings of the same names."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face
        system = face.system
        self.org = face.org
        parts = (system.world.seed, system.name, "salesforce")

        def made(name: str, prefix: str, length: int) -> str:
            digits = ids.digest(*parts, name) | ids.digest(*parts, name, "more") << 128
            return str(system.settings.get(name) or prefix + ids.encode(digits, ids.BASE62, length))

        self.username = str(system.settings.get("username") or "integration@firm.example")
        self.password = made("password", "Pw1!", 12)
        self.security_token = made("security_token", "", 24)
        self.consumer_key = made("consumer_key", "3MVG9", 60)
        self.consumer_secret = made("consumer_secret", "", 40)
        self.refresh_token = made("refresh_token", "5Aep861", 60)
        self.ready = f"{self.org.id}!AQ{ids.encode(ids.digest(*parts, 'ready'), ids.BASE62, 20)}"
        self._codes = Kept(system, "code")
        self._known = Kept(system, "session")
        self._revoked = Kept(system, "revoked")
        self._granted = Kept(system, "refresh token")
        self._sessions: dict[str, Session] = {}
        self._generation = system.world.generation
        self._open(self.ready, ready=True)
        self._expired_password = bool(system.settings.get("password_expired"))
        self._unfit = Kept(system, "unfit session")

    def _open(self, token: str, *, ready: bool = False) -> Session:
        grant = Grant(token, f"{self.face.system.name}-client", READY_CHAIN, None)
        found = self._sessions[token] = Session(token, grant, self.face.system.clock.now, ready)
        return found

    def _live(self, token: str) -> Session | None:
        """A session that this process knows, or another has opened."""
        world = self.face.system.world
        if self._generation != world.generation:
            self._generation = world.generation
            self._sessions = {name: each for name, each in self._sessions.items() if each.ready}
        found = self._sessions.get(token)
        if found is None and self._known.shared:
            used = self._known.get(token)
            if used is not None:
                found = self._open(token)
                found.used = used
        return found

    def _refreshes(self, token: str | None) -> bool:
        """Whether a refresh token works: the published one, or one that a user has granted."""
        if token == self.refresh_token:
            return not self._revoked.get(token)
        return bool(token) and bool(self._granted.get(str(token)))

    @cached_property
    def private_key(self) -> str:
        """The key that assertions are signed with, PKCS 8 in PEM."""
        from cryptography.hazmat.primitives import serialization

        written: bytes = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return written.decode()

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        keys = Kept(self.face.system, "key")
        if not keys.shared:
            return made
        der, raw, plain = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        keys.add("private", made.private_bytes(der, raw, plain).hex())
        return serialization.load_der_private_key(bytes.fromhex(keys.get("private")), None)

    def credentials(self, url: str) -> dict[str, str]:
        """What an integration is given."""
        return {
            "username": self.username,
            "password": self.password,
            "security_token": self.security_token,
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
            "access_token": self.ready,
            "refresh_token": self.refresh_token,
            "private_key": self.private_key,
            "organization_id": self.org.id,
            "user_id": self.org.user,
            "login_url": url,
            "instance_url": url,
            "api_version": "59.0",
        }

    # sessions

    def check(self, request: Request) -> Grant:
        """The grant of a request; raises Refused 401."""
        said = request.header(b"authorization") or ""
        scheme, _, token = said.partition(" ")
        if scheme.lower() not in ("bearer", "oauth"):
            token = request.header(b"x-sfdc-session") or ""
        session = self.session(token.strip())
        if self._expired_password and self._unfit.get(session.grant.token):
            raise session_unfit()
        return session.grant

    def session(self, token: str) -> Session:
        """A live session; raises Refused 401."""
        found = self._live(token)
        if found is None:
            raise session_invalid()
        now = self.face.system.clock.now
        if not found.ready:
            if clock.later(found.used, hours=IDLE_HOURS) < now:
                found.used = max(found.used, self._known.get(token) or "")
                if clock.later(found.used, hours=IDLE_HOURS) < now:
                    self.end(token)
                    raise session_invalid()
            if found.used[:16] != now[:16]:
                self._known.put(token, now)
        found.used = now
        return found

    def end(self, token: str) -> bool:
        """End a session or forget a refresh token; whether there was one."""
        if token == self.refresh_token:
            self._revoked.put(token, True)
        self._granted.take(token)
        known = self._known.take(token) is not None
        if self._sessions.pop(token, None) is not None and self._known.shared:
            self.face.system.world.renew()
        return known

    def signed_in(self, *, by_password: bool = False) -> str:
        """A new session of the integration's user. by_password: fit for nothing but choosing a new one where the password has expired."""
        token = f"{self.org.id}!AQ{base64.urlsafe_b64encode(ids.secret(48)).decode().replace('-', '_')}"
        self._known.put(token, self._open(token).used)
        if by_password and self._expired_password:
            self._unfit.put(token, True)
        return token

    def password_fits(self, username: str, given: str) -> bool:
        """Whether a user name and a password, with or without the security token glued on, are right."""
        right = (self.password + self.security_token, self.password)
        return username.lower() == self.username.lower() and any(
            hmac.compare_digest(given.encode(), each.encode()) for each in right
        )

    # OAuth

    def token(self, request: Request, base: str) -> Answer:
        """`POST /services/oauth2/token`."""
        form = dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
        form = {**dict(parse_qsl(request.query.decode("latin-1"))), **form}
        self._from_basic(request, form)
        grant = form.get("grant_type")
        flow = {
            "password": self._by_password,
            "client_credentials": self._by_client,
            JWT_GRANT: self._by_assertion,
            "refresh_token": self._by_refresh,
            "authorization_code": self._by_code,
        }.get(grant or "")
        if grant is None:
            raise OAuthRefused("invalid_request", "must supply grant_type")
        if flow is None:
            raise OAuthRefused("unsupported_grant_type", "grant type not supported")
        flow(form, base)
        answer = self._answer(base)
        if grant == "authorization_code":
            answer["refresh_token"] = f"5Aep861{base64.urlsafe_b64encode(ids.secret(45)).decode()}"
            self._granted.put(answer["refresh_token"], True)
        return Answer(200, answer, headers=(("cache-control", "no-store"),))

    def _answer(self, base: str) -> dict[str, str]:
        identity = f"{base}/id/{self.org.id}/{self.org.user}"
        issued = str(int(clock.wall() * 1000))
        signature = hmac.new(self.consumer_secret.encode(), f"{identity}{issued}".encode(), hashlib.sha256).digest()
        return {
            "access_token": self.signed_in(),
            "instance_url": base,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            "signature": base64.b64encode(signature).decode(),
            "scope": "api refresh_token",
        }

    @staticmethod
    def _from_basic(request: Request, form: dict[str, str]) -> None:
        scheme, _, rest = (request.header(b"authorization") or "").partition(" ")
        if scheme.lower() != "basic":
            return
        try:
            client, _, secret = base64.b64decode(rest.strip(), validate=True).decode("latin-1").partition(":")
        except (binascii.Error, ValueError):
            raise OAuthRefused("invalid_client", "invalid client credentials") from None
        form.setdefault("client_id", unquote_plus(client))
        form.setdefault("client_secret", unquote_plus(secret))

    def _client(self, form: Mapping[str, str], *, secret: bool) -> None:
        if form.get("client_id") != self.consumer_key:
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        given = form.get("client_secret")
        if (secret or given is not None) and given != self.consumer_secret:
            raise OAuthRefused("invalid_client", "invalid client credentials")

    def _by_password(self, form: Mapping[str, str], base: str) -> None:
        self._client(form, secret=True)
        if not self.password_fits(form.get("username", ""), form.get("password", "")):
            raise OAuthRefused("invalid_grant", "authentication failure")

    def _by_client(self, form: Mapping[str, str], base: str) -> None:
        self._client(form, secret=True)

    def _by_refresh(self, form: Mapping[str, str], base: str) -> None:
        self._client(form, secret=False)
        if not self._refreshes(form.get("refresh_token")):
            raise OAuthRefused("invalid_grant", "expired access/refresh token")

    def _by_code(self, form: Mapping[str, str], base: str) -> None:
        self._client(form, secret=False)
        found = self._codes.take(form.get("code", ""))
        if found is None:
            raise OAuthRefused("invalid_grant", "invalid authorization code")
        challenge, back = found
        if form.get("redirect_uri", back) != back:
            raise OAuthRefused("redirect_uri_mismatch", "redirect_uri must match configuration")
        if challenge:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
                raise OAuthRefused("invalid_grant", "invalid code verifier")

    def _by_assertion(self, form: Mapping[str, str], base: str) -> None:
        claims = self._claims(form.get("assertion", ""))
        if claims.get("iss") != self.consumer_key:
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not any(each in (*AUDIENCES, base, f"{base}/services/oauth2/token") for each in audiences):
            raise OAuthRefused("invalid_grant", "audience is invalid")
        try:
            expires = float(str(claims.get("exp")))
        except ValueError:
            raise OAuthRefused("invalid_grant", "exp is invalid") from None
        now = clock.wall()
        if not now - SLACK < expires <= now + LONGEST_JWT + SLACK:
            raise OAuthRefused("invalid_grant", "assertion is expired or expires too late")
        if str(claims.get("sub") or claims.get("prn") or "").lower() != self.username.lower():
            raise OAuthRefused("invalid_grant", "user hasn't approved this consumer")

    def _claims(self, assertion: str) -> dict[str, Any]:
        import orjson
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        def decoded(part: str) -> bytes:
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

        try:
            head, body, signature = assertion.split(".")
            if orjson.loads(decoded(head)).get("alg") != "RS256":
                raise ValueError
            signed = f"{head}.{body}".encode()
            self._key.public_key().verify(decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
            claims: dict[str, Any] = orjson.loads(decoded(body))
        except (ValueError, AttributeError, InvalidSignature, binascii.Error):
            raise OAuthRefused("invalid_grant", "invalid assertion") from None
        return claims

    def authorise(self, request: Request) -> Answer:
        """`GET /services/oauth2/authorize`: the user says yes at once."""
        form = dict(parse_qsl(request.query.decode("latin-1")))
        self._client({**form, "client_secret": self.consumer_secret}, secret=False)
        back = form.get("redirect_uri")
        if form.get("response_type") != "code" or not back:
            raise OAuthRefused(
                "unsupported_response_type" if back else "redirect_uri_missing", "response type not supported"
            )
        code = base64.urlsafe_b64encode(ids.secret(24)).decode()
        self._codes.put(code, [form.get("code_challenge", ""), back])
        said = {"code": code} | ({"state": form["state"]} if "state" in form else {})
        mark = "&" if "?" in back else "?"
        return Answer(302, None, headers=(("location", f"{back}{mark}{urlencode(said, quote_via=quote)}"),))

    def revoke(self, request: Request) -> Answer:
        """`/services/oauth2/revoke`."""
        form = dict(parse_qsl(request.body.decode("latin-1") or request.query.decode("latin-1")))
        token = form.get("token", "")
        known = self._refreshes(token) or self._live(token) is not None
        if not known:
            raise OAuthRefused("unsupported_token_type", "this token type is not supported")
        if token != self.ready:
            self.end(token)
        return Answer(200, None)

    def identity(self, base: str) -> dict[str, Any]:
        """Who the integration's user is."""
        person = self.org.people[0]
        rest = f"{base}/services/data/v{{version}}/"
        return {
            "id": f"{base}/id/{self.org.id}/{self.org.user}",
            "asserted_user": True,
            "user_id": self.org.user,
            "organization_id": self.org.id,
            "username": self.username,
            "nick_name": person["Alias"],
            "display_name": person["Name"],
            "email": person["Email"],
            "email_verified": True,
            "first_name": person["FirstName"],
            "last_name": person["LastName"],
            "timezone": "UTC",
            "photos": {},
            "addr_street": None,
            "mobile_phone": None,
            "is_app_installed": True,
            "last_modified_date": "2024-01-01T00:00:00Z",
            "status": {"created_date": None, "body": None},
            "urls": {
                "enterprise": f"{base}/services/Soap/c/{{version}}/{self.org.id}",
                "metadata": f"{base}/services/Soap/m/{{version}}/{self.org.id}",
                "partner": f"{base}/services/Soap/u/{{version}}/{self.org.id}",
                "rest": rest,
                "sobjects": f"{rest}sobjects/",
                "search": f"{rest}search/",
                "query": f"{rest}query/",
                "recent": f"{rest}recent/",
                "profile": f"{base}/{self.org.user}",
            },
            "active": True,
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
        }

    def user_info(self, base: str) -> dict[str, Any]:
        """The same as OpenID Connect has it."""
        identity = self.identity(base)
        return {
            "sub": identity["id"],
            "user_id": self.org.user,
            "organization_id": self.org.id,
            "preferred_username": self.username,
            "nickname": identity["nick_name"],
            "name": identity["display_name"],
            "email": identity["email"],
            "email_verified": True,
            "given_name": identity["first_name"],
            "family_name": identity["last_name"],
            "zoneinfo": "UTC",
            "active": True,
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
            "urls": identity["urls"],
        }

    @property
    def password_expired(self) -> bool:
        """Whether the user has to choose a new password first."""
        return self._expired_password
