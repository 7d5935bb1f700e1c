"""When a call is tried again, how long after, and how lists are gone through."""

import httpx
import pytest

from tests.unit.client.conftest import answer, drive, items
from writeback_client.calls import Request, as_model
from writeback_client.errors import (
    Conflict,
    Invalid,
    Problem,
    RateLimited,
    ServerError,
    Timeout,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from writeback_client.flows import Listing, exchange
from writeback_client.models.base import Page
from writeback_client.models.schools import School
from writeback_client.options import Options
from writeback_client.steps import Send, Sleep

READING = Request("GET", "/v1/x", is_repeatable=True)
CREATING = Request("POST", "/v1/x")
BROKEN_OFF = httpx.RemoteProtocolError("broken off")
REFUSED = httpx.ConnectError("refused")


def _pauses(steps: list[object]) -> list[float]:
    return [step.seconds for step in steps if isinstance(step, Sleep)]


@pytest.mark.parametrize("failure", [answer(500), answer(502), answer(503), answer(504), answer(429), BROKEN_OFF])
def test_what_is_safe_to_repeat_is_tried_again(options: Options, failure: object) -> None:
    steps, result = drive(exchange(READING, options), [failure, answer()])

    assert result.status == 200
    assert _pauses(steps) == [0.5]


@pytest.mark.parametrize("failure", [answer(408), answer(429), REFUSED, httpx.ConnectTimeout("slow")])
def test_what_was_not_done_is_tried_again_whatever_it_is(options: Options, failure: object) -> None:
    _, result = drive(exchange(CREATING, options), [failure, answer(201)])

    assert result.status == 201


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (answer(503), Unavailable),
        (answer(500), ServerError),
        (BROKEN_OFF, Unreachable),
        (httpx.ReadTimeout("slow"), Timeout),
    ],
)
def test_what_may_have_been_done_is_not_tried_again_unless_that_is_safe(
    options: Options, failure: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        drive(exchange(CREATING, options), [failure])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415, 422, 501])
def test_a_refusal_is_final(options: Options, status: int) -> None:
    with pytest.raises(Problem) as caught:
        drive(exchange(READING, options), [answer(status)])

    assert caught.value.status == status


def test_pauses_double_and_the_last_failure_is_reported(options: Options) -> None:
    flow = exchange(READING, options)
    pauses: list[object] = []

    with pytest.raises(Unavailable, match="busy"):
        drive(flow, [answer(503)] * 3 + [answer(503, b'{"detail": "busy"}')], watch=pauses.append)

    assert _pauses(pauses) == [0.5, 1.0, 2.0]


def test_retry_after_is_honoured_and_spread(options: Options) -> None:
    steps, _ = drive(exchange(CREATING, options), [answer(429, Retry_After="7"), answer()])

    assert _pauses(steps) == [7.5]


def test_a_longer_wait_than_allowed_is_left_to_the_caller(options: Options) -> None:
    with pytest.raises(RateLimited) as caught:
        drive(exchange(READING, options), [answer(429, Retry_After="3600")])

    assert caught.value.retry_after_s == 3600


def test_the_same_request_goes_again(options: Options) -> None:
    steps, _ = drive(exchange(READING, options), [BROKEN_OFF, answer()])

    assert [step.request for step in steps if isinstance(step, Send)] == [READING, READING]


def test_a_redirect_is_no_answer_of_ours(options: Options) -> None:
    with pytest.raises(UnexpectedAnswer, match="302"):
        drive(exchange(READING, options), [answer(302)])


def test_a_problem_has_all_that_the_api_said(options: Options) -> None:
    body = (
        b'{"code": "submission_invalid", "detail": "1 of 2", "hint": "mend it", "findings": ['
        b'{"code": "x", "severity": "error", "pointer": "/records/1", "record": 1, "message": "m", "hint": "h"},'
        b'{"unreadable": true}], "more_findings": 2900}'
    )
    with pytest.raises(Invalid) as caught:
        drive(exchange(CREATING, options), [answer(422, body, X_Request_Id="req_1")])

    problem = caught.value
    assert (problem.code, problem.detail, problem.hint) == ("submission_invalid", "1 of 2", "mend it")
    assert [(one.code, one.record, one.is_error) for one in problem.findings] == [("x", 1, True)]
    assert problem.more_findings == 2_900
    assert problem.request_id == "req_1"
    assert str(problem) == "1 of 2 (submission_invalid)"


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[1]"])
def test_a_refusal_that_is_no_problem_has_its_status(options: Options, body: bytes) -> None:
    with pytest.raises(Conflict) as caught:
        drive(exchange(CREATING, options), [answer(409, body)])

    assert (caught.value.code, caught.value.findings, caught.value.more_findings) == ("http_409", (), 0)


def _page(*ids: str, cursor: str | None = None) -> object:
    schools = [
        {
            "id": one, "name": one, "provider": "wonde", "mis": "SIMS", "provider_school_id": "A1", "state": "active",
            "created_at": "2026-01-12T09:00:00Z", "updated_at": "2026-01-12T09:00:00Z",
        }
        for one in ids
    ]  # fmt: skip
    return answer(
        body=Page[School].model_validate({"items": schools, "next_cursor": cursor}).model_dump_json().encode()
    )


def test_a_list_is_fetched_page_by_page(options: Options) -> None:
    listing = Listing(Request("GET", "/v1/schools", {"limit": "2"}, is_repeatable=True), as_model(Page[School]))

    steps, _ = drive(listing.flow(options), [_page("a", "b", cursor="c2"), _page("c")])

    assert [school.id for school in items(steps)] == ["a", "b", "c"]
    asked = [dict(step.request.params) for step in steps if isinstance(step, Send)]
    assert asked == [{"limit": "2"}, {"limit": "2", "cursor": "c2"}]


def test_no_more_pages_are_fetched_than_are_wanted(options: Options) -> None:
    listing = Listing(Request("GET", "/v1/schools"), as_model(Page[School]), at_most=3)

    steps, _ = drive(listing.flow(options), [_page("a", "b", cursor="c2"), _page("c", "d", cursor="c3")])

    assert [school.id for school in items(steps)] == ["a", "b", "c"]


def test_what_is_no_page_is_told_without_its_content(options: Options) -> None:
    listing = Listing(Request("GET", "/v1/schools"), as_model(Page[School]))

    with pytest.raises(UnexpectedAnswer) as caught:
        drive(listing.flow(options), [answer(body=b'{"items": [{"name": "Ada Lovelace"}]}')])

    assert "Ada" not in str(caught.value)
