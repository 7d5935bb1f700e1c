"""How much a JSON text holds, counted before it is parsed: parsing and validating cost by the value, not by the byte.

Ten megabytes can be three million empty lists: counting them takes ten milliseconds, reading them seconds and a
gigabyte.
"""

from writeback.core.errors import BodyTooLarge

MOST_VALUES = 100_000
"""Most values of one body: of 1,000 incidents with five pupils each it is less than half."""


def values_in(text: bytes | str) -> int:
    """Return the most values that a JSON text can hold: its commas and opening brackets, those in its texts too."""
    if isinstance(text, str):
        return text.count(",") + text.count("{") + text.count("[")
    return text.count(b",") + text.count(b"{") + text.count(b"[")


def check_values(body: bytes, *, most: int = MOST_VALUES) -> None:
    """Raise BodyTooLarge for a body that may hold more than `most` values."""
    if len(body) > most and (count := values_in(body)) > most:
        raise too_many_values(count, most)


def too_many_values(count: int, most: int = MOST_VALUES) -> BodyTooLarge:
    return BodyTooLarge(
        "body_too_many_values",
        f"the body has {count} commas and opening brackets; at most {most} are read",
        hint="Send it in parts: each value of a list or an object counts, and a comma in a text does too.",
    )
