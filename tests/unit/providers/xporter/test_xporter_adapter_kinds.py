"""What the Xporter adapter does with conduct, detentions, raw calls, attributes and the list of schools."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.settings import Settings, XporterSettings
from writeback.domain.kinds import KINDS
from writeback.domain.kinds.base import Family
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.outcome import Applied, Blocked, NotReached, ReadBack, Refused, SlotReadBack, Taken
from writeback.domain.school import Account, HoldReason
from writeback.providers.base import Limits, ListChange, ListsSchools, SentRequest
from writeback.providers.xporter.adapter import XporterProvider

ACCOUNT = Account("sch_1", "xporter", "3281102", "SIMS", "", {"secret": "school-secret"})
WINDOW = (date(2026, 1, 12), date(2026, 1, 16))
NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
CALLBACK = "https://writeback.example/hooks/xporter/token?id=req_1&estab=3281102"
SCHOOLS = json.loads(
    (Path(__file__).parents[3] / "examples/xporter/schools.response/accepts/document.json").read_text("utf-8")
)
RECORDS: dict[str, dict[str, Any]] = {
    "behaviour.create": {
        "employee_id": "1",
        "date": "2026-01-12",
        "type": "ASLT",
        "students": [{"student_id": "9919", "points": 1}],
    },
    "achievement.create": {
        "employee_id": "1",
        "date": "2026-01-12",
        "type": "4",
        "students": [{"student_id": "9919", "points": 1}],
    },
    "detention_attendance.set": {"detention_id": "5", "student_id": "9919", "attendance": "ATT"},
    "attendance.session": {"student_id": "9919", "date": "2026-01-12", "session": "AM", "code": "/"},
    "xporter.raw": {"operation": "Tags", "body": {"Conducts": "as it is"}},
}


class Api:
    """Gives tokens, and answers everything else with `reply`."""

    def __init__(self, reply: Callable[[httpx.Request], Any]) -> None:
        self.seen: list[httpx.Request] = []
        self._reply = reply

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("GetToken"):
            return httpx.Response(200, json={"token": "token-1", "expires": "2030-01-01T00:00:00Z"})
        self.seen.append(request)
        answer = self._reply(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def provider(self, **changes: Any) -> XporterProvider:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return XporterProvider(Settings(xporter=XporterSettings(**changes)), FakeClock(), client)


async def sent_by(api: Api, kind: str, lookups: LookupView, *, count: int = 1, **changes: Any) -> Any:
    provider = api.provider(**changes)
    records = [KINDS[kind].record(**RECORDS[kind])] * count
    request = provider.build(KINDS[kind], records, lookups, account=ACCOUNT, callback_url=CALLBACK)
    return await provider.send(ACCOUNT, request)


@pytest.mark.parametrize("kind", ["behaviour.create", "detention_attendance.set"])
async def test_what_is_tracked_is_taken(kind: str, xporter_lookups: LookupView) -> None:
    api = Api(lambda request: {"TrackingId": "T1"})

    assert await sent_by(api, kind, xporter_lookups) == Taken("T1")
    assert json.loads(api.seen[0].content)["Callback"]["Url"] == CALLBACK


async def test_a_refusal_names_the_record_by_what_was_sent(xporter_lookups: LookupView) -> None:
    api = Api(lambda request: {"ExceptionMessage": "Invalid TypeId 7"})

    refused = await sent_by(api, "behaviour.create", xporter_lookups, count=2)

    assert isinstance(refused, Refused)
    assert {at: said[0].pointer for at, said in refused.findings.items()} == {0: "/type", 1: "/type"}


async def test_a_refusal_names_the_entry_of_a_detention(xporter_lookups: LookupView) -> None:
    api = Api(lambda request: {"ExceptionMessage": "Invalid StudentId: 9919"})

    refused = await sent_by(api, "detention_attendance.set", xporter_lookups)

    assert isinstance(refused, Refused)
    assert {at: said[0].pointer for at, said in refused.findings.items()} == {0: "/student_id"}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("attendance.session", "/api/v1/Attendance/3281102/"),
        ("achievement.create", "/api/v1/Writeback/Conduct/3281102/"),
    ],
)
async def test_a_synchronous_endpoint_leaves_it_to_the_callback(
    kind: str, path: str, xporter_lookups: LookupView
) -> None:
    api = Api(lambda request: {"Message": "success", "TrackingId": "T1"})

    assert await sent_by(api, kind, xporter_lookups, use_async=False) == Taken(None)
    assert api.seen[0].url.path == path
    assert "Callback" in json.loads(api.seen[0].content)


async def test_what_has_no_synchronous_endpoint_stays_asynchronous(xporter_lookups: LookupView) -> None:
    api = Api(lambda request: {"TrackingId": "T1"})
    assert await sent_by(api, "behaviour.create", xporter_lookups, use_async=False) == Taken("T1")


async def test_a_raw_answer_is_the_evidence() -> None:
    api = Api(lambda request: {"Message": "success"})

    assert await sent_by(api, "xporter.raw", LookupView()) == Applied("answer")
    assert json.loads(api.seen[0].content) == {"Conducts": "as it is"}
    assert api.seen[0].url.path == "/api/v1/Writeback/Tags"


def test_limits_are_those_of_each_family() -> None:
    provider = Api(lambda request: {}).provider(max_records=300, max_conducts=4, max_media_bytes=1_000)
    expected = {
        Family.SESSION_MARKS: Limits(300, one_date=True),
        Family.LESSON_MARKS: Limits(300, one_date=True),
        Family.CONDUCT: Limits(4, max_size=1_000),
        Family.DETENTION: Limits(4, max_size=1_000),
        Family.RAW: Limits(1),
    }
    assert all(provider.limits(kind) == expected.get(kind.family, Limits(4, max_size=1_000)) for kind in KINDS.values())


@pytest.mark.parametrize("name", [ListName.STUDENT_ABSENCE_ATTRIBUTES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES])
async def test_a_list_that_xporter_lacks_is_empty_without_a_call(name: ListName) -> None:
    api = Api(lambda request: {})

    assert await api.provider().fetch(ACCOUNT, name, None, WINDOW) == ListChange({}, is_full=True)
    assert api.seen == []


async def test_attributes_are_kept_by_type_and_id() -> None:
    answer = {
        "ConductTypes": [{"Type": "Ach", "LocalId": 1}, {"Type": "Beh", "LocalId": 1}],
        "ConductLookups": [{"LookupType": "StfRole", "LocalId": 1, "Code": "WIT"}],
    }
    api = Api(lambda request: answer)

    change = await api.provider().fetch(ACCOUNT, ListName.ACHIEVEMENT_ATTRIBUTES, None, WINDOW)

    assert (set(change.rows), change.is_full, change.cursor) == ({"type:1", "staff_role:1"}, True, None)
    assert api.seen[0].url.path == "/api/v1/School/3281102/ConductLookups"


def sent(kind: str) -> SentRequest:
    return SentRequest("req_1", KINDS[kind], [KINDS[kind].record(**RECORDS[kind])], "T1", NOW)


@pytest.mark.parametrize("kind", ["behaviour.create", "detention_attendance.set"])
async def test_conduct_that_may_not_be_read_holds_nothing_else(kind: str, xporter_lookups: LookupView) -> None:
    api = Api(lambda request: httpx.Response(403, json={"ExceptionMessage": "The scope Conduct is not authorised"}))
    provider = api.provider()

    marks = await provider.read_back(ACCOUNT, sent("attendance.session"), xporter_lookups)

    assert await provider.read_back(ACCOUNT, sent(kind), xporter_lookups) == ReadBack({})
    assert isinstance(marks, Blocked)
    assert marks.reason is HoldReason.SCOPE_MISSING


async def test_a_raw_call_is_not_read_back() -> None:
    api = Api(lambda request: {})
    assert await api.provider().read_back(ACCOUNT, sent("xporter.raw"), LookupView()) == ReadBack({})
    assert api.seen == []


@pytest.mark.parametrize("told", [{"Message": "?"}, httpx.Response(500, json={}), {"ExceptionMessage": "Invalid id"}])
async def test_a_reading_without_its_table_is_none(told: Any, xporter_lookups: LookupView) -> None:
    api = Api(lambda request: told)
    assert isinstance(await api.provider().read_back(ACCOUNT, sent("behaviour.create"), xporter_lookups), NotReached)


async def test_a_reading_is_as_old_as_its_table_says(xporter_lookups: LookupView) -> None:
    answer = {"Behaviour": [], "meta": [{"Table": "Behaviour", "LastUpdated": "2026-01-12T08:45:00Z"}]}

    read = await Api(lambda request: answer).provider().read_back(ACCOUNT, sent("behaviour.create"), xporter_lookups)

    assert read == ReadBack({0: SlotReadBack(None, False)}, datetime(2026, 1, 12, 8, 45, tzinfo=UTC))


# The list of schools.


async def schools(state: Any, answer: Any = SCHOOLS, token: str = "3281101:secret") -> Any:
    provider = Api(lambda request: answer).provider()
    assert isinstance(provider, ListsSchools)
    return await provider.schools(token, "", state)


@pytest.mark.parametrize(
    ("state", "estabs"),
    [
        ("approved", ["3281101", "3281102"]),
        ("revoked", ["3281103"]),
        ("pending", ["3281110"]),
        ("declined", []),
        ("offline", []),
    ],
)
async def test_the_documents_schools_are_listed_by_state(state: str, estabs: list[str]) -> None:
    assert [school.provider_school_id for school in await schools(state)] == estabs


async def test_a_school_is_listed_with_what_the_list_says() -> None:
    (school, _) = await schools("approved")

    assert (school.name, school.mis, school.base_url) == (
        "Groupcall SIMS7 Primary",
        "",
        "https://xporter.groupcall.com",
    )
    assert (school.la_code, school.establishment_number, school.allows_writeback) == ("328", "1101", False)


async def test_a_school_without_its_agent_is_offline() -> None:
    answer = {"Authorised": [{**SCHOOLS["Authorised"][0], "installedStatus": False}], "Revoked": []}
    assert [school.provider_school_id for school in await schools("offline", answer)] == ["3281101"]


async def test_a_token_is_used_as_it_is_or_gotten_for_a_secret() -> None:
    api = Api(lambda request: SCHOOLS)
    provider = api.provider()

    await provider.schools("own-token", "http://127.0.0.1:1", "approved")
    await provider.schools("3281101:secret", "http://127.0.0.1:1", "approved")

    assert [request.headers["authorization"] for request in api.seen] == ["Idaas own-token", "Idaas token-1"]
    assert api.seen[0].url.params["includePendingAuthorisation"] == "true"
    assert api.seen[0].url.path == "/api/XporterOnDemand/GetXodSchools"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (httpx.Response(503, json={}), NotReached),
        (httpx.Response(500, text="oops"), NotReached),
        ({"Message": "nothing"}, NotReached),
        ({"ExceptionMessage": "The STS token is invalid or has expired"}, Blocked),
    ],
)
async def test_a_list_of_schools_that_cannot_be_had_says_why(told: Any, expected: type) -> None:
    assert isinstance(await schools("approved", told), expected)


async def test_no_token_lists_nothing() -> None:
    assert isinstance(await schools("approved", token=" "), Blocked)


def test_no_secret_of_an_account_is_shown() -> None:
    assert "school-secret" not in repr(replace(ACCOUNT, school_id="sch_2"))


def test_it_keeps_trying_for_an_hour_and_a_margin() -> None:
    assert Api(lambda request: {}).provider().keeps_trying() == timedelta(minutes=75)


@pytest.mark.parametrize("kind", ["attendance.session", "behaviour.create", "detention_attendance.set"])
@pytest.mark.parametrize("in_list", [False, True])
async def test_the_callback_goes_as_an_object_or_in_a_list(
    kind: str, in_list: bool, xporter_lookups: LookupView
) -> None:
    api = Api(lambda request: {"TrackingId": "T1"})
    await sent_by(api, kind, xporter_lookups, callback_in_list=in_list)

    body, callback = json.loads(api.seen[0].content), {"Method": "POST", "Url": CALLBACK}
    assert body["Callback"] == ([callback] if in_list else callback)
