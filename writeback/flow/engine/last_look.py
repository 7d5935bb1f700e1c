"""The last look: what an earlier request may have written is looked for in the MIS before it ends as not written.

A mark goes again when no answer came (`recovery.may_go_again`), although the first one may have arrived. Where it is
then refused, or no longer passes our own checks, or its deadline comes, only the MIS can say whether it is there.
`flow/confirm/read_back.py` settles what is put in doubt here: what is there is confirmed, what is not ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from writeback.core.ids import new_id
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import KINDS
from writeback.domain.writeback import RecordProgress, RecordStatus
from writeback.flow.engine.request_members import change_member, settle_members
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.flow.engine.turn import Member, members_json
from writeback.store.tables import RequestRow, SchoolRow
from writeback.store.writebacks import requests
from writeback.store.writebacks.requests import RequestState


def may_be_there(opened: OpenWriteback) -> bool:
    """Whether an earlier request may have written it; what must not be repeated is looked for before it goes again."""
    return KINDS[opened.row.kind].is_repeatable and opened.row.failures > 0


def keep_in_doubt(
    changes: Changes,
    request: RequestRow,
    members: Sequence[Member],
    findings: Mapping[int, Sequence[Finding]],
    detail: str,
) -> None:
    """Have a refused request looked for; `findings` are those of its refused records, by their positions."""
    for position, member in enumerate(members):
        change_member(member, RecordStatus.UNKNOWN, findings=findings.get(position, ()))
    request.state, request.result, request.check_at = RequestState.IN_DOUBT, requests.ENDING, changes.now
    request.sent_at = request.sent_at or request.created_at
    settle_members(changes, members, detail=detail)


def fail_waiting(
    changes: Changes, opened: OpenWriteback, findings: Mapping[int, Sequence[Finding]], *, detail: str
) -> None:
    """Fail records that wait, by their indexes, for what is said of each; those that may be there are looked for."""
    in_doubt = may_be_there(opened)
    status = RecordStatus.UNKNOWN if in_doubt else RecordStatus.FAILED
    for index, said in findings.items():
        opened.progress[index] = opened.progress[index].moved(status).with_findings(said)
    changes.settle(opened, detail=detail)
    if in_doubt:
        opened.row.next_attempt_at = opened.row.hold_reason = None
        _look_for(changes, opened, list(findings))


def _look_for(changes: Changes, opened: OpenWriteback, indexes: Sequence[int]) -> None:
    session, row, now = changes.session, opened.row, changes.now
    slots = [KINDS[row.kind].slot(opened.record(index)) for index in indexes]
    school = session.get_one(SchoolRow, row.school_id)
    requests.add_in_doubt(
        session,
        result=requests.ENDING,
        id=new_id("req", now),
        lane_id=row.lane_id,
        school_id=row.school_id,
        provider=school.provider,
        kind=row.kind,
        fence=0,
        members=members_json((row.id, index) for index in indexes),
        slots=[slot for slot in slots if slot is not None],
        created_at=now,
        check_at=now,
        sent_at=now,
    )


def refusal_of(progress: RecordProgress) -> list[str]:
    """Return the codes of the errors for which the record is to end; none where it was not refused."""
    return [finding["code"] for finding in progress.findings if _is_error(finding)]


def without_refusal(progress: RecordProgress) -> RecordProgress:
    """Return the record as it was before it was refused."""
    return replace(progress, findings=tuple(finding for finding in progress.findings if not _is_error(finding)))


def _is_error(finding: Mapping[str, object]) -> bool:
    return finding.get("severity", Severity.ERROR.value) == Severity.ERROR.value
