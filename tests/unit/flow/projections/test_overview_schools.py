"""Which schools need someone, and what for."""

from datetime import UTC, datetime, timedelta

import pytest

from writeback.console.presenters.sentences import school_words
from writeback.flow.projections.overview_schools import Facts, Need, Standing, look_at
from writeback.store.reads.overview import SchoolState, Waiting
from writeback.store.reads.rollups import OfSchool
from writeback.store.schools.removals import HeldBack

NOW = datetime(2026, 7, 20, 9, tzinfo=UTC)


def test_a_school_whose_list_shrank_needs_someone_unless_something_else_is_worse() -> None:
    held = SchoolState("oakfield", "Oakfield", "wonde", "SIMS", "school_offline", "", NOW)
    hillside = SchoolState("hillside", "Hillside", "wonde", "SIMS", None, None, None)
    shrunk = [HeldBack("hillside", "students", 150, NOW), HeldBack("oakfield", "students", 90, NOW)]

    found = {need.id: need for need in look_at(Facts([hillside, held], held_back=shrunk), NOW).needs}

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

    found = look_at(Facts([school], lately=[lately], today=[lately]), NOW).needs

    assert [need.need for need in found] == ([Need.FAILING] if is_failing else [])
    if is_failing:
        words = school_words(found[0])
        assert (words.tone, words.text) == ("bad", "Most of what it sent in the last hour failed")
        assert words.note == f"{failed} failed, {confirmed} confirmed"


def waiting(status: str, writebacks: int, minutes: float) -> Waiting:
    at = NOW - timedelta(minutes=minutes)
    return Waiting("hillside", status, writebacks, writebacks, at, at)


HILLSIDE = SchoolState("hillside", "Hillside", "wonde", "SIMS", None, None, None)
OFFLINE = SchoolState("hillside", "Hillside", "wonde", "SIMS", "school_offline", "", NOW)
ALL_FAILED = OfSchool("hillside", 150, 0, 150, 0, NOW)
SOME_FAILED = OfSchool("hillside", 150, 147, 3, 0, NOW)
ALL_WELL = OfSchool("hillside", 150, 150, 0, 0, None)


@pytest.mark.parametrize(
    ("school", "waits", "today", "state"),
    [
        (HILLSIDE, [], None, Standing.QUIET),
        (HILLSIDE, [], ALL_WELL, Standing.WELL),
        (HILLSIDE, [], SOME_FAILED, Standing.SOME_FAILED),
        (HILLSIDE, [waiting("sent", 9, 3)], ALL_WELL, Standing.BUSY),
        (HILLSIDE, [waiting("sent", 9, 5)], ALL_WELL, Need.NO_EVIDENCE),
        (HILLSIDE, [waiting("sent", 2, 5)], ALL_WELL, Standing.BUSY),  # a few may be troubles of their own
        (HILLSIDE, [waiting("sent", 2, 11)], ALL_WELL, Need.NO_EVIDENCE),
        (HILLSIDE, [waiting("queued", 9, 4)], ALL_WELL, Standing.BUSY),
        (HILLSIDE, [waiting("queued", 9, 6)], ALL_WELL, Need.STUCK),
        (HILLSIDE, [waiting("sent", 9, 30), waiting("queued", 9, 30)], ALL_WELL, Need.NO_EVIDENCE),
        (HILLSIDE, [waiting("needs_attention", 1, 9_000)], ALL_WELL, Need.DECIDE),
        (HILLSIDE, [waiting("needs_attention", 1, 9_000), waiting("sent", 9, 5)], ALL_WELL, Need.NO_EVIDENCE),
        (HILLSIDE, [], ALL_FAILED, Need.FAILING),
        (HILLSIDE, [waiting("needs_attention", 1, 9_000)], ALL_FAILED, Need.FAILING),
        (OFFLINE, [waiting("held", 34, 29)], ALL_WELL, Need.HELD),
        (OFFLINE, [waiting("held", 34, 29)], ALL_FAILED, Need.HELD),
    ],
)
def test_each_mix_has_one_state(
    school: SchoolState, waits: list[Waiting], today: OfSchool | None, state: Need | Standing
) -> None:
    sent = [today] if today else []
    facts = Facts([school], waits, lately=sent, today=sent, usual=lambda provider, mis: timedelta(minutes=4))

    (cell,) = look_at(facts, NOW).grid

    assert cell.state is state


def test_schools_of_which_nothing_gets_through_come_first_and_of_these_the_one_with_most() -> None:
    names = ("old decision", "small", "large", "failing")
    schools = [SchoolState(name, name, "wonde", "SIMS", None, None, None) for name in names]
    held = [one._replace(hold_reason="school_offline", held_at=NOW) for one in schools[1:3]]
    waits = [
        Waiting("old decision", "needs_attention", 1, 0, NOW - timedelta(days=4), NOW - timedelta(days=4)),
        Waiting("small", "held", 3, 3, NOW, NOW),
        Waiting("large", "held", 90, 90, NOW, NOW),
    ]
    failed = [OfSchool("failing", 40, 0, 40, 0, NOW)]

    look = look_at(Facts([schools[0], *held, schools[3]], waits, lately=failed, today=failed), NOW)

    assert [need.id for need in look.needs] == ["large", "failing", "small", "old decision"]


@pytest.mark.parametrize(
    ("waits", "usual_minutes", "asked"),
    [
        ([waiting("sent", 9, 0.5)], 2, False),
        ([waiting("sent", 9, 1)], 2, True),
        ([waiting("sent", 9, 10)], 25, False),  # it takes long there
        ([waiting("sent", 9, 13)], 25, True),
        ([waiting("queued", 9, 6)], 2, True),
        ([waiting("needs_attention", 9, 600)], 2, False),
        ([waiting("held", 9, 600)], 2, False),
    ],
)
def test_a_quiet_school_is_asked_about_before_anybody_need_be_told(
    waits: list[Waiting], usual_minutes: float, asked: bool
) -> None:
    facts = Facts([HILLSIDE], waits, usual=lambda provider, mis: timedelta(minutes=usual_minutes))

    assert look_at(facts, NOW).quiet == (["hillside"] if asked else [])
