"""The waker over a real Redis, heard by arq's own worker."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from arq.worker import Worker, func
from structlog.testing import capture_logs

from writeback.core.errors import ConfigurationError
from writeback.core.settings import QueueSettings
from writeback.queue import arq_worker
from writeback.queue.arq_wakes import SCHOOL_QUEUE, ArqWaker, deserialize, redis_settings, serialize
from writeback.queue.arq_worker import WakableWorker
from writeback.queue.embedded import EmbeddedRedis

# arq 0.28 closes its pool by a name that redis-py has since replaced
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")

_LANES = [f"sch_{number}:session-marks" for number in range(30)]


class Shift:
    """arq's worker with one function, which notes whom it served."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.served: list[str] = []
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.began = asyncio.Event()

    async def _notify(self, ctx: dict[str, Any], lane_id: str) -> None:
        self.served.append(lane_id)
        self.began.set()
        await self.may_finish.wait()

    def worker(self, *, burst: bool = True) -> Worker:
        return Worker(burst=burst, **self._options())

    def waiting_worker(self, idle_wait_s: float = 3_600) -> WakableWorker:
        return WakableWorker(idle_wait_s=idle_wait_s, **self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "functions": [func(self._notify, name="notify")],
            "redis_settings": redis_settings(self._url, QueueSettings()),
            "handle_signals": False,
            "poll_delay": 0.005,
            "max_jobs": 64,
            "keep_result": 0,
            "job_serializer": serialize,
            "job_deserializer": deserialize,
        }

    async def work(self) -> list[str]:
        """Serve until nothing waits, and return whom."""
        worker = self.worker()
        await worker.async_run()
        await worker.close()
        return self.served


@pytest.fixture
async def waker(redis_url: str) -> AsyncIterator[ArqWaker]:
    waker = ArqWaker(redis_url, QueueSettings())
    yield waker
    await waker.aclose()


async def _woken(waker: ArqWaker, job: str, lanes: list[str]) -> None:
    """Wake, and wait until Redis has it."""
    await waker.wake(job, lanes)
    await waker.settled()


async def _waiting(url: str) -> int:
    async with redis.asyncio.Redis.from_url(url) as client:
        return int(await client.zcard("arq:queue"))


async def test_arq_runs_a_job_for_every_lane(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "notify", _LANES)

    assert sorted(await Shift(redis_url).work()) == sorted(_LANES)


async def test_served_queue_leaves_no_job_behind(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "notify", _LANES)

    await Shift(redis_url).work()

    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.keys("arq:job:*") == []
    assert await _waiting(redis_url) == 0


async def test_lane_woken_often_waits_once(waker: ArqWaker, redis_url: str) -> None:
    other_process = ArqWaker(redis_url, QueueSettings())
    for _ in range(3):
        await _woken(waker, "notify", _LANES[:2])
        await _woken(other_process, "notify", _LANES[:2])
    await other_process.aclose()

    assert await _waiting(redis_url) == 2


async def test_each_job_of_a_lane_is_woken_by_itself(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "notify", _LANES[:1])
    await _woken(waker, "run_batch", _LANES[:1])

    assert await _waiting(redis_url) == 2


async def test_lanes_that_are_to_be_served_share_a_job(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "serve_lane", _LANES[:20])
    await _woken(waker, "serve_lane", _LANES[10:])
    await _woken(waker, "confirm_lane", _LANES[:1])

    assert await _waiting(redis_url) == 2


async def test_jobs_of_schools_wait_in_a_queue_of_their_own(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "sync_school", ["hillside", "riverbank"])
    await _woken(waker, "recheck_school", ["hillside"])
    await _woken(waker, "notify", _LANES[:1])

    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.zcard(SCHOOL_QUEUE) == 3
    assert await _waiting(redis_url) == 1


async def test_wake_while_its_job_runs_makes_another(waker: ArqWaker, redis_url: str) -> None:
    shift = Shift(redis_url)
    shift.may_finish.clear()
    await _woken(waker, "notify", _LANES[:1])
    working = asyncio.create_task(shift.work())
    await asyncio.wait_for(shift.began.wait(), 10)

    await waker.wake("notify", _LANES[:1])
    await _woken(waker, "notify", _LANES[:1])
    shift.may_finish.set()

    assert await asyncio.wait_for(working, 10) == _LANES[:1] * 2


async def test_lane_can_be_woken_again_after_its_job_ended(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "notify", _LANES[:1])
    await Shift(redis_url).work()

    await _woken(waker, "notify", _LANES[:1])

    assert await _waiting(redis_url) == 1


async def test_wake_is_served_after_redis_forgot_everything(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "notify", _LANES[:1])
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushall()
        await client.script_flush()

    await _woken(waker, "notify", _LANES[:1])

    assert await _waiting(redis_url) == 1


async def test_thousands_of_lanes_are_woken(waker: ArqWaker, redis_url: str) -> None:
    await _woken(waker, "notify", [f"sch_{number}:conduct" for number in range(3_000)])

    assert await _waiting(redis_url) == 3_000


async def test_waker_comes_back_after_redis_was_killed(tmp_path: Path) -> None:
    first, second = EmbeddedRedis(tmp_path), EmbeddedRedis(tmp_path)
    url = await first.start()
    waker = ArqWaker(url, QueueSettings())
    await _woken(waker, "notify", _LANES[:1])
    async with redis.asyncio.Redis.from_url(url) as client:
        os.kill((await client.info("server"))["process_id"], signal.SIGKILL)

    with capture_logs() as logs:
        await _woken(waker, "notify", _LANES[:1])
        await _woken(waker, "notify", _LANES[:1])
    await second.start()
    await _woken(waker, "notify", _LANES[:1])
    heard = await _waiting(url)
    await waker.aclose()
    await first.stop()
    await second.stop()

    assert [entry["event"] for entry in logs] == ["doorbell_down"]
    assert heard == 1


