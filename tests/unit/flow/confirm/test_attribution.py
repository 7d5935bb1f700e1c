"""Of things that look the same, a record takes one that no candidate needs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from writeback.domain.outcome import Found, SlotReadBack
from writeback.flow.confirm.attribution import Attribution
from writeback.flow.confirm.candidates import Candidate, most_pairs

_SENT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
_LATER = _SENT + timedelta(minutes=10)


def _candidate(settled_at: datetime | None) -> Candidate:
    return Candidate("wb_1", 0, cast(Any, None), _SENT, settled_at)


def _spare(things: Sequence[Found], *candidates: Candidate) -> str | None:
    nothing = cast(Any, None)
    readings = [(candidate, SlotReadBack(None, matches=True, found=tuple(things))) for candidate in candidates]
    found = Attribution(nothing, nothing, nothing, nothing, readings)._spare(things)
    return found.mis_id if found is not None else None


def test_what_only_a_confirmed_record_can_have_made_is_left_to_it() -> None:
    things = [Found("M0", _SENT), Found("M1", _LATER), Found("M2", _LATER)]

    assert _spare(things, _candidate(settled_at=_SENT)) == "M1"
    assert _spare(things[:1], _candidate(settled_at=_SENT)) is None


def test_two_that_can_have_made_only_one_thing_need_no_other() -> None:
    things = [Found("M0", _SENT), Found("M1", _LATER)]

    assert _spare(things, _candidate(_SENT), _candidate(_SENT)) == "M1"


def test_each_candidate_is_left_a_thing_while_there_are_enough() -> None:
    things = [Found("M0", _SENT), Found("M1", _SENT), Found("M2", None)]

    assert _spare(things, _candidate(None), _candidate(None)) == "M0"
    assert _spare(things, _candidate(None), _candidate(None), _candidate(None)) is None


@pytest.mark.parametrize(
    ("makers", "pairs"),
    [
        ({}, 0),
        ({"M0": []}, 0),
        ({"M0": [0], "M1": [0]}, 1),
        ({"M0": [0, 1], "M1": [0]}, 2),
        ({"M0": [0], "M1": [0, 1], "M2": [1, 2]}, 3),
    ],
)
def test_as_many_things_as_can_be_have_a_candidate_of_their_own(
    makers: Mapping[str, Sequence[int]], pairs: int
) -> None:
    assert most_pairs(makers) == pairs
