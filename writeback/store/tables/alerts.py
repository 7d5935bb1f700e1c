"""What somebody is told without looking: who is told, what was amiss, and the messages. No pupil is in any of it."""

from datetime import datetime, time

from sqlalchemy import JSON, Column, Index, Text, text
from sqlmodel import Field

from writeback.store.tables.columns import SEALED, Stored, instant

_IS_OPEN = text("ended_at IS NULL")


class AlertReceiverRow(Stored, table=True):
    """Somebody, or something, that is told."""

    __tablename__ = "alert_receiver"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    kind: str
    """email, webhook, teams, slack."""
    sealed: str = Field(repr=False, sa_column=Column(Text, nullable=False, **SEALED))
    """Sealed JSON: the `address`, for those of Teams and Slack are secrets; of a webhook the `secret` that signs."""
    kinds: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """What it is told of; null: everything."""
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Whose troubles it is told of; null: everybody's, and those of the service itself."""
    reports: bool = False
    """Whether it is told how each session went."""
    quiet_from: time | None = None
    quiet_until: time | None = None
    """Between these times of its own clock messages wait."""
    timezone: str = "Europe/London"
    reported_at: datetime | None = instant(nullable=True)
    """When the last report was made."""
    created_at: datetime = instant()


class IncidentRow(Stored, table=True):
    """Something that is or was amiss: from when it was first seen until it is over."""

    __tablename__ = "incident"
    __table_args__ = (
        # PostgreSQL's too, as the migrations say
        Index("ix_incident_open", "kind", "about", unique=True, sqlite_where=_IS_OPEN),
        Index("ix_incident_ended_at", "ended_at"),
    )

    id: str = Field(primary_key=True)
    kind: str
    about: str
    since: datetime = instant()
    """When it began, as far as is known."""
    opened_at: datetime = instant()
    """When it was first told."""
    schools: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Ids of those that it is about now; once it is over, of the last."""
    writebacks: int = 0
    cleared_at: datetime | None = instant(nullable=True)
    """Since then it is not amiss any more, which has yet to last."""
    ended_at: datetime | None = instant(nullable=True)
    acknowledged_at: datetime | None = instant(nullable=True)
    acknowledged_by: str | None = None


class AlertMessageRow(Stored, table=True):
    """One message to one receiver: of one incident there is one that it began, and one that it is over."""

    __tablename__ = "alert_message"
    __table_args__ = (
        Index("ix_alert_message_due", "state", "next_attempt_at"),
        Index("ix_alert_message_incident", "incident_id"),
    )

    id: str = Field(primary_key=True)
    """Of every attempt, so that a receiver knows one that comes twice."""
    receiver_id: str = Field(foreign_key="alert_receiver.id", index=True)
    incident_id: str | None = None
    told: str
    """opened, grew, over, report, test."""
    content: dict[str, object] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What it says, in facts: ids, counts and times alone."""
    state: str
    """pending, sending, sent, failed, dropped."""
    attempts: int = 0
    next_attempt_at: datetime | None = instant(nullable=True)
    error: str | None = None
    """The class of the last failure."""
    created_at: datetime = instant()
    sent_at: datetime | None = instant(nullable=True)


class AlertCursorRow(Stored, table=True):
    """When it was last looked whether there is anything to tell: one row, which lets one worker look at a time."""

    __tablename__ = "alert_cursor"

    id: int = Field(primary_key=True)
    looked_at: datetime | None = instant(nullable=True)
