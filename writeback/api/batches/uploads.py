"""Files that arrive as a body or as multipart: which calls take them, what they may be, and their bytes in pieces."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote

from starlette.datastructures import UploadFile
from starlette.requests import Request

from writeback.api.front.body import Headers, header
from writeback.batches.files import is_known_media_type
from writeback.core.errors import BadInput, Problem
from writeback.flow.batches.uploads import file_too_large

_MULTIPART = "multipart/form-data"
_ENVELOPE = 64 * 1024
"""What multipart may add to a file."""
_PIECE = 1 << 18
_HINT = "Send text/csv, application/x-ndjson, a workbook (.xlsx) by its media type, or multipart/form-data."


class UnsupportedFileType(Problem):
    status, title = 415, "Files of this sort are not taken"


@dataclass(frozen=True)
class Sent:
    """A file as it comes: `pieces` can be gone through once."""

    media_type: str
    name: str
    pieces: AsyncIterator[bytes]


def is_upload(method: str, path: str) -> bool:
    """Whether a call brings a file: POST /v1/schools/{school}/batches."""
    parts = path.split("/")
    return method == "POST" and len(parts) == 5 and parts[:3] == ["", "v1", "schools"] and parts[4] == "batches"


def body_limit(max_file_bytes: int) -> int:
    """Return how long the body of an upload may be."""
    return max_file_bytes + _ENVELOPE


def check_upload(headers: Headers, max_file_bytes: int) -> None:
    """Raise BodyTooLarge or UnsupportedFileType by what the headers say of a file."""
    media_type = _media_type(header(headers, b"content-type"))
    if media_type != _MULTIPART and not is_known_media_type(media_type):
        raise UnsupportedFileType("file_type_unsupported", f"Content-Type is {media_type[:64]!r}", hint=_HINT)
    length = header(headers, b"content-length")
    if length is not None and length.isdigit() and int(length) > body_limit(max_file_bytes):
        raise file_too_large(max_file_bytes)


@asynccontextmanager
async def file_of(request: Request) -> AsyncIterator[Sent]:
    """Give the file of a call; raise BadInput where multipart has none."""
    content_type = request.headers.get("content-type", "").encode("latin-1")
    if _media_type(content_type) != _MULTIPART:
        yield Sent(_media_type(content_type), _name_of(request), request.stream())
        return
    async with request.form(max_files=1, max_fields=10) as form:
        file = next((value for _, value in form.multi_items() if isinstance(value, UploadFile)), None)
        if file is None:
            raise BadInput("file_missing", "the form has no file", hint="Send it as a part with a filename.")
        media_type = _media_type((file.content_type or "").encode("latin-1", "replace"))
        if not is_known_media_type(media_type):
            raise UnsupportedFileType("file_type_unsupported", f"the file is {media_type[:64]!r}", hint=_HINT)
        yield Sent(media_type, file.filename or "", _pieces(file))


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


def _media_type(given: bytes | None) -> str:
    return (given or b"").partition(b";")[0].strip().lower().decode("latin-1")


def _name_of(request: Request) -> str:
    """Return the file's name: X-Filename (percent-encoded where need be), else that of Content-Disposition."""
    name = request.headers.get("x-filename")
    if name is not None:
        return unquote(name)
    message = Message()
    message["Content-Disposition"] = request.headers.get("content-disposition", "")
    return message.get_filename() or ""
