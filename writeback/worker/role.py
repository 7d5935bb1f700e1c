"""What a worker does: everything, or only one of the two kinds of work, so that each may have a process of its own."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from writeback.core.settings import Settings


class Role(StrEnum):
    """What one worker process does."""

    ALL = "all"
    """Everything; fetching lists and bulk jobs take no more than a share of its event loop."""
    REGISTERS = "registers"
    """Send, confirm, notify, work through files. Fetches no lists, does no bulk jobs: another worker does."""
    SYNC = "sync"
    """Fetch lists, ask how schools stand, do bulk jobs, as fast as it goes."""

    @property
    def serves_lanes(self) -> bool:
        return self is not Role.SYNC

    def settings(self, settings: "Settings") -> "Settings":
        """Return the settings as this role has them."""
        changed: dict[str, Any] = {}
        if self is Role.REGISTERS:
            changed = {"sync_jobs": 0}
        elif self is Role.SYNC:
            changed = {"sync_share": 1.0}
        return settings.model_copy(update={"queue": settings.queue.model_copy(update=changed)})
