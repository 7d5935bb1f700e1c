"""Every setting, typed, grouped, read from `WRITEBACK_…` variables (`__` between group and name).

With none set the service runs embedded: SQLite and a Redis server of its own in the data directory.
"""

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from writeback.core.errors import ConfigurationError
from writeback.core.private import make_private_dir


class ApiSettings(BaseModel):
    host: str = "127.0.0.1"
    port: int = 8400
    max_body_bytes: int = 2_000_000
    """Larger bodies are answered with 413."""
    max_records: int = 1_000
    """Most records in one writeback; larger jobs are sent as several."""
    max_waiting_commits: int = 2_000
    """Submissions that may wait for a commit before the API answers 503."""
    key_cache_s: float = 5.0
    """How long a key's rights are remembered; a revoked key may work for so long."""
    idempotency_keep_s: int = 86_400


class QueueSettings(BaseModel):
    poll_delay_s: float = 0.005
    """How often an idle worker looks for rings; arq's own half second would be most of the delay."""
    max_jobs: int = 64
    """Lanes that one worker process serves at a time."""
    job_timeout_s: int = 60
    """One short timeout for every function: arq keeps a crashed job locked for the longest of them."""
    sweep_every_s: float = 1.0


class DispatchSettings(BaseModel):
    request_timeout_s: float = 25.0
    connect_timeout_s: float = 5.0
    lease_s: float = 40.0
    """Longer than the request timeout, or a slow answer would cost the lane."""
    heartbeat_s: float = 10.0
    max_attempts: int = 12
    backoff_base_s: float = 2.0
    backoff_cap_s: float = 300.0
    """A retry waits a random time up to min(cap, base × 2^attempt): full jitter."""
    hold_recheck_s: float = 60.0
    """How often a held school is tried again."""
    default_deadline_s: int = 7 * 86_400
    """A writeback without `expires_at` expires after this."""
    connections: int = 100


class ConfirmSettings(BaseModel):
    first_check_s: float = 2.0
    """When to ask a provider that can be polled (Wonde) for the first time; its webhook usually comes first."""
    check_cap_s: float = 120.0
    callback_patience_s: float = 4_500.0
    """How long to wait for an Xporter callback before reading back: its own retries take an hour (14119)."""
    give_up_s: float = 86_400.0
    """After this without evidence a person is asked."""


class WondeSettings(BaseModel):
    base_url: str = "https://api.wonde.com/v1.0"
    max_records: int = 1_000
    page_size: int = 200


class XporterSettings(BaseModel):
    """Paths are printed in no public document; every one is a template here. `{estab}` is filled in."""

    base_url: str = "https://xporter.groupcall.com"
    sts_url: str = "https://login.groupcall.com/idaas/sts/STS/GetToken"
    token_path: str = "/idaas/sts/STS/GetToken"  # noqa: S105 - a path, not a token
    """Where the STS is when a school has a base URL of its own."""
    relying_party: str = "writeback.example"
    attendance_path: str = "/api/v1/Attendance/{estab}/"
    attendance_async_path: str = "/api/v1/AttendanceAsync/{estab}/"
    students_path: str = "/api/v1/School/{estab}/Students"
    staff_path: str = "/api/v1/School/{estab}/Staff"
    attendance_codes_path: str = "/api/v1/School/{estab}/AttendanceCodes"
    timetable_path: str = "/api/v1/School/{estab}/Timetable"
    attendance_for_date_path: str = "/api/v1/School/{estab}/AttendanceForDate"
    health_path: str = "/api/v1/School/{estab}/Health"
    scopes_path: str = "/api/v1/Scopes"
    max_records: int = 1_000
    page_size: int = 1_000


class LookupSettings(BaseModel):
    sync_every_s: float = 900.0
    miss_patience_s: float = 3.0
    """How long a submission waits for a list to be refreshed before an unknown id is refused."""
    miss_again_after_s: float = 60.0
    """The negative cache: after a refresh that did not help, the list is not refreshed again for so long."""
    lessons_back_days: int = 28
    lessons_ahead_days: int = 14
    """How much of the timetable is kept; a mark for a lesson before or after is refused as unknown."""
    stale_after_s: float = 86_400.0
    """Lists older than this are used, with a warning."""


class SandboxSettings(BaseModel):
    host: str = "127.0.0.1"
    port: int = 8401


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="WRITEBACK_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = Path(".writeback")
    database_url: str = Field(default="", repr=False)
    """`sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`; empty: SQLite in the data directory.

    Never shown: it may hold a password, as may `redis_url`."""
    redis_url: str = Field(default="", repr=False)
    """`redis://…`; empty: a Redis server of our own in the data directory."""
    secret_key: str = Field(default="", repr=False)
    """Encrypts credentials, derives webhook tokens. Empty: made once and kept in the data directory."""
    public_url: str = ""
    """Where providers reach us, for callbacks; empty: http://host:port of the API."""
    log_level: str = "INFO"

    api: ApiSettings = ApiSettings()
    queue: QueueSettings = QueueSettings()
    dispatch: DispatchSettings = DispatchSettings()
    confirm: ConfirmSettings = ConfirmSettings()
    lookups: LookupSettings = LookupSettings()
    wonde: WondeSettings = WondeSettings()
    xporter: XporterSettings = XporterSettings()
    sandbox: SandboxSettings = SandboxSettings()

    @model_validator(mode="after")
    def _lease_outlives_request(self) -> Self:
        dispatch = self.dispatch
        if dispatch.lease_s < dispatch.request_timeout_s + dispatch.heartbeat_s:
            raise ValueError(
                f"dispatch.lease_s is {dispatch.lease_s}: it must be at least dispatch.request_timeout_s + "
                f"dispatch.heartbeat_s ({dispatch.request_timeout_s + dispatch.heartbeat_s})"
            )
        if self.queue.job_timeout_s < dispatch.lease_s:
            raise ValueError("queue.job_timeout_s must be at least dispatch.lease_s")
        return self

    @property
    def is_embedded(self) -> bool:
        """Whether the database is our own SQLite file."""
        return not self.database_url

    @property
    def effective_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'writeback.db'}"

    @property
    def effective_public_url(self) -> str:
        return (self.public_url or f"http://{self.api.host}:{self.api.port}").rstrip("/")

    @cached_property
    def effective_secret_key(self) -> str:
        """Return the secret key; raise ConfigurationError when a shared database has none."""
        if self.secret_key:
            return self.secret_key
        if not self.is_embedded:
            raise ConfigurationError(
                "WRITEBACK_SECRET_KEY is not set: with a database of your own every process needs the same key. "
                "Make one with `python -c 'import secrets; print(secrets.token_urlsafe(32))'`."
            )
        return _key_kept_in(self.data_dir / "secret.key")


def _key_kept_in(path: Path) -> str:
    """Return the key in the file, making it first; two processes that start at once agree on one."""
    make_private_dir(path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(32))
    try:
        os.link(draft, path)  # atomic: fails where another process was first
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
