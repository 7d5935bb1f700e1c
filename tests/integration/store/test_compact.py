"""Dead rows go from the database's files."""

from sqlalchemy import delete
from sqlmodel import Session

from writeback.core.clock import SystemClock
from writeback.store.sql.compact import compact
from writeback.store.sql.database import Database
from writeback.store.sql.pool import DEFAULT_POOL
from writeback.store.tables import AuditRow


async def test_a_table_is_rewritten_without_what_was_deleted(database: Database, database_url: str) -> None:
    def fill(session: Session) -> None:
        at = SystemClock().now()
        for number in range(500):
            session.add(AuditRow(at=at, actor="a", action="x", subject=str(number), reason="a reason " * 100))

    def empty(session: Session) -> None:
        session.exec(delete(AuditRow))

    await database.transact(fill)
    await database.transact(empty)

    done = await compact(database_url, DEFAULT_POOL, ["audit"], patience_s=1)

    assert done.after < done.before / 2
    assert not done.is_busy
