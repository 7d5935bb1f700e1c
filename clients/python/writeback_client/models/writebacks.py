"""Writebacks, what happened to them, and how many there are."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from writeback_client import words
from writeback_client.models.base import AS_ITS_ID, AnyMode, AnyRecordStatus, AnyStatus, Finding, Known, Model
from writeback_client.words import FINAL, RecordStatus, Status

AnyEvent = Annotated[words.Event | words.Remark | str, Known()]
AnyAction = Annotated[words.Action | str, Known()]
MaybeId = Annotated[
    str, BeforeValidator(lambda given: given or ""), PlainSerializer(lambda own: own or None, str | None)
]
"""Empty where there is none, which is null in JSON."""
_TEXT = WithJsonSchema({"type": "string"})
TrialStatus = Annotated[Status | str, Field(union_mode="left_to_right"), _TEXT]
TrialRecordStatus = Annotated[RecordStatus | str, Field(union_mode="left_to_right"), _TEXT]
WritebackId = Annotated[str, Field(json_schema_extra={"pattern": "^wb_"})]


class Identified(Model):
    """What every answer about one writeback begins with."""

    id: str
    status: AnyStatus
    school: str
    mode: AnyMode = AS_ITS_ID
    """`test`: of a test school, whose requests go to the sandbox alone; else `live`."""
    kind: str
    ref: str | None = None
    """The app's own name for it."""

    @property
    def is_final(self) -> bool:
        """Whether nothing happens any more unless a person does something."""
        return self.status in FINAL

    @property
    def is_confirmed(self) -> bool:
        """Whether evidence says that all that was sent is in the MIS."""
        return self.status == Status.CONFIRMED


class SubmittedRecord(Model):
    """One record of a submission, as it was taken."""

    index: int
    ref: str | None = None
    """The app's own name for it."""
    status: TrialRecordStatus
    """`queued` or `refused`; in a dry run `valid` or `invalid`."""
    findings: tuple[Finding, ...] = ()


class Submitted(Identified):
    """What a submission is answered with."""

    id: MaybeId
    """Null in a dry run, and empty in the client."""
    status: TrialStatus
    """`queued`; in a dry run `valid` or `invalid`."""
    created_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    """About the whole."""
    more_findings: int = 0
    """How many more there are than are shown, here and with the records: a hundred at most."""
    records: tuple[SubmittedRecord, ...] = ()

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """About the whole, then those of each record."""
        return (*self.findings, *(finding for record in self.records for finding in record.findings))


class WritebackSummary(Identified):
    """A writeback in a list."""

    app: str = ""
    priority: str = ""
    """`interactive` or `batch`."""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    """Not before then; null: at once, or never again."""
    hold_reason: str | None = None
    """What it waits for."""
    left_alone: str | None = None
    """Why nothing is sent to its school for a while: what the provider asked for, or how it fails to answer."""
    evidence: str | None = None
    """What proves that it is in the MIS."""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    batch_id: str | None = None
    """The batch that it came in; null: it was submitted by itself."""
    texts_forgotten: bool = False
    """Its comments and files have been deleted for their age."""
    forgotten_at: datetime | None = None
    """When what it said was deleted for its age: its records are null, and it cannot be sent again."""
    counts: dict[AnyRecordStatus, int] = {}
    """Records by status."""


class Compared(Model):
    """One field on both sides; null: nothing, not shown, or free text, of which only `differs` is given."""

    field: str
    """Its name in the record."""
    ours: str | None = None
    in_mis: str | None = None
    differs: bool


class Near(Model):
    """One thing in the MIS that the record may have made, had somebody changed it there since."""

    mis_id: str
    """What `resolve` takes in `mis_ids`."""
    created_at: datetime | None = None
    """When the provider first had it, where it tells."""
    fields: tuple[Compared, ...] = ()


class Comparison(Model):
    """What a record says and what the MIS holds."""

    ours: str | None = None
    """The mark's code."""
    in_mis: str | None = None
    """Null: nobody could read it."""
    near: tuple[Near, ...] = ()
    """What is nearly the record, of what creates something; it may have been removed since it was seen."""


