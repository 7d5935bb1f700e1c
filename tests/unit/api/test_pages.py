"""Cursors: what we made comes back as it was, and nothing else is taken."""

import pytest

from writeback.core.errors import BadInput
from writeback.store.reads.pages import cut, decode_cursor, decode_number, encode_cursor


@pytest.mark.parametrize("position", ["hillside", "a", "", "key_01", "ü" * 9, "0"])
def test_a_cursor_comes_back_as_it_was(position: str) -> None:
    assert decode_cursor(encode_cursor(position)) == position


def test_a_number_comes_back_as_a_number() -> None:
    assert decode_number(encode_cursor(4711)) == 4711
    assert decode_number(None) is None


@pytest.mark.parametrize("cursor", ["***", "a", "Zm9v Zm9v", "_w", "é"])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput, match="none of ours"):
        decode_cursor(cursor)


@pytest.mark.parametrize("position", ["", "-1", "1.5", "٣", "9" * 19, "hillside"])
def test_a_position_that_is_no_number_is_refused_where_one_is_needed(position: str) -> None:
    with pytest.raises(BadInput):
        decode_number(encode_cursor(position))


def test_a_page_is_cut_after_its_limit_and_points_to_its_last_item() -> None:
    page = cut([1, 2, 3], 2, lambda item: item)

    assert page.items == (1, 2)
    assert decode_number(page.next_cursor) == 2
    assert cut([1, 2], 2, lambda item: item).next_cursor is None
