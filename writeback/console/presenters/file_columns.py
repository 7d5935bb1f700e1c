"""How the columns of a file are read, as fields of a form, and back. Pure.

Fields are named by a column's letter, `c.B`, `c.B.day`, `c.B.session`, `c.B.lesson`; what holds for all rows `k.date`.
"""

from collections.abc import Iterator, Mapping, Sequence

from writeback.batches.mapping.mapping import ColumnUse
from writeback.console.presenters.record_forms import FormField, Posted, Shape, options_of
from writeback.console.presenters.records import label_of
from writeback.console.presenters.words import sentence
from writeback_client.models.base import Finding
from writeback_client.models.reviews import ColumnUse as ReadUse
from writeback_client.models.reviews import FileColumn, Reading

FIRST_DAY = "first_day"
_PUPIL = "student_id"
_SESSIONS = [("", "–"), ("AM", "AM"), ("PM", "PM"), ("AM PM", "AM and PM in one cell")]
_OF_PEOPLE = {
    "upn": "UPN",
    "admission_number": "Admission number",
    "surname": "Surname",
    "forename": "Forename",
    "name": "Whole name",
    "date_of_birth": "Day of birth",
    "code": "Staff code",
    "email": "E-mail",
}
_ORDER_HINT = "If that is wrong, say below what days like 11/02 have first."
_HINTS = {
    "column_unsure": "Say below what it is.",
    "column_missing": "Choose below which column it is, or what all rows have.",
    "constant_unsure": "Say below what all rows have.",
    "days_day_first": _ORDER_HINT,
    "days_month_first": _ORDER_HINT,
    "days_either_way": "Say below what days like 11/02 have first.",
    "grid_days_partial": "If that is wrong, say below on which day they begin.",
    "encoding_guessed": "If that is wrong, choose below how letters are encoded.",
    "mapping_first_day_missing": "Say below on which day they begin.",
    "mapping_used": "If that is wrong, say below what the columns are.",
}
"""What to do on the page, in place of what to do in a call."""
_INPUTS = {"date": "date", "time": "time", "integer": "number"}


def field_words(field: str) -> str:
    """Return what a column is called by what it is: `Student: UPN`, `Mark`."""
    who, dot, part = field.partition(".")
    if dot:
        return f"{label_of(f'{who}_id')}: {_OF_PEOPLE.get(part, sentence(part))}"
    return {"class": "Class"}.get(field) or label_of(field)


def column_fields(reading: Reading, found: Sequence[Finding], posted: Posted) -> list[FormField]:
    """Return what each column is, and of a grid's what its marks are about; `found` is what is wrong with `posted`."""
    is_grid = any(_is_of_grid(one) for one in reading.columns)
    errors = _by_place(found, "columns")
    return [
        field
        for place, one in enumerate(reading.columns)
        for field in _fields(one, reading.fields, errors.get(str(place), ()), posted, is_grid=is_grid)
    ]


def said_here(found: Sequence[Finding]) -> list[Finding]:
    """Return findings about a file with what to do about them on its page."""
    return [one.model_copy(update={"hint": _HINTS.get(one.code, one.hint)}) for one in found]


def unsure(reading: Reading) -> int:
    """Return of how many columns nobody can tell for certain what they are."""
    return sum(one.use is None or bool(one.why) for one in reading.columns)


def constant_fields(
    reading: Reading, shapes: Mapping[str, Shape], found: Sequence[Finding], posted: Posted
) -> list[FormField]:
    """Return a field for what holds for all rows: what is said so, and what is needed and no column says."""
    errors = _by_place(found, "constants")
    names = [*reading.constants, *(name for name in reading.missing if name not in reading.constants)]
    fields = [
        _constant(name, reading, shapes.get(name), errors.get(name, ()), posted)
        for name in names
        if name != _PUPIL  # no file is of one pupil alone: a column says who it is
    ]
    if reading.first_day or any(_needs_first_day(one) for one in reading.columns):
        said = [one.message for one in found if one.pointer == f"/{FIRST_DAY}"]
        hint = "Its columns do not say which: this is the first of them, or a day before it."
        value = posted.get(FIRST_DAY, reading.first_day)
        fields.append(FormField(FIRST_DAY, "The days begin on", "date", value, hint, said, is_needed=True))
    return fields


