"""Runs bulk jobs in a worker: a few writebacks in one transaction, which also stores the job's progress.

What if the process dies? What was committed is done and counted; another worker resumes behind it once the lease has
run out. So no writeback is handled twice, even one that has failed again meanwhile. What if somebody stops it? The
piece under way finds its fencing token out of date, and is rolled back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from writeback.core import failpoints, outage_logs
from writeback.core.background_pace import Pace
from writeback.core.background_tasks import OwnTasks
from writeback.domain.actor import SERVICE
from writeback.domain.staff import Permission, Person
from writeback.flow.correct.bulk_jobs import work_of
from writeback.flow.correct.by_filter import BulkCorrections, Work, note_bulk
from writeback.flow.engine.context import FlowContext
from writeback.flow.people.sessions import person_of
from writeback.store.batches import bulk_jobs
from writeback.store.batches.batches import LeaseLost
from writeback.store.batches.bulk_jobs import BulkState
from writeback.store.sql.engines import is_unavailable
from writeback.store.tables import BulkRow
from writeback_client.models.corrections import NotDone, Report

log = structlog.get_logger()

PIECE = 25
"""Writebacks in one transaction: a register waits for no more."""
_LOOK_S = 5.0
"""How long the writebacks of a piece are validated, at most: what there was no time for is of the next one."""
_TRY_AGAIN_S = (0.5, 2.0, 5.0)
"""After these waits a writeback that fails by itself is tried once more; then it is passed over."""
_AWAY_S = 2.0
"""How long a database that is away is left alone."""
_SHOWN = 200
"""Of those that could not be done, so many are kept by name."""
_MAY_NOT = "the account in whose name it went on may not do this any more"
_FAILS_HERE = NotDone(
    id="", code="bulk_failed_here", detail="something went wrong on our side; the worker's log says what"
)


@dataclass(frozen=True)
class _Turn:
    """One worker's turn with one bulk job, as it was read for the next piece."""

    row: BulkRow
    fence: int
    person: Person
    work: Work
    may_go_on: bool
    """Whether the account in whose name it runs still has the permission to correct."""


