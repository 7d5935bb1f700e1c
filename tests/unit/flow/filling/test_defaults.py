"""What a school says where a record is silent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from validators import validate
from writeback.domain.kinds import KINDS, Record
from writeback.domain.lookups import ListName, Lookup, LookupView, attribute_key
from writeback.domain.school import School
from writeback.flow.filling.fill_in import Filled, fill_in

MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}
INCIDENT = {"date": "2026-01-12", "type": "BULL", "status": "OPEN", "students": [{"student_id": "A1", "points": 1}]}
DETENTION = {"type": "LUNCH", "date": "2026-01-12", "start_time": "12:30", "end_time": "13:00"}
ATTRIBUTES = [("location", "CLS", True), ("location", "OLD", False), ("activity", "MA", True)]


def _list(name: ListName, rows: Mapping[str, Any]) -> Lookup:
    return Lookup(name, 1, datetime(2026, 1, 12, 6, tzinfo=UTC), rows)


VIEW = LookupView(
    employees=_list(ListName.EMPLOYEES, {"E1": {"id": "E1"}}),
    behaviour_attributes=_list(
        ListName.BEHAVIOUR_ATTRIBUTES,
        {
            attribute_key(type_, code): {"id": code, "type": type_, "code": code, "active": active}
            for type_, code, active in ATTRIBUTES
        },
    ),
)


def filled(kind: str, content: Mapping[str, Any], *, mis: str = "Bromcom", **defaults: str) -> Filled:
    school = School("s", "Hillside", "wonde", mis, defaults={kind: defaults})
    return fill_in(KINDS[kind], [record(kind, content)], school, VIEW, app_id="app")


def record(kind: str, content: Mapping[str, Any]) -> Record:
    return KINDS[kind].record.model_validate(content, strict=False)


def test_a_register_of_a_supply_teacher_goes_under_the_schools_default_and_says_so() -> None:
    result = filled("attendance.session", MARK, employee_id="E1")

    assert result.records == [record("attendance.session", {**MARK, "employee_id": "E1"})]
    assert [(one.code, one.pointer, one.is_error) for one in result.findings] == [
        ("default_used", "/records/0/employee_id", False)
    ]
    assert result.findings[0].message == (
        "The record says nothing of employee_id: E1 was filled in, the default of Hillside"
    )


def test_what_a_record_says_stands() -> None:
    given = {**MARK, "employee_id": "E7"}

    result = filled("attendance.session", given, employee_id="E1")

    assert result == Filled([record("attendance.session", given)], [])


def test_nobody_is_said_to_have_taken_a_register_where_the_mis_does_without() -> None:
    assert filled("attendance.session", MARK, mis="SIMS", employee_id="E1") == Filled(
        [record("attendance.session", MARK)], []
    )


def test_a_default_of_another_kind_is_not_used() -> None:
    school = School("s", "Hillside", "wonde", "Bromcom", defaults={"behaviour.create": {"employee_id": "E1"}})
    records = [record("attendance.session", MARK)]

    assert fill_in(KINDS["attendance.session"], records, school, VIEW, app_id="app").records is records


def test_a_default_that_has_left_is_refused_as_any_other_who_has() -> None:
    result = filled("attendance.session", MARK, employee_id="E9")
    school = School("s", "Hillside", "wonde", "Bromcom")

    found = validate(KINDS["attendance.session"], result.records, school, VIEW)

    assert "employee_unknown" in [one.code for one in found if one.is_error]
    assert [one.code for one in result.findings] == ["default_used"]


def test_an_incident_goes_without_a_default_place_that_the_school_has_no_longer() -> None:
    result = filled("behaviour.create", {**INCIDENT, "employee_id": "E1"}, location="OLD", activity="MA")

    assert [(one.code, one.pointer) for one in result.findings] == [
        ("default_not_on_list", "/records/0/location"),
        ("default_used", "/records/0/activity"),
    ]
    assert result.records[0].model_dump(exclude_none=True)["activity"] == "MA"
    assert getattr(result.records[0], "location") is None  # noqa: B009 - records differ by kind


@pytest.mark.parametrize(
    ("kind", "content", "field"),
    [("behaviour.create", INCIDENT, "employee_id"), ("detention.create", DETENTION, "location")],
)
def test_what_is_needed_and_has_no_default_is_asked_for(kind: str, content: Mapping[str, Any], field: str) -> None:
    school = School("s", "Hillside", "wonde", "Arbor")

    found = validate(KINDS[kind], [record(kind, content)], school, VIEW)

    assert ("field_required", f"/records/0/{field}") in [(one.code, one.pointer) for one in found]


def test_each_record_says_what_was_filled_in_by_its_own_place() -> None:
    school = School("s", "Hillside", "wonde", "Bromcom", defaults={"attendance.session": {"employee_id": "E1"}})
    marks = [record("attendance.session", {**MARK, "student_id": f"A{place}"}) for place in range(3)]

    result = fill_in(KINDS["attendance.session"], marks, school, VIEW, app_id="app", positions=[0, 4, 5])

    assert [(one.record, one.pointer) for one in result.findings] == [
        (place, f"/records/{place}/employee_id") for place in (0, 4, 5)
    ]
