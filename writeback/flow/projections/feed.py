"""Live streams of events. One poller a process asks SQL while anybody listens; listeners read what it found.

A listener is only a position: it reads the events kept in memory, or SQL where it is further behind. So a slow one
costs no memory, and each gets all of its events, in order, once.
"""

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context
from datetime import datetime, timedelta

from writeback.core import outage_logs
from writeback.core.background_tasks import end_tasks
from writeback.core.errors import Overloaded, TooManyAtOnce
from writeback.core.settings import EventSettings
from writeback.store.sql.database import Database
from writeback.store.writebacks.event_log import (
    SPAN,
    EventFilter,
    Horizon,
    LoggedEvent,
    events_between,
    id_before,
    newest_id,
)

_SOON_S = 0.02
"""When to look again at events that are about to be settled."""
_AFTER_ERROR_S = 1.0
_PAGE = 500
_RETRY_AFTER_S = 10
_SKEW = timedelta(minutes=1)
"""By how much clocks of machines may differ."""


class EventFeed:
    """The streams of one process. `close` ends them all."""

    def __init__(self, db: Database, settings: EventSettings) -> None:
        self._db, self._settings = db, settings
        self._horizon = Horizon(db)
        self._recent: list[LoggedEvent] = []
        self._recent_after = 0
        """`_recent` holds every event above this id, up to `_position`."""
        self._position: int | None = None
        self._advanced = asyncio.Event()
        self._streams: Counter[str] = Counter()
        self._poller: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._streams.total()

    def close(self) -> None:
        """End every stream, and begin no new one: the process is about to stop."""
        self._closing = True
        self._wake_listeners()

    async def aclose(self) -> None:
        """Close, and end the poller."""
        self.close()
        if self._poller is not None:
            await end_tasks([self._poller])

    @contextmanager
    def place(self, app: str) -> Iterator[None]:
        """Hold a place among the streams for the length of the context.

        Raise TooManyAtOnce where the app, or person, has as many as it may; Overloaded where none is free.
        """
        if self._closing:
            raise Overloaded("stopping", "this process is stopping", retry_after_s=1)
        if self._streams[app] >= self._settings.max_streams_per_app:
            raise TooManyAtOnce(
                "streams_of_app_too_many",
                f"{self._streams[app]} streams of this app are open, which is the most",
                retry_after_s=_RETRY_AFTER_S,
                hint="Close some: one stream can carry all of an app.",
            )
        if self.streams >= self._settings.max_streams:
            raise Overloaded("streams_too_many", f"{self.streams} streams are open", retry_after_s=_RETRY_AFTER_S)
        self._streams[app] += 1
        try:
            yield
        finally:
            self._streams[app] -= 1
            if not self._streams[app]:
                del self._streams[app]

    async def start_of(self, *, last_id: int | None, since: datetime | None, whole: bool = False) -> int | None:
        """Return the position at which a stream begins; None: now. The last id that a reader has had goes before."""
        if last_id is None and since is None:
            return 0 if whole else None
        async with self._db.read() as session:
            if last_id is not None:
                # A higher id than there is comes from before a restore of the database.
                return min(last_id, await newest_id(session))
            assert since is not None
            return await id_before(session, since - _SKEW)

    async def follow(
        self, wanted: EventFilter, after: int | None, *, to_end: bool = True
    ) -> AsyncGenerator[LoggedEvent | None, None]:
        """Yield events above `after` (None: from now on) as they come, and None whenever there was none to yield.

        Without `to_end` it stops at what has happened when it begins. Take a place first.
        """
        async for _ in self._begin():
            yield None
        position = self._position if after is None else after
        end = None if to_end else await self._newest()
        while not self._closing and position is not None and (end is None or position < end):
            found, position = await self._next(wanted, position)
            for event in found:
                if self._closing:
                    return
                yield event
            if not found:
                yield None
                if end is None or position < end:
                    await self._wait(above=position)

    async def signals(self, wanted: EventFilter, *, pause_s: float) -> AsyncGenerator[bool, None]:
        """Yield True when such events have come, at once and then at most every `pause_s`; False whenever none has.

        For readers that fetch again at each signal. Take a place first.
        """
        async for _ in self._begin():
            yield False
        position = self._position or 0
        while not self._closing:
            found, position = await self._next(wanted, position)
            if found:
                position = self._position or position  # whatever else has come by now is the same signal
                yield True
                await asyncio.sleep(pause_s)
            else:
                await self._wait(above=position)
                yield False

    async def _begin(self) -> AsyncGenerator[None, None]:
        """Listen; yield None again and again until the poller knows what is the newest."""
        self._listen()
        while self._position is None and not self._closing:
            await self._wait()
            yield None

    async def _newest(self) -> int:
        async with self._db.read() as session:
            return await newest_id(session)

    async def _next(self, wanted: EventFilter, position: int) -> tuple[Sequence[LoggedEvent], int]:
        """Return what is wanted of the next events, and the position after them."""
        newest = self._position or 0
        if position >= newest:
            return (), position
        if position >= self._recent_after:
            begin = bisect_right(self._recent, position, key=lambda event: event.id)
            return [event for event in self._recent[begin:] if wanted.matches(event)], newest
        # A writeback's events are few and have an index; others are gone through piece by piece.
        upto = newest if wanted.writeback_id is not None else min(newest, position + SPAN)
        async with self._db.read() as session:
            found = await events_between(session, position, upto, wanted, _PAGE)
        return found, upto if len(found) < _PAGE else found[-1].id

    async def _wait(self, *, above: int = 0) -> None:
        """Wait for the poller to find something above that id, but not beyond the time for a sign of life."""
        if not self._closing and (self._position or 0) <= above:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.heartbeat_s):
                    await self._advanced.wait()

    def _listen(self) -> None:
        if self._poller is None or self._poller.done():
            # A horizon of its own, too: what was settled when the last one listened is not "now".
            self._position, self._horizon = None, Horizon(self._db)
            self._poller = asyncio.create_task(self._poll(), name="event feed", context=Context())

    async def _poll(self) -> None:
        """Look for new events again and again, until nobody listens."""
        while self.streams and not self._closing:
            try:
                await self._advance()
                pause = _SOON_S if self._horizon.is_waiting else self._settings.poll_s
            except Exception as error:
                outage_logs.error("event_feed_failed", error)
                pause = _AFTER_ERROR_S
            await asyncio.sleep(pause)

    async def _advance(self) -> None:
        settled = await self._horizon.settled()
        if self._position is None:
            if settled or not self._horizon.is_waiting:
                self._recent, self._recent_after, self._position = [], settled, settled
                self._wake_listeners()
            return
        while self._position < settled:
            upto = min(settled, self._position + SPAN)
            async with self._db.read() as session:
                found = await events_between(session, self._position, upto, EventFilter(), _PAGE)
            self._keep(found)
            self._position = upto if len(found) < _PAGE else found[-1].id
            self._wake_listeners()

    def _keep(self, found: Sequence[LoggedEvent]) -> None:
        self._recent += found
        surplus = len(self._recent) - self._settings.recent
        if surplus > 0:
            self._recent_after = self._recent[surplus - 1].id
            del self._recent[:surplus]

    def _wake_listeners(self) -> None:
        self._advanced.set()
        self._advanced = asyncio.Event()
