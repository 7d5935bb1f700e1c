"""A school's move to another MIS (Wonde 262): how far it is, and what it leaves in the school's facts. Pure.

It is planned, then it runs, then it is over; then every list is fetched again, and a moment later, when every process
has the new lists, it is done. While it runs the school is held: its ids may change at any moment.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

FACT = "migration"
"""Where a move is kept until it is done."""
DONE_FACT = "migrated"
"""Where the last move that was done is kept."""
_TAKING_NOTE = timedelta(seconds=5)
"""Longer than any process remembers a school or its lists."""


class Stage(StrEnum):
    PLANNED = "planned"
    """It begins at `scheduled_at`."""
    RUNNING = "running"
    """It has begun; nobody says that it is over."""
    OVER = "over"
    """The provider has the new MIS; our lists are still those of the old one."""
    SYNCED = "synced"
    """The lists are new; other processes may not have seen them yet."""
    DONE = "done"


@dataclass(frozen=True)
class Move:
    """One move. Instants are ISO texts, as they are kept; `over_at` and `synced_at` are when we found out."""

    was: str
    becomes: str
    scheduled_at: str | None = None
    completed_at: str | None = None
    over_at: str | None = None
    synced_at: str | None = None

    def as_fact(self) -> dict[str, str | None]:
        return asdict(self)

    @property
    def begins_at(self) -> datetime | None:
        """When it begins; None where that was not said, or not so that it can be read: then it has begun."""
        return read_instant(self.scheduled_at)

    @property
    def settles_at(self) -> datetime | None:
        """When every process knows the new lists; None while they are not fetched."""
        synced_at = read_instant(self.synced_at)
        return synced_at + _TAKING_NOTE if synced_at else None

    def stage(self, mis: str | None, now: datetime) -> Stage:
        """Return how far it is, where the provider says that the school's MIS is `mis` (None: it does not say now)."""
        if self.settles_at is not None:
            return Stage.DONE if now >= self.settles_at else Stage.SYNCED
        if self.over_at or self._is_over(mis):
            return Stage.OVER
        if not self.completed_at and self.begins_at is not None and self.begins_at > now:
            return Stage.PLANNED
        return Stage.RUNNING

    def _is_over(self, mis: str | None) -> bool:
        """The provider's own word on the MIS counts; that it is complete is believed unless that contradicts it."""
        if mis is None:
            return False
        there, was, becomes = (name.strip().casefold() for name in (mis, self.was, self.becomes))
        if self.completed_at:
            return there != was or was == becomes
        return there == becomes and was != becomes

    def is_same(self, other: "Move | None") -> bool:
        """Whether both tell of one move: a webhook may come twice, late, or after it was all done."""
        if other is None or self.becomes != other.becomes:
            return False
        instants = {self.completed_at, self.scheduled_at} & {other.completed_at, other.scheduled_at}
        return bool(instants - {None})


def move_in(facts: Mapping[str, Any], name: str = FACT) -> Move | None:
    """Return the move that the school's facts tell of."""
    kept = facts.get(name)
    return Move(**kept) if isinstance(kept, Mapping) else None


def announced_move(payload: Mapping[str, Any]) -> Move | None:
    """Return what a webhook tells of a move; None where it does not say whereto."""
    was, becomes, scheduled, completed = (
        str(payload.get(name) or "").strip() for name in ("migrate_from", "migrate_to", "scheduled_at", "completed_at")
    )
    return Move(was, becomes, scheduled or None, completed or None) if becomes else None


def after_webhook(facts: Mapping[str, Any], move: Move) -> Mapping[str, Any]:
    """Return the facts after a webhook; a move that is done, or known to be further along, stays as it is."""
    if move.is_same(move_in(facts, DONE_FACT)):
        return facts
    known = move_in(facts)
    if known is not None and known.becomes == move.becomes and (known.over_at or known.completed_at):
        move = replace(known, completed_at=known.completed_at or move.completed_at)
    return {**facts, FACT: move.as_fact()}


def when_done(facts: Mapping[str, Any], move: Move) -> Mapping[str, Any]:
    """Return the facts after the move."""
    return {**without(facts), DONE_FACT: move.as_fact()}


def without(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts without any move."""
    return {name: fact for name, fact in facts.items() if name != FACT}


def read_instant(text: str | None) -> datetime | None:
    """Return the instant in UTC; None where it is none."""
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
