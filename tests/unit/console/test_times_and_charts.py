"""Instants and numbers as people read them, and the chart's geometry."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from writeback.console.presenters.charts import HEIGHT, WIDTH, chart_of, nice_top
from writeback.console.presenters.times import Times, ago, brief, counted, lasted
from writeback.flow.projections.overview import Bucket

SUMMER = datetime(2026, 7, 1, 8, 20, tzinfo=UTC)


def test_instants_are_shown_in_the_console_s_own_zone() -> None:
    times = Times("Europe/London")

    assert times.clock(SUMMER) == "09:20"
    assert times.full(SUMMER) == "1 July 2026, 09:20:00 BST"
    assert times.midnight(SUMMER) == datetime(2026, 6, 30, 23, tzinfo=UTC)


def test_a_short_instant_has_no_more_than_it_needs() -> None:
    times = Times("Europe/London")

    assert times.short(SUMMER, SUMMER) == "09:20"
    assert times.short(SUMMER, SUMMER + timedelta(days=1)) == "1 Jul, 09:20"
    assert times.short(SUMMER, SUMMER + timedelta(days=365)) == "1 Jul 2026, 09:20"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (7_199, "1 hour"),
        (100_000, "27 hours"),
        (172_800, "2 days"),
    ],
)
def test_lengths_of_time_are_shown_in_one_unit(seconds: float, told: str) -> None:
    assert lasted(seconds) == told


def test_what_was_just_now_is_told_so() -> None:
    assert ago(SUMMER, SUMMER + timedelta(seconds=4)) == "just now"
    assert ago(SUMMER, SUMMER + timedelta(minutes=12)) == "12 minutes ago"


def test_numbers_have_commas_and_their_nouns_a_plural() -> None:
    assert counted(1, "register") == "1 register"
    assert counted(1_240, "register") == "1,240 registers"
    assert [brief(0.42), brief(12), brief(300), brief(9_000)] == ["0.4 s", "12 s", "5 min", "2 h"]


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 9, 10, 11, 19, 21, 55, 99, 101, 4_999, 123_456])
def test_the_scale_ends_at_a_round_even_number_that_is_no_less(highest: int) -> None:
    top = nice_top(highest)

    assert top >= highest
    assert top % 2 == 0
    assert top <= max(2, 5 * highest)


def test_every_column_lies_within_the_chart_and_says_what_became_of_what_came_in() -> None:
    starts = [SUMMER + timedelta(minutes=number) for number in range(240)]
    buckets = [Bucket(start, number % 20, number % 7, number % 3, 0) for number, start in enumerate(starts)]

    chart = chart_of(buckets)

    totals = {layer.name: layer.total for layer in chart.layers}
    assert totals["confirmed"] == sum(number % 7 for number in range(240))
    assert totals["held"] == 0
    assert [layer.path for layer in chart.layers if layer.name == "held"] == [""]
    corners = [
        (float(x), float(y), -float(height))
        for layer in chart.layers
        for x, y, height in re.findall(r"M([\d.]+) ([\d.]+)h[\d.]+v(-?[\d.]+)h", layer.path)
    ]
    assert all(0 <= x <= WIDTH and 0 <= y - height <= y <= HEIGHT for x, y, height in corners)
    assert [tick.instant.minute for tick in chart.hours] == [0, 0, 0, 0]
