"""What the API takes and shows of looking for evidence at once, and of what a provider answered."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from writeback.api.corrections.models import WHY
from writeback.api.models import MaybeReason, Shown, Taken
from writeback.domain.states import Status
from writeback.domain.submission.instants import Instant


class CheckIn(Taken):
    """Why it is looked at now."""

    reason: Annotated[MaybeReason, Field(description=WHY)] = ""


class CheckOut(Shown):
    """What is looked at, and when. What comes of it is told as ever: in the timeline, by webhooks and streams."""

    id: str
    status: Status
    school: str
    requests: Sequence[str]
    """Those that carried it and await evidence."""
    check_at: Instant
    """When the first of them is looked at; while that is under way, when it is looked at again."""
    asked_before: bool
    """Somebody asked within the last seconds: it is the same check."""
    hold_reason: str | None
    """Why the school, or its family of kinds, is held: then the provider may have no answer."""
    left_alone: str | None
    """Why nothing is sent to the school for a while: then the provider may have no answer."""


class ProviderAnswerOut(Shown):
    """What the provider last answered to one request that failed. It may name anybody."""

    request: str
    kept_at: Instant
    http_status: int
    content_type: str
    encoding: str
    """How `body` was read: the name of an encoding, or `hex` for what is no text."""
    body: str
    """Its beginning. Of characters that show nothing, or change how others are shown, their escapes."""
    size: int
    """Bytes of the whole."""
    is_cut: bool
