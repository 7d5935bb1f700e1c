"""What counts as an emoji, and how long a comment is."""

import pytest

from validators.text import first_emoji, length_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("😀", "U+1F600"),
        ("late 🚌 again", "U+1F68C"),
        ("❤", "U+2764"),
        ("☹", "U+2639"),
        ("⌚", "U+231A"),
        ("⭐", "U+2B50"),
        ("🇬🇧", "U+1F1EC"),
        ("1\ufe0f\u20e3", "U+FE0F"),
        ("©\ufe0f", "U+FE0F"),
        ("👩\u200d🏫", "U+1F469"),
    ],
)
def test_an_emoji_is_found_and_named(text: str, found: str) -> None:
    assert first_emoji(text) == found


@pytest.mark.parametrize(
    "text", ["", "Missed the bus", "39°", "© ™ № ½ €", "naïve café – “ok” …", "Łukasz", "李", "עברית", "العربية", "→"]
)
def test_ordinary_text_of_any_language_is_no_emoji(text: str) -> None:
    assert first_emoji(text) is None


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("café", 4), ("😀", 2), ("\ud800", 1)])
def test_length_is_counted_in_utf_16_units(text: str, length: int) -> None:
    assert length_of(text) == length
