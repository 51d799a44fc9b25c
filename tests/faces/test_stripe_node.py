"""Stripe's Node client, unmodified, against the Stripe face. It is installed from npm once; without Node the tests are skipped, loudly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

VERSION = "23.1.0"
SCRIPT = """
const Stripe = require('stripe');
const [key, host, port] = process.argv.slice(2);
const stripe = new Stripe(key, {host, port: Number(port), protocol: 'http', maxNetworkRetries: 0});
(async () => {
  const seen = {};
  const customer = await stripe.customers.create({name: 'Node', metadata: {from: 'node'}});
  seen.customer = (await stripe.customers.retrieve(customer.id)).metadata.from;
  await stripe.invoiceItems.create({customer: customer.id, amount: 1234, currency: 'usd'});
  const draft = await stripe.invoices.create({
    customer: customer.id, collection_method: 'send_invoice', days_until_due: 30, pending_invoice_items_behavior: 'include',
  });
  const open = await stripe.invoices.finalizeInvoice(draft.id, {expand: ['customer']});
  seen.open = [open.status, open.total, open.customer.name];
  const paid = await stripe.invoices.pay(open.id, {paid_out_of_band: true});
  seen.paid = paid.status;
  const ids = [];
  for await (const each of stripe.invoices.list({customer: customer.id, limit: 1})) ids.push(each.id);
  seen.listed = ids.length;
  try { await stripe.customers.retrieve('cus_x'); } catch (error) { seen.missing = [error.type, error.code, error.statusCode]; }
  const payload = '{"id":"evt_1","object":"event","type":"invoice.paid"}';
  const header = stripe.webhooks.generateTestHeaderString({payload, secret: 'whsec_x'});
  seen.event = stripe.webhooks.constructEvent(payload, header, 'whsec_x').type;
  console.log(JSON.stringify(seen));
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node() -> Path:
    """A folder in which the Node client is installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NOT TESTED: Stripe's Node client, because there is no node and npm here")
    place = Path(
        os.environ.get("COUNTERFOIL_NODE") or Path(tempfile.gettempdir()) / f"counterfoil-node-stripe-{VERSION}"
    )
    if not (place / "node_modules" / "stripe" / "package.json").exists():
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), f"stripe@{VERSION}"],
            capture_output=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            pytest.skip(f"NOT TESTED: Stripe's Node client cannot be installed: {done.stderr.decode()[-300:]}")
    return place


@pytest.mark.by_client(
    "create_customer get_customer create_invoiceitem create_invoice issue_invoice pay_invoice list_invoice"
)
def test_node_s_client_bills_a_customer(node: Path, billing: dict[str, Any]) -> None:
    (node / "flow.js").write_text(SCRIPT, encoding="utf-8")
    where = urlsplit(billing["url"])
    command = ["node", str(node / "flow.js"), billing["credentials"]["api_key"], str(where.hostname), str(where.port)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd=node)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "customer": "node",
        "open": ["open", 1234, "Node"],
        "paid": "paid",
        "listed": 1,
        "missing": ["StripeInvalidRequestError", "resource_missing", 404],
        "event": "invoice.paid",
    }
