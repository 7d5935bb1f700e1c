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
    """Fetch lists, ask how schools stand, do bulk jobs, as fast as goes with what other processes leave of the
    machine."""

    @property
    def serves_lanes(self) -> bool:
        return self is not Role.SYNC

    @property
    def niceness(self) -> int:
        """By how much the process gives way to others of the machine: registers never wait for lists."""
        return 10 if self is Role.SYNC else 0

    def settings(self, settings: "Settings") -> "Settings":
        """Return the settings as this role has them."""
        changed: dict[str, Any] = {}
        if self is Role.REGISTERS:
            changed = {"sync_jobs": 0}
        elif self is Role.SYNC:
            changed = {"sync_share": 1.0}
        return settings.model_copy(update={"queue": settings.queue.model_copy(update=changed)})
