"""A chart's geometry: what came in each minute as a column, divided by what became of it. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from writeback.flow.projections.overview import Bucket

WIDTH, HEIGHT = 720, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 20, 12, 26
_STEPS = (1, 2, 5)
PARTS = (("confirmed", "Confirmed"), ("on_their_way", "On their way"), ("held", "Held"), ("failed", "Failed"))
"""Of a column from below, and what they are called."""


@dataclass(frozen=True)
class Layer:
    """One part of all columns."""

    name: str
    words: str
    path: str
    """Of the SVG; empty where there is none of it."""
    total: int


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

    layers: Sequence[Layer]
    rows: Sequence[Tick]
    hours: Sequence[TimeTick]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    bottom: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(buckets: Sequence[Bucket]) -> Chart:
    """Return the chart of stretches that follow each other."""
    top = nice_top(max((sum(_parts(one)) for one in buckets), default=0))
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(buckets))
    scale = (HEIGHT - _TOP - _BOTTOM) / top
    paths: list[list[str]] = [[] for _ in PARTS]
    hours = []
    for place, one in enumerate(buckets):
        x, base = _LEFT + place * step, float(HEIGHT - _BOTTOM)
        for path, value in zip(paths, _parts(one), strict=True):
            if value:
                path.append(f"M{x:.1f} {base:.1f}h{step:.1f}v{-value * scale:.1f}h{-step:.1f}z")
                base -= value * scale
        if one.start.minute == 0:
            hours.append(TimeTick(round(x, 1), one.start))
    layers = [
        Layer(name, words, "".join(path), sum(getattr(one, name) for one in buckets))
        for (name, words), path in zip(PARTS, paths, strict=True)
    ]
    rows = [Tick(round(HEIGHT - _BOTTOM - value * scale, 1), value) for value in (0, top // 2, top)]
    return Chart(layers, rows, hours)


def _parts(bucket: Bucket) -> list[int]:
    return [getattr(bucket, name) for name, _ in PARTS]


def nice_top(highest: int) -> int:
    """Return a round even number that is no less, for the scale to end at."""
    if highest <= 2:
        return 2
    size: int = 10 ** int(math.log10(highest))
    for step in (*_STEPS, 10):
        if step * size >= highest and (step * size) % 2 == 0:
            return step * size
    return 20 * size
