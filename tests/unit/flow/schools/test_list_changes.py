"""What becomes of a list that changes: what is new is taken, and what is suddenly gone waits for somebody."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from writeback.core.settings import LookupSettings
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.schools.shrinking_lists import Changed, ListRules
from writeback.providers.base import ListChange

BEFORE, NOW = datetime(2026, 1, 12, 8, tzinfo=UTC), datetime(2026, 1, 12, 9, tzinfo=UTC)
RULES = ListRules(LookupSettings(removals_share=0.1, removals_least=10), (date(2025, 12, 15), date(2026, 1, 26)))


def rows(numbers: Iterable[int], **more: Any) -> dict[str, Any]:
    return {f"A{number}": {"id": f"A{number}", **more} for number in numbers}


def changed(
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    deleted: Collection[str] | None = None,
    held_back: Collection[str] = (),
    name: ListName = ListName.STUDENTS,
    begins_again: bool = False,
) -> Changed:
    """Return a list after all its rows have come; after a change of some, where `deleted` is given."""
    known = Lookup(name, 4, BEFORE, before, "c1", full_at=BEFORE, begins_again=begins_again)
    change = ListChange(after, is_full=deleted is None, deleted=tuple(deleted or ()), cursor="c2")
    return RULES.changed(name, known, held_back, change, NOW)


def test_a_few_who_left_are_taken_out_at_once() -> None:
    after = changed(rows(range(200)), rows(range(20, 220)))
    assert (len(after.lookup.rows), after.held_back, after.lookup.version) == (200, set(), 5)


def test_of_a_list_that_shrinks_all_that_is_new_is_taken_and_nothing_is_lost() -> None:
    after = changed(rows(range(200)), rows(range(21, 220)))
    assert after.held_back == {f"A{number}" for number in range(21)}
    assert len(after.lookup.rows) == 220


@pytest.mark.parametrize(("size", "gone", "waits"), [(40, 9, 0), (40, 10, 10), (3, 3, 3), (3, 2, 0), (1, 1, 1)])
def test_few_are_always_taken_out_but_never_the_last(size: int, gone: int, waits: int) -> None:
    assert len(changed(rows(range(size)), rows(range(gone, size))).held_back) == waits


def test_many_deletions_are_held_back_as_an_empty_list_is() -> None:
    after = changed(rows(range(200)), {}, deleted=[f"A{number}" for number in range(30)])
    assert (len(after.held_back), len(after.lookup.rows), after.lookup.version) == (30, 200, 4)
    assert after.lookup.full_at == BEFORE


def test_what_waits_goes_on_waiting_while_only_changes_come() -> None:
    waits = {f"A{number}" for number in range(30)}
    assert changed(rows(range(200)), rows([500]), deleted=[], held_back=waits).held_back == waits


def test_whoever_is_listed_again_waits_no_longer() -> None:
    waits = {f"A{number}" for number in range(30)}
    assert len(changed(rows(range(200)), rows(range(5)), deleted=[], held_back=waits).held_back) == 25
    healed = changed(rows(range(200)), rows(range(2, 200)), held_back=waits)
    assert (healed.held_back, len(healed.lookup.rows)) == (set(), 198)


def test_another_mis_takes_the_place_of_all_that_there_was() -> None:
    after = changed(rows(range(200)), rows(range(500, 600)), begins_again=True)
    assert (len(after.lookup.rows), after.held_back, after.lookup.begins_again) == (100, set(), False)


def test_a_new_timetable_is_taken_as_it_is_but_none_at_all_is_not() -> None:
    old, new = rows(range(300), date="2026-01-13"), rows(range(300, 400), date="2026-01-13")
    assert changed(old, new, name=ListName.LESSONS).held_back == set()
    assert len(changed(old, {}, name=ListName.LESSONS).held_back) == 300


def test_lessons_of_days_that_are_over_go_without_a_word() -> None:
    after = changed(rows(range(300), date="2025-12-12"), {}, name=ListName.LESSONS)
    assert (dict(after.lookup.rows), after.held_back) == ({}, set())
