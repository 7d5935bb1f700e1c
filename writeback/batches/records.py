"""Rows as records: what the cells of a row say, put together with the other rows of its incident."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from writeback.batches.cells import BadCell, meaning, plain_text
from writeback.batches.columns import CLASS, INCIDENT, KIND, PUPILS, is_grouped
from writeback.batches.days import BRITISH
from writeback.batches.findings import make
from writeback.batches.layout import Format, Layout, Row
from writeback.batches.mapping.people import people_of, person_columns, read_columns, reference_of
from writeback.batches.ndjson_files import read_line
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS, Action, Record
from writeback.domain.submission.shape_findings import show
from writeback.domain.submission.submission import read_record

MOST_ROWS_OF_INCIDENT = 500
_PUPIL_PATH = re.compile(rf"^/records/\d+/{PUPILS}/(\d+)")
_PUPIL_WORDS = re.compile(rf"\b{PUPILS}\[\d+\]\.")


@dataclass
class Unit:
    """Rows that make one record: one row, or those of one incident."""

    rows: Sequence[Row]
    content: dict[str, Any] | None = None
    """What the rows themselves say, people as the file names them; None where they cannot be read."""
    given: Record | None = None
    """The same as a record."""
    record: Record | None = None
    """The same, with what the school's settings add to it."""
    findings: dict[int, list[Finding]] = field(default_factory=dict)
    """By row number."""
    people: dict[int, list[str]] = field(default_factory=dict)
    """Keys of those whom rows name as the school knows them, by row number."""
    register: str = ""
    """The class that it belongs to, where the file says so: a register is one writeback."""

    @property
    def number(self) -> int:
        return self.rows[0].number

    @property
    def is_bad(self) -> bool:
        return any(one.is_error for found in self.findings.values() for one in found)

    def say(self, finding: Finding, *, row: int | None = None) -> None:
        """Add a finding to one of its rows, by default to that which the finding's pointer leads to."""
        place = self.row_of(finding.pointer) if row is None else row
        self.findings.setdefault(place, []).append(in_words_of_rows(finding))

    def row_of(self, pointer: str) -> int:
        """Return the row that a pointer into the record leads to."""
        pupil = _PUPIL_PATH.match(pointer)
        place = int(pupil[1]) if pupil else 0
        return self.rows[place if place < len(self.rows) else 0].number


def incident_of(cells: Sequence[str], layout: Layout) -> str:
    """Return what the row's incident is called; empty where it is one of its own."""
    if INCIDENT not in layout.fields or not is_grouped(layout.kind):
        return ""
    return plain_text(cells[layout.fields.index(INCIDENT)])


def read_unit(rows: Sequence[Row], layout: Layout) -> Unit:
    """Return what the rows say: a record, or findings that say why there is none."""
    unit = read_content(rows, layout)
    make_record(unit, layout.kind)
    return unit


def read_content(rows: Sequence[Row], layout: Layout) -> Unit:
    """Return what the rows say, not yet as a record: whom they name may have to be found first."""
    unit = Unit(rows, findings={row.number: list(row.findings) for row in rows if row.findings})
    content = _of_line(unit, layout) if layout.format is Format.NDJSON else _of_rows(unit, layout)
    unit.content = None if unit.is_bad else content
    return unit


def make_record(unit: Unit, kind: str) -> None:
    """Make the unit's record of its content, or findings that say why there is none."""
    if unit.content is None:
        return
    unit.given, findings = read_record(KINDS[kind], unit.content)
    unit.record = unit.given
    for finding in findings:
        unit.say(finding)


def as_sent_back(cells: Sequence[str], layout: Layout) -> Sequence[str]:
    """Return a row's cells as a file of their own may have them: days that only the whole file tells as YYYY-MM-DD."""
    if layout.days == BRITISH:
        return cells
    columns = read_columns(layout.kind)
    shown = list(cells)
    for place, name in enumerate(layout.fields):
        column = columns.get(name or "")
        if column is not None and column.type in ("date", "date-time"):
            with suppress(BadCell):
                shown[place] = meaning(cells[place], column, layout.days) or cells[place]
    return shown


def hold_back(unit: Unit) -> None:
    """Say to the good rows of a bad incident which row holds them back."""
    bad = [number for number, found in unit.findings.items() if any(one.is_error for one in found)]
    for row in unit.rows:
        if bad and row.number not in bad:
            unit.say(make("incident_held_back", row=min(bad)), row=row.number)


