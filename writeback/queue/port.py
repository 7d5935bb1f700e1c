"""The doorbell: how one part says to another that a lane, or a school, has something to do.

A ring carries an id and nothing else, and may be lost: SQL knows what is due, and the sweeper rings again.
"""

from collections.abc import Iterable
from typing import Protocol


class Doorbell(Protocol):
    """Rings for a job: `serve_lane` and `confirm_lane` with lane ids, `notify` with webhook ids, the others with those
    of schools, batches or bulk jobs."""

    async def ring(self, job: str, lane_ids: Iterable[str]) -> None:
        """Ask for a run of `job` for each id. Returns at once and never raises."""


class RecordingDoorbell:
    """A doorbell for tests, which remembers who rang."""

    def __init__(self) -> None:
        self.rings: list[tuple[str, str]] = []
        """Job and id, in the order of the rings."""

    async def ring(self, job: str, lane_ids: Iterable[str]) -> None:
        self.rings += [(job, lane_id) for lane_id in lane_ids]
