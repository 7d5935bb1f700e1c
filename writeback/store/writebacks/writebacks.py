"""Queries of writebacks that `flow` works with; what people read is in `store/reads`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import BigInteger, ColumnElement, String, and_, bindparam, case, func, or_
from sqlalchemy import select as select_column
from sqlmodel import Session, col, select, update

from writeback.domain.kept import Kept
from writeback.domain.states import NOT_LEFT, WITH_PROVIDER, Status
from writeback.store.sql.lists import padded
from writeback.store.sql.prepared import Prepared, PreparedSelect
from writeback.store.sql.types import UtcDateTime
from writeback.store.sql.write_out import insert_later
from writeback.store.tables import EventRow, SearchTermRow, WritebackRow

SLOT_IN_FLIGHT = "slot_in_flight"
"""`hold_reason` of a queued writeback that waits until an earlier mark for its slot has settled."""
LISTS_MISSING = "lists_missing"
"""`hold_reason` of a queued writeback that waits for lookups which have never been fetched."""
LISTS_IN_DOUBT = "lists_doubted"
"""`hold_reason` of a queued writeback that a list speaks against, until that has been fetched once more."""
WAITS_FOR_WAKE = (SLOT_IN_FLIGHT, LISTS_MISSING)
"""Whatever ends such a wait wakes the lane; `next_attempt_at` is only for when nothing does."""

_NOT_INDEXED, _MOST_ABOUT = 50, 200
_SENT_ALREADY = (*WITH_PROVIDER, Status.NEEDS_ATTENTION, Status.CONFIRMED, Status.PARTIAL)


_OF_IDS = select(WritebackRow).where(col(WritebackRow.id).in_(bindparam("ids", expanding=True)))
_FIND = PreparedSelect(WritebackRow, _OF_IDS)
_LOCK = PreparedSelect(WritebackRow, _OF_IDS.order_by(col(WritebackRow.seq)).with_for_update())
_QUEUED = (
    select(
        WritebackRow.seq,
        func.row_number()
        .over(
            partition_by=col(WritebackRow.lane_id),
            order_by=(
                case((col(WritebackRow.next_attempt_at) > bindparam("now", type_=UtcDateTime()), 1), else_=0),
                col(WritebackRow.priority),
                col(WritebackRow.seq),
            ),
        )
        .label("place"),
    )
    .where(col(WritebackRow.lane_id).in_(bindparam("lanes", expanding=True)), WritebackRow.status == Status.QUEUED)
    .subquery()
)
_LOCK_QUEUED = PreparedSelect(
    WritebackRow,
    select(WritebackRow)
    .where(
        col(WritebackRow.seq).in_(select_column(_QUEUED.c.seq).where(_QUEUED.c.place <= bindparam("at_most"))),
        WritebackRow.status == Status.QUEUED,
    )
    .order_by(col(WritebackRow.seq))
    .with_for_update(),
)
_OVERDUE = Prepared(
    select(WritebackRow.seq)
    .where(
        col(WritebackRow.status).in_(NOT_LEFT),
        col(WritebackRow.expires_at) <= bindparam("now", type_=UtcDateTime()),
    )
    .limit(1)
)


def find(session: Session, ids: Collection[str]) -> dict[str, WritebackRow]:
    """Return the writebacks by id, to be read and not changed."""
    return {row.id: row for row in _FIND.objects(session, ids=ids)}


def lock(session: Session, ids: Collection[str]) -> dict[str, WritebackRow]:
    """Return the writebacks by id, locked in the order of acceptance so that no two transactions wait crosswise."""
    return {row.id: row for row in _LOCK.objects(session, ids=ids)}


def queued_in_lanes(
    session: Session, lane_ids: Collection[str], now: datetime, limit: int
) -> dict[str, list[WritebackRow]]:
    """Return queued writebacks of each lane, so many at most: what is due first, interactive before batch, then in
    order.

    They are locked, in the order of acceptance so that no two transactions wait crosswise.
    """
    found: dict[str, list[WritebackRow]] = {lane_id: [] for lane_id in lane_ids}
    for row in _LOCK_QUEUED.objects(session, lanes=lane_ids, now=now, at_most=limit):
        found[row.lane_id].append(row)

    def place(row: WritebackRow) -> tuple[bool, int, int]:
        return row.next_attempt_at is not None and row.next_attempt_at > now, row.priority, row.seq or 0

    return {lane_id: sorted(rows, key=place) for lane_id, rows in found.items()}


def queued_before(session: Session, lane_id: str, seq: int, kinds: Collection[str]) -> Sequence[WritebackRow]:
    """Return queued writebacks of the lane and of those kinds that were accepted before `seq`, to be read."""
    query = select(WritebackRow).where(
        WritebackRow.lane_id == lane_id,
        WritebackRow.status == Status.QUEUED,
        col(WritebackRow.seq) < seq,
        col(WritebackRow.kind).in_(kinds),
    )
    return session.exec(query).all()


def has_overdue(session: Session, now: datetime) -> bool:
    """Whether `overdue` would return anything."""
    return bool(_OVERDUE.rows(session, now=now))


def overdue(session: Session, now: datetime, limit: int) -> Sequence[WritebackRow]:
    """Return writebacks that wait and whose deadline has passed, in the order of acceptance; locked."""
    query = (
        select(WritebackRow)
        .where(col(WritebackRow.status).in_(NOT_LEFT), col(WritebackRow.expires_at) <= now)
        .order_by(col(WritebackRow.seq))
        .limit(limit)
        .with_for_update()
    )
    return session.exec(query).all()


def sent_after(session: Session, seqs: Mapping[str, int]) -> dict[str, list[WritebackRow]]:
    """Return for each lane the writebacks accepted after a sequence of it that have been sent at least in part."""
    found: dict[str, list[WritebackRow]] = {lane_id: [] for lane_id in seqs}
    pairs = padded(seqs.items())
    named: dict[str, str | int] = {}
    for place, (lane_id, seq) in enumerate(pairs):
        named |= {f"lane{place}": lane_id, f"after{place}": seq}
    for row in _sent_after(len(pairs)).objects(session, **named):
        found[row.lane_id].append(row)
    return found


@cache
def _sent_after(lanes: int) -> PreparedSelect[WritebackRow]:
    """Return the query for so many lanes."""
    query = select(WritebackRow).where(
        or_(
            *(
                and_(
                    col(WritebackRow.lane_id) == bindparam(f"lane{place}", type_=String()),
                    col(WritebackRow.seq) > bindparam(f"after{place}", type_=BigInteger()),
                )
                for place in range(lanes)
            )
        ),
        col(WritebackRow.status).in_((*_SENT_ALREADY, *NOT_LEFT)),
        # A part of what waits may have been sent; not while its progress is empty: all its records are as when
        # accepted.
        or_(col(WritebackRow.status).not_in(NOT_LEFT), col(WritebackRow.progress) != ""),
    )
    return PreparedSelect(WritebackRow, query)


def accepted_after(session: Session, lane_id: str, seq: int) -> Sequence[WritebackRow]:
    """Return the lane's writebacks accepted after `seq` that are sent, or wait to be, in their order."""
    query = select(WritebackRow).where(
        WritebackRow.lane_id == lane_id,
        col(WritebackRow.status).in_((*_SENT_ALREADY, *NOT_LEFT)),
        col(WritebackRow.seq) > seq,
    )
    return session.exec(query.order_by(col(WritebackRow.seq))).all()


