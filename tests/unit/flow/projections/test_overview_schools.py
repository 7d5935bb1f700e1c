"""Which schools need someone, and what for."""

from datetime import UTC, datetime

from writeback.console.presenters.sentences import school_words
from writeback.flow.projections.overview_schools import Need, needs_of
from writeback.store.reads.overview import SchoolState
from writeback.store.schools.removals import HeldBack

NOW = datetime(2026, 7, 20, 9, tzinfo=UTC)


def test_a_school_whose_list_shrank_needs_someone_unless_something_else_is_worse() -> None:
    held = SchoolState("oakfield", "Oakfield", "wonde", "SIMS", "school_offline", "", NOW)
    hillside = SchoolState("hillside", "Hillside", "wonde", "SIMS", None, None, None)
    shrunk = [HeldBack("hillside", "students", 150, NOW), HeldBack("oakfield", "students", 90, NOW)]

    found = {need.id: need for need in needs_of([hillside, held], [], {}, [], shrunk, NOW)}

    assert {name: need.need for name, need in found.items()} == {"hillside": Need.LIST_SHRANK, "oakfield": Need.HELD}
    words = school_words(found["hillside"])
    assert (words.tone, words.text) == ("warn", "Pupils: much is missing at once")
    assert "150 entries" in words.note
