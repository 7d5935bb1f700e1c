"""What people read of writebacks: lists with filters, and one with its records, timeline and requests.

Only ever what the caller may see. `api` shows these values as they are; `flow` works with `writebacks.py` instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from writeback.core.errors import NotFound
from writeback.domain.access import Caller
from writeback.store import mendings, timeline
from writeback.store.database import Database
from writeback.store.json_size import array_size
from writeback.store.pages import Page, cut, decode_number
from writeback.store.tables import RequestRow, WritebackRow
from writeback.store.views import WritebackDetail, WritebackView, detail_of, view_of

_MAX_REFERENCES = 50
"""Requests that one provider reference is looked up in; a reference names one, or one a school."""


@dataclass(frozen=True)
class Filter:
    """Which writebacks to list; None and empty: all."""

    school: str | None = None
    kinds: Sequence[str] = ()
    statuses: Sequence[str] = ()
    app: str | None = None
    ref: str | None = None
    since: datetime | None = None
    """Accepted at or after this."""
    until: datetime | None = None
    """Accepted before this."""
    code: str | None = None
    """Of a finding that one of its records has."""
    student: str | None = None
    """The provider's id of a pupil that a record is about."""
    batch: str | None = None
    """The batch that it came in."""
    q: str | None = None
    """A writeback's id, a part of its ref, or a provider's reference of one of its requests."""


@dataclass(frozen=True)
class Reads:
    """Reads writebacks for a caller."""

    db: Database

    async def list(
        self, caller: Caller, wanted: Filter, *, limit: int, cursor: str | None = None
    ) -> Page[WritebackView]:
        """Return a page, the latest accepted first. Pages stay as they are while new writebacks arrive."""
        before = decode_number(cursor)
        async with self.db.read() as session:
            found = [*visible(caller), *conditions(wanted)]
            if wanted.q:
                found.append(await _matches(session, wanted.q))
            if before is not None:
                found.append(col(WritebackRow.seq) < before)
            query = (
                select(WritebackRow, array_size(col(WritebackRow.records)))
                .where(*found)
                .order_by(col(WritebackRow.seq).desc())
                .limit(limit + 1)
                .options(defer(WritebackRow.records, raiseload=True))  # type: ignore[arg-type] # a column, which its type hides
            )
            rows = (await session.exec(query)).all()
        page = cut(rows, limit, lambda pair: pair[0].seq or 0)
        return Page([view_of(row, records) for row, records in page.items], page.next_cursor)

    async def show(self, caller: Caller, writeback_id: str) -> WritebackDetail:
        """Return one writeback, whole; raise NotFound for what the caller may not see, as if it were not there."""
        async with self.db.read() as session:
            row = (await session.exec(_one(caller, writeback_id))).one_or_none()
            if row is None:
                raise writeback_unknown(writeback_id)
            events = await timeline.events_of(session, writeback_id)
            requests = await timeline.requests_of(session, row)
            attempts = await timeline.attempts_of(session, [request.id for request in requests])
            mended = await mendings.of_writeback(session, writeback_id)
        return detail_of(row, events, requests, attempts, mended)


def writeback_unknown(writeback_id: str) -> NotFound:
    return NotFound(
        "writeback_unknown",
        f"no writeback {writeback_id[:64]!r} that this key may see",
        hint="Check the id, and that the key is one of the app that submitted it.",
    )


def _one(caller: Caller, writeback_id: str) -> SelectOfScalar[WritebackRow]:
    return select(WritebackRow).where(WritebackRow.id == writeback_id, *visible(caller))


def visible(caller: Caller) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the caller may see the writeback."""
    found: list[ColumnElement[bool]] = []
    if caller.sees_app is not None:
        found.append(col(WritebackRow.app_id) == caller.sees_app)
    if caller.schools is not None:
        found.append(col(WritebackRow.school_id).in_(caller.schools))
    return found


def conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the writeback is one of those wanted, `q` left aside."""
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (WritebackRow.school_id, wanted.school),
        (WritebackRow.app_id, wanted.app),
        (WritebackRow.ref, wanted.ref),
        (WritebackRow.batch_id, wanted.batch),
    ):
        if value is not None:
            found.append(col(column) == value)
    if wanted.kinds:
        found.append(col(WritebackRow.kind).in_(wanted.kinds))
    if wanted.statuses:
        found.append(col(WritebackRow.status).in_(wanted.statuses))
    if wanted.since is not None:
        found.append(col(WritebackRow.created_at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(WritebackRow.created_at) < wanted.until)
    if wanted.code is not None:
        finding = f'"code":{timeline.as_json_text(wanted.code)}'
        found.append(col(WritebackRow.progress).contains(finding, autoescape=True))
    if wanted.student is not None:
        found.append(_is_about(wanted.student))
    return found


def _is_about(student_id: str) -> ColumnElement[bool]:
    """SQL condition: a record names this pupil. Records are JSON text, with or without a space after the colon."""
    records = col(WritebackRow.records)
    quoted = timeline.as_json_text(student_id)
    return or_(*(records.contains(f'"student_id":{space}{quoted}', autoescape=True) for space in ("", " ")))


async def _matches(session: AsyncSession, text: str) -> ColumnElement[bool]:
    """SQL condition: `q` is the writeback's id, a part of its ref, or its provider's reference."""
    query = select(RequestRow.members).where(RequestRow.provider_ref == text).limit(_MAX_REFERENCES)
    found = {str(member[0]) for members in (await session.exec(query)).all() for member in members}
    return or_(col(WritebackRow.id).in_({text, *found}), col(WritebackRow.ref).contains(text, autoescape=True))
