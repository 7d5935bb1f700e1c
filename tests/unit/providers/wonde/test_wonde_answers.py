"""What every answer, and every failure to get one, means for every kind that Wonde takes: one table."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.kinds import KINDS, Record
from writeback.domain.lookups import LookupView
from writeback.domain.outcome import (
    Blocked,
    NotReached,
    Outcome,
    Refused,
    Taken,
    Uncertain,
    Unclear,
    Verdict,
)
from writeback.domain.school import Account, HoldReason
from writeback.providers.base import SentRequest
from writeback.providers.wonde.adapter import WondeProvider
from writeback.providers.wonde.operations import OPERATIONS

ACCOUNT = Account("sch_1", "wonde", "A77", "SIMS", "", {"token": "secret-token"})
PROMISED = [name for name, operation in OPERATIONS.items() if operation.promises_id]
UNPROMISED = [name for name, operation in OPERATIONS.items() if not operation.promises_id]
TARGETED = [name for name, operation in OPERATIONS.items() if operation.target]
UNTARGETED = [name for name, operation in OPERATIONS.items() if not operation.target]
Records = Mapping[str, Record]


def provider(reply: Any) -> WondeProvider:
    client = httpx.AsyncClient(transport=httpx.MockTransport(reply))
    return WondeProvider(Settings(), FakeClock(), client)


async def sent(kind: str, records: Records, lookups: LookupView, reply: Any) -> Outcome:
    """Return what sending the sample of a kind comes to; `reply` answers it, or is what is raised."""

    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    wonde = provider(answer)
    request = wonde.build(KINDS[kind], [records[kind]], lookups, account=ACCOUNT, callback_url="")
    return await wonde.send(ACCOUNT, request)


def caused(cause: Exception) -> Exception:
    error = httpx.ConnectTimeout("as httpx-aiohttp says it")
    error.__cause__ = cause
    return error


# Of all kinds: (what comes, the outcome).
EVERYWHERE = [
    (httpx.Response(200, json={"writeback_id": "A1"}), Taken),
    (httpx.Response(201, json={"writeback_id": "A1"}), Taken),
    (httpx.Response(202, json={"data": {"writeback_id": "A1"}}), Taken),
    (httpx.Response(301, headers={"location": "https://elsewhere.example/"}), NotReached),
    (httpx.Response(307, headers={"location": "https://elsewhere.example/"}), NotReached),
    (httpx.Response(400, json={"message": "Bad Request"}), Refused),
    (httpx.Response(401, json={"error": "invalid_token"}), Blocked),
    (httpx.Response(403, json={"error": "forbidden"}), Blocked),
    (httpx.Response(200, text="<html>"), Uncertain),
    (httpx.Response(302, headers={"location": "https://elsewhere.example/"}), Uncertain),
    (httpx.Response(403), Blocked),
    (httpx.Response(403, text="<html>"), Uncertain),
    (httpx.Response(403, text="error code: 1020"), Uncertain),
    (httpx.Response(405, json={}), Blocked),
    (httpx.Response(408), Uncertain),
    (httpx.Response(409, json={"message": "Conflict"}), Refused),
    (httpx.Response(422, json={"message": "The given data was invalid."}), Refused),
    (httpx.Response(413, text="<html>"), Refused),
    (httpx.Response(422, text="<html>"), Uncertain),
    (httpx.Response(429, headers={"retry-after": "5"}, json={"error": "too_many"}), NotReached),
    (httpx.Response(429, headers={"retry-after": "5"}), Uncertain),
    (httpx.Response(500, json={}), Uncertain),
    (httpx.Response(502, text="<html>"), Uncertain),
    (httpx.Response(503, headers={"retry-after": "5"}, json={"error": "maintenance"}), NotReached),
    (httpx.Response(503, headers={"retry-after": "5"}), Uncertain),
    (httpx.Response(503, text="<html>"), Uncertain),
    (httpx.Response(503, text="upstream connect error"), Uncertain),
    (httpx.Response(503, json="down"), Uncertain),
    (httpx.Response(504), Uncertain),
    (httpx.ConnectError("refused"), NotReached),
    (httpx.ConnectTimeout("slow"), NotReached),
    (httpx.PoolTimeout("busy"), NotReached),
    (httpx.ReadTimeout("silent"), Uncertain),
    (httpx.ReadError("reset"), Uncertain),
    (httpx.WriteError("broke"), Uncertain),
    (httpx.RemoteProtocolError("hung up"), Uncertain),
    (httpx.DecodingError("garbled"), Uncertain),
    (caused(aiohttp.ServerDisconnectedError()), Uncertain),
    (caused(aiohttp.ClientConnectionResetError("reset")), Uncertain),
    (caused(aiohttp.InvalidURL("http://?")), NotReached),
]


def label(value: Any) -> str:
    if isinstance(value, httpx.Response):
        return f"{value.status_code}"
    return type(value).__name__ if isinstance(value, Exception) else getattr(value, "__name__", str(value))


@pytest.mark.parametrize("kind", OPERATIONS)
@pytest.mark.parametrize(("reply", "expected"), EVERYWHERE, ids=label)
async def test_what_means_the_same_for_every_kind(
    kind: str, reply: Any, expected: type, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    assert type(await sent(kind, wonde_records, wonde_lookups, reply)) is expected


WITHOUT_AN_ID = [
    httpx.Response(200),
    httpx.Response(200, json={}),
    httpx.Response(200, json={"success": True}),
    httpx.Response(200, json={"writeback_id": None}),
    httpx.Response(204),
]


@pytest.mark.parametrize("kind", PROMISED)
@pytest.mark.parametrize("reply", WITHOUT_AN_ID, ids=label)
async def test_where_an_id_is_promised_a_success_without_one_leaves_it_in_doubt(
    kind: str, reply: Any, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    assert isinstance(await sent(kind, wonde_records, wonde_lookups, reply), Uncertain)


@pytest.mark.parametrize("kind", UNPROMISED)
@pytest.mark.parametrize("reply", WITHOUT_AN_ID, ids=label)
async def test_where_no_id_is_promised_a_success_is_taken(
    kind: str, reply: Any, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    assert await sent(kind, wonde_records, wonde_lookups, reply) == Taken(None)


@pytest.mark.parametrize("kind", TARGETED)
@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_is_a_refusal_and_holds_no_school(
    kind: str, status: int, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    refused = await sent(kind, wonde_records, wonde_lookups, httpx.Response(status, json={"error": "not_found"}))

    assert isinstance(refused, Refused)
    ((finding,),) = refused.findings.values()
    assert (finding.code, finding.pointer) == ("record_not_found", f"/{OPERATIONS[kind].target}")
    assert finding.message == f"Wonde knows no such {OPERATIONS[kind].noun}"


@pytest.mark.parametrize("kind", UNTARGETED)
async def test_what_is_new_has_nowhere_to_go_where_no_school_is(
    kind: str, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    blocked = await sent(kind, wonde_records, wonde_lookups, httpx.Response(404, json={"error": "not_found"}))

    assert isinstance(blocked, Blocked)
    assert blocked.reason is HoldReason.UNKNOWN_THERE


def test_the_kinds_without_a_promised_id_are_those_of_the_document() -> None:
    assert UNPROMISED == [
        "achievement.create",
        "achievement.delete",
        "behaviour.create",
        "behaviour.delete",
        "employee_absence.delete",
    ]


async def test_a_missing_permission_is_shown_in_wondes_own_words(
    wonde_records: Records, wonde_lookups: LookupView
) -> None:
    reply = httpx.Response(403, json={"error": "You need the behaviour delete permission"})

    blocked = await sent("behaviour.delete", wonde_records, wonde_lookups, reply)

    assert isinstance(blocked, Blocked)
    assert blocked.reason is HoldReason.SCOPE_MISSING
    assert "You need the behaviour delete permission" in blocked.detail


async def test_a_removal_sends_no_body(wonde_records: Records, wonde_lookups: LookupView) -> None:
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    wonde = provider(reply)
    kind = KINDS["achievement.delete"]
    request = wonde.build(kind, [wonde_records[kind.name]], wonde_lookups, account=ACCOUNT, callback_url="")
    await wonde.send(ACCOUNT, request)

    assert (seen[0].method, seen[0].content) == ("DELETE", b"")


async def test_a_change_sends_its_body(wonde_records: Records, wonde_lookups: LookupView) -> None:
    bodies: list[Any] = []

    def reply(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"writeback_id": "A1"})

    wonde = provider(reply)
    kind = KINDS["employee_absence.update"]
    request = wonde.build(kind, [wonde_records[kind.name]], wonde_lookups, account=ACCOUNT, callback_url="")
    await wonde.send(ACCOUNT, request)

    assert bodies[0]["absence_note"] is None


# What a request that gave no id is asked about.


async def checked(kind: str) -> Verdict:
    now = FakeClock().now()
    request = SentRequest("req_1", KINDS[kind], [], None, now - timedelta(minutes=1))
    return await provider(lambda request: httpx.Response(500)).check(ACCOUNT, request, now)


@pytest.mark.parametrize("kind", [*UNPROMISED, *PROMISED])
async def test_what_was_taken_without_an_id_is_read_in_the_mis(kind: str) -> None:
    assert isinstance(await checked(kind), Unclear)


# What a refusal names.


@pytest.mark.parametrize(
    ("kind", "body", "code", "pointer"),
    [
        ("achievement.create", {"students.0.points": ["x"]}, "points_invalid", "/students/0/points"),
        (
            "achievement.create",
            {"errors": {"students.0.award": ["x"]}},
            "achievement_outcome_unknown",
            "/students/0/outcome",
        ),
        ("achievement.create", {"students": [{"award_date": ["x"]}]}, "date_invalid", "/students/0/outcome_date"),
        (
            "achievement.create",
            {"students": {"0": {"student_id": ["x"]}}},
            "student_not_on_roll",
            "/students/0/student_id",
        ),
        ("achievement.create", {"activity_type": ["x"]}, "activity_unknown", "/activity"),
        ("achievement.create", {"employee_id": ["x"]}, "recorded_by_unknown", "/employee_id"),
        ("achievement.create", {"error": {"students": ["x"]}}, "provider_refused", "/students"),
        ("behaviour.create", {"students.1.role": ["x"]}, "student_role_unknown", "/students/1/role"),
        ("behaviour.create", {"students[1].action_date": ["x"]}, "date_invalid", "/students/1/outcome_date"),
        ("behaviour.create", {"type": ["The selected type is invalid."]}, "type_unknown", "/type"),
        ("behaviour.create", {"status": ["x"]}, "status_unknown", "/status"),
        ("behaviour.create", {"students.0.new_field": ["x"]}, "provider_refused", "/students/0"),
        ("behaviour.create", {"errors": [{"field": "time", "message": "x"}]}, "time_unknown", "/time"),
        (
            "detention.create",
            {"detention.0.attendees.1.student_id": ["x"]},
            "student_not_on_roll",
            "/students/1/student_id",
        ),
        ("detention.create", {"detention.0.attendees.0.comments": ["x"]}, "comment_invalid", "/students/0/comment"),
        (
            "detention.create",
            {"detention.0.attendees.0.recorded_by_employee_id": ["x"]},
            "recorded_by_unknown",
            "/students/0/recorded_by_id",
        ),
        ("detention.create", {"detention.0.start_at": ["x"]}, "time_invalid", "/start_time"),
        ("detention.create", {"detention.0.room_id": ["x"]}, "location_unknown", "/location"),
        ("detention.create", {"detention.0.attended_by_employee_id": ["x"]}, "employee_unknown", "/supervisor_id"),
        ("detention_attendance.set", {"attendance.0.detention_id": ["x"]}, "record_not_found", "/detention_id"),
        (
            "detention_attendance.set",
            {"attendance.0.detention_attendance_code_id": ["x"]},
            "detention_attendance_unknown",
            "/attendance",
        ),
        ("student_absence.create", {"absence.0.start_at": ["x"]}, "time_invalid", "/start_at"),
        ("student_absence.create", {"absence": [{"event_type": ["x"]}]}, "event_invalid", "/event"),
        ("student_absence.create", {"absence.0.authorised_by": ["x"]}, "employee_unknown", "/authorised_by_id"),
        ("employee_absence.create", {"employee_absence.0.absence_type": ["x"]}, "type_unknown", "/type"),
        ("employee_absence.create", {"employee_absence.0.number_of_hours": ["x"]}, "amount_invalid", "/hours"),
        ("employee_absence.update", {"authorised_pay_rate": ["x"]}, "pay_rate_unknown", "/pay_rate"),
        ("employee_absence.update", {"errors": {"absence_note": ["x"]}}, "comment_invalid", "/comment"),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
async def test_a_refusal_points_at_our_own_field(
    status: int,
    kind: str,
    body: Any,
    code: str,
    pointer: str,
    wonde_records: Records,
    wonde_lookups: LookupView,
) -> None:
    refused = await sent(kind, wonde_records, wonde_lookups, httpx.Response(status, json=body))

    assert isinstance(refused, Refused)
    assert [(one.code, one.pointer) for one in refused.findings[0]] == [(code, pointer)]


@pytest.mark.parametrize("kind", OPERATIONS)
@pytest.mark.parametrize(
    "body",
    [
        {"type": "validation_error", "status": "error", "message": "The given data was invalid."},
        {"message": "no"},
        {"success": False, "state": "failed"},
        [],
        "no",
    ],
    ids=range(5),
)
async def test_what_names_no_field_names_no_record(
    kind: str, body: Any, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    refused = await sent(kind, wonde_records, wonde_lookups, httpx.Response(422, json=body))

    assert isinstance(refused, Refused)
    assert refused.findings == {}
    assert refused.message.startswith("Wonde answered 422")


async def test_a_record_that_cannot_be_one_is_named_by_none(wonde_records: Records, wonde_lookups: LookupView) -> None:
    reply = httpx.Response(422, json={f"attendance.{'9' * 5000}.student_id": ["far away"]})

    refused = await sent("attendance.session", wonde_records, wonde_lookups, reply)

    assert isinstance(refused, Refused)
    assert refused.findings == {}
