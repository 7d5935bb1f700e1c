"""Grids: a row for each pupil, a column for each day or session. What their columns are about, and since when."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import timedelta

from writeback.batches.cells import plain_text
from writeback.batches.columns import column_map
from writeback.batches.day_orders import DayOrders
from writeback.batches.days import DayOrder, NoDay
from writeback.batches.findings import FileRefused, make
from writeback.batches.layout import Row
from writeback.batches.mapping.columns_by_name import has_strokes
from writeback.batches.mapping.days_of_grids import (
    AM,
    BOTH_SESSIONS,
    PM,
    MarkHeader,
    is_partial_day,
    mark_header,
    marks_in,
    whole_day,
)
from writeback.batches.mapping.mapping import CODE, DATE, SESSION, ColumnUse
from writeback.batches.mapping.proposal import ProposedColumn, ProposedConstant
from writeback.batches.mapping.titles import A_MONTH, A_WEEK, A_YEAR, Titles
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

_FEWEST_NUMBERS = 10
"""Bare numbers are days of a month where so many columns are."""
_TWO = 2
_TOTAL = re.compile(r"[\d.,]+%?")
_OF_LESSONS = re.compile(r"(?:(?:p|per|period|lesson|l)[ .]*\d+.*|\d+)", re.IGNORECASE)
"""Names of columns whose marks are of lessons, beside those of sessions."""
_SATURDAY = 5
_ENDING = re.compile(r"\b(?:end|ending|ends|w/?e)\b", re.IGNORECASE)
_LONGEST_AGO = 200
"""Days: a day without its year is one of the school's year, not of the one before."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The columns, those of marks among them, and from when on their days count."""

    columns: Sequence[ProposedColumn]
    first_day: ProposedConstant | None = None
    findings: Sequence[Finding] = field(default=())


def read_grid(
    kind: str,
    columns: Sequence[ProposedColumn],
    titles: Titles,
    below: Sequence[Row],
    order: DayOrder | None,
    today: Date | None,
) -> Grid:
    """Return the columns with what those are about whose names are days or sessions; as they were where none is."""
    if any(column.use is not None and column.use.field == CODE for column in columns):
        return Grid(columns)
    marks = {column.place: column for column in columns if column.use is None or column.use.field is None}
    is_stated = order is not None
    order, findings = _order_of(marks, order, today)
    headers, wrong = _mark_headers(marks, order)
    if wrong and not findings and not is_stated:
        other = _mark_headers(marks, DayOrder.MONTH_FIRST)
        if not other[1]:
            proof = marks[next(iter(wrong))]
            findings = [make("days_month_first", value=show(proof.name), cell=proof.letter)]
            headers, wrong = other
    columns = [
        replace(column, use=None, why=wrong[column.place]) if column.place in wrong else column for column in columns
    ]
    if not headers:
        return Grid(columns, None, findings)
    uses = {place: ColumnUse(CODE, one.day, one.session) for place, one in headers.items()}
    unsure: dict[int, str] = {}
    if SESSION in column_map(kind):
        uses, unsure = _sessions(uses, below)
    found = [_with_use(column, uses, unsure) for column in columns]
    first_day = _first_day(headers, titles, today)
    if first_day is not None:
        wrong = _out_of_order(uses, first_day) | _other_weekdays(headers, first_day)
        found = [replace(one, why=wrong.get(one.place, one.why)) for one in found]
        findings += _about_first_day(found, headers, first_day)
    return Grid([_beside_days(column, uses) for column in found], first_day, findings)


def _order_of(
    marks: dict[int, ProposedColumn], order: DayOrder | None, today: Date | None
) -> tuple[DayOrder, list[Finding]]:
    """Return in which order the names have day and month, decided by all of them together as for cells."""
    if order is not None or today is None or not marks:
        return order or DayOrder.DAY_FIRST, []
    orders, cells = DayOrders(), [""] * (max(marks) + 1)
    for place, column in marks.items():
        cells[place] = column.name
    row = Row(1, cells)
    for place in marks:
        orders.see(place, row)
    try:
        return orders.decide(None, today)
    except FileRefused as refused:
        return DayOrder.DAY_FIRST, list(refused.findings)


def _mark_headers(columns: dict[int, ProposedColumn], order: DayOrder) -> tuple[dict[int, MarkHeader], dict[int, str]]:
    """Return what the names say that are days or sessions, and why those are none that look like days."""
    found, wrong = dict[int, MarkHeader](), dict[int, str]()
    for place, column in columns.items():
        try:
            mark = mark_header(column.name, order)
        except NoDay as error:
            wrong[place] = error.advice or "there is no such day"
            continue
        if mark is not None:
            found[place] = mark
    numbers = [place for place, mark in found.items() if mark.is_number]
    if len(numbers) < _FEWEST_NUMBERS:
        found = {place: mark for place, mark in found.items() if not mark.is_number}
    return found, wrong


