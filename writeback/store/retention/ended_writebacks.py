"""What is deleted of writebacks that have ended, step by step: comments and files, content, history, and the row.

`take_content` is also for whoever deletes the content of single writebacks before its time.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlmodel
from sqlalchemy import Select, case, delete, exists, func, or_, select, text, update
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from writeback.domain.kept import TEXTS, Kept, bare_progress, no_records, without_texts
from writeback.store.retention.old import Keys, Old, Scope
from writeback.store.sql.json_size import array_size
from writeback.store.sql.write_out import Updates, update_many
from writeback.store.tables import (
    IS_ENDED,
    AttemptRow,
    CarriedRow,
    ClaimRow,
    CorrectionRow,
    DriftCheckRow,
    EventRow,
    ProviderAnswerRow,
    RequestRow,
    SchoolRow,
    SearchTermRow,
    WritebackRow,
    table_of,
)
from writeback.store.writebacks.requests import RequestState

_WRITEBACK, _EVENT, _REQUEST = table_of(WritebackRow), table_of(EventRow), table_of(RequestRow)
_CORRECTION = table_of(CorrectionRow)
WITH_TEXTS = (Kept.WHOLE,)
WITH_CONTENT = (Kept.WHOLE, Kept.WITHOUT_TEXTS, Kept.TEXTS_GONE)
WITH_HISTORY = (Kept.CONTENT_GONE,)
BARE = (Kept.HISTORY_GONE,)


def school_ages(session: Session) -> Sequence[tuple[str, float | None]]:
    """Return every school, and for how many days its content is kept where that is its own matter."""
    query = select(col(SchoolRow.id), col(SchoolRow.content_days)).order_by(col(SchoolRow.id))
    return [(row[0], row[1]) for row in session.connection().execute(query)]


def schools_with(kept: Collection[Kept], before: datetime, schools: Collection[str]) -> SelectOfScalar[str]:
    """Return the query of those of these schools that may have what ended before then, of which so much is left.

    It is one search of an index for each school, in one statement.
    """
    has_any = exists().where(
        _WRITEBACK.c.school_id == col(SchoolRow.id),
        _WRITEBACK.c.kept.in_(kept),
        _WRITEBACK.c.updated_at < before,
        text(IS_ENDED),
    )
    return sqlmodel.select(SchoolRow.id).where(col(SchoolRow.id).in_(schools), has_any).order_by(col(SchoolRow.id))


# --- comments and files


def texts(scope: Scope) -> Old:
    """Comments and files of what ended before then; the records stay."""
    return Old(_due(scope, WITH_TEXTS), _delete_texts, _WRITEBACK)


def _delete_texts(session: Session, keys: Keys) -> None:
    seqs, ids = [one.seq for one in keys], [one.id for one in keys]
    records, connection = col(WritebackRow.records), session.connection()
    has_any = or_(*(records.contains(f'"{name}"', autoescape=True) for name in sorted(TEXTS)))
    found = connection.execute(
        select(col(WritebackRow.seq), case((has_any, records), else_="")).where(col(WritebackRow.seq).in_(seqs))
    )
    cut = {seq: shorter for seq, stored in found.all() if (shorter := without_texts(stored)) is not None}
    rows = [{"seq": seq, "records": shorter, "kept": Kept.TEXTS_GONE} for seq, shorter in cut.items()]
    update_many(session, Updates(WritebackRow, ("kept", "records"), rows))
    _set_kept(session, [seq for seq in seqs if seq not in cut], Kept.WITHOUT_TEXTS)
    edits = connection.execute(
        select(_CORRECTION.c.id, _CORRECTION.c.records).where(_CORRECTION.c.writeback_id.in_(ids))
    )
    shorter_edits = [{"id": id_, "records": without_texts(stored)} for id_, stored in edits.all()]
    with_content = [one for one in shorter_edits if one["records"] is not None]
    update_many(session, Updates(CorrectionRow, ("records",), with_content))


# --- content


def content(scope: Scope) -> Old:
    """All that those said which ended before then."""
    due = _due(scope, WITH_CONTENT)
    return Old(due, lambda session, keys: take_content(session, [one.seq for one in keys], scope.now), _WRITEBACK)


def take_content(session: Session, seqs: Collection[int], now: datetime) -> None:
    """Delete what writebacks say, wherever it is; state, evidence, times and history stay without it.

    The caller has them locked, and knows that they have ended and that no request that carried them is awaited.
    """
    connection = session.connection()
    columns = (_WRITEBACK.c.seq, _WRITEBACK.c.id, _WRITEBACK.c.progress, array_size(_WRITEBACK.c.records).label("size"))
    found = connection.execute(select(*columns).where(_WRITEBACK.c.seq.in_(seqs))).all()
    ids = [one.id for one in found]
    gone = {"kept": Kept.CONTENT_GONE, "forgotten_at": now, "ref": None}
    bare = [
        {**gone, "seq": one.seq, "records": no_records(one.size), "progress": bare_progress(one.progress, one.size)}
        for one in found
    ]
    update_many(session, Updates(WritebackRow, (*gone, "records", "progress"), bare))
    connection.execute(delete(table_of(SearchTermRow)).where(col(SearchTermRow.seq).in_(seqs)))
    says = (_EVENT.c.writeback_id.in_(ids), _EVENT.c.detail.is_not(None))
    connection.execute(update(_EVENT).where(*says).values(detail=None))
    connection.execute(update(_CORRECTION).where(_CORRECTION.c.writeback_id.in_(ids)).values(records="[]", reason=""))
    connection.execute(delete(table_of(DriftCheckRow)).where(col(DriftCheckRow.writeback_id).in_(ids)))
    _take_content_of_requests(session, ids)


def _take_content_of_requests(session: Session, writeback_ids: Collection[str]) -> None:
    """Delete what requests that carried them quote: pupils in slots and hints, the provider's words."""
    connection = session.connection()
    requests = select(col(CarriedRow.request_id)).where(col(CarriedRow.writeback_id).in_(writeback_ids)).distinct()
    ids = connection.execute(requests).scalars().all()
    connection.execute(update(_REQUEST).where(_REQUEST.c.id.in_(ids)).values(slots=[], hints=[]))
    attempt = table_of(AttemptRow)
    connection.execute(
        update(attempt).where(attempt.c.request_id.in_(ids), attempt.c.detail.is_not(None)).values(detail=None)
    )
    connection.execute(delete(table_of(ProviderAnswerRow)).where(col(ProviderAnswerRow.request_id).in_(ids)))


