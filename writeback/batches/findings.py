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
    "times_not_sent": (
        "{count} cells have a time of day where a day alone is sent, the first is {value} in {cell}: it is left out",
        "If the time matters, write it into a column of its own.",
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
    "columns_not_sent": (
        "Columns are passed over: {columns}",
        "Nothing of them is sent. If one is needed, rename it as in the template.",
    ),
    "header_missing": (
        "None of the first {rows} rows names the columns of {kind}; the first row reads {shown}",
        "Put the column names into the first row: {known}. The school's template has them all.",
    ),
    "column_missing": (
        "There is no column {field}, and no other that says it",
        "Add it: every {kind} needs it. The columns are {known}. If one of the file's is it by another name, or all "
        "rows have the same, upload the file with review=true and say so.",
    ),
    "column_unsure": (
        "What column {column} ({place}) is, is not certain: {why}",
        "It may be {candidates}. Rename it, take it out, or upload the file with review=true and say what it is.",
    ),
    "constant_unsure": (
        "{field} seems to be {value}, because {source} stands above the column names; no column says so",
        "Add a column {field}, or upload the file with review=true and confirm it.",
    ),
    "grid_days_partial": (
        "Column {column} ({place}) is read as {day}, and the other days accordingly, because of: {source}",
        "If that is wrong, cancel the batch and write the days with their year, for example 12/01/2026.",
    ),
    "constant_used": (
        "{field} is {value} for all rows, because {source} stands above the column names",
        "If that is wrong, cancel the batch, and add a column {field}.",
    ),
    "cell_not_two_marks": (
        "Cell {cell} has {value}, where the marks of morning and afternoon are expected",
        "Write both marks, for example /\\; write - for a session without one.",
    ),
    "rows_not_sent": (
        "Passed over because they are no records: {count}, the first in row {row}: {value}",
        "They are totals, titles or the column names once more. If one of them is a record, complete it and send it.",
    ),
    "header_taken": (
        "Row {row}, which begins with {value}, is taken for the column names, and is not sent",
        "If it is a record, cancel the batch, and put a row of column names above it.",
    ),
    "title_changes": (
        "Row {row} begins another part of the file: its {field} is {second}, while that of the rows above is {first}",
        "Put the {field} into a column of its own, or each part into a file of its own. Nothing of the file was sent.",
    ),
    "columns_change": (
        "Row {row} names other columns than the first ones, for example {value}, and rows follow it",
        "Put each of the tables into a file of its own. Nothing of the file was sent.",
    ),
    "mapping_other_header": (
        "What was confirmed of the columns was for other column names than those in row {row}",
        "Look at what is proposed for these, and confirm that.",
    ),
    "mapping_width": ("{count} columns are described, while the file has {width}", "Describe each column of the file."),
    "mapping_field_unknown": (
        "{field} is no field that column {column} can be",
        "Send one of {known}; null: not sent.",
    ),
    "mapping_value_bad": (
        "{field} is {value}, which is none of its values",
        "Write days as YYYY-MM-DD, sessions as AM, PM or “AM PM”, and all else as in a file.",
    ),
    "mapping_first_day_missing": (
        "Column {column} is of {value}, and nothing says of which week, month or year",
        "Say first_day, the first day that the file has, as YYYY-MM-DD.",
    ),
    "mapping_constant_twice": ("{field} is said for all rows, while a column has it", "Say it in one of the two ways."),
    "person_too_little": (
        "The columns name each {who} by parts of a name alone: that leads to nobody for certain",
        "Add a column with a UPN or an admission number (of staff: a code or an e-mail address); or surname and "
        "forename, and of a pupil the class or the day of birth.",
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
    "mapping_used": (
        "The columns are read as {by} confirmed at {at} for a file with the same column names",
        "If that is wrong, delete that mapping, and upload the file with review=true to say what they are.",
    ),
    "row_mended": (
        "Changed by hand before it was sent: {columns}, by {by}",
        "Nothing is to be done; the file said something else.",
    ),
    "people_not_allowed": (
        "{field}: the key that uploaded the file may not find people by UPN, number or name",
        "Send the provider's ids, or upload it with a key that has the scope find.",
    ),
    "people_missed": (
        "More than {limit} people whom the file names are not found at the school",
        "Look whether it is a file of this school.",
    ),
    "people_missed_lately": (
        "Files of this app have named more than {limit} people in an hour who are not found at the school",
        "Look whether they are files of this school, and go on in an hour.",
    ),
    "person_chosen": (
        "{field}: who it is was chosen by {by}",
        "Nothing is to be done; what the file said led to nobody for certain.",
    ),
    "person_not_checked": (
        "Somebody said who it is whom this row names, and the row has not been checked again since",
        "Say once more who it is.",
    ),
    "review_over": (
        "Nobody has sent the file while it could be looked at",
        "Upload it again; nothing of it was sent.",
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
        "times_not_sent",
        "rows_hidden",
        "columns_hidden",
        "columns_not_sent",
        "rows_not_sent",
        "grid_days_partial",
        "constant_used",
        "header_taken",
        "mapping_used",
        "row_mended",
        "person_chosen",
        "review_over",
    }
)


OF_CELLS = frozenset({"cell_formula", "cell_error", "cell_without_header"})
"""What reading says of single cells; it is not said again when their row is checked once more."""


OF_COLUMNS = frozenset({"people_missed", "people_missed_lately"})
"""What is found once rows are checked, and may come of columns that are read as what they are not."""


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
