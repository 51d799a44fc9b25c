"""All types of records, by name; the name's case matters."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil_mocks.erp.netsuite.kept_objects import KEPT
from counterfoil_mocks.erp.netsuite.objects import BUSINESS
from counterfoil_mocks.protocols.fieldmap import ObjectMap

TYPES: Mapping[str, ObjectMap] = {each.name: each for each in (*BUSINESS, *KEPT)}


def transactions(types: Mapping[str, ObjectMap]) -> tuple[ObjectMap, ...]:
    """Those that are transactions."""
    return tuple(each for each in types.values() if each.about["family"] == "transaction")
