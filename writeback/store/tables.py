"""Every table. Migrations in `migrations/` are kept equal to this by a test."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, Table, Text, false
from sqlmodel import Field, SQLModel

from writeback.store.sql.types import UtcDateTime

_BIG_PK = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER PRIMARY KEY up by itself


def _instant(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=nullable, index=index))


BROWSED = ("seq", "app_id", "school_id", "kind", "status", "hold_reason", "batch_id", "created_at")
"""Columns that lists of writebacks are filtered and ordered by."""


def table_of(row: type[SQLModel]) -> Table:
    """Return the table behind a row class, for statements without the ORM."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table


class App(SQLModel, table=True):
    """A school app that submits writebacks."""

    __tablename__ = "app"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = _instant()


class ApiKey(SQLModel, table=True):
    """A key of an app. Only its hash is kept."""

    __tablename__ = "api_key"
    __table_args__ = (Index("ix_api_key_old_hash", "old_hash", unique=True),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    name: str = ""
    hash: str = Field(unique=True)
    old_hash: str | None = None
    """Of what it was before it was last rotated."""
    old_until: datetime | None = _instant(nullable=True)
    """So long the old one works as well."""
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """School ids that it may touch; null: all."""
    kinds: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Kinds, or families of them, that it may send and change; null: all."""
    created_at: datetime = _instant()
    revoked_at: datetime | None = _instant(nullable=True)
    last_used_at: datetime | None = _instant(nullable=True)


class SchoolRow(SQLModel, table=True):
    """A school in the registry."""

    __tablename__ = "school"
    __table_args__ = (Index("ix_school_account", "provider", "provider_school_id"),)

    id: str = Field(primary_key=True)
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str = ""
    credentials: str = Field(default="", repr=False)
    """Sealed JSON."""
    overrides: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """This school's own feature rules, kind by kind."""
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What the provider last said of it."""
    hold_reason: str | None = None
    hold_detail: str | None = None
    held_at: datetime | None = _instant(nullable=True)
    rechecks: int = 0
    """How often in a row it was looked at, or let go, in vain; the next look comes the later."""
    recheck_at: datetime | None = _instant(nullable=True, index=True)
    """When its provider is asked how it stands: about a hold, or after a webhook. Null: it need not be."""
    sync_at: datetime | None = _instant(nullable=True, index=True)
    """When its lookups are synced next; while that is under way, when it is taken for dead."""
    sync_first: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether somebody waits for that sync, so that it goes before those which are merely due."""
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class LookupRow(SQLModel, table=True):
    """One list of one school."""

    __tablename__ = "lookup"

    school_id: str = Field(primary_key=True, foreign_key="school.id")
    list: str = Field(primary_key=True)
    version: int = 0
    fetched_at: datetime = _instant()
    """When it was last known to be complete and fresh."""
    cursor: str | None = Field(default=None, sa_column=Column(Text))
    rows: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    """JSON object of rows by id."""
    full_at: datetime | None = _instant(nullable=True)
    """When it was last fetched from the beginning; null: it is not known."""
    begins_again: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether its rows are those of another MIS or account: what comes next takes the place of them all."""


class RemovalsRow(SQLModel, table=True):
    """What fell out of one list of one school, and stays there until somebody says whether that is true."""

    __tablename__ = "lookup_removals"

    school_id: str = Field(primary_key=True, foreign_key="school.id")
    list: str = Field(primary_key=True)
    since: datetime = _instant()
    """When it began to wait."""
    entries: int
    ids: str = Field(sa_column=Column(Text, nullable=False))
    """JSON array of the rows' ids."""


class Lane(SQLModel, table=True):
    """The queue of one school and one family, and who is serving it."""

    __tablename__ = "lane"

    id: str = Field(primary_key=True)
    """`{school}:{family}`."""
    school_id: str = Field(foreign_key="school.id", index=True)
    family: str
    fence: int = 0
    """Counts up with every lease; a result commits only if it still matches."""
    lease_owner: str | None = None
    lease_until: datetime | None = _instant(nullable=True, index=True)
    not_before: datetime | None = _instant(nullable=True)
    """It is not served before: a breaker is open, or the provider asked for a moment."""
    hold_reason: str | None = None
    """Why this family alone is held; null: it is not."""
    hold_detail: str | None = None
    held_at: datetime | None = _instant(nullable=True)
    rechecks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often in a row it was let go in vain; the next try comes the later."""
    recheck_at: datetime | None = _instant(nullable=True, index=True)
    """When the school is asked about next for its sake."""


class WritebackRow(SQLModel, table=True):
    """What an app asked for, and where it is."""

    __tablename__ = "writeback"
    __table_args__ = (
        Index("ix_writeback_due", "status", "next_attempt_at"),
        Index("ix_writeback_deadline", "status", "expires_at"),
        Index("ix_writeback_of_school", "school_id", "status"),
        Index("ix_writeback_lane", "lane_id", "status", "seq"),
        Index("ix_writeback_list", "app_id", "seq"),
        Index("ix_writeback_school", "school_id", "seq"),
        Index("ix_writeback_batch", "batch_id", "seq"),
        # All that lists filter by, in the order in which they show it: one pass over it does without the rows.
        Index("ix_writeback_browse", *BROWSED),
    )

    seq: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    """The order of acceptance; for a slot, the highest wins."""
    id: str = Field(unique=True)
    app_id: str
    school_id: str
    lane_id: str
    kind: str
    status: str
    priority: int = 0
    """0 interactive, 10 batch; lower goes first."""
    ref: str | None = None
    records: str = Field(sa_column=Column(Text, nullable=False))
    """JSON array, as accepted."""
    progress: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON array, one object a record; empty: all queued without findings."""
    attempts: int = 0
    """How many requests have carried it."""
    failures: int = 0
    """How many of them ended without an answer that settles it; the backoff grows with it."""
    next_attempt_at: datetime | None = _instant(nullable=True)
    """Not before then; null: at once."""
    expires_at: datetime | None = _instant(nullable=True)
    hold_reason: str | None = None
    evidence: str | None = None
    created_at: datetime = _instant()
    updated_at: datetime = _instant()
    batch_id: str | None = None
    """The batch that it came in; null: it was submitted by itself."""


class EventRow(SQLModel, table=True):
    """Each change of a writeback, in the same transaction; `id` is the number by which receivers order."""

    __tablename__ = "event"

    id: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    writeback_id: str = Field(index=True)
    app_id: str
    at: datetime = _instant()
    actor: str
    """`app:…`, `worker`, `provider:…`, `staff:…`."""
    event: str
    status: str
    detail: str | None = Field(default=None, sa_column=Column(Text))


class WebhookRow(SQLModel, table=True):
    """Where an app is told of changes, and how far it has been told."""

    __tablename__ = "webhook"

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    url: str
    description: str = ""
    statuses: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """Changes to one of these are told."""
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Only these schools' changes; null: all."""
    format: str = "standard"
    """standard, wonde, or xporter: what its messages look like."""
    secrets: str = Field(repr=False, sa_column=Column(Text, nullable=False))
    """Sealed JSON: the secret that signs, and those replaced that still sign beside it."""
    disabled_at: datetime | None = _instant(nullable=True)
    disabled_reason: str | None = None
    cursor: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """The last event that has been looked at: what is to be told of it is a delivery."""
    sequence: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """The number of the last delivery."""
    failing_since: datetime | None = _instant(nullable=True)
    """The first failure since the last success."""
    not_before: datetime | None = _instant(nullable=True)
    """The receiver asked us to wait so long (`Retry-After`)."""
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class DeliveryRow(SQLModel, table=True):
    """One message to one webhook: the outbox. What the receiver answers is not kept, only its status."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_sequence", "webhook_id", "sequence", unique=True),
        Index("ix_delivery_due", "webhook_id", "state", "next_attempt_at"),
    )

    id: str = Field(primary_key=True)
    """The `webhook-id` of every attempt."""
    webhook_id: str = Field(foreign_key="webhook.id")
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The number by which the receiver orders; without gaps."""
    event_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    writeback_id: str | None = None
    type: str
    url: str | None = Field(default=None, repr=False, sa_column=Column(Text))
    """Where it goes, where that is not the webhook's own URL: a callback of one request."""
    payload: str = Field(sa_column=Column(Text, nullable=False))
    """JSON, as it is sent each time."""
    state: str
    """pending, sending, delivered, failed."""
    attempts: int = 0
    tries: int = 0
    """Attempts since it was made or asked for again: where it is in the schedule."""
    next_attempt_at: datetime | None = _instant(nullable=True)
    """While it is being sent: when it counts as lost, and goes again."""
    last_attempt_at: datetime | None = _instant(nullable=True)
    http_status: int | None = None
    error: str | None = None
    """`http_500`, `timeout`, `address_refused`, …: the class of the last failure."""
    delivered_at: datetime | None = _instant(nullable=True)
    created_at: datetime = _instant()


class RequestRow(SQLModel, table=True):
    """One HTTP call to a provider and what is awaited of it."""

    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_by_ref", "provider_ref", "provider"),
        Index("ix_request_lane", "lane_id", "state"),
        Index("ix_request_check", "state", "check_at"),
    )

    id: str = Field(primary_key=True)
    lane_id: str
    school_id: str
    provider: str
    kind: str
    state: str
    """sending, taken, in_doubt, settled."""
    fence: int
    members: list[list[Any]] = Field(sa_column=Column(JSON, nullable=False))
    """`[writeback id, [record indexes]]`, in the order of the request's records."""
    slots: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """What its records overwrite: no later record for one of these may leave before it has settled."""
    provider_ref: str | None = None
    hints: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    check_at: datetime | None = _instant(nullable=True)
    checks: int = 0
    must_read: bool = False
    """The provider's word is not enough: an older mark without an answer may have arrived after it."""
    asked_at: datetime | None = _instant(nullable=True)
    """When a person asked that it be looked at at once."""
    created_at: datetime = _instant()
    sent_at: datetime | None = _instant(nullable=True)
    sent_from: datetime | None = _instant(nullable=True)
    """After a restore: what it carries may have been sent since then, up to `sent_at`. Null: it was sent once."""
    settled_at: datetime | None = _instant(nullable=True)
    result: str | None = None
    """confirmed, refused, rejected, retried, …: how it ended."""
    evidence: str | None = None