def slot_of(kind: str, record: Record) -> str:
    """Return what two records cannot both be about: a slot that is written to; of what is created, all of it."""
    if KINDS[kind].action in (Action.SET, Action.DELETE):
        return KINDS[kind].slot(record) or said_by(record)
    return said_by(record)


def said_by(record: Record) -> str:
    """Return all that a record says, without the name that its sender has for it."""
    return record.model_dump_json(exclude={"ref"})


def group_of(kind: str, unit: Unit) -> str:
    """Return what a writeback by hand would be about: a day and session, a lesson, a detention; and a class."""
    record = unit.record
    assert record is not None
    day = getattr(record, "date", None) or getattr(record, "start_at", None) or ""
    parts = [day.date() if isinstance(day, datetime) else day, getattr(record, "session", "")]
    if kind == "attendance.lesson":
        parts.append(getattr(record, "lesson_id", ""))
    if kind.startswith("detention_attendance."):
        parts.append(getattr(record, "detention_id", ""))
    return "|".join(str(part) for part in (*parts, unit.register))


def in_words_of_rows(finding: Finding) -> Finding:
    """Return the finding without the place of a pupil in a list: in a table there are only columns."""
    message = _PUPIL_WORDS.sub("", finding.message)
    if message == finding.message:
        return finding
    hint = _PUPIL_WORDS.sub("", finding.hint)
    return replace(finding, message=message, hint=hint, record=None)


def _of_line(unit: Unit, layout: Layout) -> dict[str, Any] | None:
    try:
        content, kind = read_line(unit.rows[0].cells[0])
    except ValueError as error:
        unit.say(make("row_unreadable", reason=str(error)))
        return None
    if kind is not None and kind != layout.kind:
        unit.say(make("kind_differs", value=show(kind), kind=layout.kind))
    return content


def _of_rows(unit: Unit, layout: Layout) -> dict[str, Any]:
    """Return the record's content; rows of one incident must agree on all but the pupil's columns."""
    whole: dict[str, Any] = {}
    pupils: list[dict[str, Any]] = []
    for row in unit.rows:
        common, pupil = _of_row(unit, row, layout)
        if row is unit.rows[0]:
            whole = common
        else:
            _compare(unit, row, whole, common)
        pupils.append(pupil)
    return {**whole, PUPILS: pupils} if is_grouped(layout.kind) else whole


def _of_row(unit: Unit, row: Row, layout: Layout) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a row says of the whole and of its pupil; what cannot be read becomes a finding."""
    columns, days = read_columns(layout.kind), layout.days
    common: dict[str, Any] = {}
    pupil: dict[str, Any] = {}
    people: dict[str, dict[str, str]] = {}
    class_name = ""
    for name, cell in zip(layout.fields, row.cells, strict=True):
        if name == KIND and plain_text(cell) not in ("", layout.kind):
            unit.say(make("kind_differs", value=show(plain_text(cell)), kind=layout.kind), row=row.number)
        elif name == CLASS:
            class_name = plain_text(cell)
            unit.register = class_name if row is unit.rows[0] else unit.register
        column = columns.get(name or "")
        if column is None:
            continue
        try:
            value = meaning(cell, column, days)
        except BadCell as bad:
            said = {"field": column.name, "value": show(plain_text(cell)), "advice": bad.advice, "hint": bad.hint}
            unit.say(make("cell_invalid", pointer=f"/{column.name}", **said), row=row.number)
            continue
        if value is None:
            continue
        if column.name in person_columns(layout.kind):
            who, _, part = column.name.partition(".")
            people.setdefault(who, {})[part] = value
        else:
            (pupil if column.of_pupil else common)[column.name] = value
    for who, parts in people.items():
        (pupil if people_of(layout.kind)[who].of_pupil else common)[who] = reference_of(parts, class_name)
    return common, pupil


def _compare(unit: Unit, row: Row, first: dict[str, Any], common: dict[str, Any]) -> None:
    """Say where a row of an incident differs from its first; what it leaves out is as there."""
    for name, value in common.items():
        if first.get(name) != value:
            unit.say(make("incident_differs", field=name, first=unit.number), row=row.number)
