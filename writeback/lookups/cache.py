"""Each process keeps schools' lookups in memory and asks SQL every few seconds whether a version has changed."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from writeback.core.clock import Clock
from writeback.domain.lookups import ListName, Lookup, LookupView

LoadVersions = Callable[[str], Awaitable[Mapping[ListName, tuple[int, str]]]]
LoadList = Callable[[str, ListName], Awaitable[Lookup | None]]


@dataclass
class _Entry:
    view: LookupView
    versions: Mapping[ListName, tuple[int, str]]
    checked_at: float
    is_being_checked: bool = False


class LookupCache:
    """Lookups by school, the least recently used ones forgotten."""

    def __init__(
        self,
        load_versions: LoadVersions,
        load_list: LoadList,
        clock: Clock,
        *,
        recheck_s: float = 2.0,
        max_schools: int = 2_000,
    ) -> None:
        self._load_versions, self._load_list, self._clock = load_versions, load_list, clock
        self._recheck_s, self._max_schools = recheck_s, max_schools
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def view(self, school_id: str, *, fresh: bool = False) -> LookupView:
        """Return the school's lists; those seen in the last seconds without SQL, unless `fresh`."""
        entry = self._entries.get(school_id)
        now = self._clock.monotonic()
        if entry is not None and not fresh:
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
        versions = await self._load_versions(school_id)
        if entry is None or versions != entry.versions:
            entry = _Entry(await self._reload(school_id, versions, entry), versions, now)
            self._entries[school_id] = entry
        entry.checked_at = now
        self._entries.move_to_end(school_id)
        while len(self._entries) > self._max_schools:
            self._entries.popitem(last=False)
        return entry.view

    async def _reload(
        self, school_id: str, versions: Mapping[ListName, tuple[int, str]], known: _Entry | None
    ) -> LookupView:
        lists: dict[str, Lookup | None] = {}
        for name, (version, fetched_at) in versions.items():
            before = known.view.get(name) if known is not None else None
            if before is not None and before.version == version:  # fetched again, and the same as before
                lists[name.value] = replace(before, fetched_at=datetime.fromisoformat(fetched_at))
            else:
                lists[name.value] = await self._load_list(school_id, name)
        return LookupView(**lists)
