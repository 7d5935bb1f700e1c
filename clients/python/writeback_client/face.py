"""Everything for users, by name: what `from writeback_client import …` finds."""

from writeback_client.calls import Answer
from writeback_client.client import AsyncClient, Client
from writeback_client.errors import (
    ClientError,
    Conflict,
    Forbidden,
    Invalid,
    Misconfigured,
    NotFinal,
    NotFound,
    Problem,
    RateLimited,
    ServerError,
    SignatureInvalid,
    Timeout,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from writeback_client.models.access import AuditEntry, Hook, Key, NewKey, Ready, Restore
from writeback_client.models.base import Finding, Page
from writeback_client.models.batches import Batch, Uploaded
from writeback_client.models.corrections import Check, Corrected, Count, Preview, ProviderAnswer, Report
from writeback_client.models.features import Features, RuleSet
from writeback_client.models.reviews import Mended, Review, ReviewPerson, ReviewRow, SavedMapping
from writeback_client.models.schools import ListedSchool, School, Synced
from writeback_client.models.usage import Usage
from writeback_client.models.webhooks import Delivery, NewWebhook, Recovered, Webhook, WebhookEvent, WritebackPayload
from writeback_client.models.words import UnknownWord, Word, WordList
from writeback_client.models.writebacks import Event, Record, Submitted, Writeback, WritebackSummary
from writeback_client.receiving import verify_webhook
from writeback_client.resources.corrections import Where
from writeback_client.words import RecordStatus, Status

__all__ = [
    "Answer",
    "AsyncClient",
    "AuditEntry",
    "Batch",
    "Check",
    "Client",
    "ClientError",
    "Conflict",
    "Corrected",
    "Count",
    "Delivery",
    "Event",
    "Features",
    "Finding",
    "Forbidden",
    "Hook",
    "Invalid",
    "Key",
    "ListedSchool",
    "Mended",
    "Misconfigured",
    "NewKey",
    "NewWebhook",
    "NotFinal",
    "NotFound",
    "Page",
    "Preview",
    "Problem",
    "ProviderAnswer",
    "RateLimited",
    "Ready",
    "Record",
    "RecordStatus",
    "Recovered",
    "Report",
    "Restore",
    "Review",
    "ReviewPerson",
    "ReviewRow",
    "RuleSet",
    "SavedMapping",
    "School",
    "ServerError",
    "SignatureInvalid",
    "Status",
    "Submitted",
    "Synced",
    "Timeout",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "UnknownWord",
    "Unreachable",
    "Uploaded",
    "Usage",
    "Webhook",
    "WebhookEvent",
    "Where",
    "Word",
    "WordList",
    "Writeback",
    "WritebackPayload",
    "WritebackSummary",
    "verify_webhook",
]
