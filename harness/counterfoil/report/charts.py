"""Pictures of figures over time, as inline SVG: lines over seconds. No scripts, no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 190, 46, 10, 10, 24
TONES = ("var(--event)", "var(--good)", "var(--fault)", "var(--deed)", "var(--bad)")
TICKS = 4


def lines(seconds: Sequence[float], series: Mapping[str, Sequence[float | None]], unit: str = "") -> Markup:
    """Each series as a line over the same seconds, a gap where it has no value; the highest value sets the scale."""
    if not seconds or not series:
        return Markup("")
    most = round_up(max((each for line in series.values() for each in line if each is not None), default=0.0))
    last = max(seconds[-1], 1e-9)

    def x(second: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * second / last, 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most), 1)

    drawn = []
    for tick in range(TICKS + 1):
        value = most * tick / TICKS
        drawn.append(f'<line x1="{LEFT}" y1="{y(value)}" x2="{WIDTH - RIGHT}" y2="{y(value)}" stroke="var(--line)"/>')
        drawn.append(f'<text class="time" x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:g}</text>')
        at = last * tick / TICKS
        anchor = "end" if tick == TICKS else "middle"
        drawn.append(f'<text class="time" x="{x(at)}" y="{HEIGHT - 6}" text-anchor="{anchor}">{at:.0f} s</text>')
    for tone, (name, values) in zip(TONES, series.items(), strict=False):
        for run in runs(values):
            points = " ".join(f"{x(seconds[at])},{y(value)}" for at, value in run)
            drawn.append(
                f'<polyline points="{points}" fill="none" stroke="{tone}" stroke-width="1.8"><title>{escape(name)}</title></polyline>'
            )
    legend = "".join(
        f'<span style="color:{tone}"><i></i>{escape(name)}</span>' for tone, name in zip(TONES, series, strict=False)
    )
    unit = f"<span>{escape(unit)}</span>" if unit else ""
    return Markup(
        f'<div class="legend">{legend}{unit}</div><svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(", ".join(series))}">{"".join(drawn)}</svg>'
    )


def runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap, as places and values; a lonely value is drawn as a short line."""
    found: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((at, value))
    return [run if len(run) > 1 else run * 2 for run in found if run]


def round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 8 or 10 times a power of ten: a scale that people read easily."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value)
