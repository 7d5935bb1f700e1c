"""The records that a request carries, in its order, and moving them all together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlmodel import Session

from writeback.domain.finding import Finding
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.changes import Changes, open_all
from writeback.flow.turn import Member
from writeback.store import writebacks
from writeback.store.tables import RequestRow


def load_members(session: Session, request: RequestRow) -> list[Member]:
    """Return the request's records in its order, their writebacks locked."""
    opened = open_all(writebacks.lock(session, [writeback_id for writeback_id, _ in request.members]))
    return [Member(opened[writeback_id], index) for writeback_id, indexes in request.members for index in indexes]


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
    for member in members:
        change_member(member, status, **record_changes)
    settle_members(changes, members, queued_by=queued_by, detail=detail)


def change_member(
    member: Member, status: RecordStatus, *, findings: Iterable[Finding] = (), **record_changes: Any
) -> None:
    """Move one record; its writeback is settled later, once for all its records."""
    progress = member.opened.progress
    progress[member.index] = progress[member.index].moved(status, **record_changes).with_findings(findings)


def settle_members(
    changes: Changes, members: Sequence[Member], *, queued_by: Event = Event.RETRY, detail: str | None = None
) -> None:
    """Store and settle each writeback of the members once."""
    seen: Mapping[str, Member] = {member.opened.row.id: member for member in members}
    for member in seen.values():
        changes.settle(member.opened, queued_by=queued_by, detail=detail)
