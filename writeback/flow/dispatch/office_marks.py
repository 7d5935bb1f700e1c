"""What becomes of a mark that the office has made, where the record leaves that to the school (`School.office_marks`).

Called by `only_if_blank`, which has read the MIS. A mark that we have written ourselves is no office's: an app may
correct its own.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import Record, field_of
from writeback.domain.lookups import Lookup, LookupView
from writeback.domain.outcome import SlotReadBack
from writeback.domain.school import OfficeMarks
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.last_look import may_be_there
from writeback.flow.engine.request_members import BLANK, change_member, leave_member
from writeback.flow.engine.slots import LEFT, is_conditional
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.flow.engine.turn import Member
from writeback.store.writebacks import writebacks

_MAY_BE_THERE = (RecordStatus.SENT, RecordStatus.UNKNOWN, RecordStatus.NEEDS_ATTENTION)
_WRITTEN_OVER = "office_mark_overwritten"


def asks_school(record: Record) -> bool:
    """Whether a mark does not say itself what becomes of one that is there."""
    return field_of(record, "only_if_blank", False) is None


def of_school(
    session: Session,
    members: Sequence[Member],
    readings: Mapping[int, SlotReadBack | None],
    policy: OfficeMarks,
    lookups: LookupView,
    shown_at: datetime,
) -> tuple[list[int], list[int]]:
    """Settle what the school has left as it is; return the positions of these, and of those that only had a warning.

    Records that say themselves what they want are not looked at. The readings may show the MIS as it was at `shown_at`.
    """
    asking = {at: reading for at, reading in readings.items() if not is_conditional(members[at].record)}
    differ = [at for at, reading in asking.items() if reading and reading.value not in BLANK and not reading.matches]
    own = _own_codes(session, [members[at] for at in differ], lookups, shown_at) if differ else {}
    left, warned = list[int](), list[int]()
    for at, reading in asking.items():
        member = members[at]
        is_theirs = at in differ and reading is not None and reading.value not in own[_slot(member)]
        if policy is OfficeMarks.LEAVE and reading is None:
            status = RecordStatus.NEEDS_ATTENTION if may_be_there(member.opened) else RecordStatus.FAILED
            change_member(member, status, findings=[_cannot_tell(member.index)])
            left.append(at)
        elif policy is OfficeMarks.LEAVE and is_theirs and reading is not None:
            leave_member(member, reading.value, "the school has the office's marks left", hint=_HOW_TO_REPLACE)
            left.append(at)
        elif policy is OfficeMarks.WARN and is_theirs and reading is not None and _warn(member, reading.value):
            warned.append(at)
    return left, warned


def _own_codes(
    session: Session, members: Sequence[Member], lookups: LookupView, shown_at: datetime
) -> Mapping[str, Collection[str]]:
    """Return by slot the codes that may be ours: the last that was confirmed by then, those that were later, and those
    that may have arrived."""
    rows = {member.opened.row.seq or 0: member.opened.row for member in members}
    before, lane_id, school_id = max(rows), rows[max(rows)].lane_id, rows[max(rows)].school_id
    pupils = {str(getattr(member.record, "student_id", "")) for member in members}
    wanted, confirmed = {_slot(member) for member in members}, set[str]()
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for row in writebacks.sent_before(session, lane_id, before, school_id=school_id, pupils=pupils):
        opened, kind = OpenWriteback(row), members[0].kind
        for record, progress in zip(opened.records, opened.progress, strict=True):
            slot = kind.slot(record) if record is not None and not progress.erased else None
            if slot is None or slot not in wanted or progress.evidence == LEFT:
                continue
            may_be_shown = progress.status is RecordStatus.CONFIRMED and slot not in confirmed
            if may_be_shown and row.updated_at <= shown_at:
                confirmed.add(slot)
            if may_be_shown or progress.status in _MAY_BE_THERE:
                codes[slot].add(_code(lookups.attendance_codes, str(getattr(record, "code", ""))))
    return codes


def _code(codes: Lookup | None, given: str) -> str:
    """Return the code itself, also where a record has its id."""
    row = codes.resolve(given) if codes is not None else None
    return str(row.get("code") or given) if row is not None else given


def _slot(member: Member) -> str:
    return member.kind.slot(member.record) or ""


def _warn(member: Member, value: str | None) -> bool:
    """Say in the record what is written over; False where that is said already, of a request that did not arrive."""
    progress = member.opened.progress
    if any(one["code"] == _WRITTEN_OVER for one in progress[member.index].findings):
        return False
    finding = Finding(
        code=_WRITTEN_OVER,
        severity=Severity.WARNING,
        message=f"The MIS had {value} there, which did not come from here: it is written over, as the school has it.",
        hint="If the office's mark was right, send it again, or have it put back in the MIS.",
        pointer=f"/records/{member.index}/code",
        record=member.index,
    )
    progress[member.index] = progress[member.index].with_findings([finding])
    return True


_HOW_TO_REPLACE = "To replace it, send the mark that is right with only_if_blank false."


def _cannot_tell(index: int) -> Finding:
    return Finding(
        code="cannot_be_read_first",
        message="The MIS does not show what is in this slot, so it was not written over: the school has the office's "
        "marks left.",
        hint="Look in the MIS; to write whatever is there, send the mark again with only_if_blank false.",
        pointer=f"/records/{index}/only_if_blank",
        record=index,
    )
