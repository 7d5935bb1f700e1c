"""Candidates: other records of ours that may have made what is found in the MIS for a record whose answer was lost.

Two records can be alike in all that a provider shows. A record that the provider confirmed without an id, or took
without an answer yet, has claimed nothing; so a record that looks for its own must leave it one. A record that claimed
a thing while its own answer was in doubt is no candidate any more, however it was confirmed. One that is in doubt
itself accounts for what it matches exactly where another record matches that nearly; of things that match both exactly
whoever looks first has one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from writeback.domain.kinds import KINDS, Record
from writeback.domain.outcome import Found
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.request_members import load_members
from writeback.providers.base import SentRequest
from writeback.store.tables import RequestRow
from writeback.store.writebacks import claimed_things, requests

_BEFORE = timedelta(days=1)
"""How much earlier a candidate may have been sent: a provider may write later what it took."""
_MOST = 100
CLOCKS_DIFFER = timedelta(minutes=2)
"""By how much a provider's clock and ours may differ."""


@dataclass(frozen=True)
class Candidate:
    """Another record that may have made the same thing; `settled_at` None: its own evidence is still awaited."""

    writeback_id: str
    index: int
    record: Record
    sent_at: datetime
    settled_at: datetime | None
    is_in_doubt: bool = False
    """No answer says that the provider has it."""

    def may_have_made(self, found: Found) -> bool:
        """Whether it was made between our sending the record and our evidence of it, as far as times are given."""
        if found.created_at is None:
            return True
        is_later = self.settled_at is not None and found.created_at > self.settled_at + CLOCKS_DIFFER
        return not is_later and found.created_at >= self.sent_at - CLOCKS_DIFFER

    def must_show(self, now: datetime, patience_s: float) -> bool:
        """Whether what it made is to be seen by now."""
        return self.settled_at is not None and now - self.settled_at >= timedelta(seconds=patience_s)


def candidates_of(session: Session, request: RequestRow, sent: SentRequest) -> list[Candidate]:
    """Return the candidates beside the request's own records: records of other requests in its lane."""
    wanted = {person for record in sent.records for person in _people(record)}
    found: list[Candidate] = []
    for other in requests.may_have_made_it_too(session, request, since=sent.sent_at - _BEFORE, limit=_MOST):
        for member in load_members(session, other, to_change=False):
            progress = member.opened.progress[member.index]
            is_unproven = progress.status in _UNPROVEN and not progress.mis_ids
            if is_unproven and not wanted.isdisjoint(_people(member.record)):
                sent_at = other.sent_from or other.sent_at or other.created_at
                found.append(
                    Candidate(
                        member.opened.row.id,
                        member.index,
                        member.record,
                        sent_at,
                        other.settled_at,
                        is_in_doubt=progress.status is RecordStatus.UNKNOWN,
                    )
                )
    have = claimed_things.that_have(
        session,
        school_id=request.school_id,
        family=KINDS[request.kind].family,
        writeback_ids={candidate.writeback_id for candidate in found},
    )
    return [candidate for candidate in found if (candidate.writeback_id, candidate.index) not in have]


def has_newcomers(session: Session, request: RequestRow, sent: SentRequest, known: Collection[Candidate]) -> bool:
    """Whether a new candidate came while the MIS was read: it may have made what was found, and was not considered."""
    names = {(candidate.writeback_id, candidate.index) for candidate in known}
    return any(
        (candidate.writeback_id, candidate.index) not in names for candidate in candidates_of(session, request, sent)
    )


def most_pairs(makers: Mapping[str, Sequence[int]]) -> int:
    """Return the size of a maximum matching of things and candidates. `makers`: who may have made each thing."""
    thing_of: dict[int, str] = {}

    def is_paired(thing: str, tried: set[int]) -> bool:
        for candidate in makers[thing]:
            if candidate not in tried:
                tried.add(candidate)
                if candidate not in thing_of or is_paired(thing_of[candidate], tried):
                    thing_of[candidate] = thing
                    return True
        return False

    return sum(is_paired(thing, set()) for thing in makers)


_UNPROVEN = (RecordStatus.SENDING, RecordStatus.SENT, RecordStatus.UNKNOWN, RecordStatus.CONFIRMED)


def _people(record: Record) -> set[str]:
    """Return the people a record is about: records that share nobody are never taken for the same, or nearly the same.

    Their days need not be the same: the office may have moved one to another.
    """
    people = [student.student_id for student in getattr(record, "students", ())]
    people += [
        person for name in ("student_id", "employee_id") if not people and (person := getattr(record, name, None))
    ]
    return set(people)
