"""Many simulated schools: seeded in the sandbox, registered with a service, and registers of theirs, one by one.

Half of them are Wonde's, half Xporter's. No register is for marks that another has been for.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
from sqlmodel import update

from benchmarks.load import Connection
from benchmarks.stack import CLASS_SIZE, school_day
from writeback.cli.demo.morning import latest_weekday
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.domain.lookups import ListName
from writeback.flow.registry.entries import NewSchool
from writeback.store.tables import SchoolRow
from writeback.wiring import Services, open_services

_CLASSES, _SESSIONS = 4, ("AM", "PM")
_NEEDED = (ListName.STUDENTS, ListName.EMPLOYEES, ListName.ATTENDANCE_CODES)
"""What a register needs."""
_SYNCED_AT_ONCE, _CONNECTIONS = 8, 32
_LATER = timedelta(days=1)
_UNDER_WAY = "queued,sending,sent,held,unknown"
_WENT_WRONG = "failed,partial,expired,needs_attention,superseded,cancelled"
_ASK_EVERY_S, _PATIENCE_S = 0.3, 120.0


async def seed(sandbox: str, count: int) -> Sequence[Mapping[str, Any]]:
    """Put schools into the sandbox, and return what it says of them."""
    async with httpx.AsyncClient(base_url=sandbox, timeout=60.0) as control:
        return [await _post(control, "schools", **_school(number)) for number in range(count)]


def _school(number: int) -> dict[str, Any]:
    provider, mis = (("wonde", "Bromcom"), ("xporter", "SIMS"))[number % 2]
    pupils = _CLASSES * CLASS_SIZE
    return {"provider": provider, "mis": mis, "name": f"School {number}", "pupils": pupils, "seed": number}


async def _post(control: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = (await control.post(f"/_sandbox/{path}", json=body)).raise_for_status()
    return dict(answer.json())


async def register(settings: Settings, seeded: Sequence[Mapping[str, Any]], sandbox: str) -> str:
    """Register all schools with their lists and hooks, and return a key; no list is due for a day."""
    async with (
        open_services(settings) as services,
        httpx.AsyncClient(base_url=sandbox, timeout=60.0) as control,
    ):
        gate = asyncio.Semaphore(_SYNCED_AT_ONCE)

        async def one(number: int, school: Mapping[str, Any]) -> None:
            async with gate:
                await _register(services, control, f"s{number}", school)

        await asyncio.gather(*(one(number, school) for number, school in enumerate(seeded)))
        async with services.reads.db.write() as session:
            await session.exec(update(SchoolRow).values(sync_at=services.clock.now() + _LATER))
        return (await services.keys.create("bench", "bench", [Scope.SUBMIT, Scope.READ])).key


async def _register(services: Services, control: httpx.AsyncClient, id_: str, school: Mapping[str, Any]) -> None:
    copied = ("name", "provider", "mis", "provider_school_id", "base_url", "credentials")
    await services.registry.add(NewSchool(id=id_, **{name: school[name] for name in copied}))
    await services.sync.sync_lists(await services.registry.account(id_), _NEEDED)
    if school["provider"] == "wonde":
        hook_url = (await services.registry.get(id_)).hook_url
        await _post(control, "webhooks", school=school["provider_school_id"], url=hook_url)


@dataclass
class Registers:
    """Submits registers to the schools in turn, and waits for them."""

    url: str
    key: str
    schools: Sequence[Mapping[str, Any]]
    submitted: int = 0

    async def at_pace(self, per_s: float, seconds: float) -> int:
        """Submit so many a second, each as it is due; return how many."""
        count, began = round(per_s * seconds), time.monotonic()
        async with self._connections(_CONNECTIONS) as free, asyncio.TaskGroup() as submitting:
            for number in range(count):
                await asyncio.sleep(max(0.0, number / per_s - (time.monotonic() - began)))
                submitting.create_task(self._submit_over(free))
        return count

    async def at_once(self, count: int) -> None:
        """Submit so many as fast as they are taken."""
        async with self._connections(_CONNECTIONS) as free:
            await asyncio.gather(*(self._submit_over(free) for _ in range(count)))

    async def settled(self) -> None:
        """Return once nothing is under way; raise RuntimeError where something has gone wrong."""
        deadline = time.monotonic() + _PATIENCE_S
        while under_way := await self._first(_UNDER_WAY):
            if time.monotonic() > deadline:
                raise RuntimeError(f"a register is under way after {_PATIENCE_S:.0f} s: {under_way}")
            await asyncio.sleep(_ASK_EVERY_S)
        if wrong := await self._first(_WENT_WRONG):
            raise RuntimeError(f"a register was not confirmed: {wrong}")

    async def _first(self, statuses: str) -> Any:
        async with httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}) as http:
            answer = await http.get("/v1/writebacks", params={"status": statuses, "limit": 1}, timeout=60.0)
            return next(iter(answer.raise_for_status().json()["items"]), None)

    @asynccontextmanager
    async def _connections(self, count: int) -> "AsyncIterator[asyncio.Queue[Connection]]":
        opened, free = [await Connection(self.url).open() for _ in range(count)], asyncio.Queue[Connection]()
        for connection in opened:
            free.put_nowait(connection)
        yield free
        for connection in opened:
            await connection.close()

    async def _submit_over(self, free: "asyncio.Queue[Connection]") -> None:
        connection = await free.get()
        place, turn = self.submitted % len(self.schools), self.submitted // len(self.schools)
        self.submitted += 1
        headers = f"Authorization: Bearer {self.key}\r\n"
        path, body = f"/v1/schools/s{place}/writebacks", body_of(self.schools[place], turn)
        status, answer = await connection.post(path, body, headers)
        if status != 202:
            raise RuntimeError(f"{path} answered {status}: {answer[:300]!r}")
        free.put_nowait(connection)


def body_of(school: Mapping[str, Any], turn: int) -> bytes:
    """Return the register of a class and session: with each turn the next, then those of the school day before."""
    days, place = divmod(turn, _CLASSES * len(_SESSIONS))
    session, number = divmod(place, _CLASSES)
    pupils = [one for register in school["registers"] for one in register["student_ids"]]
    given = {
        "date": _days_before(days).isoformat(),
        "session": _SESSIONS[session],
        "code": "/" if session == 0 else "\\",
        "employee_id": school["registers"][0]["employee_id"],
    }
    records = [{"student_id": one, **given} for one in pupils[number * CLASS_SIZE :][:CLASS_SIZE]]
    return json.dumps({"kind": "attendance.session", "records": records}).encode()


def _days_before(count: int) -> date:
    """Return the school day so many before the last."""
    day = school_day()
    for _ in range(count):
        day = latest_weekday(day - timedelta(days=1))
    return day
