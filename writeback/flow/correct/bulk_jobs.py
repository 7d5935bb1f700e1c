"""Bulk jobs as people use them: begun in the console, shown, stopped and resumed; workers do the work.

What if the process that began one dies? It is a row by then, and a worker has it, or the sweeper wakes one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from writeback.core import failpoints
from writeback.core.errors import NotFound
from writeback.core.ids import new_id
from writeback.domain.changes import Changes
from writeback.domain.corrections import Action, Outcome
from writeback.domain.staff import Person
from writeback.flow.correct.by_filter import Work, note_bulk
from writeback.flow.correct.draft import Order
from writeback.flow.correct.locked_correction import check_may_correct
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import bulk_jobs
from writeback.store.batches.bulk_jobs import BulkState, Listed
from writeback.store.reads.pages import cut, decode_cursor
from writeback.store.reads.selection import Selection
from writeback.store.tables import BulkRow
from writeback_client.models.base import Page

_SELECTION = TypeAdapter(Selection)
_CHANGES = TypeAdapter(Changes)


@dataclass(frozen=True)
class BulkView:
    """How far one is."""

    id: str
    author: str
    acting: str
    """In whose name it runs: the author's, or that of the person who resumed it after a stop."""
    school: str | None
    """The only school that it is about; None: it may be about several."""
    action: Action
    reason: str
    state: BulkState
    matched: int
    looked_at: int
    done: int
    records: int
    unchanged: int
    not_done: int
    refusals: Sequence[dict[str, Any]]
    trouble: str
    changes: Changes
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_running(self) -> bool:
        return self.state is BulkState.RUNNING


@dataclass(frozen=True)
class Bulks:
    """Begins them, and shows, stops and continues those that are about a person's schools, whoever began them."""

    flow: FlowContext

    async def begin(
        self,
        person: Person,
        action: Action,
        wanted: Selection,
        reason: str,
        *,
        matched: int,
        changes: Changes | None = None,
        outcome: Outcome | None = None,
    ) -> str:
        """Write down what is to be done and wake a worker; return the job's id."""
        check_may_correct(person.caller)
        now = self.flow.clock.now()
        row = BulkRow(
            id=new_id("blk", now),
            staff_id=person.id,
            school_id=wanted.filter.school,
            action=action.value,
            reason=reason,
            wanted=_SELECTION.dump_json(wanted).decode(),
            changes=_CHANGES.dump_json(changes).decode() if changes else "",
            outcome=outcome.value if outcome is not None else None,
            state=BulkState.RUNNING,
            matched=matched,
            created_at=now,
        )

        def write(session: Session) -> None:
            session.add(row)
            note_bulk(session, now, work_of(row, person), "begin", row.id, {"matched": matched})

        await self.flow.db.transact(write)
        failpoints.hit("bulk.before_ring")
        await self.flow.waker.wake("run_bulk", [row.id])
        return row.id

    async def list(self, person: Person, *, limit: int, cursor: str | None = None) -> Page[BulkView]:
        """Return a page of them, the latest first."""
        before = decode_cursor(cursor)
        async with self.flow.db.read() as session:
            found = await bulk_jobs.page(session, person, before=before, limit=limit + 1)
        return cut([_view(one) for one in found], limit, lambda view: view.id)

    async def view(self, person: Person, bulk_id: str) -> BulkView:
        """Return how far it is; raise NotFound where there is none, or none of the person's schools."""
        async with self.flow.db.read() as session:
            found = await bulk_jobs.page(session, person, before=None, limit=1, bulk_id=bulk_id)
        if not found:
            raise _unknown(bulk_id)
        return _view(found[0])

    async def stop(self, person: Person, bulk_id: str) -> bool:
        """Stop a job; False where it had ended. Raise NotFound as `view` does."""

        def change(session: Session, row: BulkRow) -> None:
            bulk_jobs.stop(session, row, f"{person.name} stopped it", self.flow.clock.now())

        return await self._change(person, bulk_id, BulkState.RUNNING, "stop", change)

    async def go_on(self, person: Person, bulk_id: str) -> bool:
        """Resume a stopped job where it was, in the name of the caller; False where it had not stopped."""

        def change(session: Session, row: BulkRow) -> None:
            row.state, row.trouble, row.finished_at = BulkState.RUNNING, None, None
            row.as_staff_id = person.id
            session.add(row)

        has_begun = await self._change(person, bulk_id, BulkState.STOPPED, "go_on", change)
        if has_begun:
            await self.flow.waker.wake("run_bulk", [bulk_id])
        return has_begun

    async def _change(
        self, person: Person, bulk_id: str, state: BulkState, what: str, change: Callable[[Session, BulkRow], None]
    ) -> bool:
        """Change one that is in a state, and note in the audit log who did and how far it was."""
        check_may_correct(person.caller)

        def run(session: Session) -> bool:
            row = bulk_jobs.lock_seen(session, person, bulk_id)
            if row is None:
                raise _unknown(bulk_id)
            if row.state != state:
                return False
            change(session, row)
            counts = {"matched": row.matched, "looked_at": row.looked_at}
            note_bulk(session, self.flow.clock.now(), work_of(row, person), what, row.id, counts)
            return True

        return await self.flow.db.transact(run)


def work_of(row: BulkRow, person: Person) -> Work:
    """Return what is to be done, in the name of a person."""
    # What a change does not mend stays failed, and the records that it mends go without it.
    order = Order(on_invalid="skip", changes=_CHANGES.validate_json(row.changes)) if row.changes else Order()
    outcome = Outcome(row.outcome) if row.outcome else None
    return Work(Action(row.action), _SELECTION.validate_json(row.wanted), person.actor(row.reason), order, outcome)


def _unknown(bulk_id: str) -> NotFound:
    return NotFound("bulk_unknown", f"there is no bulk job {bulk_id[:64]!r}", hint="Look at the list of bulk jobs.")


def _view(found: Listed) -> BulkView:
    row = found.row
    return BulkView(
        id=row.id,
        author=found.author,
        acting=found.acting,
        school=row.school_id,
        action=Action(row.action),
        reason=row.reason,
        state=BulkState(row.state),
        matched=row.matched,
        looked_at=row.looked_at,
        done=row.done,
        records=row.records,
        unchanged=row.unchanged,
        not_done=row.not_done,
        refusals=row.refusals,
        trouble=row.trouble or "",
        changes=_CHANGES.validate_json(row.changes) if row.changes else Changes(),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
