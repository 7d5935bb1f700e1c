"""What a definite refusal does to the records of a request; the same at once (HTTP) and later (webhook, callback)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from writeback.domain.finding import Finding
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.last_look import keep_in_doubt, may_be_there, refusal_of, without_refusal
from writeback.flow.engine.request_members import change_member, close_request, halve, settle_members
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member
from writeback.store.tables import RequestRow
from writeback.store.writebacks import holds

_RESTS_ON_LISTS = ("student_not_on_roll", "lesson_not_on_date", "_unknown", "_inactive")
"""How the codes end of what a refusal may be about that a fresh list can show."""
_UNEXPLAINED = "provider_refused"
"""For a mark that may be anything, and trying once more harms nobody."""


def refuse(
    changes: Changes,
    request: RequestRow,
    members: Sequence[Member],
    *,
    result: str,
    message: str,
    words: str,
    findings: Mapping[int, Sequence[Finding]],
) -> None:
    """Close the request with `result`, fail the records that are named and let the rest go again. `message` is what it
    came to; `words` are the provider's own, empty where it gave none.

    Where none is named, a record that stood alone fails; more are split in two halves that go apart, until the bad one
    stands alone: SIMS writes all of a request or nothing (Xporter 13924), and Wonde gives no reason (8744). A record
    refused for what may be an error of our lists is sent again once, after they have been fetched again. Where an
    earlier request may have written one that is to fail, the MIS is read first.
    """
    named = {position: said for position, said in findings.items() if position < len(members)}
    if not named and len(members) == 1:
        named = {0: [_unexplained(words)]}
    if any(may_be_there(members[position].opened) for position in named):
        said_of = {position: placed(said, members[position].index) for position, said in named.items()}
        keep_in_doubt(changes, request, members, said_of, message)
        return
    close_request(request, changes.now, result)
    rest = [member for position, member in enumerate(members) if position not in named]
    for position, said in named.items():
        member = members[position]
        change_member(member, RecordStatus.FAILED, findings=placed(said, member.index), group=None)
        _heal_if_it_may(changes, member, request.id)
    if named:
        for member in rest:
            change_member(member, RecordStatus.QUEUED, group=None)
    else:
        halve(rest, request.id)
    settle_members(changes, members, queued_by=Event.RETRY, detail=message)


def end_refused(changes: Changes, member: Member, request_id: str) -> None:
    """End a refused record that no earlier request has written: fail it, or let it go again as `refuse` does."""
    change_member(member, RecordStatus.FAILED, group=None)
    _heal_if_it_may(changes, member, request_id)


def _heal_if_it_may(changes: Changes, member: Member, request_id: str) -> None:
    """Where fresh lists may show what is wrong, or that it is right by now: have them fetched, and send the failed
    record again alone, once; revalidation waits for them."""
    progress = member.opened.progress[member.index]
    codes = refusal_of(progress)
    is_unexplained = member.kind.is_repeatable and _UNEXPLAINED in codes
    if progress.healed or not (is_unexplained or any(code.endswith(_RESTS_ON_LISTS) for code in codes)):
        return
    member.opened.progress[member.index] = without_refusal(progress)
    change_member(member, RecordStatus.QUEUED, group=f"{request_id}h", healed=True, doubted_at=changes.now)
    holds.schedule_sync(changes.session, member.opened.row.school_id, changes.now)


def placed(findings: Sequence[Finding], index: int) -> list[Finding]:
    """Return the findings with the record's own index instead of its place in the request."""
    return [replace(one, pointer=f"/records/{index}" + one.pointer, record=index) for one in findings]


def _unexplained(words: str) -> Finding:
    reason = "and does not say which field is wrong" if words else "and gave no reason"
    return Finding(
        code=_UNEXPLAINED,
        message=f"The provider refused this record {reason}.",
        hint="Compare the record with what the MIS holds, mend it, and send it as a new writeback.",
        provider_message=words or None,
        provider_answered=bool(words),
    )
