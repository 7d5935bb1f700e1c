"""One app that takes all it can get finds its own limit; another is served meanwhile, and at once."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.api.conftest import FakeServices, database, services  # noqa: F401 - fixtures
from tests.security.conftest import Attacked, StartApi, Wire, close_all
from tests.security.test_key_kinds import World, world  # noqa: F401 - a fixture
from writeback.api.app import create_app
from writeback.domain.access import Scope
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.schools.sync import Syncer

GREEDY, OTHER = "Greedy app", "Register app"
PATIENCE_S = 5.0


@pytest.fixture(scope="session")
def _small_shares(start_api: StartApi) -> Attacked:
    return start_api(
        {"max_streams_per_app": 20, "poll_s": 0.05},
        max_calls_per_app=30,
        max_bytes_per_app=25_000_000,
        body_grace_s=60.0,
        key_cache_s=1.0,
    )


@pytest.fixture
def api(_small_shares: Attacked) -> Iterator[Attacked]:
    yield _small_shares
    close_all(_small_shares)


def _head(path: str, key: str, *more: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", *more, "", ""]
    return "\r\n".join(lines).encode()


def _is_served(attacked: Attacked, key: str) -> bool:
    """Whether another app reads, and submits to the point where its school is looked for, in less than a second."""
    began = time.perf_counter()
    read = attacked.ask(_head("/v1/writebacks", key), source="127.0.0.9")
    path = "/v1/schools/nowhere/writebacks"
    sent = attacked.ask(_head(path, key, "Content-Length: 2", method="POST"), b"{}", source="127.0.0.9")
    return (read.status, sent.status) == (200, 404) and time.perf_counter() - began < 1.0


def _statuses(wires: list[Wire]) -> list[int]:
    return [wire.answer().status for wire in wires]


def _limited(attacked: Attacked, code: str) -> float:
    page = attacked.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", source="127.0.0.8").body.decode()
    lines = [line for line in page.splitlines() if line.startswith(f'writeback_calls_limited_total{{code="{code}"}}')]
    return float(lines[0].split()[-1]) if lines else 0.0


def test_streams_of_one_app_by_the_hundred_are_refused_and_another_app_opens_its_own(api: Attacked) -> None:
    greedy, other = api.key("read", app=GREEDY), api.key("read", "submit", app=OTHER)
    wires = [api.connect().send(_head("/v1/events", greedy)) for _ in range(300)]

    statuses = [wire.answer().status for wire in wires]

    assert statuses.count(200) == 20
    assert statuses.count(429) == 280
    assert _is_served(api, other)
    assert api.connect("127.0.0.9").send(_head("/v1/events", other)).answer().status == 200
    assert _limited(api, "streams_of_app_too_many") >= 280


def test_bodies_that_never_end_fill_their_own_apps_share_and_no_other(api: Attacked) -> None:
    greedy, other = api.key("submit", app=GREEDY), api.key("read", "submit", app=OTHER)
    half = _head("/v1/schools/hillside/writebacks", greedy, "Content-Length: 1000", method="POST") + b'{"kind":'
    for _ in range(30):
        api.connect().send(half)
    _wait_until_held(api, greedy)

    more = [api.connect().send(half) for _ in range(50)]

    assert _statuses(more) == [429] * 50
    assert _is_served(api, other)
    assert _limited(api, "calls_too_many") >= 50


def test_a_share_is_given_back_when_the_caller_goes_away(api: Attacked) -> None:
    greedy = api.key("submit", "read", app="Mended app")
    half = _head("/v1/schools/hillside/writebacks", greedy, "Content-Length: 1000", method="POST") + b'{"kind":'
    for _ in range(30):
        api.connect().send(half)
    _wait_until_held(api, greedy)

    close_all(api)

    until = time.monotonic() + PATIENCE_S
    while api.ask(_head("/v1/writebacks", greedy)).status != 200:
        assert time.monotonic() < until, "its calls are over, and still counted"


@pytest.mark.parametrize("length", ["Content-Length: 9999999", "Transfer-Encoding: chunked"])
def test_the_largest_bodies_are_counted_by_their_bytes_before_they_come(api: Attacked, length: str) -> None:
    greedy, other = api.key("submit", app=f"App of {length}"), api.key("read", "submit", app=OTHER)
    opened = _head("/v1/schools/hillside/writebacks", greedy, length, method="POST")
    for _ in range(2):
        api.connect().send(opened)

    until, refused = time.monotonic() + PATIENCE_S, 0
    while refused != 429 and time.monotonic() < until:
        wire = api.connect().send(opened)
        wire.socket.settimeout(0.3)
        with suppress(TimeoutError):
            refused = wire.answer().status

    assert refused == 429
    assert _is_served(api, other)
    assert _limited(api, "bytes_too_many") >= 1


async def test_reads_without_end_of_one_app_wait_for_each_other_and_no_other_app_for_them(
    services: FakeServices,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading: list[str] = []
    share = services.settings.api.reads_at_once_per_app
    is_full, may_end = asyncio.Event(), asyncio.Event()
    usual = type(services.reads).list

    async def slow(self: object, caller: object, wanted: object, **options: object) -> object:
        if getattr(caller, "app_id", "") == "greedy":
            reading.append("greedy")
            if len(reading) == share:
                is_full.set()
            await may_end.wait()
        return await usual(self, caller, wanted, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(services.reads), "list", slow)
    greedy = (await services.keys.create("Greedy", "", [Scope.READ], None)).key
    other = (await services.keys.create("Other", "", [Scope.READ], None)).key
    transport = httpx.ASGITransport(create_app(services))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:

        def search(key: str) -> "asyncio.Task[httpx.Response]":
            return asyncio.create_task(http.get("/v1/writebacks?q=a", headers={"Authorization": f"Bearer {key}"}))

        waiting = [search(greedy) for _ in range(50)]
        async with asyncio.timeout(PATIENCE_S):
            await is_full.wait()
            answer = await search(other)
        assert answer.status_code == 200
        assert len(reading) == share
        may_end.set()
        assert {(await one).status_code for one in waiting} == {200}


def _wait_until_held(api: Attacked, key: str) -> None:
    """Return when the app's share is full: the calls have arrived."""
    until = time.monotonic() + PATIENCE_S
    path = "/v1/schools/hillside/writebacks"
    while api.ask(_head(path, key, "Content-Length: 2", method="POST"), b"{}").status != 429:
        assert time.monotonic() < until, "the calls are not counted"


