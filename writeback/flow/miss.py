"""Misses: before an unknown id is refused, its list is refreshed once; then not for a while, should that not help."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from writeback.core import outages
from writeback.domain.lookups import ListName, LookupView
from writeback.flow.context import FlowContext
from writeback.flow.school_standing import NOT_AVAILABLE
from writeback.flow.sync import Syncer

_MAX_REMEMBERED = 50_000


@dataclass
class Misses:
    """Refreshes lists that lack something; submissions that miss the same list share one refresh."""

    flow: FlowContext
    syncer: Syncer
    _refreshed_at: dict[tuple[str, ListName], float] = field(default_factory=dict)
    _under_way: dict[tuple[str, ListName], asyncio.Task[None]] = field(default_factory=dict)

    async def refresh(self, school_id: str, lists: Collection[ListName], view: LookupView) -> bool:
        """Refresh the lists and wait a moment for them; False when all were refreshed just now without help.

        Lists that there are not for this school are left to the next sync, which notices when there are.
        """
        patience = self.flow.settings.lookups
        now = self.flow.clock.monotonic()
        school = await self.flow.registry.school(school_id)
        not_there = school.facts.get(NOT_AVAILABLE) or {}
        wanted = [
            (school_id, name)
            for name in lists
            if name.value not in not_there
            and (
                (school_id, name) in self._under_way
                or now - self._refreshed_at.get((school_id, name), float("-inf")) >= patience.miss_again_after_s
            )
        ]
        if not wanted:
            return False
        tasks = [self._task(key) for key in wanted]
        await asyncio.wait(tasks, timeout=patience.miss_patience_s)
        return True

    def _task(self, key: tuple[str, ListName]) -> asyncio.Task[None]:
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._refresh_one(key))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _refresh_one(self, key: tuple[str, ListName]) -> None:
        school_id, name = key
        try:
            account = await self.flow.registry.account(school_id)
            await self.syncer.sync_lists(account, [name])
        except Exception as error:
            # The submission goes on with the list as it is; whoever reads the log sees why it was not refreshed.
            outages.warning("refresh_failed", error, school=school_id, list=name.value)
        if len(self._refreshed_at) >= _MAX_REMEMBERED:
            self._refreshed_at.clear()
        self._refreshed_at[key] = self.flow.clock.monotonic()

    async def aclose(self) -> None:
        """Stop refreshing."""
        for task in list(self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
