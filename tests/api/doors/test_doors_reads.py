"""Reads through the drop-in endpoints: who may, what passes, and everything that an app has no business with."""

import json
from typing import Any

import httpx
import pytest
from sqlmodel import select

from writeback.core.errors import Overloaded
from writeback.domain.access import Scope
from writeback.flow.dropin.reads import Question
from writeback.store.tables import AuditRow

pytestmark = pytest.mark.sqlite_first
READ = Scope.MIS_READ.value
OTHER_LISTS = [
    *("contacts", "doctors", "medical-conditions", "medical-events", "medical-notes", "photos", "exclusions"),
    *("aspects", "results", "students-pre-admission", "student-leavers", "employee-absences", "counts", "events"),
    *("attendance/absence", "attendance-summaries", "groups", "deletions", "permissions", "students/x/contacts"),
    *("students%2F..%2Fcontacts", "students/..%2fcontacts", "students/%2e%2e/contacts", "students/%2e%2e"),
    *("students%252f..%252fcontacts", "students/A1%3Finclude=contacts", "students/A1%23", "students;a=b"),
    *("contacts/", "//contacts", "Contacts", "students/A1%0d%0aX:y", "students/{estab}", "students/*"),
    *("attendance-codes/A1", "rooms/../contacts", "students/A1/../../contacts"),
]
WIDENING = [
    *("include=contacts", "include=education_details,contacts", "include=contacts.contact_details"),
    *("include=education_details%2Cmedical_conditions", "include=%20contacts", "include=sen_needs"),
    *("include=classes.students", "include=year.employees", "Include=contacts", "include[]=contacts"),
    *("include=year&include=contacts", "include=year&INCLUDE=contacts", "include=YEAR", "include=*"),
    *("only_upns=N823432113104", "user_defined_field=fsm", "only_user_defined_fields=x", "aspect_id=1"),
    *("per_page=0", "per_page=100000", "per_page=-1", "page=1.5", "page=%D9%A1", "updated_after=now"),
    *("updated_after=2026-01-01%26include=contacts", "scopes=all", "&&a=b"),
]
NOT_FOR_APPS = [
    *("StudentContacts", "Contacts", "PersonComms", "Photos", "SEN", "MedicalConditions", "AttendanceForDateRange"),
    *("StudentsExtended", "Exclusions", "Groups", "Students/1/Contacts", "Students%2F..%2FContacts", "Students/.."),
    *(
        "Students?options=includePhotos",
        "Students?options=includeGroupIds,includeComms",
        "Students?includeComms=true",
    ),
    *("Students?OPTIONS=includeSiblingsList", "Students?includeLeavers=1", "Students?studentStatus=Leaver"),
    *("Students?options=includeGroupIds&Options=includePhotos", "Students?callbackUrl=https://evil.example"),
    *("Students?select=DateOfBirth", "Students?select=Id,UPN", "Students?select=DateOfBirth%20as%20Forename"),
    *("Students?select=Forename%20as%20Id", "Staff?options=includeHierarchy", "Staff?includePrevious=true"),
    *(
        "Students?filter=FSM%20eq%201",
        "Students?changedRows=%22x",
        "Students?pageSize=100011",
        "Students/1%20or%201",
    ),
    *("AttendanceForDate?id=1%26includePhotos=1", "ConductLookups?conductType=All"),
]


@pytest.fixture
async def wonde(make_world: Any) -> Any:
    return await _reading(await make_world("wonde"))


@pytest.fixture
async def xporter(make_world: Any) -> Any:
    return await _reading(await make_world("xporter"))


async def _reading(world: Any) -> Any:
    world.services.settings.doors.reads = True
    world.key = await world.make_key("submit", READ)
    return world


async def _get(world: Any, path: str, key: str = "", host: str = "") -> httpx.Response:
    """Ask with the path as it stands: `{school}` for the school, nothing decoded and nothing normalised."""
    raw = path.replace("{school}", world.estab).encode()
    headers = {"Authorization": f"Bearer {key or world.key}", **({"Host": host} if host else {})}
    request = httpx.Request("GET", world.http.base_url.copy_with(raw_path=raw), headers=headers)
    return await world.http.send(request)  # type: ignore[no-any-return]


async def _post(world: Any, path: str, body: Any) -> httpx.Response:
    url, headers = f"/wonde/v1.0/schools/{world.estab}/{path}", {"Authorization": f"Bearer {world.key}"}
    return await world.http.post(url, content=json.dumps(body), headers=headers)  # type: ignore[no-any-return]


async def _asked(world: Any) -> int:
    """How often the provider was called."""
    return len([row for row in (await world.ask("ledger"))["requests"] if row["method"] == "GET"])


