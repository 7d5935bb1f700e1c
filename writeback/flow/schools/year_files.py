"""Files that say when a school is open: a table (CSV) with a row for each term, holiday or day, or a calendar
(iCalendar, RFC 5545) as schools publish it. Pure.

What says nothing of the school's days is passed over, and said; what cannot be read is refused, row by row.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import timedelta

from writeback.batches.days import BRITISH, NoDay, moment_of
from writeback.batches.encodings import encoding_of, text_of
from writeback.batches.findings import FileRefused
from writeback.core.errors import InvalidSubmission
from writeback.domain.finding import Finding
from writeback.domain.school_settings.year import LONGEST_HOLIDAY, LONGEST_NAME, MOST_STRETCHES, DayKind, Stretch
from writeback.domain.submission.shape_findings import show

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind", "type", "what", "category"),
    "first": ("first", "start", "start date", "starts", "from", "first day", "begins", "date", "day"),
    "last": ("last", "end", "end date", "ends", "to", "until", "last day"),
    "name": ("name", "description", "title", "event", "summary", "subject"),
}
_DELIMITERS = ",;\t"
_WORDS = (
    (
        DayKind.INSET,
        re.compile(r"\binset\b|\b(?:staff|teacher) training\b|\b(?:training|pd|baker) days?\b"),
    ),
    (
        DayKind.HOLIDAY,
        re.compile(r"\bhalf[ -]?term\b|\bholidays?\b|\b(?:christmas|easter|summer) break\b"),
    ),
    (DayKind.CLOSURE, re.compile(r"\bschool closed\b|\bclosures?\b|\bclosed\b")),
    (DayKind.TERM, re.compile(r"\bterm\b")),
    (DayKind.OPEN, re.compile(r"^open$")),
)
"""By which words a kind is known, the first that fits; what people call a day goes before that it is in a term."""
_NO_HOLIDAY = re.compile(r"\bclub\b|\bhomework\b|\bcamp\b|\bterm (?:starts|begins|ends)\b|\b(?:start|end|first|last)\b")
_SHORTEST_TERM = timedelta(days=14)
_MOST_SHOWN = 20


@dataclass
class YearFile:
    """What a file says of a school's days."""

    stretches: list[Stretch] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    """What says nothing of them, each with why."""


def text_in(data: bytes) -> str:
    """Return the text of a file, in whatever encoding it is; raise InvalidSubmission where it is none."""
    file = io.BytesIO(data)
    try:
        return text_of(file, encoding_of(file)).read()
    except FileRefused as error:
        _refuse(error.findings)
        raise  # a refusal has findings


def read_year(text: str) -> YearFile:
    """Return what the text of a file says; raise InvalidSubmission with a finding for each row that cannot be read."""
    plain = text.removeprefix("\ufeff")
    found = _of_calendar(plain) if plain.lstrip().upper().startswith("BEGIN:VCALENDAR") else _of_table(plain)
    found.stretches = checked(found.stretches)
    if not found.stretches:
        message = "nothing in the file says when the school is open, or is not"
        _refuse([_finding("year_empty", message, "Send rows or events such as “Half term” or “INSET day”.", "/file")])
    return found


