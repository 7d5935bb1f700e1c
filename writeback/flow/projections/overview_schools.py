"""Which schools need someone, why, and since when: the longest waiting first. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from writeback.domain.states import WITH_PROVIDER, Status
from writeback.store.reads.overview import SchoolState, Waiting
from writeback.store.reads.rollups import OfSchool
from writeback.store.schools.removals import HeldBack
from writeback.store.tables import BreakerRow, Lane
from writeback.store.writebacks.breakers import of_school

PATIENCE = timedelta(minutes=10)
"""What waits for less needs nobody yet."""
FAILING_LEAST = 5
"""Writebacks of a school that fail within an hour; fewer are single troubles, which the lists show."""


class Need(StrEnum):
    """What a school needs someone for; of several the first holds."""

    HELD = "held"
    """It is held, or one family of kinds is: nothing is sent of it."""
    UNANSWERED = "unanswered"
    """Its requests get no answer, so it is left alone for a while."""
    FAILING = "failing"
    """Most of what it sent lately failed."""
    DECIDE = "decide"
    """A person has to decide about writebacks."""
    NO_EVIDENCE = "no_evidence"
    """The provider has them, and does not say what became of them."""
    STUCK = "stuck"
    """They are not sent, and nothing says why."""
    LIST_SHRANK = "list_shrank"
    """Much fell out of one of its lists at once: somebody is to say whether that is true."""


@dataclass(frozen=True)
class SchoolNeed:
    """One school that needs someone."""

    id: str
    name: str
    provider: str
    mis: str
    need: Need
    reason: str
    """Of a hold: its code; of requests without answer: what came instead; of a list: its name."""
    detail: str
    since: datetime
    waiting: int
    """Writebacks that have not ended, whatever for."""
    to_decide: int
    """Those of them that a person has to decide about."""


def needs_of(
    states: Iterable[SchoolState],
    waiting: Iterable[Waiting],
    breakers: Mapping[str, BreakerRow],
    held_lanes: Iterable[Lane],
    held_back: Iterable[HeldBack],
    lately: Iterable[OfSchool],
    now: datetime,
) -> list[SchoolNeed]:
    """Return the schools that need someone; `breakers`: the open ones by key; `held_lanes` and
    `held_back`: the longest first; `lately`: what was accepted lately, and became of it."""
    by_school: dict[str, list[Waiting]] = defaultdict(list)
    for one in waiting:
        by_school[one.school_id].append(one)
    lanes = {lane.school_id: lane for lane in reversed(list(held_lanes))}
    shrunk = {one.school_id: one for one in reversed(list(held_back))}
    failing = {one.school_id: one for one in lately if _is_failing(one)}
    found = [
        _need(
            state,
            by_school[state.id],
            breakers.get(of_school(state.id)),
            lanes.get(state.id),
            shrunk.get(state.id),
            failing.get(state.id),
            now,
        )
        for state in states
    ]
    return sorted((need for need in found if need is not None), key=lambda need: (need.since, need.name))


def _need(
    state: SchoolState,
    waiting: Sequence[Waiting],
    breaker: BreakerRow | None,
    lane: Lane | None,
    shrunk: HeldBack | None,
    failing: OfSchool | None,
    now: datetime,
) -> SchoolNeed | None:
    to_decide = [one for one in waiting if one.status == Status.NEEDS_ATTENTION.value]
    late = [one for one in waiting if one.status not in _EXPLAINED and now - one.since >= PATIENCE]
    unsure = [one for one in late if one.status in WITH_PROVIDER]
    held = [one for one in waiting if one.status == Status.HELD.value]
    reason, detail = "", ""
    if state.hold_reason:
        need, reason, detail = Need.HELD, state.hold_reason, state.hold_detail or ""
        since = state.held_at or min((one.since for one in held), default=now)
    elif lane is not None:
        need, reason, detail = Need.HELD, lane.hold_reason or "", f"{lane.family} alone: {lane.hold_detail or ''}"
        since = lane.held_at or min((one.since for one in held), default=now)
    elif breaker is not None:
        need, reason, since = Need.UNANSWERED, breaker.reason or "", breaker.since
    elif failing is not None:
        need, since = Need.FAILING, failing.failing_since or now
        detail = f"{failing.failed} failed, {failing.confirmed} confirmed"
    elif to_decide:
        need, since = Need.DECIDE, min(one.changed_at for one in to_decide)
    elif late:
        need = Need.NO_EVIDENCE if len(unsure) == len(late) else Need.STUCK
        since = min(one.since for one in late)
    elif shrunk is not None:
        need, reason, since = Need.LIST_SHRANK, shrunk.list, shrunk.since
        detail = f"{shrunk.entries} entries are missing; until somebody decides they stay in use"
    else:
        return None
    return SchoolNeed(
        id=state.id,
        name=state.name,
        provider=state.provider,
        mis=state.mis,
        need=need,
        reason=reason,
        detail=detail,
        since=since,
        waiting=sum(one.writebacks for one in waiting),
        to_decide=sum(one.writebacks for one in to_decide),
    )


def _is_failing(lately: OfSchool) -> bool:
    return lately.failed >= FAILING_LEAST and lately.failed >= lately.confirmed


_EXPLAINED = (Status.NEEDS_ATTENTION.value, Status.HELD.value)
