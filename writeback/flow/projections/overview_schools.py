"""How each school stands: which need someone, why, since when and for how much. The one place that decides it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from writeback.domain.states import WITH_PROVIDER, Status
from writeback.store.reads.overview import SchoolState, Waiting
from writeback.store.reads.rollups import OfSchool
from writeback.store.schools.removals import HeldBack
from writeback.store.tables import BreakerRow, Lane
from writeback.store.writebacks.breakers import of_school

STUCK_AFTER = timedelta(minutes=5)
"""What waits for less to be sent needs nobody yet: a request that was not answered is tried again after so long."""
FEW, FEW_AFTER = 3, timedelta(minutes=10)
"""Fewer writebacks than this may be a trouble of their own: they count when they have waited for so long."""
FAILING_LEAST = 5
"""Writebacks of a school that fail within an hour; fewer are single troubles, which the lists show."""

ASK_AFTER = timedelta(minutes=1)
"""A school that is quiet for so long, and for half of what is usual, is asked about: before anybody need be told."""

Usual = Callable[[str, str], timedelta]
"""How long a provider and MIS usually need for evidence."""


class Need(StrEnum):
    """What a school needs someone for; of several the first holds."""

    HELD = "held"
    """It is held, or one family of kinds is: nothing is sent of it."""
    UNANSWERED = "unanswered"
    """Its requests get no answer, so it is left alone for a while."""
    FAILING = "failing"
    """Most of what it sent lately failed."""
    NO_EVIDENCE = "no_evidence"
    """The provider has them for longer than it usually needs, and does not say what became of them."""
    STUCK = "stuck"
    """They are not sent, and nothing says why."""
    DECIDE = "decide"
    """A person has to decide about writebacks."""
    LIST_SHRANK = "list_shrank"
    """Much fell out of one of its lists at once: somebody is to say whether that is true."""

    @property
    def stops_all(self) -> bool:
        """Whether nothing of the school gets through, or hardly anything: these come before all others."""
        return self not in (Need.DECIDE, Need.LIST_SHRANK)


class Standing(StrEnum):
    """How a school stands that needs nobody."""

    WELL = "well"
    """What it sent today is confirmed."""
    BUSY = "busy"
    """Something is on its way, for no longer than usual."""
    SOME_FAILED = "some_failed"
    """Some of what it sent today failed."""
    QUIET = "quiet"
    """It sent nothing today."""


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
    failed: int = 0
    """Writebacks of today that failed."""
    asked_at: datetime | None = None
    """When its provider last said how it stands."""
    until: datetime | None = None
    """When a hold by staff ends by itself."""

    @property
    def affected(self) -> int:
        """Writebacks that are not in the MIS: they wait, or failed today."""
        return self.waiting + self.failed


@dataclass(frozen=True)
class SchoolCell:
    """One school in the grid: `state` is its need, or how it stands without one."""

    id: str
    name: str
    state: Need | Standing
    affected: int


@dataclass(frozen=True)
class Facts:
    """What is known of schools. `breakers`: the open ones by key; `held_lanes`, `held_back`: the longest first."""

    states: Sequence[SchoolState]
    waiting: Iterable[Waiting] = ()
    breakers: Mapping[str, BreakerRow] = field(default_factory=dict)
    held_lanes: Iterable[Lane] = ()
    held_back: Iterable[HeldBack] = ()
    lately: Iterable[OfSchool] = ()
    """What was accepted in the last hour, and became of it."""
    today: Iterable[OfSchool] = ()
    usual: Usual = lambda provider, mis: FEW_AFTER


@dataclass(frozen=True)
class Look:
    """What came of looking."""

    needs: Sequence[SchoolNeed]
    """Schools that need someone: those of which nothing gets through first, and of these the one with most."""
    grid: Sequence[SchoolCell]
    """A cell for every school, in the order of what was given."""
    quiet: Sequence[str]
    """Ids of schools that nobody has said anything of, and from which evidence or an answer should have come."""


@dataclass
class _Known:
    """What is known of one school."""

    waiting: list[Waiting] = field(default_factory=list)
    lane: Lane | None = None
    shrunk: HeldBack | None = None
    lately: OfSchool | None = None
    today: OfSchool | None = None


def look_at(facts: Facts, now: datetime) -> Look:
    """Return how each of the schools stands."""
    known: dict[str, _Known] = defaultdict(_Known)
    for one in facts.waiting:
        known[one.school_id].waiting.append(one)
    for lane in reversed(list(facts.held_lanes)):
        known[lane.school_id].lane = lane
    for shrunk in reversed(list(facts.held_back)):
        known[shrunk.school_id].shrunk = shrunk
    for lately in facts.lately:
        known[lately.school_id].lately = lately
    for today in facts.today:
        known[today.school_id].today = today
    needs, cells, quiet = [], [], []
    for state in facts.states:
        of = known[state.id]
        usual = facts.usual(state.provider, state.mis)
        need = _need(state, of, facts.breakers.get(of_school(state.id)), usual, now)
        if need is not None:
            needs.append(need)
        cells.append(_cell(state, of, need))
        if _is_quiet(of, need, usual, now):
            quiet.append(state.id)
    needs.sort(key=lambda need: (not need.need.stops_all, -need.affected, need.since, need.name))
    return Look(needs, cells, quiet)


def _cell(state: SchoolState, of: _Known, need: SchoolNeed | None) -> SchoolCell:
    if need is not None:
        return SchoolCell(state.id, state.name, need.need, need.affected)
    waiting = sum(one.writebacks for one in of.waiting)
    failed = of.today.failed if of.today else 0
    if failed:
        standing = Standing.SOME_FAILED
    elif waiting:
        standing = Standing.BUSY
    else:
        standing = Standing.WELL if of.today is not None and of.today.confirmed else Standing.QUIET
    return SchoolCell(state.id, state.name, standing, waiting + failed)


def _need(
    state: SchoolState, of: _Known, breaker: BreakerRow | None, usual: timedelta, now: datetime
) -> SchoolNeed | None:
    to_decide = [one for one in of.waiting if one.status == Status.NEEDS_ATTENTION.value]
    held = [one for one in of.waiting if one.status == Status.HELD.value]
    unsure = [one for one in of.waiting if one.status in WITH_PROVIDER and _is_late(one, usual, now)]
    unsent = [
        one for one in of.waiting if one.status not in (*_EXPLAINED, *WITH_PROVIDER) and _is_late(one, STUCK_AFTER, now)
    ]
    reason, detail = "", ""
    if state.hold_reason:
        need, reason, detail = Need.HELD, state.hold_reason, state.hold_detail or ""
        since = state.held_at or min((one.since for one in held), default=now)
    elif of.lane is not None:
        need, reason = Need.HELD, of.lane.hold_reason or ""
        detail = f"{of.lane.family} alone: {of.lane.hold_detail or ''}"
        since = of.lane.held_at or min((one.since for one in held), default=now)
    elif breaker is not None:
        need, reason, since = Need.UNANSWERED, breaker.reason or "", breaker.since
    elif of.lately is not None and _is_failing(of.lately):
        need, since = Need.FAILING, of.lately.failing_since or now
        detail = f"{of.lately.failed} failed, {of.lately.confirmed} confirmed"
    elif unsure:
        need, since = Need.NO_EVIDENCE, min(one.since for one in unsure)
    elif unsent:
        need, since = Need.STUCK, min(one.since for one in unsent)
    elif to_decide:
        need, since = Need.DECIDE, min(one.changed_at for one in to_decide)
    elif of.shrunk is not None:
        need, reason, since = Need.LIST_SHRANK, of.shrunk.list, of.shrunk.since
        detail = f"{of.shrunk.entries} entries are missing; until somebody decides they stay in use"
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
        waiting=sum(one.writebacks for one in of.waiting),
        to_decide=sum(one.writebacks for one in to_decide),
        failed=of.today.failed if of.today else 0,
        until=state.hold_until,
    )


_EXPLAINED = (Status.NEEDS_ATTENTION.value, Status.HELD.value)


def _is_quiet(of: _Known, need: SchoolNeed | None, usual: timedelta, now: datetime) -> bool:
    """Whether its provider should be asked about it."""
    if need is not None and need.need is not Need.DECIDE:
        return need.need in (Need.UNANSWERED, Need.FAILING, Need.NO_EVIDENCE, Need.STUCK)
    patience = max(ASK_AFTER, usual / 2)
    return any(one.status not in _EXPLAINED and _is_late(one, patience, now) for one in of.waiting)


def _is_late(one: Waiting, patience: timedelta, now: datetime) -> bool:
    """Whether it has waited too long, and is more than a few; a few count when they have waited for very long."""
    age = now - one.since
    return age >= patience and (one.writebacks >= FEW or age >= max(patience, FEW_AFTER))


def _is_failing(lately: OfSchool) -> bool:
    return lately.failed >= FAILING_LEAST and lately.failed >= lately.confirmed
