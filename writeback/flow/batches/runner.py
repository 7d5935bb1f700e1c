"""Works through batches, each by a task of its own: a file may take longer than one of arq's jobs may.

SQL says how far a batch is; a wake, or a sweep, only starts this.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlmodel import Session

from writeback.batches.findings import OF_COLUMNS, FileRefused, make
from writeback.core import outage_logs
from writeback.core.background_tasks import OwnTasks, end_tasks
from writeback.domain.finding import Finding
from writeback.flow.batches.checking import Checking
from writeback.flow.batches.lease import Turn, TurnEnded
from writeback.flow.batches.parsing import read_file, unread
from writeback.flow.batches.queueing import Queueing
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.engine.context import FlowContext
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.store.batches import batch_reads, batches, reviews
from writeback.store.batches.batches import BatchStatus, LeaseLost
from writeback.store.tables import BatchRow

log = structlog.get_logger()

_MOST_FAILURES = 8
"""Turns in a row that may break off before the batch is given up."""
_GIVEN_UP = "batch_failed"
_BACKOFF_S, _BACKOFF_CAP_S = 2.0, 300.0


@dataclass
class BatchRunner:
    """Runs batches; `owner` names this worker in leases. Close it before the database."""

    flow: FlowContext
    syncer: Syncer
    owner: str

    def __post_init__(self) -> None:
        self._refresher = ListRefresher(self.flow, self.syncer)
        self._finder = PeopleFinder(self.flow, self._refresher)
        self._tasks = OwnTasks("batch", self._serve)
        self._slots = asyncio.Semaphore(self.flow.settings.batches.served_at_once)
        of_app = self.flow.settings.batches.served_at_once_per_app
        self._of_apps: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(of_app))

    async def wake(self, batch_id: str) -> None:
        """See to it that the batch is worked on soon; returns at once."""
        self._tasks.wake(batch_id)

    async def settled(self) -> None:
        """Return when nothing is under way."""
        await self._tasks.settled()

    async def aclose(self) -> None:
        """Begin nothing more; return when each batch has finished its piece, and give the leases back."""
        await self._tasks.aclose()
        await self._refresher.aclose()
        await self.flow.db.transact(partial(batches.release_all, owner=self.owner))

    async def _serve(self, batch_id: str) -> None:
        try:
            async with self._of_apps[await self._app_of(batch_id)], self._slots:
                if not self._tasks.is_closing:
                    await self.run(batch_id)
        except Exception as error:
            # No traceback: exception texts may quote a row. The sweeper wakes us again when the lease has run out.
            outage_logs.error("batch_turn_failed", error, batch_id=batch_id)

    async def _app_of(self, batch_id: str) -> str:
        """Return whose file it is: each app waits for its own."""
        async with self.flow.db.read() as session:
            return await batch_reads.app_of(session, batch_id)

    async def run(self, batch_id: str) -> None:
        """Work on the batch until it is done, unless somebody else does."""
        turn = await self._begin(batch_id)
        if turn is None:
            return
        try:
            async with self._heartbeat(turn):
                await self._work(turn)
        except FileRefused as refused:
            await self._refuse(turn, refused.findings)
        except LeaseLost:
            log.warning("batch_lease_lost", batch_id=batch_id)
            return
        except TurnEnded:
            pass
        except Exception as error:
            outage_logs.error("batch_failed", error, batch_id=batch_id)
            await self._failed(turn)
            return
        await self._release(turn)

    async def _work(self, turn: Turn) -> None:
        """Take the steps that are left, one after another."""
        if turn.batch.status == BatchStatus.REVIEWING:
            await self._end_review(turn)
            return
        if (await self.flow.registry.school(turn.batch.school_id)).former_ids_until is not None:
            log.info("batch_waits_for_new_ids", batch_id=turn.batch.id, school=turn.batch.school_id)
            return  # the sweeper wakes us again
        if turn.batch.status == BatchStatus.READING:
            await read_file(turn)
        if turn.batch.status == BatchStatus.CHECKING:
            await Checking(turn, self.syncer, self._finder).run()
        if turn.batch.status == BatchStatus.QUEUEING:
            await Queueing(turn).run()
        batch = turn.batch
        log.info("batch_done", batch_id=batch.id, school=batch.school_id, good=batch.rows_good, bad=batch.rows_bad)

    async def _end_review(self, turn: Turn) -> None:
        """Cancel a batch that nobody has sent while that could be done."""
        turn.must_stop = lambda: False
        findings = [*turn.batch.findings, make("review_over").as_json()]
        end = partial(reviews.end, batch_id=turn.batch.id)
        await turn.end(BatchStatus.CANCELLED, end, findings=findings)
        while await turn.commit(partial(batches.drop_lines, batch_id=turn.batch.id)):
            pass
        log.info("batch_review_over", batch_id=turn.batch.id, school=turn.batch.school_id)

    async def _begin(self, batch_id: str) -> Turn | None:
        now = self.flow.clock.now()
        until = now + timedelta(seconds=self.flow.settings.batches.lease_s)

        def begin(session: Session) -> tuple[int, BatchRow] | None:
            fence = batches.acquire(session, batch_id, owner=self.owner, now=now, until=until)
            batch = batches.load(session, batch_id) if fence is not None else None
            return (fence, batch) if fence is not None and batch is not None else None

        begun = await self.flow.db.transact(begin)
        if begun is None:
            return None
        fence, batch = begun
        return Turn(self.flow, batch, fence, must_stop=lambda: self._tasks.is_closing)

    async def _refuse(self, turn: Turn, findings: tuple[Finding, ...]) -> None:
        """End a batch whose file is of no use, or leave it to whoever looks at it to say how its columns are read; what
        was read of it is deleted."""
        all_findings = [*turn.batch.findings, *(one.as_json() for one in findings)]
        turn.must_stop = lambda: False
        drop = partial(reviews.end, batch_id=turn.batch.id)
        try:
            while await turn.commit(partial(batches.drop_lines, batch_id=turn.batch.id)):
                pass
            if await self._can_be_read_otherwise(turn, findings):
                await turn.commit(status=BatchStatus.REVIEWING, findings=all_findings, **unread(turn.batch))
            else:
                await turn.end(BatchStatus.REFUSED, drop, findings=all_findings)
        except LeaseLost:
            return
        log.info("batch_refused", batch_id=turn.batch.id, reasons=[one.code for one in findings])
        await self._release(turn)

    async def _can_be_read_otherwise(self, turn: Turn, findings: Sequence[Finding]) -> bool:
        """Whether somebody looks at the file and can say how its columns are to be read."""
        codes = {one.code for one in findings}
        is_of_columns = turn.batch.status == BatchStatus.READING or codes & OF_COLUMNS
        if not turn.batch.review or not is_of_columns or _GIVEN_UP in codes:
            return False
        review = await turn.read(partial(reviews.find, batch_id=turn.batch.id))
        return review is not None and bool(review.understood)

    async def _failed(self, turn: Turn) -> None:
        """Leave the batch alone for a while; after too many failures give it up, unless it has begun to be queued."""
        failures = turn.batch.failures + 1
        if failures >= _MOST_FAILURES and turn.batch.status != BatchStatus.QUEUEING:
            await self._refuse(turn, (make(_GIVEN_UP),))
            return
        wait = timedelta(seconds=min(_BACKOFF_CAP_S, _BACKOFF_S * 2**failures))
        until = self.flow.clock.now() + wait
        change = partial(batches.change, batch_id=turn.batch.id, fence=turn.fence)

        def back_off(session: Session) -> None:
            change(session, failures=failures, lease_owner=None, lease_until=until)

        await self.flow.db.transact(back_off)

    async def _release(self, turn: Turn) -> None:
        def release(session: Session) -> None:
            batches.change(session, turn.batch.id, turn.fence, lease_owner=None, lease_until=None)

        try:
            await self.flow.db.transact(release)
        except LeaseLost:
            log.warning("batch_lease_lost", batch_id=turn.batch.id)

    @asynccontextmanager
    async def _heartbeat(self, turn: Turn) -> AsyncIterator[None]:
        """Keep the lease while the batch is worked on."""
        beating = asyncio.create_task(self._beat(turn))
        try:
            yield
        finally:
            await end_tasks([beating])

    async def _beat(self, turn: Turn) -> None:
        settings = self.flow.settings.batches
        while True:
            await asyncio.sleep(settings.heartbeat_s)
            until = self.flow.clock.now() + timedelta(seconds=settings.lease_s)

            def extend(session: Session, until: object = until) -> None:
                batches.change(session, turn.batch.id, turn.fence, lease_until=until)

            try:
                await self.flow.db.transact(extend)
            except LeaseLost:
                return
            except Exception as error:
                outage_logs.warning("batch_heartbeat_missed", error, batch_id=turn.batch.id)