def sent_before(
    session: Session, lane_id: str, seq: int, *, school_id: str, pupils: Collection[str]
) -> Sequence[WritebackRow]:
    """Return the lane's writebacks about some pupils that were accepted before `seq` and may be in the MIS, the latest
    first: so many at most, and besides the last of the lane, of which it is not known yet whom they are about."""
    sent = select(WritebackRow).where(
        WritebackRow.lane_id == lane_id,
        col(WritebackRow.status).in_((*_SENT_ALREADY, *NOT_LEFT)),
        col(WritebackRow.seq) < seq,
    )
    latest = sent.order_by(col(WritebackRow.seq).desc())
    about = col(WritebackRow.seq).in_(
        select(SearchTermRow.seq).where(
            SearchTermRow.what == "pupil",
            col(SearchTermRow.term).in_([pupil.casefold() for pupil in pupils]),
            SearchTermRow.school_id == school_id,
        )
    )
    found = {
        row.seq: row
        for row in (*session.exec(latest.limit(_NOT_INDEXED)), *session.exec(latest.where(about).limit(_MOST_ABOUT)))
    }
    return [found[number] for number in sorted(found, reverse=True)]


def has_later_without_content(session: Session, lane_id: str, seq: int) -> bool:
    """Whether the content of one that the lane took after `seq`, and that may be in the MIS, has been deleted."""
    query = select(WritebackRow.seq).where(
        WritebackRow.lane_id == lane_id,
        col(WritebackRow.status).in_((Status.CONFIRMED, Status.PARTIAL)),
        col(WritebackRow.seq) > seq,
        col(WritebackRow.kept) >= Kept.CONTENT_GONE,
    )
    return session.exec(query.limit(1)).first() is not None


