"""A school at the simulated Wonde, from its approval to its move to another MIS: real adapter, real HTTP, real SQL."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlmodel import select

from tests.contract.conftest import Ear, listening
from tests.integration.flow.conftest import CALLER, submission
from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.network.tls import trusted
from writeback.core.secrets import SecretBox
from writeback.core.settings import DispatchSettings, Settings, WondeSettings, XporterSettings
from writeback.domain.lookups import ListName
from writeback.domain.states import Status
from writeback.flow.accept.accept import Acceptor
from writeback.flow.confirm.provider_hooks import Hooks
from writeback.flow.directory.asking import PeopleAsked
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import account_hook_token, hook_url
from writeback.flow.registry.entries import Registry
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.flow.schools.discovery import Discovery
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.flow.schools.waiting_schools import SchoolWatch
from writeback.providers.http import create_client
from writeback.providers.registry import create_providers
from writeback.queue.port import RecordingWaker
from writeback.sandbox.testing import running_sandbox
from writeback.store.sql.database import Database
from writeback.store.tables import SchoolRow, WritebackRow
from writeback.store.writebacks.committer import Committer

WONDE_ID = "A1329180001"


@dataclass
class Scene:
    """Our flow on one side, the simulated Wonde on the other; its webhooks are heard and handed on."""

    flow: FlowContext
    clock: FakeClock
    control: httpx.AsyncClient
    ear: Ear
    committer: Committer

    def __post_init__(self) -> None:
        self.syncer = Syncer(self.flow)
        self.watch = SchoolWatch(self.flow, self.syncer)
        refresher = ListRefresher(self.flow, self.syncer)
        people = PeopleAsked(self.flow, PeopleFinder(self.flow, refresher))
        self.acceptor = Acceptor(self.flow, self.committer, refresher, people)

    async def order(self, path: str, **body: Any) -> Any:
        response = await self.control.post(f"/_sandbox/{path}", json=body)
        assert response.is_success, response.text
        return response.json()

    async def change(self, **changes: Any) -> None:
        """Change the school at Wonde, and receive what it tells of it."""
        await self.order(f"schools/{WONDE_ID}", **changes)
        await self.order("advance")
        token = account_hook_token(self.flow.secrets, "wonde")
        for query, body in self.ear.heard:
            await Hooks(self.flow).receive("wonde", token, query, body)
        self.ear.heard.clear()

    async def school(self) -> SchoolRow:
        async with self.flow.db.read() as session:
            row = await session.get(SchoolRow, "hillside")
        assert row is not None
        return row

    async def student_ids(self) -> set[str]:
        students = (await self.flow.lookups.view("hillside", fresh=True)).students
        return set(students.rows) if students else set()


@pytest.fixture
async def scene(sqlite_url: str, fake_clock: FakeClock) -> AsyncIterator[Scene]:
    db, secrets = Database.open(sqlite_url), SecretBox(SECRET_KEY)
    async with (
        running_sandbox(fake_clock) as sandbox,
        listening() as ear,
        create_client(DispatchSettings()) as client,
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=trusted()) as control,
    ):
        wonde = WondeSettings(base_url=f"{sandbox.url}/v1.0", token="hillside-token", page_size=50)
        xporter = XporterSettings(
            base_url=sandbox.url,
            sts_url=f"{sandbox.url}/idaas/sts/STS/GetToken",
            management_secret="management-secret",
        )
        settings = Settings(secret_key=SECRET_KEY, wonde=wonde, xporter=xporter)
        flow = FlowContext(
            db=db,
            clock=fake_clock,
            settings=settings,
            registry=Registry(
                db,
                secrets,
                fake_clock,
                known_providers=("wonde",),
                hook_url=partial(hook_url, settings, secrets),
                provider_urls={"wonde": wonde.base_url},
                cache_s=0.0,
            ),
            lookups=lookup_cache(db, fake_clock),
            providers=create_providers(settings, fake_clock, client),
            waker=RecordingWaker(),
            secrets=secrets,
            rng=random.Random(7),
        )
        committer = Committer(db, fake_clock, max_waiting=10, on_commit=partial(flow.waker.wake, "serve_lane"))
        await committer.start()
        made = Scene(flow, fake_clock, control, ear, committer)
        school = {"provider": "wonde", "id": WONDE_ID, "name": "Hillside", "mis": "SIMS", "pupils": 40}
        await made.order("schools", **school, token="hillside-token")
        await made.order("webhooks", url=ear.url)
        yield made
        await committer.aclose()
    await db.dispose()


async def test_a_schools_life_with_us(scene: Scene) -> None:
    # It approves us, and is registered as Wonde lists it.
    await scene.change(access="approved")
    row = await scene.school()
    assert (row.name, row.mis, row.provider_school_id, row.base_url) == ("Hillside", "SIMS", WONDE_ID, "")
    (listed,) = await Discovery(scene.flow).schools("wonde", "approved")
    assert (listed.name, listed.school) == ("Hillside", "hillside")
    report = await scene.syncer.sync_school("hillside")
    assert [one for one in report.lists if one.error] == []
    before = await scene.student_ids()
    assert len(before) == 40

    # A register is accepted, and then it revokes: what was accepted waits.
    codes = (await scene.flow.lookups.view("hillside")).attendance_codes
    assert codes is not None
    mark = {"student_id": min(before), "date": "2026-01-12", "session": "AM", "code": "/"}
    answer = await scene.acceptor.submit(CALLER, "hillside", submission(mark))
    await scene.change(access="revoked")
    await scene.watch.recheck("hillside")
    row = await scene.school()
    assert (row.hold_reason, row.hold_detail) == (
        "access_revoked",
        "the school has revoked access: Set in the sandbox",
    )
    assert await _status(scene, answer.writeback_id) is Status.HELD

    # It approves us again: what waited goes on.
    await scene.change(access="approved")
    await scene.watch.recheck("hillside")
    assert (await scene.school()).hold_reason is None
    assert await _status(scene, answer.writeback_id) is Status.QUEUED

    # It moves to another MIS: nothing goes until its new ids are here.
    await scene.change(migrate={"to": "Arbor", "completed": False})
    await scene.watch.recheck("hillside")
    row = await scene.school()
    assert row.hold_detail == "Hillside is moving from SIMS to Arbor; ids are being refreshed"
    assert await _status(scene, answer.writeback_id) is Status.HELD
    await scene.change(migrate={"to": "Arbor", "completed": True})
    await scene.watch.recheck("hillside")
    row = await scene.school()
    assert (row.mis, row.hold_reason) == ("Arbor", "migration")
    after = await scene.student_ids()
    assert len(after) == 40
    assert not after & before
    scene.clock.advance(timedelta(seconds=6))
    await scene.watch.recheck("hillside")
    row = await scene.school()
    assert (row.hold_reason, "migration" in row.facts) == (None, False)
    assert await _status(scene, answer.writeback_id) is Status.QUEUED


async def test_a_lost_word_of_completion_is_found_out_at_wonde(scene: Scene) -> None:
    await scene.change(access="approved")
    await scene.syncer.sync_school("hillside")
    await scene.change(migrate={"to": "Arbor", "completed": False})
    await scene.watch.recheck("hillside")
    await scene.order("webhooks", url=None)
    await scene.change(migrate={"to": "Arbor", "completed": True})
    await scene.syncer.sync_school("hillside")
    assert (await scene.school()).recheck_at == scene.clock.now()
    await scene.watch.recheck("hillside")
    scene.clock.advance(timedelta(seconds=6))
    await scene.watch.recheck("hillside")
    row = await scene.school()
    assert (row.mis, row.hold_reason) == ("Arbor", None)


async def test_a_list_that_wonde_does_not_grant_is_not_available_and_no_error(scene: Scene) -> None:
    await scene.change(access="approved")
    grants = (await scene.control.get(f"/_sandbox/schools/{WONDE_ID}")).json()["grants"]
    await scene.order(f"schools/{WONDE_ID}", grants=[name for name in grants if not name.startswith("behaviour")])

    report = await scene.syncer.sync_school("hillside")

    found = {one.list: one for one in report.lists}
    assert found[ListName.BEHAVIOUR_ATTRIBUTES].error is None
    assert found[ListName.BEHAVIOUR_ATTRIBUTES].not_available
    assert found[ListName.STUDENTS].not_available is None


async def test_the_schools_of_our_xporter_account_are_listed_by_its_management_secret(scene: Scene) -> None:
    await scene.order("schools", provider="xporter", estab="3281102", name="Riverbank", pupils=30)

    (listed,) = await Discovery(scene.flow).schools("xporter", "approved")

    assert (listed.provider_school_id, listed.name, listed.school) == ("3281102", "Riverbank", None)


async def _status(scene: Scene, writeback_id: str | None) -> Status:
    async with scene.flow.db.read() as session:
        found = await session.exec(select(WritebackRow.status).where(WritebackRow.id == writeback_id))
        return Status(found.one())
