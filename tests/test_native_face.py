"""The native face over a real port: what it takes, what it refuses, and how it says so."""

from __future__ import annotations

import gzip
import http.client
from typing import Any

import pytest

from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.errors import Problem

CUSTOMER = {"name": "Northwind Advisory", "country": "US"}
TAX_CODE = {"kind": "SALES_TAX", "rate": "0.0825"}


def made(faces: Any, system: str, path: str, **body: Any) -> Any:
    """Create a record; it must work."""
    reply = faces.call(system, "POST", path, body)
    assert reply.status == 201, reply.raw
    return reply.json


def test_a_created_record_is_found_by_location_id_and_key(faces: Any) -> None:
    reply = faces.call("crm", "POST", "/customers", CUSTOMER)
    assert reply.status == 201
    record = reply.json
    assert reply.headers["location"] == f"{faces.url('crm')}/native/v1/customers/{record['id']}"
    assert reply.headers["etag"] == '"1"'
    for name in (record["id"], record["key"]):
        found = faces.call("crm", "GET", f"/customers/{name}")
        assert found.status == 200
        assert found.json == record


def test_a_key_with_a_slash_is_found_percent_encoded(faces: Any) -> None:
    customer = made(faces, "crm", "/customers", **CUSTOMER)
    site = made(faces, "crm", "/sites", customer=customer["key"], site_code="HQ", country="US")
    assert site["customer"] == customer["id"]
    assert faces.call("crm", "GET", f"/sites/{customer['key']}%2FHQ").json["id"] == site["id"]
    assert faces.call("crm", "GET", f"/sites/{customer['key']}/HQ").status == 404


def test_money_and_decimals_keep_their_wire_form(faces: Any) -> None:
    customer = made(faces, "crm", "/customers", **CUSTOMER, credit_limit={"minor": 150000.0, "ccy": "USD"})
    assert customer["credit_limit"] == {"minor": 150000, "ccy": "USD"}
    code = made(faces, "erp", "/tax_codes", code="T-WIRE", **TAX_CODE)
    assert code["rate"] == "0.082500"
    assert code["taxable_fraction"] == "1.000000"


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("credit_limit", {"minor": "150000", "ccy": "USD"}, "credit_limit.minor"),
        ("credit_limit", {"minor": True, "ccy": "USD"}, "credit_limit.minor"),
        ("credit_limit", {"minor": 1.5, "ccy": "USD"}, "credit_limit.minor"),
        ("credit_limit", {"minor": 1, "ccy": "XXX"}, "credit_limit.ccy"),
        ("credit_limit", {"minor": 1, "ccy": "EUR"}, "credit_limit.ccy"),
        ("name", "a\0b", "name"),
        ("name", "", "name"),
        ("name", "x" * 256, "name"),
        ("name", None, "name"),
        ("country", "us", "country"),
        ("exemption_expires", "2026-02-30", "exemption_expires"),
        ("exemption_expires", "20260228", "exemption_expires"),
        ("vat_validated_at", "2026-01-01", "vat_validated_at"),
        ("po_required", "true", "po_required"),
        ("terms", "NET7", "terms"),
        ("parent", "no-such-customer", "parent"),
        ("custom", ["a"], "custom"),
        ("custom", {"text": "x" * 40_000}, "custom"),
        ("ext_refs", [{"system": "a", "type": "b", "id": "1"}, {"system": "a", "type": "b", "id": "2"}], "ext_refs"),
        ("version", 7, "version"),
        ("ultimate_parent", "x", "ultimate_parent"),
        ("nmae", "x", "nmae"),
    ],
)
def test_a_refusal_names_the_field_and_what_to_do(faces: Any, member: str, value: Any, field: str) -> None:
    reply = faces.call("crm", "POST", "/customers", {**CUSTOMER, member: value})
    assert reply.status == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json
    assert field in [each["field"] for each in problem["errors"]]
    assert problem["detail"]
    assert problem["remedy"]


def test_a_misspelt_field_is_put_right(faces: Any) -> None:
    problem = faces.call("crm", "POST", "/customers", {**CUSTOMER, "segmnt": "x"}).json
    assert "segment" in problem["remedy"]


