"""Streams that come back, and waiting until a writeback is final; by steps, with a clock that is moved by hand."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.unit.client.conftest import answer, drive, drive_by, items
from writeback.core.clock import FakeClock
from writeback_client.errors import Forbidden, NotFinal, NotFound, Unreachable
from writeback_client.options import Options
from writeback_client.resources.writebacks import events, wait
from writeback_client.steps import Close, Open, Read, Send, Sleep

BROKEN_OFF = httpx.ReadError("broken off")
SILENCE = httpx.ReadTimeout("silence")
GREETING = b"retry: 2000\n\n"


def event(number: int, status: str = "queued") -> bytes:
    answer = {
        "id": number, "writeback_id": "wb_1", "app": "registers", "school": "hillside", "kind": "attendance.session",
        "ref": None, "at": "2026-01-12T09:00:00Z", "actor": "worker", "event": status, "status": status, "detail": None,
    }  # fmt: skip
    return f"id: {number}\ndata: {json.dumps(answer)}\n\n".encode()


def found(status: str, **more: Any) -> Any:
    times = dict.fromkeys(("created_at", "updated_at"), "2026-01-12T09:00:00Z")
    said = {"id": "wb_1", "status": status, "school": "hillside", "kind": "attendance.session", **times, **more}
    return answer(body=json.dumps(said).encode())


def _opened(steps: list[Any]) -> list[Any]:
    return [step.request for step in steps if isinstance(step, Open)]


def test_a_stream_that_breaks_off_goes_on_behind_the_last_event(options: Options) -> None:
    source = events(follow=False, since="2026-01-12T08:00:00Z")

    steps, _ = drive(source.flow(options), [answer(), event(5) + event(6), BROKEN_OFF, answer(), event(7), None])

    assert [one.id for one in items(steps)] == [5, 6, 7]
    assert [request.headers.get("Last-Event-ID") for request in _opened(steps)] == [None, "6"]
    assert _opened(steps)[0].params == {"since": "2026-01-12T08:00:00Z", "follow": "false"}


def test_a_stream_that_breaks_off_before_any_event_goes_on_where_it_began(options: Options) -> None:
    flow = events(school="hillside").flow(options)
    began = answer(Date="Mon, 12 Jan 2026 09:00:00 GMT")
    seen: list[Any] = []

    with pytest.raises(Forbidden):
        drive(flow, [began, GREETING, BROKEN_OFF, answer(403)], watch=seen.append)

    assert [request.params.get("since") for request in _opened(seen)] == [None, "2026-01-12T09:00:00+00:00"]


def test_following_outlasts_an_api_that_is_away_for_long(options: Options) -> None:
    flow = events().flow(options)
    away = [BROKEN_OFF, httpx.ConnectError("refused"), answer(503, Retry_After="10")] * 5
    seen: list[Any] = []

    with pytest.raises(NotFound):
        drive(flow, [answer(), event(1), *away[:1], *away, answer(404)], watch=seen.append)

    pauses = [step.seconds for step in seen if isinstance(step, Sleep)]
    assert max(pauses) == 30.0
    assert min(pauses) >= 2.0


def test_a_stream_that_never_was_is_given_up(options: Options) -> None:
    with pytest.raises(Unreachable):
        drive(events().flow(options), [httpx.ConnectError("refused")] * (options.max_retries + 1))


def test_going_on_after_an_id_says_so(options: Options) -> None:
    flow = events(after=41).flow(options)
    request = next(flow).request  # type: ignore[union-attr] # the first step opens

    assert request.headers["Last-Event-ID"] == "41"


def test_waiting_asks_when_the_stream_says_that_it_is_final(options: Options) -> None:
    replies = [
        found("queued"),
        answer(),
        GREETING,
        event(1) + event(2, "sent"),
        event(3, "confirmed"),
        found("confirmed"),
    ]

    steps, result = drive(wait("wb_1").flow(options), replies)

    assert result.is_confirmed
    assert [type(step) for step in steps if isinstance(step, Send | Open | Close)] == [Send, Open, Close, Send]
    assert not [step for step in steps if isinstance(step, Sleep)]


def test_an_end_that_was_undone_is_not_taken_for_the_end(options: Options) -> None:
    replies = [
        found("queued"), answer(), event(1, "failed"), found("queued"),
        answer(), event(2, "confirmed"), found("confirmed"),
    ]  # fmt: skip

    steps, result = drive(wait("wb_1").flow(options), replies)

    assert result.is_confirmed
    assert [request.headers.get("Last-Event-ID") for request in _opened(steps)] == [None, "1"]


def test_without_a_stream_it_asks_again_and_again_more_slowly(options: Options) -> None:
    polls = [found("sent"), answer(429)] * 12
    steps, result = drive(wait("wb_1", timeout=None).flow(options), [*polls, found("failed")])

    pauses = [step.seconds for step in steps if isinstance(step, Sleep)]
    assert result.status == "failed"
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.4, 5.0)


def test_a_stream_that_says_nothing_at_all_is_not_opened_again(options: Options) -> None:
    replies = [found("sent"), answer(), SILENCE, found("sent"), found("confirmed")]

    steps, _ = drive(wait("wb_1").flow(options), replies)

    assert len(_opened(steps)) == 1


@dataclass
class Api:
    """An API whose writeback is held for ever; time passes while it says nothing."""

    clock: FakeClock
    has_stream: bool
    silences: list[float] = field(default_factory=list)

    def reply_to(self, step: Any) -> Any:
        match step:
            case Send():
                return found("held", hold_reason="school_offline")
            case Open(request):
                self.silences.append(request.timeout_s or 0.0)
                self._greeted = False
                return answer() if self.has_stream else answer(503)
            case Read():
                return self._read()
            case Sleep(seconds):
                self.clock.advance(timedelta(seconds=seconds))
        return None

    def _read(self) -> Any:
        """Greet, then give a sign of life every 15 seconds; who is not that patient hears nothing."""
        is_first = not self._greeted
        self._greeted = True
        if is_first:
            return GREETING
        self.clock.advance(timedelta(seconds=min(15.0, self.silences[-1])))
        if self.silences[-1] < 15.0:
            return SILENCE
        return b": still here\n\n"

    _greeted: bool = False


@pytest.mark.parametrize("has_stream", [True, False])
def test_waiting_ends_in_time_and_says_how_far_it_is(options: Options, fake_clock: FakeClock, has_stream: bool) -> None:
    api = Api(fake_clock, has_stream)
    began = fake_clock.monotonic()

    with pytest.raises(NotFinal, match=r"wb_1 is held \(school_offline\) after 120 s") as caught:
        drive_by(wait("wb_1", timeout=120.0).flow(options), api.reply_to)

    assert fake_clock.monotonic() - began == pytest.approx(120.0, abs=1.0)
    assert caught.value.writeback is not None
    assert caught.value.writeback.hold_reason == "school_offline"
    assert isinstance(caught.value, TimeoutError)


def test_the_nearer_the_deadline_the_shorter_a_silence_may_be(options: Options, fake_clock: FakeClock) -> None:
    api = Api(fake_clock, has_stream=True)

    with pytest.raises(NotFinal):
        drive_by(wait("wb_1", timeout=120.0).flow(options), api.reply_to)

    assert api.silences[0] == 45.0
    assert api.silences == sorted(api.silences, reverse=True)
    assert len(api.silences) < 15
