"""The service's own steps for one school of a sandbox, done one by one; time moves by hand."""

import json
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import World
from tests.contract.test_kinds import SENT, in_the_mis, record_of
from tests.secret_key import SECRET_KEY
from writeback.core.secrets import SecretBox
from writeback.core.settings import DispatchSettings, Settings
from writeback.domain.access import Caller, Scope
from writeback.domain.kinds import KINDS
from writeback.flow.accept.accept import Acceptor
from writeback.flow.confirm.confirmer import Confirmer
from writeback.flow.directory.asking import PeopleAsked
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.dispatch.dispatcher import Dispatcher
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import hook_url
from writeback.flow.registry.entries import NewSchool, Registry
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.queue.port import RecordingWaker
from writeback.store.reads.writebacks_read import Reads
from writeback.store.sql.database import Database
from writeback.store.tables import SchoolRow
from writeback.store.writebacks.committer import Committer
from writeback_client.models.writebacks import Writeback

CALLER = Caller("key_1", "app", frozenset(Scope))
POST = {
    ("wonde", "student_absence.create"): "attendance/absence",
    ("wonde", "employee_absence.create"): "employee-absences",
    ("xporter", "achievement.create"): "onduct",
    ("xporter", "behaviour.create"): "onduct",
    ("xporter", "detention.create"): "etention",
}
"""A part of the path to which a kind goes, where it is not called as the MIS's family."""


@dataclass
class Service:
    """The service's own steps for one school, done one by one."""

    world: World
    kind: str
    flow: FlowContext
    syncer: Syncer
    committer: Committer
    refresher: ListRefresher

    @property
    def lane(self) -> str:
        return f"hillside:{KINDS[self.kind].family}"

    async def submit(self, **changes: Any) -> str:
        record = await record_of(self.world, self.kind, **changes)
        return await self.post([json.loads(record.model_dump_json(exclude_none=True))])

    async def post(self, records: Sequence[Mapping[str, Any]]) -> str:
        body = json.dumps({"kind": self.kind, "records": records})
        people = PeopleAsked(self.flow, PeopleFinder(self.flow, self.refresher))
        answer = await Acceptor(self.flow, self.committer, self.refresher, people).submit(
            CALLER, "hillside", body.encode()
        )
        assert answer.status == 202, answer.content
        assert answer.writeback_id is not None
        return answer.writeback_id

    async def lose_answer(self, *, takes_effect: bool = True, **changes: Any) -> str:
        """Submit one whose answer is lost; it has reached the MIS, unless it took no effect."""
        path = POST.get((self.world.name, self.kind), SENT[self.world.name][self.kind])
        fault = "reset_after" if takes_effect else "reset_before"
        await self.world.order("faults", kind=fault, method="POST", path=path, times=1)
        writeback_id = await self.submit(**changes)
        await self.serve()
        assert (await self.show(writeback_id)).status == "unknown"
        await self.world.advance()
        return writeback_id

    async def serve(self) -> None:
        await Dispatcher(self.flow, "worker").serve(self.lane)

    async def settle(self) -> None:
        """Let everything pass that is waited for, look, and do what follows from it."""
        for _ in range(3):
            self.world.clock.advance(timedelta(hours=2))
            await Confirmer(self.flow).confirm(self.lane)
            await self.serve()
            await self.world.advance()

    async def look(self) -> None:
        self.world.clock.advance(timedelta(seconds=5))
        await Confirmer(self.flow).confirm(self.lane)

    async def office(self, **change: Any) -> None:
        """Have the office change what is in the MIS: `update` gets the id of what was made last."""
        held = await in_the_mis(self.world, self.kind)
        if "update" in change:
            change["update"] = [{**change["update"], "id": held[-1]["id"]}]
        await self.world.order(f"schools/{{school}}/{SENT[self.world.name][self.kind]}", **change)

    async def show(self, writeback_id: str) -> Writeback:
        return await Reads(self.flow.db).show(CALLER, writeback_id)

    async def created(self) -> int:
        """Return how many things the MIS has ever been made to make, by its own ledger."""
        changes = (await self.world.ask("ledger"))["changes"]
        return sum(change["effect"] == "created" for change in changes)


@pytest.fixture
async def service(world: World, kind: str, sqlite_url: str, tmp_path: Path, synced: Path) -> AsyncIterator[Service]:
    ours, kept = tmp_path / "writeback.db", synced / f"{world.name}.db"
    if is_synced := kept.exists():
        shutil.copy(kept, ours)
    settings = Settings(secret_key=SECRET_KEY, dispatch=DispatchSettings(gather_s=0))
    secrets, waker = SecretBox(SECRET_KEY), RecordingWaker()
    database = Database.open(sqlite_url)
    registry = Registry(
        database,
        secrets,
        world.clock,
        known_providers=("wonde", "xporter"),
        hook_url=partial(hook_url, settings, secrets),
        provider_urls={"wonde": "", "xporter": ""},
        cache_s=0.0,
    )
    flow = FlowContext(
        db=database,
        clock=world.clock,
        settings=settings,
        registry=registry,
        lookups=lookup_cache(database, world.clock),
        providers={world.name: world.provider},
        waker=waker,
        secrets=secrets,
        rng=random.Random(7),
    )
    account = world.account
    school = NewSchool(
        id="hillside",
        name="Hillside",
        provider=account.provider,
        mis=account.mis,
        provider_school_id=account.provider_school_id,
        base_url=account.base_url,
        credentials=account.credentials,
    )
    await world.change(cache_ttl_s=0)
    syncer = Syncer(flow)
    if is_synced:
        async with database.write() as session:
            row = await session.get_one(SchoolRow, "hillside")
            row.base_url, row.credentials = account.base_url, secrets.seal(dict(account.credentials))
    else:
        await registry.add(school)
        await syncer.sync_school("hillside")
        with closing(sqlite3.connect(ours)) as source, closing(sqlite3.connect(kept)) as copy:
            source.backup(copy)
    committer = Committer(database, world.clock, max_waiting=100, on_commit=partial(waker.wake, "serve_lane"))
    await committer.start()
    refresher = ListRefresher(flow, syncer)
    yield Service(world, kind, flow, syncer, committer, refresher)
    await refresher.aclose()
    await committer.aclose()
    await database.dispose()
