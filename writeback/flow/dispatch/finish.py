"""The second transaction of a turn: what the provider's answers do to requests and their records, of many at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, assert_never

import structlog
from sqlmodel import Session

from writeback.core import failpoints, outage_logs
from writeback.domain.outcome import Applied, Blocked, NotReached, Outcome, Refused, Taken, Uncertain
from writeback.domain.sending.retry import next_attempt_at
from writeback.domain.states import Event
from writeback.domain.writeback import RecordProgress, RecordStatus
from writeback.flow.engine.breakers import Breakers, asks_for_long, keys_of
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import hold_for, lock_for
from writeback.flow.engine.provider_answers import keep_answer
from writeback.flow.engine.recovery import count_failure, late_until, may_go_again, note_in_doubt, put_in_doubt
from writeback.flow.engine.refusals import refuse
from writeback.flow.engine.request_members import close_request, halve, members_of_all, move_members, settle_members
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member, Turn
from writeback.store.sql.write_out import write_out
from writeback.store.tables import RequestRow
from writeback.store.writebacks import breakers, holds, in_doubt, lanes, requests
from writeback.store.writebacks.requests import FinishedAttempt, RequestState

log = structlog.get_logger()

_ENOUGH_FOR_CREATES = 2
"""How often what must not be repeated may go without a clear answer: each time takes a look into the MIS."""


class Finished(NamedTuple):
    """A turn, and what came of it."""

    turn: Turn
    outcome: Outcome


@dataclass(frozen=True)
class Finish:
    """Records outcomes."""

    flow: FlowContext

    async def record(self, finished: Sequence[Finished]) -> Sequence[Sequence[str]]:
        """Commit the outcomes of turns in different lanes; return for each which jobs to wake for its lane.

        What is blocked goes by itself: a hold locks more than its own lane.
        """
        if failpoints.hit("dispatch.before_finish"):
            await self.flow.db.transact(partial(self._record, finished))
        wakes = await self.flow.db.transact(partial(self._record, finished))
        failpoints.hit("dispatch.after_finish")
        for turn, outcome in finished:
            _say(turn, outcome)
        return wakes

    def _record(self, finished: Sequence[Finished], session: Session) -> Sequence[Sequence[str]]:
        now = self.flow.clock.now()
        ours = lanes.release(session, [(turn.lane_id, turn.fence) for turn, _ in finished])
        rows = requests.lock_all(session, [turn.request_id for turn, _ in finished])
        members = members_of_all(session, rows.values())
        without_doubt = {turn.lane_id for turn, _ in finished}
        without_doubt -= in_doubt.lanes_with(session, without_doubt)
        changes = Changes(session, now, "worker", without_doubt)
        attempts: list[FinishedAttempt] = []
        checked: dict[str, bool] = {}
        for turn, outcome in finished:
            if (request := rows.get(turn.request_id)) is None:
                continue
            recording = _Recording(self.flow, session, changes, request, members[request.id], turn, attempts)
            if (turn.lane_id, turn.fence) not in ours:
                # Another worker has the lane and has settled this request as lost: its word stands.
                log.warning(
                    "outcome_after_lease", request_id=turn.request_id, lane=turn.lane_id, outcome=type(outcome).__name__
                )
                recording.apply_late(outcome)
            elif request.state == RequestState.SENDING:
                recording.apply(outcome)
                checked[turn.lane_id] = request.check_at is not None and request.check_at <= now
        # Breakers are what transactions share: they are locked last, and in one order.
        for turn, outcome in sorted(finished, key=lambda one: keys_of(one.turn.account)):
            if turn.lane_id in checked:
                Breakers(self.flow, session, now).note(keys_of(turn.account), outcome, had_failures=turn.had_failures)
        write_out(session, requests.ends_of(attempts))
        due = lanes.having_due(session, checked, now) if checked else set()
        failpoints.hit("dispatch.finish_uncommitted")
        return [_wakes(turn.lane_id, due, checked) for turn, _ in finished]


def _wakes(lane_id: str, due: Collection[str], checked: Mapping[str, bool]) -> list[str]:
    """Return which jobs to wake for a lane."""
    return ["serve_lane"] * (lane_id in due) + ["confirm_lane"] * checked.get(lane_id, False)


def _say(turn: Turn, outcome: Outcome) -> None:
    """Log the attempt; those that a provider leaves unanswered while it is away are counted together."""
    said = {"request_id": turn.request_id, "lane": turn.lane_id, "writeback_ids": turn.writeback_ids}
    match outcome:
        case NotReached() | Uncertain():  # why is kept with the attempt: it may be in the provider's wording
            kind = type(outcome).__name__
            outage_logs.of_provider("attempt_not_answered", kind, of=keys_of(turn.account)[0], **said)
        case _:
            log.info("attempt_finished", outcome=type(outcome).__name__, **said)


@dataclass(frozen=True)
class _Recording:
    flow: FlowContext
    session: Session
    changes: Changes
    request: RequestRow
    members: Sequence[Member]
    turn: Turn
    attempts: list[FinishedAttempt]
    """Where the end of the attempt is noted, to be written with those of others."""

    @property
    def now(self) -> datetime:
        return self.changes.now

    def apply(self, outcome: Outcome) -> None:
        """Match the outcome, to the last case."""
        if isinstance(outcome, Blocked):
            lock_for(self.session, self.request, outcome)
        keep_answer(self.flow.secrets, self.session, self.request.id, outcome, self.now)
        members = self.members
        match outcome:
            case Taken(provider_ref):
                self._attempt("taken", None)
                self._taken(members, provider_ref)
            case Applied(evidence):
                self._attempt("applied", None)
                self._applied(members, evidence)
            case Refused(message, findings, said=said):
                self._attempt("refused", message)
                told = {"message": message, "words": said}
                refuse(self.changes, self.request, members, result="refused", findings=findings, **told)
            case NotReached(reason, retry_after_s):
                self._attempt("not_reached", reason)
                self._again(members, reason, retry_after_s)
            case Uncertain(reason):
                self._attempt("uncertain", reason)
                self._uncertain(members, outcome)
            case Blocked(reason=why, detail=detail):
                self._attempt("blocked", f"{why}: {detail}")
                self._again(members, detail, None)
                hold_for(self.flow, self.changes, self.request, outcome)
            case _:
                assert_never(outcome)
        self.session.add(self.request)

    def apply_late(self, outcome: Outcome) -> None:
        """Note that the provider has what is in doubt: then it is never sent again for not being seen in the MIS."""
        if isinstance(outcome, Taken) and self.request.state == RequestState.IN_DOUBT:
            self._taken(self.members, outcome.provider_ref)
            self.session.add(self.request)

    def _attempt(self, outcome: str, detail: str | None) -> None:
        self.attempts.append(FinishedAttempt(self.request.id, self.now, outcome, detail))

    def _taken(self, members: Sequence[Member], provider_ref: str | None) -> None:
        request = self.request
        request.state, request.provider_ref = RequestState.TAKEN, provider_ref
        request.sent_at = request.sent_at or self.now  # what is in doubt was sent long before its late answer
        patience = timedelta(seconds=self.flow.settings.confirm.first_check_s)
        request.check_at = self.now if request.hints else self.now + patience
        if self.turn.rechecks:
            holds.reset_rechecks(self.session, request.school_id)
        if self.turn.lane_rechecks:
            holds.reset_lane_rechecks(self.session, request.lane_id)
        move_members(
            self.changes, members, RecordStatus.SENT, queued_by=Event.CONTINUED, detail=provider_ref, group=None
        )

    def _applied(self, members: Sequence[Member], evidence: str) -> None:
        """Confirm; but while an older mark of a slot may still arrive, wait for that and read the slot then."""
        late = late_until(self.changes, self.request, members)
        if late is None or late <= self.now:
            close_request(self.request, self.now, "confirmed", evidence)
            move_members(self.changes, members, RecordStatus.CONFIRMED, evidence=evidence, group=None)
            return
        self._taken(members, None)
        self.request.must_read, self.request.check_at = True, late

    def _again(self, members: Sequence[Member], reason: str, retry_after_s: float | None) -> None:
        """Let all of them go again later; whatever waits that long is ended by its deadline."""
        close_request(self.request, self.now, "retried")
        dispatch = self.flow.settings.dispatch
        patience = None if retry_after_s is None else min(retry_after_s, dispatch.retry_after_cap_s)
        for row in {member.opened.row.id: member.opened.row for member in members}.values():
            row.next_attempt_at = next_attempt_at(
                self.now,
                row.failures + 1,
                base_s=dispatch.backoff_base_s,
                cap_s=dispatch.backoff_cap_s,
                retry_after_s=patience,
                rng=self.flow.rng,
            )
        if patience and not asks_for_long(retry_after_s):  # else the school's breaker keeps all its lanes waiting
            lanes.leave_school_alone(self.session, self.request.school_id, self.now + timedelta(seconds=patience))
        count_failure(members)
        move_members(self.changes, members, RecordStatus.QUEUED, queued_by=Event.RETRY, detail=reason)

    def _uncertain(self, members: Sequence[Member], outcome: Uncertain) -> None:
        """Send a repeatable mark again; after too many tries, or for what must not be repeated, look in the MIS."""
        if self.request.hints:  # the provider has called meanwhile: it has the request
            self._taken(members, self.request.hints[-1].get("provider_ref"))
        elif self._is_spoilt(members):
            self._find_what_spoils_it(members, outcome.reason)
        elif may_go_again(self.flow, self.request, members):
            _count_alone(members)
            note_in_doubt(self.flow, self.changes, self.request, members)
            self._again(members, outcome.reason, outcome.retry_after_s)
        else:
            _count_alone(members)
            put_in_doubt(self.flow, self.changes, self.request, members, outcome.reason)

    def _is_spoilt(self, members: Sequence[Member]) -> bool:
        """Whether these have failed often enough, and others of the school have been answered since the first time.

        The school's breaker counts its failures since the last answer; where it has fewer, there was one between. What
        stands alone counts its own failures, while it has tries left: the others may have spoilt those before.
        """
        failed = max(member.opened.row.failures for member in members)
        is_repeatable = members[0].kind.is_repeatable
        enough = self.flow.settings.dispatch.split_after if is_repeatable else _ENOUGH_FOR_CREATES
        alone = _alone(members)
        if alone is not None and (may_go_again(self.flow, self.request, members) or not is_repeatable):
            failed = alone.unclear
        if failed + 1 < enough:
            return False
        return breakers.failures_of(self.session, keys_of(self.turn.account)[1]) < failed

    def _find_what_spoils_it(self, members: Sequence[Member], reason: str) -> None:
        """Send marks in halves; what stands alone, and what must not be repeated, is looked for in the MIS first."""
        if len(members) == 1 or not members[0].kind.is_repeatable:
            put_in_doubt(self.flow, self.changes, self.request, members, reason)
            self.request.result = requests.SPOILT
            self.request.check_at = self.now + timedelta(seconds=self.flow.settings.confirm.late_after_s)
            return
        note_in_doubt(self.flow, self.changes, self.request, members)
        close_request(self.request, self.now, "split")
        halve(members, self.request.id)
        dispatch = self.flow.settings.dispatch
        for row in {member.opened.row.id: member.opened.row for member in members}.values():
            row.next_attempt_at = self.now + timedelta(seconds=self.flow.rng.uniform(0, dispatch.backoff_base_s))
        settle_members(self.changes, members, queued_by=Event.RETRY, detail=reason)


def _alone(members: Sequence[Member]) -> RecordProgress | None:
    """Return the progress of the record that was sent by itself, apart from others; None where that is not so."""
    progress = members[0].opened.progress[members[0].index]
    return progress if len(members) == 1 and progress.group is not None else None


def _count_alone(members: Sequence[Member]) -> None:
    if (alone := _alone(members)) is not None:
        members[0].opened.progress[members[0].index] = replace(alone, unclear=alone.unclear + 1)
