"""The reference's connector of Stripe: what it reads and writes is what the native face says, and what stays with that face is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import connected
import pytest

from counterfoil.reference.connectors import Record, Trail
from counterfoil.reference.connectors.stripe import Connector
from counterfoil.reference.errors import Refused
from counterfoil.reference.event import BadSignature

US = {
    "code": "CF-US", "name": "Firm Inc.", "country": "US", "tz": "America/Chicago", "functional_ccy": "USD", "rounding_policy": "LINE",
    "invoice_series": "INV-CF-US",
}  # fmt: skip
CUSTOMER = {
    "customer_no": "CU-000001", "name": "Aldergate", "country": "GB", "tax_status": "EXEMPT", "language": "en-GB", "external_id": "001A",
    "source_key": "OPP-1", "legal_name": "Aldergate Ltd", "vat_id": "GB123", "exemption_cert": "X-1", "exemption_expires": "2027-01-31",
    "terms": "NET60", "invoice_ccy": "GBP", "credit_limit": {"minor": 5000000, "ccy": "GBP"}, "po_required": True, "owner": "Ada",
    "segment": "Ports", "distinct_approved": True,
}  # fmt: skip
TAX = {
    "code": "TX-DP", "kind": "SALES_TAX", "rate": "0.082500", "taxable_fraction": "0.800000", "category": "S", "jurisdiction": "US-TX",
    "legend": "Data processing",
}  # fmt: skip
Native = Callable[[str, str], Record]


def ask(landscape: Any, work: Callable[[Connector], Awaitable[Any]]) -> Any:
    """Have a connector of the landscape's billing engine do something."""
    return connected.ask(landscape, "billing", lambda connector, _: work(connector))


@pytest.fixture(scope="module")
def native(stripe_face: Any) -> Native:
    """Reads a record by the native face."""

    def read(plural: str, id: str) -> Record:
        reply = stripe_face.native("billing", "GET", f"/{plural}/{id}")
        assert reply.status == 200, reply.raw
        found: Record = reply.json
        return found

    return read


@pytest.fixture(scope="module")
def contract(stripe_face: Any) -> Record:
    """A contract with a milestone and three hours of work, its customer and its tax code."""
    assert stripe_face.native("billing", "POST", "/legal_entities", US).status == 201
    ask(stripe_face, lambda stripe: stripe.create("customer", dict(CUSTOMER), Trail(key="c"), None))
    ask(stripe_face, lambda stripe: stripe.create("tax_code", dict(TAX), Trail(key="t"), None))
    usd = {"minor": 7200000, "ccy": "USD"}
    lines = [
        {"kind": "MILESTONE", "amount": usd, "ms_code": "M1", "tax_code": "TX-DP", "service_item": "CONS"},
        {"kind": "TM_CYCLE", "line_type": "TM", "line_no": 2, "due": "2026-02-01", "tax_code": "TX-DP"},
    ]
    plan = {"contract_no": "CT-0001", "customer": "CU-000001", "legal_entity": "CF-US", "ccy": "USD", "lines": lines}
    made: Record = stripe_face.native("billing", "POST", "/actions/create_plan", plan).json["record"]
    for number, rate in enumerate(("200.0000", "200.0000", "150.0000"), 1):
        item = {
            "source_type": "TIME", "source_id": f"TE-{number}", "contract_no": "CT-0001", "line_no": 2, "work_date": "2026-01-20",
            "minutes": 60, "unit_price": rate, "ccy": "USD", "amount": {"minor": int(rate[:3]) * 100, "ccy": "USD"},
        }  # fmt: skip
        assert stripe_face.native("billing", "POST", "/billable_items", item).status == 201
    return made


def draft(landscape: Any, items: list[str], key: str, plan_lines: list[str] | None = None) -> Record:
    """A draft of the contract, as the connector gives it back."""
    said = {"contract_no": "CT-0001", "plan_lines": plan_lines or [], "items": items, "source_key": key}
    found: Record = ask(landscape, lambda stripe: stripe.act("draft_invoice", {}, said, Trail(key=key)))
    return found


