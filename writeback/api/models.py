"""What the API shows and takes, as JSON: the models behind its OpenAPI document. Submissions are in `domain`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from writeback.domain.access import Scope
from writeback.domain.finding import Severity
from writeback.domain.states import Event, Status
from writeback.domain.writeback import RecordStatus

T = TypeVar("T")
Instant = AwareDatetime
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Shown(BaseModel):
    """Base of what is shown; read from the services' own values."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)


class Taken(BaseModel):
    """Base of what is taken: unknown fields are refused, for they are mostly misspelt ones."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PageOf(Shown, Generic[T]):
    """A page of a list."""

    items: Sequence[T]
    next_cursor: str | None = None
    """Send it as `cursor` for the next page; null: this is the last."""


class FindingOut(Shown):
    """One thing that validation, ours or a provider's, has to say."""

    code: str
    """Stable: programs may decide by it."""
    severity: Severity
    pointer: str
    """JSON Pointer into the body that was sent."""
    record: int | None = None
    """Index of the record that it is about; null: the whole."""
    message: str
    """What is wrong."""
    hint: str
    """What to do."""
    provider_message: str | None = None
    """The provider's own wording, where its document gives one."""


class ProblemOut(Shown):
    """An error (RFC 9457)."""

    type: str
    """`/problems/{code}`: a page about it."""
    title: str
    status: int
    detail: str
    """What is wrong, this time."""
    code: str
    """Stable: programs may decide by it."""
    hint: str
    """What to do; may be empty."""
    instance: str
    """The path that was called."""
    findings: Sequence[FindingOut] | None = None
    """Everything that is wrong with the body, where it could be read."""


class AnsweredRecord(Shown):
    """One record of a submission, as it was taken."""

    index: int
    ref: str | None
    status: str
    """`queued` or `refused`; in a dry run `valid` or `invalid`."""
    findings: Sequence[FindingOut]


class SubmissionAnswer(Shown):
    """What a submission is answered with."""

    id: str | None
    """Null in a dry run."""
    status: str
    """`queued`; in a dry run `valid` or `invalid`."""
    school: str
    kind: str
    ref: str | None
    created_at: Instant | None
    findings: Sequence[FindingOut] = ()
    """About the whole."""
    records: Sequence[AnsweredRecord]


class WritebackOut(Shown):
    """A writeback in a list."""

    id: str
    school: str
    kind: str
    status: Status
    ref: str | None
    app: str
    priority: str
    """`interactive` or `batch`."""
    attempts: int
    next_attempt_at: Instant | None
    """Not before then; null: at once, or never again."""
    hold_reason: str | None
    """What it waits for."""
    evidence: str | None
    """What proves that it is in the MIS."""
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None
    counts: Mapping[RecordStatus, int]
    """Records by status."""


class RecordOut(Shown):
    """One record of a writeback."""

    index: int
    ref: str | None
    status: RecordStatus
    record: Mapping[str, Any] | None
    """As accepted; null where it could not be read."""
    findings: Sequence[FindingOut]
    evidence: str | None
    mis_ids: Sequence[str]
    """The MIS's own ids for it, where it gave any."""


class EventOut(Shown):
    """One change of a writeback. Order by `id`."""

    id: int
    at: Instant
    actor: str
    """`app:…`, `worker`, `provider:…` or `staff:…`."""
    event: Event
    status: Status
    detail: str | None


class AttemptOut(Shown):
    """One try of a request."""

    number: int
    started_at: Instant
    finished_at: Instant | None
    outcome: str | None
    detail: str | None


class RequestOut(Shown):
    """One call to the provider that carried records of the writeback."""

    id: str
    state: str
    provider: str
    provider_ref: str | None
    """The provider's own id for it."""
    records: Sequence[int]
    """Indexes of the records that it carried."""
    created_at: Instant
    sent_at: Instant | None
    settled_at: Instant | None
    result: str | None
    evidence: str | None
    attempts: Sequence[AttemptOut]


