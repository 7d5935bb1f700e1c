"""`validate` says everything at once, in order and at the right place; and which lists to fetch before refusing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from validators import CHECKS, lists_to_refresh, validate, validate_rests
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS, Record
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, Lookup, LookupView, Row
from writeback.domain.school import Country, School
from writeback.domain.submission.submission import parse_submission

SESSION, LESSON = KINDS["attendance.session"], KINDS["attendance.lesson"]
SCHOOL = School("hillside", "Hillside", "wonde", "Arbor")


def listed(name: ListName, *rows: Mapping[str, Any]) -> Lookup:
    by_id: dict[str, Row] = {row["id"]: row for row in rows}
    return Lookup(name, 1, datetime(2026, 1, 12, 6, 0, tzinfo=UTC), by_id)


VIEW = LookupView(
    students=listed(ListName.STUDENTS, *({"id": f"A{number}"} for number in range(30))),
    employees=listed(ListName.EMPLOYEES, {"id": "E1"}),
    attendance_codes=listed(
        ListName.ATTENDANCE_CODES,
        {"id": "C1", "code": "/", "active": True},
        {"id": "C2", "code": "\\"},
        {"id": "C3", "code": "N", "active": None},
        {"id": "C4", "code": "H", "active": False},
        {"id": "C5", "code": "N", "active": False},
    ),
    lessons=listed(ListName.LESSONS, {"id": "L1", "date": "2026-01-12"}),
)


def mark(student: str = "A1", **values: Any) -> Record:
    return SessionMark(student_id=student, **{"date": date(2026, 1, 12), "session": "AM", "code": "N", **values})


def lesson_mark(student: str = "A1", **values: Any) -> Record:
    return LessonMark(student_id=student, **{"lesson_id": "L1", "code": "N", **values})


def told(findings: list[Finding]) -> list[tuple[str, str, int | None]]:
    return [(finding.code, finding.pointer, finding.record) for finding in findings]


def test_a_clean_register_has_no_findings() -> None:
    assert validate(SESSION, [mark(f"A{number}") for number in range(30)], SCHOOL, VIEW) == []


def test_everything_is_said_at_once_record_by_record() -> None:
    records = [mark("A9", session="PM", code="/"), mark(), mark("A99", code="?", employee_id="E9"), mark()]

    findings = validate(SESSION, records, SCHOOL, VIEW)

    assert told(findings) == [
        ("code_wrong_session", "/records/0/code", 0),
        ("student_not_on_roll", "/records/2/student_id", 2),
        ("employee_unknown", "/records/2/employee_id", 2),
        ("code_unknown", "/records/2/code", 2),
        ("duplicate_slot", "/records/3", 3),
    ]


def test_pointers_follow_the_places_in_the_submission() -> None:
    records = [mark("A99"), mark(), mark()]

    findings = validate(SESSION, records, SCHOOL, VIEW, positions=[4, 7, 9])

    assert told(findings) == [("student_not_on_roll", "/records/4/student_id", 4), ("duplicate_slot", "/records/9", 9)]
    assert findings[1].message == "Record 9 is for the same pupil and time as record 7"


def test_an_unsupported_kind_is_said_once_and_nothing_else() -> None:
    school = School("hillside", "Hillside", "xporter", "Arbor")

    (finding,) = validate(SESSION, [mark("A99"), mark("A98")], school, VIEW)

    assert (finding.code, finding.record, finding.is_error) == ("writeback_not_supported", None, True)
    assert finding.message == "Not available for Arbor through Xporter"
    assert finding.provider_message == "Attendance writeback is not supported for Arbor"


def test_a_kind_that_is_switched_off_without_a_reason_still_has_a_hint() -> None:
    school = School("hillside", "Hillside", "wonde", "Arbor", {"attendance.session": {"supported": False}})

    (finding,) = validate(SESSION, [mark()], school, VIEW)

    assert finding.hint.startswith("Wonde does not carry it.")


@pytest.mark.parametrize("code", ["N", "C3"])
def test_a_code_is_found_by_itself_and_by_its_id(code: str) -> None:
    assert validate(SESSION, [mark(code=code)], SCHOOL, VIEW) == []


def test_an_unknown_activity_counts_as_active() -> None:
    assert validate(SESSION, [mark(code="C2", session="PM"), mark(code="C3")], SCHOOL, VIEW) == []


def test_an_inactive_code_given_by_id_is_named_by_its_code() -> None:
    (finding,) = validate(SESSION, [mark(code="C4")], SCHOOL, VIEW)

    assert finding.message == "Code H is inactive in the MIS: choose another, or ask the school to enable it"


def test_a_code_in_the_wrong_case_is_pointed_out() -> None:
    (finding,) = validate(SESSION, [mark(code="n")], SCHOOL, VIEW)

    assert finding.code == "code_unknown"
    assert finding.hint.startswith("Did you mean N? ")


@pytest.mark.parametrize(
    ("given", "code"), [("Late", "L"), ("illness", "I"), ("ILLNESS ", "I"), ("L ", "L"), ("Ilness", "I"), ("l", "L")]
)
def test_a_word_that_is_a_codes_description_is_suggested(given: str, code: str) -> None:
    codes = listed(
        ListName.ATTENDANCE_CODES,
        {"id": "C1", "code": "I", "description": "Illness"},
        {"id": "C2", "code": "U", "description": "Late (after registers closed)"},
        {"id": "C3", "code": "L", "description": "Late (before registers closed)"},
        {"id": "C4", "code": "Q", "description": "L", "active": False},
    )

    (finding,) = validate(SESSION, [mark(code=given)], SCHOOL, replace(VIEW, attendance_codes=codes))

    assert finding.code == "code_unknown"
    assert finding.hint.startswith(f"Did you mean {code}? ")


def test_bromcom_is_named_where_it_needs_the_employee() -> None:
    school = School("hillside", "Hillside", "wonde", "Bromcom")

    (finding,) = validate(SESSION, [mark()], school, VIEW)

    assert finding.message == "Bromcom needs the staff member who took the register"


def test_a_lesson_on_another_day_names_both_days() -> None:
    (finding,) = validate(LESSON, [lesson_mark(date=date(2026, 1, 13))], SCHOOL, VIEW)

    assert finding.message == "Lesson L1 is on 2026-01-12, not on 2026-01-13"


def test_a_day_without_lessons_is_shown_once_and_not_with_every_mark() -> None:
    saturday, sunday = date(2026, 1, 10), date(2026, 1, 11)
    records = [mark("A1", date=saturday), mark("A2", date=saturday), mark("A3", date=sunday), mark("A4", date=saturday)]

    findings = validate(SESSION, records, SCHOOL, VIEW, today=date(2026, 1, 10))

    assert told(findings) == [
        ("no_lessons_that_day", "/records/0/date", 0),
        ("date_in_future", "/records/2/date", 2),
        ("no_lessons_that_day", "/records/2/date", 2),
    ]


def test_a_day_that_cannot_be_is_refused_with_every_mark() -> None:
    records = [mark("A1", date=date(1999, 1, 4)), mark("A2", date=date(1999, 1, 4))]

    findings = validate(SESSION, records, SCHOOL, VIEW)

    assert [(finding.code, finding.record) for finding in findings] == [
        ("date_implausible", 0),
        ("date_implausible", 1),
    ]


def test_comments_are_never_repeated_in_findings() -> None:
    records = [mark(comment="Jo was ill 😀", statutory_comment="Jo is at the hospital")]

    findings = validate(SESSION, records, SCHOOL, VIEW)

    assert {finding.code for finding in findings} == {"comment_emoji", "field_not_carried"}
    assert "Jo" not in "".join(str(finding.as_json()) for finding in findings)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (mark("A99"), {ListName.STUDENTS}),
        (mark(code="?"), {ListName.ATTENDANCE_CODES}),
        (mark(code="H"), {ListName.ATTENDANCE_CODES}),
        (mark(employee_id="E9"), {ListName.EMPLOYEES}),
        (mark("A99", code="?", employee_id="E9"), {ListName.STUDENTS, ListName.ATTENDANCE_CODES, ListName.EMPLOYEES}),
        (mark(code="/", session="PM"), set()),
        (mark(comment="😀"), set()),
    ],
)
def test_lists_that_could_settle_a_finding_are_named(record: Record, expected: set[ListName]) -> None:
    assert lists_to_refresh(validate(SESSION, [record], SCHOOL, VIEW)) == expected


@pytest.mark.parametrize(
    "record", [lesson_mark(lesson_id="L99"), lesson_mark(date=date(2026, 1, 13))], ids=["unknown", "another day"]
)
def test_a_changed_timetable_is_fetched_before_a_lesson_is_refused(record: Record) -> None:
    assert lists_to_refresh(validate(LESSON, [record], SCHOOL, VIEW)) == {ListName.LESSONS}


def test_lists_never_fetched_are_to_be_fetched_and_only_where_they_matter() -> None:
    nothing = LookupView()

    assert lists_to_refresh(validate(SESSION, [mark()], SCHOOL, nothing)) == {
        ListName.STUDENTS,
        ListName.ATTENDANCE_CODES,
    }
    assert ListName.EMPLOYEES in lists_to_refresh(validate(SESSION, [mark(employee_id="E9")], SCHOOL, nothing))


def test_a_stale_list_is_told_of_but_not_waited_for() -> None:
    findings = validate(SESSION, [mark()], SCHOOL, VIEW, stale_lists={ListName.STUDENTS, ListName.EMPLOYEES})

    assert told(findings) == [("lookup_stale", "", None)]
    assert findings[0].message.startswith("The list of pupils of Hillside is out of date")
    assert lists_to_refresh(findings) == set()


def test_an_employee_that_is_not_carried_is_not_looked_up() -> None:
    findings = validate(LESSON, [lesson_mark(employee_id="E9")], SCHOOL, VIEW)

    assert [finding.code for finding in findings] == ["field_not_carried"]


def test_every_kind_has_a_check() -> None:
    assert {kind.family for kind in KINDS.values()} <= CHECKS.keys()


def test_what_can_be_read_of_a_misshapen_incident_is_looked_up() -> None:
    body = {
        "kind": "behaviour.create",
        "records": [
            {
                "students": ["Jo", {"student_id": "A99", "points": "two"}, {"student_id": 5}],
                "employee_id": "E9",
                "type": "NONE",
                "date": "yesterday",
            }
        ],
    }
    types = {"type:1": {"id": "1", "type": "type", "code": "BULL", "active": True}}
    fetched_at = datetime(2026, 1, 12, tzinfo=UTC)
    view = replace(VIEW, behaviour_attributes=Lookup(ListName.BEHAVIOUR_ATTRIBUTES, 1, fetched_at, types))
    parsed = parse_submission(json.dumps(body).encode(), max_records=5)

    findings = validate_rests(parsed.kind, parsed.rests, SCHOOL, view)

    assert told(findings) == [
        ("student_not_on_roll", "/records/0/students/1/student_id", 0),
        ("recorded_by_unknown", "/records/0/employee_id", 0),
        ("type_unknown", "/records/0/type", 0),
    ]


COUNTRY_CODES = LookupView(
    attendance_codes=listed(
        ListName.ATTENDANCE_CODES,
        *({"id": code, "code": code, "type": "AUTHORISED", "active": True} for code in ("/", "L", "U", "Z", "X9")),
        {"id": "P1", "code": "P1", "type": "PRESENT", "active": True},
    )
)


def of_country(country: Country | None, *records: Record) -> list[tuple[str, str, int | None]]:
    school = replace(SCHOOL, mis="SIMS", stated_country=country)
    today = date(2026, 1, 9)  # all are of a day to come
    said = told(validate(SESSION, records, school, COUNTRY_CODES, today=today))
    return [one for one in said if one[1].endswith(("code", "minutes_late"))]


IN_ENGLAND = [
    ("code_wrong_session", "/records/0/code", 0),
    ("late_without_minutes", "/records/1/minutes_late", 1),
    ("administrative_code", "/records/2/code", 2),
    ("minutes_without_late", "/records/2/minutes_late", 2),
    ("custom_code_on_session", "/records/3/code", 3),
]


@pytest.mark.parametrize("country", [None, Country.ENGLAND, Country.INDEPENDENT])
def test_national_codes_are_expected_of_schools_in_england_whoever_keeps_them(country: Country | None) -> None:
    marks = (
        mark("A1", code="/", session="PM"),
        mark("A2", code="L"),
        mark("A3", code="Z", minutes_late=5),
        mark("A4", code="X9"),
    )

    assert of_country(country, *marks) == IN_ENGLAND


@pytest.mark.parametrize("country", sorted(set(Country) - {Country.ENGLAND, Country.INDEPENDENT}))
def test_of_codes_that_nobody_knows_nothing_is_said_but_what_the_schools_list_says(country: Country) -> None:
    marks = (
        mark("A1", code="/", session="PM"),
        mark("A2", code="L"),
        mark("A3", code="Z", minutes_late=5),
        mark("A4", code="X9"),
        mark("A5", code="??"),
    )

    assert of_country(country, *marks) == [("code_unknown", "/records/4/code", 4)]


def test_a_mark_ahead_is_refused_where_its_code_says_that_the_pupil_was_seen() -> None:
    def refused(country: Country, code: str) -> bool:
        school = replace(SCHOOL, stated_country=country)
        found = validate(SESSION, [mark("A1", code=code)], school, COUNTRY_CODES, today=date(2026, 1, 9))
        return "present_in_future" in {one.code for one in found}

    assert [refused(Country.ENGLAND, code) for code in ("L", "U", "P1", "X9")] == [True, True, True, False]
    assert [refused(Country.WALES, code) for code in ("L", "U", "P1", "X9")] == [False, False, True, False]
