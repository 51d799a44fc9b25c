"""What breaks is found and what does not break is not: ten changes of each kind, planted into the exported contracts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from counterfoil.contracting import diff, shapes
from counterfoil.contracting.verify import Pact
from counterfoil.stories import shipped

Document = dict[str, Any]
HOME = shipped("contracts")
CRM = shapes.document(HOME / "openapi" / "crm.yaml")
EVENTS = shapes.document(HOME / "asyncapi" / "psa.yaml")


def schema(document: Document, name: str) -> Any:
    return document["components"]["schemas"][name]


def field(document: Document, name: str, member: str) -> Any:
    return schema(document, name)["properties"][member]


def field_removed(made: Document) -> None:
    del schema(made, "Customer")["properties"]["customer_no"]
    schema(made, "Customer")["required"].remove("customer_no")


def type_narrowed(made: Document) -> None:
    made["paths"]["/customers"]["get"]["parameters"][0]["schema"] = {"type": "boolean"}


def value_removed(made: Document) -> None:
    field(made, "Contract", "status")["enum"].remove("ACTIVE")


def new_required_field(made: Document) -> None:
    schema(made, "InvoiceCreate")["properties"]["purpose"] = {"type": "string"}
    schema(made, "InvoiceCreate").setdefault("required", []).append("purpose")


def status_changed(made: Document) -> None:
    answers = made["paths"]["/customers"]["post"]["responses"]
    answers["200"] = answers.pop("201")


def path_moved(made: Document) -> None:
    made["paths"]["/accounts"] = made["paths"].pop("/customers")


def nullability(made: Document) -> None:
    field(made, "Contract", "version")["type"] = ["integer", "null"]


def format_changed(made: Document) -> None:
    field(made, "Contract", "created_at")["format"] = "date"


def page_shape(made: Document) -> None:
    page = schema(made, "CustomerPage")
    page["properties"]["data"] = page["properties"].pop("items")
    page["required"] = ["data", "next"]


def webhook_field_renamed(made: Document) -> None:
    entry = schema(made, "TimeEntry")
    entry["properties"]["duration"] = entry["properties"].pop("minutes")
    entry["required"] = [name if name != "minutes" else "duration" for name in entry["required"]]


BREAKING: list[tuple[Document, Callable[[Document], None], str]] = [
    (CRM, field_removed, "customer_no"),
    (CRM, type_narrowed, "takes boolean"),
    (CRM, value_removed, "cannot be ACTIVE"),
    (CRM, new_required_field, "purpose"),
    (CRM, status_changed, "answers 200 where it answered 201"),
    (CRM, path_moved, "moved to GET /accounts"),
    (CRM, nullability, "may be null now"),
    (CRM, format_changed, "format is date"),
    (CRM, page_shape, "items"),
    (EVENTS, webhook_field_renamed, "minutes"),
]


def field_added(made: Document) -> None:
    schema(made, "Customer")["properties"]["nickname"] = {"type": ["string", "null"]}
    schema(made, "Customer")["required"].append("nickname")


def optional_parameter_added(made: Document) -> None:
    made["paths"]["/customers"]["get"]["parameters"].append({"name": "q", "in": "query", "schema": {"type": "string"}})


def optional_field_to_send_added(made: Document) -> None:
    schema(made, "CustomerCreate")["properties"]["nickname"] = {"type": "string"}


def operation_added(made: Document) -> None:
    made["paths"]["/nicknames"] = {
        "get": {**copy.deepcopy(made["paths"]["/customers"]["get"]), "operationId": "list_nickname"}
    }


def value_to_send_added(made: Document) -> None:
    field(made, "Contract", "status")["enum"].append("FROZEN")


def description_changed(made: Document) -> None:
    schema(made, "Customer")["description"] = "A party."


def required_to_send_relaxed(made: Document) -> None:
    schema(made, "CustomerCreate")["required"] = []


def limit_widened(made: Document) -> None:
    field(made, "CustomerCreate", "name")["maxLength"] = 9_999


def refusal_added(made: Document) -> None:
    made["paths"]["/customers"]["get"]["responses"]["451"] = {"description": "Not here."}


def event_added(made: Document) -> None:
    messages = made["components"]["messages"]
    messages["time.audited"] = {
        **copy.deepcopy(messages["psa.time.approved"]),
        "name": "com.counterfoil.psa.time.audited.v1",
    }


HARMLESS: list[tuple[Document, Callable[[Document], None]]] = [
    (CRM, field_added),
    (CRM, optional_parameter_added),
    (CRM, optional_field_to_send_added),
    (CRM, operation_added),
    (CRM, value_to_send_added),
    (CRM, description_changed),
    (CRM, required_to_send_relaxed),
    (CRM, limit_widened),
    (CRM, refusal_added),
    (EVENTS, event_added),
]


def changes(before: Document, change: Callable[[Document], None]) -> list[diff.Change]:
    after = copy.deepcopy(before)
    change(after)
    assert after != before
    compare = diff.messages if "asyncapi" in before else diff.operations
    return list(compare("openapi/crm.yaml", before, after))


@pytest.mark.parametrize(("before", "change", "said"), BREAKING, ids=[change.__name__ for _, change, _ in BREAKING])
def test_a_change_that_breaks_is_named(before: Document, change: Callable[[Document], None], said: str) -> None:
    assert any(said in f"{each.place} {each.sentence}" for each in changes(before, change))


@pytest.mark.parametrize(("before", "change"), HARMLESS, ids=[change.__name__ for _, change in HARMLESS])
def test_a_change_that_breaks_nobody_is_not_flagged(before: Document, change: Callable[[Document], None]) -> None:
    assert changes(before, change) == []


def test_a_breaking_change_names_the_consumer_whose_pact_relies_on_it() -> None:
    def pact(name: str, body: Any) -> Pact:
        comments = {"references": {"counterfoil": {"operation": "get_customer"}}}
        asked = {"description": "x", "comments": comments, "request": {}, "response": {"body": {"content": body}}}
        return Pact(
            Path(f"{name}.json"), {"consumer": {"name": name}, "provider": {"name": "crm"}, "interactions": [asked]}
        )

    found = next(each for each in changes(CRM, field_removed) if each.operation == "get_customer")
    pacts = [pact("numbers", {"customer_no": "CU-1"}), pact("names", {"name": "Acme"})]
    assert diff.relying(found, pacts) == ("numbers → crm",)


def test_the_command_ends_with_1_where_something_breaks(cli: Any, tmp_path: Path) -> None:
    for name, change in (("old", None), ("bad", field_removed), ("good", field_added)):
        made = copy.deepcopy(CRM)
        if change is not None:
            change(made)
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps(made))
    broken = cli("contracts", "diff", tmp_path / "old.json", tmp_path / "bad.json", "--json")
    assert broken.code == 1
    assert any("customer_no" in each["place"] for each in broken.json["breaking"])
    assert cli("contracts", "diff", tmp_path / "old.json", tmp_path / "good.json").code == 0
    assert cli("contracts", "diff", tmp_path / "none.json", tmp_path / "good.json").code == 2
