"""Retention: rows, which name pupils, are deleted after their time; the batch and its counts stay."""

from datetime import timedelta
from functools import partial

from sqlmodel import Session

from writeback.flow.batches.uploads import drop_upload
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import batches
from writeback.store.batches.batches import BatchStatus
from writeback.store.people import audit

_AT_ONCE = 20


async def forget_old_batches(flow: FlowContext) -> int:
    """Delete the rows of batches that ended long ago, and uploads that never ended; return how many batches."""
    now, settings = flow.clock.now(), flow.settings.batches
    before, uploading_before = (
        now - timedelta(seconds=settings.keep_s),
        now - timedelta(seconds=settings.give_up_upload_s),
    )
    find = partial(batches.old, before=before, uploading_before=uploading_before, limit=_AT_ONCE)
    forgotten = 0
    while found := await flow.db.transact(find):
        for batch in found:
            if batch.status == BatchStatus.UPLOADING:
                await flow.db.transact(partial(drop_upload, batch_id=batch.id))
            else:
                await _forget(flow, batch.id)
            forgotten += 1
    return forgotten


async def _forget(flow: FlowContext, batch_id: str) -> None:
    while await flow.db.transact(partial(batches.drop_lines, batch_id=batch_id)):
        pass
    now = flow.clock.now()

    def forget(session: Session) -> None:
        batches.forget(session, batch_id, now)
        audit.forget(session, batch_id, "file_name")

    await flow.db.transact(forget)
