"""What is said of a nested field: where it is, what it is called in words, and what its own object may have."""

import json
from typing import Any

import pytest

from writeback.domain.finding import Finding
from writeback.domain.submission.submission import parse_submission

INCIDENT = {
    "students": [{"student_id": "A1", "points": 1}, {"student_id": "A2", "points": 2}],
    "employee_id": "E1",
    "date": "2026-01-12",
    "type": "BULL",
}
ABSENCE = {
    "employee_id": "E1",
    "start_at": "2026-01-12T08:00:00",
    "working_days": 1,
    "hours": 8,
    "type": "SIC",
    "pay_rate": "F",
}


def findings(kind: str, record: dict[str, Any]) -> list[Finding]:
    body = json.dumps({"kind": kind, "records": [record]}).encode()
    return parse_submission(body, max_records=10).shape_findings


def the_finding(kind: str, record: dict[str, Any]) -> Finding:
    (finding,) = findings(kind, record)
    return finding


def with_second_pupil(**values: Any) -> dict[str, Any]:
    first, second = INCIDENT["students"]
    assert isinstance(second, dict)
    return {**INCIDENT, "students": [first, {**second, **values}]}


def test_a_nested_field_is_pointed_to_and_named_in_words() -> None:
    finding = the_finding("behaviour.create", with_second_pupil(points="many"))

    assert (finding.code, finding.pointer) == ("field_invalid", "/records/0/students/1/points")
    assert finding.message == 'students[1].points is "many": send a whole number'


def test_a_misspelt_nested_field_is_compared_with_those_of_its_own_object() -> None:
    finding = the_finding("behaviour.create", with_second_pupil(outcom="COOL"))

    assert finding.pointer == "/records/0/students/1/outcom"
    assert finding.message == "students[1].outcom is not a field of behaviour.create"
    assert finding.hint == ("Did you mean outcome? The fields are student_id, points, outcome, outcome_date, role.")


def test_a_field_of_the_record_inside_a_pupil_is_not_suggested_from_the_record() -> None:
    finding = the_finding("behaviour.create", with_second_pupil(status="REV2"))

    assert "employee_id" not in finding.hint


def test_what_is_missing_in_a_nested_object_is_named_with_its_place() -> None:
    record = {**INCIDENT, "students": [{"points": 1}]}

    finding = the_finding("achievement.create", record)

    assert (finding.code, finding.pointer) == ("student_id_missing", "/records/0/students/0/student_id")


def test_an_empty_list_of_pupils_is_not_an_empty_submission() -> None:
    finding = the_finding("achievement.create", {**INCIDENT, "students": []})

    assert (finding.code, finding.message) == ("field_missing", "students is empty")


def test_an_item_of_a_list_of_ids_has_a_place_of_its_own() -> None:
    record = {"behaviour_id": "1", "remove_students": ["A1", 7]}

    finding = the_finding("behaviour.update", record)

    assert finding.pointer == "/records/0/remove_students/1"
    assert finding.message == "remove_students[1] is 7: send it as text"


def test_several_wrong_fields_of_several_objects_are_all_reported() -> None:
    record = {**INCIDENT, "students": [{"student_id": "A1"}, {"student_id": 5, "points": 1}], "staff": ["Jo"]}

    found = {finding.pointer: finding.code for finding in findings("behaviour.create", record)}

    assert found == {
        "/records/0/students/0/points": "field_missing",
        "/records/0/students/1/student_id": "field_invalid",
        "/records/0/staff/0": "field_invalid",
    }


@pytest.mark.parametrize("given", ["pm", "2026-02-30", 5, ["AM"]])
def test_of_a_field_with_two_forms_one_thing_is_said_that_names_both(given: Any) -> None:
    finding = the_finding("employee_absence.create", {**ABSENCE, "end_at": given})

    assert finding.pointer == "/records/0/end_at"
    assert finding.message.endswith("send the school's own clock, without an offset, or 'AM' or 'PM'")


def test_an_offset_is_told_to_be_left_out() -> None:
    finding = the_finding("employee_absence.create", {**ABSENCE, "start_at": "2026-01-12T08:00:00Z"})

    assert finding.message.startswith("start_at is ")
    assert finding.hint == "Write it like 2026-01-12T08:30:00."


@pytest.mark.parametrize("given", ["2026-01-12", "2026-01-12 08:00:00", "2026-01-12T08:00", "2026-01-12T08:00:00"])
def test_an_instant_may_be_written_as_people_do(given: str) -> None:
    assert findings("employee_absence.create", {**ABSENCE, "start_at": given, "end_at": "PM"}) == []


@pytest.mark.parametrize("given", ["2026", "1768204800", "noon", ""])
def test_what_is_no_instant_is_refused(given: str) -> None:
    assert [one.pointer for one in findings("employee_absence.create", {**ABSENCE, "start_at": given})] == [
        "/records/0/start_at"
    ]


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("behaviour.create", {**INCIDENT, "comment": ["Jo"]}),
        ("behaviour.create", {**INCIDENT, "media": [{"description": {"Jo": 1}, "content": 5, "file_name": "Jo\x00"}]}),
        ("behaviour.create", {**INCIDENT, "students": "Jo"}),
        ("behaviour.create", {**INCIDENT, "students": ["Jo"]}),
        ("detention_attendance.set", {"non_attendance_reason": "Jo\x00", "comment": 1}),
        ("xporter.raw", {"operation": "Tags", "body": "Jo"}),
    ],
)
def test_private_text_is_not_quoted_wherever_it_is(kind: str, record: dict[str, Any]) -> None:
    found = findings(kind, record)

    assert found
    assert "Jo" not in "".join(str(finding.as_json()) for finding in found)
