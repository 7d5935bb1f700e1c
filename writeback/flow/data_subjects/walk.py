"""Goes through all that is kept of one school, a page at a time, for one person: what names them, and what still waits.

Nothing is locked or kept in memory meanwhile; whoever changes a row looks at it once more (`erase.py`).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.batches.layout import Layout
from writeback.core.clock import Clock
from writeback.core.secrets import SecretBox
from writeback.domain.data_subject import Person, Role, folded
from writeback.domain.kinds import KINDS
from writeback.domain.states import FINAL
from writeback.domain.writeback import RecordProgress, unpack_progress
from writeback.flow.data_subjects.places import PLACES, Place, Reach
from writeback.flow.data_subjects.rows_without import Change, Look
from writeback.store.batches.batches import UNDER_WAY
from writeback.store.people import data_subjects as store
from writeback.store.reads.search import Term
from writeback.store.reads.views import raw_records
from writeback.store.sql.database import Database
from writeback.store.tables import BatchRow, SearchTermRow, WritebackRow
from writeback.store.tables.columns import Stored

_PAGE = 200
_WRITEBACKS = 100


@dataclass(frozen=True)
class Found:
    """One row that names the person, and what is to be written into it."""

    place: Place
    row: Any
    change: Change
    waits: bool
    """It is still needed for something that is on its way."""


@dataclass(frozen=True)
class Walk:
    """One walk. `until`: only what is no younger."""

    db: Database
    clock: Clock
    secrets: SecretBox
    until: datetime | None = None

    async def look(self, person: Person) -> Look:
        """Return which writebacks name the person, which of these are on their way, and so on."""
        look = Look(self.secrets, self.clock.now())
        async for rows in self._writebacks(person.school_id):
            for row in rows:
                note_writeback(row, person, look)
        async with self.db.read() as session:
            lanes = await store.lanes_of(session, person.school_id)
            waiting = await store.unsettled(session, lanes)
        look.waiting |= {str(member) for one in waiting for member, _ in one.members if member in look.touched}
        batches = await self.batches(person.school_id)
        look.layouts = layouts_of(batches)
        for batch in batches:
            if batch.status in UNDER_WAY and await self._may_name(batch, person, look):
                look.waiting.add(batch.id)
        return look

    async def batches(self, school_id: str) -> Sequence[BatchRow]:
        """Return the school's files."""
        async with self.db.read() as session:
            batches = await store.batches_of(session, school_id)
        return [batch for batch in batches if store.is_made_by(batch, self.until)]

    async def found(self, person: Person, look: Look) -> AsyncIterator[Sequence[Found]]:
        """Yield what names the person, a page of one table at a time."""
        async for place, rows in self.pages(person.school_id, look, term=folded(person.id)):
            later = await self._of_later_writebacks(rows) if place.row is SearchTermRow else ()
            found = [
                Found(place, row, change, place.waits(row, look))
                for row in rows
                if row not in later
                and store.is_made_by(row, self.until)
                and (change := place.without(row, person, look)) is not None
            ]
            if found:
                yield found

    async def pages(
        self, school_id: str, look: Look, *, term: str | None = None
    ) -> AsyncIterator[tuple[Place, Sequence[Stored]]]:
        """Yield the school's rows in which somebody may be named, a page of one table at a time.

        Of files those are read whose layouts the look has; of what writebacks are found by only the `term`: of a whole
        school there are millions.
        """
        by_reach = {reach: [one for one in PLACES if one.reach is reach] for reach in Reach}
        first, *dependent = by_reach[Reach.WRITEBACK]
        async for rows in self._writebacks(school_id):
            ids = [row.id for row in rows]
            look.kinds = {row.id: row.kind for row in rows}
            yield first, rows
            for place in dependent:
                async with self.db.read() as session:
                    hanging = await store.rows_of_writebacks(session, place.row, ids)
                yield place, hanging
        async with self.db.read() as session:
            lanes = await store.lanes_of(session, school_id)
        for place in by_reach[Reach.LANE]:
            async for requests in self._keyed(place, [store.of_values(place.row, "lane_id", lanes)]):
                yield place, requests
                if place.name == "request":
                    ids = [row.id for row in requests if store.is_made_by(row, self.until)]
                    for hanging_place in by_reach[Reach.REQUEST]:
                        async with self.db.read() as session:
                            hanging = await store.rows_of_requests(session, hanging_place.row, ids)
                        yield hanging_place, hanging
        for place in by_reach[Reach.BATCH]:
            for batch_id in look.layouts:
                async for lines in self._keyed(place, [store.of_values(place.row, "batch_id", [batch_id])]):
                    yield place, lines
        for place in (*by_reach[Reach.SCHOOL], *by_reach[Reach.EVERYWHERE]):
            where = list(store.of_school(place.row, school_id)) if place.reach is Reach.SCHOOL else []
            if place.row is SearchTermRow:
                where.append(store.of_values(place.row, "term", [] if term is None else [term]))
                where.append(store.of_values(place.row, "what", [one.value for one in Term]))  # its key begins so
            async for others in self._keyed(place, where):
                yield place, others

    async def _of_later_writebacks(self, terms: Sequence[Any]) -> Sequence[Any]:
        """Return those of the terms by which writebacks are found that are younger; a term has no time of its own."""
        if self.until is None:
            return ()
        async with self.db.read() as session:
            later = await store.accepted_after(session, [one.seq for one in terms], self.until)
        return [one for one in terms if one.seq in later]

    async def _writebacks(self, school_id: str) -> AsyncIterator[Sequence[WritebackRow]]:
        after = 0
        while True:
            async with self.db.read() as session:
                rows = await store.writebacks(session, school_id, after, _WRITEBACKS)
            if not rows:
                return
            yield [row for row in rows if store.is_made_by(row, self.until)]
            after = rows[-1].seq or 0

    async def _keyed(self, place: Place, where: Sequence[Any]) -> AsyncIterator[Sequence[Any]]:
        after: store.Key | None = None
        while True:
            async with self.db.read() as session:
                rows = await store.page(session, place.row, where, after, _PAGE)
            if not rows:
                return
            yield rows
            after = store.key_of(rows[-1])

    async def _may_name(self, batch: BatchRow, person: Person, look: Look) -> bool:
        """Whether a file that is being worked on may have rows of the person: nobody knows before it has been read."""
        if batch.status in UNDER_WAY[:2]:
            return True
        (lines,) = [place for place in PLACES if place.name == "batch_row"]
        async for rows in self._keyed(lines, [store.of_values(lines.row, "batch_id", [batch.id])]):
            if any(lines.without(row, person, look) is not None for row in rows):
                return True
        return False


