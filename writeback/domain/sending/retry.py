"""When to try again: exponential backoff with full jitter, as a value."""

import random
from datetime import datetime, timedelta


def next_attempt_at(
    now: datetime, attempts: int, *, base_s: float, cap_s: float, retry_after_s: float | None, rng: random.Random
) -> datetime:
    """Return a random instant up to min(cap, base × 2^attempts) away, and never before `retry_after_s`."""
    ceiling = min(cap_s, base_s * 2 ** min(attempts, 20))
    wait = rng.uniform(0, ceiling)
    if retry_after_s is not None:
        wait = retry_after_s + rng.uniform(0, base_s)
    return now + timedelta(seconds=wait)