class Record(SubmittedRecord):
    """One record of a writeback."""

    status: AnyRecordStatus
    """Where it is."""
    record: dict[str, Any] | None = None
    """As accepted; null where it could not be read, or was erased."""
    erased: bool = False
    """What it said was erased: it was about a person of whom nothing is to be kept."""
    evidence: str | None = None
    mis_ids: tuple[str, ...] = ()
    """The MIS's own ids for it, where it gave any."""
    comparison: Comparison | None = None
    """While it needs attention: ours and theirs, side by side."""


class TimelineEntry(Model):
    """One change of a writeback. Order by `id`."""

    id: int
    """Counts up; order by it."""
    at: datetime
    """When it happened."""
    actor: str
    """Who did it: `app:…`, `app:…/key:…`, `worker`, `provider:…` or `staff:…`."""
    event: AnyEvent
    """What happened."""
    status: AnyStatus
    """Where the writeback is since then."""
    detail: str | None = None
    """Why, in words, where there is more to say."""


class Event(TimelineEntry):
    """One change of a writeback, as streams tell it."""

    writeback_id: WritebackId
    app: str
    """The app that submitted it."""
    school: str
    mode: AnyMode = AS_ITS_ID
    """`test`: of a test school, whose requests go to the sandbox alone; else `live`."""
    kind: str
    ref: str | None = None
    """The app's own name for it."""


class Attempt(Model):
    """One try of a request."""

    number: int
    started_at: datetime
    finished_at: datetime | None = None
    outcome: str | None = None
    detail: str | None = None


class ProviderRequest(Model):
    """One call to the provider that carried records of the writeback."""

    id: str
    state: str
    provider: str
    provider_ref: str | None = None
    """The provider's own id for it."""
    records: tuple[int, ...] = ()
    """Indexes of the records that it carried."""
    created_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    result: str | None = None
    evidence: str | None = None
    attempts: tuple[Attempt, ...] = ()
    answer_kept: bool = False
    """Whether what the provider last answered is kept; a key with the scope support can read it."""


class CorrectionOfRecord(Model):
    """One record that a person did something to."""

    index: int
    status_before: AnyRecordStatus
    status_after: AnyRecordStatus
    findings_before: tuple[Finding, ...] = ()
    """What was said of it until then."""
    before: dict[str, Any] | None = None
    """What it said, where it was edited."""
    after: dict[str, Any] | None = None


class Correction(Model):
    """One thing that a person did to the writeback."""

    id: int
    at: datetime
    actor: str
    """`app:…/key:…` or `staff:…`."""
    action: AnyAction
    reason: str = ""
    records: tuple[CorrectionOfRecord, ...] = ()


class Writeback(WritebackSummary):
    """A writeback, whole."""

    records: tuple[Record, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    requests: tuple[ProviderRequest, ...] = ()
    mendings: tuple[Correction, ...] = ()
    """What people did to it, with what was there before."""

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Those of each record."""
        return tuple(finding for record in self.records for finding in record.findings)


class SchoolCount(Model):
    """How many writebacks a school has."""

    school: str
    writebacks: int


class WordsCount(Model):
    """How many writebacks a provider has said the same of; ids, numbers and quotes in it may differ."""

    said: str
    """Send it as `said`, with the code as `code`, to list these."""
    words: str
    """The provider's own, of the latest of them."""
    writebacks: int


class FindingCount(Model):
    """How many writebacks have a record with a finding."""

    code: str
    writebacks: int
    said: tuple[WordsCount, ...] = ()
    """What the provider said with it, told apart; empty where it gave no words. In all the 100 of most writebacks."""


class HoldCount(Model):
    """How many writebacks wait for something."""

    reason: str
    writebacks: int


class Counts(Model):
    """How many writebacks there are; every list begins with the largest."""

    total: int
    statuses: dict[AnyStatus, int] = {}
    """A status that no writeback has is left out."""
    findings: tuple[FindingCount, ...] = ()
    """A writeback counts once for each code that one of its records has."""
    holds: tuple[HoldCount, ...] = ()
    schools: tuple[SchoolCount, ...] = ()
    """The 200 with most."""
    more_schools: int = 0
    """Schools beyond those."""
