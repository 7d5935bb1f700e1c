"""Every setting, typed, grouped, read from `WRITEBACK_…` variables (`__` between group and name)."""

from writeback.core.settings.alerts import AlertSettings, MailSecurity, MailSettings
from writeback.core.settings.api import (
    ApiSettings,
    ConsoleSettings,
    DropInSettings,
    EventSettings,
    OidcSettings,
    WebhookSettings,
)
from writeback.core.settings.engine import (
    AuditSettings,
    BatchSettings,
    ConfirmSettings,
    DirectorySettings,
    DispatchSettings,
    LookupSettings,
    QueueSettings,
    RestoreSettings,
)
from writeback.core.settings.providers import ProviderSettings, SandboxSettings, WondeSettings, XporterSettings
from writeback.core.settings.retention import RetentionSettings
from writeback.core.settings.seen import MetricsSettings, TracingSettings
from writeback.core.settings.settings import Settings

__all__ = [
    "AlertSettings",
    "ApiSettings",
    "AuditSettings",
    "BatchSettings",
    "ConfirmSettings",
    "ConsoleSettings",
    "DirectorySettings",
    "DispatchSettings",
    "DropInSettings",
    "EventSettings",
    "LookupSettings",
    "MailSecurity",
    "MailSettings",
    "MetricsSettings",
    "OidcSettings",
    "ProviderSettings",
    "QueueSettings",
    "RestoreSettings",
    "RetentionSettings",
    "SandboxSettings",
    "Settings",
    "TracingSettings",
    "WebhookSettings",
    "WondeSettings",
    "XporterSettings",
]
