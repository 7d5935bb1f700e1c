"""Queries behind the metrics that only the database knows. None grows with what has ended.

`flow/metrics/reading.py` asks them every few seconds at most.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import String, and_, case, func, literal, select, union_all
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.mode import Mode
from writeback.domain.states import FINAL, Status
from writeback.store.apps.outbox import UNFINISHED
from writeback.store.reads.filters import in_mode
from writeback.store.tables import (
    BreakerRow,
    DeliveryRow,
    DriftCursorRow,
    EventRow,
    Lane,
    LookupRow,
    RollupCursorRow,
    SchoolRow,
    SearchCursorRow,
    WebhookRow,
    WritebackRow,
)

_LIVE = in_mode(Mode.LIVE, SchoolRow.id)
"""Nobody is woken for a test."""
_WAITING = tuple(status.value for status in Status if status not in FINAL)
_CURSORS = {"rollup": RollupCursorRow, "search": SearchCursorRow, "drift": DriftCursorRow}
OF_PROVIDER, OF_SCHOOL = "provider", "school"


class Waiting(NamedTuple):
    """Writebacks that have not ended. `since`: the first of them was accepted then."""

    provider: str
    family: str
    """Empty where it is about one school, as `status` is."""
    status: str
    school: str
    """Empty: all schools."""
    writebacks: int
    since: datetime


class SchoolsHeld(NamedTuple):
    provider: str
    reason: str
    """Empty: those that are not held."""
    schools: int


class Lag(NamedTuple):
    """How far one reader of events is behind: `since` is when the first happened that it has yet to read."""

    name: str
    events: int
    since: datetime | None


class DueSyncs(NamedTuple):
    """Schools whose lists are due and nobody fetches. `since`: the first of them is due since then."""

    provider: str
    schools: int
    since: datetime


class Lists(NamedTuple):
    """Lists of a provider's schools. `oldest`: when that was last fetched which nobody has fetched for longest."""

    provider: str
    oldest: datetime
    stale: int


class Webhooks(NamedTuple):
    waiting: int
    """Deliveries that wait for their first attempt, or their next, or are under way."""
    due_since: datetime | None
    """The first of them should have gone out then."""
    failing: int
    disabled: int


class Leases(NamedTuple):
    held: int
    expired: int
    """Of workers that are gone, and nobody has taken since."""


async def waiting(session: AsyncSession, most_schools: int) -> Sequence[Waiting]:
    """Return what has not ended by provider, family and status; and of so many schools that have waited longest."""
    connection = await session.connection()
    # By lane first: an index has that with status and sequence, and only what waits is in the groups that follow.
    by_lane = (
        select(
            col(WritebackRow.lane_id),
            col(WritebackRow.status),
            func.count().label("n"),
            func.min(WritebackRow.seq).label("first"),
        )
        .where(col(WritebackRow.status).in_(_WAITING))
        .group_by(col(WritebackRow.lane_id), col(WritebackRow.status))
        .cte("by_lane")
    )
    of_lane = (
        select(
            col(SchoolRow.provider),
            col(Lane.family),
            by_lane.c.status,
            col(Lane.school_id),
            by_lane.c.n,
            by_lane.c.first,
        )
        .join(Lane, col(Lane.id) == by_lane.c.lane_id)
        .join(SchoolRow, col(SchoolRow.id) == col(Lane.school_id))
        .where(*_LIVE)
        .cte("of_lane")
    )
    first, number = func.min(of_lane.c.first).label("first"), func.sum(of_lane.c.n).label("n")
    empty = literal("", String)
    by_family = select(of_lane.c.provider, of_lane.c.family, of_lane.c.status, empty.label("school"), number, first)
    by_family = by_family.group_by(of_lane.c.provider, of_lane.c.family, of_lane.c.status)
    by_school = (
        select(of_lane.c.provider, empty.label("family"), empty.label("status"), of_lane.c.school_id, number, first)
        .group_by(of_lane.c.provider, of_lane.c.school_id)
        .order_by(first)
        .limit(most_schools)
        .subquery()
    )
    found: Sequence[Any] = (await connection.execute(union_all(by_family, by_school.select()))).all()
    seqs = sorted({row[5] for row in found})
    at = select(col(WritebackRow.seq), col(WritebackRow.created_at)).where(col(WritebackRow.seq).in_(seqs))
    rows: Sequence[Any] = (await connection.execute(at)).all() if seqs else ()
    accepted_at: dict[int, datetime] = dict(map(tuple, rows))
    return [
        Waiting(row[0], row[1], row[2], row[3], int(row[4]), accepted_at[row[5]])
        for row in found
        if row[5] in accepted_at
    ]


async def schools(session: AsyncSession) -> Sequence[SchoolsHeld]:
    """Return how many schools each provider has, by why they are held."""
    reason = func.coalesce(SchoolRow.hold_reason, "")
    query = select(col(SchoolRow.provider), reason, func.count()).where(*_LIVE)
    query = query.group_by(col(SchoolRow.provider), reason)
    return [SchoolsHeld(*row) for row in (await (await session.connection()).execute(query)).all()]