def _sessions(uses: dict[int, ColumnUse], below: Sequence[Row]) -> tuple[dict[int, ColumnUse], dict[int, str]]:
    """Return the uses with their sessions, where cells or the order of the columns say these; and what is unsure."""
    found, unsure = dict(uses), dict[int, str]()
    without = [place for place, use in uses.items() if use.day and not use.session]
    of_day: dict[str, list[int]] = {}
    for place in without:
        of_day.setdefault(uses[place].day, []).append(place)
    if without and all(len(places) == _TWO and places[1] - places[0] == 1 for places in of_day.values()):
        for day, places in of_day.items():
            for place, half in zip(places, (AM, PM), strict=True):
                found[place] = replace(uses[place], session=half)
                unsure[place] = f"two columns are of {day}: they may be its morning and its afternoon"
    elif without and _have_two_marks(below, without):
        found |= {place: replace(uses[place], session=BOTH_SESSIONS) for place in without}
    return found, unsure


def _have_two_marks(below: Sequence[Row], places: Sequence[int]) -> bool:
    """Whether most cells of the columns that are not empty have two marks, strokes among them, and none has more."""
    cells = [text for row in below for at in places if at < len(row.cells) and (text := plain_text(row.cells[at]))]
    counts = Counter(
        len(text.split() if " " in text else marks_in(text)) for text in cells if not _TOTAL.fullmatch(text)
    )
    is_of_strokes = any("/" in text or "\\" in text for text in cells)
    return is_of_strokes and counts[_TWO] > counts[1] and max(counts) == _TWO


def _with_use(column: ProposedColumn, uses: dict[int, ColumnUse], unsure: dict[int, str]) -> ProposedColumn:
    use = uses.get(column.place)
    if use is None:
        return column
    return replace(column, use=use, candidates=(), why=unsure.get(column.place, ""))


def _beside_days(column: ProposedColumn, uses: dict[int, ColumnUse]) -> ProposedColumn:
    """Return the column, not sent where it says what the columns of marks say for themselves; or asked about, where it
    has marks as they have, and its name does not say of which session."""
    is_free = column.use is not None and column.use.field is None
    if is_free and has_strokes(column) and not _OF_LESSONS.fullmatch(column.name):
        return replace(column, use=None, candidates=[CODE], why="it has marks, and its name is no day")
    said = {
        name
        for name, value in ((DATE, "day"), (SESSION, "session"))
        if all(getattr(use, value) for use in uses.values())
    }
    if column.use is not None and column.use.field in said:
        return replace(column, use=ColumnUse(), candidates=[str(column.use.field)])
    return column


def _first_day(headers: dict[int, MarkHeader], titles: Titles, today: Date | None) -> ProposedConstant | None:
    """Return from when on partial days count; None where there are none, or nothing says it."""
    partial = [mark for mark in headers.values() if is_partial_day(mark.day)]
    if not partial:
        return None
    by_week = any(mark.weekday_alone for mark in partial)
    by_month = any(mark.is_month_missing for mark in partial)
    found = titles.first_day(A_WEEK if by_week else A_MONTH if by_month else A_YEAR)
    if found is not None:
        return _monday_of(found) if by_week else found
    if today is None or by_week or by_month:
        return None
    since = today - timedelta(days=_LONGEST_AGO)
    days = [day for mark in partial if (day := whole_day(mark.day, since)) is not None]
    if not days or max(days) > today:
        return None
    return ProposedConstant(min(days).isoformat(), "the last such days before today", is_certain=True)


def _monday_of(found: ProposedConstant) -> ProposedConstant:
    """Return the Monday of the week that a title names. A week that begins on a Sunday may be either of two."""
    named = Date.fromisoformat(found.value)
    monday = named - timedelta(days=named.weekday())
    if named.weekday() < _SATURDAY or _ENDING.search(found.source):
        return replace(found, value=monday.isoformat())
    return replace(found, value=(monday + timedelta(days=7)).isoformat(), is_certain=False)


def _out_of_order(uses: dict[int, ColumnUse], first_day: ProposedConstant) -> dict[int, str]:
    """Return why days that are not whole may be those of the next week or month: they stand behind later ones."""
    since, wrong = Date.fromisoformat(first_day.value), dict[int, str]()
    by_session: dict[str, list[tuple[int, Date]]] = {}
    for place, use in uses.items():
        if is_partial_day(use.day) and (day := whole_day(use.day, since)) is not None:
            by_session.setdefault(use.session, []).append((place, day))
    for columns in by_session.values():
        days = [day for _, day in columns]
        if days in (sorted(days), sorted(days, reverse=True)):
            continue
        latest = days[0]
        for place, day in columns:
            latest = max(latest, day)
            if day < latest:
                wrong[place] = f"{day.isoformat()} is before {latest.isoformat()}, which stands in front of it"
    return wrong


def _other_weekdays(headers: dict[int, MarkHeader], first_day: ProposedConstant) -> dict[int, str]:
    """Return why days without a year are not those that their weekdays say."""
    since, wrong = Date.fromisoformat(first_day.value), dict[int, str]()
    for place, mark in headers.items():
        day = whole_day(mark.day, since) if mark.day else None
        if day is not None and mark.weekday not in (None, day.weekday()):
            wrong[place] = f"{day.isoformat()} is a {day:%A}"
    return wrong


def _about_first_day(
    columns: Sequence[ProposedColumn], headers: dict[int, MarkHeader], first_day: ProposedConstant
) -> list[Finding]:
    """Return how the first day that is not whole is read."""
    place = next(place for place, mark in headers.items() if is_partial_day(mark.day))
    day = whole_day(headers[place].day, Date.fromisoformat(first_day.value))
    about = {"column": show(columns[place].name), "place": columns[place].letter}
    return [make("grid_days_partial", **about, day=day, source=show(first_day.source))]
