"""Which record of ours has made which thing in the MIS."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from writeback.store.sql.upsert import insert_new
from writeback.store.tables import ClaimRow


def take(
    session: Session, *, school_id: str, family: str, mis_id: str, writeback_id: str, record: int, now: datetime
) -> bool:
    """Claim it for a record; return whether it is that record's now, False where another has it."""
    key = {"school_id": school_id, "family": family, "mis_id": mis_id}
    if insert_new(session, ClaimRow, **key, writeback_id=writeback_id, record=record, claimed_at=now):
        return True
    claim = session.exec(select(ClaimRow).filter_by(**key)).one()
    return (claim.writeback_id, claim.record) == (writeback_id, record)


def that_have(session: Session, *, school_id: str, family: str, writeback_ids: Collection[str]) -> set[tuple[str, int]]:
    """Return which records of the writebacks have claimed something: the writeback, and the index of its record."""
    if not writeback_ids:
        return set()
    query = select(ClaimRow.writeback_id, ClaimRow.record).where(ClaimRow.school_id == school_id)
    query = query.where(ClaimRow.family == family, col(ClaimRow.writeback_id).in_(writeback_ids))
    return {(writeback_id, record) for writeback_id, record in session.exec(query)}


def owners(session: Session, *, school_id: str, family: str, mis_ids: Collection[str]) -> dict[str, tuple[str, int]]:
    """Return whose they are: by MIS id, the writeback and the index of its record."""
    if not mis_ids:
        return {}
    query = select(ClaimRow).where(ClaimRow.school_id == school_id, ClaimRow.family == family)
    claims = session.exec(query.where(col(ClaimRow.mis_id).in_(mis_ids))).all()
    return {claim.mis_id: (claim.writeback_id, claim.record) for claim in claims}
