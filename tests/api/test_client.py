"""The client against the real service: in-process for calls, over a real server for streams, blocking and not.

Behind the service is the sandbox; what is submitted goes all the way to confirmed.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlmodel import select

import writeback_client as face
from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.core.network.tls import trusted
from writeback.core.settings import EventSettings, Settings, WebhookSettings
from writeback.domain.access import Scope
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.confirm.confirmer import Confirmer
from writeback.flow.dispatch.dispatcher import Dispatcher
from writeback.flow.registry.entries import NewSchool
from writeback.sandbox.testing import PromptServer, running_sandbox, until
from writeback.store.tables import BatchRow, Lane
from writeback.wiring import Services, open_services
from writeback_client import AsyncClient, Client, ClientError, Conflict, Forbidden, Invalid, NotFinal, NotFound, Status

DAY = date(2026, 1, 12)
DOCUMENT = Path(__file__).parents[2] / "docs" / "client.md"
_PATIENCE_S = 30.0


@dataclass
class World:
    """The service with a school, Riverbank, and all that a worker does."""

    services: Services
    clock: FakeClock
    url: str
    key: str
    sandbox: httpx.AsyncClient
    pupils: list[str]

    def __post_init__(self) -> None:
        flow = self.services.accept.flow
        self._db, self._dispatcher, self._confirmer = flow.db, Dispatcher(flow, "worker-1"), Confirmer(flow)
        self._batches = BatchRunner(flow, self.services.sync, "worker-1")

    def client(self, key: str | None = None) -> AsyncClient:
        """A client whose calls stay within the process."""
        transport = httpx.ASGITransport(create_app(self.services))
        return AsyncClient(self.url, key or self.key, transport=transport)

    async def make_key(self, *scopes: Scope, app: str = "Registers", schools: list[str] | None = None) -> str:
        return (await self.services.keys.create(app, "", list(scopes), schools)).key

    def mark(self, number: int = 0, **changes: Any) -> dict[str, Any]:
        return {"student_id": self.pupils[number], "date": DAY, "session": "AM", "code": "/", **changes}

    async def work(self) -> None:
        """Do once what a worker does: files, then requests, then evidence."""
        async with self._db.read() as session:
            batches = (await session.exec(select(BatchRow.id))).all()
        for batch in batches:
            await self._batches.run(batch)
        async with self._db.read() as session:
            lanes = (await session.exec(select(Lane.id))).all()
        for lane in lanes:
            await self._dispatcher.serve(lane)
        (await self.sandbox.post("/_sandbox/advance", json={})).raise_for_status()
        self.clock.advance(timedelta(seconds=5))
        for lane in lanes:
            await self._confirmer.confirm(lane)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Work again and again while the block runs."""

        async def work() -> None:
            while True:
                await self.work()
                await asyncio.sleep(0.05)

        task = asyncio.create_task(work())
        try:
            yield
        finally:
            task.cancel()
            (error,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(error, asyncio.CancelledError), error


@pytest.fixture
async def world(sqlite_url: str, redis_url: str, tmp_path: Path, fake_clock: FakeClock) -> AsyncIterator[World]:
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url=sqlite_url,
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        events=EventSettings(poll_s=0.02),
        webhooks=WebhookSettings(allow_http=True, allow_private_addresses=True),
    )
    async with (
        running_sandbox(fake_clock) as sandbox,
        open_services(settings, clock=fake_clock) as services,
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=trusted()) as control,
        _serving(services) as url,
    ):
        seeded = await control.post("/_sandbox/schools", json={"provider": "wonde", "pupils": 60, "mis": "SIMS"})
        school = seeded.raise_for_status().json()
        entry = {name: school[name] for name in ("mis", "provider_school_id", "base_url", "credentials")}
        await services.registry.add(NewSchool(id="riverbank", name="Riverbank", provider="wonde", **entry))
        await services.sync.sync_school("riverbank")
        key = (await services.keys.create("Registers", "", list(Scope))).key
        yield World(services, fake_clock, url, key, control, school["registers"][0]["student_ids"])
        services.feed.close()


