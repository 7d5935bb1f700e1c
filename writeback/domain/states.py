"""The states of a writeback and the one table of events that move it. Nothing else assigns a status."""

from dataclasses import dataclass

from writeback.core.errors import IllegalTransition
from writeback_client.words import FINAL, Event, Remark, Status

__all__ = [
    "AWAIT_EVIDENCE",
    "FINAL",
    "NEED_SOMEBODY",
    "NOT_LEFT",
    "TRANSITIONS",
    "WENT_WRONG",
    "WITH_PROVIDER",
    "Event",
    "Remark",
    "Status",
    "Transition",
    "advance",
]

NOT_LEFT = (Status.QUEUED, Status.HELD)
"""Nothing of it is on its way."""
AWAIT_EVIDENCE = (Status.SENT, Status.UNKNOWN)
WITH_PROVIDER = (Status.SENDING, *AWAIT_EVIDENCE)
WENT_WRONG = (Status.PARTIAL, Status.FAILED, Status.EXPIRED)
"""Ended, and not as it was meant."""
NEED_SOMEBODY = (*WENT_WRONG, Status.NEEDS_ATTENTION)
"""What support staff look at."""


@dataclass(frozen=True)
class Transition:
    """An event, the one status it leads to, the statuses it may happen in, and what it means."""

    event: Event
    target: Status
    sources: frozenset[Status]
    meaning: str


def _row(event: Event, target: Status, meaning: str, *sources: Status) -> Transition:
    return Transition(event, target, frozenset(sources), meaning)


S = Status
TRANSITIONS: dict[Event, Transition] = {
    row.event: row
    for row in (
        _row(Event.SENDING, S.SENDING, "a request carrying it is about to be sent", S.QUEUED),
        _row(Event.SENT, S.SENT, "the provider has taken all that there was to send", S.SENDING, S.QUEUED, S.UNKNOWN),
        _row(Event.CONTINUED, S.QUEUED, "a part is sent, the rest waits its turn", S.SENDING),
        _row(Event.RETRY, S.QUEUED, "it goes again later", S.SENDING, S.SENT, S.UNKNOWN, S.NEEDS_ATTENTION),
        _row(Event.HELD, S.HELD, "something outside must change first", S.QUEUED, S.SENDING),
        _row(Event.RELEASED, S.QUEUED, "what it waited for has changed", S.HELD),
        _row(Event.IN_DOUBT, S.UNKNOWN, "no answer says whether it arrived", S.QUEUED, S.SENDING, S.SENT),
        _row(
            Event.NEEDS_PERSON,
            S.NEEDS_ATTENTION,
            "only a person can decide",
            S.QUEUED,
            S.SENDING,
            S.SENT,
            S.UNKNOWN,
        ),
        _row(
            Event.CONFIRMED,
            S.CONFIRMED,
            "evidence says that all that was sent is in the MIS",
            S.QUEUED,
            S.SENDING,
            S.SENT,
            S.UNKNOWN,
            S.NEEDS_ATTENTION,
        ),
        _row(
            Event.PARTLY_CONFIRMED,
            S.PARTIAL,
            "some records are in the MIS, others are refused",
            S.QUEUED,
            S.SENDING,
            S.SENT,
            S.UNKNOWN,
            S.NEEDS_ATTENTION,
        ),
        _row(
            Event.FAILED,
            S.FAILED,
            "refused for good",
            S.QUEUED,
            S.SENDING,
            S.SENT,
            S.UNKNOWN,
            S.NEEDS_ATTENTION,
        ),
        _row(Event.SUPERSEDED, S.SUPERSEDED, "a later writeback took its place", S.QUEUED, S.HELD),
        _row(Event.CANCELLED, S.CANCELLED, "withdrawn by a person or its app", S.QUEUED, S.HELD, S.NEEDS_ATTENTION),
        _row(Event.EXPIRED, S.EXPIRED, "its deadline passed before it was sent", S.QUEUED, S.HELD),
        _row(
            Event.RESUBMITTED,
            S.QUEUED,
            "a person sends it again",
            S.PARTIAL,
            S.FAILED,
            S.CANCELLED,
            S.EXPIRED,
        ),
    )
}


def advance(status: Status, event: Event) -> Status:
    """Return the status that `event` leads to from `status`; raise IllegalTransition where there is none."""
    transition = TRANSITIONS[event]
    if status not in transition.sources:
        raise IllegalTransition(f"{event} cannot happen to a writeback that is {status}")
    return transition.target