def layouts_of(batches: Sequence[BatchRow]) -> dict[str, Layout | None]:
    """Return how the files are laid out, by their batches' ids."""
    return {batch.id: Layout.of_json(batch.layout) for batch in batches}


def note_writeback(row: WritebackRow, person: Person, look: Look) -> None:
    """Note whether it names the person, whether it waits, and what it has made in the MIS about them alone.

    Writebacks come in the order in which they were accepted. A mark waits with an earlier one: were it erased, nobody
    would know that it is the later one for its slot, and the earlier could be sent over it.
    """
    place = PLACES[0]
    if not (person.may_be_in(row.records) or person.may_be_in(row.progress) or '"erased"' in row.progress):
        return
    records = raw_records(row)
    progress = unpack_progress(row.progress, len(records))
    if place.without(row, person, look) is not None:
        look.touched.add(row.id)
        marks_pupil = person.role is Role.STUDENT and KINDS[row.kind].overwrites
        if row.status not in FINAL or (marks_pupil and row.lane_id in look.lanes_with_marks):
            look.waiting.add(row.id)
            if marks_pupil:
                look.lanes_with_marks.add(row.lane_id)
    for index, (record, entry) in enumerate(zip(records, progress, strict=True)):
        if _is_gone(record, entry, person, row.kind):
            look.erased.add((row.id, index))
            person.things.update(person.things_of(row.kind, entry.mis_ids))


def _is_gone(record: Any, entry: RecordProgress, person: Person, kind: str) -> bool:
    return entry.erased or (record is not None and person.is_about(kind, record))