@asynccontextmanager
async def _serving(services: Services) -> AsyncIterator[str]:
    config = uvicorn.Config(
        create_app(services), port=0, log_config=None, lifespan="off", loop="none", access_log=False
    )
    server = PromptServer(config)
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started or task.done())
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def test_the_example_of_the_documentation_runs_to_confirmed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0]
    example = example.replace("date.today()", f'date.fromisoformat("{DAY}")')  # the service's clock stands
    monkeypatch.setenv("WRITEBACK_URL", world.url)
    monkeypatch.setenv("WRITEBACK_KEY", world.key)
    printed: list[str] = []
    names = {"print": lambda *words: printed.append(" ".join(str(word) for word in words))}

    async with world.worker(), asyncio.timeout(_PATIENCE_S):
        await asyncio.to_thread(exec, compile(example, "docs/client.md", "exec"), names)

    first, last = printed
    assert re.fullmatch(r"wb_\w+ queued", first)
    assert last.startswith("confirmed ")


def test_every_example_of_the_documentation_can_be_read_and_names_what_there_is() -> None:
    text = DOCUMENT.read_text()

    for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        compile(example, "docs/client.md", "exec")
        for names in re.findall(r"^from writeback\.client import (.+)$", example, re.MULTILINE):
            assert set(names.split(", ")) <= set(face.__all__)


async def test_submitting_and_waiting_over_a_stream(world: World) -> None:
    async with AsyncClient(world.url, world.key) as client, world.worker(), asyncio.timeout(_PATIENCE_S):
        done = await client.submit_and_wait("riverbank", "attendance.session", [world.mark()], ref="7B", timeout=20)

    assert done.is_confirmed
    assert (done.ref, done.records[0].status, done.counts) == ("7B", "confirmed", {"confirmed": 1})
    assert done.timeline[-1].status is Status.CONFIRMED
    assert done.requests[0].attempts[0].number == 1


async def test_waiting_that_ends_too_early_says_how_far_it_is(world: World) -> None:
    async with AsyncClient(world.url, world.key) as client, asyncio.timeout(_PATIENCE_S):
        accepted = await client.submit("riverbank", "attendance.session", [world.mark()])
        with pytest.raises(NotFinal) as caught:
            await client.wait(accepted.id, timeout=1.5)

    assert caught.value.writeback is not None
    assert caught.value.writeback.status is Status.QUEUED


async def test_events_go_on_after_a_break(world: World) -> None:
    async with AsyncClient(world.url, world.key) as client, asyncio.timeout(_PATIENCE_S):
        accepted = await client.submit("riverbank", "attendance.session", [world.mark()])
        first = [event async for event in client.events(accepted.id, follow=False)]
        async with world.worker():
            seen = []
            async for event in client.events(school="riverbank", after=first[-1].id):
                seen.append(event)
                if event.status == "confirmed":
                    break

    assert [event.event for event in first] == ["accepted"]
    assert [event.status for event in seen] == ["sending", "sent", "confirmed"]
    assert {event.writeback_id for event in seen} == {accepted.id}


async def test_findings_come_with_the_refusal(world: World) -> None:
    async with world.client() as client:
        with pytest.raises(Invalid) as caught:
            await client.submit("riverbank", "attendance.session", [world.mark(), world.mark(1, code="?!")])

    assert caught.value.code == "submission_invalid"
    assert [(one.record, one.pointer) for one in caught.value.findings] == [(1, "/records/1/code")]
    assert caught.value.request_id


async def test_a_dry_run_keeps_nothing_and_skip_keeps_the_good_ones(world: World) -> None:
    records = [world.mark(), world.mark(1, code="?!")]
    async with world.client() as client:
        trial = await client.submit("riverbank", "attendance.session", records, dry_run=True)
        kept = await client.submit("riverbank", "attendance.session", records, on_invalid="skip", priority="batch")
        listed = await client.list(school="riverbank", status=["queued", Status.HELD], ref=None)

    assert (trial.id, trial.status) == ("", "invalid")
    assert [record.status for record in kept.records] == ["queued", "refused"]
    assert [found.is_error for found in kept.all_findings] == [True]
    assert [(one.id, one.priority) for one in listed.items] == [(kept.id, "batch")]


