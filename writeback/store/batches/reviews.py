"""Queries of batches that somebody looks at before they are sent: the review, its rows, and the people they name."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, delete, func, update
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.batches.batches import BatchStatus, LeaseLost, LineState, drop_chunks
from writeback.store.sql.upsert import insert_into, insert_new
from writeback.store.tables import BatchLine, BatchPersonRow, BatchReviewRow, BatchRow, table_of

_BATCH, _LINE = table_of(BatchRow), table_of(BatchLine)
_REVIEW, _PERSON = table_of(BatchReviewRow), table_of(BatchPersonRow)
_SLOT = 24
"""Characters of `same` that say what a record is about."""


class KeptLine(NamedTuple):
    """A row and what became of it; cells, findings and mends are JSON texts, or empty."""

    number: int
    unit: int
    state: str
    cells: str
    record: str
    findings: str
    same: str
    mended: str
    people: str


_KEPT = tuple(_LINE.c[name] for name in KeptLine._fields)


# --- a review


def begin(session: Session, batch_id: str, until: datetime) -> None:
    insert_new(session, BatchReviewRow, batch_id=batch_id, until=until, counts={})


def end(session: Session, batch_id: str) -> None:
    """Delete what is needed only while somebody looks at the batch: its file, and as whom its rows name people."""
    drop_chunks(session, batch_id)
    connection = session.connection()
    for table in (_PERSON, _REVIEW):
        connection.execute(delete(table).where(table.c.batch_id == batch_id))


def begin_again(session: Session, batch_id: str) -> None:
    """Forget what was found out of rows, which are read again; whom somebody has chosen stays chosen."""
    connection = session.connection()
    change(session, batch_id, counts={})
    is_it = _PERSON.c.batch_id == batch_id
    connection.execute(delete(_PERSON).where(is_it, _PERSON.c.chosen_by.is_(None)))
    connection.execute(update(_PERSON).where(is_it).values(rows=0, first_row=0))


def count_of_app(session: Session, app_id: str) -> int:
    """Return how many batches of the app are looked at; the app is locked by whoever asks."""
    query = select(func.count()).select_from(BatchRow)
    return session.exec(query.where(BatchRow.app_id == app_id, BatchRow.status == BatchStatus.REVIEWING)).one()


async def reviews_of(session: AsyncSession, batch_ids: Sequence[str]) -> Mapping[str, BatchReviewRow]:
    """Return the reviews of these batches."""
    if not batch_ids:
        return {}
    query = select(BatchReviewRow).where(col(BatchReviewRow.batch_id).in_(batch_ids))
    return {one.batch_id: one for one in (await session.exec(query)).all()}


def find(session: Session, batch_id: str) -> BatchReviewRow | None:
    return session.get(BatchReviewRow, batch_id, populate_existing=True)


def change(session: Session, batch_id: str, **values: Any) -> None:
    session.connection().execute(update(_REVIEW).where(_REVIEW.c.batch_id == batch_id).values(**values))


def take_version(session: Session, batch_id: str, version: int, now: datetime) -> None:
    """Make a new version of a batch in review; raise LeaseLost where it is in none, or not as it was at `version`."""
    is_it = (_BATCH.c.id == batch_id, _BATCH.c.status == BatchStatus.REVIEWING, _BATCH.c.fence == version)
    made = update(_BATCH).where(*is_it).values(fence=version + 1, updated_at=now)
    if session.connection().execute(made).rowcount != 1:
        raise LeaseLost


def leave(session: Session, batch_id: str, version: int, now: datetime, status: BatchStatus) -> bool:
    """Move a batch out of its review; return whether it was in one, and as it was at `version`."""
    is_it = (_BATCH.c.id == batch_id, _BATCH.c.status == BatchStatus.REVIEWING, _BATCH.c.fence == version)
    moved = {"status": status, "fence": version + 1, "cursor": 0, "failures": 0, "updated_at": now}
    return session.connection().execute(update(_BATCH).where(*is_it).values(**moved)).rowcount == 1


# --- its rows


async def page_of_lines(
    session: AsyncSession, batch_id: str, *, states: Sequence[str], code: str | None, after: int, limit: int
) -> Sequence[KeptLine]:
    """Return rows below the row `after`, in the order of the file; `code`: those with a finding of this code."""
    query = select(*_KEPT).where(_LINE.c.batch_id == batch_id, _LINE.c.number > after)
    if states:
        query = query.where(_LINE.c.state.in_(states))
    if code is not None:
        query = query.where(_LINE.c.findings.contains(f'"{code}"', autoescape=True))
    found = (await session.connection()).execute(query.order_by(_LINE.c.number).limit(limit))
    return [KeptLine(*row) for row in await found]


def lines(session: Session, batch_id: str, numbers: Collection[int]) -> Sequence[KeptLine]:
    query = select(*_KEPT).where(_LINE.c.batch_id == batch_id, _LINE.c.number.in_(numbers)).order_by(_LINE.c.number)
    return [KeptLine(*row) for row in session.connection().execute(query)]


def lines_of_units(session: Session, batch_id: str, units: Collection[int]) -> Sequence[KeptLine]:
    """Return the rows of these records, record by record, without those that are left out."""
    query = select(*_KEPT).where(
        _LINE.c.batch_id == batch_id, _LINE.c.unit.in_(units), _LINE.c.state != LineState.LEFT_OUT
    )
    return [KeptLine(*row) for row in session.connection().execute(query.order_by(_LINE.c.unit, _LINE.c.number))]


_SET_ASIDE = (
    update(_LINE)
    .where(_LINE.c.batch_id == bindparam("of_batch"), _LINE.c.number == bindparam("of_number"))
    .values(state=LineState.BAD, findings=bindparam("new_findings"))
)


def set_aside(session: Session, batch_id: str, units: Collection[int], finding: Mapping[str, Any]) -> None:
    """Make the good rows of these records bad ones that say why, until they are checked again."""
    rows = [
        {
            "of_batch": batch_id,
            "of_number": line.number,
            "new_findings": json.dumps([*(json.loads(line.findings) if line.findings else []), finding]),
        }
        for line in lines_of_units(session, batch_id, units)
        if line.state == LineState.GOOD
    ]
    if rows:
        session.connection().execute(_SET_ASIDE, rows)


def units_about(session: Session, batch_id: str, slots: Collection[str]) -> Sequence[int]:
    """Return the records that are about the same as these hashes say."""
    slot = func.substr(_LINE.c.same, 1, _SLOT)
    query = select(_LINE.c.unit).where(_LINE.c.batch_id == batch_id, _LINE.c.same != "", slot.in_(slots)).distinct()
    return [row[0] for row in session.connection().execute(query)]


def slot_of(same: str) -> str:
    return same[:_SLOT]


def groups(session: Session, batch_id: str) -> Iterator[tuple[str, int]]:
    """Yield the hash of each group, and the number that it goes by."""
    query = select(_LINE.c.group_key, _LINE.c.part).where(_LINE.c.batch_id == batch_id, _LINE.c.group_key != "")
    yield from ((group, part) for group, part in session.connection().execute(query.distinct()))


_CHANGED = ("cells", "unit", "state", "mended", "people")
_CHANGE_LINES = (
    update(_LINE)
    .where(_LINE.c.batch_id == bindparam("of_batch"), _LINE.c.number == bindparam("of_number"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)


def change_lines(session: Session, batch_id: str, changed: Sequence[KeptLine]) -> None:
    """Write down what rows say from now on."""
    values = [
        {
            "of_batch": batch_id,
            "of_number": one.number,
            **{f"new_{name}": getattr(one, name) for name in _CHANGED},
        }
        for one in changed
    ]
    if values:
        session.connection().execute(_CHANGE_LINES, values)


def leave_out(session: Session, batch_id: str, number: int) -> None:
    """Take all that checking has found out from a row that is not to be sent."""
    nothing = {"record": "", "findings": "", "same": "", "group_key": "", "part": 0, "people": ""}
    made = update(_LINE).where(_LINE.c.batch_id == batch_id, _LINE.c.number == number)
    session.connection().execute(made.values(state=LineState.LEFT_OUT, unit=number, **nothing))


def drop_left_out(session: Session, batch_id: str) -> int:
    made = delete(_LINE).where(_LINE.c.batch_id == batch_id, _LINE.c.state == LineState.LEFT_OUT)
    return session.connection().execute(made).rowcount


def counts_of_lines(session: Session, batch_id: str) -> Mapping[str, int]:
    """Return how many rows are in each state."""
    query = select(_LINE.c.state, func.count()).where(_LINE.c.batch_id == batch_id).group_by(_LINE.c.state)
    return {row[0]: row[1] for row in session.connection().execute(query)}


def count_mended(session: Session, batch_id: str) -> int:
    """Return how many rows somebody has changed or left out."""
    is_changed = (_LINE.c.mended != "") | (_LINE.c.state == LineState.LEFT_OUT)
    query = select(func.count()).select_from(_LINE).where(_LINE.c.batch_id == batch_id, is_changed)
    return int(session.connection().execute(query).scalar_one())


def first_with(session: Session, batch_id: str, code: str) -> tuple[int, str] | None:
    """Return number and findings of the first row that has a finding of this code."""
    has_it = _LINE.c.findings.contains(f'"{code}"', autoescape=True)
    query = select(_LINE.c.number, _LINE.c.findings).where(_LINE.c.batch_id == batch_id, has_it)
    found = session.connection().execute(query.order_by(_LINE.c.number).limit(1)).first()
    return (found[0], found[1]) if found is not None else None


# --- the people whom rows name


class PersonNamed(NamedTuple):
    """Somebody whom rows name, and what looking for them came to; `reference` is JSON."""

    key: str
    list_name: str
    reference: str
    match: str
    person_id: str
    chosen_by: str | None = None


def chosen(session: Session, batch_id: str, keys: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Return whom somebody has chosen, and who, by the key of the reference."""
    query = select(_PERSON.c.key, _PERSON.c.person_id, _PERSON.c.chosen_by).where(
        _PERSON.c.batch_id == batch_id, _PERSON.c.key.in_(keys), _PERSON.c.chosen_by.is_not(None)
    )
    return {key: (person_id, by) for key, person_id, by in session.connection().execute(query)}


