"""What people do to writebacks: what came of it, and what they are shown for it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from writeback_client.models.base import AnyStatus, Finding, Model
from writeback_client.models.writebacks import Identified, MaybeId, SubmittedRecord, TrialRecordStatus, TrialStatus


class CorrectedRecord(SubmittedRecord):
    """One record that was touched."""

    status: TrialRecordStatus
    """In a dry run `valid` or `invalid`."""
    superseded_by: str | None = None
    """A later writeback has a mark for the same slot: that one is going to win."""


class Corrected(Identified):
    """What was done to one writeback."""

    id: MaybeId
    """Null in a dry run, and empty in the client."""
    status: TrialStatus
    """In a dry run `valid` or `invalid`."""
    findings: tuple[Finding, ...] = ()
    """About the whole."""
    records: tuple[CorrectedRecord, ...] = ()
    """Those that were touched."""
    more_findings: int = 0
    """How many more a dry run has than are shown, here and with the records: a hundred at most."""


class Check(Model):
    """What is checked, and when. The result is reported as usual: in the timeline, by webhooks and streams."""

    id: str
    status: AnyStatus
    school: str
    requests: tuple[str, ...] = ()
    """Those that carried it and await evidence."""
    check_at: datetime
    """When the first of them is looked at; while that is under way, when it is looked at again."""
    asked_before: bool = False
    """Somebody asked within the last seconds: it is the same check."""
    hold_reason: str | None = None
    """Why the school, or its family of kinds, is held: then the provider may have no answer."""
    left_alone: str | None = None
    """Why nothing is sent to the school for a while: then the provider may have no answer."""


class ProviderAnswer(Model):
    """What the provider last answered to one request that failed. It may name anybody."""

    request: str
    kept_at: datetime
    http_status: int
    content_type: str = ""
    encoding: str = ""
    """How `body` was read: the name of an encoding, or `hex` for what is no text."""
    body: Annotated[str, Field(repr=False)]
    """Its beginning. Of characters that show nothing, or change how others are shown, their escapes."""
    size: int
    """Bytes of the whole."""
    is_cut: bool = False


class Count(Model):
    """What a call by filter would look at; nothing was done."""

    writebacks: int
    """All that match."""
    records: int
    """Of these, those that would be touched, in the first writebacks that one call takes."""
    more: int
    """Writebacks beyond those."""


class Done(Model):
    """A corrected writeback, and how many of its records."""

    id: str
    records: int


class NotDone(Model):
    """A writeback that was left as it was, and why."""

    id: str
    code: str
    detail: str
    findings: tuple[Finding, ...] = ()


class PreviewField(Model):
    """One field that would say something else."""

    field: str
    before: Any = None
    after: Any = None


class PreviewRecord(Model):
    """One record that would go."""

    index: int
    student: str | None = None
    """The id of whom it is about, where that is one pupil."""
    changed: tuple[PreviewField, ...] = ()


class PreviewItem(Identified):
    """One writeback, and what would become of it. Where `code` is given, or no record is, nothing of it would go."""

    id: str
    records: tuple[PreviewRecord, ...] = ()
    code: str | None = None
    """Why nothing would go."""
    detail: str | None = None
    findings: tuple[Finding, ...] = ()
    """Errors of the records that would stay as they are."""


class Preview(Model):
    """What a call by filter would come to, in the first writebacks; nothing was done."""

    writebacks: int
    """All that match."""
    looked_at: int
    items: tuple[PreviewItem, ...] = ()
    unchanged: int = 0
    """Of those looked at, the ones that the changes do not touch: they would stay as they are."""


class Report(Model):
    """What came of a call by filter."""

    id: str
    """The audit log has it with each of them."""
    matched: int
    done: tuple[Done, ...] = ()
    not_done: tuple[NotDone, ...] = ()
    unchanged: int = 0
    """Writebacks that somebody else had seen to meanwhile."""
    next_cursor: str | None = None
    """More match: send it as `cursor` for the next ones."""
