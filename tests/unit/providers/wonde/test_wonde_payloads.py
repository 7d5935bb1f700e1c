"""What goes to Wonde."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from tests.long_run import examples
from writeback.domain.kinds import KINDS
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, Lookup, LookupView
from writeback.providers.base import CannotBuild, ListsMissing
from writeback.providers.wonde.payloads import build

SESSION, LESSON = KINDS["attendance.session"], KINDS["attendance.lesson"]


def body_of(kind: Any, records: list[Any], lookups: LookupView) -> Any:
    return build(kind, records, lookups, school_id="A77").body


def test_a_session_mark_carries_the_id_of_its_code(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    request = build(SESSION, [session_mark], wonde_lookups, school_id="A77")

    assert (request.method, request.path) == ("POST", "/schools/A77/attendance/session")
    assert request.body == {
        "attendance": [{"student_id": "A10", "date": "2026-01-12", "session": "AM", "attendance_code_id": "A1"}]
    }


def test_optional_fields_go_only_when_they_are_given(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    late = session_mark.model_copy(update={"code": "L", "minutes_late": 0, "comment": "Bus", "employee_id": "A5"})

    (entry,) = body_of(SESSION, [late], wonde_lookups)["attendance"]

    assert (entry["minutes_late"], entry["comment"], entry["employee_id"]) == (0, "Bus", "A5")


def test_a_lesson_mark_has_neither_date_nor_employee(wonde_lookups: LookupView, lesson_mark: LessonMark) -> None:
    full = lesson_mark.model_copy(update={"date": date(2026, 1, 12), "employee_id": "A5", "statutory_comment": "x"})

    request = build(LESSON, [full], wonde_lookups, school_id="A77")

    assert request.path == "/schools/A77/attendance/lesson"
    assert request.body == {"attendance": [{"student_id": "A10", "lesson_id": "A900", "attendance_code_id": "A1"}]}


def test_a_code_may_be_given_by_its_id(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    (entry,) = body_of(SESSION, [session_mark.model_copy(update={"code": "A2"})], wonde_lookups)["attendance"]

    assert entry["attendance_code_id"] == "A2"


def test_only_the_record_with_an_unknown_code_cannot_be_built(
    wonde_lookups: LookupView, session_mark: SessionMark
) -> None:
    unknown = session_mark.model_copy(update={"code": "QQ"})

    with pytest.raises(CannotBuild) as caught:
        body_of(SESSION, [session_mark, unknown], wonde_lookups)

    assert list(caught.value.findings) == [1]
    (finding,) = caught.value.findings[1]
    assert (finding.code, finding.pointer) == ("code_unknown", "/code")
    assert "QQ" in finding.message


def test_nothing_can_be_built_before_the_codes_are_fetched(session_mark: SessionMark) -> None:
    with pytest.raises(ListsMissing) as caught:
        body_of(SESSION, [session_mark, session_mark], LookupView())

    assert caught.value.lists == {ListName.ATTENDANCE_CODES}


def test_a_lesson_is_built_without_the_timetable(wonde_lookups: LookupView, lesson_mark: LessonMark) -> None:
    assert body_of(LESSON, [lesson_mark], replace(wonde_lookups, lessons=None))["attendance"]


def test_a_codes_list_without_codes_is_there_all_the_same(session_mark: SessionMark) -> None:
    empty = Lookup(ListName.ATTENDANCE_CODES, 1, datetime(2026, 1, 12, tzinfo=UTC), {})
    with pytest.raises(CannotBuild):
        body_of(SESSION, [session_mark], LookupView(attendance_codes=empty))


def test_a_school_id_cannot_lead_to_another_path(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    request = build(SESSION, [session_mark], wonde_lookups, school_id="A77/../A78?x")

    assert request.path == "/schools/A77%2F..%2FA78%3Fx/attendance/session"


IDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
COMMENTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\r\n"), max_size=600)
OPTIONAL = {
    "minutes_late": st.none() | st.integers(0, 720),
    "comment": st.none() | COMMENTS,
    "statutory_comment": st.none() | COMMENTS,
    "employee_id": st.none() | IDS,
}
CODES = st.sampled_from(["/", "L", "N", "A1"])
SESSION_MARKS = st.builds(
    SessionMark, student_id=IDS, date=st.dates(), session=st.sampled_from(["AM", "PM"]), code=CODES, **OPTIONAL
)
LESSON_MARKS = st.builds(LessonMark, student_id=IDS, lesson_id=IDS, code=CODES, date=st.none() | st.dates(), **OPTIONAL)


@pytest.mark.parametrize(
    ("kind", "marks"), [("attendance.session", SESSION_MARKS), ("attendance.lesson", LESSON_MARKS)]
)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_built_is_valid_to_the_schema(
    kind: str, marks: Any, wonde_lookups: LookupView, data: st.DataObject
) -> None:
    records = data.draw(st.lists(marks, min_size=1, max_size=4))

    body = body_of(KINDS[kind], records, wonde_lookups)

    name = f"wonde/{kind.replace('.', '-')}.request"
    assert [error.message for error in schemas.validator(name).iter_errors(body)] == []
