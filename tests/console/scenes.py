"""A morning as support staff meet it: five schools, one offline, one whose marks fail, one that needs a decision."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from tests.console.copies import copied
from writeback.core.ids import new_id
from writeback.flow.projections.rollups import Rollup
from writeback.store.tables import AttemptRow, EventRow, Lane, RequestRow, SchoolRow, WritebackRow
from writeback.wiring import Services

DAY = "2026-01-12"
NOT_ON_ROLL = {
    "code": "student_not_on_roll",
    "severity": "error",
    "pointer": "/records/0/student_id",
    "record": 0,
    "message": "A104 is not on roll at Oakfield since 2025-12-19",
    "hint": "Take the pupil off the register.",
    "provider_message": None,
}
SCHOOLS = (
    ("hillside", "Hillside School", "xporter", "SIMS"),
    ("oakfield", "Oakfield Academy", "wonde", "Bromcom"),
    ("riverside", "Riverside Primary", "wonde", "Arbor"),
    ("st-marys", "St Mary’s Catholic High School", "wonde", "SIMS"),
    ("westbrook", "Westbrook College", "xporter", "SIMS"),
)


def add_writeback(
    session: Session,
    at: datetime,
    school: str,
    status: str,
    *,
    records: Sequence[Mapping[str, Any]] | None = None,
    progress: Sequence[Mapping[str, Any]] | None = None,
    ended_at: datetime | None = None,
    kind: str = "attendance.session",
    ref: str | None = None,
    hold_reason: str | None = None,
) -> WritebackRow:
    """Add a writeback as it would be by now, with its events."""
    lane = f"{school}:{'session-marks' if kind == 'attendance.session' else 'lesson-marks'}"
    if session.get(Lane, lane) is None:
        session.add(Lane(id=lane, school_id=school, family=lane.partition(":")[2]))
        session.flush()
    row = WritebackRow(
        id=new_id("wb", at),
        app_id="registers",
        school_id=school,
        lane_id=lane,
        kind=kind,
        status=status,
        ref=ref,
        records=json.dumps(records if records is not None else [mark("A101")]),
        progress="" if progress is None else json.dumps(progress),
        attempts=0 if status in ("queued", "held") else 1,
        hold_reason=hold_reason,
        created_at=at,
        updated_at=ended_at or at,
    )
    session.add(row)
    session.add(_event(row, at, "accepted", "queued", "app:registers"))
    answer = {"confirmed": "confirmed", "failed": "failed", "partial": "partly_confirmed", "superseded": "superseded"}
    if status in answer:
        session.add(_event(row, ended_at or at, answer[status], status, "provider:wonde"))
    return row


def mark(student: str, *, session: str = "AM", code: str = "/", day: str = DAY) -> dict[str, Any]:
    return {"student_id": student, "date": day, "session": session, "code": code}


def add_school(session: Session, now: datetime, school_id: str, name: str, provider: str, mis: str) -> SchoolRow:
    row = SchoolRow(
        id=school_id,
        name=name,
        provider=provider,
        mis=mis,
        provider_school_id=f"A-{school_id}",
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


async def morning(services: Services) -> None:
    """Let a morning have happened, up to now."""
    await copied(services, _make)


async def _make(services: Services) -> None:
    await services.reads.db.transact(lambda session: _morning(session, services.clock.now()))
    await Rollup(services.reads.db, services.clock).count()


def _morning(session: Session, now: datetime) -> None:
    rng = random.Random(12)
    schools = {entry[0]: add_school(session, now, *entry) for entry in SCHOOLS}
    held = schools["hillside"]
    held.hold_reason, held.held_at = "school_offline", now - timedelta(minutes=29)
    held.hold_detail = "Its agent has not answered since 08:31."
    for number in range(240):
        at = now - timedelta(seconds=rng.triangular(60, 13_000, 1_200))
        school = rng.choice(["oakfield", "riverside", "st-marys", "westbrook"])
        took = timedelta(seconds=rng.lognormvariate(1.4, 0.6))
        add_writeback(session, at, school, "confirmed", ended_at=at + took, progress=[_confirmed()], ref=f"9A-{number}")
    for number in range(34):
        at = now - timedelta(minutes=29 - number * 0.5)
        add_writeback(session, at, "hillside", "held", hold_reason="school_offline", ref=f"7C-{number}")
    for number in range(9):
        at = now - timedelta(minutes=40 - number)
        records = [mark("A104"), mark("A105"), mark("A106", code="L")]
        failed = {"status": "failed", "findings": [NOT_ON_ROLL]}
        progress = [failed, _confirmed(), _confirmed()]
        row = add_writeback(session, at, "oakfield", "partial", records=records, progress=progress, ended_at=at)
        _add_request(session, row, at)
    attention = [{"status": "needs_attention", "mis_holds": "N"}]
    at = now - timedelta(minutes=18)
    add_writeback(session, at, "st-marys", "needs_attention", progress=attention, ended_at=at, ref="10B")


def _confirmed() -> dict[str, Any]:
    return {"status": "confirmed", "evidence": "wonde_status"}


def _add_request(session: Session, row: WritebackRow, at: datetime) -> None:
    request = RequestRow(
        id=new_id("req", at),
        lane_id=row.lane_id,
        school_id=row.school_id,
        provider="wonde",
        kind=row.kind,
        state="settled",
        fence=1,
        members=[[row.id, [0, 1, 2]]],
        provider_ref="W-1",
        created_at=at,
        sent_at=at,
        settled_at=at,
        result="refused",
    )
    session.add(request)
    session.flush()
    session.add(AttemptRow(request_id=request.id, number=1, started_at=at, finished_at=at, outcome="refused"))


def _event(row: WritebackRow, at: datetime, event: str, status: str, actor: str) -> EventRow:
    return EventRow(writeback_id=row.id, app_id=row.app_id, at=at, actor=actor, event=event, status=status)
