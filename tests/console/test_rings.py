"""The stream that tells open pages to look again: for whoever is signed in, about what they may see, saying nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from tests.console.bad_morning import bad_morning
from tests.console.browser import served
from tests.console.conftest import SignIn, Visitor
from tests.console.scenes import add_writeback
from writeback.console import create_console
from writeback.core.clock import SystemClock
from writeback.core.settings import EventSettings
from writeback.flow.projections.feed import EventFeed
from writeback.wiring import Services

PATIENCE_S = 15.0
QUICK = EventSettings(poll_s=0.01, heartbeat_s=0.1, max_streams_per_app=1)
ASKING = {"Accept": "text/event-stream"}


@pytest.fixture
async def origin(services: Services, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The console on a port of its own, so that an answer can be read while it comes."""
    await bad_morning(services)
    feed = EventFeed(services.reads.db, QUICK)
    monkeypatch.setattr(services.clock, "monotonic", SystemClock().monotonic)
    monkeypatch.setattr(services.settings, "events", QUICK)
    object.__setattr__(services, "feed", feed)
    async with served(create_console(services)) as origin:
        yield origin
        feed.close()
    await feed.aclose()


@asynccontextmanager
async def lines_of(origin: str, visitor: Visitor, query: str = "") -> AsyncIterator[AsyncIterator[str]]:
    async with (
        asyncio.timeout(PATIENCE_S),
        httpx.AsyncClient(base_url=origin, cookies=visitor.http.cookies, headers=ASKING) as http,
        http.stream("GET", f"/console/signals{query}") as answer,
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.headers["content-security-policy"]
        lines = aiter(answer.aiter_lines())
        async for line in lines:
            if line.startswith(": still here"):  # so it listens by now
                break
        yield lines


async def happen(services: Services, school: str) -> None:
    now = services.clock.now()
    await services.reads.db.transact(lambda session: add_writeback(session, now, school, "queued").id)


async def said(lines: AsyncIterator[str]) -> str:
    return await anext(line async for line in lines if line and not line.startswith(":"))


async def test_it_signals_when_something_happens_and_says_not_what(
    origin: str, services: Services, sign_in: SignIn
) -> None:
    async with lines_of(origin, await sign_in("viewer")) as lines:
        await happen(services, "oakfield")

        assert await said(lines) == "data: changed"


@pytest.mark.parametrize("query", ["", "?school=st-marys"])
async def test_other_schools_signal_nobody(origin: str, services: Services, sign_in: SignIn, query: str) -> None:
    async with lines_of(origin, await sign_in("viewer", schools=["st-marys"]), query) as lines:
        await happen(services, "oakfield")
        for _ in range(3):
            line = await anext(line async for line in lines if line)
            assert line.startswith(":"), "nothing but signs of life"
        await happen(services, "st-marys")

        assert await said(lines) == "data: changed"


async def test_a_school_of_others_is_not_there(origin: str, sign_in: SignIn) -> None:
    visitor = await sign_in("viewer", schools=["st-marys"])

    assert (await visitor.get("/signals?school=oakfield", headers=ASKING)).status_code == 404


async def test_whoever_is_signed_out_hears_no_more(origin: str, services: Services, sign_in: SignIn) -> None:
    visitor = await sign_in("viewer")
    async with lines_of(origin, visitor) as lines:
        await services.staff.accounts.disable(visitor.name)

        assert not [line async for line in lines if line.startswith("data:")], "it ended"
    again = await visitor.get("/signals", headers=ASKING)
    assert again.status_code == 401, "and no page to sign in, which nobody would see"


async def test_one_who_only_listens_is_signed_out_when_idle_for_too_long(
    origin: str, services: Services, sign_in: SignIn
) -> None:
    visitor, answers = await sign_in("viewer", schools=["st-marys"]), []

    for _ in range(2):
        services.clock.advance(timedelta(seconds=services.settings.console.idle_timeout_s * 0.6))  # type: ignore[attr-defined]
        answers.append(await visitor.get("/signals?school=oakfield", headers=ASKING))

    assert [answer.status_code for answer in answers] == [404, 401]


async def test_streams_are_limited_for_each_person(origin: str, sign_in: SignIn) -> None:
    visitor = await sign_in("viewer")
    async with lines_of(origin, visitor), httpx.AsyncClient(base_url=origin, cookies=visitor.http.cookies) as http:
        refused = await http.get("/console/signals", headers=ASKING)

    assert refused.status_code == 429
    assert "retry-after" in refused.headers