def keep_people(session: Session, batch_id: str, people: Mapping[PersonNamed, Sequence[int]]) -> None:
    """Note whom rows name that were not noted before: each with these rows."""
    connection = session.connection()
    insert = insert_into(connection.dialect.name, BatchPersonRow)
    new, first = insert.excluded, func.min if connection.dialect.name == "sqlite" else func.least
    is_chosen = _PERSON.c.chosen_by.is_not(None)
    merged = insert.on_conflict_do_update(
        index_elements=["batch_id", "key"],
        set_={
            "match": new.match,
            "person_id": case((is_chosen, _PERSON.c.person_id), else_=new.person_id),
            "rows": _PERSON.c.rows + new.rows,
            "first_row": case((_PERSON.c.rows == 0, new.first_row), else_=first(_PERSON.c.first_row, new.first_row)),
        },
    )
    values = [
        {**one._asdict(), "batch_id": batch_id, "rows": len(rows), "first_row": min(rows), "chosen_at": None}
        for one, rows in people.items()
    ]
    if values:
        connection.execute(merged, values)


def count_people_again(session: Session, batch_id: str, keys: Collection[str]) -> None:
    """Count the rows that name these people, once what rows say has changed."""
    for key in sorted(keys):
        of_key = select(func.count(), func.min(_LINE.c.number)).where(
            _LINE.c.batch_id == batch_id, _LINE.c.people.contains(key, autoescape=True)
        )
        rows, first = session.connection().execute(of_key).one()
        is_it = (_PERSON.c.batch_id == batch_id, _PERSON.c.key == key)
        session.connection().execute(update(_PERSON).where(*is_it).values(rows=rows, first_row=first or 0))


