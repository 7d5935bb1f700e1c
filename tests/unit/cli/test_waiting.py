"""What `dev` and `demo` say while they wait, and when they give up."""

import asyncio
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from rich.console import Console

from writeback.cli.dev import waiting
from writeback.cli.dev.waiting import Waiting
from writeback.cli.exit_codes import CommandFailed
from writeback.core.clock import FakeClock


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_LOOKS_A_SECOND", 100.0)
    monkeypatch.setattr(waiting, "_SAY_AFTER_S", 0.001)


def _waiting(clock: FakeClock, shown: io.StringIO, *, patience_s: float = 60, terminal: bool = False) -> Waiting:
    return Waiting(Console(file=shown, force_terminal=terminal, width=60), clock, patience_s)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - a task beside this one is waited for
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("terminal", [True, False])
async def test_it_says_what_is_waited_for_and_how_long(
    terminal: bool, fake_clock: FakeClock, shown: io.StringIO
) -> None:
    both = _waiting(fake_clock, shown, terminal=terminal)

    async with both.on("the API"):
        fake_clock.advance(timedelta(seconds=8))
        async with both.on("the worker"):
            fake_clock.advance(timedelta(seconds=4))
            await _until(lambda: "the worker, 4 s" in shown.getvalue())

    assert "waiting for the API, 12 s; the worker, 4 s" in " ".join(shown.getvalue().split())


async def test_nothing_is_said_once_nothing_is_waited_for(fake_clock: FakeClock, shown: io.StringIO) -> None:
    both = _waiting(fake_clock, shown)
    async with both.on("the API"):
        await _until(lambda: "the API" in shown.getvalue())
    before = shown.getvalue()

    await asyncio.sleep(0.02)

    assert shown.getvalue() == before
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "waiting"] == []


async def test_what_never_comes_is_given_up_with_what_to_do(fake_clock: FakeClock, shown: io.StringIO) -> None:
    with pytest.raises(CommandFailed, match=r"Redis: not done after 0.01 s") as caught:
        async with _waiting(fake_clock, shown, patience_s=0.01).on("Redis"):
            await asyncio.Event().wait()

    assert "--patience" in caught.value.hint


async def test_whoever_looks_after_the_time_is_left_alone(fake_clock: FakeClock, shown: io.StringIO) -> None:
    async with _waiting(fake_clock, shown, patience_s=0.001).on("the API", is_bounded=False):
        await asyncio.sleep(0.02)
