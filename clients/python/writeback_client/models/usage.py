"""An app's own view of what it called, and of what came of it."""

from datetime import datetime

from writeback_client.models.base import AS_ITS_ID, AnyMode, AnyStatus, Model
from writeback_client.models.writebacks import FindingCount


class RouteUsage(Model):
    """Calls of one method and path."""

    route: str
    """Method and template, e.g. `POST /v1/schools/{school}/writebacks`."""
    calls: int
    refused: int
    """Of these."""


class PeriodUsage(Model):
    """Calls of an hour, or of a day in UTC."""

    at: datetime
    """Its beginning."""
    calls: int
    refused: int


class RefusalExample(Model):
    """One call that was refused. Never what it said."""

    request_id: str
    """Its `X-Request-Id`."""
    at: datetime
    pointers: tuple[str, ...] = ()
    """Where in its body, of the first findings: JSON pointers of fields that the API knows."""


class CauseUsage(Model):
    """Why calls were refused, or what was found in them."""

    code: str
    """`/problems/{code}` explains that of a problem."""
    number: int
    examples: tuple[RefusalExample, ...] = ()
    """The latest, at most five."""


class TimeToEvidence(Model):
    """From acceptance to evidence, of the latest confirmed writebacks."""

    looked_at: int
    """How many those are: at most 1,000."""
    half_within_s: float | None = None
    """Seconds within which half of them were confirmed."""
    most_within_s: float | None = None
    """The same of 95 in 100."""


class WebhookAnswer(Model):
    """What came of the last attempt of one delivery."""

    at: datetime
    http_status: int | None = None
    error: str | None = None


class WebhookUsage(Model):
    """How one webhook does: of its latest deliveries, at most 1,000."""

    id: str
    looked_at: int
    delivered: int
    failed: int
    """Given up; each can be sent again."""
    waiting: int
    answers: tuple[WebhookAnswer, ...] = ()
    """The latest, at most five."""


class Usage(Model):
    """What an app did since a moment. Calls are counted by hours, and up to 15 seconds late."""

    app: str
    mode: AnyMode = AS_ITS_ID
    """`test`: of the app that the test keys are of; else `live`."""
    since: datetime
    calls: int
    refused: int
    routes: tuple[RouteUsage, ...] = ()
    """The most called first."""
    periods: tuple[PeriodUsage, ...] = ()
    """The earliest first; one without calls is left out."""
    refusals: tuple[CauseUsage, ...] = ()
    """By the code of the problem, the most frequent first."""
    findings: tuple[CauseUsage, ...] = ()
    """What submissions were refused for, by the code of the finding: `number` counts findings."""
    statuses: dict[AnyStatus, int] = {}
    """Writebacks accepted since then, by how they are now."""
    failures: tuple[FindingCount, ...] = ()
    """Why those failed that did, whole or in part."""
    evidence: TimeToEvidence
    webhooks: tuple[WebhookUsage, ...] = ()
