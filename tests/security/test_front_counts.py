"""The HTTP front, /v1 and the drop-in endpoints alike: what is counted before it is read, and how fast one may call."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.api.conftest import FakeServices, database, is_problem, services  # noqa: F401 - fixtures
from writeback.api.app import create_app
from writeback.core.errors import MOST_FINDINGS
from writeback.domain.access import Scope
from writeback.domain.school import School
from writeback.flow.dropin.requests import DropInRefused, DropInRequest, DropInTaken

WONDE = "/wonde/v1.0/schools/A1/attendance/session"
XPORTER = "/xporter/api/v1/AttendanceAsync/3281102"
GET_TOKEN = "/xporter/idaas/sts/STS/GetToken"
EMPTY = [{}] * 300_000


class FakeDropIn:
    """Knows every school, and refuses what it is told to; `taken` is what came so far."""

    def __init__(self) -> None:
        self.taken: list[DropInRequest] = []
        self.refusal: DropInRefused | None = None

    async def school(self, *_: Any) -> School:
        return School(id="hillside", name="Hillside", provider="wonde", mis="SIMS")

    async def take(self, caller: Any, school: School, request: DropInRequest) -> DropInTaken:
        self.taken.append(request)
        if self.refusal is not None:
            raise self.refusal
        return DropInTaken("A1")

    def granted(self, token: str) -> None:
        return None

    def grant(self, key: str, school: School, relying_party: str) -> tuple[str, Any]:
        return "token", SimpleNamespace(strftime=lambda _: "2026-01-13")


@asynccontextmanager
async def front(services: Any, **limits: Any) -> AsyncIterator[tuple[httpx.AsyncClient, FakeDropIn]]:  # noqa: F811
    """The API with bodies of ten megabytes, drop-in endpoints, and these limits."""
    for name, value in {"max_body_bytes": 10_000_000, **limits}.items():
        setattr(services.settings.api, name, value)
    services.drop_in = FakeDropIn()
    key = (await services.keys.create("Registers", "", list(Scope), None)).key
    transport = httpx.ASGITransport(create_app(services))
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as http:
        yield http, services.drop_in
    await services.keys.aclose()


def finding(number: int) -> dict[str, Any]:
    pointer = f"/records/{number}/code"
    said = {"code": "code_unknown", "message": f"code x{number} is unknown", "hint": "", "provider_message": None}
    return {**said, "severity": "error", "pointer": pointer, "record": number}


async def test_a_body_of_too_many_values_is_refused_before_fastapi_parses_it(
    services: FakeServices,  # noqa: F811
    is_problem: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("the body was parsed")

    monkeypatch.setattr("starlette.requests.json", SimpleNamespace(loads=never))
    async with front(services) as (http, _):
        answer = await http.post("/v1/writebacks/wb_1/resubmit", json={"records": EMPTY})

    is_problem(answer, 413, "body_too_many_values")


async def test_values_are_counted_over_all_pieces_of_a_body(
    services: FakeServices,  # noqa: F811
    is_problem: Any,  # noqa: F811
) -> None:
    pulled = []

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"app":"x","scopes":["read"],"schools":['
        for _ in range(1_000):
            pulled.append(1)
            yield b'"s",' * 1_000

    async with front(services) as (http, _):
        answer = await http.post("/v1/keys", content=pieces())

    is_problem(answer, 413, "body_too_many_values")
    assert len(pulled) < 40


async def test_an_answer_shows_a_hundred_wrong_fields_and_says_how_many_more_there_are(
    services: FakeServices,  # noqa: F811
    is_problem: Any,  # noqa: F811
) -> None:
    async with front(services) as (http, _):
        answer = await http.post("/v1/keys", json={"app": "x", "scopes": ["read"], "schools": [1] * 5_000})

    problem = is_problem(answer, 422, "body_invalid")
    assert (len(problem["findings"]), problem["more_findings"]) == (MOST_FINDINGS, 4_900)
    assert problem["detail"].endswith("100 findings are shown, and there are 4900 more")


async def test_a_field_of_any_length_is_not_repeated(
    services: FakeServices,  # noqa: F811
    is_problem: Any,  # noqa: F811
) -> None:
    async with front(services) as (http, _):
        answer = await http.post("/v1/keys", json={"app": "x", "scopes": ["read"], "k" * 1_000_000: 1})

    problem = is_problem(answer, 422, "body_invalid")
    assert problem["findings"][0]["code"] == "field_unknown"
    assert len(answer.content) < 2_000


@pytest.mark.parametrize(
    ("path", "records", "says"),
    [
        (WONDE, {"attendance": EMPTY}, "bad_request"),
        (WONDE, {"attendance": [{}] * 1_001}, "must not have more than 1000 items"),
        ("/wonde/v1.0/schools/A1/achievements", {"students": [{}] * 5_001}, "must not have more than 5000 items"),
        (XPORTER, {"Marks": EMPTY}, "commas and opening brackets"),
        (XPORTER, {"Marks": [{}] * 1_001}, "Only write back 1000 Marks in one request"),
        (
            "/xporter/api/v1/ConductAsync/3281102",
            {"Conducts": [{"Id": 1}], "Participants": [{}] * 5_001},
            "Only write back 5000 Participants",
        ),
    ],
)
async def test_drop_in_endpoints_count_before_they_translate(
    services: FakeServices,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    records: dict[str, Any],
    says: str,
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("a record was translated")

    monkeypatch.setattr("writeback.api.dropin.values.Shape.read", never)
    async with front(services) as (http, drop_in):
        answer = await http.post(path, json=records)

    assert answer.status_code in (200, 400, 422)
    assert says in answer.text
    assert len(answer.content) < 1_000
    assert drop_in.taken == []


async def test_wondes_errors_are_a_hundred_and_how_many_more(services: FakeServices) -> None:  # noqa: F811
    async with front(services) as (http, drop_in):
        drop_in.refusal = DropInRefused([[finding(n) for n in range(150)]], more=2_800)
        answer = await http.post(WONDE, json={"attendance": [{}] * 150})

    assert answer.status_code == 422
    errors = answer.json()
    assert len(errors) == MOST_FINDINGS + 1
    assert errors["attendance"] == ["And 2850 more errors."]
    assert errors["attendance.0.attendance_code_id"]


async def test_xporters_messages_are_twenty_and_how_many_more(services: FakeServices) -> None:  # noqa: F811
    marks = [{"MarkType": "S", "Mark": f"x{n}"} for n in range(150)]
    callback = {"Url": "https://app.example/", "Method": "POST"}
    async with front(services) as (http, drop_in):
        drop_in.refusal = DropInRefused([[finding(n) for n in range(150)]], more=2_800)
        answer = await http.post(XPORTER, json={"Marks": marks, "Callback": callback})

    messages = answer.json()["ExceptionMessage"].split("; ")
    assert len(messages) == 21
    assert messages[-1] == "And 2930 more errors"


async def test_drop_in_endpoints_have_the_apps_rate_limit_in_the_providers_shape(
    services: FakeServices,  # noqa: F811
) -> None:
    async with front(services, rate_per_s=0.1, rate_burst=2) as (http, _):
        answers = [await http.post(path, json={"attendance": [{}]}) for path in (WONDE, WONDE, WONDE, XPORTER)]

    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert [one.headers["ratelimit"].split(";")[1] for one in answers] == ["r=1", "r=0", "r=0", "r=0"]
    assert [one.headers.get("retry-after") for one in answers] == [None, None, "1", "1"]
    assert answers[2].json()["error"] == "too_many_requests"
    assert "more than 0.1 calls a second" in answers[3].json()["ExceptionMessage"]


async def test_asking_for_tokens_counts_as_calling(services: FakeServices) -> None:  # noqa: F811
    async with front(services, rate_per_s=0.1, rate_burst=2) as (http, _):
        key = http.headers["authorization"].removeprefix("Bearer ")
        answers = [await http.post(GET_TOKEN, json=asking(key)) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].json()["token"]
    assert answers[2].headers["retry-after"] == "1"


async def test_guesses_at_a_secret_are_slowed_down_and_the_right_one_is_let_in(
    services: FakeServices,  # noqa: F811
) -> None:
    async with front(services) as (http, _):
        key = http.headers["authorization"].removeprefix("Bearer ")
        guesses = [await http.post(GET_TOKEN, json=asking(f"wbk_{n}")) for n in range(40)]
        honest = await http.post(GET_TOKEN, json=asking(key))

    assert [one.status_code for one in guesses] == [200] * 30 + [429] * 10
    assert all(one.json()["ExceptionMessage"] for one in guesses)
    assert honest.json()["token"]


@pytest.mark.parametrize("path", [WONDE, XPORTER, "/wonde/v1.0/schools/A1/students", "/xporter/api/v1/School"])
async def test_without_a_key_no_body_is_read(services: FakeServices, path: str) -> None:  # noqa: F811
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    services.drop_in = FakeDropIn()  # type: ignore[attr-defined]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"httpstatuscodes=true", "headers": []}
    await create_app(services)(scope, receive, send)

    await services.keys.aclose()
    assert sent[0]["status"] == 401
    assert json.loads(sent[1]["body"])


def asking(secret: str) -> dict[str, str]:
    return {"estab": "3281102", "relyingParty": "app", "password": secret, "thirdpartyid": "XporterOnDemand"}
