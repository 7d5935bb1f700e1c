"""What the Wonde adapter puts on the wire, and whom it sends the token to."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.outcome import Blocked, NotReached, Unclear
from writeback.domain.school import Account, HoldReason
from writeback.providers.base import LookupFailed, ProviderRequest, SchoolReport, SentRequest
from writeback.providers.wonde.adapter import WondeProvider

ACCOUNT = Account("sch_1", "wonde", "A77", "SIMS", "", {"token": "secret-token"})
WINDOW = (date(2026, 1, 12), date(2026, 1, 16))
POST = ProviderRequest("POST", "/schools/A77/attendance/session", {"attendance": [{}]}, "attendance.session")
Reply = Callable[[httpx.Request], httpx.Response]


class Wire:
    """Answers every request with `reply`, and remembers it."""

    def __init__(self, reply: Reply) -> None:
        self.seen: list[httpx.Request] = []
        self._reply = reply

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return self._reply(request)

    def provider(self) -> WondeProvider:
        return WondeProvider(Settings(), FakeClock(), httpx.AsyncClient(transport=httpx.MockTransport(self)))

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.seen]


def always(status: int, body: Any = None) -> Wire:
    return Wire(lambda request: httpx.Response(status, json=body))


def by_path(bodies: Mapping[str, Any]) -> Wire:
    def reply(request: httpx.Request) -> httpx.Response:
        found = next((body for end, body in bodies.items() if request.url.path.endswith(end)), None)
        return httpx.Response(404, json={}) if found is None else httpx.Response(200, json=found)

    return Wire(reply)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("", "https://api.wonde.com/v1.0"),
        ("https://api-ap-southeast-2.wonde.com", "https://api-ap-southeast-2.wonde.com/v1.0"),
        ("https://api-ap-southeast-2.wonde.com/", "https://api-ap-southeast-2.wonde.com/v1.0"),
        ("http://127.0.0.1:8401/v1.0/", "http://127.0.0.1:8401/v1.0"),
        ("http://proxy.example/wonde/v1.0", "http://proxy.example/wonde/v1.0"),
    ],
)
async def test_the_base_url_may_lack_its_version_and_end_in_a_slash(base_url: str, expected: str) -> None:
    wire = always(200, {"writeback_id": "A1"})

    await wire.provider().send(replace(ACCOUNT, base_url=base_url), POST)

    assert wire.urls == [f"{expected}/schools/A77/attendance/session"]


async def test_the_token_goes_as_a_bearer() -> None:
    wire = always(200, {"writeback_id": "A1"})

    await wire.provider().send(ACCOUNT, POST)

    assert wire.seen[0].headers["authorization"] == "Bearer secret-token"


async def test_a_next_page_at_another_of_wondes_hosts_is_read_at_our_own() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if "page" in request.url.params:
            return httpx.Response(200, json={"data": [{"id": "A2"}]})
        following = "https://api-ap-southeast-2.wonde.com/v1.0/schools/A77/students/?page=2&per_page=200"
        return httpx.Response(200, json={"data": [{"id": "A1"}], "meta": {"pagination": {"next": following}}})

    wire = Wire(reply)
    change = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)

    assert list(change.rows) == ["A1", "A2"]
    assert {request.url.host for request in wire.seen} == {"api.wonde.com"}
    assert wire.urls[1].endswith("/students/?page=2&per_page=200")


async def test_pages_that_lead_in_a_circle_end() -> None:
    following = "https://api.wonde.com/v1.0/schools/A77/students?page=2"
    wire = always(200, {"data": [{"id": "A1"}], "meta": {"pagination": {"next": following}}})

    with pytest.raises(LookupFailed, match="a page that was read") as failed:
        await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)

    assert isinstance(failed.value.outcome, NotReached)
    assert len(wire.seen) == 2


async def test_a_list_that_there_is_not_is_neither_tried_again_nor_held() -> None:
    with pytest.raises(LookupFailed) as caught:
        await always(404, {"error": "not_found"}).provider().fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)

    assert caught.value.outcome is None
    assert "404" in caught.value.detail


async def test_a_cursor_asks_for_changes_and_deletions() -> None:
    answer = [{"type": "student", "id": "A1"}, {"type": "contact", "id": "A2"}, {"type": "student", "id": "A3"}]
    wire = by_path({"/students": {"data": [{"id": "A3"}]}, "/deletions": {"data": answer}})

    change = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, "2026-01-12 08:00:00", WINDOW)

    assert [request.url.params["updated_after"] for request in wire.seen] == ["2026-01-12 08:00:00"] * 2
    assert [request.url.params.get("type") for request in wire.seen] == ["student", None]
    assert list(change.rows) == ["A3"]
    assert list(change.deleted) == ["A1"]  # A3 is listed: it is there
    assert change.cursor == "2026-01-12 08:55:00"


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_without_deletions_every_sync_is_full(status: int) -> None:
    pupils = ["A1", "A2"]

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/deletions"):
            return httpx.Response(status, json={})
        changed = [] if "updated_after" in request.url.params else pupils
        return httpx.Response(200, json={"data": [{"id": pupil} for pupil in changed]})

    wire = Wire(reply)
    first = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)
    pupils[:] = ["A2", "A3"]

    second = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, first.cursor, WINDOW)

    assert second.is_full
    assert list(second.rows) == ["A2", "A3"]
    assert second.deleted == ()
    assert second.cursor == first.cursor  # deletions are asked for again next time


@pytest.mark.parametrize(("status", "outcome"), [(401, Blocked), (500, NotReached), (503, NotReached)])
async def test_deletions_that_cannot_be_had_for_now_fail_the_sync(status: int, outcome: type) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        is_gone = request.url.path.endswith("/deletions")
        return httpx.Response(status if is_gone else 200, json={"data": [{"id": "A1"}]})

    with pytest.raises(LookupFailed) as caught:
        await Wire(reply).provider().fetch(ACCOUNT, ListName.EMPLOYEES, "2026-01-12 08:00:00", WINDOW)

    assert isinstance(caught.value.outcome, outcome)


async def test_lessons_are_asked_for_week_by_week_in_the_schools_zone() -> None:
    start = {"date": "2026-01-12 23:30:00.000000", "timezone_type": 3, "timezone": "UTC"}
    lesson = {"id": "A9", "period_instance_id": 4, "start_at": start, "end_at": start}
    wire = by_path({"/lessons": {"data": [lesson]}, "/A77": {"data": {"timezone": "Australia/Perth"}}})

    change = await wire.provider().fetch(ACCOUNT, ListName.LESSONS, None, (date(2026, 1, 12), date(2026, 1, 23)))

    weeks = [request.url.params["lessons_start_after"] for request in wire.seen if "/lessons" in request.url.path]
    assert weeks == ["2026-01-11", "2026-01-12", "2026-01-19"]  # Monday begins on Sunday, in UTC
    assert change.rows["A9"]["date"] == "2026-01-13"


async def test_a_status_that_cannot_be_asked_for_is_unclear() -> None:
    sent = SentRequest("req_1", KINDS["attendance.session"], [], None, FakeClock().now())
    assert isinstance(await always(200).provider().check(ACCOUNT, sent, FakeClock().now()), Unclear)


async def test_a_status_that_times_out_is_asked_for_again() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    sent = SentRequest("req_1", KINDS["attendance.session"], [], "A1", FakeClock().now())
    verdict = await Wire(reply).provider().check(ACCOUNT, sent, FakeClock().now())
    assert isinstance(verdict, NotReached)


async def test_nothing_to_read_back_asks_nothing() -> None:
    wire = always(200)
    sent = SentRequest("req_1", KINDS["attendance.session"], [], "A1", FakeClock().now())
    read = await wire.provider().read_back(ACCOUNT, sent, LookupView())
    assert wire.seen == []
    assert read.readings == {}


async def test_a_report_whose_parts_are_all_missing_holds_nothing() -> None:
    report = await always(404, {}).provider().report(ACCOUNT)
    assert report.is_online
    assert report.blocked is None


async def test_a_school_that_withdrew_writeback_reports_so() -> None:
    wire = by_path(
        {
            "/meta/schools/A77": {"data": {"online": True, "approved": True}},
            "/schools/A77": {"data": {"extended": {"allows_writeback": False, "has_lesson_attendance": False}}},
        }
    )

    report = await wire.provider().report(ACCOUNT)

    assert isinstance(report, SchoolReport)
    assert report.blocked is not None
    assert report.blocked.reason is HoldReason.WRITEBACK_OFF
    assert report.facts["has_lesson_attendance"] is False


def test_no_token_stands_in_a_repr() -> None:
    assert "secret-token" not in repr(ACCOUNT)
    assert "Wrong child" not in repr(ProviderRequest("POST", "/x", {"attendance": [{"comment": "Wrong child"}]}))
