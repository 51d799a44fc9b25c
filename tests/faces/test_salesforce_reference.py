"""The reference's connector of Salesforce: it says and reads through Salesforce what the native face holds."""

from __future__ import annotations

from typing import Any

import pytest
from connected import Deed, ask

from counterfoil.reference.connectors import Trail
from counterfoil.reference.connectors.native import NativeConnector
from counterfoil.reference.connectors.salesforce import Connector
from counterfoil.reference.connectors.salesforce_objects import OBJECTS
from counterfoil.reference.errors import Refused

APART = ("created_at", "updated_at", "custom")
"""What Salesforce says otherwise: instants by the second, and notes in a field of their own."""


class Firm:
    """A firm whose CRM speaks as Salesforce, and both ways to ask it."""

    def __init__(self, landscape: Any) -> None:
        self.landscape = landscape

    def ask(self, deed: Deed) -> Any:
        """Have something done with the connector, and with the native one beside it."""
        return ask(self.landscape, "crm", deed)

    def act(self, action: str, **fields: Any) -> Any:
        """A business deed, as a person does it."""
        return self.landscape.call("POST", f"/systems/crm/actions/{action}", fields).json

    def paths(self) -> list[str]:
        """The calls of the CRM so far."""
        items = self.landscape.call("GET", "/journal?system=crm&limit=1000").json["items"]
        return [each["path"] for each in items if each["kind"] == "request"]


@pytest.fixture(scope="module")
def firm(launch_shared: Any) -> Firm:
    systems: dict[str, Any] = {"crm": {"vendor": "salesforce"}, "psa": {}, "erp": {}, "billing": {}}
    return Firm(launch_shared(systems=systems, size="S"))


@pytest.mark.parametrize("entity", OBJECTS)
@pytest.mark.by_test("query")
def test_what_is_read_through_salesforce_is_what_the_native_face_says(firm: Firm, entity: str) -> None:
    async def both(salesforce: Connector, native: NativeConnector) -> tuple[Any, ...]:
        read = await salesforce.list(entity, {})
        own = {each["id"]: each for each in await native.list(entity, {})}
        by_key = [await salesforce.get(entity, each["key"]) for each in read[:2] if each["key"]]
        by_id = [await salesforce.get(entity, each["id"]) for each in read[:2]]
        return read, own, by_key, by_id

    read, own, by_key, by_id = firm.ask(both)
    assert {each["id"] for each in read} == set(own)
    for each in read:
        shared = {name: own[each["id"]][name] for name in each if name not in APART}
        assert {name: each[name] for name in shared} == shared
    assert by_id == read[:2]
    assert by_key == [each for each in read[:2] if each["key"]]
    assert read or entity in ("approval", "change_order")


@pytest.mark.by_test("create_record update_record get_record")
def test_an_invoice_s_mirror_is_written_by_salesforces_own_api(firm: Firm) -> None:
    def fils(minor: int) -> dict[str, Any]:
        return {"minor": minor, "ccy": "KWD"}

    values = {"invoice_no": "INV-1", "ccy": "KWD", "doc_type": "INVOICE", "total": fils(507813), "status": "ISSUED"}

    async def mirror(salesforce: Connector, native: NativeConnector) -> Any:
        made = await salesforce.create("invoice", dict(values), Trail("CT-9", "event-9"), None)
        await salesforce.patch("invoice", made, {"status": "PAID", "paid": fils(507813)}, Trail())
        with pytest.raises(Refused) as again:
            await salesforce.create("invoice", {**values, "external_id": "X"}, Trail(), None)
        return await salesforce.get("invoice", "INV-1"), await native.get("invoice", "INV-1"), again.value

    before = len(firm.paths())
    read, own, refusal = firm.ask(mirror)
    assert (read["total"], read["paid"], read["status"]) == (fils(507813), fils(507813), "PAID")
    assert (own["correlation_id"], own["causation_id"]) == ("CT-9", "event-9")
    assert (refusal.status, refusal.code) == (409, "DUPLICATE_KEY")
    assert sum("/native/" in path for path in firm.paths()[before:]) == 1


@pytest.mark.by_test("create_records query_more")
def test_several_are_made_all_or_none_and_read_page_by_page_to_the_end(firm: Firm) -> None:
    async def many(salesforce: Connector, native: NativeConnector) -> Any:
        rows = [{"invoice_no": f"M-{number}", "ccy": "USD", "contract_no": "CT-MANY"} for number in range(250)]
        await salesforce.create_all("invoice", rows, Trail(), None)
        with pytest.raises(Refused) as refused:
            await salesforce.create_all("invoice", [{"invoice_no": "N-1", "ccy": "USD"}, rows[0]], Trail(), None)
        pages = []
        async for page in salesforce.pages("invoice", {"contract_no": "CT-MANY"}):
            pages.append(len(page))
        return pages, refused.value, await native.get("invoice", "N-1")

    pages, refusal, left = firm.ask(many)
    assert pages == [200, 50]
    assert refusal.code == "DUPLICATE_KEY"
    assert left is None


