"""Workbooks that say the same in another way, made into what openpyxl reads: Strict Open XML, backslashes in names."""

import re
import shutil
import tempfile
import zipfile
from typing import BinaryIO, cast

_PIECE, _IN_MEMORY = 1 << 18, 2_000_000
_STRICT = b"http://purl.oclc.org/ooxml/"
_NAMESPACES = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    ),
    (b"http://purl.oclc.org/ooxml/drawingml/main", b"http://schemas.openxmlformats.org/drawingml/2006/main"),
)
"""Strict and transitional names (ISO/IEC 29500-1 and -4, annex A); Excel puts them into the first tag of a part."""
_XML = re.compile(r"\.(xml|rels)$", re.IGNORECASE)


def plain_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the parts' names, with slashes where somebody has put backslashes, and what they are called there."""
    return {name.replace("\\", "/"): name for name in archive.namelist()}


def make_usual(file: BinaryIO) -> None:
    """Rewrite the workbook as openpyxl reads it, where it is not so already; it must have been checked."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        copy = cast(BinaryIO, spooled)
        with zipfile.ZipFile(file) as archive:
            names = plain_names(archive)
            with archive.open(names["xl/workbook.xml"]) as part:
                is_strict = _STRICT in part.read(_PIECE)
            if not is_strict and all(plain == name for plain, name in names.items()):
                return
            with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
                for plain, name in names.items():
                    _copy(archive, name, made, plain)
        copy.seek(0)
        file.seek(0)
        file.truncate()
        shutil.copyfileobj(copy, file)


def _copy(archive: zipfile.ZipFile, name: str, made: zipfile.ZipFile, plain: str) -> None:
    with archive.open(name) as part, made.open(plain, "w", force_zip64=True) as into:
        piece = part.read(_PIECE)
        if _XML.search(plain):
            for strict, usual in _NAMESPACES:
                piece = piece.replace(strict, usual)
        while piece:
            into.write(piece)
            piece = part.read(_PIECE)
