"""What grows with what is stored: every read of API and console in a full database and in one that is almost empty.

Of a read that grows, the statement that takes most of its time is shown with the database's own plan of it.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import event

from benchmarks.pages import PAGES, visitor
from benchmarks.stack import SECRET, postgresql, temporary_directory
from benchmarks.trust import fill
from writeback.api.app import create_app
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.flow.metrics.reading import FRESH_S
from writeback.store.sql import migrate
from writeback.wiring import Services, open_services

_ORIGIN = "http://127.0.0.1:8400"
_FULL, _ALMOST_EMPTY, _TIMES = 300_000, 200, 5
_PAUSES_S = {"Now": 2.1, "metrics": FRESH_S + 0.1}
"""Longer than these reads remember what they have found."""
_GROWS, _FELT_MS = 3.0, 5.0
"""A read grows that takes so many times as long, and longer than anybody would overlook."""

READS: Mapping[str, str] = {
    "one writeback": "/v1/writebacks/{writeback}",
    "its events": "/v1/writebacks/{writeback}/events?follow=false",
    "list": "/v1/writebacks",
    "list, failed": "/v1/writebacks?status=failed",
    "list, several statuses": "/v1/writebacks?status=failed&status=partial&status=expired",
    "list, held": "/v1/writebacks?status=held",
    "list, a school": "/v1/writebacks?school=school-03",
    "list, a school, failed": "/v1/writebacks?school=school-03&status=failed",
    "list, a kind that there is none of": "/v1/writebacks?kind=detention.create",
    "list, today": "/v1/writebacks?since={today}",
    "list, a pupil": "/v1/writebacks?student=P03-0042",
    "list, a pupil of a school": "/v1/writebacks?school=school-03&student=P03-0042",
    "list, a pupil, failed": "/v1/writebacks?student=P03-0042&status=failed",
    "list, a finding": "/v1/writebacks?code=code_unknown",
    "list, a ref": "/v1/writebacks?ref=77+7B",
    "list, a provider's reference": "/v1/writebacks?provider_ref=W77",
    "list, q": "/v1/writebacks?q=77",
    "list, q is a pupil": "/v1/writebacks?q=P03-0042",
    "counts": "/v1/writebacks/counts",
    "counts, failed": "/v1/writebacks/counts?status=failed",
    "counts, a school": "/v1/writebacks/counts?school=school-03",
    "counts, today": "/v1/writebacks/counts?since={today}",
    "counts, a pupil": "/v1/writebacks/counts?student=P03-0042",
    "counts, a finding": "/v1/writebacks/counts?code=code_unknown",
    "schools": "/v1/schools",
    "one school": "/v1/schools/school-03",
    "batches": "/v1/batches",
    "one batch": "/v1/batches/bat_00000000000000000000000001",
    "audit": "/v1/audit",
    "keys": "/v1/keys",
    "webhooks": "/v1/webhooks",
    "readiness": "/readyz",
    "metrics": "/metrics",
}
"""GETs of the API by name; support's key asks, and an app's own once more for lists and counts."""
_OF_AN_APP = ("list", "list, failed", "list, a pupil", "counts", "counts, failed")


@dataclass(frozen=True)
class Read:
    """What one read takes, and the longest of its statements."""

    ms: float
    statement_ms: float
    statement: str
    parameters: Any


def options() -> argparse.ArgumentParser:
    """Return what can be chosen."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='growth …'", description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--writebacks", type=int, default=_FULL, help="how many are stored in the full database")
    add("--postgresql", action="store_true", help="PostgreSQL, not SQLite")
    add("--only", default="", help="only reads with this in their name")
    add("--full", default="", metavar="URL", help="the full database: filled where it is empty, and left there")
    add("--plans", action="store_true", help="show the plan of every read")
    return parser


async def run(arguments: Sequence[str] = ()) -> AsyncIterator[str]:
    """Yield a line for each read, and then the plans of those that grow."""
    chosen = options().parse_args(arguments)
    almost_empty = {one.name: one async for one in _measured(chosen, _ALMOST_EMPTY)}
    name = "PostgreSQL" if chosen.postgresql else "SQLite"
    yield f"Reads, {name}, {chosen.writebacks} writebacks stored, and {_ALMOST_EMPTY}"
    yield f"  {'':44} {'full ms':>9} {'empty ms':>9} {'ratio':>7}"
    growing = []
    async for full in _measured(chosen, chosen.writebacks, chosen.full):
        empty = almost_empty[full.name]
        ratio = full.read.ms / empty.read.ms
        yield f"  {full.name:44} {full.read.ms:9.1f} {empty.read.ms:9.1f} {ratio:7.1f}"
        if chosen.plans or (ratio >= _GROWS and full.read.ms >= _FELT_MS):
            growing.append(full)
    for one in growing:
        yield f"\n{one.name}: {one.read.statement_ms:.1f} of {one.read.ms:.1f} ms in\n{one.read.statement}\n{one.plan}"
    yield ""


