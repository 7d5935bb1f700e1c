"""Writebacks, what happened to them, and what people did to them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from writeback_client.models.base import AnyRecordStatus, AnyStatus, Finding, Model
from writeback_client.words import FINAL, Status

MaybeId = Annotated[str, BeforeValidator(lambda given: given or "")]
"""Empty where there is none: in a dry run."""


class Compared(Model):
    """One field on both sides; None: nothing, not shown, or free text, of which only `differs` is told."""

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
    in_mis: str | None = None
    """None: nobody could read it."""
    near: tuple[Near, ...] = ()
    """What is nearly the record, of what creates something; it may have been removed since it was seen."""


class Record(Model):
    """One record of a writeback."""

    index: int
    ref: str | None = None
    """Your own name for it."""
    status: AnyRecordStatus
    """In a dry run `valid` or `invalid`."""
    findings: tuple[Finding, ...] = ()
    record: dict[str, Any] | None = None
    """As accepted."""
    evidence: str | None = None
    mis_ids: tuple[str, ...] = ()
    """The MIS's own ids for it, where it gave any."""
    comparison: Comparison | None = None
    """While it needs attention: ours and theirs."""


class TimelineEntry(Model):
    """One change of a writeback. Order by `id`."""

    id: int
    at: datetime
    actor: str
    event: str
    status: AnyStatus
    detail: str | None = None


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
    records: tuple[int, ...] = ()
    created_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    result: str | None = None
    evidence: str | None = None
    attempts: tuple[Attempt, ...] = ()
    answer_kept: bool = False
    """Whether what the provider last answered is kept, for `mending.answer`."""


class MendingOfRecord(Model):
    """One record that a person did something to."""

    index: int
    status_before: AnyRecordStatus
    status_after: AnyRecordStatus
    findings_before: tuple[Finding, ...] = ()
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class Mending(Model):
    """One thing that a person did to a writeback."""

    id: int
    at: datetime
    actor: str
    action: str
    reason: str = ""
    records: tuple[MendingOfRecord, ...] = ()


class Writeback(Model):
    """A writeback. `submit` tells of its records, lists leave them out, `get` and `wait` have all of it."""

    id: MaybeId
    """Empty in a dry run."""
    status: AnyStatus
    """In a dry run `valid` or `invalid`."""
    school: str
    kind: str
    ref: str | None = None
    """Your own name for it."""
    findings: tuple[Finding, ...] = ()
    """Of `submit`: about the whole."""
    more_findings: int = 0
    """Of `submit`: how many more there are than are shown; `get` has those of a writeback that was kept."""
    records: tuple[Record, ...] = ()
    app: str = ""
    priority: str = ""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    hold_reason: str | None = None
    """What it waits for."""
    left_alone: str | None = None
    """Why nothing is sent to its school for a while: what the provider asked for, or how it fails to answer."""
    evidence: str | None = None
    """What proves that it is in the MIS."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    expires_at: datetime | None = None
    batch_id: str | None = None
    """The batch that it came in."""
    counts: dict[str, int] = {}
    """Records by status."""
    timeline: tuple[TimelineEntry, ...] = ()
    requests: tuple[ProviderRequest, ...] = ()
    mendings: tuple[Mending, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing happens any more unless a person does something."""
        return self.status in FINAL

    @property
    def is_confirmed(self) -> bool:
        """Whether evidence says that all that was sent is in the MIS."""
        return self.status == Status.CONFIRMED

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """About the whole, then those of each record."""
        return (*self.findings, *(finding for record in self.records for finding in record.findings))


class Event(Model):
    """One change of a writeback, as the streams tell it."""

    id: int
    """Counts up; `events(after=id)` goes on behind it."""
    writeback_id: str
    app: str
    school: str
    kind: str
    ref: str | None = None
    at: datetime
    actor: str
    event: str
    status: AnyStatus
    detail: str | None = None


class MendedRecord(Model):
    """One record that was touched."""

    index: int
    ref: str | None = None
    status: AnyRecordStatus
    findings: tuple[Finding, ...] = ()
    superseded_by: str | None = None
    """A later writeback has a mark for the same slot: that one is going to win."""


class Mended(Model):
    """What was done to one writeback; `records` are those that were touched."""

    id: MaybeId
    status: AnyStatus
    school: str
    kind: str
    ref: str | None = None
    findings: tuple[Finding, ...] = ()
    records: tuple[MendedRecord, ...] = ()
    more_findings: int = 0
    """How many more a dry run has than are shown."""


class Check(Model):
    """What is looked at, and when; what comes of it is told as ever."""

    id: str
    status: AnyStatus
    school: str
    requests: tuple[str, ...] = ()
    """Those that carried it and await evidence."""
    check_at: datetime
    asked_before: bool = False
    """Somebody asked within the last seconds: it is the same check."""
    hold_reason: str | None = None
    left_alone: str | None = None
    """With either of these the provider may have no answer now."""


class ProviderAnswer(Model):
    """What the provider last answered to one request that failed. It may name anybody."""

    request: str
    kept_at: datetime
    http_status: int
    content_type: str = ""
    encoding: str = ""
    """How `body` was read; `hex` for what is no text."""
    body: str = Field(repr=False)
    """Its beginning."""
    size: int
    """Bytes of the whole."""
    is_cut: bool = False


class Count(Model):
    """What a call by filter would look at; nothing was done."""

    writebacks: int
    records: int
    """Those that would be touched, in the first writebacks that one call takes."""
    more: int


class Done(Model):
    """A writeback that was mended, and how many of its records."""

    id: str
    records: int


class NotDone(Model):
    """A writeback that was left as it was, and why."""

    id: str
    code: str
    detail: str
    findings: tuple[Finding, ...] = ()


class Report(Model):
    """What came of a call by filter."""

    id: str
    """Stands in the audit log beside each of them."""
    matched: int
    done: tuple[Done, ...] = ()
    not_done: tuple[NotDone, ...] = ()
    unchanged: int = 0
    next_cursor: str | None = None
    """More match: give it as `cursor` for the next ones."""


class SchoolCount(Model):
    """How many writebacks a school has."""

    school: str
    writebacks: int


class FindingCount(Model):
    """How many writebacks have a record with a finding."""

    code: str
    writebacks: int


class HoldCount(Model):
    """How many writebacks wait for something."""

    reason: str
    writebacks: int


class Counts(Model):
    """How many writebacks there are; every list begins with the largest."""

    total: int
    statuses: dict[str, int] = {}
    findings: tuple[FindingCount, ...] = ()
    holds: tuple[HoldCount, ...] = ()
    schools: tuple[SchoolCount, ...] = ()
    """The 200 with most."""
    more_schools: int = 0
    """Schools beyond those."""