class WritebackDetailOut(WritebackOut):
    """A writeback, whole."""

    records: Sequence[RecordOut]
    timeline: Sequence[EventOut]
    requests: Sequence[RequestOut]


class HoldOut(Shown):
    """Why a school is held, and since when."""

    reason: str
    detail: str
    since: Instant | None


class ListOut(Shown):
    """How fresh one cached list of a school is."""

    list: str
    rows: int
    version: int
    fetched_at: Instant


class SchoolOut(Shown):
    """A school. Its credentials are never shown."""

    id: str
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str
    """Empty: the provider's own."""
    state: str
    """`active` or `held`."""
    hold: HoldOut | None
    hook_url: str | None
    """Where the provider calls; shown to keys with the scope admin."""
    facts: Mapping[str, Any]
    """What the provider last said of the school."""
    overrides: Mapping[str, Any]
    """The school's own feature rules, kind by kind."""
    lookups: Sequence[ListOut]
    waiting: int
    """Writebacks that have not ended."""
    created_at: Instant
    updated_at: Instant


Credentials = Annotated[
    dict[str, str],
    Field(
        repr=False,
        description="Wonde: `token`. Xporter: `secret`, and perhaps `relying_party` and `sts_url`. Never shown again.",
        examples=[{"token": "…"}],
    ),
]
Overrides = Annotated[dict[str, dict[str, Any]], Field(description="The school's own feature rules, kind by kind.")]


class SchoolIn(Taken):
    """A school to register."""

    id: str | None = None
    """Small letters, digits and hyphens; made from the name where it is left out."""
    name: str
    provider: str
    """`wonde` or `xporter`."""
    mis: str
    """E.g. SIMS, Bromcom, Arbor."""
    provider_school_id: str
    """Wonde's school id, or the seven-digit establishment number for Xporter."""
    base_url: str = ""
    """Where this school's provider is, where it is not the usual place."""
    credentials: Credentials
    overrides: Overrides = {}


class SchoolChange(Taken):
    """What to change; what is left out stays. Credentials are replaced as a whole."""

    id: str = ""
    """Cannot be changed; it may be sent as it is."""
    name: str = ""
    provider: str = ""
    """Cannot be changed; it may be sent as it is."""
    mis: str = ""
    provider_school_id: str = ""
    base_url: str = ""
    credentials: Credentials = {}
    overrides: Overrides = {}


class HoldIn(Taken):
    """Why a school is to be held; shown to whoever asks why nothing is sent."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ListSyncOut(Shown):
    """What became of one list."""

    list: str
    rows: int
    changed: bool
    fetched_at: Instant | None
    error: str | None
    """Why it could not be fetched; the list from before is used then."""


class SyncOut(Shown):
    """What a sync brought."""

    school: str
    lists: Sequence[ListSyncOut]
    report: Mapping[str, Any]
    """What the provider says of the school."""


class SchoolFeatures(Shown):
    """What a MIS takes through a provider, kind by kind."""

    school: str | None = None
    provider: str
    mis: str
    kinds: Mapping[str, Mapping[str, Any]]
    """`supported`, `required`, `forbidden`, `ignored`, limits, `notes` and the `source` of each rule."""


class KeyIn(Taken):
    """A key to make."""

    app: Name
    """The app that it belongs to; made where it is new."""
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    """What people tell it by."""
    scopes: Annotated[list[Scope], Field(min_length=1)]
    schools: list[str] | None = None
    """Ids of the schools that it may touch; null: all."""


class KeyOut(Shown):
    """A key, without the key itself."""

    id: str
    app: str
    name: str
    scopes: Sequence[str]
    schools: Sequence[str] | None
    created_at: Instant
    revoked_at: Instant | None
    last_used_at: Instant | None


class NewKeyOut(KeyOut):
    """A key just made."""

    key: str
    """The key itself: shown only now."""


class Live(Shown):
    """The process runs."""

    status: str = "live"


class Ready(Shown):
    """Whether the process can do its work; `checks` says what is wrong where it cannot."""

    status: str
    checks: Mapping[str, str]
