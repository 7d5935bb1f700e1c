"""What is found in the MIS, and what it is compared with."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from writeback.domain.kinds import Record
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import LookupView
from writeback.domain.near_matches import Compared
from writeback.domain.outcome import Found, SlotReadBack
from writeback.providers.wonde.operations import OPERATIONS
from writeback.providers.wonde.readings import READERS, Question, Scene

Records = Mapping[str, Record]
MADE = datetime(2026, 1, 12, 15, 11, 8, tzinfo=UTC)
NONE = SlotReadBack(None, False)


def instant(text: str, zone: str = "UTC") -> dict[str, Any]:
    return {"date": f"{text}.000000", "timezone_type": 3, "timezone": zone}


def day(text: str = "2026-01-12") -> dict[str, Any]:
    return instant(f"{text} 00:00:00", "Europe/London")


def stamped(**fields: Any) -> dict[str, Any]:
    made = instant("2026-01-12 15:11:08")
    return {"id": "A1000", "created_at": made, "updated_at": made, **fields}


def changed(record: Any, **fields: Any) -> Any:
    return record.model_copy(update=fields)


def read(
    kind: str, record: Any, rows: list[Any], lookups: LookupView, zone: str = "Europe/London"
) -> SlotReadBack | None:
    return READERS[kind].read([record], rows, Scene(lookups, ZoneInfo(zone))).get(0)


def found(*ids: str) -> SlotReadBack:
    return SlotReadBack(None, True, tuple(Found(one, MADE) for one in ids))


def differs(reading: SlotReadBack | None) -> list[str] | None:
    """Return in which fields the one thing that is nearly the record differs; None where there is none."""
    assert reading is not None
    assert not reading.matches
    assert reading.found == ()
    (near,) = reading.near or (None,)
    assert reading.value == (near and f"one like it with other {', '.join(near.differing)}")
    return near and near.differing


def test_every_kind_can_be_read_back() -> None:
    assert READERS.keys() == OPERATIONS.keys()


# Marks.


def mark(**fields: Any) -> dict[str, Any]:
    return {"id": "A5", "date": day(), "session": "AM", "attendance_code": "A1", "student": "A10", **fields}


def read_marks(kind: str, records: list[Any], rows: list[Any], lookups: LookupView) -> dict[int, SlotReadBack]:
    return READERS[kind].read(records, rows, Scene(lookups))


def test_a_session_mark_is_found_by_student_date_and_session(
    wonde_lookups: LookupView, session_mark: SessionMark
) -> None:
    afternoon = changed(session_mark, session="PM")
    tomorrow = changed(session_mark, date=date(2026, 1, 13))
    rows = [mark(), mark(session="PM", attendance_code="A2"), mark(student="A11", attendance_code="A3")]

    read = read_marks("attendance.session", [session_mark, afternoon, tomorrow], rows, wonde_lookups)

    assert read == {0: SlotReadBack("/", True), 1: SlotReadBack("L", False), 2: NONE}


def test_a_lesson_mark_is_found_by_its_period_instance(wonde_lookups: LookupView, lesson_mark: LessonMark) -> None:
    row = mark(period_instance_id=40860)
    assert read("attendance.lesson", lesson_mark, [row], wonde_lookups) == SlotReadBack("/", True)


def test_a_lesson_that_no_list_has_cannot_be_read(wonde_lookups: LookupView, lesson_mark: LessonMark) -> None:
    unknown = changed(lesson_mark, lesson_id="A901")
    assert read("attendance.lesson", unknown, [mark(period_instance_id=40860)], wonde_lookups) is None


def test_included_objects_and_unknown_codes_are_read(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    row = mark(student={"data": {"id": "A10"}}, attendance_code={"data": {"id": "A99"}})
    assert read("attendance.session", session_mark, [row], wonde_lookups) == SlotReadBack("A99", False)


def test_of_two_marks_in_a_slot_the_later_counts(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    earlier, later = instant("2026-01-12 09:01:00"), instant("2026-01-12 09:02:00")
    rows = [mark(attendance_code="A1", updated_at=later), mark(attendance_code="A2", updated_at=earlier)]
    assert read("attendance.session", session_mark, rows, wonde_lookups) == SlotReadBack("/", True)


def test_few_pupils_are_asked_for_one_by_one_and_many_at_once(
    wonde_lookups: LookupView, session_mark: SessionMark
) -> None:
    marks = [changed(session_mark, student_id=f"A{number}") for number in range(4)]
    around = {"attendance_date_after": "2026-01-11", "attendance_date_before": "2026-01-13"}
    questions = READERS["attendance.session"].questions

    assert list(questions(marks, wonde_lookups)) == [Question("attendance/session", around)]
    assert list(questions([*marks[:2], marks[0]], wonde_lookups)) == [
        Question("attendance/session", {**around, "student": "A0"}),
        Question("attendance/session", {**around, "student": "A1"}),
    ]


# Conduct.


def achievement(**fields: Any) -> dict[str, Any]:
    row = stamped(
        type="Musical Activity",
        points=5,
        total_points=5,
        comment="Reworded",
        achievement_date=day(),
        students={"data": [{"id": "A10"}]},
        employees={"data": [{"id": "A50"}]},
    )
    return {**row, **fields}


def behaviour(*pupils: str, **fields: Any) -> dict[str, Any]:
    row = stamped(
        type="Bullying",
        points=3,
        total_points=3,
        incident_date=day(),
        students={"data": [{"id": pupil} for pupil in pupils]},
        employees={"data": [{"id": "A50"}]},
    )
    return {**row, **fields}


def test_conduct_is_asked_for_by_its_day(wonde_records: Records, wonde_lookups: LookupView) -> None:
    (achieved,) = READERS["achievement.create"].questions([wonde_records["achievement.create"]], wonde_lookups)
    (behaved,) = READERS["behaviour.create"].questions([wonde_records["behaviour.create"]], wonde_lookups)

    assert achieved == Question(
        "achievements",
        {
            "achievement_date_after": "2026-01-11",
            "achievement_date_before": "2026-01-13",
            "include": "students,employees",
        },
    )
    assert (behaved.path, behaved.params["incident_date_after"]) == ("behaviours", "2026-01-11")


def test_an_achievement_is_found_by_its_content(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record = wonde_records["achievement.create"]
    rows = [achievement(), achievement(id="A1001", students={"data": [{"id": "A11"}]})]
    assert read("achievement.create", record, rows, wonde_lookups) == found("A1000")


def test_every_one_that_is_the_same_is_reported(wonde_records: Records, wonde_lookups: LookupView) -> None:
    rows = [achievement(), achievement(id="A1001"), achievement()]
    reading = read("achievement.create", wonde_records["achievement.create"], rows, wonde_lookups)
    assert reading == found("A1000", "A1001")


@pytest.mark.parametrize("type_", ["musical activity", "NYPA", "A201", None])
def test_a_type_is_known_by_description_code_or_id(
    type_: str | None, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["achievement.create"]
    assert read("achievement.create", record, [achievement(type=type_)], wonde_lookups) == found("A1000")


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        ({"type": "Excellent Effort"}, ["type"]),
        ({"achievement_date": day("2026-01-13")}, None),
        ({"achievement_date": None}, None),
        ({"employees": {"data": [{"id": "A51"}]}}, ["employee_id"]),
        ({"students": {"data": [{"id": "A11"}]}}, None),
        ({"students": {"data": []}}, ["students", "points"]),
        ({"points": 1, "total_points": 1}, ["points"]),
    ],
)
def test_another_achievement_is_not_it_and_is_nearly_it_with_a_pupil_of_the_day(
    fields: dict[str, Any], others: list[str] | None, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["achievement.create"]
    assert differs(read("achievement.create", record, [achievement(**fields)], wonde_lookups)) == others


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        ({}, ["date"]),
        ({"created_at": None}, None),
        ({"points": 9, "total_points": 9}, None),
        ({"type": "Excellent Effort"}, None),
        ({"employees": {"data": [{"id": "A51"}]}}, None),
        ({"comment": "Something else"}, None),
    ],
)
def test_an_achievement_of_another_day_is_nearly_it_if_nothing_else_differs(
    fields: dict[str, Any], others: list[str] | None, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record: Any = wonde_records["achievement.create"]
    row = achievement(**{"achievement_date": day("2026-01-20"), "comment": record.comment, **fields})
    assert differs(read("achievement.create", record, [row], wonde_lookups)) == others


@pytest.mark.parametrize(
    "fields",
    [
        {"points": None, "total_points": None},
        {"points": 5, "total_points": 50},
        {"points": 1, "total_points": 5},
        {"points": "5"},
        {"employees": {"data": []}},
        {"employees": None},
        {"students": {"data": [{"id": "A10"}, {"id": "A99"}]}},
    ],
)
def test_what_wonde_does_not_show_or_shows_otherwise_is_not_held_against_it(
    fields: dict[str, Any], wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["achievement.create"]
    assert read("achievement.create", record, [achievement(**fields)], wonde_lookups) == found("A1000")


def test_whose_an_achievement_is_must_be_seen(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record = wonde_records["achievement.create"]
    assert read("achievement.create", record, [achievement(students=None)], wonde_lookups) is None
    other_day = achievement(students=None, achievement_date=day("2026-01-11"))
    assert read("achievement.create", record, [other_day], wonde_lookups) == NONE


def test_an_incident_may_be_one_for_each_pupil(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record = wonde_records["behaviour.create"]
    apart = [behaviour("A10"), behaviour("A11", id="A1001", points=0, total_points=0)]

    assert read("behaviour.create", record, [behaviour("A10", "A11")], wonde_lookups) == found("A1000")
    as_one = SlotReadBack(None, True, (Found("A1000", MADE, parts=("A1001",)),))
    assert read("behaviour.create", record, apart, wonde_lookups) == as_one


def test_one_for_each_pupil_is_as_many_incidents_as_each_pupil_has(
    wonde_records: Records, wonde_lookups: LookupView
) -> None:
    rows = [behaviour("A10", id="A1"), behaviour("A11", id="A2", points=0, total_points=0), behaviour("A10", id="A3")]
    reading = read("behaviour.create", wonde_records["behaviour.create"], rows, wonde_lookups)
    assert reading is not None
    assert [one.ids for one in reading.found] == [("A1", "A2")]
    assert [one.mis_id for one in reading.near] == ["A3"]


def test_an_incident_that_lacks_a_pupil_is_nearly_it(wonde_records: Records, wonde_lookups: LookupView) -> None:
    reading = read("behaviour.create", wonde_records["behaviour.create"], [behaviour("A10")], wonde_lookups)
    assert differs(reading) == ["students"]
    assert reading is not None
    assert Compared("students", "A10, A11", "A10", differs=True) in reading.near[0].fields


def test_without_its_list_a_type_is_not_compared(wonde_records: Records, wonde_lookups: LookupView) -> None:
    lookups = replace(wonde_lookups, behaviour_attributes=None)
    row = behaviour("A10", "A11", type="Whatever")
    assert read("behaviour.create", wonde_records["behaviour.create"], [row], lookups) == found("A1000")


# Detentions.


def detention(*pupils: str, **fields: Any) -> dict[str, Any]:
    row = stamped(
        detention_type="A401",
        room="A402",
        start_at=instant("2026-01-12 12:30:00"),
        end_at=instant("2026-01-12 13:00:00"),
        attended_by_employee="A50",
        attendances={"data": [{"id": f"B{pupil}", "student": pupil} for pupil in pupils]},
    )
    return {**row, **fields}


def test_detentions_are_asked_for_by_their_day(wonde_records: Records, wonde_lookups: LookupView) -> None:
    records = [wonde_records["detention.create"], changed(wonde_records["detention.create"], date=date(2026, 1, 14))]
    questions = list(READERS["detention.create"].questions(records, wonde_lookups))

    assert [question.params["detentions_start_after"] for question in questions] == ["2026-01-10", "2026-01-12"]
    assert questions[0].params["include"] == "attendances"


@pytest.mark.parametrize(
    "row",
    [
        detention("A10", "A11"),
        detention("A11", "A10", "A12"),
        detention("A10", "A11", room={"data": {"id": "A402"}}, attended_by_employee=None),
        detention("A10", "A11", end_at=None),
    ],
)
def test_a_detention_is_found_by_its_content(
    row: dict[str, Any], wonde_records: Records, wonde_lookups: LookupView
) -> None:
    assert read("detention.create", wonde_records["detention.create"], [row], wonde_lookups) == found("A1000")


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        ({"room": "A499"}, ["location"]),
        ({"detention_type": "A499"}, ["type"]),
        ({"start_at": instant("2026-01-12 12:35:00")}, ["start_time"]),
        ({"start_at": instant("2026-01-19 12:30:00")}, ["date"]),
        ({"start_at": instant("2026-01-19 12:30:00"), "created_at": None}, None),
        ({"start_at": instant("2026-01-19 12:35:00")}, None),
        ({"end_at": instant("2026-01-12 13:30:00")}, ["end_time"]),
        ({"attended_by_employee": "A51"}, ["supervisor_id"]),
    ],
)
def test_another_detention_is_nearly_it_with_its_pupils_on_the_day_and_on_another_only_if_nothing_else_differs(
    fields: dict[str, Any], others: list[str] | None, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    row = detention("A10", "A11", **fields)
    assert differs(read("detention.create", wonde_records["detention.create"], [row], wonde_lookups)) == others


@pytest.mark.parametrize(("pupils", "others"), [(["A10", "A12"], ["students"]), ([], ["students"]), (["A12"], None)])
def test_a_detention_that_lacks_a_pupil_is_nearly_it(
    pupils: list[str], others: list[str] | None, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    reading = read("detention.create", wonde_records["detention.create"], [detention(*pupils)], wonde_lookups)
    assert differs(reading) == others


def test_without_pupils_a_detention_is_nearly_another_that_differs_in_little(
    wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = changed(wonde_records["detention.create"], students=[])
    later = {"start_at": instant("2026-01-12 15:30:00"), "end_at": instant("2026-01-12 16:00:00")}
    reading = read("detention.create", record, [detention("A12", **later)], wonde_lookups)
    assert differs(reading) == ["start_time", "end_time"]
    assert read("detention.create", record, [detention("A12", room="A499", **later)], wonde_lookups) == NONE


def test_who_is_in_a_detention_must_be_seen(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record, row = wonde_records["detention.create"], detention(attendances=None)
    assert read("detention.create", record, [row], wonde_lookups) is None
    assert read("detention.create", changed(record, students=[]), [row], wonde_lookups) == found("A1000")


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Europe/London", "2026-07-01 11:30:00", "2026-07-01 12:00:00"),
        ("Australia/Perth", "2026-07-01 04:30:00", "2026-07-01 05:00:00"),
    ],
)
def test_times_are_those_of_the_schools_own_clock(
    zone: str, start: str, end: str, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = changed(wonde_records["detention.create"], date=date(2026, 7, 1))
    row = detention("A10", "A11", start_at=instant(start), end_at=instant(end))
    assert read("detention.create", record, [row], wonde_lookups, zone) == found("A1000")


def entry(**fields: Any) -> dict[str, Any]:
    row = stamped(
        detention="A73",
        student="A10",
        detention_attendance_code="A404",
        recorded_by_employee="A51",
        behaviour="A72",
        behaviour_type="A301",
        comment="worked  well",
    )
    return {**row, **fields}


def test_entries_are_asked_for_by_detention(wonde_records: Records, wonde_lookups: LookupView) -> None:
    one: Any = wonde_records["detention_attendance.set"]
    questions = READERS["detention_attendance.set"].questions

    assert list(questions([one], wonde_lookups)) == [
        Question("attendance/detention", {"detention": "A73", "student": "A10"})
    ]
    assert list(questions([one, changed(one, student_id="A11")], wonde_lookups)) == [
        Question("attendance/detention", {"detention": "A73"})
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([entry()], SlotReadBack("ATT", True, (Found("A1000", MADE),))),
        ([entry(behaviour=None, recorded_by_employee=None)], SlotReadBack("ATT", True, (Found("A1000", MADE),))),
        ([entry(detention_attendance_code="A403")], SlotReadBack("NOR", False)),
        ([entry(detention_attendance_code="A499")], SlotReadBack("A499", False)),
        ([entry(comment="Slept")], SlotReadBack("ATT with another comment", False)),
        (
            [entry(behaviour="A99", recorded_by_employee="A1")],
            SlotReadBack("ATT with another behaviour and staff", False),
        ),
        ([entry(detention_attendance_code=None)], SlotReadBack("an entry without a code", False)),
        ([entry(student="A11")], NONE),
        ([entry(detention="A99")], NONE),
        ([], NONE),
        (
            [
                entry(detention_attendance_code="A403", updated_at=instant("2026-01-12 15:20:00")),
                entry(updated_at=instant("2026-01-12 15:10:00")),
            ],
            SlotReadBack("NOR", False),
        ),
    ],
)
def test_a_pupils_entry_in_a_detention(
    rows: list[Any], expected: SlotReadBack, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["detention_attendance.set"]
    assert read("detention_attendance.set", record, rows, wonde_lookups) == expected


def test_a_pupil_who_is_out_of_the_detention(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record = wonde_records["detention_attendance.delete"]
    assert read("detention_attendance.delete", record, [], wonde_lookups) == SlotReadBack(None, True)
    assert read("detention_attendance.delete", record, [entry()], wonde_lookups) == SlotReadBack("ATT", False)
    unseen = entry(detention_attendance_code=None)
    assert read("detention_attendance.delete", record, [unseen], wonde_lookups) == SlotReadBack("an entry", False)


# Absences.


def away(**fields: Any) -> dict[str, Any]:
    row = stamped(
        student="A10",
        event_type="sign in",
        start_at=instant("2026-01-12 08:30:00", "Europe/London"),
        absence_type="Justified with school policy",
        reason="School Nurse",
        authorised_by="A50",
    )
    return {**row, **fields}


def test_absences_are_asked_for_by_person(wonde_records: Records, wonde_lookups: LookupView) -> None:
    one: Any = wonde_records["student_absence.create"]
    later = changed(one, start_at=datetime.fromisoformat("2026-01-20T09:00:00"))
    days = {"absence_start_at_after": "2026-01-10", "absence_start_at_before": "2026-01-22"}
    many = [changed(one, student_id=f"A{number}") for number in range(6)]
    questions = READERS["student_absence.create"].questions

    assert list(questions([one, later], wonde_lookups)) == [Question("attendance/absence", {**days, "student": "A10"})]
    assert list(questions([*many, later], wonde_lookups)) == [Question("attendance/absence", days)]
    assert list(questions([], wonde_lookups)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"start_at": instant("2026-01-12 08:30:59")},
        {"reason": None, "absence_type": None, "authorised_by": None, "event_type": None},
    ],
)
def test_an_absence_of_a_pupil_is_found_by_its_content(
    fields: dict[str, Any], wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["student_absence.create"]
    assert read("student_absence.create", record, [away(**fields)], wonde_lookups) == found("A1000")


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        ({"student": "A11"}, None),
        ({"event_type": "sign out"}, ["event"]),
        ({"start_at": instant("2026-01-12 08:35:00")}, ["start_at"]),
        ({"start_at": instant("2026-01-13 08:30:00")}, ["start_at"]),
        ({"start_at": instant("2026-01-21 08:30:00")}, ["start_at"]),
        ({"start_at": instant("2026-01-21 08:30:00"), "created_at": None}, None),
        ({"start_at": instant("2026-01-21 08:35:00")}, None),
        ({"start_at": instant("2026-01-21 08:30:00"), "absence_type": "Truant"}, None),
        ({"start_at": None}, ["start_at"]),
        ({"absence_type": "Truant"}, ["type"]),
        ({"reason": "Dentist", "authorised_by": "A9"}, ["reason", "authorised_by_id"]),
    ],
)
def test_another_absence_of_the_pupil_in_these_days_is_nearly_it(
    fields: dict[str, Any], others: list[str] | None, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["student_absence.create"]
    assert differs(read("student_absence.create", record, [away(**fields)], wonde_lookups)) == others


def test_of_an_absence_all_day_only_the_day_counts(wonde_records: Records, wonde_lookups: LookupView) -> None:
    record = changed(wonde_records["student_absence.create"], event="all_day")
    midnight, tomorrow = day(), day("2026-01-13")
    rows = [away(event_type="all day absence", start_at=at) for at in (midnight, tomorrow)]
    assert read("student_absence.create", record, rows[:1], wonde_lookups) == found("A1000")
    assert differs(read("student_absence.create", record, rows[1:], wonde_lookups)) == ["start_at"]


def ill(**fields: Any) -> dict[str, Any]:
    row = stamped(
        employee="A50",
        start_at=instant("2026-01-12 08:00:00", "Europe/London"),
        end_at=instant("2026-01-13 12:00:00", "Europe/London"),
        working_days=1.5,
        number_of_hours="12.00",
        absence_type="Sickness",
        illness_category="Digestive illness",
        authorised_pay_rate="Full pay",
        absence_note="Called at seven",
    )
    return {**row, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"absence_note": "Other words", "working_days": None, "illness_category": None},
        {"employee": {"data": {"id": "A50"}}, "number_of_hours": "twelve"},
    ],
)
def test_an_absence_of_staff_is_found_by_its_content(
    fields: dict[str, Any], wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["employee_absence.create"]
    assert read("employee_absence.create", record, [ill(**fields)], wonde_lookups) == found("A1000")


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        ({"employee": "A51"}, None),
        ({"start_at": instant("2026-01-12 09:00:00")}, ["start_at"]),
        ({"start_at": instant("2026-01-08 09:00:00"), "end_at": instant("2026-01-10 09:00:00")}, None),
        ({"end_at": instant("2026-01-14 12:00:00")}, ["end_at"]),
        ({"working_days": 2, "number_of_hours": 16}, ["working_days", "hours"]),
        ({"absence_type": "Training"}, ["type"]),
        ({"authorised_pay_rate": "Half pay"}, ["pay_rate"]),
    ],
)
def test_another_absence_of_the_member_of_staff_in_these_days_is_nearly_it(
    fields: dict[str, Any], others: list[str] | None, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["employee_absence.create"]
    assert differs(read("employee_absence.create", record, [ill(**fields)], wonde_lookups)) == others


def changed_absence(**fields: Any) -> dict[str, Any]:
    answer = {
        "id": "A74",
        "end_at": instant("2026-01-12 12:00:00", "Europe/London"),
        "working_days": "0.5",
        "number_of_hours": 4,
        "absence_note": None,
    }
    return ill(**{**answer, **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, found("A74")),
        ({"absence_note": ""}, found("A74")),
        ({"absence_note": "Old"}, SlotReadBack("the same with another comment", False)),
        ({"start_at": instant("2026-01-12 09:00:00")}, SlotReadBack("the same with another start", False)),
        ({"end_at": instant("2026-01-13 12:00:00")}, SlotReadBack("the same with another end", False)),
        ({"working_days": None}, SlotReadBack("the same with another working days", False)),
        ({"absence_type": None, "end_at": None}, SlotReadBack("the same with another end and type", False)),
        ({"id": "A75"}, NONE),
    ],
)
def test_a_changed_absence_says_all_that_it_is_to_say(
    fields: dict[str, Any], expected: SlotReadBack, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records["employee_absence.update"]
    assert read("employee_absence.update", record, [changed_absence(**fields)], wonde_lookups) == expected


# Removals.


@pytest.mark.parametrize(
    ("kind", "path", "noun"),
    [
        ("achievement.delete", "achievements/A71", "achievement"),
        ("behaviour.delete", "behaviours/A72", "behaviour"),
        ("detention.delete", "detentions/A73", "detention"),
        ("employee_absence.delete", "employee-absences/A74", "employee absence"),
    ],
)
def test_what_was_removed_is_asked_for_by_its_id(
    kind: str, path: str, noun: str, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    record = wonde_records[kind]
    (question,) = READERS[kind].questions([record], wonde_lookups)

    assert question == Question(path, is_one=True)
    assert read(kind, record, [], wonde_lookups) == SlotReadBack(None, True)
    still_there = {"id": path.rpartition("/")[2]}
    assert read(kind, record, [still_there], wonde_lookups) == SlotReadBack(f"the {noun}", False)


def test_no_reading_says_a_name_or_a_comment(wonde_records: Records, wonde_lookups: LookupView) -> None:
    """What is there instead is told to support staff and kept in logs."""
    secret = "Amelia Abbess"
    rows = {
        "achievement.create": achievement(comment=secret, points=1, total_points=1),
        "detention_attendance.set": entry(comment=secret),
        "student_absence.create": away(comment=secret, reason=secret),
        "employee_absence.update": changed_absence(absence_note=secret),
    }
    for kind, row in rows.items():
        assert secret not in repr(read(kind, wonde_records[kind], [row], wonde_lookups))
