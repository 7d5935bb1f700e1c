"""Rows in a table that are no records: totals, the names of the columns once more, a line about the report."""

import re
from collections.abc import Sequence

from writeback.batches.cells import plain_text
from writeback.batches.days import DayOrder
from writeback.batches.findings import FileRefused, make
from writeback.batches.layout import Row
from writeback.batches.mapping.mapping import Mapping
from writeback.batches.mapping.people import BY_THEMSELVES, WHOLE_NAMES, people_of, person_columns, read_columns
from writeback.batches.mapping.sections import Sections
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

_ABOUT_THE_TABLE = re.compile(
    r"(?:(?:grand |sub-? ?|overall )?totals?|averages?|mean|sum|count|percentage)\b"
    r"|number\b|(?:no\.?|nr) (?:of|on|in|present|absent)\b|(?:\d+ )?(?:pupils|students|records|rows)\b"
    r"|%|(?:authorised|unauthorised|possible|actual) \w+|(?:present|absent|late|lates)\b"
    r"|(?:print|generat|creat|export|produc|download|report|page \d|end of|key\b|copyright|\u00a9|confidential)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d.,/ ]*%?")


class OtherRows:
    """Tells the rows that are none of the table's, and remembers how many there were."""

    def __init__(self, mapping: Mapping, header: Sequence[Sequence[str]], order: DayOrder | None = None) -> None:
        """`header` are the cells of the rows that name the columns."""
        columns, people = read_columns(mapping.kind), people_of(mapping.kind)
        width = len(mapping.columns)
        self._header = [[cell.strip() for cell in (*cells, *[""] * width)][:width] for cells in header]
        self._uses = mapping.columns
        self._sections = Sections(mapping, self._header, order)
        self._change: Finding | None = None
        self._marks = [place for place, use in enumerate(mapping.columns) if use.is_of_grid]
        sent = {place: use.field for place, use in enumerate(mapping.columns) if use.field is not None}
        self._beside_marks = set(sent).difference(self._marks)
        self._needed = [place for place, field in sent.items() if field in columns and columns[field].is_needed]
        self._ids = {column.name for column in people.values()} | {
            field for field in person_columns(mapping.kind) if field.rpartition(".")[2] in BY_THEMSELVES
        }
        self._count, self._first = 0, Row(0, ())

    def has(self, row: Row) -> bool:
        """Whether the row is no record; raise FileRefused for a record that stands below another title, or header."""
        if self._sections.is_header(row):
            self._change = self._change or self._sections.other_columns(row)
        elif self._sections.is_label(row) or self._is_other(row):
            self._change = self._change or self._sections.other_title(row)
        elif self._sections.is_alone(row) and (change := self._sections.other_title(row)) is not None:
            self._change = self._change or change
        elif self._change is not None:
            raise FileRefused([self._change])
        else:
            return False
        self._first = self._first if self._count else row
        self._count += 1
        return True

    def warnings(self) -> list[Finding]:
        """Return what is to be said of them."""
        if not self._count:
            return []
        text = next(text for cell in self._first.cells if (text := plain_text(cell)))
        return [make("rows_not_sent", count=self._count, row=self._first.number, value=show(text))]

    def _is_other(self, row: Row) -> bool:
        if [cell.strip() for cell in row.cells] in self._header:
            return True
        if not self._marks and len(self._needed) > 1 and all(row.cells[place] for place in self._needed):
            return False  # as nearly all rows are
        texts = {place: text for place, cell in enumerate(row.cells) if (text := plain_text(cell))}
        first = next(iter(texts.values()), "")
        if self._are_counts(texts):
            return True
        if not first or self._names_somebody(texts):
            return False
        if _ABOUT_THE_TABLE.match(first) and not self._is_filled(texts):
            return True
        if self._marks and not self._beside_marks & set(texts):
            return True
        return len(set(texts.values())) == 1 and (" " in first or ":" in first)

    def _are_counts(self, texts: dict[int, str]) -> bool:
        """Whether all marks are numbers, of nobody with an id, and not all 0 or 1, as some write who is present."""
        marks = {texts[place] for place in self._marks if place in texts}
        has_id = any(self._uses[place].field in self._ids for place in texts)
        return not has_id and bool(marks - {"0", "1"}) and all(map(_NUMBER.fullmatch, marks))

    def _is_filled(self, texts: dict[int, str]) -> bool:
        """Whether the row has all that a record has: totals have numbers for marks, and nothing beside their name."""
        if self._marks:
            return any(place in texts and not _NUMBER.fullmatch(texts[place]) for place in self._marks)
        return len(self._beside_marks) > 1 and self._beside_marks <= set(texts)

    def _names_somebody(self, texts: dict[int, str]) -> bool:
        """Whether the row has an id, a number or a whole name in it."""
        parts = set()
        for place, text in texts.items():
            field = self._uses[place].field or ""
            part = field.rpartition(".")[2]
            is_about = _ABOUT_THE_TABLE.match(text)
            if (field in self._ids and " " not in text and not is_about) or (
                part in WHOLE_NAMES and _is_name(text, is_about)
            ):
                return True
            parts.add(part)
        return {"surname", "forename"} <= parts


def _is_name(text: str, is_about: object) -> bool:
    """Whether a text is the name of somebody, who may well be called “Late, Pat”."""
    return ":" not in text and ("," in text or (" " in text and not is_about))
