"""Rows of a file as fields of a form, one for each column that is sent, with what was found of it; and back. Pure.

Fields are named by row and column, `r17.C`, as spreadsheets name them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from writeback.batches.columns import NOT_SENT, OURS, PUPILS
from writeback.console.presenters.record_forms import FormField, Posted, Shape, in_one_sentence, options_of
from writeback.console.presenters.records import label_of
from writeback_client.models.base import Finding
from writeback_client.models.reviews import ReviewColumn, ReviewRow

_MOST_CHOICES = 400
_WORDS = 4
"""Cells that say whose row it is."""
_NAMES = ("student.surname", "student.forename", "student.name")


@dataclass(frozen=True)
class RowForm:
    """One row: `words` say whose it is, `findings` are those that belong to none of its fields."""

    row: ReviewRow
    fields: Sequence[FormField]
    findings: Sequence[Finding]
    words: str


def form_of(row: ReviewRow, columns: Sequence[ReviewColumn], shapes: Sequence[Shape]) -> RowForm:
    """Return the row as a form; `shapes` describe the fields of its kind at its school."""
    known = by_name(shapes)
    cells = dict(zip((one.column for one in columns), row.cells, strict=False))
    errors: dict[str, list[str]] = {}
    others = []
    for finding in row.findings:
        column = _column_of(finding, columns)
        if column is None or finding.severity != "error":
            others.append(finding)
        else:
            errors.setdefault(column.column, []).append(in_one_sentence(finding.model_dump()))
    fields = [
        _field(row.number, one, known.get(one.field or ""), cells.get(one.column, ""), errors.get(one.column, ()))
        for one in columns
        if is_sent(one)
    ]
    return RowForm(row, fields, others, _whose(columns, cells))


def change_of(row: ReviewRow, columns: Sequence[ReviewColumn], posted: Posted) -> tuple[dict[str, str], bool | None]:
    """Return the cells that were changed, by column, and whether the row is left out from now on; None: as it was."""
    changed = {}
    for column, cell in zip(columns, row.cells, strict=False):
        given = posted.get(f"r{row.number}.{column.column}")
        if given is not None and given.strip() != cell.strip():
            changed[column.column] = given.strip()
    is_out = f"r{row.number}.out" in posted
    return changed, is_out if is_out != (row.state == "left_out") else None


def is_sent(column: ReviewColumn) -> bool:
    """Whether a column is something of a record."""
    return column.field not in (None, NOT_SENT, *OURS)


def by_name(shapes: Sequence[Shape]) -> dict[str, Shape]:
    """Return the fields by name, those of the pupils of an incident among them."""
    pupils = next((one["fields"] for one in shapes if one["name"] == PUPILS), ())
    return {one["name"]: one for one in (*shapes, *pupils)}


def _field(row: int, column: ReviewColumn, shape: Shape | None, cell: str, errors: Sequence[str]) -> FormField:
    value, header = cell.strip(), column.header.strip()
    label = label_of(column.field or "") if header in ("", column.field) else header
    name, is_needed = f"r{row}.{column.column}", bool(shape) and shape["use"] == "needed"  # type: ignore[index]
    choices: Sequence[Mapping[str, Any]] = shape["choices"] or () if shape else ()
    if choices and len(choices) <= _MOST_CHOICES and shape and shape["type"] not in ("list", "date-time"):
        return FormField(name, label, "select", value, "", errors, options_of(choices, value, is_needed=False))
    return FormField(name, label, "text", value, "", errors, (), is_needed)


def _whose(columns: Sequence[ReviewColumn], cells: Mapping[str, str]) -> str:
    """Return what says whose row it is: names where they are columns, else what stands in those that are not sent."""
    filled = [(one, cell) for one in columns if (cell := cells.get(one.column, "").strip())]
    names = [cell for one, cell in filled if one.field in _NAMES]
    others = [cell for one, cell in filled if not is_sent(one) and any(letter.isalpha() for letter in cell)]
    return ", ".join((names or others)[:_WORDS])


def _column_of(finding: Finding, columns: Sequence[ReviewColumn]) -> ReviewColumn | None:
    """Return the column that a finding is about: that of its field, or the first that names the person it means."""
    parts = [part for part in finding.pointer.split("/") if part and part != "records" and not part.isdigit()]
    if not parts:
        return None
    end = parts[-1]
    sent = [one for one in columns if is_sent(one)]
    own = next((one for one in sent if one.field in (end, ".".join(parts[-2:]))), None)
    person = f"{end.removesuffix('_id')}."
    return own or next((one for one in sent if (one.field or "").startswith(person)), None)