def checked(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return the stretches in the order of their days, each once; raise InvalidSubmission for what cannot be."""
    found = sorted(dict.fromkeys(stretches), key=lambda one: (one.first, one.last, one.kind))
    wrong = [
        _finding(
            "stretch_ends_before_it_begins",
            f"{one.kind.value} {show(one.name)} ends on {one.last}, before it begins on {one.first}",
            "Exchange the two days.",
            f"/stretches/{place}/last",
        )
        for place, one in enumerate(stretches)
        if one.last < one.first
    ]
    wrong += [
        _finding(
            "stretch_too_long",
            f"{one.kind.value} {show(one.name)} is from {one.first} to {one.last}: {LONGEST_HOLIDAY.days} days are the "
            "most",
            "Check the two days; what is longer is a term, or several entries.",
            f"/stretches/{place}/last",
        )
        for place, one in enumerate(stretches)
        if one.last - one.first > LONGEST_HOLIDAY and one.kind is not DayKind.TERM
    ]
    if len(found) > MOST_STRETCHES:
        message = f"the year has {len(found)} entries: {MOST_STRETCHES} are the most"
        wrong.append(_finding("year_too_long", message, "Leave out years that are over.", "/stretches"))
    _refuse(wrong)
    return found


def kind_of(words: str) -> DayKind | None:
    """Return what people mean by these words; None where they say nothing of whether pupils come."""
    plain = " ".join(words.casefold().replace("_", " ").split())
    if _NO_HOLIDAY.search(plain):
        return None
    return next((kind for kind, pattern in _WORDS if pattern.search(plain)), None)


def _of_table(text: str) -> YearFile:
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    columns: dict[str, int] = {}
    found, wrong = YearFile(), list[Finding]()
    for number, cells in enumerate(rows, 1):
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            columns = _columns_of(cells)
            if "first" not in columns or not {"kind", "name"} & columns.keys():
                message = f"the columns are {show(', '.join(cells))}: there must be one with the first day, and one"
                hint = "Name the columns kind, first, last and name; kind is term, holiday, inset, closure or open."
                _refuse([_finding("year_columns_unknown", f"{message} that says what it is", hint, "/file")])
            continue
        row = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
        try:
            _add(found, *_row_of(row), where=f"row {number}")
        except NoDay as error:
            hint = "Write days as 2026-10-26, or day first, as 26/10/2026."
            wrong.append(_finding("year_day_invalid", f"row {number}: {error.advice}", hint, f"/rows/{number}"))
    _refuse(wrong)
    return found


def _columns_of(cells: Sequence[str]) -> dict[str, int]:
    plain = [" ".join(cell.casefold().replace("_", " ").split()) for cell in cells]
    return {
        name: plain.index(known)
        for name, others in _HEADERS.items()
        for known in [next((other for other in others if other in plain), None)]
        if known is not None
    }


def _row_of(row: Mapping[str, str]) -> tuple[DayKind | None, Date, Date, str]:
    first = _day(row["first"], "first")
    last = _day(row["last"], "last") if row.get("last") else first
    words, name = row.get("kind", ""), row.get("name", "")
    exact = next((kind for kind in DayKind if kind.value == words.casefold()), None)
    return exact or kind_of(words) or kind_of(name), first, last, name or words


def _day(text: str, name: str) -> Date:
    try:
        return moment_of(text, BRITISH).date()
    except NoDay as error:
        raise NoDay(f"{name} is {show(text)}: {error.advice or 'it is no day'}") from error


def _add(found: YearFile, kind: DayKind | None, first: Date, last: Date, name: str, *, where: str) -> None:
    said = f"{where}, {show(name)}"
    if kind is None:
        _pass_over(found, f"{said}: it does not say whether pupils come")
    elif kind is DayKind.TERM and last - first < _SHORTEST_TERM:
        _pass_over(found, f"{said}: a term has more days than that")
    else:
        found.stretches.append(Stretch(kind, first, last, "".join(filter(str.isprintable, name))[:LONGEST_NAME]))


def _pass_over(found: YearFile, said: str) -> None:
    if len(found.passed_over) < _MOST_SHOWN:
        found.passed_over.append(said)


def _of_calendar(text: str) -> YearFile:
    found, wrong = YearFile(), list[Finding]()
    for number, event in enumerate(_events(text), 1):
        where, name = f"event {number}", event.get("SUMMARY", ("", ""))[1]
        start, end = event.get("DTSTART"), event.get("DTEND")
        if "RRULE" in event or "DURATION" in event:
            _pass_over(found, f"{where}, {show(name)}: it repeats, or says how long it takes and not when it ends")
        elif start is None or len(start[1]) != len("20261026"):
            _pass_over(found, f"{where}, {show(name)}: it is not about whole days")
        elif event.get("STATUS", ("", ""))[1].upper() == "CANCELLED":
            _pass_over(found, f"{where}, {show(name)}: it is cancelled")
        else:
            try:
                first = _day(start[1], "DTSTART")
                last = _day(end[1][:8], "DTEND") - timedelta(days=1) if end is not None else first  # RFC 5545 3.6.1
            except NoDay as error:
                wrong.append(_finding("year_day_invalid", f"{where}: {error.advice}", "Mend the file.", "/file"))
                continue
            categories = event.get("CATEGORIES", ("", ""))[1]
            _add(found, kind_of(name) or kind_of(categories), first, max(first, last), name, where=where)
    _refuse(wrong)
    return found


def _events(text: str) -> Iterator[dict[str, tuple[str, str]]]:
    """Yield the events of a calendar: the parameters and the value of each property, by its name."""
    event: dict[str, tuple[str, str]] | None = None
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():  # RFC 5545 3.1: long lines are folded
        head, _, value = line.partition(":")
        name, _, parameters = head.partition(";")
        if (name.upper(), value.strip().upper()) == ("BEGIN", "VEVENT"):
            event = {}
        elif (name.upper(), value.strip().upper()) == ("END", "VEVENT") and event is not None:
            yield event
            event = None
        elif event is not None:
            event.setdefault(name.upper(), (parameters, _unescaped(value.strip())))


def _unescaped(value: str) -> str:
    """Return a text of a calendar as it is meant (RFC 5545 3.3.11)."""
    return re.sub(r"\\([\\;,nN])", lambda found: " " if found[1] in "nN" else found[1], value)


def _finding(code: str, message: str, hint: str, pointer: str) -> Finding:
    return Finding(code, message, hint, pointer=pointer)


def _refuse(findings: Sequence[Finding]) -> None:
    """Raise InvalidSubmission where there are findings."""
    if findings:
        count = "an error" if len(findings) == 1 else f"{len(findings)} errors; the first"
        detail = f"the school's year has {count}: {findings[0].message}"
        raise InvalidSubmission("year_invalid", detail, [one.as_json() for one in findings])