async def breakers(session: AsyncSession) -> Mapping[tuple[str, str], int]:
    """Return how many breakers are open, by provider and whether they are its own or its schools'."""
    connection = await session.connection()
    of_schools = (
        select(col(SchoolRow.provider), func.count())
        .join(BreakerRow, col(BreakerRow.key) == literal("school:") + col(SchoolRow.id))
        .where(col(BreakerRow.open_until).is_not(None), *_LIVE)
        .group_by(col(SchoolRow.provider))
    )
    own = select(col(BreakerRow.key)).where(
        col(BreakerRow.open_until).is_not(None), col(BreakerRow.key).startswith("provider:", autoescape=True)
    )
    found = {(provider, OF_SCHOOL): number for provider, number in (await connection.execute(of_schools)).all()}
    for key in (await connection.execute(own)).scalars():
        name = key.removeprefix("provider:").partition("@")[0]
        found[name, OF_PROVIDER] = found.get((name, OF_PROVIDER), 0) + 1
    return found


async def leases(session: AsyncSession, now: datetime) -> Leases:
    """Return how many lanes a worker holds, and how many one held that is gone."""
    is_held = case((col(Lane.lease_until) > now, 1), else_=0)
    is_expired = case((and_(col(Lane.lease_until) <= now, col(Lane.lease_owner).is_not(None)), 1), else_=0)
    query = select(func.sum(is_held), func.sum(is_expired)).where(col(Lane.lease_until).is_not(None))
    held, expired = (await (await session.connection()).execute(query)).one()
    return Leases(int(held or 0), int(expired or 0))


async def lags(session: AsyncSession) -> Sequence[Lag]:
    """Return how far each reader of events is behind the newest of them."""
    connection = await session.connection()
    newest: int = (await connection.execute(select(func.coalesce(func.max(EventRow.id), 0)))).scalar_one() or 0
    at: dict[str, int | None] = {
        name: (await connection.execute(select(row.event_id))).scalar()  # type: ignore[attr-defined]
        for name, row in _CURSORS.items()
    }
    enabled = select(func.min(WebhookRow.cursor)).where(col(WebhookRow.disabled_at).is_(None))
    at["webhooks"] = (await connection.execute(enabled)).scalar()
    found = []
    for name, read in at.items():
        if read is None:  # it has not begun, or there is nobody to read for
            continue
        following = select(col(EventRow.at)).where(col(EventRow.id) > read).order_by(col(EventRow.id)).limit(1)
        since = (await connection.execute(following)).scalar() if read < newest else None
        found.append(Lag(name, max(0, newest - read), since))
    return found


async def due_syncs(session: AsyncSession, now: datetime) -> Sequence[DueSyncs]:
    """Return whose lists are due and not being fetched."""
    query = (
        select(col(SchoolRow.provider), func.count(), func.min(SchoolRow.sync_at))
        .where(col(SchoolRow.sync_at) <= now, *_LIVE)
        .group_by(col(SchoolRow.provider))
    )
    found: Sequence[Any] = (await (await session.connection()).execute(query)).all()
    return [DueSyncs(*row) for row in found]


async def lists(session: AsyncSession, providers: Sequence[str], stale_before: datetime) -> Sequence[Lists]:
    """Return how old the lists of each provider's schools are.

    Each fetch changes a list's row, and when a row was changed has an index.
    """
    connection = await session.connection()
    is_of_school = col(LookupRow.school_id) == col(SchoolRow.id)
    stale = (
        select(col(SchoolRow.provider), func.count())
        .join(LookupRow, is_of_school)
        .where(col(LookupRow.changed_at) < stale_before, *_LIVE)
        .group_by(col(SchoolRow.provider))
    )
    stale_rows: Sequence[Any] = (await connection.execute(stale)).all()
    stale_of: dict[str, int] = dict(map(tuple, stale_rows))
    found = []
    for provider in providers:
        oldest = (
            select(col(LookupRow.changed_at))
            .join(SchoolRow, is_of_school)
            .where(col(SchoolRow.provider) == provider, col(LookupRow.changed_at).is_not(None), *_LIVE)
            .order_by(col(LookupRow.changed_at))
            .limit(1)
        )
        fetched_at = (await connection.execute(oldest)).scalar()
        if fetched_at is not None:
            found.append(Lists(provider, fetched_at, stale_of.get(provider, 0)))
    return found


async def webhooks(session: AsyncSession) -> Webhooks:
    """Return what waits to be told to apps, and how their webhooks do."""
    connection = await session.connection()
    is_enabled, of_live = col(WebhookRow.disabled_at).is_(None), in_mode(Mode.LIVE, WebhookRow.app_id)
    query = (
        select(func.count(), func.min(DeliveryRow.next_attempt_at))
        .join(WebhookRow, col(WebhookRow.id) == col(DeliveryRow.webhook_id))
        .where(is_enabled, col(DeliveryRow.state).in_(UNFINISHED), *of_live)
    )
    number, due_since = (await connection.execute(query)).one()
    failing = case((and_(is_enabled, col(WebhookRow.failing_since).is_not(None)), 1), else_=0)
    states = select(func.sum(failing), func.count(col(WebhookRow.disabled_at))).where(*of_live)
    failing_now, disabled = (await connection.execute(states)).one()
    return Webhooks(number, due_since, int(failing_now or 0), disabled)