def same(ours: Record, theirs: Record) -> None:
    """Whatever the connector says is what the native face says."""
    for name, value in ours.items():
        if name == "lines":
            for mine, its in zip(value, theirs["lines"], strict=True):
                same(mine, its)
        elif name == "issued_at":
            assert (value or "")[:19] == (theirs[name] or "")[:19]
        else:
            assert value == theirs[name], name


def test_a_customer_is_written_and_read_by_stripe_alone(stripe_face: Any, contract: Record, native: Native) -> None:
    found = ask(stripe_face, lambda stripe: stripe.get("customer", "CU-000001"))
    same(found, native("customers", "CU-000001"))
    assert CUSTOMER.items() <= found.items()
    changes = {"legal_name": None, "name": "Alder", "name_full": None, "po_required": False, "parent": None}
    changed = ask(stripe_face, lambda stripe: stripe.patch("customer", found, changes, Trail()))
    same(changed, native("customers", "CU-000001"))
    assert changes.items() <= changed.items()
    paths = [
        each["path"]
        for each in stripe_face.call("GET", "/journal?system=billing&limit=1000").json["items"]
        if each["path"]
    ]
    assert any(path.startswith("/v1/customers/search") for path in paths)


def test_a_long_name_is_cut_at_a_word(stripe_face: Any, native: Native) -> None:
    name = "Transcontinental Association of Maritime Freight " * 4
    values = {"name": "short", "name_full": name.strip(), "country": "US", "customer_no": "CU-000002"}
    made = ask(stripe_face, lambda stripe: stripe.create("customer", values, Trail(key="long"), None))
    assert made["name_full"] == name.strip()
    assert made["name"].endswith("Association of") or name.startswith(made["name"] + " ")
    same(made, native("customers", made["id"]))


def test_a_tax_code_is_a_tax_rate(stripe_face: Any, contract: Record, native: Native) -> None:
    found = ask(stripe_face, lambda stripe: stripe.get("tax_code", "TX-DP"))
    assert TAX.items() <= found.items()
    same(found, native("tax_codes", "TX-DP"))
    changed = ask(
        stripe_face, lambda stripe: stripe.patch("tax_code", found, {"rate": "0.070000", "legend": "L"}, Trail())
    )
    assert (changed["rate"], changed["legend"]) == ("0.070000", "L")
    same(ask(stripe_face, lambda stripe: stripe.get("tax_code", "TX-DP")), native("tax_codes", "TX-DP"))


def test_an_invoice_goes_its_way_by_stripe_s_routes(stripe_face: Any, contract: Record, native: Native) -> None:
    made = draft(stripe_face, ["TE-1", "TE-2"], "first", ["CT-0001/1"])
    same(ask(stripe_face, lambda stripe: stripe.get("invoice", made["id"])), native("invoices", made["id"]))
    again = ask(stripe_face, lambda stripe: stripe.act("recalculate_invoice", {"id": made["id"]}, {}, Trail()))
    same(again, native("invoices", made["id"]))
    approved = ask(stripe_face, lambda stripe: stripe.act("approve_invoice", {"id": made["id"]}, {}, Trail(key="ok")))
    assert approved["status"] == native("invoices", made["id"])["status"] == "APPROVED"
    issued = ask(stripe_face, lambda stripe: stripe.act("issue_invoice", {"id": made["id"]}, {}, Trail(key="issue")))
    assert (issued["status"], issued["invoice_no"]) == ("ISSUED", "INV-CF-US-00001")
    same(issued, native("invoices", made["id"]))
    assert issued["lines"][1]["items"] == ["TE-1", "TE-2"]
    assert native("billable_items", "TE-1")["billing"] == "BILLED"
    with pytest.raises(Refused) as refused:
        ask(stripe_face, lambda stripe: stripe.act("issue_invoice", {"id": made["id"]}, {}, Trail(key="again")))
    assert refused.value.status == 409
    by_number = ask(stripe_face, lambda stripe: stripe.get("invoice", issued["invoice_no"]))
    by_contract = ask(stripe_face, lambda stripe: stripe.list("invoice", {"contract_no": "CT-0001"}))
    assert by_number == issued
    assert issued in by_contract


