"""How many writebacks there are: by status, by school, and by what keeps them from the MIS."""

import json
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, func, literal
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as sa_select
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.domain.states import Status
from writeback.store.reads.browsing import browsed
from writeback.store.reads.filters import Filter
from writeback.store.reads.search import Term, newer
from writeback.store.tables import SearchTermRow, WritebackRow
from writeback_client.models.writebacks import Counts, FindingCount, HoldCount, SchoolCount

MOST_SCHOOLS = 200
"""The most schools that are named, those with most first."""


async def of(session: AsyncSession, caller: Caller, found: Sequence[ColumnElement[bool]], wanted: Filter) -> Counts:
    """Count the writebacks that the conditions find."""
    columns = col(WritebackRow.school_id), col(WritebackRow.status)
    grouped = sa_select(*columns, func.count()).where(*found).group_by(*columns)
    is_by_these = caller.sees_app is None and wanted.is_by_school_and_status
    grouped = browsed(grouped, wanted, "ix_writeback_of_school" if is_by_these else "ix_writeback_browse")
    reason = col(WritebackRow.hold_reason)
    waiting = browsed(sa_select(reason, func.count()).where(reason.is_not(None), *found).group_by(reason), wanted)
    connection = await session.connection()
    statuses: Counter[Status] = Counter()
    schools: Counter[str] = Counter()
    for school_id, status, number in await connection.execute(grouped):
        statuses[Status(status)] += number
        schools[school_id] += number
    holds: Counter[str] = Counter({str(why): number for why, number in await connection.execute(waiting)})
    findings = await _findings(session, found)
    return Counts(
        total=statuses.total(),
        statuses=dict(statuses.most_common()),
        findings=[FindingCount(code=code, writebacks=number) for code, number in _largest_first(findings)],
        holds=[HoldCount(reason=reason, writebacks=number) for reason, number in _largest_first(holds)],
        schools=[SchoolCount(school=one, writebacks=number) for one, number in _largest_first(schools)[:MOST_SCHOOLS]],
        more_schools=max(0, len(schools) - MOST_SCHOOLS),
    )


async def _findings(session: AsyncSession, found: Sequence[ColumnElement[bool]]) -> Counter[str]:
    """Count codes: by their terms, where these still hold, and by hand what terms were not taken from yet."""
    term, progress = col(SearchTermRow.term), col(WritebackRow.progress)
    still = progress.contains(literal('"code":"') + sql_cast(term, Text) + literal('"'))
    by_term = (
        select(SearchTermRow.term, func.count())
        .join(WritebackRow, col(WritebackRow.seq) == SearchTermRow.seq)
        .where(col(SearchTermRow.what) == Term.FINDING.value, still, *found)
        .where(col(WritebackRow.seq).not_in(newer()))
        .group_by(term)
    )
    counted = Counter(dict((await session.exec(by_term)).all()))
    fresh = select(WritebackRow.progress).where(col(WritebackRow.seq).in_(newer()), progress != "", *found)
    for text in (await session.exec(fresh)).all():
        records = json.loads(text)
        counted.update({finding["code"] for record in records for finding in record.get("findings", ())})
    return counted


def _largest_first(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda one: (-one[1], one[0]))