@dataclass
class BulkRunner:
    """Runs bulk jobs, pieces of several by turns; `owner` names this worker in leases. Close it before the database."""

    flow: FlowContext
    many: BulkCorrections
    pace: Pace
    owner: str
    _next: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whose piece it is: first come, first served."""
    _wrote_s: float = 0.0
    """What the last piece took to be written, or to wait for that."""

    def __post_init__(self) -> None:
        self._tasks = OwnTasks("bulk", self._serve)

    async def wake(self, bulk_id: str) -> None:
        """Have it resumed soon; returns at once."""
        self._tasks.wake(bulk_id)

    async def settled(self) -> None:
        """Return when nothing is under way."""
        await self._tasks.settled()

    async def aclose(self) -> None:
        """Begin no other piece; return when those under way have ended, and give the leases back."""
        await self._tasks.aclose()
        await self.flow.db.transact(partial(bulk_jobs.release_all, owner=self.owner))

    async def _serve(self, bulk_id: str) -> None:
        try:
            await self.run(bulk_id)
        except LeaseLost:
            log.info("bulk_left_to_others", bulk_id=bulk_id)
        except Exception as error:
            # No traceback: exception texts may quote a record. The sweeper wakes us again when the lease has run out.
            outage_logs.error("bulk_turn_failed", error, bulk_id=bulk_id)

    async def run(self, bulk_id: str) -> None:
        """Run until it is done; raise LeaseLost where another worker has taken it or a person has stopped it."""
        now = self.flow.clock.now()
        take = partial(bulk_jobs.take, bulk_id=bulk_id, owner=self.owner, now=now, until=now + self._lease)
        fence = await self.flow.db.transact(take)
        if fence is None:
            return
        while not self._tasks.is_closing:
            try:
                if not await self._step(bulk_id, fence):
                    return
            except LeaseLost:
                raise
            except Exception as error:
                outage_logs.warning("bulk_waits", error, bulk_id=bulk_id)
                await asyncio.sleep(_AWAY_S)
        await self.flow.db.transact(partial(bulk_jobs.release, bulk_id=bulk_id, fence=fence))

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self.flow.settings.queue.job_timeout_s)

    async def _step(self, bulk_id: str, fence: int) -> bool:
        """Do the next few; where that fails, each by itself. Return whether there are more."""
        try:
            return await self._piece(bulk_id, fence, PIECE)
        except LeaseLost:
            raise
        except Exception as error:
            _raise_if_away(error)
            outage_logs.error("bulk_piece_failed", error, bulk_id=bulk_id)
        has_more, left = True, PIECE
        while has_more and left and not self._tasks.is_closing:
            has_more, left = await self._alone(bulk_id, fence), left - 1
        return has_more

    async def _alone(self, bulk_id: str, fence: int) -> bool:
        """Do the next piece; skip a writeback that fails again and again. Return whether there are more."""
        for wait_s in (*_TRY_AGAIN_S, 0):
            try:
                return await self._piece(bulk_id, fence, 1)
            except LeaseLost:
                raise
            except Exception as error:
                _raise_if_away(error)
                outage_logs.error("bulk_writeback_failed", error, bulk_id=bulk_id)
                await asyncio.sleep(wait_s)
        return await self._piece(bulk_id, fence, 0)

    async def _piece(self, bulk_id: str, fence: int, limit: int) -> bool:
        """Do so many, or pass over one where that is none; return whether there are more."""
        async with self._next:
            turn = await self._read(bulk_id, fence)
            if not turn.may_go_on:
                await self._stop(turn)
                return False
            failpoints.hit("bulk.before_piece")
            report = await self.pace.run(self._report(turn, limit))
            failpoints.hit("bulk.after_piece")
            await asyncio.sleep(self._wrote_s)  # as long again for others: SQLite has one writer
        return report.next_cursor is not None

    async def _report(self, turn: _Turn, limit: int) -> Report:
        row, caller = turn.row, turn.person.caller
        commit = partial(self._commit, turn)
        if not limit:
            return await self.many.pass_over(
                caller, turn.work, bulk=row.id, cursor=row.cursor, commit=commit, why=_FAILS_HERE
            )
        return await self.many.piece(
            caller, turn.work, bulk=row.id, cursor=row.cursor, limit=limit, seconds=_LOOK_S, commit=commit
        )

    async def _read(self, bulk_id: str, fence: int) -> _Turn:
        """Return how far it is; raise LeaseLost."""
        async with self.flow.db.read() as session:
            row, account = await bulk_jobs.held(session, bulk_id, fence)
        person = person_of(account)
        may_go_on = account.disabled_at is None and person.may(Permission.CORRECT)
        return _Turn(row, fence, person, work_of(row, person), may_go_on)

    async def _stop(self, turn: _Turn) -> None:
        """Stop it until somebody who has the permission resumes it."""
        work, now = replace(turn.work, actor=SERVICE.because(_MAY_NOT)), self.flow.clock.now()

        def stop(session: Session) -> None:
            row = bulk_jobs.lock(session, turn.row.id, turn.fence)
            bulk_jobs.stop(session, row, _MAY_NOT, now)
            note_bulk(session, now, work, "stop", row.id, {"matched": row.matched, "looked_at": row.looked_at})

        await self.flow.db.transact(stop)
        log.warning("bulk_stopped", bulk_id=turn.row.id, means=_MAY_NOT)

    async def _commit(self, turn: _Turn, work: Callable[[Session], Report]) -> Report:
        """Do a piece in one transaction, with how far the bulk job is by then."""

        def run(session: Session) -> Report:
            # First, so that whoever has lost the lease waits for nobody and writes nothing.
            row = bulk_jobs.lock(session, turn.row.id, turn.fence)
            report = work(session)
            self._count(session, row, turn, report)
            failpoints.hit("bulk.piece_uncommitted")
            return report

        began = self.flow.clock.monotonic()
        report = await self.flow.db.transact(run)
        self._wrote_s = self.flow.clock.monotonic() - began
        if report.next_cursor is None:
            log.info("bulk_done", bulk_id=turn.row.id, action=turn.row.action, actor=turn.person.name)
        return report

    def _count(self, session: Session, row: BulkRow, turn: _Turn, report: Report) -> None:
        now = self.flow.clock.now()
        row.looked_at += report.matched
        row.done += len(report.done)
        row.records += sum(one.records for one in report.done)
        row.unchanged += report.unchanged
        row.not_done += len(report.not_done)
        row.refusals = [*row.refusals, *map(_refusal, report.not_done)][:_SHOWN]
        row.cursor, row.lease_until = report.next_cursor, now + self._lease
        session.add(row)
        if report.next_cursor is None:
            row.state, row.finished_at, row.lease_owner, row.lease_until = BulkState.DONE, now, None, None
            counts = {"done": row.done, "not_done": row.not_done, "unchanged": row.unchanged}
            note_bulk(session, now, turn.work, "done", row.id, {"matched": row.looked_at, **counts})


def _raise_if_away(error: Exception) -> None:
    """Raise it where the database does not answer: no writeback is to blame for that."""
    if is_unavailable(error):
        raise error


def _refusal(one: NotDone) -> dict[str, Any]:
    """Return what is reported of one that could not be done: the first finding says more than the problem's detail."""
    first = next((finding for finding in one.findings if finding.is_error), None)
    if first is None:
        return {"id": one.id, "detail": one.detail, "hint": ""}
    return {"id": one.id, "detail": first.message, "hint": first.hint}
