"""When the MIS is read for a request whose callback does not come. Pure; `settle` writes the time down.

What if the provider is only slow? What is not there yet is looked for again, each time after twice as long, until the
provider has stopped trying. What if many callbacks are lost? A lane reads no more often than twice in the time that a
callback is waited for, and then for all its requests together; and each lane has moments of its own.
"""

from datetime import UTC, datetime, timedelta
from zlib import crc32

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_read_back(
    lane_id: str, sent_at: datetime, now: datetime, patience: timedelta, tries_until: datetime
) -> datetime:
    """Return when to read the MIS next: when the callback is overdue, then as long again as has passed since sending.

    The last time is when the provider has stopped trying.
    """
    age = now - sent_at
    at = sent_at + patience if age < patience else min(now + age, max(tries_until, now))
    return _moment_of_lane(lane_id, at, patience / 2)


def _moment_of_lane(lane_id: str, at: datetime, every: timedelta) -> datetime:
    """Return the first of the lane's moments, which lie `every` apart, at or after then; each lane has other ones."""
    offset = every * (crc32(lane_id.encode()) / 2**32)
    return at + (offset - (at - _EPOCH)) % every
