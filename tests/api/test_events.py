"""Streams of events over real connections: nothing twice, nothing skipped, nobody else's, and an end in time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

import schemas
from tests.chaos.processes import free_port
from tests.crash import processes
from tests.integration.store.test_event_log import AT, add_event, writeback
from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.network.tls import trusted
from writeback.core.settings import EventSettings, Settings
from writeback.domain.access import Scope
from writeback.flow.projections.feed import EventFeed
from writeback.sandbox.testing import PromptServer, until
from writeback.store.sql.database import Database
from writeback.store.tables import SchoolRow

pytestmark = pytest.mark.sqlite_first

PATIENCE_S = 10.0
QUICK = EventSettings(poll_s=0.01, heartbeat_s=0.1, max_streams=4, max_streams_per_app=3)


@dataclass
class Live:
    """The API on a port of its own, so that answers can be read while they come."""

    api: Any
    http: httpx.AsyncClient
    db: Database

    @asynccontextmanager
    async def stream(self, path: str, key: str, **headers: str) -> AsyncIterator["Reader"]:
        all_headers = {
            "Authorization": f"Bearer {key}",
            **{name.replace("_", "-"): one for name, one in headers.items()},
        }
        async with asyncio.timeout(PATIENCE_S), self.http.stream("GET", path, headers=all_headers) as response:
            yield Reader(response)

    async def happen(self, writeback_id: str, app: str = "registers", status: str = "queued", **options: Any) -> int:
        async with self.db.write() as session:
            return await add_event(session, writeback_id, app, status, **options)


class Reader:
    """Reads a stream as a browser does."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.comments = 0

    async def next(self) -> dict[str, Any] | None:
        """Return the next event; None at the end of the stream."""
        data = ""
        async for line in self._lines:
            if line.startswith("data:"):
                data = line[5:]
            elif line.startswith(":"):
                self.comments += 1
            elif not line and data:
                event: dict[str, Any] = json.loads(data)
                return event
        return None

    async def ids(self, count: int) -> list[int]:
        found = [await self.next() for _ in range(count)]
        return [event["id"] for event in found if event is not None]

    async def rest(self) -> list[int]:
        ids = []
        while (event := await self.next()) is not None:
            ids.append(event["id"])
        return ids


@pytest.fixture
async def live(any_database: Database, services: Any, fake_clock: Any) -> AsyncIterator[Live]:
    from tests.api.conftest import Api

    services.settings = services.settings.model_copy(update={"events": QUICK})
    services.feed = EventFeed(any_database, QUICK)
    services.reads = type(services.reads)(any_database)
    services.keys = type(services.keys)(any_database, fake_clock, cache_s=0.0)
    services.clock = type("Ticking", (), {"now": fake_clock.now, "monotonic": asyncio.get_running_loop().time})()
    async with any_database.write() as session:
        session.add_all(
            [
                SchoolRow(
                    id="riverbank",
                    name="Riverbank",
                    provider="wonde",
                    mis="Bromcom",
                    provider_school_id="A1",
                    created_at=AT,
                    updated_at=AT,
                ),
                writeback("wb_1", app="registers"),
                writeback("wb_2", app="other"),
                writeback("wb_3", app="registers", school="riverbank", kind="attendance.lesson"),
            ]
        )
    config = uvicorn.Config(create_app(services), host="127.0.0.1", port=0, lifespan="off", log_level="error")
    server = PromptServer(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started, within_s=PATIENCE_S)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S, verify=trusted()) as http:
        yield Live(Api(services, http, any_database), http, any_database)
        services.feed.close()
    server.should_exit = True
    await serving
    await services.feed.aclose()


async def test_events_come_as_they_happen_and_as_the_schema_says(live: Live) -> None:
    key = await live.api.key("read")
    async with live.stream("/v1/events", key) as reader:
        assert reader.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        await live.api.services.feed._wait()
        happened = await live.happen("wb_1")
        event = await reader.next()

    assert event is not None
    schemas.validator("event").validate(event)
    assert (event["id"], event["writeback_id"], event["school"]) == (happened, "wb_1", "hillside")


