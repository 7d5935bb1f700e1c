"""What a MIS does to a text by itself is no difference, and what somebody does is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from writeback.domain.near_matches import Compared, Near, in_words, is_same_text, joined, plain

WORDS = st.lists(st.text(alphabet="abcdefghijklmnop", min_size=1, max_size=8), min_size=1, max_size=30)
BETWEEN = st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "<br>", "<br/>", "&nbsp;", "</p><p>", "\u00a0"])


@given(words=WORDS, data=st.data())
def test_blanks_case_lines_and_html_are_no_difference(words: list[str], data: st.DataObject) -> None:
    shown = "".join(data.draw(st.sampled_from([word, word.upper()])) + data.draw(BETWEEN) for word in words)
    assert is_same_text(shown, " ".join(words))
    assert plain(plain(shown)) == plain(shown)


@given(words=WORDS, place=st.integers(min_value=0))
def test_another_word_is_a_difference(words: list[str], place: int) -> None:
    at = place % len(words)
    changed = [*words[:at], "xyz", *words[at + 1 :]]
    assert not is_same_text(" ".join(changed), " ".join(words))


@given(text=st.text(max_size=200))
def test_a_text_is_the_same_as_itself_and_longer_than_nothing(text: str) -> None:
    assert is_same_text(text, text)
    assert is_same_text(None, text) == (plain(text) == "")


@pytest.mark.parametrize(("kept", "is_same"), [(60, True), (59, False)])
def test_what_a_mis_cuts_must_be_long_to_count(kept: int, is_same: bool) -> None:
    assert is_same_text("a" * kept, "a" * 255) == is_same


def test_the_likest_is_told_by_its_fields() -> None:
    points, kind = Compared("points", "1", "2", differs=True), Compared("type", "BULL", "DIS", differs=True)
    same = Compared("students", "A1", "A1", differs=False)
    assert in_words([Near("B1", (points, kind)), Near("B2", (same, points))]) == "one like it with other points"
    assert in_words([Near("B1", (same,))]) == "one like it"
    assert in_words([]) is None
    assert (joined({"B", "A"}), joined([])) == ("A, B", None)