async def test_the_same_idempotency_key_is_taken_once(world: World) -> None:
    async with world.client() as client:
        first = await client.submit("riverbank", "attendance.session", [world.mark()], idempotency_key="monday")
        again = await client.submit("riverbank", "attendance.session", [world.mark()], idempotency_key="monday")
        with pytest.raises(Conflict, match="idempotency_key_reused"):
            await client.submit("riverbank", "attendance.session", [world.mark(1)], idempotency_key="monday")

    assert first.id == again.id


async def test_lists_are_gone_through_over_pages(world: World) -> None:
    async with world.client() as client:
        ids = {
            (await client.submit("riverbank", "attendance.session", [world.mark(n)], ref=f"r{n}")).id for n in range(5)
        }
        page = await client.list(limit=2)
        rest = await client.list(limit=200, cursor=page.next_cursor)
        everything = [one.id async for one in client.iterate(school="riverbank", since="2026-01-01T00:00:00Z")]
        some = [one.id async for one in client.iterate(at_most=3)]
        pupils = [row.id async for row in client.schools.lookup("riverbank", "students")]

    assert set(everything) == ids
    assert [one.id for one in (*page.items, *rest.items)] == everything
    assert some == everything[:3]
    assert set(world.pupils) < set(pupils)


async def test_mending(world: World) -> None:
    async with world.client() as client:
        one = await client.submit("riverbank", "attendance.session", [world.mark()])
        cancelled = await client.cancel(one.id, reason="the wrong class")
        checked = await client.resubmit(one.id, records={0: world.mark(code="\\")}, reason="PM", dry_run=True)
        again = await client.resubmit(one.id, records={0: world.mark(1)}, reason="the right one")
        count = await client.count_cancel_all({"school": "riverbank", "since": world.clock.now() - timedelta(hours=1)})
        report = await client.cancel_all({"ids": [one.id]}, reason="all of it")
        found = await client.get(one.id)
        log = [entry.action async for entry in client.audit(subject=one.id)]
        with pytest.raises(Conflict, match="nothing_to_resolve"):
            await client.resolve(one.id, "confirmed", reason="seen", records=[0])

    assert cancelled.status == "cancelled"
    assert checked.id == ""
    assert again.records[0].status == "queued"
    assert (count.writebacks, count.records) == (1, 1)
    assert [done.id for done in report.done] == [one.id]
    assert [correction.action for correction in found.mendings] == ["cancel", "resubmit", "cancel"]
    assert log == ["writeback.cancel", "writeback.resubmit", "writeback.cancel"]


async def test_schools(world: World) -> None:
    async with world.client() as client:
        added = await client.schools.add(
            "St Mary's", provider="wonde", mis="Arbor", provider_school_id="A2", credentials={"token": "t"}
        )
        changed = await client.schools.change(added.id, name="St Mary's Primary")
        held = await client.schools.hold("riverbank", reason="MIS upgrade")
        resumed = await client.schools.resume("riverbank", reason="done")
        synced = await client.schools.sync("riverbank")
        features = await client.schools.features("riverbank", kind="attendance.session")
        names = [school.id async for school in client.schools.iterate()]
        rules = await client.rules()

    assert (added.id, changed.name) == ("st-marys", "St Mary's Primary")
    assert held.hold is not None
    assert (held.state, held.hold.detail, resumed.state) == ("held", "MIS upgrade", "active")
    assert {one.list for one in synced.lists} > {"students", "attendance_codes"}
    code = next(field for field in features.kinds["attendance.session"].fields if field.name == "code")
    assert code.choices
    assert sorted(names) == ["riverbank", "st-marys"]
    assert {rule.provider for rule in rules.items} == {"wonde", "xporter"}