async def test_the_largest_files_of_one_app_leave_a_place_for_the_file_of_another(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = await world.key(Scope.SUBMIT, Scope.READ, app="Other")
    files = [await _uploaded(world, world.whole, number) for number in range(4)]
    small = await _uploaded(world, other, 9)
    flow = world.services.accept.flow
    runner = BatchRunner(flow, Syncer(flow), "worker")
    begun: list[str] = []
    may_end, is_served = asyncio.Event(), asyncio.Event()

    async def run(self: BatchRunner, batch_id: str) -> None:
        begun.append(batch_id)
        if batch_id == small:
            is_served.set()
        await may_end.wait()

    monkeypatch.setattr(BatchRunner, "run", run)
    for batch_id in (*files, small):
        await runner.wake(batch_id)
    async with asyncio.timeout(PATIENCE_S):
        await is_served.wait()

    assert len([one for one in begun if one in files]) <= flow.settings.batches.served_at_once_per_app
    may_end.set()
    await runner.settled()
    assert sorted(begun) == sorted([*files, small])


async def _uploaded(world: World, key: str, number: int) -> str:  # noqa: F811
    row = json.dumps({"kind": "attendance.session", "student_id": f"A{number}", "date": "2026-01-12", "session": "AM"})
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await world.call("POST", "/v1/schools/hillside/batches", key, content=row, headers=headers)
    assert answer.status_code == 202, answer.text
    batch_id: str = answer.json()["id"]
    return batch_id
