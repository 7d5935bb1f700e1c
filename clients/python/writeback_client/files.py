"""Files to be uploaded: read in pieces while they are sent, from the beginning again where a try failed."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from writeback_client.errors import Misconfigured

Progress = Callable[[int, int], None]
"""Called with the bytes that have been sent, and how many there are."""
FileLike = str | os.PathLike[str] | bytes | BinaryIO
_PIECE = 64 * 1024
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Upload:
    """The bytes of a file. `file` is a path, bytes, or an open binary file, which stays open."""

    file: FileLike
    on_progress: Progress | None = None

    @property
    def size(self) -> int:
        """Return the number of bytes; raise Misconfigured for a file of text, or one that cannot be sought."""
        match self.file:
            case bytes():
                return len(self.file)
            case str() | os.PathLike():
                return Path(self.file).stat().st_size
            case file:
                if isinstance(file, io.TextIOBase) or not file.seekable():
                    raise Misconfigured("the file must be open in binary mode ('rb') and seekable: or give its path")
                return file.seek(0, io.SEEK_END)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that say what it is; a form that is not known is found out by the API."""
        name = self.name
        media_type = _MEDIA_TYPES.get(Path(name).suffix.lower(), "application/octet-stream")
        found = {"Content-Type": media_type, "Content-Length": str(self.size)}
        return {**found, "X-Filename": quote(name, safe="")} if name else found

    @property
    def name(self) -> str:
        """Return the file's own name, empty where it has none."""
        match self.file:
            case bytes():
                return ""
            case str() | os.PathLike():
                return Path(self.file).name
            case file:
                name = getattr(file, "name", "")
                return Path(name).name if isinstance(name, str) else ""

    def __iter__(self) -> Iterator[bytes]:
        size, sent = self.size, 0
        for piece in self._pieces():
            yield piece
            # The one before has left when the next is asked for.
            sent += len(piece)
            if self.on_progress is not None:
                self.on_progress(sent, size)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size, sent = self.size, 0
        pieces = self._pieces()
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece
            sent += len(piece)
            if self.on_progress is not None:
                self.on_progress(sent, size)

    def _pieces(self) -> Iterator[bytes]:
        match self.file:
            case bytes():
                yield from _read(io.BytesIO(self.file))
            case str() | os.PathLike():
                with open(self.file, "rb") as opened:
                    yield from _read(opened)
            case file:
                file.seek(0)
                yield from _read(file)


def _read(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
