"""The records that a request carries, in its order, and moving them all together."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from writeback.domain.finding import Finding, Severity
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus, move_alike
from writeback.flow.engine.slots import LEFT
from writeback.flow.engine.status_changes import Changes, OpenWriteback, open_all
from writeback.flow.engine.turn import Member
from writeback.store.tables import RequestRow
from writeback.store.writebacks import claimed_things, writebacks
from writeback.store.writebacks.requests import RequestState

BLANK = (None, "N")
"""What a mark may be written over without asking: no mark, or no reason yet."""


def load_members(session: Session, request: RequestRow, *, to_change: bool = True) -> list[Member]:
    """Return the request's records in its order, their writebacks locked unless they are only to be read."""
    return members_of_all(session, [request], to_change=to_change)[request.id]


def members_of_all(
    session: Session, requests: Collection[RequestRow], *, to_change: bool = True
) -> dict[str, list[Member]]:
    """Return the records of requests, by request, each in its order, as `load_members` does; a writeback that several
    carry is opened once."""
    ids = {writeback_id for request in requests for writeback_id, _ in request.members}
    opened = open_all(writebacks.lock(session, ids) if to_change else writebacks.find(session, ids))
    return {
        request.id: [
            Member(opened[writeback_id], index) for writeback_id, indexes in request.members for index in indexes
        ]
        for request in requests
    }


def traces_of(members: Iterable[Member]) -> Sequence[str]:
    """Return the traces of the members' writebacks, of those that are traced."""
    found = (member.opened.row.traceparent for member in members)
    return list(dict.fromkeys(trace for trace in found if trace is not None))


def close_request(request: RequestRow, now: datetime, result: str, evidence: str | None = None) -> None:
    """Note how the request ended: nothing more is expected of it."""
    request.state, request.settled_at, request.check_at = RequestState.SETTLED, now, None
    request.result, request.evidence = result, evidence


def move_members(
    changes: Changes,
    members: Sequence[Member],
    status: RecordStatus,
    *,
    queued_by: Event = Event.RETRY,
    detail: str | None = None,
    **record_changes: Any,
) -> None:
    """Move all of them to one status and settle their writebacks."""
    change_members(members, status, **record_changes)
    settle_members(changes, members, queued_by=queued_by, detail=detail)


def change_members(members: Iterable[Member], status: RecordStatus, **record_changes: Any) -> None:
    """Move all of them to one status; their writebacks are settled later."""
    indexes: dict[int, tuple[OpenWriteback, list[int]]] = {}
    for member in members:
        indexes.setdefault(id(member.opened), (member.opened, []))[1].append(member.index)
    for opened, of_it in indexes.values():
        move_alike(opened.progress, of_it, status, **record_changes)


def change_member(
    member: Member, status: RecordStatus, *, findings: Iterable[Finding] = (), **record_changes: Any
) -> None:
    """Move one record; its writeback is settled later, once for all its records."""
    progress = member.opened.progress
    progress[member.index] = progress[member.index].moved(status, **record_changes).with_findings(findings)


def halve(members: Sequence[Member], request_id: str) -> None:
    """Have the members of a request go again in two halves, apart, to find the one that spoils it."""
    for position, member in enumerate(members):
        half = "a" if position < (len(members) + 1) // 2 else "b"
        change_member(member, RecordStatus.QUEUED, group=f"{request_id}{half}")


_HOW_TO_REPLACE = "To replace it, send the mark that is right, without only_if_blank."


def leave_member(member: Member, value: str | None, why: str, *, hint: str = _HOW_TO_REPLACE) -> None:
    """Settle a mark that is not written because the MIS has another one, `value`, there."""
    finding = Finding(
        code="left_as_it_was",
        severity=Severity.WARNING,
        message=f"The MIS has {value} there already: it was left as it was, for {why}.",
        hint=hint,
        pointer=f"/records/{member.index}/code",
        record=member.index,
    )
    change_member(member, RecordStatus.CONFIRMED, findings=[finding], evidence=LEFT)
    member.opened.row.evidence = LEFT


def claim(changes: Changes, request: RequestRow, member: Member, mis_id: str) -> bool:
    """Note that the record has made what the MIS calls so; False where it is another record's."""
    return claimed_things.take(
        changes.session,
        school_id=request.school_id,
        family=member.kind.family,
        mis_id=mis_id,
        writeback_id=member.opened.row.id,
        record=member.index,
        now=changes.now,
    )


def settle_members(
    changes: Changes, members: Sequence[Member], *, queued_by: Event = Event.RETRY, detail: str | None = None
) -> None:
    """Store and settle each writeback of the members once."""
    for opened in {id(member.opened): member.opened for member in members}.values():
        changes.settle(opened, queued_by=queued_by, detail=detail)
