"""Batches that are looked at before they go: what was understood, the rows as they are, mending them, and sending.

Each change names the batch's version, or takes the one that it finds: of two that meet, one is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import structlog
from sqlmodel import Session

from writeback.batches.columns import NOT_SENT, letters
from writeback.batches.layout import Format, Layout
from writeback.core.errors import BadInput, Conflict, NotFound
from writeback.domain.access import Caller, check_may_find
from writeback.domain.actor import Actor
from writeback.domain.directory import Match
from writeback.domain.lookups import ListName
from writeback.domain.submission.shape_findings import show
from writeback.flow.accept.answer import iso
from writeback.flow.batches.batches import seen
from writeback.flow.batches.lease import Turn
from writeback.flow.batches.mappings import Confirmed, remember
from writeback.flow.batches.mending import Mending, RowChange, changed_meanwhile
from writeback.flow.batches.parsing import unread
from writeback.flow.batches.people_in_rows import reference_of
from writeback.flow.batches.readings import (
    WantedReading,
    check_may_read_again,
    confirmed_reading,
    proposal_of,
    stated_with,
)
from writeback.flow.batches.views import person_view, review_view, row_views, view_of
from writeback.flow.correct.locked_correction import check_may_correct
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.engine.context import FlowContext
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.store.batches import batch_reads, batches, reviews
from writeback.store.batches.batches import BatchStatus, LeaseLost, LineState
from writeback.store.people import audit
from writeback.store.reads.pages import cut, decode_cursor, decode_number
from writeback.store.tables import BatchPersonRow, BatchReviewRow, BatchRow
from writeback_client.models.base import Page
from writeback_client.models.batches import Batch
from writeback_client.models.reviews import Candidate, Mended, Review, ReviewPerson, ReviewRow

log = structlog.get_logger()

_UNITS = 500
"""Records that are checked again in one transaction."""
_SHOWN = 200
"""Most rows that an answer shows of those that were checked again."""
_OF_UPLOAD = frozenset({"file_uploaded_before"})
"""What was said of the file before it was read."""


@dataclass(frozen=True)
class Reviews:
    """The reviews. What a key may not see is not there for it."""

    flow: FlowContext
    refresher: ListRefresher
    finder: PeopleFinder

    async def get(self, caller: Caller, batch_id: str) -> Review:
        """Return how a batch in review was understood; raise NotFound, Forbidden, or Conflict where it is in none."""
        batch, review = await self._in_review(caller, batch_id)
        async with self.flow.db.read() as session:
            people = await reviews.people_counts(session, batch_id)
        return review_view(batch, review, people)

    async def rows(
        self,
        caller: Caller,
        batch_id: str,
        *,
        states: Sequence[str] = (),
        code: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> Page[ReviewRow]:
        """Return a page of rows in the order of the file; raise as `get`."""
        batch, _ = await self._in_review(caller, batch_id)
        after = decode_number(cursor) or 0
        async with self.flow.db.read() as session:
            lines = await reviews.page_of_lines(
                session, batch_id, states=states, code=code, after=after, limit=limit + 1
            )
        page = cut(lines, limit, lambda line: line.number)
        return Page(items=row_views(page.items, batch), next_cursor=page.next_cursor)

    async def people(
        self,
        caller: Caller,
        batch_id: str,
        *,
        matches: Sequence[str] = (),
        limit: int,
        cursor: str | None = None,
    ) -> Page[ReviewPerson]:
        """Return a page of those whom rows name as the school knows them, with who comes nearest; raise as `get`."""
        batch, _ = await self._in_review(caller, batch_id)
        after = decode_cursor(cursor) or ""
        async with self.flow.db.read() as session:
            rows = await reviews.page_of_people(session, batch_id, matches=matches, after=after, limit=limit + 1)
        page = cut(rows, limit, lambda row: row.key)
        near = await self._candidates(batch.school_id, page.items) if caller.sees_names else {}
        items = tuple(person_view(row, near.get(row.key, ())) for row in page.items)
        return Page(items=items, next_cursor=page.next_cursor)

    async def _candidates(self, school_id: str, rows: Sequence[BatchPersonRow]) -> Mapping[str, Sequence[Candidate]]:
        """Return who comes nearest to those who were not found, with what they are called where the school keeps it."""
        candidates: dict[str, Sequence[Candidate]] = {}
        for list_name in (ListName.STUDENTS, ListName.EMPLOYEES):
            asked = [row for row in rows if row.list_name == list_name.value and row.match != Match.FOUND]
            references = [reference_of(row.reference) for row in asked]
            found = await self.finder.find(school_id, list_name, references, refresh=False) if asked else ()
            ids = dict.fromkeys(one for each in found for one in each.candidates)
            names = await self.finder.names(school_id, list_name, ids) if ids else {}
            candidates |= {
                row.key: [Candidate(id=near, **names.get(near, {})) for near in one.candidates]
                for row, one in zip(asked, found, strict=True)
            }
        return candidates

    async def mend(
        self, caller: Caller, batch_id: str, change: RowChange, actor: Actor, *, version: int | None = None
    ) -> Mended:
        """Change one row, check it again with all that depends on it, and return how these stand.

        Raise as `get`, as `Mending.mend`, and Conflict where somebody else has changed the batch meanwhile.
        """
        turn = await self._turn(caller, batch_id, version)
        if names_people(turn.batch):
            check_may_find(caller)
        try:
            numbers = await Mending(turn, self.refresher, self.finder, actor).mend(change)
        except LeaseLost:
            raise changed_meanwhile(batch_id) from None
        return await self._mended(turn, numbers)

    async def choose(
        self,
        caller: Caller,
        batch_id: str,
        key: str,
        person_id: str | None,
        actor: Actor,
        *,
        version: int | None = None,
    ) -> Mended:
        """Say who it is whom rows name so, or with None that nobody is chosen; all these rows are checked again.

        Raise as `mend`, NotFound where no row names anybody so, and BadInput for one who is not on the list.
        """
        turn = await self._turn(caller, batch_id, version)
        check_may_find(caller)
        named = await turn.read(partial(reviews.person, batch_id=batch_id, key=key))
        if named is None:
            raise _no_such_person(batch_id, key)
        if person_id is not None:
            await self._check_listed(turn.batch, ListName(named.list_name), person_id)
        mending, numbers = Mending(turn, self.refresher, self.finder, actor), list[int]()
        try:
            await mending.choose(named, person_id)
            units = await turn.read(partial(reviews.units_naming, batch_id=batch_id, key=key))
            for start in range(0, len(units), _UNITS):
                numbers += await mending.check_again(units[start : start + _UNITS])
        except LeaseLost:
            raise changed_meanwhile(batch_id) from None
        return await self._mended(turn, numbers)

    async def _check_listed(self, batch: BatchRow, list_name: ListName, person_id: str) -> None:
        lookup = (await self.flow.lookups.view(batch.school_id)).get(list_name)
        if lookup is not None and person_id not in lookup.rows:
            raise BadInput(
                "person_not_listed",
                f"person_id is {show(person_id)}: nobody on the school's list of {list_name} has it",
                hint="Send the provider's id of somebody who is there.",
            )

    async def confirm(
        self, caller: Caller, batch_id: str, wanted: WantedReading, actor: Actor, *, version: int | None = None
    ) -> Batch:
        """Have the file read as somebody says; raise as `mend`, and InvalidSubmission where it cannot be read so."""
        turn = await self._turn(caller, batch_id, version)
        review = await turn.read(partial(reviews.find, batch_id=batch_id))
        proposal = proposal_of(review) if review is not None else None
        confirmed = None
        if proposal is not None and (wanted.says_columns or turn.batch.mapping):
            confirmed = confirmed_reading(turn.batch, proposal, wanted, actor, iso(self.flow.clock.now()))
        elif wanted.says_columns:
            raise BadInput("columns_not_there", "the file has no columns", hint="Only CSV and XLSX have.")
        if turn.batch.may_find and (names_people(turn.batch) or (confirmed is not None and confirmed.names_people)):
            check_may_find(caller)  # who has uploaded the file may, but rows are to name others from now on
        names = [column.name for column in proposal.columns] if proposal is not None else []
        await self.flow.db.transact(partial(self._confirm, turn.batch, turn.fence, wanted, confirmed, names, actor))
        await self.flow.waker.wake("run_batch", [batch_id])
        async with self.flow.db.read() as read:
            return await self._view(cast(BatchRow, await batch_reads.find(read, caller, batch_id)))

    def _confirm(
        self,
        batch: BatchRow,
        version: int,
        wanted: WantedReading,
        confirmed: Confirmed | None,
        names: Sequence[str],
        actor: Actor,
        session: Session,
    ) -> None:
        now = self.flow.clock.now()
        has_file = batches.chunk(session, batch.id, 0) is not None
        check_may_read_again(batch, wanted, mended=reviews.count_mended(session, batch.id), has_file=has_file)
        if not reviews.leave(session, batch.id, version, now, BatchStatus.READING):
            raise changed_meanwhile(batch.id)
        stated = stated_with(batch, wanted)
        batch.layout = stated.as_json()
        findings = [one for one in batch.findings if one["code"] in _OF_UPLOAD]
        mapping = confirmed.as_json() if confirmed is not None else ""
        batches.change(session, batch.id, version + 1, **{**unread(batch), "findings": findings, "mapping": mapping})
        reviews.begin_again(session, batch.id)
        noted: dict[str, Any] = {"date_order": stated.date_order, "encoding": stated.encoding}
        if confirmed is not None:
            fields = {letters(place): use.field or NOT_SENT for place, use in enumerate(confirmed.mapping.columns)}
            is_remembered = wanted.is_remembered and any(names)
            noted |= {"columns": fields, "remembered": is_remembered}
            if is_remembered:
                remember(session, batch, names, confirmed, now)
        of = {"app": batch.app_id, "school": batch.school_id}
        audit.note(session, actor, now, "batch.mapping", batch.id, **of, changed=noted)

    async def _mended(self, turn: Turn, numbers: Sequence[int]) -> Mended:
        find = partial(reviews.lines, batch_id=turn.batch.id, numbers=numbers[:_SHOWN])
        return Mended(batch=await self._view(turn.batch), rows=row_views(await turn.read(find), turn.batch))

    async def send(self, caller: Caller, batch_id: str, actor: Actor, *, version: int | None = None) -> Batch:
        """Have the good rows queued; raise as `mend`, and Conflict where there is none."""
        turn = await self._turn(caller, batch_id, version)
        batch = turn.batch
        if not batch.rows_good:
            raise Conflict(
                "batch_nothing_to_send",
                f"{batch_id} has no good row",
                hint="Mend rows or confirm its columns; or cancel it.",
            )
        await self.flow.db.transact(partial(self._send, batch, turn.fence, actor))
        log.info("batch_sent", batch_id=batch_id, school=batch.school_id, good=batch.rows_good, bad=batch.rows_bad)
        await self.flow.waker.wake("run_batch", [batch_id])
        async with self.flow.db.read() as read:
            return await self._view(cast(BatchRow, await batch_reads.find(read, caller, batch_id)))

    def _send(self, batch: BatchRow, version: int, actor: Actor, session: Session) -> None:
        now = self.flow.clock.now()
        if not reviews.leave(session, batch.id, version, now, BatchStatus.QUEUEING):
            raise changed_meanwhile(batch.id)
        # Counted now: an erasure may have taken rows since.
        good = reviews.counts_of_lines(session, batch.id).get(LineState.GOOD, 0)
        batches.change(session, batch.id, version + 1, rows_good=good)
        mended = reviews.count_mended(session, batch.id)
        left_out = reviews.drop_left_out(session, batch.id)
        reviews.end(session, batch.id)
        noted = {"good": good, "bad": batch.rows_bad, "left_out": left_out, "mended": mended - left_out}
        of = {"app": batch.app_id, "school": batch.school_id}
        audit.note(session, actor, now, "batch.send", batch.id, **of, changed=noted)

    async def _turn(self, caller: Caller, batch_id: str, version: int | None) -> Turn:
        """Return the batch for a caller who is going to change it, as it is now, or as they have seen it."""
        check_may_correct(caller)
        batch, _ = await self._in_review(caller, batch_id)
        if version not in (None, batch.fence):
            raise changed_meanwhile(batch_id)
        if (await self.flow.registry.school(batch.school_id)).former_ids_until is not None:
            raise _ids_change(batch.school_id)
        return Turn(self.flow, batch, batch.fence)

    async def _in_review(self, caller: Caller, batch_id: str) -> tuple[BatchRow, BatchReviewRow]:
        async with self.flow.db.read() as session:
            batch = seen(caller, batch_id, await batch_reads.find(session, caller, batch_id))
            review = (await reviews.reviews_of(session, [batch_id])).get(batch_id)
        if batch.status != BatchStatus.REVIEWING or review is None:
            raise _not_in_review(batch)
        return batch, review

    async def _view(self, batch: BatchRow) -> Batch:
        async with self.flow.db.read() as session:
            counts = await batch_reads.writeback_counts(session, [batch.id])
            review = await reviews.reviews_of(session, [batch.id])
        return view_of(batch, counts.get(batch.id, {}), review.get(batch.id))


def place_of(column: str) -> int:
    """Return the place of a column that is named as spreadsheets do, `A` being 0; raise BadInput."""
    plain = column.strip().upper()
    if not (0 < len(plain) <= 3 and plain.isascii() and plain.isalpha()):
        raise BadInput(
            "column_not_there", f"{column[:64]!r} is no column", hint="Name columns as spreadsheets do: A, B, …, AA."
        )
    place = 0
    for letter in plain:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def cells_at(cells: Mapping[str, str]) -> dict[int, str]:
    """Return texts by the place of their column; raise BadInput for one that is no column."""
    return {place_of(column): text for column, text in cells.items()}


def _not_in_review(batch: BatchRow) -> Conflict:
    if batch.status in (BatchStatus.UPLOADING, BatchStatus.READING, BatchStatus.CHECKING):
        hint = "Ask again in a moment." if batch.review else "Upload a file with review=true to look at it first."
        return Conflict("batch_not_checked", f"the batch is still {batch.status}", hint=hint)
    return Conflict(
        "batch_not_in_review",
        f"{batch.id} is {batch.status}, and not in review",
        hint="Upload a file with review=true to look at it before it is sent.",
    )


def _ids_change(school_id: str) -> Conflict:
    return Conflict(
        "school_ids_change",
        f"the ids of {school_id} are being changed: nobody can say yet whom the file means",
        hint="Try again once its lists have been fetched; its page shows them.",
    )


def _no_such_person(batch_id: str, key: str) -> NotFound:
    return NotFound("person_not_named", f"no row of {batch_id} names {key[:32]!r}", hint="GET …/people lists them.")


def names_people(batch: BatchRow) -> bool:
    """Whether rows of the file may name people as the school knows them."""
    layout = Layout.of_json(batch.layout)
    return batch.format == Format.NDJSON or (
        layout is not None and any("." in field for field in layout.fields if field is not None)
    )
