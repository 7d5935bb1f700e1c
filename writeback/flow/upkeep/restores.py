"""Restores: the database was put back to an earlier state. Notice that, and continue without sending anything twice.

What if a process dies? Each step is one transaction: an epoch is there or it is not; whatever it leaves in doubt is
looked for when its turn comes (`after_restore.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core import outage_logs
from writeback.core.clock import Clock
from writeback.core.errors import BadInput, Conflict
from writeback.core.ids import new_id
from writeback.core.settings import RestoreSettings
from writeback.domain.actor import Actor
from writeback.store.batches import bulk_jobs
from writeback.store.people import audit
from writeback.store.sql.database import Database
from writeback.store.sql.high_water import HighWater, recalled
from writeback.store.tables import EpochRow
from writeback.store.writebacks import epochs

ANNOUNCE = "`writeback db restored --taken-at …`"


@dataclass(frozen=True)
class EpochView:
    """The current epoch, as people see it."""

    number: int
    began_at: datetime
    taken_at: datetime | None
    compare_until: datetime | None
    suspected_at: datetime | None
    is_open: bool
    """Something is still to be looked for, or what apps post may be."""
    waiting: int = 0
    """Writebacks from before the restore that have not been looked for yet; those that are held among them."""
    being_looked_for: int = 0

    @property
    def says(self) -> str:
        """One sentence without ids; `ok` where there is nothing to say."""
        if self.suspected_at is not None:
            return (
                f"the database is older than what is remembered of it, since {_iso(self.suspected_at)}; nothing is "
                f"sent until {ANNOUNCE} says so"
            )
        if not self.is_open or self.taken_at is None:
            return "ok"
        return (
            f"restored to {_iso(self.taken_at)}: {self.waiting} writebacks wait to be looked for in the MIS, "
            f"{self.being_looked_for} are being looked for"
        )


@dataclass
class RestoreWatch:
    """Compares the database with what is remembered of it, and remembers how far it has come."""

    db: Database
    clock: Clock
    places: Sequence[HighWater]
    _remembered: tuple[str, int] = field(default=("", -1), init=False)

    async def look(self) -> EpochRow:
        """Return the epoch that counts, with the suspicion of a restore that nobody has announced noted in it."""
        epoch, event, remembered = await self._compare()
        if epoch is None:
            epoch = await self.db.transact(self._begin)
        if epoch.suspected_at is not None:
            self._say(epoch)
        elif event < remembered:
            epoch = await self.db.transact(partial(self._suspect, epoch.id, remembered))
            self._say(epoch)
        elif self._remembered != (epoch.lineage, event):
            for place in self.places:
                await place.remember(epoch.lineage, event)
            self._remembered = epoch.lineage, event
        return epoch

    async def behind(self) -> int:
        """Return how many events the database lacks of those that are remembered; nothing is written down."""
        _, event, remembered = await self._compare()
        return max(0, remembered - event)

    async def _compare(self) -> tuple[EpochRow | None, int, int]:
        """Return the epoch that counts, the last event that there is, and the last that is remembered."""
        remembered = await recalled(self.places)  # first: what is written meanwhile is no restore
        async with self.db.read() as session:
            epoch, event = await session.run_sync(lambda plain: epochs.newest_and_last_event(cast(Session, plain)))
        return epoch, event, remembered.get(epoch.lineage, 0) if epoch is not None else 0

    def _begin(self, session: Session) -> EpochRow:
        return _first(session, self.clock.now())

    def _suspect(self, number: int, remembered: int, session: Session) -> EpochRow:
        epoch = epochs.lock_newest(session)
        assert epoch is not None, "it was there a moment ago, and epochs are never deleted"
        if epoch.id == number and epoch.suspected_at is None:
            epoch.suspected_at, epoch.remembered = self.clock.now(), remembered
            epoch.last_seq = epochs.last_seq(session)
            session.add(epoch)
        return epoch

    def _say(self, epoch: EpochRow) -> None:
        mend = f"{ANNOUNCE}; nothing is sent before"
        outage_logs.error("restore_not_announced", "RestoreNotAnnounced", remembered=epoch.remembered, mend=mend)


@dataclass(frozen=True)
class Restores:
    """Announces restores, and says how far what they left in doubt is settled."""

    db: Database
    clock: Clock
    settings: RestoreSettings

    async def standing(self) -> EpochView | None:
        """Return the epoch that counts; None where nothing has worked with the database yet."""
        async with self.db.read() as session:
            epoch = await session.run_sync(lambda plain: epochs.newest(cast(Session, plain)))
            return None if epoch is None else await self._view(session, epoch)

    async def announce(self, taken_at: datetime, actor: Actor) -> EpochView:
        """Open an epoch: what may have been sent since the backup is looked for before anything of it goes out.

        Saying the same again changes nothing. Raise BadInput for an instant without an offset, or one to come.
        """
        if taken_at.tzinfo is None:
            raise BadInput("taken_at_without_offset", f"{taken_at.isoformat()} has no offset", hint="Add Z or +01:00.")
        if taken_at > self.clock.now():
            hint = "Say when the backup was made from which the database was restored."
            raise BadInput("taken_at_to_come", f"{taken_at.isoformat()} is yet to come", hint=hint)
        await self.db.transact(partial(self._announce, taken_at, actor))
        return await self._known()

    async def nothing_was_sent(self, actor: Actor) -> EpochView:
        """End a suspicion: nothing was sent since the backup. Raise Conflict where there is none to end."""
        await self.db.transact(partial(self._dismiss, actor))
        return await self._known()

    async def _known(self) -> EpochView:
        view = await self.standing()
        assert view is not None, "it has just been opened"
        return view

    def _announce(self, taken_at: datetime, actor: Actor, session: Session) -> None:
        now = self.clock.now()
        before = epochs.lock_newest(session) or _first(session, now)
        is_open = before.taken_at is not None and before.compare_until is not None and before.compare_until > now
        if is_open and before.taken_at == taken_at and before.suspected_at is None:
            return
        epoch = _next(before, now)
        epoch.taken_at = min(taken_at, before.taken_at or taken_at) if is_open else taken_at
        epoch.compare_until = now + timedelta(seconds=self.settings.compare_creates_s)
        epoch.last_seq = before.last_seq if before.suspected_at is not None else epochs.last_seq(session)
        in_doubt = epochs.put_requests_in_doubt(session, now)
        stopped = bulk_jobs.stop_all(session, "the database was restored: look first at what has been done", now)
        noted = {"taken_at": taken_at.isoformat(), "requests": in_doubt, "bulk_jobs_stopped": stopped}
        self._open(session, before, epoch, actor, **noted)

    def _dismiss(self, actor: Actor, session: Session) -> None:
        before = epochs.lock_newest(session)
        if before is None or before.suspected_at is None:
            hint = "After a restore announce it with --taken-at; there is nothing else to do."
            raise Conflict("no_restore_suspected", "no restore is suspected: sending continues as usual", hint=hint)
        epoch = _next(before, self.clock.now())
        if before.taken_at is not None:  # what an earlier restore left in doubt stays so
            epoch.taken_at, epoch.compare_until = before.taken_at, before.compare_until
            epoch.last_seq = before.last_seq
        self._open(session, before, epoch, actor, nothing_was_sent=True)

    def _open(self, session: Session, before: EpochRow, epoch: EpochRow, actor: Actor, **noted: object) -> None:
        before.suspected_at = None
        session.add(before)
        session.add(epoch)
        audit.note(session, actor, epoch.began_at, "database.restored", f"epoch {epoch.id}", changed=noted)

    async def _view(self, session: AsyncSession, epoch: EpochRow) -> EpochView:
        shown = (epoch.id, epoch.began_at, epoch.taken_at, epoch.compare_until, epoch.suspected_at)
        if epoch.taken_at is None:
            return EpochView(*shown, is_open=False)
        waits = await epochs.waiting_for(session, epoch)
        compares = epoch.compare_until is not None and epoch.compare_until > self.clock.now()
        return EpochView(*shown, compares or any(waits), waits.waiting, waits.being_looked_for)


def _first(session: Session, now: datetime) -> EpochRow:
    epochs.begin(session, 1, new_id("db", now), now)
    epoch = epochs.newest(session)
    assert epoch is not None, "it has just been written, by us or by another"
    return epoch


def _next(before: EpochRow, now: datetime) -> EpochRow:
    """Return an epoch of another lineage: what was remembered of the one before is not compared with it."""
    return EpochRow(id=before.id + 1, lineage=new_id("db", now), began_at=now)


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
