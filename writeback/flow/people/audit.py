"""Reads the audit log: who did what. Each action writes its own entry with `store.audit.note`."""

from dataclasses import dataclass
from functools import cached_property

from writeback.core.clock import Clock
from writeback.core.errors import Forbidden
from writeback.core.ttl import TtlCache
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor, actor_of
from writeback.store.people import audit
from writeback.store.people.audit import AuditFilter
from writeback.store.reads.pages import cut, decode_number
from writeback.store.sql.database import Database
from writeback.store.tables import AuditRow
from writeback_client.models.access import AuditEntry
from writeback_client.models.base import Page

_ONE_LOOK_S = 600.0


@dataclass(frozen=True)
class AuditLog:
    """The log, for those who look after schools."""

    db: Database
    clock: Clock

    async def list(
        self, caller: Caller, wanted: AuditFilter, *, limit: int, cursor: str | None = None
    ) -> Page[AuditEntry]:
        """Return a page, the latest first: entries of the key's schools, or all entries for an admin key without
        limits."""
        if not caller.may(Scope.SUPPORT):
            raise Forbidden("key_lacks_scope", "this key has no scope 'support'", hint="Use a key that has it.")
        before = decode_number(cursor)
        async with self.db.read() as session:
            rows = await audit.page(session, caller, wanted, before=before, limit=limit + 1)
        return cut([_view(row) for row in rows], limit, lambda view: view.id)

    async def note_shown(self, actor: Actor, what: str, subject: str, *, app: str | None, school: str) -> None:
        """Write down that somebody was shown what is usually hidden, or took it away: comments, rows, reports."""
        async with self.db.write() as session:
            audit.note(session, actor, self.clock.now(), f"{what}.show", subject, app=app, school=school)

    async def note_read(self, caller: Caller, what: str, subject: str, *, app: str, school: str) -> None:
        """Write down that a key was given what another app has sent; once in ten minutes, however often it asks."""
        look = caller.key_id, what, subject
        if caller.app_id == app or self._looked.peek(look):
            return
        await self.note_shown(actor_of(caller), what, subject, app=app, school=school)
        self._looked.put(look, True)

    @cached_property
    def _looked(self) -> TtlCache[tuple[str, str, str], bool]:
        return TtlCache(self.clock, _ONE_LOOK_S)


def _view(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        app=row.app,
        action=row.action,
        subject=row.subject,
        school=row.school,
        reason=row.reason,
        changed=row.changed,
    )
