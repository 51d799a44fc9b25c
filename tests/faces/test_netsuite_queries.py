"""SuiteQL, transforms, jobs and the metadata catalogue of the NetSuite face."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytest.importorskip("requests_oauthlib")
from netsuite_account import Client, an_invoice, refusal

# SuiteQL

SUITEQL = "/services/rest/query/v1/suiteql"


def asked(ns: Client, query: str, *params: Any, **paging: Any) -> Any:
    """The answer to a query."""
    body = {"q": query, "params": list(params)}
    return ns("POST", SUITEQL, body, headers={"Prefer": "transient"}, params=paging)


def rows(ns: Client, query: str, *params: Any) -> list[dict[str, str]]:
    answer = asked(ns, query, *params)
    assert answer.status_code == 200, answer.text
    return [{name: value for name, value in row.items() if name != "links"} for row in answer.json()["items"]]


def test_accounts_have_the_kinds_that_clients_find_them_by(ns: Client) -> None:
    for kind, numbers in {"Bank": ["1000"], "AcctRec": ["1200"], "DeferRev": ["2300"]}.items():
        found = rows(ns, "SELECT acctnumber FROM account WHERE accttype = ? ORDER BY acctnumber", kind)
        assert [each["acctnumber"] for each in found] == numbers


@pytest.mark.by_client("query")
def test_suiteql_sees_transactions_their_lines_and_their_postings(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor, memo="January"))
    ns.made("/customerPayment", {"customer": debtor, "payment": 620, "apply": {"items": [{"doc": invoice}]}})
    found = rows(
        ns,
        "SELECT t.ID, t.type, t.trandate, t.foreigntotal, t.foreignamountunpaid, t.posting, BUILTIN.DF(t.postingperiod) AS period,"
        " t.memo, t.otherrefnum, c.companyname FROM transaction t JOIN customer c ON c.id = t.entity WHERE t.id = ?",
        invoice,
    )
    name = ns("GET", f"/customer/{debtor}").json()["companyName"]
    assert found == [
        {
            "id": invoice,
            "type": "CustInvc",
            "trandate": "1/10/2026",
            "foreigntotal": "1620",
            "foreignamountunpaid": "1000",
            "posting": "T",
            "period": "Jan 2026",
            "memo": "January",
            "companyname": name,
        }
    ]
    lines = rows(
        ns,
        "SELECT id, mainline, taxline, quantity, foreignamount FROM transactionline WHERE transaction = ? ORDER BY id",
        invoice,
    )
    assert [(line["mainline"], line["taxline"], line["foreignamount"]) for line in lines] == [
        ("T", "F", "1620"), ("F", "F", "-1500"), ("F", "T", "-120")]  # fmt: skip
    assert lines[1]["quantity"] == "-10"
    postings = rows(
        ns, "SELECT account, SUM(amount) AS total FROM transactionaccountingline WHERE transaction = ? GROUP BY account"
        " ORDER BY account", invoice)  # fmt: skip
    assert postings[0] == {"account": "1200", "total": "1620"}
    assert sum(float(each["total"]) for each in postings) == 0
    links = rows(ns, "SELECT foreignamount FROM nexttransactionlinelink WHERE previousdoc = ?", invoice)
    assert links == [{"foreignamount": "620"}]


@pytest.mark.parametrize(
    "table",
    ["customer", "entity", "transaction", "transactionline", "transactionaccountingline", "previoustransactionlinelink",
     "job", "contact", "employee", "department", "classification", "location", "item", "account", "subsidiary", "currency", "term", "accountingperiod", "revenuearrangement", "revenueelement",
     "revenueplan", "revenueplanplannedrevenue"],
)  # fmt: skip
def test_every_table_can_be_counted_and_read(ns: Client, table: str) -> None:
    assert int(rows(ns, f"SELECT COUNT(*) AS count FROM {table}")[0]["count"]) >= 0
    rows(ns, f"SELECT * FROM {table} FETCH FIRST 2 ROWS ONLY")


def test_suiteql_is_paged_and_has_its_rules(ns: Client, debtor: str) -> None:
    page = asked(ns, "SELECT id FROM account ORDER BY id", limit=10).json()
    assert (page["count"], page["hasMore"], page["totalResults"]) == (10, True, 27)
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    more = ns("POST", following, {"q": "SELECT id FROM account ORDER BY id"}, headers={"Prefer": "transient"}).json()
    assert more["offset"] == 10
    assert ns("POST", SUITEQL, {"q": "SELECT id FROM account"}).status_code == 400
    assert ns("GET", SUITEQL).status_code == 405
    assert rows(ns, "SELECT periodname FROM accountingperiod WHERE closed = 'T'") == [{"periodname": "Dec 2025"}]


def test_a_query_may_run_over_lines_and_need_not_say_that_it_is_json(ns: Client) -> None:
    body = '{"q": "SELECT\n\tid\nFROM customer\nWHERE id = 0"}'
    answer = ns("POST", SUITEQL, headers={"Prefer": "transient", "Content-Type": ""}, data=body.encode())
    assert (answer.status_code, answer.json()["count"]) == (200, 0)
    record = ns("POST", "/customer", headers={"Content-Type": ""}, data=b'{"companyName": "Untold"}')
    assert refusal(record)[:2] == (415, "INVALID_CONTENT")
    assert refusal(ns("POST", SUITEQL, headers={"Prefer": "transient"}, data=b"{"))[:2] == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "query", ["SELECT balance FROM customer", "DELETE FROM customer", "SELECT id FROM nowhere", "SELEC"]
)
def test_a_query_that_cannot_be_answered_is_refused(ns: Client, query: str) -> None:
    answer = asked(ns, query)
    assert refusal(answer)[:2] == (400, "INVALID_PARAMETER")
    assert answer.json()["title"] == "Invalid search query."


# transforms, jobs, metadata


@pytest.mark.by_client("receive_payment create_ar_document")
def test_an_invoice_is_transformed_to_what_pays_or_credits_it(ns: Client, debtor: str) -> None:
    invoice = ns.made("/invoice", an_invoice(ns, debtor))
    part = ns.made(f"/invoice/{invoice}/!transform/customerPayment", {"payment": 620})
    assert ns("GET", f"/customerPayment/{part}").json()["createdFrom"]["id"] == invoice
    assert ns("GET", f"/invoice/{invoice}").json()["amountRemaining"] == 1000.0
    rest = ns("POST", f"/invoice/{invoice}/!transform/customerPayment")
    assert rest.status_code == 204, rest.text
    assert ns("GET", f"/invoice/{invoice}").json()["status"]["id"] == "Paid In Full"
    assert refusal(ns("POST", f"/invoice/{invoice}/!transform/customerPayment"))[:2] == (400, "USER_ERROR")
    assert refusal(ns("POST", f"/invoice/{invoice}/!transform/salesOrder"))[:2] == (400, "INVALID_REQUEST")
    other = ns.made("/invoice", an_invoice(ns, debtor))
    memo = ns.made(f"/invoice/{other}/!transform/creditMemo", {"tranDate": "2026-01-12"})
    assert ns("GET", f"/creditMemo/{memo}").json()["total"] == 1620.0
    assert ns("GET", f"/invoice/{other}").json()["amountRemaining"] == 0.0


@pytest.mark.by_client("get_async_job list_async_job_task get_async_job_task get_async_job_result")
def test_a_job_has_the_answer_that_the_call_would_have_had(ns: Client, debtor: str) -> None:
    wish = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": f"key-{time.monotonic_ns()}"}
    body = an_invoice(ns, debtor)
    taken = ns("POST", "/invoice", body, headers=wish)
    assert (taken.status_code, taken.headers["preference-applied"]) == (202, "respond-async")
    job = taken.headers["location"]
    assert ns("GET", job).json()["progress"] == "succeeded"
    task = ns("GET", ns("GET", f"{job}/task").json()["items"][0]["links"][0]["href"]).json()
    result = ns("GET", next(link["href"] for link in task["links"] if link["rel"] == "result"))
    assert result.status_code == 204
    assert ns("GET", result.headers["location"]).json()["total"] == 1620.0
    again = ns("POST", "/invoice", body, headers=wish)
    assert again.headers["location"] == job
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{debtor}]"}).json()["totalResults"] == 1
    failed = ns("POST", "/invoice", {**body, "tranDate": "2025-12-31"}, headers={"Prefer": "respond-async"})
    assert ns("GET", failed.headers["location"]).json()["progress"] == "failed"
    assert refusal(ns("GET", f"{failed.headers['location']}/task/1/result"))[1] == "USER_ERROR"


def test_an_idempotency_key_means_nothing_to_a_call_that_waits(ns: Client, debtor: str) -> None:
    for _ in range(2):
        answer = ns("POST", "/invoice", an_invoice(ns, debtor), headers={"X-NetSuite-Idempotency-Key": "same"})
        assert answer.status_code == 204
    assert ns("GET", "/invoice", params={"q": f"entity ANY_OF [{debtor}]"}).json()["totalResults"] == 2


@pytest.mark.by_client("list_metadata get_metadata governance_limits")
def test_the_catalogue_describes_what_the_records_show(ns: Client, debtor: str) -> None:
    names = [each["name"] for each in ns("GET", "/metadata-catalog").json()["items"]]
    assert {"customer", "invoice", "customerPayment", "term"} <= set(names)
    found = ns("GET", "/metadata-catalog/customer", headers={"Accept": "application/schema+json"})
    assert found.headers["content-type"] == "application/schema+json"
    shown = ns.expanded(f"/customer/{debtor}")
    assert shown.keys() - {"links"} <= found.json()["properties"].keys()
    assert found.json()["properties"]["companyName"] == {"title": "Company Name", "type": "string"}
    document = ns(
        "GET", "/metadata-catalog", params={"select": "invoice"}, headers={"Accept": "application/swagger+json"}
    )
    assert set(document.json()["paths"]) >= {"/invoice", "/invoice/{id}"}
    assert refusal(ns("GET", "/metadata-catalog", params={"select": "nix"}))[0] == 404
    assert ns("GET", "/services/rest/system/v1/governanceLimits").json()["accountConcurrencyLimit"] == 5


# records that only NetSuite knows


def an_order(ns: Client, debtor: str, **more: Any) -> dict[str, Any]:
    """A head and a line of an order over 10 hours at 150."""
    found = an_invoice(ns, debtor, **more)
    return {"entity": found["entity"], "item": found["item"], **more}


@pytest.mark.by_client("create_sales_order get_sales_order update_sales_order list_sales_order delete_sales_order")
def test_an_order_is_billed_once(ns: Client, debtor: str) -> None:
    order = ns.made("/salesOrder", an_order(ns, debtor, externalId="SO-1", memo="Spring"))
    found = ns.expanded(f"/salesOrder/{order}")
    assert (found["total"], found["status"]["id"], found["tranId"][:2]) == (1500.0, "F", "SA")
    assert found["item"]["items"][0]["item"]["refName"] == "CONSULTING"
    more = {"item": {"items": [{"item": found["item"]["items"][0]["item"], "quantity": 1, "rate": 100}]}}
    ns("PATCH", "/salesOrder/eid:SO-1", more)
    assert ns("GET", f"/salesOrder/{order}").json()["total"] == 1600.0
    ns("PATCH", f"/salesOrder/{order}?replace=item", more)
    assert ns("GET", f"/salesOrder/{order}").json()["total"] == 100.0
    invoice = ns.made(f"/salesOrder/{order}/!transform/invoice", {"tranDate": "2026-01-20"})
    made = ns.expanded(f"/invoice/{invoice}")
    assert (made["createdFrom"]["id"], made["subtotal"], made["memo"]) == (order, 100.0, "Spring")
    assert ns("GET", f"/salesOrder/{order}").json()["status"]["id"] == "G"
    assert refusal(ns("POST", f"/salesOrder/{order}/!transform/invoice"))[:2] == (400, "USER_ERROR")
    assert rows(ns, "SELECT type, posting FROM transaction WHERE externalid = 'SO-1'") == [
        {"type": "SalesOrd", "posting": "F"}
    ]
    assert ns("GET", "/salesOrder", params={"q": 'memo IS "Spring"'}).json()["totalResults"] == 1
    taken = ns("POST", "/invoice", an_invoice(ns, debtor, externalId="so-1"))
    assert refusal(taken)[:2] == (400, "USER_ERROR")
    assert ns("DELETE", f"/salesOrder/{ns.made('/salesOrder', an_order(ns, debtor))}").status_code == 204


def test_an_opportunity_becomes_an_estimate_and_an_order(ns: Client, debtor: str) -> None:
    deal = ns.made("/opportunity", an_order(ns, debtor, title="Rollout"))
    estimate = ns.made(f"/opportunity/{deal}/!transform/estimate", {})
    order = ns.made(f"/estimate/{estimate}/!transform/salesOrder", {})
    found = ns("GET", f"/salesOrder/{order}").json()
    assert (found["total"], found["createdFrom"]["id"]) == (1500.0, estimate)


@pytest.mark.by_client("create_job create_contact create_department create_employee create_time_bill")
def test_projects_people_and_departments_are_kept_as_they_come(ns: Client, debtor: str) -> None:
    job = ns.made("/job", {"companyName": "Rollout", "parent": {"id": debtor}, "externalId": "PRJ-1"})
    assert ns("GET", f"/job/{job}").json()["parent"]["id"] == debtor
    invoice = ns.made("/invoice", an_invoice(ns, job))
    assert ns("GET", f"/invoice/{invoice}").json()["entity"]["id"] == debtor
    contact = ns.made("/contact", {"firstName": "Kim", "lastName": "Doe", "company": debtor})
    assert rows(ns, "SELECT id, lastname FROM contact WHERE company = ?", debtor) == [
        {"id": contact, "lastname": "Doe"}
    ]
    department = ns.made("/department", {"name": "Delivery"})
    employee = ns.made("/employee", {"firstName": "Ada", "lastName": "Field", "department": {"id": department}})
    time_bill = ns.made("/timeBill", {"employee": {"id": employee}, "hours": "8:00", "tranDate": "2026-01-06"})
    assert ns("GET", f"/timeBill/{time_bill}").json()["employee"]["refName"] == "Ada Field"
    assert refusal(ns("POST", "/department", {}))[:2] == (400, "USER_ERROR")


@pytest.mark.by_client(
    "create_job get_job list_job update_job delete_job create_department get_department list_department"
)
@pytest.mark.by_client("create_contact get_contact list_contact update_contact delete_contact update_department")
@pytest.mark.by_client("create_employee get_employee list_employee update_employee delete_employee delete_department")
@pytest.mark.by_client("create_classification get_classification list_classification update_classification")
@pytest.mark.by_client(
    "create_location get_location list_location update_location delete_location delete_classification"
)
@pytest.mark.by_client("create_opportunity get_opportunity list_opportunity update_opportunity delete_opportunity")
@pytest.mark.by_client("create_estimate get_estimate list_estimate update_estimate delete_estimate")
@pytest.mark.by_client("create_project_task get_project_task list_project_task update_project_task delete_project_task")
@pytest.mark.by_client("create_time_bill get_time_bill list_time_bill update_time_bill delete_time_bill")
@pytest.mark.by_client(
    "create_resource_allocation get_resource_allocation list_resource_allocation update_resource_allocation delete_resource_allocation"
)
@pytest.mark.by_client("create_time_sheet get_time_sheet list_time_sheet update_time_sheet delete_time_sheet")
@pytest.mark.by_client("create_charge get_charge list_charge update_charge delete_charge")
@pytest.mark.by_client(
    "create_billing_schedule get_billing_schedule list_billing_schedule update_billing_schedule delete_billing_schedule"
)
@pytest.mark.by_client(
    "create_billing_rate_card get_billing_rate_card list_billing_rate_card update_billing_rate_card delete_billing_rate_card"
)
@pytest.mark.by_client(
    "create_rev_rec_template get_rev_rec_template list_rev_rec_template update_rev_rec_template delete_rev_rec_template"
)
@pytest.mark.by_client("create_job_status get_job_status list_job_status update_job_status delete_job_status")
@pytest.mark.by_client("create_job_type get_job_type list_job_type update_job_type delete_job_type")
@pytest.mark.by_client("create_tax_type get_tax_type list_tax_type update_tax_type delete_tax_type")
@pytest.mark.by_client("create_tax_group get_tax_group list_tax_group update_tax_group delete_tax_group")
@pytest.mark.by_client(
    "create_rev_rec_schedule get_rev_rec_schedule list_rev_rec_schedule update_rev_rec_schedule delete_rev_rec_schedule"
)
@pytest.mark.by_client("create_nexus get_nexus list_nexus update_nexus delete_nexus")
@pytest.mark.by_client(
    "create_customer_subsidiary_relationship get_customer_subsidiary_relationship list_customer_subsidiary_relationship update_customer_subsidiary_relationship delete_customer_subsidiary_relationship"
)
def test_records_that_only_netsuite_knows_live_from_post_to_delete(ns: Client, debtor: str) -> None:
    job = ns.made("/job", {"companyName": "For tasks"})
    employee = ns.made("/employee", {"lastName": "Field"})
    bodies: dict[str, dict[str, Any]] = {
        "job": {"companyName": "Rollout"},
        "contact": {"lastName": "Doe", "company": debtor},
        "employee": {"lastName": "Byrd"},
        "projectTask": {"company": {"id": job}, "title": "Plan"},
        "timeBill": {"employee": {"id": employee}, "hours": 8},
        "resourceAllocation": {
            "allocationResource": {"id": employee},
            "project": {"id": job},
            "startDate": "2026-01-05",
            "endDate": "2026-01-30",
            "allocationAmount": 50,
        },
        "timeSheet": {"employee": {"id": employee}, "tranDate": "2026-01-05"},
        "charge": {"billTo": {"id": debtor}, "project": {"id": job}, "quantity": 8, "rate": 150},
        "customerSubsidiaryRelationship": {"entity": {"id": debtor}, "subsidiary": {"id": ns.first("/subsidiary")}},
        **{name: {"name": "One of many"} for name in ("billingSchedule", "billingRateCard", "revRecTemplate")},
        **{name: {"name": "One of many"} for name in ("jobStatus", "jobType", "taxType", "nexus")},
        "taxGroup": {"itemId": "Boston"},
        "revRecSchedule": {"amount": 1200, "initialAmount": 0},
        "department": {"name": "Delivery"},
        "classification": {"name": "Advisory"},
        "location": {"name": "Boston"},
        "opportunity": an_order(ns, debtor),
        "estimate": an_order(ns, debtor),
    }
    for name, body in bodies.items():
        record_id = ns.made(f"/{name}", {**body, "custrecord_note": "kept"})
        assert ns("GET", f"/{name}/{record_id}").json()["custrecord_note"] == "kept"
        upserted = ns("PUT", f"/{name}/eid:CYCLE-{name}", body)
        again = ns("PUT", f"/{name}/eid:cycle-{name}", {"custrecord_note": "changed"})
        assert upserted.headers["location"] == again.headers["location"]
        assert ns("PATCH", f"/{name}/{record_id}", {"custrecord_note": None}).status_code == 204
        assert "custrecord_note" not in ns("GET", f"/{name}/{record_id}").json()
        found = ns("GET", f"/{name}", params={"q": f'externalId IS "CYCLE-{name}"'}).json()
        assert upserted.headers["location"].endswith(f"/{name}/{found['items'][0]['id']}")
        if "item" in body:
            assert ns("GET", f"/{name}/{record_id}/item/1").json()["amount"] == 1500.0
        assert ns("DELETE", f"/{name}/{record_id}").status_code == 204
        assert refusal(ns("GET", f"/{name}/{record_id}"))[:2] == (404, "NONEXISTENT_ID")


@pytest.mark.by_client("get_async_job list_async_job_task get_async_job_task get_async_job_result")
def test_a_collection_is_written_record_by_record(ns: Client) -> None:
    company, mark = ns.first("/subsidiary"), f"BATCH-{time.monotonic_ns()}"
    items = [{"companyName": f"Batch {number}", "subsidiary": company, "externalId": mark} for number in (1, 2)]
    media = {"Content-Type": "application/vnd.oracle.resource+json; type=collection"}
    alone = ns("POST", "/customer", {"items": items}, headers=media)
    assert refusal(alone)[:2] == (400, "INVALID_HEADER")
    asked = ns("POST", "/customer", {"items": items}, headers={**media, "Prefer": "respond-async"})
    assert asked.status_code == 202
    job = asked.headers["location"]
    assert ns("GET", job).json()["progress"] == "failed"
    tasks = ns("GET", f"{job}/task").json()["items"]
    assert [ns("GET", each["links"][0]["href"]).json()["progress"] for each in tasks] == ["succeeded", "failed"]
    first, second = (ns("GET", f"{job}/task/{each['id']}/result") for each in tasks)
    assert ns("GET", first.headers["location"]).json()["companyName"] == "Batch 1"
    assert refusal(second) == (400, "USER_ERROR", "Error while accessing a resource. This record already exists.")
    assert ns("GET", f"{job}/task/3").status_code == 404
