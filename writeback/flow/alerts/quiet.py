"""Quiet hours of a receiver, on its own clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from writeback.store.tables import AlertReceiverRow


def first_free(receiver: AlertReceiverRow, now: datetime) -> datetime:
    """Return the first instant from now on that is in none of its quiet hours."""
    begins, ends = receiver.quiet_from, receiver.quiet_until
    if begins is None or ends is None or begins == ends:
        return now
    here = now.astimezone(ZoneInfo(receiver.timezone))
    clock = here.time()
    is_quiet = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
    if not is_quiet:
        return now
    day = here.date() if clock < ends else here.date() + timedelta(days=1)
    return datetime.combine(day, ends, here.tzinfo).astimezone(UTC)


def read_hours(text: str) -> tuple[time, time]:
    """Return beginning and end of hours as people write them, e.g. `18:00-07:30`; raise ValueError."""
    begins, dash, ends = text.replace("–", "-").partition("-")
    try:
        if not dash:
            raise ValueError
        hours = time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip())
        if any(one.tzinfo is not None for one in hours):
            raise ValueError  # they are on the receiver's own clock
        return hours
    except ValueError:
        raise ValueError(f"{text[:40]!r} are no hours: write them like 18:00-07:30") from None
