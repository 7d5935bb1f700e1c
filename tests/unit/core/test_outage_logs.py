"""One outage is a few log lines."""

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from writeback.core import outage_logs
from writeback.core.clock import FakeClock
from writeback.core.errors import ConfigurationError
from writeback.core.outage_logs import AGAIN_EVERY_S, QUIET_S, SELDOM_S, Outages
from writeback.core.settings import QueueSettings
from writeback.queue.arq_wakes import redis_settings

Said = Callable[[], Sequence[MutableMapping[str, Any]]]


@pytest.fixture
def said(fake_clock: FakeClock) -> Said:
    """Return what a day of failures, one each second for 12 minutes, is made of."""

    def lines() -> Sequence[MutableMapping[str, Any]]:
        kept = Outages(fake_clock)
        with capture_logs() as logs:
            for number in range(721):
                kept.note(40, "sweep_failed", ConnectionRefusedError(), lane=f"lane {number}", look="a place to look")
                fake_clock.advance(timedelta(seconds=1))
            fake_clock.advance(timedelta(seconds=QUIET_S))
            kept.end_quiet()
        return logs

    return lines


def test_what_fails_each_second_for_twelve_minutes_is_four_lines(said: Said) -> None:
    first, second, third, last = said()

    assert first == {
        "event": "sweep_failed",
        "log_level": "error",
        "error": "builtins.ConnectionRefusedError",
        "place": "",
        "lane": "lane 0",
    }
    assert (second["times"], third["times"], last["times"]) == (301, 601, 721)
    assert second["note"] == "301 times in 5 min, and goes on"
    assert second["lane"] == "lane 300"
    assert last["note"] == "over: 721 times in 12 min"
    assert last["log_level"] == "warning"


def test_a_summary_names_what_since_when_and_where_to_look(said: Said) -> None:
    last = said()[-1]

    assert (last["event"], last["error"]) == ("sweep_failed", "builtins.ConnectionRefusedError")
    assert last["since"] == FakeClock().now()
    assert last["last"] == FakeClock().now() + timedelta(minutes=12)
    assert last["look"] == "a place to look"


def test_an_error_of_another_kind_is_said_at_once(fake_clock: FakeClock) -> None:
    kept = Outages(fake_clock)

    with capture_logs() as logs:
        for _ in range(3):
            kept.note(40, "sweep_failed", ConnectionRefusedError())
            kept.note(40, "sweep_failed", TimeoutError())  # another class
            kept.note(40, "job_failed", TimeoutError())  # another event
            kept.note(40, "job_failed", TimeoutError(), of="wonde")  # of another provider

    assert [(line["event"], line["error"], line.get("of")) for line in logs] == [
        ("sweep_failed", "builtins.ConnectionRefusedError", None),
        ("sweep_failed", "builtins.TimeoutError", None),
        ("job_failed", "builtins.TimeoutError", None),
        ("job_failed", "builtins.TimeoutError", "wonde"),
    ]


def test_one_failure_that_stays_alone_is_one_line(fake_clock: FakeClock) -> None:
    kept = Outages(fake_clock)

    with capture_logs() as logs:
        kept.note(30, "refresh_failed", "NotReached")
        fake_clock.advance(timedelta(seconds=QUIET_S))
        kept.end_quiet()

    assert len(logs) == 1


def test_the_next_outage_is_said_as_the_first_was(fake_clock: FakeClock) -> None:
    kept = Outages(fake_clock)

    with capture_logs() as logs:
        for _ in range(2):
            kept.note(40, "sweep_failed", "away")
            kept.note(40, "sweep_failed", "away")
            fake_clock.advance(timedelta(seconds=QUIET_S))

    assert [line.get("note", "new") for line in logs] == ["new", "over: 2 times in 0 s", "new"]


def test_what_is_tried_seldom_is_not_over_so_soon(fake_clock: FakeClock) -> None:
    kept = Outages(fake_clock)

    with capture_logs() as logs:
        for _ in range(4):
            kept.note(30, "breaker_opened", "NotReached", quiet_s=SELDOM_S)
            fake_clock.advance(timedelta(seconds=AGAIN_EVERY_S))

    assert [line.get("times", 1) for line in logs] == [1, 2, 3, 4]


def test_kinds_without_end_are_said_and_not_remembered(fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage_logs, "_MOST_KINDS", 10)
    kept = Outages(fake_clock)

    with capture_logs() as logs:
        for number in range(100):
            kept.note(40, "odd", f"number {number}")
            kept.note(40, "odd", f"number {number}")

    assert len(kept._outages) == 10
    assert len(logs) == 10 + 2 * 90


def test_threads_lose_no_count(fake_clock: FakeClock) -> None:
    kept = Outages(fake_clock)

    with capture_logs() as logs:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: kept.note(40, "sweep_failed", "away"), range(2_000)))
        fake_clock.advance(timedelta(seconds=QUIET_S))
        kept.end_quiet()

    assert [line.get("times") for line in logs] == [None, 2_000]


async def test_the_end_is_said_though_nothing_else_fails(
    fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage_logs, "_COME_BY_S", 0.001)
    kept = Outages(fake_clock)

    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        with structlog.contextvars.bound_contextvars(call_id="call_1"):
            kept.note(40, "request_crashed", "away")
            kept.note(40, "request_crashed", "away")
        fake_clock.advance(timedelta(seconds=QUIET_S))
        async with asyncio.timeout(5):
            while len(logs) < 2:  # noqa: ASYNC110 - a timer of the loop is waited for
                await asyncio.sleep(0.001)

    assert logs[0]["call_id"] == "call_1"
    assert logs[1]["note"] == "over: 2 times in 0 s"
    assert "call_id" not in logs[1]  # it is no longer about that call


def test_of_an_error_its_place_is_told_and_never_its_text(fake_clock: FakeClock) -> None:
    with pytest.raises(ConfigurationError) as caught:
        redis_settings("nonsense about Ann", QueueSettings())

    with capture_logs() as logs:
        Outages(fake_clock).note(40, "sweep_failed", caught.value)

    assert logs[0]["error"] == "writeback.core.errors.ConfigurationError"
    assert logs[0]["place"].startswith("writeback/queue/arq_wakes.py:")
    assert set(logs[0]) == {"event", "log_level", "error", "place"}
