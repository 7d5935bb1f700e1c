"""Confirm: turn hints, polls and read-backs into evidence, and settle the requests that await it.

What if it comes twice, out of order, or never? Settling looks at the request under a lock and leaves one that is
settled alone; a check that finds nothing asks again later, and in the end reads the MIS itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import NamedTuple, cast

import structlog
from sqlmodel import Session

from writeback.core import failpoints, outages
from writeback.core.failures import class_of
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
from writeback.flow.changes import Changes
from writeback.flow.context import FlowContext
from writeback.flow.hold import lock_for, locked_school
from writeback.flow.members import load_members
from writeback.flow.rivals import Rival, has_newcomers, rivals_of
from writeback.flow.settle import Settling
from writeback.providers.base import SentRequest
from writeback.store import lanes, requests
from writeback.store.requests import AWAITING, RequestState
from writeback.store.tables import RequestRow

log = structlog.get_logger()

_AT_ONCE = 20
"""Requests of one lane that are asked about in one job."""


@dataclass(frozen=True)
class Asked:
    """A request as it was when it was asked about."""

    row: RequestRow
    sent: SentRequest


class Heard(NamedTuple):
    """What is known of a request now; of `verdict` None: it is too late for one, and a person is asked."""

    verdict: Verdict | ReadBack | None
    rivals: Sequence[Rival] = ()
    """Records of other requests that were read beside its own."""


@dataclass(frozen=True)
class Confirmer:
    """Confirms the requests of lanes."""

    flow: FlowContext

    async def confirm(self, lane_id: str) -> None:
        """Ask about every request of the lane that is due, and ring for what its settling sets free."""
        if failpoints.hit("confirm.before_claim"):
            await self.flow.db.transact(partial(self._claim, lane_id))
        asked = await self.flow.db.transact(partial(self._claim, lane_id))
        failpoints.hit("confirm.after_claim")
        turn = asyncio.Lock()  # they are asked about at once, and written down in turn: other lanes want to write too
        rings = await asyncio.gather(*(self._confirm_one(one, turn) for one in asked), return_exceptions=True)
        for one, came in zip(asked, rings, strict=True):
            if isinstance(came, BaseException):
                outages.error("check_failed", came, request_id=one.row.id)
        for job in {job for came in rings if not isinstance(came, BaseException) for job in came}:
            await self.flow.doorbell.ring(job, [lane_id])
        if len(asked) == _AT_ONCE:
            await self.flow.doorbell.ring("confirm_lane", [lane_id])

    def _claim(self, lane_id: str, session: Session) -> list[Asked]:
        """Return the requests that are due, and keep others from asking about them until an answer can be here."""
        now = self.flow.clock.now()
        due = requests.due_checks(session, lane_id, now, _AT_ONCE)
        for row in due:
            row.check_at = now + timedelta(seconds=2 * self.flow.settings.dispatch.request_timeout_s)
            session.add(row)
        return [Asked(row, _sent(session, row)) for row in due]

    async def _confirm_one(self, asked: Asked, turn: asyncio.Lock) -> Sequence[str]:
        """Ask, and write down what is known now; return which doorbells to ring for the lane."""
        lookups = await self.flow.lookups.view(asked.row.school_id)
        heard = Heard(None) if self._is_too_late(asked) else await self._hear(asked, lookups)
        async with turn:
            if failpoints.hit("confirm.before_settle"):
                await self.flow.db.transact(partial(self._settle, asked, heard, lookups))
            rings = await self.flow.db.transact(partial(self._settle, asked, heard, lookups))
            failpoints.hit("confirm.after_settle")
        return rings

    async def _hear(self, asked: Asked, lookups: LookupView) -> Heard:
        """Return what hints and provider say; where they say nothing, what the MIS holds."""
        account = await self.flow.registry.account(asked.row.school_id)
        provider = self.flow.providers[account.provider]
        try:
            verdict: Verdict = Unclear("the answer never came")
            if asked.row.state == RequestState.TAKEN or asked.sent.hints:
                if failpoints.hit("confirm.before_ask"):
                    await provider.check(account, asked.sent, self.flow.clock.now())
                verdict = await provider.check(account, asked.sent, self.flow.clock.now())
                failpoints.hit("confirm.after_ask")
            if not self._needs_reading(asked, verdict):
                return Heard(verdict)
            rivals = await self._rivals(asked)
            both = replace(asked.sent, records=[*asked.sent.records, *(rival.record for rival in rivals)])
            if failpoints.hit("confirm.before_read"):
                await provider.read_back(account, both, lookups)
            read = await provider.read_back(account, both, lookups)
            failpoints.hit("confirm.after_read")
        except Exception as error:
            outages.error("adapter_failed", error, request_id=asked.row.id)
            return Heard(NotReached(f"our adapter failed: {class_of(error)}"))
        if isinstance(verdict, Rejected) and not _shows_all(read, asked.sent):
            return Heard(verdict)
        return Heard(read, rivals)

    async def _rivals(self, asked: Asked) -> Sequence[Rival]:
        """Return who else may have made what is found, where the request was to make something."""
        if asked.sent.kind.action is not Action.CREATE:
            return ()
        async with self.flow.db.read() as session:
            return await session.run_sync(lambda plain: rivals_of(cast(Session, plain), asked.row, asked.sent))

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
        """Whether a callback that should have come has not. Without a reference none can come."""
        patience = timedelta(seconds=self.flow.settings.confirm.callback_patience_s)
        return asked.sent.provider_ref is None or self._age(asked) >= patience

    def _is_too_late(self, asked: Asked) -> bool:
        return self._age(asked) > timedelta(seconds=self.flow.settings.confirm.give_up_s)

    def _age(self, asked: Asked) -> timedelta:
        return self.flow.clock.now() - asked.sent.sent_at

    def _settle(self, asked: Asked, heard: Heard, lookups: LookupView, session: Session) -> Sequence[str]:
        """Apply the verdict."""
        verdict = heard.verdict
        if isinstance(verdict, Blocked):
            lock_for(session, asked.row, verdict)
        elif isinstance(verdict, GaveUp):
            locked_school(session, asked.row.school_id)
        request = requests.lock(session, asked.row.id)
        if request is None or request.state not in AWAITING:
            return []
        members = load_members(session, request)
        changes = Changes(session, self.flow.clock.now(), f"provider:{request.provider}")
        makes = asked.sent.kind.action is Action.CREATE
        if makes and isinstance(verdict, ReadBack) and has_newcomers(session, request, asked.sent, heard.rivals):
            verdict = Pending()
        settling = Settling(self.flow, changes, request, members, asked.sent, lookups, heard.rivals)
        if verdict is None:
            settling.ask_a_person()
        else:
            settling.apply(verdict)
        session.add(request)
        if isinstance(verdict, NotReached):
            outages.of_provider("check_not_answered", "NotReached", of=request.provider, request_id=request.id)
        else:
            log.info("request_checked", request_id=request.id, verdict=type(verdict).__name__, state=request.state)
        failpoints.hit("confirm.settle_uncommitted")
        if request.state == RequestState.SETTLED:
            return ["serve_lane"] if lanes.has_queued(session, request.lane_id) else []
        if len(request.hints) > len(asked.sent.hints):  # one came while we asked
            request.check_at = changes.now
            return ["confirm_lane"]
        return []


def _sent(session: Session, row: RequestRow) -> SentRequest:
    members = load_members(session, row, to_change=False)
    return SentRequest(
        request_id=row.id,
        kind=KINDS[row.kind],
        records=[member.record for member in members],
        provider_ref=row.provider_ref,
        sent_at=row.sent_at or row.created_at,
        hints=tuple(row.hints),
    )


def _shows_all(read: ReadBack | NotReached | Blocked, sent: SentRequest) -> bool:
    """Whether everything that was sent is in the MIS."""
    if not isinstance(read, ReadBack):
        return False
    readings = [read.readings.get(position) for position in range(len(sent.records))]
    return all(reading is not None and reading.matches for reading in readings)
