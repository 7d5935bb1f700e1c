"""What people do to many writebacks at once, as rows: one worker at a time goes on with each."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, update

from writeback.store.tables import BulkRow


class BulkState(StrEnum):
    """How far it is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """Something went wrong; the person may have it go on."""


def find(session: Session, bulk_id: str) -> BulkRow | None:
    return session.get(BulkRow, bulk_id)


def claim(session: Session, bulk_id: str, owner: str, now: datetime, until: datetime) -> BulkRow | None:
    """Return the row for its next piece; None where it is at its end, or another is at it."""
    is_free = or_(
        col(BulkRow.lease_owner) == owner, col(BulkRow.lease_until).is_(None), col(BulkRow.lease_until) <= now
    )
    where = (col(BulkRow.id) == bulk_id, col(BulkRow.state) == BulkState.RUNNING, is_free)
    claimed = session.exec(update(BulkRow).where(*where).values(lease_owner=owner, lease_until=until))
    return session.get(BulkRow, bulk_id) if claimed.rowcount == 1 else None


def put(session: Session, bulk_id: str, owner: str, values: Mapping[str, Any]) -> bool:
    """Write how far it is; False, and nothing, where another has taken it over."""
    where = (col(BulkRow.id) == bulk_id, col(BulkRow.lease_owner) == owner)
    return session.exec(update(BulkRow).where(*where).values(**values)).rowcount == 1


def start_again(session: Session, bulk_id: str) -> bool:
    """Have one that stopped go on where it was."""
    where = (col(BulkRow.id) == bulk_id, col(BulkRow.state) == BulkState.STOPPED)
    free = {"state": BulkState.RUNNING, "trouble": None, "lease_until": None, "finished_at": None}
    return session.exec(update(BulkRow).where(*where).values(**free)).rowcount == 1