def of_school(session: Session, school_id: str, status: Status) -> Sequence[WritebackRow]:
    """Return a school's writebacks in one status, in the order of acceptance; locked."""
    query = (
        select(WritebackRow)
        .where(WritebackRow.school_id == school_id, WritebackRow.status == status)
        .order_by(col(WritebackRow.seq))
        .with_for_update()
    )
    return session.exec(query).all()


def go_now(session: Session, school_id: str, now: datetime) -> Collection[str]:
    """Have what waits to go again at a later time go now; return the lanes that it is in."""
    waits = (
        col(WritebackRow.school_id) == school_id,
        col(WritebackRow.status) == Status.QUEUED,
        col(WritebackRow.hold_reason).is_(None),
        col(WritebackRow.next_attempt_at) > now,
    )
    found = set(session.exec(select(WritebackRow.lane_id).where(*waits).distinct()).all())
    if found:
        session.exec(update(WritebackRow).where(*waits).values(next_attempt_at=None))
    return found


def queued_of_lane(session: Session, lane_id: str) -> Sequence[WritebackRow]:
    """Return all that is queued in a lane, in the order of acceptance; locked."""
    query = select(WritebackRow).where(WritebackRow.lane_id == lane_id, WritebackRow.status == Status.QUEUED)
    return session.exec(query.order_by(col(WritebackRow.seq)).with_for_update()).all()


def is_due(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """SQL condition: the writeback is queued and its time has come."""
    return (col(WritebackRow.status) == Status.QUEUED) & or_(
        col(WritebackRow.next_attempt_at).is_(None), col(WritebackRow.next_attempt_at) <= now
    )


def touch(row: WritebackRow, now: datetime) -> datetime:
    """Note that a locked writeback changes, and return when: `now`, but never before what happened to it last.

    Processes read their clocks before they have the row, and machines' clocks differ: without this a history by time
    would not be the history by number (ADR 53).
    """
    row.updated_at = max(now, row.updated_at)
    return row.updated_at


def add_event(
    session: Session, row: WritebackRow, event: str, *, now: datetime, actor: str, detail: str | None
) -> None:
    """Write the event of a change of a locked writeback in the transaction of the change."""
    values = {"writeback_id": row.id, "app_id": row.app_id, "at": touch(row, now), "actor": actor}
    insert_later(session, EventRow, **values, event=event, status=row.status, detail=detail)