def choose(session: Session, batch_id: str, key: str, person_id: str, by: str | None, at: datetime) -> None:
    """Note who it is whom rows name, or, where `by` is None, that nobody has chosen."""
    is_it = (_PERSON.c.batch_id == batch_id, _PERSON.c.key == key)
    said = {"person_id": person_id, "chosen_by": by, "chosen_at": at if by is not None else None}
    session.connection().execute(update(_PERSON).where(*is_it).values(**said))


def person(session: Session, batch_id: str, key: str) -> BatchPersonRow | None:
    return session.get(BatchPersonRow, (batch_id, key), populate_existing=True)


def units_naming(session: Session, batch_id: str, key: str) -> Sequence[int]:
    """Return the records that name somebody so."""
    names = _LINE.c.people.contains(key, autoescape=True)
    query = select(_LINE.c.unit).where(_LINE.c.batch_id == batch_id, names).distinct().order_by(_LINE.c.unit)
    return [row[0] for row in session.connection().execute(query)]


async def people_counts(session: AsyncSession, batch_id: str) -> Sequence[tuple[str, str, bool, int]]:
    """Return how many people are named: list, what looking for them came to, whether somebody has chosen."""
    is_chosen = _PERSON.c.chosen_by.is_not(None)
    query = select(_PERSON.c.list_name, _PERSON.c.match, is_chosen, func.count())
    named = query.where(_PERSON.c.batch_id == batch_id, _PERSON.c.rows > 0)
    found = await (await session.connection()).execute(named.group_by(_PERSON.c.list_name, _PERSON.c.match, is_chosen))
    return [(list_name, match, bool(chosen_), number) for list_name, match, chosen_, number in found]


async def page_of_people(
    session: AsyncSession, batch_id: str, *, matches: Sequence[str], after: str, limit: int
) -> Sequence[BatchPersonRow]:
    """Return whom rows name, those first whose key comes after `after`."""
    query = select(BatchPersonRow).where(
        BatchPersonRow.batch_id == batch_id, col(BatchPersonRow.key) > after, col(BatchPersonRow.rows) > 0
    )
    if matches:
        query = query.where(col(BatchPersonRow.match).in_(matches))
    return (await session.exec(query.order_by(col(BatchPersonRow.key)).limit(limit))).all()
