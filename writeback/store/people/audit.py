"""The audit log: one row for everything that a person does, written in the transaction of the change."""

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.ids import made_at
from writeback.domain import audit_chain
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor
from writeback.domain.audit_chain import Proof
from writeback.store.reads.filters import in_reach
from writeback.store.tables import AuditRow

_TAKEN_AWAY = {"subject": "erased", "reason": ""}


@dataclass(frozen=True)
class AuditFilter:
    """Which entries to list; None: all."""

    school: str | None = None
    app: str | None = None
    actor: str | None = None
    """Whole, or its beginning: `app:register` finds every key of that app."""
    action: str | None = None
    """Whole, or its beginning: `writeback.` finds all that was done to writebacks."""
    subject: str | None = None
    bulk: str | None = None
    """The bulk job, or call by filter, that did it."""
    since: datetime | None = None
    until: datetime | None = None


def note(
    session: Session | AsyncSession,
    actor: Actor,
    now: datetime,
    action: str,
    subject: str,
    *,
    app: str | None = None,
    school: str | None = None,
    changed: Mapping[str, Any] | None = None,
) -> None:
    """Write down what is being done; `changed` has names, indexes and counts, and never what a record says."""
    session.add(
        AuditRow(
            at=now,
            actor=actor.name,
            app=app,
            action=action,
            subject=subject,
            school=school,
            reason=actor.reason,
            changed=dict(changed or {}),
        )
    )


def latest_of(session: Session, subject: str) -> AuditRow | None:
    """Return what was noted last of a subject."""
    query = select(AuditRow).where(AuditRow.subject == subject).order_by(col(AuditRow.id).desc())
    return session.exec(query.limit(1)).first()


def forget(session: Session, subject: str, name: str) -> None:
    """Take one thing out of what is noted of a subject: it may quote somebody, and is kept no longer than the rest."""
    noted = select(AuditRow).where(AuditRow.subject == subject).with_for_update()
    for row in session.exec(noted.execution_options(populate_existing=True)):
        if name in row.changed:
            row.sqlmodel_update(columns_without(row, {f"changed.{name}"}))
            session.add(row)


def columns_without(row: AuditRow, names: Set[str]) -> dict[str, Any]:
    """Return what to write into a line so that the fields say nothing any more and its link still fits.

    Fields are columns, and `changed.…` entries of `changed`. Whoever writes it holds the row's lock. Of an actor's name
    the pseudonym stays.
    """
    columns = {name: audit_chain.taken_away(name, row.who or "") for name in names if not name.startswith("changed.")}
    columns["changed"] = {name: value for name, value in row.changed.items() if f"changed.{name}" not in names}
    if row.proof is not None:
        columns["proof"] = stored_proof(audit_chain.without(proof_of(row), names))
    return columns


def proof_of(row: AuditRow) -> Proof:
    """Return what proves the line; empty where it has no place in the chain."""
    return {name: (salt, digest or "") for name, (salt, digest) in (row.proof or {}).items()}


def stored_proof(proof: Proof) -> dict[str, list[str | None]]:
    return {name: [salt, digest] for name, (salt, digest) in proof.items()}


async def page(
    session: AsyncSession, caller: Caller, wanted: AuditFilter, *, before: int | None, limit: int
) -> Sequence[AuditRow]:
    """Return entries that the caller may see, the latest first."""
    query = select(AuditRow).where(*_visible(caller), *_conditions(wanted))
    if before is not None:
        query = query.where(col(AuditRow.id) < before)
    return (await session.exec(query.order_by(col(AuditRow.id).desc()).limit(limit))).all()


def _visible(caller: Caller) -> list[ColumnElement[bool]]:
    """What is about no school, such as a key, is for those who look after all of them."""
    if caller.may(Scope.ADMIN) and caller.is_for_all:
        return [or_(col(AuditRow.school).is_(None), *in_reach(caller, AuditRow.school))] if caller.mode else []
    return [col(AuditRow.school).is_not(None), *in_reach(caller, AuditRow.school)]


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (AuditRow.school, wanted.school),
        (AuditRow.app, wanted.app),
        (AuditRow.subject, wanted.subject),
    ):
        if value is not None:
            conditions.append(col(column) == value)
    for column, beginning in ((AuditRow.actor, wanted.actor), (AuditRow.action, wanted.action)):
        if beginning is not None:
            conditions.append(col(column).startswith(beginning, autoescape=True))
    if wanted.bulk is not None:  # no index has it: all that it did came after its id was made
        conditions.append(col(AuditRow.changed)["bulk"].as_string() == wanted.bulk)
        with suppress(ValueError, OverflowError):
            conditions.append(col(AuditRow.at) >= made_at(wanted.bulk))
    if wanted.since is not None:
        conditions.append(col(AuditRow.at) >= wanted.since)
    if wanted.until is not None:
        conditions.append(col(AuditRow.at) < wanted.until)
    return conditions
