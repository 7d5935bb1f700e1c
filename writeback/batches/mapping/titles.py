"""What stands above the column names: `Class: 7B`, `Week beginning 23/11/2026`, and when somebody printed it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta

from writeback.batches.columns import CLASS, letters
from writeback.batches.days import DayOrder, DayStyle, NoDay, moment_of, month_named
from writeback.batches.headers import names_for, plain
from writeback.batches.layout import Row
from writeback.batches.mapping.days_of_grids import mark_header, whole_day
from writeback.batches.mapping.header_rows import short_text
from writeback.batches.mapping.proposal import ProposedConstant

_OF_THE_REPORT = re.compile(
    r"\b(print|generat|creat|export|produc|download|updat|run (on|at|by)|as at|report(ed)? (date|on)|date of report)",
    re.IGNORECASE,
)
"""What is about the report itself: its day is that of nobody's mark."""
_OF_A_WEEK = re.compile(r"\b(week|w/?c|w/?b|commencing|beginning|from|dates?( range)?|period|between)\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.\-]\d{1,2}[/.\-](?:\d{4}|\d{2})"
    r"|\d{1,2}(?:st|nd|rd|th)?[ \-](?:of )?[a-z]{3,9}\.?,?[ \-]\d{4}|[a-z]{3,9} \d{1,2}(?:st|nd|rd|th)?,? \d{4})\b",
    re.IGNORECASE,
)
_DAY_AND_MONTH = re.compile(r"\b\d{1,2}(?:[/.]\d{1,2}|(?:st|nd|rd|th)? (?:of )?[a-z]{3,9})\b", re.IGNORECASE)
_MONTH = re.compile(r"\b([a-z]{3,9})\.? (20\d\d)\b", re.IGNORECASE)
_ACADEMIC_YEAR = re.compile(r"\b(20\d\d) ?[/\-\u2013] ?(?:20)?\d\d\b(?![/\-.\u2013])")
_SESSION = re.compile(r"(?<![\d:] )(?<!\d)\b(am|a\.m\.?|morning|pm|p\.m\.?|afternoon)(?![a-z])", re.IGNORECASE)
_CLASS = re.compile(
    r"\b(?:reg(?:istration)? (?:group|form)|tutor group|form group|class|form|reg)\b[ :\-]+(\w[\w./\-]{0,11})",
    re.IGNORECASE,
)
_SEPTEMBER = 9
A_WEEK, A_MONTH, A_YEAR = timedelta(days=6), timedelta(days=31), timedelta(days=366)
_LONGEST_CLASS = 64


@dataclass(frozen=True, slots=True)
class _Line:
    """A cell above the header, with where it stands; and what stands beside it."""

    text: str
    where: str
    beside: str


