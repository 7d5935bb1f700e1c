"""One worker's turn with one batch: its lease, its fencing token, and the only way to commit a piece of work."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlmodel import Session

from writeback.domain.actor import SERVICE
from writeback.domain.finding import Severity
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import batches
from writeback.store.batches.batches import BatchStatus
from writeback.store.people import audit
from writeback.store.tables import BatchRow

T = TypeVar("T")


class TurnEnded(Exception):
    """This process stops: somebody else goes on with the batch."""


@dataclass
class Turn:
    """`batch` is the row as this turn last left it."""

    flow: FlowContext
    batch: BatchRow
    fence: int
    must_stop: Callable[[], bool] = field(default=lambda: False)

    async def commit(self, work: Callable[[Session], T] | None = None, **changes: Any) -> T | None:
        """Do `work` and change the batch in one transaction; raise LeaseLost where another worker has the batch by
        now."""
        if self.must_stop():
            raise TurnEnded
        values = {**changes, "updated_at": self.flow.clock.now()}

        def run(session: Session) -> T | None:
            # First, so that whoever has lost the lease waits for nobody and writes nothing.
            batches.change(session, self.batch.id, self.fence, **values)
            return work(session) if work is not None else None

        result = await self.flow.db.transact(run)
        for name, value in values.items():
            setattr(self.batch, name, value)
        return result

    async def end(self, status: BatchStatus, work: Callable[[Session], object] | None = None, **changes: Any) -> None:
        """End the batch as `commit` changes it, and write into the audit log what became of its rows."""
        now, batch = self.flow.clock.now(), self.batch
        noted: dict[str, Any] = {"rows": batch.rows_read, "bad": batch.rows_bad, "queued": batch.rows_queued}
        if status is BatchStatus.REFUSED:
            noted = {"reasons": [one["code"] for one in changes["findings"] if one["severity"] == Severity.ERROR]}

        def run(session: Session) -> None:
            audit.note(
                session,
                SERVICE,
                now,
                f"batch.{status}",
                batch.id,
                app=batch.app_id,
                school=batch.school_id,
                changed=noted,
            )
            if work is not None:
                work(session)

        await self.commit(run, status=status, finished_at=now, **changes)

    async def read(self, query: Callable[[Session], T]) -> T:
        """Return what a query finds."""
        async with self.flow.db.read() as session:
            return await session.run_sync(lambda plain: query(cast(Session, plain)))
