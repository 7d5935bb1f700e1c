"""The search index: terms of each writeback, in a table of their own, a moment behind the log of events.

`flow/projections/search.py` keeps them up to date; `store/reads/filters.py` asks. Accepting writes none of this.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, func, union_all
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.provider_words import key_of, words_in
from writeback.domain.states import Event
from writeback.store.sql.bulk_insert import BulkInsert, Values
from writeback.store.sql.database import Database
from writeback.store.sql.drivers import Statements
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import (
    EventRow,
    RequestRow,
    SearchCursorRow,
    SearchTermRow,
    WritebackRow,
    table_of,
)

LONGEST = 128
"""Characters of a term; ids and references are no longer."""
_MOST_WORDS = 12
_LAST = "\U0010ffff"
_THE_ROW = 1
_MOST_REQUESTS = 50
"""Requests that one provider's reference is looked up in: it names one, or one a school."""


_ON_SQLITE = (
    "UPDATE search_cursor SET event_id = ? WHERE id = ? AND event_id = ? RETURNING event_id",
    "DELETE FROM search_term WHERE what = 'finding' AND seq IN (SELECT value FROM json_each(?))",
)
_ON_POSTGRES = (
    "UPDATE search_cursor SET event_id = $1 WHERE id = $2 AND event_id = $3 RETURNING event_id",
    "DELETE FROM search_term WHERE what = 'finding' AND seq = ANY ($1::bigint[])",
)


class Term(StrEnum):
    """What a term is of its writeback."""

    PUPIL = "pupil"
    EMPLOYEE = "employee"
    RECORD = "record"
    """An app's own name for a record."""
    REF = "ref"
    """An app's own name for it, from the beginning or from one of its words on."""
    MIS = "mis"
    """The MIS's or provider's id of a thing that was made, changed or removed."""
    FINDING = "finding"
    """A finding's code; and again with the key of the provider's words, where it gave any: `code:key`."""


SUBJECTS = {
    "student_id": Term.PUPIL,
    "employee_id": Term.EMPLOYEE,
    "supervisor_id": Term.EMPLOYEE,
    "recorded_by_id": Term.EMPLOYEE,
    "authorised_by_id": Term.EMPLOYEE,
}
"""Fields of records that name a person."""
_THINGS = dict.fromkeys(("achievement_id", "behaviour_id", "detention_id", "absence_id"), Term.MIS)
_FIELDS = {**SUBJECTS, **_THINGS, "ref": Term.RECORD}
_NAMED = re.compile(rf'"({"|".join(_FIELDS)})"\s*:\s*"((?:[^"\\]|\\.)*)"')
"""Those in JSON text: a tenth of the time that reading the JSON takes."""
_WORD = re.compile(r"[^\W\d_]+|\d+")

# With these neither findings nor the MIS's ids change.
_SILENT = frozenset({Event.SENDING, Event.SENT, Event.CONTINUED, Event.HELD, Event.RELEASED})
_TELLING = tuple(event.value for event in Event if event not in _SILENT)
_WITH_RECORDS = (Event.ACCEPTED.value, Event.RESUBMITTED.value)


class Changed(NamedTuple):
    """A writeback that something has happened to. `records` None: they are as they were."""

    seq: int
    school_id: str
    ref: str | None
    progress: str
    records: str | None


def with_words(code: str, key: str) -> str:
    """Return the term of a code with a provider's words; no code has a colon."""
    return folded(f"{code}:{key}")


def folded(text: str) -> str:
    """Return the text as terms are kept and looked for."""
    return text.strip().casefold()[:LONGEST]


def terms_of(changed: Changed) -> set[tuple[str, str]]:
    """Return what the writeback is found by now, and what that is of it."""
    found: set[tuple[str, str]] = set()
    if changed.records is not None:
        found |= {(folded(_plain(value)), _FIELDS[name].value) for name, value in _NAMED.findall(changed.records)}
        found |= {(term, Term.REF.value) for term in _words_on(changed.ref or "")}
    if '"findings"' in changed.progress or '"mis_ids"' in changed.progress:
        found |= {(term, Term.FINDING.value) for term in findings_of(changed.progress)}
        found |= set(_in_progress(json.loads(changed.progress)))
    return {(term, what) for term, what in found if term}


def _plain(value: str) -> str:
    """Return what a JSON text between its quotes says."""
    return str(json.loads(f'"{value}"')) if "\\" in value else value