class AttemptRow(SQLModel, table=True):
    """One try of a request: written before it is sent, completed after."""

    __tablename__ = "attempt"

    id: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    request_id: str = Field(foreign_key="request.id", index=True)
    number: int
    started_at: datetime = _instant()
    finished_at: datetime | None = _instant(nullable=True)
    outcome: str | None = None
    """taken, applied, refused, not_reached, uncertain, blocked, lost, left."""
    detail: str | None = Field(default=None, sa_column=Column(Text))


class ProviderAnswerRow(SQLModel, table=True):
    """What a provider last answered to a request that failed, sealed; it may name anybody."""

    __tablename__ = "provider_answer"

    request_id: str = Field(primary_key=True, foreign_key="request.id")
    kept_at: datetime = _instant(index=True)
    sealed: str = Field(repr=False, sa_column=Column(Text, nullable=False))
    """Sealed JSON: status, content type, the beginning of the body, and how long it was."""


class ClaimRow(SQLModel, table=True):
    """A thing in the MIS that one of our records has made, so that no other record is taken to have made it too."""

    __tablename__ = "claim"

    school_id: str = Field(primary_key=True)
    family: str = Field(primary_key=True)
    mis_id: str = Field(primary_key=True)
    writeback_id: str
    record: int
    """Index of the record."""
    claimed_at: datetime = _instant()


