"""How the stories of a project lie above and below each other; looked up once a project, until something is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.psa.kantata.kind import kept

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.view import View


class Stories:
    """The stories that a call has asked for, by project and by the one above."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._known: dict[str, dict[str, Record]] = {}
        self._below: dict[str, list[Record]] = {}

    def forget(self) -> None:
        """Look all up anew."""
        self._known.clear()
        self._below.clear()

    def _of(self, project: str) -> dict[str, Record]:
        if project not in self._known:
            several = [each for entity in ("task", "milestone") for each in self.view.all(entity, project=project)]
            self._known[project] = {each["id"]: each for each in several}
            for each in several:
                if kept(each).get("parent_id"):
                    self._below.setdefault(kept(each)["parent_id"], []).append(each)
        return self._known[project]

    def children(self, story: Record) -> list[Record]:
        """The stories right below one."""
        self._of(story["project"])
        return self._below.get(story["id"], [])

    def descendants(self, story: Record) -> list[Record]:
        """All stories below one, level by level."""
        found, ahead = {story["id"]: story}, [story]
        while ahead:
            below = [each for each in self.children(ahead.pop(0)) if each["id"] not in found]
            found |= {each["id"]: each for each in below}
            ahead += below
        return list(found.values())[1:]

    def ancestors(self, story: Record) -> list[Record]:
        """The stories above one, the uppermost first; a circle ends where it began."""
        found: dict[str, Record] = {}
        above = kept(story).get("parent_id")
        while above and above not in found and above != story["id"]:
            parent = self._of(story["project"]).get(above)
            if parent is None:
                break
            found[above] = parent
            above = kept(parent).get("parent_id")
        return list(found.values())[::-1]

    def depth(self, story: Record) -> int:
        """How many levels of stories there are below one."""
        above = len(self.ancestors(story))
        return max((len(self.ancestors(each)) - above for each in self.descendants(story)), default=0)
