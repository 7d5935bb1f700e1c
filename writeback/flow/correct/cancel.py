"""Cancel: withdraw what has not been sent. What is on its way continues, and is followed to its end.

What if a worker sends at this moment? Both lock the writeback's row: what the worker has committed as `sending` is left
alone, and what we have committed as cancelled it no longer finds.
"""

from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from writeback.core.errors import Conflict
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.corrections import Action, cancellable, cancelled
from writeback.domain.finding import Finding, Severity
from writeback.domain.states import Status
from writeback.domain.writeback import RecordStatus
from writeback.flow.correct.locked_correction import Correction, check_may_correct, locked_for
from writeback.flow.correct.refused_tries import noted
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.last_look import may_be_there
from writeback.flow.engine.status_changes import OpenWriteback
from writeback_client.models.corrections import Corrected


@dataclass(frozen=True)
class Cancels:
    """Cancels writebacks."""

    flow: FlowContext

    async def one(self, caller: Caller, writeback_id: str, actor: Actor) -> Corrected:
        """Cancel what has not been sent of it; raise NotFound, or Conflict where nothing of it waits any more."""
        check_may_correct(caller)
        async with noted(self.flow, caller, writeback_id, Action.CANCEL, actor):
            lane, view = await self.flow.db.transact(partial(self._one, caller, writeback_id, actor))
        await self.flow.waker.wake("serve_lane", [lane])  # what waited for its slots may go
        return view

    def _one(self, caller: Caller, writeback_id: str, actor: Actor, session: Session) -> tuple[str, Corrected]:
        opened = locked_for(caller, session, writeback_id)
        correction = self.apply(session, opened, actor)
        return opened.row.lane_id, correction.view()

    def apply(self, session: Session, opened: OpenWriteback, actor: Actor, *, bulk: str | None = None) -> Correction:
        """Withdraw what can be of a locked writeback, and write it down; raise Conflict where nothing can."""
        row = opened.row
        indexes = cancellable(Status(row.status), opened.progress)
        if not indexes:
            raise _nothing_waits(row.id, row.status)
        correction = Correction(session, self.flow.clock.now(), actor, opened, Action.CANCEL, bulk)
        for index in indexes:
            entry = opened.progress[index]
            is_doubtful = entry.status is RecordStatus.QUEUED and may_be_there(opened)
            correction.change(index, cancelled(entry).with_findings([_may_have_arrived(index)] if is_doubtful else ()))
        if not any(entry.status is RecordStatus.QUEUED for entry in opened.progress):
            row.hold_reason = row.next_attempt_at = None
        correction.write_down()
        return correction


def _may_have_arrived(index: int) -> Finding:
    return Finding(
        code="may_have_arrived",
        severity=Severity.WARNING,
        message="It was withdrawn before it went again; a request before, which got no answer, may have written it.",
        hint="Look in the MIS; what should be there instead, send as a new writeback.",
        pointer=f"/records/{index}",
        record=index,
    )


def _nothing_waits(writeback_id: str, status: str) -> Conflict:
    if status == Status.CANCELLED:
        return Conflict("cancelled_already", f"{writeback_id} is cancelled already", hint="There is nothing to do.")
    if Status(status).is_final:
        return Conflict(
            "not_cancellable",
            f"{writeback_id} is {status}: nothing of it waits",
            hint="What is in the MIS is taken back by a new writeback, or in the MIS.",
        )
    return Conflict(
        "not_cancellable",
        f"{writeback_id} is {status}: all of it has left for the provider",
        hint="Wait until it has settled; what fails or goes back to the queue can be cancelled then.",
    )
