"""Processes that are told to stop do so in good order; those that are stuck end themselves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.crash.processes import Running
from tests.crash.rig import PATIENCE_S, Rig
from tests.crash.suite import Suite, free_port, suite
from writeback.queue import pulse
from writeback.store.tables import Lane

pytestmark = pytest.mark.slow


def _no_postgres() -> tuple[str, str]:
    raise NotImplementedError


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Suite]:
    async with suite(tmp_path, _no_postgres) as made:
        yield made


async def _until(holds: Callable[[], Awaitable[object]], within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.02)


async def _logs(process: Running, event: str) -> None:
    async def has_logged() -> object:
        return process.lines(event)

    await _until(has_logged)


async def _posts(rig: Rig) -> int:
    return len((await rig.sandbox.get("ledger", school=rig.theirs, method="POST"))["requests"])


async def test_a_worker_that_is_told_to_stop_finishes_what_is_under_way_and_frees_its_lanes(running: Suite) -> None:
    async with running.rig("wonde") as rig:
        await rig.sandbox.post("faults", kind="latency", school=rig.theirs, method="POST", seconds=0.8, times=1)
        await rig.submit(rig.marks("/"))
        worker = rig.start("worker")

        async def is_under_way() -> bool:
            return await _posts(rig) == 1

        await _until(is_under_way)
        worker.terminate()

        assert await worker.ended(10) == 0
        assert [line["outcome"] for line in worker.lines("attempt_finished")] == ["Taken"]
        assert worker.lines("worker_stopped")
        async with rig.db.read() as session:
            lane = await session.get(Lane, "hillside:session-marks")
        assert lane is not None
        assert lane.lease_owner is None
        rig.start("worker")
        assert await rig.problems() == []
        assert await _posts(rig) == 1


async def test_a_rolling_restart_under_load_loses_nothing_and_doubles_nothing(running: Suite) -> None:
    async with running.rig("wonde") as rig:
        ports = [rig.settings.api.port, free_port()]
        apis = {port: _start_api(rig, port) for port in ports}
        workers = [rig.start("worker") for _ in ports]
        for port in ports:
            await rig.api_answers(f"http://127.0.0.1:{port}")
        posting = asyncio.create_task(_load(rig, ports, count=60))
        for number, port in enumerate(ports):
            apis[port].terminate()
            workers[number].terminate()
            assert await apis[port].ended(15) == 0
            assert await workers[number].ended(15) == 0
            apis[port], workers[number] = _start_api(rig, port), rig.start("worker")
            await rig.api_answers(f"http://127.0.0.1:{port}")
        await posting

        assert await rig.problems() == []


async def test_an_api_that_is_told_to_stop_closes_everything_and_ends_with_0(running: Suite) -> None:
    async with running.rig("wonde") as rig:
        api = rig.start("api")
        await rig.api_answers()
        body = rig.marks("/")
        writeback_id = await rig.post(body, "key")
        api.terminate()

        assert await api.ended(15) == 0
        assert api.lines("api_stopped")
        assert await rig.statuses() == {writeback_id: "queued"}


def _start_api(rig: Rig, port: int) -> Running:
    at = rig.settings.api.model_copy(update={"port": port})
    return rig.start("api", settings=rig.settings.model_copy(update={"api": at}))


async def _load(rig: Rig, ports: list[int], *, count: int) -> None:
    """Post as an app behind a balancer does: again at another API, with the same key, until there is an answer."""
    for number in range(count):
        pupil = rig.pupils[number % len(rig.pupils)]
        body = rig.marks("/CI"[number % 3], pupils=[pupil])
        if number % 4 == 0:
            body = rig.incident(f"incident {number}", pupil, points=1 + number % 40)
        async with asyncio.timeout(PATIENCE_S):
            turn = number
            while (answer := await rig.post(body, f"key-{number}", f"http://127.0.0.1:{ports[turn % 2]}")) is None:
                turn += 1
                await asyncio.sleep(0.02)
        rig.accepted.append((answer, body))
        await asyncio.sleep(0.03)


async def test_a_worker_whose_event_loop_is_stuck_ends_and_another_one_goes_on(running: Suite) -> None:
    async with running.rig("wonde", queue={"watchdog_s": 3.0}) as rig:
        await rig.submit(rig.marks("/"))
        worker = rig.start("worker", "dispatch.after_begin=sleep:60")

        assert await worker.ended(20) == 1
        assert "Timeout (0:00:03)!" in worker.log.read_text()
        rig.start("worker")
        assert await rig.problems() == []


async def test_a_worker_whose_sweeper_is_stuck_ends_though_its_event_loop_runs(running: Suite) -> None:
    async with running.rig("wonde", queue={"watchdog_s": 3.0}) as rig:
        await rig.submit(rig.marks("/"))  # so that the sweeper has something to count
        # The only thread that writes stands still, so there is no end in good order either.
        worker = rig.start("worker", "tally.uncommitted=sleep:60")

        assert await worker.ended(20) == 1
        assert worker.lines("sweeper_stuck")


async def test_a_worker_says_in_redis_how_it_is_and_takes_it_back_at_the_end(running: Suite) -> None:
    async with running.rig("wonde") as rig, Redis.from_url(rig.settings.redis_url) as redis:
        worker = rig.start("worker")

        async def has_pulse() -> object:
            return await pulse.read_all(redis)

        await _until(has_pulse)
        (said,) = await pulse.read_all(redis)
        worker.terminate()
        assert await worker.ended(10) == 0

        assert said.silent_s(rig.services.clock.now()) < pulse.SILENT_AFTER_S
        assert said.owner == worker.lines("worker_started")[0]["owner"]
        assert await pulse.read_all(redis) == []


async def test_a_worker_that_was_paused_longer_than_its_lease_changes_nothing_afterwards(running: Suite) -> None:
    # Its job's own timeout must not cut it off before it has tried to write its outcome down.
    async with running.rig("wonde", queue={"job_timeout_s": 60}) as rig:
        await rig.submit(rig.incident("incident 0", rig.pupils[0]))
        paused = rig.start("worker", "dispatch.before_finish=sleep:8")
        await _logs(paused, "failpoint_reached")
        rig.start("worker")
        await rig.submit(rig.incident("incident 1", rig.pupils[1]))

        await _logs(paused, "outcome_after_lease")
        assert await rig.problems() == []
