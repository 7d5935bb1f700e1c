"""One worker's turn with one batch: its lease, its fencing token, and the only way to commit a piece of work."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlmodel import Session

from writeback.flow.context import FlowContext
from writeback.store import batches
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
        """Do `work` and change the batch in one transaction; raise LeaseLost where the batch is another's by now."""
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

    async def read(self, query: Callable[[Session], T]) -> T:
        """Return what a query finds."""
        async with self.flow.db.read() as session:
            return await session.run_sync(lambda plain: query(cast(Session, plain)))
