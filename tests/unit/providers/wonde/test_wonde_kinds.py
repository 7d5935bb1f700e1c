"""What goes to Wonde of conduct, detentions and absences."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

import schemas
from writeback.domain.kinds import KINDS, Record
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.base import CannotBuild, ListsMissing, ProviderRequest
from writeback.providers.wonde.operations import OPERATIONS
from writeback.providers.wonde.payloads import build, count_of

Records = Mapping[str, Record]
NOT_CARRIED = sorted(KINDS.keys() - OPERATIONS.keys())
WITH_A_BODY = {
    "achievement.create": "achievement",
    "behaviour.create": "behaviour",
    "detention.create": "detention",
    "detention_attendance.set": "detention-attendance",
    "student_absence.create": "student-absence",
    "employee_absence.create": "employee-absence",
    "employee_absence.update": "employee-absence-update",
}


def built(kind: str, record: Any, lookups: LookupView) -> ProviderRequest:
    return build(KINDS[kind], [record], lookups, school_id="A77")


def changed(record: Any, **fields: Any) -> Any:
    return record.model_copy(update=fields)


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("achievement.create", "POST", "achievements"),
        ("achievement.delete", "DELETE", "achievements/A71"),
        ("behaviour.create", "POST", "behaviours"),
        ("behaviour.delete", "DELETE", "behaviours/A72"),
        ("detention.create", "POST", "detentions"),
        ("detention.delete", "DELETE", "detentions/A73"),
        ("detention_attendance.set", "POST", "attendance/detention"),
        ("detention_attendance.delete", "DELETE", "attendance/detention/A73/attendee/A10"),
        ("student_absence.create", "POST", "attendance/absence"),
        ("employee_absence.create", "POST", "employee-absences"),
        ("employee_absence.update", "PUT", "employee-absences/A74"),
        ("employee_absence.delete", "DELETE", "employee-absences/A74"),
    ],
)
def test_each_kind_has_its_call(
    kind: str, method: str, path: str, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    request = built(kind, wonde_records[kind], wonde_lookups)

    assert (request.method, request.path, request.kind) == (method, f"/schools/A77/{path}", kind)
    assert count_of(request) == 1
    assert bool(request.body) is (kind in WITH_A_BODY)


@pytest.mark.parametrize("kind", WITH_A_BODY)
def test_what_is_built_is_valid_to_the_schema(kind: str, wonde_records: Records, wonde_lookups: LookupView) -> None:
    body = built(kind, wonde_records[kind], wonde_lookups).body

    validator = schemas.validator(f"wonde/{WITH_A_BODY[kind]}.request")
    assert [error.message for error in validator.iter_errors(body)] == []


def test_an_achievement_carries_ids_for_its_codes(wonde_records: Records, wonde_lookups: LookupView) -> None:
    body = built("achievement.create", wonde_records["achievement.create"], wonde_lookups).body

    assert body == {
        "students": [{"student_id": "A10", "points": 5, "award": "A203", "award_date": "2026-01-13"}],
        "employee_id": "A50",
        "date": "2026-01-12",
        "type": "A201",
        "lesson_id": "A900",
        "comment": "Solo",
        "activity_type": "A202",
    }


def test_a_behaviour_carries_the_part_of_each_pupil(wonde_records: Records, wonde_lookups: LookupView) -> None:
    body = built("behaviour.create", wonde_records["behaviour.create"], wonde_lookups).body

    assert body == {
        "students": [
            {"student_id": "A10", "points": 3, "role": "A308", "action": "A309", "action_date": "2026-01-13"},
            {"student_id": "A11", "points": 0},
        ],
        "employee_id": "A50",
        "date": "2026-01-12",
        "type": "A301",
        "status": "A303",
        "bullying_type": "A304",
        "activity_type": "A305",
        "location": "A306",
        "time": "A307",
        "comment": "Seen by many",
    }


def test_a_detention_is_at_the_schools_own_time(wonde_records: Records, wonde_lookups: LookupView) -> None:
    body = built("detention.create", wonde_records["detention.create"], wonde_lookups).body

    assert body["detention"] == [
        {
            "detention_type_id": "A401",
            "room_id": "A402",
            "start_at": "2026-01-12 12:30:00",
            "end_at": "2026-01-12 13:00:00",
            "attended_by_employee_id": "A50",
            "attendees": [
                {
                    "student_id": "A10",
                    "detention_attendance_code_id": "A403",
                    "behaviour_id": "A72",
                    "behaviour_type": "A301",
                },
                {
                    "student_id": "A11",
                    "detention_attendance_code_id": "A403",
                    "recorded_by_employee_id": "A51",
                    "comments": "Late twice",
                },
            ],
        }
    ]


def test_a_detention_without_pupils_says_so(wonde_records: Records, wonde_lookups: LookupView) -> None:
    empty = changed(wonde_records["detention.create"], students=[], supervisor_id=None)

    (entry,) = built("detention.create", empty, wonde_lookups).body["detention"]

    assert entry["attendees"] == []
    assert "attended_by_employee_id" not in entry


def test_who_came_to_a_detention(wonde_records: Records, wonde_lookups: LookupView) -> None:
    body = built("detention_attendance.set", wonde_records["detention_attendance.set"], wonde_lookups).body

    assert body["attendance"] == [
        {
            "detention_id": "A73",
            "student_id": "A10",
            "detention_attendance_code_id": "A404",
            "comments": "Worked well",
            "recorded_by_employee_id": "A51",
            "behaviour_id": "A72",
            "behaviour_type": "A301",
        }
    ]


@pytest.mark.parametrize(
    ("event", "theirs"), [("sign_in", "sign in"), ("sign_out", "sign out"), ("all_day", "all day absence")]
)
def test_an_absence_of_a_pupil(event: str, theirs: str, wonde_records: Records, wonde_lookups: LookupView) -> None:
    record = changed(wonde_records["student_absence.create"], event=event)

    assert built("student_absence.create", record, wonde_lookups).body["absence"] == [
        {
            "student_id": "A10",
            "start_at": "2026-01-12 08:30:00",
            "event_type": theirs,
            "absence_type": "A501",
            "reason": "A502",
            "comment": "Flu",
            "authorised_by": "A50",
        }
    ]


def test_an_absence_of_staff_has_its_amounts_as_text(wonde_records: Records, wonde_lookups: LookupView) -> None:
    body = built("employee_absence.create", wonde_records["employee_absence.create"], wonde_lookups).body

    assert body["employee_absence"] == [
        {
            "employee_id": "A50",
            "start_at": "2026-01-12 08:00:00",
            "end_at": "2026-01-13 12:00:00",
            "working_days": "1.5",
            "number_of_hours": "12",
            "absence_type": "A601",
            "illness_category": "A603",
            "authorised_pay_rate": "A604",
            "absence_note": "Called at seven",
            "absence_code": "A605",
        }
    ]


def test_a_changed_absence_always_has_its_note(wonde_records: Records, wonde_lookups: LookupView) -> None:
    body = built("employee_absence.update", wonde_records["employee_absence.update"], wonde_lookups).body

    assert body == {
        "start_at": "2026-01-12 08:00:00",
        "end_at": "AM",
        "working_days": "0.5",
        "number_of_hours": "4",
        "absence_type": "A601",
        "authorised_pay_rate": "A604",
        "absence_note": None,
    }


@pytest.mark.parametrize(
    ("hours", "text"), [("0", "0"), ("100", "100"), ("7.250", "7.25"), ("1E+2", "100"), ("0.00", "0")]
)
def test_an_amount_is_written_plainly(hours: str, text: str, wonde_records: Records, wonde_lookups: LookupView) -> None:
    given = wonde_records["employee_absence.create"].model_dump() | {"hours": hours}
    record = KINDS["employee_absence.create"].record.model_validate(given)

    (entry,) = built("employee_absence.create", record, wonde_lookups).body["employee_absence"]

    assert entry["number_of_hours"] == text


@pytest.mark.parametrize(
    ("kind", "changes", "pointer", "code"),
    [
        ("achievement.create", {"type": "NONE"}, "/type", "type_unknown"),
        ("achievement.create", {"activity": "TROP"}, "/activity", "activity_unknown"),
        ("behaviour.create", {"location": "LUN"}, "/location", "location_unknown"),
        ("behaviour.create", {"bullying_type": "X"}, "/bullying_type", "bullying_type_unknown"),
        ("detention.create", {"location": "A9"}, "/location", "location_unknown"),
        ("detention_attendance.set", {"attendance": "GONE"}, "/attendance", "detention_attendance_unknown"),
        ("detention_attendance.set", {"behaviour_type": "GONE"}, "/behaviour_type", "behaviour_type_unknown"),
        ("student_absence.create", {"reason": "X"}, "/reason", "reason_unknown"),
        ("employee_absence.create", {"illness_category": "X"}, "/illness_category", "illness_category_unknown"),
        ("employee_absence.update", {"pay_rate": "X"}, "/pay_rate", "pay_rate_unknown"),
    ],
)
def test_what_no_list_has_cannot_be_built(
    kind: str, changes: dict[str, Any], pointer: str, code: str, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    with pytest.raises(CannotBuild) as caught:
        built(kind, changed(wonde_records[kind], **changes), wonde_lookups)

    ((finding,),) = caught.value.findings.values()
    assert (finding.code, finding.pointer) == (code, pointer)


def test_what_no_list_has_is_named_within_its_pupil(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record: Any = wonde_records["behaviour.create"]
    students = [record.students[0], changed(record.students[1], role="XX", outcome="YY")]

    with pytest.raises(CannotBuild) as caught:
        built("behaviour.create", changed(record, students=students), wonde_lookups)

    assert [(one.code, one.pointer) for one in caught.value.findings[0]] == [
        ("student_role_unknown", "/students/1/role"),
        ("behaviour_outcome_unknown", "/students/1/outcome"),
    ]


def test_a_detention_without_its_times_cannot_be_built(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record: Any = wonde_records["detention.create"]
    students = [changed(record.students[0], attendance=None)]

    with pytest.raises(CannotBuild) as caught:
        built("detention.create", changed(record, end_time=None, students=students), wonde_lookups)

    assert [(one.code, one.pointer) for one in caught.value.findings[0]] == [
        ("field_required", "/end_time"),
        ("field_required", "/students/0/attendance"),
    ]


def test_only_the_bad_one_of_a_pack_cannot_be_built(wonde_records: Records, wonde_lookups: LookupView) -> None:
    good: Any = wonde_records["student_absence.create"]

    with pytest.raises(CannotBuild) as caught:
        build(KINDS["student_absence.create"], [good, changed(good, type="X"), good], wonde_lookups, school_id="A77")

    assert list(caught.value.findings) == [1]


def test_a_pack_carries_all_its_records(wonde_records: Records, wonde_lookups: LookupView) -> None:
    records = [wonde_records["detention.create"]] * 3
    request = build(KINDS["detention.create"], records, wonde_lookups, school_id="A77")
    assert count_of(request) == 3


@pytest.mark.parametrize(
    ("kind", "lists", "field"),
    [
        ("achievement.create", "achievement_attributes", "type"),
        ("behaviour.create", "behaviour_attributes", "type"),
        ("student_absence.create", "student_absence_attributes", "absence_type"),
        ("employee_absence.create", "employee_absence_attributes", "absence_type"),
    ],
)
def test_without_its_list_a_code_goes_as_it_is(
    kind: str, lists: str, field: str, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record: Any = wonde_records[kind]
    body = built(kind, record, replace(wonde_lookups, **{lists: None})).body

    root = OPERATIONS[kind].root
    assert (body[root][0] if root else body)[field] == record.type


@pytest.mark.parametrize("kind", ["detention.create", "detention_attendance.set"])
def test_what_goes_by_id_alone_waits_for_its_list(kind: str, wonde_records: Records, wonde_lookups: LookupView) -> None:
    with pytest.raises(ListsMissing) as caught:
        built(kind, wonde_records[kind], replace(wonde_lookups, detention_attributes=None))
    assert caught.value.lists == {ListName.DETENTION_ATTRIBUTES}


def test_an_id_cannot_lead_to_another_path(wonde_lookups: LookupView) -> None:
    record = KINDS["detention_attendance.delete"].record(detention_id="A1/../x?y", student_id="A 2#/")

    request = built("detention_attendance.delete", record, wonde_lookups)

    assert request.path == "/schools/A77/attendance/detention/A1%2F..%2Fx%3Fy/attendee/A%202%23%2F"


@pytest.mark.parametrize("kind", NOT_CARRIED)
def test_a_kind_that_wonde_does_not_take_cannot_be_built(kind: str, wonde_lookups: LookupView) -> None:
    with pytest.raises(CannotBuild) as caught:
        build(KINDS[kind], [KINDS[kind].record.model_construct()] * 2, wonde_lookups, school_id="A77")

    assert [said[0].code for said in caught.value.findings.values()] == ["writeback_not_supported"] * 2


def test_no_kind_is_forgotten(wonde_records: Records) -> None:
    assert NOT_CARRIED == ["achievement.update", "behaviour.update", "detention.update", "xporter.raw"]
    assert wonde_records.keys() == OPERATIONS.keys()
