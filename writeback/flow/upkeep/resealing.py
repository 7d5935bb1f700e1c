"""The secret key turns: what older keys sealed is sealed with the newest one, while everything runs.

What if the process dies? A piece is one transaction and each text is judged by itself, so that the next run resumes
with what is left.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from writeback.core.clock import Clock
from writeback.core.secrets import SecretBox
from writeback.domain.actor import Actor
from writeback.store.people import audit
from writeback.store.sql import sealed
from writeback.store.sql.database import Database
from writeback.store.sql.sealed import Sealed, SealedColumn

_AT_ONCE = 100
"""Texts in one transaction: on SQLite registers wait for it, some milliseconds."""
_NAMED = 20


@dataclass
class Seals:
    """What the texts of one column are sealed with."""

    column: str
    newest: int = 0
    older: int = 0
    unreadable: int = 0
    """Sealed with a key that is not there any more."""
    unreadable_rows: list[str] = field(default_factory=list)
    """The keys of the first such rows."""
    is_whole: bool = True
    """Whether all of them were looked at."""

    @property
    def seen(self) -> int:
        return self.newest + self.older + self.unreadable

    def count(self, one: Sealed, key: int | None) -> None:
        if key is None:
            self.unreadable += 1
            if len(self.unreadable_rows) < _NAMED:
                self.unreadable_rows.append(one.row)
        elif key == 0:
            self.newest += 1
        else:
            self.older += 1


@dataclass(frozen=True)
class Resealing:
    """Counts what is sealed with which key, and seals it again."""

    db: Database
    secrets: SecretBox
    clock: Clock

    async def counted(self, *, within_s: float = float("inf")) -> Sequence[Seals]:
        """Return what is sealed with what; where a column takes longer than its part of the time, of its beginning."""
        columns = sealed.sealed_columns()
        return [await self._counted(column, within_s / len(columns)) for column in columns]

    async def run(self, actor: Actor, on_progress: Callable[[str, int], None]) -> int:
        """Seal with the newest key what older ones sealed; return how many that were.

        `on_progress` is told the column, and how many of it have been looked at. What is written meanwhile stays as it
        is: whoever wrote it has sealed it.
        """
        resealed = 0
        for column in sealed.sealed_columns():
            looked_at = 0
            async for piece in self._pieces(column):
                changed = [(one, text) for one in piece if (text := self._again(one)) is not None]
                if changed:
                    resealed += await self.db.write_core(partial(sealed.put, of=column, changed=changed))
                looked_at += len(piece)
                on_progress(column.name, looked_at)
        if resealed:
            async with self.db.write() as session:
                noted = {"resealed": resealed}
                audit.note(session, actor, self.clock.now(), "secrets.reseal", "secret key", changed=noted)
        return resealed

    def _again(self, one: Sealed) -> str | None:
        """Return the text sealed anew; None where the newest key has sealed it, or none of them."""
        if not self.secrets.key_of(one.text):
            return None
        return self.secrets.resealed(one.text)

    async def _counted(self, column: SealedColumn, within_s: float) -> Seals:
        seals, until = Seals(column.name), self.clock.monotonic() + within_s
        async for piece in self._pieces(column):
            if self.clock.monotonic() > until:
                seals.is_whole = False
                break
            for one in piece:
                seals.count(one, self.secrets.key_of(one.text))
        return seals

    async def _pieces(self, column: SealedColumn) -> AsyncIterator[Sequence[Sealed]]:
        after = ""
        while True:
            async with self.db.read() as session:
                piece = await sealed.some(session, column, after, _AT_ONCE)
            if not piece:
                return
            yield piece
            after = piece[-1].row
