"""Resubmits, cancels and checks by filter: in short transactions, each writeback as if alone.

What if the process dies in the middle? What was done is done and written down; the same call again does the rest. What
if it is called twice? What has been done does not match the filter any more, or is found to be on its way.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import structlog
from sqlmodel import Session

from writeback.core.background_pace import give_way
from writeback.core.errors import Conflict, InvalidSubmission, NotFound, Problem
from writeback.core.ids import new_id
from writeback.domain.access import Caller
from writeback.domain.actor import Actor, actor_of
from writeback.domain.changes import Changes, Settable, said_by
from writeback.domain.corrections import USUAL, Action, Outcome, awaiting, cancellable, going_again, undecided
from writeback.domain.states import Status
from writeback.domain.writeback import unpack_progress
from writeback.flow.correct.cancel import Cancels
from writeback.flow.correct.check_now import Checks
from writeback.flow.correct.draft import Draft, Order, draft_of
from writeback.flow.correct.locked_correction import check_may_correct
from writeback.flow.correct.previews import preview_of
from writeback.flow.correct.refused_tries import note
from writeback.flow.correct.resolve import Resolves
from writeback.flow.correct.resubmit import Resubmits, refusal
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.status_changes import OpenWriteback, open_all
from writeback.store.people import audit
from writeback.store.reads import selection
from writeback.store.reads.pages import decode_number, encode_cursor
from writeback.store.reads.selection import Extent, Selection
from writeback.store.tables import WritebackRow
from writeback.store.writebacks import writebacks
from writeback_client.models.corrections import (
    Count,
    Done,
    NotDone,
    Preview,
    PreviewItem,
    Report,
)

log = structlog.get_logger()

MOST = 10_000
"""Writebacks in one call."""
_CHUNK = 100
"""Writebacks in one transaction: other writers wait for no more."""


@dataclass(frozen=True)
class Unchanged:
    """A writeback that somebody else had seen to meanwhile."""

    id: str


Result = Done | NotDone | Unchanged


@dataclass(frozen=True)
class Work:
    """What is to be done to which writebacks, by whom and why; `order` is for what is sent again."""

    action: Action
    wanted: Selection
    actor: Actor
    order: Order = field(default_factory=Order)
    outcome: Outcome | None = None
    """How what needs a person is settled."""


@dataclass
class _Ready:
    """The next writebacks, prepared: `drafts` of those to resubmit, `ids` of those to lock."""

    looked_at: int = 0
    ids: list[str] = field(default_factory=list)
    drafts: dict[str, Draft] = field(default_factory=dict)
    settled: list[Result] = field(default_factory=list)
    """What there is to say of the others."""


Commit = Callable[[Callable[[Session], Report]], Awaitable[Report]]
"""Runs the work in a transaction, with whatever is written down beside it."""


@dataclass(frozen=True)
class BulkCorrections:
    """Resubmits, cancels and checks by filter."""

    flow: FlowContext
    resubmits: Resubmits
    cancels: Cancels
    checks: Checks
    resolves: Resolves

    async def count(self, caller: Caller, action: Action, wanted: Selection, *, limit: int = MOST) -> Count:
        """Return how many writebacks and records a call would look at."""
        check_may_correct(caller)
        wanted = _with_statuses(action, wanted)
        await self.check_people(caller, action, wanted)
        async with self.flow.db.read() as session:
            there = await selection.count(session, caller, wanted)
            found = await selection.extents(session, caller, wanted, limit=limit)
        records = sum(_how_many(action, one) for one in found)
        return Count(writebacks=there, records=records, more=max(0, there - limit))

    async def check_people(
        self, caller: Caller, action: Action, wanted: Selection, changes: Changes | None = None
    ) -> None:
        """Raise BadInput where filter or changes name people by id, and what matches is of several schools."""
        names_people = {
            "student": wanted.filter.student is not None,
            "without_pupils": changes is not None and bool(changes.without_pupils),
            "staff": changes is not None and any(one.field is Settable.STAFF for one in changes.substitutions),
        }
        what = next((name for name, is_said in names_people.items() if is_said), None)
        if what is not None:
            async with self.flow.db.read() as session:
                await selection.check_people(session, caller, _with_statuses(action, wanted), what)

    async def run(self, caller: Caller, work: Work, *, limit: int = MOST, cursor: str | None = None) -> Report:
        """Do it to what matches, the earliest accepted first, and note in the audit log what came of it.

        What is sent again is validated by itself, against fresh lists; what is cancelled has not left; what is checked
        awaits evidence.
        """
        check_may_correct(caller)
        await self.check_people(caller, work.action, work.wanted, work.order.changes)
        found = await self._find(caller, work, cursor, limit)
        bulk, pieces = new_id("blk", self.flow.clock.now()), []
        for chunk in _chunks([writeback_id for _, writeback_id in found[:limit]]):
            ready = await self._ready(work, chunk)
            pieces.append(await self._do(work, ready, bulk, None, self.flow.db.transact))
        report = _together(bulk, pieces, _after(found, min(limit, len(found))))
        await self._note(work, report, caller.app_id or None)
        return report

    async def preview(self, caller: Caller, work: Work, *, limit: int) -> Preview:
        """Return what a resubmission with changes would come to in the first writebacks, and do nothing."""
        check_may_correct(caller)
        await self.check_people(caller, work.action, work.wanted, work.order.changes)
        found = await self._find(caller, work, None, limit)
        async with self.flow.db.read() as session:
            there = await selection.count(session, caller, _with_statuses(work.action, work.wanted))
            rows = await selection.rows_of(session, [writeback_id for _, writeback_id in found[:limit]])
        items, unchanged = list[PreviewItem](), 0
        for row in rows:
            await give_way()
            checked = await self._check(row, work.order)
            if isinstance(checked, Unchanged):
                unchanged += 1
            else:
                items.append(preview_of(row, checked))
        return Preview(writebacks=there, looked_at=len(rows), items=items, unchanged=unchanged)

    async def said_in(self, caller: Caller, wanted: Selection, *, limit: int) -> Mapping[str, Counter[str]]:
        """Return which codes and members of staff the first of them name in what would go again, and how often."""
        found = await self._find(caller, Work(Action.RESUBMIT, wanted, actor_of(caller)), None, limit)
        async with self.flow.db.read() as session:
            rows = await selection.rows_of(session, [writeback_id for _, writeback_id in found[:limit]])
        counts = {"code": Counter[str](), "staff": Counter[str]()}
        for row in rows:
            stored = json.loads(row.records)
            for index in going_again(unpack_progress(row.progress, len(stored))):
                for name, values in said_by(row.kind, stored[index] or {}).items():
                    counts[name].update(values)
        return counts

    async def alike(self, caller: Caller, wanted: Selection, *, limit: int) -> Counter[tuple[str, str]]:
        """Return of which kinds the first of them are that need a person, and with which finding, and how many."""
        found = await self._find(caller, Work(Action.RESOLVE, wanted, actor_of(caller)), None, limit)
        async with self.flow.db.read() as session:
            rows = await selection.rows_of(session, [writeback_id for _, writeback_id in found[:limit]])
        counts = Counter[tuple[str, str]]()
        for row in rows:
            progress = unpack_progress(row.progress, len(json.loads(row.records)))
            said = {str(one["code"]) for index in undecided(progress) for one in progress[index].findings}
            counts.update((row.kind, code) for code in said)
        return counts

    async def piece(
        self, caller: Caller, work: Work, *, bulk: str, cursor: str | None, limit: int, seconds: float, commit: Commit
    ) -> Report:
        """Do it to the next few in one transaction, the one of `commit`; `next_cursor` None: those were the last.

        They are fewer where preparing them takes longer than `seconds`. `bulk` is the id of the job.
        """
        found = await self._find(caller, work, cursor, limit)
        until = self.flow.clock.monotonic() + seconds
        ready = await self._ready(work, [writeback_id for _, writeback_id in found[:limit]], until)
        return await self._do(work, ready, bulk, _after(found, ready.looked_at), commit)

    async def pass_over(
        self, caller: Caller, work: Work, *, bulk: str, cursor: str | None, commit: Commit, why: NotDone
    ) -> Report:
        """Leave the next one as it is, as if it had been a piece."""
        found = await self._find(caller, work, cursor, 1)
        ready = _Ready(
            len(found[:1]), settled=[why.model_copy(update={"id": writeback_id}) for _, writeback_id in found[:1]]
        )
        return await self._do(work, ready, bulk, _after(found, ready.looked_at), commit)

    async def _find(self, caller: Caller, work: Work, cursor: str | None, limit: int) -> Sequence[tuple[int, str]]:
        """Return sequence and id of what matches and the caller may change: one more than `limit` where there are."""
        check_may_correct(caller)
        after, wanted = decode_number(cursor), _with_statuses(work.action, work.wanted)
        async with self.flow.db.read() as session:
            return await selection.ids_of(session, caller, wanted, after=after, limit=limit + 1)

    async def _ready(self, work: Work, ids: Sequence[str], until: float | None = None) -> _Ready:
        """Read them, and validate what would be resubmitted; those for which there is no time stay untouched."""
        if work.action is not Action.RESUBMIT:
            return _Ready(len(ids), list(ids))
        ready = _Ready()
        async with self.flow.db.read() as session:
            rows = await selection.rows_of(session, ids)
        for row in rows:
            if until is not None and ready.looked_at and self.flow.clock.monotonic() >= until:
                break
            await give_way()
            checked = await self._check(row, work.order)
            ready.looked_at += 1
            if isinstance(checked, Draft):
                ready.ids.append(row.id)
                ready.drafts[row.id] = checked
            else:
                ready.settled.append(checked)
        return ready

    async def _check(self, row: WritebackRow, order: Order) -> Draft | NotDone | Unchanged:
        try:
            draft = await self.resubmits.revalidation.check(draft_of(row, order))
        except Conflict as conflict:
            is_no_matter = conflict.code in ("not_resubmittable", "nothing_to_change")
            return Unchanged(row.id) if is_no_matter else _not_done(row.id, conflict)
        except NotFound as problem:
            return _not_done(row.id, problem)
        return _not_done(row.id, refusal(draft)) if draft.is_refused(order.on_invalid) else draft

    async def _do(self, work: Work, ready: _Ready, bulk: str, next_cursor: str | None, commit: Commit) -> Report:
        """Apply the action to those that are ready, in one transaction, and wake their lanes."""
        job = "confirm_lane" if work.action is Action.CHECK else "serve_lane"
        lanes: set[str] = set()

        def transaction(session: Session) -> Report:
            lanes.clear()  # it may be tried again
            results = [*ready.settled, *self._each(session, work, ready, bulk, lanes)]
            self._note_refused(session, work, results, bulk)
            return _report(bulk, ready.looked_at, results, next_cursor)

        report = await commit(transaction)
        await self.flow.waker.wake(job, sorted(lanes))
        return report

    def _note_refused(self, session: Session, work: Work, results: Sequence[Result], bulk: str) -> None:
        """Write down of each that could not be done that it was tried, and why not."""
        refused = {one.id: one for one in results if isinstance(one, NotDone)}
        rows = writebacks.find(session, refused) if refused else {}
        for id_, row in rows.items():
            one = refused[id_]
            note(session, self.flow.clock.now(), row, work.action, work.actor, one.code, one.findings, bulk=bulk)

    def _each(self, session: Session, work: Work, ready: _Ready, bulk: str, lanes: set[str]) -> Iterator[Result]:
        """Do it to each; add to `lanes` those in which there is something to do now."""
        if work.action is Action.CHECK:
            asked = self.checks.ask_all(session, ready.ids, work.actor, bulk)
            lanes.update(one.lane_id for one in asked.values())
            yield from (
                Done(id=one, records=asked[one].records) if one in asked else Unchanged(one) for one in ready.ids
            )
            return
        for opened in open_all(writebacks.lock(session, ready.ids)).values():
            lanes.add(opened.row.lane_id)
            if work.action is Action.RESOLVE:
                yield self._resolve_one(session, work, opened, bulk)
            elif work.action is Action.CANCEL:
                yield self._cancel_one(session, work, opened, bulk)
            else:
                yield self._resubmit_one(session, work, opened, ready.drafts[opened.row.id], bulk)

    def _resubmit_one(self, session: Session, work: Work, opened: OpenWriteback, draft: Draft, bulk: str) -> Result:
        if not draft.is_still(opened.row):
            return Unchanged(opened.row.id)
        try:
            self.resubmits.apply(session, opened, draft, work.actor, bulk=bulk)
        except Conflict as conflict:
            return _not_done(opened.row.id, conflict)
        return Done(id=opened.row.id, records=len(draft.good))

    def _cancel_one(self, session: Session, work: Work, opened: OpenWriteback, bulk: str) -> Result:
        try:
            correction = self.cancels.apply(session, opened, work.actor, bulk=bulk)
        except Conflict:
            return Unchanged(opened.row.id)
        return Done(id=opened.row.id, records=len(correction.changed))

    def _resolve_one(self, session: Session, work: Work, opened: OpenWriteback, bulk: str) -> Result:
        assert work.outcome is not None, "it was begun with one"
        try:
            correction = self.resolves.in_bulk(
                session, opened, work.outcome, work.actor, code=work.wanted.filter.code, bulk=bulk
            )
        except Conflict as conflict:
            if conflict.code == "nothing_to_resolve":
                return Unchanged(opened.row.id)
            return _not_done(opened.row.id, conflict)
        return Done(id=opened.row.id, records=len(correction.changed))

    async def _note(self, work: Work, report: Report, app: str | None) -> None:
        """Audit the result of a call, also of one that changed nothing."""
        counts = {
            "matched": report.matched,
            "done": len(report.done),
            "not_done": len(report.not_done),
            "unchanged": report.unchanged,
        }
        now = self.flow.clock.now()
        await self.flow.db.transact(lambda session: note_bulk(session, now, work, "done", report.id, counts, app=app))
        log.info("mended_by_filter", action=work.action.value, bulk_id=report.id, actor=work.actor.name, **counts)


def note_bulk(
    session: Session,
    now: datetime,
    work: Work,
    what: str,
    bulk: str,
    counts: Mapping[str, int],
    *,
    app: str | None = None,
) -> None:
    """Write a bulk action into the audit log; `counts` says of how many."""
    school = work.wanted.filter.school
    changed = {"action": work.action.value, **counts}
    audit.note(session, work.actor, now, f"bulk.{what}", bulk, app=app, school=school, changed=changed)


def _report(bulk: str, matched: int, results: Sequence[Result], next_cursor: str | None) -> Report:
    return Report(
        id=bulk,
        matched=matched,
        done=[one for one in results if isinstance(one, Done)],
        not_done=[one for one in results if isinstance(one, NotDone)],
        unchanged=sum(isinstance(one, Unchanged) for one in results),
        next_cursor=next_cursor,
    )


def _together(bulk: str, pieces: Sequence[Report], next_cursor: str | None) -> Report:
    """Return what came of all pieces of a call."""
    return Report(
        id=bulk,
        matched=sum(one.matched for one in pieces),
        done=[done for one in pieces for done in one.done],
        not_done=[left for one in pieces for left in one.not_done],
        unchanged=sum(one.unchanged for one in pieces),
        next_cursor=next_cursor,
    )


def _after(found: Sequence[tuple[int, str]], looked_at: int) -> str | None:
    """Return the cursor behind those that were handled; None where there are no others."""
    return encode_cursor(found[looked_at - 1][0]) if looked_at < len(found) else None


def _with_statuses(action: Action, wanted: Selection) -> Selection:
    if wanted.filter.statuses:
        return wanted
    return replace(wanted, filter=replace(wanted.filter, statuses=USUAL[action]))


def _how_many(action: Action, found: Extent) -> int:
    """Return how many records of a writeback would be touched."""
    progress = unpack_progress(found.progress, found.size)
    match action:
        case Action.RESUBMIT:
            return len(going_again(progress))
        case Action.CHECK:
            return len(awaiting(progress))
        case Action.RESOLVE:
            return len(undecided(progress))
        case _:
            return len(cancellable(Status(found.status), progress))


def _not_done(writeback_id: str, problem: Problem) -> NotDone:
    findings = problem.extra.get("findings", ()) if isinstance(problem, InvalidSubmission) else ()
    return NotDone(id=writeback_id, code=problem.code, detail=problem.detail, findings=findings)


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
