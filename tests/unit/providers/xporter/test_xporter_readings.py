"""What the MIS holds of achievements, behaviour and detentions, beside what was sent."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from writeback.domain.kinds import KINDS
from writeback.domain.lookups import LookupView
from writeback.domain.near_matches import Compared
from writeback.domain.outcome import Found, SlotReadBack
from writeback.providers.base import SentRequest
from writeback.providers.xporter.readings import Reader, reader_of
from writeback.providers.xporter.readings.base import first_seen

SENT_AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
AFTER, BEFORE = "2026-01-12T09:00:05.120", "2026-01-12T08:30:00.000"
RECORD = {
    "employee_id": "1",
    "date": "2026-01-12",
    "type": "7",
    "status": "UNR",
    "location": "CORR",
    "comment": "Pushed\nhard",
    "students": [{"student_id": "9919", "points": 10, "role": "PT"}, {"student_id": "9920", "points": 5}],
}


def reader(kind: str) -> Reader:
    found = reader_of(KINDS[kind])
    assert found is not None
    return found


def read(
    kind: str, record: Mapping[str, Any], body: Any, lookups: LookupView, mis: str = "SIMS"
) -> SlotReadBack | None:
    sent = SentRequest("req_1", KINDS[kind], [KINDS[kind].record(**record)], "T1", SENT_AT)
    assert reader(kind).is_answer(KINDS[kind], body)
    return reader(kind).read(sent, [body], lookups, mis).get(0)


def differs(reading: SlotReadBack | None) -> list[str] | None:
    """Return in which fields the one thing that is nearly the record differs; None where there is none."""
    assert reading is not None
    assert not reading.matches
    assert reading.found == ()
    (near,) = reading.near or (None,)
    assert reading.value == (near and f"one like it with other {', '.join(near.differing)}")
    return near and near.differing


def questions(kind: str, *records: Mapping[str, Any]) -> list[Mapping[str, str]]:
    sent = SentRequest("req_1", KINDS[kind], [KINDS[kind].record(**one) for one in records], "T1", SENT_AT)
    return [question.params for question in reader(kind).questions(sent, LookupView())]


def incident(mis_id: Any = 4000, **changes: Any) -> dict[str, Any]:
    return {
        "Id": mis_id,
        "ConductId": f"Beh.{mis_id}",
        "BehaviourType": "Assault",
        "Date": "2026-01-12",
        "Activity": None,
        "Status": "Unresolved",
        "Location": "Corridor",
        "RecordedBy": "Mr A Blacker",
        "Description": "pushed  hard",
        "LastUpdated": AFTER,
        **changes,
    }


def behaviours(*rows: dict[str, Any], **students: dict[str, Any]) -> dict[str, Any]:
    held = [
        {"BehaviourId": row["Id"], "StudentId": 9919, "Points": 10, "Role": "Participant", **students.get("one", {})}
        for row in rows
    ]
    held += [{"BehaviourId": row["Id"], "StudentId": 9920, "Points": 5, **students.get("two", {})} for row in rows]
    return {"Behaviour": list(rows), "StudentBehaviour": held, "StaffBehaviour": []}


def test_an_incident_is_found_by_its_content(xporter_lookups: LookupView) -> None:
    found = read("behaviour.create", RECORD, behaviours(incident()), xporter_lookups)
    assert found == SlotReadBack(None, True, (Found("4000", datetime(2026, 1, 12, 9, 0, 5, 120_000, tzinfo=UTC)),))


def test_an_achievement_is_found_in_a_table_of_either_name(xporter_lookups: LookupView) -> None:
    students = [{"AchievementId": 7, "StudentId": 9919, "Points": "1", "Outcome": "Commended", "OutcomeCode": "COM"}]
    record = {"employee_id": "1", "date": "2026-01-12", "type": "NYPA"}
    record["students"] = [{"student_id": "9919", "points": 1, "outcome": "1"}]  # type: ignore[assignment]
    for table in ("Achievements", "achievementfordaterange"):
        row = {"Id": 7, "AchievementType": "Musical Activity", "Date": "2026-01-12T00:00:00"}
        body = {table: [row], "StudentAchievements": students}
        assert read("achievement.create", record, body, xporter_lookups) == SlotReadBack(None, True, (Found("7"),))


@pytest.mark.parametrize(
    ("changed", "differing"),
    [
        ({"LastUpdated": f"{SENT_AT:%Y-%m-%dT%H:%M:%S}"}, ["date"]),
        ({"LastUpdated": ""}, None),
        ({"LastUpdated": "2026-01-09T12:00:00"}, None),
        ({"LastUpdated": f"{SENT_AT:%Y-%m-%dT%H:%M:%S}", "Description": "reworded as well"}, None),
    ],
)
def test_an_incident_of_another_day_is_nearly_it_if_nothing_else_differs_and_it_is_newer(
    changed: dict[str, str], differing: list[str] | None, xporter_lookups: LookupView
) -> None:
    found = read("behaviour.create", RECORD, behaviours(incident(Date="2026-01-13", **changed)), xporter_lookups)
    assert found is not None
    assert not found.matches
    assert [near.differing for near in found.near] == ([] if differing is None else [differing])


def test_an_incident_of_other_pupils_is_not_it(xporter_lookups: LookupView) -> None:
    body = behaviours(incident(), one={"StudentId": 9922}, two={"StudentId": 9921})
    assert read("behaviour.create", RECORD, body, xporter_lookups) == SlotReadBack(None, False)


def test_an_incident_of_some_of_its_pupils_is_nearly_it(xporter_lookups: LookupView) -> None:
    reading = read("behaviour.create", RECORD, behaviours(incident(), two={"StudentId": 9921}), xporter_lookups)
    assert differs(reading) == ["students"]
    assert reading is not None
    (near,) = reading.near
    assert Compared("students", "9919, 9920", "9919, 9921", differs=True) in near.fields
    assert Compared("type", "7", "ASLT", differs=False) in near.fields
    assert Compared("comment", None, None, differs=False) in near.fields


@pytest.mark.parametrize(
    ("row", "one", "others"),
    [
        ({"BehaviourType": "Disruption"}, {}, "type"),
        ({"Description": "<p>Pushed</p> hard&nbsp;"}, {}, None),
        ({"Description": "Something else"}, {}, "comment"),
        ({"Status": "Resolved"}, {}, "status"),
        ({}, {"Points": 9}, "points"),
        ({}, {"Role": "Victim"}, "role"),
        ({"Location": None, "Description": None, "Status": None}, {}, "status, location"),
    ],
)
def test_what_is_nearly_it_is_told_without_its_words(
    row: dict[str, Any], one: dict[str, Any], others: str | None, xporter_lookups: LookupView
) -> None:
    found = read("behaviour.create", RECORD, behaviours(incident(**row), one=one), xporter_lookups)
    if others is None:
        assert found is not None
        assert found.matches
    else:
        assert differs(found) == others.split(", ")


def test_what_was_there_before_is_not_ours(xporter_lookups: LookupView) -> None:
    same = behaviours(incident(LastUpdated=BEFORE))
    near = behaviours(incident(LastUpdated=BEFORE, Status="Resolved"))

    seen_before = Found("4000", datetime(2026, 1, 12, 8, 30, tzinfo=UTC))
    assert read("behaviour.create", RECORD, same, xporter_lookups) == SlotReadBack(None, False, (seen_before,))
    assert read("behaviour.create", RECORD, near, xporter_lookups) == SlotReadBack(None, False)


def test_all_that_are_the_same_are_found(xporter_lookups: LookupView) -> None:
    found = read("behaviour.create", RECORD, behaviours(incident(4000), incident("4001")), xporter_lookups)
    assert found is not None
    assert found.matches
    assert [one.mis_id for one in found.found] == ["4000", "4001"]


def test_comments_that_are_not_shown_are_not_compared(xporter_lookups: LookupView) -> None:
    found = read("behaviour.create", RECORD, behaviours(incident(Description=None)), xporter_lookups)
    assert found is not None
    assert found.matches


def test_what_has_no_comment_is_not_one_with_a_comment(xporter_lookups: LookupView) -> None:
    found = read("behaviour.create", {**RECORD, "comment": None}, behaviours(incident()), xporter_lookups)
    assert differs(found) == ["comment"]


def test_a_type_that_is_in_no_list_now_cannot_be_told(xporter_lookups: LookupView) -> None:
    assert read("behaviour.create", {**RECORD, "type": "?"}, behaviours(incident()), xporter_lookups) is None


@pytest.mark.parametrize(
    ("pupils", "expected"),
    [
        ([9919, 9920], (True, ["B1", "B2"], None)),
        ([9919, 9920, 9919], (True, ["B1", "B2"], None)),
        ([9920], (False, [], "one like it with other students")),
        ([], (False, [], None)),
    ],
)
def test_bromcoms_record_for_each_pupil_is_counted_together(
    pupils: list[int], expected: tuple[bool, list[str], str | None], xporter_lookups: LookupView
) -> None:
    points = {9919: 10, 9920: 5}
    body = {
        "Behaviour": [incident(f"B{place + 1}") for place in range(len(pupils))],
        "StudentBehaviour": [
            {"BehaviourId": f"B{place + 1}", "StudentId": pupil, "Points": points[pupil], "Role": "Participant"}
            for place, pupil in enumerate(pupils)
        ],
    }

    found = read("behaviour.create", RECORD, body, xporter_lookups, "Bromcom")

    assert found is not None
    ids = [mis_id for one in found.found for mis_id in (one.mis_id, *one.parts)]
    assert (found.matches, ids, found.value) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "UNR"}, SlotReadBack(None, True, (Found("4000"),))),
        ({"status": "RES"}, SlotReadBack(None, False)),
        ({"status": "RES", "location": "CORR"}, SlotReadBack("it with other status", False)),
        ({"students": [{"student_id": "9919", "points": 10}]}, SlotReadBack(None, True, (Found("4000"),))),
        ({"students": [{"student_id": "9919", "points": 11}]}, SlotReadBack(None, False)),
        ({"students": [{"student_id": "9920"}]}, SlotReadBack(None, True, (Found("4000"),))),
        ({"students": [{"student_id": "1"}], "comment": "Pushed hard"}, SlotReadBack("it with other students", False)),
        ({"remove_students": ["1"]}, SlotReadBack(None, True, (Found("4000"),))),
        ({"remove_students": ["9919"]}, SlotReadBack(None, False)),
        ({"remove_staff": ["23"]}, SlotReadBack(None, False)),
        ({"staff": [{"employee_id": "23"}]}, SlotReadBack(None, True, (Found("4000"),))),
        ({"remove_media": ["5"]}, None),
        ({"bullying_type": "B_INT"}, None),
    ],
)
def test_a_change_is_compared_field_by_field(
    change: dict[str, Any], expected: SlotReadBack | None, xporter_lookups: LookupView
) -> None:
    body = behaviours(incident()) | {"StaffBehaviour": [{"BehaviourId": 4000, "StaffId": 23}]}
    assert read("behaviour.update", {"behaviour_id": "4000", **change}, body, xporter_lookups) == expected


def test_a_change_of_what_is_not_there_is_not_there(xporter_lookups: LookupView) -> None:
    found = read("behaviour.update", {"behaviour_id": "1", "status": "RES"}, behaviours(incident()), xporter_lookups)
    assert found == SlotReadBack(None, False)


def test_what_is_new_is_asked_for_by_the_days_around_and_what_is_changed_by_id() -> None:
    assert questions("behaviour.create", RECORD, RECORD, {**RECORD, "date": "2026-03-13"}) == [
        {"DateFrom": "2025-12-29", "DateTo": "2026-01-26"},
        {"DateFrom": "2026-02-27", "DateTo": "2026-03-27"},
    ]
    assert questions("behaviour.create", RECORD, {**RECORD, "date": "2026-01-15"}) == [
        {"DateFrom": "2025-12-29", "DateTo": "2026-01-29"},
    ]
    (asked,) = questions("achievement.update", {"achievement_id": "5", "comment": "x"})
    assert asked["id"] == "5"
    assert asked["DateFrom"] < "2025" < "2026-12" < asked["DateTo"]


def test_no_comment_and_no_name_stands_in_a_reading(xporter_lookups: LookupView) -> None:
    found = read("behaviour.create", RECORD, behaviours(incident(Description="secret words")), xporter_lookups)
    assert "secret" not in repr(found)
    assert "Blacker" not in repr(found)


@pytest.mark.parametrize(
    ("stamp", "created_at", "was_before"),
    [
        ("2026-07-01T08:57:00", datetime(2026, 7, 1, 8, 57, tzinfo=UTC), True),
        ("2026-07-01T09:30:00", None, False),  # 8:30 in London's time, 9:30 in UTC
        ("2026-07-01T10:30:00", datetime(2026, 7, 1, 9, 30, tzinfo=UTC), False),
        ("2026-07-01T08:59:00", None, False),  # clocks differ
        ("", None, False),
        ("soon", None, False),
    ],
)
def test_a_stamp_proves_what_it_proves_in_both_zones(stamp: str, created_at: datetime | None, was_before: bool) -> None:
    assert first_seen(stamp, datetime(2026, 7, 1, 9, 0, tzinfo=UTC)) == (created_at, was_before)


# Detentions.

DETENTION = {
    "type": "SLTD",
    "location": "1",
    "date": "2026-01-16",
    "start_time": "15:20",
    "supervisor_id": "23",
    "staff_ids": ["26"],
    "students": [{"student_id": "9919", "attendance": "ATT", "comment": "Book bag"}],
}


def detentions(students: Mapping[int, Mapping[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    row = {
        "Id": 1471,
        "DetentionTypeId": 24,
        "LocationId": 1,
        "DetentionDate": "2026-01-16",
        "StartTime": "15:20",
        "EndTime": "15:50",
        "AssignedStaffId": 23,
        "RecordedByStaffId": 1,
        **changes,
    }
    held = {9919: {"AttendedId": 2, "Comments": "book bag"}} if students is None else students
    return {
        "Detentions": [row],
        "DetentionStudents": [
            {"Id": 1744 + at, "DetentionId": 1471, "StudentId": student, **fields}
            for at, (student, fields) in enumerate(held.items())
        ],
        "DetentionOtherStaff": [{"Id": 10, "DetentionId": 1471, "StaffId": 26}],
    }


def test_a_detention_is_found_by_its_content(xporter_lookups: LookupView) -> None:
    found = read("detention.create", DETENTION, detentions(), xporter_lookups)
    assert found == SlotReadBack(None, True, (Found("1471"),))


@pytest.mark.parametrize(
    ("row", "others"),
    [
        ({"DetentionTypeId": 25}, ["type"]),
        ({"LocationId": 2}, ["location"]),
        ({"DetentionDate": "2026-01-17"}, None),
        ({"StartTime": "12:00:00"}, ["start_time"]),
        ({"StartTime": "12:00:00", "RecordedDate": "2026-01-11"}, None),
        ({"StartTime": "12:00:00", "RecordedDate": "2026-01-12"}, ["start_time"]),
    ],
)
def test_another_detention_is_not_it_and_is_nearly_it_unless_it_was_there_before(
    row: dict[str, Any], others: list[str] | None, xporter_lookups: LookupView
) -> None:
    assert differs(read("detention.create", DETENTION, detentions(**row), xporter_lookups)) == others


@pytest.mark.parametrize(
    ("students", "row", "others"),
    [
        ({9919: {"AttendedId": 1, "Comments": "Book bag"}}, {}, ["attendance"]),
        (None, {"AssignedStaffId": None}, ["supervisor_id"]),
        ({9919: {"AttendedId": 2, "Comments": "Book bag"}, 9920: {}}, {}, ["students"]),
        ({}, {}, ["students"]),
        ({9920: {}}, {}, None),
    ],
)
def test_a_detention_that_is_nearly_it_is_for_a_person(
    students: Any, row: dict[str, Any], others: list[str] | None, xporter_lookups: LookupView
) -> None:
    assert differs(read("detention.create", DETENTION, detentions(students, **row), xporter_lookups)) == others


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"end_time": "15:50"}, SlotReadBack(None, True, (Found("1471"),))),
        ({"end_time": "16:00"}, SlotReadBack(None, False)),
        ({"end_time": "16:00", "location": "HALL"}, SlotReadBack("it with other end_time", False)),
        ({"remove_students": ["9919"]}, SlotReadBack(None, False)),
        ({"remove_staff": ["27"], "students": [{"student_id": "9919"}]}, SlotReadBack(None, True, (Found("1471"),))),
        ({"recorded_date": "2026-01-16"}, None),
    ],
)
def test_a_change_of_a_detention_is_compared_field_by_field(
    change: dict[str, Any], expected: SlotReadBack | None, xporter_lookups: LookupView
) -> None:
    assert read("detention.update", {"detention_id": "1471", **change}, detentions(), xporter_lookups) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"student_id": "9919", "attendance": "ATT"}, SlotReadBack(None, True, (Found("1744"),))),
        ({"student_id": "9919", "reason": "LI"}, SlotReadBack("an entry with other reason", False)),
        ({"student_id": "9920", "attendance": "ATT"}, SlotReadBack(None, False)),
    ],
)
def test_an_entry_is_compared_by_what_was_given(
    record: dict[str, Any], expected: SlotReadBack, xporter_lookups: LookupView
) -> None:
    given = {"detention_id": "1471", **record}
    assert read("detention_attendance.set", given, detentions(), xporter_lookups) == expected


@pytest.mark.parametrize(
    ("student", "expected"),
    [("9919", SlotReadBack("the pupil's entry", False)), ("9920", SlotReadBack(None, True))],
)
def test_an_entry_is_removed_when_it_is_gone(student: str, expected: SlotReadBack, xporter_lookups: LookupView) -> None:
    given = {"detention_id": "1471", "student_id": student}
    assert read("detention_attendance.delete", given, detentions(), xporter_lookups) == expected


def test_entries_are_asked_for_by_pupil() -> None:
    marks = [{"detention_id": "1", "student_id": student} for student in ("9919", "9920", "9919")]
    asked = questions("detention_attendance.set", *marks)

    assert [params["StudentId"] for params in asked] == ["9919", "9920"]
    assert asked[0]["DateFrom"] < SENT_AT.date().isoformat() < asked[0]["DateTo"]
    assert (SENT_AT - timedelta(days=366)).date().isoformat() > asked[0]["DateFrom"]


def test_what_is_raw_cannot_be_read_back() -> None:
    assert reader_of(KINDS["xporter.raw"]) is None
