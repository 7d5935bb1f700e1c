"""What one sync of an unchanged school of 1,000 costs, with each provider, and what its lists take in memory.

The sync runs in this process; its calls are counted where their answers are read. Called by `syncing`.
"""

import gc
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

import httpx
from sqlmodel import update

from benchmarks.stack import child, environment, free_port, settings_of, temporary_directory
from writeback.flow.registry.entries import NewSchool
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.providers import http
from writeback.providers.answers import Answer
from writeback.store.sql import migrate
from writeback.store.tables import SchoolRow
from writeback.wiring import Services, open_services

_PUPILS, _TIMES = 1_000, 5
_MIS = {"wonde": "Bromcom", "xporter": "SIMS"}


async def run() -> AsyncIterator[str]:
    """Yield a line a provider."""
    with temporary_directory() as folder:
        port = free_port()
        sandbox = f"http://127.0.0.1:{port}"
        variables = environment(folder, free_port(), WRITEBACK_SANDBOX__PORT=str(port))
        variables["WRITEBACK_XPORTER__BASE_URL"] = sandbox
        variables["WRITEBACK_XPORTER__STS_URL"] = f"{sandbox}/idaas/sts/STS/GetToken"
        with child("-m", "writeback", "sandbox", environment=variables, ready_url=f"{sandbox}/_sandbox/health"):
            settings = settings_of(variables)
            await migrate.upgrade(settings.effective_database_url)
            async with open_services(settings) as services:
                yield f"One sync of an unchanged school of {_PUPILS:,}, and its lists in memory\n"
                for provider in _MIS:
                    await _register(services, provider, sandbox)
                    yield await _measure(services, provider)


async def _register(services: Services, provider: str, sandbox: str) -> None:
    wanted = {"provider": provider, "mis": _MIS[provider], "name": provider, "pupils": _PUPILS, "seed": 1}
    async with httpx.AsyncClient(base_url=sandbox, timeout=60.0) as control:
        school = (await control.post("/_sandbox/schools", json=wanted)).json()
    await services.registry.add(
        NewSchool(
            id=provider,
            name=provider,
            provider=provider,
            mis=_MIS[provider],
            provider_school_id=school["provider_school_id"],
            base_url=f"{sandbox}/v1.0" if provider == "wonde" else sandbox,
            credentials={name: school[name] for name in ("token", "secret") if school.get(name)},
        )
    )


async def _measure(services: Services, school_id: str) -> str:
    with _counted() as sizes:
        await services.sync.sync_school(school_id, full=True)
    whole, took = len(sizes), list[float]()
    for _ in range(_TIMES):
        with _counted() as sizes:
            began = time.process_time()
            await _sync_due(services, school_id)
            took.append(time.process_time() - began)
    held = await _held(services, school_id)
    return (
        f"  {school_id:<8} {len(sizes):3} calls ({whole} for all of it)  {sum(sizes) / 1_000:6.0f} KB  "
        f"CPU {1_000 * min(took):4.0f} ms  in memory {held / 1_000:4.0f} KB\n"
    )


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Note the size of each answer of a provider."""
    sizes, answer_of = list[int](), http.answer_of

    def noting(response: httpx.Response, content: bytes, now: datetime) -> Answer:
        sizes.append(len(content))
        return answer_of(response, content, now)

    with patch.object(http, "answer_of", noting):
        yield sizes


async def _sync_due(services: Services, school_id: str) -> Any:
    async with services.accept.flow.db.write() as session:
        await session.exec(update(SchoolRow).values(sync_at=services.clock.now(), sync_first=False))
    if await services.sync.sync_due(school_id) is None:
        raise RuntimeError(f"{school_id} was not due")


async def _held(services: Services, school_id: str) -> int:
    """Return the bytes that a process takes more once it has the school's lists."""
    flow = services.accept.flow
    await lookup_cache(flow.db, flow.clock).view(school_id)
    cache = lookup_cache(flow.db, flow.clock)
    gc.collect()
    tracemalloc.start()
    try:
        view = await cache.view(school_id)
        gc.collect()
        assert view.students is not None
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
