"""Resubmit: what failed, was cancelled or was never sent goes again, corrected where a person has edited it.

Reading and checking come first, without a lock, for lists may have to be fetched; then one transaction locks the
writeback, looks whether it is still what was checked, and sends it on its way. What if two people do it at once? The
second finds it queued, and gets a conflict.
"""

from dataclasses import dataclass
from functools import partial
from typing import cast

from sqlmodel import Session, select

from writeback.core.errors import Conflict, InvalidSubmission
from writeback.domain.access import Caller, check_kind
from writeback.domain.actor import Actor
from writeback.domain.corrections import Action
from writeback.domain.finding import most_telling
from writeback.domain.kinds import dump_records
from writeback.domain.states import Event
from writeback.domain.writeback import RecordProgress, RecordStatus
from writeback.flow.accept.answer import by_record
from writeback.flow.correct.draft import Draft, Order, draft_of
from writeback.flow.correct.locked_correction import Correction, begin_anew, check_may_correct, locked_for
from writeback.flow.correct.refused_tries import noted
from writeback.flow.correct.revalidate import DraftRevalidation
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.slots import check_later_are_known, later_ones
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.store.reads.filters import reachable
from writeback.store.reads.writebacks_read import writeback_unknown
from writeback.store.tables import WritebackRow
from writeback_client.models.corrections import Corrected, CorrectedRecord

_TRIES = 3
"""How often a writeback that changes while it is being checked is read again."""


@dataclass(frozen=True)
class Resubmits:
    """Sends writebacks again."""

    flow: FlowContext
    revalidation: DraftRevalidation

    async def one(
        self, caller: Caller, writeback_id: str, order: Order, actor: Actor, *, dry_run: bool = False
    ) -> Corrected:
        """Validate what would go again and queue it; with `dry_run` only validate.

        Raises NotFound, Conflict where it cannot go again, InvalidSubmission with all findings. Where a later mark for
        a slot has been accepted meanwhile, that one still wins, and the answer names it.
        """
        check_may_correct(caller)
        if dry_run:
            return await self._one_of(caller, writeback_id, order, actor, dry_run=True)
        async with noted(self.flow, caller, writeback_id, Action.RESUBMIT, actor):
            return await self._one_of(caller, writeback_id, order, actor, dry_run=False)

    async def _one_of(
        self, caller: Caller, writeback_id: str, order: Order, actor: Actor, *, dry_run: bool
    ) -> Corrected:
        for _ in range(_TRIES):
            row = await self._read(caller, writeback_id)
            school = await self.flow.registry.school(row.school_id)
            draft = await self.revalidation.check(draft_of(row, order, school.zone))
            if dry_run:
                return await self._tried(draft)
            if draft.is_refused(order.on_invalid):
                raise refusal(draft)
            view = await self.flow.db.transact(partial(self._one, caller, draft, actor))
            if view is not None:
                await self.flow.waker.wake("serve_lane", [draft.row.lane_id])
                return view
        raise Conflict(
            "changed_meanwhile", f"{writeback_id} changes all the time", hint="Look at it again, and then resubmit it."
        )

    async def _read(self, caller: Caller, writeback_id: str) -> WritebackRow:
        query = select(WritebackRow).where(WritebackRow.id == writeback_id, *reachable(caller))
        async with self.flow.db.read() as session:
            row = (await session.exec(query)).one_or_none()
        if row is None:
            raise writeback_unknown(writeback_id)
        check_kind(caller, row.kind)
        return row

    async def _tried(self, draft: Draft) -> Corrected:
        """Return what would happen."""
        async with self.flow.db.read() as session:
            later = await session.run_sync(
                lambda plain: later_ones(cast(Session, plain), draft.row, draft.records, draft.good)
            )
        return _trial(draft, later)

    def _one(self, caller: Caller, draft: Draft, actor: Actor, session: Session) -> Corrected | None:
        """Send it on its way; None where it has changed since it was checked."""
        opened = locked_for(caller, session, draft.row.id)
        if not draft.is_still(opened.row):
            draft_of(opened.row, Order(not_in_mis=True))  # raises what is to be said of its status now
            return None
        correction = self.apply(session, opened, draft, actor)
        later = later_ones(session, opened.row, draft.records, draft.good)
        return correction.view(later)

    def apply(
        self, session: Session, opened: OpenWriteback, draft: Draft, actor: Actor, *, bulk: str | None = None
    ) -> Correction:
        """Queue the good records of a checked, locked writeback, and record it; the others stay failed.

        Raise Conflict, and change nothing, where nobody can say whether it is still the latest.
        """
        row, now = opened.row, self.flow.clock.now()
        check_later_are_known(session, row)
        correction = Correction(session, now, actor, opened, Action.RESUBMIT, bulk)
        said, good = by_record(draft.findings), set(draft.good)
        for index in draft.going:
            status = RecordStatus.QUEUED if index in good else RecordStatus.FAILED
            became = draft.records[index] if index in draft.edited & good else None
            correction.change(index, RecordProgress(status).with_findings(said.get(index, ())), became)
        kept = [draft.records[index] if index in good else record for index, record in enumerate(opened.records)]
        if draft.edited & good:
            row.records = dump_records(row.kind, kept)
        row.hold_reason = None
        begin_anew(self.flow, row, now)
        correction.write_down(queued_by=Event.RESUBMITTED)
        return correction


def refusal(draft: Draft) -> InvalidSubmission:
    """Return why nothing of it goes, with its findings, as for a submission."""
    shown = most_telling(draft.findings)
    errors = [one for one in draft.findings if one.is_error]
    bad = len(draft.bad)
    return InvalidSubmission(
        "submission_invalid",
        f"{bad} of the {len(draft.going)} records that would go again cannot be sent" if bad else errors[0].message,
        [one.as_json() for one in shown],
        hint='Mend what the findings name, or send "on_invalid": "skip" to let the good records go.',
        more=len(draft.findings) - len(shown),
    )


def _trial(draft: Draft, later: dict[int, str]) -> Corrected:
    shown, bad, row = most_telling(draft.findings), draft.bad, draft.row
    said = by_record(shown)
    records = [
        CorrectedRecord(
            index=index,
            ref=record.ref if (record := draft.records[index]) is not None else None,
            status="invalid" if index in bad else "valid",
            findings=[one.as_json() for one in said.get(index, ())],
            superseded_by=later.get(index),
        )
        for index in draft.going
    ]
    return Corrected(
        id="",
        status="invalid" if any(one.is_error for one in draft.findings) else "valid",
        school=row.school_id,
        kind=row.kind,
        ref=row.ref,
        findings=[one.as_json() for one in shown if one.record is None],
        records=records,
        more_findings=len(draft.findings) - len(shown),
    )
