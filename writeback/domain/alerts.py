"""What somebody is told without looking: conditions that are amiss now, and what they are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlertKind(StrEnum):
    """What may be amiss. The order is that in which they are told."""

    WORKER_GONE = "worker_gone"
    """A worker has said nothing for a while, or does not sweep; or there is none."""
    REDIS_GONE = "redis_gone"
    """Redis does not answer: what is due is still found in SQL, but later."""
    PROVIDER_UNANSWERED = "provider_unanswered"
    """A provider answers nobody."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a kind, not a token
    """A provider refuses our token or secret."""
    SCHOOL_HELD = "school_held"
    """Nothing is sent of a school, or of one family of its kinds."""
    SCHOOL_UNANSWERED = "school_unanswered"
    """A school's requests get no answer."""
    SCHOOL_FAILING = "school_failing"
    """Nearly all that a school sends is refused."""
    SCHOOL_SILENT = "school_silent"
    """A school's writebacks wait without being sent, or without evidence that they are in the MIS."""
    DECISIONS_WAIT = "decisions_wait"
    """Writebacks wait for a person's decision."""
    LIST_SHRANK = "list_shrank"
    """Much fell out of a school's list at once, e.g. half its roll."""
    WEBHOOK_FAILING = "webhook_failing"
    """Nothing gets through to an app's webhook."""


class ReceiverKind(StrEnum):
    """How somebody is told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    """JSON, signed by Standard Webhooks."""
    TEAMS = "teams"
    """A card, for a Workflows webhook of Microsoft Teams."""
    SLACK = "slack"
    """A text, for an incoming webhook of Slack, or whatever takes its shape."""


@dataclass(frozen=True)
class Condition:
    """One thing that is amiss now, of whatever number of schools: it is told once, not once a school."""

    kind: AlertKind
    about: str
    """What tells it from others of its kind: a provider, a reason, a webhook."""
    since: datetime
    schools: Sequence[str] = ()
    """Their ids. Empty: it is of no school in particular."""
    writebacks: int = 0
    """How many wait for it."""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind.value, self.about


class Told(StrEnum):
    """What a message says."""

    OPENED = "opened"
    GREW = "grew"
    """Many more schools than when it was told last."""
    OVER = "over"
    REPORT = "report"
    """How a session went."""
    TEST = "test"


def has_grown(told: int, now: int) -> bool:
    """Whether so many more schools are affected than were told of that it is told once more."""
    return now >= told + 5 and now >= 2 * told
