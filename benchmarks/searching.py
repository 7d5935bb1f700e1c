"""How long lists, searches and counts take with many writebacks.

Twenty schools of a thousand pupils, registers of thirty marks, one writeback in fifty failed; on SQLite and PostgreSQL.
"""

import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from benchmarks.stack import postgresql, school_day, temporary_directory
from benchmarks.trust import MARKS, WRITEBACKS, settled_request
from writeback.domain.access import Caller, Scope
from writeback.flow.projections.search import SearchIndex
from writeback.store.reads.filters import Filter
from writeback.store.reads.writebacks_read import Reads
from writeback.store.sql import migrate
from writeback.store.sql.bulk_insert import BulkInsert
from writeback.store.sql.database import Database
from writeback.store.tables import EventRow, RequestRow, WritebackRow

_DAY = school_day() - timedelta(days=3)
_START = datetime(_DAY.year, _DAY.month, _DAY.day, 8, 30, tzinfo=UTC)
_SCHOOLS, _PUPILS, _CHUNK, _TIMES = 20, 1_000, 1_000, 7
_SUPPORT = Caller("key_1", "registers", frozenset({Scope.SUPPORT}))
_APP = Caller("key_2", "registers", frozenset({Scope.READ}))

QUERIES: dict[str, tuple[Caller, Filter]] = {
    "all, newest first": (_SUPPORT, Filter()),
    "an app's own": (_APP, Filter()),
    "school": (_SUPPORT, Filter(school="school-07")),
    "school and failed": (_SUPPORT, Filter(school="school-07", statuses=["failed"])),
    "failed, every school": (_SUPPORT, Filter(statuses=["failed"])),
    "confirmed, every school": (_SUPPORT, Filter(statuses=["confirmed"])),
    "several statuses": (_SUPPORT, Filter(statuses=["failed", "held", "partial", "unknown"])),
    "kind that there is none of": (_SUPPORT, Filter(kinds=["detention.create"])),
    "an early hour": (_SUPPORT, Filter(since=_START, until=_START + timedelta(minutes=5))),
    "held for a reason": (_SUPPORT, Filter(hold="school_offline")),
    "pupil": (_SUPPORT, Filter(student="P07-0042")),
    "pupil that there is not": (_SUPPORT, Filter(student="P99-0042")),
    "pupil of an app, failed": (_APP, Filter(student="P07-0042", statuses=["failed"])),
    "finding": (_SUPPORT, Filter(code="code_inactive")),
    "finding at a school": (_SUPPORT, Filter(school="school-07", code="code_inactive")),
    "ref": (_SUPPORT, Filter(ref="reg 777 7B")),
    "provider's reference": (_SUPPORT, Filter(provider_ref="W777")),
    "q: pupil": (_SUPPORT, Filter(q="p07-0042")),
    "q: a ref's word": (_SUPPORT, Filter(q="777 7")),
    "q: a word of all": (_SUPPORT, Filter(q="reg")),
    "q: provider's reference": (_SUPPORT, Filter(q="W777")),
    "q: writeback": (_SUPPORT, Filter(q="wb_00000777")),
    "q: nothing": (_SUPPORT, Filter(q="no such thing")),
}


async def seed(db: Database, writebacks: int) -> None:
    """Put writebacks, their events and their requests into the tables."""
    rng = random.Random(7)
    rows, events, requests = (
        BulkInsert(db.sql_dialect, WritebackRow, counted="seq"),
        BulkInsert(db.sql_dialect, EventRow, counted="id"),
        BulkInsert(db.sql_dialect, RequestRow),
    )
    for start in range(0, writebacks, _CHUNK):
        made = [_writeback(rng, number) for number in range(start, min(writebacks, start + _CHUNK))]
        values = [rows.values(one) for one in made]
        log = [events.values(event) for one in made for event in _events(one)]
        sent = [requests.values(settled_request(one, f"W{number}")) for number, one in enumerate(made, start)]

        def write(statements: Any, values: Any = values, log: Any = log, sent: Any = sent) -> None:
            rows.run(statements, values)
            events.run(statements, log)
            requests.run(statements, sent)

        await db.write_by_driver(write)


def _writeback(rng: random.Random, number: int) -> dict[str, Any]:
    school = f"school-{rng.randrange(_SCHOOLS):02}"
    pupils = rng.sample(range(_PUPILS), MARKS)
    marks = [
        {"student_id": f"P{school[-2:]}-{pupil:04}", "date": _DAY.isoformat(), "session": "AM", "code": "/"}
        for pupil in pupils
    ]
    status = "failed" if number % 50 == 0 else "held" if number % 331 == 0 else "confirmed"
    finding = {"code": "code_inactive", "severity": "error", "pointer": "/code", "message": "m" * 60, "hint": "h" * 60}
    progress = [{"status": "confirmed", "evidence": "read_back"}] * MARKS
    if status == "failed":
        progress = [{"status": "failed", "findings": [finding]}, *progress[1:]]
    at = _START + timedelta(seconds=number)
    return {
        "id": f"wb_{number:08}",
        "app_id": ("registers", "homework", "conduct")[number % 3],
        "school_id": school,
        "lane_id": f"{school}:session-marks",
        "kind": "attendance.session",
        "status": status,
        "ref": f"reg {number} 7B",
        "records": json.dumps(marks, separators=(",", ":")),
        "progress": json.dumps(progress, separators=(",", ":")),
        "hold_reason": "school_offline" if status == "held" else None,
        "created_at": at,
        "updated_at": at,
    }


def _events(row: dict[str, Any]) -> list[dict[str, Any]]:
    logged = (("accepted", "queued"), ("sending", "sending"), ("sent", "sent"), (row["status"], row["status"]))
    common = {"writeback_id": row["id"], "app_id": row["app_id"], "at": row["created_at"], "actor": "worker"}
    return [{**common, "event": event, "status": status} for event, status in logged]


async def measure(db: Database) -> list[tuple[str, float, float, int]]:
    """Return for each query what a page and what counting takes, in ms, and how many writebacks it finds."""
    reads, found = Reads(db), []
    for name, (caller, wanted) in QUERIES.items():
        page_ms, count_ms = [], []
        for _ in range(_TIMES):
            began = time.perf_counter()
            await reads.list(caller, wanted, limit=50)
            between = time.perf_counter()
            total = (await reads.count(caller, wanted)).total
            page_ms.append((between - began) * 1_000)
            count_ms.append((time.perf_counter() - between) * 1_000)
        found.append((name, median(page_ms), median(count_ms), total))
    return found


async def run() -> AsyncIterator[str]:
    """Yield a table for each database."""
    with temporary_directory() as folder:
        yield await _measured(f"sqlite:///{folder}/searching.db")
        with postgresql(folder) as url:
            yield await _measured(url)


async def _measured(url: str) -> str:
    """Seed a database, index it, and measure."""
    await migrate.upgrade(url)
    db = Database.open(url)
    try:
        await seed(db, WRITEBACKS)
        index, began, events = SearchIndex(db), time.perf_counter(), 0
        while done := await index.index():
            events += done
        took = time.perf_counter() - began
        title = f"Searching, {db.dialect}: {events} events indexed in {took:.1f} s, {events / took:.0f}/s"
        return _table(title, await measure(db))
    finally:
        await db.dispose()


def _table(title: str, found: Sequence[tuple[str, float, float, int]]) -> str:
    rows = [f"  {name:28} {page_ms:8.1f} {count_ms:9.1f} {total:8}" for name, page_ms, count_ms, total in found]
    return "\n".join([title, f"  {'':28} {'page ms':>8} {'count ms':>9} {'found':>8}", *rows, ""])