async def test_webhooks(world: World) -> None:
    async with world.client() as client:
        made = await client.webhooks.add("http://127.0.0.1:19999/hook", statuses=[Status.FAILED], schools=["riverbank"])
        changed = await client.webhooks.change(made.id, all_schools=True, description="staff room")
        rotated = await client.webhooks.rotate(made.id, keep_old_s=60)
        asked = await client.webhooks.test(made.id)
        deliveries = [one.id async for one in client.webhooks.deliveries(made.id, state="pending")]
        redelivered = await client.webhooks.redeliver(made.id, asked.id)
        listed = [one.id async for one in client.webhooks.iterate()]
        await client.webhooks.remove(made.id)
        with pytest.raises(NotFound):
            await client.webhooks.get(made.id)

    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)
    assert rotated.secret != made.secret
    assert (changed.schools, changed.statuses) == (None, ("failed",))
    assert deliveries == [asked.id] == [redelivered.id]
    assert listed == [made.id]


async def test_keys_and_what_they_may_not(world: World) -> None:
    async with world.client() as client:
        made = await client.keys.create("Reports", [Scope.READ], schools=["riverbank"], kinds=["conduct"])
        ready = await client.ready()
        hooks = await client.hooks()
        async with world.client(made.key) as reader:
            with pytest.raises(Forbidden, match="key_lacks_scope"):
                await reader.submit("riverbank", "attendance.session", [world.mark()])
        await client.keys.revoke(made.id)
        keys = {key.id: key async for key in client.keys.iterate()}

    assert made.key not in repr(made)
    assert keys[made.id].revoked_at is not None
    assert keys[made.id].kinds == ("conduct",)
    assert (ready.is_ready, hooks.items[0].provider) == (True, "wonde")


def _file(world: World) -> bytes:
    rows = [f"{pupil},{DAY},AM,/" for pupil in world.pupils[:3]]
    return "\r\n".join(["student_id,date,session,code", *rows, f"{world.pupils[3]},{DAY},AM,?!", ""]).encode()


async def test_a_file_goes_to_its_end_and_its_bad_rows_come_back(world: World, tmp_path: Path) -> None:
    path = tmp_path / "märz.csv"
    path.write_bytes(_file(world))
    seen: list[str] = []
    async with AsyncClient(world.url, world.key) as client, world.worker(), asyncio.timeout(_PATIENCE_S):
        uploaded = await client.batches.upload("riverbank", path, kind="attendance.session")
        batch = await client.batches.wait(uploaded.id, on_progress=lambda now: seen.append(now.status))
        errors = await client.batches.errors(batch.id)
        template = await client.batches.template("riverbank", "attendance.session")
        listed = [one.id async for one in client.batches.iterate(school="riverbank")]
        of_batch = [one.status async for one in client.iterate(batch=batch.id)]

    assert (uploaded.file_name, uploaded.size) == ("märz.csv", path.stat().st_size)
    assert (batch.rows.good, batch.rows.bad, batch.rows.queued) == (3, 1, 3)
    assert batch.writebacks.confirmed == batch.writebacks.total == len(of_batch)
    assert seen[-1] == batch.status == "done"
    assert world.pupils[3] in errors.decode("utf-8-sig")
    assert world.pupils[0] not in errors.decode("utf-8-sig")
    assert "student_id" in template.decode("utf-8-sig").lower().replace("pupil id", "student_id")
    assert listed == [batch.id]


async def test_the_blocking_client_does_the_same(world: World) -> None:
    def use() -> tuple[Any, ...]:
        with Client(world.url, world.key) as client:
            done = client.submit_and_wait("riverbank", "attendance.session", [world.mark()], timeout=20)
            events = [event.status for event in client.events(done.id, follow=False)]
            batch = client.batches.upload("riverbank", _file(world), kind="attendance.session", dry_run=True)
            checked = client.batches.wait(batch.id, timeout=20)
            return done.status, events[-1], checked.rows.bad, [one.id for one in client.iterate(at_most=1)] == [done.id]

    async with world.worker(), asyncio.timeout(_PATIENCE_S):
        assert await asyncio.to_thread(use) == ("confirmed", "confirmed", 1, True)


