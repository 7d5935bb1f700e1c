"""Confirm: turn hints, polls and read-backs into evidence, and settle the requests that await it.

What if evidence comes twice, out of order, or never? Settling locks the request and leaves a settled one alone; a check
that finds nothing asks again later, and in the end reads the MIS itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, NamedTuple, cast

import structlog
from sqlmodel import Session

from writeback.core import failpoints, outage_logs, tracing
from writeback.core.loggable_errors import class_of
from writeback.domain.kinds import KINDS, Action
from writeback.domain.lookups import LookupView
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    GaveUp,
    NotReached,
    Pending,
    ReadBack,
    Rejected,
    Unclear,
    Verdict,
)
from writeback.flow.confirm.candidates import Candidate, candidates_of, has_newcomers
from writeback.flow.confirm.settle import Settling
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.gathering import Gathering
from writeback.flow.engine.holds import lock_for, locked_school
from writeback.flow.engine.provider_answers import keep_answer
from writeback.flow.engine.provider_calls import provider_call
from writeback.flow.engine.request_members import members_of_all, traces_of
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Answered, Member, nobody_waits
from writeback.providers.base import SentRequest
from writeback.store.sql.write_out import write_out
from writeback.store.tables import RequestRow
from writeback.store.writebacks import in_doubt, lanes, requests
from writeback.store.writebacks.requests import AWAITING, ENDING, RequestState

log = structlog.get_logger()

_AT_ONCE = 64
"""Requests that are asked about in one job."""
_ASKED_FOR = timedelta(minutes=5)
"""For how long the wish of a person counts that the MIS be read before a callback is overdue."""


@dataclass(frozen=True)
class Asked:
    """A request as it was when it was asked about."""

    row: RequestRow
    sent: SentRequest
    traces: Sequence[str] = ()
    """Those of the writebacks that it carries, as far as they are traced."""


class Heard(NamedTuple):
    """What is known of a request now. `verdict` None: it is too late for evidence, and a person is asked."""

    verdict: Verdict | ReadBack | None
    candidates: Sequence[Candidate] = ()
    """Records of other requests that were read beside its own."""
    tries_until: datetime | None = None
    """The provider has not called back, and may go on trying until then."""


@dataclass(frozen=True)
class Unread:
    """A request of which the MIS has the last word, and what the provider said of it."""

    asked: Asked
    verdict: Verdict


class Said(NamedTuple):
    """What is to be written down of a request."""

    asked: Asked
    heard: Heard
    lookups: LookupView


class Claimed(NamedTuple):
    """The requests of a lane that are asked about."""

    lane_id: str
    asked: Sequence[Asked]


@dataclass(frozen=True)
class Confirmer:
    """Confirms the requests of lanes."""

    flow: FlowContext

    async def confirm(self, lane_id: str) -> None:
        """Ask about every request of the lane that is due, and wake what its settling frees."""
        for claimed in await self.claim([lane_id]):
            await self.carry_on(claimed)

    async def claim(self, lane_ids: Sequence[str]) -> Sequence[Claimed]:
        """Claim the requests of lanes that are due, until an answer can be here; return them by lane."""
        if failpoints.hit("confirm.before_claim"):
            await self.flow.db.transact(partial(self._claim, lane_ids))
        asked = await self.flow.db.transact(partial(self._claim, lane_ids))
        failpoints.hit("confirm.after_claim")
        if len(asked) >= _AT_ONCE:
            await self.flow.waker.wake("confirm_lane", lane_ids)
        by_lane: defaultdict[str, list[Asked]] = defaultdict(list)
        for one in asked:
            by_lane[one.row.lane_id].append(one)
        return [Claimed(lane_id, of_lane) for lane_id, of_lane in by_lane.items()]

    async def carry_on(self, claimed: Claimed, answered: Answered = nobody_waits) -> None:
        """Ask about the claimed requests of a lane, and wake what their settling frees."""
        for job in await self._confirm_all(claimed.asked, answered):
            await self.flow.waker.wake(job, [claimed.lane_id])

    def _claim(self, lane_ids: Sequence[str], session: Session) -> list[Asked]:
        now = self.flow.clock.now()
        due = requests.due_checks(session, lane_ids, now, _AT_ONCE)
        if not due:
            return []
        members = members_of_all(session, due, to_change=False)
        requests.leave_until(session, due, now + timedelta(seconds=2 * self.flow.settings.dispatch.request_timeout_s))
        return [Asked(row, _sent(row, members[row.id]), traces_of(members[row.id])) for row in due]

    async def _confirm_all(self, asked: Sequence[Asked], answered: Answered) -> set[str]:
        """Confirm each; marks that must be read are read together. Return which jobs to wake for the lane."""
        unread: list[Unread] = []
        unheard = set(range(len(asked)))

        async def confirm(place: int) -> Sequence[str]:
            try:
                said = await self._ask(asked[place])
            finally:
                unheard.remove(place)
            if isinstance(said, Unread):
                unread.append(said)
                return ()
            if not unheard and not unread:
                await answered()
            return await self._write_down(said)

        wakes = await self._all_wakes(asked, *(confirm(place) for place in range(len(asked))))
        read = [said for kind in {one.asked.row.kind for one in unread} for said in await self._read_all(unread, kind)]
        await answered()
        return wakes | await self._all_wakes([said.asked for said in read], *(self._write_down(said) for said in read))

    async def _all_wakes(self, asked: Sequence[Asked], *writing: Coroutine[Any, Any, Sequence[str]]) -> set[str]:
        """Return which jobs to wake when all have ended; one that fails is logged, and asked about again later."""
        wakes: set[str] = set()
        for one, result in zip(asked, await asyncio.gather(*writing, return_exceptions=True), strict=True):
            if isinstance(result, BaseException):
                outage_logs.error("check_failed", result, request_id=one.row.id)
            else:
                wakes.update(result)
        return wakes

    async def _ask(self, asked: Asked) -> Said | Unread:
        """Return what is known now; marks that must be read are left for `_read_all`."""
        lookups = await self.flow.lookups.view(asked.row.school_id)
        heard = Heard(None) if self._is_too_late(asked) else await self._hear(asked, lookups)
        return heard if isinstance(heard, Unread) else Said(asked, heard, lookups)

    async def _read_all(self, unread: Sequence[Unread], kind: str) -> Sequence[Said]:
        """Read the marks of the requests of one kind at once, each day's list once."""
        unread = [one for one in unread if one.asked.row.kind == kind]
        lookups = await self.flow.lookups.view(unread[0].asked.row.school_id)
        together = replace(
            unread[0].asked.sent, records=[record for one in unread for record in one.asked.sent.records]
        )
        read = await self._read(unread[0].asked, together, lookups)
        found: list[Said] = []
        first = 0
        for one in unread:
            records = range(first, first := first + len(one.asked.sent.records))
            part = _part(read, records) if isinstance(read, ReadBack) else read
            heard = Heard(part, tries_until=self._tries_until(one.asked, one.verdict))
            found.append(Said(one.asked, heard, lookups))
        return found

    async def _write_down(self, said: Said) -> Sequence[str]:
        """Settle with what is known now; return which jobs to wake for the lane.

        What blocks goes by itself: a hold locks more than its own request.
        """
        if isinstance(said.heard.verdict, Blocked | GaveUp):
            return (await self._write([said]))[0]
        return await self._settling.add(said)

    @cached_property
    def _settling(self) -> Gathering[Said, Sequence[str]]:
        return Gathering(self._write, self.flow.settings.dispatch.gather_s)

    async def _write(self, said: Sequence[Said]) -> Sequence[Sequence[str]]:
        if failpoints.hit("confirm.before_settle"):
            await self.flow.db.transact(partial(self._settle_all, said))
        wakes = await self.flow.db.transact(partial(self._settle_all, said))
        failpoints.hit("confirm.after_settle")
        for one in said if tracing.is_on() else ():
            _trace(one)
        return wakes

    async def _hear(self, asked: Asked, lookups: LookupView) -> Heard | Unread:
        """Return what hints and provider say; where they say nothing, what the MIS holds (of kinds other than
        marks)."""
        account = await self.flow.registry.account(asked.row.school_id)
        provider = self.flow.providers[account.provider]
        try:
            verdict: Verdict = Unclear("the answer never came")
            is_ending = asked.row.result == ENDING  # it was refused: only the MIS can say more
            if not is_ending and (asked.row.state == RequestState.TAKEN or asked.sent.hints):
                if failpoints.hit("confirm.before_ask"):
                    await provider.check(account, asked.sent, self.flow.clock.now())
                with provider_call(self.flow, account.provider, "check", asked.row.id, asked.traces) as call:
                    verdict = await provider.check(account, asked.sent, self.flow.clock.now())
                    call.ended(verdict)
                failpoints.hit("confirm.after_ask")
        except Exception as error:
            return Heard(_adapter_failed(asked, error))
        tries_until = self._tries_until(asked, verdict)
        if not self._needs_reading(asked, verdict):
            return Heard(verdict, tries_until=tries_until)
        if asked.sent.kind.is_repeatable:
            return Unread(asked, verdict)
        candidates = await self._candidates(asked)
        both = replace(asked.sent, records=[*asked.sent.records, *(candidate.record for candidate in candidates)])
        read = await self._read(asked, both, lookups)
        if isinstance(verdict, Rejected) and not _shows_all(read, asked.sent):
            return Heard(verdict)
        return Heard(read, candidates, tries_until)

    async def _read(self, asked: Asked, sent: SentRequest, lookups: LookupView) -> ReadBack | NotReached | Blocked:
        """Return what the MIS holds for the records of `sent`, which are those of `asked` and perhaps more."""
        account = await self.flow.registry.account(asked.row.school_id)
        provider = self.flow.providers[account.provider]
        try:
            if failpoints.hit("confirm.before_read"):
                await provider.read_back(account, sent, lookups)
            with provider_call(self.flow, account.provider, "read_back", asked.row.id, asked.traces) as call:
                read = await provider.read_back(account, sent, lookups)
                call.ended(read)
            failpoints.hit("confirm.after_read")
        except Exception as error:
            return _adapter_failed(asked, error)
        return read

    async def _candidates(self, asked: Asked) -> Sequence[Candidate]:
        """Return who else may have made what is found, where the request was to make something."""
        if asked.sent.kind.action is not Action.CREATE:
            return ()
        async with self.flow.db.read() as session:
            return await session.run_sync(lambda plain: candidates_of(cast(Session, plain), asked.row, asked.sent))

    def _needs_reading(self, asked: Asked, verdict: Verdict) -> bool:
        """Whether the MIS has the last word: where the provider knows nothing, or may be wrong."""
        match verdict:
            case Unclear():
                return True
            case Evidenced() | Pending() if asked.row.must_read:
                return True
            case Rejected(findings=findings):  # a create that was refused without a reason may be there all the same
                return asked.sent.kind.action is Action.CREATE and not findings
            case Pending(awaits_callback=True):
                return self._is_overdue(asked)
            case _:
                return False

    def _is_overdue(self, asked: Asked) -> bool:
        """Whether a callback is overdue, or somebody has asked for a check at once."""
        if asked.row.asked_at is not None and self.flow.clock.now() - asked.row.asked_at < _ASKED_FOR:
            return True
        return self._age(asked) >= timedelta(seconds=self.flow.settings.confirm.callback_patience_s)

    def _tries_until(self, asked: Asked, verdict: Verdict) -> datetime | None:
        """Return until when a provider that has not called back may still write it; None: nothing suggests that."""
        if not isinstance(verdict, Pending) or not verdict.awaits_callback:
            return None
        until = asked.sent.sent_at + self.flow.providers[asked.row.provider].keeps_trying()
        return until if until > self.flow.clock.now() else None

    def _is_too_late(self, asked: Asked) -> bool:
        return self._age(asked) > timedelta(seconds=self.flow.settings.confirm.give_up_s)

    def _age(self, asked: Asked) -> timedelta:
        row = asked.row
        return self.flow.clock.now() - max(row.sent_at or row.created_at, row.created_at)

    def _settle_all(self, said: Sequence[Said], session: Session) -> Sequence[Sequence[str]]:
        """Apply the verdicts on requests; return for each which jobs to wake for its lane."""
        for one in said:
            if isinstance(one.heard.verdict, Blocked):
                lock_for(session, one.asked.row, one.heard.verdict)
            elif isinstance(one.heard.verdict, GaveUp):
                locked_school(session, one.asked.row.school_id)
        rows = requests.lock_all(session, [one.asked.row.id for one in said])
        awaiting = {row.id: row for row in rows.values() if row.state in AWAITING}
        members = members_of_all(session, awaiting.values())
        without_doubt = {row.lane_id for row in awaiting.values()}
        without_doubt -= in_doubt.lanes_with(session, without_doubt) if without_doubt else set()
        for one in said:
            if (row := awaiting.get(one.asked.row.id)) is not None and row.state in AWAITING:
                changes = Changes(session, self.flow.clock.now(), f"provider:{row.provider}", without_doubt)
                self._settle(one, row, members[row.id], changes)
        write_out(session)
        settled = {row.lane_id for row in awaiting.values() if row.state == RequestState.SETTLED}
        queued = lanes.having_queued(session, settled) if settled else set()
        failpoints.hit("confirm.settle_uncommitted")
        return [self._wakes(one, awaiting.get(one.asked.row.id), queued) for one in said]

    def _settle(self, said: Said, request: RequestRow, members: Sequence[Member], changes: Changes) -> None:
        """Apply the verdict on one request."""
        asked, heard, lookups = said
        verdict, session = heard.verdict, changes.session
        makes = asked.sent.kind.action is Action.CREATE
        if makes and isinstance(verdict, ReadBack) and has_newcomers(session, request, asked.sent, heard.candidates):
            verdict = Pending()
        if isinstance(verdict, Rejected | Unclear):
            keep_answer(self.flow.secrets, session, request.id, verdict, changes.now)
        settling = Settling(
            self.flow, changes, request, members, asked.sent, lookups, heard.candidates, heard.tries_until
        )
        if verdict is None:
            settling.ask_a_person()
        else:
            settling.apply(verdict)
        session.add(request)
        if len(request.hints) > len(asked.sent.hints) and request.state != RequestState.SETTLED:
            request.check_at = changes.now  # one came while we asked
        said_of = {"request_id": request.id, "writeback_ids": [one for one, _ in request.members]}
        if isinstance(verdict, NotReached):
            outage_logs.of_provider("check_not_answered", "NotReached", of=request.provider, **said_of)
        else:
            log.info("request_checked", verdict=type(verdict).__name__, state=request.state, **said_of)

    def _wakes(self, said: Said, request: RequestRow | None, queued: Collection[str]) -> Sequence[str]:
        if request is None:
            return []
        if request.state == RequestState.SETTLED:
            return ["serve_lane"] if request.lane_id in queued else []
        return ["confirm_lane"] if len(request.hints) > len(said.asked.sent.hints) else []


