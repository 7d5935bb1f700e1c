"""What the Wonde adapter asks for besides marks: things by id, attributes, lists of schools; and what it packs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.settings import LookupSettings, Settings
from writeback.domain.kinds import KINDS, Record
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.outcome import Blocked, NotReached, ReadBack, SlotReadBack
from writeback.domain.school import Account, HoldReason
from writeback.providers.base import ListsSchools, LookupFailed, SchoolListing, SentRequest
from writeback.providers.wonde.adapter import WondeProvider

ACCOUNT = Account("sch_1", "wonde", "A77", "SIMS", "", {"token": "secret-token"})
WINDOW = (date(2026, 1, 12), date(2026, 1, 16))
Records = Mapping[str, Record]
Reply = Callable[[httpx.Request], httpx.Response]


def provider(reply: Reply) -> WondeProvider:
    return WondeProvider(Settings(), FakeClock(), httpx.AsyncClient(transport=httpx.MockTransport(reply)))


def by_path(answers: Mapping[str, httpx.Response], seen: list[httpx.Request] | None = None) -> Reply:
    """Answer by the end of the path; 404 elsewhere."""

    def reply(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return next((one for end, one in answers.items() if request.url.path.endswith(end)), httpx.Response(404))

    return reply


def page(*rows: Mapping[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"data": rows})


async def read_back(
    kind: str, records: Records, lookups: LookupView, reply: Reply
) -> SlotReadBack | NotReached | Blocked | None:
    request = SentRequest("req_1", KINDS[kind], [records[kind]], None, FakeClock().now())
    read = await provider(reply).read_back(ACCOUNT, request, lookups)
    return read.readings.get(0) if isinstance(read, ReadBack) else read


# Reading back.


@pytest.mark.parametrize("status", [404, 410])
async def test_what_wonde_knows_no_more_is_removed(
    status: int, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    reading = await read_back(
        "behaviour.delete", wonde_records, wonde_lookups, lambda request: httpx.Response(status, json={})
    )
    assert reading == SlotReadBack(None, True)


@pytest.mark.parametrize("body", [{"data": {"id": "A72"}}, {"id": "A72", "type": "Bullying"}])
async def test_what_wonde_still_shows_is_not_removed(
    body: Any, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    reply = by_path({"/schools/A77/behaviours/A72": httpx.Response(200, json=body)})
    reading = await read_back("behaviour.delete", wonde_records, wonde_lookups, reply)
    assert reading == SlotReadBack("the behaviour", False)


@pytest.mark.parametrize("kind", ["behaviour.delete", "employee_absence.update", "achievement.create"])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(401), Blocked),
        (httpx.Response(403), Blocked),
        (httpx.Response(429), NotReached),
        (httpx.Response(500), NotReached),
        (httpx.Response(503), NotReached),
        (httpx.Response(200, text="<html>"), NotReached),
        (httpx.Response(200, json={"data": {"no": "id"}}), NotReached),
        (httpx.Response(400, json={}), NotReached),
    ],
    ids=lambda value: str(getattr(value, "status_code", value)),
)
async def test_what_cannot_be_read_proves_nothing(
    kind: str, answer: httpx.Response, expected: type, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    assert isinstance(await read_back(kind, wonde_records, wonde_lookups, lambda request: answer), expected)


def absence(start: str) -> dict[str, Any]:
    return {
        "id": "A900",
        "student": "A10",
        "event_type": "sign in",
        "start_at": {"date": f"{start}.000000", "timezone_type": 3, "timezone": "UTC"},
    }


@pytest.mark.parametrize(("zone", "start"), [(None, "2026-01-12 08:30:00"), ("Australia/Perth", "2026-01-12 00:30:00")])
async def test_a_time_is_compared_on_the_schools_own_clock(
    zone: str | None, start: str, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    school = httpx.Response(200, json={"data": {"timezone": zone}})
    reply = by_path({"/attendance/absence": page(absence(start)), "/schools/A77": school})

    reading = await read_back("student_absence.create", wonde_records, wonde_lookups, reply)

    assert isinstance(reading, SlotReadBack)
    assert reading.matches


async def test_without_the_schools_clock_no_time_is_compared(wonde_records: Records, wonde_lookups: LookupView) -> None:
    """A wrong clock would find nothing, and what is there already would be made again."""
    answers = {"/attendance/absence": page(absence("2026-01-12 00:30:00")), "/schools/A77": httpx.Response(503)}

    reading = await read_back("student_absence.create", wonde_records, wonde_lookups, by_path(answers))

    assert isinstance(reading, NotReached)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_school_that_is_not_shown_is_in_london(
    status: int, wonde_records: Records, wonde_lookups: LookupView
) -> None:
    answers = {"/attendance/absence": page(absence("2026-01-12 08:30:00")), "/schools/A77": httpx.Response(status)}

    reading = await read_back("student_absence.create", wonde_records, wonde_lookups, by_path(answers))

    assert isinstance(reading, SlotReadBack)
    assert reading.matches


async def test_a_school_whose_clock_is_known_is_not_asked_for_it() -> None:
    """23:30 in London is the next day in Perth; `by_path` knows nothing of the school itself."""
    start = {"date": "2026-01-11 23:30:00.000000", "timezone_type": 3, "timezone": "UTC"}
    seen = list[httpx.Request]()
    reply = by_path({"/lessons": page({"id": "A1", "start_at": start})}, seen)

    change = await provider(reply).fetch(replace(ACCOUNT, timezone="Australia/Perth"), ListName.LESSONS, None, WINDOW)

    assert [row["date"] for row in change.rows.values()] == ["2026-01-12"]
    assert {request.url.path for request in seen} == {"/v1.0/schools/A77/lessons"}


# Attributes.


async def test_a_list_of_attributes_is_kept_by_type_and_id() -> None:
    rows = [
        {"id": "A1", "type": "ABSENCE_TYPE", "code": "SIC", "description": "Sickness", "active": True},
        {"id": "A1", "type": "AUTHORISED_PAY_RATE", "code": "F", "description": "Full pay", "active": False},
        {"id": "A2", "type": "SOMETHING_NEW", "code": "X", "description": "New", "active": True},
    ]
    reply = by_path({"/schools/A77/employee-absences/attributes": page(*rows)})

    change = await provider(reply).fetch(ACCOUNT, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES, "an old cursor", WINDOW)

    assert change.is_full
    assert {key: (row["code"], row["active"]) for key, row in change.rows.items()} == {
        "type:A1": ("SIC", True),
        "pay_rate:A1": ("F", False),
    }


async def test_the_attributes_of_detentions_are_read_from_three_lists() -> None:
    reply = by_path(
        {
            "/detention-types": page({"id": "A1", "name": "Monday Lunchtime"}),
            "/rooms": page({"id": "A1", "code": "A1", "name": "Art Room 1"}),
            "/detention-attendance-codes": page({"id": "A1", "code": "ATT", "description": "Attended"}),
        }
    )

    change = await provider(reply).fetch(ACCOUNT, ListName.DETENTION_ATTRIBUTES, None, WINDOW)

    assert set(change.rows) == {"type:A1", "location:A1", "attendance:A1"}


async def test_a_school_without_attributes_has_an_empty_list() -> None:
    reply = by_path({"/achievements/attributes": page()})
    change = await provider(reply).fetch(ACCOUNT, ListName.ACHIEVEMENT_ATTRIBUTES, None, WINDOW)
    assert (change.rows, change.is_full) == ({}, True)


@pytest.mark.parametrize("status", [403, 404])
async def test_attributes_that_are_not_granted_hold_no_school(status: int) -> None:
    reply = by_path({"/detention-types": page({"id": "A1", "name": "Monday"}), "/rooms": httpx.Response(status)})

    with pytest.raises(LookupFailed) as caught:
        await provider(reply).fetch(ACCOUNT, ListName.DETENTION_ATTRIBUTES, None, WINDOW)

    assert caught.value.outcome is None
    assert caught.value.list is ListName.DETENTION_ATTRIBUTES
    assert str(status) in caught.value.detail


@pytest.mark.parametrize(("status", "outcome"), [(401, Blocked), (500, NotReached), (503, NotReached)])
async def test_attributes_that_cannot_be_had_for_now_are_asked_for_again(status: int, outcome: type) -> None:
    with pytest.raises(LookupFailed) as caught:
        await provider(lambda request: httpx.Response(status)).fetch(
            ACCOUNT, ListName.BEHAVIOUR_ATTRIBUTES, None, WINDOW
        )
    assert isinstance(caught.value.outcome, outcome)


async def test_lessons_need_the_schools_zone() -> None:
    reply = by_path({"/lessons": page(), "/schools/A77": httpx.Response(503)})
    with pytest.raises(LookupFailed) as caught:
        await provider(reply).fetch(ACCOUNT, ListName.LESSONS, None, WINDOW)
    assert isinstance(caught.value.outcome, NotReached)


# Schools.

SCHOOL = {
    "id": "A1329183376",
    "name": "Sir John Cass's Foundation Primary School",
    "establishment_number": "3614",
    "urn": 10000,
    "la_code": "201",
    "mis": None,
    "extended": {"allows_writeback": True},
    "region": {"domain": "api-ap-southeast-2.wonde.com"},
}


@pytest.mark.parametrize(
    ("state", "path"),
    [
        ("approved", "/v1.0/schools"),
        ("offline", "/v1.0/schools/offline"),
        ("revoked", "/v1.0/schools/revoked"),
        ("declined", "/v1.0/schools/declined"),
        ("pending", "/v1.0/schools/pending"),
    ],
)
async def test_schools_are_listed_by_their_state(state: Any, path: str) -> None:
    seen: list[httpx.Request] = []
    wonde = provider(by_path({path: page(SCHOOL, {"name": "without an id"})}, seen))
    assert isinstance(wonde, ListsSchools)

    listed = await wonde.schools("app-token", "", state)

    assert listed == [
        SchoolListing(
            provider_school_id="A1329183376",
            name="Sir John Cass's Foundation Primary School",
            mis="",
            base_url="https://api-ap-southeast-2.wonde.com/v1.0",
            urn="10000",
            establishment_number="3614",
            la_code="201",
            allows_writeback=True,
        )
    ]
    assert seen[0].headers["authorization"] == "Bearer app-token"


async def test_schools_come_page_by_page() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if "page" in request.url.params:
            return page({**SCHOOL, "id": "A2"})
        following = {"pagination": {"next": "https://api.wonde.com/v1.0/schools?page=2"}}
        return httpx.Response(200, json={"data": [SCHOOL], "meta": following})

    listed = await provider(reply).schools("app-token", "", "approved")

    assert isinstance(listed, list)
    assert [one.provider_school_id for one in listed] == ["A1329183376", "A2"]


def leading_on(following: Callable[[int], str]) -> tuple[Reply, list[httpx.Request]]:
    """Answer every page with one more, at the address that `following` gives."""
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(
            200, json={"data": [{"id": f"A{len(seen)}"}], "meta": {"pagination": {"next": following(len(seen))}}}
        )

    return reply, seen


async def failure_of(reply: Reply, name: ListName = ListName.STUDENTS, **limits: int) -> LookupFailed:
    settings = Settings(lookups=LookupSettings(**limits))
    wonde = WondeProvider(settings, FakeClock(), httpx.AsyncClient(transport=httpx.MockTransport(reply)))
    with pytest.raises(LookupFailed) as failed:
        await wonde.fetch(ACCOUNT, name, None, WINDOW)
    return failed.value


@pytest.mark.parametrize("name", [ListName.STUDENTS, ListName.BEHAVIOUR_ATTRIBUTES])
async def test_a_list_that_goes_on_at_a_host_that_nobody_named_fails_and_names_it(name: ListName) -> None:
    reply, seen = leading_on(lambda page: "https://evil.example/v1.0/students?page=2&student=A1")

    failed = await failure_of(reply, name)

    assert "evil.example" in failed.detail
    assert "student=" not in failed.detail
    assert isinstance(failed.outcome, NotReached)  # a fault, and not a list that Wonde does not have
    assert {request.url.host for request in seen} == {"api.wonde.com"}


async def test_a_list_without_end_fails_after_the_most_pages() -> None:
    reply, seen = leading_on(lambda page: f"https://api.wonde.com/v1.0/students?page={page + 1}")

    failed = await failure_of(reply, max_pages=7)

    assert "more than 7 pages" in failed.detail
    assert isinstance(failed.outcome, NotReached)
    assert len(seen) == 8


async def test_a_list_of_too_many_bytes_fails() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("page", "1"))
        following = {"pagination": {"next": f"https://api.wonde.com/v1.0/students?page={page + 1}"}}
        return httpx.Response(200, json={"data": [{"id": "A1", "notes": "x" * 400_000}], "meta": following})

    failed = await failure_of(reply, max_list_bytes=1_000_000)

    assert "more than 1000000 bytes" in failed.detail


@pytest.mark.parametrize("region", [None, {}, {"domain": None}, {"domain": "evil.example/path?x="}, {"domain": "a b"}])
async def test_a_school_without_a_region_is_where_it_was_asked_for(region: Any) -> None:
    reply = by_path({"/schools": page({"id": "A1", "region": region})})

    listed = await provider(reply).schools("app-token", "http://127.0.0.1:8401/v1.0", "approved")

    assert isinstance(listed, list)
    assert listed == [SchoolListing("A1", "", "", "http://127.0.0.1:8401/v1.0")]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(401), Blocked),
        (httpx.Response(503), NotReached),
        (httpx.Response(404), NotReached),
        (httpx.Response(200, json={"data": {}}), NotReached),
    ],
)
async def test_schools_that_cannot_be_listed_say_why(answer: httpx.Response, outcome: type) -> None:
    assert isinstance(await provider(lambda request: answer).schools("app-token", "", "approved"), outcome)


async def test_an_empty_token_lists_nothing() -> None:
    listed = await provider(lambda request: page(SCHOOL)).schools(" ", "", "approved")
    assert isinstance(listed, Blocked)
    assert listed.reason is HoldReason.TOKEN_REFUSED


# Packing.


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("attendance.session", 1_000),
        ("attendance.lesson", 1_000),
        ("achievement.create", 1),
        ("achievement.delete", 1),
        ("achievement.update", 1),
        ("behaviour.create", 1),
        ("behaviour.delete", 1),
        ("detention.create", 1_000),
        ("detention.delete", 1),
        ("detention_attendance.set", 1_000),
        ("detention_attendance.delete", 1),
        ("student_absence.create", 1_000),
        ("employee_absence.create", 1_000),
        ("employee_absence.update", 1),
        ("employee_absence.delete", 1),
        ("xporter.raw", 1),
    ],
)
def test_only_what_goes_in_a_list_is_packed(kind: str, most: int) -> None:
    limits = provider(lambda request: httpx.Response(500)).limits(KINDS[kind])
    assert (limits.max_records, limits.one_date) == (most, False)
