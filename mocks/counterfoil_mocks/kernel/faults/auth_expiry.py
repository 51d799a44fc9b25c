"""Auth expiry: the access token dies early."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class AuthExpiry(Kind, name="auth_expiry"):
    """Kill the token that the call came with and refuse the call."""

    async def before(self, call: Call, exchange: Exchange) -> None:
        if exchange.revoke is not None:
            exchange.revoke()
        raise Problem(
            401,
            "TOKEN_EXPIRED",
            "The access token has expired.",
            remedy="Get a new one with the refresh token.",
            headers=[("WWW-Authenticate", 'Bearer error="invalid_token"')],
        )
