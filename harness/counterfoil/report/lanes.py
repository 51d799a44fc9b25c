"""The swimlane picture of a scenario: who told or asked whom, in order. Turns journal entries into rows to draw; draws nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

LEFT = ("crm", "psa")
INTEGRATION = "integration"
TITLES = {"crm": "CRM", "psa": "PSA", "erp": "ERP", "billing": "Billing", INTEGRATION: "Integration"}
LEVELS = ((10, 2, True), (7, 2, True), (7, 2, False), (7, 1, False), (4, 1, False))
"""How much is left out of a story, from little to much, until it fits: alike arrows are told apart by so many characters of their
instant (day, month, year), so many of them are drawn, and the integration's reads with them or not."""
MOST_ROWS = 220
ROW, TOP, GUTTER, LANE = 26, 46, 96, 236
LONGEST_LABEL = 40
SILENT = ("token", "create_webhook", "list_webhooks", "delete_webhook")


@dataclass
class Step:
    """One arrow (or, with source = target, one mark in a lane). tone: `event`, `write`, `read`, `deed`, `fault` or `error`.
    time: what is written at the margin.
    """

    at: str
    source: str
    target: str
    label: str
    tone: str
    key: str = ""
    note: str = ""
    count: int = 1
    seq: int = 0
    time: str = ""
    y: int = 0


@dataclass
class Pause:
    """A line between steps: the business date, or how much is not drawn."""

    text: str
    y: int = 0


@dataclass
class Picture:
    """Rows with their places. lanes: (title, x) from left to right. reads: whether the integration's reads are drawn."""

    lanes: list[tuple[str, int]]
    rows: list[Step | Pause] = field(default_factory=list)
    width: int = 0
    height: int = 0
    total: int = 0
    reads: bool = True

    def x(self, lane: str) -> int:
        """Where a lane's line stands."""
        return dict(self.lanes)[TITLES.get(lane, lane)]


def picture(entries: Iterable[Mapping[str, Any]], systems: Sequence[str]) -> Picture:
    """The picture of a scenario's journal. systems: names of the landscape's systems."""
    steps = [step for entry in entries if (step := step_of(entry)) is not None]
    left = [name for name in systems if name in LEFT]
    lanes = [*left, INTEGRATION, *sorted(set(systems) - set(left))]
    placed = [(TITLES.get(name, name), GUTTER + 40 + LANE * position) for position, name in enumerate(lanes)]
    drawn = Picture(placed, width=GUTTER + 40 + LANE * (len(lanes) - 1) + 70, total=len(steps))
    kept: list[Step] = []
    for span, most, drawn.reads in LEVELS:
        kept = folded((step for step in steps if drawn.reads or step.tone != "read"), span, most)
        if len(kept) <= MOST_ROWS:
            break
    drawn.rows = list(dated(shortened(kept)))
    said = ""
    for position, row in enumerate(drawn.rows):
        row.y = TOP + ROW * (position + 1)
        if isinstance(row, Step):
            row.time = "" if row.at[:19] == said else row.at[11:19]
            said = row.at[:19]
    drawn.height = TOP + ROW * (len(drawn.rows) + 1)
    return drawn


def step_of(entry: Mapping[str, Any]) -> Step | None:
    """A journal entry as a step; None for what a picture does not need."""
    kind, operation = entry["kind"], str(entry.get("operation") or entry.get("path") or "")
    system, key = entry["system"], str(entry.get("key") or "")
    common = {"key": key, "seq": entry["seq"], "note": str(entry.get("fault") or "")}
    if kind == "delivery":
        return Step(entry["at"], system, INTEGRATION, short(operation), tone_of(entry, "event"), **common)
    if kind in ("deed", "timer"):
        return Step(entry["at"], system, system, operation, tone_of(entry, "deed"), **common)
    if kind == "integration":
        return Step(entry["at"], INTEGRATION, INTEGRATION, short(operation), "deed", **common)
    if kind == "request" and operation not in SILENT:
        reads = operation.startswith(("get_", "list_", "search_")) or entry.get("method") == "GET"
        return Step(entry["at"], INTEGRATION, system, operation, tone_of(entry, "read" if reads else "write"), **common)
    return None


def tone_of(entry: Mapping[str, Any], calm: str) -> str:
    """How a step is coloured: by fault, by refusal, else by what it is."""
    if entry.get("fault"):
        return "fault"
    status = entry.get("status")
    if status is None:
        return "error" if entry["kind"] == "delivery" else calm
    return "error" if int(status) >= 400 and not (calm == "read" and int(status) == 404) else calm


def short(event_type: str) -> str:
    """An event's type without its prefix and version."""
    return event_type.removeprefix("com.counterfoil.").removesuffix(".v1")


def folded(steps: Iterable[Step], span: int, most: int) -> list[Step]:
    """Of alike arrows, copies of the first few; the rest are counted on the last one drawn. span, most: as in LEVELS."""
    seen: dict[tuple[str, ...], list[Step]] = {}
    kept: list[Step] = []
    for step in steps:
        alike = seen.setdefault((step.at[:span], step.source, step.target, step.label, step.tone, step.note), [])
        if len(alike) < most:
            alike.append(replace(step))
            kept.append(alike[-1])
        else:
            alike[-1].count += 1
    return kept


def shortened(steps: Sequence[Step]) -> list[Step | Pause]:
    """No more rows than a person reads: the first and the last, and between them only what went wrong."""
    if len(steps) <= MOST_ROWS:
        return list(steps)
    edge = MOST_ROWS // 3
    middle = steps[edge : len(steps) - edge]
    wrong = [step for step in middle if step.tone in ("fault", "error")][:edge]
    left_out = sum(step.count for step in middle) - sum(step.count for step in wrong)
    return [*steps[:edge], Pause(f"{left_out} more, not drawn"), *wrong, *steps[len(steps) - edge :]]


def dated(rows: Iterable[Step | Pause]) -> Iterable[Step | Pause]:
    """A line wherever a new business date begins."""
    today = ""
    for row in rows:
        if isinstance(row, Step) and row.at[:10] != today:
            today = row.at[:10]
            yield Pause(today)
        yield row


def label(step: Step) -> str:
    """What is written on an arrow."""
    text = f"{step.label} {step.key}".strip() if step.count == 1 else f"{step.label} ×{step.count}"
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
