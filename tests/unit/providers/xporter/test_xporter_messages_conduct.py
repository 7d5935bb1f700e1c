"""Every message of Xporter's table about conduct (14301-14325), and its like for detentions, names what is wrong."""

from typing import Any

import pytest

from writeback.domain.outcome import Refused
from writeback.providers.answers import Answer
from writeback.providers.xporter.messages import AGENT_UNREACHABLE, TABLE, conduct, detentions, places_of, read_message
from writeback.providers.xporter.outcomes import read_answer, read_raw_answer, read_sync_answer

Named = dict[int, list[str]]
"""Position → pointers."""

BEHAVIOURS = places_of(
    {
        "Conducts": [
            {
                "Id": 1,
                "IncidentType": "Beh",
                "RecordedById": 1,
                "TypeId": 7,
                "ActivityId": 14,
                "StatusId": 2,
                "BullTypeId": 3,
                "LocationId": 5,
                "EntryTimeId": 6,
                "Note": "x",
            },
            {"Id": 2, "IncidentType": "Beh", "RecordedById": 9, "TypeId": 8, "Note": "y"},
            {"Id": 3, "IncidentType": "Beh", "UpdateId": "B78894"},
            {"Id": 4, "IncidentType": "Beh", "UpdateId": 5, "TypeId": 7},
            {"Id": 5, "IncidentType": "Beh", "UpdateId": 5, "TypeId": 7},
        ],
        "Participants": [
            {"ConductId": 1, "StudentId": 9919, "OutcomeId": 2},
            {"ConductId": 1, "StudentId": 9920, "RoleId": 1, "OutcomeId": 3},
            {"ConductId": 2, "StudentId": 9919, "RoleId": 1},
            {"ConductId": 3, "StudentId": 4},
            {"ConductId": 3, "StudentId": -9921},
            {"ConductId": 4, "StudentId": 6},
            {"ConductId": 4, "StudentId": 6},
        ],
        "Staff": [
            {"ConductId": 2, "StaffId": 23, "StaffRoleId": 3},
            {"ConductId": 3, "StaffId": -24},
            {"ConductId": 5, "StaffId": 25},
            {"ConductId": 5, "StaffId": 25},
        ],
        "MediaFiles": [{"ConductId": 2, "Id": 1, "MediaBase64": "eA=="}, {"ConductId": 3, "Id": -77}],
    }
)

# The document's wording and line, its values filled in, its code, and whom of BEHAVIOURS it names by which pointer.
SAID: list[tuple[str, str, str, Named]] = [
    (
        "Conduct writeback is not supported for {MIS}",
        "Conduct writeback is not supported for Arbor",
        "writeback_not_supported",
        {place: [""] for place in range(5)},
    ),
    (
        "Invalid StudentId: {StudentID}",
        "Invalid StudentId: 9919",
        "student_not_on_roll",
        {0: ["/students/0/student_id"], 1: ["/students/0/student_id"]},
    ),
    (
        "Deletion of conduct records is not supported for {MIS}",
        "Deletion of conduct records is not supported for Bromcom",
        "removal_not_supported",
        {2: ["/remove_students"]},
    ),
    (
        "Invalid Student RoleId for StudentId: {StudentId}",
        "Invalid Student RoleId for StudentId: 9919",
        "student_role_unknown",
        {1: ["/students/0/role"]},
    ),
    ("Invalid StaffId: {StaffID}", "Invalid StaffId: 23", "employee_unknown", {1: ["/staff/0/employee_id"]}),
    (
        "Invalid Staff RoleId for StaffId: {StaffId}",
        "Invalid Staff RoleId for StaffId: 23",
        "staff_role_unknown",
        {1: ["/staff/0/role"]},
    ),
    (
        "Note field max character limit (500) exceeded for Conduct Id: {ConductId}",
        "Note field max character limit (500) exceeded for Conduct Id: 2",
        "comment_too_long",
        {1: ["/comment"]},
    ),
    (
        "Invalid IncidentType {IncidentType} should be Ach or Beh",
        "Invalid IncidentType Beh should be Ach or Beh",
        "incident_type_invalid",
        {place: [""] for place in range(5)},
    ),
    ("Invalid TypeId {TypeId}", "Invalid TypeId 8", "type_unknown", {1: ["/type"]}),
    ("Invalid ActivityId {ActivityId}", "Invalid ActivityId 14", "activity_unknown", {0: ["/activity"]}),
    ("Invalid LocationId {LocationId}", "Invalid LocationId 5", "location_unknown", {0: ["/location"]}),
    ("Invalid StatusId {StatusId}", "Invalid StatusId 2", "status_unknown", {0: ["/status"]}),
    ("Mandatory field StatusId missing", "Mandatory field StatusId missing", "field_required", {1: ["/status"]}),
    ("Invalid RecordedById {RecordedById}", "Invalid RecordedById 9", "recorded_by_unknown", {1: ["/employee_id"]}),
    ("Invalid BullTypeId {BullTypeId}", "Invalid BullTypeId 3", "bullying_type_unknown", {0: ["/bullying_type"]}),
    ("Invalid EntryTimeId {EntryTimeId}", "Invalid EntryTimeId 6", "time_unknown", {0: ["/time"]}),
    (
        "Invalid Achievement OutcomeId {OutcomeId}",
        "Invalid Achievement OutcomeId 3",
        "achievement_outcome_unknown",
        {},
    ),
    (
        "Invalid Behaviour OutcomeId {OutcomeId}",
        "Invalid Behaviour OutcomeId 3",
        "behaviour_outcome_unknown",
        {0: ["/students/1/outcome"]},
    ),
    *(
        (
            f"You must provide an UpdateId when trying to remove {what} from a behaviour record",
            f"You must provide an UpdateId when trying to remove {what} from a behaviour record",
            "update_id_missing",
            {2: [f"/remove_{what}"]},
        )
        for what in ("students", "staff", "media")
    ),
    (
        "You have assigned the same student to the same conduct more than once",
        "You have assigned the same student to the same conduct more than once",
        "duplicate_student",
        {3: ["/students"]},
    ),
    (
        "You have assigned the same staff to the same conduct more than once",
        "You have assigned the same staff to the same conduct more than once",
        "duplicate_employee",
        {4: ["/staff"]},
    ),
    (
        "You have defined the same conduct more than once",
        "You have defined the same conduct more than once",
        "duplicate_record",
        {3: [""], 4: [""]},
    ),
    ("Missing mandatory field TypeId", "Missing mandatory field TypeId", "field_required", {2: ["/type"]}),
]