async def test_pupils_come_with_names_and_without_anything_else_about_them(wonde: Any) -> None:
    answer = await _get(wonde, "/wonde/v1.0/schools/{school}/students?per_page=2")

    body = answer.json()
    assert answer.status_code == 200
    assert set().union(*body["data"]) == {
        *("id", "mis_id", "initials", "surname", "forename", "restored_at", "created_at", "updated_at"),
    }
    assert "contacts" not in body["meta"]["includes"]
    one = await _get(wonde, f"/v1.0/schools/{{school}}/students/{body['data'][0]['id']}")
    assert one.json()["data"] == body["data"][0]


async def test_wondes_other_lists_are_refused_before_wonde_is_asked(wonde: Any) -> None:
    before = await _asked(wonde)

    for path in OTHER_LISTS:
        answer = await _get(wonde, f"/wonde/v1.0/schools/{{school}}/{path}")
        assert (answer.status_code, set(answer.json())) == (403, {"error", "message"}), path
    assert await _asked(wonde) == before


async def test_filters_and_includes_that_widen_are_refused(wonde: Any) -> None:
    before = await _asked(wonde)

    for query in WIDENING:
        answer = await _get(wonde, f"/wonde/v1.0/schools/{{school}}/students?{query}")
        assert answer.status_code in (400, 403), query
        assert set(answer.json()) == {"error", "message"}, query
    assert await _asked(wonde) == before


async def test_what_is_not_for_apps_is_refused_by_xporters_endpoint(xporter: Any) -> None:
    before = await _asked(xporter)

    for path in NOT_FOR_APPS:
        answer = await _get(xporter, f"/xporter/api/v1/School/{{school}}/{path}")
        assert answer.json()["ExceptionMessage"], path
        assert set(answer.json()) == {"Message", "ExceptionType", "ExceptionMessage", "InnerException"}, path
    assert await _asked(xporter) == before


async def test_comments_and_other_free_texts_do_not_pass(wonde: Any) -> None:
    code = next(row["id"] for row in await wonde.rows("attendance_codes") if row["code"] == "L")
    mark = {"student_id": wonde.pupils[0], "attendance_code_id": code, "date": wonde.today, "session": "AM"}
    await _post(wonde, "attendance/session", {"attendance": [{**mark, "comment": "was at the clinic"}]})
    assert await wonde.settle() == ["confirmed"]

    marks = await _get(wonde, "/v1.0/schools/{school}/attendance/session")

    assert wonde.pupils[0] in marks.text
    assert "comment" not in marks.text
    assert "clinic" not in marks.text


async def test_xporters_pupils_and_marks_come_without_notes_and_hashes(xporter: Any) -> None:
    students = await _get(xporter, "/api/v1/School/{school}/Students/?options=includeGroupIds&pageSize=3")
    marks = await _get(xporter, f"/API/V1/school/{{school}}/attendancefordate?date={xporter.today}&pageSize=3")

    assert len(students.json()["Students"]) == 3
    assert not {"Gender", "UPN", "DateOfBirth", "AdmissionNo", "RowHash"} & set(students.json()["Students"][0])
    assert {"Forename", "Surname", "RegGroup"} <= set(students.json()["Students"][0])
    assert set(marks.json()["AttendMarks"][0]) == {
        *("Id", "Date", "InstanceId", "StudentId", "Mark", "MinsLate", "Type", "Session"),
    }


async def test_reads_are_off_until_a_setting_says_otherwise(wonde: Any) -> None:
    wonde.services.settings.doors.reads = False
    before = await _asked(wonde)

    students = await _get(wonde, "/wonde/v1.0/schools/{school}/students")
    schools = await _get(wonde, "/wonde/v1.0/schools")

    assert (students.status_code, students.json()["error"]) == (403, "forbidden")
    assert [row["id"] for row in schools.json()["data"]] == [wonde.estab]  # from what we know ourselves
    assert await _asked(wonde) == before


@pytest.mark.parametrize("scopes", [["submit", "read"], ["admin"], ["support", "read"]])
async def test_no_other_scope_brings_reading_with_it(wonde: Any, scopes: list[str]) -> None:
    key = await wonde.make_key(*scopes)

    answer = await _get(wonde, "/wonde/v1.0/schools/{school}/students", key)

    assert answer.status_code == 403
    assert READ in answer.json()["message"]


