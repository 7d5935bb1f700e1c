"""Which record of ours has made which thing in the MIS."""

from datetime import datetime

from sqlmodel import Session, select

from writeback.store.tables import ClaimRow
from writeback.store.upsert import insert_new


def take(
    session: Session, *, school_id: str, family: str, mis_id: str, writeback_id: str, record: int, now: datetime
) -> bool:
    """Claim it for a record; return whether it is that record's now, False where another has it."""
    key = {"school_id": school_id, "family": family, "mis_id": mis_id}
    if insert_new(session, ClaimRow, **key, writeback_id=writeback_id, record=record, claimed_at=now):
        return True
    claim = session.exec(select(ClaimRow).filter_by(**key)).one()
    return (claim.writeback_id, claim.record) == (writeback_id, record)
