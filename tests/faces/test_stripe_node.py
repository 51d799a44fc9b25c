"""Stripe's Node client, unmodified, against the Stripe face. It is installed from npm once; without Node the tests are skipped, loudly."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from node_clients import installed, run

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
    return installed({"stripe": VERSION})


@pytest.mark.by_client(
    "create_customer get_customer create_invoiceitem create_invoice issue_invoice pay_invoice list_invoice"
)
def test_node_s_client_bills_a_customer(node: Path, billing: dict[str, Any]) -> None:
    where = urlsplit(billing["url"])
    assert run(node, SCRIPT, billing["credentials"]["api_key"], str(where.hostname), str(where.port)) == {
        "customer": "node",
        "open": ["open", 1234, "Node"],
        "paid": "paid",
        "listed": 1,
        "missing": ["StripeInvalidRequestError", "resource_missing", 404],
        "event": "invoice.paid",
    }
