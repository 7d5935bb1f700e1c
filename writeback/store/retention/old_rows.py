"""Rows of every table but those of writebacks that are deleted whole once they are too old."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlmodel import Session, col

from writeback.core.ids import new_id
from writeback.domain.states import FINAL
from writeback.store.alerts.receivers import UNFINISHED as UNSENT
from writeback.store.apps import dropin
from writeback.store.apps.outbox import UNFINISHED
from writeback.store.batches.batches import NOT_ENDED, BatchStatus
from writeback.store.batches.bulk_jobs import BulkState
from writeback.store.people import audit
from writeback.store.retention.old import Keys, Old, Scope, rows
from writeback.store.tables import (
    AlertMessageRow,
    AuditRow,
    BatchChunkRow,
    BatchLine,
    BatchMappingRow,
    BatchPersonRow,
    BatchReviewRow,
    BatchRow,
    BulkRow,
    DeliveryRow,
    DirectoryRow,
    DropInMemberRow,
    DropInRow,
    IdempotencyRow,
    IncidentRow,
    MarkInDoubtRow,
    ProviderAnswerRow,
    RecentCreateRow,
    RetentionRunRow,
    RollupRow,
    RollupTimeRow,
    SignInTriesRow,
    StaffSessionRow,
    UnknownWordRow,
    UsageRow,
    WebhookRow,
    WritebackRow,
)


def idempotency_keys(scope: Scope) -> Old:
    return rows(IdempotencyRow, col(IdempotencyRow.created_at) < scope.before)


def recent_creates(scope: Scope) -> Old:
    return rows(RecentCreateRow, col(RecentCreateRow.created_at) < scope.before)


def marks_in_doubt(scope: Scope) -> Old:
    return rows(MarkInDoubtRow, col(MarkInDoubtRow.until) < scope.before)


def provider_answers(scope: Scope) -> Old:
    return rows(ProviderAnswerRow, col(ProviderAnswerRow.kept_at) < scope.before)


def unknown_words(scope: Scope) -> Old:
    return rows(UnknownWordRow, col(UnknownWordRow.last_at) < scope.before)


def counts(scope: Scope) -> Old:
    return rows(RollupRow, col(RollupRow.bucket_at) < scope.before)


def usage(scope: Scope) -> Old:
    return rows(UsageRow, col(UsageRow.hour_at) < scope.before)


def count_times(scope: Scope) -> Old:
    return rows(RollupTimeRow, col(RollupTimeRow.bucket_at) < scope.before)


def sessions(scope: Scope) -> Old:
    return rows(StaffSessionRow, col(StaffSessionRow.expires_at) <= scope.before)


def sign_in_tries(scope: Scope) -> Old:
    return rows(SignInTriesRow, col(SignInTriesRow.until) <= scope.before)


def audit_entries(scope: Scope) -> Old:
    """The oldest first by what they tell, as the chain is looked at: numbers are given in another order where several
    processes write. The last entry stays."""
    newest = select(func.max(AuditRow.id)).scalar_subquery()
    old = rows(AuditRow, col(AuditRow.at) < scope.before, col(AuditRow.id) < newest)
    return Old(old.due.order_by(col(AuditRow.at), col(AuditRow.id)), old.delete)


def runs(scope: Scope) -> Old:
    return rows(RetentionRunRow, col(RetentionRunRow.ended_at) < scope.before)


def incidents(scope: Scope) -> Old:
    """Those that were over by then."""
    return rows(IncidentRow, col(IncidentRow.ended_at) < scope.before)


def alert_messages(scope: Scope) -> Old:
    """Those that are not to be sent any more."""
    return rows(
        AlertMessageRow, col(AlertMessageRow.state).not_in(UNSENT), col(AlertMessageRow.created_at) < scope.before
    )


def directories(scope: Scope) -> Old:
    """Those that no sync has brought up to date since then."""
    return rows(DirectoryRow, col(DirectoryRow.filled_at) < scope.before)


def bulk_jobs(scope: Scope) -> Old:
    """Those that go on stay; of others the audit log says what was done."""
    return rows(BulkRow, col(BulkRow.state) != BulkState.RUNNING, col(BulkRow.finished_at) < scope.before)


def deliveries(scope: Scope) -> Old:
    """Those that have ended; of a webhook that is disabled also those that wait. Ids sort by when they were made."""
    is_off = col(DeliveryRow.webhook_id).in_(select(col(WebhookRow.id)).where(col(WebhookRow.disabled_at).is_not(None)))
    may_go = or_(col(DeliveryRow.state).not_in(UNFINISHED), is_off)
    return rows(DeliveryRow, col(DeliveryRow.id) < new_id("msg", scope.before), may_go)


def drop_ins(scope: Scope) -> Old:
    """Requests of which all had ended by then; their writebacks stay."""
    is_left = or_(col(WritebackRow.status).not_in(FINAL), col(WritebackRow.updated_at) >= scope.before)
    left = exists().where(col(DropInMemberRow.ref) == col(DropInRow.ref))
    left = left.where(col(WritebackRow.id) == col(DropInMemberRow.writeback_id), is_left)
    due = select(col(DropInRow.ref)).where(col(DropInRow.created_at) < scope.before, ~left)
    return Old(due, lambda session, keys: dropin.forget(session, [one.ref for one in keys]))


# --- batches


def batch_rows(scope: Scope) -> Old:
    """Rows of batches that ended before then; the batch and its counts stay."""
    return rows(BatchLine, col(BatchLine.batch_id).in_(select(col(BatchRow.id)).where(_has_ended(scope.before))))


def batch_people(scope: Scope) -> Old:
    """As whom the rows of such batches named people, and how their files were understood."""
    ended = select(col(BatchRow.id)).where(_has_ended(scope.before))
    return rows(BatchPersonRow, col(BatchPersonRow.batch_id).in_(ended))


def batch_reviews(scope: Scope) -> Old:
    ended = select(col(BatchRow.id)).where(_has_ended(scope.before))
    return rows(BatchReviewRow, col(BatchReviewRow.batch_id).in_(ended))


def batch_mappings(scope: Scope) -> Old:
    """Confirmed mappings of columns by which no file has been read since then."""
    last_used = func.coalesce(col(BatchMappingRow.used_at), col(BatchMappingRow.confirmed_at))
    return rows(BatchMappingRow, last_used < scope.before)


def batch_quotes(scope: Scope) -> Old:
    """What a batch itself, and the audit log, quote of its rows; once these are gone."""
    no_rows = ~exists().where(col(BatchLine.batch_id) == col(BatchRow.id))

    def delete(session: Session, keys: Keys) -> None:
        ids = [one.id for one in keys]
        gone = {"forgotten_at": scope.now, "file_name": "", "problems": {}, "findings": [], "mapping": ""}
        session.connection().execute(update(BatchRow).where(col(BatchRow.id).in_(ids)).values(**gone))
        for one in ids:
            audit.forget(session, one, "file_name")

    return Old(select(col(BatchRow.id)).where(_has_ended(scope.before), no_rows), delete)


def given_up_uploads(scope: Scope) -> Old:
    """Pieces of files whose upload never ended."""
    is_given_up = and_(col(BatchRow.status) == BatchStatus.UPLOADING, col(BatchRow.created_at) < scope.before)
    return rows(BatchChunkRow, col(BatchChunkRow.batch_id).in_(select(col(BatchRow.id)).where(is_given_up)))


def uploads_without_file(scope: Scope) -> Old:
    no_chunks = ~exists().where(col(BatchChunkRow.batch_id) == col(BatchRow.id))
    is_given_up = and_(col(BatchRow.status) == BatchStatus.UPLOADING, col(BatchRow.created_at) < scope.before)
    return rows(BatchRow, is_given_up, no_chunks)


def batches(scope: Scope) -> Old:
    """The batch itself; its rows are gone long since."""
    return rows(BatchRow, col(BatchRow.forgotten_at).is_not(None), col(BatchRow.updated_at) < scope.before)


def _has_ended(before: datetime) -> ColumnElement[bool]:
    is_done = col(BatchRow.status).not_in(NOT_ENDED)
    return and_(is_done, col(BatchRow.forgotten_at).is_(None), col(BatchRow.updated_at) < before)
