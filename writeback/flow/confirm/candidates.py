"""Rivals: records of ours that may have made what a record, whose answer was lost, finds in the MIS.

Two records can be alike in all that a provider shows. One that the provider has confirmed without an id, or has taken
and not spoken of yet, has no claim to the thing that it made; so one that looks for its own must leave it one. But one
that has claimed a thing while its own answer was in doubt is no rival any more, however it was confirmed.
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
"""How much earlier a rival may have been sent: what a provider took it may write later."""
_MOST = 100
CLOCKS_DIFFER = timedelta(minutes=2)
"""By how much a provider's clock and ours may differ."""


@dataclass(frozen=True)
class Rival:
    """A record that may have made the same thing; `settled_at` None: its own evidence is still awaited."""

    writeback_id: str
    index: int
    record: Record
    sent_at: datetime
    settled_at: datetime | None

    def may_have_made(self, found: Found) -> bool:
        """Whether it was made between our sending the record and our evidence of it, as far as anybody tells."""
        if found.created_at is None:
            return True
        is_later = self.settled_at is not None and found.created_at > self.settled_at + CLOCKS_DIFFER
        return not is_later and found.created_at >= self.sent_at - CLOCKS_DIFFER

    def must_show(self, now: datetime, patience_s: float) -> bool:
        """Whether what it made is to be seen by now."""
        return self.settled_at is not None and now - self.settled_at >= timedelta(seconds=patience_s)


def rivals_of(session: Session, request: RequestRow, sent: SentRequest) -> list[Rival]:
    """Return the rivals of the request's records, of other requests in its lane."""
    wanted = {person for record in sent.records for person in _people(record)}
    found: list[Rival] = []
    for other in requests.rivalling(session, request, since=sent.sent_at - _BEFORE, limit=_MOST):
        for member in load_members(session, other, to_change=False):
            progress = member.opened.progress[member.index]
            is_unproven = progress.status in _UNPROVEN and not progress.mis_ids
            if is_unproven and not wanted.isdisjoint(_people(member.record)):
                sent_at = other.sent_from or other.sent_at or other.created_at
                found.append(Rival(member.opened.row.id, member.index, member.record, sent_at, other.settled_at))
    have = claimed_things.that_have(
        session,
        school_id=request.school_id,
        family=KINDS[request.kind].family,
        writeback_ids={rival.writeback_id for rival in found},
    )
    return [rival for rival in found if (rival.writeback_id, rival.index) not in have]


def has_newcomers(session: Session, request: RequestRow, sent: SentRequest, known: Collection[Rival]) -> bool:
    """Whether a rival came while the MIS was read: what is there may be its, and it was not asked about."""
    names = {(rival.writeback_id, rival.index) for rival in known}
    return any((rival.writeback_id, rival.index) not in names for rival in rivals_of(session, request, sent))


def most_pairs(makers: Mapping[str, Sequence[int]]) -> int:
    """Return how many things at most can have a rival of their own each. `makers`: who may have made each thing."""
    thing_of: dict[int, str] = {}

    def is_paired(thing: str, tried: set[int]) -> bool:
        for rival in makers[thing]:
            if rival not in tried:
                tried.add(rival)
                if rival not in thing_of or is_paired(thing_of[rival], tried):
                    thing_of[rival] = thing
                    return True
        return False

    return sum(is_paired(thing, set()) for thing in makers)


_UNPROVEN = (RecordStatus.SENDING, RecordStatus.SENT, RecordStatus.CONFIRMED)


def _people(record: Record) -> set[str]:
    """Return whom a record is about: without one in common nobody takes two for the same, or for nearly so.

    Their days need not be the same: the office may have moved one to another.
    """
    people = [student.student_id for student in getattr(record, "students", ())]
    people += [
        person for name in ("student_id", "employee_id") if not people and (person := getattr(record, name, None))
    ]
    return set(people)
