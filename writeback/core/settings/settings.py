"""Every setting, typed, grouped, read from `WRITEBACK_…` variables (`__` between group and name).

With none set the service runs embedded: SQLite and a Redis server of its own in the data directory.
"""

from collections.abc import Sequence
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from writeback.core.errors import ConfigurationError
from writeback.core.network.addresses import LOOPBACK, HostList, HostPattern, is_readable_by_others, pattern_of
from writeback.core.secret_key import HOW_TO_MAKE, keys_in, keys_kept_in
from writeback.core.settings.alerts import AlertSettings
from writeback.core.settings.api import ApiSettings, ConsoleSettings, DropInSettings, EventSettings, WebhookSettings
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
from writeback.core.settings.retention import RetentionSettings, refuse_moved
from writeback.core.settings.seen import MetricsSettings, TracingSettings
from writeback.core.settings.timings import complaints


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="WRITEBACK_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = Path(".writeback")
    database_url: str = Field(default="", repr=False)
    """`sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`; empty: SQLite in the data directory.

    Never shown: it may hold a password, as may `redis_url`."""
    database_busy_timeout_s: float = Field(default=10.0, gt=0)
    """How long a writer waits for another process that writes to the same SQLite file."""
    database_patience_s: float = Field(default=60.0, ge=0)
    """How long an API or a worker that starts waits for a PostgreSQL that is down."""
    database_pool_size: int = Field(default=5, ge=1)
    """Most connections of one process to PostgreSQL; each is opened when it is needed."""
    database_pool_wait_s: float = Field(default=15.0, gt=0)
    """How long somebody waits for a connection while all are in use, or the server has none left."""
    database_pool_idle_s: float = Field(default=60.0, gt=0)
    """A connection that nobody has used for so long is given back to the server."""
    database_pool_lifetime_s: float = Field(default=1_800.0, gt=0)
    """A connection that is older is replaced before it is used again."""
    database_pooler: Literal["none", "transaction"] = "none"
    """`transaction`: WRITEBACK_DATABASE_URL leads to a pooler that gives a server connection for one transaction at a
    time, as PgBouncer's `pool_mode = transaction`. Then no statement is kept prepared."""
    redis_url: str = Field(default="", repr=False)
    """`redis://…`; empty: a Redis server of our own in the data directory."""
    secret_key: str = Field(default="", repr=False)
    """Encrypts credentials, derives webhook tokens; 32 random characters or more. Or a JSON list of keys: the first one
    is used, the others are those that it takes over from. Empty: made once and kept in the data directory."""
    erasure_list: Path | None = None
    """The file that remembers who was erased, as keyed hashes, when the database is restored from an old backup; keep
    it apart from the backups. Empty: `erasures.jsonl` in the data directory. Where several machines erase, name one
    place that they share."""
    public_url: str = ""
    """Where providers reach us, for callbacks; empty: http://host:port of the API."""
    plain_http_hosts: list[HostPattern] = list(LOOPBACK)
    """Hosts of providers that are called by plain http too, e.g. a sandbox in your own network; all others by https."""
    log_level: str = "INFO"

    api: ApiSettings = ApiSettings()
    queue: QueueSettings = QueueSettings()
    dispatch: DispatchSettings = DispatchSettings()
    confirm: ConfirmSettings = ConfirmSettings()
    restore: RestoreSettings = RestoreSettings()
    audit: AuditSettings = AuditSettings()
    lookups: LookupSettings = LookupSettings()
    directory: DirectorySettings = DirectorySettings()
    wonde: WondeSettings = WondeSettings()
    xporter: XporterSettings = XporterSettings()
    batches: BatchSettings = BatchSettings()
    events: EventSettings = EventSettings()
    webhooks: WebhookSettings = WebhookSettings()
    doors: DropInSettings = DropInSettings()
    console: ConsoleSettings = ConsoleSettings()
    sandbox: SandboxSettings = SandboxSettings()
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertSettings = AlertSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()

    @model_validator(mode="before")
    @classmethod
    def _nothing_has_moved(cls, given: Any) -> Any:
        refuse_moved(given)
        return given

    @model_validator(mode="after")
    def _times_agree(self) -> Self:
        if wrong := complaints(self):
            raise ValueError("; ".join(wrong))
        return self

    @model_validator(mode="after")
    def _providers_are_called_by_https(self) -> Self:
        for name, group in self:
            if isinstance(group, ProviderSettings):
                self.check_addresses(name, group)
        return self

    @model_validator(mode="after")
    def _sandboxes_are_nobody_elses(self) -> Self:
        """Test schools are called there: nothing real may be at such an address, as the settings or we know it."""
        wrong = [
            f"sandbox.urls has {url[:100]!r}, which is {why}"
            for url in self.sandbox.urls
            if (why := self._why_no_sandbox(url))
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _why_no_sandbox(self, url: str) -> str | None:
        """Return why test schools must not be called at an address; None where they may be."""
        try:
            is_address = url.startswith(("http://", "https://")) and url in HostList([pattern_of(url)])
        except ValueError:
            is_address = False
        if not is_address or "*" in url:
            return "no address: send one like https://sandbox.example:8401"
        if is_readable_by_others(url, HostList(self.plain_http_hosts)):
            return "not https: send an https:// address, or name its host in WRITEBACK_PLAIN_HTTP_HOSTS"
        for name, group in (*self, *type(self).model_construct()):  # as it is set, and as it is published
            if isinstance(group, ProviderSettings) and url in group.named_hosts:
                return f"where {name} itself is: name a sandbox, which nothing real is behind"
        return None

    def check_addresses(self, provider: str, group: ProviderSettings) -> None:
        """Raise ValueError where a provider's settings would have credentials go where others can read them."""
        allowed = HostList(self.plain_http_hosts)
        for name, url in group.addresses.items():
            if is_readable_by_others(url, allowed):
                raise ValueError(
                    f"{provider}.{name} is {url[:100]!r}: send an https:// address, or name its host in "
                    "WRITEBACK_PLAIN_HTTP_HOSTS if credentials may go there unencrypted"
                )

    @property
    def is_embedded(self) -> bool:
        """Whether the database is our own SQLite file."""
        return not self.database_url

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file, our own or another."""
        return self.is_embedded or self.database_url.startswith("sqlite")

    @property
    def trusted_proxies(self) -> Sequence[IPv4Network | IPv6Network]:
        """The networks of proxies whose X-Forwarded-For is believed; API and console are one server."""
        return [*self.api.trusted_proxies, *self.console.trusted_proxies]

    @property
    def effective_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'writeback.db'}"

    @property
    def effective_erasure_list(self) -> Path:
        return self.erasure_list or self.data_dir / "erasures.jsonl"

    @property
    def effective_public_url(self) -> str:
        return (self.public_url or f"http://{self.api.host}:{self.api.port}").rstrip("/")

    @cached_property
    def effective_secret_keys(self) -> tuple[str, ...]:
        """Return the secret keys, the newest first; raise ConfigurationError for a weak one, and when a shared database
        has none."""
        if self.secret_key:
            return keys_in(self.secret_key)
        if not self.is_embedded:
            raise ConfigurationError(
                "WRITEBACK_SECRET_KEY is not set: with a database of your own every process needs the same key; "
                f"{HOW_TO_MAKE}"
            )
        return keys_kept_in(self.key_file)

    @property
    def key_file(self) -> Path:
        """Where the keys are that we make ourselves, one a line."""
        return self.data_dir / "secret.key"
