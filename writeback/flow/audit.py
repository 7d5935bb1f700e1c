"""Who did what: reading the audit log. It is written by whoever does something, with `store.audit.note`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.core.errors import Forbidden
from writeback.domain.access import Caller, Scope
from writeback.store import audit
from writeback.store.audit import AuditFilter
from writeback.store.database import Database
from writeback.store.pages import Page, cut, decode_number
from writeback.store.tables import AuditRow


@dataclass(frozen=True)
class AuditView:
    """One entry."""

    id: int
    at: datetime
    actor: str
    app: str | None
    action: str
    subject: str
    school: str | None
    reason: str
    changed: Mapping[str, Any]


@dataclass(frozen=True)
class AuditLog:
    """The log, for those who look after schools."""

    db: Database

    async def list(
        self, caller: Caller, wanted: AuditFilter, *, limit: int, cursor: str | None = None
    ) -> Page[AuditView]:
        """Return a page, the latest first: of the key's schools, or with the scope admin and all schools everything."""
        if not caller.may(Scope.SUPPORT):
            raise Forbidden("key_lacks_scope", "this key has no scope 'support'", hint="Use a key that has it.")
        before = decode_number(cursor)
        async with self.db.read() as session:
            rows = await audit.page(session, caller, wanted, before=before, limit=limit + 1)
        return cut([_view(row) for row in rows], limit, lambda view: view.id)


def _view(row: AuditRow) -> AuditView:
    return AuditView(
        row.id or 0, row.at, row.actor, row.app, row.action, row.subject, row.school, row.reason, row.changed
    )
