"""Whether what is written gets through a provider: each mix has one answer."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from writeback.flow.projections.overview_providers import (
    SHORTEST_USUAL,
    Health,
    ProviderState,
    health_of,
    usual_time,
)
from writeback.flow.projections.rollups import bin_of

NOW = datetime(2026, 1, 12, 9, 20, tzinfo=UTC)
USUAL = timedelta(minutes=4)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def state(accepted: int, confirmed: int, failed: int, **more: Any) -> ProviderState:
    given: dict[str, Any] = {
        "waiting": accepted - confirmed - failed,
        "held": 0,
        "held_lately": 0,
        "held_schools": 0,
        "waiting_since": ago(1) if accepted > confirmed + failed else None,
        "last_evidence_at": ago(1) if confirmed else None,
        "median_s": None,
        "unanswered_since": None,
    }
    return ProviderState("wonde", accepted, confirmed, failed, only_registers=True, **{**given, **more})


@pytest.mark.parametrize(
    ("given", "health"),
    [
        (state(0, 0, 0), Health.IDLE),
        (state(0, 0, 0, waiting=3), Health.WAITING),
        (state(0, 0, 0, held=40), Health.IDLE),  # of another day
        (state(0, 0, 0, held=40, held_lately=40), Health.NOTHING),
        (state(100, 100, 0), Health.WELL),
        (state(100, 97, 3), Health.WELL),
        (state(100, 90, 10), Health.SOME_FAIL),
        (state(100, 50, 50), Health.MOST_FAIL),
        (state(1_000, 50, 950), Health.MOST_FAIL),
        (state(150, 0, 150), Health.NOTHING),
        (state(4, 0, 4), Health.SOME_FAIL),  # a few may be troubles of their own
        (state(100, 60, 0), Health.SLOW),
        (state(100, 0, 0, waiting_since=ago(3)), Health.SLOW),  # nothing is late yet
        (state(100, 0, 0, waiting_since=ago(5)), Health.SILENT),
        (state(100, 60, 0, waiting_since=ago(13), last_evidence_at=ago(12)), Health.SILENT),
        (state(100, 60, 0, waiting_since=ago(13), last_evidence_at=ago(1)), Health.SLOW),
        (state(100, 100, 0, unanswered_since=ago(1)), Health.UNANSWERED),
        (state(60, 0, 20, held=60, held_lately=60), Health.NOTHING),
        (state(100, 99, 1, held=60, held_lately=60), Health.WELL),  # that is the held schools' news
    ],
)
def test_each_mix_has_one_answer(given: ProviderState, health: Health) -> None:
    assert health_of(given, USUAL, NOW) is health


def test_where_nothing_or_hardly_anything_gets_through_it_is_bad() -> None:
    assert {health for health in Health if health.is_bad} == {
        Health.UNANSWERED,
        Health.NOTHING,
        Health.SILENT,
        Health.MOST_FAIL,
    }


def test_how_long_it_usually_takes_is_learnt_for_each_provider_and_mis() -> None:
    slow, quick = Counter({bin_of(30): 80, bin_of(1_500): 20}), Counter({bin_of(2): 500})
    times = {("xporter", "SIMS"): slow, ("wonde", "Arbor"): quick, ("wonde", "SIMS"): Counter({bin_of(900): 5})}

    assert usual_time(times, "xporter", "SIMS").total_seconds() == pytest.approx(1_500, rel=0.1)
    assert usual_time(times, "wonde", "Arbor") == SHORTEST_USUAL
    assert usual_time(times, "wonde", "SIMS") == SHORTEST_USUAL  # five are too few to know
    assert usual_time(times, "wonde", "Bromcom") == SHORTEST_USUAL
