"""How far the database had come, remembered beside it: after a restore it is behind what is remembered.

By lineage, the name that an epoch gives the database: another database, a new one or one whose restore has been
announced, is never compared with what was remembered of this one. Remembered in the data directory and in Redis: either
may be lost or new, and then tells nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from writeback.core.private_files import make_private_dir, open_private

_KEY = "writeback:high-water"
_FILE = "high-water.json"
_MOST = 50
"""Lineages that a file keeps: one for each restore, and for each other database that was used with it."""


class HighWater(Protocol):
    """One place that remembers. What cannot be read or written there is passed over: it only warns."""

    async def recall(self) -> Mapping[str, int]:
        """Return the number of the last event that was seen, by lineage."""
        ...

    async def remember(self, lineage: str, event: int) -> None:
        """Remember it, unless a later one is remembered already."""
        ...


@dataclass(frozen=True)
class InDataDir:
    """A file in the data directory. Several processes may write it: a number that is lost so is a moment old."""

    data_dir: Path

    async def recall(self) -> Mapping[str, int]:
        try:
            kept = json.loads((self.data_dir / _FILE).read_text())
        except (OSError, ValueError):
            return {}
        return {name: event for name, event in kept.items() if isinstance(event, int)} if isinstance(kept, dict) else {}

    async def remember(self, lineage: str, event: int) -> None:
        known = dict(await self.recall())
        last = max(event, known.pop(lineage, 0))
        kept = dict([*known.items(), (lineage, last)][-_MOST:])
        path = self.data_dir / _FILE
        try:
            make_private_dir(self.data_dir)
            draft = path.with_suffix(".draft")
            with open(draft, "w", opener=open_private) as file:  # noqa: ASYNC230 - a hundred bytes
                file.write(json.dumps(kept))
            draft.replace(path)
        except OSError:  # another process has moved the draft away, or the directory cannot be written
            return


@dataclass(frozen=True)
class InRedis:
    """A sorted set in Redis, which every host sees."""

    redis: Redis

    async def recall(self) -> Mapping[str, int]:
        try:
            kept = await self.redis.zrange(_KEY, 0, -1, withscores=True)
        except (RedisError, OSError):
            return {}
        return {_text(name): int(score) for name, score in kept}

    async def remember(self, lineage: str, event: int) -> None:
        try:
            await self.redis.zadd(_KEY, {lineage: event}, gt=True)
        except (RedisError, OSError):
            return


async def recalled(places: Sequence[HighWater]) -> Mapping[str, int]:
    """Return the last event that any of the places remembers, by lineage."""
    last: dict[str, int] = {}
    for place in places:
        for lineage, event in (await place.recall()).items():
            last[lineage] = max(event, last.get(lineage, 0))
    return last


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
