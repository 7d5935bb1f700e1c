"""Whether a time is one at which somebody is at school. Midnight may stand for a whole day: that is asked elsewhere."""

from datetime import time
from typing import Any

OPENS, CLOSES = time(6), time(21)
"""Earlier or later than this is more likely a wrong clock, or an offset that was added, than a school at work."""


def is_outside_the_day(value: time | None) -> bool:
    """Whether a time of day is before the school opens or after it closes."""
    return value is not None and not OPENS <= value <= CLOSES


def outside_values(value: time) -> dict[str, Any]:
    """Return what fills in the texts about it."""
    return {"value": f"{value:%H:%M}", "opens": f"{OPENS:%H:%M}", "closes": f"{CLOSES:%H:%M}"}
