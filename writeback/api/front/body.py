"""Bodies: never longer than the setting says, however they come, and JSON where they say what they are."""

from collections.abc import Iterable

from starlette.types import Message, Receive

from writeback.api.front.problems import BodyRefused, UnsupportedMediaType, body_too_large
from writeback.core.json_values import too_many_values, values_in

Headers = Iterable[tuple[bytes, bytes]]


class Disconnected(Exception):
    """The caller went away before the body was whole: there is nobody to answer."""


def header(headers: Headers, name: bytes) -> bytes | None:
    for key, value in headers:
        if key == name:
            return value
    return None


def check_length(headers: Headers, limit: int) -> None:
    """Raise BodyTooLarge where the caller says that the body is longer than `limit` bytes."""
    length = header(headers, b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        raise body_too_large(limit)


def check_json(headers: Headers) -> None:
    """Raise UnsupportedMediaType where the caller says that the body is not JSON; saying nothing is fine."""
    given = header(headers, b"content-type")
    if given is None or given == b"application/json":
        return
    media_type = given.partition(b";")[0].strip().lower()
    if media_type not in (b"", b"application/json") and not (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    ):
        shown = media_type[:64].decode("latin-1")
        raise UnsupportedMediaType(
            "content_type_unsupported", f"Content-Type is {shown!r}", hint="Send application/json, in UTF-8."
        )


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the body; raise BodyTooLarge as soon as it is longer than `limit`, whatever its headers said."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise body_too_large(limit)
    if not message.get("more_body", False):
        return body
    chunks, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise body_too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def limited(receive: Receive, limit: int, most_values: int | None = None) -> Receive:
    """Return `receive` for FastAPI's own reading: it ends in 413 when more than `limit` bytes, or values, have come."""
    size = values = 0

    async def counting() -> Message:
        nonlocal size, values
        message = await receive()
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise BodyRefused(body_too_large(limit))
        if most_values is not None:
            values += values_in(piece)
            if values > most_values:
                raise BodyRefused(too_many_values(values, most_values))
        return message

    return counting
