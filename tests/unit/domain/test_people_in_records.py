"""People who are named in records as the school knows them, and the ids that take their place."""

from datetime import date

import pytest

from writeback.domain.directory import PersonReference
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName
from writeback.domain.submission.people import may_name_people, mentions_in, with_ids

MARK = {"date": "2026-01-12", "session": "AM", "code": "/"}
INCIDENT = {"date": "2026-01-12", "type": "HWK"}


def test_everybody_in_a_record_is_read_with_their_place() -> None:
    content = {
        **INCIDENT,
        "recorded_by": {"code": "JSA"},
        "students": [
            {"student_id": "A1"},
            {"student": {"surname": "Example", "forename": "Pat", "date_of_birth": "2013-09-04", "class": "8B"}},
        ],
        "staff": [{"employee": {"email": "jo@school.example"}}],
    }

    mentions, findings = mentions_in(KINDS["behaviour.create"], content, 3)

    assert findings == []
    by_field = {one.field: (one.list, one.reference, one.pointer(3)) for one in mentions}
    pat = PersonReference(surname="Example", forename="Pat", date_of_birth=date(2013, 9, 4), class_name="8B")
    assert by_field["students[1].student"] == (ListName.STUDENTS, pat, "/records/3/students/1/student")
    assert by_field["staff[0].employee"][1] == PersonReference(email="jo@school.example")


def test_ids_take_the_place_of_names_and_nothing_else_changes() -> None:
    content = {**INCIDENT, "students": [{"student_id": "A1"}, {"student": {"upn": "A999"}, "points": 2}]}

    changed = with_ids(content, {("students", 1, "student"): "A2"})

    assert changed == {**INCIDENT, "students": [{"student_id": "A1"}, {"student_id": "A2", "points": 2}]}
    assert content["students"][1] == {"student": {"upn": "A999"}, "points": 2}


def test_who_is_named_twice_is_asked_about() -> None:
    content = {**MARK, "student_id": "A1", "student": {"upn": "A999"}}

    mentions, findings = mentions_in(KINDS["attendance.session"], content, 0)

    assert not mentions
    assert [(one.code, one.pointer) for one in findings] == [("person_said_twice", "/records/0/student")]


@pytest.mark.parametrize(
    ("given", "code", "pointer"),
    [
        ("A999", "field_invalid", "/records/0/student"),
        (None, "field_missing", "/records/0/student"),
        ({"upm": "A999432113104"}, "field_unknown", "/records/0/student/upm"),
        ({"upn": 999432113104}, "field_invalid", "/records/0/student/upn"),
        ({"date_of_birth": "04/09/2013"}, "field_invalid", "/records/0/student/date_of_birth"),
        ({"class": "8\u0000B"}, "field_invalid", "/records/0/student/class"),
    ],
)
def test_what_cannot_be_read_is_said_without_repeating_it(given: object, code: str, pointer: str) -> None:
    mentions, (finding,) = mentions_in(KINDS["attendance.session"], {**MARK, "student": given}, 0)

    assert not mentions
    assert (finding.code, finding.pointer, finding.record) == (code, pointer, 0)
    assert not [value for value in ("A999", "999432113104", "04/09/2013") if value in finding.message]


@pytest.mark.parametrize(
    ("body", "may"),
    [
        (b'{"student": {"upn": "A"}}', True),
        (b'{"recorded_by" : {}}', True),
        (b'{"student_id": "A1", "employee_id": "E1"}', False),
        (b'{"comment": "the student was late"}', False),
    ],
)
def test_a_body_without_names_is_told_at_a_glance(body: bytes, may: bool) -> None:
    assert may_name_people(body) is may
