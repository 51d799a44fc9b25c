"""INV-51: states change along the paths that their machines know."""

from __future__ import annotations

from counterfoil.invariant import Invariant, Params, Row
from counterfoil_mocks.kernel.store import Store

MOVES = """
SELECT system, id, at, deed, actor, json_extract(before, '$.{field}') AS was, json_extract(doc, '$.{field}') AS became,
    coalesce(json_extract(doc, '$.key'), id) AS key
FROM {schema}.history WHERE entity = '{entity}' AND before IS NOT NULL AND json_type(before, '$.{field}') = 'text'
    AND json_extract(before, '$.{field}') IS NOT json_extract(doc, '$.{field}')
"""
STRANGE = "SELECT system, id, coalesce(key, id) AS key, {field} AS became FROM {schema}.{entity} WHERE {field} IS NOT NULL AND {field} NOT IN ({known})"


def find(store: Store, params: Params) -> list[Row]:
    """Moves that no machine knows, and values that no vocabulary holds."""
    wrong: list[Row] = []
    for schema, role in store.roles.items():
        for entity in role.entities:
            for field in entity.states:
                place = {"schema": schema, "entity": entity.name, "field": field.name}
                for move in store.rows(MOVES.format(**place)):
                    if move["became"] not in field.moves.get(move["was"], ()):
                        wrong.append({"what": "illegal move", "role": schema, "entity": entity.name, **move})
                known = ", ".join(f"'{name}'" for name in field.choices)
                for row in store.rows(STRANGE.format(**place, known=known)):
                    wrong.append({"what": "unknown state", "role": schema, "entity": entity.name, **row})
    return wrong


INVARIANT = Invariant(
    id="INV-51",
    rule="States change only along the moves that their machine allows, and hold no word that the vocabulary does not know.",
    kind="A",
    keys=("what", "role", "entity", "key"),
    find=find,
)
