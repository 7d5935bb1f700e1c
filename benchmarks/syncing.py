"""What syncs of lists cost: one of them, and a steady stream of registers while every school's lists are due at once.

Calm and while they are due is measured in the same run and on the same processes: API, worker and sandbox, which share
this machine.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
from sqlmodel import col, select, update

from benchmarks import one_sync
from benchmarks.load import Connection
from benchmarks.stack import (
    child,
    environment,
    free_port,
    postgresql,
    school_day,
    settings_of,
    temporary_directory,
)
from writeback.core.logging import configure_logging
from writeback.domain.access import Scope
from writeback.domain.lookups import ListName
from writeback.domain.states import Event
from writeback.flow.registry.entries import NewSchool
from writeback.store.sql import migrate
from writeback.store.tables import EventRow, LookupRow, SchoolRow
from writeback.wiring import Services, open_services

_SCHOOLS, _PUPILS = 200, 300
_PER_S, _ROUND_S, _WARM_UP_S = 12, 15.0, 3.0
_PATIENCE_S = 40.0
_LATER = timedelta(days=1)
_NEEDED = (ListName.STUDENTS, ListName.EMPLOYEES, ListName.ATTENDANCE_CODES)
"""What a register needs; the first sync brings the rest."""


@dataclass(frozen=True)
class Round:
    """Seconds from the acceptance of each register to the provider's taking it, and how many schools were synced."""

    waited: Sequence[float]
    synced: int

    def percentile(self, q: float) -> float:
        """Milliseconds below which a share `q` of the registers stayed."""
        ordered = sorted(self.waited)
        return 1_000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]


async def run() -> AsyncIterator[str]:
    """Yield the figures as text, those of registers on SQLite."""
    async for text in one_sync.run():
        yield text
    async for text in _run_while_due():
        yield text


async def run_on_postgresql() -> AsyncIterator[str]:
    """Yield the figures of registers on PostgreSQL."""
    with temporary_directory() as folder, postgresql(folder) as url:
        async for text in _run_while_due(url):
            yield text


async def _run_while_due(database_url: str = "") -> AsyncIterator[str]:
    with temporary_directory() as folder:
        port, sandbox_port = free_port(), free_port()
        variables = environment(folder, port, WRITEBACK_SANDBOX__PORT=str(sandbox_port))
        if database_url:
            variables["WRITEBACK_DATABASE_URL"] = database_url
        sandbox = f"http://127.0.0.1:{sandbox_port}"
        with child("-m", "writeback", "sandbox", environment=variables, ready_url=f"{sandbox}/_sandbox/health"):
            seeded = await _seed(sandbox)
            settings = settings_of(variables)
            configure_logging(level=settings.log_level)
            await migrate.upgrade(settings.effective_database_url)
            async with open_services(settings) as services:
                key = await _register_all(services, seeded, sandbox)
                url = f"http://127.0.0.1:{port}"
                with (
                    child("-m", "writeback", "api", environment=variables, ready_url=f"{url}/healthz"),
                    child("-m", "writeback", "worker", environment=variables, ready_url=None),
                ):
                    morning = _Morning(url, key, services, seeded)
                    await morning.round(_WARM_UP_S)
                    calm = await morning.round(_ROUND_S)
                    await _have_lists_due(services)
                    due = await morning.round(_ROUND_S)
                    yield _report(calm, due, "PostgreSQL" if database_url else "SQLite")


async def _seed(sandbox: str) -> Sequence[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=sandbox, timeout=60.0) as control:
        return [(await control.post("/_sandbox/schools", json=_school(number))).json() for number in range(_SCHOOLS)]


def _school(number: int) -> dict[str, Any]:
    return {"provider": "wonde", "mis": "Bromcom", "name": f"School {number}", "pupils": _PUPILS, "seed": number}


