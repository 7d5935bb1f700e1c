"""Check now: look for the evidence of what is `sent` or `unknown` at once, not at its next check.

What if somebody asks again and again? Requests within some seconds share one check. What if a worker is about to settle
it? Both lock the request; what is settled by then is left alone. The check goes through the lane like any other: the
provider is asked, and where that is not possible, or it knows nothing, the MIS is read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from writeback.core.errors import Conflict
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.states import Status
from writeback.flow.correct.locked_correction import check_may_correct, seen_by
from writeback.flow.engine.breakers import keys_of
from writeback.flow.engine.context import FlowContext
from writeback.store.people import audit
from writeback.store.tables import Lane, RequestRow, SchoolRow, WritebackRow
from writeback.store.writebacks import breakers, requests, writebacks
from writeback_client.models.corrections import Check

_ONE_CHECK = timedelta(seconds=10)
"""Asked again within this, it is the check that was asked for before."""


@dataclass(frozen=True)
class Asked:
    """One of many that are looked at now: how many of its records await evidence."""

    lane_id: str
    records: int


@dataclass(frozen=True)
class Checks:
    """Has the evidence of writebacks looked for at once."""

    flow: FlowContext

    async def one(self, caller: Caller, writeback_id: str, actor: Actor) -> Check:
        """Have it looked at; raise NotFound, or Conflict where no evidence of it is awaited."""
        check_may_correct(caller)
        lane, view = await self.flow.db.transact(partial(self._one, caller, writeback_id, actor))
        await self.flow.waker.wake("confirm_lane", [lane])
        account = await self.flow.registry.account(view.school)
        hold_reason, left_alone = await self.flow.db.transact(partial(_standing, lane, keys_of(account)))
        return view.model_copy(update={"hold_reason": hold_reason, "left_alone": left_alone})

    def ask_all(self, session: Session, ids: Sequence[str], actor: Actor, bulk: str) -> Mapping[str, Asked]:
        """Have those checked whose evidence is awaited, for a caller who may change them all; return these. After the
        commit the caller wakes `confirm_lane` for their lanes.
        """
        now, rows = self.flow.clock.now(), writebacks.find(session, sorted(ids))
        asked: dict[str, Asked] = {}
        for one, row in sorted(rows.items()):
            awaiting = requests.awaiting_of(session, row)
            if awaiting and self._ask(session, row, awaiting, actor, now, bulk=bulk):
                records = sum(len(indexes) for request in awaiting for of, indexes in request.members if of == one)
                asked[one] = Asked(row.lane_id, records)
        return asked

    def _one(self, caller: Caller, writeback_id: str, actor: Actor, session: Session) -> tuple[str, Check]:
        now = self.flow.clock.now()
        row = seen_by(caller, session, writeback_id)
        awaiting = requests.awaiting_of(session, row)
        if not awaiting:
            session.refresh(row)
            raise _nothing_to_check(row)
        asked_before = not self._ask(session, row, awaiting, actor, now)
        checks_at = min(one.check_at or now for one in awaiting)
        ids = [one.id for one in awaiting]
        return row.lane_id, Check(
            id=row.id,
            status=row.status,
            school=row.school_id,
            requests=ids,
            check_at=checks_at,
            asked_before=asked_before,
        )

    def _ask(
        self,
        session: Session,
        row: WritebackRow,
        awaiting: Sequence[RequestRow],
        actor: Actor,
        now: datetime,
        **noted: str,
    ) -> bool:
        """Have locked requests of a writeback looked at now; False where that was asked for a moment ago."""
        if all(one.asked_at is not None and now - one.asked_at < _ONE_CHECK for one in awaiting):
            return False
        for one in awaiting:
            one.asked_at = one.check_at = now
            session.add(one)
        changed = {"requests": [one.id for one in awaiting], **noted}
        audit.note(
            session, actor, now, "writeback.check", row.id, app=row.app_id, school=row.school_id, changed=changed
        )
        return True


def _standing(lane_id: str, breaker_keys: Collection[str], session: Session) -> tuple[str | None, str | None]:
    """Return why the school or the lane is held, and why it is left alone; None where it is not."""
    lane = session.get_one(Lane, lane_id)
    school = session.get_one(SchoolRow, lane.school_id)
    is_open = [one for one in breakers.of(session, breaker_keys) if one.open_until is not None]
    reason = school.hold_reason or lane.hold_reason
    return reason, is_open[0].reason if is_open else None


def _nothing_to_check(row: WritebackRow) -> Conflict:
    match row.status:
        case Status.QUEUED | Status.HELD:
            what, hint = "it has not left yet", "It is looked at once the provider has it."
        case Status.SENDING:
            what, hint = "it is on its way to the provider now", "Ask again in a moment."
        case Status.NEEDS_ATTENTION:
            what, hint = "a person is to decide", "Look in the MIS, and resolve it."
        case _:
            what, hint = "nothing more is awaited of it", "Its timeline says how it ended."
    return Conflict("nothing_to_check", f"{row.id} is {row.status}: {what}", hint=hint)