def named_by(text: str, places: Any) -> tuple[set[str], Named]:
    findings = read_message(text, places)
    assert findings is not None
    codes = {finding.code for said in findings.values() for finding in said}
    return codes, {place: [finding.pointer for finding in said] for place, said in findings.items()}


@pytest.mark.parametrize(("wording", "text", "code", "named"), SAID, ids=lambda given: str(given)[:60])
def test_a_message_names_its_records_and_what_is_wrong_in_them(
    wording: str, text: str, code: str, named: Named
) -> None:
    assert named_by(text, BEHAVIOURS) == ({code} if named else set(), named)


@pytest.mark.parametrize("wording", [wording for wording, *_ in SAID])
def test_the_documents_own_wording_is_recognised_once(wording: str) -> None:
    assert len([message.code for message in TABLE if message.pattern.compiled.search(wording)]) == 1


@pytest.mark.parametrize(("wording", "text", "code", "named"), SAID, ids=lambda given: str(given)[:60])
def test_the_only_record_of_a_request_is_the_one_that_is_meant(
    wording: str, text: str, code: str, named: Named
) -> None:
    (alone,) = places_of({"Conducts": [{"Id": 1, "IncidentType": "Beh", "UpdateId": 3, "TypeId": 1}]})

    findings = read_message(text, [alone])

    assert findings is not None
    assert [(finding.code, finding.provider_message) for finding in findings[0]] == [(code, text)]


@pytest.mark.parametrize(("wording", "text", "code", "named"), SAID, ids=lambda given: str(given)[:60])
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_every_documented_message_is_a_refusal_and_nothing_else(
    wording: str, text: str, code: str, named: Named, status: int
) -> None:
    answer = Answer(status, {"TrackingId": None, "ExceptionMessage": text}, True)

    for outcome in (read_answer(answer, BEHAVIOURS), read_sync_answer(answer, BEHAVIOURS), read_raw_answer(answer)):
        assert isinstance(outcome, Refused)
        assert outcome.message == text
    assert not AGENT_UNREACHABLE.search(text)


def test_every_row_of_the_table_is_tried_here() -> None:
    notes = {"media_not_supported"}  # a note of the document (14429)
    tried = {code for _, _, code, _ in SAID}
    assert {message.code for message in conduct.TABLE} - notes <= tried


def test_what_was_to_be_removed_is_named_with_and_without_its_minus() -> None:
    for text in ("Invalid StudentId: 9921", "Invalid StudentId: -9921"):
        assert named_by(text, BEHAVIOURS)[1] == {2: ["/remove_students/0"]}
    assert named_by("Invalid StaffId: -24", BEHAVIOURS)[1] == {2: ["/remove_staff/0"]}


