"""Streams of events that come back by themselves, and `wait`, which listens and asks until a writeback is final."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx
from pydantic import ValidationError

from writeback_client.calls import Answer, Call, Request, Source, Task
from writeback_client.errors import NotFinal, UnexpectedAnswer, retry_after
from writeback_client.flows import backoff, failure
from writeback_client.models.writebacks import Event, Writeback
from writeback_client.options import Options
from writeback_client.sse import Decoder
from writeback_client.steps import Close, Emit, Failure, Flow, Sleep, open_, read
from writeback_client.words import FINAL

_SILENCE_S = 45.0
"""Three signs of life of the API's: a stream that says nothing for so long is dead."""
_SHORTEST_S = 1.0
_COME_BACK_S, _LATEST_S = 2.0, 30.0
_FIRST_POLL_S, _SLOWEST_POLL_S = 0.25, 5.0
_NO_STREAM = frozenset({429, 500, 502, 503, 504})
"""No stream just now; there may be one later."""


@dataclass
class Position:
    """How far a stream was heard."""

    last_id: str = ""
    since: str | None = None
    """The API's own time when the first stream began: where to go on while no event has come."""

    def apply(self, request: Request) -> Request:
        """Return the request that goes on from here."""
        if self.last_id:
            return replace(request, headers={**request.headers, "Last-Event-ID": self.last_id})
        if self.since is not None and "since" not in request.params:
            return replace(request, params={**request.params, "since": self.since})
        return request

    def began(self, answer: Answer) -> None:
        """Note when the first stream began, so that nothing is missed where it breaks off before an event."""
        if self.since is not None:
            return
        with suppress(ValueError):  # a proxy may have left the date out, or written another form
            self.since = parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC).isoformat()


@dataclass(frozen=True)
class EventSource(Source[Event]):
    """Events as they come; a stream that breaks off is opened again behind the last event."""

    request: Request
    follow: bool = True
    after: int | None = None
    is_of_one: bool = False
    """One writeback's stream begins with its first event anyway."""

    def flow(self, options: Options) -> Flow[None]:
        position = Position("" if self.after is None else str(self.after))
        has_begun, misses = False, 0
        while True:
            reply = yield from open_(replace(position.apply(self.request), timeout_s=_SILENCE_S))
            if isinstance(reply, Answer) and reply.is_success:
                if not self.is_of_one:
                    position.began(reply)
                has_begun, misses = True, 0
                end = yield from self._listen(position)
                yield Close()
                if end is None and not self.follow:
                    return
            else:
                may_give_up = not (has_begun and self.follow)
                if not _is_passing(reply) or (may_give_up and misses >= options.max_retries):
                    raise failure(reply, options)
                misses += 1
            yield Sleep(_pause(reply, misses, options))

    def _listen(self, position: Position) -> Flow[Failure | None]:
        """Emit what comes; return why it ended, None where the API ended it."""
        decoder = Decoder(position.last_id)
        while True:
            chunk = yield from read()
            if not isinstance(chunk, bytes):
                return chunk
            for message in decoder.feed(chunk):
                event = event_of(message.data)
                # Before it is handed out: whoever has had it shall not have it again.
                position.last_id = message.id or str(event.id)
                yield Emit(event)


def _is_passing(reply: Answer | Failure) -> bool:
    return not isinstance(reply, Answer) or reply.status in _NO_STREAM


def _pause(reply: Answer | Failure, misses: int, options: Options) -> float:
    """Return the seconds until a stream is opened again."""
    asked = retry_after(reply.headers) if isinstance(reply, Answer) else None
    return min(_LATEST_S, max(asked or 0.0, _COME_BACK_S) + misses * backoff(misses, options))


def event_of(data: str) -> Event:
    """Return the event; raise UnexpectedAnswer where it is none."""
    try:
        return Event.model_validate_json(data)
    except ValidationError:
        raise UnexpectedAnswer("an event of the stream cannot be read", status=200) from None


@dataclass(frozen=True)
class Wait(Task[Writeback]):
    """A writeback once it is final: heard from its stream, or asked for where there is none."""

    get: Call[Writeback]
    stream: Request
    timeout_s: float | None

    def flow(self, options: Options) -> Flow[Writeback]:
        hearing = _Hearing(self.stream, options, self.timeout_s)
        while True:
            found = yield from self.get.flow(options)
            if found.is_final:
                return found
            if hearing.left_s <= 0:
                raise _not_final(found, self.timeout_s)
            yield from hearing.until_something()


@dataclass
class _Hearing:
    """Listens to a writeback's stream, and sleeps where it cannot."""

    stream: Request
    options: Options
    timeout_s: float | None
    position: Position = field(default_factory=Position)
    fails: int = 0
    is_deaf: bool = False
    """The stream opens and says nothing, as behind a proxy that gathers: no use to try again."""
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        patience = float("inf") if self.timeout_s is None else self.timeout_s
        self.deadline = self.options.clock.monotonic() + patience

    @property
    def left_s(self) -> float:
        return self.deadline - self.options.clock.monotonic()

    def until_something(self) -> Flow[None]:
        """Return when it may be final, or time is up."""
        if not self.is_deaf and self.left_s > _SHORTEST_S and (yield from self._hear()):
            self.fails = 0
            return
        self.fails += 1
        pause_s = min(_SLOWEST_POLL_S, _FIRST_POLL_S * 1.6 ** min(self.fails, 12))
        yield Sleep(max(0.0, min(pause_s, self.left_s)))

    def _hear(self) -> Flow[bool]:
        """Return whether it is worth asking now; False where hearing failed."""
        # A silence cannot be cut short once it has begun, so the nearer the deadline, the shorter it may be.
        silence_s = min(_SILENCE_S, max(_SHORTEST_S, self.left_s / 2))
        reply = yield from open_(replace(self.position.apply(self.stream), timeout_s=silence_s))
        if not isinstance(reply, Answer) or not reply.is_success:
            return False
        heard = yield from self._listen(silence_s)
        yield Close()
        return heard

    def _listen(self, silence_s: float) -> Flow[bool]:
        decoder, has_heard = Decoder(self.position.last_id), False
        while True:
            chunk = yield from read()
            if not isinstance(chunk, bytes):
                is_silence = isinstance(chunk, httpx.ReadTimeout)
                self.is_deaf = is_silence and not has_heard
                return is_silence and has_heard
            has_heard = True
            for message in decoder.feed(chunk):
                event = event_of(message.data)
                self.position.last_id = message.id or str(event.id)
                if event.status in FINAL:
                    return True
            if self.left_s < silence_s:
                return True


def _not_final(found: Writeback, timeout_s: float | None) -> NotFinal:
    held = f" ({found.hold_reason})" if found.hold_reason else ""
    return NotFinal(
        f"{found.id} is {found.status}{held} after {timeout_s:g} s; nothing is lost, and it goes on", writeback=found
    )
