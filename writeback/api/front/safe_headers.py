"""What every answer tells browsers and caches, unless it says otherwise itself: keep nothing, guess no types."""

from collections.abc import Iterable

Header = tuple[bytes, bytes]

SAFE_HEADERS: tuple[Header, ...] = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


def missing_from(headers: Iterable[Header]) -> list[Header]:
    """Return those that are not among the headers."""
    given = {name for name, _ in headers}
    return [header for header in SAFE_HEADERS if header[0] not in given]
