"""Which schools need someone, and what for."""

from datetime import UTC, datetime

import pytest

from writeback.console.presenters.sentences import school_words
from writeback.flow.projections.overview_schools import Need, needs_of
from writeback.store.reads.overview import SchoolState
from writeback.store.reads.rollups import OfSchool
from writeback.store.schools.removals import HeldBack

NOW = datetime(2026, 7, 20, 9, tzinfo=UTC)


def test_a_school_whose_list_shrank_needs_someone_unless_something_else_is_worse() -> None:
    held = SchoolState("oakfield", "Oakfield", "wonde", "SIMS", "school_offline", "", NOW)
    hillside = SchoolState("hillside", "Hillside", "wonde", "SIMS", None, None, None)
    shrunk = [HeldBack("hillside", "students", 150, NOW), HeldBack("oakfield", "students", 90, NOW)]

    found = {need.id: need for need in needs_of([hillside, held], [], {}, [], shrunk, [], NOW)}

    assert {name: need.need for name, need in found.items()} == {"hillside": Need.LIST_SHRANK, "oakfield": Need.HELD}
    words = school_words(found["hillside"])
    assert (words.tone, words.text) == ("warn", "Pupils: much is missing at once")
    assert "150 entries" in words.note


@pytest.mark.parametrize(
    ("confirmed", "failed", "is_failing"),
    [(0, 150, True), (0, 5, True), (0, 4, False), (5, 5, True), (145, 5, False), (6, 5, False)],
)
def test_a_school_of_which_most_fails_needs_someone(confirmed: int, failed: int, is_failing: bool) -> None:
    school = SchoolState("hillside", "Hillside", "wonde", "SIMS", None, None, None)
    lately = OfSchool("hillside", confirmed + failed, confirmed, failed, 0, NOW)

    found = needs_of([school], [], {}, [], [], [lately], NOW)

    assert [need.need for need in found] == ([Need.FAILING] if is_failing else [])
    if is_failing:
        words = school_words(found[0])
        assert (words.tone, words.text) == ("bad", "Most of what it sent in the last hour failed")
        assert words.note == f"{failed} failed, {confirmed} confirmed"