_LEFT_OUT = {
    ("get", "/healthz"): "of use to whoever starts the process",
    ("get", "/metrics"): "for Prometheus",
    ("get", "/problems/{code}"): "a page for people",
    ("post", "/hooks/{provider}/{token}"): "what providers call",
    ("get", "/v1/schools/{school}/words.csv"): "for spreadsheets; the words themselves have a method",
}
_WHERE: Any = {"school": "riverbank"}
_CALLS: list[Callable[[Any], Any]] = [
    lambda c: c.submit(
        "s", "attendance.session", [], dry_run=True, on_invalid="skip", ref="r", priority="batch", idempotency_key="k"
    ),
    lambda c: c.get("wb_1"),
    lambda c: c.list(
        school="s", kind="k", status="failed", app="a", ref="r", since="2026-01-12T00:00:00Z",
        until="2026-01-13T00:00:00Z", code="c", hold="h", student="A1", batch="bat_1", provider_ref="p", q="x", limit=1,
        cursor="c",
    ),
    lambda c: c.counts(school="s", hold="h", provider_ref="p"),
    lambda c: c.events(
        school="s", kind="k", status=["failed"], app="a", since="2026-01-12T00:00:00Z", after=1, follow=False
    ),
    lambda c: c.usage(since="2026-01-12T00:00:00Z", by="day"),
    lambda c: c.events("wb_1", since="2026-01-12T00:00:00Z", follow=False),
    lambda c: c.resubmit("wb_1", dry_run=True),
    lambda c: c.cancel("wb_1"),
    lambda c: c.resolve("wb_1", "failed", reason="r"),
    lambda c: c.resolve("wb_1", "confirmed", reason="r", mis_ids={0: "B7"}),
    lambda c: c.resubmit_all(_WHERE, reason="r"),
    lambda c: c.preview_resubmit_all(_WHERE, {"without_codes": ["code_unknown"]}),
    lambda c: c.count_resubmit_all(_WHERE),
    lambda c: c.cancel_all(_WHERE, reason="r"),
    lambda c: c.count_cancel_all(_WHERE),
    lambda c: c.check("wb_1", reason="r"),
    lambda c: c.check_all(_WHERE, reason="r"),
    lambda c: c.count_check_all(_WHERE),
    lambda c: c.answer("wb_1", "req_1"),
    lambda c: c.people.export("s", student_id="A1", names=["Ada"], reason="r"),
    lambda c: c.people.erase("s", employee_id="E1", reason="r"),
    lambda c: c.schools.remove("s", reason="r", even_if_waiting=True),
    lambda c: c.keys.remove_app("a", reason="r"),
    lambda c: c.ready(),
    lambda c: c.rules(),
    lambda c: c.hooks(),
    lambda c: c.audit(
        school="s", app="a", actor="x", action="y", subject="z", since="2026-01-12T00:00:00Z",
        until="2026-01-13T00:00:00Z", at_most=1,
    ),
    lambda c: c.schools.iterate(at_most=1),
    lambda c: c.schools.add("n", provider="wonde", mis="SIMS", provider_school_id="A1"),
    lambda c: c.schools.get("s"),
    lambda c: c.schools.change("s", name="n"),
    lambda c: c.schools.sync("s", full=True, list=["students"]),
    lambda c: c.schools.decide_removals("s", "students", "accept", count=1, reason="r"),
    lambda c: c.schools.hold("s", reason="r"),
    lambda c: c.schools.resume("s"),
    lambda c: c.schools.year("hillside"),
    lambda c: c.schools.put_year("hillside", file="kind,first,last\n"),
    lambda c: c.schools.features("s", kind=["attendance.session"]),
    lambda c: c.schools.lookup("s", "students"),
    lambda c: c.schools.find_students("s", [{"upn": "A999432113104"}]),
    lambda c: c.schools.find_employees("s", [{"code": "JSA"}]),
    lambda c: c.schools.of_provider("wonde", state="pending"),
    lambda c: c.batches.upload("s", b"a,b", kind="k", dry_run=True),
    lambda c: c.batches.iterate(school="s", status="done"),
    lambda c: c.batches.get("bat_1"),
    lambda c: c.batches.cancel("bat_1", reason="r"),
    lambda c: c.batches.errors("bat_1", format="xlsx"),
    lambda c: c.batches.template("s", "attendance.session"),
    lambda c: c.reviews.get("bat_1"),
    lambda c: c.reviews.rows("bat_1", state="bad", code="code_unknown"),
    lambda c: c.reviews.mend("bat_1", 3, cells={"C": "L"}, version=1),
    lambda c: c.reviews.people("bat_1", match="unknown"),
    lambda c: c.reviews.choose("bat_1", "p1", "A1"),
    lambda c: c.reviews.confirm("bat_1", {"A": {"field": "student.upn"}}),
    lambda c: c.reviews.mappings("s"),
    lambda c: c.reviews.forget_mapping("s", "map_1"),
    lambda c: c.reviews.send("bat_1"),
    lambda c: c.words.get("s", app="a"),
    lambda c: c.words.put("s", [{"field": "attendance.code", "word": "Late", "code": "L"}], app="a"),
    lambda c: c.words.replace("s", [], version=1, app="a"),
    lambda c: c.words.remove("s", "attendance.code", "Late", app="a"),
    lambda c: c.words.suggestions("s"),
    lambda c: c.webhooks.iterate(),
    lambda c: c.webhooks.add("https://x.example"),
    lambda c: c.webhooks.get("whk_1"),
    lambda c: c.webhooks.change("whk_1", enabled=True),
    lambda c: c.webhooks.remove("whk_1"),
    lambda c: c.webhooks.rotate("whk_1"),
    lambda c: c.webhooks.test("whk_1"),
    lambda c: c.webhooks.deliveries("whk_1", state="failed"),
    lambda c: c.webhooks.redeliver("whk_1", "msg_1"),
    lambda c: c.webhooks.recover("whk_1", datetime(2026, 1, 12, tzinfo=UTC)),
    lambda c: c.keys.iterate(),
    lambda c: c.keys.create("a", ["read"]),
    lambda c: c.keys.rotate("key_1", overlap_s=0),
    lambda c: c.keys.revoke("key_1"),
]  # fmt: skip


