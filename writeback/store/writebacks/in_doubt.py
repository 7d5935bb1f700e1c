"""Marks that may still arrive late."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, update
from sqlalchemy import select as select_column
from sqlmodel import Session, col, select

from writeback.store.sql.prepared import Prepared
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import MarkInDoubtRow

_LANES_WITH = Prepared(
    select_column(col(MarkInDoubtRow.lane_id))
    .where(col(MarkInDoubtRow.lane_id).in_(bindparam("lanes", expanding=True)))
    .distinct()
)


def add(session: Session, *, lane_id: str, slot: str, writeback_id: str, code: str, until: datetime) -> None:
    """Note that a mark may arrive until then."""
    key = {"lane_id": lane_id, "slot": slot, "writeback_id": writeback_id}
    if not insert_new(session, MarkInDoubtRow, **key, code=code, until=until):
        session.exec(update(MarkInDoubtRow).filter_by(**key).values(code=code, until=until))


def about(session: Session, lane_id: str, slots: Collection[str]) -> Sequence[MarkInDoubtRow]:
    """Return the marks in doubt for those slots, also those whose time has passed."""
    if not slots:
        return []
    query = select(MarkInDoubtRow).where(MarkInDoubtRow.lane_id == lane_id, col(MarkInDoubtRow.slot).in_(slots))
    return session.exec(query).all()


def lanes_with(session: Session, lane_ids: Collection[str]) -> set[str]:
    """Return those of the lanes that have marks in doubt, also those whose time has passed."""
    return {lane_id for (lane_id,) in _LANES_WITH.rows(session, lanes=lane_ids)}