def test_a_part_of_a_line_is_credited_by_a_credit_note(stripe_face: Any, contract: Record, native: Native) -> None:
    made = draft(stripe_face, ["TE-3"], "second")
    books = {"ar_status": "POSTED", "paid": {"minor": 0, "ccy": "USD"}}
    for deed, more in (("approve_invoice", {}), ("issue_invoice", {}), ("record_ar_status", books)):
        ask(
            stripe_face,
            lambda stripe, deed=deed, more=more: stripe.act(deed, {"id": made["id"]}, more, Trail(key=deed)),
        )
    same(ask(stripe_face, lambda stripe: stripe.get("invoice", made["id"])), native("invoices", made["id"]))
    part = [{"line_no": 1, "net": {"minor": 5000, "ccy": "USD"}}]
    said = {"reason": "GOODWILL", "source_key": "CT-0001/CO-1", "approved_by": "Ada", "lines": part}
    memo = ask(stripe_face, lambda stripe: stripe.act("credit_invoice", {"id": made["id"]}, said, Trail(key="part")))
    assert (memo["reason"], memo["net"]["minor"], memo["corrects"]) == (
        "GOODWILL",
        -5000,
        native("invoices", made["id"])["key"],
    )
    same(memo, native("credit_memos", memo["id"]))
    assert ask(stripe_face, lambda stripe: stripe.get("credit_memo", memo["cm_no"])) == memo
    assert ask(stripe_face, lambda stripe: stripe.list("credit_memo", {"contract_no": "CT-0001"})) == [memo]
    posted = ask(
        stripe_face, lambda stripe: stripe.act("record_credit_posted", {"key": memo["cm_no"]}, {}, Trail(key="p"))
    )
    assert posted["status"] == native("credit_memos", memo["id"])["status"] == "POSTED"


def test_a_state_that_is_not_told_but_reached_is_refused(stripe_face: Any, contract: Record, native: Native) -> None:
    issued = ask(stripe_face, lambda stripe: stripe.get("invoice", "INV-CF-US-00001"))
    with pytest.raises(Refused) as refused:
        ask(stripe_face, lambda stripe: stripe.act("approve_invoice", {"id": issued["id"]}, {}, Trail()))
    assert (refused.value.status, refused.value.code) == (409, "ILLEGAL_TRANSITION")
    assert native("invoices", issued["id"])["status"] == "ISSUED"
    partly = {"ar_status": "PARTIALLY_PAID", "paid": {"minor": 100, "ccy": "USD"}}
    found = ask(stripe_face, lambda stripe: stripe.act("record_ar_status", {"id": issued["id"]}, partly, Trail()))
    assert (found["status"], found["paid"]["minor"]) == ("PARTIALLY_PAID", 100)
    whole = {"ar_status": "PAID", "paid": issued["total"]}
    found = ask(stripe_face, lambda stripe: stripe.act("record_ar_status", {"id": issued["id"]}, whole, Trail()))
    assert (found["status"], found["paid"]) == ("PAID", issued["total"])
    same(found, native("invoices", issued["id"]))


