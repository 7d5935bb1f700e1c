"""Failpoints are off unless a test says so twice."""

import timeit
from collections.abc import Iterator

import pytest

from writeback.core import failpoints
from writeback.core.errors import ConfigurationError
from writeback.core.failpoints import ARMED_BY, PLAN, SWITCH, FailpointReached


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints._armed = None


@pytest.mark.parametrize(
    "environment",
    [{}, {PLAN: "a.b=kill"}, {SWITCH: ARMED_BY}, {PLAN: "a.b=kill", SWITCH: "yes"}, {PLAN: "", SWITCH: ARMED_BY}],
)
def test_one_stray_variable_stops_nothing(environment: dict[str, str]) -> None:
    failpoints.arm(environment)

    assert failpoints._armed is None
    assert failpoints.hit("a.b") is False


def test_an_order_strikes_on_the_hit_that_it_names_and_on_no_other() -> None:
    failpoints.arm({PLAN: "a.b=raise@2, a.c=twice", SWITCH: ARMED_BY})

    assert failpoints.hit("a.b") is False
    with pytest.raises(FailpointReached):
        failpoints.hit("a.b")
    assert failpoints.hit("a.b") is False
    assert failpoints.hit("a.c") is True
    assert failpoints.hit("a.c") is False


@pytest.mark.parametrize("plan", ["a.b", "a.b=explode", "a.b=kill@0", "=kill", "a.b=kill;a.c=kill"])
def test_an_order_that_cannot_be_read_is_refused(plan: str) -> None:
    with pytest.raises(ConfigurationError, match="is no order"):
        failpoints.arm({PLAN: plan, SWITCH: ARMED_BY})


def test_a_failpoint_that_is_off_costs_next_to_nothing() -> None:
    best_s = min(timeit.repeat(lambda: failpoints.hit("dispatch.before_send"), number=10_000, repeat=5)) / 10_000

    assert best_s < 2e-6