async def test_redis_that_never_answers_delays_nobody_who_wakes(tmp_path: Path) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(1_000):
                pass
        writer.close()

    mute = await asyncio.start_unix_server(say_nothing, tmp_path / "mute.sock")
    waker = ArqWaker(f"unix://{tmp_path / 'mute.sock'}", QueueSettings())

    async with mute:
        async with asyncio.timeout(0.5):
            await waker.wake("notify", _LANES)
            await waker.wake("notify", [f"sch_{number}" for number in range(50_000)])
        async with asyncio.timeout(10):
            await waker.aclose()


async def test_worker_is_woken_soon(waker: ArqWaker, redis_url: str) -> None:
    shift = Shift(redis_url)
    worker = shift.worker(burst=False)
    working = asyncio.create_task(worker.async_run())

    await waker.wake("notify", _LANES[:1])
    await asyncio.wait_for(shift.began.wait(), 10)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    await asyncio.gather(*worker.tasks.values())  # arq would cancel a job that is about to end
    await worker.close()

    assert shift.served == _LANES[:1]


@pytest.fixture
async def idle(redis_url: str) -> AsyncIterator[tuple[Shift, WakableWorker]]:
    """A worker that waits to be woken, and would look by itself only when the test is long over."""
    shift = Shift(redis_url)
    worker = shift.waiting_worker()
    working = asyncio.create_task(worker.async_run())
    yield shift, worker
    await worker.take_no_more()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    await asyncio.gather(*worker.tasks.values())
    await worker.close()


async def _looks(url: str) -> int:
    """Return how often anybody has looked for jobs."""
    async with redis.asyncio.Redis.from_url(url) as client:
        return int((await client.info("commandstats")).get("cmdstat_zrangebyscore", {}).get("calls", 0))


async def test_an_idle_worker_asks_redis_nothing_and_starts_when_it_is_woken(
    idle: tuple[Shift, WakableWorker], waker: ArqWaker, redis_url: str
) -> None:
    shift, _ = idle
    for lane in _LANES[:3]:  # each time it is idle again in between
        await _waits(redis_url)
        before = await _looks(redis_url)
        await asyncio.sleep(0.2)  # in which it would look 40 times
        assert await _looks(redis_url) == before

        shift.began.clear()
        await waker.wake("notify", [lane])
        await asyncio.wait_for(shift.began.wait(), 10)

    assert shift.served == _LANES[:3]


async def test_a_signal_that_comes_while_all_work_keeps_no_job_waiting(
    idle: tuple[Shift, WakableWorker], waker: ArqWaker, redis_url: str
) -> None:
    shift, _ = idle
    shift.may_finish.clear()
    await waker.wake("notify", _LANES[:1])
    await asyncio.wait_for(shift.began.wait(), 10)

    for lane in _LANES[1:]:
        await _woken(waker, "notify", [lane])
    shift.may_finish.set()

    await _waits(redis_url)
    assert sorted(shift.served) == sorted(_LANES)


async def test_a_worker_that_is_to_take_no_more_leaves_jobs_to_others(
    idle: tuple[Shift, WakableWorker], waker: ArqWaker, redis_url: str
) -> None:
    shift, worker = idle
    await _waits(redis_url)

    await worker.take_no_more()
    await _woken(waker, "notify", _LANES)

    assert (shift.served, await _waiting(redis_url)) == ([], len(_LANES))


async def test_a_redis_that_says_nothing_any_more_is_taken_for_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arq_worker, "_TO_ANSWER_S", 0.2)
    server = EmbeddedRedis(tmp_path)
    url = await server.start()
    working = asyncio.create_task(Shift(url).waiting_worker(idle_wait_s=1).async_run())
    await _waits(url)
    async with redis.asyncio.Redis.from_url(url) as client:
        process = (await client.info("server"))["process_id"]

    os.kill(process, signal.SIGSTOP)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(TimeoutError):
                await working
    finally:
        os.kill(process, signal.SIGCONT)
        await server.stop()


async def _waits(url: str) -> None:
    """Return when the worker waits to be woken."""
    async with redis.asyncio.Redis.from_url(url) as client, asyncio.timeout(10):
        while not (await client.info("clients"))["blocked_clients"]:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)


async def test_ping_answers(waker: ArqWaker) -> None:
    await waker.ping()


async def test_ping_raises_when_redis_is_away(tmp_path: Path) -> None:
    waker = ArqWaker(f"unix://{tmp_path / 'nobody.sock'}", QueueSettings())

    with pytest.raises(redis.exceptions.ConnectionError):
        await waker.ping()

    await waker.aclose()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://user:p%40ss@host:6380/2", {"host": "host", "port": 6380, "password": "p@ss", "database": 2}),
        ("unix:///run/redis.sock", {"unix_socket_path": "/run/redis.sock", "database": 0, "password": None}),
        ("rediss://host", {"host": "host", "port": 6379, "ssl": True}),
    ],
)
def test_url_becomes_settings(url: str, expected: dict[str, object]) -> None:
    settings = vars(redis_settings(url, QueueSettings()))

    assert {name: settings[name] for name in expected} == expected


def test_url_of_no_use_is_explained() -> None:
    with pytest.raises(ConfigurationError, match="WRITEBACK_REDIS_URL"):
        redis_settings("amqp://host", QueueSettings())


def test_failed_jobs_are_written_down_without_the_words_of_the_error() -> None:
    data = serialize({"r": ValueError("Ada Lovelace is not on roll")})

    assert deserialize(data) == {"r": "ValueError"}
