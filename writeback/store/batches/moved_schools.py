"""Files of a school whose ids change: what they say, and whom somebody has chosen for rows, is in the former ids."""

from datetime import datetime

from sqlmodel import Session, col, select

from writeback.domain.actor import SERVICE
from writeback.domain.finding import Finding
from writeback.store.batches import batches, reviews
from writeback.store.people import audit
from writeback.store.tables import BatchRow

_MOVED = Finding(
    "school_moved",
    "The ids of the school changed while the file was worked through or looked at: what had not been queued by then is "
    "not sent",
    "Upload it again once the school's new lists are there; where it has ids, with the new ones.",
)


def stop_files(session: Session, school_id: str, now: datetime) -> None:
    """Stop the school's files that are worked on or looked at: whoever does commits nothing any more."""
    of_school = BatchRow.school_id == school_id, col(BatchRow.status).in_(batches.CANCELLABLE)
    for batch_id in session.exec(select(BatchRow.id).where(*of_school).order_by(col(BatchRow.id))).all():
        batch = batches.cancel(session, batch_id, now)
        if batch is None:
            continue
        reviews.end(session, batch_id)
        while batches.drop_lines(session, batch_id):
            pass
        batch.findings = [*batch.findings, _MOVED.as_json()]
        session.add(batch)
        noted = {"rows": batch.rows_read, "bad": batch.rows_bad, "queued": batch.rows_queued}
        audit.note(session, SERVICE, now, "batch.cancel", batch_id, app=batch.app_id, school=school_id, changed=noted)
