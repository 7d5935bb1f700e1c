"""What failed carries the provider's answer as it came: cut, unpacked, and without our credential."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.settings import DispatchSettings, Settings
from writeback.domain.kinds import KINDS
from writeback.domain.outcome import Blocked, NotReached, Refused, Rejected, Taken, Uncertain
from writeback.domain.school import Account
from writeback.providers.base import ProviderRequest, SentRequest
from writeback.providers.http import ProviderClient
from writeback.providers.wonde.adapter import WondeProvider
from writeback.providers.xporter.adapter import XporterProvider

TOKEN = "wonde-token/with+signs"
WONDE = Account("sch_1", "wonde", "A1", "Bromcom", "https://wonde.test/v1.0", {"token": TOKEN})
XPORTER = Account("sch_1", "xporter", "3281102", "SIMS", "https://xporter.test", {"secret": "school-secret"})
MARKS = ProviderRequest("POST", "/schools/A1/attendance/session", {"attendance": [{}]}, "attendance.session")
Reply = Callable[[httpx.Request], httpx.Response]


def client_of(reply: Reply, kept: int = DispatchSettings().kept_answer_bytes) -> ProviderClient:
    client = ProviderClient(transport=httpx.MockTransport(reply))
    client.kept_answer_bytes = kept
    return client


async def sent_to_wonde(reply: Reply, **more: Any) -> Any:
    return await WondeProvider(Settings(), FakeClock(), client_of(reply, **more)).send(WONDE, MARKS)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (422, {"attendance.0.date": ["It is closed."]}, Refused),
        (200, {"errors": {"attendance.0.date": ["It is closed."]}}, Refused),
        (200, {"odd": True}, Uncertain),
        (403, {"message": "no permission"}, Blocked),
        (500, {"message": "broken"}, Uncertain),
        (503, {"message": "later"}, NotReached),
    ],
)
async def test_whatever_failed_has_its_answer(status: int, body: Any, outcome: type) -> None:
    came = await sent_to_wonde(lambda request: httpx.Response(status, json=body))

    assert isinstance(came, outcome)
    assert came.raw is not None
    assert (came.raw.status, json.loads(came.raw.body)) == (status, body)
    assert came.raw.content_type == "application/json"


async def test_what_was_taken_has_none() -> None:
    came = await sent_to_wonde(lambda request: httpx.Response(200, json={"writeback_id": "A7"}))

    assert came == Taken("A7")
    assert not hasattr(came, "raw")


async def test_a_poll_that_says_failed_has_its_answer() -> None:
    body = {"data": {"status": "FAILED", "next_attempt": None, "reason": "the register is locked"}}
    provider = WondeProvider(Settings(), FakeClock(), client_of(lambda request: httpx.Response(200, json=body)))
    now = FakeClock().now()
    verdict = await provider.check(WONDE, SentRequest("req_1", KINDS["attendance.session"], [], "A7", now), now)

    assert isinstance(verdict, Rejected)
    assert verdict.raw is not None
    assert b"locked" in verdict.raw.body


async def test_xporters_refusal_has_its_answer_and_the_sts_has_none() -> None:
    refusal = {"ExceptionMessage": "Invalid StudentId: 9920"}

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("GetToken"):
            return httpx.Response(200, json={"token": "tok-1", "expires": "2030-01-01T00:00:00Z"})
        return httpx.Response(200, json=refusal)

    provider = XporterProvider(Settings(), FakeClock(), client_of(reply))
    request = ProviderRequest("POST", "/api/v1/AttendanceAsync/3281102/", {"Marks": []}, "attendance.session")
    came = await provider.send(XPORTER, request)
    assert isinstance(came, Refused)
    assert came.raw is not None
    assert json.loads(came.raw.body) == refusal

    away = XporterProvider(Settings(), FakeClock(), client_of(lambda request: httpx.Response(500, text="tok-2")))
    unanswered = await away.send(XPORTER, request)
    assert isinstance(unanswered, NotReached)
    assert unanswered.raw is None


async def test_only_the_beginning_is_kept_and_its_whole_length_told() -> None:
    came = await sent_to_wonde(lambda request: httpx.Response(500, text="x" * 5_000), kept=100)

    assert (came.raw.body, came.raw.size) == (b"x" * 100, 5_000)


async def test_with_nothing_to_be_kept_there_is_none() -> None:
    assert (await sent_to_wonde(lambda request: httpx.Response(500, text="x"), kept=0)).raw is None


async def test_what_comes_packed_is_kept_unpacked() -> None:
    packed = gzip.compress(b"<html>down for repair</html>")
    came = await sent_to_wonde(
        lambda request: httpx.Response(502, content=packed, headers={"content-encoding": "gzip"})
    )

    assert came.raw.body == b"<html>down for repair</html>"


@pytest.mark.parametrize("before", [0, 90, 99])
async def test_a_page_that_repeats_our_token_is_kept_without_it(before: int) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        sent = request.headers["authorization"]
        return httpx.Response(500, text="y" * before + f"you sent {sent}, " + json.dumps(sent).replace("/", "\\/"))

    for kept in (100, 8_192):
        came = await sent_to_wonde(reply, kept=kept)
        assert TOKEN[:6].encode() not in came.raw.body


async def test_it_is_in_no_representation() -> None:
    came = await sent_to_wonde(lambda request: httpx.Response(500, text="Persephone Quill"))

    assert "Persephone" not in repr(came)
    assert "Persephone" not in repr(came.raw)
