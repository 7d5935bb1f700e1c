"""A chart's geometry: what came in as bars, what was confirmed as a line, for the template to draw. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from writeback.flow.projections.overview import Bucket

WIDTH, HEIGHT = 720, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 20, 12, 26
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Bar:
    """One stretch of time: a rectangle and what it means."""

    x: float
    y: float
    width: float
    height: float
    bucket: Bucket


@dataclass(frozen=True)
class Tick:
    at: float
    value: int


@dataclass(frozen=True)
class TimeTick:
    at: float
    instant: datetime


@dataclass(frozen=True)
class Chart:
    """All that is drawn, in the units of the view box."""

    bars: Sequence[Bar]
    line: str
    """Points of a polyline."""
    rows: Sequence[Tick]
    hours: Sequence[TimeTick]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    bottom: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(buckets: Sequence[Bucket]) -> Chart:
    """Return the chart of stretches that follow each other."""
    top = nice_top(max((max(one.accepted, one.confirmed) for one in buckets), default=0))
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(buckets))
    span = HEIGHT - _TOP - _BOTTOM

    def y(value: float) -> float:
        return round(_TOP + span * (1 - value / top), 1)

    bars, points, hours = [], [], []
    for place, one in enumerate(buckets):
        x, height = _LEFT + place * step, round(_TOP + span - y(one.accepted), 1)
        bars.append(Bar(round(x + step * 0.14, 1), y(one.accepted), round(step * 0.72, 1), height, one))
        points.append(f"{x + step / 2:.1f},{y(one.confirmed)}")
        if one.start.minute == 0:
            hours.append(TimeTick(round(x, 1), one.start))
    rows = [Tick(y(value), value) for value in (0, top // 2, top)]
    return Chart(bars, " ".join(points), rows, hours)


def nice_top(highest: int) -> int:
    """Return a round even number that is no less, for the scale to end at."""
    if highest <= 2:
        return 2
    size: int = 10 ** int(math.log10(highest))
    for step in (*_STEPS, 10):
        if step * size >= highest and (step * size) % 2 == 0:
            return step * size
    return 20 * size
