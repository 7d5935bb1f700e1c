"""Each process keeps schools' lookups in memory and asks SQL every few seconds whether a version has changed."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from writeback.core.clock import Clock
from writeback.domain.lookup_rows import size_of
from writeback.domain.lookups import ListName, Lookup, LookupView, Stamp

LoadStamps = Callable[[str], Awaitable[Mapping[ListName, Stamp]]]
LoadList = Callable[[str, ListName], Awaitable[Lookup | None]]

_SIZE_OF_ENTRY = 8_000
"""Bytes that a school takes beside the rows of its lists."""


@dataclass
class _Entry:
    view: LookupView
    stamps: Mapping[ListName, Stamp]
    checked_at: float
    is_being_checked: bool = False
    size: int = field(init=False)
    """About how many bytes of memory it takes."""

    def __post_init__(self) -> None:
        lookups = (self.view.get(name) for name in ListName)
        self.size = _SIZE_OF_ENTRY + sum(size_of(one.rows) for one in lookups if one is not None)


class LookupCache:
    """Lookups by school; the least recently used ones are forgotten where they take more than `memory_bytes`."""

    def __init__(
        self,
        load_stamps: LoadStamps,
        load_list: LoadList,
        clock: Clock,
        *,
        forget_stamps: Callable[[str], object] = lambda school_id: None,
        recheck_s: float = 2.0,
        memory_bytes: int = 256_000_000,
    ) -> None:
        self._load_stamps, self._load_list, self._clock = load_stamps, load_list, clock
        self._forget_stamps = forget_stamps
        self._recheck_s, self._memory_bytes = recheck_s, memory_bytes
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size = 0

    async def view(self, school_id: str, *, fresh: bool = False) -> LookupView:
        """Return the school's lists; those seen in the last seconds without SQL, unless `fresh`."""
        entry = self._entries.get(school_id)
        now = self._clock.monotonic()
        if fresh:
            self._forget_stamps(school_id)
        elif entry is not None:
            # While one looks for a newer version, the dozens who ask under load go on with what was new a moment ago.
            patience_s = 2 * self._recheck_s if entry.is_being_checked else self._recheck_s
            if now - entry.checked_at < patience_s:
                return entry.view
            entry.is_being_checked = True
        try:
            return await self._checked(school_id, entry, now)
        finally:
            if entry is not None:
                entry.is_being_checked = False

    async def _checked(self, school_id: str, entry: _Entry | None, now: float) -> LookupView:
        stamps = await self._load_stamps(school_id)
        if entry is None or stamps != entry.stamps:
            entry = _Entry(await self._reload(school_id, stamps, entry), stamps, now)
        entry.checked_at = now
        self._keep(school_id, entry)
        return entry.view

    def _keep(self, school_id: str, entry: _Entry) -> None:
        """Keep a school's lists as those used last, and forget others where there is no room for them."""
        before = self._entries.pop(school_id, None)
        self._entries[school_id] = entry
        self._size += entry.size - (before.size if before is not None else 0)
        while self._size > self._memory_bytes and len(self._entries) > 1:
            _, forgotten = self._entries.popitem(last=False)
            self._size -= forgotten.size

    async def _reload(self, school_id: str, stamps: Mapping[ListName, Stamp], known: _Entry | None) -> LookupView:
        lists: dict[str, Lookup | None] = {}
        for name, stamp in stamps.items():
            before = known.view.get(name) if known is not None else None
            if before is not None and before.version == stamp.version:  # fetched again, and the same as before
                lists[name.value] = replace(before, fetched_at=stamp.fetched_at, full_at=stamp.full_at)
            else:
                lists[name.value] = await self._load_list(school_id, name)
        return LookupView(**lists)
