"""Every table, by subject. Migrations in `store/migrations/` are kept equal to this by a test."""

from writeback.store.tables.apps import ApiKey, App, DeliveryRow, DoorMemberRow, DoorRow, WebhookRow
from writeback.store.tables.batches import BatchChunkRow, BatchLine, BatchRow, BulkRow
from writeback.store.tables.columns import table_of
from writeback.store.tables.people import AuditRow, SignInTriesRow, StaffRow, StaffSessionRow
from writeback.store.tables.projections import SearchCursorRow, SearchTermRow, TallyCursorRow, TallyRow, TallyTimeRow
from writeback.store.tables.requests import (
    AttemptRow,
    BreakerRow,
    ClaimRow,
    DoubtRow,
    DriftCheckRow,
    DriftCursorRow,
    ProviderAnswerRow,
    RequestRow,
)
from writeback.store.tables.schools import LookupRow, RemovalsRow, SchoolRow
from writeback.store.tables.upkeep import EpochRow, SchemaRow
from writeback.store.tables.writebacks import (
    BROWSED,
    EventRow,
    IdempotencyRow,
    Lane,
    MendingRow,
    RecentCreateRow,
    WritebackRow,
)

__all__ = [
    "BROWSED",
    "ApiKey",
    "App",
    "AttemptRow",
    "AuditRow",
    "BatchChunkRow",
    "BatchLine",
    "BatchRow",
    "BreakerRow",
    "BulkRow",
    "ClaimRow",
    "DeliveryRow",
    "DoorMemberRow",
    "DoorRow",
    "DoubtRow",
    "DriftCheckRow",
    "DriftCursorRow",
    "EpochRow",
    "EventRow",
    "IdempotencyRow",
    "Lane",
    "LookupRow",
    "MendingRow",
    "ProviderAnswerRow",
    "RecentCreateRow",
    "RemovalsRow",
    "RequestRow",
    "SchemaRow",
    "SchoolRow",
    "SearchCursorRow",
    "SearchTermRow",
    "SignInTriesRow",
    "StaffRow",
    "StaffSessionRow",
    "TallyCursorRow",
    "TallyRow",
    "TallyTimeRow",
    "WebhookRow",
    "WritebackRow",
    "table_of",
]