def test_an_instant_in_another_zone_is_kept_as_utc(faces: Any) -> None:
    customer = made(faces, "crm", "/customers", **CUSTOMER, vat_validated_at="2026-01-01T01:00:00+02:00")
    assert customer["vat_validated_at"] == "2025-12-31T23:00:00.000Z"


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"a": NaN}', b"[" * 2000])
def test_a_body_that_cannot_be_read_is_400(faces: Any, body: bytes) -> None:
    reply = faces.call("crm", "POST", "/customers", body)
    assert reply.status == 400
    assert reply.json["code"] == "UNPARSABLE"


def test_a_body_beyond_the_limit_is_413(faces: Any) -> None:
    reply = faces.call("crm", "POST", "/customers", b" " * (1024 * 1024 + 1))
    assert reply.status == 413


def test_media_types_are_looked_at(faces: Any) -> None:
    assert faces.call("crm", "POST", "/customers", CUSTOMER, {"Content-Type": "text/xml"}).status == 415
    assert faces.call("crm", "GET", "/customers", None, {"Accept": "text/html"}).status == 406
    assert faces.call("crm", "GET", "/customers", None, {"Accept": "text/html, */*;q=0.1"}).status == 200


def test_unknown_paths_and_methods_are_told_apart(faces: Any) -> None:
    assert faces.call("crm", "GET", "/nothing").status == 404
    assert faces.call("crm", "GET", "/customers/no-such").status == 404
    for path, allowed in (
        ("/customers", "GET, POST"),
        ("/customers/x", "DELETE, GET, PATCH"),
        ("/contracts/x", "GET"),
        ("/customers/bulk", "POST"),
        ("/actions/close_won", "POST"),
    ):
        reply = faces.call("crm", "PUT", path)
        assert reply.status == 405
        assert reply.headers["allow"] == allowed
    assert "PUT" in faces.call("psa", "POST", "/customers/x", {}).headers["allow"]


def test_a_blind_change_is_taken_by_the_crm_and_refused_by_the_erp(faces: Any) -> None:
    customer = made(faces, "crm", "/customers", **CUSTOMER)
    changed = faces.call("crm", "PATCH", f"/customers/{customer['id']}", {"segment": "A"})
    assert changed.status == 200
    assert changed.json["version"] == 2
    assert changed.headers["etag"] == '"2"'
    stale = faces.call("crm", "PATCH", f"/customers/{customer['id']}", {"segment": "B"}, {"If-Match": '"1"'})
    assert stale.status == 412
    code = made(faces, "erp", "/tax_codes", code="T-MATCH", **TAX_CODE)
    path = f"/tax_codes/{code['id']}"
    assert faces.call("erp", "PATCH", path, {"legend": "x"}).status == 428
    assert faces.call("erp", "DELETE", path).status == 428
    assert faces.call("erp", "PATCH", path, {"legend": "x"}, {"If-Match": '"7"'}).status == 412
    assert faces.call("erp", "PATCH", path, {"legend": "x"}, {"If-Match": '"1"'}).json["legend"] == "x"
    assert faces.call("erp", "PATCH", path, {"legend": None}, {"If-Match": "*"}).json["legend"] is None


def test_a_put_clears_what_it_omits_and_a_patch_does_not(faces: Any) -> None:
    customer = made(faces, "psa", "/customers", **CUSTOMER, segment="A", customer_no="CU-1", custom={"a": 1})
    path = f"/customers/{customer['id']}"
    patched = faces.call("psa", "PATCH", path, {"owner": "desk"}).json
    assert (patched["segment"], patched["owner"]) == ("A", "desk")
    replaced = faces.call("psa", "PUT", path, CUSTOMER).json
    assert (replaced["segment"], replaced["owner"], replaced["custom"]) == (None, None, {})
    assert (replaced["customer_no"], replaced["status"]) == ("CU-1", customer["status"])


def test_a_deleted_record_is_gone_from_lists_unless_asked_for(faces: Any) -> None:
    customer = made(faces, "crm", "/customers", **CUSTOMER, segment="GOING")
    deleted = faces.call("crm", "DELETE", f"/customers/{customer['id']}")
    assert deleted.status == 200
    assert deleted.json["deleted_at"] is not None
    assert faces.call("crm", "GET", f"/customers/{customer['id']}").status == 404
    assert faces.call("crm", "DELETE", f"/customers/{customer['id']}").status == 404
    assert faces.call("crm", "GET", "/customers?segment=GOING").json["items"] == []
    assert len(faces.call("crm", "GET", "/customers?segment=GOING&include_deleted=true").json["items"]) == 1


