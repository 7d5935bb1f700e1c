"""Work in the background takes its share of the event loop, and no more."""

import asyncio
from datetime import timedelta

import pytest

from writeback.core import background_pace
from writeback.core.background_pace import Pace
from writeback.core.clock import FakeClock


class Slept:
    """A clock that goes on when somebody sleeps or works, and knows for how long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.slept_s = 0.0
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(self._wake, seconds, woken)  # time goes on while nobody holds the loop
        await woken

    def _wake(self, seconds: float, woken: "asyncio.Future[None]") -> None:
        self.slept_s += seconds
        self.clock.advance(timedelta(seconds=max(seconds, 1e-6)))
        woken.set_result(None)

    async def work(self, pieces: int, seconds: float) -> str:
        """Hold the event loop for so long, piece after piece."""
        for _ in range(pieces):
            await background_pace.give_way()
            self.clock.advance(timedelta(seconds=seconds))
        return "done"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Slept:
    return Slept(monkeypatch)


async def test_what_a_piece_took_is_left_free_in_proportion(slept: Slept) -> None:
    background = Pace(slept.clock, share=0.25)
    assert await background.run(slept.work(pieces=11, seconds=0.1)) == "done"
    assert slept.slept_s == pytest.approx(10 * 0.3, abs=0.01)


async def test_the_share_is_of_all_that_runs_in_the_background(slept: Slept) -> None:
    background = Pace(slept.clock, share=0.5)
    began = slept.clock.monotonic()
    await asyncio.gather(*(background.run(slept.work(pieces=5, seconds=0.1)) for _ in range(4)))
    assert slept.clock.monotonic() - began == pytest.approx((2 * 20 - 1) * 0.1, abs=0.01)


async def test_tasks_begun_in_the_background_count_as_well(slept: Slept) -> None:
    async def both() -> list[str]:
        return await asyncio.gather(*(background_pace.measured(slept.work(pieces=2, seconds=0.1)) for _ in range(2)))

    assert await Pace(slept.clock, share=0.5).run(both()) == ["done", "done"]
    assert slept.slept_s == pytest.approx(0.3, abs=0.01)


async def test_a_loop_that_was_left_alone_for_long_is_no_credit(slept: Slept) -> None:
    background = Pace(slept.clock, share=0.5)
    slept.clock.advance(timedelta(hours=1))
    await background.run(slept.work(pieces=3, seconds=0.1))
    assert slept.slept_s == pytest.approx(0.2, abs=0.01)


async def test_elsewhere_nothing_waits(slept: Slept) -> None:
    assert await background_pace.measured(slept.work(pieces=9, seconds=1)) == "done"
    assert not background_pace.is_background()
    assert slept.slept_s == 0


async def test_errors_and_cancellation_pass_through() -> None:
    background = Pace(FakeClock(), share=0.5)
    cleaned_up = asyncio.Event()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def hang() -> None:
        try:
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    with pytest.raises(ValueError, match="no"):
        await background.run(fail())
    task = asyncio.create_task(background.run(hang()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned_up.is_set()