def test_a_discarded_draft_lets_its_work_go(stripe_face: Any, contract: Record, native: Native) -> None:
    said = {
        "contract_no": "CT-0001",
        "source_type": "TIME",
        "source_id": "TE-9",
        "line_no": 2,
        "work_date": "2026-01-21",
        "ccy": "USD",
    }
    amount = {"minor": 10000, "ccy": "USD"}
    stripe_face.native(
        "billing", "POST", "/billable_items", {**said, "minutes": 60, "unit_price": "100.0000", "amount": amount}
    )
    made = draft(stripe_face, ["TE-9"], "third")
    assert native("billable_items", "TE-9")["billing"] == "SELECTED"
    ask(stripe_face, lambda stripe: stripe.act("discard_invoice", {"id": made["id"]}, {}, Trail()))
    assert native("billable_items", "TE-9")["billing"] == "UNBILLED"
    assert ask(stripe_face, lambda stripe: stripe.get("invoice", made["id"])) is None


def test_what_has_changed_is_found_in_the_feed_of_events(stripe_face: Any, contract: Record, native: Native) -> None:
    async def read(stripe: Connector, **where: str) -> list[Record]:
        return [record async for page in stripe.pages("invoice", where) for record in page]

    issued = ask(stripe_face, lambda stripe: read(stripe, updated_since="2026-01-01T00:00:00.000Z"))
    assert [each["invoice_no"] for each in issued] == ["INV-CF-US-00001", "INV-CF-US-00002"]
    everything = ask(stripe_face, lambda stripe: read(stripe, updated_since="2020-01-01T00:00:00.000Z"))
    assert [each["id"] for each in everything] == [each["id"] for each in issued]
    assert ask(stripe_face, lambda stripe: read(stripe, updated_since="2026-01-06T00:00:00.000Z")) == []


def test_an_endpoint_hears_what_stripe_announces_and_the_native_face_the_rest(
    stripe_face: Any, contract: Record
) -> None:
    receiver = stripe_face.listen("billing", subscribe=False)
    stripe_face.native("billing", "POST", "/webhooks", {"url": receiver.url})

    async def heard(stripe: Connector) -> list[Any]:
        await stripe.subscribe(receiver.url, ["billing.invoice.issued", "billing.plan.created"])
        made = await stripe.act(
            "draft_invoice", {}, {"contract_no": "CT-0001", "plan_lines": ["CT-0001/1"]}, Trail(key="e")
        )
        await stripe.act("approve_invoice", {"id": made["id"]}, {}, Trail(key="e2"))
        await stripe.act("issue_invoice", {"id": made["id"]}, {}, Trail(key="e3"))
        stripe_face.settle()
        with pytest.raises(BadSignature):
            stripe.event(receiver.heard[-1].body + b" ", receiver.heard[-1].headers, 300)
        return [stripe.event(each.body, each.headers, 300) for each in receiver.heard]

    (event,) = ask(stripe_face, heard)
    assert (event.type, event.key, event.flow) == ("billing.invoice.issued", "INV-CF-US-00003", "CT-0001")
    subscribed = stripe_face.native("billing", "GET", "/webhooks").json["items"]
    types = [each["types"] for each in subscribed if each["url"] == receiver.url]
    assert types == [["com.counterfoil.billing.plan.created.v1"]]


def test_who_is_told_to_wait_is_waited_for_by_all(stripe_face: Any, contract: Record) -> None:
    stripe_face.call(
        "POST", "/faults", [{"kind": "rate_limit", "system": "billing", "operation": "*customer*", "nth": 1}]
    )

    async def calls(stripe: Connector) -> list[Record | None]:
        refused = asyncio.create_task(stripe.get("customer", "CU-000001"))
        others = []
        while not refused.done():
            others.append(await stripe.get("tax_code", "TX-DP"))
        return [await refused, *others]

    assert all(ask(stripe_face, calls))
    stripe_face.call("DELETE", "/faults")
    items = stripe_face.call("GET", "/journal?system=billing&limit=1000&newest=true").json["items"]
    asked = [each for each in items if each["kind"] == "request" and each["method"] == "GET"]
    told = next(each["wall"] for each in asked if each["status"] == 429)
    assert len([each for each in asked if told < each["wall"] < told + 0.9]) <= 1  # one may have been on its way
