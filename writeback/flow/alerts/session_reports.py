"""How a session went, at its end: made for whoever wants reports, once for each time of the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlmodel import Session

from writeback.domain.alerts import Told
from writeback.domain.states import Status
from writeback.flow.alerts.incidents import message_to
from writeback.flow.engine.context import FlowContext
from writeback.store.alerts import receivers
from writeback.store.reads import overview, rollups
from writeback.store.reads.overview import Waiting
from writeback.store.reads.rollups import OfSchool
from writeback.store.tables import AlertReceiverRow

_LATE = timedelta(hours=2)
"""A report that could not be made for so long, e.g. because no worker ran, is of no use any more."""
_MOST_SCHOOLS = 30
_OWN = {Status.HELD.value: "held", Status.NEEDS_ATTENTION.value: "deciding"}


def due_slot(receiver: AlertReceiverRow, times: Sequence[time], now: datetime) -> datetime | None:
    """Return the time of the day that has just passed on its clock and was not reported yet; None: there is none."""
    here = now.astimezone(ZoneInfo(receiver.timezone))
    passed = [slot for at in times if (slot := datetime.combine(here.date(), at, here.tzinfo)) <= here]
    last = max(passed, default=None)
    if last is None or here - last > _LATE:
        return None
    is_new = receiver.reported_at is None or receiver.reported_at < last
    return last.astimezone(UTC) if is_new else None


async def report_those_due(flow: FlowContext, now: datetime) -> int:
    """Make the reports that are due; return how many. Where nothing was accepted that day there is none to make."""
    times = flow.settings.alerts.report_at
    async with flow.db.read() as session:
        rows = await session.run_sync(lambda plain: receivers.all_of(plain))  # type: ignore[arg-type]
    due = {row.id: row for row in rows if row.reports and due_slot(row, times, now)}
    made = 0
    for zone in sorted({row.timezone for row in due.values()}):
        day = await _day(flow, now.astimezone(ZoneInfo(zone)))
        made += await flow.db.transact(partial(_make, day, times, now, zone))
    return made


@dataclass(frozen=True)
class Day:
    """What was accepted since midnight, by school."""

    sent: Mapping[str, OfSchool]
    waiting: Sequence[Waiting]


async def _day(flow: FlowContext, here: datetime) -> Day:
    midnight = datetime.combine(here.date(), time.min, here.tzinfo).astimezone(UTC)
    async with flow.db.read() as session:
        sent = await rollups.by_school(session, None, midnight)
        waiting = await overview.waiting(session, None, midnight)
    return Day({one.school_id: one for one in sent}, [one for one in waiting if one.recent])


def _make(day: Day, times: Sequence[time], now: datetime, zone: str, session: Session) -> int:
    made = 0
    for row in receivers.wanting_reports(session):
        if row.timezone != zone or due_slot(row, times, now) is None:
            continue
        row.reported_at = now
        session.add(row)
        content = facts(day, row.schools, now)
        if content["accepted"]:
            session.add(message_to(row, Told.REPORT, content, now))
            made += 1
    return made


def facts(day: Day, only: Sequence[str] | None, now: datetime) -> dict[str, object]:
    """Return what a report says: counts of what was accepted that day, and where it is not in the MIS. Pure."""
    schools = [
        {"school": school, **_counts(sent, [one for one in day.waiting if one.school_id == school])}
        for school, sent in day.sent.items()
        if only is None or school in only
    ]
    amiss = sorted((one for one in schools if _sum(one)), key=lambda one: (-_sum(one), str(one["school"])))
    return {
        "until": now.isoformat(),
        "accepted": sum(one.accepted for school, one in day.sent.items() if only is None or school in only),
        "not_in_mis": sum(map(_sum, amiss)),
        "schools": amiss[:_MOST_SCHOOLS],
        "more_schools": max(0, len(amiss) - _MOST_SCHOOLS),
    }


def _counts(sent: OfSchool, waiting: Sequence[Waiting]) -> dict[str, int]:
    found = {"failed": sent.failed, "held": 0, "deciding": 0, "waiting": 0}
    for one in waiting:
        found[_OWN.get(one.status, "waiting")] += one.recent
    return found


def _sum(counts: Mapping[str, object]) -> int:
    return sum(value for name, value in counts.items() if isinstance(value, int) and name != "school")