def test_a_file_where_none_may_be_is_named() -> None:
    assert named_by("Media is not supported for Bromcom", BEHAVIOURS) == ({"media_not_supported"}, {1: ["/media"]})


def test_a_message_in_no_table_is_about_the_conduct_that_it_names() -> None:
    assert named_by("Something about ConductId 2", BEHAVIOURS) == ({"provider_refused"}, {1: [""]})


def test_several_messages_are_all_read() -> None:
    _, named = named_by("Invalid TypeId 8\nInvalid RecordedById 9", BEHAVIOURS)
    assert named == {1: ["/type", "/employee_id"]}


# Detentions: the document has no table, the wordings follow those of conduct.

DETENTIONS = places_of(
    {
        "Detentions": [
            {
                "Id": 1,
                "DetentionTypeId": "24",
                "LocationId": "1",
                "AssignedStaffId": "23",
                "RecordedByStaffId": "24",
            },
            {"Id": 2, "UpdateId": 9},
        ],
        "DetentionStudents": [
            {
                "DetentionId": 1,
                "StudentId": "9919",
                "ReasonId": "4",
                "AttendedId": "2",
                "AddedByStaffId": "25",
                "BehaviourId": "8",
            },
            {"DetentionId": 2, "StudentId": "-9920"},
        ],
        "DetentionStaff": [{"DetentionId": 1, "StaffId": "26"}, {"DetentionId": 2, "StaffId": "-27"}],
    }
)


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("Detention writeback is not supported for Bromcom", "writeback_not_supported", {0: [""], 1: [""]}),
        ("Invalid StudentId: 9919", "student_not_on_roll", {0: ["/students/0/student_id"]}),
        ("Invalid StudentId: 9920", "student_not_on_roll", {1: ["/remove_students/0"]}),
        ("Invalid DetentionTypeId 24", "type_unknown", {0: ["/type"]}),
        ("Invalid LocationId 1", "location_unknown", {0: ["/location"]}),
        ("Invalid AssignedStaffId 23", "employee_unknown", {0: ["/supervisor_id"]}),
        ("Invalid RecordedByStaffId 24", "recorded_by_unknown", {0: ["/recorded_by_id"]}),
        ("Invalid AddedByStaffId 25", "recorded_by_unknown", {0: ["/students/0/recorded_by_id"]}),
        ("Invalid ReasonId 4", "reason_unknown", {0: ["/students/0/reason"]}),
        ("Invalid AttendedId 2", "detention_attendance_unknown", {0: ["/students/0/attendance"]}),
        ("Invalid BehaviourId 8", "behaviour_unknown", {0: ["/students/0/behaviour_id"]}),
        ("Invalid StaffId: 26", "employee_unknown", {0: ["/staff_ids/0"]}),
        ("Invalid StaffId: 23", "employee_unknown", {0: ["/supervisor_id"]}),
        ("Invalid StaffId: 27", "employee_unknown", {1: ["/remove_staff/0"]}),
        ("Missing mandatory field LocationId", "field_required", {1: ["/location"]}),
        ("Mandatory field DetentionTypeId missing", "field_required", {1: ["/type"]}),
        (
            "You must provide an UpdateId when trying to remove students from a detention record",
            "update_id_missing",
            {1: ["/remove_students"]},
        ),
        ("Something is wrong with Detention Id: 2", "provider_refused", {1: [""]}),
    ],
)
def test_a_message_names_its_detention(text: str, code: str, named: Named) -> None:
    assert named_by(text, DETENTIONS) == ({code}, named)
    assert len([message for message in TABLE if message.pattern.compiled.search(text)]) == (code != "provider_refused")


def test_entries_of_one_detention_are_told_apart() -> None:
    body = {
        "Detentions": [{"Id": 1, "UpdateId": 5}],
        "DetentionStudents": [
            {"DetentionId": 1, "StudentId": "9919", "AttendedId": "2"},
            {"DetentionId": 1, "StudentId": "-9920"},
        ],
    }
    entries = places_of(body, by_entry=True)

    assert named_by("Invalid StudentId: 9920", entries)[1] == {1: ["/student_id"]}
    assert named_by("Invalid AttendedId 2", entries)[1] == {0: ["/attendance"]}


def test_every_row_about_detentions_is_tried_here() -> None:
    assert {message.code for message in detentions.TABLE} == {
        "type_unknown",
        "reason_unknown",
        "detention_attendance_unknown",
        "employee_unknown",
        "recorded_by_unknown",
        "behaviour_unknown",
        "field_required",
    }
