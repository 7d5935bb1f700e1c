"""What a receiver of alerts gets, in our own shape: ids, counts and times, and nothing of a pupil."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from writeback_client.models.base import Model


class IncidentFacts(Model):
    """What is amiss, or was."""

    incident: str
    kind: str
    """`school_held`, `token_refused`, `provider_unanswered`, `worker_gone`, …: decide by it."""
    about: str
    """What tells it from others of its kind: a provider, a reason, a webhook."""
    since: datetime
    ended_at: datetime | None = None
    """Null: it goes on."""
    schools: tuple[str, ...] = ()
    """Ids of the first of them."""
    school_count: int = 0
    writebacks: int | None = None
    """How many wait for it; null where the receiver is told of some of its schools alone."""


class SchoolFacts(Model):
    """Writebacks of one school that are not in the MIS, by where they are."""

    school: str
    failed: int = 0
    held: int = 0
    deciding: int = 0
    """They wait for a person's decision."""
    waiting: int = 0
    """They are on their way."""


class SessionFacts(Model):
    """How a session went: of what was accepted that day."""

    until: datetime
    accepted: int
    not_in_mis: int
    schools: tuple[SchoolFacts, ...] = ()
    """Those of most first."""
    more_schools: int = 0


class AlertMessage(Model):
    """The body of a message about an alert (Standard Webhooks)."""

    type: Literal["alert.opened", "alert.grew", "alert.over", "alert.report", "alert.test"]
    subject: str
    text: str
    """For people; lines end with a line feed."""
    link: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    """Where the console shows it."""
    data: IncidentFacts | SessionFacts | None = None
    """Null in a test."""
