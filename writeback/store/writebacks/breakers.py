"""Circuit breakers in SQL, so that every worker sees the same; there are rows only of what fails."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, update
from sqlmodel import Session, col, select

from writeback.domain.mode import TEST_PREFIX, Mode
from writeback.store.sql.prepared import Prepared
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import BreakerRow, table_of

_BREAKER = table_of(BreakerRow)
_NAMES = [column.name for column in _BREAKER.columns]
_SELECT = Prepared(_BREAKER.select().where(_BREAKER.c.key.in_(bindparam("keys", expanding=True))))


def of_school(school_id: str) -> str:
    """Return the key of a school's breaker."""
    return f"school:{school_id}"


def of_providers(mode: Mode) -> str:
    """Return what the keys of providers' breakers begin with; those of the sandbox count for test schools alone."""
    return "provider:" if mode is Mode.LIVE else f"{TEST_PREFIX}provider:"


def of(session: Session, keys: Collection[str]) -> Sequence[BreakerRow]:
    """Return the breakers of those keys that have failures."""
    return [BreakerRow(**dict(zip(_NAMES, row, strict=True))) for row in _SELECT.rows(session, keys=keys)]


def lock(session: Session, key: str, now: datetime) -> BreakerRow:
    """Return the breaker, locked; one without failures where there was none."""
    insert_new(session, BreakerRow, key=key, since=now)
    query = select(BreakerRow).where(BreakerRow.key == key).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def failures_of(session: Session, key: str) -> int:
    """Return how many requests in a row have failed; 0 where the last one was answered."""
    return session.exec(select(BreakerRow.failures).where(BreakerRow.key == key)).first() or 0


def claim_probe(session: Session, key: str, now: datetime, until: datetime) -> bool:
    """Become the one that tries; False while another does."""
    free = col(BreakerRow.probe_until).is_(None) | (col(BreakerRow.probe_until) <= now)
    claimed = session.exec(update(BreakerRow).where(col(BreakerRow.key) == key, free).values(probe_until=until))
    return claimed.rowcount == 1


def close(session: Session, keys: Collection[str]) -> None:
    """Note that they answer again."""
    session.exec(delete(BreakerRow).where(col(BreakerRow.key).in_(keys)))


def all_open(session: Session) -> Sequence[BreakerRow]:
    """Return those that are open, the longest first."""
    query = select(BreakerRow).where(col(BreakerRow.open_until).is_not(None)).order_by(col(BreakerRow.since))
    return session.exec(query).all()
