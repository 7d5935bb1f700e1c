"""Requests to providers and their attempts."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, cast, tuple_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from writeback.store.sql.prepared import Prepared, PreparedSelect
from writeback.store.sql.types import UtcDateTime
from writeback.store.sql.write_out import Updates, flush, insert_later, update_many
from writeback.store.tables import AttemptRow, CarriedRow, RequestRow, WritebackRow, table_of


class RequestState(StrEnum):
    """Where a request is."""

    SENDING = "sending"
    """On its way, under the lane's lease."""
    TAKEN = "taken"
    """The provider has it; evidence is awaited."""
    IN_DOUBT = "in_doubt"
    """It may have arrived; to be settled by read-back."""
    SETTLED = "settled"
    """Nothing more is expected of it."""


AWAITING = (RequestState.TAKEN, RequestState.IN_DOUBT)
_UNSETTLED = (RequestState.SENDING, *AWAITING)


SPOILT = "spoilt"
"""`result` of a request in doubt that got no clear answer while others did: a record of it spoils it."""
ENDING = "ending"
"""`result` of a request in doubt whose refused records end, unless an earlier request has written them."""
RESTORED = "restored"
"""`result` of a request in doubt that stands for what may have been sent before the database was restored."""


_REQUEST = table_of(RequestRow)
_SELECT_UNSETTLED = Prepared(
    _REQUEST.select()
    .with_only_columns(_REQUEST.c.lane_id, _REQUEST.c.id, _REQUEST.c.state, _REQUEST.c.fence, _REQUEST.c.slots)
    .where(_REQUEST.c.lane_id.in_(bindparam("lanes", expanding=True)), _REQUEST.c.state.in_(_UNSETTLED))
    .order_by(_REQUEST.c.created_at)
)
_LOCK = PreparedSelect(
    RequestRow,
    select(RequestRow)
    .where(col(RequestRow.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(RequestRow.id))
    .with_for_update(),
)
_LOCK_BY_REF = PreparedSelect(
    RequestRow,
    select(RequestRow)
    .where(
        tuple_(col(RequestRow.provider), col(RequestRow.provider_ref)).in_(bindparam("refs", expanding=True)),
    )
    .order_by(col(RequestRow.id))
    .with_for_update(),
)
_DUE = PreparedSelect(
    RequestRow,
    select(RequestRow)
    .where(
        col(RequestRow.lane_id).in_(bindparam("lanes", expanding=True)),
        col(RequestRow.state).in_(AWAITING),
        col(RequestRow.check_at) <= bindparam("now", type_=UtcDateTime()),
    )
    .order_by(col(RequestRow.check_at))
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True),
)


class Unsettled(NamedTuple):
    """A request that is on its way or awaits evidence, as far as the next one of its lane needs to know it."""

    id: str
    state: str
    fence: int
    slots: Sequence[str]


def lock_all(session: Session, request_ids: Collection[str]) -> dict[str, RequestRow]:
    """Return the requests by id, locked until the transaction ends."""
    return {row.id: row for row in _LOCK.objects(session, ids=request_ids)}


def lock(session: Session, request_id: str) -> RequestRow | None:
    """Return the request, locked until the transaction ends."""
    return lock_all(session, [request_id]).get(request_id)


def lock_by_refs(session: Session, refs: Collection[tuple[str, str]]) -> dict[tuple[str, str], RequestRow]:
    """Return the newest request for each provider and reference of its own, locked."""
    found: dict[tuple[str, str], RequestRow] = {}
    for row in _LOCK_BY_REF.objects(session, refs=refs):
        ref = (row.provider, row.provider_ref or "")
        if ref not in found or found[ref].created_at < row.created_at:
            found[ref] = row
    return found


def add(session: Session, **values: Any) -> None:
    """Write a request down, before it goes out."""
    insert_later(session, RequestRow, **{"state": RequestState.SENDING, **values})


def start_attempts(session: Session, numbers: Mapping[str, int], now: datetime) -> None:
    """Write down the attempts of requests, by request with their numbers, before they go out."""
    for request_id, number in numbers.items():
        insert_later(session, AttemptRow, request_id=request_id, number=number, started_at=now)


def add_in_doubt(session: Session, **values: Any) -> None:
    """Write down a request that never goes out: what it carries may have been sent before, and is looked for."""
    insert_later(session, RequestRow, **{**values, "state": RequestState.IN_DOUBT})


