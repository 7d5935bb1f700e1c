"""When a provider's words are the same, and when they are none of its own."""

import pytest

from writeback.domain.provider_words import key_of, words_in


@pytest.mark.parametrize(
    "other",
    [
        "invalid studentid: A1930499544",
        "Invalid StudentId: {9919}",
        "Invalid  StudentId 12/13",
        "Invalid StudentId: “A b”",
        "Invalid StudentId: 'x'.",
    ],
)
def test_what_differs_in_ids_and_quotes_is_the_same(other: str) -> None:
    assert key_of("Invalid StudentId: 9919") == key_of(other)


@pytest.mark.parametrize("other", ["Invalid StaffId: 9919", "The register is locked", ""])
def test_other_words_are_others(other: str) -> None:
    assert key_of("Invalid StudentId: 9919") != key_of(other)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ({"provider_message": "No.", "provider_answered": True}, "No."),
        ({"provider_message": "No.", "provider_answered": False}, ""),
        ({"provider_message": "No."}, ""),
        ({"provider_message": None, "provider_answered": True}, ""),
        ({}, ""),
    ],
)
def test_only_what_was_answered_counts(finding: dict[str, object], words: str) -> None:
    assert words_in(finding) == words