class DoubtRow(SQLModel, table=True):
    """A mark that was sent without an answer: until then it may still arrive, late, over a newer one."""

    __tablename__ = "doubt"

    lane_id: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    writeback_id: str = Field(primary_key=True)
    code: str
    """What the mark says, as the app gave it."""
    until: datetime = _instant(index=True)


class BreakerRow(SQLModel, table=True):
    """How a school or a provider does; there is a row only for one that fails."""

    __tablename__ = "breaker"

    key: str = Field(primary_key=True)
    """`school:{id}`, or `provider:{name}@{host}`."""
    failures: int = 0
    """In a row, without any answer between."""
    trips: int = 0
    """How often in a row it opened; each time for longer."""
    open_until: datetime | None = _instant(nullable=True)
    """Nothing is sent before; after it one request tries. Null: closed."""
    probe_until: datetime | None = _instant(nullable=True)
    """One request is trying; others wait for its outcome until then at the latest."""
    reason: str | None = None
    since: datetime = _instant()
    """Of the first of the failures."""


class IdempotencyRow(SQLModel, table=True):
    """The answer that a key of an app has had."""

    __tablename__ = "idempotency"

    app_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    answer: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = _instant(index=True)


class RecentCreateRow(SQLModel, table=True):
    """What was accepted a moment ago and creates something, so that the same once more is told from what is new."""

    __tablename__ = "recent_create"

    school_id: str = Field(primary_key=True)
    same: str = Field(primary_key=True)
    """A hash of the kind and of what the record says: `flow.repeated`."""
    writeback_id: str = Field(primary_key=True)
    created_at: datetime = _instant(index=True)


