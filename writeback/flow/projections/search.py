"""Keeping what writebacks are found by up to date: terms are taken from the log of events, a few at a time.

The worker calls `index` every second or so. Several may: of two that go through the same events, one writes.
Nothing of it is on the way of a submission.
"""

from dataclasses import dataclass, field
from functools import partial

from writeback.store.reads import search as store
from writeback.store.sql.database import Database
from writeback.store.writebacks.event_log import Horizon

_SPAN = 400
"""Events in one transaction: some thousand terms, so that on SQLite no submission waits long for it."""
_ONCE = 20_000
"""Events in one call, so that the caller's other work has its turn."""


@dataclass
class SearchIndex:
    """Takes terms from what has happened."""

    db: Database
    _horizon: Horizon = field(init=False)
    _writer: store.TermWriter = field(init=False)
    _indexed: int | None = None

    def __post_init__(self) -> None:
        self._horizon, self._writer = Horizon(self.db), store.TermWriter(self.db)

    async def index(self) -> int:
        """Take terms from what has happened since the last time; return how many events' ids that was."""
        settled = await self._horizon.settled()
        if self._indexed is not None and settled <= self._indexed:
            return 0
        begin = start = await self.db.transact(store.cursor_of)
        settled = min(settled, begin + _ONCE)
        while start < settled:
            upto = min(settled, start + _SPAN)
            async with self.db.read() as session:
                changes = await store.changed(session, start, upto)
            seqs, rows = [one.seq for one in changes], self._writer.rows_of(changes)
            if not await self.db.write_by_driver(partial(self._writer.write, seqs, rows, start, upto)):
                self._indexed = None  # another process went on from here: see how far it came
                return start - begin
            start = upto
        self._indexed = start
        return start - begin
