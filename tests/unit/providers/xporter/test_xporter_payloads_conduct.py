"""What goes to Xporter of achievements, behaviour, detentions, and of what its document does not describe."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from tests.long_run import examples
from writeback.core.settings import XporterSettings
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.base import CannotBuild, ListsMissing
from writeback.providers.xporter.payloads import as_given, build, is_supported, template_of

CALLBACK = "https://writeback.example/hooks/xporter/token?id=req_1&estab=3281102"
MEDIUM = {
    "file_name": "small_tick.png",
    "media_type": "png",
    "description": "Example image",
    "taken_at": "2017-04-26T12:00:00",
    "content": "iVBORw0KGgoRK5CYII=",
}
BEHAVIOUR = {
    "employee_id": "1",
    "date": "2017-02-21",
    "type": "aslt",
    "status": "2",
    "students": [{"student_id": "9919", "points": 10}],
}


def body_of(kind: str, records: list[dict[str, Any]], lookups: LookupView) -> dict[str, Any]:
    parsed = [KINDS[kind].record(**record) for record in records]
    body = dict(build(KINDS[kind], parsed, lookups, path="/a", callback_url=CALLBACK).body)
    name = "xporter/conduct.request" if "Conducts" in body else "xporter/detention.request"
    assert [error.message for error in schemas.validator(name).iter_errors(body)] == []
    assert body.pop("Callback") == {"Method": "POST", "Url": CALLBACK}
    return body


def test_an_achievement_carries_all_that_the_document_has(xporter_lookups: LookupView) -> None:
    record = {
        "employee_id": "1",
        "date": "2017-02-21",
        "type": "4",
        "activity": "re",
        "lesson_id": "44905",
        "comment": "Great piece of work",
        "students": [{"student_id": "9919", "points": 10, "outcome": "COM", "outcome_date": "2017-02-22"}],
        "staff": [{"employee_id": "2", "role": "Wit"}],
        "media": [MEDIUM],
    }

    assert body_of("achievement.create", [record], xporter_lookups) == {
        "Conducts": [
            {
                "Id": 1,
                "IncidentType": "Ach",
                "RecordedById": 1,
                "EntryDate": "2017-02-21",
                "TypeId": 4,
                "ActivityId": 13,
                "Note": "Great piece of work",
            }
        ],
        "Participants": [{"ConductId": 1, "StudentId": 9919, "Points": 10, "OutcomeId": 1}],
        "Staff": [{"ConductId": 1, "StaffId": 2, "StaffRoleId": 3}],
        "MediaFiles": [
            {
                "Id": 1,
                "ConductId": 1,
                "MediaDateTime": "2017-04-26T12:00:00",
                "Description": "Example image",
                "MediaType": "png",
                "FileName": "small_tick.png",
                "MediaBase64": "iVBORw0KGgoRK5CYII=",
            }
        ],
    }


def test_a_behaviour_has_fields_of_its_own(xporter_lookups: LookupView) -> None:
    student = {"student_id": "9919", "points": -2, "role": "PT", "outcome": "DP"}
    given_codes = {"bullying_type": "B_INT", "location": "CORR", "time": "LT", "activity": "LUN"}

    body = body_of("behaviour.create", [{**BEHAVIOUR, **given_codes, "students": [student]}], xporter_lookups)

    assert body["Conducts"] == [
        {
            "Id": 1,
            "IncidentType": "Beh",
            "RecordedById": 1,
            "EntryDate": "2017-02-21",
            "TypeId": 7,
            "ActivityId": 14,
            "StatusId": 2,
            "BullTypeId": 3,
            "LocationId": 5,
            "EntryTimeId": 6,
        }
    ]
    assert body["Participants"] == [{"ConductId": 1, "StudentId": 9919, "Points": -2, "OutcomeId": 2, "RoleId": 1}]


def test_several_incidents_are_counted_from_1_and_media_through_all_of_them(xporter_lookups: LookupView) -> None:
    records = [{**BEHAVIOUR, "media": [MEDIUM, MEDIUM]}, {**BEHAVIOUR, "media": [MEDIUM]}]

    body = body_of("behaviour.create", records, xporter_lookups)

    assert [conduct["Id"] for conduct in body["Conducts"]] == [1, 2]
    assert [student["ConductId"] for student in body["Participants"]] == [1, 2]
    assert [(medium["Id"], medium["ConductId"]) for medium in body["MediaFiles"]] == [(1, 1), (2, 1), (3, 2)]


def test_the_documents_own_update_and_removal_are_built(xporter_lookups: LookupView) -> None:
    changed = {"achievement_id": "3785", "students": [{"student_id": "9919", "points": 11}]}
    removed = {"achievement_id": "3788", "remove_students": ["9919"]}

    assert body_of("achievement.update", [changed], xporter_lookups) == {
        "Conducts": [{"Id": 1, "UpdateId": 3785, "IncidentType": "Ach"}],
        "Participants": [{"ConductId": 1, "Points": 11, "StudentId": 9919}],
    }
    assert body_of("achievement.update", [removed], xporter_lookups) == {
        "Conducts": [{"Id": 1, "UpdateId": 3788, "IncidentType": "Ach"}],
        "Participants": [{"ConductId": 1, "StudentId": -9919}],
    }


def test_staff_and_media_are_removed_by_a_minus_too(xporter_lookups: LookupView) -> None:
    record = {"behaviour_id": "5", "remove_staff": ["23"], "remove_media": ["77"], "status": "RES"}

    assert body_of("behaviour.update", [record], xporter_lookups) == {
        "Conducts": [{"Id": 1, "UpdateId": 5, "IncidentType": "Beh", "StatusId": 9}],
        "Staff": [{"ConductId": 1, "StaffId": -23}],
        "MediaFiles": [{"Id": -77, "ConductId": 1}],
    }


@pytest.mark.parametrize(
    ("given_id", "sent", "removed"),
    [
        ("9919", 9919, -9919),
        ("B78894", "B78894", "-B78894"),
        ("007", "007", "-007"),
        ("9" * 30, "9" * 30, "-" + "9" * 30),
        ("٣", "٣", "-٣"),
        ("0", 0, "-0"),
    ],
)
def test_an_id_is_an_integer_where_it_is_one(
    given_id: str, sent: Any, removed: Any, xporter_lookups: LookupView
) -> None:
    record = {"behaviour_id": given_id, "remove_students": [given_id], "students": [{"student_id": given_id}]}

    body = body_of("behaviour.update", [record], xporter_lookups)

    assert body["Conducts"][0]["UpdateId"] == sent
    assert [student["StudentId"] for student in body["Participants"]] == [sent, removed]


def findings_of(kind: str, record: dict[str, Any], lookups: LookupView) -> dict[int, list[tuple[str, str]]]:
    with pytest.raises(CannotBuild) as caught:
        body_of(kind, [record], lookups)
    return {at: [(one.code, one.pointer) for one in said] for at, said in caught.value.findings.items()}


def test_everything_that_is_in_no_list_is_named_by_its_field(xporter_lookups: LookupView) -> None:
    wrong = {"type": "?", "status": "?", "activity": "?", "location": "?", "time": "?", "bullying_type": "?"}
    students = [BEHAVIOUR["students"][0], {"student_id": "9920", "points": 1, "role": "?", "outcome": "?"}]
    record = {**BEHAVIOUR, **wrong, "students": students, "staff": [{"employee_id": "2", "role": "?"}]}

    assert findings_of("behaviour.create", record, xporter_lookups) == {
        0: [
            ("type_unknown", "/type"),
            ("activity_unknown", "/activity"),
            ("status_unknown", "/status"),
            ("bullying_type_unknown", "/bullying_type"),
            ("location_unknown", "/location"),
            ("time_unknown", "/time"),
            ("behaviour_outcome_unknown", "/students/1/outcome"),
            ("student_role_unknown", "/students/1/role"),
            ("staff_role_unknown", "/staff/0/role"),
        ]
    }


def test_an_attribute_of_another_type_does_not_do(xporter_lookups: LookupView) -> None:
    assert findings_of("behaviour.create", {**BEHAVIOUR, "location": "UNR"}, xporter_lookups) == {
        0: [("location_unknown", "/location")]
    }


@pytest.mark.parametrize(
    ("kind", "record", "missing"),
    [
        ("behaviour.create", BEHAVIOUR, ListName.BEHAVIOUR_ATTRIBUTES),
        ("achievement.update", {"achievement_id": "1", "type": "4"}, ListName.ACHIEVEMENT_ATTRIBUTES),
        ("detention.update", {"detention_id": "1", "location": "HALL"}, ListName.DETENTION_ATTRIBUTES),
    ],
)
def test_a_code_needs_its_list(kind: str, record: dict[str, Any], missing: ListName) -> None:
    with pytest.raises(ListsMissing) as caught:
        body_of(kind, [record], LookupView())
    assert caught.value.lists == {missing}


def test_what_names_no_code_needs_no_list() -> None:
    assert body_of("behaviour.update", [{"behaviour_id": "5", "comment": "Settled"}], LookupView())
    assert body_of("detention_attendance.delete", [{"detention_id": "5", "student_id": "9919"}], LookupView())


# Detentions.

DETENTION = {
    "type": "SLTD",
    "location": "1",
    "date": "2017-02-21",
    "start_time": "15:20",
    "end_time": "15:50",
    "supervisor_id": "23",
    "recorded_date": "2017-02-21",
    "recorded_by_id": "23",
    "staff_ids": ["9919"],
    "students": [
        {
            "student_id": "9919",
            "reason": "LI",
            "attendance": "ATT",
            "non_attendance_reason": "Personal errand",
            "behaviour_id": "1",
            "behaviour_type": "BULL",
            "recorded_by_id": "1",
            "comment": "Biology homework",
        }
    ],
}


def test_a_detention_carries_all_that_the_document_has_and_its_ids_are_text(xporter_lookups: LookupView) -> None:
    assert body_of("detention.create", [DETENTION], xporter_lookups) == {
        "Detentions": [
            {
                "Id": 1,
                "DetentionTypeId": "24",
                "LocationId": "1",
                "DetentionDate": "2017-02-21",
                "StartTime": "15:20",
                "EndTime": "15:50",
                "AssignedStaffId": "23",
                "RecordedDate": "2017-02-21",
                "RecordedByStaffId": "23",
            }
        ],
        "DetentionStudents": [
            {
                "DetentionId": 1,
                "StudentId": "9919",
                "ReasonId": "4",
                "AttendedId": "2",
                "NonAttendanceReason": "Personal errand",
                "BehaviourId": "1",
                "AddedByStaffId": "1",
                "Comments": "Biology homework",
            }
        ],
        "DetentionStaff": [{"DetentionId": 1, "StaffId": "9919"}],
    }


def test_a_detention_is_changed_by_what_is_given(xporter_lookups: LookupView) -> None:
    record = {"detention_id": "3467", "end_time": "16:00", "remove_students": ["9919"], "remove_staff": ["23"]}

    assert body_of("detention.update", [record], xporter_lookups) == {
        "Detentions": [{"Id": 1, "UpdateId": 3467, "EndTime": "16:00"}],
        "DetentionStudents": [{"DetentionId": 1, "StudentId": "-9919"}],
        "DetentionStaff": [{"DetentionId": 1, "StaffId": "-23"}],
    }


def test_entries_of_one_detention_share_its_update(xporter_lookups: LookupView) -> None:
    marks = [
        {"detention_id": "5", "student_id": "1", "attendance": "ATT"},
        {"detention_id": "6", "student_id": "1", "reason": "4"},
        {"detention_id": "5", "student_id": "2", "comment": "Worked well"},
    ]

    assert body_of("detention_attendance.set", marks, xporter_lookups) == {
        "Detentions": [{"Id": 1, "UpdateId": 5}, {"Id": 2, "UpdateId": 6}],
        "DetentionStudents": [
            {"DetentionId": 1, "StudentId": "1", "AttendedId": "2"},
            {"DetentionId": 2, "StudentId": "1", "ReasonId": "4"},
            {"DetentionId": 1, "StudentId": "2", "Comments": "Worked well"},
        ],
    }


def test_an_entry_is_removed_by_a_minus(xporter_lookups: LookupView) -> None:
    record = {"detention_id": "3788", "student_id": "9919"}

    assert body_of("detention_attendance.delete", [record], xporter_lookups) == {
        "Detentions": [{"Id": 1, "UpdateId": 3788}],
        "DetentionStudents": [{"DetentionId": 1, "StudentId": "-9919"}],
    }


@pytest.mark.parametrize("field", ["attendance", "reason"])
def test_an_entry_names_its_own_field(field: str, xporter_lookups: LookupView) -> None:
    code = {"attendance": "detention_attendance_unknown", "reason": "reason_unknown"}[field]
    record = {"detention_id": "5", "student_id": "1", field: "?"}

    assert findings_of("detention_attendance.set", record, xporter_lookups) == {0: [(code, f"/{field}")]}


# What the document does not describe, and what it does not have.


@pytest.mark.parametrize("operation", ["EntityAttributes", "GDPRfilter", "Photos", "SeatingPlan", "Tags"])
def test_a_raw_body_goes_as_it_is(operation: str) -> None:
    body = {"anything": [{"XID": "x", "Homework": None}]}
    record = KINDS["xporter.raw"].record(operation=operation, body=body)

    request = build(KINDS["xporter.raw"], [record], LookupView(), path="/a", callback_url=CALLBACK)

    assert request.body == body
    assert request.kind == "xporter.raw"


def test_users_get_our_callback_unless_they_name_one() -> None:
    kind = KINDS["xporter.raw"]
    own = {"Method": "POST", "Url": "https://app.example"}
    bodies = [
        build(kind, [kind.record(operation="UserAsync", body=body)], LookupView(), path="/a", callback_url=CALLBACK)
        for body in ({"Users": []}, {"Users": [], "callback": own})
    ]

    assert bodies[0].body == {"Users": [], "Callback": {"Method": "POST", "Url": CALLBACK}}
    assert bodies[1].body == {"Users": [], "callback": own}


def test_xporter_takes_what_its_document_has() -> None:
    refused = {name for name, kind in KINDS.items() if not is_supported(kind)}
    assert refused == {
        "achievement.delete",
        "behaviour.delete",
        "detention.delete",
        "student_absence.create",
        "employee_absence.create",
        "employee_absence.update",
        "employee_absence.delete",
    }


def test_what_it_does_not_have_cannot_be_built(xporter_lookups: LookupView) -> None:
    assert findings_of("detention.delete", {"detention_id": "5"}, xporter_lookups) == {
        0: [("writeback_not_supported", "")]
    }


@pytest.mark.parametrize(
    ("kind", "mis", "asynchronous", "synchronous"),
    [
        ("attendance.session", "SIMS", "/api/v1/AttendanceAsync/{estab}/", "/api/v1/Attendance/{estab}/"),
        (
            "achievement.create",
            "SIMS",
            "/api/v1/Writeback/ConductAsync/{estab}/",
            "/api/v1/Writeback/Conduct/{estab}/",
        ),
        ("achievement.create", "Bromcom", *["/api/v1/Writeback/ConductAsync/{estab}/"] * 2),
        ("behaviour.update", "SIMS", *["/api/v1/Writeback/ConductAsync/{estab}/"] * 2),
        ("detention_attendance.set", "SIMS", *["/api/v1/Writeback/DetentionAsync/{estab}/"] * 2),
    ],
)
def test_each_kind_has_its_path(kind: str, mis: str, asynchronous: str, synchronous: str) -> None:
    paths = [template_of(KINDS[kind], [], XporterSettings(use_async=use_async), mis) for use_async in (True, False)]
    assert paths == [asynchronous, synchronous]


def test_each_operation_has_a_path_of_its_own() -> None:
    kind = KINDS["xporter.raw"]
    operations = ("EntityAttributes", "GDPRfilter", "Photos", "SeatingPlan", "TagDefinitions", "Tags", "UserAsync")
    paths = [template_of(kind, [kind.record(operation=name, body={})], XporterSettings(), "") for name in operations]
    assert [path.removeprefix("/api/v1/Writeback/").split("/")[0] for path in paths] == list(operations)


IDS = st.from_regex(r"[A-Z]?[0-9]{1,19}", fullmatch=True)
TEXT = st.none() | st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=500)
STAFF = st.lists(st.builds(dict, employee_id=IDS, role=st.none() | st.just("WIT")), max_size=2)
RECORDS = {
    "behaviour.create": st.builds(
        dict,
        employee_id=IDS,
        date=st.just("2026-01-12"),
        type=st.sampled_from(["7", "dis"]),
        status=st.none() | st.just("UNR"),
        comment=TEXT,
        staff=STAFF,
        students=st.lists(st.builds(dict, student_id=IDS, points=st.integers(-9, 9)), min_size=1, max_size=3),
    ),
    "achievement.update": st.builds(
        dict,
        achievement_id=IDS,
        comment=TEXT,
        staff=STAFF,
        remove_students=st.lists(IDS, max_size=2),
        remove_media=st.lists(IDS, max_size=2),
    ),
    "detention.create": st.builds(
        dict,
        type=st.just("24"),
        location=st.just("HALL"),
        date=st.just("2026-01-12"),
        start_time=st.none() | st.times().map(str),
        students=st.lists(st.builds(dict, student_id=IDS, comment=TEXT), max_size=2),
    ),
    "detention_attendance.set": st.builds(
        dict, detention_id=st.sampled_from(["5", "6"]), student_id=IDS, attendance=st.none() | st.just("att")
    ),
}


@pytest.mark.parametrize("kind", RECORDS)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_built_is_valid_to_the_schema(kind: str, xporter_lookups: LookupView, data: st.DataObject) -> None:
    records = data.draw(st.lists(RECORDS[kind], min_size=1, max_size=3))

    body = body_of(kind, records, xporter_lookups)

    parsed = [KINDS[kind].record(**record) for record in records]
    assert {name: len(rows) for name, rows in as_given(KINDS[kind], parsed).items()} == {
        name: len(rows) for name, rows in body.items()
    }


def test_lists_of_other_kinds_are_not_needed(xporter_lookups: LookupView) -> None:
    without = replace(xporter_lookups, achievement_attributes=None, detention_attributes=None, attendance_codes=None)
    assert body_of("behaviour.create", [BEHAVIOUR], without)