async def _register_all(services: Services, seeded: Sequence[dict[str, Any]], sandbox: str) -> str:
    for number, school in enumerate(seeded):
        await services.registry.add(
            NewSchool(
                id=f"s{number}",
                name=school["name"],
                provider="wonde",
                mis="Bromcom",
                provider_school_id=school["provider_school_id"],
                base_url=f"{sandbox}/v1.0",
                credentials={"token": school["token"]},
            )
        )
        await services.sync.sync_lists(await services.registry.account(f"s{number}"), _NEEDED)
    await _set_due(services, services.clock.now() + _LATER)
    return (await services.keys.create("bench", "bench", [Scope.SUBMIT, Scope.READ])).key


async def _have_lists_due(services: Services) -> None:
    await _set_due(services, services.clock.now())


async def _set_due(services: Services, at: Any) -> None:
    async with services.accept.flow.db.write() as session:
        await session.exec(update(SchoolRow).values(sync_at=at))


@dataclass
class _Morning:
    """Registers, one school after the other, at a steady pace."""

    url: str
    key: str
    services: Services
    schools: Sequence[dict[str, Any]]
    _number: int = 0

    async def round(self, seconds: float) -> Round:
        """Submit for so long, wait until all is sent, and return how long each took."""
        before, ids, started = await self._synced(), list[str](), time.monotonic()
        connection = await Connection(self.url).open()
        while (ahead := len(ids) / _PER_S - (time.monotonic() - started)) < seconds - (time.monotonic() - started):
            await asyncio.sleep(max(0.0, ahead))
            ids.append(await self._submit(connection))
        await connection.close()
        synced = await self._synced() - before
        return Round(await self._waited(ids), synced)

    async def _submit(self, connection: Connection) -> str:
        place, turn = self._number % _SCHOOLS, self._number // _SCHOOLS
        self._number += 1
        registers = self.schools[place]["registers"]
        body = _register(registers[turn % len(registers)], school_day() - timedelta(days=turn // len(registers)))
        headers = f"Authorization: Bearer {self.key}\r\n"
        status, answer = await connection.post(f"/v1/schools/s{place}/writebacks", body, headers)
        if status != 202:
            raise RuntimeError(f"{status}: {answer[:300]!r}")
        return str(json.loads(answer)["id"])

    async def _waited(self, ids: Sequence[str]) -> Sequence[float]:
        """Return how long each took; what is not sent even now counts as having waited until now."""
        deadline = time.monotonic() + _PATIENCE_S
        accepted = await self._at(Event.ACCEPTED, ids)
        while len(sent := await self._at(Event.SENT, ids)) < len(ids) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        now = self.services.clock.now()
        return [(sent.get(one, now) - accepted[one]).total_seconds() for one in ids]

    async def _at(self, event: Event, ids: Sequence[str]) -> dict[str, Any]:
        query = select(EventRow.writeback_id, EventRow.at).where(
            col(EventRow.event) == event.value, col(EventRow.writeback_id).in_(ids)
        )
        async with self.services.accept.flow.db.read() as session:
            return dict((await session.exec(query)).all())

    async def _synced(self) -> int:
        """Return how many schools have been synced: lessons come from a sync alone."""
        query = select(LookupRow.school_id).where(LookupRow.list == ListName.LESSONS.value)
        async with self.services.accept.flow.db.read() as session:
            return len((await session.exec(query)).all())


def _register(register: dict[str, Any], day: date) -> bytes:
    given = {"date": day.isoformat(), "session": "AM", "code": "/", "employee_id": register["employee_id"]}
    records = [{"student_id": one, **given} for one in register["student_ids"]]
    return json.dumps({"kind": "attendance.session", "records": records}).encode()


def _report(calm: Round, due: Round, database: str) -> str:
    lines = [f"Registers while {_SCHOOLS} schools' lists are due, {_PER_S}/s, accepted to sent, {database}"]
    for name, one in (("calm", calm), (f"while due ({due.synced} synced in {_ROUND_S:.0f} s)", due)):
        figures = "  ".join(f"p{round(100 * q)} {one.percentile(q):6.0f} ms" for q in (0.5, 0.95, 0.99))
        lines.append(f"  {name:<45} {figures}  mean {1_000 * statistics.fmean(one.waited):6.0f} ms")
    return "\n".join(lines) + "\n"