def unsettled_in_lanes(session: Session, lane_ids: Collection[str]) -> dict[str, list[Unsettled]]:
    """Return the lanes' requests that are on their way or await evidence, the oldest first."""
    flush(session)
    found: dict[str, list[Unsettled]] = {lane_id: [] for lane_id in lane_ids}
    for lane_id, *unsettled in _SELECT_UNSETTLED.rows(session, lanes=lane_ids):
        found[lane_id].append(Unsettled(*unsettled))
    return found


def leave_until(session: Session, requests: Collection[RequestRow], until: datetime) -> None:
    """Have nobody else ask about the requests before then."""
    ids = [request.id for request in requests]
    session.connection().execute(_REQUEST.update().where(_REQUEST.c.id.in_(ids)).values(check_at=until))


def due_checks(session: Session, lane_ids: Collection[str], now: datetime, limit: int) -> Sequence[RequestRow]:
    """Return the lanes' requests that should be asked about now, the longest waiting first; locked."""
    return _DUE.objects(session, lanes=lane_ids, now=now, at_most=limit)


def carrying(writeback_id: str) -> SelectOfScalar[RequestRow]:
    """Return the query of the requests that carry records of a writeback, the oldest first."""
    linked = select(CarriedRow.request_id).where(CarriedRow.writeback_id == writeback_id)
    # The request has the last word: what it let go of before it went out is linked to it still.
    carries = cast(RequestRow.members, Text).contains(json.dumps(writeback_id), autoescape=True)
    query = select(RequestRow).where(col(RequestRow.id).in_(linked), carries)
    return query.order_by(col(RequestRow.created_at), col(RequestRow.id))


def was_carried(session: Session, writeback_id: str) -> bool:
    """Whether any request has ever carried records of it, before a person had it sent again too."""
    query = select(CarriedRow.request_id).where(CarriedRow.writeback_id == writeback_id)
    return session.exec(query.limit(1)).first() is not None


def awaiting_of(session: Session, row: WritebackRow) -> Sequence[RequestRow]:
    """Return the requests that carry records of a writeback and await evidence, the oldest first; locked."""
    flush(session)
    query = carrying(row.id).where(col(RequestRow.state).in_(AWAITING)).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).all()


def may_have_made_it_too(session: Session, but: RequestRow, *, since: datetime, limit: int) -> Sequence[RequestRow]:
    """Return the lane's other requests of the kind since then that the provider has, or may have or get; the newest
    first."""
    state = col(RequestRow.state)
    was_taken = (state != RequestState.SETTLED) | (col(RequestRow.result) == "confirmed")
    query = (
        select(RequestRow)
        .where(RequestRow.lane_id == but.lane_id, RequestRow.kind == but.kind, RequestRow.id != but.id, was_taken)
        # The lane's index has the state before the instant.
        .where(state.in_(tuple(RequestState)))
        .where(col(RequestRow.created_at) >= since)
        .order_by(col(RequestRow.created_at).desc())
        .limit(limit)
    )
    return session.exec(query).all()


def sent_slots(session: Session, lane_id: str, since: datetime) -> Sequence[tuple[Sequence[Any], Sequence[str]]]:
    """Return members and slots of the lane's requests made since then."""
    query = select(RequestRow.members, RequestRow.slots).where(
        RequestRow.lane_id == lane_id,
        col(RequestRow.state).in_(tuple(RequestState)),  # the lane's index has the state before the instant
        col(RequestRow.created_at) >= since,
    )
    return session.exec(query).all()


def last_detail(session: Session, request_id: str) -> str:
    """Return what the last attempt of a request came to, in words."""
    query = select(AttemptRow.detail).where(AttemptRow.request_id == request_id).order_by(col(AttemptRow.number).desc())
    return session.exec(query.limit(1)).first() or ""


class FinishedAttempt(NamedTuple):
    """How the open attempt of a request ended."""

    request_id: str
    finished_at: datetime
    outcome: str
    detail: str | None


def ends_of(finished: Sequence[FinishedAttempt]) -> Updates:
    """Return what completes the open attempts of requests."""
    rows = [one._asdict() for one in finished]
    names = ("finished_at", "outcome", "detail")
    return Updates(AttemptRow, names, rows, key="request_id", only="attempt.finished_at IS NULL")


def finish_attempt(session: Session, request_id: str, *, at: datetime, outcome: str, detail: str | None) -> None:
    """Complete the request's open attempt."""
    update_many(session, ends_of([FinishedAttempt(request_id, at, outcome, detail)]))
