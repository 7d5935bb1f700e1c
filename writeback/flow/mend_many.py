"""Resubmitting, cancelling and checking by filter: in short transactions, each writeback as it would be by itself.

What if the process dies in the middle? What was done is done and written down; the same call again does the rest. What
if it is called twice? What has been done does not match the filter any more, or is found to be on its way.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import structlog
from sqlmodel import Session

from writeback.core.errors import Conflict, InvalidSubmission, NotFound, Problem
from writeback.core.ids import new_id
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.mending import Action, awaiting, cancellable, going_again
from writeback.domain.states import Status
from writeback.domain.writeback import unpack_progress
from writeback.flow.cancel import Cancels
from writeback.flow.changes import OpenWriteback, open_all
from writeback.flow.check_now import Checks
from writeback.flow.context import FlowContext
from writeback.flow.mend import check_may_mend
from writeback.flow.mend_draft import Draft, Order, draft_of
from writeback.flow.resubmit import Resubmits, refusal
from writeback.store import selection, writebacks
from writeback.store.pages import decode_number, encode_cursor
from writeback.store.selection import Extent, Selection
from writeback.store.tables import WritebackRow

log = structlog.get_logger()

MOST = 10_000
"""Writebacks in one call."""
_CHUNK = 100
"""Writebacks in one transaction: other writers wait for no more."""
_USUALLY = {
    Action.RESUBMIT: (Status.FAILED, Status.PARTIAL, Status.EXPIRED),
    Action.CANCEL: (Status.QUEUED, Status.HELD),
    Action.CHECK: (Status.SENT, Status.UNKNOWN),
}
"""Where the filter names no status. What somebody has cancelled, or is to decide about, is meant only when named."""


@dataclass(frozen=True)
class Count:
    """What a call would look at. `records`: of the first that one call takes; `more`: writebacks beyond those."""

    writebacks: int
    records: int
    more: int


@dataclass(frozen=True)
class Done:
    """A writeback that was resubmitted or cancelled, and how many of its records."""

    id: str
    records: int


@dataclass(frozen=True)
class NotDone:
    """A writeback that was left as it was, and why."""

    id: str
    code: str
    detail: str
    findings: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Unchanged:
    """A writeback that somebody else had seen to meanwhile."""

    id: str


Result = Done | NotDone | Unchanged


@dataclass
class Report:
    """What came of a call. `id` stands in the audit log beside each of them."""

    id: str
    matched: int
    next_cursor: str | None
    done: list[Done] = field(default_factory=list)
    not_done: list[NotDone] = field(default_factory=list)
    unchanged: int = 0

    def add(self, result: Result) -> None:
        match result:
            case Done():
                self.done.append(result)
            case NotDone():
                self.not_done.append(result)
            case Unchanged():
                self.unchanged += 1


@dataclass(frozen=True)
class ManyMendings:
    """Resubmits, cancels and checks by filter."""

    flow: FlowContext
    resubmits: Resubmits
    cancels: Cancels
    checks: Checks

    async def count(self, caller: Caller, action: Action, wanted: Selection, *, limit: int = MOST) -> Count:
        """Return how many writebacks and records a call would look at."""
        check_may_mend(caller)
        wanted = _with_statuses(action, wanted)
        async with self.flow.db.read() as session:
            there = await selection.count(session, caller, wanted)
            found = await selection.extents(session, caller, wanted, limit=limit)
        return Count(there, sum(_how_many(action, one) for one in found), max(0, there - limit))

    async def resubmit(
        self,
        caller: Caller,
        wanted: Selection,
        order: Order,
        actor: Actor,
        *,
        limit: int = MOST,
        cursor: str | None = None,
        bulk: str | None = None,
    ) -> Report:
        """Send again what matches, the earliest accepted first; each is validated by itself, against fresh lists.

        `bulk` is the id of what several calls are pieces of.
        """
        report, ids = await self._begin(caller, Action.RESUBMIT, wanted, limit, cursor, bulk)
        for chunk in _chunks(ids):
            async with self.flow.db.read() as session:
                rows = await selection.rows_of(session, chunk)
            drafts: dict[str, Draft] = {}
            for row in rows:
                checked = await self._check(row, order)
                if isinstance(checked, Draft):
                    drafts[row.id] = checked
                else:
                    report.add(checked)
            await self._carry_out(report, list(drafts), partial(self._resubmit_one, drafts, actor, report.id))
        return self._end(Action.RESUBMIT, report, actor)

    async def cancel(
        self,
        caller: Caller,
        wanted: Selection,
        actor: Actor,
        *,
        limit: int = MOST,
        cursor: str | None = None,
        bulk: str | None = None,
    ) -> Report:
        """Withdraw what matches and has not left, the earliest accepted first."""
        report, ids = await self._begin(caller, Action.CANCEL, wanted, limit, cursor, bulk)
        for chunk in _chunks(ids):
            await self._carry_out(report, chunk, partial(self._cancel_one, actor, report.id))
        return self._end(Action.CANCEL, report, actor)

    async def check(
        self,
        caller: Caller,
        wanted: Selection,
        actor: Actor,
        *,
        limit: int = MOST,
        cursor: str | None = None,
        bulk: str | None = None,
    ) -> Report:
        """Have the evidence of what matches looked for at once, where it is awaited."""
        report, ids = await self._begin(caller, Action.CHECK, wanted, limit, cursor, bulk)
        for chunk in _chunks(ids):
            asked = await self.checks.some(chunk, actor, report.id)
            for one in chunk:
                report.add(Done(one, asked[one]) if one in asked else Unchanged(one))
        return self._end(Action.CHECK, report, actor)

    async def _begin(
        self, caller: Caller, action: Action, wanted: Selection, limit: int, cursor: str | None, bulk: str | None
    ) -> tuple[Report, Sequence[str]]:
        """Return an empty report and the ids of what matches, which the caller may see."""
        check_may_mend(caller)
        after = decode_number(cursor)
        async with self.flow.db.read() as session:
            wanted = _with_statuses(action, wanted)
            found = await selection.ids_of(session, caller, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        next_cursor = encode_cursor(page[-1][0]) if len(found) > limit else None
        report = Report(bulk or new_id("blk", self.flow.clock.now()), len(page), next_cursor)
        return report, [writeback_id for _, writeback_id in page]

    async def _check(self, row: WritebackRow, order: Order) -> Draft | NotDone | Unchanged:
        try:
            draft = await self.resubmits.rechecks.check(draft_of(row, order))
        except Conflict as conflict:
            return Unchanged(row.id) if conflict.code == "not_resubmittable" else _not_done(row.id, conflict)
        except NotFound as problem:
            return _not_done(row.id, problem)
        return _not_done(row.id, refusal(draft)) if draft.is_refused(order.on_invalid) else draft

    async def _carry_out(
        self, report: Report, ids: Sequence[str], work: Callable[[Session, OpenWriteback], Result]
    ) -> None:
        """Do it to some, in one transaction, and ring for their lanes."""

        def transaction(session: Session) -> tuple[list[Result], set[str]]:
            opened = open_all(writebacks.lock(session, ids))
            results = [work(session, one) for one in opened.values()]
            return results, {one.row.lane_id for one in opened.values()}

        results, lanes = await self.flow.db.transact(transaction)
        for result in results:
            report.add(result)
        await self.flow.doorbell.ring("serve_lane", sorted(lanes))

    def _resubmit_one(
        self, drafts: dict[str, Draft], actor: Actor, bulk: str, session: Session, opened: OpenWriteback
    ) -> Result:
        draft = drafts[opened.row.id]
        if not draft.is_still(opened.row):
            return Unchanged(opened.row.id)
        self.resubmits.apply(session, opened, draft, actor, bulk=bulk)
        return Done(opened.row.id, len(draft.good))

    def _cancel_one(self, actor: Actor, bulk: str, session: Session, opened: OpenWriteback) -> Result:
        try:
            mending = self.cancels.apply(session, opened, actor, bulk=bulk)
        except Conflict:
            return Unchanged(opened.row.id)
        return Done(opened.row.id, len(mending.changed))

    def _end(self, action: Action, report: Report, actor: Actor) -> Report:
        log.info(
            "mended_by_filter",
            action=action.value,
            bulk=report.id,
            actor=actor.name,
            done=len(report.done),
            not_done=len(report.not_done),
        )
        return report


def _with_statuses(action: Action, wanted: Selection) -> Selection:
    if wanted.filter.statuses:
        return wanted
    return replace(wanted, filter=replace(wanted.filter, statuses=_USUALLY[action]))


def _how_many(action: Action, found: Extent) -> int:
    """Return how many records of a writeback would be touched."""
    progress = unpack_progress(found.progress, found.size)
    match action:
        case Action.RESUBMIT:
            return len(going_again(progress))
        case Action.CHECK:
            return len(awaiting(progress))
        case _:
            return len(cancellable(Status(found.status), progress))


def _not_done(writeback_id: str, problem: Problem) -> NotDone:
    findings = problem.extra.get("findings", ()) if isinstance(problem, InvalidSubmission) else ()
    return NotDone(writeback_id, problem.code, problem.detail, findings)


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
