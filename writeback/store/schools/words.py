"""Words for codes, a row for each list of them; and what was refused for want of one, counted."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.school_settings.words import Word, Words, words_of
from writeback.store.sql.upsert import insert_into
from writeback.store.tables import SchoolWordsRow, UnknownWordRow

_MOST_UNKNOWN = 1_000
"""Different values of a school that are counted."""


class Unknown(NamedTuple):
    """A value that is no code: of which field, and as it was sent."""

    field: str
    word: str


async def of_school(session: AsyncSession, school_id: str) -> Words:
    """Return all words of a school."""
    query = select(SchoolWordsRow).where(SchoolWordsRow.school_id == school_id)
    return words_of((row.app_id, words_in(row)) for row in (await session.exec(query)).all())


async def find(session: AsyncSession, school_id: str, app_id: str) -> SchoolWordsRow | None:
    return await session.get(SchoolWordsRow, (school_id, app_id))


def words_in(row: SchoolWordsRow | None) -> list[Word]:
    """Return a row's words; none where there is no row."""
    stored = row.words if row is not None else ()
    return [Word(one["field"], one["word"], one["code"], one.get("always", False)) for one in stored]


def stored(words: Collection[Word]) -> list[dict[str, object]]:
    """Return what `words_in` reads."""
    return [
        {"field": one.field, "word": one.said, "code": one.code, **({"always": True} if one.always else {})}
        for one in words
    ]


def note_unknown(session: Session, school_id: str, app_id: str, times: Mapping[Unknown, int], now: datetime) -> None:
    """Count what was refused; where so much is counted of the school that it cannot be reasons, nothing new is."""
    known = select(func.count()).select_from(UnknownWordRow).where(UnknownWordRow.school_id == school_id)
    is_full = session.exec(known).one() >= _MOST_UNKNOWN
    insert = insert_into(session.connection().dialect.name, UnknownWordRow)
    for one, count in sorted(times.items()):  # in one order, so that two who count the same wait and do not cross
        key = {"school_id": school_id, "app_id": app_id, "field": one.field, "word": one.word}
        if is_full and session.get(UnknownWordRow, tuple(key.values())) is None:
            continue
        values = insert.values(**key, times=count, last_at=now)
        counted = {"times": UnknownWordRow.times + values.excluded.times, "last_at": values.excluded.last_at}
        session.connection().execute(values.on_conflict_do_update(index_elements=list(key), set_=counted))


async def unknown(session: AsyncSession, school_id: str, app_id: str | None, *, limit: int) -> Sequence[UnknownWordRow]:
    """Return what was refused, the most frequent first; `app_id` None: whichever app sent it."""
    query = select(UnknownWordRow).where(UnknownWordRow.school_id == school_id)
    if app_id is not None:
        query = query.where(UnknownWordRow.app_id == app_id)
    order = (col(UnknownWordRow.times).desc(), col(UnknownWordRow.last_at).desc(), col(UnknownWordRow.word))
    return (await session.exec(query.order_by(*order).limit(limit))).all()
