"""Templates: an empty file for one school, with the columns that it takes, an example row, and its codes."""

import io
from collections.abc import Mapping, Sequence
from datetime import date as Date
from typing import Any

from validators.describe import describe
from writeback.batches.columns import CLASS, INCIDENT, PUPILS, TemplateColumn, column_map, columns_of, is_grouped
from writeback.batches.csv_files import csv_line
from writeback.batches.layout import Format
from writeback.core.errors import NotFound
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import LookupView
from writeback.domain.school import School

_EXAMPLE_ID = "EXAMPLE-1"
"""Nobody's id: a template that is uploaded as it is says so, and writes nothing."""
_EXAMPLES = {"integer": "1", "number": "1", "boolean": "", "text": "", "string": _EXAMPLE_ID}
_TAKEN = ("needed", "allowed")
_HELP = {
    INCIDENT: "Rows with the same entry are pupils of one incident; empty: the row is an incident of its own.",
    CLASS: "Optional: rows of one class are sent together.",
}


def template(kind: str, school: School, view: LookupView, format_: Format, today: Date) -> bytes:
    """Return the template; raise NotFound where the kind does not fit into a table, or the school takes none."""
    if kind not in KINDS or not columns_of(kind):
        raise NotFound("template_unknown", f"there is no template for {kind[:64]!r}", hint="Send this kind as NDJSON.")
    described = describe(kind, school, view)
    if not described["supported"]:
        hint = "Choose another kind; GET /v1/schools/{school}/features lists them."
        raise NotFound("template_unsupported", f"{school.name} does not take {kind}: {described['reason']}", hint=hint)
    columns = _columns(kind, described["fields"], today)
    if format_ is Format.XLSX:
        from writeback.batches.books.template_books import workbook  # with openpyxl, which few processes need

        file = io.BytesIO()
        workbook(kind, columns).save(file)
        return file.getvalue()
    rows = [[column.name for column in columns], [column.example for column in columns]]
    return b"\xef\xbb\xbf" + "".join(csv_line(row) for row in rows).encode()


def _columns(kind: str, fields: Sequence[Mapping[str, Any]], today: Date) -> list[TemplateColumn]:
    by_path = {inner["path"]: inner for field in fields for inner in (field, *field["fields"])}
    known = column_map(kind)
    taken = [
        _column(by_path[column.path], today, is_date=column.type in ("date", "date-time"), type_=column.type)
        for column in known.values()
        if column.name != "ref"
        and by_path[column.path]["use"] in _TAKEN
        and by_path.get(PUPILS if column.of_pupil else column.path, {}).get("use") in _TAKEN
    ]
    taken.sort(key=lambda column: not column.is_needed)
    extra = [INCIDENT] if is_grouped(kind) else []
    more = [TemplateColumn(name, _HELP[name], "1" if name == INCIDENT else "", False, ()) for name in extra]
    if kind.startswith("attendance."):
        more.append(TemplateColumn(CLASS, _HELP[CLASS], "", False, ()))
    return [*more[: len(extra)], *taken, *more[len(extra) :]]


def _column(field: Mapping[str, Any], today: Date, *, is_date: bool, type_: str) -> TemplateColumn:
    is_needed = field["use"] == "needed"
    choices = tuple(
        (str(choice.get("code") or choice.get("id")), str(choice.get("description") or ""))
        for choice in field["choices"] or ()
    )
    return TemplateColumn(field["name"], field["help"], _example(choices, today, type_, is_needed), is_needed, choices)


def _example(choices: Sequence[tuple[str, str]], today: Date, type_: str, is_needed: bool) -> str:
    if not is_needed:
        return ""
    if choices:
        return choices[0][0]
    if type_ == "date":
        return today.isoformat()
    if type_ == "date-time":
        return f"{today.isoformat()} 08:30"
    return _EXAMPLES.get(type_, _EXAMPLE_ID)
