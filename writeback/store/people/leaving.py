"""Deleting all rows of a school or an app: some in each transaction, those first that others lean on.

A writeback goes with what hangs on it; a request that carried others' records too loses only these.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_, update
from sqlmodel import Session, col

from writeback.domain.staff import console_app
from writeback.domain.states import FINAL, Status
from writeback.store import tables as t
from writeback.store.batches.batches import NOT_ENDED, stop_all
from writeback.store.reads.search import Changed, terms_of
from writeback.store.tables import table_of
from writeback.store.tables.columns import Stored

_WRITEBACKS, _ROWS = 200, 2_000
"""Of one transaction."""
_HANGING: Sequence[type[Stored]] = (
    t.EventRow,
    t.CorrectionRow,
    t.DeliveryRow,
    t.DropInMemberRow,
    t.DriftCheckRow,
    t.CarriedRow,
    t.ClaimRow,
    t.RecentCreateRow,
    t.MarkInDoubtRow,
)
Piece = Callable[[Session], Counter[str]]
"""Deletes some rows and returns how many, by table; none: it is done."""


def open_work(session: Session, owner: str, owner_id: str, now: datetime) -> dict[str, int]:
    """Return how many writebacks, files and lanes of a `school_id` or `app_id` are not at rest; those that are none."""
    writeback, batch = table_of(t.WritebackRow), table_of(t.BatchRow)
    counted = {
        "writebacks": select(func.count()).where(writeback.c[owner] == owner_id, writeback.c.status.not_in(FINAL)),
        "files": select(func.count()).where(batch.c[owner] == owner_id, batch.c.status.in_(NOT_ENDED)),
    }
    found = {name: int(session.connection().execute(query).scalar_one()) for name, query in counted.items()}
    return {name: number for name, number in found.items() if number}


def being_served(session: Session, school_id: str, now: datetime) -> int:
    """Return how many lanes of the school a worker is serving just now."""
    query = select(func.count()).where(col(t.Lane.school_id) == school_id, col(t.Lane.lease_until) > now)
    return int(session.connection().execute(query).scalar_one())


def of_school(school_id: str) -> Sequence[Piece]:
    """Return what deletes a school, in order; what looks after many schools only forgets this one."""
    lanes = select(col(t.Lane.id)).where(col(t.Lane.school_id) == school_id)
    batches = select(col(t.BatchRow.id)).where(col(t.BatchRow.school_id) == school_id)
    requests = select(col(t.RequestRow.id)).where(col(t.RequestRow.lane_id).in_(lanes))
    return (
        _stop_files(col(t.BatchRow.school_id) == school_id),
        _writebacks(col(t.WritebackRow.school_id) == school_id),
        _some(t.AttemptRow, col(t.AttemptRow.request_id).in_(requests)),
        _some(t.ProviderAnswerRow, col(t.ProviderAnswerRow.request_id).in_(requests)),
        _some(t.RequestRow, col(t.RequestRow.lane_id).in_(lanes)),
        _some(t.MarkInDoubtRow, col(t.MarkInDoubtRow.lane_id).in_(lanes)),
        *_files(batches),
        *(
            _some(row, table_of(row).c.school_id == school_id)
            for row in (
                t.BatchRow,
                t.BatchMappingRow,
                t.ClaimRow,
                t.RecentCreateRow,
                t.DriftCheckRow,
                t.DropInRow,
                t.SearchTermRow,
                t.RollupRow,
                t.RollupTimeRow,
                t.BulkRow,
                t.RemovalsRow,
                t.SchoolWordsRow,
                t.UnknownWordRow,
                t.LookupRow,
                t.DirectoryRow,
                t.Lane,
            )
        ),
        _some(t.IdempotencyRow, _says(col(t.IdempotencyRow.answer), school_id)),
        _some(t.BulkRow, _says(col(t.BulkRow.wanted), school_id)),
        _some(t.BreakerRow, col(t.BreakerRow.key) == f"school:{school_id}"),
        _forgotten_by(t.ApiKey, school_id),
        _forgotten_by(t.WebhookRow, school_id),
        _forgotten_by(t.StaffRow, school_id),
        _some(t.App, col(t.App.id) == console_app(school_id)),
        _some(t.SchoolRow, col(t.SchoolRow.id) == school_id),
    )


def _says(column: Any, school_id: str) -> ColumnElement[bool]:
    """SQL condition: the JSON in a column is about the school."""
    return or_(*(column.contains(f'"school":{blank}"{school_id}"', autoescape=True) for blank in ("", " ")))


def of_app(app_id: str) -> Sequence[Piece]:
    """Return what deletes an app, in order."""
    webhooks = select(col(t.WebhookRow.id)).where(col(t.WebhookRow.app_id) == app_id)
    batches = select(col(t.BatchRow.id)).where(col(t.BatchRow.app_id) == app_id)
    return (
        _stop_files(col(t.BatchRow.app_id) == app_id),
        _writebacks(col(t.WritebackRow.app_id) == app_id),
        _some(t.DeliveryRow, col(t.DeliveryRow.webhook_id).in_(webhooks)),
        *_files(batches),
        *(
            _some(row, table_of(row).c.app_id == app_id)
            for row in (
                t.BatchRow,
                t.BatchMappingRow,
                t.DropInRow,
                t.IdempotencyRow,
                t.SchoolWordsRow,
                t.UnknownWordRow,
                t.WebhookRow,
                t.UsageRow,
                t.ApiKey,
            )
        ),
        _some(t.App, col(t.App.id) == app_id),
    )


def _files(batches: Any) -> Sequence[Piece]:
    """Return what deletes all that hangs on these batches."""
    hanging = (t.BatchChunkRow, t.BatchLine, t.BatchPersonRow, t.BatchReviewRow)
    return [_some(row, table_of(row).c.batch_id.in_(batches)) for row in hanging]


def _stop_files(where: ColumnElement[bool]) -> Piece:
    """End the work on files first: it would make rows and writebacks of what is being deleted."""

    def piece(session: Session) -> Counter[str]:
        stop_all(session, where)
        return Counter()

    return piece


def _some(row: type[Stored], where: ColumnElement[bool]) -> Piece:
    table = table_of(row)
    key = tuple_(*table.primary_key) if len(table.primary_key) > 1 else next(iter(table.primary_key))

    def piece(session: Session) -> Counter[str]:
        few = select(*table.primary_key).where(where).limit(_ROWS)
        gone = session.connection().execute(delete(table).where(key.in_(few))).rowcount
        return Counter({table.name: gone} if gone else {})

    return piece


def _writebacks(where: ColumnElement[bool]) -> Piece:
    def piece(session: Session) -> Counter[str]:
        query = select(t.WritebackRow).where(where).order_by(col(t.WritebackRow.seq)).limit(_WRITEBACKS)
        rows = session.execute(query).scalars().all()
        ids = [row.id for row in rows]
        if not ids:
            return Counter()
        _keep_the_newest_event(session, ids)
        gone = _requests(session, ids) + _terms(session, rows)
        refs = select(col(t.DropInMemberRow.ref)).where(col(t.DropInMemberRow.writeback_id).in_(ids))
        gone += _deleted(session, t.DropInRow, col(t.DropInRow.ref).in_(refs))
        for row in _HANGING:
            gone += _deleted(session, row, table_of(row).c.writeback_id.in_(ids))
        return gone + _deleted(session, t.WritebackRow, col(t.WritebackRow.id).in_(ids))

    return piece


def _keep_the_newest_event(session: Session, writeback_ids: Collection[str]) -> None:
    """Leave the newest event of all, should it be of these, as one of nothing.

    By its number a restored database is known, and the next event gets a higher one, as receivers rely on.
    """
    newest = session.execute(select(t.EventRow).order_by(col(t.EventRow.id).desc()).limit(1)).scalars().first()
    if newest is not None and newest.writeback_id in writeback_ids:
        newest.writeback_id, newest.app_id, newest.actor, newest.detail = "", "", "writeback", None
        newest.event = newest.status = Status.CANCELLED
        session.add(newest)
        session.flush()


def _requests(session: Session, writeback_ids: Collection[str]) -> Counter[str]:
    """Delete the requests that carried nothing but these, and take these out of the others."""
    carried = select(col(t.CarriedRow.request_id)).where(col(t.CarriedRow.writeback_id).in_(writeback_ids))
    rows = session.execute(select(t.RequestRow).where(col(t.RequestRow.id).in_(carried))).scalars().all()
    alone = []
    for row in rows:
        others = [member for member in row.members if member[0] not in writeback_ids]
        if others:
            row.members = others
            session.add(row)
        else:
            alone.append(row.id)
    session.flush()
    gone = _deleted(session, t.AttemptRow, col(t.AttemptRow.request_id).in_(alone))
    gone += _deleted(session, t.ProviderAnswerRow, col(t.ProviderAnswerRow.request_id).in_(alone))
    return gone + _deleted(session, t.RequestRow, col(t.RequestRow.id).in_(alone))


def _terms(session: Session, rows: Sequence[t.WritebackRow]) -> Counter[str]:
    """Delete what they are found by, by its keys: the table has no index by school, and millions of rows."""
    keys = [
        (what, term, row.school_id, row.seq)
        for row in rows
        for term, what in terms_of(Changed(row.seq or 0, row.school_id, row.ref, row.progress, row.records))
    ]
    gone: Counter[str] = Counter()
    key = tuple_(*table_of(t.SearchTermRow).primary_key)
    for start in range(0, len(keys), _ROWS):
        gone += _deleted(session, t.SearchTermRow, key.in_(keys[start : start + _ROWS]))
    return gone


def _deleted(session: Session, row: type[Stored], where: ColumnElement[bool]) -> Counter[str]:
    table = table_of(row)
    gone = session.connection().execute(delete(table).where(where)).rowcount
    return Counter({table.name: gone} if gone else {})


def _forgotten_by(row: type[Stored], school_id: str) -> Piece:
    """Take the school out of lists of schools; an empty list means none, not all."""

    def piece(session: Session) -> Counter[str]:
        table = table_of(row)
        found: Any = session.connection().execute(select(table.c.id, table.c.schools)).all()
        named = [
            (id_, [one for one in schools if one != school_id])
            for id_, schools in found
            if school_id in (schools or ())
        ]
        for id_, schools in named:
            session.connection().execute(update(table).where(table.c.id == id_).values(schools=schools))
        return Counter({table.name: len(named)} if named else {})

    return piece
