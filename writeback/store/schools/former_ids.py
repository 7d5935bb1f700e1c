"""Schools whose ids have changed, and their writebacks that were accepted before: until these are carried over."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.kept import Kept
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName
from writeback.domain.states import AWAIT_EVIDENCE, NEED_SOMEBODY, NOT_LEFT, Status
from writeback.store.tables import CorrectionRow, LookupRow, SchoolRow, WritebackRow

_CODED = (ListName.ATTENDANCE_CODES, *ATTRIBUTE_LISTS)
_MAY_GO = (*NOT_LEFT, *AWAIT_EVIDENCE, *NEED_SOMEBODY, Status.CANCELLED)
"""Of which something may be sent yet: at once, after it was looked for, or on somebody's word."""


def note_move(session: Session, school: SchoolRow, now: datetime) -> None:
    """Note that from now on all ids may be others, with the codes that the lists have given ids to until now."""
    query = select(LookupRow).where(
        LookupRow.school_id == school.id,
        col(LookupRow.list).in_([name.value for name in _CODED]),
        ~col(LookupRow.begins_again),
    )
    codes = {row.list: _codes_of(row.rows) for row in session.exec(query).all()}
    known = (school.former_ids or {}).get("codes", {})
    defaults = {"defaults": school.defaults}
    school.former_ids = {**_noted(now, {**known, **codes}, is_move=True), **defaults}
    session.add(school)


async def note_new_ids(session: AsyncSession, school_id: str, now: datetime) -> None:
    """Note that some people have other ids from now on."""
    school = await session.get(SchoolRow, school_id, with_for_update=True)
    if school is not None and school.former_ids is None:
        school.former_ids = _noted(now, {}, is_move=False)
        session.add(school)


async def lock(session: AsyncSession, school_id: str) -> None:
    """Lock a school whose former ids are about to be noted; before any of its lists, as everywhere."""
    await session.get(SchoolRow, school_id, with_for_update=True)


async def note_new_list(session: AsyncSession, school_id: str, name: ListName, now: datetime) -> None:
    """Note that what is accepted from now on is checked by a list that is new; the school is locked."""
    school = await session.get(SchoolRow, school_id)
    if school is not None and school.former_ids is not None:
        new_since = {**school.former_ids.get("new_since", {}), name.value: now.isoformat()}
        school.former_ids = {**school.former_ids, "new_since": new_since}
        session.add(school)


async def schools(session: AsyncSession) -> Sequence[str]:
    """Return the ids of schools with something to be carried over."""
    return (await session.exec(select(SchoolRow.id).where(col(SchoolRow.former_ids).is_not(None)))).all()


def page(session: Session, school_id: str, until: datetime, after: int, limit: int) -> Sequence[WritebackRow]:
    """Return writebacks of which something may be sent yet, accepted before the ids changed, in their order; locked."""
    query = (
        select(WritebackRow)
        .where(
            WritebackRow.school_id == school_id,
            col(WritebackRow.status).in_(_MAY_GO),
            col(WritebackRow.created_at) < until,
            col(WritebackRow.seq) > after,
            col(WritebackRow.kept) < Kept.CONTENT_GONE,
        )
        .order_by(col(WritebackRow.seq))
        .limit(limit)
        .with_for_update()
    )
    return session.exec(query).all()


def is_any_being_sent(session: Session, school_id: str) -> bool:
    """Whether a request of the school is under way."""
    query = select(WritebackRow.id).where(WritebackRow.school_id == school_id, WritebackRow.status == Status.SENDING)
    return session.exec(query.limit(1)).first() is not None


def corrected_since(session: Session, ids: Collection[str], since: datetime) -> set[str]:
    """Return those that a person has corrected since: these have the ids that the person gave."""
    is_one = col(CorrectionRow.writeback_id).in_(ids)
    return set(session.exec(select(CorrectionRow.writeback_id).where(is_one, CorrectionRow.at >= since)).all())


def _noted(now: datetime, codes: Mapping[str, Any], *, is_move: bool) -> dict[str, Any]:
    counts = {"carried": 0, "uncertain": 0}
    return {"until": now.isoformat(), "codes": codes, "is_move": is_move, "after": 0, **counts}


def _codes_of(rows: str) -> Mapping[str, str]:
    found: Mapping[str, Any] = json.loads(rows)
    return {key: str(row["code"]) for key, row in found.items() if row.get("code") is not None}
