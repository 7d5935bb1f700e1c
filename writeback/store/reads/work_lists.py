"""What a list of work needs beside its page: how many there are, groups, and another order. Called by the console.

None of it grows with what is stored: counting ends at `MOST`, and groups and orders are those of the latest `MOST` that
match. Where there are more, that is said.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Subquery, and_, case, func, or_
from sqlalchemy import select as select_row
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.domain.states import NEED_SOMEBODY, Status
from writeback.store.reads import counts
from writeback.store.reads.browsing import browsed, is_quick, numbered
from writeback.store.reads.filters import Filter
from writeback.store.reads.pages import decode_cursor, encode_cursor, unknown_cursor
from writeback.store.reads.writebacks_read import conditions_for, views_of
from writeback.store.sql.database import Database
from writeback.store.tables import SchoolRow, WritebackRow
from writeback_client.models.base import Page
from writeback_client.models.writebacks import WritebackSummary

MOST = 10_000
"""Writebacks that are counted, grouped or put into another order."""
_FIRST = (*NEED_SOMEBODY, *(status for status in Status if status not in NEED_SOMEBODY))
"""Statuses as people work: what needs somebody comes first."""


class UpTo(NamedTuple):
    """A number of writebacks; `has_more`: at least as many, for counting ended there."""

    number: int
    has_more: bool = False


class By(StrEnum):
    """What a list is grouped by."""

    SCHOOL = "school"
    CAUSE = "cause"
    APP = "app"


class Column(StrEnum):
    """What a list is ordered by."""

    ACCEPTED = "accepted"
    STATUS = "status"
    SCHOOL = "school"
    KIND = "kind"
    APP = "app"


class Order(NamedTuple):
    """By which column, and whether its last comes first; within equal ones the latest accepted does."""

    column: Column
    is_down: bool = False


class Group(NamedTuple):
    """Writebacks that have something in common. `is_hold`: the key is why they wait, not a finding's code."""

    key: str
    writebacks: int
    statuses: Mapping[str, int]
    """Empty where it is by finding."""
    oldest_at: datetime | None = None
    is_hold: bool = False


@dataclass(frozen=True)
class WorkLists:
    """Reads for lists of work."""

    db: Database

    async def numbers(self, caller: Caller, wanted: Filter, tabs: Sequence[Sequence[str]]) -> Sequence[UpTo]:
        """Return how many match with each of these sets of statuses in place of the filter's own; empty: with any."""
        async with self.db.read() as session:
            found = await conditions_for(session, caller, replace(wanted, statuses=()))
            if not is_quick(wanted):
                each = await _by_status(session, found, wanted)
                if each.total() <= MOST:
                    return [UpTo(sum(each[one] for one in tab) if tab else each.total()) for tab in tabs]
            limited = caller.schools is not None
            return [await _number(session, found, replace(wanted, statuses=tab), is_limited=limited) for tab in tabs]

    async def groups(self, caller: Caller, wanted: Filter, by: By) -> tuple[Sequence[Group], UpTo]:
        """Return the groups, the largest first, and how many writebacks were looked at: the latest that match."""
        async with self.db.read() as session:
            found = await conditions_for(session, caller, wanted)
            latest = _latest(found, wanted)
            total = (await (await session.connection()).execute(select_row(func.count()).select_from(latest))).scalar()
            seen = UpTo(min(total or 0, MOST), (total or 0) > MOST)
            if by is By.CAUSE:
                groups = await _by_cause(session, found, wanted, latest)
            else:
                groups = await _by_key(session, latest, "school_id" if by is By.SCHOOL else "app_id")
        return sorted(groups, key=lambda one: (-one.writebacks, one.key)), seen

    async def page(
        self, caller: Caller, wanted: Filter, order: Order, *, limit: int, cursor: str | None = None
    ) -> Page[WritebackSummary]:
        """Return a page in that order, of the latest that match; raise BadInput for a cursor of another order."""
        after = _position(order, cursor)
        async with self.db.read() as session:
            found = await conditions_for(session, caller, wanted)
            query = _ordered(order, found, wanted, after).limit(limit + 1)
            rows: Sequence[Any] = (await (await session.connection()).execute(query)).all()
            shown = await views_of(session, [row[0] for row in rows[:limit]])
        more = encode_cursor(f"{rows[limit - 1][0]}:{rows[limit - 1][1]}") if len(rows) > limit else None
        return Page(items=[shown[row[0]] for row in rows[:limit]], next_cursor=more)


