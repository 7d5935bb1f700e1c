"""What the client returns."""

from writeback_client.models.access import AuditEntry, Hook, Key, NewKey, Ready, Restore
from writeback_client.models.base import Finding, Page
from writeback_client.models.batches import Batch
from writeback_client.models.schools import Features, ListedSchool, RuleSet, School, Synced
from writeback_client.models.webhooks import Delivery, NewWebhook, ToldWriteback, Webhook, WebhookEvent
from writeback_client.models.writebacks import (
    Check,
    Count,
    Counts,
    Event,
    Mended,
    ProviderAnswer,
    Record,
    Report,
    Writeback,
)

__all__ = [
    "AuditEntry",
    "Batch",
    "Check",
    "Count",
    "Counts",
    "Delivery",
    "Event",
    "Features",
    "Finding",
    "Hook",
    "Key",
    "ListedSchool",
    "Mended",
    "NewKey",
    "NewWebhook",
    "Page",
    "ProviderAnswer",
    "Ready",
    "Record",
    "Report",
    "Restore",
    "RuleSet",
    "School",
    "Synced",
    "ToldWriteback",
    "Webhook",
    "WebhookEvent",
    "Writeback",
]
