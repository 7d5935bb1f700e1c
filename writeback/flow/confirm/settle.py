"""What a verdict does to a request and its records. `confirm` asks; this writes down, under the request's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from writeback.domain.finding import Finding, Severity
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
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.confirm.candidates import Candidate
from writeback.flow.confirm.overdue_callbacks import next_read_back
from writeback.flow.confirm.read_back import ReadBackSettlement
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import hold_for, hold_school
from writeback.flow.engine.recovery import late_until
from writeback.flow.engine.refusals import refuse
from writeback.flow.engine.request_members import (
    change_member,
    change_members,
    claim,
    close_request,
    move_members,
    settle_members,
)
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member
from writeback.providers.base import SentRequest
from writeback.store.tables import RequestRow


@dataclass(frozen=True)
class Settling:
    """Applies one verdict to one locked request."""

    flow: FlowContext
    changes: Changes
    request: RequestRow
    members: Sequence[Member]
    sent: SentRequest
    lookups: LookupView
    candidates: Sequence[Candidate] = ()
    tries_until: datetime | None = None
    """The provider has not called back, and may go on trying until then."""

    @property
    def now(self) -> datetime:
        return self.changes.now

    def apply(self, verdict: Verdict | ReadBack) -> None:
        """Match the verdict, to the last case."""
        match verdict:
            case Pending(check_at=check_at):
                self._ask_again(check_at)
            case NotReached(retry_after_s=asked):
                patience = min(asked or 0, self.flow.settings.dispatch.retry_after_cap_s)
                self._ask_again(self.now + timedelta(seconds=patience))
            case Unclear():
                self._ask_again(None)
            case Evidenced():
                self._evidenced(verdict)
            case Rejected(message, findings, said=said):
                told = {"message": message, "words": said}
                refuse(self.changes, self.request, self.members, result="rejected", findings=findings, **told)
            case Blocked():
                hold_for(self.flow, self.changes, self.request, verdict)
                self._ask_again(None)
            case GaveUp(reason=reason, detail=detail):
                close_request(self.request, self.now, "gave_up")
                move_members(self.changes, self.members, RecordStatus.QUEUED, queued_by=Event.RETRY, detail=detail)
                hold_school(self.flow, self.changes, self.request.school_id, reason, detail)
            case ReadBack(as_of=as_of):
                late = late_until(self.changes, self.request, self.members)
                if late is not None and (as_of or self.now) < late:  # an older mark may have come since, or still come
                    self._ask_again(late)
                    return
                reading = ReadBackSettlement(
                    self.flow,
                    self.changes,
                    self.request,
                    self.members,
                    self.sent,
                    self.lookups,
                    self.candidates,
                    self.tries_until,
                )
                if not reading.settle(verdict):
                    self._ask_again(None)
            case _:
                assert_never(verdict)

    def _evidenced(self, evidenced: Evidenced) -> None:
        """Confirm; but while an older mark of a slot may still arrive, wait for that and read the slot then."""
        late = late_until(self.changes, self.request, self.members)
        if late is not None and late > self.now:
            self.request.must_read, self.request.check_at = True, late
            return
        evidence = evidenced.evidence
        close_request(self.request, self.now, "confirmed", evidence)
        of_each = evidenced.mis_ids.keys() | evidenced.notes.keys()
        alike = [member for position, member in enumerate(self.members) if position not in of_each]
        change_members(alike, RecordStatus.CONFIRMED, evidence=evidence, mis_ids=())
        for position in sorted(of_each):
            member, ids = self.members[position], tuple(evidenced.mis_ids.get(position, ()))
            note = evidenced.notes.get(position)
            findings = [_note(note, member.index)] if note else []
            change_member(member, RecordStatus.CONFIRMED, findings=findings, evidence=evidence, mis_ids=ids)
            for mis_id in ids:  # for the sake of others that look the same
                claim(self.changes, self.request, member, mis_id)
        for row in {id(member.opened): member.opened.row for member in self.members}.values():
            row.evidence = evidence
        settle_members(self.changes, self.members, detail=evidence)

    def _ask_again(self, check_at: datetime | None) -> None:
        """Ask later, less and less often; but never later than an answer can still count."""
        confirm, request = self.flow.settings.confirm, self.request
        wait = min(confirm.check_cap_s, confirm.first_check_s * 2 ** min(request.checks, 10))
        request.checks += 1
        if self.tries_until is not None:
            patience = timedelta(seconds=confirm.callback_patience_s)
            reading = next_read_back(request.lane_id, self.sent.sent_at, self.now, patience, self.tries_until)
            check_at = max(check_at or self.now, reading)
        last = max(request.sent_at or request.created_at, request.created_at) + timedelta(seconds=confirm.give_up_s + 1)
        request.check_at = max(min(check_at or self.now, last), self.now + timedelta(seconds=wait))

    def ask_a_person(self) -> None:
        """Give up looking for evidence."""
        close_request(self.request, self.now, "no_evidence")
        for member in self.members:
            change_member(member, RecordStatus.NEEDS_ATTENTION, findings=[_no_evidence(member)])
        settle_members(self.changes, self.members, detail="no evidence")


def _note(note: str, index: int) -> Finding:
    return Finding(
        code="confirmed_with_a_note",
        severity=Severity.WARNING,
        message=note,
        hint="Look in the MIS if it matters which mark stands.",
        pointer=f"/records/{index}/code",
        record=index,
    )


def _no_evidence(member: Member) -> Finding:
    return Finding(
        code="no_evidence",
        message="No evidence came in time.",
        hint=f"Look in the MIS whether the {member.kind.noun} is there; if it is not, send it again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )
