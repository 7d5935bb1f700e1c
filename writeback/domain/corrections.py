"""What a person can do to the records of a writeback, decided without touching anything.

The modules of `flow/correct/` carry it out.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from writeback.domain.finding import Finding, Severity
from writeback.domain.states import AWAIT_EVIDENCE, NOT_LEFT, TRANSITIONS, WENT_WRONG, Event, Status
from writeback.domain.writeback import RecordProgress, RecordStatus
from writeback_client.words import Action as Action


class Outcome(StrEnum):
    """How a person settles what only a person can decide."""

    CONFIRMED = "confirmed"
    """It is in the MIS as we sent it."""
    FAILED = "failed"
    """It is not in the MIS, and shall not be sent."""
    RESEND = "resend"
    """It is not in the MIS, or shall replace what is there: it goes again."""


RESUBMITTABLE = TRANSITIONS[Event.RESUBMITTED].sources
"""Statuses from which a writeback can be sent again."""
POSSIBLE: Mapping[Action, Sequence[Status]] = {
    Action.RESUBMIT: tuple(status for status in Status if status in RESUBMITTABLE),
    Action.CANCEL: (*NOT_LEFT, Status.NEEDS_ATTENTION),
    Action.CHECK: AWAIT_EVIDENCE,
    Action.RESOLVE: (Status.NEEDS_ATTENTION,),
}
"""What can be done to writebacks of which statuses."""
USUAL: Mapping[Action, Sequence[Status]] = {
    Action.RESUBMIT: WENT_WRONG,
    Action.CANCEL: NOT_LEFT,
    Action.CHECK: AWAIT_EVIDENCE,
    Action.RESOLVE: (Status.NEEDS_ATTENTION,),
}
"""Where a filter names no status. What somebody has cancelled, or is to decide about, is meant only when named."""
EVIDENCE = "a person's word"
"""The evidence of a record that a person has found in the MIS."""
_MAY_GO_AGAIN = frozenset({RecordStatus.FAILED, RecordStatus.CANCELLED, RecordStatus.QUEUED})
"""Failed, withdrawn, or never left because the deadline passed."""
_MAY_BE_CANCELLED = frozenset({RecordStatus.QUEUED, RecordStatus.NEEDS_ATTENTION})
_AWAIT_EVIDENCE = frozenset({RecordStatus.SENT, RecordStatus.UNKNOWN})
_IN_DOUBT = frozenset(
    {"no_evidence", "cannot_be_read_back", "other_value_in_mis", "nearly_the_same_in_mis", "may_have_been_removed"}
)
"""Findings of records that may be in the MIS."""


def going_again(progress: Sequence[RecordProgress]) -> list[int]:
    """Return the indexes of the records that a resubmission sends."""
    return [index for index, entry in enumerate(progress) if entry.status in _MAY_GO_AGAIN and not entry.erased]


def in_doubt(entry: RecordProgress) -> bool:
    """Whether a record that goes again may be in the MIS already: it was cancelled before anybody had found out."""
    return any(finding.get("code") in _IN_DOUBT for finding in entry.findings)


def cancellable(status: Status, progress: Sequence[RecordProgress]) -> list[int]:
    """Return the indexes of the records that can be withdrawn: never one that is on its way."""
    if status.is_final:
        return []
    return [index for index, entry in enumerate(progress) if entry.status in _MAY_BE_CANCELLED]


def awaiting(progress: Sequence[RecordProgress]) -> list[int]:
    """Return the indexes of the records whose evidence is awaited."""
    return [index for index, entry in enumerate(progress) if entry.status in _AWAIT_EVIDENCE]


def undecided(progress: Sequence[RecordProgress]) -> list[int]:
    """Return the indexes of the records that wait for a person."""
    return [index for index, entry in enumerate(progress) if entry.status is RecordStatus.NEEDS_ATTENTION]


def cancelled(entry: RecordProgress) -> RecordProgress:
    """Return the record withdrawn; what was said of it stays, for it may say that it may have arrived."""
    return entry.moved(RecordStatus.CANCELLED, group=None, healed=False, mis_holds=None, near=())


def resolved(outcome: Outcome, index: int, mis_id: str | None = None) -> RecordProgress:
    """Return a record as the person has settled it, found in the MIS as `mis_id`; the history keeps what was said."""
    match outcome:
        case Outcome.CONFIRMED:
            return RecordProgress(RecordStatus.CONFIRMED, evidence=EVIDENCE, mis_ids=(mis_id,) if mis_id else ())
        case Outcome.FAILED:
            return RecordProgress(RecordStatus.FAILED).with_findings([_given_up(index)])
        case Outcome.RESEND:
            return RecordProgress()


def _given_up(index: int) -> Finding:
    return Finding(
        code="settled_as_failed",
        severity=Severity.ERROR,
        message="A person has looked, and settled that this record is not written.",
        hint="The timeline says who and why; if it is to be written after all, resubmit it.",
        pointer=f"/records/{index}",
        record=index,
    )
