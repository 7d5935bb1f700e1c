"""Lists and bulk jobs are seen to beside registers, never before them: a real worker, Redis, the sandbox over HTTP."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio
from sqlmodel import select, update

from tests.secret_key import SECRET_KEY
from writeback.core.settings import Settings
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import SERVICE
from writeback.domain.corrections import Action
from writeback.domain.lookups import ListName
from writeback.domain.school import HoldReason
from writeback.domain.staff import Person
from writeback.domain.staff import Role as StaffRole
from writeback.flow.correct import bulk_runner
from writeback.flow.registry.entries import NewSchool
from writeback.sandbox.testing import RunningSandbox, running_sandbox
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.store.tables import BulkRow, LookupRow, SchoolRow, WritebackRow
from writeback.wiring import Services, open_services
from writeback.worker import main
from writeback.worker.role import Role

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")  # arq's

_SCHOOLS, _PLACES = 6, 2
_LISTS = (ListName.STUDENTS, ListName.EMPLOYEES, ListName.ATTENDANCE_CODES)


@pytest.fixture(autouse=True)
def garbage_as_before() -> Iterator[None]:
    """Undo what a worker asks of the garbage collector: it thinks that the process is its own."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@dataclass
class Town:
    """Schools of the sandbox, which have what registers need; a worker is started by the test."""

    services: Services
    settings: Settings
    sandbox: RunningSandbox
    caller: Caller
    registers: dict[str, dict[str, Any]]

    async def submit(self, school_id: str) -> str:
        """Have a register accepted, and return its id."""
        register, day = self.registers[school_id], self.services.clock.now().date().isoformat()
        given = {"date": day, "session": "AM", "code": "/", "employee_id": register["employee_id"]}
        records = [{"student_id": pupil, **given} for pupil in register["student_ids"][:2]]
        body = json.dumps({"kind": "attendance.session", "records": records}).encode()
        answer = await self.services.accept.submit(self.caller, school_id, body)
        assert answer.writeback_id is not None
        return answer.writeback_id

    async def status(self, writeback_id: str) -> str:
        async with self.services.accept.flow.db.read() as session:
            return (await session.exec(select(WritebackRow.status).where(WritebackRow.id == writeback_id))).one()

    async def cancel_all_of(self, school_id: str, *, matched: int) -> str:
        """Begin a bulk job that cancels what waits at a school, and return its id."""
        ann = await self.services.staff.accounts.add("ann", StaffRole.SUPPORT)
        wanted = Selection(Filter(school=school_id))
        person = Person(ann.id, ann.name, StaffRole.SUPPORT)
        return await self.services.bulks.begin(person, Action.CANCEL, wanted, "it is moved", matched=matched)

    async def bulk(self, bulk_id: str) -> BulkRow:
        async with self.services.accept.flow.db.read() as session:
            return await session.get_one(BulkRow, bulk_id)

    async def have_lists_due(self) -> None:
        async with self.services.accept.flow.db.write() as session:
            await session.exec(update(SchoolRow).values(sync_at=self.services.clock.now()))

    async def sync_times(self) -> list[timedelta]:
        """Return in how long each school is synced next."""
        async with self.services.accept.flow.db.read() as session:
            found = (await session.exec(select(SchoolRow.sync_at))).all()
        return sorted(at - self.services.clock.now() for at in found if at is not None)

    async def with_lessons(self) -> int:
        """Return how many schools' lessons have been fetched: only a sync does that here."""
        query = select(LookupRow.school_id).where(LookupRow.list == ListName.LESSONS.value)
        async with self.services.accept.flow.db.read() as session:
            return len((await session.exec(query)).all())

    async def order(self, **fault: Any) -> None:
        """Have the sandbox misbehave."""
        self.sandbox.state.faults.order(fault)

    async def hung(self) -> int:
        return sum(fault.hits for fault in self.sandbox.state.faults.standing)

    @asynccontextmanager
    async def worker(self, role: Role = Role.ALL) -> AsyncIterator[None]:
        """Run a worker while the block runs, then stop it in good order."""
        stopping = asyncio.Event()
        working = asyncio.create_task(main.serve(self.settings, stopping, role=role))
        try:
            yield
        finally:
            stopping.set()
            async with asyncio.timeout(15):  # less than a hanging call of the sandbox would take
                assert await working


