"""Marks that say when they were seen (`observed_at`): what we have sent for their slots, before and since.

A tablet that was offline sends at 11:00 what was seen at 08:50. Another mark that was accepted, or seen, after 08:50
stands. What others have entered in the MIS since is seen to by `only_if_blank.py`, which reads it first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from writeback.domain.finding import Finding, Severity
from writeback.domain.lookups import LookupView
from writeback.domain.school import School
from writeback.domain.superseding import Accepted, SentMark, Waiting, is_later
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.slots import ONCE_SENT, keep_latest, marks_of
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.store.writebacks import requests, writebacks

_ANY = tuple(RecordStatus)
_REMEMBERED = timedelta(days=7)
"""What we sent longer ago counts as what somebody has entered."""


@dataclass
class Sent:
    """What we have sent for some slots."""

    latest: dict[str, SentMark] = field(default_factory=dict)
    """By slot, the latest of what goes over whatever is there."""
    written: dict[str, SentMark] = field(default_factory=dict)
    """By slot, the latest of all that were not left out, those too that go only over nothing."""
    unclear: defaultdict[str, list[SentMark]] = field(default_factory=lambda: defaultdict(list))
    """By slot, what was sent without a clear answer: it may be in the MIS whatever became of it."""

    def ours(self, record: Waiting, lookups: LookupView) -> frozenset[str]:
        """Return the codes that the MIS may have in a record's slot from us, of marks that the record is later than."""
        slot = record.slot or ""
        may_be_there = [*self.unclear.get(slot, ()), *([self.written[slot]] if slot in self.written else ())]
        return frozenset(_code_named(one.code, lookups) for one in may_be_there if one.code and is_later(record, one))


def sent_for(session: Session, lane_id: str, waiting: Sequence[Waiting], now: datetime) -> Sent:
    """Return what has been sent for the slots of those that say when they were seen."""
    slots = {record.slot for record in waiting if record.seen_at is not None and record.slot is not None}
    found = Sent()
    if not slots:
        return found
    sent = requests.sent_slots(session, lane_id, now - _REMEMBERED)
    carried = {writeback_id for members, taken in sent if not slots.isdisjoint(taken) for writeback_id, _ in members}
    for row in writebacks.find(session, carried).values() if carried else ():
        opened = OpenWriteback(row)
        for slot, mark in marks_of(opened, ONCE_SENT, heeds_seen_at=True):
            if slot in slots:
                keep_latest(found.latest, slot, mark)
        for slot, mark in marks_of(opened, ONCE_SENT, heeds_seen_at=True, conditional_too=True):
            if slot in slots and mark.code:
                keep_latest(found.written, slot, mark)
        for slot, mark in marks_of(opened, _ANY, heeds_seen_at=True, conditional_too=True) if row.failures else ():
            if slot in slots:
                found.unclear[slot].append(mark)
    return found


def _code_named(given: str, lookups: LookupView) -> str:
    """Return the code that a record gives, also where it gives that by its id."""
    row = lookups.attendance_codes.resolve(given) if lookups.attendance_codes else None
    return str(row["code"]) if row else given


def later_stands(record: Waiting, later: Accepted, school: School) -> Finding:
    """Return what is said of a record whose place is taken by one that was accepted before it, but is later."""
    seen = school.clock(record.seen_at or record.accepted_at)
    how, when = ("seen", later.seen_at) if later.seen_at else ("taken", later.accepted_at)
    mark = (later.code or "another mark") if later.app_id == record.app_id else "another app's mark"
    other = f"{mark}, {how} at {school.clock(when)},"
    return Finding(
        code="later_mark_stands",
        severity=Severity.WARNING,
        message=f"{record.code} was seen at {seen}; {other} stands.",
        hint="To write this one all the same, send it without observed_at.",
        pointer=f"/records/{record.index}/observed_at",
        record=record.index,
    )


def another_apps_mark_stands(record: Waiting, later: Accepted, school: School) -> Finding:
    """Return what an app is told whose mark gave way to another app's: that it did, and when the other came;
    never whose it is, or which code."""
    return Finding(
        code="another_apps_mark_stands",
        severity=Severity.WARNING,
        message=f"Another app of {school.name} sent a later mark for the same pupil and time, at "
        f"{school.clock(later.accepted_at)}; that one is written instead of this.",
        hint="If this one is right, submit it again. Ask the school which of its apps takes this register.",
        pointer=f"/records/{record.index}",
        record=record.index,
    )


def sent_though_late(index: int, seen: datetime, school: School) -> Finding:
    """Return what is said of a late record that goes over whatever was entered since."""
    return Finding(
        code="sent_though_late",
        severity=Severity.WARNING,
        message=f"It was seen at {school.clock(seen)} and goes over whatever was entered since, as the settings of "
        f"{school.name} say.",
        hint="To have it left out where something was entered since, set late_registers of the school to leave.",
        pointer=f"/records/{index}/observed_at",
        record=index,
    )