async def test_a_reader_that_comes_back_has_each_event_once(live: Live) -> None:
    key = await live.api.key("read")
    happened = [await live.happen("wb_1") for _ in range(5)]
    seen: list[int] = []
    for _ in range(3):
        last = str(seen[-1]) if seen else "0"
        async with live.stream("/v1/events", key, Last_Event_ID=last) as reader:
            happened.append(await live.happen("wb_1"))
            seen += await reader.ids(2)
    async with live.stream("/v1/events?follow=false", key, Last_Event_ID=str(seen[-1])) as reader:
        seen += await reader.rest()

    assert seen == happened


async def test_a_reader_far_behind_is_served_from_sql_and_then_live(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writeback.flow.projections.feed._PAGE", 3)
    monkeypatch.setattr("writeback.flow.projections.feed.SPAN", 4)
    live.api.services.feed._settings = QUICK.model_copy(update={"recent": 2})
    key = await live.api.key("read")
    happened = [await (live.happen("wb_1") if number % 2 else live.happen("wb_2", "other")) for number in range(30)]
    wanted = happened[1::2]
    async with live.stream("/v1/events", key, Last_Event_ID="0") as reader:
        seen = await reader.ids(15)
        later = [await live.happen("wb_1") for _ in range(10)]
        seen += await reader.ids(10)

    assert seen == wanted + later


@pytest.mark.both_databases
async def test_a_key_sees_its_own_apps_events_and_one_of_some_schools_theirs(live: Live) -> None:
    ids = {name: await live.happen(name, app) for name, app in (("wb_1", "registers"), ("wb_2", "other"))}
    ids["wb_3"] = await live.happen("wb_3")
    seen = {}
    for name, scopes, schools in (
        ("own", ["read"], None),
        ("support", ["read", "support"], None),
        ("some", ["read", "support"], ["riverbank"]),
    ):
        key = await live.api.key(*scopes, schools=schools)
        async with live.stream("/v1/events?since=2026-01-01T00:00:00Z&follow=false", key) as reader:
            seen[name] = await reader.rest()

    own = [ids["wb_1"], ids["wb_3"]]
    assert seen == {"own": own, "support": sorted(ids.values()), "some": [ids["wb_3"]]}


@pytest.mark.both_databases
async def test_filters_hold_in_the_past_and_live(live: Live) -> None:
    key = await live.api.key("read")
    past = await live.happen("wb_3", status="confirmed")
    await live.happen("wb_1", status="confirmed")
    path = "/v1/events?since=2026-01-01T00:00:00Z&school=riverbank&kind=attendance.lesson&status=confirmed"
    async with live.stream(path, key) as reader:
        (first,) = await reader.ids(1)
        await live.happen("wb_1", status="confirmed")
        await live.happen("wb_3", status="sending")
        now = await live.happen("wb_3", status="confirmed")
        (second,) = await reader.ids(1)

    assert (first, second) == (past, now)


async def test_since_leaves_out_what_was_before(live: Live) -> None:
    key = await live.api.key("read")
    ids = [await live.happen("wb_1", at=AT + timedelta(minutes=minute)) for minute in range(6)]
    async with live.stream("/v1/events?since=2026-01-12T09:03:00Z&follow=false", key) as reader:
        assert await reader.rest() == ids[3:]


@pytest.mark.both_databases
async def test_one_writebacks_stream_begins_with_its_first_event(live: Live) -> None:
    key = await live.api.key("read")
    ids = [await live.happen("wb_1"), await live.happen("wb_1", status="sending")]
    await live.happen("wb_3")
    async with live.stream("/v1/writebacks/wb_1/events", key) as reader:
        seen = await reader.ids(2)
        await live.happen("wb_3")
        ids.append(await live.happen("wb_1", status="confirmed"))
        seen += await reader.ids(1)

    assert seen == ids


@pytest.mark.both_databases
async def test_anothers_writeback_has_no_stream(live: Live) -> None:
    key = await live.api.key("read")

    response = await live.api.call("GET", "/v1/writebacks/wb_2/events", key)

    assert (response.status_code, response.json()["code"]) == (404, "writeback_unknown")


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/v1/events", {"Last-Event-ID": "seven"}, 400, "last_event_id_invalid"),
        ("/v1/events", {"Last-Event-ID": "9" * 30}, 400, "last_event_id_invalid"),
        ("/v1/events?follow=false", {}, 400, "parameter_invalid"),
        ("/v1/events?staus=failed", {}, 400, "parameter_invalid"),
        ("/v1/events?app=other", {}, 403, "app_not_allowed"),
    ],
)
async def test_what_cannot_be_followed_is_refused(
    live: Live, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    response = await live.api.call("GET", path, await live.api.key("read"), headers=headers)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_an_id_from_before_a_restore_begins_at_the_end(live: Live) -> None:
    key = await live.api.key("read")
    await live.happen("wb_1")
    async with live.stream("/v1/events", key, Last_Event_ID="999999") as reader:
        async with asyncio.timeout(PATIENCE_S):
            while live.api.services.feed._position is None:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)
        now = await live.happen("wb_1")
        assert await reader.ids(1) == [now]


