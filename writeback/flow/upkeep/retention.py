"""Retention: what is too old is deleted, in small pieces, by one process at a time.

Workers do it every hour, `writeback retention run` at once. Each piece is one transaction, which also stores what it
has deleted. What if the process dies? What was committed is gone and counted; another goes on with the run once its
lease has run out. What if the same is asked for twice? The second finds a run under way, and leaves it alone. What if
one row cannot be deleted? Those of its piece are tried one by one, it is skipped and logged, and tried again next time.

Registers go first: after each piece the database is left alone for longer than the piece took, so that a busy database
slows this down; and what holds it for too long is cut into smaller pieces.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import structlog
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session

from writeback.core import failpoints, outage_logs
from writeback.core.background_pace import give_way
from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.flow.upkeep.retention_rules import RULES, Rule
from writeback.store.retention import runs
from writeback.store.retention.ended_writebacks import school_ages, schools_with
from writeback.store.retention.old import Old, Scope
from writeback.store.sql.database import Database
from writeback.store.sql.engines import is_unavailable
from writeback.store.tables import RetentionRunRow

log = structlog.get_logger()

_LEASE = timedelta(minutes=2)
"""A run whose process has not been heard of for so long is resumed by another."""
_FIRST, _FEWEST, _MOST = 50, 25, 200
"""Rows, or writebacks, in one piece."""
_SHORT_S, _LONG_S = 0.02, 0.05
"""What a piece should take at least, and at most, with its wait for the database: a register waits for no more."""
_SCHOOLS = 200
"""Schools that one statement looks for: a few milliseconds' work."""
_MOST_SKIPPED = 50
"""Rows under one rule, of one school, that fail in a run before the rest of them is left for the next."""
LATE = timedelta(days=1)
"""When no run has ended for so long, and the time that there may be between two, something is wrong."""


@dataclass(frozen=True)
class RunView:
    """A run, as people see it. `deleted`: how many of what, by the names of the rules."""

    began_at: datetime
    ended_at: datetime | None
    deleted: Mapping[str, int]
    pieces: int
    longest_s: float

    @property
    def total(self) -> int:
        return sum(self.deleted.values())


@dataclass(frozen=True)
class RetentionState:
    """The latest runs, the last begun first, and whether one is long overdue."""

    runs: Sequence[RunView]
    is_late: bool

    @property
    def last(self) -> RunView | None:
        """The last that has ended."""
        return next((one for one in self.runs if one.ended_at is not None), None)


@dataclass(frozen=True)
class Retention:
    """Deletes what is too old; `owner` names this process in the lease of a run."""

    db: Database
    clock: Clock
    settings: Settings
    owner: str = "command-line"

    async def run_if_due(self) -> RunView | None:
        """Run where none has ended within `retention.every_s`; None where one has, or somebody is at it."""
        since = self.clock.now() - timedelta(seconds=self.settings.retention.every_s)
        async with self.db.read() as session:
            is_due = await session.run_sync(lambda plain: runs.is_due(cast(Session, plain), since, self.clock.now()))
        return await self.run() if is_due else None

    async def run(self) -> RunView | None:
        """Delete all that is too old, and return what that was; None where another process is at it."""
        now = self.clock.now()
        take = partial(runs.take, owner=self.owner, now=now, until=now + _LEASE)
        row = await self.db.transact(take)
        if row is None:
            return None
        turn = _Turn(self, row.id or 0, row.fence)
        try:
            for rule in RULES:
                for scope in await self._scopes(rule):
                    await turn.delete(rule, scope)
            view = await turn.end()
        except runs.RunLost:
            log.info("retention_left_to_others", run_id=row.id)
            return None
        log.info("retention_run", run_id=row.id, pieces=view.pieces, longest_s=round(view.longest_s, 3), **view.deleted)
        return view

    async def release(self) -> None:
        """Leave a run under way to others: this process stops."""
        await self.db.transact(partial(runs.release_all, owner=self.owner))

    async def due(self) -> Mapping[str, int]:
        """Return how many of what a run would delete now. It looks through all of it: not for every minute."""
        found: dict[str, int] = {}
        for rule in RULES:
            found[rule.name] = 0
            for scope in await self._scopes(rule):
                async with self.db.read() as session:
                    found[rule.name] += await session.run_sync(partial(_count, rule.old(scope)))
        return found

    async def state(self, limit: int = 20) -> RetentionState:
        """Return what the latest runs have done."""
        async with self.db.read() as session:
            latest = await runs.latest(session, limit)
        views = [_view(row) for row in latest]
        late_before = self.clock.now() - LATE - timedelta(seconds=self.settings.retention.every_s)
        ended = [one.ended_at for one in views if one.ended_at is not None]
        begun = min((one.began_at for one in views), default=None)
        is_late = max(ended) < late_before if ended else begun is not None and begun < late_before
        return RetentionState(views, is_late)

    async def _scopes(self, rule: Rule) -> Sequence[Scope]:
        """Return what is to be gone through: everything, or one school after another of those that have any."""
        now = self.clock.now()
        if not rule.of:
            return [Scope(now - rule.age(self.settings), now)]
        async with self.db.read() as session:
            ages = await session.run_sync(lambda plain: school_ages(cast(Session, plain)))
        by_day: dict[datetime, list[str]] = {}
        for school, own_days in ages:
            by_day.setdefault(now - rule.age(self.settings, own_days), []).append(school)
        found: list[Scope] = []
        for before, schools in by_day.items():
            for at in range(0, len(schools), _SCHOOLS):
                await give_way()
                async with self.db.read() as session:
                    due = await session.exec(schools_with(rule.of, before, schools[at : at + _SCHOOLS]))
                found += [Scope(before, now, school) for school in due]
        return found


