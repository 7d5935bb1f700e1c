"""The catalogue holds the providers' own words, and every template can be filled."""

import string

import pytest

from validators.findings import CATALOGUE, Entry, RaisedBy, make
from writeback.domain import shape
from writeback.domain.finding import Severity

# The validation errors for attendance, in the document's order and words (Xporter 14050-14059).
XPORTER_ATTENDANCE = {
    14050: "Missing mandatory field StudentId",
    14051: "Attendance writeback is not supported for {MIS}",
    14052: "Invalid StudentId: {StudentId}",
    14053: "InstanceId required for Lesson attendance writeback for StudentId: {StudentId",
    14054: "Notes field max character limit (500) exceeded for StudentId: {StudentId}",
    14055: "Invalid Session provided: {SessionCode}",
    14056: "Invalid Mark provided: {Mark}",
    14057: "Only write back a set of marks for the same date",
    14058: "School appears to be closed to students on this date",
    14059: "Invalid lesson InstanceId provided",
}
# What a session mark must or must not hold (Wonde 2166-2177), and a lesson mark (2369-2376).
WONDE_REQUIREMENTS = {
    2166: "The attribute values that must be set successfully to modify attendance marks are:",
    2171: "The attendance mark’s session. (AM or PM).",
    2172: "The Wonde ID for the attendance code or subcode.",
    2175: "Text comment. Emoji characters are not currently supported for this attribute.",
    2177: "The Wonde ID for the employee. (This is required for Bromcom, Department of Education Western Australia "
    "and SchoolBase).",
    2371: "lesson_id string Yes The Wonde ID for the lesson.",
}
entries = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)


def worded(provider: str) -> set[tuple[str, str]]:
    return {
        (wording.source, wording.text)
        for entry in CATALOGUE.values()
        for by, wording in entry.wordings.items()
        if by == provider
    }


@pytest.mark.parametrize("line", XPORTER_ATTENDANCE)
def test_every_message_of_xporters_attendance_table_has_its_finding(line: int) -> None:
    assert (f"Xporter {line}", XPORTER_ATTENDANCE[line]) in worded("xporter")


@pytest.mark.parametrize("line", WONDE_REQUIREMENTS)
def test_every_requirement_of_wondes_attendance_has_its_finding(line: int) -> None:
    assert (f"Wonde {line}", WONDE_REQUIREMENTS[line]) in worded("wonde")


def test_every_code_about_shape_is_in_the_catalogue() -> None:
    by_shape = {code for code, entry in CATALOGUE.items() if entry.raised_by is RaisedBy.SHAPE}

    assert by_shape == set(shape.TEXTS)


@entries
def test_every_text_can_be_filled(entry: Entry) -> None:
    fields = {name for text in (entry.message, entry.hint) for _, name, _, _ in string.Formatter().parse(text) if name}
    values = {name: f"<{name}>" for name in fields}

    finding = make(entry.code, values, provider="xporter", pointer="/records/0", record=0)

    assert all(f"<{name}>" in finding.message + finding.hint for name in fields)
    assert finding.severity is entry.severity


def test_the_providers_wording_is_filled_with_the_records_own_values() -> None:
    values = {"student_id": "9919", "school": "Hillside"}

    finding = make("student_not_on_roll", values, provider="xporter")

    assert finding.provider_message == "Invalid StudentId: 9919"


def test_a_placeholder_without_a_closing_brace_is_filled_too() -> None:
    finding = make("lesson_required", {"student_id": "9919", "value": "missing"}, provider="xporter")

    assert finding.provider_message == "InstanceId required for Lesson attendance writeback for StudentId: 9919"


def test_a_provider_without_words_of_its_own_is_not_quoted() -> None:
    finding = make("student_not_on_roll", {"student_id": "9919", "school": "Hillside"}, provider="another")

    assert finding.provider_message is None


def test_only_what_stops_a_record_is_an_error() -> None:
    warnings = {code for code, entry in CATALOGUE.items() if entry.severity is Severity.WARNING}

    assert warnings == {
        "several_dates",
        "field_not_carried",
        "late_without_minutes",
        "minutes_without_late",
        "administrative_code",
        "custom_code_on_session",
        "lookup_missing",
        "lookup_stale",
    }
