"""Kantata's tokens: an administrator's and a collaborator's, which never expire; codes are traded for the first one."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.auth import READY_CHAIN, Grant, mark_of
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.system import System
from counterfoil_mocks.psa.kantata.errors import Denied, unauthorised

CODE_SECONDS = 300


class Account:
    """One account: its tokens, and the people whom they stand for. They come from the seed, or from the system's settings."""

    def __init__(self, system: System) -> None:
        self.system = system
        settings, parts = system.settings, (system.world.seed, system.name, "kantata")

        def made(name: str) -> str:
            return str(settings.get(name) or ids.hexadecimal(64, *parts, name))

        self.access_token, self.member_token = made("access_token"), made("member_access_token")
        self.client_id, self.client_secret = made("client_id"), made("client_secret")
        self.account_id = int(settings.get("account_id") or 1_000_000 + ids.digest(*parts, "account") % 9_000_000)
        self.zone = str(settings.get("time_zone") or "America/Los_Angeles")
        client = f"{system.name}-client"
        self.admin = Grant(self.access_token, client, READY_CHAIN, None, mark_of(self.access_token) or "")
        self.member = Grant(self.member_token, f"{client}-member", READY_CHAIN, None, mark_of(self.member_token) or "")
        self._codes = Kept(system, "code", CODE_SECONDS)

    def credentials(self, url: str) -> dict[str, str]:
        """What an integration is given."""
        return {
            "access_token": self.access_token,
            "member_access_token": self.member_token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "account_id": str(self.account_id),
            "user_id": self.user_id(self.admin),
            "token_url": f"{url}/oauth/token",
        }

    def user_id(self, grant: Grant | None) -> str:
        """The id of the user whom a token stands for: the first person of the firm, or the second; empty where there are none."""
        people = self.system.table("employee").select(self.system.name, order=("created_at", "id"), limit=2)
        if not people:
            return ""
        return str(people[-1 if grant is self.member else 0]["id"])

    def check(self, authorization: bytes | None) -> Grant:
        """The grant of a request; raises Refused 401."""
        scheme, _, token = (authorization or b"").decode("latin-1").strip().partition(" ")
        given = token.strip().encode()
        if scheme.lower() == "bearer":
            for grant in (self.admin, self.member):
                if hmac.compare_digest(grant.token.encode(), given):
                    return grant
        raise unauthorised()

    def code(self, to: str) -> str:
        """A new authorization code for a redirect address; it works once, for five minutes."""
        code = ids.secret(16).hex()
        self._codes.put(code, to)
        return code

    def issue(self, given: Mapping[str, Any]) -> Record:
        """Answer a token request; raises Denied."""
        known = (str(given.get("client_id") or ""), str(given.get("client_secret") or ""))
        if known != (self.client_id, self.client_secret):
            raise Denied(401, "invalid_client", "Client authentication failed due to unknown client or wrong secret.")
        if given.get("grant_type") != "authorization_code":
            raise Denied(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        to = self._codes.take(str(given.get("code") or ""))
        if to is None or to != str(given.get("redirect_uri") or ""):
            raise Denied(
                400,
                "invalid_grant",
                "The authorization code is invalid, expired, used already, or of another redirect_uri.",
            )
        return {"access_token": self.access_token, "token_type": "bearer"}
