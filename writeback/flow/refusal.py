"""What a definite refusal does to the records of a request; the same at once (HTTP) and later (webhook, callback)."""

from collections.abc import Mapping, Sequence

from writeback.domain.finding import Finding
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.changes import Changes
from writeback.flow.members import change_member, settle_members
from writeback.flow.turn import Member


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
    stands alone: SIMS writes all of a request or nothing (Xporter 13924), and Wonde gives no reason (8744).
    """
    named = {position: said for position, said in findings.items() if position < len(members)}
    if not named and len(members) == 1:
        named = {0: [_unexplained(message)]}
    rest = [member for position, member in enumerate(members) if position not in named]
    for position, said in named.items():
        change_member(
            members[position], RecordStatus.FAILED, findings=placed(said, members[position].index), group=None
        )
    for position, member in enumerate(rest):
        half = "a" if position < (len(rest) + 1) // 2 else "b"
        change_member(member, RecordStatus.QUEUED, group=None if named else f"{request_id}{half}")
    settle_members(changes, members, queued_by=Event.RETRY, detail=message)
    return bool(rest)


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
        code="provider_refused",
        message="The provider refused this record and gave no reason that names a field.",
        hint="Compare the record with what the MIS holds, mend it, and send it as a new writeback.",
        provider_message=message or None,
    )