class Titles:
    """What rows above the header say of all rows beneath it."""

    def __init__(self, rows: Sequence[Row], kind: str, order: DayOrder, today: Date | None) -> None:
        self._style, self._names, self._today = DayStyle(order), names_for(kind), today
        self._lines = [line for line in _lines_of(rows) if not _OF_THE_REPORT.search(line.text)]
        self.constants = self._free() | self._labelled()

    def first_day(self, within: timedelta) -> ProposedConstant | None:
        """Return the first day that a title names, of a time no longer than `within`; None without any.

        That may also be a month, or the school's year.
        """
        days = [(day, line) for line in self._lines for day in self._days_in(line.text)]
        if days:
            first, line = min(days, key=lambda one: one[0])
            if max(day for day, _ in days) - first > within:
                return None
            label = any(_OF_A_WEEK.search(one.text) and (one.beside == line.text or one is line) for one in self._lines)
            return ProposedConstant(first.isoformat(), _quoted(line), label or len({day for day, _ in days}) > 1)
        for line in self._lines:
            found = _MONTH.search(line.text)
            month = month_named(found[1].lower()) if found else None
            if found is not None and month is not None and within >= A_MONTH:
                return ProposedConstant(Date(int(found[2]), month, 1).isoformat(), _quoted(line), is_certain=True)
            found = _ACADEMIC_YEAR.search(line.text)
            if found is not None and within >= A_YEAR:
                return ProposedConstant(Date(int(found[1]), _SEPTEMBER, 1).isoformat(), _quoted(line), is_certain=True)
        return self._week_without_year()

    def _week_without_year(self) -> ProposedConstant | None:
        """Return the last such day before today, where a title says of which day a week is, but not of which year."""
        for line in self._lines:
            found = _DAY_AND_MONTH.search(line.text) if _OF_A_WEEK.search(line.text) else None
            if found is None or self._today is None:
                continue
            try:
                mark = mark_header(found[0], self._style.order)
            except NoDay:
                continue
            if mark is not None and (day := whole_day(mark.day, self._today - timedelta(days=365))) is not None:
                return ProposedConstant(day.isoformat(), _quoted(line), is_certain=False)
        return None

    def _labelled(self) -> dict[str, ProposedConstant]:
        """Return what cells such as `Date: 23/11/2026`, or `Date` with a day beside it, say."""
        found: dict[str, ProposedConstant] = {}
        for line in self._lines:
            label, colon, value = line.text.partition(":")
            field = self._names.get(plain(label))
            value = value.strip() or (line.beside if colon or field else "")
            read = self._read(field, value) if field and value else None
            if field and read:
                found.setdefault(field, ProposedConstant(read, _quoted(line), is_certain=True))
        return found

    def _free(self) -> dict[str, ProposedConstant]:
        """Return what sentences seem to say: nobody has said that it is about the marks."""
        found: dict[str, ProposedConstant] = {}
        days = {day: line for line in self._lines for day in self._days_in(line.text)}
        if len(days) == 1:
            ((day, line),) = days.items()
            found["date"] = ProposedConstant(day.isoformat(), _quoted(line), is_certain=False)
        spoken = [(one[1].lower(), line) for line in self._lines if (one := _SESSION.search(line.text))]
        sessions = {"PM" if word.startswith(("p", "afternoon")) else "AM": line for word, line in spoken}
        if len(sessions) == 1:
            ((session, line),) = sessions.items()
            found["session"] = ProposedConstant(session, _quoted(line), is_certain=False)
        classes = {one[1]: line for line in self._lines if (one := _CLASS.search(line.text))}
        if len(classes) == 1:
            ((name, line),) = classes.items()
            found[CLASS] = ProposedConstant(name, _quoted(line), is_certain=False)
        return found

    def _read(self, field: str, value: str) -> str:
        """Return what a value says for a field; empty where it says nothing, or where titles do not say such things."""
        if field == CLASS:
            return value if len(value) <= _LONGEST_CLASS else ""
        try:
            if field == "date":
                return moment_of(value, self._style).date().isoformat()
            mark = mark_header(value, self._style.order)
        except NoDay:
            return ""
        is_session = field == "session" and mark is not None and not mark.day and mark.session in ("AM", "PM")
        return mark.session if is_session and mark is not None else ""

    def _days_in(self, text: str) -> Iterator[Date]:
        for found in _DATE.finditer(text):
            try:
                yield moment_of(found[0].lower().replace(" of ", " "), self._style).date()
            except NoDay:
                continue


def _lines_of(rows: Sequence[Row]) -> Iterator[_Line]:
    for row in rows:
        places = [place for place, cell in enumerate(row.cells) if short_text(cell)]
        texts = dict.fromkeys(short_text(row.cells[place]) for place in places)
        first = {text: next(place for place in places if short_text(row.cells[place]) == text) for text in texts}
        beside = [*list(texts)[1:], ""]
        for text, after in zip(texts, beside, strict=True):
            yield _Line(text, f"{letters(first[text])}{row.number}", after)


def _quoted(line: _Line) -> str:
    return f"{line.where}: {line.text} {line.beside if line.text.endswith(':') else ''}".strip()
