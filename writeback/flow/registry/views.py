"""A school as people see it: its entry without credentials, its lists, what waits for it. The API shows it as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from writeback.store.schools.removals import HeldBack
from writeback.store.schools.schools import ListState
from writeback.store.tables import BreakerRow, Lane, SchoolRow

SHOWN = ConfigDict(use_attribute_docstrings=True)
"""Has what stands below a field here stand beside it in the OpenAPI document."""


@dataclass(frozen=True)
class HoldView:
    """Why a school is held, and since when."""

    __pydantic_config__ = SHOWN

    reason: str
    detail: str
    since: datetime | None


@dataclass(frozen=True)
class FamilyHoldView(HoldView):
    """Why one family of kinds is held, and since when; the others go on."""

    family: str
    """`session-marks`, `lesson-marks`, `conduct`, `detention`, `absence` or `raw`."""


@dataclass(frozen=True)
class RestView:
    """Why nothing is sent to a school for a while."""

    __pydantic_config__ = SHOWN

    detail: str
    """What its provider asked for, or how it fails to answer."""
    since: datetime
    until: datetime
    """Then one request tries; `resume` has all of them go at once."""


@dataclass(frozen=True)
class HeldBackView:
    """What fell out of a list at once, and stays in it until somebody says whether that is true."""

    __pydantic_config__ = SHOWN

    count: int
    """Entries that the provider has no longer."""
    since: datetime


@dataclass(frozen=True)
class ListView:
    """How fresh one cached list of a school is."""

    __pydantic_config__ = SHOWN

    list: str
    rows: int
    version: int
    fetched_at: datetime
    full_at: datetime | None
    """When it was last fetched from the beginning, not only what had changed; null: that is not known."""
    held_back: HeldBackView | None
    """`POST …/lookups/{list}/removals` takes them out, or has them stay."""


@dataclass(frozen=True)
class SchoolView:
    """A school. Its credentials are never shown."""

    __pydantic_config__ = SHOWN

    id: str
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str
    """Empty: the provider's own."""
    state: str
    """`active` or `held`."""
    hold: HoldView | None
    held_families: Sequence[FamilyHoldView]
    """Families of kinds that are held by themselves."""
    left_alone: RestView | None
    """Where its provider has asked to be left alone, or does not answer."""
    hook_url: str | None
    """Where the provider calls; shown to keys with the scope admin."""
    facts: Mapping[str, Any]
    """What the provider last said of the school."""
    overrides: Mapping[str, Any]
    """The school's own feature rules, kind by kind."""
    lookups: Sequence[ListView]
    waiting: int
    """Writebacks that have not ended."""
    created_at: datetime
    updated_at: datetime


def view_of(
    row: SchoolRow,
    *,
    hook_url: str,
    waiting: int,
    lists: Iterable[ListState],
    held_back: Iterable[HeldBack],
    held_lanes: Iterable[Lane],
    breaker: BreakerRow | None,
) -> SchoolView:
    """Return the row as people see it; `breaker`: the school's own, where it is open."""
    waits = {one.list: HeldBackView(one.entries, one.since) for one in held_back}
    hold = HoldView(row.hold_reason, row.hold_detail or "", row.held_at) if row.hold_reason else None
    return SchoolView(
        id=row.id,
        name=row.name,
        provider=row.provider,
        mis=row.mis,
        provider_school_id=row.provider_school_id,
        base_url=row.base_url,
        state="active" if hold is None else "held",
        hold=hold,
        held_families=[
            FamilyHoldView(lane.hold_reason, lane.hold_detail or "", lane.held_at, lane.family)
            for lane in held_lanes
            if lane.hold_reason
        ],
        left_alone=RestView(breaker.reason or "", breaker.since, breaker.open_until)
        if breaker and breaker.open_until
        else None,
        hook_url=hook_url,
        facts=row.facts,
        overrides=row.overrides,
        lookups=[
            ListView(one.list, one.rows, one.version, one.fetched_at, one.full_at, waits.get(one.list)) for one in lists
        ],
        waiting=waiting,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
