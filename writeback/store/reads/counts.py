"""How many writebacks there are: by status, by school, and by what keeps them from the MIS."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, literal_column
from sqlalchemy import select as sa_select
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.states import Status
from writeback.store.reads import search
from writeback.store.reads.browsing import counted, held, joined
from writeback.store.reads.filters import Filter
from writeback.store.reads.search import Term, newer
from writeback.store.tables import SearchTermRow, WritebackRow
from writeback_client.models.writebacks import Counts, FindingCount, HoldCount, SchoolCount, WordsCount

MOST_SCHOOLS = 200
"""The most schools that are named, those with most first."""
MOST_WORDS = 100
"""The most words of providers that are told apart, of all codes together."""


async def of(session: AsyncSession, found: Sequence[ColumnElement[bool]], wanted: Filter) -> Counts:
    """Count the writebacks that the conditions find."""
    columns = col(WritebackRow.school_id), col(WritebackRow.status)
    grouped = sa_select(*columns, func.count()).where(*found).group_by(*columns)
    grouped = counted(grouped, wanted)
    reason = col(WritebackRow.hold_reason)
    waiting = held(sa_select(reason, func.count()).where(reason.is_not(None), *found).group_by(reason))
    connection = await session.connection()
    statuses: Counter[Status] = Counter()
    schools: Counter[str] = Counter()
    for school_id, status, number in await connection.execute(grouped):
        statuses[Status(status)] += number
        schools[school_id] += number
    holds: Counter[str] = Counter({str(why): number for why, number in await connection.execute(waiting)})
    return Counts(
        total=statuses.total(),
        statuses=dict(statuses.most_common()),
        findings=await findings_of(session, found, wanted),
        holds=[HoldCount(reason=reason, writebacks=number) for reason, number in _largest_first(holds)],
        schools=[SchoolCount(school=one, writebacks=number) for one, number in _largest_first(schools)[:MOST_SCHOOLS]],
        more_schools=max(0, len(schools) - MOST_SCHOOLS),
    )


async def findings_of(
    session: AsyncSession, found: Sequence[ColumnElement[bool]], wanted: Filter
) -> Sequence[FindingCount]:
    """Count codes, and what providers said with them: by terms, and by hand what terms were not taken from yet."""
    fresh = newer(await search.indexed(session))
    term, seq = col(SearchTermRow.term), col(SearchTermRow.seq)
    # As a constant: an index of findings alone serves no parameter.
    is_finding = col(SearchTermRow.what) == literal_column(f"'{Term.FINDING}'")
    by_term = sa_select(term, func.count(), func.max(seq)).where(is_finding, seq.not_in(fresh))
    if found:
        by_term = joined(by_term.join(WritebackRow, col(WritebackRow.seq) == seq).where(*found), wanted)
    connection = await session.connection()
    terms, last = Counter[str](), dict[str, int]()
    for name, number, latest in await connection.execute(by_term.group_by(term)):
        terms[name], last[name] = number, latest
    progress = col(WritebackRow.progress)
    by_hand = select(WritebackRow.progress).where(col(WritebackRow.seq).in_(fresh), progress != "", *found)
    words: dict[str, str] = {}
    for text in (await session.exec(by_hand)).all():
        own = search.findings_of(text)
        words |= own
        terms.update(own.keys())
    said = [name for name, _ in _largest_first(terms) if ":" in name][:MOST_WORDS]
    shown = {last[name] for name in said if name not in words}
    texts = select(WritebackRow.progress).where(col(WritebackRow.seq).in_(shown))
    for text in (await session.exec(texts)).all() if shown else ():
        words |= search.findings_of(text)
    return [
        FindingCount(
            code=code,
            writebacks=number,
            said=[
                WordsCount(said=name.partition(":")[2], words=words[name], writebacks=terms[name])
                for name in said
                if name.startswith(f"{code}:") and words.get(name)
            ],
        )
        for code, number in _largest_first(terms)
        if ":" not in code
    ]


def _largest_first(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda one: (-one[1], one[0]))