@pytest.mark.parametrize(("system", "style"), [("crm", "cursor"), ("psa", "offset"), ("erp", "cursor")])
def test_pages_show_every_record_once_and_in_order(faces: Any, system: str, style: str) -> None:
    for number in range(7):
        made(faces, system, "/customers", **{**CUSTOMER, "segment": "PAGED", "tax_no": str(number)})
    seen, where = [], ""
    while True:
        page = faces.call(system, "GET", f"/customers?segment=PAGED&limit=3{where}").json
        seen += [each["tax_no"] for each in page["items"]]
        if page["next"] is None:
            break
        where = f"&{style}={page['next']}"
    assert sorted(seen) == [str(number) for number in range(7)]
    if faces.systems[system].role.resolution == "ms":
        assert seen == sorted(seen)


def test_lists_filter_on_fields_and_on_time(faces: Any) -> None:
    one = made(faces, "erp", "/customers", **{**CUSTOMER, "segment": "FILTERED", "vat_id": "V1"})
    two = made(faces, "erp", "/customers", **{**CUSTOMER, "segment": "FILTERED", "po_required": True})

    def keys(query: str) -> list[str]:
        reply = faces.call("erp", "GET", f"/customers?segment=FILTERED&{query}")
        assert reply.status == 200, reply.raw
        return [each["id"] for each in reply.json["items"]]

    assert keys("vat_id=V1") == [one["id"]]
    assert keys("vat_id=") == [two["id"]]
    assert keys("po_required=true") == [two["id"]]
    assert keys(f"updated_since={two['updated_at']}") == [two["id"]]
    assert keys("updated_since=2020-01-01") == keys("vat_id=V1&vat_id=") == [one["id"], two["id"]]
    for wrong in ("nothing=1", "limit=0", "limit=101", "cursor=zz", "offset=3", "po_required=1", "terms=NET7"):
        reply = faces.call("erp", "GET", f"/customers?{wrong}")
        assert reply.status == 422, wrong
        assert reply.json["field"] == wrong.split("=", maxsplit=1)[0]


def test_a_batch_tells_of_each_item(faces: Any) -> None:
    items = [
        {"op": "create", **CUSTOMER, "segment": "BATCH"},
        {"op": "create", "name": "No country"},
        {"op": "update", "id": "no-such", "name": "x"},
        {"op": "drop"},
    ]
    reply = faces.call("crm", "POST", "/customers/bulk", {"items": items})
    assert reply.status == 200
    results = reply.json["results"]
    assert [each["success"] for each in results] == [True, False, False, False]
    assert [each["error"]["status"] for each in results[1:]] == [422, 404, 422]
    assert len(faces.call("crm", "GET", "/customers?segment=BATCH").json["items"]) == 1


def test_a_batch_that_must_be_whole_leaves_nothing_when_one_item_fails(faces: Any) -> None:
    items = [{"op": "create", **CUSTOMER, "segment": "WHOLE"}, {"op": "create"}]
    before = faces.call("crm", "GET", "/customers?segment=WHOLE").json["items"]
    reply = faces.call("crm", "POST", "/customers/bulk", {"all_or_none": True, "items": items})
    assert [each["error"]["code"] for each in reply.json["results"]] == ["ROLLED_BACK", "INVALID_FIELD"]
    assert faces.call("crm", "GET", "/customers?segment=WHOLE").json["items"] == before
    too_many = [{"op": "create", **CUSTOMER}] * 201
    assert faces.call("crm", "POST", "/customers/bulk", {"items": too_many}).status == 422


