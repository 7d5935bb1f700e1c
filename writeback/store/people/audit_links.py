"""The links of the audit log's chain, and the lines that have none yet."""

from collections.abc import Sequence

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from writeback.store.tables import AuditLinkRow, AuditRow

_LOCK = 0x61756469  # "audi"


def lock_chain(session: Session) -> None:
    """Wait until nobody else adds links, and nobody does before the transaction ends; SQLite has but one writer."""
    if session.get_bind().dialect.name == "postgresql":
        session.exec(select(func.pg_advisory_xact_lock(_LOCK)))


def are_missing(session: Session) -> bool:
    """Whether there is a line without a link."""
    return session.exec(select(AuditRow.id).where(col(AuditRow.position).is_(None)).limit(1)).first() is not None


def lock_unlinked(session: Session, limit: int) -> Sequence[AuditRow]:
    """Return lines without a link, the first first, locked until the transaction ends."""
    query = select(AuditRow).where(col(AuditRow.position).is_(None)).order_by(col(AuditRow.id)).limit(limit)
    return session.exec(query.with_for_update()).all()


def last(session: Session) -> AuditLinkRow | None:
    return session.exec(select(AuditLinkRow).order_by(col(AuditLinkRow.position).desc()).limit(1)).first()


def some(session: Session, after: int, limit: int) -> Sequence[tuple[AuditLinkRow, AuditRow | None]]:
    """Return the links after that position, each with its line where that is still there."""
    query = select(AuditLinkRow, AuditRow).join(AuditRow, col(AuditRow.id) == AuditLinkRow.audit_id, isouter=True)
    query = query.where(AuditLinkRow.position > after).order_by(col(AuditLinkRow.position)).limit(limit)
    return [(link, line) for link, line in session.exec(query)]


def without_link(session: Session, limit: int) -> Sequence[int]:
    """Return places that lines say they have, and that no link gives them, the first first."""
    query = (
        select(AuditRow.position)
        .join(AuditLinkRow, col(AuditLinkRow.position) == AuditRow.position, isouter=True)
        .where(
            or_(
                col(AuditRow.position) < 1,  # where no chain has a link
                and_(col(AuditRow.position).is_not(None), col(AuditLinkRow.position).is_(None)),
                col(AuditLinkRow.audit_id) != col(AuditRow.id),
            )
        )
        .order_by(col(AuditRow.position))
        .limit(limit)
    )
    return [position for position in session.exec(query) if position is not None]
