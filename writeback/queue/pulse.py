"""What a worker says of itself in Redis, for `writeback doctor`: when it last swept, and how late its event loop runs.

A key for each worker, under which it writes every few seconds, and which it takes back when it stops. One that is
stuck, or was killed, stops writing: its key stays for a while, and shows since when.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from redis.asyncio import Redis

BEAT_EVERY_S = 5.0
SILENT_AFTER_S = 4 * BEAT_EVERY_S
"""A worker that has not written for so long is stuck or gone."""
_KEPT_S = 900
"""How long a worker that fell silent is shown."""
_PREFIX = "writeback:worker:"


@dataclass(frozen=True)
class Pulse:
    """One worker, as it was `at`."""

    owner: str
    at: datetime
    started_at: datetime
    swept_at: datetime | None
    """When its last sweep came to its end without an error."""
    lag_s: float
    """By how much its event loop was late at the worst moment since the one before."""
    role: str = "all"
    """What it does: one of `role.Role`."""

    def silent_s(self, now: datetime) -> float:
        """Return for how long it has said nothing."""
        return (now - self.at).total_seconds()

    def unswept_s(self, now: datetime) -> float:
        """Return for how long it has not swept."""
        return (now - (self.swept_at or self.started_at)).total_seconds()


async def write(redis: Redis, pulse: Pulse) -> None:
    """Say how the worker is."""
    text = json.dumps(asdict(pulse), default=datetime.isoformat)
    await redis.set(_PREFIX + pulse.owner, text, ex=_KEPT_S)


async def forget(redis: Redis, owner: str) -> None:
    """Take back what a worker has said that now stops."""
    await redis.delete(_PREFIX + owner)


async def read_all(redis: Redis) -> Sequence[Pulse]:
    """Return what every worker said last, the one that is silent longest first."""
    keys = [key async for key in redis.scan_iter(match=_PREFIX + "*")]
    texts = await redis.mget(keys) if keys else []
    return sorted((_read(text) for text in texts if text), key=lambda pulse: pulse.at)


def _read(text: bytes) -> Pulse:
    payload = json.loads(text)
    for name in ("at", "started_at", "swept_at"):
        payload[name] = datetime.fromisoformat(payload[name]) if payload[name] else None
    return Pulse(**payload)
