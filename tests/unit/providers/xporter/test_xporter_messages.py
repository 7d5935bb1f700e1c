"""Every message of Xporter's table about marks (14050-14059) is recognised, in the words that a school would see."""

import pytest

from writeback.providers.xporter.messages import AGENT_UNREACHABLE, TABLE, marks, places_of, read_message, shared

REGISTER = places_of(
    {
        "Marks": [
            {"StudentId": "9919", "Session": "AM", "InstanceId": "44905", "Mark": "/"},
            {"StudentId": "9920", "Session": "AM", "InstanceId": "44905", "Mark": "\\"},
            {"StudentId": "9920", "Session": "PM", "InstanceId": "44906", "Mark": "QQ", "Notes": 501 * "x"},
            {"StudentId": "991", "Session": "AX", "InstanceId": "44907", "Mark": "/"},
        ]
    }
)
ALONE = places_of({"Marks": [{"StudentId": "7"}]})

# The document's wording, its values filled in, and whom of REGISTER it names.
SAID = [
    ("Missing mandatory field StudentId", "student_id_missing", []),
    ("Attendance writeback is not supported for Bromcom", "writeback_not_supported", [0, 1, 2, 3]),
    ("Invalid StudentId: 9920", "student_not_on_roll", [1, 2]),
    ("Invalid StudentId: 991", "student_not_on_roll", [3]),
    ("InstanceId required for Lesson attendance writeback for StudentId: 9919", "lesson_required", [0]),
    ("Notes field max character limit (500) exceeded for StudentId: 9920", "comment_too_long", [2]),
    ("Invalid Session provided: AX", "session_invalid", [3]),
    ("Invalid Mark provided: QQ", "code_unknown", [2]),
    ("Only write back a set of marks for the same date", "several_dates", []),
    ("School appears to be closed to students on this date", "school_closed", []),
    ("Invalid lesson InstanceId provided", "lesson_not_on_date", []),
]
DOCUMENTED = [
    "Missing mandatory field StudentId",
    "Attendance writeback is not supported for {MIS}",
    "Invalid StudentId: {StudentId}",
    "InstanceId required for Lesson attendance writeback for StudentId: {StudentId",
    "Notes field max character limit (500) exceeded for StudentId: {StudentId}",
    "Invalid Session provided: {SessionCode}",
    "Invalid Mark provided: {Mark}",
    "Only write back a set of marks for the same date",
    "School appears to be closed to students on this date",
    "Invalid lesson InstanceId provided",
]


@pytest.mark.parametrize(("text", "code", "named"), SAID)
def test_a_message_names_its_records(text: str, code: str, named: list[int]) -> None:
    findings = read_message(text, REGISTER)

    assert findings is not None
    assert sorted(findings) == named
    assert {finding.code for said in findings.values() for finding in said} == ({code} if named else set())


@pytest.mark.parametrize(("text", "code", "named"), SAID)
def test_the_only_record_of_a_request_is_the_one_that_is_meant(text: str, code: str, named: list[int]) -> None:
    findings = read_message(text, ALONE)

    assert findings is not None
    assert [(finding.code, finding.provider_message) for finding in findings[0]] == [(code, text)]


@pytest.mark.parametrize("text", DOCUMENTED)
def test_the_documents_own_wording_is_recognised_once(text: str) -> None:
    matching = [message.code for message in TABLE if message.pattern.compiled.search(text)]
    assert len(matching) == 1


def test_every_row_of_the_table_is_tried_here() -> None:
    assert {message.code for message in (*shared.TABLE, *marks.TABLE)} == {code for _, code, _ in SAID}


@pytest.mark.parametrize(
    "text",
    [
        "invalid studentid : 9919",
        "INVALID STUDENTID: {9919}",
        "Invalid StudentId: {9919",
        "Validation failed. Invalid  StudentId: 9919.",
        "Invalid StudentId:9919; nothing was written",
    ],
)
def test_case_braces_and_blanks_do_not_matter(text: str) -> None:
    assert list(read_message(text, REGISTER) or {}) == [0]


def test_a_backslash_is_a_mark_like_any_other() -> None:
    for text in ("Invalid Mark provided: \\", "Invalid Mark provided: \\\\"):
        assert list(read_message(text, REGISTER) or {}) == [1]


def test_several_messages_in_one_text_are_all_read() -> None:
    findings = read_message("Invalid StudentId: 9919\nInvalid Session provided: AX", REGISTER)

    assert findings is not None
    assert {position: said[0].code for position, said in findings.items()} == {
        0: "student_not_on_roll",
        3: "session_invalid",
    }


def test_a_list_of_pupils_names_them_all() -> None:
    assert sorted(read_message("Invalid StudentId: 9919, 991", REGISTER) or {}) == [0, 3]


def test_an_invalid_lesson_is_that_of_all_where_there_is_only_one() -> None:
    findings = read_message("Invalid lesson InstanceId provided", REGISTER[:2])
    assert sorted(findings or {}) == [0, 1]


def test_long_notes_of_a_pupil_whose_notes_are_short_here_still_name_the_pupil() -> None:
    findings = read_message("Notes field max character limit (500) exceeded for StudentId: 9919", REGISTER)
    assert list(findings or {}) == [0]


def test_a_message_that_is_not_in_the_table_names_the_pupil_it_names() -> None:
    text = "StatutoryComment field max character limit (500) exceeded for StudentId: 9919"
    findings = read_message(text, REGISTER)

    assert findings is not None
    assert [(position, said[0].code) for position, said in findings.items()] == [(0, "provider_refused")]


def test_a_message_about_a_pupil_that_was_not_sent_names_nobody() -> None:
    assert read_message("Invalid StudentId: 1", REGISTER) == {}


@pytest.mark.parametrize("text", ["Object reference not set to an instance of an object", "", "SIMS is locked"])
def test_anything_else_is_no_validation_message(text: str) -> None:
    assert read_message(text, REGISTER) is None


@pytest.mark.parametrize(
    "text",
    [
        "Unable to communicate with the school agent",
        "unable to connect to agent",
        "Failed to connect to school",
        "The agent is not responding",
        "School agent offline",
        "Agent timed out",
        "The agent could not be reached",
    ],
)
def test_an_agent_that_cannot_be_reached_is_recognised(text: str) -> None:
    assert AGENT_UNREACHABLE.search(text)


@pytest.mark.parametrize("text", [text for text, _, _ in SAID])
def test_no_validation_message_is_taken_for_an_agents_absence(text: str) -> None:
    assert not AGENT_UNREACHABLE.search(text)
