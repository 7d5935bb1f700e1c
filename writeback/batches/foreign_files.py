"""Files that are none of ours, named for what they are, whatever their ending or media type says."""

import re
from collections.abc import Collection
from typing import BinaryIO

from writeback.batches.findings import refuse

OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
"""How Microsoft's compound files begin: old workbooks, and new ones with a password."""
_HEAD, _PIECE = 4_096, 1 << 18
_PASSWORD = "EncryptedPackage".encode("utf-16-le")
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_HTML = re.compile(r"(?:<!--.*?-->|<\?xml[^>]*>|\s)*+<(!doctype html|html|head|meta|body|table|style|div)\b", re.DOTALL)
_SAVE = "Open it in the spreadsheet and save it as “Excel Workbook (.xlsx)” or as “CSV UTF-8”."
_EXPORT = "Export the table as CSV, or as an Excel workbook (.xlsx)."
_BEGINNINGS = (
    ("%pdf-", "a PDF document", _EXPORT),
    ("{\\rtf", "a text document (RTF)", _EXPORT),
    ("mime-version:", "a web page (MHTML) that only bears the name of a table", _SAVE),
    ("\x1f\x8b", "packed (gzip)", "Unpack it, and upload the table that is in it."),
    ("rar!", "an archive (RAR)", "Unpack it, and upload the table that is in it."),
    ("7z\xbc\xaf", "an archive (7z)", "Unpack it, and upload the table that is in it."),
    ("\x89png", "a picture (PNG)", _EXPORT),
    ("\xff\xd8\xff", "a picture (JPEG)", _EXPORT),
)
_PARTS = (
    ("xl/workbook.bin", "a binary workbook (.xlsb)", _SAVE),
    ("word/document.xml", "a text document (Word)", _EXPORT),
    ("ppt/presentation.xml", "a presentation (PowerPoint)", _EXPORT),
    ("Index/Document.iwa", "a document of Apple's Numbers", _EXPORT),
    ("content.xml", "an OpenDocument file (.ods)", _SAVE),
)


def refuse_foreign(file: BinaryIO) -> None:
    """Raise FileRefused where the file's beginning says that it is something else than a table of ours."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(OLD_WORKBOOK):
        raise _refused(*_of_compound(file))
    text = head.decode(_MARKS.get(head[:2], "latin-1"), "replace").lstrip("\ufeff\u00ef\u00bb\u00bf \t\r\n").lower()
    if "urn:schemas-microsoft-com:office:spreadsheet" in text and text.startswith("<"):
        raise _refused("an “XML Spreadsheet 2003”", _SAVE)
    if _HTML.match(text):
        raise _refused("a web page (HTML) that only bears the name of a table", _SAVE)
    for beginning, what, hint in _BEGINNINGS:
        if text.startswith(beginning):
            raise _refused(what, hint)


def refuse_foreign_archive(names: Collection[str]) -> None:
    """Raise FileRefused where the parts of an archive are those of another sort of document."""
    for part, what, hint in _PARTS:
        if part in names:
            raise _refused(what, hint)


def _refused(what: str, hint: str) -> Exception:
    return refuse("file_of_another_sort", what=what, hint=hint)


def _of_compound(file: BinaryIO) -> tuple[str, str]:
    """Return what a compound file is: a workbook with a password has its content in a part of that name."""
    file.seek(0)
    before = b""
    while piece := file.read(_PIECE):
        if _PASSWORD in before + piece:
            return "a workbook with a password", "Save it without the password and upload it again."
        before = piece[-len(_PASSWORD) :]
    return "an old .xls workbook", _SAVE
