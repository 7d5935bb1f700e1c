"""What the API takes of webhooks."""

from typing import Annotated

from pydantic import Field, StringConstraints

from writeback.api.models import Taken
from writeback.domain.kinds.base import NO_CONTROLS
from writeback.domain.states import Status
from writeback.domain.submission.instants import Instant
from writeback.flow.webhooks.endpoint_checks import USUAL_STATUSES
from writeback.flow.webhooks.formats import WebhookFormat

_LONGEST_OVERLAP_S = 30 * 86_400
Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=NO_CONTROLS)]


class WebhookIn(Taken):
    """A webhook to add."""

    url: Url
    """Where to POST to: https, and on the public Internet."""
    statuses: list[Status] = list(USUAL_STATUSES)
    """It is notified of changes to one of these; by default the final ones, and those that a person should know of."""
    schools: list[str] | None = None
    """Only these schools' changes; null: of all that the key may touch."""
    description: Description = ""
    app: str | None = None
    """The app that it is for; null: the key's own. Of use to keys that see every app."""
    format: WebhookFormat = WebhookFormat.STANDARD
    """`wonde`: Wonde's own `writeback` webhook, about requests to the Wonde drop-in endpoint."""


class WebhookChange(Taken):
    """What to change; what is left out stays."""

    url: Url = ""
    statuses: list[Status] = []
    schools: list[str] | None = None
    description: Description = ""
    enabled: bool = True
    """One that is enabled again resumes where it stopped."""


class RotateIn(Taken):
    """How to replace the secret."""

    keep_old_s: Annotated[float, Field(ge=0, le=_LONGEST_OVERLAP_S)] | None = None
    """For how many seconds the old secret signs beside the new one; null: as the service is set, a day. 0: at once."""


class RecoverIn(Taken):
    """What is sent again."""

    since: Instant
    """Deliveries that were made at or after this instant, and given up."""
