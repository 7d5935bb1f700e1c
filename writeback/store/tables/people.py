"""Staff, where they are signed in, and the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text, false, text
from sqlmodel import Field

from writeback.store.tables.columns import BIG_PK, SEALED, Stored, instant


class AuditRow(Stored, table=True):
    """What people do, and who; written in the transaction of the change. No pupil data."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_school", "school", "id"),
        Index("ix_audit_subject", "subject", "id"),
        Index("ix_audit_unlinked", "id", sqlite_where=text("position IS NULL")),  # PostgreSQL's too: the migration
        Index("ix_audit_at", "at"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_PK, primary_key=True, autoincrement=True))
    at: datetime = instant()
    actor: str
    app: str | None = None
    """The app that it is about."""
    action: str
    """`writeback.resubmit`, `school.hold`, `key.create`, …"""
    subject: str
    """Id of the writeback, batch, school, key or webhook."""
    school: str | None = None
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    changed: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Names of fields, indexes of records, counts, statuses: never what a record says."""
    who: str | None = None
    """A pseudonym of the actor, which stays when the name is taken away."""
    position: int | None = Field(default=None, sa_column=Column(BigInteger))
    """Its place in the chain; null: it has none yet."""
    proof: dict[str, list[str | None]] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Salt and digest of each field: `domain/audit_chain.py`."""


class AuditLinkRow(Stored, table=True):
    """One link of the chain of the audit log. It outlives what its line says."""

    __tablename__ = "audit_link"

    position: int = Field(sa_column=Column(BIG_PK, primary_key=True, autoincrement=False))
    audit_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: datetime = instant()
    """When what the line says was done."""
    digest: str
    """Of the line."""
    hash: str
    """Over the link before it, the position, the instant and the digest."""


class StaffRow(Stored, table=True):
    """Somebody who may use the console."""

    __tablename__ = "staff"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    """What they sign in with, in lower case; timelines and the audit log show it."""
    role: str
    """viewer, support, admin."""
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Ids of the schools that they see; null: all."""
    password_hash: str | None = Field(default=None, repr=False)
    """argon2id; null: they sign in elsewhere."""
    password_is_temporary: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether somebody else was shown it: its owner chooses another before anything else."""
    subject: str | None = Field(default=None, unique=True)
    """Who they are at the OpenID Connect provider: issuer and subject."""
    totp_secret: str | None = Field(default=None, repr=False, sa_column_kwargs=SEALED)
    """Sealed: what the codes of their authenticator app are made from; null: they have no second factor."""
    totp_since: datetime | None = instant(nullable=True)
    """When they first gave a code of it; null: they have not yet, and it is asked for nowhere."""
    totp_step: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """Half-minutes since 1970 of the latest code that was used: neither it nor an earlier one is taken again."""
    recovery_codes: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)), repr=False)
    """Hashes of those that are left."""
    disabled_at: datetime | None = instant(nullable=True)
    last_sign_in_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    updated_at: datetime = instant()


class StaffSessionRow(Stored, table=True):
    """One browser in which somebody is signed in. Only the hash of what its cookie says is kept."""

    __tablename__ = "staff_session"

    hash: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", index=True)
    created_at: datetime = instant()
    seen_at: datetime = instant()
    """When its person last did something, to the minute."""
    expires_at: datetime = instant(index=True)
    """However busy it is."""


class SignInTriesRow(Stored, table=True):
    """Recent sign-ins that failed: of one account, from one address, or in one browser."""

    __tablename__ = "sign_in_tries"

    key: str = Field(primary_key=True)
    """Hash of a name, an address or a browser: what somebody typed may be a password."""
    tries: int = 0
    until: datetime = instant(index=True)
    """When they are forgotten."""