async def test_a_key_of_some_kinds_reads_no_lists_of_others(wonde: Any) -> None:
    made = await wonde.services.keys.create("Registers", "", [Scope.MIS_READ], None, kinds=["attendance.session"])

    statuses = {
        path: (await _get(wonde, f"/wonde/v1.0/schools/{{school}}/{path}", made.key)).status_code
        for path in (
            "students",
            "attendance-codes",
            "attendance/session",
            "behaviours",
            "detentions",
            "attendance/lesson",
        )
    }

    assert statuses == {
        **dict.fromkeys(("students", "attendance-codes", "attendance/session"), 200),
        **dict.fromkeys(("behaviours", "detentions", "attendance/lesson"), 403),
    }


async def test_another_school_is_not_read_whatever_its_token_reaches(wonde: Any) -> None:
    other = await wonde.control.post("/_sandbox/schools", json={"provider": "wonde", "pupils": 5})
    await wonde.add_school("other", other.json(), "wonde")
    key, there = await wonde.make_key(READ, "read", schools=["hillside"]), other.json()["provider_school_id"]

    own = await _get(wonde, "/wonde/v1.0/schools", key)
    answers = [
        await _get(wonde, f"/wonde/v1.0/schools/{school}{path}", key)
        for school in (there, "other", f"{wonde.estab},{there}", f"{wonde.estab}%2F..%2F{there}", "..", "all")
        for path in ("", "/students")
    ]

    assert [row["id"] for row in own.json()["data"]] == [wonde.estab]
    assert {answer.status_code for answer in answers} == {403}
    both = await _get(wonde, "/wonde/v1.0/schools?per_page=1", await wonde.make_key("submit"))
    assert len(both.json()["data"]) == 1
    following = both.json()["meta"]["pagination"]["next"]
    assert (await _get(wonde, following.partition(wonde.http.base_url.netloc.decode())[2])).status_code == 200


async def test_a_token_of_one_school_reads_no_other(xporter: Any) -> None:
    other = await xporter.control.post("/_sandbox/schools", json={"provider": "xporter", "pupils": 5})
    await xporter.add_school("other", other.json(), "xporter")
    asked = {"estab": xporter.estab, "relyingParty": "app.example", "password": xporter.key}
    got = await xporter.http.post("/idaas/sts/STS/GetToken", json={**asked, "thirdpartyid": "XporterOnDemand"})
    headers = {"Authorization": f"Idaas {got.json()['token']}"}

    for school in (other.json()["provider_school_id"], "other", "hillside,other"):
        answer = await xporter.http.get(f"/api/v1/School/{school}/Students", headers=headers)
        assert answer.json()["ExceptionMessage"], school
    mine = await xporter.http.get(f"/api/v1/School/{xporter.estab}/Students", headers=headers)
    assert "Students" in mine.json()


async def test_a_key_that_only_reads_gets_a_token_and_writes_nothing(xporter: Any) -> None:
    key = await xporter.make_key(READ)
    asked = {"estab": xporter.estab, "relyingParty": "app.example", "password": key, "thirdpartyid": "XporterOnDemand"}
    got = (await xporter.http.post("/idaas/sts/STS/GetToken", json=asked)).json()
    headers = {"Authorization": f"Idaas {got['token']}"}

    details = (await xporter.http.get("/api/v1/TokenDetails", headers=headers)).json()
    refused = await xporter.http.post(f"/api/v1/AttendanceAsync/{xporter.estab}", json={"Marks": [{}]}, headers=headers)

    assert not [scope for scope in details["Scopes"] if scope.startswith("Writeback")]
    assert "submit" in refused.json()["ExceptionMessage"]


@pytest.mark.both_databases
async def test_who_reads_what_is_written_down_once_an_hour(wonde: Any) -> None:
    for page in (1, 2, 3):
        await _get(wonde, f"/wonde/v1.0/schools/{{school}}/students?per_page=20&page={page}")
    await _get(wonde, "/wonde/v1.0/schools/{school}/rooms")
    await _get(wonde, "/wonde/v1.0/schools/{school}/contacts")

    async with wonde.flow.db.read() as session:
        lines = (await session.exec(select(AuditRow).where(AuditRow.action == "mis.read").order_by(AuditRow.id))).all()
    assert [(line.subject, line.school, line.app) for line in lines] == [
        ("students", "hillside", "registers"),
        ("rooms", "hillside", "registers"),
    ]
    assert all(line.actor.startswith("app:registers/key:") for line in lines)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "503"}, 503),
        ({"kind": "status", "status": 429, "retry_after": 7}, 503),
        ({"kind": "status", "status": 401}, 503),  # the service's own token: never as if the app's key were wrong
        ({"kind": "status", "status": 403}, 403),
        ({"kind": "status", "status": 404}, 404),
        ({"kind": "status", "status": 500}, 503),
        ({"kind": "invalid_json"}, 503),
        ({"kind": "empty"}, 503),
        ({"kind": "reset_before"}, 503),
        ({"kind": "redirect", "location": "http://evil.example/x"}, 503),
    ],
)
async def test_trouble_with_the_provider_is_told_in_wondes_shape(
    wonde: Any, fault: dict[str, Any], status: int
) -> None:
    await wonde.order("faults", **fault, path="students", method="GET")

    answer = await _get(wonde, "/wonde/v1.0/schools/{school}/students")

    assert (answer.status_code, set(answer.json())) == (status, {"error", "message"}), answer.text
    assert (status == 503) == ("retry-after" in answer.headers)
    assert wonde.school["credentials"]["token"] not in answer.text


