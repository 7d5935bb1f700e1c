"""Pages of lists: opaque cursors, and cutting what was read into a page."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from writeback.core.errors import BadInput
from writeback_client.models.base import Page

T = TypeVar("T")


def encode_cursor(position: str | int) -> str:
    """Return `position` as the opaque text that callers hand back."""
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """Return the position; raise BadInput for a cursor that we did not make."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise unknown_cursor(cursor) from error


def decode_number(cursor: str | None) -> int | None:
    """Return the position of a list that is ordered by number; raise BadInput when it is none."""
    position = decode_cursor(cursor)
    if position is None:
        return None
    if not (position.isascii() and position.isdigit() and len(position) <= 18):
        raise unknown_cursor(cursor or "")
    return int(position)


def unknown_cursor(cursor: str) -> BadInput:
    return BadInput(
        "cursor_invalid",
        f"cursor {cursor[:64]!r} is none of ours",
        hint="Send `next_cursor` of the page before as it was, or leave it out to begin at the start.",
    )


def cut(rows: Sequence[T], limit: int, position: Callable[[T], str | int]) -> Page[T]:
    """Return the page of the first `limit` rows; `rows` holds one more where another page follows."""
    if len(rows) <= limit:
        return Page(items=rows)
    return Page(items=rows[:limit], next_cursor=encode_cursor(position(rows[limit - 1])))
