"""Epochs: after a restore from a backup, what the database knows of what was sent begins again. Pure.

What was open when it was restored may have been sent since the backup, and what apps post again may be in the MIS: both
are looked for there before anything goes out.
"""

from dataclasses import dataclass
from datetime import datetime

from writeback.core.ids import id_floor
from writeback.domain.kinds import Action, Kind


@dataclass(frozen=True)
class Epoch:
    """One that a restore has opened, or that somebody is still to announce."""

    id: int
    began_at: datetime
    """Nothing that the database does not know was sent after that."""
    taken_at: datetime | None
    """When the backup was made: nothing that the database does not know was sent before. None: nothing was sent."""
    last_seq: int
    """What was accepted up to here came with the backup."""
    compare_until: datetime | None
    """What creates something and is accepted before that may be what an app has posted before the restore."""
    is_suspected: bool = False
    """The database is older than what is remembered of it, and nobody has said why: nothing is sent."""

    def is_in_doubt(self, kind: Kind, seq: int, accepted_at: datetime, batch_id: str | None) -> bool:
        """Return whether a record that waits may have been sent without the database knowing it."""
        if self.taken_at is None:
            return False
        if seq <= self.last_seq or (batch_id is not None and batch_id < id_floor("bat", self.began_at)):
            return True
        is_new_each_time = kind.action in (Action.CREATE, Action.RAW)
        return is_new_each_time and self.compare_until is not None and accepted_at < self.compare_until
