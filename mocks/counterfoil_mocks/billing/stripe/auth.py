"""Stripe's keys: a secret key by Bearer or as the user of HTTP Basic, and what else a client is given."""

from __future__ import annotations

import base64
import binascii

from counterfoil_mocks.billing.stripe.errors import Refused
from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.auth import READY_CHAIN, Grant
from counterfoil_mocks.kernel.system import System

API_VERSION = "2026-10-28.endive"


class Keys:
    """The keys of one account. They come from the landscape's seed, or from the system's settings of the same names."""

    def __init__(self, system: System) -> None:
        parts = (system.world.seed, system.name, "stripe")

        def made(name: str, prefix: str, length: int) -> str:
            digits = ids.digest(*parts, name) | ids.digest(*parts, name, "more") << 128
            return str(system.settings.get(name) or prefix + ids.encode(digits, ids.BASE62, length))

        self.api_key = made("api_key", "sk_test_", 24)
        self.publishable_key = made("publishable_key", "pk_test_", 24)
        self.account_id = made("account_id", "acct_", 16)
        self.webhook_secret = made("webhook_secret", "whsec_", 32)
        self.invoice_prefix = made("invoice_prefix", "", 8).upper()
        self.grant = Grant(self.api_key, f"{system.name}-client", READY_CHAIN, None)
        basic = base64.b64encode(f"{self.api_key}:".encode())
        self._known = {f"Bearer {self.api_key}".encode(): self.grant, b"Basic " + basic: self.grant}

    def credentials(self) -> dict[str, str]:
        """What an integration is given."""
        return {
            "api_key": self.api_key,
            "publishable_key": self.publishable_key,
            "account_id": self.account_id,
            "api_version": API_VERSION,
            "webhook_secret": self.webhook_secret,
        }

    def check(self, authorization: bytes | None) -> Grant:
        """The grant of a request; raises Refused 401."""
        grant = self._known.get(authorization or b"")
        if grant is not None:
            return grant
        key = _key_of(authorization)
        if not key:
            raise Refused(
                401,
                "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth"
                " (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we"
                " can help at https://support.stripe.com/.",
            )
        if key == self.api_key:
            return self.grant
        raise Refused(401, f"Invalid API Key provided: {_masked(key)}")


def _key_of(authorization: bytes | None) -> str:
    scheme, _, rest = (authorization or b"").decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest, validate=True).decode("latin-1").partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _masked(key: str) -> str:
    """The first characters and the last four, as Stripe shows a key that it does not know."""
    if len(key) <= 12:
        return "*" * len(key)
    start = 8 if key.startswith(("sk_test_", "pk_test_", "sk_live_", "rk_test_")) else 7
    return key[:start] + "*" * (len(key) - start - 4) + key[-4:]
