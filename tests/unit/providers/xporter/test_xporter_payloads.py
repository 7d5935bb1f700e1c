"""What goes to Xporter."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from tests.long_run import examples
from writeback.domain.kinds import KINDS
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.base import CannotBuild, ListsMissing
from writeback.providers.xporter.payloads import build, fill_path, token_request

SESSION, LESSON = KINDS["attendance.session"], KINDS["attendance.lesson"]
CALLBACK = "https://writeback.example/hooks/xporter/token?id=req_1&estab=3281102"
MONDAY = date(2026, 1, 12)


def body_of(kind: Any, records: list[Any], lookups: LookupView) -> Any:
    return build(kind, records, lookups, path="/a", callback_url=CALLBACK).body


def lesson(lesson_id: str = "44905", **changes: Any) -> LessonMark:
    return LessonMark(**{"student_id": "9919", "lesson_id": lesson_id, "code": "\\", **changes})


def test_a_session_mark_carries_all_that_was_given(xporter_lookups: LookupView) -> None:
    record = SessionMark(
        student_id="9919",
        date=MONDAY,
        session="PM",
        code="L",
        minutes_late=5,
        comment="Missed the bus",
        statutory_comment="Referral order",
        employee_id="5",
    )

    assert body_of(SESSION, [record], xporter_lookups) == {
        "Marks": [
            {
                "StudentId": "9919",
                "MarkType": "S",
                "Date": "2026-01-12",
                "Session": "PM",
                "Mark": "L",
                "Mins": 5,
                "Notes": "Missed the bus",
                "StatutoryComment": "Referral order",
            }
        ],
        "Callback": {"Method": "POST", "Url": CALLBACK},
    }


def test_a_lesson_mark_carries_only_what_is_documented_for_it(xporter_lookups: LookupView) -> None:
    record = lesson(date=MONDAY, minutes_late=5, comment="x", statutory_comment="x", employee_id="5")

    assert body_of(LESSON, [record], xporter_lookups)["Marks"] == [
        {"StudentId": "9919", "MarkType": "L", "Date": "2026-01-12", "InstanceId": "44905", "Mark": "\\"}
    ]


def test_a_lesson_without_a_date_takes_the_timetables(xporter_lookups: LookupView) -> None:
    (mark,) = body_of(LESSON, [lesson("44999")], xporter_lookups)["Marks"]
    assert mark["Date"] == "2026-01-13"


def findings_of(kind: Any, records: list[Any], lookups: LookupView) -> dict[int, list[str]]:
    with pytest.raises(CannotBuild) as caught:
        body_of(kind, records, lookups)
    return {position: [finding.code for finding in said] for position, said in caught.value.findings.items()}


def test_a_lesson_whose_date_nobody_knows_cannot_be_built(xporter_lookups: LookupView) -> None:
    assert findings_of(LESSON, [lesson(), lesson("1")], xporter_lookups) == {1: ["date_required"]}


def test_an_unknown_code_cannot_be_built(xporter_lookups: LookupView) -> None:
    assert findings_of(LESSON, [lesson(), lesson(code="QQ")], xporter_lookups) == {1: ["code_unknown"]}


def test_nothing_can_be_built_before_the_codes_are_fetched() -> None:
    with pytest.raises(ListsMissing) as caught:
        body_of(LESSON, [lesson(date=MONDAY)], LookupView())
    assert caught.value.lists == {ListName.ATTENDANCE_CODES}


def test_a_lesson_without_a_date_needs_the_timetable(xporter_lookups: LookupView) -> None:
    without = replace(xporter_lookups, lessons=None)

    with pytest.raises(ListsMissing) as caught:
        body_of(LESSON, [lesson(date=MONDAY), lesson()], without)

    assert caught.value.lists == {ListName.LESSONS}
    assert body_of(LESSON, [lesson(date=MONDAY)], without)["Marks"]


def test_all_lists_that_are_missing_are_named_at_once() -> None:
    with pytest.raises(ListsMissing) as caught:
        body_of(LESSON, [lesson()], LookupView())
    assert caught.value.lists == {ListName.ATTENDANCE_CODES, ListName.LESSONS}


def test_one_request_has_one_date(xporter_lookups: LookupView) -> None:
    records = [lesson("44905"), lesson("44999"), lesson("44905", student_id="9920")]
    assert findings_of(LESSON, records, xporter_lookups) == {1: ["several_dates"]}


def test_paths_are_templates() -> None:
    assert fill_path("/api/v1/School/{estab}/Staff", "3281102") == "/api/v1/School/3281102/Staff"
    assert fill_path("/api/v1/Scopes", "3281102") == "/api/v1/Scopes"
    assert fill_path("/a/{estab}/", "../x") == "/a/..%2Fx/"


def test_the_token_request_is_valid_to_the_schema() -> None:
    body = token_request(estab="3281102", relying_party="app.example.dev", secret="b9aef7a6")
    assert [error.message for error in schemas.validator("xporter/token.request").iter_errors(body)] == []


IDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
TEXT = st.none() | st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\r\n"), min_size=1, max_size=500
)
CODES = st.sampled_from(["/", "\\", "L", "N"])
SESSION_MARKS = st.builds(
    SessionMark,
    student_id=IDS,
    date=st.just(MONDAY),
    session=st.sampled_from(["AM", "PM"]),
    code=CODES,
    minutes_late=st.none() | st.integers(0, 720),
    comment=TEXT,
    statutory_comment=TEXT,
)
LESSON_MARKS = st.builds(
    LessonMark, student_id=IDS, lesson_id=IDS, code=CODES, date=st.just(MONDAY), comment=TEXT, statutory_comment=TEXT
)


@pytest.mark.parametrize(
    ("kind", "marks"), [("attendance.session", SESSION_MARKS), ("attendance.lesson", LESSON_MARKS)]
)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_built_is_valid_to_the_schema(
    kind: str, marks: Any, xporter_lookups: LookupView, data: st.DataObject
) -> None:
    records = data.draw(st.lists(marks, min_size=1, max_size=4))

    body = body_of(KINDS[kind], records, xporter_lookups)

    assert [error.message for error in schemas.validator("xporter/attendance.request").iter_errors(body)] == []
