"""Confirm: turn hints, polls and read-backs into evidence, and settle the requests that await it.

What if it comes twice, out of order, or never? Settling looks at the request under a lock and leaves one that is
settled alone; a check that finds nothing asks again later, and in the end reads the MIS itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

import structlog
from sqlmodel import Session

from writeback.domain.finding import Finding
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
from writeback.flow.hold import hold_school
from writeback.flow.members import change_member, load_members, move_members, settle_members
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
        settled = await asyncio.gather(*(self._confirm_one(one) for one in asked))
        if any(settled):
            await self.flow.doorbell.ring("serve_lane", [lane_id])
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

    async def _confirm_one(self, asked: Asked) -> bool:
        """Ask, and write down what is known now; return whether the lane has something to send again."""
        account = await self.flow.registry.account(asked.row.school_id)
        provider = self.flow.providers[account.provider]
        now = self.flow.clock.now()
        verdict: Verdict | ReadBack = Unclear("the answer never came")
        if asked.row.state == RequestState.TAKEN:
            verdict = await provider.check(account, asked.sent, now)
        if isinstance(verdict, Unclear) or self._is_overdue(asked, verdict, now):
            lookups = await self.flow.lookups.view(account.school_id)
            verdict = await provider.read_back(account, asked.sent, lookups)
        return await self.flow.db.transact(partial(self._settle, asked, verdict))

    def _is_overdue(self, asked: Asked, verdict: Verdict | ReadBack, now: datetime) -> bool:
        """Whether a callback that should have come has not: then the MIS is read."""
        patience = timedelta(seconds=self.flow.settings.confirm.callback_patience_s)
        return isinstance(verdict, Pending) and verdict.check_at is None and now - asked.sent.sent_at >= patience

    def _settle(self, asked: Asked, verdict: Verdict | ReadBack, session: Session) -> bool:
        request = requests.lock(session, asked.row.id)
        if request is None or request.state not in AWAITING:
            return False
        members = load_members(session, request)
        changes = Changes(session, self.flow.clock.now(), f"provider:{request.provider}")
        _Settling(self.flow, changes, request, members, asked.sent).apply(verdict)
        session.add(request)
        log.info("request_checked", request_id=request.id, verdict=type(verdict).__name__, state=request.state)
        return request.state == RequestState.SETTLED and lanes.has_queued(session, request.lane_id)


def _sent(session: Session, row: RequestRow) -> SentRequest:
    members = load_members(session, row)
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
            case Evidenced(evidence, mis_ids):
                self._confirm(evidence, mis_ids)
            case Rejected(message, findings):
                self._close("rejected")
                refuse(self.changes, self.members, request_id=self.request.id, message=message, findings=findings)
            case Blocked(reason=reason, detail=detail):
                hold_school(self.flow, self.changes, self.request.school_id, reason, detail)
                self._ask_again(None)
            case GaveUp(reason=reason, detail=detail):
                self._close("gave_up")
                move_members(self.changes, self.members, RecordStatus.QUEUED, queued_by=Event.RETRY, detail=detail)
                hold_school(self.flow, self.changes, self.request.school_id, reason, detail)
            case ReadBack():
                self._read(verdict)
            case _:
                assert_never(verdict)

    def _close(self, result: str, evidence: str | None = None) -> None:
        request = self.request
        request.state, request.settled_at, request.check_at = RequestState.SETTLED, self.now, None
        request.result, request.evidence = result, evidence

    def _confirm(self, evidence: str, mis_ids: Mapping[int, Sequence[str]]) -> None:
        self._close("confirmed", evidence)
        for position, member in enumerate(self.members):
            ids = tuple(mis_ids.get(position, ()))
            change_member(member, RecordStatus.CONFIRMED, evidence=evidence, mis_ids=ids)
            member.opened.row.evidence = evidence
        settle_members(self.changes, self.members, detail=evidence)

    def _ask_again(self, check_at: datetime | None) -> None:
        """Ask later, ever less often; after a day without evidence a person decides."""
        confirm, request = self.flow.settings.confirm, self.request
        if self.now - self.sent.sent_at > timedelta(seconds=confirm.give_up_s):
            self._needs_person(
                "No evidence came in time.", "Look in the MIS whether the marks are there, then resolve it."
            )
            return
        wait = min(confirm.check_cap_s, confirm.first_check_s * 2 ** min(request.checks, 10))
        request.checks += 1
        request.check_at = max(check_at or self.now, self.now + timedelta(seconds=wait))

    def _read(self, read: ReadBack) -> None:
        """Settle record by record from what the MIS holds; a reading older than the request proves nothing missing."""
        all_match = all(
            position in read.readings and read.readings[position].matches for position in range(len(self.members))
        )
        is_stale = read.as_of is not None and read.as_of < self.sent.sent_at
        if all_match:
            self._confirm("read-back", {})
        elif is_stale:
            self._ask_again(None)
        else:
            self._settle_by_reading(read)

    def _settle_by_reading(self, read: ReadBack) -> None:
        self._close("read_back", "read-back")
        for position, member in enumerate(self.members):
            reading = read.readings.get(position)
            if reading is not None and reading.matches:
                change_member(member, RecordStatus.CONFIRMED, evidence="read-back")
            elif reading is None and not self.sent.kind.is_repeatable:
                change_member(member, RecordStatus.NEEDS_ATTENTION, findings=[_cannot_tell(member.index)])
            elif reading is None or reading.value is None:
                change_member(member, RecordStatus.QUEUED)
            else:
                change_member(
                    member, RecordStatus.NEEDS_ATTENTION, findings=[_other_value(reading.value, member.index)]
                )
        settle_members(self.changes, self.members, queued_by=Event.RETRY, detail="read-back")

    def _needs_person(self, message: str, hint: str) -> None:
        self._close("gave_up")
        for member in self.members:
            finding = Finding("no_evidence", message, hint, pointer=f"/records/{member.index}", record=member.index)
            change_member(member, RecordStatus.NEEDS_ATTENTION, findings=[finding])
        settle_members(self.changes, self.members, detail="no evidence")


def _cannot_tell(index: int) -> Finding:
    return Finding(
        code="cannot_be_read_back",
        message="The MIS does not tell whether this record is there.",
        hint="Look in the MIS: resolve it as confirmed where it is there, else send it again.",
        pointer=f"/records/{index}",
        record=index,
    )


def _other_value(value: str, index: int) -> Finding:
    return Finding(
        code="other_value_in_mis",
        message=f"The MIS holds {value} in this slot: it may have been changed there since.",
        hint="Decide which is right: resolve it as it is, or send it again.",
        pointer=f"/records/{index}/code",
        record=index,
    )
