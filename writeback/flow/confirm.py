"""Confirm: turn hints, polls and read-backs into evidence, and settle the requests that await it.

What if it comes twice, out of order, or never? Settling looks at the request under a lock and leaves one that is
settled alone; a check that finds nothing asks again later, and in the end reads the MIS itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

import structlog
from sqlmodel import Session

from writeback.core.failures import class_of, place_of
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import KINDS
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
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.changes import Changes
from writeback.flow.context import FlowContext
from writeback.flow.hold import hold_school, locked_school
from writeback.flow.members import change_member, close_request, load_members, move_members, settle_members
from writeback.flow.recovery import count_failure, may_go_again
from writeback.flow.refusal import refuse
from writeback.flow.turn import Member
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


@dataclass(frozen=True)
class Confirmer:
    """Confirms the requests of lanes."""

    flow: FlowContext

    async def confirm(self, lane_id: str) -> None:
        """Ask about every request of the lane that is due, and ring for what its settling sets free."""
        asked = await self.flow.db.transact(partial(self._claim, lane_id))
        rings = await asyncio.gather(*(self._confirm_one(one) for one in asked), return_exceptions=True)
        for one, came in zip(asked, rings, strict=True):
            if isinstance(came, BaseException):
                log.error("check_failed", request_id=one.row.id, error=class_of(came), place=place_of(came))
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

    async def _confirm_one(self, asked: Asked) -> Sequence[str]:
        """Ask, and write down what is known now; return which doorbells to ring for the lane."""
        verdict = None if self._is_too_late(asked) else await self._verdict(asked)
        return await self.flow.db.transact(partial(self._settle, asked, verdict))

    async def _verdict(self, asked: Asked) -> Verdict | ReadBack:
        """Return what hints and provider say; where they say nothing, what the MIS holds."""
        account = await self.flow.registry.account(asked.row.school_id)
        provider = self.flow.providers[account.provider]
        try:
            verdict: Verdict | ReadBack = Unclear("the answer never came")
            if asked.row.state == RequestState.TAKEN or asked.sent.hints:
                verdict = await provider.check(account, asked.sent, self.flow.clock.now())
            if isinstance(verdict, Unclear) or self._is_overdue(asked, verdict):
                lookups = await self.flow.lookups.view(account.school_id)
                verdict = await provider.read_back(account, asked.sent, lookups)
        except Exception as error:
            log.error("adapter_failed", request_id=asked.row.id, error=class_of(error), place=place_of(error))
            return NotReached(f"our adapter failed: {class_of(error)}")
        return verdict

    def _is_overdue(self, asked: Asked, verdict: Verdict | ReadBack) -> bool:
        """Whether a callback that should have come has not: then the MIS is read."""
        patience = timedelta(seconds=self.flow.settings.confirm.callback_patience_s)
        return isinstance(verdict, Pending) and verdict.awaits_callback and self._age(asked) >= patience

    def _is_too_late(self, asked: Asked) -> bool:
        return self._age(asked) > timedelta(seconds=self.flow.settings.confirm.give_up_s)

    def _age(self, asked: Asked) -> timedelta:
        return self.flow.clock.now() - asked.sent.sent_at

    def _settle(self, asked: Asked, verdict: Verdict | ReadBack | None, session: Session) -> Sequence[str]:
        """Apply the verdict; None: it is too late for one, and a person is asked."""
        if isinstance(verdict, Blocked | GaveUp):  # the school before its writebacks: everyone locks in this order
            locked_school(session, asked.row.school_id)
        request = requests.lock(session, asked.row.id)
        if request is None or request.state not in AWAITING:
            return []
        members = load_members(session, request)
        changes = Changes(session, self.flow.clock.now(), f"provider:{request.provider}")
        settling = _Settling(self.flow, changes, request, members, asked.sent)
        if verdict is None:
            settling.ask_a_person()
        else:
            settling.apply(verdict)
        session.add(request)
        log.info("request_checked", request_id=request.id, verdict=type(verdict).__name__, state=request.state)
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


@dataclass(frozen=True)
class _Settling:
    """Applies one verdict to one locked request."""

    flow: FlowContext
    changes: Changes
    request: RequestRow
    members: Sequence[Member]
    sent: SentRequest

    @property
    def now(self) -> datetime:
        return self.changes.now

    def apply(self, verdict: Verdict | ReadBack) -> None:
        """Match the verdict, to the last case."""
        match verdict:
            case Pending(check_at=check_at):
                self._ask_again(check_at)
            case NotReached(retry_after_s=retry_after_s):
                self._ask_again(self.now + timedelta(seconds=retry_after_s) if retry_after_s else None)
            case Unclear():
                self._ask_again(None)
            case Evidenced():
                self._confirm(verdict)
            case Rejected(message, findings):
                close_request(self.request, self.now, "rejected")
                refuse(self.changes, self.members, request_id=self.request.id, message=message, findings=findings)
            case Blocked(reason=reason, detail=detail):
                hold_school(self.flow, self.changes, self.request.school_id, reason, detail)
                self._ask_again(None)
            case GaveUp(reason=reason, detail=detail):
                close_request(self.request, self.now, "gave_up")
                move_members(self.changes, self.members, RecordStatus.QUEUED, queued_by=Event.RETRY, detail=detail)
                hold_school(self.flow, self.changes, self.request.school_id, reason, detail)
            case ReadBack():
                self._read(verdict)
            case _:
                assert_never(verdict)

    def _confirm(self, evidenced: Evidenced) -> None:
        evidence = evidenced.evidence
        close_request(self.request, self.now, "confirmed", evidence)
        for position, member in enumerate(self.members):
            ids = tuple(evidenced.mis_ids.get(position, ()))
            note = evidenced.notes.get(position)
            findings = [_note(note, member.index)] if note else []
            change_member(member, RecordStatus.CONFIRMED, findings=findings, evidence=evidence, mis_ids=ids)
            member.opened.row.evidence = evidence
        settle_members(self.changes, self.members, detail=evidence)

    def _ask_again(self, check_at: datetime | None) -> None:
        """Ask later, ever less often."""
        confirm, request = self.flow.settings.confirm, self.request
        wait = min(confirm.check_cap_s, confirm.first_check_s * 2 ** min(request.checks, 10))
        request.checks += 1
        request.check_at = max(check_at or self.now, self.now + timedelta(seconds=wait))

    def _read(self, read: ReadBack) -> None:
        """Settle record by record from what the MIS holds; a reading older than the request proves nothing."""
        if read.as_of is not None and read.as_of < self.sent.sent_at:
            self._ask_again(None)
        else:
            self._settle_by_reading(read)

    def _settle_by_reading(self, read: ReadBack) -> None:
        close_request(self.request, self.now, "read_back", "read-back")
        for position, member in enumerate(self.members):
            reading, row = read.readings.get(position), member.opened.row
            if reading is not None and reading.matches:
                change_member(member, RecordStatus.CONFIRMED, evidence="read-back")
                row.evidence = "read-back"
            elif reading is not None and reading.value is not None:
                other = _other_value(reading.value, member.index)
                change_member(member, RecordStatus.NEEDS_ATTENTION, findings=[other])
            elif may_go_again(self.flow, self.request, [member]):
                change_member(member, RecordStatus.QUEUED)
            else:
                change_member(member, RecordStatus.NEEDS_ATTENTION, findings=[_cannot_tell(member.index)])
        count_failure([member for member in self.members if _is_queued(member)])
        settle_members(self.changes, self.members, queued_by=Event.RETRY, detail="read-back")

    def ask_a_person(self) -> None:
        """Give up looking for evidence."""
        close_request(self.request, self.now, "no_evidence")
        message = "No evidence came in time."
        hint = "Look in the MIS whether the mark is there; if it is not, send it again as a new writeback."
        for member in self.members:
            finding = Finding("no_evidence", message, hint, pointer=f"/records/{member.index}", record=member.index)
            change_member(member, RecordStatus.NEEDS_ATTENTION, findings=[finding])
        settle_members(self.changes, self.members, detail="no evidence")


def _is_queued(member: Member) -> bool:
    return member.opened.progress[member.index].status is RecordStatus.QUEUED


def _note(note: str, index: int) -> Finding:
    return Finding(
        code="confirmed_with_a_note",
        severity=Severity.WARNING,
        message=note,
        hint="Look in the MIS if it matters which mark stands.",
        pointer=f"/records/{index}/code",
        record=index,
    )


def _cannot_tell(index: int) -> Finding:
    return Finding(
        code="cannot_be_read_back",
        message="It was sent several times, and the MIS does not show it.",
        hint="Look in the MIS whether it is there; if it is not, send it again as a new writeback.",
        pointer=f"/records/{index}",
        record=index,
    )


def _other_value(value: str, index: int) -> Finding:
    return Finding(
        code="other_value_in_mis",
        message=f"The MIS holds {value} in this slot: it may have been changed there since.",
        hint="Decide which is right; to replace it, send the mark again as a new writeback.",
        pointer=f"/records/{index}/code",
        record=index,
    )
