"""Settles a request by read-back: what it wrote is in the MIS, is not, or something else is there.

A mark may be sent again whenever it is not there. What creates or changes something may be sent again only when no
answer ever said that the provider had it, the MIS has been read late enough to show it if it were there, and nothing
was ever there that is nearly what was to be made: somebody may have changed it. Anything less clear goes to a person.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS, Action, Family, Kind
from writeback.domain.lookups import LookupView
from writeback.domain.near_matches import in_words
from writeback.domain.outcome import ReadBack, SlotReadBack
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.confirm import read_back_findings
from writeback.flow.confirm.attribution import Attributed, Attribution
from writeback.flow.confirm.candidates import Candidate
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.last_look import refusal_of, without_refusal
from writeback.flow.engine.recovery import count_failure, may_go_again, note_in_doubt
from writeback.flow.engine.refusals import end_refused
from writeback.flow.engine.request_members import (
    BLANK,
    change_member,
    close_request,
    halve,
    leave_member,
    settle_members,
)
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member
from writeback.providers.base import SentRequest
from writeback.store.tables import RequestRow
from writeback.store.writebacks import in_doubt, requests
from writeback.store.writebacks.requests import RequestState

_EVIDENCE = "read-back"
_OF_MARKS = (Family.SESSION_MARKS, Family.LESSON_MARKS)
_IS_NOT_THERE = (
    "nothing like it was seen in the MIS; had the office removed it before anybody looked, nothing would show"
)


class Seen(Enum):
    """What the MIS says of one record."""

    THERE = auto()
    ABSENT = auto()
    OTHER = auto()
    """Something else is there."""
    UNREADABLE = auto()


@dataclass(frozen=True)
class ReadBackSettlement:
    """Applies a read-back to one locked request."""

    flow: FlowContext
    changes: Changes
    request: RequestRow
    members: Sequence[Member]
    sent: SentRequest
    lookups: LookupView
    candidates: Sequence[Candidate] = ()
    """Others that may have made what is found; their read-backs follow those of the members."""
    tries_until: datetime | None = None
    """The provider has not called back, and may still write until then what is not there."""

    @property
    def kind(self) -> Kind:
        return KINDS[self.request.kind]

    def settle(self, read: ReadBack) -> bool:
        """Settle every record; return False, and settle none, where it is too early to say."""
        if read.as_of is not None and read.as_of < self._last_sent_at:
            return False  # a read-back older than the request proves nothing
        readings = [read.readings.get(position) for position in range(len(self.members))]
        attribution = self._attribution(read)
        all_attributed = attribution.attribute_all(self.members, readings)
        for member, reading, attributed in zip(self.members, readings, all_attributed, strict=True):
            self._keep_near(attribution, member, reading, attributed)
        if any(
            attributed.is_open or (attributed.ids is None and self._may_show_later(read))
            for attributed in all_attributed
        ):
            return False
        was_in_doubt = self.request.state == RequestState.IN_DOUBT
        is_spoilt = self.request.result == requests.SPOILT
        is_ending = self._is_ending
        for member, reading, attributed in zip(self.members, readings, all_attributed, strict=True):
            removed = attribution.unclaimed(member, read.removed)
            if is_ending and refusal_of(member.opened.progress[member.index]):
                self._end_refused(member, reading, attributed)
            elif is_spoilt and len(self.members) == 1 and self._is_missing(member, reading, attributed, removed):
                self._end(member, reading)
            else:
                self._settle_one(member, reading, attributed, removed, was_in_doubt=was_in_doubt)
        if is_spoilt:
            halve([member for member in self.members if _is_queued(member)], self.request.id)
        if not self._is_restored and not is_ending:  # else this request has written nothing
            count_failure([member for member in self.members if _is_queued(member)])
        close_request(self.request, self.changes.now, "read_back", _EVIDENCE)
        if self.tries_until is not None:  # the value may have stood there before: ours may still come, over a newer one
            note_in_doubt(self.flow, self.changes, self.request, self.members, until=self.tries_until)
        elif not is_ending:
            note_in_doubt(
                self.flow, self.changes, self.request, [one for one in self.members if not _is_confirmed(one)]
            )
        said = _EVIDENCE if self.kind.is_repeatable else f"{_EVIDENCE}: {_IS_NOT_THERE}"
        detail = said if any(map(_is_queued, self.members)) else _EVIDENCE
        settle_members(self.changes, self.members, queued_by=Event.RETRY, detail=detail)
        return True

    def _keep_near(
        self, attribution: Attribution, member: Member, reading: SlotReadBack | None, attributed: Attributed
    ) -> None:
        """Keep what is nearly the record with it until it settles: what is gone later was there all the same.

        What turned out to belong to another record is dropped.
        """
        before = member.opened.progress[member.index]
        near = {one.mis_id: one.as_json() for one in attributed.near}
        gone = {one["mis_id"]: one for one in before.near if one["mis_id"] not in _shown(reading)}
        gone = {mis_id: gone[mis_id] for mis_id in attribution.unclaimed(member, gone)} if gone else {}
        kept = () if attributed.ids is not None else (*near.values(), *gone.values())
        if kept != before.near:
            member.opened.keep(member.index, replace(before, near=kept))
            self.changes.session.add(member.opened.row)

    @property
    def _is_restored(self) -> bool:
        """Whether it stands for what may have been sent before the database was restored."""
        return self.request.result == requests.RESTORED

    @property
    def _is_ending(self) -> bool:
        """Whether some of its records were refused, and end unless an earlier request has written them."""
        return self.request.result == requests.ENDING

    def _own_may_come_until(self) -> datetime:
        """Return until when an earlier request of ours may still write what this one carries."""
        own = {member.opened.row.id for member in self.members}
        earlier = in_doubt.about(self.changes.session, self.request.lane_id, self.request.slots)
        return max((one.until for one in earlier if one.writeback_id in own), default=self.changes.now)

    @property
    def _last_sent_at(self) -> datetime:
        """The last instant at which what it carries may have been sent."""
        return self.request.sent_at or self.request.created_at

    def _may_show_later(self, read: ReadBack) -> bool:
        """Whether what the read-back lacks may be in the MIS all the same: applied late, or not yet visible."""
        confirm, sent_at = self.flow.settings.confirm, self._last_sent_at
        if self.kind.is_repeatable:  # sent again, it does no harm; only a newer one that we have forgotten would suffer
            if self._is_ending:
                return self._own_may_come_until() > self.changes.now
            is_early = self.changes.now < sent_at + timedelta(seconds=confirm.late_after_s)
            return self.tries_until is not None or (self._is_restored and is_early)
        tries_for = self.flow.providers[self.request.provider].keeps_trying()
        applied_by = sent_at + max(timedelta(seconds=confirm.late_after_s), tries_for)
        if read.as_of is not None:
            return read.as_of < applied_by
        shown_by = sent_at + tries_for + timedelta(seconds=confirm.absence_patience_s)
        return self.changes.now < max(applied_by, shown_by)

    def _attribution(self, read: ReadBack) -> Attribution:
        first = len(self.members)
        candidates = [(candidate, read.readings.get(first + place)) for place, candidate in enumerate(self.candidates)]
        return Attribution(self.flow, self.changes, self.request, self.sent, candidates)

    def _settle_one(
        self,
        member: Member,
        reading: SlotReadBack | None,
        attributed: Attributed,
        removed: Collection[str],
        *,
        was_in_doubt: bool,
    ) -> None:
        seen = _seen(reading)
        if reading is None and self._is_restored:
            _ask(member, read_back_findings.cannot_be_looked_for(member))
        elif reading is not None and reading.is_kept:
            leave_member(member, reading.value, "the MIS replaces no mark by this one")
        elif attributed.ids is not None:
            self._confirm(member, attributed.ids)
        elif attributed.is_unclear:
            _ask(member, read_back_findings.may_be_anothers(member))
        elif near := member.opened.progress[member.index].near:
            _ask(member, read_back_findings.nearly(member, near), holds=in_words(attributed.near))
        elif removed:
            _ask(member, read_back_findings.may_be_removed(member, removed))
        elif self._goes_again(member, seen, reading, was_in_doubt):
            change_member(member, RecordStatus.QUEUED)
        elif reading is None or seen is not Seen.OTHER or self.kind.action is Action.CREATE:
            _ask(member, read_back_findings.cannot_tell(member))
        elif self.request.must_read:  # the provider has said that ours was written: somebody has changed it since
            self._confirm(member, (), [read_back_findings.changed_since(member, reading.value or "")])
        else:
            holds = reading.value or ""
            _ask(member, read_back_findings.other_value(member, holds), holds=holds)

    def _is_missing(
        self, member: Member, reading: SlotReadBack | None, attributed: Attributed, removed: Collection[str]
    ) -> bool:
        """Whether nothing that the MIS holds, or held, can be what was sent, as far as it can be read."""
        may_be_it = attributed.is_unclear or member.opened.progress[member.index].near or removed
        return attributed.ids is None and not may_be_it and _seen(reading) in (Seen.ABSENT, Seen.UNREADABLE)

    def _end(self, member: Member, reading: SlotReadBack | None) -> None:
        """Fail a record that stood alone and is not in the MIS; a person is asked where that cannot be seen."""
        status = RecordStatus.FAILED if _seen(reading) is Seen.ABSENT else RecordStatus.NEEDS_ATTENTION
        outcome = requests.last_detail(self.changes.session, self.request.id)
        change_member(member, status, findings=[read_back_findings.cannot_be_taken(member, outcome)], group=None)

    def _end_refused(self, member: Member, reading: SlotReadBack | None, attributed: Attributed) -> None:
        """Confirm a refused record that an earlier request has written; end it where the MIS shows that none has."""
        progress = member.opened.progress
        if attributed.ids is not None:
            progress[member.index] = without_refusal(progress[member.index])
            self._confirm(member, attributed.ids, [read_back_findings.written_before(member)])
        elif reading is None:
            _ask(member, read_back_findings.cannot_tell(member))
        else:
            end_refused(self.changes, member, self.request.id)

    def _confirm(self, member: Member, ids: Sequence[str], findings: Sequence[Finding] = ()) -> None:
        change_member(member, RecordStatus.CONFIRMED, findings=findings, evidence=_EVIDENCE, mis_ids=tuple(ids))
        member.opened.row.evidence = _EVIDENCE

    def _goes_again(self, member: Member, seen: Seen, reading: SlotReadBack | None, was_in_doubt: bool) -> bool:
        if self._is_restored and self.kind.family in _OF_MARKS and reading is not None and reading.value in BLANK:
            return True
        if self.kind.is_repeatable and (reading is None or seen is not Seen.OTHER):
            return may_go_again(self.flow, self.request, [member])
        if not self._has_tries_left(member):
            return False
        if self.kind.is_repeatable and reading is not None:
            return self._is_a_late_one_of_ours(member, reading.value)
        return was_in_doubt and seen is not Seen.UNREADABLE

    def _is_a_late_one_of_ours(self, member: Member, value: str | None) -> bool:
        """Whether the mark there is an older one of ours that arrived late, and not one that somebody entered."""
        slot, codes = self.kind.slot(member.record), self.lookups.attendance_codes
        for one in in_doubt.about(self.changes.session, self.request.lane_id, [slot] if slot else []):
            row = codes.resolve(one.code) if codes else None
            if one.writeback_id != member.opened.row.id and value in (one.code, row and row.get("code")):
                return True
        return False

    def _has_tries_left(self, member: Member) -> bool:
        return 1 + member.opened.row.failures < self.flow.settings.dispatch.max_attempts


def _ask(member: Member, finding: Finding, *, holds: str | None = None) -> None:
    change_member(member, RecordStatus.NEEDS_ATTENTION, findings=[finding], mis_holds=holds)


def _seen(reading: SlotReadBack | None) -> Seen:
    if reading is None:
        return Seen.UNREADABLE
    if reading.matches:
        return Seen.THERE
    return Seen.ABSENT if reading.value is None else Seen.OTHER


def _is_queued(member: Member) -> bool:
    return member.opened.progress[member.index].status is RecordStatus.QUEUED


def _is_confirmed(member: Member) -> bool:
    return member.opened.progress[member.index].status is RecordStatus.CONFIRMED


def _shown(reading: SlotReadBack | None) -> set[str]:
    """Return the ids of all that the MIS shows for a record, exactly or nearly."""
    if reading is None:
        return set()
    return {mis_id for found in reading.found for mis_id in found.ids} | {near.mis_id for near in reading.near}