@pytest.fixture
async def town(tmp_path: Path, redis_url: str, sqlite_url: str) -> AsyncIterator[Town]:
    queue = {"sweep_every_s": 0.1, "sync_jobs": _PLACES}
    settings = Settings(
        secret_key=SECRET_KEY, data_dir=tmp_path, database_url=sqlite_url, redis_url=redis_url, queue=queue
    )
    async with (
        running_sandbox() as sandbox,
        open_services(settings) as services,
        httpx.AsyncClient(base_url=sandbox.url, timeout=30.0) as control,
    ):
        registers = {}
        for number in range(_SCHOOLS):
            seeded = (await control.post("/_sandbox/schools", json=_school(number))).json()
            await services.registry.add(_registered(f"s{number}", seeded))
            await services.sync.sync_lists(await services.registry.account(f"s{number}"), _LISTS)
            registers[f"s{number}"] = seeded["registers"][0]
        made = await services.keys.create("test", "test", [Scope.SUBMIT, Scope.READ])
        town = Town(services, settings, sandbox, await services.keys.authenticate(made.key), registers)
        await town.have_lists_due()
        yield town


def _school(number: int) -> dict[str, Any]:
    return {"provider": "wonde", "mis": "Bromcom", "name": f"School {number}", "pupils": 30, "seed": number}


def _registered(school_id: str, seeded: dict[str, Any]) -> NewSchool:
    return NewSchool(
        id=school_id,
        name=seeded["name"],
        provider="wonde",
        mis="Bromcom",
        provider_school_id=seeded["provider_school_id"],
        base_url=seeded["base_url"],
        credentials=seeded["credentials"],
    )


async def _until(claim: Any, within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not await claim():  # noqa: ASYNC110 - it is in SQL or in the sandbox
            await asyncio.sleep(0.02)


async def test_a_register_goes_at_once_while_every_sync_hangs(town: Town) -> None:
    await town.order(kind="hang", method="GET", path="/students")

    async def all_places_hang() -> bool:
        return await town.hung() >= _PLACES

    async with town.worker():
        await _until(all_places_hang)
        ids = [await town.submit(f"s{number}") for number in range(_SCHOOLS)]

        async def all_are_sent() -> bool:
            return all([await town.status(one) in ("sent", "confirmed") for one in ids])

        await _until(all_are_sent, within_s=10)
        assert await town.hung() == _PLACES
        taken = [left for left in await town.sync_times() if left > timedelta(0)]
        assert len(taken) == _PLACES


async def test_a_stopping_worker_gives_up_its_syncs_at_once_and_leaves_them_to_another(town: Town) -> None:
    await town.order(kind="hang", method="GET", path="/students")

    async def all_places_hang() -> bool:
        return await town.hung() >= _PLACES

    async with town.worker():
        await _until(all_places_hang)
    assert max(await town.sync_times()) < timedelta(seconds=31)


async def test_every_school_is_synced_although_redis_forgets_who_was_rung_for(town: Town) -> None:
    async def one_is_synced() -> bool:
        return await town.with_lessons() > 0

    async def all_are_synced() -> bool:
        return await town.with_lessons() == _SCHOOLS

    async with town.worker():
        await _until(one_is_synced)
        async with redis.asyncio.Redis.from_url(town.settings.redis_url) as client:
            await client.flushall()
        await _until(all_are_synced)


async def test_two_workers_never_sync_one_school_at_the_same_time(town: Town) -> None:
    async def all_are_synced() -> bool:
        return await town.with_lessons() == _SCHOOLS

    async with town.worker(), town.worker():
        await _until(all_are_synced)
    asked = [one for one in town.sandbox.state.ledger.requests if one.path.endswith("/attendance-codes")]
    assert len(asked) == _SCHOOLS * 2  # once when it was registered, once by a worker


async def test_lists_and_registers_may_have_processes_of_their_own(town: Town) -> None:
    writeback_id = await town.submit("s0")

    async def all_are_synced() -> bool:
        return await town.with_lessons() == _SCHOOLS

    async with town.worker(Role.SYNC):
        await _until(all_are_synced)
    assert await town.status(writeback_id) == "queued"

    async def is_sent() -> bool:
        return await town.status(writeback_id) in ("sent", "confirmed")

    await town.have_lists_due()
    async with town.worker(Role.REGISTERS):
        await _until(is_sent)
    assert max(await town.sync_times()) < timedelta(0)


async def test_a_register_goes_while_a_bulk_job_is_under_way_and_a_stopping_worker_gives_that_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_runner, "PIECE", 1)  # so that it takes long
    await town.services.holds.hold("s0", HoldReason.BY_STAFF, "the MIS is moved", SERVICE)
    waiting = [await town.submit("s0") for _ in range(150)]
    bulk = await town.cancel_all_of("s0", matched=len(waiting))

    async def has_begun() -> bool:
        return (await town.bulk(bulk)).looked_at > 0

    async def is_sent() -> bool:
        return await town.status(register) in ("sent", "confirmed")

    async with town.worker():
        await _until(has_begun)
        register = await town.submit("s1")
        await _until(is_sent, within_s=10)

    left = await town.bulk(bulk)
    assert (left.state, left.lease_owner) == ("running", None)
    assert 0 < left.done == left.looked_at < len(waiting)
