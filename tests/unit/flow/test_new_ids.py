"""What a record says in a school's new ids, and what is not certain."""

from datetime import UTC, datetime
from typing import Any

import pytest

from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, Lookup, LookupView, attribute_key
from writeback.flow.moves.new_ids import NewIds, carried_over

AT = datetime(2026, 1, 12, 9, tzinfo=UTC)
CODES = {"21": {"id": "21", "code": "I", "active": True}, "12": {"id": "12", "code": "M", "active": True}}
TYPES = {attribute_key("type", "7"): {"id": "7", "type": "type", "code": "BULL", "active": True}}


def new_ids(**changes: Any) -> NewIds:
    lists = LookupView(
        students=Lookup(ListName.STUDENTS, 1, AT, {"B1": {"id": "B1"}, "A3": {"id": "A3"}}),
        attendance_codes=Lookup(ListName.ATTENDANCE_CODES, 1, AT, CODES),
        behaviour_attributes=Lookup(ListName.BEHAVIOUR_ATTRIBUTES, 1, AT, TYPES),
    )
    values: dict[str, Any] = {
        "mis": "Arbor",
        "people": {ListName.STUDENTS: {"A1": "B1", "A2": "A1"}, ListName.EMPLOYEES: {"E1": "F1"}},
        "former_codes": {
            "attendance_codes": {"5": "I"},
            "behaviour_attributes": {attribute_key("type", "3"): "BULL", attribute_key("status", "3"): "OPEN"},
        },
        "lists": lists,
        "keeps_ids": False,
        "is_move": True,
    }
    return NewIds(**{**values, **changes})


def carried(kind: str, new: NewIds, **content: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    record = KINDS[kind].record.model_validate({**content})
    after, changed, findings = carried_over(KINDS[kind], record, 0, new)
    return after.model_dump(mode="json", exclude_none=True), changed, [one.code for one in findings]


def mark(code: str = "/", student: str = "A1") -> dict[str, Any]:
    return {"student_id": student, "date": AT.date(), "session": "AM", "code": code}


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("5", "I"),  # an id of the former list: its code
        ("I", "I"),  # a code that both have
        ("X", "X"),  # a code that the new list lacks: validation says so
    ],
)
def test_a_code_goes_by_itself_whatever_its_id_was(given: str, becomes: str) -> None:
    after, _, findings = carried("attendance.session", new_ids(), **mark(given))

    assert (after["student_id"], after["code"], findings) == ("B1", becomes, [])


def test_a_code_that_is_another_ones_id_by_now_is_not_certain() -> None:
    after, changed, findings = carried("attendance.session", new_ids(), **mark("12"))

    assert findings == ["id_of_former_mis"]
    assert (after["student_id"], changed) == ("A1", [])  # nothing of it is changed


def test_whoever_has_no_number_is_not_certain_though_somebody_has_the_same_id_now() -> None:
    assert carried("attendance.session", new_ids(), **mark(student="A3"))[2] == ["id_of_former_mis"]


def test_a_provider_with_ids_of_its_own_keeps_those_that_are_still_there() -> None:
    new = new_ids(keeps_ids=True)

    assert carried("attendance.session", new, **mark(student="A3"))[1:] == ([], [])
    assert carried("attendance.session", new, **mark(student="A4"))[2] == ["id_of_former_mis"]


def test_everybody_in_an_incident_is_carried_over_and_its_attributes_by_their_type() -> None:
    incident = {
        "employee_id": "E1",
        "date": AT.date(),
        "type": "3",
        "status": "3",
        "students": [{"student_id": "A1", "points": 1}, {"student_id": "A2", "points": 2}],
    }

    after, changed, findings = carried("behaviour.create", new_ids(), **incident)

    assert findings == []
    assert [one["student_id"] for one in after["students"]] == ["B1", "A1"]
    assert (after["employee_id"], after["type"], after["status"]) == ("F1", "BULL", "OPEN")
    assert sorted(changed) == ["employee_id", "status", "students.student_id", "type"]


def test_what_changes_or_removes_a_thing_by_its_former_id_is_not_certain() -> None:
    removal = {"detention_id": "D1", "student_id": "A1"}

    assert "id_of_former_mis" in carried("detention_attendance.delete", new_ids(), **removal)[2]
    assert carried("detention_attendance.delete", new_ids(keeps_ids=True), **removal)[2] == []


def test_without_a_move_only_those_are_changed_who_have_a_new_id() -> None:
    new = new_ids(is_move=False)

    assert carried("attendance.session", new, **mark("5"))[1:] == (["student_id"], [])
    assert carried("attendance.session", new, **mark("5", "A3"))[1:] == ([], [])