async def test_an_idle_stream_shows_that_it_lives_and_ends_when_its_key_is_revoked(live: Live) -> None:
    made = await live.api.services.keys.create("Registers", "", [Scope.READ])
    async with live.stream("/v1/events", made.key) as reader:
        await live.api.services.keys.revoke(made.id)
        assert await reader.next() is None

    assert reader.comments >= 1


@pytest.mark.both_databases
async def test_a_stream_with_nothing_to_say_lives_and_ends_also_while_much_happens_to_others(live: Live) -> None:
    made = await live.api.services.keys.create("Registers", "", [Scope.READ])

    async def happen_to_others() -> None:
        while True:
            await live.happen("wb_2", app="other")

    async with asyncio.TaskGroup() as others, live.stream("/v1/events", made.key) as reader:
        busy = others.create_task(happen_to_others())
        await live.api.services.keys.revoke(made.id)
        assert await reader.next() is None
        busy.cancel()

    assert reader.comments >= 1


async def test_streams_are_limited_for_each_app_and_give_their_places_back(live: Live) -> None:
    key, feed = await live.api.key("read"), live.api.services.feed
    async with live.stream("/v1/events", key), live.stream("/v1/events", key), live.stream("/v1/events", key):
        refused = await live.api.call("GET", "/v1/events", key)
        assert feed.streams == 3

    assert (refused.status_code, refused.json()["code"]) == (429, "streams_of_app_too_many")
    assert "retry-after" in refused.headers
    async with asyncio.timeout(PATIENCE_S):
        while feed.streams:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)


async def test_one_poller_serves_all_and_ends_with_the_last_listener(live: Live) -> None:
    key, feed = await live.api.key("read"), live.api.services.feed
    async with live.stream("/v1/events", key) as first, live.stream("/v1/events", key) as second:
        await live.happen("wb_1")
        assert await first.ids(1) == await second.ids(1)
        pollers = [task for task in asyncio.all_tasks() if task.get_name() == "event feed"]
        assert len(pollers) == 1
    async with asyncio.timeout(PATIENCE_S):
        await pollers[0]
    assert feed.streams == 0


async def test_a_stream_ends_when_the_process_is_told_to_stop(live: Live) -> None:
    key = await live.api.key("read")
    async with live.stream("/v1/events", key) as reader:
        live.api.services.feed.close()
        assert await reader.next() is None

    assert (await live.api.call("GET", "/v1/events", key)).json()["code"] == "stopping"


async def test_sigterm_ends_the_api_although_a_stream_is_open(
    api: Any, tmp_path: Path, sqlite_url: str, redis_url: str
) -> None:
    key, port = await api.key("read"), free_port()
    at = {"port": port, "key_cache_s": 0.0}
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET_KEY, api=at)
    process = processes.start("api", settings, tmp_path / "api.log")
    try:
        async with asyncio.timeout(30), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            while not await _is_up(http):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            headers = {"Authorization": f"Bearer {key}"}
            async with http.stream("GET", "/v1/events", headers=headers, timeout=20) as response:
                reader = Reader(response)
                assert response.status_code == 200
                process.terminate()
                async with asyncio.timeout(5):
                    assert await reader.next() is None
                    assert await process.ended(5) == 0
    finally:
        process.kill()


async def _is_up(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False
