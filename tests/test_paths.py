"""Paths lead to operations: the same at every look, a fixed segment before a parameter."""

from __future__ import annotations

import pytest

from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.paths import Paths

TEMPLATES = (
    "/v1/things",
    "/v1/things/{id}",
    "/v1/things/new",
    "/v1/things/{id}/parts",
    "/v1/{kind}/{id}/parts/{part}",
    "/v1/things/new/parts/last",
    "/files/{path...}",
)


def nothing(ask: Ask) -> Answer:
    return Answer(200, None)


@pytest.fixture(scope="module")
def paths() -> Paths:
    return Paths(Operation(template, "GET", template, nothing, "") for template in TEMPLATES)


@pytest.mark.parametrize(
    ("path", "template", "params"),
    [
        (b"/v1/things", "/v1/things", {}),
        (b"/v1/things/new", "/v1/things/new", {}),
        (b"/v1/things/7", "/v1/things/{id}", {"id": "7"}),
        (b"/v1/things/8", "/v1/things/{id}", {"id": "8"}),
        (b"/v1/things/a%2Fb", "/v1/things/{id}", {"id": "a/b"}),
        (b"/v1/things/7/", "/v1/things/{id}", {"id": "7"}),
        (b"/v1/things/7/parts", "/v1/things/{id}/parts", {"id": "7"}),
        (b"/v1/things/7/parts/2", "/v1/{kind}/{id}/parts/{part}", {"kind": "things", "id": "7", "part": "2"}),
        (b"/v1/others/7/parts/2", "/v1/{kind}/{id}/parts/{part}", {"kind": "others", "id": "7", "part": "2"}),
        (b"/v1/things/new/parts/last", "/v1/things/new/parts/last", {}),
        (b"/v1/things/new/parts/2", "/v1/{kind}/{id}/parts/{part}", {"kind": "things", "id": "new", "part": "2"}),
        (b"/files/a/b/c", "/files/{path...}", {"path": "a/b/c"}),
        (b"/v1/others", None, {}),
        (b"/v1/things/7/parts/2/3", None, {}),
        (b"/", None, {}),
    ],
)
def test_a_path_is_found_at_every_look(paths: Paths, path: bytes, template: str | None, params: dict[str, str]) -> None:
    for _ in range(3):
        found = paths.find(path)
        assert (found and found.methods["GET"].name) == template
        assert found is None or dict(found.params) == params
