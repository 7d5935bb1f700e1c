"""The Python client of the writeback API. Needs httpx and pydantic, and standardwebhooks where webhooks are received.

    from writeback.client import Client

    with Client() as client:  # WRITEBACK_URL, WRITEBACK_KEY
        done = client.submit_and_wait("hillside", "attendance.session", [{"student_id": "A1", …}])

Everything for users is named here; see docs/client.md.
"""

from writeback.client.calls import Answer
from writeback.client.client import AsyncClient, Client
from writeback.client.errors import (
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
from writeback.client.models import (
    AuditEntry,
    Batch,
    Check,
    Count,
    Delivery,
    Event,
    Features,
    Finding,
    Hook,
    Key,
    ListedSchool,
    Mended,
    NewKey,
    NewWebhook,
    Page,
    ProviderAnswer,
    Ready,
    Record,
    Report,
    Restore,
    RuleSet,
    School,
    Synced,
    ToldWriteback,
    Webhook,
    WebhookEvent,
    Writeback,
)
from writeback.client.receiving import verify_webhook
from writeback.client.rooms.mending import Where
from writeback.domain.states import Status
from writeback.domain.writeback import RecordStatus

__all__ = [
    "Answer",
    "AsyncClient",
    "AuditEntry",
    "Batch",
    "Check",
    "Client",
    "ClientError",
    "Conflict",
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
    "Problem",
    "ProviderAnswer",
    "RateLimited",
    "Ready",
    "Record",
    "RecordStatus",
    "Report",
    "Restore",
    "RuleSet",
    "School",
    "ServerError",
    "SignatureInvalid",
    "Status",
    "Synced",
    "Timeout",
    "ToldWriteback",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "Webhook",
    "WebhookEvent",
    "Where",
    "Writeback",
    "verify_webhook",
]