@pytest.mark.parametrize(
    ("kind", "nth", "refused"), [("lost_response", 1, None), ("lost_response", 2, "DUPLICATE_KEY"), ("status", 2, None)]
)
def test_each_batch_is_made_once_whatever_becomes_of_an_answer(
    firm: Firm, kind: str, nth: int, refused: str | None
) -> None:
    firm.landscape.call("POST", "/faults", [{"kind": kind, "system": "crm", "operation": "create_records", "nth": nth}])
    contract_no = f"CT-{kind}-{nth}"
    rows = [{"invoice_no": f"{kind}-{nth}-{at}", "ccy": "USD", "contract_no": contract_no} for at in range(250)]

    async def many(salesforce: Connector, native: NativeConnector) -> Any:
        code = None
        try:
            await salesforce.create_all("invoice", rows, Trail(), lambda: salesforce.get("invoice", f"{kind}-{nth}-0"))
        except Refused as refusal:
            code = refusal.code
        return code, await native.list("invoice", {"contract_no": contract_no})

    code, made = firm.ask(many)
    firm.landscape.call("DELETE", "/faults")
    assert code == refused
    assert sorted(each["invoice_no"] for each in made) == sorted(each["invoice_no"] for each in rows)


def test_deeds_are_statuses_that_are_set_and_a_wrong_one_is_a_conflict(firm: Firm) -> None:
    async def decide(salesforce: Connector, native: NativeConnector) -> Any:
        asked = {"subject": "CT-1", "kind": "TAX_OVERRIDE", "requester": "Integration", "evidence": ["a", "b"]}
        approval = await salesforce.create("approval", asked, Trail(), None)
        told = {"approver": "Ada", "decision": "REJECTED", "reason": "No."}
        decided = await salesforce.act("decide_approval", {"id": approval["id"]}, told, Trail())
        (contract, *_) = await salesforce.list("contract", {"status": "COMPLETED"})
        with pytest.raises(Refused) as unknown:
            await salesforce.act("complete_contract", {"id": contract["id"]}, {}, Trail())
        return approval, decided, unknown.value

    approval, decided, unknown = firm.ask(decide)
    assert (approval["decision"], approval["evidence"]) == ("PENDING", ["a", "b"])
    assert [decided[name] for name in ("decision", "approver", "reason")] == ["REJECTED", "Ada", "No."]
    assert decided["decided_at"] is not None
    assert (unknown.status, unknown.code) == (501, "NO_SUCH_DEED")


def test_a_change_order_goes_from_draft_to_applied_by_its_status(firm: Firm) -> None:
    async def amend(salesforce: Connector, native: NativeConnector) -> Any:
        (contract, *_) = await salesforce.list("contract", {"status": "ACTIVE"})
        values = {"contract": contract["id"], "title": "More", "treatment": "PROSPECTIVE", "requested_by": "Ada"}
        order = await salesforce.create("change_order", values, Trail(), None)
        with pytest.raises(Refused) as early:
            await salesforce.act("apply_change_order", {"key": order["key"]}, {}, Trail())
        return order, early.value

    order, early = firm.ask(amend)
    assert order["status"] == "DRAFT"
    firm.act("submit_change_order", key=order["key"])

    async def apply(salesforce: Connector, native: NativeConnector) -> Any:
        with pytest.raises(Refused, match="Ada"):
            await salesforce.act("approve_change_order", {"key": order["key"]}, {"approver": "Ada"}, Trail())
        await salesforce.act("approve_change_order", {"key": order["key"]}, {"approver": "Max"}, Trail())
        noted = await salesforce.patch(
            "customer", (await salesforce.list("customer", {}))[0], {"custom": {"a": 1}}, Trail()
        )
        return noted, await salesforce.act("apply_change_order", {"key": order["key"]}, {}, Trail())

    noted, applied = firm.ask(apply)
    assert noted["custom"] == {"a": 1}
    assert applied["approved_by"] == "Max"
    assert applied["status"] == "APPLIED"
    assert early.status == 409


def test_a_fault_strikes_by_our_name_of_a_call_what_salesforce_calls_otherwise(firm: Firm) -> None:
    plan = [{"kind": "status", "system": "crm", "operation": "list_site", "status": 503, "nth": 1}]
    plan += [{"kind": "status", "system": "crm", "operation": "get_customer", "status": 503, "nth": 1}]
    plan += [{"kind": "search_lag", "system": "crm", "operation": "list_customer", "searches": 1}]
    firm.landscape.call("POST", "/faults", plan)

    async def read(salesforce: Connector, native: NativeConnector) -> Any:
        site = (await salesforce.list("site", {}))[0]
        customer = await salesforce.get("customer", site["customer"])
        assert customer is not None
        await native.patch("customer", customer, {"segment": "LAGGING"}, Trail())
        asked = {"customer_no": customer["customer_no"]}
        return await salesforce.list("customer", asked), await salesforce.list("customer", asked)

    first, second = firm.ask(read)
    assert (first, [each["segment"] for each in second]) == ([], ["LAGGING"])
    struck = [each["struck"] for each in firm.landscape.call("GET", "/faults").json["items"]]
    firm.landscape.call("DELETE", "/faults")
    assert struck[:2] == [1, 1]
    assert struck[2] >= 2
