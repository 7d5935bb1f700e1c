"""What Pigeon Post answers, in our words. Pure."""

from typing import Any

from writeback.domain.finding import Finding
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    NotReached,
    Outcome,
    Pending,
    Refused,
    Rejected,
    Taken,
    Uncertain,
    Unclear,
    Verdict,
)
from writeback.providers.answers import Answer
from writeback.providers.status_meanings import trouble_of
from writeback.providers.texts import reference_of, shorten


def outcome_of(answer: Answer | NotReached | Uncertain) -> Outcome:
    """Return what came of sending a letter."""
    if not isinstance(answer, Answer):
        return answer
    if trouble := trouble_of(answer, "Pigeon Post"):
        return trouble
    said = answer.body if answer.is_providers_own else {}
    if answer.is_success:
        return Taken(reference_of(said.get("letter")))
    message = shorten(said.get("why") or answer.in_words("Pigeon Post"))
    found = {place: [_refused(message)] for place in said.get("lines", [])}
    return Refused(message, found, said=shorten(said.get("why", "")))


def verdict_of(answer: Answer | NotReached | Uncertain | Blocked) -> Verdict:
    """Return what is known of a letter that was asked about."""
    match answer:
        case Uncertain(reason=reason, retry_after_s=after):  # it was a question: asking again is harmless
            return NotReached(reason, after)
        case NotReached() | Blocked():
            return answer
    trouble = trouble_of(answer, "Pigeon Post")
    if trouble is not None:
        return verdict_of(trouble)
    said: Any = answer.body if answer.is_providers_own else {}
    match said.get("state"):
        case "flying":
            return Pending()
        case "delivered":
            return Evidenced("poll")
        case "returned":
            return Rejected(shorten(said.get("why", "it was returned")), said=shorten(said.get("why", "")))
        case _:
            return Unclear(answer.in_words("Pigeon Post"))


def _refused(message: str) -> Finding:
    return Finding("school_closed", message, "Record it in the MIS itself.")
