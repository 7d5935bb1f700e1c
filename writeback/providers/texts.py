"""What of a provider's texts is kept: cleaned, shortened, ids that can be ids. Pure."""

import re

MAX_TEXT = 300
"""Longest text of a provider that is kept."""

MAX_REFERENCE = 200
"""Longest id of a provider's own that is believed to be one."""

_UNKEEPABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
# Control characters that are no blanks, and halves of surrogate pairs: PostgreSQL refuses NUL, UTF-8 the halves.


def header_value(secret: str) -> str | None:
    """Return a stored secret as it may stand in a header; None where it is empty or has characters that may not."""
    text = secret.strip()
    return text if text and text.isascii() and text.isprintable() else None


def clean(text: object) -> str:
    """Return a text without what cannot be kept: control characters and halves of surrogate pairs; blanks stay."""
    return _UNKEEPABLE.sub("", str(text))


def reference_of(value: object) -> str | None:
    """Return a provider's own id as text; None where it cannot be one: nothing, not printable, or far too long."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if text and text.isprintable() and len(text) <= MAX_REFERENCE else None


def shorten(text: object) -> str:
    """Return a provider's wording on one line, at most `MAX_TEXT` characters, fit for a database and a log."""
    line = " ".join(clean(text).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
