"""A database as a large trust has it: fifty schools, some days of registers, and what goes wrong with some of them.

`python -m benchmarks.trust FOLDER [writebacks] [in the outage]` leaves one to look at with `writeback api`.
"""

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, SQLModel

from writeback.core.ids import new_id
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.domain.staff import Role
from writeback.flow.projections.rollups import Rollup
from writeback.flow.projections.search import SearchIndex
from writeback.store.sql.bulk_insert import BulkInsert
from writeback.store.tables import (
    AttemptRow,
    AuditRow,
    BatchRow,
    BreakerRow,
    EventRow,
    Lane,
    RequestRow,
    SchoolRow,
    WritebackRow,
)
from writeback.wiring import Services, open_services

WRITEBACKS, SCHOOLS, DAYS = 100_000, 50, 5
_APPS = ("registers", "homework", "conduct", "catering")
MARKS = 30
_PUPILS, _CHUNK, _BATCHES, _AUDITED = 1_000, 1_000, 60, 5_000
_PLACES = ("Ash", "Birch", "Cedar", "Elm", "Hazel", "Lime", "Maple", "Oak", "Rowan", "Willow")
_SORTS = ("Academy", "Primary School", "College", "High School", "Church of England School")
_HELD = {"school-07": "school_offline", "school-19": "token_refused", "school-33": "held_by_staff"}
_USUAL = (("confirmed", 955), ("superseded", 15), ("failed", 12), ("partial", 8), ("needs_attention", 3),
          ("cancelled", 4), ("expired", 3))  # fmt: skip
_ENDED = {"confirmed": "confirmed", "failed": "failed", "partial": "partly_confirmed", "superseded": "superseded",
         "needs_attention": "needs_person", "cancelled": "cancelled", "expired": "expired", "held": "held"}  # fmt: skip
_FINDINGS = (
    ("student_not_on_roll", "{pupil} is not on roll since 2025-12-19", "Take the pupil off the register."),
    ("code_unknown", "code is Z9: the school has no such attendance code", "Use one of the school's codes."),
    ("lesson_moved", "the lesson was moved to another room and time", "Fetch the timetable again, and send it again."),
)


