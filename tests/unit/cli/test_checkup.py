"""What `writeback doctor` says of the workers."""

from datetime import UTC, datetime, timedelta

from writeback.cli.checkup import _workers
from writeback.worker.pulse import Pulse

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def _pulse(owner: str, *, silent_s: float = 1, unswept_s: float = 1) -> Pulse:
    at = NOW - timedelta(seconds=silent_s)
    return Pulse(owner, at, NOW - timedelta(hours=1), NOW - timedelta(seconds=unswept_s), 0.02)


def test_without_any_worker_it_says_to_start_one() -> None:
    check = _workers([], NOW)

    assert not check.is_fine
    assert "writeback worker" in check.mend


def test_a_worker_that_is_stuck_is_named_and_one_that_runs_is_enough() -> None:
    check = _workers([_pulse("east:7:wrk_1", silent_s=45), _pulse("west:8:wrk_2")], NOW)

    assert check.is_fine
    assert check.says.startswith("a worker runs")
    assert "east:7:wrk_1 for 45 s" in check.says


def test_when_every_worker_is_silent_nothing_runs() -> None:
    check = _workers([_pulse("east:7:wrk_1", silent_s=45)], NOW)

    assert not check.is_fine
    assert "east:7:wrk_1 for 45 s" in check.says
    assert check.mend == "restart what is stuck"


def test_workers_that_do_not_sweep_find_nothing_that_is_due() -> None:
    check = _workers([_pulse("east:7:wrk_1", unswept_s=90)], NOW)

    assert not check.is_fine
    assert "for 90 s" in check.says
