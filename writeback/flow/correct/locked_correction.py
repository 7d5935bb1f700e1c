"""Corrections: what resubmitting, cancelling and resolving have in common: rights, locked rows, and what is recorded.

All that a person does to a writeback is one transaction: records and status (`changes`), what it was before
(`store/mendings`), and who and why (`store/audit`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python
from sqlmodel import Session

from writeback.core.errors import Forbidden
from writeback.domain.access import Caller, Scope, check_kind
from writeback.domain.actor import Actor
from writeback.domain.corrections import Action
from writeback.domain.kept import Kept
from writeback.domain.kinds import Record
from writeback.domain.states import Event, Status
from writeback.domain.writeback import RecordProgress
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.store.people import audit
from writeback.store.reads.writebacks_read import writeback_unknown
from writeback.store.tables import WritebackRow
from writeback.store.writebacks import corrections, writebacks
from writeback.store.writebacks.corrections import RecordChange
from writeback_client.models.corrections import Corrected, CorrectedRecord


def check_may_correct(caller: Caller, *, any_app: bool = False) -> None:
    """Raise Forbidden for a key that may not cancel and resubmit; `any_app`: nor settle what only support may."""
    if caller.may(Scope.SUPPORT) or (caller.may(Scope.SUBMIT) and not any_app):
        return
    needed = Scope.SUPPORT if any_app else Scope.SUBMIT
    raise Forbidden(
        "key_lacks_scope",
        f"this key has no scope {needed.value!r}; it has {', '.join(sorted(caller.scopes))}",
        hint="An app's own writebacks need the scope 'submit', those of others, and resolving, 'support'.",
    )


def locked_for(caller: Caller, session: Session, writeback_id: str) -> OpenWriteback:
    """Return the writeback, locked, for a caller who is going to change it.

    Raise NotFound for what they may not see, as if it were not there; Forbidden for a kind that they may not change.
    """
    return OpenWriteback(_for(caller, writeback_id, writebacks.lock(session, [writeback_id]).get(writeback_id)))


def seen_by(caller: Caller, session: Session, writeback_id: str) -> WritebackRow:
    """Return the writeback for a caller who is not going to change it; raise as `locked_for` does."""
    return _for(caller, writeback_id, writebacks.find(session, [writeback_id]).get(writeback_id))


def _for(caller: Caller, writeback_id: str, row: WritebackRow | None) -> WritebackRow:
    if row is None or not may_see(caller, row):
        raise writeback_unknown(writeback_id)
    check_kind(caller, row.kind)
    return row


def may_see(caller: Caller, row: WritebackRow) -> bool:
    return caller.sees_app in (None, row.app_id) and caller.may_touch(row.school_id)


@dataclass
class Correction:
    """The correction of one locked writeback. `change` its records, then `write_down`."""

    session: Session
    now: datetime
    actor: Actor
    opened: OpenWriteback
    action: Action
    bulk: str | None = None
    """The id shared by all corrections of one call by filter."""
    changed: list[RecordChange] = field(default_factory=list)

    @property
    def row(self) -> WritebackRow:
        return self.opened.row

    def change(self, index: int, after: RecordProgress, became: Record | None = None) -> None:
        """Move one record; `became` is what it says from now on, where that is edited."""
        before = self.opened.progress[index]
        after = self.opened.progress[index] = replace(after, looked_for=before.looked_for)
        was = self.opened.records[index] if became is not None else None
        self.changed.append(RecordChange(index, before, after, _as_json(was), _as_json(became)))

    def write_down(self, *, queued_by: Event = Event.RETRY, **noted: Any) -> None:
        """Store records, status, timeline, history and audit; `noted` goes into the audit log beside the usual."""
        row, before = self.row, self.row.status
        changes = Changes(self.session, self.now, self.actor.name)
        after = changes.settle(self.opened, queued_by=queued_by, detail=self.actor.reason or None)
        corrections.add(self.session, row.id, self.action, self.changed, actor=self.actor, now=self.now)
        edited = [{"record": change.index, "fields": change.edited_fields} for change in self.changed if change.became]
        changed: dict[str, Any] = {"records": [change.index for change in self.changed], "status": [before, after]}
        changed |= {"edited": edited} if edited else {}
        changed |= {"bulk": self.bulk} if self.bulk else {}
        audit.note(
            self.session,
            self.actor,
            self.now,
            f"writeback.{self.action}",
            row.id,
            app=row.app_id,
            school=row.school_id,
            changed=changed | noted,
        )

    def view(self, superseded_by: Mapping[int, str] | None = None) -> Corrected:
        """Return what was done, for the answer."""
        row = self.row
        return Corrected(
            id=row.id,
            status=row.status,
            school=row.school_id,
            kind=row.kind,
            ref=row.ref,
            records=[self._record(change, (superseded_by or {}).get(change.index)) for change in self.changed],
        )

    def _record(self, change: RecordChange, superseded_by: str | None) -> CorrectedRecord:
        record = self.opened.records[change.index]
        return CorrectedRecord(
            index=change.index,
            ref=record.ref if record is not None else None,
            status=change.after.status,
            findings=change.after.findings,
            superseded_by=superseded_by,
        )


def begin_anew(flow: FlowContext, row: WritebackRow, now: datetime) -> None:
    """Count attempts from zero, at once, and with a new deadline where the old one has passed."""
    row.kept = Kept.WHOLE  # what it says from now on has its time before it
    row.attempts = row.failures = 0
    row.next_attempt_at = None
    if row.hold_reason is not None and row.status != Status.HELD:
        row.hold_reason = None
    if row.expires_at is not None and row.expires_at <= now:
        row.expires_at = now + timedelta(seconds=flow.settings.dispatch.default_deadline_s)


def _as_json(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    shown: dict[str, Any] = to_jsonable_python(record, exclude_none=True)
    return shown