async def test_the_next_page_is_here_even_where_the_provider_names_another_place(wonde: Any) -> None:
    await wonde.order("faults", kind="next_elsewhere", location="https://evil.example", path="students", method="GET")

    answer = await _get(wonde, "/wonde/v1.0/schools/{school}/students?per_page=2&include=registration")

    base = str(wonde.http.base_url).rstrip("/")
    following = answer.json()["meta"]["pagination"]["next"]
    assert following.startswith(f"{base}/wonde/v1.0/schools/{wonde.estab}/students/?")
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["evil.example/x", 'a"b', "a b", "<x>"])
async def test_a_host_that_can_be_none_is_in_no_link(wonde: Any, host: str) -> None:
    answer = await _get(wonde, "/wonde/v1.0/schools/{school}", host=host)

    if answer.status_code == 200:  # a server may refuse it before us
        assert answer.json()["data"]["region"]["domain"] == wonde.http.base_url.netloc.decode()


async def test_links_are_encrypted_where_the_services_own_address_is(wonde: Any) -> None:
    wonde.services.settings.public_url = "https://writeback.example"

    answer = await _get(wonde, "/wonde/v1.0/schools/{school}/students?per_page=2", host="w.example")

    assert answer.json()["meta"]["pagination"]["next"].startswith("https://w.example/wonde/v1.0/schools/")


async def test_more_reads_than_may_be_under_way_are_told_to_come_again(wonde: Any) -> None:
    reads = wonde.services.reads_of_apps
    caller = await wonde.services.keys.authenticate(wonde.key)
    reads._under_way = wonde.services.settings.doors.reads_at_once

    with pytest.raises(Overloaded):
        await reads.ask(caller, "hillside", Question("students", "/schools/{school}/students"))


async def test_an_unknown_path_is_answered_in_the_providers_shape(wonde: Any) -> None:
    for path in ("/wonde", "/wonde/", "/wonde/v2/x", "/v1.0", "/v1.0/meta/schools/{school}", "/wonde/v1.0/nothing"):
        answer = await _get(wonde, path)
        assert set(answer.json()) == {"error", "message"}, path
        assert answer.status_code in (403, 404)
    for path in ("/xporter", "/api/v1/Logs", "/api/v2/x", "/idaas/x", "/api/XporterOnDemand/GetXodSchools"):
        answer = await _get(wonde, path)
        assert answer.json()["ExceptionMessage"], path


async def test_the_codes_of_all_schools_come_from_one_of_the_keys(wonde: Any) -> None:
    answer = await _get(wonde, "/v1.0/attendance-codes/")

    assert {"/", "L"} <= {row["code"] for row in answer.json()["data"]}
    assert answer.json()["meta"]["pagination"]["more"] is False


async def test_a_warning_about_what_was_kept_is_in_a_header(wonde: Any) -> None:
    code = next(row["id"] for row in await wonde.rows("attendance_codes") if row["code"] == "L")
    mark = {"student_id": wonde.pupils[0], "attendance_code_id": code, "date": wonde.today, "session": "AM"}

    answer = await _post(wonde, "attendance/session", {"attendance": [mark]})

    (warning,) = json.loads(answer.headers["x-writeback-warnings"])
    assert answer.status_code == 200
    assert (warning["field"], warning["code"]) == ("attendance.0.minutes_late", "late_without_minutes")


async def test_errors_name_wondes_fields_and_values(wonde: Any) -> None:
    absence = {"student_id": wonde.pupils[0], "start_at": f"{wonde.today} 08:00:00", "event_type": "arrive"}

    answer = await _post(wonde, "attendance/absence", {"absence": [{**absence, "absence_type": "Sickness"}]})

    (said,) = answer.json()["absence.0.event_type"]
    assert said.startswith("event_type is arrive: send 'sign in', 'sign out' or 'all day absence'")
