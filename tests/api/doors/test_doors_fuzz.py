"""Whatever is sent to a drop-in endpoint, it answers: never with a server's error, and always in the drop-in endpoint's
own shape."""

import json
import random
from typing import Any

import pytest

from tests.long_run import examples, seed_or

WONDE_PATHS = (
    ("POST", "attendance/session"),
    ("POST", "attendance/lesson"),
    ("POST", "achievements"),
    ("POST", "behaviours"),
    ("POST", "detentions"),
    ("POST", "attendance/detention"),
    ("POST", "attendance/absence"),
    ("POST", "employee-absences"),
    ("PUT", "employee-absences/A1"),
    ("DELETE", "behaviours/A1"),
    ("DELETE", "attendance/detention/%00/attendee/A1"),
    ("DELETE", "achievements/" + "9" * 200),
)
_WONDE_FIELDS = (
    *("attendance", "detention", "absence", "employee_absence", "students", "attendees", "student_id", "date"),
    *("session", "attendance_code_id", "minutes_late", "comment", "points", "start_at", "end_at", "working_days"),
    *("event_type", "type", "employee_id", "lesson_id", "room_id", "detention_type_id", "absence_type"),
)
_XPORTER_FIELDS = (
    *("Marks", "Conducts", "Participants", "Staff", "MediaFiles", "Detentions", "DetentionStudents", "DetentionStaff"),
    *("Callback", "Method", "Url", "Id", "UpdateId", "ConductId", "DetentionId", "StudentId", "StaffId", "MarkType"),
    *("Date", "Session", "Mark", "Mins", "Notes", "InstanceId", "IncidentType", "TypeId", "EntryDate", "Points"),
    *("MediaBase64", "MediaDateTime", "DetentionDate", "StartTime", "LocationId"),
)
_VALUES = (
    *(None, True, 0, -1, 7.5, 10**30, "", " ", "S", "L", "Ach", "Beh", "AM", "POST", "-5", "/", "N", "\\", "A1"),
    *("2026-01-12", "2026-01-12 09:00:00", "24:61", "é\u2028😀", "\x00", "x" * 600, [], {}, [[]], {"0": {}}),
)


def _anything(rng: random.Random, fields: tuple[str, ...], depth: int = 0) -> Any:
    choice = rng.random()
    if depth < 4 and choice < 0.5:
        return {
            name: _anything(rng, fields, depth + 1) for name in rng.sample(fields, rng.randint(1, min(9, len(fields))))
        }
    if depth < 4 and choice < 0.75:
        return [_anything(rng, fields, depth + 1) for _ in range(rng.randint(0, 3))]
    return rng.choice(_VALUES)


def _body(rng: random.Random, fields: tuple[str, ...]) -> bytes:
    text = json.dumps(_anything(rng, fields) if rng.random() < 0.2 else _object(rng, fields))
    return text[: rng.randint(0, len(text))].encode() if rng.random() < 0.1 else text.encode()


def _object(rng: random.Random, fields: tuple[str, ...]) -> dict[str, Any]:
    """Lists of objects under their right names: what comes furthest."""
    lists = [name for name in fields if name[:1].isupper() and name.endswith("s")] or list(fields[:6])
    return {
        name: [_anything(rng, fields, 3) if rng.random() < 0.1 else _fields(rng, fields) for _ in range(2)]
        for name in lists
    } | {"Callback": {"Method": "POST", "Url": "https://example.org/?id=1"}}


def _fields(rng: random.Random, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: _anything(rng, fields, 4) for name in rng.sample(fields, min(12, len(fields)))}


@pytest.mark.slow
@pytest.mark.more
async def test_the_wonde_drop_in_endpoint_answers_anything(make_world: Any) -> None:
    world, rng = await make_world("wonde"), random.Random(seed_or(1))

    for turn in range(examples(50)):
        method, path = WONDE_PATHS[turn % len(WONDE_PATHS)]
        response = await world.http.request(
            method,
            f"/wonde/v1.0/schools/{world.estab}/{path}",
            content=_body(rng, _WONDE_FIELDS),
            headers={"Authorization": f"Bearer {world.key}"},
        )
        assert response.status_code in (200, 400, 422), (path, response.text)
        assert isinstance(response.json(), dict)


@pytest.mark.slow
@pytest.mark.more
async def test_the_xporter_drop_in_endpoint_answers_anything(make_world: Any) -> None:
    world, rng = await make_world("xporter"), random.Random(seed_or(2))

    for turn in range(examples(50)):
        operation = ("AttendanceAsync", "ConductAsync", "DetentionAsync")[turn % 3]
        response = await world.http.post(
            f"/xporter/api/v1/{operation}/{world.estab}",
            content=_body(rng, _XPORTER_FIELDS),
            headers={"Authorization": f"Idaas {world.key}"},
        )
        assert response.status_code == 200, response.text
        answer = response.json()
        assert bool(answer["ExceptionMessage"]) != (answer["Message"] == "success"), answer


@pytest.mark.slow
@pytest.mark.more
async def test_tokens_and_headers_of_any_sort_are_answered(make_world: Any) -> None:
    world, rng = await make_world("xporter"), random.Random(seed_or(3))

    for _ in range(examples(15)):
        response = await world.http.post(
            "/xporter/idaas/sts/STS/GetToken", content=_body(rng, ("estab", "password", "relyingParty", "thirdpartyid"))
        )
        assert response.status_code == 200
        assert response.json()["token"] is None
    for header in ("", "Idaas", "Idaas é", "Idaas gAAAA", "Basic ===", "Basic Og==", "x" * 5_000):
        for path in (f"/wonde/v1.0/schools/{world.estab}/detentions", "/xporter/api/v1/ConductAsync"):
            response = await world.http.post(
                path, content=b"{}", headers={"Authorization": header.encode("utf-8")}, params={"httpstatuscodes": "1"}
            )
            assert response.status_code == 401, (header, path, response.text)
