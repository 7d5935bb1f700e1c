"""A school as people see it: its entry without credentials, its lists, what waits for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.store.schools import ListState
from writeback.store.tables import SchoolRow


@dataclass(frozen=True)
class HoldView:
    """Why a school is held, and since when."""

    reason: str
    detail: str
    since: datetime | None


@dataclass(frozen=True)
class ListView:
    """How fresh one cached list is."""

    list: str
    rows: int
    version: int
    fetched_at: datetime


@dataclass(frozen=True)
class SchoolView:
    """A school. `waiting`: its writebacks in no final state."""

    id: str
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str
    state: str
    hold: HoldView | None
    hook_url: str | None
    """Where its provider calls; only for those who may register it there."""
    facts: Mapping[str, Any]
    overrides: Mapping[str, Any]
    lookups: Sequence[ListView]
    waiting: int
    created_at: datetime
    updated_at: datetime


def view_of(row: SchoolRow, *, hook_url: str, waiting: int, lists: Iterable[ListState]) -> SchoolView:
    """Return the row as people see it."""
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
        hook_url=hook_url,
        facts=row.facts,
        overrides=row.overrides,
        lookups=[ListView(one.list, one.rows, one.version, one.fetched_at) for one in lists],
        waiting=waiting,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
