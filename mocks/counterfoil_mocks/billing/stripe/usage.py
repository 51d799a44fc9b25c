"""Usage that is billed in arrears: meters, their events and what these come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import make
from counterfoil_mocks.billing.stripe.errors import invalid, needed
from counterfoil_mocks.billing.stripe.ids import chars
from counterfoil_mocks.billing.stripe.invoices import paged
from counterfoil_mocks.billing.stripe.params import ANY, LISTED, TEXT, TIME, plain
from counterfoil_mocks.billing.stripe.subscription_objects import METER
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation

if TYPE_CHECKING:
    from counterfoil_mocks.billing.stripe.api import StripeFace

DAY = 86400
BACK, AHEAD = 35 * DAY, 300
WINDOWS = {"hour": 3600, "day": DAY}


@METER.on_create
def create(desk: Desk, given: Record) -> Record:
    """A meter; its event name is its own while it is active."""
    taken = [each for each in desk.all("billing.meter", event_name=given["event_name"]) if each["status"] == "active"]
    if taken:
        raise invalid(f"There is already an active meter with the event name {given['event_name']}.", "event_name")
    return make(desk, METER, given)


def record(desk: Desk, id: str, given: Record) -> Record:
    """Usage of a customer."""
    found = [each for each in desk.all("billing.meter", event_name=given["event_name"]) if each["status"] == "active"]
    if not found:
        raise invalid(f"No active meter found with event name {given['event_name']}.", "event_name")
    meter, payload = found[0], given["payload"]
    if not isinstance(payload, dict):
        raise invalid("Invalid object", "payload")
    owner = meter["customer_mapping"]["event_payload_key"]
    if not payload.get(owner):
        raise needed(f"payload[{owner}]")
    customer = desk.find("customer", payload[owner])
    if customer is None:  # that is found out later: the caller is told by an event
        desk.tell("billing.meter", meter["id"], "v1.billing.meter.error_report_triggered")
    else:
        desk.at(customer["test_clock"])
    if meter["default_aggregation"]["formula"] != "count":
        _value(payload, meter["value_settings"]["event_payload_key"])
    now = desk.now
    moment = given["timestamp"] if given.get("timestamp") is not None else now
    if not now - BACK <= moment <= now + AHEAD:
        raise invalid(
            "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future.", "timestamp"
        )
    identifier = given.get("identifier")
    if identifier and any(
        now - each["created"] < DAY for each in desk.all("billing.meter_event", identifier=identifier)
    ):
        raise invalid(f"An event already exists with identifier {identifier}.", "identifier", "duplicate_meter_event")
    number = desk.system.next_number("meter_event")
    said = {
        "event_name": given["event_name"],
        "identifier": identifier or chars(24, desk.system.world.seed, "usage", number),
        "payload": payload,
        "timestamp": moment,
        "meter": meter["id"],
        "customer": payload[owner],
    }
    made = desk.insert("billing.meter_event", said)
    return {
        "object": "billing.meter_event",
        "created": made["created"],
        **{name: said[name] for name in ("event_name", "identifier", "payload", "timestamp")},
        "livemode": False,
    }


def _value(payload: Record, name: str) -> Decimal:
    try:
        return Decimal(str(payload.get(name)))
    except InvalidOperation:
        raise invalid(f"Invalid value in payload: {payload.get(name)}", f"payload[{name}]") from None


def used(desk: Desk, meter_id: str | None, customer: str, start: int, end: int) -> str:
    """What a customer used from one moment to before another, as a plain number."""
    if meter_id is None:
        return "0"
    meter = desk.get("billing.meter", meter_id)
    found = [
        each
        for each in desk.all("billing.meter_event", event_name=meter["event_name"])
        if start <= each["timestamp"] < end
        and each["payload"].get(meter["customer_mapping"]["event_payload_key"]) == customer
    ]
    formula, name = meter["default_aggregation"]["formula"], meter["value_settings"]["event_payload_key"]
    if formula == "count":
        return str(len(found))
    values = [_value(each["payload"], name) for each in sorted(found, key=lambda each: int(each["timestamp"]))]
    if formula == "last":
        return plain(values[-1]) if values else "0"
    return plain(sum(values, Decimal(0)))


def summaries(desk: Desk, id: str, given: Record) -> Record:
    """What a customer used, in one sum or by windows."""
    meter = desk.get("billing.meter", id)
    desk.named("customer", given["customer"], "customer")
    start, end = given["start_time"], given["end_time"]
    for name, value in (("start_time", start), ("end_time", end)):
        if value % 60:
            raise invalid("The timestamp must be aligned with minute boundaries.", name)
    length = WINDOWS.get(given.get("value_grouping_window") or "", end - start)
    shown = []
    for at in range(start, end, max(60, length)):
        value = used(desk, meter["id"], given["customer"], at, min(end, at + length))
        if value == "0" and given.get("value_grouping_window"):
            continue
        shown.append(
            {
                "id": f"mtrsumm_{chars(24, meter['id'], given['customer'], at, end)}",
                "object": "billing.meter_event_summary",
                "aggregated_value": float(value) if "." in value else int(value),
                "end_time": min(end, at + length),
                "livemode": False,
                "meter": meter["id"],
                "start_time": at,
            }
        )
    asked = {name: given.get(name) for name in ("limit", "starting_after", "ending_before")}
    return paged(shown[::-1], asked, f"/v1/billing/meters/{id}/event_summaries")


def operations(face: StripeFace) -> Iterable[Operation]:
    """The routes of usage."""

    def switch(status: str, moment: bool) -> Callable[[Desk, str, Record], Record]:
        def run(desk: Desk, id: str, given: Record) -> Record:
            desk.get("billing.meter", id)
            return desk.change(
                "billing.meter",
                id,
                {"status": status, "status_transitions": {"deactivated_at": desk.now if moment else None}},
            )

        return run

    event = {"event_name": TEXT, "payload": ANY, "identifier": TEXT, "timestamp": TIME}
    asked = {**LISTED, "customer": TEXT, "start_time": TIME, "end_time": TIME, "value_grouping_window": TEXT}
    one = "/v1/billing/meters/{id}"
    yield face.post("create_meter_event", "/v1/billing/meter_events", event, record, ("event_name", "payload"))
    yield face.read(
        "list_meter_event_summary", f"{one}/event_summaries", asked, summaries, ("customer", "start_time", "end_time")
    )
    yield face.post("deactivate_meter", f"{one}/deactivate", {}, switch("inactive", True))
    yield face.post("reactivate_meter", f"{one}/reactivate", {}, switch("active", False))
