"""Rows in little memory: they read as those that they are made from."""

import tracemalloc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from writeback.domain.lookup_rows import IdRows, PackedRows, packed, size_of

_VALUES = st.none() | st.booleans() | st.text(max_size=5)
_FIELDS = st.dictionaries(st.sampled_from(("type", "code", "description", "date")), _VALUES)


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Rows whose ids are their keys, or are not, as those of attributes."""
    rows = draw(st.dictionaries(st.text(max_size=8), _FIELDS, max_size=30))
    prefix = draw(st.sampled_from(("", "type:")))
    return {prefix + row_id: {"id": row_id, **fields} for row_id, fields in rows.items()}


@given(_rows(), st.text(max_size=8))
def test_packed_rows_are_the_same_in_the_same_order(rows: dict[str, dict[str, Any]], other: str) -> None:
    found = packed(rows)

    assert list(found.items()) == list(rows.items())
    assert (len(found), found.get(other), other in found) == (len(rows), rows.get(other), other in rows)


def test_keys_of_one_hash_are_told_apart() -> None:
    rows: dict[str, dict[str, str]] = {_SameHash(name): {"id": name, "code": name.lower()} for name in "ABC"}

    found = packed(rows)

    assert [found.get(_SameHash(name)) for name in "ABCD"] == [*rows.values(), None]


class _SameHash(str):
    def __hash__(self) -> int:
        return 7


def test_rows_without_anything_but_an_id_are_kept_as_ids() -> None:
    pupils = {f"A{n}": {"id": f"A{n}"} for n in range(3)}

    assert isinstance(packed(pupils), IdRows)
    assert isinstance(packed({"A1": {"id": "A1", "date": None}}), PackedRows)


def test_lists_of_a_school_of_1000_take_a_tenth_of_what_dicts_take() -> None:
    pupils = {f"A{1_000_000 + n}": {"id": f"A{1_000_000 + n}"} for n in range(1_000)}
    lessons = {f"A{5_000_000 + n}": _lesson(5_000_000 + n, day=n % 30 + 1, period=n % 5) for n in range(3_500)}

    took = _took(pupils) + _took(lessons)

    assert took < 300_000
    assert size_of(pupils) + size_of(lessons) > 5 * took


def test_estimate_is_near_what_is_taken() -> None:
    lessons = {f"A{5_000_000 + n}": _lesson(5_000_000 + n, day=n % 30 + 1, period=n % 5) for n in range(3_500)}

    assert 0.7 < size_of(packed(lessons)) / _took(lessons) < 1.5


def _lesson(number: int, day: int, period: int) -> dict[str, Any]:
    date = f"2026-11-{day:02}"
    times = {"start_at": f"{date}T{9 + period:02}:00:00+00:00", "end_at": f"{date}T{10 + period:02}:00:00+00:00"}
    return {"id": f"A{number}", "date": date, **times, "period_instance_id": str(100 * day + period)}


def _took(rows: dict[str, dict[str, Any]]) -> int:
    """Return the bytes that are in use more once the rows are packed."""
    packed(rows)  # texts that all schools share are there already
    tracemalloc.start()
    try:
        kept = packed(rows)
        used = tracemalloc.get_traced_memory()[0]
        assert len(kept) == len(rows)
    finally:
        tracemalloc.stop()
    return used
