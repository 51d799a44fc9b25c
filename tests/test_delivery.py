"""Deliveries: real receivers on real ports get events signed, in order, at least once, and again on the business clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from typing import Any

import orjson
import pytest

from counterfoil_mocks.kernel.clock import parse

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
RETRIES = [10, 60, 300, 1800, 7200, 7200, 7200]


def deliveries(running: Any, **filters: str) -> list[Any]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return running.call("GET", f"/deliveries?{query}").json["items"]


def expected_signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_commit_reaches_its_subscriber_as_a_signed_cloud_event(running: Any) -> None:
    receiver = running.listen(secret=SECRET)
    made = running.customer("Acme")
    assert running.settle()["settled"]
    (heard,) = receiver.heard
    event = heard.event
    assert heard.headers["content-type"] == "application/cloudevents+json"
    assert heard.headers["webhook-signature"] == expected_signature(SECRET, heard.headers, heard.body)
    assert heard.headers["webhook-id"] == event["id"]
    assert event["specversion"] == "1.0"
    assert event["type"] == "com.counterfoil.crm.account.created.v1"
    assert event["source"] == "//cf-crm"
    assert event["businesskey"] == event["subject"] == made["key"]
    assert event["entityversion"] == "1"
    assert event["data"]["after"] == made
    assert event["data"]["before"] == {}
    assert event["time"].startswith("2026-01-05T15:00:00.")


def test_an_event_tells_what_changed_in_wire_form(running: Any) -> None:
    receiver = running.listen()
    made = running.customer("Acme", credit_limit={"minor": 500, "ccy": "USD"})
    running.call("PATCH", f"/systems/crm/customers/{made['id']}", {"credit_limit": {"minor": 900, "ccy": "USD"}})
    running.settle()
    said = receiver.heard[-1].event["data"]
    assert said["changed"] == ["credit_limit"]
    assert said["before"] == {"credit_limit": {"minor": 500, "ccy": "USD"}}
    assert said["after"]["credit_limit"] == {"minor": 900, "ccy": "USD"}


def test_an_event_carries_the_trace_of_the_call_and_each_hop_has_its_own_span(running: Any) -> None:
    receiver = running.listen()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {"name": "Acme", "country": "US"}
    running.native("crm", "POST", "/customers", body, traceparent=trace, X_Correlation_Id="OPP-1", X_Causation_Id="E1")
    running.settle()
    (heard,) = receiver.heard
    assert heard.event["traceparent"] == trace
    assert heard.event["correlationid"] == "OPP-1"
    assert heard.event["causationid"] == "E1"
    assert heard.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert heard.headers["traceparent"].split("-")[2] != trace.split("-")[2]
    kinds = {each["kind"] for each in running.call("GET", f"/journal?trace={trace.split('-')[1]}").json["items"]}
    assert kinds == {"request", "event", "delivery"}


@pytest.mark.parametrize("trace", ["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "garbage", "00-0-0-00"])
def test_a_malformed_trace_does_no_harm(running: Any, trace: str) -> None:
    receiver = running.listen()
    running.native("crm", "POST", "/customers", {"name": "Acme", "country": "US"}, traceparent=trace)
    running.settle()
    assert len(receiver.heard) == 1


def test_a_subscription_takes_only_the_types_it_lists(running: Any) -> None:
    receiver = running.listen(types=["com.counterfoil.crm.account.updated.v1"])
    running.rename(running.customer("Acme"), "Acme Ltd")
    running.settle()
    assert [each.type for each in receiver.heard] == ["crm.account.updated"]


def test_events_of_one_record_keep_their_order_while_others_go_in_parallel(running: Any) -> None:
    receiver = running.listen()
    receiver.delay = 0.03
    customers = [running.customer(f"C{number}") for number in range(6)]
    for round_ in range(4):
        for customer in customers:
            running.rename(customer, f"{customer['name']} {round_}")
    assert running.settle()["settled"]
    assert len(receiver.heard) == 30
    for customer in customers:
        versions = [
            int(each.event["entityversion"]) for each in receiver.heard if each.event["subject"] == customer["key"]
        ]
        assert versions == [1, 2, 3, 4, 5]
    assert 1 < receiver.most_together <= 16


def test_a_refused_delivery_comes_again_on_the_business_clock_then_dies(running: Any) -> None:
    receiver = running.listen()
    receiver.answers = [500] * 8
    started = running.now
    running.customer("Acme")
    assert running.settle()["settled"]
    assert len(receiver.heard) == 8
    assert len({each.headers["webhook-id"] for each in receiver.heard}) == 1
    assert len({each.body for each in receiver.heard}) == 1
    (dead,) = deliveries(running)
    assert (dead["state"], dead["attempts"], dead["last_status"]) == ("DEAD", 8, 500)
    at = [each["at"] for each in running.call("GET", "/journal?kind=delivery").json["items"]]
    gaps = [round((parse(b) - parse(a)).total_seconds()) for a, b in itertools.pairwise(at)]
    assert gaps == RETRIES
    assert running.now > started


def test_a_retry_holds_back_what_follows_in_its_partition_only(running: Any) -> None:
    first, second = running.customer("One"), running.customer("Two")
    receiver = running.listen()
    receiver.answers = [503]
    running.rename(first, "One A")
    running.rest()
    running.rename(first, "One B")
    running.rename(second, "Two B")
    running.settle()
    mine = [each.event["data"]["after"]["name"] for each in receiver.heard if each.event["subject"] == first["key"]]
    assert mine == ["One A", "One A", "One B"]
    order = [each.event["data"]["after"]["name"] for each in receiver.heard]
    assert order.index("Two B") < order.index("One B")


def test_a_receiver_that_is_not_there_is_a_failure_like_any_other(running: Any) -> None:
    receiver = running.listen(subscribe=False)
    url = receiver.url.replace("127.0.0.1", "127.0.0.2")
    running.native("crm", "POST", "/webhooks", {"url": url})
    running.customer("Acme")
    running.settle()
    (dead,) = deliveries(running)
    assert (dead["state"], dead["last_status"]) == ("DEAD", None)
    assert "ClientConnectorError" in dead["last_error"] or "refused" in dead["last_error"].lower()


def test_twenty_failures_in_a_row_disable_the_subscription(running: Any) -> None:
    receiver = running.listen()
    receiver.answers = [500] * 100
    for number in range(4):
        running.customer(f"C{number}")
    assert running.settle()["settled"]
    assert running.native("crm", "GET", f"/webhooks/{receiver.webhook}").json["active"] is False
    assert len(receiver.heard) <= 24
    assert {each["state"] for each in deliveries(running)} == {"DEAD"}
    running.customer("After")
    running.settle()
    assert len(deliveries(running)) == 4


def test_a_success_ends_a_row_of_failures(running: Any) -> None:
    receiver = running.listen()
    for number in range(4):
        receiver.answers = [500] * 7
        running.customer(f"C{number}")
        running.settle()
    webhook = running.native("crm", "GET", f"/webhooks/{receiver.webhook}").json
    assert (webhook["active"], webhook["failures"]) == (True, 0)


def test_a_removed_subscription_gets_nothing_more(running: Any) -> None:
    receiver = running.listen()
    receiver.answers = [500]
    running.customer("Acme")
    running.rest()
    running.native("crm", "DELETE", f"/webhooks/{receiver.webhook}")
    running.call("POST", "/clock/advance", {"days": 1})
    assert len(receiver.heard) == 1
    assert deliveries(running)[0]["state"] == "DEAD"


def test_any_delivery_can_be_sent_again_by_hand(running: Any) -> None:
    receiver = running.listen()
    receiver.answers = [500] * 8
    running.customer("Acme")
    running.settle()
    (dead,) = deliveries(running)
    reply = running.call("POST", f"/deliveries/{dead['id']}/redeliver")
    assert reply.status == 200
    running.settle()
    assert deliveries(running)[0]["state"] == "DELIVERED"
    running.call("POST", f"/deliveries/{dead['id']}/redeliver")
    running.settle()
    assert len({each.headers["webhook-id"] for each in receiver.heard}) == 1
    assert len(receiver.heard) == 10
    assert running.call("POST", "/deliveries/nix/redeliver").status == 404


def test_an_old_event_goes_to_the_subscriber_of_today(running: Any) -> None:
    first = running.listen()
    running.customer("Acme")
    running.settle()
    running.native("crm", "DELETE", f"/webhooks/{first.webhook}")
    delivery = deliveries(running)[0]["id"]
    assert running.call("POST", f"/deliveries/{delivery}/redeliver").status == 409
    second = running.listen()
    running.call("POST", "/clock/advance", {"days": 10})
    assert running.call("POST", f"/deliveries/{delivery}/redeliver").status == 200
    running.settle()
    assert second.heard[0].body == first.heard[0].body


def inject(running: Any, **fault: Any) -> None:
    assert running.call("POST", "/faults", [fault]).status == 201


def test_the_duplicate_fault_delivers_twice_with_one_id(running: Any) -> None:
    receiver = running.listen()
    inject(running, kind="duplicate", system="crm")
    running.customer("Acme")
    running.settle()
    assert len(receiver.heard) == 2
    assert len({each.headers["webhook-id"] for each in receiver.heard}) == 1
    assert deliveries(running)[0]["fault"] == "duplicate"


def test_the_delay_fault_holds_the_partition_back(running: Any) -> None:
    receiver = running.listen()
    inject(running, kind="delay", seconds=600.0, nth=1)
    made = running.customer("Acme")
    running.rename(made, "Acme Ltd")
    started = running.now
    running.settle()
    assert [each.event["entityversion"] for each in receiver.heard] == ["1", "2"]
    assert running.now >= started[:14] + "10"


def test_the_reorder_fault_lets_later_events_overtake(running: Any) -> None:
    receiver = running.listen()
    inject(running, kind="reorder", spread=600.0, nth=1, operation="*account.created*")
    made = running.customer("Acme")
    running.rename(made, "Acme Ltd")
    running.settle()
    assert [each.event["entityversion"] for each in receiver.heard] == ["2", "1"]


def test_the_drop_fault_loses_a_delivery_until_later_or_for_good(running: Any) -> None:
    receiver = running.listen()
    inject(running, kind="drop", redeliver_after=3600.0, key="CU-000001")
    inject(running, kind="drop", redeliver_after=0.0, key="CU-000002")
    running.customer("One")
    running.customer("Two")
    running.customer("Three")
    running.rest()
    assert running.settle()["settled"]
    assert receiver.keys == ["CU-000003", "CU-000001"]
    assert [each["state"] for each in deliveries(running)] == ["DELIVERED", "DROPPED", "DELIVERED"]


def test_the_bad_signature_fault_signs_the_first_attempt_wrongly(running: Any) -> None:
    receiver = running.listen(secret=SECRET)
    receiver.answers = [401]
    inject(running, kind="bad_signature")
    running.customer("Acme")
    running.settle()
    right = [
        each.headers["webhook-signature"] == expected_signature(SECRET, each.headers, each.body)
        for each in receiver.heard
    ]
    assert right == [False, True]


def test_serial_deliveries_go_one_at_a_time_in_the_order_of_the_clock(running: Any) -> None:
    receiver = running.listen()
    receiver.delay = 0.005
    assert running.call("PUT", "/integration", {"name": "mine", "quiet_ms": 10, "serial": True}).status == 200
    for number in range(8):
        running.customer(f"C{number}")
    running.settle(quiet_ms=10)
    assert receiver.keys == [f"CU-{number:06d}" for number in range(1, 9)]
    assert receiver.most_together == 1


def test_what_a_receiver_asks_before_it_answers_follows_the_delivery_in_the_journal(running: Any) -> None:
    receiver = running.listen()
    receiver.delay = 0.3
    running.customer("Acme")
    while not receiver.heard:
        assert running.now
    assert running.native("crm", "GET", "/customers").status == 200
    running.settle()
    told = running.call("GET", "/journal?limit=1000").json["items"]
    seqs = [each["seq"] for each in told]
    assert seqs == sorted(seqs)
    order = [each["kind"] for each in told if each["kind"] == "delivery" or each["operation"] == "list_customer"]
    assert order == ["delivery", "request"]


def test_the_secret_is_nowhere_in_the_journal(running: Any) -> None:
    receiver = running.listen(secret=SECRET)
    running.customer("Acme", custom={"api_secret": "hush-hush"})
    running.settle()
    shown = running.call("GET", "/journal?limit=1000").raw
    assert receiver.heard
    assert SECRET.encode() not in shown
    assert b"hush-hush" not in shown
    assert running.landscape.tokens["crm"].client_secret.encode() not in shown


def test_events_of_the_last_72_hours_can_be_read_again(running: Any) -> None:
    receiver = running.listen()
    for number in range(5):
        running.customer(f"C{number}")
    running.settle()
    first = running.native("crm", "GET", "/events?limit=2").json
    rest = running.native("crm", "GET", f"/events?after={first['next']}").json
    heard = sorted((each.event for each in receiver.heard), key=lambda each: each["sequence"])
    assert first["items"] + rest["items"] == heard
    assert rest["next"] is None
    since = first["items"][1]["time"]
    assert running.native("crm", "GET", f"/events?since={since}").json["items"] == first["items"][1:] + rest["items"]


def test_what_the_replay_window_has_left_behind_is_gone(running: Any) -> None:
    receiver = running.listen()
    running.customer("Old")
    running.settle()
    started, seen = running.now, receiver.heard[0].event["id"]
    running.call("POST", "/clock/advance", {"days": 4})
    running.customer("New")
    assert len(running.native("crm", "GET", "/events").json["items"]) == 1
    for query in (f"after={seen}", "after=nix", f"since={started}"):
        gone = running.native("crm", "GET", f"/events?{query}")
        assert (gone.status, gone.json["code"]) == (410, "REPLAY_WINDOW_EXCEEDED")
    assert running.native("crm", "GET", "/events?limit=0").status == 422
    assert running.native("crm", "GET", "/events?colour=red").status == 422


def test_a_changed_schema_and_a_skewed_clock_show_in_events_which_are_signed_as_sent(running: Any) -> None:
    receiver = running.listen(secret=SECRET)
    inject(running, kind="schema_change", field="country", renamed="country_code")
    inject(running, kind="clock_skew", seconds=3600.0)
    running.customer("Acme")
    running.settle()
    [each] = receiver.heard
    assert each.headers["webhook-signature"] == expected_signature(SECRET, each.headers, each.body)
    after = orjson.loads(each.body)["data"]["after"]
    assert "country" not in after
    assert after["country_code"]
    assert orjson.loads(each.body)["time"] > running.call("GET", "/clock").json["now"]
