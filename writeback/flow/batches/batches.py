"""What the API calls: upload a file, see how far it is, fetch its bad rows, fetch a template."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from writeback.batches.layout import Format
from writeback.core.errors import NotFound
from writeback.domain.access import Caller, check_kind
from writeback.domain.actor import Actor
from writeback.domain.kinds import KINDS
from writeback.flow.batches import templates
from writeback.flow.batches.cancel import cancel_batch
from writeback.flow.batches.error_files import error_file, file_name_of
from writeback.flow.batches.uploads import NewBatch, Upload, begin_upload
from writeback.flow.batches.views import view_of
from writeback.flow.correct.locked_correction import check_may_correct
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import batch_reads, reviews
from writeback.store.reads.pages import cut, decode_cursor
from writeback.store.tables import BatchRow
from writeback_client.models.base import Page
from writeback_client.models.batches import Batch


@dataclass(frozen=True)
class ErrorFile:
    """`pieces` of the file, and what it is called."""

    name: str
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True)
class Batches:
    """The batches. What a key may not see is not there for it."""

    flow: FlowContext

    async def begin(self, caller: Caller, new: NewBatch) -> Upload:
        """Return an upload to be filled; raise what `begin_upload` raises."""
        return await begin_upload(self.flow, caller, new)

    async def get(self, caller: Caller, batch_id: str) -> Batch:
        """Return one batch; raise NotFound, or Forbidden for a kind that the key is not for."""
        async with self.flow.db.read() as session:
            row = seen(caller, batch_id, await batch_reads.find(session, caller, batch_id))
            counts = await batch_reads.writeback_counts(session, [row.id])
            review = await reviews.reviews_of(session, [row.id]) if row.review else {}
        return view_of(row, counts.get(row.id, {}), review.get(row.id))

    async def list(
        self,
        caller: Caller,
        *,
        school: str | None = None,
        statuses: Sequence[str] = (),
        limit: int,
        cursor: str | None = None,
    ) -> Page[Batch]:
        """Return a page, the newest first."""
        before = decode_cursor(cursor)
        async with self.flow.db.read() as session:
            rows = await batch_reads.page(
                session, caller, school=school, statuses=statuses, before=before, limit=limit + 1
            )
            page = cut(rows, limit, lambda row: row.id)
            counts = await batch_reads.writeback_counts(session, [row.id for row in page.items])
            looked_at = await reviews.reviews_of(session, [row.id for row in page.items if row.review])
        views = [view_of(row, counts.get(row.id, {}), looked_at.get(row.id)) for row in page.items]
        return Page(items=views, next_cursor=page.next_cursor)

    async def cancel(self, caller: Caller, batch_id: str, actor: Actor) -> Batch:
        """Stop a batch that is being read, checked, looked at or queued; raise as `get`, or Conflict where it is
        past that."""
        check_may_correct(caller)
        async with self.flow.db.read() as session:
            row = seen(caller, batch_id, await batch_reads.find(session, caller, batch_id))
        await cancel_batch(self.flow, row, actor)
        return await self.get(caller, batch_id)

    async def errors(self, caller: Caller, batch_id: str, format_: Format) -> ErrorFile:
        """Return the bad rows as a file; raise as `get`, or Conflict while they are not known."""
        async with self.flow.db.read() as session:
            row = seen(caller, batch_id, await batch_reads.find(session, caller, batch_id))
        return ErrorFile(file_name_of(row, format_), error_file(self.flow, row, format_))

    async def template(self, school_id: str, kind: str, format_: Format) -> bytes:
        """Return an empty file for this school, with column names and an example; raise NotFound."""
        school = await self.flow.registry.school(school_id)
        view = await self.flow.lookups.view(school_id)
        return templates.template(kind, school, view, format_, self.flow.clock.now().date())


def _may_hold(row: BatchRow) -> Collection[str]:
    """Return the kinds that the rows may be; one once it is known."""
    if row.kind is not None:
        return [row.kind]
    return KINDS if row.kinds is None else row.kinds


def seen(caller: Caller, batch_id: str, row: BatchRow | None) -> BatchRow:
    """Return the batch that was found for a caller; raise NotFound, or Forbidden for a kind that the key is not for."""
    if row is None:
        raise NotFound(
            "batch_unknown",
            f"no batch {batch_id[:64]!r} that this key may see",
            hint="Check the id, and that the key is one of the app that uploaded it.",
        )
    for kind in _may_hold(row):
        check_kind(caller, kind)
    return row
