"""How long the console's pages take in a large trust.

On SQLite and PostgreSQL, on a usual day and while much of it is held or has failed. Nothing is remembered from one call
to the next but what the service itself remembers; the first call of each page is shown beside the median.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import httpx

from benchmarks.stack import SECRET, postgresql, temporary_directory
from benchmarks.trust import WRITEBACKS, fill
from writeback.console import create_console
from writeback.core.settings import Settings
from writeback.domain.staff import Role
from writeback.store.people import staff as store
from writeback.store.sql import migrate
from writeback.wiring import Services, open_services

_ORIGIN = "http://127.0.0.1:8400"
_TIMES = 7
_OUTAGE = 0.3
_PAUSE_S = 2.1
"""Longer than `Now` remembers what it has found."""
PAGES: Mapping[str, str] = {
    "Now": "/now",
    "Writebacks": "/writebacks",
    "…that went wrong": "/writebacks?status=failed&status=partial&status=expired",
    "…held": "/writebacks?status=held",
    "…of a school, failed": "/writebacks?school=school-03&status=failed",
    "…of a pupil": "/writebacks?student=P03-0042",
    "…by any reference": "/writebacks?q=777",
    "…with a cause, today": "/writebacks?code=code_unknown&since={today}",
    "…of a batch": "/writebacks?batch=bat_00000000000000000000000001",
    "One writeback": "{writeback}",
    "Schools": "/schools",
    "One school": "/schools/school-03",
    "One school, held": "/schools/school-07",
    "Batches": "/batches",
    "One batch": "/batches/bat_00000000000000000000000001",
    "Apps and keys": "/apps",
    "Webhooks": "/webhooks",
    "Audit": "/audit",
    "Audit of a person": "/audit?who=staff%3Aann",
    "Report of a day": "/reports?school=school-03&date={today}",
    "Account": "/account",
}


@asynccontextmanager
async def visitor(
    services: Services, name: str, schools: Sequence[str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a browser with an administrator in it."""
    if name not in [one.name for one in await services.staff.accounts.list()]:
        await services.staff.accounts.add(name, Role.ADMIN, schools=schools)

    def begin(session: object) -> str:
        row = store.by_name(session, name)  # type: ignore[arg-type] # a Session, which `transact` gives
        assert row is not None
        return services.staff.sessions.begin(session, row)  # type: ignore[arg-type] # the same

    cookie = await services.reads.db.transact(begin)
    transport = httpx.ASGITransport(create_console(services))
    async with httpx.AsyncClient(transport=transport, base_url=_ORIGIN, cookies={"wb_console": cookie}) as http:
        yield http


async def measure(http: httpx.AsyncClient, today: str) -> Sequence[tuple[str, float, float]]:
    """Return for each page the first and the median time of a call, in ms."""
    found = []
    listed = await http.get("/console/writebacks?status=failed")
    one = re.search(r'href="/console(/writebacks/wb_[^"/?]+)"', listed.text)
    for name, path in PAGES.items():
        address = "/console" + path.format(today=today, writeback=one[1] if one else "/writebacks")
        took = []
        for _ in range(_TIMES):
            if name == "Now":
                await asyncio.sleep(_PAUSE_S)
            began = time.perf_counter()
            answer = await http.get(address)
            took.append((time.perf_counter() - began) * 1_000)
            assert answer.status_code == 200, (address, answer.status_code, answer.text[:500])
        found.append((name, took[0], median(took)))
    return found


async def run() -> AsyncIterator[str]:
    """Yield a table for each database and each sort of day."""
    for outage in (0, round(WRITEBACKS * _OUTAGE)):
        with temporary_directory() as folder:
            yield _table("SQLite", outage, await _measured(folder, outage))
        with temporary_directory() as folder, postgresql(folder) as url:
            yield _table("PostgreSQL", outage, await _measured(folder, outage, url))


async def _measured(folder: Path, outage: int, url: str | None = None) -> Sequence[tuple[str, float, float]]:
    """Fill a new database, and measure."""
    chosen = {} if url is None else {"database_url": url}
    settings = Settings(data_dir=folder, secret_key=SECRET, public_url=_ORIGIN, **chosen)
    await migrate.upgrade(settings.effective_database_url)
    async with open_services(settings) as services:
        await fill(services, WRITEBACKS, outage)
        async with visitor(services, "bench@example.org") as http:
            return await measure(http, f"{services.clock.now().date()}")


def _table(database: str, outage: int, found: Sequence[tuple[str, float, float]]) -> str:
    title = f"The console, {WRITEBACKS} writebacks, {database}, {outage or 'none'} of them held or failed just now"
    rows = [f"  {name:26} {first:9.0f} {usual:10.0f}" for name, first, usual in found]
    return "\n".join([title, f"  {'':26} {'first ms':>9} {'median ms':>10}", *rows, ""])
