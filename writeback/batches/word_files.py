"""Words for codes as CSV: how a school keeps its list of reasons, in a spreadsheet. Pure."""

import csv
from collections.abc import Iterator, Sequence
from io import BytesIO, StringIO

from writeback.batches.cells import plain_text
from writeback.batches.csv_files import DELIMITERS, csv_line
from writeback.batches.encodings import encoding_of, text_of
from writeback.batches.findings import unreadable
from writeback.batches.headers import plain
from writeback.domain.school_settings.words import Word

COLUMNS = ("field", "word", "code", "always")
USUAL_FIELD = "attendance.code"
"""What a word is of where the file has no such column."""
_NAMES = {
    **dict.fromkeys(("field", "of"), "field"),
    **dict.fromkeys(("word", "words", "reason", "ourreason", "ourword"), "word"),
    **dict.fromkeys(("code", "mark", "schoolcode", "attendancecode"), "code"),
    "always": "always",
}
_YES = frozenset({"yes", "y", "true", "1", "x"})


def as_csv(words: Sequence[Word]) -> str:
    """Return the list as a file that spreadsheets open as it is, with a mark for UTF-8."""
    rows = ((one.field, one.said, one.code, "yes" if one.always else "") for one in words)
    return "\ufeff" + "".join(map(csv_line, (COLUMNS, *rows)))


def words_in(data: bytes) -> list[Word]:
    """Return the words of a file; raise FileRefused where it has none, or a row is not whole.

    It needs columns for word and code; without one for the field they are attendance codes.
    """
    file = BytesIO(data)
    encoding = encoding_of(file)
    with text_of(file, encoding) as text:
        content = text.read()
    first = content.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(StringIO(content, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise unreadable("CSV", str(error), "Save the table again as CSV (UTF-8).") from None
    names = [_NAMES.get(plain(cell)) for cell in rows[0]] if rows else []
    if not {"word", "code"} <= set(names):
        raise unreadable("CSV", "its first row names no columns word and code", "Name the columns field, word, code.")
    return list(_words(names, rows[1:]))


def _words(names: Sequence[str | None], rows: Sequence[Sequence[str]]) -> Iterator[Word]:
    for number, cells in enumerate(rows, 2):
        row = {name: plain_text(cell) for name, cell in zip(names, cells, strict=False) if name}
        if not any(row.values()):
            continue
        word, code = row.get("word", ""), row.get("code", "")
        if not (word and code):
            what = f"row {number} has no word, or no code"
            raise unreadable("CSV", what, "Give every row a word and the code that it stands for, or leave it out.")
        yield Word(row.get("field") or USUAL_FIELD, word, code, row.get("always", "").casefold() in _YES)
