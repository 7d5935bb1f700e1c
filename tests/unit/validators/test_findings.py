"""The catalogue holds the providers' own words, and every template can be filled."""

import string

import pytest

from validators.findings import CATALOGUE, Entry, RaisedBy, make
from writeback.domain.finding import Severity
from writeback.domain.kinds import Family
from writeback.domain.submission import shape_findings

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
# The validation errors for conduct (Xporter 14301-14325).
XPORTER_CONDUCT = {
    14301: "Conduct writeback is not supported for {MIS}",
    14302: "Invalid StudentId: {StudentID}",
    14303: "Deletion of conduct records is not supported for {MIS}",
    14304: "Invalid Student RoleId for StudentId: {StudentId}",
    14305: "Invalid StaffId: {StaffID}",
    14306: "Invalid Staff RoleId for StaffId: {StaffId}",
    14307: "Note field max character limit (500) exceeded for Conduct Id: {ConductId}",
    14308: "Invalid IncidentType {IncidentType} should be Ach or Beh",
    14309: "Invalid TypeId {TypeId}",
    14310: "Invalid ActivityId {ActivityId}",
    14311: "Invalid LocationId {LocationId}",
    14312: "Invalid StatusId {StatusId}",
    14313: "Mandatory field StatusId missing",
    14314: "Invalid RecordedById {RecordedById}",
    14315: "Invalid BullTypeId {BullTypeId}",
    14316: "Invalid EntryTimeId {EntryTimeId}",
    14317: "Invalid Achievement OutcomeId {OutcomeId}",
    14318: "Invalid Behaviour OutcomeId {OutcomeId}",
    14319: "You must provide an UpdateId when trying to remove students from a behaviour record",
    14320: "You must provide an UpdateId when trying to remove staff from a behaviour record",
    14321: "You must provide an UpdateId when trying to remove media from a behaviour record",
    14322: "You have assigned the same student to the same conduct more than once",
    14323: "You have assigned the same staff to the same conduct more than once",
    14324: "You have defined the same conduct more than once",
    14325: "Missing mandatory field TypeId",
}
# Of these our form leaves no room for three sorts: the kind is the incident's type, and an update needs its id.
UNREACHABLE = {14308, 14319, 14320, 14321}
# What a session mark must or must not hold (Wonde 2166-2177), a lesson mark (2371), and what the other sections ask for
# beyond fields that are needed, which have a test of their own (test_requirements).
WONDE_REQUIREMENTS = {
    2166: "The attribute values that must be set successfully to modify attendance marks are:",
    2171: "The attendance mark’s session. (AM or PM).",
    2172: "The Wonde ID for the attendance code or subcode.",
    2175: "Text comment. Emoji characters are not currently supported for this attribute.",
    2177: "The Wonde ID for the employee. (This is required for Bromcom, Department of Education Western Australia "
    "and SchoolBase).",
    2371: "lesson_id string Yes The Wonde ID for the lesson.",
    2982: "It is important that you check the code is valid for a school as missing or disabled codes will not pass "
    "Wonde's validation.",
    2991: "This is only available for certain behaviour types.",
    5344: "end_at datetime Yes The absence’s end date and time. Required for Bromcom",
    5348: "illness_category string No Category of illness. Required for Bromcom",
    5353: "absence_code string No Absence code. Required for Bromcom",
    8624: "This is the type of absence. This is required for Synergetic.",
}
entries = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)


def worded(provider: str) -> set[tuple[str, str]]:
    return {
        (wording.source, wording.text)
        for entry in CATALOGUE.values()
        for by, wording in entry.wordings.items()
        if by.split()[0] == provider
    }


@pytest.mark.parametrize("line", XPORTER_ATTENDANCE)
def test_every_message_of_xporters_attendance_table_has_its_finding(line: int) -> None:
    assert (f"Xporter {line}", XPORTER_ATTENDANCE[line]) in worded("xporter")


@pytest.mark.parametrize("line", XPORTER_CONDUCT)
def test_every_message_of_xporters_conduct_table_has_its_finding(line: int) -> None:
    assert (f"Xporter {line}", XPORTER_CONDUCT[line]) in worded("xporter")


def test_only_what_our_form_leaves_no_room_for_is_never_raised() -> None:
    lines = {
        int(wording.source.split()[1])
        for entry in CATALOGUE.values()
        if entry.raised_by is RaisedBy.NOBODY
        for wording in entry.wordings.values()
    }

    assert lines & XPORTER_CONDUCT.keys() == UNREACHABLE


@pytest.mark.parametrize("line", WONDE_REQUIREMENTS)
def test_every_requirement_of_wondes_attendance_has_its_finding(line: int) -> None:
    assert (f"Wonde {line}", WONDE_REQUIREMENTS[line]) in worded("wonde")


def test_every_code_about_shape_is_in_the_catalogue() -> None:
    by_shape = {code for code, entry in CATALOGUE.items() if entry.raised_by is RaisedBy.SHAPE}

    assert by_shape == set(shape_findings.TEXTS)


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
        "accepted_before",
        "administrative_code",
        "attribute_unchecked",
        "custom_code_on_session",
        "date_in_future",
        "date_in_past",
        "date_of_former_year",
        "day_is_closed",
        "default_not_on_list",
        "default_used",
        "field_not_carried",
        "late_without_minutes",
        "lesson_on_another_day",
        "lookup_missing",
        "lookup_stale",
        "media_type_mismatch",
        "minutes_without_late",
        "no_lessons_that_day",
        "observed_before_its_day",
        "permission_doubtful",
        "raw_unchecked",
        "removal_unknown",
        "several_dates",
        "taken_by_description",
        "time_outside_school_day",
        "word_used",
    }


def test_the_words_are_those_of_the_section_that_the_record_is_about() -> None:
    values = {"mis": "Arbor", "provider": "Xporter", "kind": "", "school": "Hillside", "reason": ""}

    quoted = [make("writeback_not_supported", values, provider="xporter", family=family) for family in Family]

    assert [finding.provider_message for finding in quoted] == [
        "Attendance writeback is not supported for Arbor",
        "Attendance writeback is not supported for Arbor",
        "Conduct writeback is not supported for Arbor",
        "Currently only SIMS MIS is supported for Detention Writeback.",
        None,
        None,
    ]


def test_the_words_about_one_field_go_before_those_about_all() -> None:
    values = {"field": "end_time", "mis": "Arbor"}
    about_end = make("field_required", values, provider="wonde", family=Family.DETENTION, pointer="/records/0/end_time")
    about_type = make("field_required", values, provider="wonde", family=Family.DETENTION, pointer="/records/0/type")

    assert about_end.provider_message == "end_at datetime Yes The timestamp for the end of the detention."
    assert about_type.provider_message is None


def test_what_only_a_document_words_is_not_taken_for_an_answer() -> None:
    finding = make(
        "student_not_on_roll", {"student_id": "9919", **dict.fromkeys(("school", "mis"), "")}, provider="xporter"
    )

    assert finding.provider_message is not None
    assert finding.provider_answered is False
    assert finding.as_json()["provider_answered"] is False
