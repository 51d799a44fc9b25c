"""jsforce, unmodified, against the Salesforce face. It is installed from npm once; without Node the tests are skipped, loudly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from node_clients import installed

VERSION = "3.10.16"
SCRIPT = r"""
const jsforce = require('jsforce');
const {StreamingExtension} = require('jsforce/lib/api/streaming');
const keys = JSON.parse(process.argv[2]);
const url = keys.login_url;
const seen = {};
(async () => {
  const soap = new jsforce.Connection({loginUrl: url});
  const user = await soap.login(keys.username, keys.password + keys.security_token);
  seen.login = [user.id === keys.user_id, user.organizationId === keys.organization_id];
  seen.identity = (await soap.identity()).username;
  const oauth = new jsforce.Connection({oauth2: {loginUrl: url, clientId: keys.consumer_key, clientSecret: keys.consumer_secret}});
  await oauth.login(keys.username, keys.password);
  const conn = new jsforce.Connection({instanceUrl: url, accessToken: keys.access_token, version: '59.0'});

  const channel = '/data/AccountChangeEvent';
  const events = [];
  const client = conn.streaming.createClient([new StreamingExtension.Replay(channel, -1)]);
  const heard = new Promise((resolve) => {
    client.subscribe(channel, (event) => { events.push(event); if (events.length === 2) resolve(); });
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));

  const made = await conn.sobject('Account').create({Name: 'Node', Phone: '1'});
  seen.created = made.success;
  await conn.sobject('Account').update({Id: made.id, Phone: '2'});
  await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 8000))]);
  seen.events = events.map((each) => [each.payload.ChangeEventHeader.changeType, each.payload.Phone, typeof each.event.replayId]);
  client.disconnect();

  await conn.sobject('PushTopic').create({Name: 'Phones', Query: "SELECT Id, Phone FROM Account", ApiVersion: 59});
  const rung = new Promise((resolve) => conn.streaming.topic('Phones').subscribe(resolve));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await conn.sobject('Account').update({Id: made.id, Phone: '7'});
  const told = await Promise.race([rung, new Promise((resolve) => setTimeout(() => resolve(null), 8000))]);
  seen.topic = told && [told.event.type, told.sobject.Phone];
  await conn.sobject('Account').update({Id: made.id, Phone: '2'});

  seen.found = (await conn.sobject('Account').find({Name: 'Node'}, '*'))[0].Phone;
  seen.retrieved = (await conn.sobject('Account').retrieve([made.id, made.id])).length;
  const many = await conn.sobject('Contact').create(
    [...Array(150).keys()].map((n) => ({LastName: `N${n}`, AccountId: made.id})), {allOrNone: false});
  seen.many = many.filter((each) => each.success).length;
  const page = await conn.query(`SELECT Id FROM Contact WHERE AccountId = '${made.id}'`);
  seen.page = [page.totalSize, page.done];
  const walked = [];
  await new Promise((resolve, reject) => conn.query(`SELECT Id FROM Contact WHERE AccountId = '${made.id}'`)
    .on('record', (each) => walked.push(each)).on('end', resolve).on('error', reject).run({autoFetch: true, maxFetch: 500}));
  seen.walked = walked.length;
  const up = await conn.sobject('Account').upsert({Name: 'Up', ERP_Customer_Id__c: 'N-1 x'}, 'ERP_Customer_Id__c');
  const again = await conn.sobject('Account').upsert({Name: 'Up 2', ERP_Customer_Id__c: 'N-1 x'}, 'ERP_Customer_Id__c');
  seen.upsert = [up.created, again.created, again.id === up.id];
  try { await conn.sobject('Account').create({}); } catch (error) { seen.error = [error.errorCode, error.name]; }
  seen.describe = (await conn.describe('Opportunity')).fields.length > 30;
  seen.limit = conn.limitInfo.apiUsage.limit;

  const job = conn.bulk2.createJob({object: 'Account', operation: 'insert'});
  await job.open();
  await job.uploadData([{Name: 'B1', Phone: '1'}, {Name: 'B2', Phone: '1'}, {Name: '', Phone: '3'}]);
  await job.close();
  await job.poll(50, 10000);
  const results = await job.getAllResults();
  seen.bulk = [results.successfulResults.length, results.failedResults.length, results.unprocessedRecords.length];
  const stream = await conn.bulk2.query("SELECT Id, Name FROM Account WHERE Name LIKE 'B%'", {pollInterval: 50, pollTimeout: 10000});
  seen.bulkQuery = (await stream.toArray()).length;
  conn.bulk.pollInterval = 50;
  const loaded = await conn.bulk.load('Account', 'insert', [{Name: 'V1', Phone: '1'}, {Name: '', Phone: '2'}]);
  seen.batch = loaded.map((each) => [each.success, each.errors.length]);
  seen.batchQuery = (await (await conn.bulk.query("SELECT Id, Name FROM Account WHERE Name = 'V1'")).toArray()).map((each) => each.Name);
  const crowd = await conn.sobject('Lead').create(
    [...Array(201).keys()].map((n) => ({LastName: `L${n}`, Company: 'Crowd'})), {allowRecursive: true});
  const gone = await conn.sobject('Lead').find({Company: 'Crowd'}).destroy();
  seen.destroyed = [crowd.length, gone.filter((each) => each.success).length, (await conn.query("SELECT Id FROM Lead WHERE Company = 'Crowd'")).totalSize];
  seen.search = (await conn.search('FIND {Node} IN ALL FIELDS RETURNING Account(Id)')).searchRecords.length;
  await conn.sobject('Account').destroy(made.id);
  await soap.logout();
  console.log(JSON.stringify(seen));
  process.exit(0);
})().catch((error) => { console.error(error, JSON.stringify(seen)); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node() -> Path:
    """A folder in which jsforce is installed."""
    return installed({"jsforce": VERSION})


@pytest.mark.by_client(
    "soap token create_record update_record query cometd upsert_record describe bulk_ingest_create batch_job_create batch_rows search"
)
def test_jsforce_sells_listens_and_loads(node: Path, launch: Any) -> None:
    landscape = launch(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    keys = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")[
        "credentials"
    ]
    (node / "flow.js").write_text(SCRIPT, encoding="utf-8")
    command = ["node", str(node / "flow.js"), json.dumps(keys)]
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(command, capture_output=True, check=False, timeout=90, cwd=node, env=plain)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "login": [True, True],
        "identity": keys["username"],
        "created": True,
        "events": [["CREATE", "1", "number"], ["UPDATE", "2", "number"]],
        "topic": ["updated", "7"],
        "found": "2",
        "retrieved": 2,
        "many": 150,
        "page": [150, True],
        "walked": 150,
        "upsert": [True, False, True],
        "error": ["REQUIRED_FIELD_MISSING", "REQUIRED_FIELD_MISSING"],
        "describe": True,
        "limit": 15000,
        "bulk": [2, 1, 0],
        "bulkQuery": 2,
        "batch": [[True, 0], [False, 1]],
        "batchQuery": ["V1"],
        "destroyed": [201, 201, 0],
        "search": 1,
    }


TUNNELLED = """
const jsforce = require('jsforce');
(async () => {
  const conn = new jsforce.Connection();
  await conn.login(process.argv[2], process.argv[3]);
  console.log(JSON.stringify([conn.instanceUrl, (await conn.query("SELECT Id FROM User LIMIT 1")).totalSize]));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
"""


def test_jsforce_signs_in_at_salesforces_own_address(node: Path, launch: Any, tmp_path: Path) -> None:
    landscape = launch(systems={"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}})
    keys = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "crm")[
        "credentials"
    ]
    (node / "tunnelled.js").write_text(TUNNELLED, encoding="utf-8")
    ca = tmp_path / "ca.pem"
    proxy = [sys.executable, "-m", "counterfoil", "tunnel", "--port", "0", "--ca", str(ca), "--landscape"]
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    plain |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUNBUFFERED": "1"}
    control = landscape.landscape.control_url
    with subprocess.Popen([*proxy, control], env=plain, text=True, stdout=subprocess.PIPE) as tunnel:
        assert tunnel.stdout is not None
        address = next(line.partition("HTTPS_PROXY=")[2].strip() for line in tunnel.stdout if "HTTPS_PROXY" in line)
        command = ["node", str(node / "tunnelled.js"), keys["username"], keys["password"] + keys["security_token"]]
        given = plain | {"https_proxy": address, "NODE_EXTRA_CA_CERTS": str(ca)}
        done = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd=node, env=given)
        tunnel.terminate()
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == ["https://login.salesforce.com", 1]
