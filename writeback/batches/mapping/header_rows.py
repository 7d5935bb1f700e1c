"""Which of the first rows name the columns: one, or several of a grid that has days above and sessions beneath."""

from collections.abc import Sequence
from dataclasses import dataclass

from writeback.batches.cells import plain_text
from writeback.batches.columns import NOT_SENT
from writeback.batches.days import DayOrder, NoDay
from writeback.batches.headers import names_for, plain
from writeback.batches.layout import Row
from writeback.batches.mapping.days_of_grids import MarkHeader, mark_header

HEADER_WITHIN = 20
"""The column names stand in one of the first rows; above them there may be a title."""
NAME_WEIGHT = 3
"""A known name says more than a day: days stand in the rows below as well."""
_FEWEST_MARKS = 2
_MOST_BENEATH = 2
_LONGEST = 250
"""Characters of a name that are looked at."""
_NO_DAY = MarkHeader(day="no day")
"""What looks like a day and is none."""


@dataclass(frozen=True, slots=True)
class HeaderRows:
    """`first` and `last` are places among the rows that were looked at; `names` what all of them say of each column."""

    first: int
    last: int
    names: Sequence[str]


def takes_grid(kind: str) -> bool:
    """Whether a column of a table may be a day's or a session's marks."""
    return kind.startswith("attendance.")


def score(cells: Sequence[str], kind: str | None) -> int:
    """Return how much the cells look like column names; 0 where they do not at all."""
    names, cells = names_for(kind), [cell[:_LONGEST] for cell in cells]
    known = sum(names.get(plain(cell), NOT_SENT) != NOT_SENT for cell in cells)
    if kind is not None and not takes_grid(kind):
        return known * NAME_WEIGHT
    marks = sum((mark := _mark(cell)) is not None and not mark.is_number for cell in cells)
    # A day in one cell is a title, or a row of a list; without any name known it needs several.
    return known * NAME_WEIGHT + (marks if known or marks > _FEWEST_MARKS else 0)


def find_header_rows(rows: Sequence[Row], kind: str | None) -> HeaderRows | None:
    """Return the rows of column names among the first rows of a file; None where no row names any."""
    looked_at = rows[:HEADER_WITHIN]
    best = max(range(len(looked_at)), key=lambda place: (score(rows[place].cells, kind), -place), default=None)
    if best is None or not score(rows[best].cells, kind):
        return None
    first, last, names = best, best, [short_text(cell) for cell in rows[best].cells]
    while last + 1 < len(rows) and last - best < _MOST_BENEATH and _is_beneath(rows[last + 1], names, kind):
        last += 1
        names = _joined(names, [short_text(cell) for cell in rows[last].cells])
    while first > 0 and (above := _joined_above(rows[first - 1], names)) is not None:
        first -= 1
        names = above
    return HeaderRows(first, last, _trimmed(names))


def widest_row(rows: Sequence[Row]) -> HeaderRows:
    """Return the first of the rows with most cells as what may name the columns, where nothing tells."""
    counts = [sum(bool(short_text(cell)) for cell in row.cells) for row in rows[:HEADER_WITHIN]]
    place = counts.index(max(counts))
    return HeaderRows(place, place, _trimmed([short_text(cell) for cell in rows[place].cells]))


def without_data(header: HeaderRows) -> HeaderRows:
    """Return the row as it is; where it has digits, as a record has, columns without names above the first row."""
    has_digits = any(letter.isdigit() for name in header.names for letter in name)
    return HeaderRows(-1, -1, [""] * len(header.names)) if has_digits else header


def _is_beneath(row: Row, names: Sequence[str], kind: str | None) -> bool:
    """Whether the row goes on naming the columns: sessions or days, and nothing of its own under a known name."""
    known = names_for(kind)
    marks, others = 0, 0
    for place, cell in enumerate(row.cells):
        text = short_text(cell)
        above = names[place] if place < len(names) else ""
        if not text or text == above:
            continue
        if known.get(plain(above), NOT_SENT) != NOT_SENT and _mark(above) is None:
            return False
        is_mark = _mark(text) is not None
        marks, others = marks + is_mark, others + (not is_mark)
    return marks >= _FEWEST_MARKS and marks > others


def _joined_above(row: Row, names: Sequence[str]) -> list[str] | None:
    """Return the names with the days that stand above them, each over all columns up to the next; None without any."""
    found, day, days = list(names), "", 0
    for place, name in enumerate(names):
        cell = short_text(row.cells[place]) if place < len(row.cells) else ""
        if cell:
            mark = _mark(cell)
            day = cell if mark is not None and mark.day else ""
        own = _mark(name)
        if name and own is None:
            day = ""  # a day above a name stands in a title
        if not day or not (name or cell):
            continue
        whole = f"{day} {name}".strip()
        if (own is not None and own.day and not own.weekday_alone) or _mark(whole) in (None, _NO_DAY):
            return None
        found[place] = whole
        days += 1
    return found if days >= _FEWEST_MARKS else None


def _joined(above: Sequence[str], beneath: Sequence[str]) -> list[str]:
    width = max(len(above), len(beneath))
    filled, day = [*above, *[""] * (width - len(above))], ""
    for place, name in enumerate(filled):
        mark = _mark(name) if name else None
        if name:
            day = name if mark is not None and mark.day else ""
        elif day and place < len(beneath) and beneath[place]:
            filled[place] = day
    lower = [*beneath, *[""] * (width - len(beneath))]
    return [
        name if name == text or not text else f"{name} {text}".strip() for name, text in zip(filled, lower, strict=True)
    ]


def _trimmed(names: list[str]) -> Sequence[str]:
    """Return the names up to the last that there is."""
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _mark(cell: str) -> MarkHeader | None:
    try:
        return mark_header(short_text(cell), DayOrder.DAY_FIRST)
    except NoDay:
        return _NO_DAY


def short_text(cell: str) -> str:
    """Return what a name or a title says; what is longer than these ever are is not gone through."""
    return " ".join(plain_text(cell[:_LONGEST]).split())
