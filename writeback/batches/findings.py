"""What is to be said of a file, and of a row of it, besides what validation says of its records."""

from collections.abc import Mapping, Sequence
from typing import Any

from writeback.domain.finding import Finding, Severity

TEXTS: Mapping[str, tuple[str, str]] = {
    "file_empty": ("The file has no rows", "Put a row of column names first, and a row for each record below it."),
    "file_unreadable": ("The file cannot be read as {format}: {reason}", "{hint}"),
    "file_of_another_sort": ("The file is {what}", "{hint}"),
    "file_too_many_rows": ("The file has more than {limit} rows", "Split it into several files."),
    "file_too_many_columns": (
        "Row {row} has more than {limit} columns",
        "Take out those that are none of ours: the school's template has all that there are.",
    ),
    "file_uploaded_before": (
        "The same file was uploaded at {at} as {batch}",
        "If that was not meant, look at what became of the first: the same marks sent twice do no harm, but what is "
        "created is created again.",
    ),
    "file_other_sheets": (
        "The workbook has {count} sheets; only {sheet} is read",
        "Put everything on the first sheet, or upload each sheet in a file of its own.",
    ),
    "file_is_grid": (
        "The table is a grid: row {row} has days as column names, such as {value} in {cell}",
        "Write a row for each mark, with the pupil, the day, the session and the code in columns of their own. The "
        "school's template shows how.",
    ),
    "days_month_first": (
        "The days are read with the month first: {value} in {cell} can be nothing else",
        "If that is right, do nothing; to be sure, state date_order=mdy or write days as YYYY-MM-DD.",
    ),
    "days_day_first": (
        "{value} in {cell} is read as {day_first}, not as {month_first}: nothing in the file says which comes first",
        "If that is wrong, cancel the batch and upload the file with date_order=mdy. To leave nothing open, state "
        "date_order, or write days as YYYY-MM-DD.",
    ),
    "days_either_way": (
        "{value} in {cell} is {day_first} or {month_first}: nothing in the file says which comes first, day or month",
        "State it, date_order=dmy or date_order=mdy; or write days as YYYY-MM-DD. Nothing of the file was sent.",
    ),
    "days_contradict": (
        "{first} in {first_cell} has the day first, {second} in {second_cell} the month: the file contradicts itself",
        "Write days as YYYY-MM-DD. Or state date_order=dmy or date_order=mdy: rows that cannot be read so come back.",
    ),
    "days_exchanged": (
        "Column {column} has days that the spreadsheet left as text, such as {text} in {text_cell}, beside days that "
        "it read by itself, such as {typed} in {typed_cell}: in those, day and month may be exchanged",
        "Export the file again and import that column as text; or write every day as YYYY-MM-DD.",
    ),
    "encoding_guessed": (
        "Nothing says how the letters are encoded. Read as {encoding}, row {row} has “{text}”; as {other} it would "
        "be “{other_text}”",
        "If that is wrong, cancel the batch and upload the file with encoding={other}, or another; or save it as CSV "
        "UTF-8.",
    ),
    "cells_say_nothing": (
        "{count} cells have a word for nothing, the first is {value} in {cell}: they are taken as empty",
        "Leave cells empty where there is nothing to say.",
    ),
    "rows_hidden": (
        "{count} of the rows are hidden in the spreadsheet, the first is row {row}: they are taken like all others",
        "If they are not meant, cancel the batch, delete them, and upload the file again.",
    ),
    "columns_hidden": (
        "Columns are hidden in the spreadsheet and yet taken: {columns}",
        "If they are not meant, cancel the batch, delete them, and upload the file again.",
    ),
    "columns_not_sent": ("Columns are passed over: {columns}", "They are not needed, and nothing of them is sent."),
    "header_missing": (
        "None of the first {rows} rows names the columns of {kind}; the first row reads {shown}",
        "Put the column names into the first row: {known}. The school's template has them all.",
    ),
    "column_missing": ("There is no column {field}", "Add it: every {kind} needs it. The columns are {known}."),
    "column_unknown": (
        "Column {column} ({place}) is none of {kind}",
        "{suggestion}Rename it, or take it out. The columns are {known}.",
    ),
    "column_twice": ("Columns {first} and {second} are both {field}", "Keep one of them."),
    "kind_missing": (
        "Nothing says what kind of records the rows are",
        "Send ?kind=…, or add a column `kind`. The kinds are {known}.",
    ),
    "kind_unknown": ("kind is {value}: there is no such kind", "Send one of {known}."),
    "kind_not_allowed": (
        "The key that uploaded the file may not send {kind}",
        "It may send {known}. Use a key that has this kind, or ask for one.",
    ),
    "kind_not_tabular": (
        "{kind} has lists of things in it and does not fit into columns",
        "Send it as NDJSON: one record, as the API takes it, on each line.",
    ),
    "kind_differs": (
        "kind is {value}, while this file is of {kind}",
        "Put it into a file of its own: one file has records of one kind.",
    ),
    "cell_formula": (
        "Cell {cell} holds a formula",
        "Copy it and paste it as a value: formulas are not worked out here.",
    ),
    "cell_error": (
        "Cell {cell} shows {value}",
        "Mend the formula in the spreadsheet, and paste its result as a value.",
    ),
    "cell_without_header": (
        "Cell {cell} has no column name above it",
        "Give the column a name, or empty the cell. A text with {delimiter} in it needs quotation marks.",
    ),
    "cell_invalid": ("{field} is {value}: {advice}", "{hint}"),
    "row_unreadable": ("The line is no JSON object: {reason}", "Put one record, as the API takes it, on each line."),
    "row_duplicate": (
        "It says the same as row {first}",
        "Keep one of the two. Two rows for one {slot} cannot both be right.",
    ),
    "row_contradicts": (
        "Row {other} says something else of the same {slot}: neither was taken",
        "Keep the one that is right and send it again.",
    ),
    "incident_differs": (
        "{field} is not as in row {first}, which is of the same incident",
        "Rows of one incident repeat what is about all of it; only the pupil's own columns differ.",
    ),
    "incident_held_back": (
        "Row {row}, of the same incident, has errors",
        "Mend that row and send the rows of the incident together: it is written whole.",
    ),
    "incident_too_large": (
        "The incident has {count} rows, more than the {limit} that one may have",
        "Check the column `incident`: it must differ from one incident to the next.",
    ),
    "batch_failed": (
        "The file could not be worked through: something went wrong on our side",
        "Upload it again; nothing is sent twice. If it happens again, tell whoever looks after the service.",
    ),
}
"""Message and hint of each code; the pages about codes show them too."""

_WARNINGS = frozenset(
    {
        "file_uploaded_before",
        "file_other_sheets",
        "days_month_first",
        "days_day_first",
        "encoding_guessed",
        "cells_say_nothing",
        "rows_hidden",
        "columns_hidden",
        "columns_not_sent",
    }
)


class FileRefused(Exception):
    """The whole file is of no use; `findings` say why. Nothing of it has been sent."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(", ".join(one.code for one in findings))
        self.findings = tuple(findings)


def make(code: str, *, pointer: str = "", **values: Any) -> Finding:
    """Return the finding of this code, its text filled in with `values`."""
    message, hint = TEXTS[code]
    severity = Severity.WARNING if code in _WARNINGS else Severity.ERROR
    return Finding(code, message.format_map(values), hint.format_map(values), severity, pointer)


def refuse(code: str, **values: Any) -> FileRefused:
    """Return the refusal of a file for one reason."""
    return FileRefused([make(code, **values)])


def unreadable(format_: str, reason: str, hint: str) -> FileRefused:
    return refuse("file_unreadable", format=format_, reason=reason, hint=hint)