# --- history


def history(scope: Scope) -> Old:
    """Events, requests, attempts and edits of what ended before then and has no content any more.

    The newest event stays: by its number a restored database is known, and the next one gets a higher number.
    """
    newest = select(_EVENT.c.writeback_id).order_by(_EVENT.c.id.desc()).limit(1).scalar_subquery()
    due = _due(scope, WITH_HISTORY).where(_WRITEBACK.c.id != newest)
    return Old(due, _delete_history, _WRITEBACK)


def _delete_history(session: Session, keys: Keys) -> None:
    connection, ids = session.connection(), [one.id for one in keys]
    carried = table_of(CarriedRow)
    requests = connection.execute(select(carried.c.request_id).where(carried.c.writeback_id.in_(ids)).distinct())
    request_ids = requests.scalars().all()
    for table in (_EVENT, _CORRECTION, table_of(ClaimRow), carried):
        connection.execute(delete(table).where(table.c.writeback_id.in_(ids)))
    carries_others = exists().where(carried.c.request_id == _REQUEST.c.id)
    left = select(_REQUEST.c.id).where(_REQUEST.c.id.in_(request_ids), ~carries_others)
    alone = connection.execute(left).scalars().all()
    for table in (table_of(AttemptRow), table_of(ProviderAnswerRow)):
        connection.execute(delete(table).where(table.c.request_id.in_(alone)))
    connection.execute(delete(_REQUEST).where(_REQUEST.c.id.in_(alone)))
    _set_kept(session, [one.seq for one in keys], Kept.HISTORY_GONE)


# --- the row


def writebacks(scope: Scope) -> Old:
    """What is left of those that ended before then. The one that was accepted last stays: the next gets a higher
    number."""
    newest = select(func.max(_WRITEBACK.c.seq)).scalar_subquery()
    due = _due(scope, BARE).where(_WRITEBACK.c.seq != newest)
    return Old(due, _delete_rows, _WRITEBACK)


def _delete_rows(session: Session, keys: Keys) -> None:
    session.connection().execute(delete(_WRITEBACK).where(_WRITEBACK.c.seq.in_([one.seq for one in keys])))


# --- what is due


def _due(scope: Scope, kept: Collection[Kept]) -> Select[Any]:
    """Return the query of what ended before then at a school, of which so much is left, and which no request under way
    carries."""
    is_awaited = exists().where(
        col(CarriedRow.writeback_id) == _WRITEBACK.c.id,
        _REQUEST.c.id == col(CarriedRow.request_id),
        _REQUEST.c.state != RequestState.SETTLED,
    )
    has_ended = (
        _WRITEBACK.c.school_id == scope.school,
        _WRITEBACK.c.kept.in_(kept),
        _WRITEBACK.c.updated_at < scope.before,
        text(IS_ENDED),
    )
    query = select(_WRITEBACK.c.seq, _WRITEBACK.c.id).where(*has_ended, ~is_awaited)
    return query.order_by(_WRITEBACK.c.kept, _WRITEBACK.c.updated_at)


def _set_kept(session: Session, seqs: Collection[int], kept: Kept) -> None:
    if seqs:
        session.connection().execute(update(_WRITEBACK).where(_WRITEBACK.c.seq.in_(seqs)).values(kept=kept))
