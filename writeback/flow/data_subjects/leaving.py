"""A school or an app that leaves: all that is kept of it goes, some in each transaction, and it is said what went.

What if the process dies half-way? The school is held as leaving, and unknown to whoever submits; an app's keys are
revoked. The same command goes on where it was left. Both are on the erasure list before anything is deleted, so that a
backup does not bring them back. The audit log keeps its lines: who did what outlives them for its own time.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from sqlmodel import Session, col, select, update

from writeback.core.clock import Clock
from writeback.core.errors import BadInput, Conflict, NotFound
from writeback.domain.actor import Actor
from writeback.domain.school import HoldReason
from writeback.flow.data_subjects.erasure_list import APP, SCHOOL, ErasureList
from writeback.store.people import audit, leaving
from writeback.store.people.leaving import Piece
from writeback.store.sql.database import Database
from writeback.store.tables import ApiKey, App, SchoolRow
from writeback_client.models.people import Left

log = structlog.get_logger()


@dataclass(frozen=True)
class Leaving:
    """Removes schools and apps. `until_noticed_s`: after so long every process knows that they are leaving."""

    db: Database
    clock: Clock
    list: ErasureList
    until_noticed_s: float
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def remove_school(self, school_id: str, actor: Actor, *, even_if_waiting: bool = False) -> Left:
        """Delete a school with all that is kept of it.

        Raise NotFound for an unknown one, BadInput without a reason, Conflict while something of it is on its way,
        unless told, and always while a worker is sending.
        """
        _check_reason(actor)
        name = await self.db.transact(partial(_begin_school, school_id, self.clock.now(), even_if_waiting))
        await self.sleep(self.until_noticed_s)
        await self.db.transact(partial(_check_school, school_id, self.clock.now(), even_if_waiting))
        return await self._remove("school", school_id, name, leaving.of_school(school_id), actor)

    async def remove_app(self, app_id: str, actor: Actor, *, even_if_waiting: bool = False) -> Left:
        """Delete an app with its keys, webhooks, files and writebacks, at every school; raise as `remove_school`."""
        _check_reason(actor)
        name = await self.db.transact(partial(_begin_app, app_id, self.clock.now(), even_if_waiting))
        await self.sleep(self.until_noticed_s)
        await self.db.transact(partial(_check_app, app_id, self.clock.now(), even_if_waiting))
        return await self._remove("app", app_id, name, leaving.of_app(app_id), actor)

    async def _remove(self, what: str, owner_id: str, name: str, pieces: Sequence[Piece], actor: Actor) -> Left:
        now = self.clock.now()
        if what == "school":
            await self.list.add(owner_id, SCHOOL, "", now)
        else:
            await self.list.add(None, APP, owner_id, now)
        rows: Counter[str] = Counter()
        for piece in pieces:
            while gone := await self.db.transact(piece):
                rows += gone
        school, app = (owner_id, None) if what == "school" else (None, owner_id)
        async with self.db.write() as session:
            noted = {"rows": dict(rows)}
            audit.note(
                session, actor, self.clock.now(), f"{what}.remove", owner_id, app=app, school=school, changed=noted
            )
        log.info(f"{what}_removed", school=school, app_id=app, rows=rows.total())
        return Left(id=owner_id, name=name, removed_at=now, rows=dict(sorted(rows.items())))


def _begin_school(school_id: str, now: datetime, even_if_waiting: bool, session: Session) -> str:
    row = session.get(SchoolRow, school_id, with_for_update=True)
    if row is None:
        raise NotFound("school_unknown", f"no school {school_id[:64]!r}", hint="See `writeback schools list`.")
    _refuse_open(session, "school_id", school_id, now, even_if_waiting)
    row.hold_reason, row.hold_detail, row.held_at = HoldReason.LEAVING, None, now
    row.recheck_at = row.sync_at = None
    session.add(row)
    return row.name


def _begin_app(app_id: str, now: datetime, even_if_waiting: bool, session: Session) -> str:
    row = session.get(App, app_id, with_for_update=True)
    if row is None:
        raise NotFound("app_unknown", f"no app {app_id[:64]!r}", hint="See `writeback keys list`.")
    _refuse_open(session, "app_id", app_id, now, even_if_waiting)
    live = (col(ApiKey.app_id) == app_id, col(ApiKey.revoked_at).is_(None))
    session.exec(update(ApiKey).where(*live).values(revoked_at=now))
    return row.name


def _check_school(school_id: str, now: datetime, even_if_waiting: bool, session: Session) -> None:
    """Look once more, now that every process knows: what was accepted meanwhile, who sends, whether it still leaves."""
    row = session.get(SchoolRow, school_id, with_for_update=True)
    if row is not None and row.hold_reason != HoldReason.LEAVING:
        raise Conflict(
            "school_resumed", f"somebody has resumed {school_id}: nothing was deleted", hint="Ask again if it leaves."
        )
    _refuse_open(session, "school_id", school_id, now, even_if_waiting)
    if leaving.being_served(session, school_id, now):
        raise Conflict(
            "school_being_served",
            f"a worker is sending for {school_id}; it is held, and nothing more is sent",
            hint="Ask again in a minute; or resume the school, if it is to stay.",
        )


def _check_app(app_id: str, now: datetime, even_if_waiting: bool, session: Session) -> None:
    """Look once more, now that every process knows that its keys are revoked: what was accepted meanwhile."""
    _refuse_open(session, "app_id", app_id, now, even_if_waiting)


def _refuse_open(session: Session, owner: str, owner_id: str, now: datetime, even_if_waiting: bool) -> None:
    found = {} if even_if_waiting else leaving.open_work(session, owner, owner_id, now)
    if found:
        said = " and ".join(f"{number} {what}" for what, number in found.items())
        raise Conflict(
            "still_waiting",
            f"{said} of {owner_id} are on their way",
            hint="Wait until they have ended, cancel them, or say that they shall go as well: --even-if-waiting.",
        )


def _check_reason(actor: Actor) -> None:
    if not actor.reason.strip():
        raise BadInput("reason_missing", "no reason was given", hint="Say why: it is kept in the audit log.")


async def remove_again(
    leaving_: Leaving, is_listed: Callable[[str | None, str, str, datetime], bool], actor: Actor
) -> tuple[int, int]:
    """Remove whatever has come back with a backup: return how many schools and apps that were."""
    schools, apps = await leaving_.db.transact(_all)
    back = [one for one, made_at in schools if is_listed(one, SCHOOL, "", made_at)]
    back_apps = [one for one, made_at in apps if is_listed(None, APP, one, made_at)]
    for school_id in back:
        await leaving_.remove_school(school_id, actor, even_if_waiting=True)
    for app_id in back_apps:
        await leaving_.remove_app(app_id, actor, even_if_waiting=True)
    return len(back), len(back_apps)


def _all(session: Session) -> tuple[Sequence[tuple[str, datetime]], Sequence[tuple[str, datetime]]]:
    schools = session.exec(select(SchoolRow.id, SchoolRow.created_at)).all()
    return schools, session.exec(select(App.id, App.created_at)).all()
