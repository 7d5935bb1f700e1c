"""Mending many at once for a person who watches: in pieces, with progress that outlives a page, and this process.

What if the process dies in the middle? What was done is done; whoever asked looks at the page again, and the rest
follows, once the lease has run out. Only what of the piece under way was done by then is not in the numbers any more.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from writeback.core import outages
from writeback.core.clock import Clock
from writeback.core.errors import NotFound, Problem
from writeback.core.ids import new_id
from writeback.domain.mending import Action
from writeback.domain.staff import Permission, Person
from writeback.flow.mend_draft import Order
from writeback.flow.mend_many import ManyMendings, NotDone, Report
from writeback.store import bulks
from writeback.store.bulks import BulkState
from writeback.store.database import Database
from writeback.store.selection import Selection
from writeback.store.tables import BulkRow

PIECE = 100
"""Writebacks between two looks at how far it is."""
_LEASE = timedelta(seconds=90)
_PATIENCE_S = 1.0
"""Small ones are done by then, and nobody need watch."""
_SHOWN = 200
"""Of those that could not be done, so many are kept by name."""
_SELECTION = TypeAdapter(Selection)


@dataclass(frozen=True)
class BulkView:
    """How far one is."""

    id: str
    action: Action
    reason: str
    state: BulkState
    matched: int
    looked_at: int
    done: int
    records: int
    unchanged: int
    not_done: int
    refusals: Sequence[dict[str, Any]]
    trouble: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_running(self) -> bool:
        return self.state is BulkState.RUNNING


@dataclass
class Bulks:
    """Begins them, carries them on, and shows them to those who asked."""

    db: Database
    clock: Clock
    many: ManyMendings
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def begin(self, person: Person, action: Action, wanted: Selection, reason: str, *, matched: int) -> str:
        """Begin, wait a moment in case that is all it takes, and return its id."""
        now = self.clock.now()
        row = BulkRow(
            id=new_id("blk", now),
            staff_id=person.id,
            action=action.value,
            reason=reason,
            wanted=_SELECTION.dump_json(wanted).decode(),
            state=BulkState.RUNNING,
            matched=matched,
            created_at=now,
        )
        async with self.db.write() as session:
            session.add(row)
        await asyncio.wait([self._work_on(person, row.id)], timeout=_PATIENCE_S)
        return row.id

    async def view(self, person: Person, bulk_id: str) -> BulkView:
        """Return how far it is, and see that somebody is at it; raise NotFound for what another person asked for."""
        async with self.db.read() as session:
            row = await session.get(BulkRow, bulk_id)
        if row is None or (row.staff_id != person.id and not person.may(Permission.MANAGE)):
            raise NotFound("bulk_unknown", f"nothing of the id {bulk_id[:64]!r} was begun", hint="Check the address.")
        is_left = row.lease_until is None or row.lease_until <= self.clock.now()
        if row.state == BulkState.RUNNING and row.staff_id == person.id and is_left:
            self._work_on(person, bulk_id)
        return _view(row)

    async def go_on(self, person: Person, bulk_id: str) -> None:
        """Have one that stopped go on where it was."""
        view = await self.view(person, bulk_id)
        if view.state is BulkState.STOPPED and await self.db.transact(partial(bulks.start_again, bulk_id=bulk_id)):
            await asyncio.wait([self._work_on(person, bulk_id)], timeout=_PATIENCE_S)

    async def aclose(self) -> None:
        """Leave what is under way to whoever looks at it next."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _work_on(self, person: Person, bulk_id: str) -> asyncio.Task[None]:
        task = self._tasks.get(bulk_id)
        if task is None:
            task = self._tasks[bulk_id] = asyncio.create_task(self._run(person, bulk_id))
            task.add_done_callback(lambda _: self._tasks.pop(bulk_id, None))
        return task

    async def _run(self, person: Person, bulk_id: str) -> None:
        owner = new_id("own", self.clock.now())
        try:
            while await self._piece(person, bulk_id, owner):
                pass
        except Exception as error:
            outages.warning("bulk_stopped", error, bulk=bulk_id)
            trouble = error.detail if isinstance(error, Problem) else "something went wrong on our side"
            ended = {"state": BulkState.STOPPED, "trouble": trouble, "finished_at": self.clock.now()}
            await self.db.transact(partial(bulks.put, bulk_id=bulk_id, owner=owner, values=ended))

    async def _piece(self, person: Person, bulk_id: str, owner: str) -> bool:
        """Do the next writebacks; False: there are no more, or another is at it."""
        now = self.clock.now()
        row = await self.db.transact(partial(bulks.claim, bulk_id=bulk_id, owner=owner, now=now, until=now + _LEASE))
        if row is None:
            return False
        report = await self._mend(person, row)
        values = _values(row, report)
        if report.next_cursor is None:
            values |= {"state": BulkState.DONE, "finished_at": self.clock.now()}
        is_ours = await self.db.transact(partial(_put, bulk_id, owner, values))
        return is_ours and report.next_cursor is not None

    async def _mend(self, person: Person, row: BulkRow) -> Report:
        wanted, actor = _SELECTION.validate_json(row.wanted), person.actor(row.reason)
        if row.action == Action.CANCEL:
            return await self.many.cancel(person.caller, wanted, actor, limit=PIECE, cursor=row.cursor, bulk=row.id)
        if row.action == Action.CHECK:
            return await self.many.check(person.caller, wanted, actor, limit=PIECE, cursor=row.cursor, bulk=row.id)
        return await self.many.resubmit(
            person.caller, wanted, Order(), actor, limit=PIECE, cursor=row.cursor, bulk=row.id
        )


def _put(bulk_id: str, owner: str, values: dict[str, Any], session: Session) -> bool:
    return bulks.put(session, bulk_id, owner, values)


def _values(row: BulkRow, report: Report) -> dict[str, Any]:
    """Return how far it is after a piece."""
    told = [_refusal(one) for one in report.not_done]
    return {
        "looked_at": row.looked_at + report.matched,
        "done": row.done + len(report.done),
        "records": row.records + sum(one.records for one in report.done),
        "unchanged": row.unchanged + report.unchanged,
        "not_done": row.not_done + len(report.not_done),
        "refusals": [*row.refusals, *told][:_SHOWN],
        "cursor": report.next_cursor,
    }


def _refusal(one: NotDone) -> dict[str, Any]:
    """Return what is told of one that could not be done: the first finding says more than the summary."""
    first = next((finding for finding in one.findings if finding.get("severity") == "error"), None)
    if first is None:
        return {"id": one.id, "detail": one.detail, "hint": ""}
    return {"id": one.id, "detail": first["message"], "hint": first["hint"]}


def _view(row: BulkRow) -> BulkView:
    return BulkView(
        id=row.id,
        action=Action(row.action),
        reason=row.reason,
        state=BulkState(row.state),
        matched=row.matched,
        looked_at=row.looked_at,
        done=row.done,
        records=row.records,
        unchanged=row.unchanged,
        not_done=row.not_done,
        refusals=row.refusals,
        trouble=row.trouble or "",
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
