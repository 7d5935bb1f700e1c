"""Scenes of many rows: the first test that wants one makes it, the next are given a copy of the database."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.engine import make_url

from writeback.wiring import Services

T = TypeVar("T")
Make = Callable[[Services], Awaitable[T]]
_OWN = {"data_dir", "database_url", "redis_url"}
"""Settings that each test has its own of."""
_IS_USED = "SELECT EXISTS (SELECT 1 FROM staff UNION SELECT 1 FROM app UNION SELECT 1 FROM school)"


@dataclass(frozen=True)
class _Made:
    """What was made in a new database, at a time, with settings."""

    make: Make[Any]
    at: datetime
    settings: dict[str, Any]
    said: Any
    rows: sqlite3.Connection


_made: list[_Made] = []


async def copied(services: Services, make: Make[T]) -> T:
    """Return what `make` returns, with the rows that it makes; made anew only where it may differ."""
    if services.reads.db.dialect != "sqlite":
        return await make(services)
    at, settings = services.clock.now(), services.settings.model_dump(exclude=_OWN)
    with closing(sqlite3.connect(make_url(services.settings.effective_database_url).database or "")) as here:
        if here.execute(_IS_USED).fetchall() != [(0,)]:
            return await make(services)
        for made in _made:
            if (made.make, made.at, made.settings) == (make, at, settings):
                made.rows.backup(here)
                said: T = made.said
                return said
        said, rows = await make(services), sqlite3.connect(":memory:")
        here.backup(rows)
    _made.append(_Made(make, at, settings, said, rows))
    return said
