"""What leaves us, as models for those who write clients: changes and problems. `schemas/` is generated from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from writeback.domain.finding import Severity
from writeback.domain.states import Event, Remark, Status
from writeback.domain.writeback import RecordStatus


class FindingMessage(BaseModel):
    """One thing that validation, ours or a provider's, has to say."""

    model_config = ConfigDict(title="Finding", use_attribute_docstrings=True)

    code: str
    """Stable; filter by it."""
    severity: Severity
    """`error`: the record is not sent. `warning`: it is."""
    pointer: str
    """JSON Pointer into the submission, for example `/records/3/code`."""
    record: int | None
    """Index of the record; null where it is about the whole."""
    message: str
    """What is wrong."""
    hint: str
    """What to do."""
    provider_message: str | None
    """The provider's own wording, where its document gives one or it has answered."""


class EventMessage(BaseModel):
    """One change of a writeback, as its timeline tells it."""

    model_config = ConfigDict(title="Event", use_attribute_docstrings=True)

    id: int
    """Counts up; order by it."""
    writeback_id: Annotated[str, Field(pattern="^wb_")]
    app: str
    """The app that submitted it."""
    school: str
    kind: str
    ref: str | None
    """The app's own name for it."""
    at: datetime
    """When it happened."""
    actor: str
    """Who did it: `app:…`, `worker`, `provider:…`, `staff:…`."""
    event: Event | Remark
    """What happened."""
    status: Status
    """Where the writeback is since then."""
    detail: str | None
    """Why, in words, where there is more to say."""


class ToldFinding(BaseModel):
    """A finding as webhooks tell it."""

    model_config = ConfigDict(title="ToldFinding", use_attribute_docstrings=True)

    code: str
    """Stable; decide by it."""
    severity: Severity
    message: str
    """What is wrong."""


class ToldRecord(BaseModel):
    """How far one record is: nothing of what it says, nor of whom."""

    model_config = ConfigDict(title="ToldRecord", use_attribute_docstrings=True)

    index: int
    ref: str | None
    """The app's own name for it."""
    status: RecordStatus
    findings: Sequence[ToldFinding]


class ToldWriteback(BaseModel):
    """What a webhook tells of a writeback."""

    model_config = ConfigDict(title="ToldWriteback", use_attribute_docstrings=True)

    event_id: int
    """As in the stream of events."""
    event: Event | Remark
    """What happened."""
    writeback_id: Annotated[str, Field(pattern="^wb_")]
    app: str
    school: str
    kind: str
    ref: str | None
    """The app's own name for it."""
    status: Status
    """Where the writeback is since then."""
    hold_reason: str | None
    """What it waits for, where it is held."""
    records: Sequence[ToldRecord]
    """How far each is when the message is made, which is a moment after the event."""


class WebhookMessage(BaseModel):
    """The body of a webhook (Standard Webhooks)."""

    model_config = ConfigDict(title="WebhookMessage", use_attribute_docstrings=True)

    type: Annotated[str, Field(pattern=r"^writeback\.[a-z_]+$")]
    """`writeback.` and the status, e.g. `writeback.confirmed`."""
    timestamp: datetime
    """When it happened."""
    sequence: Annotated[int, Field(ge=1)]
    """Counts this webhook's messages without gaps: order by it, for they may arrive in another order."""
    data: ToldWriteback


class ProblemMessage(BaseModel):
    """An error, as `application/problem+json` (RFC 9457)."""

    model_config = ConfigDict(title="Problem", use_attribute_docstrings=True)

    type: str = "about:blank"
    """A URI for this sort of problem."""
    title: str
    """The sort of problem, in words."""
    status: Annotated[int, Field(ge=400, le=599)]
    """The HTTP status."""
    code: str
    """Stable; decide by it."""
    detail: str
    """What is wrong this time."""
    hint: str = ""
    """What to do."""
    findings: list[FindingMessage] = []
    """What is wrong with a submission: everything at once, or the first hundred things, errors before warnings."""
    more_findings: Annotated[int, Field(ge=0)] = 0
    """How many more there are."""