@dataclass
class Trust:
    """What is put into the tables, the oldest first."""

    now: datetime
    writebacks: int
    outage: int
    """So many of the latest are held or have failed, at half of the schools."""
    rng: random.Random

    def rows(self) -> Iterable[dict[str, Any]]:
        today = max(self.writebacks // DAYS, self.outage)
        older = self.writebacks - today
        for number in range(self.writebacks):
            if number < older:
                day, part = divmod(number * (DAYS - 1), older)
                ago = timedelta(days=DAYS - 1 - day) - timedelta(hours=6) * (part / older)
            else:
                ago = timedelta(hours=5) * (1 - (number - older) / today)
            yield self._row(number, self.now - ago, is_today=number >= older)

    def _row(self, number: int, at: datetime, *, is_today: bool) -> dict[str, Any]:
        place = self.rng.randrange(SCHOOLS)
        in_outage = number >= self.writebacks - self.outage
        school = f"school-{place // 2 if in_outage else place:02}"
        status = self._status(school, self.now - at, is_today=is_today, in_outage=in_outage)
        pupils = self.rng.sample(range(_PUPILS), MARKS)
        marks = [
            {"student_id": f"P{school[-2:]}-{pupil:04}", "date": f"{at.date()}", "session": "AM", "code": "/"}
            for pupil in pupils
        ]
        took = timedelta(seconds=self.rng.lognormvariate(1.4, 0.6))
        return {
            "id": new_id("wb", at),
            "app_id": self.rng.choices(_APPS, (80, 10, 5, 5))[0],
            "school_id": school,
            "lane_id": f"{school}:session-marks",
            "kind": "attendance.session",
            "status": status,
            "ref": f"{number} 7B",
            "records": _json(marks),
            "progress": self._progress(status, marks),
            "attempts": 0 if status in ("queued", "held") else 1,
            "hold_reason": _HELD.get(school, "school_offline") if status == "held" else None,
            "created_at": at,
            "updated_at": min(at + took, self.now),
            "batch_id": f"bat_{number % 4:026}" if number % 8 < 4 and number < self.writebacks // 4 else None,
        }

    def _status(self, school: str, ago: timedelta, *, is_today: bool, in_outage: bool) -> str:
        if in_outage:
            return self.rng.choice(("held", "failed"))
        if is_today and school in _HELD and ago < timedelta(minutes=90):
            return "held"
        if ago < timedelta(seconds=20):
            return self.rng.choice(("queued", "sending", "sent"))
        return self.rng.choices([status for status, _ in _USUAL], [part for _, part in _USUAL])[0]

    def _progress(self, status: str, marks: Sequence[Mapping[str, str]]) -> str:
        confirmed = {"status": "confirmed", "evidence": "wonde_status"}
        code, message, hint = self.rng.choice(_FINDINGS)
        finding = {"code": code, "severity": "error", "pointer": "/records/0/code", "record": 0, "hint": hint,
                   "message": message.format(pupil=marks[0]["student_id"]), "provider_message": None}  # fmt: skip
        match status:
            case "confirmed":
                return _json([confirmed] * len(marks))
            case "partial":
                return _json([{"status": "failed", "findings": [finding]}, *[confirmed] * (len(marks) - 1)])
            case "failed" | "expired":
                return _json([{"status": "failed", "findings": [finding]}] * len(marks))
            case "needs_attention":
                return _json([{"status": "needs_attention", "mis_holds": "N"}, *[confirmed] * (len(marks) - 1)])
            case _:
                return ""


async def fill(services: Services, writebacks: int = WRITEBACKS, outage: int = 0) -> None:
    """Fill an empty database; find what there is in it, and count it, as a worker would have."""
    db, now = services.reads.db, services.clock.now()
    trust = Trust(now, writebacks, outage, random.Random(7))
    await db.transact(lambda session: _schools(session, now, outage))
    for app in _APPS:
        for name in ("production", "staging"):
            await services.keys.create(app, name, [Scope.SUBMIT, Scope.READ])
    await db.transact(lambda session: session.add_all([*_batches(now), *_audited(trust)]))
    inserts = {
        WritebackRow: BulkInsert(db.sql_dialect, WritebackRow, counted="seq"),
        EventRow: BulkInsert(db.sql_dialect, EventRow, counted="id"),
        RequestRow: BulkInsert(db.sql_dialect, RequestRow),
        AttemptRow: BulkInsert(db.sql_dialect, AttemptRow, counted="id"),
    }
    chunk: list[dict[str, Any]] = []
    for row in trust.rows():
        chunk.append(row)
        if len(chunk) == _CHUNK:
            await db.write_by_driver(_writing(inserts, chunk))
            chunk = []
    if chunk:
        await db.write_by_driver(_writing(inserts, chunk))
    index, rollup = SearchIndex(db), Rollup(db, services.clock)
    while await index.index():
        pass
    while await rollup.count():
        pass


def _writing(inserts: Mapping[type[SQLModel], BulkInsert], rows: Sequence[Mapping[str, Any]]) -> Callable[[Any], None]:
    sent = [row for row in rows if row["attempts"]]
    several = {
        WritebackRow: rows,
        EventRow: [event for row in rows for event in _events(row)],
        RequestRow: [settled_request(row, f"W{row['ref'].split()[0]}") for row in sent],
        AttemptRow: [_attempt(row) for row in sent],
    }

    def write(statements: Any) -> None:
        for table, found in several.items():
            if found:
                inserts[table].run(statements, [inserts[table].values(one) for one in found])

    return write


def _events(row: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    common = {"writeback_id": row["id"], "app_id": row["app_id"]}
    yield {**common, "at": row["created_at"], "actor": f"app:{row['app_id']}", "event": "accepted", "status": "queued"}
    if row["attempts"]:
        yield {**common, "at": row["created_at"], "actor": "worker", "event": "sending", "status": "sending"}
        yield {**common, "at": row["updated_at"], "actor": "worker", "event": "sent", "status": "sent"}
    if logged := _ENDED.get(row["status"]):
        by = "provider:wonde"
        yield {**common, "at": row["updated_at"], "actor": by, "event": logged, "status": row["status"]}


def settled_request(row: Mapping[str, Any], provider_ref: str) -> dict[str, Any]:
    """Return the request that carried all records of a writeback."""
    return {
        "id": "req" + row["id"][2:],
        "lane_id": row["lane_id"],
        "school_id": row["school_id"],
        "provider": "wonde",
        "kind": row["kind"],
        "state": "settled",
        "fence": 1,
        "members": [[row["id"], list(range(MARKS))]],
        "slots": [],
        "hints": [],
        "provider_ref": provider_ref,
        "created_at": row["created_at"],
        "sent_at": row["created_at"],
        "settled_at": row["updated_at"],
        "result": "refused" if row["status"] in ("failed", "partial") else "confirmed",
    }


def _attempt(row: Mapping[str, Any]) -> dict[str, Any]:
    at = {"started_at": row["created_at"], "finished_at": row["updated_at"]}
    return {**at, "request_id": "req" + row["id"][2:], "number": 1, "outcome": "taken"}


def _schools(session: Session, now: datetime, outage: int) -> None:
    for number in range(SCHOOLS):
        id_ = f"school-{number:02}"
        in_outage = outage > 0 and number < SCHOOLS // 2
        reason = _HELD.get(id_) or ("school_offline" if in_outage and number % 2 else None)
        session.add(
            SchoolRow(
                id=id_,
                name=f"{_PLACES[number % 10]} {'Lane' if number % 3 else 'Hill'} {_SORTS[number // 10]}",
                provider="wonde" if number % 2 else "xporter",
                mis=("SIMS", "Arbor", "Bromcom")[number % 3] if number % 2 else "SIMS",
                provider_school_id=f"A{number:08}",
                hold_reason=reason,
                hold_detail="Its agent has not answered since 08:51." if reason == "school_offline" else None,
                held_at=now - timedelta(minutes=20 + number) if reason else None,
                created_at=now,
                updated_at=now,
            )
        )
        session.flush()
        session.add(Lane(id=f"{id_}:session-marks", school_id=id_, family="session-marks"))
    minutes = timedelta(minutes=1)
    session.add(BreakerRow(key="school:school-11", failures=4, trips=2, open_until=now + minutes, reason="timeout",
                           since=now - 25 * minutes))  # fmt: skip


def _batches(now: datetime) -> Iterable[BatchRow]:
    """Some large files among many."""
    problem = {"severity": "error", "count": 40, "row": 17, "message": "P01-9999 is not on roll", "hint": "Check it."}
    for number in range(_BATCHES):
        at = now - timedelta(hours=number)
        yield BatchRow(
            id=f"bat_{number:026}" if number < 4 else new_id("bat", at),
            app_id=_APPS[number % 4],
            school_id=f"school-{number % SCHOOLS:02}",
            kind="attendance.session",
            format="csv",
            file_name=f"marks of week {number}.csv",
            size=120_000,
            status="done" if number % 9 else "queueing",
            rows_read=5_000,
            rows_good=4_960,
            rows_bad=40,
            rows_queued=4_960,
            problems={"student_not_on_roll": problem},
            created_at=at,
            updated_at=at,
            finished_at=at if number % 9 else None,
        )


def _audited(trust: Trust) -> Iterable[AuditRow]:
    for number in range(_AUDITED):
        school = f"school-{number % SCHOOLS:02}"
        is_hold = number % 7 == 0
        yield AuditRow(
            at=trust.now - timedelta(minutes=_AUDITED - number),
            actor=f"staff:{('ann', 'bob', 'cleo')[number % 3]}@example.org",
            app=None if is_hold else "registers",
            action="school.hold" if is_hold else "writeback.resubmit",
            subject=school if is_hold else new_id("wb", trust.now),
            school=school,
            reason="the agent was restarted" if is_hold else "the app sent an old code",
            changed={"hold": "held_by_staff"} if is_hold else {"status": ["failed", "queued"], "records": [0]},
        )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


async def _leave(folder: Path, writebacks: int, outage: int) -> None:
    settings = Settings(data_dir=folder)
    async with open_services(settings) as services:
        await fill(services, writebacks, outage)
        for role in Role:
            await services.staff.accounts.add(f"{role}@example.org", role, password="four words make sense")


def main() -> None:
    given = [int(one) for one in sys.argv[2:4]]
    asyncio.run(_leave(Path(sys.argv[1]), *(given + [WRITEBACKS, 0][len(given) :])))


if __name__ == "__main__":
    main()
