"""Paths to operations, by table: a tree of path segments, so that a face of hundreds of paths finds one as fast as one of ten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from counterfoil_mocks.kernel.operations import Operation

MOST_SEGMENTS = 40
MOST_HEADS = 1000


class Found(NamedTuple):
    """What is at a path: its operations by method, and the values of the template's parameters."""

    methods: Mapping[str, Operation]
    params: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    fixed: dict[bytes, _Node] = field(default_factory=dict)
    any: _Node | None = None
    rest: _Node | None = None
    names: tuple[str, ...] = ()
    offered: dict[str, Operation] = field(default_factory=dict)


class Paths:
    """Operations by the templates of their paths. `{name}` stands for one segment, `{name...}` at the end for all that are left;
    a fixed segment goes before a parameter."""

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self._root = _Node()
        self._whole: dict[bytes, Found] = {}
        self._heads: dict[bytes, tuple[_Node, tuple[str, ...]] | None] = {}
        """By all but the last segment: the one node below which the last is looked up, None where there are several."""
        for each in operations:
            self.add(each)

    def add(self, operation: Operation) -> None:
        """Add an operation; raises TypeError where another one has its path and method."""
        node, names = self._root, []
        for segment in operation.path.strip("/").split("/"):
            if segment.startswith("{"):
                name = segment[1:-1]
                if name.endswith("..."):
                    name = name[:-3]
                    node.rest = node = node.rest or _Node()
                else:
                    node.any = node = node.any or _Node()
                names.append(name)
            else:
                node = node.fixed.setdefault(segment.encode(), _Node())
        if operation.method in node.offered:
            raise TypeError(f"{operation.method} {operation.path}: two operations at one path")
        node.offered[operation.method] = operation
        node.names = tuple(names)
        if not names:
            self._whole[operation.path.encode()] = Found(node.offered, {})

    def find(self, path: bytes) -> Found | None:
        """What is at a raw path, or None."""
        whole = self._whole.get(path)
        if whole is not None:
            return whole
        head, _, last = path.rpartition(b"/")
        below = self._heads.get(head)
        if below is not None and last:
            above, before = below
            at, any_ = above.fixed.get(last), above.any
            if at is not None and at.offered:
                return Found(at.offered, dict(zip(at.names, before, strict=False)))
            if at is None and any_ is not None and any_.offered:
                return Found(any_.offered, dict(zip(any_.names, (*before, text_of(last)), strict=False)))
        elif head not in self._heads:
            self._keep_head(head)
        segments = path.strip(b"/").split(b"/")
        if len(segments) > MOST_SEGMENTS:
            return None
        values: list[str] = []
        node = self._walk(self._root, segments, 0, values)
        return None if node is None else Found(node.offered, dict(zip(node.names, values, strict=False)))

    def _keep_head(self, head: bytes) -> None:
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        nodes: list[tuple[_Node, tuple[str, ...]]] = [(self._root, ())]
        for segment in head.strip(b"/").split(b"/"):
            following = []
            for node, values in nodes:
                if node.rest is not None:  # what is left may be many segments
                    self._heads[head] = None
                    return
                if segment in node.fixed:
                    following.append((node.fixed[segment], values))
                if node.any is not None and segment:
                    following.append((node.any, (*values, text_of(segment))))
            nodes = following
        alone = len(nodes) == 1 and nodes[0][0].rest is None
        self._heads[head] = nodes[0] if alone else None

    def _walk(self, node: _Node, segments: list[bytes], at: int, values: list[str]) -> _Node | None:
        if at == len(segments):
            return node if node.offered else None
        segment = segments[at]
        following = node.fixed.get(segment)
        if following is not None:
            found = self._walk(following, segments, at + 1, values)
            if found is not None:
                return found
        if node.any is not None and segment:
            values.append(text_of(segment))
            found = self._walk(node.any, segments, at + 1, values)
            if found is not None:
                return found
            values.pop()
        if node.rest is not None:
            values.append(text_of(b"/".join(segments[at:])))
            return node.rest
        return None


def text_of(raw: bytes) -> str:
    """A percent-encoded path segment as text."""
    return unquote(raw.decode("latin-1"), errors="replace") if b"%" in raw else raw.decode("latin-1")
