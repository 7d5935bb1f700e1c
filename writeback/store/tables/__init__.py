"""Every table, by subject. Migrations in `store/migrations/` are kept equal to this by a test."""

from writeback.store.tables.apps import ApiKey, App, DeliveryRow, DropInMemberRow, DropInRow, WebhookRow
from writeback.store.tables.batches import BatchChunkRow, BatchLine, BatchRow, BulkRow
from writeback.store.tables.columns import table_of
from writeback.store.tables.people import AuditLinkRow, AuditRow, SignInTriesRow, StaffRow, StaffSessionRow
from writeback.store.tables.projections import RollupCursorRow, RollupRow, RollupTimeRow, SearchCursorRow, SearchTermRow
from writeback.store.tables.requests import (
    AttemptRow,
    BreakerRow,
    CarriedRow,
    ClaimRow,
    DriftCheckRow,
    DriftCursorRow,
    MarkInDoubtRow,
    ProviderAnswerRow,
    RequestRow,
)
from writeback.store.tables.schools import AccountHookRow, DirectoryRow, LookupRow, RemovalsRow, SchoolRow
from writeback.store.tables.upkeep import EpochRow, ErasureKeyRow, ErasureRow, RetentionRunRow, SchemaRow
from writeback.store.tables.writebacks import (
    BROWSED,
    IS_ENDED,
    CorrectionRow,
    EventRow,
    IdempotencyRow,
    Lane,
    RecentCreateRow,
    WritebackRow,
)

__all__ = [
    "BROWSED",
    "IS_ENDED",
    "AccountHookRow",
    "ApiKey",
    "App",
    "AttemptRow",
    "AuditLinkRow",
    "AuditRow",
    "BatchChunkRow",
    "BatchLine",
    "BatchRow",
    "BreakerRow",
    "BulkRow",
    "CarriedRow",
    "ClaimRow",
    "CorrectionRow",
    "DeliveryRow",
    "DirectoryRow",
    "DriftCheckRow",
    "DriftCursorRow",
    "DropInMemberRow",
    "DropInRow",
    "EpochRow",
    "ErasureKeyRow",
    "ErasureRow",
    "EventRow",
    "IdempotencyRow",
    "Lane",
    "LookupRow",
    "MarkInDoubtRow",
    "ProviderAnswerRow",
    "RecentCreateRow",
    "RemovalsRow",
    "RequestRow",
    "RetentionRunRow",
    "RollupCursorRow",
    "RollupRow",
    "RollupTimeRow",
    "SchemaRow",
    "SchoolRow",
    "SearchCursorRow",
    "SearchTermRow",
    "SignInTriesRow",
    "StaffRow",
    "StaffSessionRow",
    "WebhookRow",
    "WritebackRow",
    "table_of",
]