class MendingRow(SQLModel, table=True):
    """What a person did to the records of a writeback. It holds pupils' data, as the records do: never logged."""

    __tablename__ = "mending"

    id: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    writeback_id: str = Field(index=True)
    at: datetime = _instant()
    actor: str
    action: str
    """resubmit, cancel, resolve."""
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    records: str = Field(sa_column=Column(Text, nullable=False))
    """JSON array: index, status before and after, findings before, and of an edited record what it was and became."""


class AuditRow(SQLModel, table=True):
    """What people do, and who; written in the transaction of the change. No pupil data."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_school", "school", "id"), Index("ix_audit_subject", "subject", "id"))

    id: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    at: datetime = _instant()
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


class BatchRow(SQLModel, table=True):
    """A file of many rows, and how far it has been worked through."""

    __tablename__ = "batch"
    __table_args__ = (
        Index("ix_batch_app", "app_id", "id"),
        Index("ix_batch_work", "status", "lease_until"),
        Index("ix_batch_same", "school_id", "sha256"),
    )

    id: str = Field(primary_key=True)
    app_id: str
    school_id: str
    kind: str | None = None
    """What its rows are; null until the file says so."""
    kinds: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """What the file may say: the kinds that the key which uploaded it may send; null: all."""
    format: str
    """csv, ndjson, xlsx."""
    file_name: str = ""
    size: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    sha256: str = ""
    dry_run: bool = False
    status: str
    """uploading, reading, checking, queueing, done, refused."""
    cursor: int = 0
    """How far the present step has come: the number of the last row, or unit, that is done."""
    rows_read: int = 0
    rows_good: int = 0
    rows_bad: int = 0
    rows_queued: int = 0
    layout: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON: how the file is laid out; until it has been opened what was stated of it, or empty."""
    findings: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """About the file as a whole."""
    problems: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """How often each finding was made, and in which row first."""
    refreshed: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Lists that were fetched again for its sake."""
    failures: int = 0
    """Turns in a row that broke off."""
    fence: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = _instant(nullable=True)
    """Nobody else works on it before then."""
    created_at: datetime = _instant()
    updated_at: datetime = _instant()
    finished_at: datetime | None = _instant(nullable=True)
    forgotten_at: datetime | None = _instant(nullable=True)
    """When its rows were deleted."""


class BatchChunkRow(SQLModel, table=True):
    """A piece of a batch's file, until all of it has been read."""

    __tablename__ = "batch_chunk"

    batch_id: str = Field(primary_key=True, foreign_key="batch.id")
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class BatchLine(SQLModel, table=True):
    """One row of a batch's file."""

    __tablename__ = "batch_row"
    __table_args__ = (
        Index("ix_batch_row_unit", "batch_id", "unit"),
        Index("ix_batch_row_part", "batch_id", "state", "part", "unit"),
    )

    batch_id: str = Field(primary_key=True, foreign_key="batch.id")
    number: int = Field(primary_key=True)
    """As a spreadsheet shows it."""
    unit: int
    """The number of the first row of its record; its own but for conduct."""
    state: str
    """new, good, bad, queued."""
    part: int = 0
    """The number of the first row of its group; a writeback has rows of one group."""
    size: int = 0
    """Characters of what it says."""
    cells: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON array of its cells as they were; empty once it is queued."""
    record: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON of its record, where it is good and the first of its unit."""
    findings: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON array; empty: nothing was found."""
    same: str = ""
    """Hashes of what it is about, and of all that it says."""
    group_key: str = ""
    """Hash of the group that it belongs to."""
    writeback_id: str | None = None


class DoorRow(SQLModel, table=True):
    """A request that came through a drop-in door: what its app knows it by, and where it wants to be told."""

    __tablename__ = "door"

    ref: str = Field(primary_key=True)
    """Wonde's writeback_id or Xporter's TrackingId, as we gave it."""
    door: str
    """wonde, xporter."""
    app_id: str
    school_id: str
    type: str
    """The provider's word for what was asked, e.g. `attendance.session`, `ConductAsync`."""
    callback: str | None = Field(default=None, repr=False, sa_column=Column(Text))
    """The URL that the request gave."""
    webhook_id: str | None = None
    """The webhook that calls it back."""
    told: str | None = None
    """What the last callback said."""
    created_at: datetime = _instant()