@dataclass
class _Turn:
    """One process's work on one run."""

    retention: Retention
    run: int
    fence: int
    size: int = field(default_factory=lambda: _FIRST)

    async def delete(self, rule: Rule, scope: Scope) -> None:
        """Delete piece by piece until there is nothing left that is too old; raise RunLost."""
        old = rule.old(scope)
        await give_way()
        async with self.retention.db.read() as session:  # most have nothing: no writer need wait for that
            if not await session.run_sync(lambda plain: old.has_any(cast(Session, plain))):
                return
        skipped = alone = 0  # rows that could not be deleted; how many are tried one by one
        while skipped < _MOST_SKIPPED:
            wanted = 1 if alone else self.size
            deleted = await self._paced(rule.name, partial(self._piece, rule.name, old, wanted, skipped))
            if deleted is None:
                skipped, alone = skipped + (wanted == 1), alone or wanted
            elif deleted < wanted:
                return
            alone = max(0, alone - 1)

    async def _paced(self, rule: str, piece: Callable[[Session], int]) -> int | None:
        """Return how much a piece has deleted, and leave the database alone for a while; None where it has failed."""
        await give_way()
        clock, deleted = self.retention.clock, None
        began = clock.monotonic()
        failpoints.hit("retention.before_piece")
        try:
            deleted = await self.retention.db.transact(piece)
        except Exception as error:
            if isinstance(error, runs.RunLost) or is_unavailable(error):
                raise
            outage_logs.error("retention_piece_failed", error, rule=rule)
        failpoints.hit("retention.after_piece")
        took = clock.monotonic() - began
        self._fit(took)
        await asyncio.sleep(took * (1 / self.retention.settings.retention.share - 1))
        return deleted

    def _piece(self, rule: str, old: Old, limit: int, skipped: int, session: Session) -> int:
        clock = self.retention.clock
        row, began = runs.lock(session, self.run, self.fence), clock.monotonic()
        deleted = old.piece(session, limit, skipped)
        row.deleted = {**row.deleted, rule: row.deleted.get(rule, 0) + deleted}
        row.pieces, row.longest_s = row.pieces + 1, max(row.longest_s, clock.monotonic() - began)
        row.lease_until = clock.now() + _LEASE
        session.add(row)
        failpoints.hit("retention.piece_uncommitted")
        return deleted

    def _fit(self, took_s: float) -> None:
        """Make pieces smaller or larger."""
        if took_s > _LONG_S:
            self.size = max(_FEWEST, self.size // 2)
        elif took_s < _SHORT_S:
            self.size = min(_MOST, self.size * 2)

    async def end(self) -> RunView:
        def end(session: Session) -> RunView:
            row = runs.lock(session, self.run, self.fence)
            row.ended_at, row.lease_owner, row.lease_until = self.retention.clock.now(), None, None
            session.add(row)
            return _view(row)

        return await self.retention.db.transact(end)


def _count(old: Old, session: OrmSession) -> int:
    return old.count(cast(Session, session))


def _view(row: RetentionRunRow) -> RunView:
    return RunView(row.began_at, row.ended_at, row.deleted, row.pieces, row.longest_s)
