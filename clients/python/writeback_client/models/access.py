"""Keys, hooks, the log of what people did, and how the service is."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from writeback_client.models.base import AS_ITS_ID, AnyMode, Known, Model


class Key(Model):
    """A key of an app, without the key itself."""

    id: str
    app: str
    mode: AnyMode = AS_ITS_ID
    """`test`: it is for test schools alone."""
    name: str = ""
    scopes: tuple[str, ...]
    schools: tuple[str, ...] | None = None
    """Null: all."""
    kinds: tuple[str, ...] | None = None
    """Kinds, or families of them, that it may send, change and see, as they were given; null: all."""
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the minute."""
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
    """Whoever knows it can call it: it is shown only to those who may register it."""
    old_until: datetime | None = None
    """It was renewed, and its old address works until then."""
    events: tuple[str, ...] = ()
    """What the provider should be asked to send."""
    where: str = ""
    """Where it is registered."""


class AuditEntry(Model):
    """One thing that somebody did."""

    id: int
    at: datetime
    actor: str
    """`app:…/key:…`, `staff:…`, `provider:…`, `command line` or `writeback`."""
    app: str | None = None
    """The app that it is about."""
    action: str
    """`writeback.resubmit`, `writeback.cancel`, `writeback.resolve`, `school.hold`, `key.create`, …"""
    subject: str
    """Id of the writeback, school, key or webhook."""
    school: str | None = None
    reason: str = ""
    changed: dict[str, Any] = {}
    """Names of fields, indexes of records, counts, statuses."""


class Restore(Model):
    """A restore of the database: what may have been sent since the backup is looked for in the MIS first."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    taken_at: datetime | None = None
    """When the backup was made."""
    announced_at: datetime
    compare_until: datetime | None = None
    """Incidents, detentions and absences that are posted before are looked for as well."""
    waiting: int
    """Writebacks from before the restore that are still to be looked for; those that are held among them."""
    being_looked_for: int
    """Requests' worth of writebacks for which the MIS is being read."""


class Live(Model):
    """Whether the process makes progress: `live`, or `stuck`."""

    status: str = "live"


class Ready(Model):
    """Whether the process can do its work; what is null is left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    status: Annotated[Literal["ready", "degraded", "not ready"] | str, Known()]
    """`degraded`: submissions are taken and kept, but something is amiss, and they may be sent later than usual;
    `not ready`: none are taken."""
    checks: dict[str, str]
    """`ok`, or what is wrong, for each part."""
    restore: Restore | None = None
    """A restore of the database of which something is still open."""

    @property
    def is_ready(self) -> bool:
        """Whether nothing is amiss. Submissions are taken by one that is `degraded`, too."""
        return self.status == "ready"
