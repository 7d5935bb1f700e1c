"""How fast an app may call, and what it is answered beyond that."""

from datetime import timedelta
from typing import Any

import httpx

from writeback import __version__
from writeback.api.app import create_app
from writeback.core.buckets import Buckets
from writeback.core.clock import FakeClock
from writeback.domain.access import Scope


async def calls(services: Any, *paths: tuple[str, str], headers: dict[str, str]) -> list[httpx.Response]:
    """Make the calls to an API that lets an app make two at once."""
    services.settings.api.rate_per_s, services.settings.api.rate_burst = 0.1, 2
    transport = httpx.ASGITransport(app=create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return [await client.request(method, path, headers=headers) for method, path in paths]


async def test_every_answer_says_what_the_app_may_still_do(services: Any):
    key = (await services.keys.create("Registers", "", [Scope.READ], None)).key
    headers = {"authorization": f"Bearer {key}"}
    answers = await calls(services, *[("GET", "/v1/features")] * 3, headers=headers)

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0"]
    assert answers[0].headers["ratelimit-policy"] == '"app";q=2;w=20'
    assert answers[2].headers["retry-after"] == "1"
    assert answers[2].json()["code"] == "rate_limited"


async def test_answers_say_how_long_idempotency_keys_hold_and_which_version_answers(services: Any):
    services.settings.api.idempotency_keep_s = 7_200
    key = (await services.keys.create("Registers", "", [Scope.READ], None)).key
    (known,) = await calls(services, ("GET", "/v1/features"), headers={"authorization": f"Bearer {key}"})
    (stranger,) = await calls(services, ("GET", "/v1/features"), headers={})

    assert known.headers["idempotency-key-lifetime"] == "7200"
    assert known.headers["writeback-version"] == __version__
    assert "writeback-version" not in stranger.headers


async def test_submissions_count_too(services: Any):
    key = (await services.keys.create("Registers", "", [Scope.SUBMIT], None)).key
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    path = "/v1/schools/hillside/writebacks"
    answers = await calls(services, *[("POST", path)] * 3, headers=headers)

    assert [answer.status_code for answer in answers] == [202, 202, 429]


async def test_a_call_without_a_key_has_no_bucket_to_empty(services: Any):
    answers = await calls(services, *[("GET", "/v1/features")] * 3, headers={})

    assert [answer.status_code for answer in answers] == [401, 401, 401]


def limits(clock: FakeClock, per_s: float = 10, burst: int = 3) -> Buckets:
    return Buckets(clock, per_s, burst)


def test_a_burst_passes_and_the_next_call_does_not(fake_clock: FakeClock):
    bucket = limits(fake_clock)
    assert [bucket.take("app").is_exceeded for _ in range(4)] == [False, False, False, True]


def test_the_bucket_fills_steadily(fake_clock: FakeClock):
    bucket = limits(fake_clock)
    for _ in range(4):
        bucket.take("app")
    fake_clock.advance(timedelta(seconds=0.1))
    assert [bucket.take("app").is_exceeded for _ in range(2)] == [False, True]


def test_another_app_has_a_bucket_of_its_own(fake_clock: FakeClock):
    bucket = limits(fake_clock, burst=1)
    assert [bucket.take(app).is_exceeded for app in ("a", "b", "a")] == [False, False, True]


def test_what_remains_is_reported(fake_clock: FakeClock):
    bucket = limits(fake_clock)
    assert [bucket.take("app").remaining for _ in range(4)] == [2, 1, 0, 0]