def _sent(calls: list[Callable[[Any], Any]]) -> list[httpx.Request]:
    """Return the first request of each call; an API that refuses everything ends it there."""
    seen: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(403)

    with Client("http://api.test", "k", transport=httpx.MockTransport(refuse)) as client:
        for call in calls:
            with pytest.raises(ClientError):
                list(call(client))
    return seen


async def test_every_operation_for_apps_has_a_method_and_every_parameter_is_known(document: dict[str, Any]) -> None:
    operations = {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/") or (method, path) in _LEFT_OUT or path == "/readyz"
    }
    used = set()
    for request in _sent(_CALLS):
        operation = _operation_of(request, list(operations))
        used.add(operation)
        known = {one["name"] for one in operations[operation].get("parameters", ()) if one["in"] == "query"}
        assert set(request.url.params) <= known, (operation, set(request.url.params) - known)

    assert set(operations) - used == set(_LEFT_OUT)


def _operation_of(request: httpx.Request, operations: list[tuple[str, str]]) -> tuple[str, str]:
    """Return the operation that a request is; the one with the fewest places to fill in, where several fit."""
    fitting = [
        (method, path)
        for method, path in operations
        if method == request.method.lower()
        and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), request.url.path)
    ]
    assert fitting, f"the API has no {request.method} {request.url.path}"
    return min(fitting, key=lambda operation: operation[1].count("{"))
