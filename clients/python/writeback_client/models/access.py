"""Keys, hooks, and the log of what people did."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from writeback_client.models.base import Model


class Key(Model):
    """A key of an app, without the key itself."""

    id: str
    app: str
    name: str = ""
    scopes: tuple[str, ...]
    schools: tuple[str, ...] | None = None
    """None: all."""
    kinds: tuple[str, ...] | None = None
    """Kinds, or families of them, that it may send and change; None: all."""
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    old_until: datetime | None = None
    """It was rotated, and its old secret works until then."""


class NewKey(Key):
    """A key just made."""

    key: Annotated[str, Field(repr=False)]
    """The key itself: shown only now."""


class Hook(Model):
    """The hook of a whole account with a provider, to be registered there once."""

    provider: str
    url: str
    events: tuple[str, ...] = ()
    where: str = ""


class AuditEntry(Model):
    """One thing that somebody did."""

    id: int
    at: datetime
    actor: str
    app: str | None = None
    action: str
    subject: str
    school: str | None = None
    reason: str = ""
    changed: dict[str, Any] = {}


class Restore(Model):
    """A restore of the database: what may have been sent since the backup is looked for in the MIS first."""

    taken_at: datetime | None = None
    announced_at: datetime
    compare_until: datetime | None = None
    waiting: int
    being_looked_for: int


class Ready(Model):
    """How the service is: `ready`, `degraded` or `not ready`; `checks` says what is amiss."""

    status: str
    checks: dict[str, str] = {}
    restore: Restore | None = None
    """One of which something is still open."""

    @property
    def is_ready(self) -> bool:
        """Whether nothing is amiss. Submissions are taken by one that is `degraded`, too."""
        return self.status == "ready"