@dataclass(frozen=True)
class _Measured:
    name: str
    read: Read
    plan: str


async def _measured(chosen: argparse.Namespace, writebacks: int, url: str = "") -> AsyncIterator[_Measured]:
    """Fill a database, or take the one at the URL where that is filled, and yield what each read takes in it."""
    with temporary_directory() as folder, ExitStack() as stack:
        if chosen.postgresql and not url:
            url = stack.enter_context(postgresql(folder))
        given: dict[str, Any] = {"database_url": url} if url else {}
        settings = Settings(data_dir=folder, secret_key=SECRET, public_url=_ORIGIN, **given)
        await migrate.upgrade(settings.effective_database_url)
        async with open_services(settings) as services:
            if not (await services.registry.list(limit=1)).items:
                await fill(services, writebacks)
            with _statements(services) as ran:
                async for name, http, path in _calls(services):
                    if chosen.only in name:
                        read = await _timed(http, path, ran, pause_s=_PAUSES_S.get(name.rpartition(" ")[2], 0.0))
                        yield _Measured(name, read, await _plan(services, read))


async def _calls(services: Services) -> AsyncIterator[tuple[str, httpx.AsyncClient, str]]:
    """Yield the name of each read, who asks, and the path."""
    async with (
        _app(services, "support", Scope.SUPPORT, Scope.ADMIN) as support,
        _app(services, "registers", Scope.READ) as app,
        visitor(services, f"bench-{time.time_ns()}@example.org") as person,
    ):
        listed = (await support.get("/v1/writebacks?status=failed&limit=1")).json()["items"]
        filled = {"today": f"{services.clock.now().date()}T00:00:00Z", "writeback": listed[0]["id"]}
        for name, path in READS.items():
            yield f"API: {name}", support, path.format(**filled)
        for name in _OF_AN_APP:
            yield f"API: {name}, of an app", app, READS[name].format(**filled)
        filled = {"today": f"{services.clock.now().date()}", "writeback": f"/writebacks/{listed[0]['id']}"}
        for name, path in PAGES.items():
            yield f"Console: {name}", person, "/console" + path.format(**filled)


@asynccontextmanager
async def _app(services: Services, name: str, *scopes: Scope) -> AsyncIterator[httpx.AsyncClient]:
    key = (await services.keys.create(name, f"growth {time.time_ns()}", scopes)).key
    transport, headers = httpx.ASGITransport(create_app(services)), {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url=_ORIGIN, headers=headers) as http:
        yield http


async def _timed(http: httpx.AsyncClient, path: str, ran: list[tuple[float, str, Any]], *, pause_s: float) -> Read:
    """Return the shortest time of some calls, for the rest is others' noise, and the longest statement of the last."""
    took = []
    for _ in range(_TIMES):
        await asyncio.sleep(pause_s)
        ran.clear()
        began = time.perf_counter()
        answer = await http.get(path)
        took.append((time.perf_counter() - began) * 1_000)
        if not answer.is_success:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:300]}")
    longest = max(ran, default=(0.0, "", ()), key=lambda one: one[0])
    return Read(min(took), longest[0] * 1_000, longest[1], longest[2])


@contextmanager
def _statements(services: Services) -> Iterator[list[tuple[float, str, Any]]]:
    """Note what each statement of the readers takes, with its parameters."""
    ran: list[tuple[float, str, Any]] = []
    began: list[float] = []

    def before(*_: Any) -> None:
        began.append(time.perf_counter())

    def after(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        ran.append((time.perf_counter() - began.pop(), statement, parameters))

    engine = services.reads.db._engines.reader.sync_engine
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    yield ran
    event.remove(engine, "before_cursor_execute", before)
    event.remove(engine, "after_cursor_execute", after)


async def _plan(services: Services, read: Read) -> str:
    """Return how the database goes about the statement."""
    if not read.statement.lstrip().upper().startswith(("SELECT", "WITH")):
        return ""
    explain = "EXPLAIN QUERY PLAN " if services.reads.db.dialect == "sqlite" else "EXPLAIN "
    async with services.reads.db.read() as session:
        connection = await session.connection()
        rows = (await connection.exec_driver_sql(explain + read.statement, read.parameters)).all()
    return "\n".join(f"    {row[-1]}" for row in rows)
