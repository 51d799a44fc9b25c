"""Two clients for Node, unmodified, against the NetSuite face."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from node_clients import installed, run

pytest.importorskip("requests_oauthlib")
PACKAGES = {"netsuite-rest": "1.0.9", "@fye/netsuite-rest-api": "2.3.1"}
SCRIPT = r"""
const NetsuiteRest = require('netsuite-rest');
const fye = require('@fye/netsuite-rest-api');
const [url, host, realm, key, secret, token, tokenSecret, customer] = process.argv.slice(2);
const api = new NetsuiteRest({consumer_key: key, consumer_secret_key: secret, token, token_secret: tokenSecret, realm, base_url: url});
const config = {netsuiteApiHost: host, consumerKey: key, consumerSecret: secret, netsuiteAccountId: realm,
                netsuiteTokenKey: token, netsuiteTokenSecret: tokenSecret, testEnv: true, netsuiteQueryLimit: 1000};
(async () => {
  const seen = {};
  const q = encodeURIComponent(`id EQUAL ${customer}`);
  seen.found = (await api.request({path: `record/v1/customer?limit=5&q=${q}`})).data.items[0].id;
  seen.asked = (await api.request({path: 'query/v1/suiteql?limit=5', method: 'POST', body: `{
    "q": "SELECT
            id, companyName
          FROM customer
          WHERE id = ${customer}" }`})).data.items[0].id;
  try { await api.request({path: 'record/v1/customer/1'}); } catch (error) { seen.missing = error.response.statusCode; }
  const item = (await api.request({path: 'record/v1/serviceSaleItem?limit=1'})).data.items[0].id;
  const order = await fye.makeRequest(config, {path: 'services/rest/record/v1/salesOrder', method: 'POST', requestType: 'record',
    query: {entity: {id: customer}, item: {items: [{item: {id: item}, quantity: 2, rate: 50}]}}});
  const id = order.headers.location.split('/').pop();
  seen.changed = (await fye.update(config, {id, path: fye.salesOrderPath, updateValues: {memo: 'Node'}})).statusCode;
  const invoice = await fye.makeRequest(config, {path: `${fye.salesOrderPath}/${id}/!transform/invoice`, method: 'POST',
    requestType: 'record', query: {tranDate: '2026-01-12'}});
  const where = invoice.headers.location.slice(url.length + 1);
  const shown = (await fye.makeRequest(config, {path: where, method: 'GET', requestType: 'record'})).body;
  seen.invoice = [shown.createdFrom.id === id, shown.total, shown.memo];
  const lines = await fye.makeRequest(config, {method: 'POST', requestType: 'suiteql',
    query: `SELECT quantity, quantitybilled FROM transactionline WHERE transaction = ${id} AND mainline = 'F'`});
  seen.lines = lines.body.items.map((each) => [each.quantity, each.quantitybilled]);
  console.log(JSON.stringify(seen));
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node() -> Path:
    """A folder in which both are installed."""
    return installed(PACKAGES)


@pytest.mark.by_client("list_customer query create_sales_order update_sales_order create_ar_document get_ar_document")
def test_nodes_clients_find_order_and_bill(node: Path, books: dict[str, Any], debtor: str) -> None:
    keys = books["credentials"]
    names = ("account_id", "consumer_key", "consumer_secret", "token_id", "token_secret")
    words = [books["url"], urlsplit(books["url"]).netloc, *(keys[name] for name in names), debtor]
    assert run(node, SCRIPT, *words) == {
        "found": debtor,
        "asked": debtor,
        "missing": 404,
        "changed": 204,
        "invoice": [True, 100, "Node"],
        "lines": [["-2", "2"]],
    }
