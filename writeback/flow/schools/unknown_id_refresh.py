"""Refresh: before an unknown id is refused, its list is refreshed once; where that does not help, not again for a
while.

What depends on a list that could not be fetched is not refused: it is taken with a warning, and checked again before it
is sent.
"""

import asyncio
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from validators import ListFinding
from writeback.core import outage_logs
from writeback.core.background_tasks import end_tasks
from writeback.domain.finding import Finding, Severity
from writeback.domain.lookups import ListName
from writeback.flow.engine.context import FlowContext
from writeback.flow.schools.school_access import NOT_AVAILABLE
from writeback.flow.schools.sync import Syncer

_MAX_REMEMBERED = 50_000
_CHECKED_LATER = "The list could not be fetched just now: it is checked again before this is sent."

_Key = tuple[str, ListName]


@dataclass(frozen=True)
class Refreshed:
    """`is_any`: whether a list may have changed. `not_given`: lists that could not be fetched."""

    is_any: bool
    not_given: AbstractSet[ListName]


@dataclass(frozen=True)
class _Try:
    at: float
    has_worked: bool


@dataclass
class ListRefresher:
    """Refreshes lists that lack an id; submissions that need the same list share one refresh."""

    flow: FlowContext
    syncer: Syncer
    _tries: dict[_Key, _Try] = field(default_factory=dict)
    _under_way: dict[_Key, asyncio.Task[None]] = field(default_factory=dict)

    async def refresh(self, school_id: str, lists: Collection[ListName]) -> Refreshed:
        """Refresh the lists that were not refreshed just now, and wait a moment for them.

        A list is fetched in full unless that was done recently: changes alone do not bring back a pupil that was
        wrongly deleted. Lists that this school does not have are left to the next sync, which notices when it has.
        """
        patience = self.flow.settings.lookups
        now = self.flow.clock.monotonic()
        school = await self.flow.registry.school(school_id)
        not_there = school.facts.get(NOT_AVAILABLE) or {}
        asked = [(school_id, name) for name in lists if name.value not in not_there]
        wanted = [
            key
            for key in asked
            if key in self._under_way
            or (last := self._tries.get(key)) is None
            or now - last.at >= patience.miss_again_after_s
        ]
        if wanted:
            await asyncio.wait([self._task(key) for key in wanted], timeout=patience.miss_patience_s)
        return Refreshed(bool(wanted), {key[1] for key in asked if not self._has_been_given(key)})

    def _has_been_given(self, key: _Key) -> bool:
        last = self._tries.get(key)
        return key not in self._under_way and last is not None and last.has_worked

    def _task(self, key: _Key) -> asyncio.Task[None]:
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._refresh_one(key))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _refresh_one(self, key: _Key) -> None:
        school_id, name = key
        has_worked = False
        try:
            account = await self.flow.registry.account(school_id)
            synced = await self.syncer.sync_lists(account, [name], full_since=self.syncer.full_fetch_due_since())
            has_worked = all(one.error is None for one in synced)
        except Exception as error:
            # The submission goes on with the list as it is; whoever reads the log sees why it was not refreshed.
            outage_logs.warning("refresh_failed", error, school=school_id, list=name.value)
        if len(self._tries) >= _MAX_REMEMBERED:
            self._tries.clear()
        self._tries[key] = _Try(self.flow.clock.monotonic(), has_worked)

    async def aclose(self) -> None:
        """Stop refreshing."""
        await end_tasks(list(self._under_way.values()))


def only_warned(findings: Iterable[Finding], not_given: Collection[ListName]) -> list[Finding]:
    """Return the findings; those that depend on a list that could not be fetched become warnings."""
    return [
        replace(one, severity=Severity.WARNING, hint=_CHECKED_LATER)
        if isinstance(one, ListFinding) and one.is_error and one.list in not_given
        else one
        for one in findings
    ]
