"""What a column is by its name; and by its cells, where its name is that of a person or leaves it open."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import islice

from writeback.batches.cells import meaning, plain_text
from writeback.batches.columns import CLASS, KIND, NOT_SENT, OURS, Column
from writeback.batches.days import BRITISH, NoDay, moment_of, readings_of
from writeback.batches.headers import WHOEVER, close_to, names_for, plain, rank_of, slips
from writeback.batches.layout import Row
from writeback.batches.mapping.mapping import CODE, ColumnUse
from writeback.batches.mapping.people import EMPLOYEE, NAME, STUDENT, people_of, person_columns
from writeback.batches.mapping.proposal import ProposedColumn

_SAMPLES, _LONGEST_SAMPLE = 5, 100
_UPN = re.compile(r"[A-Z]\d{11}[A-Z\d]")
_STAFF_CODE = re.compile(r"[A-Z][A-Za-z]{0,3}\d{0,2}")
_STROKES = ("/", "\\")
"""The marks of who is present."""
_MARK = re.compile(r"[A-Za-z]\d?|[/\\#\-]")


def columns_by_name(names: Sequence[str], kind: str, below: Sequence[Row]) -> list[ProposedColumn]:
    """Return what the columns of these names are, each for itself; `below` are the first rows below them."""
    columns = [_named(place, name, kind, _samples(below, place)) for place, name in enumerate(names)]
    fields = {column.use.field for column in columns if column.use is not None}
    columns = [replace(column, use=ColumnUse(), why="") if _is_said(column, fields) else column for column in columns]
    return _without_needless(columns, kind)


def may_be(column: ProposedColumn, field: Column, kind: str) -> bool:
    """Whether a column of which nothing is sent may be a field, by its cells or by its name."""
    is_free = column.use is None or column.use.field is None
    if not is_free or not column.samples or names_for(kind).get(plain(column.name)) == NOT_SENT:
        return False
    texts = [plain_text(cell) for cell in column.samples]
    if field.choices:
        return all(meaning(text, field) in field.choices for text in texts)
    if field.type in ("date", "date-time"):
        return all(_is_day(text) for text in texts)
    if field.name == CODE and kind.startswith("attendance.") and all(_MARK.fullmatch(text) for text in texts):
        return True
    return field.name in close_to(column.name, kind)


def has_strokes(column: ProposedColumn) -> bool:
    """Whether the cells are marks, those of who is present among them."""
    texts = [plain_text(cell) for cell in column.samples]
    return all(_MARK.fullmatch(text) for text in texts) and any(text in _STROKES for text in texts)


def is_certainly(column: ProposedColumn, field: Column) -> bool:
    """Whether the cells of a column that may be a field can be nothing else: words of a session, or strokes."""
    return bool(field.choices) or (field.name == CODE and has_strokes(column))


def _is_day(text: str) -> bool:
    try:
        moment_of(text, BRITISH)
    except NoDay:
        return bool(readings_of(text))
    return True


def _is_said(column: ProposedColumn, fields: AbstractSet[str | None]) -> bool:
    """Whether all that an unsure column may be is said by others."""
    people = {field.partition(".")[0] for field in fields if field is not None and "." in field}
    return (
        column.use is None
        and bool(column.candidates)
        and all(one in fields or one.removesuffix("_id").partition(".")[0] in people for one in column.candidates)
    )


def _named(place: int, name: str, kind: str, samples: Sequence[str]) -> ProposedColumn:
    """Return what the column is by its name, and where that is not enough by its cells."""
    column = ProposedColumn(place, name, ColumnUse(), samples=samples)
    if name.startswith("="):
        return replace(column, use=None, why="its name is a formula: paste it as a value")
    field = names_for(kind).get(plain(name)) if name else NOT_SENT
    if field == NOT_SENT:
        return column
    if field is not None and field.endswith(WHOEVER):
        return _whoever(column, field.removesuffix(WHOEVER), kind)
    if field == f"{STUDENT}_id" and _part_in(column.samples, STUDENT) == "upn":
        field = f"{STUDENT}.upn"
    if field is not None:
        return replace(column, use=ColumnUse(field))
    slip = slips(name, kind)
    if slip is not None and slip not in (KIND, *OURS):
        return replace(column, use=None, candidates=[slip], why=f"its name is almost {slip}")
    if STUDENT in people_of(kind) and _part_in(samples, STUDENT) == "upn":
        return replace(column, use=ColumnUse(f"{STUDENT}.upn"))
    return replace(column, candidates=close_to(name, kind))


def _whoever(column: ProposedColumn, who: str, kind: str) -> ProposedColumn:
    """Return what a column such as `Pupil` or `Teacher` is, by its cells."""
    of_id = people_of(kind)[who]
    candidates = [of_id.name, *(field for field in person_columns(kind) if field.startswith(f"{who}."))]
    texts = [plain_text(cell) for cell in column.samples]
    part = _part_in(texts, who)
    column = replace(column, candidates=candidates)
    if not texts:
        return column
    if part == NAME and who != STUDENT and not of_id.is_needed:
        return column  # a teacher's name beside a mark: nobody needs it, and it may be the name on the door
    if part:
        return replace(column, use=ColumnUse(f"{who}.{part}"))
    if who not in (STUDENT, EMPLOYEE):
        return replace(column, use=ColumnUse(of_id.name))
    return replace(column, use=None, why="its cells may be ids, or codes of the school's own")


def _part_in(texts: Sequence[str], who: str) -> str:
    """Return by what the cells name people; empty where they may be ids."""
    if who == STUDENT and texts and all(_UPN.fullmatch(text) for text in texts):
        return "upn"
    if who != STUDENT and texts and all("@" in text for text in texts):
        return "email"
    if any("," in text or " " in text for text in texts):
        return NAME
    if who != STUDENT and texts and all(_STAFF_CODE.fullmatch(text) for text in texts):
        return "code"
    return ""


def _without_needless(columns: Sequence[ProposedColumn], kind: str) -> list[ProposedColumn]:
    """Return the columns; of several of one field that name people or a class one alone, and none beside an id."""
    fields = {column.use.field for column in columns if column.use is not None}
    best: dict[str, ProposedColumn] = {}
    for column in columns:
        field = column.use.field if column.use is not None else None
        if field is not None and (field in person_columns(kind) or field == CLASS):
            best.setdefault(field, column)
            best[field] = min(best[field], column, key=lambda one: (not one.samples, rank_of(one.name, kind)))
    with_id = {who for who, of_id in people_of(kind).items() if of_id.name in fields}
    kept = []
    for column in columns:
        field = column.use.field if column.use is not None else None
        is_second = field in best and best[field] is not column
        if is_second or (field in person_columns(kind) and str(field).partition(".")[0] in with_id):
            column = replace(column, use=ColumnUse(), candidates=[str(field)])
        kept.append(column)
    return kept


def _samples(below: Sequence[Row], place: int) -> list[str]:
    cells = (row.cells[place] for row in below if place < len(row.cells))
    texts = (text for cell in cells if (text := cell[:_LONGEST_SAMPLE].strip()))
    return list(islice(dict.fromkeys(texts), _SAMPLES))
