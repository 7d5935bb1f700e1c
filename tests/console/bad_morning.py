"""What a bad morning has besides `scenes.morning`: marks that can be corrected, lists, a file, a key, a webhook."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from tests.console.copies import copied
from tests.console.scenes import add_writeback, mark, morning
from writeback.core.ids import new_id
from writeback.domain.access import Scope
from writeback.domain.alerts import AlertKind, Condition
from writeback.domain.lookups import ListName, Lookup
from writeback.domain.staff import Person, Role
from writeback.flow.alerts.incidents import Look
from writeback.flow.webhooks.endpoint_checks import NewWebhook
from writeback.store.schools import lists
from writeback.store.tables import BatchRow, SchoolWordsRow, UnknownWordRow, WritebackRow
from writeback.wiring import Services

CODES: dict[str, dict[str, Any]] = {
    "1": {"id": "1", "code": "/", "description": "Present (AM)", "type": "PRESENT", "active": True},
    "2": {"id": "2", "code": "N", "description": "No reason yet", "type": "UNAUTHORISED", "active": True},
    "3": {"id": "3", "code": "L", "description": "Late", "type": "PRESENT", "active": True},
}
WRONG_CODE = {
    "code": "code_unknown",
    "severity": "error",
    "pointer": "/records/0/code",
    "record": 0,
    "message": "code is Z9: the school has no such attendance code",
    "hint": "Use one of the school's codes.",
    "provider_message": None,
}
FAILED = 12
ADMIN = Person("stf_scene", "scene", Role.ADMIN)


async def bad_morning(services: Services) -> Sequence[str]:
    """Let it have happened; return the ids of the marks that failed at St Mary's, the first accepted first."""
    return await copied(services, _make)


async def _make(services: Services) -> Sequence[str]:
    await morning(services)
    ids = await services.reads.db.transact(lambda session: _failed_marks(session, services))
    async with services.reads.db.write() as session:
        for school in ("st-marys", "hillside"):
            for name, rows in _LISTS.items():
                known = Lookup(name, 1, services.clock.now(), rows)
                await lists.save(session, school, known)
        at = services.clock.now()
        words = [{"field": "attendance.code", "word": "Late – bus", "code": "L"}]
        session.add(SchoolWordsRow(school_id="hillside", app_id="", version=1, words=words, updated_at=at))
        unknown = {"school_id": "hillside", "app_id": "registers", "field": "attendance.code"}
        session.add(UnknownWordRow(**unknown, word="No reason yet", times=12, last_at=at))
    await services.keys.create("Registers", "production", [Scope.SUBMIT, Scope.READ])
    new = NewWebhook("https://hooks.registers.example/writeback", app="registers", description="production")
    await services.reads.db.transact(lambda session: Look(session, at, services.settings.alerts).record(_amiss(at)))
    made = await services.webhooks.create(ADMIN.caller, new)
    await services.webhooks.test(ADMIN.caller, made.id)
    return ids


def _amiss(now: datetime) -> Sequence[Condition]:
    return [
        Condition(AlertKind.SCHOOL_HELD, "wonde: school_offline", now - timedelta(minutes=40), ["hillside"], 34),
        Condition(AlertKind.WORKER_GONE, "none", now - timedelta(minutes=2)),
    ]


def _failed_marks(session: Session, services: Services) -> Sequence[str]:
    now, rows = services.clock.now(), list[WritebackRow]()
    batch = _batch(services)
    session.add(batch)
    session.flush()
    for number in range(FAILED):
        at = now - timedelta(minutes=30 - number)
        code = "Z9" if number == 0 else "/"
        records: list[dict[str, Any]] = [mark(f"A2{number:02}", code=code)]
        if number == 0:
            records[0]["comment"] = "came with his mother"
        failed = [{"status": "failed", "findings": [WRONG_CODE] if number == 0 else []}]
        row = add_writeback(
            session, at, "st-marys", "failed", records=records, progress=failed, ended_at=at, ref=f"8B-{number}"
        )
        if number > 8:
            row.batch_id = batch.id
        rows.append(row)
    session.flush()
    return [row.id for row in rows]


def _batch(services: Services) -> BatchRow:
    at = services.clock.now() - timedelta(minutes=31)
    problem = {"severity": "error", "count": 40, "row": 17, "message": "A999 is not on roll", "hint": "Check the id."}
    return BatchRow(
        id=new_id("bat", at),
        app_id="registers",
        school_id="st-marys",
        kind="attendance.session",
        format="csv",
        file_name="marks of monday.csv",
        size=120_000,
        status="done",
        rows_read=5_000,
        rows_good=4_960,
        rows_bad=40,
        rows_queued=4_960,
        problems={"student_not_on_roll": problem},
        created_at=at,
        updated_at=at,
        finished_at=at,
    )


_LISTS: dict[ListName, dict[str, dict[str, Any]]] = {
    ListName.STUDENTS: {f"A2{number:02}": {"id": f"A2{number:02}"} for number in range(FAILED)},
    ListName.EMPLOYEES: {"E1": {"id": "E1"}},
    ListName.ATTENDANCE_CODES: CODES,
}
