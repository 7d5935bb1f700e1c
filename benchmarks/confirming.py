"""Marks confirmed a second, end to end: API, worker and sandbox as real processes, from the first POST to evidence."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

from benchmarks.load import hammer
from benchmarks.stack import CLASS_SIZE, child, environment, free_port, school_day, settings_of, temporary_directory
from writeback.domain.access import Scope
from writeback.flow.registry.entries import NewSchool
from writeback.store.sql import migrate
from writeback.wiring import open_services

_SCHOOLS, _REGISTERS = 10, 300


async def run() -> AsyncIterator[str]:
    """Yield the figures as text."""
    with temporary_directory() as folder:
        port, sandbox_port = free_port(), free_port()
        variables = environment(folder, port, WRITEBACK_SANDBOX__PORT=str(sandbox_port))
        sandbox = f"http://127.0.0.1:{sandbox_port}"
        with child("-m", "writeback", "sandbox", environment=variables, ready_url=f"{sandbox}/_sandbox/health"):
            schools = [_post(f"{sandbox}/_sandbox/schools", _seed(number)) for number in range(_SCHOOLS)]
            key = await _register_all(variables, schools, sandbox)
            with (
                child("-m", "writeback", "api", environment=variables, ready_url=f"http://127.0.0.1:{port}/healthz"),
                child("-m", "writeback", "worker", environment=variables, ready_url=None),
            ):
                yield await _measure(f"http://127.0.0.1:{port}", key, schools)


def _seed(number: int) -> dict[str, Any]:
    return {"provider": "wonde", "mis": "Bromcom", "name": f"School {number}", "pupils": 1_000, "seed": number}


async def _register_all(variables: dict[str, str], schools: list[dict[str, Any]], sandbox: str) -> str:
    settings = settings_of(variables)
    await migrate.upgrade(settings.effective_database_url)
    async with open_services(settings) as services:
        for number, seeded in enumerate(schools):
            await services.registry.add(
                NewSchool(
                    id=f"s{number}",
                    name=seeded["name"],
                    provider="wonde",
                    mis="Bromcom",
                    provider_school_id=seeded["provider_school_id"],
                    base_url=f"{sandbox}/v1.0",
                    credentials={"token": seeded["token"]},
                )
            )
            await services.sync.sync_school(f"s{number}")
            hook = (await services.registry.get(f"s{number}")).hook_url
            _post(f"{sandbox}/_sandbox/webhooks", {"school": seeded["provider_school_id"], "url": hook})
        return (await services.keys.create("bench", "bench", [Scope.SUBMIT, Scope.READ])).key


async def _measure(url: str, key: str, schools: list[dict[str, Any]]) -> str:
    day = school_day()
    bodies = [
        (f"s{number}", _register(one, day - timedelta(days=turn)))
        for turn in range(-(-_REGISTERS // (_SCHOOLS * 30)))
        for number, school in enumerate(schools)
        for one in school["registers"][: _REGISTERS // _SCHOOLS]
    ]
    marks = sum(json.loads(body)["records"].__len__() for _, body in bodies)
    headers = f"Authorization: Bearer {key}\r\n"
    started = time.perf_counter()
    by_school: dict[str, list[bytes]] = {}
    for school_id, body in bodies:
        by_school.setdefault(school_id, []).append(body)
    await asyncio.gather(
        *(
            hammer(
                url,
                f"/v1/schools/{school_id}/writebacks",
                of_school.__getitem__,
                headers=headers,
                count=len(of_school),
                connections=2,
            )
            for school_id, of_school in by_school.items()
        )
    )
    accepted_s = time.perf_counter() - started
    while _count_waiting(url, key):  # noqa: ASYNC110 - what is waited for is in another process
        await asyncio.sleep(0.1)
    took = time.perf_counter() - started
    return (
        f"Confirming end to end, SQLite, {len(schools)} schools on the sandbox\n"
        f"  {len(bodies)} registers, {marks} marks: accepted in {accepted_s:.1f} s, all confirmed after {took:.1f} s\n"
        f"  marks confirmed                               {marks / took:7.0f}/s   (registers of about {CLASS_SIZE})\n"
    )


def _register(register: dict[str, Any], day: date) -> bytes:
    records = [
        {
            "student_id": one,
            "date": day.isoformat(),
            "session": "AM",
            "code": "/",
            "employee_id": register["employee_id"],
        }
        for one in register["student_ids"]
    ]
    return json.dumps({"kind": "attendance.session", "records": records}).encode()


def _count_waiting(url: str, key: str) -> bool:
    query = "status=queued,sending,sent,held,unknown&limit=1"
    request = urllib.request.Request(f"{url}/v1/writebacks?{query}", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bool(json.load(answer)["items"])


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        made: dict[str, Any] = json.load(answer)
        return made
