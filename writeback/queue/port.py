"""Waking: how one part tells a worker that a lane, or a school, has something due.

A wake carries an id and nothing else, and may be lost: SQL knows what is due, and the sweeper wakes again.
"""

from collections.abc import Iterable
from typing import Protocol


class Waker(Protocol):
    """Wakes a job: `serve_lane` and `confirm_lane` with lane ids, `notify` with webhook ids, the others with those
    of schools, batches or bulk jobs."""

    async def wake(self, job: str, lane_ids: Iterable[str]) -> None:
        """Ask for a run of `job` for each id. Returns at once and never raises."""


class RecordingWaker:
    """A waker for tests, which remembers whom it woke."""

    def __init__(self) -> None:
        self.wakes: list[tuple[str, str]] = []
        """Job and id, in the order of the wakes."""

    async def wake(self, job: str, lane_ids: Iterable[str]) -> None:
        self.wakes += [(job, lane_id) for lane_id in lane_ids]
