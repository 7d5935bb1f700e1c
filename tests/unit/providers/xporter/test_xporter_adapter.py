"""What the Xporter adapter puts on the wire: tokens, real status codes, pages, changesets."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.settings import LookupSettings, Settings, XporterSettings
from writeback.domain.lookups import ListName
from writeback.domain.outcome import Blocked, NotReached, Taken
from writeback.domain.school import Account, HoldReason
from writeback.providers.base import LookupFailed, ProviderRequest, SchoolReport
from writeback.providers.xporter.adapter import XporterProvider
from writeback.providers.xporter.tokens import Tokens

ACCOUNT = Account("sch_1", "xporter", "3281102", "SIMS", "", {"secret": "school-secret"})
WINDOW = (date(2026, 1, 12), date(2026, 1, 16))
POST = ProviderRequest("POST", "/api/v1/AttendanceAsync/3281102/", {"Marks": [{"StudentId": "9919"}]})
REFUSED = {"ExceptionMessage": "The STS token is invalid or has expired"}


class Wire:
    """An STS that counts its tokens, and an API that answers with `reply`."""

    def __init__(self, reply: Callable[[httpx.Request], Any], *, life: timedelta = timedelta(hours=1)) -> None:
        self.clock, self.tokens = FakeClock(), 0
        self.seen: list[httpx.Request] = []
        self.asked: list[httpx.Request] = []
        self.sts: dict[str, Any] | None = None
        self._reply, self._life = reply, life

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("GetToken"):
            self.asked.append(request)
            await asyncio.sleep(0)  # let others ask meanwhile
            return httpx.Response(200, json=self.sts or self._granted())
        self.seen.append(request)
        answer = self._reply(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _granted(self) -> dict[str, Any]:
        self.tokens += 1
        expires = (self.clock.now() + self._life).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"token": f"token-{self.tokens}", "expires": expires, "ExceptionMessage": None}

    def provider(self, **changes: Any) -> XporterProvider:
        settings = Settings(xporter=XporterSettings(**{"page_size": 2, **changes}))
        return XporterProvider(settings, self.clock, httpx.AsyncClient(transport=httpx.MockTransport(self)))


def taking() -> Wire:
    return Wire(lambda request: {"TrackingId": "T1", "Message": "success"})


async def test_a_token_is_asked_for_once_and_used_until_shortly_before_it_expires() -> None:
    wire = taking()
    provider = wire.provider()

    for minutes in (0, 30, 28, 2):
        wire.clock.advance(timedelta(minutes=minutes))
        assert await provider.send(ACCOUNT, POST) == Taken("T1")

    used = [request.headers["authorization"] for request in wire.seen]
    assert used == ["Idaas token-1"] * 3 + ["Idaas token-2"]


async def test_the_sts_is_asked_as_the_document_says() -> None:
    wire = taking()

    await wire.provider(relying_party="app.example.dev").send(ACCOUNT, POST)

    assert json.loads(wire.asked[0].content) == {
        "estab": "3281102",
        "relyingParty": "app.example.dev",
        "password": "school-secret",
        "thirdpartyid": "XporterOnDemand",
    }


async def test_many_at_once_ask_for_one_token() -> None:
    wire = taking()
    provider = wire.provider()

    await asyncio.gather(*(provider.send(ACCOUNT, POST) for _ in range(5)))

    assert len(wire.asked) == 1


async def test_two_schools_have_two_tokens() -> None:
    wire = taking()
    provider = wire.provider()

    await provider.send(ACCOUNT, POST)
    await provider.send(replace(ACCOUNT, school_id="sch_2"), POST)

    assert wire.tokens == 2


async def test_another_secret_needs_another_token() -> None:
    wire = taking()
    provider = wire.provider()

    await provider.send(ACCOUNT, POST)
    await provider.send(replace(ACCOUNT, credentials={"secret": "new"}), POST)

    assert wire.tokens == 2


@pytest.mark.parametrize("status", [200, 401])
async def test_a_token_that_is_refused_is_replaced_once(status: int) -> None:
    def reply(request: httpx.Request) -> Any:
        if request.headers["authorization"] == "Idaas token-1":
            return httpx.Response(status, json=REFUSED)
        return {"TrackingId": "T1"}

    wire = Wire(reply)

    assert await wire.provider().send(ACCOUNT, POST) == Taken("T1")
    assert len(wire.seen) == 2


async def test_a_token_that_stays_refused_blocks_after_one_more_try() -> None:
    wire = Wire(lambda request: REFUSED)

    outcome = await wire.provider().send(ACCOUNT, POST)

    assert isinstance(outcome, Blocked)
    assert outcome.reason is HoldReason.TOKEN_REFUSED
    assert len(wire.seen) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Authorisation is currently paused while the school finalises …", HoldReason.PAUSED),
        ("Relying Party not found for estab or secret not correct", HoldReason.TOKEN_REFUSED),
    ],
)
async def test_what_the_sts_refuses_blocks_and_nothing_is_sent(text: str, reason: HoldReason) -> None:
    wire = taking()
    wire.sts = {"token": None, "expires": "0001-01-01T00:00:00", "ExceptionMessage": text}
    provider = wire.provider()

    outcome = await provider.send(ACCOUNT, POST)
    report = await provider.report(ACCOUNT)

    assert isinstance(outcome, Blocked)
    assert outcome.reason is reason
    assert isinstance(report, SchoolReport)
    assert report.blocked == outcome
    assert wire.seen == []


async def test_an_sts_that_does_not_answer_leaves_no_doubt() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(fail))
    provider = XporterProvider(Settings(), FakeClock(), client)

    assert isinstance(await provider.send(ACCOUNT, POST), NotReached)


class FailingSts:
    """An STS that hangs until the test lets it fail, and an API that takes everything."""

    def __init__(self) -> None:
        self.clock, self.asked, self.is_well = FakeClock(), 0, False
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("GetToken"):
            return httpx.Response(200, json={"TrackingId": "T1"})
        self.asked += 1
        self.is_asked.set()
        await self.may_answer.wait()
        if self.is_well:
            return httpx.Response(200, json={"token": "token-1", "expires": "2026-01-12T12:00:00Z"})
        raise httpx.ReadTimeout("no answer", request=request)

    def provider(self) -> XporterProvider:
        return XporterProvider(Settings(), self.clock, httpx.AsyncClient(transport=httpx.MockTransport(self)))


async def test_an_sts_that_hangs_costs_all_who_wait_one_timeout() -> None:
    sts = FailingSts()
    provider = sts.provider()
    waiting = [asyncio.create_task(provider.send(ACCOUNT, POST)) for _ in range(10)]
    await sts.is_asked.wait()

    sts.may_answer.set()
    outcomes = await asyncio.gather(*waiting)

    assert sts.asked == 1
    assert all(isinstance(outcome, NotReached) for outcome in outcomes)


async def test_a_failure_of_the_sts_is_forgotten_after_two_seconds() -> None:
    sts = FailingSts()
    sts.may_answer.set()
    provider = sts.provider()
    await provider.send(ACCOUNT, POST)
    sts.is_well = True

    sts.clock.advance(timedelta(seconds=1.9))
    early = await provider.send(ACCOUNT, POST)
    sts.clock.advance(timedelta(seconds=0.2))
    late = await provider.send(ACCOUNT, POST)

    assert isinstance(early, NotReached)
    assert late == Taken("T1")
    assert sts.asked == 2


async def test_a_failure_of_the_sts_is_of_one_school_and_one_secret() -> None:
    sts = FailingSts()
    sts.may_answer.set()
    provider = sts.provider()
    await provider.send(ACCOUNT, POST)
    sts.is_well = True

    assert await provider.send(replace(ACCOUNT, school_id="sch_2"), POST) == Taken("T1")
    assert await provider.send(replace(ACCOUNT, credentials={"secret": "new"}), POST) == Taken("T1")


@pytest.mark.parametrize(
    ("base_url", "credentials", "expected"),
    [
        ("", {}, "https://login.groupcall.com/idaas/sts/STS/GetToken"),
        ("http://127.0.0.1:8401/", {}, "http://127.0.0.1:8401/idaas/sts/STS/GetToken"),
        ("http://127.0.0.1:8401", {"sts_url": "https://sts.example/GetToken"}, "https://sts.example/GetToken"),
    ],
)
async def test_the_sts_is_where_the_school_says(base_url: str, credentials: dict[str, str], expected: str) -> None:
    wire = taking()
    account = replace(ACCOUNT, base_url=base_url, credentials={"secret": "s", **credentials})

    await wire.provider().send(account, POST)

    assert [str(request.url) for request in wire.asked] == [expected]


async def test_real_status_codes_are_asked_for() -> None:
    wire = taking()

    await wire.provider().send(ACCOUNT, POST)

    assert wire.seen[0].url.params["httpstatuscodes"] == "true"
    assert wire.seen[0].url.path == "/api/v1/AttendanceAsync/3281102/"


async def test_paths_are_those_of_the_settings() -> None:
    wire = Wire(lambda request: {"Staff": []})

    await wire.provider(staff_path="/v2/{estab}/People").fetch(ACCOUNT, ListName.EMPLOYEES, None, WINDOW)

    assert wire.seen[0].url.path == "/v2/3281102/People"


async def test_pages_are_read_until_one_is_not_full() -> None:
    pages = {"1": [{"Id": 1}, {"Id": 2}], "2": [{"Id": 3}]}
    wire = Wire(lambda request: {"Students": pages[request.url.params["page"]], "changedRows": "c1"})

    change = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)

    assert list(change.rows) == ["1", "2", "3"]
    assert (change.is_full, change.cursor) == (True, "c1")
    assert {request.url.params["changedRows"] for request in wire.seen} == {"*"}


async def test_a_list_without_end_fails_after_the_most_pages() -> None:
    wire = Wire(lambda request: {"Students": [{"Id": 1}, {"Id": 2}], "changedRows": "c1"})
    settings = Settings(xporter=XporterSettings(page_size=2), lookups=LookupSettings(max_pages=7))
    provider = XporterProvider(settings, wire.clock, httpx.AsyncClient(transport=httpx.MockTransport(wire)))

    with pytest.raises(LookupFailed, match="more than 7 pages") as failed:
        await provider.fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)

    assert isinstance(failed.value.outcome, NotReached)
    assert len(wire.seen) == 8


@pytest.mark.parametrize("count", ["²", "9" * 5_000, -1, None, True])
async def test_a_count_of_pages_that_is_none_is_not_believed(count: object) -> None:
    wire = Wire(lambda request: {"Students": [{"Id": 1}], "__pagination__": {"PageCount": count}})

    change = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)

    assert list(change.rows) == ["1"]


async def test_a_changeset_brings_changes_and_deletions() -> None:
    answer = {"Students": [{"Id": 3}], "Students_deleted": [{"Id": 1}, {"Id": 3}], "changedRows": "c2"}
    wire = Wire(lambda request: answer | {"__pagination__": [{"PageCount": 1}]})

    change = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, "c1", WINDOW)

    assert not change.is_full
    assert list(change.rows) == ["3"]
    assert list(change.deleted) == ["1"]  # 3 is listed: it is there
    assert change.cursor == "c2"


async def test_a_changeset_without_changes_may_lack_its_table() -> None:
    wire = Wire(lambda request: {"changedRows": "c2", "meta": []})

    change = await wire.provider().fetch(ACCOUNT, ListName.STUDENTS, "c1", WINDOW)

    assert (change.rows, change.is_full, change.cursor) == ({}, False, "c2")


@pytest.mark.parametrize("kind", [None, "XporterException"])
async def test_a_changeset_that_is_forgotten_starts_anew(kind: str | None) -> None:
    def reply(request: httpx.Request) -> Any:
        if request.url.params["changedRows"] == "c1":
            return {"ExceptionMessage": "Invalid changedRows value provided: c1", "ExceptionType": kind}
        return {"Students": [{"Id": 1}], "changedRows": "c2"}

    change = await Wire(reply).provider().fetch(ACCOUNT, ListName.STUDENTS, "c1", WINDOW)

    assert (list(change.rows), change.is_full, change.cursor) == (["1"], True, "c2")


async def test_an_inactive_code_never_hides_an_active_one() -> None:
    codes = [{"Mark": "H", "Active": 1, "Description": "new"}, {"Mark": "H", "Active": 0, "Description": "old"}]
    wire = Wire(lambda request: {"AttendCodes": codes if request.url.params["page"] == "1" else []})

    change = await wire.provider().fetch(ACCOUNT, ListName.ATTENDANCE_CODES, None, WINDOW)

    assert change.rows["H"]["description"] == "new"
    assert wire.seen[0].url.params["includeInactive"] == "true"
    assert change.cursor is None


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"Message": "nothing here"}, type(None)),
        (httpx.Response(404, json={}), type(None)),
        (httpx.Response(503, json={}), NotReached),
        (httpx.Response(500, text="oops"), NotReached),
        ({"ExceptionMessage": "The scope Student has not been authorised for estab 3281102"}, Blocked),
    ],
)
async def test_a_list_that_cannot_be_read_says_what_follows(told: Any, outcome: type) -> None:
    with pytest.raises(LookupFailed) as caught:
        await Wire(lambda request: told).provider().fetch(ACCOUNT, ListName.STUDENTS, None, WINDOW)

    assert isinstance(caught.value.outcome, outcome)


async def test_a_report_whose_parts_are_all_missing_holds_nothing() -> None:
    report = await Wire(lambda request: httpx.Response(404, text="no such path")).provider().report(ACCOUNT)
    assert report == SchoolReport(is_online=True)


async def test_no_secret_stands_in_a_message() -> None:
    wire = Wire(lambda request: REFUSED)
    wire.sts = {"ExceptionMessage": "Relying Party not found for estab or secret not correct"}

    outcome = await wire.provider().send(ACCOUNT, POST)

    assert "school-secret" not in repr(outcome)
    assert "school-secret" not in repr(ACCOUNT)


async def test_no_secret_and_no_token_stands_in_what_is_kept() -> None:
    tokens = Tokens(XporterSettings(), FakeClock(), httpx.AsyncClient(transport=httpx.MockTransport(taking())))

    token = await tokens.get(ACCOUNT)

    assert token == "token-1"
    assert "token-1" not in repr(vars(tokens))
    assert "school-secret" not in repr(vars(tokens))