class DoorMemberRow(SQLModel, table=True):
    """One writeback of a door's request; a request that mixes kinds has several."""

    __tablename__ = "door_member"

    writeback_id: str = Field(primary_key=True)
    ref: str = Field(index=True)
    position: int = 0
    """Which of the request's writebacks it is."""
    ids: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """What the request called each of its records, where it names them."""


class StaffRow(SQLModel, table=True):
    """Somebody who may use the console."""

    __tablename__ = "staff"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    """What they sign in with, in lower case; it stands in timelines and in the audit log."""
    role: str
    """viewer, support, admin."""
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Ids of the schools that they see; null: all."""
    password_hash: str | None = Field(default=None, repr=False)
    """argon2id; null: they sign in elsewhere."""
    subject: str | None = Field(default=None, unique=True)
    """Who they are at the OpenID Connect provider: issuer and subject."""
    disabled_at: datetime | None = _instant(nullable=True)
    last_sign_in_at: datetime | None = _instant(nullable=True)
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class StaffSessionRow(SQLModel, table=True):
    """One browser in which somebody is signed in. Only the hash of what its cookie says is kept."""

    __tablename__ = "staff_session"

    hash: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", index=True)
    created_at: datetime = _instant()
    seen_at: datetime = _instant()
    """When its person last did something, to the minute."""
    expires_at: datetime = _instant(index=True)
    """However busy it is."""


class SignInTriesRow(SQLModel, table=True):
    """Sign-ins that failed of late: of one account, from one address, or in one browser."""

    __tablename__ = "sign_in_tries"

    key: str = Field(primary_key=True)
    """Hash of a name, an address or a browser: what somebody typed may be a password."""
    tries: int = 0
    until: datetime = _instant(index=True)
    """When they are forgotten."""


class TallyRow(SQLModel, table=True):
    """What came in within five minutes, and what became of it by now: a rollup of events."""

    __tablename__ = "tally"

    school_id: str = Field(primary_key=True)
    """Empty: all schools of the provider."""
    bucket_at: datetime = Field(sa_column=Column(UtcDateTime(), primary_key=True))
    provider: str = Field(primary_key=True)
    is_register: bool = Field(primary_key=True)
    """Marks; else what is no register."""
    accepted: int = 0
    confirmed: int = 0
    """Of those accepted then; so are `failed` and `dropped`."""
    failed: int = 0
    dropped: int = 0
    """Superseded or cancelled."""
    went_out: int = 0
    """Confirmed then, whenever they were accepted."""
    evidence_at: datetime | None = _instant(nullable=True)
    """The last confirmation."""


class TallyTimeRow(SQLModel, table=True):
    """How many confirmations within five minutes took how long."""

    __tablename__ = "tally_time"

    school_id: str = Field(primary_key=True)
    bucket_at: datetime = Field(sa_column=Column(UtcDateTime(), primary_key=True))
    provider: str = Field(primary_key=True)
    bin: int = Field(primary_key=True)
    """From acceptance to evidence: eight times the binary logarithm of its seconds."""
    writebacks: int = 0


class TallyCursorRow(SQLModel, table=True):
    """How far events have been counted: one row."""

    __tablename__ = "tally_cursor"

    id: int = Field(primary_key=True)
    event_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class DriftCheckRow(SQLModel, table=True):
    """A confirmed writeback of the sample that is to be read once more."""

    __tablename__ = "drift_check"

    writeback_id: str = Field(primary_key=True)
    school_id: str
    due_at: datetime = _instant(index=True)
    """Not before; while somebody reads it: when it counts as not read."""
    tries: int = 0


class DriftCursorRow(SQLModel, table=True):
    """How far events have been gone through for confirmations: one row."""

    __tablename__ = "drift_cursor"

    id: int = Field(primary_key=True)
    event_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class SearchTermRow(SQLModel, table=True):
    """A text by which a writeback is found: an id, a reference, the code of a finding. In small letters."""

    __tablename__ = "search_term"
    __table_args__ = ({"sqlite_with_rowid": False},)

    what: str = Field(primary_key=True)
    """pupil, employee, record, ref, mis, finding."""
    term: str = Field(primary_key=True)
    """In PostgreSQL of the collation C, so that what begins alike lies together."""
    school_id: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """Of the writeback."""


class SearchCursorRow(SQLModel, table=True):
    """How far events have been gone through for what to find writebacks by: one row."""

    __tablename__ = "search_cursor"

    id: int = Field(primary_key=True)
    event_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class BulkRow(SQLModel, table=True):
    """What a person at the console has asked to be done to many writebacks, and how far it is."""

    __tablename__ = "bulk"

    id: str = Field(primary_key=True)
    """It stands in the audit log beside each of them."""
    staff_id: str = Field(foreign_key="staff.id", index=True)
    as_staff_id: str | None = None
    """In whose name it goes on, where somebody else has had it go on."""
    school_id: str | None = None
    """The only school that it is about; null: it may be about several."""
    action: str
    """resubmit, cancel, check."""
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    wanted: str = Field(sa_column=Column(Text, nullable=False))
    """JSON: the filter, and ids where some were ticked."""
    state: str = Field(index=True)
    """running, done, stopped."""
    matched: int = 0
    """How many there were when it was asked for."""
    looked_at: int = 0
    done: int = 0
    records: int = 0
    """Of those done."""
    unchanged: int = 0
    not_done: int = 0
    refusals: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """The first of those that could not be done: id, detail, and what to do."""
    cursor: str | None = None
    trouble: str | None = None
    """Why it stopped."""
    fence: int = 0
    """Counts takings and stops: whoever has an older number commits nothing."""
    lease_owner: str | None = None
    lease_until: datetime | None = _instant(nullable=True)
    created_at: datetime = _instant()
    finished_at: datetime | None = _instant(nullable=True)


class EpochRow(SQLModel, table=True):
    """What the database knows of what was sent begins anew with each restore; the newest row counts."""

    __tablename__ = "epoch"

    id: int = Field(primary_key=True)
    lineage: str
    """The name by which the database is remembered beside it: another one in each epoch."""
    began_at: datetime = _instant()
    taken_at: datetime | None = _instant(nullable=True)
    """When the backup was made, or one restored shortly before; null: nothing was sent that it does not know."""
    last_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """The last writeback that came with the backup."""
    compare_until: datetime | None = _instant(nullable=True)
    """Creates that are accepted before are looked for in the MIS first."""
    suspected_at: datetime | None = _instant(nullable=True)
    """Since then the database is known to be older than what is remembered of it; nothing is sent."""
    remembered: int | None = Field(default=None, sa_column=Column(BigInteger))
    """Up to which event it was known then."""


class SchemaRow(SQLModel, table=True):
    """What the schema says to versions of the service that are older than it; one row, written by `migrate.upgrade`."""

    __tablename__ = "schema_compatibility"

    id: int = Field(primary_key=True)
    works_from: str
    """The oldest revision whose version of the service works with it."""
