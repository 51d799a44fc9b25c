"""The contracts as files: they are the code's, and they name every event that the code can announce."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import counterfoil_mocks
from counterfoil.contracting import export
from counterfoil.stories import shipped
from counterfoil_mocks import catalogue
from counterfoil_mocks.roles import ROLES

NAMED = re.compile(r'"((?:crm|psa|billing|erp)\.[a-z_]+\.[a-z_]+)"')


def test_the_files_are_what_the_code_says() -> None:
    differing = export.drift(shipped("contracts"))
    assert not differing, (
        f"{len(differing)} contracts differ from the code, {', '.join(differing[:5])}, …: "
        "run `make contracts` (or `counterfoil contracts export`), read the difference and commit it"
    )


def test_drift_names_what_differs_is_missing_or_left_over(tmp_path: Path) -> None:
    export.write(tmp_path)
    assert export.drift(tmp_path) == []
    (tmp_path / "openapi" / "crm.yaml").write_text("openapi: 3.1.0\n")
    (tmp_path / "asyncapi" / "psa.yaml").unlink()
    (tmp_path / "schemas" / "old.json").write_text("{}")
    assert export.drift(tmp_path) == ["asyncapi/psa.yaml", "openapi/crm.yaml", "schemas/old.json"]
    assert export.write(tmp_path) == ["asyncapi/psa.yaml", "openapi/crm.yaml", "schemas/old.json"]
    assert export.drift(tmp_path) == []


def test_every_event_that_the_code_announces_is_in_the_catalogue() -> None:
    home = Path(counterfoil_mocks.__file__).parent
    places = [place for each in (home, *(home / role for role in ROLES)) for place in each.glob("*.py")]
    announced = {
        name for place in places if place.name != "catalogue.py" for name in NAMED.findall(place.read_text("utf-8"))
    }
    declared = {name for role in ROLES.values() for each in role.entities for name in each.events.values()}
    unknown = (announced | declared) - {each.name for each in catalogue.EVENTS}
    assert not unknown, f"add a row for each to mocks/counterfoil_mocks/catalogue.py: {', '.join(sorted(unknown))}"


def test_every_entity_of_the_catalogue_is_one_of_its_role() -> None:
    for each in catalogue.EVENTS:
        assert set(each.entities) <= set(ROLES[each.role].by_name), each.name


def test_no_document_refers_to_what_it_does_not_hold() -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    for path, document in export.documents().items():
        for target in references(document):
            place: Any = document
            for step in target.removeprefix("#/").split("/"):
                assert step in place, f"{path}: {target}"
                place = place[step]