def columns_from(reading: Reading, posted: Posted) -> dict[int, ColumnUse]:
    """Return what the form says each column is, by its place."""
    return {
        place: _use(f"c.{one.column}", posted)
        for place, one in enumerate(reading.columns)
        if f"c.{one.column}" in posted
    }


def constants_from(posted: Posted) -> dict[str, str]:
    """Return what the form says of all rows."""
    return {name[2:]: value.strip() for name, value in posted.items() if name.startswith("k.") and value.strip()}


def _use(name: str, posted: Posted) -> ColumnUse:
    if not posted[name]:
        return ColumnUse()
    return ColumnUse(posted[name], *(posted.get(f"{name}.{part}", "").strip() for part in ("day", "session", "lesson")))


def _fields(
    column: FileColumn, known: Sequence[str], errors: Sequence[str], posted: Posted, *, is_grid: bool
) -> Iterator[FormField]:
    name, use = f"c.{column.column}", column.use
    title = f"{column.column}: {column.name}" if column.name.strip() else column.column
    ordered = [*column.candidates, *(one for one in known if one not in column.candidates)]
    options = [("", "Not sent"), *((one, field_words(one)) for one in ordered)]
    value = posted.get(name, (use.field if use else None) or "")
    yield FormField(name, title, "select", value, _about(column), errors, options)
    if not (_is_of_grid(column) or (is_grid and use is None)):
        return
    parts = use or ReadUse()
    day, session = posted.get(f"{name}.day", parts.day), posted.get(f"{name}.session", parts.session)
    yield FormField(f"{name}.day", f"{title}, its day", "text", day, "Like 2026-11-23, or mon to sun.")
    yield FormField(f"{name}.session", f"{title}, its session", "select", session, options=_SESSIONS)
    if parts.lesson_id:
        lesson = posted.get(f"{name}.lesson", parts.lesson_id)
        yield FormField(f"{name}.lesson", f"{title}, its lesson", "text", lesson)


def _about(column: FileColumn) -> str:
    """Return why it is not certain what a column is, and what stands in it."""
    why = "Nobody can tell. " if column.use is None else ""
    if column.why:
        why = f"Not certain: {column.why.rstrip('.')}. "
    return why + (f"It has {', '.join(column.samples)}." if column.samples else "It is empty.")


def _constant(name: str, reading: Reading, shape: Shape | None, errors: Sequence[str], posted: Posted) -> FormField:
    said = reading.constants.get(name)
    value = posted.get(f"k.{name}", said.value if said else "")
    hint = f"The file says it in {said.source}." if said and said.source else "No column says it."
    is_needed = name in reading.missing
    if shape and shape["choices"] and shape["type"] not in ("list", "date-time"):
        options = options_of(shape["choices"], value, is_needed=False)
        return FormField(f"k.{name}", label_of(name), "select", value, hint, errors, options, is_needed)
    kind = _INPUTS.get(shape["type"], "text") if shape else "text"
    return FormField(f"k.{name}", label_of(name), kind, value, hint, errors, (), is_needed)


def _is_of_grid(column: FileColumn) -> bool:
    return column.use is not None and bool(column.use.day or column.use.session or column.use.lesson_id)


def _needs_first_day(column: FileColumn) -> bool:
    """Whether the column's day says no year, month or date."""
    return column.use is not None and bool(column.use.day) and not column.use.day[:4].isdigit()


def _by_place(found: Sequence[Finding], of: str) -> dict[str, list[str]]:
    """Return what is said of each column, or of what holds for all rows, by the place that findings point to."""
    said: dict[str, list[str]] = {}
    for one in found:
        if one.pointer.startswith(f"/{of}/"):
            said.setdefault(one.pointer.split("/")[2], []).append(f"{one.message}. {one.hint}".strip())
    return said