async def _by_status(session: AsyncSession, found: Sequence[ColumnElement[bool]], wanted: Filter) -> Counter[str]:
    some = browsed(select_row(col(WritebackRow.status)), replace(wanted, statuses=())).where(*found).limit(MOST + 1)
    each = some.subquery()
    query = select_row(each.c.status, func.count()).group_by(each.c.status)
    return Counter(dict((await (await session.connection()).execute(query)).all()))


async def _number(
    session: AsyncSession, found: Sequence[ColumnElement[bool]], wanted: Filter, *, is_limited: bool
) -> UpTo:
    some = numbered(select_row(col(WritebackRow.seq)), wanted, is_limited=is_limited).where(*found)
    if wanted.statuses:
        some = some.where(col(WritebackRow.status).in_(wanted.statuses))
    query = select_row(func.count()).select_from(some.limit(MOST + 1).subquery())
    number = (await (await session.connection()).execute(query)).scalar() or 0
    return UpTo(min(number, MOST), number > MOST)


def _latest(found: Sequence[ColumnElement[bool]], wanted: Filter, most: int = MOST + 1) -> Subquery:
    columns = (WritebackRow.seq, WritebackRow.school_id, WritebackRow.app_id, WritebackRow.kind, WritebackRow.status)
    each = select_row(*(col(one) for one in columns), col(WritebackRow.hold_reason), col(WritebackRow.created_at))
    return browsed(each, wanted).where(*found).order_by(col(WritebackRow.seq).desc()).limit(most).subquery()


async def _by_key(session: AsyncSession, latest: Subquery, column: str) -> list[Group]:
    key = latest.c[column]
    query = select_row(key, latest.c.status, func.count(), func.min(latest.c.created_at)).where(key.is_not(None))
    rows: Sequence[Any] = (await (await session.connection()).execute(query.group_by(key, latest.c.status))).all()
    groups: dict[str, Group] = {}
    for name, status, number, oldest_at in rows:
        had = groups.get(name) or Group(name, 0, {}, oldest_at)
        oldest = min(one for one in (had.oldest_at, oldest_at) if one is not None)
        groups[name] = Group(name, had.writebacks + number, {**had.statuses, status: number}, oldest)
    return list(groups.values())


async def _by_cause(
    session: AsyncSession, found: Sequence[ColumnElement[bool]], wanted: Filter, latest: Subquery
) -> list[Group]:
    """Return groups by why they wait, and by what was found of them: one with several findings is in several."""
    held = [one._replace(is_hold=True) for one in await _by_key(session, latest, "hold_reason")]
    findings = await counts.findings_of(session, [*found, col(WritebackRow.seq).in_(select_row(latest.c.seq))], wanted)
    return [*held, *(Group(one.code, one.writebacks, {}) for one in findings)]


def _ordered(order: Order, found: Sequence[ColumnElement[bool]], wanted: Filter, after: tuple[int, Any] | None) -> Any:
    """Return the query of sequences and what they are ordered by, behind the row of `after`."""
    if order.column is Column.ACCEPTED:
        seq = col(WritebackRow.seq)
        query = browsed(select_row(seq, seq), wanted).where(*found)
        if after is not None:
            query = query.where(seq < after[0] if order.is_down else seq > after[0])
        return query.order_by(seq.desc() if order.is_down else seq)
    return _by_column(order, _latest(found, wanted, MOST), after)


def _by_column(order: Order, latest: Subquery, after: tuple[int, Any] | None) -> Any:
    seq: Any = latest.c.seq
    by: Any
    query: Any = select_row(seq)
    if order.column is Column.SCHOOL:
        query, by = query.join(SchoolRow, col(SchoolRow.id) == latest.c.school_id), col(SchoolRow.name)
    elif order.column is Column.STATUS:
        by = case(
            {status.value: place for place, status in enumerate(_FIRST)}, value=latest.c.status, else_=len(_FIRST)
        )
    else:
        by = latest.c[{Column.KIND: "kind", Column.APP: "app_id"}[order.column]]
    query = query.add_columns(by)
    if after is not None:
        beyond = by < after[1] if order.is_down else by > after[1]
        query = query.where(or_(beyond, and_(by == after[1], seq < after[0])))
    return query.order_by(by.desc() if order.is_down else by, seq.desc())


def _position(order: Order, cursor: str | None) -> tuple[int, Any] | None:
    said = decode_cursor(cursor)
    if said is None:
        return None
    seq, _, value = said.partition(":")
    is_number = order.column is Column.STATUS
    if not (seq.isascii() and seq.isdigit() and len(seq) <= 18) or (is_number and not value.isdigit()):
        raise unknown_cursor(cursor or "")
    return int(seq), int(value) if is_number else value