def _trace(said: Said) -> None:
    """Trace that a verdict was written down."""
    asked, verdict = said.asked, type(said.heard.verdict).__name__
    with tracing.spans("settle", asked.traces, request_id=asked.row.id, lane=asked.row.lane_id, verdict=verdict):
        pass


def _sent(row: RequestRow, members: Sequence[Member]) -> SentRequest:
    return SentRequest(
        request_id=row.id,
        kind=KINDS[row.kind],
        records=[member.record for member in members],
        provider_ref=row.provider_ref,
        sent_at=row.sent_from or row.sent_at or row.created_at,
        hints=tuple(row.hints),
    )


def _adapter_failed(asked: Asked, error: Exception) -> NotReached:
    outage_logs.error("adapter_failed", error, request_id=asked.row.id)
    return NotReached(f"our adapter failed: {class_of(error)}")


def _part(read: ReadBack, records: range) -> ReadBack:
    """Return what was read of some of the records, by their positions among these."""
    found = {place: read.readings[position] for place, position in enumerate(records) if position in read.readings}
    return replace(read, readings=found)


def _shows_all(read: ReadBack | NotReached | Blocked, sent: SentRequest) -> bool:
    """Whether everything that was sent is in the MIS."""
    if not isinstance(read, ReadBack):
        return False
    readings = [read.readings.get(position) for position in range(len(sent.records))]
    return all(reading is not None and reading.matches for reading in readings)
