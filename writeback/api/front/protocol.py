"""A connection of the API: uvicorn's, with limits on what anybody may send, hold open or leave unread without a key.

httptools and uvicorn have none: headers may be of any length and number, and may take for ever. Here a request costs no
timer of its own: all connections are looked at twice a second.
"""

import asyncio
from collections import deque
from enum import Enum, auto
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from writeback.api.front.connections import TICK_S, Connections, Refused
from writeback.api.front.problems import HeadersTooLarge, TimedOut
from writeback.core.errors import BadInput, Problem
from writeback.core.network.caller_addresses import household_of

_CLOSING_S: Final = 10.0
"""How long a connection that we have closed may take to hand over what was written before."""
_MOST_AROUND: Final = 16
"""Bytes around each byte of a body that cannot be called a flood: a chunk of one byte has six."""
_MOST_QUEUED: Final = 16
"""Requests that may wait on one connection for the answer to an earlier one."""
_LONGEST_FORWARDED: Final = 512
"""What is looked at of X-Forwarded-For, from its end."""


class _Incoming(Enum):
    """What the connection waits for."""

    NOTHING = auto()
    """A request, after one that is whole; uvicorn's own timer ends that."""
    HEADERS = auto()
    BODY = auto()


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits. `limited(connections)` makes the class that a server takes."""

    shared: ClassVar[Connections]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url, self.headers = b"", []
        self._incoming = _Incoming.HEADERS
        self._since = 0.0
        """When that began, as the shared clock has it."""
        self._piece = 0
        """How much the piece has that is being parsed."""
        self._first, self._later = 0, 0
        """How much the piece had in which the headers began, perhaps behind an earlier body; how much came after it."""
        self._body = 0
        self._around = 0
        """How much has come that is no body, but around it: sizes of chunks, their extensions, trailers. Each byte of
        the body pays for some."""
        self._answering: RequestResponseCycle | None = None
        """The request that is being answered; `cycle` is the latest."""
        self._held: deque[str] = deque()
        """The addresses that this connection, or each of its requests, is counted for."""
        self._is_of_proxy = False
        self._unsent, self._unsent_since = 0, 0.0
        self._closing_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = self.client[0] if self.client else ""
        try:
            self.shared.enter(self)
            self._since = self.shared.now
            self._is_of_proxy = self.shared.is_proxy(peer)
            if not self._is_of_proxy:
                self._hold(household_of(peer))
        except Refused as refused:
            self._refuse(refused.problem)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.shared.leave(self)
        while self._held:
            self.shared.release(self._held.popleft())
        self._unset_keepalive_if_required()  # uvicorn leaves it, and all that hangs on it, after a reset
        if self._answering is not None:  # uvicorn tells only the latest request
            self._answering.disconnected = True
            self._answering.message_event.set()

    def data_received(self, data: bytes) -> None:
        self._piece = len(data)
        if self._incoming is _Incoming.HEADERS:
            self._later += self._piece
        elif self._incoming is _Incoming.BODY:
            self._around += self._piece
        try:
            self.parser.feed_data(data)
            self._check()
        except httptools.HttpParserUpgrade:
            pass  # nothing is upgraded to: the request is answered as it is
        except Refused as refused:
            self._refuse(refused.problem)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem if isinstance(cause, Refused) else _MALFORMED)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        if self._incoming is not _Incoming.HEADERS:  # a new connection has waited for its first since it was made
            self._incoming, self._since = _Incoming.HEADERS, self.shared.now
        self._first, self._later = self._piece, 0

    def on_headers_complete(self) -> None:
        self._check_headers()
        if self._is_of_proxy:
            self._hold(self._caller())
        super().on_headers_complete()
        self._incoming, self._body, self._around = _Incoming.BODY, 0, 0
        self.headers = []  # where trailers come: they are not the request's headers
        if not self.pipeline:
            self._answering = self.cycle
        elif len(self.pipeline) > _MOST_QUEUED:
            raise Refused(_MALFORMED)

    def on_body(self, body: bytes) -> None:
        size = len(body)
        self._body += size
        self._around = max(0, self._around - _MOST_AROUND * size)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._incoming = _Incoming.NOTHING

    def on_response_complete(self) -> None:
        following = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        self._answering = following
        if self._is_of_proxy and self._held:
            self.shared.release(self._held.popleft())
        if following is None:
            self.cycle.body = bytearray()  # what nobody has read would stay until the next request

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent, self._unsent_since = self.transport.get_write_buffer_size(), self.shared.now

    def look(self) -> None:
        """End the connection where its time is up. It is called at every tick."""
        now, limits = self.shared.now, self.shared.limits
        if self.transport.is_closing():
            if self._closing_since is None:
                self._closing_since = now
            elif now - self._closing_since > _CLOSING_S:
                self.transport.abort()
            return
        if self._incoming is _Incoming.HEADERS and now - self._since > limits.header_timeout_s:
            self._time_out(_HEADERS_LATE)
        elif self._incoming is _Incoming.BODY:
            if self.flow.read_paused:
                self._since += TICK_S  # it is we who take our time
            elif now - self._since > limits.body_grace_s + self._body / limits.body_min_bytes_per_s:
                self._time_out(_BODY_LATE)
        if self.flow.write_paused:
            left = self.transport.get_write_buffer_size()
            if left != self._unsent:
                self._unsent, self._unsent_since = left, now
            elif now - self._unsent_since > limits.stalled_after_s:
                self.transport.abort()

    def _check(self) -> None:
        """Raise Refused for what is too much after a piece; read no more of a body than somebody has asked for."""
        if self._incoming is _Incoming.HEADERS:
            self._check_headers()
        elif self._incoming is _Incoming.BODY:
            limits = self.shared.limits
            if self._around > limits.max_header_bytes or len(self.headers) > limits.max_headers:
                raise Refused(_MALFORMED)
            if not self.cycle.response_complete:
                if self.cycle.body and not self.transport.is_closing():
                    self.flow.pause_reading()
            elif self._body > self.shared.longest_body:
                self.transport.close()

    def _check_headers(self) -> None:
        limits = self.shared.limits
        if len(self.headers) <= limits.max_headers and self._first + self._later <= limits.max_header_bytes:
            return
        parsed = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        # The parser gives only whole headers: a long one shows by what has come.
        if len(self.headers) > limits.max_headers or max(parsed, self._later) > limits.max_header_bytes:
            raise Refused(
                HeadersTooLarge(
                    "headers_too_large",
                    f"the first line and the headers have more than {limits.max_header_bytes} bytes, or there are "
                    f"more than {limits.max_headers} headers",
                    hint="Send what is long in the body.",
                )
            )

    def _hold(self, household: str) -> None:
        self.shared.hold(household)
        self._held.append(household)

    def _caller(self) -> str:
        forwarded = b""
        for name, value in self.headers:
            if name == b"x-forwarded-for":
                forwarded += b"," + value
        return self.shared.caller_behind(self.client[0] if self.client else "", forwarded[-_LONGEST_FORWARDED:])

    def _time_out(self, problem: Problem) -> None:
        if self._first:
            self._refuse(problem)
        else:
            self.transport.close()  # a connection that has never asked for anything

    def _refuse(self, problem: Problem) -> None:
        """Answer a problem and close; only close where an answer has begun: this would be taken for a part of it."""
        raw, answering = self.shared.answer(problem), self._answering
        if answering is not None and not answering.response_complete:
            answering.disconnected = True
            answering.message_event.set()
        if (answering is None or not answering.response_started or answering.response_complete) and not self.pipeline:
            self.transport.write(raw)
        self.transport.close()


_MALFORMED = BadInput(
    "request_malformed", "this is not a request of HTTP/1.1 that can be read", hint="Send one that is, and wait for it."
)
_HEADERS_LATE = TimedOut("headers_late", "the headers have not arrived in time", hint="Send the request at once.")
_BODY_LATE = TimedOut("body_late", "the body has not arrived in time", hint="Send it again, without pauses.")


def limited(connections: Connections) -> type[LimitedProtocol]:
    """Return the protocol for one server, to be given to uvicorn as `http`."""
    return type("ServerProtocol", (LimitedProtocol,), {"shared": connections})
