"""What `writeback doctor` says of the workers."""

from datetime import UTC, datetime, timedelta

import pytest

from writeback.cli.doctor_checks import _lists, _removals, _workers
from writeback.queue.pulse import Pulse
from writeback.store.schools.removals import AllHeldBack
from writeback.store.writebacks.holds import Overdue
from writeback.worker.role import Role

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def _pulse(owner: str, *, silent_s: float = 1, unswept_s: float = 1, role: Role = Role.ALL) -> Pulse:
    at = NOW - timedelta(seconds=silent_s)
    return Pulse(owner, at, NOW - timedelta(hours=1), NOW - timedelta(seconds=unswept_s), 0.02, role.value)


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


@pytest.mark.parametrize(
    ("role", "mend"), [(Role.SYNC, "writeback worker"), (Role.REGISTERS, "writeback worker --only sync")]
)
def test_a_worker_for_one_kind_of_work_is_not_enough(role: Role, mend: str) -> None:
    check = _workers([_pulse("east:7:wrk_1", role=role)], NOW)

    assert not check.is_fine
    assert mend in check.mend


def test_workers_for_both_kinds_of_work_are_enough() -> None:
    pulses = [_pulse("east:7:wrk_1", role=Role.SYNC), _pulse("west:8:wrk_2", role=Role.REGISTERS)]

    assert _workers(pulses, NOW).says.startswith("2 workers run")


@pytest.mark.parametrize(("late_s", "is_fine"), [(40, True), (901, False)])
def test_lists_that_are_due_for_longer_than_a_round_takes_need_somebody(late_s: float, is_fine: bool) -> None:
    check = _lists(Overdue(3, NOW - timedelta(seconds=late_s)), 900.0, NOW)

    assert (check.is_fine, check.says) == (is_fine, f"those of 3 schools are due, the first for {late_s} s")


@pytest.mark.parametrize(("held_back", "is_fine"), [(AllHeldBack(0, None), True), (AllHeldBack(2, NOW), False)])
def test_a_list_that_shrank_needs_somebody(held_back: AllHeldBack, is_fine: bool) -> None:
    check = _removals(held_back)
    assert check.is_fine is is_fine
    assert ("writeback schools removals" in check.mend) is not is_fine
