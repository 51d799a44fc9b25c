"""A sample integration: copies new customers of the CRM into the ERP. Nothing but Python's standard library; start as
`python3 integration.py PORT`. It shows what Counterfoil expects of one (take events, answer when ready, forget when told); put your own
in its place."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COPIED = ("customer_no", "name", "country", "vat_id", "invoice_ccy")


def call(system: str, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """One call of a system's native face. Raises urllib.error.HTTPError."""
    request = urllib.request.Request(
        f"{os.environ[system + '_URL']}/native/v1{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={
            "authorization": f"Bearer {os.environ[system + '_TOKEN']}",
            "content-type": "application/json",
            **headers,
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def signed(body: bytes, headers: Any) -> bool:
    """Whether a delivery carries a right signature (Standard Webhooks)."""
    key = base64.b64decode(os.environ["CRM_WEBHOOK_SECRET"].removeprefix("whsec_"))
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, given) for given in (headers["webhook-signature"] or "").split())


def take(event: dict[str, Any]) -> None:
    """Copy a new customer into the ERP, unless it is there: an event may come twice."""
    if ".crm.account.created" not in event["type"]:
        return
    record_id = event["data"]["after"]["id"]
    customer = call("CRM", "GET", f"/customers/{record_id}")
    number = urllib.parse.quote(customer["customer_no"], safe="")
    if call("ERP", "GET", f"/customers?customer_no={number}")["items"]:
        return
    copy = {name: customer[name] for name in COPIED} | {"external_id": record_id}
    call("ERP", "POST", "/customers", copy, **{"Idempotency-Key": f"customer-{record_id}"})


class Front(BaseHTTPRequestHandler):
    """Webhooks in; whether it is ready; forget everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Ready."""
        self.answer(200 if self.path == "/health" else 404)

    def do_POST(self) -> None:
        """An event; 500 has the sender try again later."""
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        if self.path == "/testing/reset":
            self.answer(200)
        elif not signed(body, self.headers):
            self.answer(401)
        else:
            try:
                take(json.loads(body))
                self.answer(200)
            except urllib.error.URLError as error:
                sys.stderr.write(f"{self.path}: {error}\n")
                self.answer(500)

    def answer(self, status: int) -> None:
        """An empty JSON object."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of what went well."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()
