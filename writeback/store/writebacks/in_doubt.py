"""Marks that may still arrive late."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from writeback.store.sql.upsert import insert_new
from writeback.store.tables import DoubtRow


def add(session: Session, *, lane_id: str, slot: str, writeback_id: str, code: str, until: datetime) -> None:
    """Note that a mark may arrive until then."""
    key = {"lane_id": lane_id, "slot": slot, "writeback_id": writeback_id}
    if not insert_new(session, DoubtRow, **key, code=code, until=until):
        session.exec(update(DoubtRow).filter_by(**key).values(code=code, until=until))


def about(session: Session, lane_id: str, slots: Collection[str]) -> Sequence[DoubtRow]:
    """Return the doubts about those slots, also those whose time has passed."""
    if not slots:
        return []
    query = select(DoubtRow).where(DoubtRow.lane_id == lane_id, col(DoubtRow.slot).in_(slots))
    return session.exec(query).all()


def forget(session: Session, before: datetime) -> None:
    """Delete the doubts whose time passed before then: nothing is asked about them any more."""
    session.exec(delete(DoubtRow).where(col(DoubtRow.until) < before))
