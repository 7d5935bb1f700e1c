"""Quiet hours, as people write them."""

from datetime import time

import pytest

from writeback.flow.alerts.quiet import read_hours


def test_hours_are_two_times_of_the_receivers_own_clock() -> None:
    assert read_hours("18:00 - 07:30") == (time(18), time(7, 30))


@pytest.mark.parametrize("text", ["18:00", "18:00-x", "18:00Z-07:30", "18:00-07:30Z", "18:00+01:00"])
def test_what_is_no_such_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write them like"):
        read_hours(text)
