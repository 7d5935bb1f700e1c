"""The states of a writeback as a drawing: where each stands, the ways between, where this one has been. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from writeback.console.presenters.words import Badge, status_badge
from writeback.domain.states import TRANSITIONS, Status

WIDTH, HEIGHT = 760, 250
_BOX_W, _BOX_H = 140, 34
_COLUMNS, _ROWS = (6, 208, 410, 612), (8, 74, 140, 206)
_PLACES: dict[Status, tuple[int, int]] = {
    Status.HELD: (0, 0),
    Status.QUEUED: (0, 1),
    Status.SENDING: (1, 1),
    Status.SENT: (2, 1),
    Status.UNKNOWN: (2, 2),
    Status.NEEDS_ATTENTION: (2, 3),
    Status.CONFIRMED: (3, 0),
    Status.PARTIAL: (3, 1),
    Status.FAILED: (3, 2),
    Status.SUPERSEDED: (0, 3),
    Status.CANCELLED: (1, 3),
    Status.EXPIRED: (1, 2),
}
_DRAWN: Sequence[tuple[Status, Status]] = (
    (Status.QUEUED, Status.HELD),
    (Status.QUEUED, Status.SENDING),
    (Status.SENDING, Status.SENT),
    (Status.SENT, Status.CONFIRMED),
    (Status.SENT, Status.PARTIAL),
    (Status.SENT, Status.FAILED),
    (Status.SENT, Status.UNKNOWN),
    (Status.UNKNOWN, Status.NEEDS_ATTENTION),
    (Status.QUEUED, Status.EXPIRED),
    (Status.QUEUED, Status.CANCELLED),
    (Status.QUEUED, Status.SUPERSEDED),
)
"""The ways that most go; all of them would be a tangle. What this one has gone besides is drawn too."""


@dataclass(frozen=True)
class Box:
    """One state. `visit`: `here`, `been`, or nothing."""

    x: int
    y: int
    badge: Badge
    visit: str


@dataclass(frozen=True)
class Way:
    x1: int
    y1: int
    x2: int
    y2: int
    is_gone: bool


@dataclass(frozen=True)
class Machine:
    """The drawing, in the units of its view box."""

    boxes: Sequence[Box]
    ways: Sequence[Way]
    path: Sequence[Badge]
    """Where it has been, in order, and where it is."""
    width: int = WIDTH
    height: int = HEIGHT
    box_width: int = _BOX_W
    box_height: int = _BOX_H


def machine_of(status: str, statuses: Sequence[str]) -> Machine:
    """Return the drawing for one that is in `status`; `statuses` are those of its events, in order."""
    steps: list[Status] = []
    for one in [*statuses, status]:
        if not steps or steps[-1] != one:
            steps.append(Status(one))
    gone = set(pairwise(steps))
    ways = [_way(*pair, is_gone=pair in gone or pair[::-1] in gone) for pair in _DRAWN]
    ways += [_way(*pair, is_gone=True) for pair in sorted(gone) if pair not in _DRAWN and pair[::-1] not in _DRAWN]
    boxes = [
        Box(_COLUMNS[column], _ROWS[row], status_badge(one), _visit(one, steps))
        for one, (column, row) in _PLACES.items()
    ]
    return Machine(boxes, sorted(ways, key=lambda way: way.is_gone), [status_badge(one) for one in steps])


def _visit(status: Status, steps: Sequence[Status]) -> str:
    if status == steps[-1]:
        return "here"
    return "been" if status in steps else ""


def _way(start: Status, end: Status, *, is_gone: bool) -> Way:
    """Return a line from the edge of one box to the edge of the other."""
    (from_column, from_row), (to_column, to_row) = _PLACES[start], _PLACES[end]
    x1, y1 = _middle(from_column, from_row)
    x2, y2 = _middle(to_column, to_row)
    if from_column == to_column:
        down = 1 if to_row > from_row else -1
        return Way(x1, y1 + down * _BOX_H // 2, x2, y2 - down * _BOX_H // 2, is_gone)
    right = 1 if to_column > from_column else -1
    return Way(x1 + right * _BOX_W // 2, y1, x2 - right * _BOX_W // 2, y2, is_gone)


def _middle(column: int, row: int) -> tuple[int, int]:
    return _COLUMNS[column] + _BOX_W // 2, _ROWS[row] + _BOX_H // 2


assert set(_PLACES) == set(Status)
assert all(any(t.target is end and start in t.sources for t in TRANSITIONS.values()) for start, end in _DRAWN)