def test_the_same_idempotency_key_gives_the_same_answer(faces: Any) -> None:
    body, headers = {"code": "T-IDEM", **TAX_CODE}, {"Idempotency-Key": "k-1"}
    first = faces.call("erp", "POST", "/tax_codes", body, headers)
    again = faces.call("erp", "POST", "/tax_codes", body, headers)
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json
    assert again.headers["idempotency-replayed"] == "true"
    other = faces.call("erp", "POST", "/tax_codes", {**body, "code": "T-IDEM2"}, headers)
    assert (other.status, other.json["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_refused_call_does_not_use_up_its_idempotency_key(faces: Any) -> None:
    headers = {"Idempotency-Key": "k-2"}
    assert faces.call("erp", "POST", "/tax_codes", {"code": "T-R"}, headers).status == 422
    assert faces.call("erp", "POST", "/tax_codes", {"code": "T-R", **TAX_CODE}, headers).status == 201


def test_an_idempotency_key_is_forgotten_after_a_business_day(faces: Any) -> None:
    body, headers = {"code": "T-DAY", **TAX_CODE}, {"Idempotency-Key": "k-3"}
    assert faces.call("erp", "POST", "/tax_codes", body, headers).status == 201
    faces.world.clock.move_to("2026-01-08T00:00:00.000Z")
    assert faces.call("erp", "POST", "/tax_codes", body, headers).json["code"] == "DUPLICATE_KEY"


def test_the_psa_knows_no_idempotency(faces: Any) -> None:
    headers = {"Idempotency-Key": "k-4"}
    first = faces.call("psa", "POST", "/customers", CUSTOMER, headers).json
    assert faces.call("psa", "POST", "/customers", CUSTOMER, headers).json["id"] != first["id"]


def test_an_action_answers_with_its_record_and_events(faces: Any) -> None:
    customer = made(faces, "crm", "/customers", **CUSTOMER)
    deal = made(faces, "crm", "/opportunities", customer=customer["id"], name="Deal", ccy="USD", legal_entity="CF-US")
    reply = faces.call("crm", "POST", "/actions/advance_stage", {"key": deal["key"], "to": "QUALIFY"})
    assert reply.status == 200
    assert reply.json["record"]["stage"] == "QUALIFY"
    (event,) = reply.json["events"]
    assert (event["type"], event["key"]) == ("com.counterfoil.crm.opportunity.stage_changed.v1", deal["key"])
    by_id = {"id": deal["id"], "to": "PROPOSE"}
    assert faces.call("crm", "POST", "/actions/advance_stage", by_id, {"If-Match": '"1"'}).status == 412
    assert faces.call("crm", "POST", "/actions/advance_stage", by_id).status == 200
    assert faces.call("crm", "POST", "/actions/advance_stage", by_id).status == 409
    for body in ({"to": "PROPOSE"}, {**by_id, "key": deal["key"]}):
        refused = faces.call("crm", "POST", "/actions/advance_stage", body)
        assert (refused.status, refused.json["field"]) == (422, "key")
    assert faces.call("crm", "POST", "/actions/no_such", {}).status == 404


def test_a_webhook_shows_its_secret_once(faces: Any) -> None:
    reply = faces.call("crm", "POST", "/webhooks", {"url": "http://127.0.0.1:9/hook"})
    assert reply.status == 201
    hook = reply.json
    assert hook["secret"].startswith("whsec_")
    assert faces.systems["crm"].subscribers()[-1]["id"] == hook["id"]
    assert "secret" not in faces.call("crm", "GET", f"/webhooks/{hook['id']}").json
    assert faces.call("crm", "DELETE", f"/webhooks/{hook['id']}").status == 200
    assert faces.systems["crm"].subscribers() == []
    assert faces.call("crm", "GET", f"/webhooks/{hook['id']}").status == 404
    assert faces.call("crm", "POST", "/webhooks", {"url": "file:///etc/passwd"}).status == 422


def test_a_write_remembers_where_it_came_from(faces: Any) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"traceparent": trace, "X-Correlation-Id": "CT-1", "X-Causation-Id": "evt-1"}
    record = faces.call("psa", "POST", "/customers", CUSTOMER, headers).json
    assert (record["correlation_id"], record["causation_id"]) == ("CT-1", "evt-1")
    (row,) = faces.store.rows("SELECT * FROM psa.history WHERE id = ?", (record["id"],))
    assert (row["actor"], row["deed"], row["trace"]) == ("psa-client", "create_customer", trace)
    (entry,) = faces.journal.query(trace=trace)
    assert (entry["seq"], entry["operation"], entry["status"]) == (row["journal_seq"], "create_customer", 201)
    assert entry["correlation_id"] == "CT-1"


def test_the_journal_keeps_no_secret(faces: Any) -> None:
    hook = faces.call("erp", "POST", "/webhooks", {"url": "http://127.0.0.1:9/quiet"}).json
    tokens = faces.tokens["erp"]
    form = f"grant_type=client_credentials&client_id={tokens.client_id}&client_secret={tokens.client_secret}"
    media = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": None}
    issued = faces.call("erp", "POST", "/oauth/token", form.encode(), media).json
    kept = "".join(str(row) for row in faces.journal.query(system="erp", limit=10_000))
    for secret in (hook["secret"], tokens.client_secret, tokens.access_token, *list(issued.values())[::3]):
        assert secret not in kept


def test_the_journal_keeps_what_was_packed_as_it_reads_and_any_character(faces: Any) -> None:
    said = b'{"name": "Acme", "client_secret": "s3cret"}'
    for number, body in ((1, gzip.compress(said)), (2, b"\x1f\x8b no packed body"), (3, b"a\0b")):
        faces.journal.add(kind="request", system="crm", operation="probe", key=f"k\0{number}", response=body)
    packed, odd, nul = (row["response"] for row in faces.journal.query(operation="probe"))
    assert packed == '{"name": "Acme", "client_secret": "***"}'
    assert odd.endswith("no packed body")
    assert nul in ("a\0b", "a\ufffdb")


def test_a_system_answers_for_its_health_beside_its_face(faces: Any) -> None:
    reply = faces.call("crm", "GET", "/", root="")
    assert (reply.status, reply.json["code"]) == (404, "NOT_FOUND")
    assert "/native/v1" in reply.json["remedy"]
    reply = faces.call("crm", "GET", "/__counterfoil/health", root="")
    assert (reply.status, reply.json["system"]) == (200, "crm")
    assert faces.call("crm", "GET", "/nothing", root="").status == 404


def test_limits_hold_only_where_they_are_set(faces: Any) -> None:
    settings = faces.systems["billing"].settings
    settings["limits"] = {"rate": 0.001, "burst": 2}
    try:
        statuses = [faces.call("billing", "GET", "/customers").status for _ in range(3)]
        assert statuses == [200, 200, 429]
        settings["limits"] = {"daily": 1}
        assert faces.call("billing", "GET", "/customers").status == 200
        reply = faces.call("billing", "GET", "/customers")
        assert (reply.status, reply.json["code"]) == (429, "DAILY_LIMIT")
        assert int(reply.headers["retry-after"]) > 0
    finally:
        del settings["limits"]
    assert faces.call("billing", "GET", "/customers").status == 200


def struck(faces: Any, kind: str, **spec: Any) -> Any:
    """Break something in the PSA for the calls that follow."""
    faces.faults.clear()
    return faces.faults.inject([{"kind": kind, "system": "psa", **spec}])


def test_a_lost_answer_leaves_the_work_done(faces: Any) -> None:
    struck(faces, "lost_response", operation="create_customer", key="CU-LOST")
    with pytest.raises(http.client.RemoteDisconnected):
        faces.call("psa", "POST", "/customers", {**CUSTOMER, "customer_no": "CU-LOST"})
    faces.faults.clear()
    assert faces.call("psa", "GET", "/customers/CU-LOST").status == 200


def test_a_reset_connection_leaves_no_work(faces: Any) -> None:
    struck(faces, "reset", operation="create_customer")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        faces.call("psa", "POST", "/customers", {**CUSTOMER, "customer_no": "CU-RESET"})
    faces.faults.clear()
    assert faces.call("psa", "GET", "/customers/CU-RESET").status == 404


def test_a_truncated_body_breaks_off(faces: Any) -> None:
    struck(faces, "truncated_body", operation="list_customer")
    with pytest.raises(http.client.IncompleteRead):
        faces.call("psa", "GET", "/customers")
    faces.faults.clear()


def test_a_fault_strikes_by_meaning_and_is_journalled(faces: Any) -> None:
    made(faces, "psa", "/customers", **CUSTOMER, customer_no="CU-A")
    record = made(faces, "psa", "/customers", **CUSTOMER, customer_no="CU-B")
    struck(faces, "status", operation="update_customer", key="CU-B", nth=1)
    assert faces.call("psa", "PATCH", "/customers/CU-A", {"owner": "x"}).status == 200
    assert faces.call("psa", "PATCH", f"/customers/{record['id']}", {"owner": "x"}).status == 503
    assert faces.call("psa", "PATCH", f"/customers/{record['id']}", {"owner": "x"}).status == 200
    faces.faults.clear()
    entries = faces.journal.query(system="psa", operation="update_customer", key="CU-B", limit=1000)
    assert [(each["status"], each["fault"]) for each in entries] == [(503, "status"), (200, None)]


def test_part_of_a_batch_fails_by_plan(faces: Any) -> None:
    struck(faces, "partial_batch", each=2)
    items = [{"op": "create", **CUSTOMER}] * 4
    results = faces.call("psa", "POST", "/customers/bulk", {"items": items}).json["results"]
    faces.faults.clear()
    assert [each["success"] for each in results] == [True, False, True, False]


def test_traffic_is_counted_back_to_nothing(faces: Any) -> None:
    moves = faces.world.traffic.moves
    faces.call("crm", "GET", "/customers")
    assert faces.world.traffic.in_flight == 0
    assert faces.world.traffic.moves > moves


def test_what_sql_changes_is_shown_at_once(faces: Any) -> None:
    customer = made(faces, "erp", "/customers", **CUSTOMER, customer_no="CU-SQL")
    faces.store.execute("UPDATE erp.customer SET segment = 'BY SQL' WHERE id = ?", (customer["id"],))
    assert faces.call("erp", "GET", "/customers/CU-SQL").json["segment"] == "BY SQL"
    (listed,) = faces.call("erp", "GET", "/customers?customer_no=CU-SQL").json["items"]
    assert listed["segment"] == "BY SQL"


def test_an_outage_refuses_every_call_until_its_time_is_over(faces: Any) -> None:
    struck(faces, "outage", minutes=60.0)
    assert faces.call("psa", "GET", "/customers").status == 503
    assert faces.call("psa", "POST", "/customers", CUSTOMER).status == 503
    assert faces.call("crm", "GET", "/customers").status == 200
    faces.world.clock.move_to(clock.later(faces.world.clock.now, hours=2))
    assert faces.call("psa", "GET", "/customers").status == 200
    faces.faults.clear()


def test_a_skewed_clock_shows_in_the_answers_and_changes_no_record(faces: Any) -> None:
    record = made(faces, "psa", "/customers", **CUSTOMER, customer_no="CU-SKEW")
    struck(faces, "clock_skew", seconds=600.0)
    shown = faces.call("psa", "GET", f"/customers/{record['id']}").json
    assert shown["updated_at"] == clock.later(record["updated_at"], minutes=10)
    struck(faces, "clock_skew", seconds=600.0, behind=True)
    shown = faces.call("psa", "GET", f"/customers/{record['id']}").json
    assert shown["updated_at"] == clock.later(record["updated_at"], minutes=-10)
    faces.faults.clear()
    assert faces.call("psa", "GET", f"/customers/{record['id']}").json["updated_at"] == record["updated_at"]


def test_a_changed_schema_renames_adds_and_speaks_strange_words(faces: Any) -> None:
    record = made(faces, "psa", "/customers", **CUSTOMER, customer_no="CU-DRIFT")
    path = f"/customers/{record['id']}"
    struck(faces, "schema_change", field="country", renamed="country_code")
    shown = faces.call("psa", "GET", path).json
    assert (shown["country_code"], "country" in shown) == (record["country"], False)
    struck(faces, "schema_change", field="status", value="ONBOARDING")
    assert faces.call("psa", "GET", path).json["status"] == "ONBOARDING"
    struck(faces, "schema_change", field="tier", value="GOLD", added=True)
    assert faces.call("psa", "GET", path).json["tier"] == "GOLD"
    faces.faults.clear()
    assert faces.call("psa", "GET", path).json == record
    with pytest.raises(Problem, match="needs the name of a field"):
        struck(faces, "schema_change", value="x")
    with pytest.raises(Problem, match="either renamed or value"):
        struck(faces, "schema_change", field="x")
