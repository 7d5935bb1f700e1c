"""Bytes as text: which encoding a file has, stated or found by looking at all of it; and its text a piece at a time."""

import codecs
import io
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO

from writeback.batches.findings import unreadable

_PIECE = 1 << 16
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WINDOWS, _MAC = "windows-1252", "mac-roman"


class TextEncoding(StrEnum):
    """Encodings that a file may be said to have."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS = _WINDOWS
    """What Excel writes on Windows as “CSV (Comma delimited)”."""
    LATIN_9 = "iso-8859-15"
    MAC = _MAC
    """What Excel writes on a Mac as “CSV (Macintosh)”."""
    DOS = "cp850"
    """What Excel writes as “CSV (MS-DOS)”."""


_FEWEST_NULS = 8
"""One byte of so many is a NUL in UTF-16, where column names are; in anything else hardly one is."""


@dataclass(frozen=True)
class Encoding:
    """`mark` is how many bytes its byte order mark takes; `is_guessed`: nothing says that it is this one."""

    name: str
    mark: int = 0
    is_guessed: bool = False


def encoding_of(file: BinaryIO, stated: str | None = None) -> Encoding:
    """Return the file's encoding: by its mark, else as stated, else UTF-8 where all of it is, else Windows-1252.

    UTF-16 without a mark is recognised by its NULs, one with almost every letter. Raise FileRefused where it is none of
    these, or has a NUL here and there.
    """
    file.seek(0)
    head = file.read(_PIECE)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return _checked(file, Encoding(name, len(mark)))
    if stated is not None:
        if not stated.startswith("utf-16"):
            _refuse_nuls(file)
        return _checked(file, Encoding(stated))
    if head.count(b"\0") * _FEWEST_NULS > len(head):
        return _checked(file, Encoding("utf-16-be" if head[:1] == b"\0" else "utf-16-le"))
    _refuse_nuls(file)
    if _first_fault(file, Encoding("utf-8")) is None:
        return Encoding("utf-8")
    return _checked(file, Encoding(_WINDOWS, is_guessed=True))


def other_reading(text: str, encoding: str) -> tuple[str, str]:
    """Return the encoding for which `encoding` is mistaken most often, and how the text would read in it."""
    return _MAC, text.encode(encoding, "replace").decode(_MAC, "replace")


def text_of(file: BinaryIO, encoding: Encoding) -> io.TextIOWrapper:
    """Return the file as text from its beginning, line ends as they are. `file` stays open when it is closed."""
    file.seek(encoding.mark)
    return io.TextIOWrapper(io.BufferedReader(_Lent(file), _PIECE), encoding=encoding.name, newline="")


class _Lent(io.RawIOBase):
    """A reader whose file outlives it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        piece = self._file.read(len(into))
        into[: len(piece)] = piece
        return len(piece)


def _checked(file: BinaryIO, encoding: Encoding) -> Encoding:
    fault = _first_fault(file, encoding)
    if fault is not None:
        raise unreadable(
            "text",
            f"byte {fault} is in none of UTF-8, UTF-16 and Windows-1252"
            if encoding.is_guessed
            else f"byte {fault} is not {encoding.name}",
            "Save it again as “CSV UTF-8”, or say its encoding: files of old Macs are in mac-roman.",
        )
    return encoding


def _refuse_nuls(file: BinaryIO) -> None:
    """Raise FileRefused where a file that is not UTF-16 has a NUL: a text has none, and a database takes none."""
    file.seek(0)
    place = 0
    while piece := file.read(_PIECE):
        found = piece.find(b"\0")
        if found >= 0:
            raise unreadable("text", f"byte {place + found} is a NUL", "Save it again as “CSV UTF-8”.")
        place += len(piece)


def _first_fault(file: BinaryIO, encoding: Encoding) -> int | None:
    """Return where the file stops being text of this encoding, None where all of it is."""
    file.seek(encoding.mark)
    decoder = codecs.getincrementaldecoder(encoding.name)()
    place = encoding.mark
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
            place += len(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return place + error.start
    return None