def _in_progress(progress: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for record in progress:
        for mis_id in record.get("mis_ids", ()):
            yield folded(str(mis_id)), Term.MIS.value


def findings_of(progress: str) -> dict[str, str]:
    """Return the terms of a writeback's findings; each with a provider's words where it is of these, else with none."""
    found: dict[str, str] = {}
    for record in json.loads(progress) if progress else ():
        for finding in record.get("findings", ()):
            found[folded(finding["code"])] = ""
            if words := words_in(finding):
                found[with_words(finding["code"], key_of(words))] = words
    return found


def _words_on(ref: str) -> Iterator[str]:
    """Yield the reference whole, and from each of its words on: `hillside 7B` is also found by `7b` and by `b`."""
    text = folded(ref)
    yield text
    for word in list(_WORD.finditer(text))[:_MOST_WORDS]:
        yield text[word.start() :]


def may_have(whats: Sequence[Term], value: str, school: str | None = None) -> ColumnElement[bool]:
    """SQL condition: the writeback has the term, or something has happened to it since terms were taken from it."""
    query = select(SearchTermRow.seq).where(
        col(SearchTermRow.term) == folded(value), col(SearchTermRow.what).in_([what.value for what in whats])
    )
    if school is not None:
        query = query.where(col(SearchTermRow.school_id) == school)
    return col(WritebackRow.seq).in_(union_all(query, newer()))


def has_words(code: str, key: str) -> ColumnElement[bool]:
    """SQL condition: a provider's words have given the writeback this term; those of the last moment not yet."""
    term, what = col(SearchTermRow.term), col(SearchTermRow.what)
    found = select(SearchTermRow.seq).where(term == with_words(code, key), what == Term.FINDING.value)
    return col(WritebackRow.seq).in_(found)


def newer(indexed: int | None = None) -> Select[Any]:
    """The writebacks that terms are still to be taken from.

    `indexed`: how far they were taken, where that is known. PostgreSQL then sees how few these are.
    """
    return (
        sa_select(col(WritebackRow.seq))
        .join(EventRow, col(EventRow.writeback_id) == col(WritebackRow.id))
        .where(col(EventRow.id) > (_cursor() if indexed is None else indexed))
    )


def _cursor() -> ColumnElement[int]:
    row = select(SearchCursorRow.event_id).where(SearchCursorRow.id == _THE_ROW)
    return func.coalesce(row.scalar_subquery(), 0)


async def indexed(session: AsyncSession) -> int:
    """Return how far events have been gone through."""
    return int((await (await session.connection()).execute(sa_select(_cursor()))).scalar_one())


def is_found_by(text: str, carried: Collection[str], school: str | None = None) -> ColumnElement[bool]:
    """SQL condition: one of its ids or references is the text, or begins with it; our own ids are given whole.

    `carried` are the ids of those that a provider's reference of that text names.
    """
    begins = folded(text)
    terms = select(SearchTermRow.seq).where(
        col(SearchTermRow.what).in_([what.value for what in Term if what is not Term.FINDING]),
        col(SearchTermRow.term) >= begins,
        col(SearchTermRow.term) < begins + _LAST,
    )
    if school is not None:
        terms = terms.where(col(SearchTermRow.school_id) == school)
    ours = select(WritebackRow.seq).where(col(WritebackRow.id).in_({text.strip(), *carried}))
    return col(WritebackRow.seq).in_(union_all(terms, ours))


async def carried_by(session: AsyncSession, reference: str) -> frozenset[str]:
    """Return the ids of the writebacks that requests with this reference of the provider's, or this id, carried."""
    is_it = RequestRow.id == reference if reference.startswith("req_") else RequestRow.provider_ref == reference
    query = select(RequestRow.members).where(is_it).limit(_MOST_REQUESTS)
    return frozenset(str(member[0]) for members in (await session.exec(query)).all() for member in members)


def cursor_of(session: Session) -> int:
    """Return how far events have been gone through."""
    insert_new(session, SearchCursorRow, id=_THE_ROW)
    row = session.get(SearchCursorRow, _THE_ROW, populate_existing=True)
    return row.event_id if row is not None else 0


async def changed(session: AsyncSession, after: int, upto: int) -> list[Changed]:
    """Return the writebacks that events with `after` < id ≤ `upto` are about, as they are now, in their order."""
    event, writeback = table_of(EventRow).c, table_of(WritebackRow).c
    happened = (
        sa_select(event.writeback_id, func.max(case((event.event.in_(_WITH_RECORDS), 1), else_=0)).label("anew"))
        .where(event.id > after, event.id <= upto, event.event.in_(_TELLING))
        .group_by(event.writeback_id)
        .subquery()
    )
    records = case((happened.c.anew == 1, writeback.records), else_=None)
    query = (
        sa_select(writeback.seq, writeback.school_id, writeback.ref, writeback.progress, records)
        .join(happened, happened.c.writeback_id == writeback.id)
        .order_by(writeback.seq)
    )
    return [Changed(*row) for row in await (await session.connection()).execute(query)]


class TermWriter:
    """Writes terms, and how far they go."""

    def __init__(self, db: Database) -> None:
        self._terms = BulkInsert(db.sql_dialect, SearchTermRow, ending="ON CONFLICT DO NOTHING")
        is_sqlite = db.dialect == "sqlite"
        self._advance, self._forget_findings = _ON_SQLITE if is_sqlite else _ON_POSTGRES
        self._array: Callable[[Sequence[int]], Any] = json.dumps if is_sqlite else list

    def rows_of(self, changes: Iterable[Changed]) -> Sequence[Values]:
        """Return the rows of the terms, as the driver takes them, in the order of their key."""
        return sorted((what, term, one.school_id, one.seq) for one in changes for term, what in terms_of(one))

    def write(self, seqs: Sequence[int], rows: Sequence[Values], start: int, upto: int, statements: Statements) -> bool:
        """Write the terms of these writebacks, and that events have been gone through from `start` so far.

        Findings that a writeback has no more are forgotten, so that they can be counted by their terms. Return False,
        and write nothing, where another process has gone through the events: it may have read later.
        """
        if not statements.run(self._advance, (upto, _THE_ROW, start)):
            return False
        if seqs:
            statements.run(self._forget_findings, (self._array(seqs),))
        if rows:
            self._terms.run(statements, rows)
        return True
