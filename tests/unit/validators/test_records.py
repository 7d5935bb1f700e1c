"""What is checked of records that are no marks: their texts, their hints, and which lists they need."""

from datetime import date
from typing import Any

import pytest

from tests.unit.validators.test_examples import view_of
from validators import lists_to_refresh, validate
from validators.calendar import Calendar
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School

VIEW = view_of({})
INCIDENT = {
    "students": [{"student_id": "A1", "points": 2}],
    "employee_id": "E1",
    "date": "2026-01-12",
    "type": "BULL",
    "status": "REV2",
}
DETENTION = {"type": "AFT", "location": "HALL", "date": "2026-01-12", "start_time": "15:20", "end_time": "15:50"}


def found(
    kind: str, *items: dict[str, Any], provider: str = "wonde", mis: str = "SIMS", view: LookupView = VIEW, **more: Any
) -> list[Finding]:
    records = [KINDS[kind].record.model_validate(item) for item in items]
    return validate(KINDS[kind], records, School("s", "Hillside", provider, mis), view, **more)


@pytest.mark.parametrize("given", ["BUL", "bulling", "Bullying"])
def test_a_code_that_is_close_by_itself_or_by_its_description_is_suggested(given: str) -> None:
    (finding,) = found("behaviour.create", {**INCIDENT, "type": given})

    assert finding.message == f"type is {given}, which is not among those of Hillside"
    assert finding.hint.startswith("Did you mean BULL? ")


def test_a_code_that_is_like_none_is_not_guessed_at() -> None:
    (finding,) = found("behaviour.create", {**INCIDENT, "type": "QQQQ"})

    assert finding.hint == "Send a code or an id from the school's list."


def test_an_inactive_choice_is_never_suggested() -> None:
    (finding,) = found("behaviour.create", {**INCIDENT, "type": "SMOK"})

    assert "SMO" not in finding.hint


def test_everything_is_said_at_once_record_by_record() -> None:
    bad = {**INCIDENT, "employee_id": "E9", "type": "X", "students": [{"student_id": "A9", "points": 1}]}

    findings = found("behaviour.create", bad, INCIDENT, {**bad, "comment": "another"}, positions=[0, 3, 5])

    assert [(finding.code, finding.pointer) for finding in findings] == [
        ("student_not_on_roll", "/records/0/students/0/student_id"),
        ("recorded_by_unknown", "/records/0/employee_id"),
        ("type_unknown", "/records/0/type"),
        ("student_not_on_roll", "/records/5/students/0/student_id"),
        ("recorded_by_unknown", "/records/5/employee_id"),
        ("type_unknown", "/records/5/type"),
    ]


def test_the_role_of_a_pupil_is_refused_in_the_providers_words_about_that_pupil() -> None:
    record = {**INCIDENT, "students": [{"student_id": "A2", "points": 1, "role": "XX"}]}

    (finding,) = found("behaviour.create", record, provider="xporter")

    assert finding.provider_message == "Invalid Student RoleId for StudentId: A2"


@pytest.mark.parametrize(
    ("kind", "record", "expected"),
    [
        ("behaviour.create", {**INCIDENT, "type": "X"}, {ListName.BEHAVIOUR_ATTRIBUTES}),
        ("behaviour.create", {**INCIDENT, "employee_id": "E9"}, {ListName.EMPLOYEES}),
        ("behaviour.create", {**INCIDENT, "lesson_id": "L9"}, {ListName.LESSONS}),
        ("behaviour.create", {**INCIDENT, "type": "DIS", "bullying_type": "PHY"}, {ListName.BEHAVIOUR_ATTRIBUTES}),
        ("detention.create", {**DETENTION, "location": "X"}, {ListName.DETENTION_ATTRIBUTES}),
        ("behaviour.create", {**INCIDENT, "date": "2026-01-10"}, set()),
    ],
)
def test_lists_that_could_settle_a_finding_are_named(
    kind: str, record: dict[str, Any], expected: set[ListName]
) -> None:
    assert lists_to_refresh(found(kind, record)) == expected


def test_only_lists_that_a_record_needs_are_missed() -> None:
    missing = lists_to_refresh(found("detention.create", DETENTION, view=LookupView()))

    assert missing == {ListName.DETENTION_ATTRIBUTES}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.endswith(".delete") and "attendance" not in kind])
def test_a_removal_needs_no_list(kind: str) -> None:
    target = next(name for name in KINDS[kind].record.model_fields if name.endswith("_id"))

    assert found(kind, {target: "A1"}, view=LookupView()) == []


def test_a_field_without_a_place_is_only_said_to_have_none() -> None:
    findings = found("behaviour.create", {**INCIDENT, "staff": [{"employee_id": "E9", "role": "X"}]})

    assert [finding.code for finding in findings] == ["field_not_carried"]


def test_a_file_of_five_megabytes_is_taken_and_no_more() -> None:
    def with_file(size: int) -> dict[str, Any]:
        medium = {
            "file_name": "a.png",
            "media_type": "png",
            "description": "",
            "taken_at": "2026-01-12T12:00:00",
            "content": "A" * (size // 3 * 4),
        }
        return {**INCIDENT, "media": [medium]}

    limit = 5 * 1024 * 1024
    assert found("behaviour.create", with_file(limit // 3 * 3), provider="xporter") == []
    (finding,) = found("behaviour.create", with_file(limit + 3), provider="xporter")

    assert finding.code == "media_too_large"
    assert "AAAA" not in finding.message


def test_without_today_nothing_is_said_of_past_and_future() -> None:
    assert found("detention.create", {**DETENTION, "date": "2020-01-13"}) == []
    assert found("behaviour.create", {**INCIDENT, "date": "2031-01-13"}) == []


@pytest.mark.parametrize(
    ("day", "codes"),
    [
        ("2026-02-12", []),
        ("2026-02-17", ["no_lessons_that_day"]),
        ("2026-02-14", ["no_lessons_that_day"]),
        ("2026-02-24", []),
        ("2026-02-11", []),
        ("1999-12-31", ["date_implausible"]),
    ],
)
def test_days_between_days_with_lessons_are_known_and_others_are_not(day: str, codes: list[str]) -> None:
    days = [{"id": str(place), "date": one} for place, one in enumerate(("2026-02-12", "2026-02-13", "2026-02-23"))]
    calendar = Calendar(view_of({"lookups": {"lessons": days}}), None, "09-01")

    assert [code for code, _ in calendar.about(date.fromisoformat(day), needs_lessons=True)] == codes


def test_a_weekend_needs_no_timetable_to_be_one() -> None:
    said = dict(Calendar(LookupView(), None, "09-01").about(date(2026, 1, 10), needs_lessons=True))

    assert said == {"no_lessons_that_day": {"value": "2026-01-10", "weekday": "Saturday"}}
