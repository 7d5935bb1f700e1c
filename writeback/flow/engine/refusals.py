"""What a definite refusal does to the records of a request; the same at once (HTTP) and later (webhook, callback)."""

from collections.abc import Mapping, Sequence

from writeback.domain.finding import Finding
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.request_members import change_member, halve, settle_members
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member
from writeback.store.writebacks import holds

_RESTS_ON_LISTS = ("student_not_on_roll", "lesson_not_on_date", "_unknown", "_inactive")
"""How the codes end of what a refusal may be about that a fresh list can show."""
_UNEXPLAINED = "provider_refused"
"""For a mark that may be anything, and trying once more harms nobody."""


def refuse(
    changes: Changes,
    members: Sequence[Member],
    *,
    request_id: str,
    message: str,
    findings: Mapping[int, Sequence[Finding]],
) -> bool:
    """Fail the records that are named and let the rest go again; return whether any does.

    Where none is named, a record that stood alone fails; more are split in two halves that go apart, until the bad one
    stands alone: SIMS writes all of a request or nothing (Xporter 13924), and Wonde gives no reason (8744). A record
    refused for what may be an error of our lists is sent again once, after they have been fetched again.
    """
    named = {position: said for position, said in findings.items() if position < len(members)}
    if not named and len(members) == 1:
        named = {0: [_unexplained(message)]}
    rest = [member for position, member in enumerate(members) if position not in named]
    for position, said in named.items():
        member = members[position]
        if _may_heal(member, said):
            _heal(changes, member, request_id)
        else:
            change_member(member, RecordStatus.FAILED, findings=placed(said, member.index), group=None)
    if named:
        for member in rest:
            change_member(member, RecordStatus.QUEUED, group=None)
    else:
        halve(rest, request_id)
    settle_members(changes, members, queued_by=Event.RETRY, detail=message)
    return bool(rest)


def _may_heal(member: Member, said: Sequence[Finding]) -> bool:
    """Whether fresh lists may show what is wrong, or that it is right by now."""
    is_unexplained = member.kind.is_repeatable and any(finding.code == _UNEXPLAINED for finding in said)
    is_about_lists = any(finding.code.endswith(_RESTS_ON_LISTS) for finding in said)
    return (is_about_lists or is_unexplained) and not member.opened.progress[member.index].healed


def _heal(changes: Changes, member: Member, request_id: str) -> None:
    """Have the lists fetched, and send it again alone: revalidation waits for them."""
    change_member(member, RecordStatus.QUEUED, group=f"{request_id}h", healed=True, doubted_at=changes.now)
    holds.schedule_sync(changes.session, member.opened.row.school_id, changes.now)


def placed(findings: Sequence[Finding], index: int) -> list[Finding]:
    """Return the findings with the record's own index instead of its place in the request."""
    return [
        Finding(
            code=one.code,
            message=one.message,
            hint=one.hint,
            severity=one.severity,
            pointer=f"/records/{index}" + one.pointer,
            record=index,
            provider_message=one.provider_message,
        )
        for one in findings
    ]


def _unexplained(message: str) -> Finding:
    return Finding(
        code=_UNEXPLAINED,
        message="The provider refused this record and gave no reason that names a field.",
        hint="Compare the record with what the MIS holds, mend it, and send it as a new writeback.",
        provider_message=message or None,
    )
