"""A school as people see it: its entry without credentials, its lists, what waits for it. The API shows it as it is."""

from collections.abc import Iterable

from writeback.domain.mode import mode_of
from writeback.store.schools.removals import HeldBack
from writeback.store.schools.schools import ListState
from writeback.store.tables import BreakerRow, Lane, SchoolRow
from writeback_client.models import schools as shown


def view_of(
    row: SchoolRow,
    *,
    hook_url: str,
    waiting: int,
    lists: Iterable[ListState],
    held_back: Iterable[HeldBack],
    held_lanes: Iterable[Lane],
    breaker: BreakerRow | None,
) -> shown.School:
    """Return the row as people see it; `breaker`: the school's own, where it is open."""
    waits = {one.list: shown.HeldBack(count=one.entries, since=one.since) for one in held_back}
    hold = None
    if row.hold_reason:
        hold = shown.Hold(reason=row.hold_reason, detail=row.hold_detail or "", since=row.held_at, until=row.hold_until)
    left_alone = None
    if breaker and breaker.open_until:
        left_alone = shown.Rest(detail=breaker.reason or "", since=breaker.since, until=breaker.open_until)
    return shown.School(
        id=row.id,
        mode=mode_of(row.id),
        name=row.name,
        provider=row.provider,
        mis=row.mis,
        provider_school_id=row.provider_school_id,
        base_url=row.base_url,
        state="active" if hold is None else "held",
        hold=hold,
        held_families=[_held(lane) for lane in held_lanes if lane.hold_reason],
        left_alone=left_alone,
        hook_url=hook_url,
        facts=row.facts,
        overrides=row.overrides,
        defaults=row.defaults,
        office_marks=row.office_marks,
        content_days=row.content_days,
        late_registers=row.late_registers,
        directory=row.directory,
        country=row.country,
        lookups=[_cached(one, waits.get(one.list)) for one in lists],
        waiting=waiting,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _held(lane: Lane) -> shown.FamilyHold:
    return shown.FamilyHold(
        reason=lane.hold_reason, detail=lane.hold_detail or "", since=lane.held_at, family=lane.family
    )


def _cached(one: ListState, held_back: shown.HeldBack | None) -> shown.CachedList:
    return shown.CachedList(
        list=one.list,
        rows=one.rows,
        version=one.version,
        fetched_at=one.fetched_at,
        full_at=one.full_at,
        held_back=held_back,
    )
