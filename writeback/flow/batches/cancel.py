"""Cancel a batch: reading, checking, review and queueing end, and its rows are deleted. What was queued by then are
ordinary writebacks, cancelled like any other. What if a worker is working on it? What it has committed stays, and it
commits nothing more: its fencing token is out of date.
"""

from functools import partial

import structlog
from sqlmodel import Session

from writeback.core.errors import Conflict
from writeback.domain.actor import Actor
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import batches, reviews
from writeback.store.batches.batches import BatchStatus
from writeback.store.people import audit
from writeback.store.tables import BatchRow

log = structlog.get_logger()


async def cancel_batch(flow: FlowContext, batch: BatchRow, actor: Actor) -> None:
    """Stop the batch; raise Conflict where nothing is left to be stopped."""
    await flow.db.transact(partial(_cancel, flow, batch.id, actor))
    log.info("batch_cancelled", batch_id=batch.id, school=batch.school_id)
    while await flow.db.transact(partial(batches.drop_lines, batch_id=batch.id)):
        pass


def _cancel(flow: FlowContext, batch_id: str, actor: Actor, session: Session) -> None:
    now = flow.clock.now()
    batch = batches.cancel(session, batch_id, now)
    if batch is None:
        raise _not_working(batches.load(session, batch_id))
    reviews.end(session, batch_id)
    noted = {"rows": batch.rows_read, "bad": batch.rows_bad, "queued": batch.rows_queued}
    audit.note(session, actor, now, "batch.cancel", batch.id, app=batch.app_id, school=batch.school_id, changed=noted)


def _not_working(batch: BatchRow | None) -> Conflict:
    if batch is None or batch.status == BatchStatus.UPLOADING:
        return Conflict("batch_not_cancellable", "its file is still arriving", hint="Break the upload off.")
    if batch.status == BatchStatus.CANCELLED:
        return Conflict("cancelled_already", f"{batch.id} is cancelled already", hint="There is nothing to do.")
    return Conflict(
        "batch_not_cancellable",
        f"{batch.id} is {batch.status}: nothing of its file waits",
        hint='Withdraw its writebacks: POST /v1/writebacks/cancel with {"filter": {"batch": "…"}}.',
    )
