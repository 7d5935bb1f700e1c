"""What people read of writebacks: lists with filters, and one with its records, timeline and requests.

Only ever what the caller may see. `api` shows these values as they are; `flow` works with `writebacks.py` instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from writeback.core.errors import NotFound
from writeback.domain.access import Caller, check_kind
from writeback.domain.states import Status
from writeback.store.reads import counts, search, timeline
from writeback.store.reads.browsing import browsed
from writeback.store.reads.filters import Filter, conditions, reachable, visible
from writeback.store.reads.pages import cut, decode_number
from writeback.store.reads.people_of_one_school import check_one_school
from writeback.store.reads.views import detail_of, view_of
from writeback.store.schools import queue
from writeback.store.sql.database import Database
from writeback.store.sql.json_size import array_size
from writeback.store.tables import BreakerRow, WritebackRow
from writeback.store.writebacks import corrections, provider_answers
from writeback_client.models.base import Page
from writeback_client.models.writebacks import Counts, Writeback, WritebackSummary


@dataclass(frozen=True)
class Reads:
    """Reads writebacks for a caller."""

    db: Database

    async def list(
        self, caller: Caller, wanted: Filter, *, limit: int, cursor: str | None = None
    ) -> Page[WritebackSummary]:
        """Return a page, the latest accepted first. Pages stay as they are while new writebacks arrive."""
        before = decode_number(cursor)
        async with self.db.read() as session:
            found = await conditions_for(session, caller, wanted)
            if before is not None:
                found.append(col(WritebackRow.seq) < before)
            chosen = browsed(select(WritebackRow.seq), wanted).where(*found)
            shown = await views_of(session, chosen.order_by(col(WritebackRow.seq).desc()).limit(limit + 1))
        page = cut(list(shown.items()), limit, lambda pair: pair[0])
        return Page(items=[view for _, view in page.items], next_cursor=page.next_cursor)

    async def count(self, caller: Caller, wanted: Filter) -> Counts:
        """Return how many there are, by status, school and cause."""
        async with self.db.read() as session:
            found = await conditions_for(session, caller, wanted)
            return await counts.of(session, found, wanted)

    async def check_person(self, caller: Caller, wanted: Filter) -> None:
        """Raise BadInput where a person's id is asked for without a school, and means people of several."""
        if wanted.student is not None:
            async with self.db.read() as session:
                found = await conditions_for(session, caller, wanted)
                await check_one_school(session, caller, wanted.school, found, "student")

    async def show(self, caller: Caller, writeback_id: str) -> Writeback:
        """Return one writeback, whole; raise NotFound for what the caller may not see, as if it were not there.

        Raise Forbidden for a kind that the key is not for.
        """
        async with self.db.read() as session:
            row = (await session.exec(_one(caller, writeback_id))).one_or_none()
            if row is None:
                raise writeback_unknown(writeback_id)
            check_kind(caller, row.kind)
            events = await timeline.events_of(session, writeback_id)
            requests = await timeline.requests_of(session, writeback_id)
            attempts = await timeline.attempts_of(session, [request.id for request in requests])
            corrected = await corrections.of_writeback(session, writeback_id)
            kept_answers = await provider_answers.kept_of(session, [request.id for request in requests])
            breakers = await _left_alone(session, [row])
        return detail_of(row, breakers.get(row.school_id), events, requests, attempts, corrected, kept_answers)


async def views_of(
    session: AsyncSession, chosen: Select[Any] | SelectOfScalar[Any] | Sequence[int]
) -> dict[int, WritebackSummary]:
    """Return these writebacks as lists show them, by sequence, the latest accepted first; `chosen` are sequences."""
    query = (
        select(WritebackRow, array_size(col(WritebackRow.records)))
        .where(col(WritebackRow.seq).in_(chosen))
        .order_by(col(WritebackRow.seq).desc())
        .options(defer(WritebackRow.records, raiseload=True))  # type: ignore[arg-type] # a column, which its type hides
    )
    rows = (await session.exec(query)).all()
    breakers = await _left_alone(session, [row for row, _ in rows])
    return {row.seq or 0: view_of(row, records, breakers.get(row.school_id)) for row, records in rows}


async def conditions_for(session: AsyncSession, caller: Caller, wanted: Filter) -> list[ColumnElement[bool]]:
    """Return SQL conditions: it is one of those wanted, and the caller may see it."""
    reference = wanted.provider_ref or (wanted.q or "").strip()
    carried = await search.carried_by(session, reference) if reference else frozenset()
    return [*visible(caller), *conditions(wanted, carried)]


async def _left_alone(session: AsyncSession, rows: Iterable[WritebackRow]) -> Mapping[str, BreakerRow]:
    """Return the open breakers of the schools in which any of these waits, by school; asks only where any does."""
    schools = {row.school_id for row in rows if row.status == Status.QUEUED}
    return await queue.open_of_schools(session, schools) if schools else {}


def writeback_unknown(writeback_id: str) -> NotFound:
    return NotFound(
        "writeback_unknown",
        f"no writeback {writeback_id[:64]!r} that this key may see",
        hint="Check the id, and that the key is one of the app that submitted it.",
    )


def _one(caller: Caller, writeback_id: str) -> SelectOfScalar[WritebackRow]:
    return select(WritebackRow).where(WritebackRow.id == writeback_id, *reachable(caller))
