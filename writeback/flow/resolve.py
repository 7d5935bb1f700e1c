"""Resolve: a person settles what only a person can decide, after a look into the MIS."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from writeback.core.errors import Conflict
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.mending import EVIDENCE, Action, Outcome, resolved, undecided
from writeback.domain.states import Event
from writeback.flow.changes import OpenWriteback
from writeback.flow.context import FlowContext
from writeback.flow.mend import MendedView, Mending, begin_anew, check_may_mend, later_ones, locked_for


@dataclass(frozen=True)
class Resolves:
    """Settles records that need attention."""

    flow: FlowContext

    async def one(
        self, caller: Caller, writeback_id: str, outcome: Outcome, actor: Actor, *, records: Sequence[int] | None = None
    ) -> MendedView:
        """Settle its records, those named or else all that need it; raise NotFound, or Conflict for others."""
        check_may_mend(caller, any_app=True)
        work = partial(self._one, caller, writeback_id, outcome, actor, records)
        lane, view = await self.flow.db.transact(work)
        await self.flow.doorbell.ring("serve_lane", [lane])
        return view

    def _one(
        self,
        caller: Caller,
        writeback_id: str,
        outcome: Outcome,
        actor: Actor,
        records: Sequence[int] | None,
        session: Session,
    ) -> tuple[str, MendedView]:
        opened, now = locked_for(caller, session, writeback_id), self.flow.clock.now()
        mending = Mending(session, now, actor, opened, Action.RESOLVE)
        for index in _chosen(opened, records):
            mending.change(index, resolved(outcome, index))
        indexes = [change.index for change in mending.changed]
        later = later_ones(session, opened.row, opened.records, indexes) if outcome is Outcome.RESEND else {}
        if outcome is Outcome.RESEND:
            begin_anew(self.flow, opened.row, now)
        elif outcome is Outcome.CONFIRMED:
            opened.row.evidence = EVIDENCE
        mending.write_down(queued_by=Event.RETRY, outcome=outcome.value)
        return opened.row.lane_id, mending.view(later)


def _chosen(opened: OpenWriteback, records: Sequence[int] | None) -> list[int]:
    """Return the indexes to settle; raise Conflict where one of those named, or none at all, waits for a person."""
    waiting, row = undecided(opened.progress), opened.row
    if not waiting:
        raise Conflict(
            "nothing_to_resolve",
            f"no record of {row.id} needs attention: it is {row.status}",
            hint="Somebody may have settled it already; its timeline says so.",
        )
    others = [index for index in records or () if index not in waiting]
    if others:
        raise Conflict(
            "nothing_to_resolve",
            f"record {others[0]} of {row.id} does not need attention",
            hint=f"Those that do are {', '.join(map(str, waiting))}.",
        )
    return sorted(set(records)) if records is not None else waiting
