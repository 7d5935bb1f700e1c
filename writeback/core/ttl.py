"""Values remembered for a few seconds, so that hot paths ask SQL seldom. Used for keys and schools."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from writeback.core.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """At most `max_entries` values, each for `ttl_s` seconds; those who ask for one at once share one load."""

    def __init__(self, clock: Clock, ttl_s: float, *, max_entries: int = 10_000) -> None:
        self._clock, self._ttl_s, self._max_entries = clock, ttl_s, max_entries
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._loading: dict[K, asyncio.Future[V]] = {}

    def peek(self, key: K) -> V | None:
        """Return the value while it is fresh."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._clock.monotonic():
            return None
        return entry[1]

    async def get(self, key: K, load: Callable[[K], Awaitable[V]]) -> V:
        """Return the value, loading it when there is no fresh one. Errors of `load` are raised and not kept."""
        value = self.peek(key)
        if value is not None:
            return value
        loading = self._loading.get(key)
        if loading is None:
            loading = self._loading[key] = asyncio.ensure_future(load(key))
            loading.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(loading)  # one caller that goes away does not take the others with it

    def put(self, key: K, value: V) -> None:
        """Remember a value that was found out elsewhere."""
        self._entries[key] = (self._clock.monotonic() + self._ttl_s, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def forget(self, key: K) -> None:
        """Drop the value, and that of a load under way: it may have read what is being changed."""
        self._entries.pop(key, None)
        self._loading.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._loading.clear()

    def _keep(self, key: K, done: "asyncio.Future[V]") -> None:
        is_forgotten = self._loading.get(key) is not done
        if not is_forgotten:
            del self._loading[key]
        if not done.cancelled() and done.exception() is None and not is_forgotten:
            self.put(key, done.result())
