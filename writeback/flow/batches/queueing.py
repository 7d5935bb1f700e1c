"""Queueing: the last step. Good rows become writebacks, grouped as they would be by hand, in the order of the file.

What if the process dies? A writeback and the note that its rows are in it are one transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from writeback.core.ids import new_id
from writeback.domain.kinds import KINDS
from writeback.domain.states import Event, Status
from writeback.domain.writeback import RecordProgress, pack_progress, stored_progress
from writeback.flow.batches.lease import Turn
from writeback.flow.filling.fill_in import in_short
from writeback.store.batches import batches
from writeback.store.batches.batches import BatchStatus, UnitSize
from writeback.store.tables import EventRow, WritebackRow, table_of

_UNITS, _CHARACTERS = 1_000, 2_000_000
"""Most of one transaction."""
_PRIORITY = 10


@dataclass
class Queueing:
    """Queues the good rows of one batch."""

    turn: Turn

    async def run(self) -> None:
        """Queue until no good row is left."""
        batch, settings = self.turn.batch, self.turn.flow.settings
        most = settings.api.max_records
        window = max(_UNITS, most)
        while waiting := await self.turn.read(partial(batches.good_units, batch_id=batch.id, limit=window + 1)):
            groups = pack(waiting, most, min(_CHARACTERS, settings.api.max_body_bytes), has_all=len(waiting) <= window)
            await self._queue(groups)
        await self.turn.end(BatchStatus.DONE, failures=0)

    async def _queue(self, groups: Sequence[Sequence[int]]) -> None:
        batch = self.turn.batch
        units = [unit for group in groups for unit in group]
        texts = await self.turn.read(partial(batches.records_of, batch_id=batch.id, units=units))
        made = [self._writeback([texts[unit] for unit in group]) for group in groups]
        kind, queued_before = KINDS[batch.kind or ""], batch.rows_queued
        lane_id = made[0].lane_id

        def queue(session: Session) -> int:
            batches.ensure_lane(session, lane_id, batch.school_id, kind.family)
            connection = session.connection()
            connection.execute(table_of(WritebackRow).insert(), [one.model_dump(exclude={"seq"}) for one in made])
            connection.execute(table_of(EventRow).insert(), [_event(one) for one in made])
            rows = sum(
                batches.mark_queued(session, batch.id, group, one.id) for group, one in zip(groups, made, strict=True)
            )
            batches.change(session, batch.id, self.turn.fence, rows_queued=queued_before + rows)
            return queued_before + rows

        batch.rows_queued = await self.turn.commit(queue) or queued_before
        await self.turn.flow.waker.wake("serve_lane", [lane_id])

    def _writeback(self, texts: Sequence[tuple[str, str]]) -> WritebackRow:
        batch, now = self.turn.batch, self.turn.flow.clock.now()
        kind = KINDS[batch.kind or ""]
        deadline = timedelta(seconds=self.turn.flow.settings.dispatch.default_deadline_s)
        return WritebackRow(
            id=new_id("wb", now),
            app_id=batch.app_id,
            school_id=batch.school_id,
            lane_id=f"{batch.school_id}:{kind.family}",
            kind=kind.name,
            status=Status.QUEUED.value,
            priority=_PRIORITY,
            records=f"[{','.join(record for record, _ in texts)}]",
            progress=pack_progress([_progress(findings, place) for place, (_, findings) in enumerate(texts)]),
            expires_at=now + deadline,
            created_at=now,
            updated_at=now,
            batch_id=batch.id,
        )


def pack(waiting: Sequence[UnitSize], most: int, most_size: int, *, has_all: bool) -> list[list[int]]:
    """Return the units of each writeback to be made now: of one group, no more than fit into one.

    Where `waiting` is not all that there is, the last group may go on: it is left for the next time, unless it is full
    or all that there is.
    """
    groups: list[list[int]] = []
    part, size = -1, 0
    for one in waiting:
        if one.part != part or len(groups[-1]) >= most or size + one.size > most_size:
            groups.append([])
            part, size = one.part, 0
        groups[-1].append(one.unit)
        size += one.size
    if not has_all and len(groups) > 1:
        groups.pop()
    return _up_to(groups, {one.unit: one.size for one in waiting})


def _up_to(groups: Sequence[list[int]], sizes: dict[int, int]) -> list[list[int]]:
    """Return the first groups that together are not too large for one transaction; at least one."""
    kept: list[list[int]] = []
    total = 0
    for group in groups:
        total += sum(sizes[unit] for unit in group)
        if kept and total > _CHARACTERS:
            break
        kept.append(group)
    return kept


def _progress(findings: str, place: int) -> RecordProgress:
    """Return the progress of a record that waits, with its warnings, which name it as the writeback does."""
    warnings = json.loads(findings) if findings else ()
    return RecordProgress(findings=tuple(_placed(one, place) for one in warnings))


def _placed(finding: dict[str, Any], place: int) -> dict[str, Any]:
    steps = str(finding["pointer"]).split("/")
    if steps[:2] == ["", "records"] and len(steps) > 2:
        steps[2] = str(place)
    return {**finding, "record": place, "pointer": "/".join(steps)}


def _event(writeback: WritebackRow) -> dict[str, Any]:
    said = ([one["code"] for one in entry.get("findings", ())] for entry in stored_progress(writeback.progress))
    filled = in_short(said)
    return {
        "writeback_id": writeback.id,
        "app_id": writeback.app_id,
        "at": writeback.created_at,
        "actor": f"app:{writeback.app_id}",
        "event": Event.ACCEPTED.value,
        "status": writeback.status,
        "detail": f"from {writeback.batch_id}" + (f"; {filled}" if filled else ""),
    }
