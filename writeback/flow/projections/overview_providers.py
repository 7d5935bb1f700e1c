"""How each provider does: whether what is written gets through it. The one place that decides it. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from writeback.flow.projections.rollups import quantile

SHORTEST_USUAL = timedelta(minutes=2)
"""Also where too little has been confirmed to know how long it usually takes."""
_KNOWN_FROM = 20
_NEARLY_ALL = 0.95
_GOOD, _BAD, _MOST = 0.9, 0.05, 0.5
"""Parts of what was accepted: below the first not yet confirmed, or above the second failed, it is worth saying so;
from the third on it is the news."""
_FEW = 5
"""Of fewer writebacks nothing is said of all: they may be troubles of their own."""


@dataclass(frozen=True)
class ProviderState:
    """How one provider does. Counts are of what was accepted within the window."""

    provider: str
    accepted: int
    """Without what was superseded or cancelled, what a hold holds back, and what a person is asked about."""
    confirmed: int
    failed: int
    only_registers: bool
    waiting: int
    """Whenever accepted; without what holds hold back, and what a person is asked about."""
    held: int
    """What holds hold back."""
    held_lately: int
    """What of that was accepted within the window."""
    held_schools: int
    waiting_since: datetime | None
    last_evidence_at: datetime | None
    median_s: float | None
    """From acceptance to evidence."""
    unanswered_since: datetime | None
    """The provider answers nobody, since then."""


class Health(StrEnum):
    """How a provider does; of several the first holds."""

    UNANSWERED = "unanswered"
    """It answers nobody."""
    NOTHING = "nothing"
    """Of what came in within the window nothing is confirmed: it failed, or is held."""
    SILENT = "silent"
    """Something waits for longer than usual, and no evidence has come for as long."""
    MOST_FAIL = "most_fail"
    SOME_FAIL = "some_fail"
    SLOW = "slow"
    """Much is not confirmed yet."""
    WELL = "well"
    WAITING = "waiting"
    """Nothing came in within the window; something from before is on its way."""
    IDLE = "idle"

    @property
    def is_bad(self) -> bool:
        """Whether nothing gets through, or hardly anything."""
        return self in (Health.UNANSWERED, Health.NOTHING, Health.SILENT, Health.MOST_FAIL)


def health_of(state: ProviderState, usual: timedelta, now: datetime) -> Health:
    """Return how a provider does; `usual`: how long it usually takes from acceptance to evidence."""
    came_in = state.accepted + state.held_lately
    if state.unanswered_since is not None:
        return Health.UNANSWERED
    if not state.confirmed and came_in >= _FEW and 2 * (state.failed + state.held_lately) > came_in:
        return Health.NOTHING
    if _is_silent(state, usual, now):
        return Health.SILENT
    if not state.accepted:
        return Health.WAITING if state.waiting else Health.IDLE
    if state.failed >= max(_FEW, _MOST * state.accepted):
        return Health.MOST_FAIL
    if state.failed > _BAD * state.accepted:
        return Health.SOME_FAIL
    if state.confirmed < _GOOD * state.accepted and state.waiting:
        return Health.SLOW
    return Health.WELL


def _is_silent(state: ProviderState, usual: timedelta, now: datetime) -> bool:
    """Whether something has waited for evidence for longer than usual, and none at all has come since."""
    if state.waiting_since is None or now - state.waiting_since < usual:
        return False
    return state.last_evidence_at is None or now - state.last_evidence_at >= usual


def usual_time(times: Mapping[tuple[str, str], Counter[int]], provider: str, mis: str) -> timedelta:
    """Return how long this provider and MIS usually need for evidence: 95 of 100 take no longer."""
    took = times.get((provider, mis), Counter())
    seconds = quantile(took, _NEARLY_ALL) if took.total() >= _KNOWN_FROM else None
    return max(SHORTEST_USUAL, timedelta(seconds=seconds or 0))
