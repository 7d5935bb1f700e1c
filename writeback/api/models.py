"""What the API shows and takes, as JSON: the models behind its OpenAPI document. Submissions are in `domain`,
schools and keys in `registry_models`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from writeback.domain.finding import Severity
from writeback.domain.kinds.base import NO_CONTROLS
from writeback.domain.mending import Action
from writeback.domain.states import Event, Remark, Status
from writeback.domain.writeback import RecordStatus

T = TypeVar("T")
Instant = AwareDatetime
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_CONTROLS)]
"""Why somebody does something, in their own words."""
MaybeReason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=NO_CONTROLS)]

FindingCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class Shown(BaseModel):
    """Base of what is shown; read from the services' own values."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)


class Taken(BaseModel):
    """Base of what is taken: unknown fields are refused, for they are mostly misspelt ones."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PageOf(Shown, Generic[T]):
    """A page of a list."""

    # Pydantic looks for the docstrings of each PageOf[…] anew, in each frame, and finds none: half a second of a start.
    model_config = ConfigDict(use_attribute_docstrings=False)
    items: Sequence[T]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page; null: this is the last.")


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
    """What is wrong with the body, where it could be read: everything, or the first hundred things."""
    more_findings: int | None = None
    """How many more there are than `findings` shows."""


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
    more_findings: int = 0
    """How many more there are than are shown, here and with the records: a hundred at most."""
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
    left_alone: str | None
    """Why nothing is sent to its school for a while: what the provider asked for, or how it fails to answer."""
    evidence: str | None
    """What proves that it is in the MIS."""
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None
    batch_id: str | None
    """The batch that it came in; null: it was submitted by itself."""
    counts: Mapping[RecordStatus, int]
    """Records by status."""


class SchoolCountOut(Shown):
    """How many writebacks a school has."""

    school: str
    writebacks: int


class FindingCountOut(Shown):
    """How many writebacks have a record with a finding."""

    code: str
    writebacks: int


class HoldCountOut(Shown):
    """How many writebacks wait for something."""

    reason: str
    writebacks: int


class CountsOut(Shown):
    """How many writebacks there are; every list begins with the largest."""

    total: int
    statuses: Mapping[Status, int]
    """A status that no writeback has is left out."""
    findings: Sequence[FindingCountOut]
    """A writeback counts once for each code that one of its records has."""
    holds: Sequence[HoldCountOut]
    schools: Sequence[SchoolCountOut]
    """The 200 with most."""
    more_schools: int
    """Schools beyond those."""


class ComparedOut(Shown):
    """One field on both sides; null: nothing, not shown, or free text, of which only `differs` is told."""

    field: str
    """Its name in the record."""
    ours: str | None
    in_mis: str | None
    differs: bool


class NearOut(Shown):
    """One thing in the MIS that the record may have made, had somebody changed it there since."""

    mis_id: str
    """What `resolve` takes in `mis_ids`."""
    created_at: Instant | None
    """When the provider first had it, where it tells."""
    fields: Sequence[ComparedOut]


class ComparisonOut(Shown):
    """What a record says and what the MIS holds."""

    ours: str | None
    """The mark's code."""
    in_mis: str | None
    """Null: nobody could read it."""
    near: Sequence[NearOut] = ()
    """What is nearly the record, of what creates something; it may have been removed since it was seen."""


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
    comparison: ComparisonOut | None = None
    """While it needs attention: ours and theirs, side by side."""


class MendedRecordOut(Shown):
    """One record that a person did something to."""

    index: int
    status_before: RecordStatus
    status_after: RecordStatus
    findings_before: Sequence[FindingOut]
    """What was said of it until then."""
    before: Mapping[str, Any] | None
    """What it said, where it was edited."""
    after: Mapping[str, Any] | None


class MendingOut(Shown):
    """One thing that a person did to the writeback."""

    id: int
    at: Instant
    actor: str
    """`app:…/key:…` or `staff:…`."""
    action: Action
    reason: str
    records: Sequence[MendedRecordOut]


class EventOut(Shown):
    """One change of a writeback. Order by `id`."""

    id: int
    at: Instant
    actor: str
    """`app:…`, `app:…/key:…`, `worker`, `provider:…` or `staff:…`."""
    event: Event | Remark
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
    answer_kept: bool = False
    """Whether what the provider last answered is kept; a key with the scope support can read it."""


class WritebackDetailOut(WritebackOut):
    """A writeback, whole."""

    records: Sequence[RecordOut]
    timeline: Sequence[EventOut]
    requests: Sequence[RequestOut]
    mendings: Sequence[MendingOut] = ()
    """What people did to it, with what was there before."""


class Live(Shown):
    """Whether the process makes progress: `live`, or `stuck`."""

    status: str = "live"


class RestoreOut(Shown):
    """A restore of the database: what may have been sent since the backup is looked for in the MIS first."""

    taken_at: Instant | None
    """When the backup was made."""
    announced_at: Instant
    compare_until: Instant | None
    """Incidents, detentions and absences that are posted before are looked for as well."""
    waiting: int
    """Writebacks from before the restore that are still to be looked for; those that are held among them."""
    being_looked_for: int
    """Requests' worth of writebacks for which the MIS is being read."""


class Ready(Shown):
    """Whether the process can do its work."""

    status: Literal["ready", "degraded", "not ready"]
    """`degraded`: submissions are taken and kept, but something is amiss, and they may be sent later than usual;
    `not ready`: none are taken."""
    checks: Mapping[str, str]
    """`ok`, or what is wrong, for each part."""
    restore: RestoreOut | None = None
    """A restore of the database of which something is still open."""
